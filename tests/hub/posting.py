"""A raw HTTP client for tests: sends whatever it is told to, and judges every answer to it."""

import contextlib
import http.client
import socket
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

from lxml.etree import _Element

from ihe.hl7v3 import feed
from ihe.messages import RemoveDocumentsRequest, RemoveObjectsRequest, SubmitObjectsRequest
from ihe.model import ObjectRef
from ihe.transactions import CATALOGUE, ITI_18, ITI_41, Transaction
from tests import samples
from tests.ihe.hl7v3.feeds import MERGED, RECORD
from tests.repository import scene
from tests.wire_oracle import SOAP, envelope_of, problems_of_response, qualified

SOAP_TYPE: Final = "application/soap+xml; charset=UTF-8"
MESSAGE_ID: Final = samples.uuid(4711)
WSA: Final = "http://www.w3.org/2005/08/addressing"
_RS: Final = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"
_ERROR: Final = f"{{{_RS}}}RegistryError"


@dataclass(frozen=True)
class Answer:
    """What came back; the properties read a SOAP message in it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def trace_id(self) -> str:
        return self.headers["x-trace-id"]

    @property
    def envelope(self) -> _Element:
        return envelope_of(self.headers, self.body)

    @property
    def child(self) -> _Element:
        """The only child of the body."""
        (child,) = self.envelope.iterfind(f"{{{SOAP}}}Body/*")
        return child

    @property
    def is_fault(self) -> bool:
        return self.child.tag == f"{{{SOAP}}}Fault"

    @property
    def codes(self) -> list[str]:
        """Local names of a fault's code and subcodes, outermost first."""
        values = self.child.iterfind(f"{{{SOAP}}}Code//{{{SOAP}}}Value")
        return [qualified(each, each.text or "").rpartition("}")[2] for each in values]

    @property
    def reason(self) -> str:
        return self.child.findtext(f"{{{SOAP}}}Reason/{{{SOAP}}}Text", "")

    @property
    def errors(self) -> list[str]:
        """Codes of a registry response's errors."""
        return [str(each.get("errorCode")) for each in self.child.iter(_ERROR)]

    @property
    def contexts(self) -> str:
        """What a registry response says of its errors."""
        return "\n".join(str(each.get("codeContext")) for each in self.child.iter(_ERROR))

    @property
    def registry_status(self) -> str:
        return str(self.child.get("status") or self.child[0].get("status")).rpartition(":")[2]

    @property
    def relates_to(self) -> str | None:
        return self.envelope.findtext(f"{{{SOAP}}}Header/{{{WSA}}}RelatesTo")


# --- messages ------------------------------------------------------------------------------------


def envelope(
    action: str | None,
    body: bytes,
    headers: str = "",
    *,
    message_id: str = MESSAGE_ID,
) -> bytes:
    """Return an envelope around the child of its body; no wsa:Action when `action` is None."""
    said = f'<a:Action s:mustUnderstand="1">{action}</a:Action>' if action is not None else ""
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{WSA}"><s:Header>{said}'
        f"<a:MessageID>{message_id}</a:MessageID>{headers}</s:Header><s:Body>"
    ).encode() + (body + b"</s:Body></s:Envelope>")


def request_body(transaction: Transaction[Any, Any]) -> bytes:
    """Return a good request of a transaction, without what is around it."""
    return b"".join(transaction.write_request(sample(transaction)).xml)


def request(transaction: Transaction[Any, Any]) -> bytes:
    """Return a good request of a transaction in its envelope."""
    return envelope(transaction.action, request_body(transaction))


def sample(transaction: Transaction[Any, Any]) -> Any:
    """Return a good request of a transaction."""
    return FEEDS.get(transaction.operation) or SAMPLES[transaction.number]


SAMPLES: Final[dict[int, Any]] = {
    18: samples.find_documents(),
    38: samples.find_documents(home_community_id=samples.HOME),
    39: samples.retrieve(home=samples.HOME),
    41: samples.provide_and_register(),
    42: SubmitObjectsRequest(samples.submission()),
    43: samples.retrieve(),
    51: samples.find_documents(query_id="urn:uuid:3d1bdb10-39a2-11de-89c2-2f44d94eaa9f"),
    57: SubmitObjectsRequest(samples.submission()),
    61: SubmitObjectsRequest(samples.submission(samples.on_demand_entry())),
    62: RemoveObjectsRequest((ObjectRef(samples.uuid(1)),)),
    86: RemoveDocumentsRequest(samples.retrieve().documents),
    92: SubmitObjectsRequest(samples.submission()),
}
FEEDS: Final[dict[str, Any]] = {feed.ADD: RECORD, feed.REVISE: RECORD, feed.MERGE: MERGED}
"""A good request of each message of ITI-44."""
assert all(sample(each) for each in CATALOGUE), "a sample for each transaction"


