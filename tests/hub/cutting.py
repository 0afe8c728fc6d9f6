"""A proxy between a client and PostgreSQL that cuts the connection around a COMMIT."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import make_url

Cut = Literal["before it arrives", "before it is answered", "while it is carried out"]


class CuttingProxy:
    """Passes bytes on both ways; `cut` says what happens to the next COMMIT, once.

    Parameters
    ----------
    url
        Of the database behind it.
    port
        Where it listens; 0 for any free one.
    """

    def __init__(self, url: str, port: int) -> None:
        self.cut: Cut | None = None
        self.cuts = 0
        self._deaf: set[socket.socket] = set()
        self._answered = threading.Event()
        self._behind = make_url(url)
        self._listener = socket.create_server(("127.0.0.1", port))
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    @property
    def url(self) -> str:
        """The database's URL by way of the proxy."""
        host, port = self._listener.getsockname()
        through = self._behind.set(host=host, port=port, query={"sslmode": "disable"})
        return through.render_as_string(hide_password=False)

    def close(self) -> None:
        """Cut everything."""
        for each in self._sockets:
            _shut(each)
        for thread in self._threads:
            thread.join(10)
        for each in self._sockets:
            each.close()

    def _start(self, target: object, *arguments: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = self._connect()
                self._sockets += (client, server)
                self._start(self._from_client, client, server)
                self._start(self._from_server, client, server)

    def _connect(self) -> socket.socket:
        folder, port = self._behind.query.get("host"), self._behind.port or 5432
        if folder is None:
            return socket.create_connection((self._behind.host or "127.0.0.1", port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{folder}/.s.PGSQL.{port}")
        return server

    def _from_client(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self.cut is None or b"COMMIT\0" not in data:
                    server.sendall(data)
                    continue
                cut, self.cut = self.cut, None
                self.cuts += 1
                if cut == "before it arrives":
                    _shut(server)
                else:
                    if cut == "before it is answered":
                        self._deaf.add(client)
                    server.sendall(data)
                    if cut == "before it is answered":
                        self._answered.wait(10)
                _shut(client)
                return
        _shut(server)

    def _from_server(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if client in self._deaf:
                    self._answered.set()
                    continue
                client.sendall(data)
        _shut(client)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting_proxy(url: str, port: int = 0) -> Iterator[CuttingProxy]:
    """Give a proxy to the database behind a URL, at a port or any free one."""
    proxy = CuttingProxy(url, port)
    try:
        yield proxy
    finally:
        proxy.close()
