"""What the tests of the Python client share, and look for afterwards."""

from collections.abc import Sequence
from pathlib import Path

from hub.client import Client, FileContent
from ihe import queries
from ihe.messages import CHUNK, RegistryResponse
from ihe.vocabulary import Status
from tests import samples

QUERY = queries.find_documents(samples.PATIENT, status=[Status.APPROVED])
CONTENTS = [b"first\r\n", b"", bytes(range(256)) * 4000, b"the last\r\n"]
assert len(CONTENTS[2]) > 3 * CHUNK


def submit(client: Client, contents: Sequence[FileContent]) -> RegistryResponse:
    """Share files; the entries say no size and no hash, which the repository finds out."""
    entries = [
        samples.entry(number, repository_unique_id=None, hash=None, size=None)
        for number, _content in enumerate(contents, 1)
    ]
    documents = {each.entry_uuid: content for each, content in zip(entries, contents, strict=True)}
    return client.submit(samples.submission(*entries), documents)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
