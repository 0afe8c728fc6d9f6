"""Several processes that serve at the same sockets, and the one that looks after them.

```text
supervisor: binds the sockets, starts workers, waits          settings and sockets are handed down
  ├─ worker 1 ─▶ answers ─▶ (dies) ─▶ a pause ─▶ worker 1 again
  ├─ worker 2 ─▶ answers …          told to end: SIGTERM to each, the sockets let go;
  └─ worker 3 ─▶ answers …          whoever has not ended in time is killed
```

A worker is a fresh interpreter and no fork: threads and locks of the supervisor are not in it. All
workers accept from one queue of the kernel, which the supervisor keeps open: a client that comes
while a worker is gone is taken by another one, or waits for the next. Workers share nothing else;
whatever has to be the same for all of them is in the database.

The first worker of a crew starts alone. So tables are made once, and what is wrong with the
settings is said once.
"""

import asyncio
import contextlib
import multiprocessing
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

from hub import logs
from hub.actor import ending

_SPAWN: Final = multiprocessing.get_context("spawn")
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_STEADY_S: Final = 60.0
"""A worker that ran for so long has not failed at its start: the next pause is a short one."""
GRACE_S: Final = 35.0
"""How long workers have to end: the 30 seconds in which requests are answered, and a little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Processes that do the same.

    Parameters
    ----------
    name
        For logs.
    count
        How many.
    work
        A function of a module, called in each process with `arguments`, the connection on which
        it tells where it answers (`say_where`), and `sockets`.
    sockets
        Bound already.
    """

    name: str
    count: int
    work: Callable[..., None]
    arguments: tuple[Any, ...] = ()
    sockets: Sequence[socket.socket] = ()


class NotStarted(Exception):
    """A process ended before it answered; it has said why, and its exit code is here."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


async def supervise(
    crews: Sequence[Crew],
    ended: asyncio.Event,
    answering: Callable[[dict[str, Any]], None],
    stopping: Callable[[], None] = lambda: None,
) -> None:
    """Keep crews at work until `ended` is set, and end them; takes their sockets over.

    Parameters
    ----------
    answering
        Called with the endpoints of all crews once every worker answers.
    stopping
        Called when they are about to be ended.

    Raises
    ------
    NotStarted
        A worker ended instead of beginning to answer. Later on, a new one is tried for ever.
    """
    crew_workers = [[_Worker(crew) for _ in range(crew.count)] for crew in crews]
    workers = [worker for several in crew_workers for worker in several]
    told = asyncio.create_task(ended.wait())
    keeping: list[asyncio.Task[None]] = []
    starting = asyncio.create_task(_start(crew_workers))
    try:
        await asyncio.wait((starting, told), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            answering(starting.result())
            keeping += (asyncio.create_task(worker.keep()) for worker in workers)
            await told
            stopping()
    finally:
        tasks = (told, starting, *keeping)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for crew in crews:
            for each in crew.sockets:
                each.close()
        await asyncio.gather(*(worker.end() for worker in workers))


async def _start(crew_workers: Sequence[Sequence["_Worker"]]) -> dict[str, Any]:
    """Start everything; return the endpoints."""
    endpoints: dict[str, Any] = {}
    for first, *others in crew_workers:
        endpoints |= await first.start()
        await asyncio.gather(*(other.start() for other in others))
    return endpoints


class _Worker:
    """One place in a crew: a process, and the next one when that has died."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._process: multiprocessing.process.BaseProcess | None = None
        self._since = 0.0

    async def start(self) -> dict[str, Any]:
        """Start a process, wait until it answers, and return where."""
        crew = self._crew
        hears, says = _SPAWN.Pipe(duplex=False)
        with hears:
            with says:
                self._process = _SPAWN.Process(
                    target=crew.work,
                    args=(*crew.arguments, says, *crew.sockets),
                    name=crew.name,
                    daemon=True,  # should this process fail, it takes them with it
                )
                self._process.start()
            self._since = time.monotonic()
            await _readable(hears.fileno())
            with contextlib.suppress(EOFError, ConnectionError):
                endpoints: dict[str, Any] = hears.recv()
                return endpoints
        await self._gone()
        raise NotStarted(self._process.exitcode or 0)

    async def keep(self) -> None:
        """Start a new process whenever one ends; between failures the pauses grow."""
        pause_s = _FIRST_PAUSE_S
        while True:
            await self._gone()
            assert self._process is not None  # noqa: S101  # it was started before
            if time.monotonic() - self._since > _STEADY_S:
                pause_s = _FIRST_PAUSE_S
            logs.logger(self._crew.name).error(
                "worker ended, another one is started", status=self._process.exitcode
            )
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            with contextlib.suppress(NotStarted):
                await self.start()
                logs.logger(self._crew.name).info("worker answers")

    async def end(self) -> None:
        """Let the process answer what has begun, and end; kill it if it does not."""
        process = self._process
        if process is None or process.pid is None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(GRACE_S):
                await self._gone()
        except TimeoutError:
            logs.logger(self._crew.name).error("worker killed: it did not end")
            process.kill()
            await self._gone()

    async def _gone(self) -> None:
        """Wait until the process has ended."""
        assert self._process is not None  # noqa: S101  # callers have started it
        await _readable(self._process.sentinel)
        self._process.join()


async def _readable(descriptor: int) -> None:
    """Wait until something can be read, or the other end has been closed."""
    loop = asyncio.get_running_loop()
    came: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not came.done():
            came.set_result(None)

    loop.add_reader(descriptor, tell)
    try:
        await came
    finally:
        loop.remove_reader(descriptor)


# --- in a worker ---------------------------------------------------------------------------------


def dismissed() -> asyncio.Event:
    """Return the event that is set when a worker is told to end, or its supervisor has gone."""
    ended = ending()
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        loop = asyncio.get_running_loop()
        descriptor = supervisor.sentinel

        def leave() -> None:
            loop.remove_reader(descriptor)
            ended.set()

        loop.add_reader(descriptor, leave)
    return ended


def say_where(says: Connection, endpoints: dict[str, Any]) -> None:
    """Tell the supervisor that this worker answers."""
    with says, contextlib.suppress(ConnectionError):  # it has gone: `dismissed` knows
        says.send(endpoints)
