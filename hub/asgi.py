"""HTTP as the application server hands it over (ASGI 3): what a request says, and short answers."""

import re
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from hub import ids
from hub.call import Peer

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TRACE: Final = "0" * 32


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers by lower-case name."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def trace_id_of(headers: Mapping[str, str]) -> str:
    """Return the caller's trace id (W3C Trace Context), or a new one."""
    match = _TRACEPARENT.fullmatch(headers.get("traceparent", "").strip())
    return match[1] if match and match[1] != _NO_TRACE else ids.new_trace_id()


def peer_of(scope: Scope) -> Peer:
    """Return the other end of the connection, as `hub.http_server` saw it."""
    peer: Peer | None = scope.get("state", {}).get("peer")
    return peer or Peer(address=(scope.get("client") or ("",))[0])


def is_there(scope: Scope) -> Callable[[], bool]:
    """Return what tells, from any thread, whether the client is still connected."""
    gone: threading.Event | None = scope.get("state", {}).get("gone")
    return lambda: gone is None or not gone.is_set()


def url_of(scope: Scope, headers: Mapping[str, str], path: str) -> str:
    """Return the URL that was called, without its query string."""
    return f"{scope['scheme']}://{headers.get('host', 'localhost')}{path}"


async def start(send: Send, status: int, headers: Headers) -> None:
    """Send the status line and the headers."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def send_whole(
    send: Send, status: int, media_type: str, body: bytes, headers: Headers = ()
) -> None:
    """Send an answer in one piece."""
    length = (b"content-length", b"%d" % len(body))
    await start(send, status, [(b"content-type", media_type.encode()), length, *headers])
    await send({"type": "http.response.body", "body": body})
