"""An actor ready to run, and the loop that runs several of them in one process."""

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hub import logs
from hub.http_server import Server, listen
from hub.limits import Limits
from hub.settings import ServerSettings, TlsSettings
from hub.tls import server_context
from hub.web import Mount, Web
from ihe.errors import Unavailable


class Listener(Protocol):
    """A socket of an actor's own for another protocol than HTTP, bound already."""

    @property
    def name(self) -> str:
        """What it is for."""
        ...

    @property
    def url(self) -> str:
        """Where it is, `mllp://127.0.0.1:2575`."""
        ...

    def serving(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Serve while the block runs."""
        ...

    def close(self) -> None:
        """Let go of the socket."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """One actor with everything that it holds on to.

    Parameters
    ----------
    name
        For people: logs and health.
    mounts
        What it serves, by path.
    ready
        Raises `Unavailable` when something that it needs does not answer.
    listeners
        Where it listens beside HTTP.
    background
        Coroutine functions that run beside it until it stops, such as a sweeper.
    close
        Lets go of connections and files, after the last request.
    """

    name: str
    mounts: Mapping[str, Mount]
    ready: Callable[[], None] = lambda: None
    listeners: Sequence[Listener] = ()
    background: Sequence[Callable[[], Awaitable[None]]] = ()
    close: Callable[[], Awaitable[None] | None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Actors behind one listening socket; closes them when it has stopped."""

    actors: Sequence[Actor]
    listener: socket.socket
    tls: ssl.SSLContext | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def url(self) -> str:
        """`https://127.0.0.1:8441`, without a path."""
        host, port = self.listener.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls else 'http'}://{host}:{port}"

    def web(self) -> Web:
        """Return the site's application."""
        mounts = {path: mount for actor in self.actors for path, mount in actor.mounts.items()}

        def ready() -> None:
            for actor in self.actors:
                actor.ready()

        return Web(mounts, ready=ready, limits=self.limits)


def site(
    actor: Actor,
    settings: ServerSettings,
    tls: TlsSettings | None,
    listener: socket.socket | None = None,
) -> Site:
    """Return the site of one actor as its settings want it, at a bound socket or a new one.

    Raises
    ------
    OSError
        The address is in use or not there.
    """
    context = server_context(tls.certificate, tls.key, tls.authorities) if tls else None
    return Site(
        actors=(actor,),
        # last: what fails leaves no socket behind
        listener=listener or listen(settings.host, settings.port),
        tls=context,
        limits=Limits(
            in_flight=settings.in_flight,
            threads=settings.threads,
            wait_s=settings.wait_s,
            connections=settings.connections,
            idle_s=settings.idle_s,
        ),
    )


def close(actor: Actor) -> None:
    """Close an actor that has not been served."""

    async def closing() -> None:
        await _close(actor)

    asyncio.run(closing())


async def _close(actor: Actor) -> None:
    for listener in actor.listeners:
        listener.close()
    closing = actor.close()
    if closing is not None:
        await closing


@contextlib.asynccontextmanager
async def serving(sites: Sequence[Site]) -> AsyncIterator[None]:
    """Serve while the block runs: from when every site answers, until each has stopped."""
    servers = [Server(site.web(), site.listener, tls=site.tls) for site in sites]
    tasks = [asyncio.create_task(server.serve()) for server in servers]
    background = [
        asyncio.create_task(_keep_going(work, actor.name))
        for site in sites
        for actor in site.actors
        for work in actor.background
    ]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    try:
        while not all(server.started for server in servers):
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.01)
        async with contextlib.AsyncExitStack() as beside:
            for site in sites:
                for actor in site.actors:
                    for listener in actor.listeners:
                        await beside.enter_async_context(listener.serving())
            beside.callback(stop)  # at the end first: all of them stop at the same time
            yield
    finally:
        for task in background:
            task.cancel()
        stop()
        await asyncio.gather(*tasks, *background, return_exceptions=True)
        for site in sites:
            for actor in site.actors:
                await _close(actor)


async def _keep_going(work: Callable[[], Awaitable[None]], actor: str) -> None:
    """Run background work for good: what fails is logged and tried again."""
    while True:
        try:
            await work()
        except Unavailable as failure:
            logs.logger(actor).error("background work failed", what=failure.what)
        except Exception as failure:  # noqa: BLE001  # it must go on, whatever happened
            logs.logger(actor).error("background work failed", **logs.describe(failure))
        await asyncio.sleep(1)


def ending() -> asyncio.Event:
    """Return the event that is set when the process is told to end (SIGINT or SIGTERM).

    From now on: a signal that comes while actors are still starting counts too.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    return ended
