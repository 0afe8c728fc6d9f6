"""The SOAP client: connections that are kept, and how long it waits for whom."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.client import Client, FileContent
from ihe.errors import Unavailable
from ihe.messages import AdhocQueryResponse, RegistryResponse
from ihe.soap.envelope import write_response_envelope
from ihe.transactions import ITI_18, ITI_41, ITI_43
from ihe.vocabulary import ResponseStatus
from tests import samples
from tests.gateway import rude
from tests.gateway.rude import SOAP_TYPE, Behaviour, Exchange, envelope, http
from tests.hub import sharing
from tests.hub.sharing import QUERY

pytestmark = pytest.mark.system
SUCCESS = ResponseStatus.SUCCESS


def query(client: Client) -> object:
    return client.query(QUERY).status


def retrieve(client: Client) -> object:
    return client.send(ITI_43, samples.retrieve(), client.retrieve_from).status


def submit(client: Client) -> object:
    return client.send(ITI_41, samples.provide_and_register(), client.repository).status


Work = Callable[[Client], object]


def answer(exchange: Exchange, *, connection: str = "keep-alive") -> None:
    """Answer any of the three."""
    asked = exchange.envelope
    body, content_type = b"", SOAP_TYPE
    if b"AdhocQueryRequest" in asked:
        body = envelope(exchange, ITI_18, AdhocQueryResponse())
    elif b"RetrieveDocumentSetRequest" in asked:
        body, content_type = rude.retrieved(exchange, samples.retrieved()), rude.MTOM_TYPE
    else:
        body = envelope(exchange, ITI_41, RegistryResponse(SUCCESS))
    exchange.send(http(body, content_type, headers={"Connection": connection}))


def hang_up(exchange: Exchange) -> None:
    """Answer once, and close the connection when the next message has come."""
    answer(exchange)
    rude.read_request(exchange.connection)


def reset(exchange: Exchange) -> None:
    hang_up(exchange)
    rude.reset(exchange)


@pytest.mark.parametrize("behave", [hang_up, reset])
@pytest.mark.parametrize("work", [query, retrieve])
def test_a_question_that_met_a_closing_connection_is_asked_again(
    work: Work, behave: Behaviour
) -> None:
    with rude.rude(behave) as peer, Client(registry=peer.url, retrieve=peer.url) as client:
        assert [work(client) for _ in range(4)] == [SUCCESS] * 4
    assert len(peer.asked) == 4, "each by a connection of its own in the end"


def test_a_connection_is_kept(tmp_path: Path) -> None:
    def behave(exchange: Exchange) -> None:
        answer(exchange)
        while body := rude.read_request(exchange.connection):
            answer(Exchange(exchange.connection, body))

    with rude.rude(behave) as peer, Client(registry=peer.url) as client:
        assert [query(client) for _ in range(4)] == [SUCCESS] * 4
        assert len(peer.asked) == 1


@pytest.mark.parametrize("behave", [hang_up, reset])
def test_a_submission_is_never_sent_twice(behave: Behaviour) -> None:
    with rude.rude(behave) as peer, Client(repository=peer.url) as client:
        assert submit(client) == SUCCESS
        with pytest.raises(Unavailable, match="the connection") as told:
            submit(client)
        assert not told.value.not_sent
        assert len(peer.asked) == 1
        assert submit(client) == SUCCESS


@pytest.mark.parametrize("behave", [rude.hang_up, rude.reset])
@pytest.mark.parametrize("work", [query, retrieve, submit])
def test_nobody_is_asked_twice_who_hangs_up_at_once(work: Work, behave: Behaviour) -> None:
    with (
        rude.rude(behave) as peer,
        Client(registry=peer.url, repository=peer.url) as client,
        pytest.raises(Unavailable, match="the connection"),
    ):
        work(client)
    assert len(peer.asked) == 1


# --- patience ------------------------------------------------------------------------------------


def slowly(connection: socket.socket, octets: int) -> None:
    """Take a request as a slow network does."""
    waits = threading.Event()
    while octets > 0:
        octets -= len(connection.recv(1 << 20))
        waits.wait(0.05)


def test_a_large_document_may_take_its_time_on_a_slow_way(tmp_path: Path) -> None:
    """It takes some three seconds, of which no one is without progress."""
    size = 60 << 20

    def behave(exchange: Exchange) -> None:
        slowly(exchange.connection, size)
        body = ITI_41.write_response(RegistryResponse(SUCCESS)).xml
        answer = write_response_envelope(action=ITI_41.response_action, relates_to=None, body=body)
        exchange.send(http(b"".join(answer)))

    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(size)
    with (
        rude.rude(behave, listens=False) as peer,
        Client(repository=peer.url, timeout_s=1.5) as client,
    ):
        assert sharing.submit(client, [FileContent(path)]).ok


def test_a_peer_that_takes_nothing_more_is_given_up(tmp_path: Path) -> None:
    gone = threading.Event()

    def behave(exchange: Exchange) -> None:
        slowly(exchange.connection, 1 << 20)
        assert gone.wait(rude.HANG_GUARD_S)

    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(60 << 20)
    with (
        rude.rude(behave, listens=False) as peer,
        Client(repository=peer.url, timeout_s=0.5) as client,
    ):
        with pytest.raises(Unavailable, match="no answer in time"):
            sharing.submit(client, [FileContent(path)])
        gone.set()
