"""Moving documents from one engine to another, while the repository goes on with the first.

```text
pass 1   every held blob  ─▶ read from the source, hashed on the way, committed to the target
pass 2   what came meanwhile, and so on until a pass finds nothing to copy
         the operator switches the setting and restarts; one more pass for what came in between
```

A blob is in the target whole or not at all (its name is its hash, and `commit` is atomic), so what
is there already need not be copied again, and a move can be ended at any moment and begun anew.
Nothing is deleted but by `delete_moved`, and that only for what was just read from the target.
"""

import os
from collections.abc import Iterator
from enum import StrEnum

from ihe.errors import Unavailable
from ihe.messages import Content
from repository.blobs.content import AlteredBlob
from repository.blobs.port import Blobs
from repository.index import HeldBlob, Index
from repository.scrubbing import PAGE, Read, Verdict, look


class Moved(StrEnum):
    """What became of a blob."""

    COPIED = "copied"
    THERE = "there already"
    MISSING = "missing"
    ALTERED = "altered"
    GONE = "removed meanwhile"


def copy_all(
    index: Index, source: Blobs, target: Blobs, *, read: Read, dry: bool = False
) -> Iterator[tuple[HeldBlob, Moved]]:
    """Copy every blob that documents hold; yield what became of each.

    Parameters
    ----------
    read
        Called with octets as they are copied.
    dry
        Whether only to tell; what would be copied is not read, so rot is not found.

    Raises
    ------
    Unavailable
        The index or an engine do not answer; what was yielded holds.
    """
    for held in _all(index):
        moved = _copy(held, source, target, read, dry=dry)
        if moved in {Moved.MISSING, Moved.ALTERED} and not index.held([held.key]):
            moved = Moved.GONE
        yield held, moved


def verify_all(index: Index, target: Blobs, *, read: Read) -> Iterator[tuple[HeldBlob, Moved]]:
    """Read every blob that documents hold from the target; yield what is there of each."""
    for held in _all(index):
        verdict, _octets = look(held, target, read)
        match verdict:
            case Verdict.MISSING | Verdict.ALTERED if not index.held([held.key]):
                yield held, Moved.GONE
            case Verdict.MISSING:
                yield held, Moved.MISSING
            case Verdict.ALTERED:
                yield held, Moved.ALTERED
            case _:  # what else the index says of it makes no other bytes
                yield held, Moved.THERE


def delete_moved(index: Index, source: Blobs, target: Blobs) -> int:
    """Delete from the source what documents hold and the target has; return how many blobs.

    To be called after `verify_all` found everything there, and when the repository runs on the
    target. What no document holds is left: nobody has looked whether the target has it.
    """
    deleted = 0
    for held in _all(index):
        old, new = source.stat(held.key), target.stat(held.key)
        if old is not None and new is not None and old.size == new.size:
            source.delete(held.key)
            deleted += 1
    return deleted


def are_one(source: Blobs, target: Blobs) -> bool:
    """Tell whether two engines keep their blobs in one place, whatever their names say.

    Something is stored in one, and looked for in the other.
    """
    writer = target.open()
    writer.write(os.urandom(32))
    probe = writer.finish()
    try:
        key = probe.commit()
        try:
            return source.stat(key) is not None
        finally:
            target.delete(key)
    finally:
        probe.discard()


def _all(index: Index) -> Iterator[HeldBlob]:
    after = ""
    while page := index.blobs_after(after, PAGE):
        yield from page
        after = page[-1].key


def _copy(held: HeldBlob, source: Blobs, target: Blobs, read: Read, *, dry: bool) -> Moved:
    there = target.stat(held.key)
    if there is not None and there.size == held.size:
        return Moved.THERE
    content = source.read(held.key)
    if content is None:
        return Moved.MISSING if there is None else Moved.THERE
    if there is not None and there.size == content.size:
        return Moved.THERE
    return Moved.COPIED if dry else _transfer(content, source, target, held.key, read)


def _transfer(content: Content, source: Blobs, target: Blobs, key: str, read: Read) -> Moved:
    """Store a content of the source in the target, whole or not at all."""
    writer = target.open()
    try:
        for chunk in content.chunks():
            writer.write(chunk)
            read(len(chunk))
        staged = writer.finish()
        try:
            staged.commit()
        finally:
            staged.discard()
    except AlteredBlob:
        return Moved.ALTERED
    except Unavailable:
        if source.stat(key) is None:  # it was deleted while it was read
            return Moved.MISSING
        raise
    finally:
        writer.discard()
    return Moved.COPIED
