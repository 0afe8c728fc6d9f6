from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from hub.settings import SettingsError
from ihe.errors import Unavailable
from ihe.messages import CHUNK
from repository.blobs.content import AlteredBlob
from repository.blobs.filesystem import FilesystemBlobs
from repository.blobs.memory import MemoryBlobs
from repository.blobs.s3 import PREFIX, S3Blobs, parse_bucket
from tests.object_stores import s3_url  # noqa: F401  # a fixture
from tests.repository.blobs.contract import BlobsContract, joined, pattern, stage, store


class TestMemory(BlobsContract):
    @pytest.fixture
    def blobs(self) -> MemoryBlobs:
        return MemoryBlobs()


class TestFilesystem(BlobsContract):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> FilesystemBlobs:
        return FilesystemBlobs(tmp_path / "documents")

    @pytest.mark.parametrize("damage", [b"X", b"", None])
    @pytest.mark.parametrize("size", [1, CHUNK, 2 * CHUNK + 5])
    def test_altered_bytes_never_arrive_whole(
        self, blobs: FilesystemBlobs, size: int, damage: bytes | None
    ) -> None:
        data = pattern(size)
        key = store(blobs, data)
        (path,) = blobs.root.glob("blobs/*/*")
        content = blobs.read(key)
        assert content is not None
        match damage:
            case None:
                path.write_bytes(data + b"more")
            case b"":
                path.write_bytes(data[:-1])
            case _:
                path.write_bytes(damage + data[1:] if damage != data[:1] else b"Y" + data[1:])
        arrived: list[bytes] = []
        with pytest.raises(AlteredBlob, match=key):
            arrived.extend(content.chunks())
        assert len(joined(arrived)) < size

    def test_only_old_staged_files_are_cleaned(self, blobs: FilesystemBlobs) -> None:
        staged = stage(blobs, b"letter")
        assert blobs.clean(datetime.now(UTC) - timedelta(hours=1)) == 0
        assert joined(staged.chunks()) == b"letter"
        assert blobs.clean(datetime.now(UTC) + timedelta(hours=1)) == 1

    def test_a_key_is_never_a_path(self, blobs: FilesystemBlobs) -> None:
        for key in ("../../etc/passwd", "", "A" * 64, "a" * 63 + "/"):
            with pytest.raises(ValueError, match="64 lower-case hex digits"):
                blobs.read(key)

    @pytest.mark.parametrize("name", ["ab/.nfs0001", "ab/notes.txt", "lost+found/x", "ab/cd/x"])
    def test_what_else_lies_there_is_passed_over(self, blobs: FilesystemBlobs, name: str) -> None:
        key = store(blobs, b"letter")
        stray = blobs.root / "blobs" / name
        stray.parent.mkdir(parents=True, exist_ok=True)
        stray.touch()
        assert [each.key for each in blobs.list()] == [key]

    def test_a_folder_that_cannot_be_made_is_said_so(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(Unavailable, match="document folder"):
            FilesystemBlobs(tmp_path / "file" / "below")


@pytest.mark.s3
class TestS3(BlobsContract):
    @pytest.fixture
    def blobs(self, s3_url: Callable[[], str], tmp_path: Path) -> Iterator[S3Blobs]:  # noqa: F811  # the fixture
        blobs = S3Blobs(parse_bucket(s3_url()), tmp_path / "staging")
        blobs.ready()
        yield blobs
        blobs.close()

    def test_what_else_lies_there_is_passed_over(self, blobs: S3Blobs) -> None:
        key = store(blobs, b"letter")
        blobs._client.put_object(blobs.bucket.name, f"{PREFIX}notes.txt", BytesIO(b"x"), 1)
        assert [each.key for each in blobs.list()] == [key]

    def test_a_document_of_many_parts_is_read_back(self, blobs: S3Blobs) -> None:
        data = pattern(12 * 1024**2 + 1)
        content = blobs.read(store(blobs, data))
        assert content is not None
        assert joined(content.chunks()) == data

    def test_a_wrong_secret_is_refused_without_being_repeated(
        self, blobs: S3Blobs, tmp_path: Path
    ) -> None:
        bucket = blobs.bucket
        url = f"s3+http://{bucket.access_key}:wr0ng-secret@{bucket.endpoint}/{bucket.name}"
        intruder = S3Blobs(parse_bucket(url), tmp_path / "other")
        with pytest.raises(Unavailable) as caught:
            intruder.stat("0" * 64)
        intruder.close()
        assert "wr0ng-secret" not in str(caught.value)

    def test_a_server_that_is_gone_is_unavailable(self, tmp_path: Path) -> None:
        gone = S3Blobs(parse_bucket("s3+http://a:b@127.0.0.1:1/bucket"), tmp_path, timeout_s=1)
        with pytest.raises(Unavailable, match="object store"):
            gone.stat("0" * 64)
        with pytest.raises(Unavailable, match="object store"):
            gone.ready()
        gone.close()


@pytest.mark.parametrize(
    "url",
    ["", "file:x", "https://a:b@host/bucket", "s3+https://host/bucket", "s3+https://a:b@host/"],
)
def test_an_s3_url_of_another_form_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match="blobs: ") as caught:
        parse_bucket(url)
    assert not url or url not in str(caught.value)


def test_a_bucket_does_not_show_its_secret() -> None:
    bucket = parse_bucket("s3+https://me:p%40ss@[::1]:9000/documents")
    assert (bucket.secret_key, bucket.endpoint, bucket.secure) == ("p@ss", "[::1]:9000", True)
    assert "p@ss" not in repr(bucket)
