"""The door to the HTTP server: uvicorn, whose connections are looked after."""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Final, cast

import uvicorn

from hub.http_connection import KEEP_ALIVE_S, Connection
from hub.web import Web

_TICKS: Final = 10
"""uvicorn ticks ten times a second."""


class Server(uvicorn.Server):
    """A server for one `Web` on one listening socket.

    Parameters
    ----------
    web
        The application.
    listener
        A bound TCP socket; taken over and closed at the end.
    tls
        Server context, None for plain HTTP.
    """

    def __init__(
        self, web: Web, listener: socket.socket, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self.web, self.listener = web, listener
        factory = (lambda *_: tls) if tls else None
        super().__init__(
            uvicorn.Config(
                web,
                http=type("Connection", (Connection,), {"limits": web.limits}),
                ws="none",
                lifespan="off",
                loop="none",  # that of whoever serves (`hub.loop_thread`)
                ssl_context_factory=factory,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # whoever calls could write them
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=30,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: several servers share a process (`hub.actor`)."""
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `should_exit` is set; requests that have begun are answered first."""
        try:
            await super().serve(sockets or [self.listener])
        finally:
            self.web.close()

    async def on_tick(self, counter: int) -> bool:
        """Look after the connections once a second."""
        if counter % _TICKS == 0:
            now = time.monotonic()
            for connection in list(self.server_state.connections):
                cast(Connection, connection).look_after(now)  # uvicorn knows its own type
        return await super().on_tick(counter)


def listen(host: str, port: int) -> socket.socket:
    """Return a bound TCP socket; port 0 takes any free one.

    Raises
    ------
    OSError
        The address is not there, or in use; it stands in place of a file name.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # head and body of an answer are two writes; connections inherit this, so none waits for the
    # other side's delayed acknowledgement
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        raise OSError(problem.errno, problem.strerror, f"{host}:{port}") from None
    return listener
