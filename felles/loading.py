"""Bulk loading: takes what another registry knew into this one, straight into its database.

```text
files ─▶ batches ─▶ registry.bulk ─▶ one transaction each ─▶ registered, there already, refused
                         │
                         └ refers to what is not there (yet): held, and tried again in the end
```

It may be ended at any moment, by kill -9 too, and started again: every submission is whole or not
there, and what is there already counts as done (as a replay does, decision 6).

Several connections are several processes. What a submission refers to has to come before it, so
they take those alone that refer to nothing; the others follow by one connection, in their order.
"""

import io
import multiprocessing
import os
import signal
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, TypeAlias

import registry.app
from felles.captured import NoMessage, read_message
from felles.sources import Source
from hub import clock, settings
from hub.remote import ANSWER
from hub.settings import CommunitySettings, RegistrySettings, SettingsError
from ihe.datatypes import DTM
from ihe.errors import ErrorCode, SoapFault, Unavailable, registry_error
from ihe.model import Submission
from ihe.rules import Profile
from ihe.transactions import ITI_42, ITI_61
from ihe.vocabulary import Severity
from registry.bulk import Loaded, Outcome, load, refers_to
from registry.domain import Registry
from registry.dry import DryStore
from registry.store.sql import open_store

_AHEAD: Final = 2
"""Batches that wait for each connection."""
_TOGETHER: Final = 32 * 1024**2
"""Octets after which a batch ends: it is in memory."""


class Told(NamedTuple):
    """What became of one message; `own` and `refers` are ids, for a dry run."""

    loaded: Loaded
    own: frozenset[str] = frozenset()
    refers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to load; goes to each process.

    Parameters
    ----------
    registry, community
        Settings of the registry, with what was said on the command line.
    dry
        Whether nothing is to be stored.
    batch
        Messages in one transaction.
    connections
        Processes.
    """

    registry: RegistrySettings
    community: CommunitySettings
    dry: bool = False
    batch: int = 50
    connections: int = 1


@dataclass(slots=True)
class Tally:
    """What became of all messages so far."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    warnings: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def add(self, loaded: Loaded) -> None:
        """Count one."""
        self.outcomes[loaded.outcome] += 1
        for error in loaded.errors:
            if error.severity == Severity.ERROR:
                self.codes[str(error.code)] += 1
                self.rules[error.rule or "-"] += 1
            else:
                self.warnings += 1


Refused: TypeAlias = Callable[[str, Loaded], None]
"""Called with the name of each message that is refused, and why."""
Moved: TypeAlias = Callable[[int], None]
"""Called with the number of messages that have just been done."""


def load_all(sources: Iterator[Source], plan: Plan, *, refused: Refused, moved: Moved) -> Tally:
    """Load all messages.

    Raises
    ------
    Unavailable
        The database does not answer; what was told to be registered is.
    SettingsError
        Something given cannot be read.
    """
    tally = Tally()

    def settle(name: str, loaded: Loaded) -> None:
        tally.add(loaded)
        moved(1)
        if loaded.outcome is Outcome.REFUSED:
            refused(name, loaded)

    with ExitStack() as stack:
        own = stack.enter_context(_Worker(plan))
        held = stack.enter_context(_Held())
        seen: set[str] = set()
        for source, told in _first(sources, own, plan):
            if plan.dry:
                seen |= told.own
            if told.loaded.outcome is Outcome.WAITING or told.loaded.may_follow:
                held.put(source)
            else:
                settle(source.name, told.loaded)
        _follow(held, own, plan, seen, settle)
    return tally


def _first(sources: Iterator[Source], own: "_Worker", plan: Plan) -> Iterator[tuple[Source, Told]]:
    """Yield every message with what became of it at the first try, in their order."""
    if plan.connections == 1:
        for batch in _batches(sources, plan.batch):
            yield from zip(batch, own.work(batch), strict=True)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan.connections, context, _begin, (plan,)) as pool:
        waiting: deque[tuple[list[Source], Future[list[Told] | _Ended]]] = deque()
        try:
            for batch in _batches(sources, plan.batch):
                waiting.append((batch, pool.submit(_work, batch)))
                if len(waiting) > _AHEAD * plan.connections:
                    oldest, result = waiting.popleft()
                    yield from zip(oldest, _told_by(result), strict=True)
            while waiting:
                oldest, result = waiting.popleft()
                yield from zip(oldest, _told_by(result), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)


def _told_by(result: "Future[list[Told] | _Ended]") -> list[Told]:
    """Return what a process told; raise `Unavailable` when it could not go on."""
    try:
        told = result.result()
    except BrokenProcessPool:
        raise Unavailable("a process of this load", "it ended; start again to go on") from None
    if isinstance(told, _Ended):
        raise Unavailable(told.what, told.reason)
    return told


def _follow(
    held: "_Held",
    own: "_Worker",
    plan: Plan,
    seen: set[str],
    settle: Callable[[str, Loaded], None],
) -> None:
    """Load what was held, again and again as long as some of it succeeds."""
    while len(held):
        with _Held() as left:
            refusals: list[Loaded] = []
            for batch in _batches(held.take(), plan.batch):
                for source, told in zip(batch, own.work(batch), strict=True):
                    if not told.loaded.may_follow:
                        settle(source.name, told.loaded)
                    elif plan.dry and told.refers <= seen:  # others here bring what it refers to
                        settle(source.name, Loaded(Outcome.REGISTERED))
                    else:
                        left.put(source)
                        refusals.append(told.loaded)
            if len(left) == len(held):
                for source, loaded in zip(left.take(), refusals, strict=True):
                    settle(source.name, loaded)
                return
            held.swap(left)


