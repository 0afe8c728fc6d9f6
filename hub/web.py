"""What an actor says over HTTP: the ASGI application around the SOAP services.

```text
POST /registry          a SOAP message for the actor mounted there (hub.posting)
GET  /registry?wsdl     its WSDL; ?xsd=rim and so on for the schemas
GET  /health/live       the process runs;  /health/ready  what it needs answers
```

A slow client holds a coroutine and no thread: bytes are collected in the event loop, and only whole
batches are worked on in the thread pool. An answer goes out the same way, batch by batch, as fast
as the client reads it. Every answer has the trace id of its request in the header `X-Trace-Id`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hub import asgi, logs, pipeline
from hub.asgi import Receive, Scope, Send
from hub.lane import Lane
from hub.limits import Limits
from hub.parts import OpenSink
from hub.posting import Posting
from hub.soap_server import SoapServer
from ihe.errors import FaultCode, FaultSubcode, SoapFault, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One actor at one path.

    `open_sink` stages attachments; None where messages carry none. `pages` answers GET requests:
    it is given the query string and the mount's URL and returns a media type and bytes, or None.
    """

    soap: SoapServer[Any]
    open_sink: OpenSink | None = None
    pages: Callable[[str, str], tuple[str, bytes] | None] | None = None


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
        self._lanes = {path: Lane(self.limits) for path in self.mounts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request (ASGI 3)."""
        if scope["type"] != "http":
            return
        path = scope["path"].rstrip("/") or "/"
        mount = self.mounts.get(path)
        if mount is not None and scope["method"] == "POST":
            posting = Posting(
                mount.soap,
                self._lanes[path],
                self.limits,
                open_sink=mount.open_sink,
                path=path,
                scope=scope,
                receive=receive,
                send=send,
            )
            await posting.run()
        else:
            await self._without_message(mount, path, scope, send)

    def close(self) -> None:
        """End the threads; work that has begun is done first."""
        for lane in self._lanes.values():
            lane.close()

    async def _without_message(
        self, mount: Mount | None, path: str, scope: Scope, send: Send
    ) -> None:
        """Answer what is no message for an actor."""
        answer = _Answer(send, asgi.trace_id_of(asgi.headers_of(scope)))
        try:
            await self._route(mount, path, scope, answer)
        except Exception as failure:  # noqa: BLE001  # the peer gets an answer whatever happened
            logs.logger().error("failed", trace_id=answer.trace_id, **logs.describe(failure))
            await answer.text(500, "the hub failed on this request")

    async def _route(self, mount: Mount | None, path: str, scope: Scope, answer: "_Answer") -> None:
        match scope["method"], mount:
            case "GET" | "HEAD", Mount():
                await self._get(mount, path, scope, answer)
            case "GET" | "HEAD", _ if path.startswith("/health/"):
                await self._health(path, answer)
            case "POST", None:
                await answer.fault(_nobody(path, self.mounts))
            case _, None:
                await answer.text(404, _nobody(path, self.mounts).reason)
            case method, _:
                allow = [(b"allow", b"GET, HEAD, POST")]
                await answer.text(405, f"{method} is not possible here; POST a SOAP message", allow)

    async def _get(self, mount: Mount, path: str, scope: Scope, answer: "_Answer") -> None:
        query = scope["query_string"].decode("latin-1")
        url = asgi.url_of(scope, asgi.headers_of(scope), path)
        page = mount.pages(query, url) if mount.pages else None
        if page is None:
            await answer.text(404, "POST a SOAP message here, or GET ?wsdl")
        else:
            await answer.whole(200, *page)

    async def _health(self, path: str, answer: "_Answer") -> None:
        if path == "/health/live":
            await answer.text(200, "live")
            return
        if path != "/health/ready":
            await answer.text(404, "/health/live or /health/ready")
            return
        try:
            await asyncio.to_thread(self.ready)
        except Unavailable as failure:
            await answer.text(503, f"not ready: {failure.what} does not answer")
        else:
            await answer.text(200, "ready")


@dataclass(frozen=True, slots=True)
class _Answer:
    """Sends short answers, with the trace id of the request."""

    send: Send
    trace_id: str

    async def whole(
        self, status: int, media_type: str, body: bytes, headers: asgi.Headers = ()
    ) -> None:
        traced = [(b"x-trace-id", self.trace_id.encode()), *headers]
        await asgi.send_whole(self.send, status, media_type, body, traced)

    async def text(self, status: int, text: str, headers: asgi.Headers = ()) -> None:
        line = f"{text}\n" if status == _OK else f"{text} (trace {self.trace_id})\n"
        await self.whole(status, "text/plain; charset=utf-8", line.encode(), headers)

    async def fault(self, fault: SoapFault) -> None:
        reply = pipeline.fault_reply(fault, trace_id=self.trace_id)
        body = b"".join(reply.envelope)
        await self.whole(reply.http_status, "application/soap+xml; charset=UTF-8", body)


_OK = 200


def _nobody(path: str, mounts: Mapping[str, Mount]) -> SoapFault:
    return SoapFault(
        FaultCode.SENDER,
        f"nothing is served at {path}; served are: {', '.join(sorted(mounts))}",
        FaultSubcode.DESTINATION_UNREACHABLE,
        http_status=404,
    )
