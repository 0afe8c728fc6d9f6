"""The door to the HTTP server: uvicorn, with the caller's certificate handed to the application."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hub.call import Peer
from hub.tls import read_peer
from hub.web import Web


class _PeerProtocol(HttpToolsProtocol):
    """Puts the caller's certificate where the application finds it: `scope["state"]["peer"]`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself
        super().connection_made(transport)
        connection: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        address = self.client[0] if self.client else ""
        certificate = connection.getpeercert(binary_form=True) if connection else None
        peer = read_peer(certificate, address) if certificate else Peer(address=address)
        self.app_state = {**self.app_state, "peer": peer}


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
                http=_PeerProtocol,
                ws="none",
                lifespan="off",
                loop="uvloop",
                ssl_context_factory=factory,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=75,
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


def listen(host: str, port: int) -> socket.socket:
    """Return a bound TCP socket; port 0 takes any free one.

    Raises
    ------
    OSError
        The address is not there, or in use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # head and body of an answer are two writes; connections inherit this, so none waits for the
    # other side's delayed acknowledgement
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
