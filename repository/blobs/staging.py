"""Documents on their way in, hashed while they are written to a file of the staging folder.

Both engines on disk and on S3 stage here; they differ in what `commit` does with the file.
"""

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ihe.errors import Unavailable
from ihe.messages import CHUNK


class StagedFile:
    """A whole document in the staging folder; implements `StagedBlob`.

    Parameters
    ----------
    path
        Where its bytes are.
    size, sha1, sha256
        Of its bytes.
    commit
        Makes it durable under its key, given this object; may be called again.
    """

    def __init__(
        self,
        path: Path,
        size: int,
        sha1: str,
        sha256: str,
        commit: Callable[["StagedFile"], None],
    ) -> None:
        self.path, self.size, self.sha1, self.sha256 = path, size, sha1, sha256
        self._commit = commit
        self._committed = False

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes, before `commit` and `discard`."""
        return read_file(self.path)

    def commit(self) -> str:
        """Make the content durable and readable; return its key."""
        if not self._committed:
            self._commit(self)
            self._committed = True
        return self.sha256

    def discard(self) -> None:
        """Forget the staged bytes; what was committed stays."""
        self.path.unlink(missing_ok=True)


class StagingWriter:
    """A document while it comes in; implements `BlobWriter`."""

    def __init__(self, folder: Path, commit: Callable[[StagedFile], None], what: str) -> None:
        self._what, self._commit = what, commit
        self.path = folder / uuid.uuid1().hex
        try:
            self._file = self.path.open("xb", buffering=0)
        except OSError as failure:
            raise Unavailable.of(what, failure) from failure
        self._size = 0
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Take the next bytes; raises `Unavailable` when the disk does not."""
        try:
            written = self._file.write(data)
            while written < len(data):
                written += self._file.write(memoryview(data)[written:])
        except OSError as failure:
            raise Unavailable.of(self._what, failure) from failure
        self._size += len(data)
        self._sha1.update(data)
        self._sha256.update(data)

    def finish(self) -> StagedFile:
        """Return the whole document."""
        self._file.close()
        return StagedFile(
            self.path, self._size, self._sha1.hexdigest(), self._sha256.hexdigest(), self._commit
        )

    def discard(self) -> None:
        """Forget what came so far."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def read_file(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces of at most `CHUNK`."""
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def prepare(folder: Path, what: str) -> Path:
    """Make a folder for staging, unless it is there; raise `Unavailable` when it can't be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise Unavailable.of(what, failure) from failure
    return folder


def clean(folder: Path, before: datetime) -> int:
    """Remove files of the staging folder that were last written before a moment."""
    removed = 0
    for path in folder.iterdir():
        try:
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
                path.unlink()
                removed += 1
        except FileNotFoundError:  # whoever staged it has just let it go
            continue
    return removed


def sync_file(path: Path) -> None:
    """Make a file's content durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    sync_file(path)
