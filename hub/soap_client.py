"""The door to the HTTP client: sends transactions to other actors, and takes their answers in.

Documents stream both ways. On the way out they are read piece by piece as the socket takes them; on
the way in each is spooled (`SoapClient.send`), or goes straight on to whoever asked (`SoapClient.
open`), so that a gateway can hand on a document of any size that it never holds.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from weakref import WeakSet

import aiohttp

from hub import ids
from hub.arriving import ANSWER_LIMIT, Arriving, Stream, arriving_chunks
from hub.intake import Intake
from hub.remote import (
    ANSWER,
    LARGE_ANSWER,
    RemoteFault,
    TooLarge,
    check_is_soap,
    failures,
    headers_of,
    read_answer,
)
from hub.spool import Spool
from ihe.messages import CHUNK, AdhocQueryRequest, RetrieveDocumentSetRequest
from ihe.soap import mtom
from ihe.soap.envelope import write_request_envelope
from ihe.transactions import Packaging, Transaction
from ihe.xml import Limits

__all__ = [
    "ANSWER",
    "LARGE_ANSWER",
    "Arriving",
    "RemoteFault",
    "SoapClient",
    "Stream",
    "TooLarge",
    "arriving_chunks",
]

Req = TypeVar("Req")
Resp = TypeVar("Resp")

_QUESTIONS: Final = (AdhocQueryRequest, RetrieveDocumentSetRequest)
"""Requests that change nothing where they arrive, and may arrive twice."""


_CLOSING_S: Final = 0.25
_CLOSING_LOOKS: Final = 25


@dataclass(slots=True)
class _Way:
    """How a request goes: by a connection of its own, or by one that was kept from before."""

    is_kept: bool = False


async def _note_kept(_session: object, context: Any, _parameters: object) -> None:
    context.trace_request_ctx.is_kept = True


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
        self._sockets: WeakSet[socket.socket] = WeakSet()

    async def send(
        self,
        transaction: Transaction[Req, Resp],
        request: Req,
        to: str,
        *,
        timeout_s: float,
        trace_id: str | None = None,
        limits: Limits = ANSWER,
        validate_only: bool = False,
    ) -> Resp:
        """Send `request` and return the response, when all of it has arrived.

        Parameters
        ----------
        to
            URL of the receiving actor.
        timeout_s
            Seconds until the whole answer must be there, its documents too, which are spooled. They
            count anew whenever a piece of the request's documents has gone.
        trace_id
            Of the call that this message belongs to; a new one when None.
        limits
            How large the envelope of the answer may be.
        validate_only
            Ask for the answer alone: nothing is to be stored (`ihe.soap.validation`).

        Raises
        ------
        Unavailable
            There is no answer, or none that can be read; `TooLarge` when it is too large. Or it
            does not say that nothing was stored, though that was asked for.
        RemoteFault
            The answer is a SOAP fault.
        """
        message_id = ids.new_uuid()
        may_have_documents = transaction.packaging is Packaging.MTOM
        with failures(to):
            async with asyncio.timeout(timeout_s) as patience:

                def go_on() -> None:
                    with contextlib.suppress(RuntimeError):  # the answer is there already
                        patience.reschedule(asyncio.get_running_loop().time() + timeout_s)

                answer = await self._post(
                    transaction,
                    request,
                    to,
                    message_id,
                    trace_id=trace_id,
                    moved=go_on,
                    validate_only=validate_only,
                )
                intake = Intake(
                    headers_of(answer),
                    open_sink=Spool if may_have_documents else None,
                    body_limit=ANSWER_LIMIT,
                    root_limit=limits.octets,
                )
                try:
                    check_is_soap(answer, to)
                    async for chunk in answer.content.iter_any():
                        intake.feed(chunk)
                    root, parts = intake.finish()
                    return await read_answer(
                        transaction,
                        root,
                        parts,
                        message_id=message_id,
                        what=to,
                        limits=limits,
                        validate_only=validate_only,
                    )
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
    ) -> Stream[Resp]:
        """Send `request` and hand over the answer while its documents still arrive.

        `timeout_s` counts until the envelope is there, `idle_s` between two pieces after that.
        The stream is to be discarded in the end. Raises as `send` does.
        """
        message_id = ids.new_uuid()
        with failures(to):
            async with asyncio.timeout(timeout_s):
                answer = await self._post(transaction, request, to, message_id, trace_id=trace_id)
                stream = Stream(transaction, answer, message_id=message_id, what=to, idle_s=idle_s)
                try:
                    await stream.open()
                except BaseException:
                    stream.discard()
                    raise
                return stream

    async def close(self) -> None:
        """Close all connections.

        One that was given up half-sent would wait for its peer to take the rest before it closes;
        what has not closed in a moment is cut off.
        """
        if self._session is None:
            return
        await self._session.close()
        self._session = None
        if await self._still_open():
            for opened in self._sockets:
                with contextlib.suppress(OSError):  # closed by now
                    opened.shutdown(socket.SHUT_RDWR)
            await self._still_open()

    async def _still_open(self) -> bool:
        """Wait a moment for connections to close; tell whether some have not."""
        for _ in range(_CLOSING_LOOKS):
            if all(opened.fileno() == -1 for opened in self._sockets):
                return False
            await asyncio.sleep(_CLOSING_S / _CLOSING_LOOKS)
        return True

    def _open_socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _name, _address = address
        opened = socket.socket(family, kind, protocol)
        self._sockets.add(opened)
        return opened

    async def _post(
        self,
        transaction: Transaction[Req, Any],
        request: Req,
        to: str,
        message_id: str,
        *,
        trace_id: str | None,
        moved: Callable[[], None] = lambda: None,
        validate_only: bool = False,
    ) -> aiohttp.ClientResponse:
        """Send a request; return the answer when its head is here.

        `moved` is called for each piece of a document that has gone.
        """
        body = transaction.write_request(request)
        trace_id = trace_id or ids.new_trace_id()
        envelope = write_request_envelope(
            action=transaction.action,
            to=to,
            message_id=message_id,
            body=body.xml,
            validate_only=validate_only,
        )
        headers = {
            "traceparent": f"00-{trace_id}-{trace_id[16:]}-01",
            "accept-encoding": "identity",
        }
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
            data: mtom.Package | bytes = package
        else:
            headers["content-type"] = (
                f'application/soap+xml; charset=UTF-8; action="{transaction.action}"'
            )
            data = b"".join(envelope)
        may_repeat = isinstance(request, _QUESTIONS)
        return await self._sent(to, data, headers, moved, may_repeat=may_repeat)

    async def _sent(
        self,
        to: str,
        data: mtom.Package | bytes,
        headers: dict[str, str],
        moved: Callable[[], None],
        *,
        may_repeat: bool,
    ) -> aiohttp.ClientResponse:
        """Send a message until there is an answer or a failure of a new connection.

        The other side may close a connection that it had kept open, just when the next message
        goes out; a question is then asked again.
        """
        while True:
            way = _Way()
            try:
                return await self._http().post(
                    to,
                    data=data if isinstance(data, bytes) else _pieces(data, moved),
                    headers=headers,
                    allow_redirects=False,
                    trace_request_ctx=way,
                )
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                if not (way.is_kept and may_repeat):
                    raise

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            tracing = aiohttp.TraceConfig()
            tracing.on_connection_reuseconn.append(_note_kept)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=self._tls or True,
                    limit=0,
                    limit_per_host=self._connections,
                    socket_factory=self._open_socket,
                ),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # the intake does, and knows when to stop
                read_bufsize=CHUNK,
                trace_configs=[tracing],
            )
        return self._session


async def _pieces(package: mtom.Package, moved: Callable[[], None]) -> AsyncIterator[bytes]:
    """Yield the bytes of a message with its documents; tell of each piece that is taken."""
    yield package.head
    for attachment in package.attachments:
        yield package.part_head(attachment)
        for chunk in attachment.content.chunks():
            yield chunk
            moved()
    yield package.tail
