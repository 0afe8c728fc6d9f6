"""The Python client, against a community that works."""

import hashlib
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.client import Client, FileContent, request_for
from ihe.datatypes import Identifier
from ihe.errors import ErrorCode, Unavailable, XdsFailure
from ihe.messages import (
    CHUNK,
    DocumentRequest,
)
from ihe.model import DocumentEntry
from ihe.vocabulary import ResponseStatus
from tests import samples
from tests.hub.conftest import assert_nothing_kept
from tests.hub.sharing import CONTENTS, QUERY, names_in, submit
from tests.running import Running, running

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def community(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a community that holds a document of each of `CONTENTS`."""
    folder = tmp_path_factory.mktemp("community")
    with running(folder / "1") as one:
        paths = [folder / f"{number}.txt" for number in range(len(CONTENTS))]
        for path, content in zip(paths, CONTENTS, strict=True):
            path.write_bytes(content)
        with one.client(through_gateway=False) as client:
            response = submit(client, [FileContent(path) for path in paths])
        assert response.status == ResponseStatus.SUCCESS, response.errors
        yield one


@pytest.fixture
def client(community: Running) -> Iterator[Client]:
    with community.client(through_gateway=False) as client:
        yield client


def entries_of(client: Client) -> list[DocumentEntry]:
    """Return what the community holds, in the order of submission."""
    found = client.query(QUERY)
    assert found.status == ResponseStatus.SUCCESS, found.errors
    entries = [each for each in found.objects if isinstance(each, DocumentEntry)]
    return sorted(entries, key=lambda entry: entry.unique_id or "")


def requests_of(client: Client) -> list[DocumentRequest]:
    return [request_for(entry) for entry in entries_of(client)]


# --- there and back ------------------------------------------------------------------------------


def test_documents_come_back_as_they_went(client: Client, into: Path) -> None:
    entries = entries_of(client)
    result = client.retrieve(map(request_for, entries), into=into)
    assert (result.status, result.errors) == (ResponseStatus.SUCCESS, ())
    assert [each.path.read_bytes() for each in result.documents] == CONTENTS
    for each, entry, content in zip(result.documents, entries, CONTENTS, strict=True):
        assert each.request == request_for(entry)
        assert each.mime_type == "text/plain"
        assert (each.size, each.sha1) == (int(entry.size or ""), entry.hash)
        assert each.sha256 == hashlib.sha256(content).hexdigest()
    assert names_in(into) == [f"document-{number}.txt" for number in (1, 2, 3, 4)]


def test_a_file_is_named_by_its_place_in_the_request(client: Client, into: Path) -> None:
    first, second, _third, last = requests_of(client)
    result = client.retrieve([last, first, last, second], into=into)
    assert [each.request for each in result.documents] == [last, first, second]
    assert {path.name: path.read_bytes() for path in into.iterdir()} == {
        "document-1.txt": CONTENTS[3],
        "document-2.txt": CONTENTS[0],
        "document-4.txt": CONTENTS[1],
    }


def test_documents_are_retrieved_beside_the_errors_of_others(client: Client, into: Path) -> None:
    first = requests_of(client)[0]
    nowhere = DocumentRequest(first.repository_unique_id, Identifier("2.25.404"))
    result = client.retrieve([nowhere, first], into=into)
    assert result.status == ResponseStatus.PARTIAL_SUCCESS
    assert [error.code for error in result.errors] == [ErrorCode.DOCUMENT_UNIQUE_ID]
    assert names_in(into) == ["document-2.txt"]


def test_nothing_found_is_no_file(client: Client, into: Path) -> None:
    first = requests_of(client)[0]
    nowhere = DocumentRequest(first.repository_unique_id, Identifier("2.25.404"))
    result = client.retrieve([nowhere], into=into)
    assert (result.status, result.documents) == (ResponseStatus.FAILURE, ())
    assert names_in(into) == []


def test_progress_counts_every_octet_of_a_retrieve(client: Client, into: Path) -> None:
    moved: list[int] = []
    client.retrieve(requests_of(client), into=into, progress=moved.append)
    assert sum(moved) == sum(map(len, CONTENTS))
    assert max(moved) < len(CONTENTS[2]), "in pieces"


def test_progress_counts_every_octet_of_a_submission(tmp_path: Path) -> None:
    moved: list[int] = []
    path = tmp_path / "large.txt"
    path.write_bytes(CONTENTS[2])
    with running(tmp_path / "1") as one, one.client() as client:
        assert submit(client, [FileContent(path, moved.append)]).ok
    assert sum(moved) == len(CONTENTS[2])
    assert max(moved) <= CHUNK


def test_a_file_tells_its_size_and_digests(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(CONTENTS[2])
    content = FileContent(path)
    assert content.size == len(CONTENTS[2])
    assert content.digests() == (
        hashlib.sha1(CONTENTS[2], usedforsecurity=False).hexdigest(),
        hashlib.sha256(CONTENTS[2]).hexdigest(),
    )


def test_a_file_can_be_sent_again(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(CONTENTS[2])
    content = FileContent(path)
    assert b"".join(content.chunks()) == b"".join(content.chunks()) == CONTENTS[2]


def test_several_threads_share_a_client(client: Client, tmp_path: Path) -> None:
    wanted = requests_of(client)

    def get(number: int) -> list[bytes]:
        into = tmp_path / str(number)
        into.mkdir()
        return [each.path.read_bytes() for each in client.retrieve(wanted, into=into).documents]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(get, range(8))) == [CONTENTS] * 8


@pytest.mark.parametrize(
    "entry", [samples.entry(repository_unique_id=None), samples.entry(unique_id=None)]
)
def test_an_entry_without_its_ids_cannot_be_retrieved(entry: DocumentEntry) -> None:
    with pytest.raises(XdsFailure, match="no uniqueId or no repositoryUniqueId"):
        request_for(entry)


def test_a_client_may_be_closed_twice(community: Running) -> None:
    with community.client() as client:
        assert client.query(QUERY).status == ResponseStatus.SUCCESS
        client.close()


# --- files that are there already ----------------------------------------------------------------


def test_no_file_is_overwritten(client: Client, into: Path) -> None:
    (into / "document-3.txt").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"document-3\.txt"):
        client.retrieve(requests_of(client), into=into)
    assert names_in(into) == ["document-3.txt"]
    assert (into / "document-3.txt").read_bytes() == b"mine"


def test_a_file_that_comes_while_a_document_arrives_is_not_overwritten(
    client: Client, into: Path
) -> None:
    def write(_octets: int) -> None:
        (into / "document-3.txt").write_bytes(b"mine")

    with pytest.raises(FileExistsError, match=r"document-3\.txt"):
        client.retrieve(requests_of(client), into=into, progress=write)
    assert names_in(into) == ["document-3.txt"]
    assert (into / "document-3.txt").read_bytes() == b"mine"


def test_a_link_to_nowhere_is_not_written_through(client: Client, into: Path) -> None:
    elsewhere = into.parent / "elsewhere"
    (into / "document-1.txt").symlink_to(elsewhere)
    with pytest.raises(FileExistsError, match=r"document-1\.txt"):
        client.retrieve(requests_of(client)[:1], into=into)
    assert (into / "document-1.txt").is_symlink()
    assert not elsewhere.exists()


def test_a_folder_that_is_not_there_is_told(client: Client, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        client.retrieve(requests_of(client), into=tmp_path / "nowhere")


# --- an end before the end -----------------------------------------------------------------------


class EnoughError(Exception):
    """What a caller raises that wants no more."""


def test_a_caller_that_has_enough_leaves_no_file(client: Client, into: Path) -> None:
    def enough(octets: int) -> None:
        if octets > len(CONTENTS[0]):
            raise EnoughError

    with pytest.raises(EnoughError):
        client.retrieve(requests_of(client), into=into, progress=enough)
    assert names_in(into) == []
    assert len(client.retrieve(requests_of(client), into=into).documents) == len(CONTENTS)


def test_an_interrupt_leaves_no_file(client: Client, into: Path) -> None:
    main = threading.main_thread().ident
    assert main is not None

    interrupted = threading.Event()

    def interrupt(octets: int) -> None:
        if octets > len(CONTENTS[0]) and not interrupted.is_set():
            interrupted.set()
            signal.pthread_kill(main, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        client.retrieve(requests_of(client), into=into, progress=interrupt)
    assert names_in(into) == []


# --- files that change while they are sent -------------------------------------------------------


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(2 * CHUNK)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Running]:
    """Run a community that is to stay empty."""
    with running(tmp_path / "empty") as one:
        yield one
        assert_nothing_kept(one)


@pytest.mark.parametrize("change", [grow, shrink])
def test_a_file_that_changes_while_it_is_sent_is_not_shared(
    change: Callable[[Path], None], empty: Running, tmp_path: Path
) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(CONTENTS[2])
    changed = threading.Event()

    def progress(_octets: int) -> None:
        if not changed.is_set():
            changed.set()
            change(path)

    said = "the file changed while it was sent"
    with empty.client() as client, pytest.raises(Unavailable, match=said) as told:
        submit(client, [FileContent(path, progress)])
    assert told.value.what == str(path)


@pytest.mark.parametrize("change", [grow, shrink, Path.unlink])
def test_a_file_that_has_changed_before_it_is_sent_is_not_shared(
    change: Callable[[Path], None], empty: Running, tmp_path: Path
) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(CONTENTS[2])
    content = FileContent(path)
    change(path)
    with empty.client() as client, pytest.raises(Unavailable) as told:
        submit(client, [content])
    assert told.value.what == str(path)


@pytest.mark.parametrize("size", [0, CHUNK, 2 * CHUNK])
def test_a_file_that_grows_by_one_octet_is_noticed(size: int, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"x" * size)
    content = FileContent(path)
    assert len(b"".join(content.chunks())) == size
    path.write_bytes(b"x" * (size + 1))
    sent: list[bytes] = []
    with pytest.raises(Unavailable, match="the file changed"):
        sent.extend(content.chunks())
    assert sum(map(len, sent)) < max(size, 1), "the receiver cannot take it for the whole"


def test_a_caller_that_gives_up_sending_shares_nothing(empty: Running, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(CONTENTS[2])

    def enough(_octets: int) -> None:
        raise EnoughError

    with empty.client() as client, pytest.raises(EnoughError):
        submit(client, [FileContent(path, enough)])
