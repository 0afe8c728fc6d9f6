"""A load client that costs little: prebuilt bytes over keep-alive sockets, in a process of its own.

Each connection is a thread that sends the next message when the answer to the one before is here,
so that no more requests are under way than there are connections. It looks at an answer just long
enough to tell Success from anything else.
"""

import http.client
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from benchmarks.community import Target
from benchmarks.messages import NOISE, Message, provide_head

_SUCCESS: Final = b"ResponseStatusType:Success"
_LOOKED_AT: Final = 8192
"""Octets of an answer that its status must be in."""
_BUFFER: Final = 1 << 18
_PATIENCE_S: Final = 120
_READ: Final = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is to be sent.

    Parameters
    ----------
    first, numbers
        The numbers that the messages get: that many from the first on, and again from the first
        when all are used.
    seconds, most
        When it ends: after so much time, or so many requests.
    """

    to: Target
    message: Message
    first: int
    numbers: int
    connections: int
    seconds: float
    most: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a load.

    Parameters
    ----------
    done
        Answers that were Success.
    failures
        What other answers there were: the first few octets of each kind, at most a few.
    elapsed_s
        From the first request to the last answer.
    cpu_s
        Of the load client.
    p50_ms, p99_ms
        How long an answer took.
    """

    done: int
    failures: tuple[str, ...]
    elapsed_s: float
    cpu_s: float
    p50_ms: float
    p99_ms: float


class _Answer(NamedTuple):
    is_success: bool
    start: bytes


class Connection:
    """One keep-alive connection."""

    def __init__(self, to: Target) -> None:
        plain = socket.create_connection((to.host, to.port), timeout=_PATIENCE_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = to.tls.context() if to.tls else None
        self._socket = context.wrap_socket(plain, server_hostname=to.host) if context else plain
        self._buffer = bytearray(_BUFFER)

    def ask(self, request: bytes) -> _Answer:
        """Send a request, take its answer in, and tell whether it is Success."""
        self._socket.sendall(request)
        start = b""
        while (at := start.find(b"\r\n\r\n")) < 0:
            start += self._some()
        left = _length(start[:at]) - (len(start) - at - 4)
        while left and len(start) < _LOOKED_AT:
            piece = self._some()
            start += piece
            left -= len(piece)
        while left:
            left -= self._skip(left)
        return _Answer(start.startswith(b"HTTP/1.1 200 ") and _SUCCESS in start, start)

    def whole(self, request: bytes) -> bytes:
        """Send a request and return the whole body of its answer."""
        self._socket.sendall(request)
        answer = http.client.HTTPResponse(self._socket)
        answer.begin()
        return answer.read()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _some(self) -> bytes:
        return bytes(memoryview(self._buffer)[: self._skip(_BUFFER)])

    def _skip(self, most: int) -> int:
        octets = self._socket.recv_into(self._buffer, min(most, _BUFFER))
        if not octets:
            raise ConnectionError("the server closed the connection")
        return octets


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ConnectionError(f"an answer without Content-Length: {head[:200]!r}")


@dataclass(slots=True)
class _Turn:
    """What the connections share: whose number is next, and what came."""

    load: Load
    until: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    taken: int = 0
    times: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def number(self) -> int | None:
        """Return the next number, None when it is time to end."""
        with self.lock:
            if self.taken >= self.load.most or self.failures or time.perf_counter() >= self.until:
                return None
            self.taken += 1
            return self.load.first + (self.taken - 1) % self.load.numbers


def run(load: Load) -> Outcome:
    """Send it, and tell what came of it; it ends early when something fails."""
    connections = [Connection(load.to) for _ in range(load.connections)]
    cpu, began = time.process_time(), time.perf_counter()
    turn = _Turn(load, began + load.seconds)
    threads = [threading.Thread(target=_work, args=(each, turn)) for each in connections]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    elapsed, cpu = time.perf_counter() - began, time.process_time() - cpu
    for connection in connections:
        connection.close()
    times = sorted(turn.times) or [0.0]
    return Outcome(
        done=len(turn.times),
        failures=tuple(turn.failures),
        elapsed_s=elapsed,
        cpu_s=cpu,
        p50_ms=statistics.median(times) * 1000,
        p99_ms=times[len(times) * 99 // 100] * 1000,
    )


def _work(connection: Connection, turn: _Turn) -> None:
    message = turn.load.message
    try:
        while (number := turn.number()) is not None:
            request = message.numbered(number)
            began = time.perf_counter()
            answer = connection.ask(request)
            if answer.is_success:
                turn.times.append(time.perf_counter() - began)
            else:
                turn.failures.append(answer.start[:1500].decode(errors="replace"))
    except (OSError, ValueError) as problem:
        turn.failures.append(f"{type(problem).__name__}: {problem}")


# --- one large document --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Transfer:
    """How long a large document took, and how many octets the answer had."""

    elapsed_s: float
    octets: int


def send_document(to: Target, number: int, size: int) -> Transfer:
    """Provide one document of so many octets (ITI-41), never holding it."""
    content_type, head, tail = provide_head(number, size)
    begins = b"%d" % number

    def pieces() -> Iterator[bytes]:
        yield head
        yield begins
        left = size - len(begins)
        while left:
            piece = NOISE[:left]
            left -= len(piece)
            yield piece
        yield tail

    return _transfer(to, pieces(), content_type, len(head) + size + len(tail), least=0)


def fetch_document(to: Target, message: Message, number: int, size: int) -> Transfer:
    """Retrieve it again (ITI-43), and throw its octets away."""
    head, _, body = message.numbered(number).partition(b"\r\n\r\n")
    lines = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
    content_type = lines[b"Content-Type"].decode()
    return _transfer(to, iter((body,)), content_type, len(body), least=size)


def _transfer(
    to: Target, pieces: Iterator[bytes], content_type: str, length: int, *, least: int
) -> Transfer:
    context = to.tls.context() if to.tls else None
    connection = (
        http.client.HTTPSConnection(to.host, to.port, timeout=_PATIENCE_S, context=context)
        if context
        else http.client.HTTPConnection(to.host, to.port, timeout=_PATIENCE_S)
    )
    began = time.perf_counter()
    headers = {"Content-Type": content_type, "Content-Length": str(length)}
    connection.request("POST", to.path, pieces, headers)
    answer = connection.getresponse()
    buffer = bytearray(_READ)
    start, octets = b"", 0
    while count := answer.readinto(buffer):
        if octets < _LOOKED_AT:
            start += bytes(buffer[:count])
        octets += count
    elapsed = time.perf_counter() - began
    connection.close()
    if answer.status != http.client.OK or _SUCCESS not in start or octets < least:
        raise ConnectionError(f"{answer.status}, {octets} octets: {start[:1500]!r}")
    return Transfer(elapsed, octets)
