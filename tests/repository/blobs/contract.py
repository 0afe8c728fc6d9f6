"""What every engine of `repository.blobs.port.Blobs` must do."""

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ihe.messages import CHUNK
from repository.blobs.port import Blobs, StagedBlob

SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7]


def pattern(size: int, seed: int = 0) -> bytes:
    block = hashlib.sha256(str(seed).encode()).digest()
    return (block * (size // len(block) + 1))[:size]


def stage(blobs: Blobs, *pieces: bytes) -> StagedBlob:
    writer = blobs.open()
    for piece in pieces:
        writer.write(piece)
    return writer.finish()


def store(blobs: Blobs, data: bytes) -> str:
    staged = stage(blobs, data)
    key = staged.commit()
    staged.discard()
    return key


def joined(chunks: Iterable[bytes]) -> bytes:
    return b"".join(chunks)


class BlobsContract:
    """Tests of one engine, given by the fixture `blobs`: empty, and nobody else's."""

    @pytest.mark.parametrize("size", SIZES)
    def test_what_is_committed_is_read_back(self, blobs: Blobs, size: int) -> None:
        data = pattern(size)
        staged = stage(blobs, data[: size // 3], data[size // 3 :])
        assert staged.size == size
        assert staged.sha1 == hashlib.sha1(data, usedforsecurity=False).hexdigest()
        assert staged.sha256 == hashlib.sha256(data).hexdigest()
        assert joined(staged.chunks()) == data
        key = staged.commit()
        staged.discard()
        assert key == staged.sha256
        content = blobs.read(key)
        assert content is not None
        assert content.size == size
        pieces = list(content.chunks())
        assert joined(pieces) == data
        assert all(0 < len(piece) <= CHUNK for piece in pieces)
        assert joined(content.chunks()) == data, "a content can be read again"

    def test_what_is_staged_cannot_be_read(self, blobs: Blobs) -> None:
        staged = stage(blobs, b"letter")
        assert blobs.read(staged.sha256) is None
        assert blobs.stat(staged.sha256) is None
        assert list(blobs.list()) == []
        staged.discard()

    def test_discarding_leaves_nothing_and_may_be_repeated(self, blobs: Blobs) -> None:
        writer = blobs.open()
        writer.write(b"half")
        writer.discard()
        writer.discard()
        staged = stage(blobs, b"whole")
        staged.discard()
        staged.discard()
        assert list(blobs.list()) == []
        assert blobs.clean(datetime.now(UTC) + timedelta(days=1)) == 0

    def test_discarding_after_the_commit_keeps_the_blob(self, blobs: Blobs) -> None:
        key = store(blobs, b"letter")
        assert blobs.stat(key) is not None

    def test_a_commit_may_be_repeated(self, blobs: Blobs) -> None:
        staged = stage(blobs, b"letter")
        assert staged.commit() == staged.commit()
        staged.discard()
        assert [info.key for info in blobs.list()] == [staged.sha256]

    def test_equal_content_is_kept_once(self, blobs: Blobs) -> None:
        first, second = store(blobs, b"the same"), store(blobs, b"the same")
        assert first == second
        assert [(info.key, info.size) for info in blobs.list()] == [(first, 8)]

    def test_equal_content_may_be_committed_at_once(self, blobs: Blobs) -> None:
        data = pattern(2 * CHUNK)
        failures: list[BaseException] = []

        def work() -> None:
            try:
                for _ in range(5):
                    assert store(blobs, data) == hashlib.sha256(data).hexdigest()
            except BaseException as failure:  # noqa: BLE001  # shown below
                failures.append(failure)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        content = blobs.read(hashlib.sha256(data).hexdigest())
        assert content is not None
        assert joined(content.chunks()) == data

    def test_the_age_of_a_blob_is_known(self, blobs: Blobs) -> None:
        before = datetime.now(UTC) - timedelta(seconds=5)
        info = blobs.stat(store(blobs, b"letter"))
        assert info is not None
        assert before < info.stored < datetime.now(UTC) + timedelta(seconds=5)

    def test_a_deleted_blob_is_gone_and_may_be_stored_again(self, blobs: Blobs) -> None:
        key = store(blobs, b"letter")
        blobs.delete(key)
        blobs.delete(key)
        assert blobs.read(key) is None
        assert list(blobs.list()) == []
        assert store(blobs, b"letter") == key
        assert blobs.stat(key) is not None

    def test_a_blob_set_aside_is_gone_and_may_be_stored_again(self, blobs: Blobs) -> None:
        key = store(blobs, b"letter")
        seen = blobs.stat(key)
        assert seen is not None
        assert blobs.set_aside(seen)
        assert blobs.read(key) is None
        assert list(blobs.list()) == []
        assert not blobs.set_aside(seen), "it is not there any more"
        assert store(blobs, b"letter") == key
        content = blobs.read(key)
        assert content is not None
        assert joined(content.chunks()) == b"letter"

    def test_a_blob_that_is_not_the_one_seen_stays(self, blobs: Blobs) -> None:
        key = store(blobs, b"letter")
        seen = blobs.stat(key)
        assert seen is not None
        assert not blobs.set_aside(replace(seen, stored=seen.stored - timedelta(days=1)))
        assert not blobs.set_aside(replace(seen, size=seen.size + 1))
        assert blobs.stat(key) == seen

    def test_what_is_not_there_is_none(self, blobs: Blobs) -> None:
        key = hashlib.sha256(b"nowhere").hexdigest()
        assert blobs.read(key) is None
        assert blobs.stat(key) is None
        blobs.delete(key)

    def test_reading_may_be_given_up(self, blobs: Blobs) -> None:
        key = store(blobs, pattern(4 * CHUNK))
        for _ in range(3):
            content = blobs.read(key)
            assert content is not None
            chunks = content.chunks()
            next(chunks)
            chunks.close()  # type: ignore[attr-defined]  # engines yield
        assert blobs.stat(key) is not None

    def test_all_blobs_are_listed(self, blobs: Blobs) -> None:
        stored = {store(blobs, pattern(n, n)): n for n in range(1, 30)}
        assert {info.key: info.size for info in blobs.list()} == stored

    def test_the_engine_is_ready(self, blobs: Blobs) -> None:
        blobs.ready()
