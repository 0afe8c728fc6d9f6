"""Attachments kept in temporary files, hashed on the way: for clients and for what passes through.

Small ones stay in memory; a large one goes to an unnamed file, which the system removes with the
process, however that ends. Nothing is buffered on the way to the file, so that a full disk is told
where the bytes are written and nowhere else.
"""

import hashlib
import io
import tempfile
from collections.abc import Iterator
from typing import IO, Final

from ihe.errors import Unavailable
from ihe.messages import CHUNK

IN_MEMORY: Final = 256 * 1024
"""Octets up to which an attachment is not worth a file."""
_WHAT: Final = "temporary storage"


class Spooled:
    """A whole attachment in memory or in a temporary file; implements `StagedContent`."""

    def __init__(self, file: IO[bytes], size: int, sha1: str, sha256: str) -> None:
        self._file = file
        self.size, self.sha1, self.sha256 = size, sha1, sha256

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes from the start; one reader at a time. Raises `Unavailable`."""
        try:
            self._file.seek(0)
            while chunk := self._file.read(CHUNK):
                yield chunk
        except OSError as failure:
            raise Unavailable.of(_WHAT, failure) from failure

    def discard(self) -> None:
        """Close the file, which removes it."""
        self._file.close()


class Spool:
    """An attachment while it comes in; implements `PartSink`.

    Parameters
    ----------
    in_memory
        Octets up to which it stays in memory.
    """

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._in_memory = in_memory
        self._file: IO[bytes] = io.BytesIO()
        self._size = 0
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Take the next bytes; raises `Unavailable` when the disk does not."""
        if self._size <= self._in_memory < self._size + len(data):
            self._to_disk()
        self._put(data)
        self._size += len(data)
        self._sha1.update(data)
        self._sha256.update(data)

    def _to_disk(self) -> None:
        """Go on in a file, with what is there so far."""
        with self._file as so_far:
            try:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # closed by discard
            except OSError as failure:
                raise Unavailable.of(_WHAT, failure) from failure
            so_far.seek(0)
            self._put(so_far.read())

    def _put(self, data: bytes) -> None:
        try:
            written = self._file.write(data)
            while written < len(data):
                written += self._file.write(data[written:])
        except OSError as failure:
            raise Unavailable.of(_WHAT, failure) from failure

    def finish(self) -> Spooled:
        """Return the whole."""
        return Spooled(self._file, self._size, self._sha1.hexdigest(), self._sha256.hexdigest())

    def discard(self) -> None:
        """Close the file, which removes it."""
        self._file.close()
