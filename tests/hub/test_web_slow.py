"""Slow and rude clients: they hold up nobody, and what they held is let go."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from hub.limits import Limits
from ihe.state import Condition, Kind, Record
from ihe.transactions import ITI_18, ITI_43
from registry.store.memory import MemoryStore
from tests import samples
from tests.hub.conftest import Log, eventually, files_below
from tests.hub.posting import (
    answers_on,
    connected,
    envelope,
    head,
    is_good,
    multipart,
    post,
    provide,
    request,
)
from tests.running import Running, running

QUERY = request(ITI_18)
IDLE_S = 1.0
DOCUMENT = bytes(range(256)) * 4096 * 24
"""24 MiB: more than sockets hold."""


@pytest.fixture(scope="module")
def impatient(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a community that waits for a second and no longer."""
    limits = Limits(idle_s=IDLE_S, least_rate=1_000_000, threads=4)
    with running(tmp_path_factory.mktemp("impatient"), limits=limits) as community:
        yield community


@pytest.fixture(scope="module")
def shared(impatient: Running) -> Running:
    """Give the community with one large document in it."""
    content_type, body = provide(DOCUMENT)
    assert post(impatient.repository, body, content_type).registry_status == "Success"
    return impatient


RETRIEVE = ITI_43.write_request(samples.retrieve())


def retrieve(hub: Running) -> bytes:
    """Return the request for the large document."""
    body = b"".join(RETRIEVE.xml).replace(
        samples.REPOSITORY.encode(), hub.repository_unique_id.encode()
    )
    content_type, package = multipart(envelope(ITI_43.action, body))
    return head(hub.repository, len(package), content_type) + package


def staged(hub: Running) -> list[Path]:
    return files_below(hub.blobs.root / "staging")  # type: ignore[attr-defined]  # of files here


def held() -> tuple[int, int]:
    """Return how many descriptors are open, and how many threads run beside the actors' own."""
    threads = [each.name for each in threading.enumerate()]
    own = [name for name in threads if name.startswith("felles")]
    assert len(own) <= 4 * 4, "four for each of four actors, however many clients there are"
    return len(list(Path("/proc/self/fd").iterdir())), len(threads) - len(own)


@contextlib.contextmanager
def nothing_left(hub: Running) -> Iterator[None]:
    """See that descriptors, threads and staged parts return to where they were."""
    assert is_good(hub.registry)  # so that what is made once is there
    descriptors, threads = held()
    yield
    eventually(lambda: held()[0] <= descriptors and held()[1] <= threads)
    eventually(lambda: staged(hub) == [])
    assert is_good(hub.registry)


# --- crowds --------------------------------------------------------------------------------------


def test_silent_clients_and_half_sent_requests_delay_nobody(impatient: Running) -> None:
    content_type, package = provide(DOCUMENT)
    beginnings = (
        b"",
        b"POST /registry HTT",
        head(impatient.registry, len(QUERY)),
        head(impatient.registry, len(QUERY)) + QUERY[:-1],
        head(impatient.repository, len(package), content_type) + package[:1_000_000],
    )
    with nothing_left(impatient), contextlib.ExitStack() as stack:
        for number in range(50):
            connection = stack.enter_context(connected(impatient.url))
            connection.sendall(beginnings[number % len(beginnings)])
        eventually(lambda: len(staged(impatient)) == 10)
        # ten uploads wait where four threads and the places of one actor are
        assert is_good(impatient.registry)
        answer = post(impatient.repository, *reversed(multipart(b"Danser")))  # type: ignore[arg-type]
        assert answer.codes == ["Sender"]


def test_whoever_sends_no_request_is_hung_up_on(impatient: Running) -> None:
    with nothing_left(impatient), connected(impatient.url) as connection:
        assert connection.recv(1) == b""


def test_half_a_head_is_waited_for_and_not_for_ever(impatient: Running) -> None:
    with nothing_left(impatient), connected(impatient.url) as connection:
        connection.sendall(b"POST /registry HTTP/1.1\r\nHost: ")
        (answer,) = answers_on(connection)
        assert answer.status == 408
        assert answer.trace_id in answer.text
        assert connection.recv(1) == b""


@pytest.mark.parametrize("sent", [0, 1, 700])
def test_half_a_message_is_waited_for_and_not_for_ever(sent: int, impatient: Running) -> None:
    with nothing_left(impatient), connected(impatient.url) as connection:
        connection.sendall(head(impatient.registry, len(QUERY)) + QUERY[:sent])
        (answer,) = answers_on(connection)
        assert (answer.status, answer.codes) == (408, ["Sender"])
        assert f"stopped after {sent} octets" in answer.reason
        assert answer.trace_id in answer.reason
        assert connection.recv(1) == b""


def trickle(connection: socket.socket, data: bytes) -> int:
    """Send a byte ten times a second until the other side has had enough; return how many."""
    for sent, octet in enumerate(data):
        try:
            connection.sendall(bytes([octet]))
        except OSError:
            return sent
        time.sleep(0.1)
    return len(data)


def test_one_byte_now_and_then_is_not_enough(impatient: Running) -> None:
    with nothing_left(impatient), connected(impatient.url) as connection:
        connection.sendall(head(impatient.registry, len(QUERY)))
        assert trickle(connection, QUERY) < 100
    with nothing_left(impatient), connected(impatient.url) as connection:
        assert trickle(connection, head(impatient.registry, len(QUERY))) < 100


