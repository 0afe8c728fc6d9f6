"""The door to the HTTP client: sends transactions to other actors, and takes their answers in.

Documents stream both ways. On the way out they are read piece by piece as the socket takes them; on
the way in each goes to a sink (`SoapClient.send`), or straight on to whoever asked (`SoapClient.
stream`), so that a gateway can hand on a document of any size that it never holds.

What can go wrong, for the caller to tell apart:

```text
Unavailable   no answer: refused, cut off, too late, not SOAP at all; `reason` says which
RemoteFault   the other side answered with a SOAP fault
```
"""

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final, Generic, TypeVar

import aiohttp

from hub import ids
from hub.intake import Intake
from hub.parts import OpenSink
from hub.spool import Spool, Spooled
from ihe.errors import HubError, SoapFault, Unavailable
from ihe.messages import CHUNK, Content
from ihe.soap import mtom
from ihe.soap.envelope import open_envelope, write_request_envelope
from ihe.soap.faults import read_fault
from ihe.transactions import Packaging, Transaction

Req = TypeVar("Req")
Resp = TypeVar("Resp")
T = TypeVar("T")

ANSWER_LIMIT: Final = 16 * 1024**3
"""Octets of an answer, at the most."""


class RemoteFault(HubError):
    """The other side answered with a SOAP fault."""

    def __init__(self, what: str, fault: SoapFault) -> None:
        self.what, self.fault = what, fault
        super().__init__(f"{what} answered with a fault: {fault}")


