"""Full disks, dead databases, a dead registry: told, undone, and recovered from."""

import base64
import contextlib
import os
import resource
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ihe.transactions import ITI_18, ITI_41, ITI_42, ITI_43
from registry.store.sql import migrate_store, open_store
from repository.blobs.filesystem import FilesystemBlobs
from repository.index import migrate_index, open_index
from tests import samples
from tests.databases import OwnPostgres
from tests.hub.conftest import SECRETS, Log, eventually, files_below
from tests.hub.posting import Answer, envelope, get, multipart, post, provide, request
from tests.running import Running, running

SMALL, LARGE = b"Epikrise\r\n", b"Epikrise. " * 100_000
SUBMISSION = request(ITI_42)
QUERY = request(ITI_18)


def share(hub: Running, content: bytes) -> Answer:
    content_type, body = provide(content)
    return post(hub.repository, body, content_type)


def fetch(hub: Running) -> Answer:
    body = b"".join(ITI_43.write_request(samples.retrieve()).xml)
    body = body.replace(samples.REPOSITORY.encode(), hub.repository_unique_id.encode())
    content_type, package = multipart(envelope(ITI_43.action, body))
    return post(hub.repository, package, content_type)


def assert_failed(answer: Answer, code: str, *said: str) -> None:
    assert answer.status == 200
    assert (answer.registry_status, answer.errors) == ("Failure", [code])
    assert answer.trace_id in answer.contexts
    for each in said:
        assert each in answer.contexts


@pytest.fixture(autouse=True)
def nothing_told(log: Log) -> Iterator[None]:
    """See that no log line names a patient, whatever broke."""
    position = log.stream.tell()
    yield
    written = log.since(position)
    assert not [secret for secret in SECRETS if secret in written], written


# --- disks ---------------------------------------------------------------------------------------


