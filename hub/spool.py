"""Attachments kept in temporary files, hashed on the way: for clients and for what passes through.

Small ones stay in memory; a large one goes to an unnamed file, which the system removes with the
process, however that ends.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from typing import IO, Final

from ihe.errors import Unavailable
from ihe.messages import CHUNK

IN_MEMORY: Final = 256 * 1024
"""Octets up to which an attachment is not worth a file."""


class Spooled:
    """A whole attachment in a temporary file; implements `StagedContent`."""

    def __init__(self, file: IO[bytes], size: int, sha1: str, sha256: str) -> None:
        self._file = file
        self.size, self.sha1, self.sha256 = size, sha1, sha256

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes from the start; one reader at a time."""
        self._file.seek(0)
        while chunk := self._file.read(CHUNK):
            yield chunk

    def discard(self) -> None:
        """Close the file, which removes it."""
        self._file.close()


class Spool:
    """An attachment while it comes in; implements `PartSink`."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # closed by discard
        self._size = 0
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Take the next bytes; raises `Unavailable` when the disk does not."""
        try:
            self._file.write(data)
        except OSError as failure:
            raise Unavailable("temporary storage", failure.strerror or "") from failure
        self._size += len(data)
        self._sha1.update(data)
        self._sha256.update(data)

    def finish(self) -> Spooled:
        """Return the whole."""
        return Spooled(self._file, self._size, self._sha1.hexdigest(), self._sha256.hexdigest())

    def discard(self) -> None:
        """Close the file, which removes it."""
        self._file.close()
