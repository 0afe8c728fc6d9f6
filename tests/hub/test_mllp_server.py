"""The MLLP server: order, limits, patience, and its end; with handlers of the tests' own."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from hub.call import Call
from hub.hl7_pipeline import Hl7Service
from hub.http_server import listen
from hub.loop_thread import LoopThread
from hub.mllp_server import MllpLimits, MllpServer
from ihe.errors import Unavailable
from ihe.hl7v2.acknowledging import Outcome
from ihe.hl7v2.message import Message
from tests.hub.conftest import Log, eventually
from tests.registry.feeding import Feed, adt, feed, msa

SHORT = 0.2


@dataclass
class Serving:
    url: str
    calls: list[Call] = field(default_factory=list)
    control_ids: list[str] = field(default_factory=list)
    stop: Callable[[], None] = lambda: None

    def feed(self) -> "contextlib.AbstractContextManager[Feed]":
        return feed(self.url)


@contextlib.contextmanager
def serving(
    handle: Callable[[Message], Outcome] = lambda _: Outcome(), **limits: Any
) -> Iterator[Serving]:
    thread = LoopThread()
    ended = asyncio.Event()
    started = threading.Event()

    def noted(message: Message, call: Call) -> Outcome:
        here.calls.append(call)
        here.control_ids.append(message.header.first(10))
        return handle(message)

    service = Hl7Service(transaction="ITI-8", actor="DocumentRegistry", handle=noted)
    server = MllpServer(service, listen("127.0.0.1", 0), limits=MllpLimits(**limits))
    here = Serving(server.url)

    async def serve() -> None:
        async with server.serving():
            started.set()
            await ended.wait()

    task = asyncio.run_coroutine_threadsafe(serve(), thread.loop)
    assert started.wait(30)

    def stop() -> None:
        thread.loop.call_soon_threadsafe(ended.set)

    here.stop = stop
    try:
        yield here
    finally:
        stop()
        task.result(30)
        thread.close()


def test_messages_of_a_connection_are_answered_in_their_order() -> None:
    numbers = [str(number) for number in range(50)]
    with serving() as here, here.feed() as sender:
        sender.send(*(adt("A01", "1", control_id=number) for number in numbers))
        answers = [sender.answer() for _ in numbers]
        assert [msa(each)[1] for each in answers if each] == numbers
        assert here.control_ids == numbers


def test_a_message_may_come_octet_by_octet() -> None:
    with serving() as here, here.feed() as sender:
        sender.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in b"\r\n\x0b" + adt("A01", "1") + b"\x1c":
            sender.connection.sendall(bytes((octet,)))
        answer = sender.answer()
        assert answer is not None
        assert msa(answer)[0] == "AA"


def test_connections_do_not_wait_for_each_other() -> None:
    meeting = threading.Barrier(4, timeout=30)

    def handle(_: Message) -> Outcome:
        meeting.wait()
        return Outcome()

    with serving(handle, threads=4) as here, contextlib.ExitStack() as stack:
        senders = [stack.enter_context(here.feed()) for _ in range(4)]
        for sender in senders:
            sender.send(adt("A01", "1"))
        assert all(sender.answer() for sender in senders)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "octet 0x47, expected a message"),
        (b"\x0bMSH|^~\\&|\x0bMSH", "a message begins inside another one"),
        (b"\x0b" + b"M" * 3_000, "a message of more than 2000 octets"),
    ],
)
def test_a_connection_without_frames_is_told_so_and_closed(sent: bytes, says: str) -> None:
    with serving(message=2_000) as here:
        with here.feed() as sender:
            sender.connection.sendall(sent)
            answer = sender.answer()
            assert answer is not None
            assert msa(answer)[0] == "AR"
            assert says in msa(answer)[2]
            assert sender.answer() is None
        with here.feed() as sender:
            assert sender.ask(adt("A01", "1"))[0] == "AA", "others are served as before"


@pytest.mark.parametrize("sent", [b"", b"\x0bMSH|"])
def test_a_sender_that_goes_silent_is_let_go(sent: bytes) -> None:
    with serving(idle_s=SHORT, message_s=SHORT) as here, here.feed() as sender:
        sender.connection.sendall(sent)
        assert sender.answer() is None


def test_for_one_connection_too_many_the_oldest_idle_one_goes() -> None:
    with serving(connections=2) as here, contextlib.ExitStack() as stack:
        senders = []
        for _ in range(3):
            sender = stack.enter_context(here.feed())
            assert sender.ask(adt("A01", "1"))[0] == "AA"
            senders.append(sender)
        assert senders[0].answer() is None
        assert all(each.ask(adt("A01", "1"))[0] == "AA" for each in senders[1:])


def test_when_all_connections_are_at_work_a_new_one_is_closed() -> None:
    go_on = threading.Event()

    def handle(_: Message) -> Outcome:
        go_on.wait(30)
        return Outcome()

    with serving(handle, connections=1) as here, here.feed() as first:
        first.send(adt("A01", "1"))
        eventually(lambda: bool(here.calls))
        with here.feed() as second:
            assert second.answer() is None
        go_on.set()
        assert first.answer() is not None


def test_a_server_that_stops_answers_what_it_works_on(log: Log) -> None:
    position = log.stream.tell()
    go_on = threading.Event()

    def handle(_: Message) -> Outcome:
        go_on.wait(30)
        return Outcome()

    with serving(handle) as here, here.feed() as idle, here.feed() as busy:
        busy.send(adt("A01", "1"), adt("A01", "2"))
        eventually(lambda: bool(here.calls))
        here.stop()
        assert idle.answer() is None, "who waits is let go"
        go_on.set()
        assert busy.answer() is not None
        assert busy.answer() is None, "and the next message is not begun"
        assert len(here.calls) == 1
    assert '"error"' not in log.since(position)


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (Unavailable("the registry's database"), "the registry's database does not answer"),
        (KeyError("Danser^Line"), "the hub failed on this message"),
    ],
)
def test_a_failure_of_the_hub_is_answered_and_logged_without_its_words(
    log: Log, failure: Exception, says: str
) -> None:
    def handle(_: Message) -> Outcome:
        raise failure

    position = log.stream.tell()
    with serving(handle) as here, here.feed() as sender:
        sender.send(adt("A01", "13916900216"))
        answer = sender.answer()
        assert answer is not None
        assert msa(answer)[0] == "AE"
        assert says in msa(answer)[2]
        trace_id = here.calls[0].trace_id
        ((_, _, _, code),) = answer.named("ERR")[0].repetitions(1)
        assert code[0] == "207"
        assert trace_id in code[4]
        assert answer.header.first(10) == trace_id[:20]
    written = log.since(position)
    assert trace_id in written
    assert "Danser" not in written
    assert "13916900216" not in written


def test_a_log_line_says_what_happened_and_nothing_of_the_patient(log: Log) -> None:
    position = log.stream.tell()
    with serving() as here, here.feed() as sender:
        sender.ask(adt("A01", "13916900216"))
        sender.ask(adt("DANSER", "13916900216"))
        eventually(lambda: log.since(position).count("answered") == 2)
    first, second = (json.loads(line) for line in log.since(position).splitlines())
    assert first["transaction"] == "ITI-8"
    assert (first["action"], first["status"], first["codes"]) == ("A01", "AA", [])
    assert first["peer_address"] == "127.0.0.1"
    assert first["bytes_in"] > 0
    assert second["action"] == "", "what partners write in it stays out of the log"
    assert "13916900216" not in log.since(position)