class Disk:
    """A folder on a disk that can be filled, and emptied again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        filler = self.folder / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass
        yield
        filler.unlink()

    @contextlib.contextmanager
    def room_for_names(self, count: int) -> Iterator[None]:
        """Leave room for so many new files and folders."""
        names = []
        with contextlib.suppress(OSError):
            for number in range(1_000_000):
                (self.folder / f"filler-{number}").touch(exist_ok=False)
                names.append(self.folder / f"filler-{number}")
        for _ in range(count):
            names.pop().unlink()
        yield
        for name in names:
            name.unlink()

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)
        yield
        subprocess.run(["mount", "-o", "remount,rw", self.folder], check=True)


@pytest.fixture
def disk() -> Iterator[Disk]:
    """Give a disk of 4 MiB and 64 names; only the superuser can make one.

    It lies outside pytest's folders: a run that was killed leaves it mounted, and the next run must
    be able to clear those away.
    """
    folder = Path(tempfile.mkdtemp(prefix="felles-disk-"))
    made = ["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=64", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(made, check=False, capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("no disk of its own can be mounted")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


@pytest.fixture
def stored_on(disk: Disk, log: Log, tmp_path: Path) -> Iterator[Running]:
    """Run a community whose documents are on the disk."""
    with running(tmp_path / "hub", blobs=FilesystemBlobs(disk.folder / "documents")) as community:
        yield community


def documents(hub: Running) -> list[Path]:
    assert isinstance(hub.blobs, FilesystemBlobs)
    return files_below(hub.blobs.root)


def test_a_full_disk_is_told_and_nothing_stays(stored_on: Running, disk: Disk) -> None:
    with disk.full():
        answer = share(stored_on, LARGE)
        assert_failed(answer, "XDSRepositoryOutOfResources", "the document folder has no room left")
        eventually(lambda: documents(stored_on) == [])
        assert post(stored_on.registry, QUERY).registry_status == "Success"
    assert share(stored_on, LARGE).registry_status == "Success"
    assert LARGE in fetch(stored_on).body


def test_a_document_that_is_here_is_handed_out_from_a_full_disk(
    stored_on: Running, disk: Disk
) -> None:
    assert share(stored_on, SMALL).registry_status == "Success"
    with disk.full():
        assert SMALL in fetch(stored_on).body


@pytest.mark.parametrize("room", [0, 1])
def test_a_disk_without_room_for_a_name_is_full(room: int, stored_on: Running, disk: Disk) -> None:
    with disk.room_for_names(room):
        answer = share(stored_on, SMALL)
        assert_failed(answer, "XDSRepositoryOutOfResources", "nothing was kept")
        eventually(lambda: documents(stored_on) == [])
    assert share(stored_on, SMALL).registry_status == "Success"


def test_a_disk_that_cannot_be_written_to_is_told(stored_on: Running, disk: Disk) -> None:
    assert share(stored_on, SMALL).registry_status == "Success"
    with disk.read_only():
        answer = share(stored_on, LARGE)
        assert_failed(answer, "XDSRepositoryError", "the document folder does not answer")
        assert SMALL in fetch(stored_on).body
    assert share(stored_on, SMALL).registry_status == "Success", "the same again"


@contextlib.contextmanager
def files_of_at_most(octets: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_cannot_grow_is_as_good_as_a_full_disk(log: Log, tmp_path: Path) -> None:
    with running(tmp_path) as hub:
        with files_of_at_most(500_000):
            answer = share(hub, LARGE)
            assert_failed(answer, "XDSRepositoryOutOfResources", "the document folder")
            eventually(lambda: documents(hub) == [])
        assert share(hub, LARGE).registry_status == "Success"


def test_an_inline_document_that_finds_no_room_is_told_as_a_fault(log: Log, tmp_path: Path) -> None:
    include = b'<xop:Include href="cid:document-1@felles"/>'
    message = request(ITI_41).replace(include, base64.b64encode(LARGE))
    with running(tmp_path) as hub:
        with files_of_at_most(500_000):
            answer = post(hub.repository, message)
            assert (answer.status, answer.codes) == (503, ["Receiver"])
            assert "the document folder has no room left; nothing was kept" in answer.reason
            eventually(lambda: documents(hub) == [])
        assert post(hub.repository, message).registry_status == "Success"


def test_a_registry_whose_disk_is_full_is_told_by_both_actors(
    disk: Disk, log: Log, tmp_path: Path
) -> None:
    store = open_store(f"sqlite:///{disk.folder}/registry.sqlite")
    with running(tmp_path / "hub", store=store) as hub:
        with disk.full():
            answer = post(hub.registry, SUBMISSION)
            assert_failed(answer, "XDSRegistryOutOfResources", "the registry's database")
            assert_failed(share(hub, SMALL), "XDSRegistryOutOfResources")
            assert post(hub.registry, QUERY).registry_status == "Success"
            eventually(lambda: documents(hub) == [])
        assert share(hub, SMALL).registry_status == "Success"


# --- databases -----------------------------------------------------------------------------------


@pytest.mark.postgres
def test_a_registry_outlives_its_database(
    own_postgres: OwnPostgres, log: Log, tmp_path: Path
) -> None:
    url = own_postgres.start()
    migrate_store(url)
    with running(tmp_path, store=open_store(url)) as hub:
        assert post(hub.registry, SUBMISSION).registry_status == "Success"
        own_postgres.stop()
        for message in (QUERY, SUBMISSION):
            answer = post(hub.registry, message)
            assert_failed(answer, "XDSRegistryError", "the registry's database does not answer")
        assert_failed(share(hub, SMALL), "XDSRegistryError")
        eventually(lambda: documents(hub) == [])
        ready = get(f"{hub.url}/health/ready")
        assert (ready.status, "the registry's database" in ready.text) == (503, True)
        assert get(f"{hub.url}/health/live").status == 200
        own_postgres.start()
        assert b"2.25.1000.1" in post(hub.registry, QUERY).body
        assert get(f"{hub.url}/health/ready").status == 200


@pytest.mark.postgres
def test_a_repository_outlives_its_database(
    own_postgres: OwnPostgres, log: Log, tmp_path: Path
) -> None:
    url = own_postgres.start()
    migrate_index(url)
    with running(tmp_path, index=open_index(url)) as hub:
        assert share(hub, SMALL).registry_status == "Success"
        here = documents(hub)
        own_postgres.stop()
        assert_failed(share(hub, LARGE), "XDSRepositoryError", "does not answer")
        assert_failed(fetch(hub), "XDSRepositoryError", "does not answer")
        eventually(lambda: documents(hub) == here)
        own_postgres.start()
        assert SMALL in fetch(hub).body
        assert share(hub, SMALL).registry_status == "Success"


# --- the registry, seen from the repository ------------------------------------------------------


class BadRegistry:
    """Something at a registry's address that reads a request and answers as it is told."""

    def __init__(self, answer: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/registry"
        self._answer = answer
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                connection.recv(1 << 20)
                connection.sendall(self._answer)
                if self._answer:  # with nothing to say, it keeps silent
                    connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed before
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        for each in (*self._open, self._listener):
            each.close()


HTML = b"<html><body>Danser, Line: 502 Bad Gateway</body></html>"
BAD_ANSWERS = {
    "silence": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<s:Envelope",
    "no http": b"13916900216\r\n\r\n",
    "a page": b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b"
    % (len(HTML), HTML),
    "nothing": b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_whatever_the_registry_answers_a_submission_can_be_sent_again(
    name: str, log: Log, tmp_path: Path
) -> None:
    with contextlib.closing(BadRegistry(BAD_ANSWERS[name])) as bad, contextlib.ExitStack() as stack:
        hub = stack.enter_context(
            running(tmp_path / "1", registry_url=bad.url, registry_timeout_s=1)
        )
        answer = share(hub, SMALL)
        assert_failed(answer, "XDSRegistryNotAvailable", "send the same submission again")
        bad.close()
        stack.enter_context(running(tmp_path / "2", 2, port=bad.port))
        assert share(hub, SMALL).registry_status == "Success"
        assert SMALL in fetch(hub).body


def test_without_a_registry_nothing_is_kept_and_with_it_all_goes_on(
    log: Log, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    url = f"http://127.0.0.1:{port}/registry"
    with running(tmp_path / "1", registry_url=url) as hub:
        answer = share(hub, SMALL)
        assert_failed(answer, "XDSRegistryNotAvailable", "it cannot be reached; nothing was kept")
        eventually(lambda: documents(hub) == [])
        with running(tmp_path / "2", 2, port=port):
            assert share(hub, SMALL).registry_status == "Success"
        assert SMALL in fetch(hub).body
