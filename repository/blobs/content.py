"""Content that is checked against its hash while it is read."""

import hashlib
from collections.abc import Callable, Iterator

from ihe.errors import HubError


class AlteredBlob(HubError):
    """What is stored is not what was: the key, which is a hash, names it and no patient."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"blob {key} is not what was stored")


class CheckedContent:
    """A stored blob's content; implements `Content`.

    Parameters
    ----------
    key
        SHA-256 that the content must have.
    size
        Octets that it must have.
    open_chunks
        Opens the stored bytes, in pieces.
    """

    def __init__(self, key: str, size: int, open_chunks: Callable[[], Iterator[bytes]]) -> None:
        self.key, self._size, self._open = key, size, open_chunks

    @property
    def size(self) -> int:
        """Octets."""
        return self._size

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes, each piece only when the next one is there or all are right.

        The last piece is held back until the hash is known to be right, so that altered content
        never arrives whole: whoever reads it sees it break off.

        Raises
        ------
        AlteredBlob
            The content is not what was stored.
        """
        digest, read = hashlib.sha256(), 0
        held = b""
        chunks = self._open()
        try:
            for chunk in chunks:
                digest.update(chunk)
                read += len(chunk)
                if read > self._size:
                    raise AlteredBlob(self.key)
                if held:
                    yield held
                held = chunk
        finally:
            if close := getattr(chunks, "close", None):
                close()
        if read != self._size or digest.hexdigest() != self.key:
            raise AlteredBlob(self.key)
        if held:
            yield held