# --- clients that vanish -------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["closes", "resets"])
def test_of_a_client_that_vanishes_half_way_nothing_stays(
    how: str, impatient: Running, log: Log
) -> None:
    content_type, package = provide(DOCUMENT)
    position = log.stream.tell()
    with nothing_left(impatient):
        with connected(impatient.url) as connection:
            if how == "resets":
                linger = (1).to_bytes(4, "little") + bytes(4)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.sendall(head(impatient.repository, len(package), content_type))
            connection.sendall(package[: len(package) // 2])
            eventually(lambda: len(staged(impatient)) == 1)
        eventually(lambda: "client gone before its message was whole" in log.since(position))
    assert '"level": "error"' not in log.since(position)


def test_a_client_that_vanishes_while_it_is_answered_is_not_read_to(
    shared: Running, log: Log
) -> None:
    position = log.stream.tell()
    with nothing_left(shared):
        with connected(shared.url, receive_buffer=4096) as connection:
            connection.sendall(retrieve(shared))
            assert connection.recv(16) == b"HTTP/1.1 200 OK\r"
        eventually(lambda: "client gone before its answer was whole" in log.since(position))
    (line,) = (line for line in log.since(position).splitlines() if "client gone" in line)
    assert int(line.partition('"bytes_out": ')[2].partition(",")[0]) < len(DOCUMENT)


def test_a_client_that_does_not_read_its_answer_is_cut_off(shared: Running, log: Log) -> None:
    position = log.stream.tell()
    with nothing_left(shared), connected(shared.url, receive_buffer=4096) as connection:
        connection.sendall(retrieve(shared))
        eventually(lambda: "client does not take its answer" in log.since(position))
        received = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(1 << 20):
                received += len(piece)
        assert received < len(DOCUMENT)


def test_a_patient_reader_gets_every_byte(shared: Running) -> None:
    with nothing_left(shared), connected(shared.url, receive_buffer=65536) as connection:
        connection.sendall(retrieve(shared))
        (answer,) = answers_on(connection)
    assert DOCUMENT in answer.body


# --- too many ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def narrow(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a community with room for two requests, and for ten connections."""
    with running(
        tmp_path_factory.mktemp("narrow"), limits=Limits(in_flight=2, connections=10)
    ) as community:
        yield community


def test_one_request_too_many_is_told_to_come_back(narrow: Running) -> None:
    with contextlib.ExitStack() as stack:
        two = [stack.enter_context(connected(narrow.url)) for _ in range(2)]
        for connection in two:
            connection.sendall(head(narrow.registry, len(QUERY)) + QUERY[:-1])
        eventually(lambda: post(narrow.registry, QUERY).status == 503)
        answer = post(narrow.registry, QUERY)
        assert (answer.status, answer.codes) == (503, ["Receiver", "EndpointUnavailable"])
        assert answer.headers["retry-after"] == "2"
        assert answer.trace_id in answer.reason
        assert post(narrow.repository, QUERY).status == 400, "the other actors have their own room"
        two[0].sendall(QUERY[-1:])
        assert answers_on(two[0])[0].registry_status == "Success"
        assert is_good(narrow.registry)
    assert is_good(narrow.registry)


def test_for_one_connection_too_many_an_idle_one_is_closed(narrow: Running) -> None:
    with contextlib.ExitStack() as stack:
        busy = stack.enter_context(connected(narrow.url))
        busy.sendall(head(narrow.registry, len(QUERY)) + QUERY[:-1])
        assert is_good(narrow.registry)
        idle = [stack.enter_context(connected(narrow.url)) for _ in range(12)]
        assert is_good(narrow.registry)
        assert idle[0].recv(1) == b"", "the one that was idle longest"
        busy.sendall(QUERY[-1:])
        assert answers_on(busy)[0].registry_status == "Success"


class _Held(MemoryStore):
    """A store whose first reader stays until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.questions = 0
        self.go = threading.Event()

    def find(self, kind: Kind, conditions: Sequence[Condition]) -> list[Record]:
        self.questions += 1
        self.go.wait(30)
        return super().find(kind, conditions)


@pytest.fixture
def stuck(log: Log, tmp_path: Path) -> Iterator[tuple[Running, _Held]]:
    """Run a community whose registry has one thread, which is not done with its first request."""
    store = _Held()
    limits = Limits(threads=1, wait_s=0.2)
    with running(tmp_path, store=store, limits=limits) as community:
        try:
            yield community, store
        finally:
            store.go.set()


def test_a_message_that_has_waited_too_long_is_told_to_come_back(
    stuck: tuple[Running, _Held],
) -> None:
    hub, store = stuck
    with connected(hub.url) as first:
        first.sendall(head(hub.registry, len(QUERY)) + QUERY)
        eventually(lambda: store.questions == 1)
        answer = post(hub.registry, QUERY)
        assert (answer.status, answer.codes) == (503, ["Receiver", "EndpointUnavailable"])
        assert (answer.headers["retry-after"], "no turn in 0.2 s" in answer.reason) == ("2", True)
        store.go.set()
        assert answers_on(first)[0].registry_status == "Success", "it had begun"
    assert store.questions == 1
    assert is_good(hub.registry)


def test_a_message_whose_client_has_gone_is_not_worked_on(
    stuck: tuple[Running, _Held], log: Log
) -> None:
    hub, store = stuck
    position = log.stream.tell()
    with connected(hub.url) as first:
        first.sendall(head(hub.registry, len(QUERY)) + QUERY)
        eventually(lambda: store.questions == 1)
        with connected(hub.url) as second:
            second.sendall(head(hub.registry, len(QUERY)) + QUERY)
        eventually(lambda: "turn came" in log.since(position))
        store.go.set()
        assert answers_on(first)[0].registry_status == "Success"
    assert store.questions == 1
