"""The Python client, against a community that works and against peers that do not."""

import hashlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.client import Client, FileContent, request_for
from hub.remote import RemoteFault
from ihe import queries
from ihe.datatypes import Identifier, MimeType
from ihe.errors import ErrorCode, Unavailable, XdsFailure
from ihe.messages import (
    CHUNK,
    DocumentRequest,
    DocumentResponse,
    RegistryResponse,
    RetrieveDocumentSetResponse,
)
from ihe.model import DocumentEntry
from ihe.transactions import ITI_43
from ihe.vocabulary import ResponseStatus, Status
from tests import samples
from tests.gateway import rude
from tests.gateway.rude import Behaviour, Exchange, http
from tests.hub.conftest import assert_nothing_kept
from tests.running import Running, running

pytestmark = pytest.mark.system
QUERY = queries.find_documents(samples.PATIENT, status=[Status.APPROVED])
CONTENTS = [b"first\r\n", b"", bytes(range(256)) * 4000, b"the last\r\n"]
assert len(CONTENTS[2]) > 3 * CHUNK


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


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def submit(client: Client, contents: Sequence[FileContent]) -> RegistryResponse:
    """Share files; the entries say no size and no hash, which the repository finds out."""
    entries = [
        samples.entry(number, repository_unique_id=None, hash=None, size=None)
        for number, _content in enumerate(contents, 1)
    ]
    documents = {each.entry_uuid: content for each, content in zip(entries, contents, strict=True)}
    return client.submit(samples.submission(*entries), documents)


def entries_of(client: Client) -> list[DocumentEntry]:
    """Return what the community holds, in the order of submission."""
    found = client.query(QUERY)
    assert found.status == ResponseStatus.SUCCESS, found.errors
    entries = [each for each in found.objects if isinstance(each, DocumentEntry)]
    return sorted(entries, key=lambda entry: entry.unique_id or "")


def requests_of(client: Client) -> list[DocumentRequest]:
    return [request_for(entry) for entry in entries_of(client)]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


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

    def interrupt(octets: int) -> None:
        if octets > len(CONTENTS[0]):
            signal.pthread_kill(main, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        client.retrieve(requests_of(client), into=into, progress=interrupt)
    assert names_in(into) == []


# --- peers that fail -----------------------------------------------------------------------------


def ask(client: Client, _folder: Path) -> object:
    return client.query(QUERY)


def share(client: Client, folder: Path) -> object:
    path = folder.parent / "shared.txt"
    path.write_bytes(CONTENTS[0])
    return submit(client, [FileContent(path)])


def get(client: Client, folder: Path) -> object:
    return client.retrieve(samples.retrieve().documents, into=folder)


Work = Callable[[Client, Path], object]
each_transaction = pytest.mark.parametrize(
    "work", [ask, share, get], ids=["query", "submit", "retrieve"]
)


def at(url: str, timeout_s: float = 60.0) -> Client:
    """Return a client of one peer for everything."""
    return Client(registry=url, repository=url, timeout_s=timeout_s)


FAILING: dict[str, tuple[Behaviour, str]] = {
    "reset": (rude.reset, "the connection"),
    "hangs up": (rude.hang_up, "the connection broke off"),
    "html": (rude.html, "HTTP 200 with 'text/html' instead of SOAP"),
    "html 500": (rude.html_500, "HTTP 500 with 'text/html' instead of SOAP"),
    "no type": (rude.says(http(b"", "", status=503)), "HTTP 503 with no Content-Type"),
    "accepted": (rude.accepted, "HTTP 202"),
    "moved": (rude.moved, "HTTP 301"),
    "empty": (rude.empty, "the answer is empty"),
    "malformed": (rude.malformed, "the answer cannot be read"),
    "garbage": (rude.garbage, "the connection"),
    "endless": (rude.endless, "the answer cannot be read"),
    "bomb": (rude.bomb, "the answer cannot be read"),
    "cut off": (rude.says(http(b"<s:Envelope>", length=999)), "the connection broke off"),
}


@each_transaction
@pytest.mark.parametrize(("behave", "said"), FAILING.values(), ids=FAILING)
def test_a_peer_that_fails_is_told_and_leaves_nothing(
    behave: Behaviour, said: str, work: Work, into: Path
) -> None:
    with (
        rude.rude(behave) as peer,
        at(peer.url) as client,
        pytest.raises(Unavailable, match=said) as told,
    ):
        work(client, into)
    assert told.value.what == peer.url
    assert not told.value.not_sent, "it may have worked on it"
    assert names_in(into) == []


@each_transaction
@pytest.mark.parametrize("behave", [rude.hang, rude.drip], ids=["hangs", "drips"])
def test_a_peer_that_is_late_is_given_up(behave: Behaviour, work: Work, into: Path) -> None:
    with (
        rude.rude(behave) as peer,
        at(peer.url, timeout_s=0.5) as client,
        pytest.raises(Unavailable, match="no answer in time"),
    ):
        work(client, into)
    assert names_in(into) == []


@each_transaction
def test_a_fault_is_told_in_its_own_words(work: Work, into: Path) -> None:
    with (
        rude.rude(rude.fault) as peer,
        at(peer.url) as client,
        pytest.raises(RemoteFault, match="out of order"),
    ):
        work(client, into)
    assert names_in(into) == []


@each_transaction
def test_nobody_there_is_told_as_not_sent(work: Work, into: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with at(url) as client, pytest.raises(Unavailable, match="no connection: ") as told:
            work(client, into)
    assert told.value.not_sent


@each_transaction
@pytest.mark.parametrize("url", ["", "nowhere", "http://", "https://[::1"])
def test_a_url_that_cannot_be_called_is_told(url: str, work: Work, into: Path) -> None:
    with at(url) as client, pytest.raises(Unavailable) as told:
        work(client, into)
    assert told.value.not_sent


def answer_with(exchange: Exchange, content: bytes, *, said: int) -> None:
    """Answer with one document, of which no more than `content` comes."""
    (wanted,) = exchange.request(ITI_43).documents
    document = DocumentResponse(wanted, MimeType("text/plain"), samples.Bytes(b""))
    response = RetrieveDocumentSetResponse(ResponseStatus.SUCCESS, (), (document,))
    (attachment,) = ITI_43.write_response(response).attachments
    root = rude.envelope(exchange, ITI_43, response)
    body = rude.multipart(root, [(attachment.content_id, content)])
    exchange.send(http(body, rude.MTOM_TYPE, length=len(body) + said))


def stop_within(exchange: Exchange) -> None:
    answer_with(exchange, b"the first half", said=1000)
    exchange.until_gone()


def break_within(exchange: Exchange) -> None:
    answer_with(exchange, b"the first half", said=1000)


def end_within(exchange: Exchange) -> None:
    answer_with(exchange, b"the first half", said=0)


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        (stop_within, "no answer in time"),
        (break_within, "the connection broke off"),
        (end_within, "the answer cannot be read"),
    ],
    ids=["hangs", "breaks off", "ends"],
)
def test_a_document_that_does_not_come_whole_is_no_file(
    behave: Behaviour, said: str, into: Path
) -> None:
    moved: list[int] = []
    with (
        rude.rude(behave) as peer,
        at(peer.url, timeout_s=2) as client,
        pytest.raises(Unavailable, match=said),
    ):
        client.retrieve(samples.retrieve().documents, into=into, progress=moved.append)
    assert sum(moved) > 0, "some of it had come"
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
