"""Scrubbing: reads every document that is kept, and finds those that are not what was stored.

```text
index ─▶ held blobs, by key ─▶ read and hashed ─▶ sound
                                 │ not there    ─▶ missing
                                 │ other bytes  ─▶ altered: into the quarantine
store ─▶ all blobs ─▶ held by nobody ─▶ orphans, which are the sweeper's
```

It runs beside a repository that works. A document may be removed while it is looked at, so what is
found wrong is looked at once more, and only counts if a document still holds it. An altered blob is
moved aside and never deleted: ITI-43 then answers that the document is missing or damaged, and
whoever provides the same content again heals it, since that is stored anew.
"""

import hashlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeAlias

from ihe.errors import Unavailable
from repository.blobs.content import AlteredBlob
from repository.blobs.port import Blobs
from repository.index import HeldBlob, Index, batches

PAGE: Final = 200
"""Blobs that are asked for at once."""


class Verdict(StrEnum):
    """What was found of a blob."""

    SOUND = "sound"
    MISSING = "missing"
    ALTERED = "altered"
    WRONG_SIZE = "wrong size"
    CONTRADICTED = "contradicted"
    GONE = "removed meanwhile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubbed:
    """What was found so far.

    Parameters
    ----------
    after
        The last key that was looked at.
    sound, octets
        Blobs that are as they were stored, and octets that were read.
    missing, altered, wrong_size
        Blobs that documents hold and that are not there, have other bytes (all of which are in
        the quarantine now), or are right but of another size than a document says.
    contradicted
        Blobs of which the index says two things: of size, of SHA-1, or that it is being deleted.
    """

    after: str = ""
    sound: int = 0
    octets: int = 0
    missing: int = 0
    altered: int = 0
    wrong_size: int = 0
    contradicted: int = 0

    @property
    def wrong(self) -> int:
        """How many blobs something is wrong with."""
        return self.missing + self.altered + self.wrong_size + self.contradicted

    def plus(self, key: str, verdict: Verdict, octets: int) -> "Scrubbed":
        """Return this with one blob more."""
        return replace(
            self,
            after=key,
            octets=self.octets + octets,
            sound=self.sound + (verdict is Verdict.SOUND),
            missing=self.missing + (verdict is Verdict.MISSING),
            altered=self.altered + (verdict is Verdict.ALTERED),
            wrong_size=self.wrong_size + (verdict is Verdict.WRONG_SIZE),
            contradicted=self.contradicted + (verdict is Verdict.CONTRADICTED),
        )


Read: TypeAlias = Callable[[int], None]
"""Called with the number of octets that were just read."""


def scrub(
    index: Index,
    blobs: Blobs,
    *,
    begun: Scrubbed | None = None,
    sample: float = 1.0,
    read: Read = lambda _octets: None,
) -> Iterator[tuple[str, Verdict, Scrubbed]]:
    """Yield each blob that was looked at, what it is, and what was found until then.

    Parameters
    ----------
    begun
        What an earlier round yielded last, to go on from there.
    sample
        Which part of the blobs to look at, taken at random.

    Raises
    ------
    Unavailable
        The index or the blobs do not answer; what was yielded holds.
    """
    found = begun or Scrubbed()
    after = found.after
    while page := index.blobs_after(after, PAGE):
        for held in page:
            after = held.key
            if sample < 1 and random.random() >= sample:  # noqa: S311  # a sample is no secret
                continue
            verdict, octets = _judge(held, index, blobs, read)
            found = found.plus(held.key, verdict, octets)
            yield held.key, verdict, found


def orphans(index: Index, blobs: Blobs) -> int:
    """Return how many blobs are in the store and held by no document."""
    count = 0
    for batch in batches((info.key for info in blobs.list()), PAGE):
        suspects = set(batch) - index.held(batch)
        # what has been held since, or was deleted, is none
        count += sum(blobs.stat(key) is not None for key in suspects - index.held(suspects))
    return count


def limited_to(rate: int) -> Read:
    """Return what waits until so many octets a second were read on average, at the most."""
    begun, total = time.monotonic(), 0

    def read(octets: int) -> None:
        nonlocal total
        total += octets
        ahead = begun + total / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)

    return read


def _judge(held: HeldBlob, index: Index, blobs: Blobs, read: Read) -> tuple[Verdict, int]:
    verdict, octets = look(held, blobs, read)
    if verdict is Verdict.SOUND:
        return verdict, octets
    if verdict in {Verdict.MISSING, Verdict.ALTERED}:
        seen = blobs.stat(held.key)  # before the second look: what comes later is another one
        verdict, again = look(held, blobs, read)
        octets += again
        if verdict is Verdict.ALTERED and seen is not None and not blobs.set_aside(seen):
            verdict, again = look(held, blobs, read)
            octets += again
    if held.key not in index.held([held.key]):
        return Verdict.GONE, octets
    return verdict, octets


def look(held: HeldBlob, blobs: Blobs, read: Read) -> tuple[Verdict, int]:
    """Return what a blob is and how many octets were read of it.

    Raises
    ------
    Unavailable
        The engine does not answer.
    """
    content = blobs.read(held.key)
    if content is None:
        return Verdict.MISSING, 0
    sha1, octets = hashlib.sha1(usedforsecurity=False), 0
    try:
        for chunk in content.chunks():
            sha1.update(chunk)
            octets += len(chunk)
            read(len(chunk))
    except AlteredBlob:
        return Verdict.ALTERED, octets
    except Unavailable:
        if blobs.stat(held.key) is None:  # it was deleted while it was read
            return Verdict.MISSING, octets
        raise
    if len(held.facts) > 1 or not held.live:
        return Verdict.CONTRADICTED, octets
    ((size, digest),) = held.facts
    if size != octets:
        return Verdict.WRONG_SIZE, octets
    return (Verdict.SOUND if digest == sha1.hexdigest() else Verdict.CONTRADICTED), octets
