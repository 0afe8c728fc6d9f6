"""The Python client, against peers that fail: each is told, and leaves nothing behind."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.client import Client, FileContent
from hub.remote import RemoteFault
from ihe.datatypes import MimeType
from ihe.errors import Unavailable
from ihe.messages import DocumentResponse, RetrieveDocumentSetResponse
from ihe.transactions import ITI_43
from ihe.vocabulary import ResponseStatus
from tests import samples
from tests.gateway import rude
from tests.gateway.rude import Behaviour, Exchange, http
from tests.hub.sharing import CONTENTS, QUERY, names_in, submit

pytestmark = pytest.mark.system


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
