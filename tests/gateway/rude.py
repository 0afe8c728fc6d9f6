"""Other communities' gateways that answer as they please: well, badly, late, or not at all.

Each is a server on loopback with a thread for each connection. What it does with a request is a
function, of which the common ones stand here; a test writes its own where it has to wait for
something.
"""

import contextlib
import gzip
import itertools
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ihe.errors import FaultCode, SoapFault
from ihe.messages import AdhocQueryResponse, RetrieveDocumentSetResponse
from ihe.model import RegistryObject
from ihe.soap.envelope import read_envelope, write_response_envelope
from ihe.soap.faults import write_fault
from ihe.soap.mime import MultipartReader, PartData, PartEnds, read_content_type
from ihe.transactions import ITI_38, ITI_39, Transaction

SOAP_TYPE = "application/soap+xml; charset=UTF-8"
HANG_GUARD_S = 60


@dataclass
class Exchange:
    """One request, and the connection that it came by."""

    connection: socket.socket
    envelope: bytes

    @property
    def message_id(self) -> str:
        return read_envelope(self.envelope).addressing.message_id or ""

    def request(self, transaction: Transaction[Any, Any]) -> Any:
        """Return the request as a value."""
        return transaction.read_request(read_envelope(self.envelope).body, {})

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def until_gone(self) -> None:
        """Say nothing more until the gateway hangs up."""
        with contextlib.suppress(ConnectionResetError):
            while self.connection.recv(1 << 16):
                pass

    def drip(self, data: bytes, gap_s: float = 0.2) -> None:
        """Send a byte now and then, until the gateway hangs up."""
        waiting = threading.Thread(target=self.until_gone)
        waiting.start()
        for octet in data:
            waiting.join(gap_s)
            if not waiting.is_alive():
                return
            self.send(bytes([octet]))


Behaviour = Callable[[Exchange], None]


@dataclass
class Rude:
    """A running server, and what it was asked."""

    url: str
    asked: list[Exchange] = field(default_factory=list)


@contextlib.contextmanager
def rude(behave: Behaviour, *, listens: bool = True) -> Iterator[Rude]:
    """Run a server that does as `behave` does; every connection is closed behind it.

    One that does not listen behaves before it has read a request.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    server = Rude(f"http://127.0.0.1:{listener.getsockname()[1]}/xca")
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.settimeout(HANG_GUARD_S)
            exchange = Exchange(connection, read_request(connection) if listens else b"")
            server.asked.append(exchange)
            behave(exchange)

    def accept() -> None:
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(HANG_GUARD_S)


def read_request(connection: socket.socket) -> bytes:
    """Read one HTTP request; return its SOAP envelope."""
    with connection.makefile("rb") as file:
        file.readline()
        headers: dict[str, str] = {}
        while line := file.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = file.read(int(headers.get("content-length", "0")))
    content_type = read_content_type(headers.get("content-type", ""))
    if not content_type.media_type.startswith("multipart/"):
        return body
    events = MultipartReader(content_type.parameters["boundary"]).feed(body)
    first = itertools.takewhile(lambda event: not isinstance(event, PartEnds), events)
    return b"".join(event.data for event in first if isinstance(event, PartData))


# --- answers -------------------------------------------------------------------------------------


def http(
    body: bytes,
    content_type: str = SOAP_TYPE,
    *,
    status: int = 200,
    length: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return an HTTP answer; `length` is what its Content-Length says instead of the truth."""
    said = {
        "Content-Type": content_type,
        "Content-Length": str(len(body) if length is None else length),
        "Connection": "close",
        **(headers or {}),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items() if value)
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + body


def envelope(exchange: Exchange, transaction: Transaction[Any, Any], response: Any) -> bytes:
    """Return a response in the envelope that answers the request."""
    return b"".join(
        write_response_envelope(
            action=transaction.response_action,
            relates_to=exchange.message_id,
            body=transaction.write_response(response).xml,
        )
    )


def found(exchange: Exchange, *objects: RegistryObject, **changes: Any) -> bytes:
    """Return the envelope of an ITI-38 answer."""
    return envelope(exchange, ITI_38, AdhocQueryResponse(objects=objects, **changes))


def multipart(root: bytes, documents: Sequence[tuple[str, bytes]]) -> bytes:
    """Return an MTOM package up to the end of its last document; `ENDING` is to follow."""
    parts = [("envelope@rude", "application/xop+xml", root)]
    parts += [(content_id, "text/plain", content) for content_id, content in documents]
    return b"".join(
        f"\r\n--rude\r\nContent-Type: {mime}\r\nContent-ID: <{content_id}>\r\n\r\n".encode()
        + content
        for content_id, mime, content in parts
    )


ENDING = b"\r\n--rude--\r\n"
MTOM_TYPE = (
    'multipart/related; type="application/xop+xml"; start="<envelope@rude>";'
    ' start-info="application/soap+xml"; boundary=rude'
)


def retrieved(exchange: Exchange, response: RetrieveDocumentSetResponse) -> bytes:
    """Return the body of an ITI-39 answer, with its documents."""
    written = ITI_39.write_response(response)
    documents = [(each.content_id, b"".join(each.content.chunks())) for each in written.attachments]
    return multipart(envelope(exchange, ITI_39, response), documents) + ENDING


# --- how to behave -------------------------------------------------------------------------------


def reset(exchange: Exchange) -> None:
    linger = (1).to_bytes(4, "little") + bytes(4)
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def hang(exchange: Exchange) -> None:
    exchange.until_gone()


def hang_up(exchange: Exchange) -> None:
    """Close the connection without a word."""


def says(answer: bytes) -> Behaviour:
    """Answer with the same bytes every time."""
    return lambda exchange: exchange.send(answer)


HTML = b"<html><body><h1>Proxy</h1></body></html>"
FAULT = b"".join(
    write_fault(SoapFault(FaultCode.RECEIVER, "out of order"), relates_to=None, trace_id="0" * 32)
)
html = says(http(HTML, "text/html"))
html_500 = says(http(HTML, "text/html", status=500))
fault = says(http(FAULT, status=500))
empty = says(http(b""))
accepted = says(http(b"", "", status=202))
malformed = says(http(b"<s:Envelope"))
garbage = says(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
moved = says(http(b"", status=301, headers={"Location": "http://127.0.0.1:9/elsewhere"}))


def endless(exchange: Exchange) -> None:
    """Send an envelope that never ends, as fast as it is taken."""
    exchange.send(http(b"<s:Envelope>", length=1 << 40))
    with contextlib.suppress(OSError):
        while True:
            exchange.send(b"<a>" + b" " * (1 << 16))


def drip(exchange: Exchange) -> None:
    """Send a good answer, a byte now and then."""
    answer = http(found(exchange))
    exchange.drip(answer)


def bomb(exchange: Exchange) -> None:
    """Send a small body that unpacks to a very large one."""
    body = gzip.compress(b" " * (1 << 26))
    exchange.send(http(body, headers={"Content-Encoding": "gzip"}))
