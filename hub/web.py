"""What an actor says over HTTP: the ASGI application around the SOAP services.

```text
POST /registry          a SOAP message for the actor mounted there
GET  /registry?wsdl     its WSDL; ?xsd=rim and so on for the schemas
GET  /health/live       the process runs;  /health/ready  what it needs answers
```

A slow client holds a coroutine and no thread: bytes are collected in the event loop, and only whole
batches are worked on in the thread pool. An answer goes out the same way, batch by batch, as fast
as the client reads it.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from hub import clock, ids, logs, pipeline
from hub.call import Peer
from hub.intake import Intake
from hub.parts import OpenSink
from hub.pipeline import Incoming, Reply
from hub.soap_client import Arriving
from hub.soap_server import SoapServer
from ihe.errors import FaultCode, FaultSubcode, SoapFault, Unavailable
from ihe.messages import CHUNK
from ihe.soap import mtom

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
T = TypeVar("T")

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one process takes on.

    Parameters
    ----------
    in_flight
        Requests that an actor works on at once; one more is told to come back (503).
    threads
        Threads of an actor for handlers and for blocking work.
    idle_s
        Seconds without a byte, in or out, after which a client has gone.
    body
        Octets of one HTTP body.
    """

    in_flight: int = 200
    threads: int = 16
    idle_s: float = 60.0
    body: int = 8 * 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One actor at one path.

    `open_sink` stages attachments; None where messages carry none. `pages` answers GET requests:
    it is given the query string and the mount's URL and returns a media type and bytes, or None.
    """

    soap: SoapServer[Any]
    open_sink: OpenSink | None = None
    pages: Callable[[str, str], tuple[str, bytes] | None] | None = None


class ClientGone(Exception):
    """The client hung up, or was silent for too long."""


class _Lane:
    """The threads and the places of one actor.

    Actors behind one socket call each other: a repository's handler waits for the registry's. With
    threads in common, sixteen such handlers would wait for ever for a seventeenth thread.
    """

    def __init__(self, limits: Limits) -> None:
        self._pool = ThreadPoolExecutor(limits.threads, thread_name_prefix="felles")
        self.free = limits.in_flight

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do blocking work in a thread of this actor."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    def close(self) -> None:
        """End the threads; work that has begun is done first."""
        self._pool.shutdown()


@dataclass(slots=True, kw_only=True)
class _HttpCall:
    """One POST on its way, with what its log line will say."""

    lane: _Lane
    trace_id: str
    endpoint: str
    peer: Peer
    intake: Intake
    at_end: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    log: dict[str, Any] = field(default_factory=dict)


class Web:
    """The ASGI application: actors by path, and health.

    Parameters
    ----------
    mounts
        Actors by path, such as `/registry`.
    ready
        Called for `/health/ready`, in a thread; raises `Unavailable` when something is missing.
    limits
        See `Limits`.
    """

    def __init__(
        self,
        mounts: Mapping[str, Mount],
        *,
        ready: Callable[[], None] = lambda: None,
        limits: Limits | None = None,
    ) -> None:
        self.mounts, self.ready = dict(mounts), ready
        self.limits = limits or Limits()
        self._lanes = {path: _Lane(self.limits) for path in self.mounts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request (ASGI 3)."""
        if scope["type"] != "http":
            return
        path = scope["path"].rstrip("/") or "/"
        mount = self.mounts.get(path)
        match scope["method"], mount:
            case "POST", Mount():
                await self._post(mount, path, scope, receive, send)
            case "GET" | "HEAD", Mount():
                await self._get(mount, path, scope, send)
            case "GET" | "HEAD", _ if path.startswith("/health/"):
                await self._health(path, send)
            case _, None:
                known = ", ".join(sorted(self.mounts))
                await _text(send, 404, f"nothing is served at {path}; served are: {known}\n")
            case method, _:
                await _text(send, 405, f"{method} is not possible here; POST a SOAP message\n")

    def close(self) -> None:
        """End the threads; work that has begun is done first."""
        for lane in self._lanes.values():
            lane.close()

    # --- SOAP ------------------------------------------------------------------------------------

    async def _post(
        self, mount: Mount, path: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        started = time.perf_counter()
        headers = _headers(scope)
        lane = self._lanes[path]
        call = _HttpCall(
            lane=lane,
            trace_id=_trace_id(headers),
            endpoint=_url(scope, path),
            peer=_peer(scope),
            intake=Intake(headers, open_sink=mount.open_sink, body_limit=self.limits.body),
        )
        if not lane.free:
            await self._send(_busy(call.trace_id), call, send)
            return
        lane.free -= 1
        try:
            reply = await self._respond(mount.soap, receive, call)
            await self._send(reply, call, send)
        except ClientGone:
            call.log["reason"] = "client gone"
        finally:
            lane.free += 1
            call.at_end.close()
            if call.intake.has_parts:
                await lane.run(call.intake.discard)
            logs.logger(mount.soap.name).info(
                "answered",
                **call.log,
                path=path,
                trace_id=call.trace_id,
                peer=call.peer.fingerprint,
                peer_address=call.peer.address,
                bytes_in=call.intake.received,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            )

    async def _respond(self, soap: SoapServer[Any], receive: Receive, call: "_HttpCall") -> Reply:
        """Take the message in and have it answered; what cannot be taken in is told so."""

        def finish(rest: bytes) -> Incoming | Reply:
            try:
                call.intake.feed(rest)
                root, parts = call.intake.finish()
            except (SoapFault, Unavailable) as failure:
                return _refusal(failure, call.trace_id)
            return Incoming(
                root=root,
                parts=parts,
                endpoint=call.endpoint,
                peer=call.peer,
                trace_id=call.trace_id,
                at=clock.now(),
                at_end=call.at_end,
            )

        def work(rest: bytes) -> Reply:
            incoming = finish(rest)
            return incoming if isinstance(incoming, Reply) else soap.respond(incoming)

        try:
            rest = await self._take_in(receive, call)
        except (SoapFault, Unavailable) as failure:
            return _refusal(failure, call.trace_id)
        if not soap.is_async:
            return await call.lane.run(work, rest)
        incoming = finish(rest)
        return incoming if isinstance(incoming, Reply) else await soap.respond_async(incoming)

    async def _take_in(self, receive: Receive, call: "_HttpCall") -> bytes:
        """Feed the body to the intake in batches; return the last one, not fed yet."""
        batch: list[bytes] = []
        size = 0
        while True:
            try:
                async with asyncio.timeout(self.limits.idle_s):
                    message = await receive()
            except TimeoutError:
                raise ClientGone from None
            if message["type"] == "http.disconnect":
                raise ClientGone
            if data := message.get("body", b""):
                batch.append(data)
                size += len(data)
            if not message.get("more_body", False):
                return b"".join(batch)
            if size >= CHUNK:
                await call.lane.run(call.intake.feed, b"".join(batch))
                batch, size = [], 0

    async def _send(self, reply: Reply, call: "_HttpCall", send: Send) -> None:
        headers = [(b"x-trace-id", call.trace_id.encode())]
        if reply.retry_after_s is not None:
            headers.append((b"retry-after", str(reply.retry_after_s).encode()))
        call.log |= {"http_status": reply.http_status, "transaction": reply.transaction}
        if reply.codes:
            call.log["codes"] = list(reply.codes)
        if not reply.multipart:
            body = b"".join(reply.envelope)
            content_type = b"application/soap+xml; charset=UTF-8"
            headers += [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
            await _start(send, reply.http_status, headers)
            await send({"type": "http.response.body", "body": body})
            call.log["bytes_out"] = len(body)
            return
        package = mtom.Package(
            boundary=f"felles_{ids.new_trace_id()}",
            root=reply.envelope,
            attachments=reply.attachments,
        )
        headers.append((b"content-type", package.content_type.encode()))
        if package.content_length is not None:
            headers.append((b"content-length", b"%d" % package.content_length))
        await _start(send, reply.http_status, headers)
        call.log["documents"] = len(reply.attachments)
        await self._send_package(package, call, send)

    async def _send_package(self, package: mtom.Package, call: "_HttpCall", send: Send) -> None:
        sent = 0
        try:
            async with contextlib.aclosing(self._pieces(package, call.lane)) as pieces:
                async for piece in pieces:
                    async with asyncio.timeout(self.limits.idle_s):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                    sent += len(piece)
        except Exception as failure:  # noqa: BLE001  # whatever it is, the answer must break off
            # the status line is gone: only a connection that ends too early tells the client
            call.log["reason"] = "answer broken off"
            logs.logger().error(
                "answer broken off", trace_id=call.trace_id, **logs.describe(failure)
            )
        else:
            await send({"type": "http.response.body", "body": b""})
        finally:
            call.log["bytes_out"] = sent

    async def _pieces(self, package: mtom.Package, lane: _Lane) -> AsyncGenerator[bytes, None]:
        """Yield the package's bytes; documents are read in the thread pool, or streamed on."""
        yield package.head
        for attachment in package.attachments:
            yield package.part_head(attachment)
            if isinstance(attachment.content, Arriving):
                async for chunk in attachment.content.stream():
                    yield chunk
                continue
            chunks = await lane.run(iter, attachment.content.chunks())
            try:
                while chunk := await lane.run(_next, chunks):
                    yield chunk
            finally:
                if close := getattr(chunks, "close", None):
                    await lane.run(close)
        yield package.tail

    # --- GET -------------------------------------------------------------------------------------

    async def _get(self, mount: Mount, path: str, scope: Scope, send: Send) -> None:
        query = scope["query_string"].decode("latin-1")
        page = mount.pages(query, _url(scope, path)) if mount.pages else None
        if page is None:
            await _text(send, 404, "POST a SOAP message here, or GET ?wsdl\n")
            return
        media_type, body = page
        headers = [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body))]
        await _start(send, 200, headers)
        await send({"type": "http.response.body", "body": body})

    async def _health(self, path: str, send: Send) -> None:
        if path == "/health/live":
            await _text(send, 200, "live\n")
            return
        if path != "/health/ready":
            await _text(send, 404, "/health/live or /health/ready\n")
            return
        try:
            await asyncio.to_thread(self.ready)
        except Unavailable as failure:
            await _text(send, 503, f"not ready: {failure.what} does not answer\n")
        else:
            await _text(send, 200, "ready\n")


