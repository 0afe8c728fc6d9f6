"""Two workers on one PostgreSQL, of which one stops half-way and the other comes between.

```text
          BEFORE                   HELD                     BETWEEN
first     looks up ✋ transaction   transaction ✋ commit     a first question ✋ the others
second         ── runs ──          runs, or waits for it        ── runs ──
```

Nothing here waits for a time to pass: the first goes on when the second has ended, or when the
server says that it waits for a lock.
"""

import itertools
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

import psycopg

from ihe.datatypes import HomeCommunityId
from ihe.state import Condition, Kind, Patient, Record, State
from registry.store.port import Store, Writer
from registry.store.sql import open_store
from registry.store.tables import marks, metadata
from tests.registry.scene import Scene

T = TypeVar("T")
S = TypeVar("S")

_PATIENCE_S = 60.0
"""Until a race that does not move fails."""


class Point(StrEnum):
    """Where the first of two stops."""

    BEFORE = "before its transaction"
    HELD = "before its commit"
    BETWEEN = "between two questions"


class Halting:
    """A store that stops at `point`, once, and goes on when it is told to."""

    def __init__(self, behind: Store, point: Point) -> None:
        self._behind, self._point = behind, point
        self.reached, self.go_on = threading.Event(), threading.Event()

    def write(self, work: Callable[[Writer], T]) -> T:
        """Run a transaction, and stop before it or before its commit."""

        def halting(writer: Writer) -> T:
            result = work(writer)
            self.stop_at(Point.HELD)
            return result

        self.stop_at(Point.BEFORE)
        return self._behind.write(halting)

    @contextmanager
    def read(self) -> Iterator[State]:
        """Open a view, and stop after its first question."""
        with self._behind.read() as state:
            yield _HaltingView(state, self)

    def find(self, kind: Kind, conditions: Sequence[Condition]) -> list[Record]:
        """Answer one question."""
        return self._behind.find(kind, conditions)

    def ready(self) -> None:
        """Return when the store answers."""
        self._behind.ready()

    def close(self) -> None:
        """Do nothing: whoever opened the store closes it."""

    def stop_at(self, point: Point) -> None:
        """Wait to be told to go on, if this is the point and it was not reached before."""
        if point == self._point and not self.reached.is_set():
            self.reached.set()
            if not self.go_on.wait(_PATIENCE_S):
                raise AssertionError("nobody said that the first may go on")


class _HaltingView:
    def __init__(self, behind: State, store: Halting) -> None:
        self._behind, self._store = behind, store

    def find(self, kind: Kind, conditions: Sequence[Condition]) -> list[Record]:
        found = self._behind.find(kind, conditions)
        self._store.stop_at(Point.BETWEEN)
        return found

    def patient(self, patient_id: Any) -> Patient | None:
        return self._behind.patient(patient_id)


class Workers:
    """The stores of two workers, on one database."""

    def __init__(self, url: str, first: Store, second: Store) -> None:
        self._url, self.first, self.second = url, first, second

    def empty(self) -> None:
        """Take everything out."""
        kept = {"registration", marks.name}  # how many there were, and marks of transactions
        tables = [each.name for each in metadata.sorted_tables if each.name not in kept]
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"TRUNCATE {', '.join(tables)}")  # names of our own

    def until_done_or_waiting(self, following: Future[Any]) -> None:
        """Return when the second has ended, or waits for the first."""
        waiting = (
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'felles' AND wait_event_type = 'Lock'"
        )
        with psycopg.connect(self._url, autocommit=True) as connection:
            _await(lambda: following.done() or connection.execute(waiting).fetchone() is not None)


@contextmanager
def workers_of(url: str) -> Iterator[Workers]:
    """Open the stores of two workers on a database, and close them."""
    with closing(open_store(url)) as first, closing(open_store(url)) as second:
        yield Workers(url, first, second)


class Rivals:
    """Two workers of one registry, and a scene for each."""

    def __init__(self, workers: Workers, home: HomeCommunityId | None) -> None:
        self._workers = workers
        self.first, self.second = _scene(workers.first, home), _scene(workers.second, home)
        self.second.sets = itertools.count(1000)  # not the numbers of the first

    def race(
        self, point: Point, first: Callable[[Scene], T], second: Callable[[Scene], S]
    ) -> tuple[T, S]:
        """Let `second` come when `first` is at `point`; return what each was answered."""
        halting = Halting(self._workers.first, point)
        stopped = _on(self.first, halting)
        with ThreadPoolExecutor(2) as pool:
            leading = pool.submit(first, stopped)
            try:
                _await(lambda: halting.reached.is_set() or leading.done())
                assert halting.reached.is_set(), f"the first never was {point}: {leading}"
                following = pool.submit(second, self.second)
                self._workers.until_done_or_waiting(following)
            finally:
                halting.go_on.set()
            return leading.result(), following.result()


def _await(is_so: Callable[[], bool]) -> None:
    idle: Future[None] = Future()
    for _ in range(int(_PATIENCE_S / 0.01)):
        if is_so():
            return
        wait([idle], timeout=0.01)
    raise AssertionError("the race does not move")


def _scene(store: Store, home: HomeCommunityId | None) -> Scene:
    scene = Scene(store=store, home_community_id=home)
    scene.registry = replace(scene.registry, new_uuid=lambda: uuid.uuid4().urn)
    return scene


def _on(scene: Scene, store: Store) -> Scene:
    """Return the scene on another door to its registry; what a test looks up goes by the old."""
    other = _scene(scene.store, scene.registry.home_community_id)
    other.registry = replace(scene.registry, store=store)
    other.sets = scene.sets
    return other
