"""Scrubbing: rot is found, set aside and healed, on each engine, beside a repository that works."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from ihe.datatypes import Identifier
from ihe.errors import ErrorCode
from ihe.messages import DocumentRequest, RemoveDocumentsRequest
from repository import iti86
from repository.blobs.filesystem import FilesystemBlobs
from repository.blobs.memory import MemoryBlobs
from repository.blobs.port import BlobInfo, Blobs
from repository.blobs.s3 import PREFIX, QUARANTINE, S3Blobs, parse_bucket
from repository.index import Index
from repository.scrubbing import Scrubbed, Verdict, orphans, scrub
from tests import samples
from tests.object_stores import s3_url  # noqa: F401  # a fixture
from tests.repository.blobs.contract import store
from tests.repository.scene import OWN, Scene, sqlite_index

LETTER, IMAGE = b"a letter", b"an image" * 100_000


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with sqlite_index(tmp_path) as index:
        yield index


@pytest.fixture(params=["memory", "files", pytest.param("s3", marks=pytest.mark.s3)])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blobs]:
    match request.param:
        case "memory":
            yield MemoryBlobs()
        case "files":
            yield FilesystemBlobs(tmp_path / "documents")
        case _:
            new: Callable[[], str] = request.getfixturevalue("s3_url")
            with closing(S3Blobs(parse_bucket(new()), tmp_path / "staging")) as blobs:
                blobs.ready()
                yield blobs


def rot(blobs: Blobs, key: str, data: bytes) -> None:
    """Let a blob have other bytes than were stored, behind the engine's back."""
    match blobs:
        case MemoryBlobs():
            blobs.blobs[key] = (data, blobs.blobs[key][1])
        case FilesystemBlobs():
            (blobs.root / "blobs" / key[:2] / key).write_bytes(data)
        case S3Blobs():
            blobs._client.put_object(blobs.bucket.name, PREFIX + key, BytesIO(data), len(data))
        case _:
            raise AssertionError(blobs)


def quarantine(blobs: Blobs) -> list[bytes]:
    """Return what was set aside."""
    match blobs:
        case MemoryBlobs():
            return list(blobs.quarantine.values())
        case FilesystemBlobs():
            return [path.read_bytes() for path in blobs.root.glob("quarantine/*")]
        case S3Blobs():
            name = blobs.bucket.name
            names = [each.object_name for each in blobs._client.list_objects(name, QUARANTINE)]
            return [blobs._client.get_object(name, str(each)).data for each in names]
        case _:
            raise AssertionError(blobs)


def rot_at_rest(blobs: Blobs, key: str) -> None:
    """Alter a byte in place, as a disk does: the file stays the same one, of the same age."""
    assert isinstance(blobs, FilesystemBlobs)
    path = blobs.root / "blobs" / key[:2] / key
    with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
        age = os.fstat(file.fileno())
        file.write(b"A")
        file.flush()
        os.utime(file.fileno(), ns=(age.st_atime_ns, age.st_mtime_ns))


def result(scene: Scene, begun: Scrubbed | None = None) -> Scrubbed:
    found = begun or Scrubbed()
    for _key, _verdict, latest in scrub(scene.repository.index, scene.blobs, begun=begun):
        found = latest
    return found


def key_of(scene: Scene, number: int) -> str:
    unique_id = samples.entry(number).unique_id or ""
    return scene.repository.index.find([unique_id])[unique_id].key


def unique_id(number: int) -> str:
    return str(samples.entry(number).unique_id)


def statement(tmp_path: Path, sql: str) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/repository.sqlite")
    with engine.begin() as connection:
        connection.execute(text(sql))
    engine.dispose()


def test_sound_documents_are_all_read(index: Index, blobs: Blobs) -> None:
    scene = Scene(index, blobs)
    scene.provide(LETTER, IMAGE, b"")
    scene.provide(LETTER, first=7)  # the same content: one blob
    found = result(scene)
    assert (found.sound, found.wrong) == (3, 0)
    assert found.octets == len(LETTER) + len(IMAGE)
    assert index.extent() == (3, len(LETTER) + len(IMAGE))


@pytest.mark.parametrize("other", [b"A letter", b"a lette", b"a letter, longer", b""])
def test_an_altered_document_is_set_aside_refused_and_healed(
    index: Index, blobs: Blobs, other: bytes
) -> None:
    scene = Scene(index, blobs)
    scene.provide(LETTER, IMAGE)
    key = key_of(scene, 1)
    rot(blobs, key, other)
    found = result(scene)
    assert (found.sound, found.altered, found.wrong) == (1, 1, 1)
    assert quarantine(blobs) == [other], "never deleted"
    refused = scene.retrieve(unique_id(1))
    assert [each.code for each in refused.errors] == [ErrorCode.REPOSITORY_ERROR]
    assert "missing or damaged" in refused.errors[0].context
    assert result(scene).missing == 1, "what was set aside is missing now"
    assert scene.provide(LETTER, first=9).ok
    assert scene.bytes_of(unique_id(1)) == scene.bytes_of(unique_id(9)) == LETTER
    assert result(scene).wrong == 0
    assert quarantine(blobs) == [other]


def test_the_same_content_heals_rot_that_nobody_has_found(index: Index, blobs: Blobs) -> None:
    scene = Scene(index, blobs)
    scene.provide(LETTER)
    rot(blobs, key_of(scene, 1), b"A letter")
    assert scene.provide(LETTER, first=2).ok
    assert scene.bytes_of(unique_id(1)) == LETTER
    assert result(scene).wrong == 0