def _next(chunks: Iterator[bytes]) -> bytes:
    return next(chunks, b"")


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _trace_id(headers: Mapping[str, str]) -> str:
    """Return the caller's trace id (W3C Trace Context), or a new one."""
    match = _TRACEPARENT.fullmatch(headers.get("traceparent", "").strip())
    return match[1] if match else ids.new_trace_id()


def _peer(scope: Scope) -> Peer:
    peer: Peer | None = scope.get("state", {}).get("peer")
    return peer or Peer(address=(scope.get("client") or ("",))[0])


def _url(scope: Scope, path: str) -> str:
    host = _headers(scope).get("host", "localhost")
    return f"{scope['scheme']}://{host}{path}"


def _refusal(failure: SoapFault | Unavailable, trace_id: str) -> Reply:
    """Return the answer to a message that could not be taken in."""
    if isinstance(failure, SoapFault):
        return pipeline.fault_reply(failure, trace_id=trace_id)
    return pipeline.unavailable_reply(failure, trace_id=trace_id)


def _busy(trace_id: str) -> Reply:
    fault = SoapFault(
        FaultCode.RECEIVER,
        f"too many requests at once; try again in {_RETRY_AFTER_S} s (trace {trace_id})",
        FaultSubcode.ENDPOINT_UNAVAILABLE,
        http_status=503,
        retry_after_s=_RETRY_AFTER_S,
    )
    return pipeline.fault_reply(fault, trace_id=trace_id)


_RETRY_AFTER_S: Final = 2


async def _start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _text(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
    ]
    await _start(send, status, headers)
    await send({"type": "http.response.body", "body": body})
