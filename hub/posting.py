"""One SOAP message over HTTP, from its first octet to the last one of its answer.

```text
event loop                      threads of the actor
receive ─▶ batch ─▶ batch ────▶ Intake.feed     envelope kept, documents to their sinks
                    last one ─▶ Intake.finish, SoapServer.respond
send ◀─ piece ◀─ piece ◀─────── documents read piece by piece
```

Whatever happens on the way, three things hold: the peer gets an answer as long as it listens, what
was staged and nobody kept is thrown away, and one log line says how it went.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from hub import asgi, clock, ids, logs, pipeline
from hub.asgi import Receive, Scope, Send
from hub.intake import MEDIA_TYPES, Intake
from hub.lane import Lane, NoTurn
from hub.limits import Limits
from hub.parts import OpenSink, StagedContent
from hub.pipeline import Incoming, Reply
from hub.soap_client import Arriving
from hub.soap_server import SoapServer
from ihe.errors import FaultCode, FaultSubcode, SoapFault, Unavailable
from ihe.messages import CHUNK, Content
from ihe.soap import mtom
from ihe.soap.mime import read_content_type

T = TypeVar("T")
_SMALL: Final = 32 * 1024
_RETRY_AFTER_S: Final = 2
_TIMEOUT: Final = 408


class ClientGone(Exception):
    """The client hung up, or does not take its answer; the message says which."""


class Posting:
    """One POST.

    Parameters
    ----------
    soap, lane
        The actor that is asked, and its threads.
    open_sink
        Stages attachments; None where messages carry none.
    path
        Where the actor is mounted.
    scope, receive, send
        The request (ASGI 3).
    """

    def __init__(
        self,
        soap: SoapServer[Any],
        lane: Lane,
        limits: Limits,
        *,
        open_sink: OpenSink | None,
        path: str,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._soap, self._lane, self._limits = soap, lane, limits
        self._receive, self._send = receive, send
        self._headers = asgi.headers_of(scope)
        self._trace_id = asgi.trace_id_of(self._headers)
        self._endpoint = asgi.url_of(scope, self._headers, path)
        self._peer, self._is_there = asgi.peer_of(scope), asgi.is_there(scope)
        self._intake = Intake(
            self._headers, open_sink=open_sink, body_limit=limits.body, root_limit=limits.root
        )
        self._all_here = False
        self._at_end = contextlib.ExitStack()
        self._log: dict[str, Any] = {"path": path}

    async def run(self) -> None:
        """Take the message in, have it answered, and send the answer."""
        started = time.perf_counter()
        try:
            with self._at_end, self._lane.place() as free:
                await self._answer(await self._respond() if free else self._no_place())
        except ClientGone as gone:
            self._log["reason"] = str(gone)
        finally:
            try:
                if self._intake.has_parts:
                    await self._lane.run(self._intake.discard)
            finally:
                self._write_log(started)

    def _write_log(self, started: float) -> None:
        with logs.unhurried():
            logs.logger(self._soap.name).info(
                "answered",
                **self._log,
                trace_id=self._trace_id,
                peer=self._peer.fingerprint,
                peer_address=self._peer.address,
                bytes_in=self._intake.received,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            )

    # --- in --------------------------------------------------------------------------------------

    async def _respond(self) -> Reply:
        """Have the message answered; what cannot be taken in is told so."""
        try:
            _check(self._headers, self._limits)
            rest = await self._take_in()
            if not self._soap.is_async:
                return await self._lane.run(
                    lambda: self._soap.respond(self._whole(rest)),
                    within_s=self._limits.wait_s,
                    is_wanted=self._is_there,
                )
            work = _at_once if self._is_small(rest) else self._lane.run
            return await self._soap.respond_async(await work(self._whole, rest), work)
        except ClientGone:
            raise
        except NoTurn:
            if not self._is_there():
                raise ClientGone("client gone before its message's turn came") from None
            return self._busy(f"it had no turn in {self._limits.wait_s:g} s")
        except SoapFault as fault:
            return pipeline.fault_reply(fault, trace_id=self._trace_id)
        except Unavailable as failure:
            return await self._lane.run(self._declined, failure)
        except Exception as failure:  # noqa: BLE001  # the peer gets an answer whatever happened
            return pipeline.broken_reply(failure, trace_id=self._trace_id, relates_to=None)

    async def _take_in(self) -> bytes:
        """Feed the body to the intake in batches; return the last one, not fed yet."""
        batch: list[bytes] = []
        size = 0
        pace = _Pace(self._limits)
        while True:
            try:
                async with asyncio.timeout(pace.patience_s()):
                    message = await self._receive()
            except TimeoutError:
                raise self._too_slow(pace) from None
            if message["type"] == "http.disconnect":
                raise ClientGone("client gone before its message was whole")
            data = message.get("body", b"")
            pace.came(len(data))
            if data:
                batch.append(data)
                size += len(data)
            if not message.get("more_body", False):
                self._all_here = True
                return b"".join(batch)
            if size >= CHUNK:
                await self._lane.run(self._intake.feed, b"".join(batch))
                batch, size = [], 0

    def _is_small(self, rest: bytes) -> bool:
        """Tell whether to read the message takes less time than to hand it to a thread."""
        is_plain = "content-encoding" not in self._headers
        return is_plain and self._intake.received == 0 and len(rest) <= _SMALL

    def _too_slow(self, pace: "_Pace") -> SoapFault:
        limits = self._limits
        return SoapFault(
            FaultCode.SENDER,
            f"the message stopped after {pace.octets} octets: another one was expected within"
            f" {limits.idle_s:g} s, and {limits.least_rate} octets a second on average",
            http_status=_TIMEOUT,
        )

    def _whole(self, rest: bytes) -> Incoming:
        self._intake.feed(rest)
        root, parts = self._intake.finish()
        return self._incoming(root, parts)

    def _incoming(self, root: bytes, parts: Mapping[str, StagedContent]) -> Incoming:
        return Incoming(
            root=root,
            parts=parts,
            endpoint=self._endpoint,
            peer=self._peer,
            trace_id=self._trace_id,
            at=clock.now(),
            at_end=self._at_end,
        )

    def _declined(self, failure: Unavailable) -> Reply:
        """Answer a message whose documents could not be staged, in its own words if possible."""
        root = self._intake.root
        if root is None:
            return pipeline.unavailable_reply(failure, trace_id=self._trace_id)
        return self._soap.decline(self._incoming(root, {}), failure)

    def _no_place(self) -> Reply:
        in_flight = self._limits.in_flight
        return self._busy(f"{in_flight} requests are worked on, and more are not taken at once")

    def _busy(self, why: str) -> Reply:
        """Send the client away, for this time; nothing has been done."""
        fault = SoapFault(
            FaultCode.RECEIVER,
            f"{why}; try again in {_RETRY_AFTER_S} s",
            FaultSubcode.ENDPOINT_UNAVAILABLE,
            http_status=503,
            retry_after_s=_RETRY_AFTER_S,
        )
        return pipeline.fault_reply(fault, trace_id=self._trace_id)

    # --- out -------------------------------------------------------------------------------------

    async def _answer(self, reply: Reply) -> None:
        headers = [(b"x-trace-id", self._trace_id.encode())]
        if reply.retry_after_s is not None:
            headers.append((b"retry-after", str(reply.retry_after_s).encode()))
        if reply.http_status == _TIMEOUT:
            headers.append((b"connection", b"close"))
        self._log |= {"http_status": reply.http_status, "transaction": reply.transaction}
        if reply.validated_only:
            self._log["what"] = "validated only"
        if reply.codes:
            self._log["codes"] = list(reply.codes)
        if not reply.multipart:
            content_type = "application/soap+xml; charset=UTF-8"
            length: int | None = sum(map(len, reply.envelope))
            pieces = _batches(reply.envelope)
        else:
            package = mtom.Package(
                boundary=f"felles_{ids.new_trace_id()}",
                root=reply.envelope,
                attachments=reply.attachments,
            )
            content_type, length = package.content_type, package.content_length
            pieces = self._package(package)
            self._log["documents"] = len(reply.attachments)
        headers.append((b"content-type", content_type.encode()))
        if length is not None:
            headers.append((b"content-length", b"%d" % length))
        await self._send_in_time(
            {"type": "http.response.start", "status": reply.http_status, "headers": headers}
        )
        await self._send_pieces(pieces, length)

    async def _send_pieces(self, pieces: AsyncGenerator[bytes, None], length: int | None) -> None:
        """Send the body; `length` is None when nobody knows it."""
        sent = 0
        hanging_up: asyncio.Task[bool] | None = None
        try:
            async with contextlib.aclosing(pieces):
                async for piece in pieces:
                    _check_there(hanging_up)
                    await self._send_piece(piece, more=sent + len(piece) != length)
                    sent += len(piece)
                    if hanging_up is None and sent != length and self._all_here:
                        hanging_up = asyncio.create_task(self._hangs_up())
            if sent != length:
                await self._send_piece(b"", more=False)
        except ClientGone:
            raise
        except Exception as failure:  # noqa: BLE001  # whatever it is, the answer must break off
            # the status line is gone: only a connection that ends too early tells the client
            self._log["reason"] = "answer broken off"
            logs.logger(self._soap.name).error(
                "answer broken off", trace_id=self._trace_id, **logs.describe(failure)
            )
        finally:
            self._log["bytes_out"] = sent
            if hanging_up is not None:
                hanging_up.cancel()

    async def _hangs_up(self) -> bool:
        """Wait for the client to hang up; nothing else would tell before the end of the answer."""
        return bool((await self._receive())["type"] == "http.disconnect")

    async def _send_piece(self, piece: bytes, *, more: bool) -> None:
        await self._send_in_time({"type": "http.response.body", "body": piece, "more_body": more})

    async def _send_in_time(self, event: dict[str, Any]) -> None:
        """Hand something over to the HTTP server, which waits while the client is slow."""
        try:
            async with asyncio.timeout(self._limits.idle_s):
                await self._send(event)
        except TimeoutError:
            raise ClientGone("client does not take its answer") from None

    async def _package(self, package: mtom.Package) -> AsyncGenerator[bytes, None]:
        """Yield the package's bytes; documents are read in the thread pool, or streamed on."""
        before = package.head
        for attachment in package.attachments:
            before += package.part_head(attachment)
            async with contextlib.aclosing(self._chunks(attachment.content)) as chunks:
                async for chunk in chunks:
                    yield before + chunk if before else chunk
                    before = b""
        yield before + package.tail

    async def _chunks(self, content: Content) -> AsyncGenerator[bytes, None]:
        if isinstance(content, Arriving):
            async for chunk in content.stream():
                yield chunk
            return
        chunks = content.chunks()
        try:
            while chunk := await self._lane.run(next, chunks, b""):
                yield chunk
        finally:
            if close := getattr(chunks, "close", None):
                await self._lane.run(close)


