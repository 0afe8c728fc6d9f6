"""A document passes through the gateway while it arrives, whatever its size and its end."""

import os
import threading
from pathlib import Path

import pytest

from hub.client import Client
from ihe.datatypes import Identifier, MimeType
from ihe.errors import Unavailable
from ihe.messages import DocumentRequest, DocumentResponse, RetrieveDocumentSetResponse
from ihe.transactions import ITI_39
from ihe.vocabulary import ResponseStatus
from tests import samples
from tests.gateway import rude
from tests.gateway.rude import ENDING, HANG_GUARD_S, MTOM_TYPE, Behaviour, Exchange, envelope
from tests.gateway.scene import alone, home_of

pytestmark = pytest.mark.system
MB = 1 << 20
BLOCK = os.urandom(MB)


def request(name: str, unique_id: str = "1") -> DocumentRequest:
    return DocumentRequest(samples.REPOSITORY, Identifier(unique_id), home_of(name))


def begin(exchange: Exchange) -> None:
    """Send an answer up to the first byte of its only document, chunked."""
    documents = tuple(
        DocumentResponse(each, MimeType("application/octet-stream"), samples.Bytes(b""))
        for each in exchange.request(ITI_39).documents
    )
    response = RetrieveDocumentSetResponse(ResponseStatus.SUCCESS, (), documents)
    written = ITI_39.write_response(response)
    parts = [(each.content_id, b"") for each in written.attachments]
    headers = f"Content-Type: {MTOM_TYPE}\r\nTransfer-Encoding: chunked\r\n"
    exchange.send(f"HTTP/1.1 200 OK\r\n{headers}\r\n".encode())
    chunk(exchange, rude.multipart(envelope(exchange, ITI_39, response), parts))


def chunk(exchange: Exchange, data: bytes) -> None:
    exchange.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def end(exchange: Exchange) -> None:
    chunk(exchange, ENDING)
    exchange.send(b"0\r\n\r\n")


def test_the_first_half_is_with_the_consumer_before_the_second_is_sent(tmp_path: Path) -> None:
    arrived = threading.Event()

    def behave(exchange: Exchange) -> None:
        begin(exchange)
        chunk(exchange, BLOCK)
        assert arrived.wait(HANG_GUARD_S)
        chunk(exchange, BLOCK[::-1])
        end(exchange)

    with rude.rude(behave) as other, alone(tmp_path, others={"other": other.url}) as one:
        result = one.client.retrieve(
            [request("other")], into=tmp_path, progress=lambda _octets: arrived.set()
        )
    (document,) = result.documents
    assert document.path.read_bytes() == BLOCK + BLOCK[::-1]


def cut(exchange: Exchange) -> None:
    begin(exchange)
    chunk(exchange, BLOCK)


def cut_within_a_chunk(exchange: Exchange) -> None:
    begin(exchange)
    exchange.send(f"{2 * MB:x}\r\n".encode() + BLOCK)


def ended_too_early(exchange: Exchange) -> None:
    begin(exchange)
    chunk(exchange, BLOCK)
    exchange.send(b"0\r\n\r\n")


def reset(exchange: Exchange) -> None:
    cut(exchange)
    rude.reset(exchange)


def hang(exchange: Exchange) -> None:
    cut(exchange)
    exchange.until_gone()


def drip(exchange: Exchange) -> None:
    """Send one byte of the document now and then, and never nothing for long."""
    begin(exchange)
    exchange.drip(b"1\r\nx\r\n" * MB, gap_s=0.02)


@pytest.mark.parametrize(
    "behave",
    [cut, cut_within_a_chunk, ended_too_early, reset, hang, drip],
    ids=lambda each: each.__name__,
)
def test_a_document_that_breaks_off_breaks_off_the_answer(
    behave: Behaviour, tmp_path: Path
) -> None:
    into = tmp_path / "into"
    into.mkdir()
    with (
        rude.rude(behave) as other,
        rude.rude(whole) as before,
        alone(tmp_path, others={"before": before.url, "other": other.url}, idle_s=0.5) as one,
    ):
        moved: list[int] = []
        with pytest.raises(Unavailable, match="broke off"):
            one.client.retrieve(
                [request("before"), request("other")], into=into, progress=moved.append
            )
        assert sum(moved) >= len(BLOCK), "the first document had come"
        assert list(into.iterdir()) == []
        # and everybody is free again
        result = one.client.retrieve([request("before")], into=into)
    assert [each.path.read_bytes() for each in result.documents] == [BLOCK]


def whole(exchange: Exchange) -> None:
    begin(exchange)
    chunk(exchange, BLOCK)
    end(exchange)


def test_a_community_that_waits_for_its_turn_can_go_on_sending(tmp_path: Path) -> None:
    size = 16
    came, most_is_sent = threading.Event(), threading.Event()

    def first(exchange: Exchange) -> None:
        begin(exchange)
        chunk(exchange, BLOCK)
        while not most_is_sent.wait(0.2):
            chunk(exchange, b".")
        end(exchange)

    def second(exchange: Exchange) -> None:
        begin(exchange)
        assert came.wait(HANG_GUARD_S)
        for number in range(size):
            if number == size - 2:
                most_is_sent.set()  # which is more than all buffers on the way hold
            chunk(exchange, BLOCK)
        end(exchange)

    with (
        rude.rude(first) as one_of_them,
        rude.rude(second) as another,
        alone(
            tmp_path, others={"first": one_of_them.url, "second": another.url}, idle_s=1.0
        ) as one,
    ):
        result = one.client.retrieve(
            [request("first"), request("second")],
            into=tmp_path,
            progress=lambda _octets: came.set(),
        )
    one_document, other = (each.path.read_bytes() for each in result.documents)
    assert one_document.rstrip(b".") == BLOCK.rstrip(b".")
    assert other == BLOCK * size


class EnoughError(Exception):
    """What a consumer raises that wants no more."""


def test_a_consumer_that_hangs_up_has_the_community_hung_up_on(tmp_path: Path) -> None:
    gone = threading.Event()

    def behave(exchange: Exchange) -> None:
        begin(exchange)
        try:
            while True:
                chunk(exchange, BLOCK)
        except OSError:
            gone.set()

    def hang_up(_octets: int) -> None:
        raise EnoughError

    with rude.rude(behave) as other, alone(tmp_path, others={"other": other.url}) as one:
        with pytest.raises(EnoughError), Client(retrieve=one.initiating) as consumer:
            consumer.retrieve([request("other")], into=tmp_path, progress=hang_up)
        assert gone.wait(HANG_GUARD_S)


# --- memory --------------------------------------------------------------------------------------

SIZE = 300
"""Megabytes of the document."""


def resident() -> int:
    """Return the octets of memory that the process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is told by Linux alone")
def test_a_large_document_passes_through_in_little_memory(tmp_path: Path) -> None:
    """The process is community, gateway and consumer in one; together they stay small."""

    def behave(exchange: Exchange) -> None:
        begin(exchange)
        for _ in range(SIZE):
            chunk(exchange, BLOCK)
        end(exchange)

    grown: list[int] = []

    with rude.rude(behave) as other, alone(tmp_path, others={"other": other.url}) as one:
        before = resident()
        result = one.client.retrieve(
            [request("other")],
            into=tmp_path,
            progress=lambda _octets: grown.append(resident() - before),
        )
    (document,) = result.documents
    assert document.size == SIZE * MB
    document.path.unlink()
    assert max(grown) < 60 * MB
