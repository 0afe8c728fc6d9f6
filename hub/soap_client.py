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
import ssl
import threading
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import aiohttp

from hub import ids
from hub.intake import Intake
from hub.parts import OpenSink
from hub.spool import Spool
from ihe.errors import HubError, SoapFault, Unavailable
from ihe.messages import Attachment, Body
from ihe.soap import mtom
from ihe.soap.envelope import read_envelope, write_request_envelope
from ihe.soap.faults import read_fault
from ihe.transactions import Packaging, Transaction

Req = TypeVar("Req")
Resp = TypeVar("Resp")
T = TypeVar("T")

ROOT_LIMIT: Final = 64 * 1024**2
"""Octets of an answer's envelope, documents apart."""


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
                intake = Intake(_headers(answer), open_sink=open_sink)
                try:
                    async for chunk in answer.content.iter_any():
                        intake.feed(chunk)
                    return _read(transaction, *intake.finish(), to)
                except BaseException:
                    intake.discard()
                    raise
                finally:
                    answer.close() if not answer.content.at_eof() else answer.release()

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


class _Expected(dict[str, Any]):
    """Attachments by Content-ID: what is not here yet is on its way."""

    def __init__(self, stream: "Stream[Any]") -> None:
        super().__init__()
        self._stream = stream

    def __missing__(self, content_id: str) -> Arriving:
        arriving = self[content_id] = Arriving(self._stream, content_id)
        return arriving


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
        self._reader = mtom.PackageReader(
            _headers(answer).get("content-type", ""), root_limit=ROOT_LIMIT
        )
