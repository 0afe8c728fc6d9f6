"""Load that comes when it comes: messages on schedule, whether or not answers are there yet.

A client that waits for an answer before it sends more slows down with the hub, and never finds out
what happens when more is asked than can be done. Here every message has a moment at which it is
due, and its time counts from that moment.

```text
due ─▶ queue ─▶ an idle connection ─▶ answer: acknowledged | refused, by what was said | lost
         ╰ none for too long: not sent
```
"""

import asyncio
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final, cast

from benchmarks.community import Target
from benchmarks.messages import Message

_SUCCESS: Final = b"ResponseStatusType:Success"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SAID: Final = re.compile(rb'errorCode="(\w+)"|Subcode>\s*<[^>]*Value[^>]*>(?:[^:<]+:)?(\w+)')
_HEAD_END: Final = b"\r\n\r\n"
_OK: Final = b"200"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What is sent, and when.

    Parameters
    ----------
    first
        The number of the first message; the next one has the next number.
    rate, seconds
        Messages a second, evenly spread, and for how long.
    connections
        How many are open: no more messages can be under way.
    patience_s
        How long a message waits for an idle connection before it is not sent at all.
    """

    to: Target
    message: Message
    first: int
    rate: float
    seconds: float
    connections: int
    patience_s: float = 10.0

    @property
    def most(self) -> int:
        """How many messages there are."""
        return int(self.rate * self.seconds)


@dataclass(slots=True)
class Outcome:
    """What came of each message, by its number.

    Parameters
    ----------
    acknowledged
        Seconds from when it was due until Success was read.
    refused
        What the answer was, such as `503 EndpointUnavailable, Retry-After 2`.
    lost
        Sent, and no answer came: it may be registered or not.
    unsent
        Never sent: all connections were waiting for answers.
    """

    acknowledged: dict[int, float] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    refused_s: list[float] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)
    unsent: set[int] = field(default_factory=set)

    @property
    def answered(self) -> int:
        """How many messages got an answer."""
        return len(self.acknowledged) + len(self.refused)

    @property
    def refusals(self) -> Counter[str]:
        """How often each refusal was said."""
        return Counter(self.refused.values())


class _Sent:
    """A message under way."""

    __slots__ = ("due", "number")

    def __init__(self, number: int, due: float) -> None:
        self.number, self.due = number, due


class Arrivals:
    """Sends one schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule, self.outcome = schedule, Outcome()
        self._queue: deque[_Sent] = deque()
        self._idle: deque[_Line] = deque()
        self._lines: set[_Line] = set()
        self._opening: set[asyncio.Task[None]] = set()

    async def run(self) -> Outcome:
        """Send everything, wait for the answers, and tell what came."""
        schedule, loop = self.schedule, asyncio.get_running_loop()
        await asyncio.gather(*(self._open() for _ in range(schedule.connections)))
        began, sent = loop.time(), 0
        while sent < schedule.most:
            now = loop.time()
            while sent < schedule.most and (due := began + sent / schedule.rate) <= now:
                self._queue.append(_Sent(schedule.first + sent, due))
                sent += 1
            self._forward(now)
            await asyncio.sleep(_TICK_S)
        await self._drain(loop.time() + _LAST_S)
        for line in list(self._lines):
            line.close()
        return self.outcome

    async def _drain(self, until: float) -> None:
        """Wait until nothing is under way, or for too long."""
        loop = asyncio.get_running_loop()
        while (self._queue or any(line.sent for line in self._lines)) and loop.time() < until:
            self._forward(loop.time())
            await asyncio.sleep(_TICK_S)
        self.outcome.unsent.update(each.number for each in self._queue)
        self._queue.clear()

    def _forward(self, now: float) -> None:
        while self._queue and self._idle:
            self._idle.popleft().send(self._queue.popleft())
        while self._queue and now - self._queue[0].due > self.schedule.patience_s:
            self.outcome.unsent.add(self._queue.popleft().number)

    async def _open(self) -> None:
        to = self.schedule.to
        loop = asyncio.get_running_loop()
        _transport, line = await loop.create_connection(lambda: _Line(self), to.host, to.port)
        self._lines.add(line)
        self._idle.append(line)

    async def _open_again(self) -> None:
        while True:
            try:
                return await self._open()
            except OSError:
                await asyncio.sleep(_AGAIN_S)

    # --- what connections say --------------------------------------------------------------------

    def answered(self, line: "_Line", sent: _Sent, answer: bytes) -> None:
        """Note an answer, and send the next message."""
        took = asyncio.get_running_loop().time() - sent.due
        if answer[9:12] == _OK and _SUCCESS in answer:
            self.outcome.acknowledged[sent.number] = took
        else:
            self.outcome.refused[sent.number] = _what(answer)
            self.outcome.refused_s.append(took)
        if self._queue:
            line.send(self._queue.popleft())
        else:
            self._idle.append(line)

    def ended(self, line: "_Line", sent: _Sent | None) -> None:
        """Note that the hub closed a connection, and open another one."""
        if sent is not None:
            self.outcome.lost.add(sent.number)
        self._lines.discard(line)
        if line in self._idle:
            self._idle.remove(line)
        if not line.is_closed:
            task = asyncio.create_task(self._open_again())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)


_TICK_S: Final = 0.002
_LAST_S: Final = 60.0
"""How long answers are waited for after the last message."""
_AGAIN_S: Final = 0.05


class _Line(asyncio.Protocol):
    """One keep-alive connection, with one message under way at most."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self.sent: _Sent | None = None
        self.is_closed = False
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def send(self, sent: _Sent) -> None:
        self.sent, self._answer = sent, b""
        self._transport.write(self._arrivals.schedule.message.numbered(sent.number))

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(_HEAD_END)
        if not found or self.sent is None:
            return
        length = _LENGTH.search(head)
        if length and len(body) >= int(length[1]):
            sent, self.sent = self.sent, None
            self._arrivals.answered(self, sent, self._answer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's words
        self._arrivals.ended(self, self.sent)

    def close(self) -> None:
        self.is_closed = True
        self._transport.close()


def _what(answer: bytes) -> str:
    """Return what a refusal says: its HTTP status, its code, and when to come back."""
    said = _SAID.search(answer)
    words = [answer[9:12].decode(), (said[1] or said[2]).decode() if said else "?"]
    again = re.search(rb"\r\nretry-after: *(\d+)", answer, re.IGNORECASE)
    return " ".join(words) + (f", Retry-After {again[1].decode()}" if again else "")