def multipart(
    root: bytes,
    *parts: tuple[str, bytes],
    boundary: str = "----felles-test",
    start: str = "root@test",
    end: bool = True,
) -> tuple[str, bytes]:
    """Return Content-Type and body of an MTOM package; `parts` are Content-ID and content."""
    pieces = [_part("root@test", "application/xop+xml", root)]
    pieces += [_part(cid, "application/octet-stream", content) for cid, content in parts]
    mark = f"--{boundary}".encode()
    body = b"".join(mark + b"\r\n" + piece + b"\r\n" for piece in pieces)
    content_type = (
        f'multipart/related; type="application/xop+xml"; start="<{start}>";'
        f' start-info="application/soap+xml"; boundary="{boundary}"'
    )
    return content_type, body + (mark + b"--\r\n" if end else b"")


def _part(content_id: str, mime_type: str, content: bytes) -> bytes:
    named = f"Content-ID: <{content_id}>\r\n" if content_id else ""
    return f"Content-Type: {mime_type}\r\n{named}\r\n".encode() + content


def provide(*contents: bytes) -> tuple[str, bytes]:
    """Return Content-Type and body of a good ITI-41 request with the documents beside it."""
    written = ITI_41.write_request(scene.provide(*contents))
    root = envelope(ITI_41.action, b"".join(written.xml))
    parts = [(each.content_id, b"".join(each.content.chunks())) for each in written.attachments]
    return multipart(root, *parts)


def gzipped(data: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    return packer.compress(data) + packer.flush()


# --- sending -------------------------------------------------------------------------------------


def post(
    url: str,
    body: bytes | Iterable[bytes],
    content_type: str | None = SOAP_TYPE,
    *,
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
    timeout_s: float = 30,
) -> Answer:
    """Send a message on a connection of its own; the answer to it is judged."""
    parts = urlsplit(url)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
    typed = {} if content_type is None else {"Content-Type": content_type}
    with contextlib.closing(connection):
        connection.request(method, parts.path, body, typed | dict(headers or {}))
        answer = read(connection.getresponse())
    is_text = answer.headers["content-type"].startswith("text/plain")
    return answer if is_text else judged(answer)


def get(url: str, method: str = "GET") -> Answer:
    """Send a request without a body."""
    parts = urlsplit(url)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, f"{parts.path}?{parts.query}")
        return read(connection.getresponse())


def read(response: http.client.HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def judged(answer: Answer) -> Answer:
    """Fail when an answer is not as the standards have it."""
    problems = problems_of_response(answer.status, answer.headers, answer.body)
    assert not problems, problems
    return answer


@contextlib.contextmanager
def connected(url: str, *, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    """Open a connection to write bytes to that are no HTTP, or not all of it."""
    parts = urlsplit(url)
    with socket.socket() as connection:
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(30)
        connection.connect((parts.hostname, parts.port))
        yield connection


def head(url: str, length: int, content_type: str = SOAP_TYPE, *extra: str) -> bytes:
    """Return the head of a POST."""
    parts = urlsplit(url)
    lines = (
        f"POST {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Content-Type: {content_type}",
        f"Content-Length: {length}",
        *extra,
    )
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


def answers_on(connection: socket.socket, count: int = 1) -> list[Answer]:
    """Read answers of known length from a connection, one after the other."""
    with connection.makefile("rb") as file:
        return [_read_from(file) for _ in range(count)]


def _read_from(file: BinaryIO) -> Answer:
    status = int(file.readline().split()[1])
    headers = {name.lower(): value for name, value in http.client.parse_headers(file).items()}
    return Answer(status, headers, file.read(int(headers["content-length"])))


def is_good(url: str) -> bool:
    """Tell whether a registry still answers a good query."""
    answer = post(url, request(ITI_18))
    return answer.status == 200 and answer.registry_status == "Success"
