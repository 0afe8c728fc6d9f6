"""The development community of this machine: what runs when nobody has set anything up.

Everything lives below `felles-data` in the working directory: databases, documents, and a
certificate authority of its own with one certificate for each actor and one for the command.
"""

from pathlib import Path

from hub.settings import DATA, TlsSettings

ACTORS = ("registry", "repository", "gateway", "client")


def certificates(data: Path = DATA) -> Path:
    """Return the folder of the development certificates."""
    return data / "certs"


def development_tls(actor: str, data: Path = DATA) -> TlsSettings:
    """Return where the development certificate of an actor is, whether it is there or not."""
    folder = certificates(data)
    return TlsSettings(
        certificate=folder / f"{actor}.pem",
        key=folder / f"{actor}.key",
        authorities=folder / "ca.pem",
    )
