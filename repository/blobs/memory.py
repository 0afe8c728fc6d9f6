"""Documents in memory, for tests: the port at its plainest."""

import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

from ihe.messages import CHUNK
from repository.blobs.content import CheckedContent
from repository.blobs.port import BlobInfo


class _Staged:
    def __init__(self, store: "MemoryBlobs", data: bytes) -> None:
        self._store, self._data = store, data
        self.size = len(data)
        self.sha1 = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        self.sha256 = hashlib.sha256(data).hexdigest()

    def chunks(self) -> Iterator[bytes]:
        return _pieces(self._data)

    def commit(self) -> str:
        with self._store.lock:
            self._store.blobs[self.sha256] = (self._data, datetime.now(UTC))  # noqa: TID251  # an engine dates what it stores
        return self.sha256

    def discard(self) -> None:
        self._store.staged.discard(self)


class _Writer:
    def __init__(self, store: "MemoryBlobs") -> None:
        self._store, self._data = store, bytearray()

    def write(self, data: bytes) -> None:
        self._data += data

    def finish(self) -> _Staged:
        staged = _Staged(self._store, bytes(self._data))
        self._store.staged.add(staged)
        return staged

    def discard(self) -> None:
        self._data.clear()


class MemoryBlobs:
    """Keeps documents as long as the process lives; implements `Blobs`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.blobs: dict[str, tuple[bytes, datetime]] = {}
        self.staged: set[_Staged] = set()
        self.quarantine: dict[str, bytes] = {}

    def open(self) -> _Writer:
        """Stage a new document."""
        return _Writer(self)

    def read(self, key: str) -> CheckedContent | None:
        """Return a blob's content."""
        found = self.blobs.get(key)
        if found is None:
            return None
        size = len(found[0])
        return CheckedContent(key, size, lambda: _pieces(self.blobs[key][0]))

    def stat(self, key: str) -> BlobInfo | None:
        """Return what is known of a blob."""
        found = self.blobs.get(key)
        return BlobInfo(key, len(found[0]), found[1]) if found else None

    def delete(self, key: str) -> None:
        """Delete a blob."""
        with self.lock:
            self.blobs.pop(key, None)

    def set_aside(self, seen: BlobInfo) -> bool:
        """Move an altered blob out of the way."""
        with self.lock:
            if self.stat(seen.key) != seen:
                return False
            self.quarantine[seen.aside] = self.blobs.pop(seen.key)[0]
        return True

    def list(self) -> Iterator[BlobInfo]:
        """Yield all blobs."""
        with self.lock:
            present = list(self.blobs.items())
        for key, (data, stored) in present:
            yield BlobInfo(key, len(data), stored)

    def clean(self, before: datetime) -> int:  # noqa: ARG002  # what is staged in memory has no age
        """Do nothing: what is staged dies with the process."""
        return 0

    def ready(self) -> None:
        """Return at once."""

    def close(self) -> None:
        """Do nothing."""


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]
