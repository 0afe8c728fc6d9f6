"""How many requests a community answers, at which cost, next to what they cost at the least.

```text
load client ══ keep-alive ══▶ felles serve …       CPU of each process from /proc, before and after
                              floors               the same bytes, the plainest way
```
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from benchmarks import floors, load, messages
from benchmarks.community import Community, Target
from benchmarks.load import Connection, Load, Outcome
from benchmarks.messages import FIRST, Message
from benchmarks.timing import Cost, total

ONE_MB: Final = 1_000_000
_ENDLESS: Final = 10**9
_FOUND: Final = {10: 20, 100: 5}
"""How many patients there are with so many documents each."""
_KEPT: Final = 40
"""How many documents of 1 MB are retrieved again and again."""
_PREPARE_S: Final = 60.0
_STEP: Final = 10**10
_SHOWN: Final = 0.02
"""The part of the CPU of a request from which on a process counts: others are only idle."""
_ENTRY: Final = b"<rim:ExtrinsicObject"


class Failed(Exception):
    """A request was not answered with Success; the message shows the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What was measured of one transaction.

    Parameters
    ----------
    cpu_us
        CPU microseconds of one request, by process.
    floors
        What one request costs at the least, by what it is.
    request, answer
        Octets of the bodies.
    """

    name: str
    outcome: Outcome
    cpu_us: dict[str, float]
    floors: dict[str, Cost]
    request: int
    answer: int

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.outcome.done / self.outcome.elapsed_s

    @property
    def cpu(self) -> float:
        """CPU microseconds of one request, all processes together."""
        return sum(self.cpu_us.values())

    @property
    def floor(self) -> Cost:
        """What one request costs at the least."""
        return total(self.floors.values())

    @property
    def cpu_ratio(self) -> float:
        """How many times the CPU of its floors a request takes."""
        return self.cpu / self.floor.cpu

    @property
    def time_ratio(self) -> float:
        """How many times the elapsed time of its floors, done one after the other."""
        return 1e6 / self.per_second / self.floor.elapsed


@dataclass(slots=True)
class Bench:
    """A community that is measured, and what is measured how.

    Parameters
    ----------
    client
        The process of the load client.
    seconds, most
        How long, and how many requests, each measurement takes at the most.
    """

    community: Community
    client: ProcessPoolExecutor
    connections: int
    seconds: float
    most: int
    _floors: dict[tuple[object, ...], Cost] = field(default_factory=dict)
    _numbers: int = FIRST

    def target(self, name: str) -> Target:
        """Return an endpoint."""
        return self.community.target(name)

    def numbers(self) -> int:
        """Return the first of numbers that no message has had."""
        self._numbers += _STEP
        return self._numbers

    def floor(self, measure: Callable[..., Cost], *arguments: object) -> Cost:
        """Return a floor, measured once in a run."""
        key = (measure, *(each for each in arguments if not isinstance(each, Community)))
        if key not in self._floors:
            self._floors[key] = measure(*arguments)
        return self._floors[key]

    def prepare(self, to: Target, message: Message, first: int, count: int) -> None:
        """Send so many messages that are not measured.

        Raises
        ------
        Failed
            One was not answered with Success.
        """
        self._run(to, message, first, count, seconds=_PREPARE_S, most=count)

    def measure(
        self,
        name: str,
        to: Target,
        message: Message,
        floors_: Callable[[bytes], dict[str, Cost]],
        *,
        first: int,
        numbers: int = _ENDLESS,
    ) -> Rate:
        """Measure one transaction; `floors_` is given an answer.

        Raises
        ------
        Failed
            A request was not answered with Success.
        """
        warm = max(8, self.most // 20)
        self._run(to, message, first, numbers, seconds=self.seconds / 4, most=warm)
        began = first + warm if numbers == _ENDLESS else first
        before = self.community.cpu_s()
        outcome = self._run(to, message, began, numbers, seconds=self.seconds, most=self.most)
        after = self.community.cpu_s()
        spent = {key: (after[key] - before[key]) * 1e6 / outcome.done for key in after}
        least = _SHOWN * sum(spent.values())
        answer = self.answer(to, message, self.numbers() if numbers == _ENDLESS else first)
        return Rate(
            name=name,
            outcome=outcome,
            cpu_us={key: each for key, each in spent.items() if each > least},
            floors=floors_(answer),
            request=len(message.body),
            answer=len(answer),
        )

    def answer(self, to: Target, message: Message, number: int) -> bytes:
        """Return the answer to one message."""
        connection = Connection(to)
        try:
            return connection.whole(message.numbered(number))
        finally:
            connection.close()

    def _run(
        self, to: Target, message: Message, first: int, numbers: int, *, seconds: float, most: int
    ) -> Outcome:
        wanted = Load(
            to=to,
            message=message,
            first=first,
            numbers=numbers,
            connections=self.connections,
            seconds=seconds,
            most=most,
        )
        outcome = self.client.submit(load.run, wanted).result()
        if outcome.failures or not outcome.done:
            raise Failed("\n".join(outcome.failures[:1]) or "there was no answer")
        return outcome


# --- transactions --------------------------------------------------------------------------------


def iti_42(bench: Bench) -> Rate:
    """Register one document."""
    to = bench.target("registry")
    message = messages.register(to)

    def at_least(answer: bytes) -> dict[str, Cost]:
        return {
            "parse": bench.floor(floors.parse, _envelope(message)),
            "commit": bench.floor(floors.commit, bench.community),
            "exchange": bench.floor(floors.exchange, len(message.numbered(FIRST)), len(answer)),
        }

    return bench.measure("ITI-42", to, message, at_least, first=bench.numbers())


def iti_18(bench: Bench, found: int) -> Rate:
    """Find a patient's documents, LeafClass."""
    to, first, patients = bench.target("registry"), bench.numbers(), _FOUND[found]
    bench.prepare(to, messages.register(to, found), first, patients)
    message = messages.find(to)
    if (count := bench.answer(to, message, first).count(_ENTRY)) != found:
        raise Failed(f"{count} documents were found, {found} were expected")

    def at_least(answer: bytes) -> dict[str, Cost]:
        return {
            "parse": bench.floor(floors.parse, _envelope(message)),
            "read rows": bench.floor(floors.read_rows, bench.community, found, _entry(answer)),
            "join": bench.floor(floors.join, found, len(answer)),
            "exchange": bench.floor(floors.exchange, len(message.numbered(first)), len(answer)),
        }

    name = f"ITI-18, {found} entries"
    return bench.measure(name, to, message, at_least, first=first, numbers=patients)