def _batches(sources: Iterable[Source], size: int) -> Iterator[list[Source]]:
    """Yield so many at once, and fewer where they are large."""
    batch: list[Source] = []
    octets = 0
    for source in sources:
        batch.append(source)
        octets += len(source.data)
        if len(batch) == size or octets > _TOGETHER:
            yield batch
            batch, octets = [], 0
    if batch:
        yield batch


class _Held:
    """Messages that wait, in a temporary file."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__
        self._places: list[tuple[str, int, int]] = []

    def __enter__(self) -> "_Held":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._places)

    def put(self, source: Source) -> None:
        """Let a message wait."""
        at = self._file.seek(0, os.SEEK_END)
        self._file.write(source.data)
        self._places.append((source.name, at, len(source.data)))

    def take(self) -> Iterator[Source]:
        """Yield those that wait, in their order."""
        for name, at, octets in self._places:
            self._file.seek(at)
            yield Source(name, self._file.read(octets))

    def swap(self, other: "_Held") -> None:
        """Take the place of another, and let it have this one's."""
        self._file, other._file = other._file, self._file
        self._places, other._places = other._places, self._places


# --- in each process -----------------------------------------------------------------------------


class _Worker:
    """A registry of this process's own; `alone` holds back what refers to something else."""

    def __init__(self, plan: Plan, *, alone: bool = False) -> None:
        self._plan, self._alone = plan, alone
        self._store = open_store(plan.registry.database)
        try:
            ports, _codes = registry.app.ports(self._store, plan.registry, plan.community)
        except BaseException:
            self._store.close()
            raise
        self._registry: Registry = ports
        if plan.dry:
            self._registry = replace(ports, store=DryStore(self._store))

    def __enter__(self) -> "_Worker":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._store.close()

    def work(self, batch: Sequence[Source]) -> list[Told]:
        """Load messages in one transaction; return what became of each."""
        read = [self._read(source) for source in batch]
        ready = [each for each in read if not isinstance(each, Loaded)]
        now = DTM.of(clock.now())
        loaded = iter(load(ready, now, self._registry) if ready else ())
        return [
            Told(each) if isinstance(each, Loaded) else self._told(each[0], next(loaded))
            for each in read
        ]

    def _told(self, submission: Submission, loaded: Loaded) -> Told:
        if not self._plan.dry:
            return Told(loaded)
        own = frozenset(thing.entry_uuid for thing in submission)
        return Told(loaded, own, frozenset(refers_to(submission)))

    def _read(self, source: Source) -> tuple[Submission, Profile] | Loaded:
        """Return a message's submission and the rules for it; or why it is not loaded."""
        if source.problem:
            return _refused(source.problem)
        try:
            message = read_message(io.BytesIO(source.data), limits=ANSWER)
        except (NoMessage, SoapFault) as problem:
            return _refused(f"found no message to load: {problem.reason}")
        message.discard()
        name = message.transaction.name
        if name not in {ITI_42.name, ITI_61.name}:
            return _refused(f"found {name}, expected {ITI_42.name} or {ITI_61.name}: {_WHY[name]}")
        if self._alone and refers_to(message.submission):
            return Loaded(Outcome.WAITING)
        on_demand = name == ITI_61.name
        return message.submission, replace(self._registry.profile(), on_demand=on_demand)


_WHY: Final = {
    "ITI-41": "its documents go to a repository, which registers them",
    "ITI-57": "an update cannot be told from one that was made before",
    "ITI-92": "an update cannot be told from one that was made before",
}


def _refused(reason: str) -> Loaded:
    return Loaded(Outcome.REFUSED, (registry_error(ErrorCode.REGISTRY_ERROR, reason),))


_workers: list[_Worker] = []
"""The one of this process, when it is one of several."""


def _begin(plan: Plan) -> None:
    """Set a process up; it ends with the one that started it, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    parent = multiprocessing.parent_process()
    assert parent is not None, "started by another"  # noqa: S101  # multiprocessing's promise

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    _workers.append(_Worker(plan, alone=True))


class _Ended(NamedTuple):
    """Why a process cannot go on: exceptions lose on the way what they are made of."""

    what: str
    reason: str


def _work(batch: Sequence[Source]) -> list[Told] | _Ended:
    try:
        return _workers[0].work(batch)
    except Unavailable as failure:
        return _Ended(failure.what, failure.reason)


def settings_for(
    config: Path | None, patients: str | None, strictness: Iterable[str]
) -> tuple[RegistrySettings, CommunitySettings]:
    """Return the settings, with what the command line says in their place.

    Parameters
    ----------
    strictness
        `RULE=reject|warn|off`, each.

    Raises
    ------
    SettingsError
        Something is not possible.
    """
    chosen = settings.load(config)
    given: dict[str, Any] = {"accepts_replays": True}
    if patients is not None:
        given["patients"] = patients
    said = dict(chosen.registry.strictness)
    for each in strictness:
        rule, equals, value = each.partition("=")
        if not equals or value not in {"reject", "warn", "off"}:
            raise SettingsError(
                f"--strictness: found '{each}', expected RULE=reject, RULE=warn or RULE=off"
            )
        said[rule] = value  # type: ignore[assignment]  # checked above
    given["strictness"] = said
    return settings.changed(chosen.registry, **given), chosen.community