class SoapClient:
    """Sends SOAP messages; one for each process and identity, used from one event loop.

    Parameters
    ----------
    tls
        Client context with the sender's certificate; None for plain HTTP only.
    connections
        Connections to one host, at the most.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, connections: int = 64) -> None:
        self._tls, self._connections = tls, connections
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self,
        transaction: Transaction[Req, Resp],
        request: Req,
        to: str,
        *,
        timeout_s: float,
        open_sink: OpenSink = Spool,
        trace_id: str | None = None,
    ) -> Resp:
        """Send `request` and return the response, when all of it has arrived.

        Parameters
        ----------
        to
            URL of the receiving actor.
        timeout_s
            Seconds until the whole answer must be there.
        open_sink
            Where documents of the answer go; they are the `content` of the response.
        trace_id
            Of the call that this message belongs to; a new one when None.

        Raises
        ------
        Unavailable
            There is no answer, or none that can be read.
        RemoteFault
            The answer is a SOAP fault.
        """
        with _failures(to):
            async with asyncio.timeout(timeout_s):
                answer = await self._post(transaction, request, to, trace_id)
                intake = Intake(_headers(answer), open_sink=open_sink, body_limit=ANSWER_LIMIT)
                try:
                    async for chunk in answer.content.iter_any():
                        intake.feed(chunk)
                    return _read(transaction, *intake.finish(), to)
                except BaseException:
                    intake.discard()
                    raise
                finally:
                    answer.release() if answer.content.at_eof() else answer.close()

    async def open(
        self,
        transaction: Transaction[Req, Resp],
        request: Req,
        to: str,
        *,
        timeout_s: float,
        idle_s: float = 60.0,
        trace_id: str | None = None,
    ) -> "Stream[Resp]":
        """Send `request` and hand over the answer while its documents still arrive.

        `timeout_s` counts until the envelope is there, `idle_s` between two pieces after that.
        The stream is to be discarded in the end. Raises as `send` does.
        """
        with _failures(to):
            async with asyncio.timeout(timeout_s):
                answer = await self._post(transaction, request, to, trace_id)
                stream = Stream(transaction, answer, to, idle_s)
                try:
                    await stream.open()
                except BaseException:
                    stream.discard()
                    raise
                return stream

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(
        self, transaction: Transaction[Req, Any], request: Req, to: str, trace_id: str | None
    ) -> aiohttp.ClientResponse:
        body = transaction.write_request(request)
        trace_id = trace_id or ids.new_trace_id()
        envelope = write_request_envelope(
            action=transaction.action, to=to, message_id=ids.new_uuid(), body=body.xml
        )
        headers = {
            "traceparent": f"00-{trace_id}-{trace_id[16:]}-01",
            "accept-encoding": "identity",
        }
        data: bytes | AsyncIterator[bytes]
        if transaction.packaging is Packaging.MTOM:
            package = mtom.Package(
                boundary=f"felles_{ids.new_trace_id()}",
                root=envelope,
                attachments=body.attachments,
                action=transaction.action,
            )
            headers["content-type"] = package.content_type
            if package.content_length is not None:
                headers["content-length"] = str(package.content_length)
            data = _pieces(package)
        else:
            headers["content-type"] = (
                f'application/soap+xml; charset=UTF-8; action="{transaction.action}"'
            )
            data = b"".join(envelope)
        return await self._http().post(to, data=data, headers=headers, allow_redirects=False)

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=self._tls or True, limit=0, limit_per_host=self._connections
                ),
                timeout=aiohttp.ClientTimeout(total=None),
                read_bufsize=CHUNK,
            )
        return self._session


class Arriving:
    """A document that is still on its way; implements `Content` for who can wait for it.

    `size` is None: nobody knows it yet.
    """

    size = None

    def __init__(self, stream: "Stream[Any]", content_id: str) -> None:
        self._stream, self.content_id = stream, content_id

    def chunks(self) -> Iterator[bytes]:
        """Raise `TypeError`: what arrives can only be awaited."""
        raise TypeError("a document that still arrives is read by `stream`")

    def stream(self) -> AsyncIterator[bytes]:
        """Yield the bytes as they arrive, once.

        Raises
        ------
        Unavailable
            The answer broke off, or another piece did not come in time.
        """
        return self._stream.document(self.content_id)


async def arriving_chunks(content: Content) -> AsyncIterator[bytes]:
    """Yield the bytes of a document, whether it is still on its way or already here."""
    if isinstance(content, Arriving):
        async for chunk in content.stream():
            yield chunk
    else:
        for chunk in content.chunks():
            yield chunk


class _Expected(Mapping[str, Any]):
    """Attachments by Content-ID: what is not here yet is on its way."""

    def __init__(self, stream: "Stream[Any]", here: Mapping[str, Spooled]) -> None:
        self._here: dict[str, Any] = dict(here)
        self._stream = stream

    def __getitem__(self, content_id: str) -> Any:
        if content_id not in self._here:
            self._here[content_id] = Arriving(self._stream, content_id)
        return self._here[content_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._here)

    def __len__(self) -> int:
        return len(self._here)


class Stream(Generic[Resp]):
    """An answer whose envelope is here and whose documents are on their way.

    `response` is the answer; the `content` of its documents is an `Arriving`, or what the spool
    kept of a document that came inside the envelope or before it. They may be read in any order:
    what arrives before it is asked for is spooled.
    """

    response: Resp

    def __init__(
        self,
        transaction: Transaction[Any, Resp],
        answer: aiohttp.ClientResponse,
        what: str,
        idle_s: float,
    ) -> None:
        self._transaction, self._answer = transaction, answer
        self._what, self._idle_s = what, idle_s
        self._reader = mtom.PackageReader(_headers(answer).get("content-type", ""), cut_inline=True)
        self._events = self._pump()
        self._spooled: dict[str, Spooled] = {}
        self._spool: Spool | None = None
        self._read: set[str] = set()

    async def open(self) -> None:
        """Read the envelope; what comes before it is spooled. Raises as `SoapClient.send`."""
        root: list[bytes] = []
        async for event in self._events:
            if isinstance(event, mtom.RootData):
                root.append(event.data)
            elif isinstance(event, mtom.RootEnds):
                break
            else:
                self._keep(event)
        expected = _Expected(self, self._spooled)
        self.response = _read(self._transaction, b"".join(root), expected, self._what)

    async def document(self, content_id: str) -> AsyncIterator[bytes]:
        """Yield the bytes of one document as they arrive; used by `Arriving`."""
        with _failures(self._what):
            if content_id in self._read:
                raise ValueError(f"document {content_id} is read once only")
            self._read.add(content_id)
            if not await self._skip_to(content_id):
                for chunk in self._spooled[content_id].chunks():
                    yield chunk
                return
            async for event in self._events:
                if isinstance(event, mtom.AttachmentEnds):
                    return
                if isinstance(event, mtom.AttachmentData):
                    yield event.data

    def discard(self) -> None:
        """Let go of the connection, and of what was spooled; may be called again."""
        self._answer.close()
        if self._spool is not None:
            self._spool.discard()
        for spooled in self._spooled.values():
            spooled.discard()

    async def _skip_to(self, content_id: str) -> bool:
        """Spool what comes before a document; tell whether the document is next to arrive."""
        if content_id in self._spooled:
            return False
        async for event in self._events:
            if isinstance(event, mtom.AttachmentBegins) and event.content_id == content_id:
                return True
            self._keep(event)
        raise Unavailable(self._what, f"the document '{content_id}' is not in the answer")

    def _keep(self, event: mtom.Event) -> None:
        """Spool an event of a document that nobody has asked for yet."""
        match event:
            case mtom.AttachmentBegins(content_id):
                self._spool, self._spooling = Spool(), content_id
            case mtom.AttachmentData(data) if self._spool is not None:
                self._spool.write(data)
            case mtom.AttachmentEnds() if self._spool is not None:
                self._spooled[self._spooling] = self._spool.finish()
                self._spool = None
            case _:
                pass

    async def _pump(self) -> AsyncIterator[mtom.Event]:
        """Yield the events of the answer, one after the other, as its bytes come."""
        content = self._answer.content
        while True:
            async with asyncio.timeout(self._idle_s):
                chunk = await content.readany()
            if not chunk:
                break
            for event in self._reader.feed(chunk):
                yield event
        for event in self._reader.close():
            yield event


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def _read(
    transaction: Transaction[Any, Resp], root: bytes, parts: Mapping[str, Any], what: str
) -> Resp:
    """Read the response out of an envelope.

    Raises
    ------
    Unavailable
        It is not SOAP, or not the transaction's response.
    RemoteFault
        It is a SOAP fault.
    """
    if not root.strip():
        raise Unavailable(what, "the answer is empty")
    try:
        _header, body = open_envelope(root)
        fault = read_fault(body)
        if fault is None:
            return transaction.read_response(body, parts)
    except SoapFault as problem:
        raise Unavailable(what, f"the answer cannot be read: {problem.reason}") from problem
    raise RemoteFault(what, fault)


async def _pieces(package: mtom.Package) -> AsyncIterator[bytes]:
    """Yield the bytes of a message with its documents."""
    yield package.head
    for attachment in package.attachments:
        yield package.part_head(attachment)
        for chunk in attachment.content.chunks():
            yield chunk
    yield package.tail


@contextlib.contextmanager
def _failures(what: str) -> Iterator[None]:
    """Turn whatever goes wrong on the wire into `Unavailable`."""
    try:
        yield
    except TimeoutError as failure:
        raise Unavailable(what, "no answer in time") from failure
    except aiohttp.ClientConnectorCertificateError as failure:
        raise Unavailable(what, "its certificate is not trusted", not_sent=True) from failure
    except (aiohttp.ClientSSLError, ssl.SSLError) as failure:
        raise Unavailable(what, "no TLS connection", not_sent=True) from failure
    except aiohttp.ClientConnectorError as failure:
        reason = _system_words(failure.os_error)
        raise Unavailable(what, f"no connection: {reason}", not_sent=True) from failure
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError) as failure:
        raise Unavailable(what, "the connection broke off") from failure
    except aiohttp.InvalidURL as failure:
        raise Unavailable(what, "not a URL that can be called", not_sent=True) from failure
    except (aiohttp.ClientError, OSError) as failure:
        raise Unavailable(what, f"the connection failed ({type(failure).__name__})") from failure
    except SoapFault as problem:
        raise Unavailable(what, f"the answer cannot be read: {problem.reason}") from problem


def _system_words(failure: OSError) -> str:
    """Return what the system says of a failure; asyncio's own words hold an address too."""
    return os.strerror(failure.errno) if failure.errno else type(failure).__name__
