"""The development community of this machine: what runs when nobody has set anything up.

Everything lives below `felles-data` in the working directory: databases, documents, and a
certificate authority of its own with one certificate for each actor and one for the command.
"""

from pathlib import Path
from typing import Final

import certs
from hub.settings import DATA, TlsSettings

ACTORS: Final = ("registry", "repository", "gateway", "client")
CERTIFICATES: Final = DATA / "certs"


def tls_of(name: str, folder: Path = CERTIFICATES) -> TlsSettings:
    """Return the settings that use the certificate called `name`, whether it is there or not."""
    files = certs.files(folder, name)
    return TlsSettings(
        certificate=files.certificate,
        key=files.key,
        authorities=certs.files(folder, "ca").certificate,
    )
