"""The threads and the places of one actor.

Actors behind one socket call each other: a repository's handler waits for the registry's. With
threads in common, sixteen such handlers would wait for ever for a seventeenth thread.

Work goes to a thread and its result comes back with one step each way. The standard library's
executor makes a future of each world for it, and has one copy the other: a tenth of the CPU of a
document that is read piece by piece (`python -m benchmarks`).
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from hub.limits import Limits

T = TypeVar("T")


class NoTurn(Exception):
    """Work was not begun in the time that it could wait, or nobody wants it any more."""


class Lane:
    """What one actor has for its requests; used from one event loop."""

    def __init__(self, limits: Limits) -> None:
        self._most = limits.threads
        self._free = limits.in_flight
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._unfinished = 0

    @contextlib.contextmanager
    def place(self) -> Iterator[bool]:
        """Give whether there is a place for one more request, and hold it during the block."""
        if not self._free:
            yield False
            return
        self._free -= 1
        try:
            yield True
        finally:
            self._free += 1

    async def run(
        self,
        work: Callable[..., T],
        *arguments: Any,
        within_s: float | None = None,
        is_wanted: Callable[[], bool] | None = None,
    ) -> T:
        """Do blocking work in a thread of this actor; work that has begun is done to its end.

        Parameters
        ----------
        within_s
            Seconds in which it must have begun, if any.
        is_wanted
            Asked just before it begins, in the thread.

        Raises
        ------
        NoTurn
            It has not begun in time, or was not wanted any more; it will not begin.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._unfinished += 1
        if len(self._threads) < min(self._unfinished, self._most):
            self._start_thread()
        job = _Job(loop, done, work, arguments, is_wanted, [None])
        self._jobs.put(job)
        waiting = None if within_s is None else loop.call_later(within_s, job.give_up)
        try:
            return await done
        finally:
            self._unfinished -= 1
            if waiting is not None:
                waiting.cancel()
            del done, job  # as in `_Job.do`

    def close(self) -> None:
        """End the threads; work that has begun is done first."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _start_thread(self) -> None:
        # a daemon, for `close` is what waits; a lane that was never closed holds up nobody
        thread = threading.Thread(target=_work, args=(self._jobs,), name="felles", daemon=True)
        self._threads.append(thread)
        thread.start()


class _Job(NamedTuple):
    """Something to do, and who waits for it."""

    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    is_wanted: Callable[[], bool] | None
    turn: list[None]
    """Holds one thing; whoever takes it, the thread or the loop, decides what becomes of it."""

    def do(self) -> None:
        """Do it, unless nobody waits for it any more, and tell the loop what came of it."""
        if self.done.cancelled() or not self._take_turn():
            return
        tell: Callable[[asyncio.Future[Any], Any], None]
        outcome: Any
        try:
            if self.is_wanted is None or self.is_wanted():
                tell, outcome = _succeed, self.work(*self.arguments)
            else:
                tell, outcome = _fail, NoTurn()
        except BaseException as failure:  # noqa: BLE001  # whoever waits gets it, whatever it is
            tell, outcome = _fail, failure
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits
            self.loop.call_soon_threadsafe(tell, self.done, outcome)
        del outcome, self  # a failure refers to this frame

    def give_up(self) -> None:
        """Let it be, unless it has begun; called in the loop."""
        if self._take_turn():
            _fail(self.done, NoTurn())

    def _take_turn(self) -> bool:
        """Tell whether nobody has taken it before; to take from a list is one step."""
        with contextlib.suppress(IndexError):
            self.turn.pop()
            return True
        return False


def _work(jobs: "SimpleQueue[_Job | None]") -> None:
    while (job := jobs.get()) is not None:
        job.do()
        del job  # what was worked on is let go of before the next one comes


def _succeed(done: asyncio.Future[Any], result: Any) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: asyncio.Future[Any], failure: BaseException) -> None:
    if not done.done():
        done.set_exception(failure)