class _Pace:
    """How long the next piece of a body may take; what the hub itself takes does not count."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waited_s = self._began = 0.0
        self.octets = 0

    def patience_s(self) -> float:
        """Begin to wait; return the seconds until the client is silent, or slow, for too long."""
        limits = self._limits
        self._began = time.monotonic()
        allowed = limits.idle_s + self.octets / limits.least_rate
        return min(limits.idle_s, allowed - self._waited_s)

    def came(self, octets: int) -> None:
        """End to wait: so many octets came."""
        self._waited_s += time.monotonic() - self._began
        self.octets += octets


def _check(headers: Mapping[str, str], limits: Limits) -> None:
    """Refuse what the HTTP headers already tell to be useless.

    A browser sends none of the media types to another site without asking first, so that no web
    page can make a user's browser, and the certificate in it, send a message.
    """
    media_type = read_content_type(headers.get("content-type", "")).media_type
    if media_type not in MEDIA_TYPES:
        raise SoapFault(
            FaultCode.SENDER,
            f"the Content-Type is '{media_type}'; {MEDIA_TYPES[0]} or {MEDIA_TYPES[1]} was"
            " expected",
            http_status=415,
        )
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > limits.body:
        raise SoapFault(
            FaultCode.SENDER,
            f"the message has {length} octets, at most {limits.body} are taken",
            http_status=413,
        )


async def _at_once(work: Callable[..., T], *arguments: Any) -> T:
    return work(*arguments)


def _check_there(hanging_up: asyncio.Task[bool] | None) -> None:
    """Raise `ClientGone` when the client has hung up."""
    if hanging_up is not None and hanging_up.done() and hanging_up.result():
        raise ClientGone("client gone before its answer was whole")


async def _batches(pieces: Sequence[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of many small pieces in few large ones."""
    batch: list[bytes] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece)
        if size >= CHUNK:
            yield b"".join(batch)
            batch, size = [], 0
    yield b"".join(batch)