def test_a_missing_document_is_told(index: Index, blobs: Blobs) -> None:
    scene = Scene(index, blobs)
    scene.provide(LETTER, IMAGE)
    blobs.delete(key_of(scene, 2))
    found = result(scene)
    assert (found.sound, found.missing, found.wrong) == (1, 1, 1)


def test_orphans_are_counted_and_left(index: Index, blobs: Blobs) -> None:
    scene = Scene(index, blobs)
    scene.provide(LETTER)
    stray = store(blobs, b"of nobody")
    assert orphans(index, blobs) == 1
    assert result(scene).wrong == 0
    assert blobs.stat(stray) is not None


@pytest.mark.parametrize(
    ("sql", "verdict"),
    [
        ("UPDATE holding SET size = size + 1", Verdict.WRONG_SIZE),
        ("UPDATE holding SET sha1 = 'another'", Verdict.CONTRADICTED),
        ("UPDATE holding SET size = 1 WHERE id = 1", Verdict.CONTRADICTED),
        ("UPDATE blob SET state = 'deleting'", Verdict.CONTRADICTED),
    ],
)
def test_an_index_that_is_wrong_is_told_and_the_document_stays(
    index: Index, tmp_path: Path, sql: str, verdict: Verdict
) -> None:
    scene = Scene(index)
    scene.provide(LETTER)
    scene.provide(LETTER, first=2)
    statement(tmp_path, sql)
    assert [each[1] for each in scrub(index, scene.blobs)] == [verdict]
    assert scene.blob_count() == 1


def test_one_unique_id_with_two_contents_is_told(index: Index, tmp_path: Path) -> None:
    scene = Scene(index)
    scene.provide(LETTER, IMAGE)
    assert index.ambiguous() == 0
    statement(tmp_path, "UPDATE holding SET unique_id = '2.25.1'")
    assert index.ambiguous() == 1


def test_a_round_goes_on_where_it_was(index: Index) -> None:
    scene = Scene(index)
    scene.provide(*(b"document %d" % number for number in range(10)))
    rounds = scrub(index, scene.blobs)
    begun = [next(rounds)[2] for _ in range(4)][-1]
    rest = list(scrub(index, scene.blobs, begun=begun))
    assert len(rest) == 6
    assert rest[-1][2].sound == 10


def test_a_document_that_is_removed_meanwhile_is_not_wrong(index: Index) -> None:
    scene = Scene(index)
    scene.provide(LETTER, IMAGE)
    rounds = scrub(index, scene.blobs)
    first = next(rounds)[0]
    other = 1 if key_of(scene, 1) != first else 2
    wanted = DocumentRequest(OWN, Identifier(unique_id(other)))
    iti86.handle(RemoveDocumentsRequest((wanted,)), scene.call, scene.repository)
    ((_key, verdict, found),) = rounds
    assert (verdict, found.wrong) == (Verdict.GONE, 0)


class _Healed(MemoryBlobs):
    """Somebody provides the same content just before a blob is set aside."""

    def set_aside(self, seen: BlobInfo) -> bool:
        store(self, LETTER)
        return super().set_aside(seen)


def test_a_document_that_is_healed_meanwhile_stays(index: Index) -> None:
    scene = Scene(index, _Healed())
    scene.provide(LETTER)
    rot(scene.blobs, key_of(scene, 1), b"A letter")
    assert result(scene).wrong == 0
    assert scene.bytes_of(unique_id(1)) == LETTER
    assert quarantine(scene.blobs) == []


def test_a_sample_is_a_part(index: Index) -> None:
    scene = Scene(index)
    scene.provide(*(b"document %d" % number for number in range(60)))
    looked = sum(1 for _ in scrub(index, scene.blobs, sample=0.5))
    assert 0 < looked < 60  # either end by chance: once in 2^59


def test_a_repository_at_work_is_never_harmed_by_scrubbing(index: Index, tmp_path: Path) -> None:
    """Documents come and go, with one content in common that rots again and again."""
    scene = Scene(index, FilesystemBlobs(tmp_path / "documents"))
    scene.provide(LETTER)
    key = key_of(scene, 1)
    ended = threading.Event()
    failures: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 25):
                assert scene.provide(LETTER, b"document %d" % number, first=2 * number).ok
                if number % 2:
                    wanted = DocumentRequest(OWN, Identifier(unique_id(2 * number + 1)))
                    iti86.handle(RemoveDocumentsRequest((wanted,)), scene.call, scene.repository)
        except BaseException as failure:  # noqa: BLE001  # shown below
            failures.append(failure)

    def scrub_on() -> None:
        try:
            while not ended.is_set():
                result(scene)
                orphans(index, scene.blobs)
                scene.sweep()
        except BaseException as failure:  # noqa: BLE001  # shown below
            failures.append(failure)

    workers = [threading.Thread(target=work, args=(first,)) for first in (100, 200)]
    scrubbers = [threading.Thread(target=scrub_on) for _ in range(2)]
    for thread in (*workers, *scrubbers):
        thread.start()
    while any(thread.is_alive() for thread in workers):
        rot_at_rest(scene.blobs, key)
        workers[0].join(0.02)
    for thread in workers:
        thread.join()
    ended.set()
    for thread in scrubbers:
        thread.join()
    assert not failures
    assert scene.provide(LETTER, first=2).ok, "whatever rotted last is healed"
    assert scene.bytes_of(unique_id(1)) == LETTER
    found = result(scene)
    assert (found.wrong, found.sound, orphans(index, scene.blobs)) == (0, 26 + 1, 0)
