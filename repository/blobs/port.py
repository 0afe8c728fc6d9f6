"""The port of the engines that keep documents' bytes.

A blob is named by the SHA-256 of its content, so equal content is kept once and every read can be
checked. Writing is in two steps: bytes are *staged* while they stream in, and `commit` makes them
durable and readable. Who commits and who deletes the same content at the same time is not the
engine's business: `repository.index` decides that before either is called.

Engines pass one contract suite (`tests/repository/blobs/`), and nobody but `repository.app` knows
which one runs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from hub.parts import PartSink, StagedContent
from ihe.messages import Content

_KEY: Final = re.compile("[0-9a-f]{64}")


def is_key(name: str) -> bool:
    """Tell whether a name is that of a blob; what else lies in a store is not the hub's."""
    return _KEY.fullmatch(name) is not None


class StagedBlob(StagedContent, Protocol):
    """A whole document that is staged: hashed, readable, not durable."""

    def commit(self) -> str:
        """Make the content durable and readable; return its key. May be called again.

        What is stored under the key already is replaced: it may have rotted since.

        Raises
        ------
        Unavailable
            The store does not take it; nothing is readable, and the staged bytes are still there.
        """
        ...


class BlobWriter(PartSink, Protocol):
    """A document while it comes in."""

    def finish(self) -> StagedBlob:
        """Say that the document is whole."""
        ...


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """What an engine knows of a blob: its key, size in octets, and when it was stored (UTC)."""

    key: str
    size: int
    stored: datetime

    @property
    def aside(self) -> str:
        """Its name in the quarantine, where the same key may come again."""
        return f"{self.key}-{self.stored:%Y%m%dT%H%M%S%f}"


class Blobs(Protocol):
    """Keeps documents' bytes by the SHA-256 of their content, 64 lower-case hex digits."""

    def open(self) -> BlobWriter:
        """Stage a new document.

        Raises
        ------
        Unavailable
            Nothing can be staged.
        """
        ...

    def read(self, key: str) -> Content | None:
        """Return a blob's content, None when there is none.

        `chunks` raises `AlteredBlob` instead of the last piece when the bytes that were stored
        are not the bytes that come back, and `Unavailable` when they stop coming. A blob that is
        deleted while it is read may do either, or be read to its end.
        """
        ...

    def stat(self, key: str) -> BlobInfo | None:
        """Return what is known of a blob, None when there is none."""
        ...

    def delete(self, key: str) -> None:
        """Delete a blob; one that is not there is passed over."""
        ...

    def set_aside(self, seen: BlobInfo) -> bool:
        """Move an altered blob out of the way, so that its content can be stored anew.

        Its bytes stay in the store, in the *quarantine*, under a name of their own; `read`, `stat`
        and `list` know nothing of them. False, and nothing changed, when the blob is not there or
        is not the one that was seen any more: whoever stored the same content since has healed it.
        """
        ...

    def list(self) -> Iterator[BlobInfo]:
        """Yield all blobs in any order; one that comes or goes meanwhile may be missed."""
        ...

    def clean(self, before: datetime) -> int:
        """Forget what was staged before a moment and never committed; return how many."""
        ...

    def ready(self) -> None:
        """Return when the engine answers; raise `Unavailable` when it does not."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
