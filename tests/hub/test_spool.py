import hashlib
import itertools
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.spool import IN_MEMORY, Spool
from ihe.errors import OutOfResources
from ihe.messages import CHUNK

SIZES = [0, 1, IN_MEMORY - 1, IN_MEMORY, IN_MEMORY + 1, 3 * CHUNK + 5]


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("piece", [1000, 70_000, 4 * CHUNK])
@pytest.mark.parametrize("size", SIZES)
def test_what_goes_in_comes_out_again_and_again(size: int, piece: int) -> None:
    content = bytes(itertools.islice(itertools.cycle(range(256)), size))
    spool = Spool()
    for start in range(0, size, piece):
        spool.write(content[start : start + piece])
    spooled = spool.finish()
    for _ in range(2):
        pieces = list(spooled.chunks())
        assert b"".join(pieces) == content
        assert all(0 < len(each) <= CHUNK for each in pieces)
    assert spooled.size == size
    assert spooled.sha1 == hashlib.sha1(content, usedforsecurity=False).hexdigest()
    assert spooled.sha256 == hashlib.sha256(content).hexdigest()
    spooled.discard()
    spooled.discard()


@pytest.fixture
def little_room() -> Iterator[None]:
    """Let no file grow beyond what is kept in memory and half as much again."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (IN_MEMORY * 3 // 2, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("piece", [1000, IN_MEMORY, 2 * IN_MEMORY])
def test_a_full_disk_is_told_once_and_leaves_nothing(little_room: None, piece: int) -> None:
    before = descriptors()
    spool = Spool()
    pieces = [bytes(piece)] * (2 * IN_MEMORY // piece + 1)
    with pytest.raises(OutOfResources, match="temporary storage"):
        list(map(spool.write, pieces))
    spool.discard()
    spool.discard()
    assert descriptors() == before


def test_a_large_attachment_is_not_held_in_memory() -> None:
    before = descriptors()
    spool = Spool()
    spool.write(bytes(IN_MEMORY))
    assert descriptors() == before
    spool.write(b"x")
    assert descriptors() == before + 1
    spool.discard()
    assert descriptors() == before
