"""Moving documents: what is removed, damaged or altered while it goes on."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ihe.datatypes import Identifier
from ihe.errors import Unavailable
from ihe.messages import DocumentRequest, RemoveDocumentsRequest
from repository import iti86
from repository.blobs.filesystem import FilesystemBlobs
from repository.blobs.memory import MemoryBlobs
from repository.blobs.port import Blobs
from repository.index import Index
from repository.moving import Moved, are_one, copy_all, delete_moved, verify_all
from tests import samples
from tests.repository.blobs.contract import store
from tests.repository.scene import OWN, Scene, sqlite_index


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with sqlite_index(tmp_path) as index:
        yield index


def copied(scene: Scene, target: Blobs) -> Counter[Moved]:
    index = scene.repository.index
    return Counter(each for _held, each in copy_all(index, scene.blobs, target, read=_pass))


def _pass(_octets: int) -> None:
    """Do nothing."""


def test_a_document_that_is_removed_while_it_is_read_is_not_missed(
    index: Index, tmp_path: Path
) -> None:
    scene, target = Scene(index, FilesystemBlobs(tmp_path / "documents")), MemoryBlobs()
    scene.provide(b"first", b"second")
    pairs = copy_all(index, scene.blobs, target, read=_pass)
    first, _moved = next(pairs)
    for number in (1, 2):
        unique_id = str(samples.entry(number).unique_id)
        if index.find([unique_id])[unique_id].key != first.key:
            wanted = DocumentRequest(OWN, Identifier(unique_id))
            iti86.handle(RemoveDocumentsRequest((wanted,)), scene.call, scene.repository)
    assert [moved for _held, moved in pairs] == [Moved.GONE]
    assert [each.key for each in target.list()] == [first.key]


def test_what_is_cut_short_in_the_target_is_copied_again(index: Index) -> None:
    scene, target = Scene(index), MemoryBlobs()
    scene.provide(b"first")
    assert copied(scene, target) == {Moved.COPIED: 1}
    (info,) = target.list()
    target.blobs[info.key] = (b"fir", info.stored)
    assert copied(scene, target) == {Moved.COPIED: 1}
    assert [moved for _held, moved in verify_all(index, target, read=_pass)] == [Moved.THERE]


def test_rot_in_the_target_is_found(index: Index) -> None:
    scene, target = Scene(index), MemoryBlobs()
    scene.provide(b"first", b"second")
    copied(scene, target)
    first, second = target.list()
    target.blobs[first.key] = (b"x" * first.size, first.stored)
    target.delete(second.key)
    found = Counter(moved for _held, moved in verify_all(index, target, read=_pass))
    assert found == {Moved.ALTERED: 1, Moved.MISSING: 1}


def test_only_what_the_target_has_is_deleted(index: Index) -> None:
    scene, target = Scene(index), MemoryBlobs()
    scene.provide(b"first", b"second")
    copied(scene, target)
    kept, _deleted = target.list()
    target.delete(kept.key)
    stray = store(scene.blobs, b"of nobody")
    assert delete_moved(index, scene.blobs, target) == 1
    assert {each.key for each in scene.blobs.list()} == {kept.key, stray}


def test_a_store_knows_itself_by_another_name(tmp_path: Path) -> None:
    one = FilesystemBlobs(tmp_path / "documents")
    (tmp_path / "link").symlink_to(tmp_path / "documents")
    assert are_one(one, FilesystemBlobs(tmp_path / "link"))
    assert not are_one(one, FilesystemBlobs(tmp_path / "other"))
    assert list(one.list()) == list(FilesystemBlobs(tmp_path / "other").list()) == []


def test_a_target_that_takes_nothing_ends_it(index: Index, tmp_path: Path) -> None:
    scene, target = Scene(index), FilesystemBlobs(tmp_path / "other")
    scene.provide(b"first")
    (tmp_path / "other" / "staging").rmdir()
    with pytest.raises(Unavailable, match="document folder"):
        copied(scene, target)