def iti_41(bench: Bench) -> Rate:
    """Provide and register one document of 1 MB."""
    to = bench.target("repository")
    message = messages.provide(to, ONE_MB)

    def at_least(answer: bytes) -> dict[str, Cost]:
        return {
            "parse": bench.floor(floors.parse, _envelope(messages.register(to))),
            "SHA-1, SHA-256": bench.floor(floors.hash_both, ONE_MB),
            "write, fsync": bench.floor(floors.write_file, bench.community.folder, ONE_MB),
            "commit, two actors": bench.floor(floors.commit, bench.community) * 2,
            "exchange": bench.floor(floors.exchange, len(message.numbered(FIRST)), len(answer)),
        }

    return bench.measure("ITI-41, 1 MB", to, message, at_least, first=bench.numbers())


def iti_43(bench: Bench) -> Rate:
    """Retrieve one document of 1 MB."""
    to, first = bench.target("repository"), bench.numbers()
    bench.prepare(to, messages.provide(to, ONE_MB), first, _KEPT)
    message = messages.retrieve(to)

    def at_least(answer: bytes) -> dict[str, Cost]:
        return {
            "parse": bench.floor(floors.parse, _envelope(message)),
            "read file": bench.floor(floors.read_file, bench.community.folder, ONE_MB),
            "SHA-256": bench.floor(floors.hash_one, ONE_MB),
            "exchange": bench.floor(floors.exchange, len(message.numbered(first)), len(answer)),
        }

    return bench.measure("ITI-43, 1 MB", to, message, at_least, first=first, numbers=_KEPT)


RATES: Final[dict[str, Callable[[Bench], Rate]]] = {
    "iti-42": iti_42,
    "iti-18-10": lambda bench: iti_18(bench, 10),
    "iti-18-100": lambda bench: iti_18(bench, 100),
    "iti-41": iti_41,
    "iti-43": iti_43,
}
"""What `--only` calls each measurement."""


def _entry(answer: bytes) -> bytes:
    """Return the first entry in an answer."""
    return _ENTRY + answer.split(_ENTRY, 2)[1]


def _envelope(message: Message) -> bytes:
    """Return the envelope in a message, without the MIME around it."""
    body = message.body
    return body[body.index(b"<soap:Envelope") : body.index(b"</soap:Envelope>") + 16]


def names(wanted: Sequence[str], of: Sequence[str]) -> list[str]:
    """Return those of `of` that `wanted` names, or that begin so; all, if nothing is wanted."""

    def is_meant(name: str, by: str) -> bool:
        return name == by if by in of else name.startswith(by)

    return [name for name in of if not wanted or any(is_meant(name, each) for each in wanted)]
