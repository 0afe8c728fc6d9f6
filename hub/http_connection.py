"""One HTTP connection: uvicorn's, with the caller's certificate, and with an end to patience.

uvicorn alone waits for ever for the head of a request, takes a head of any size, and keeps a
connection whose client never reads its last answer. Here each of these ends:

```text
connected ─▶ head ─▶ request at work ─▶ answered ─▶ next head …
   idle_s ──────╯    (hub.posting)         keep-alive ╯
            too large: 431, too slow: 408               closed; not gone in idle_s: cut off
```

`hub.http_server` looks at all connections once a second; there is no timer for each of them.
"""

import asyncio
import ssl
import threading
import time
from http import HTTPStatus
from typing import Any, Final, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hub import ids, logs
from hub.call import Peer
from hub.limits import Limits
from hub.tls import read_peer

KEEP_ALIVE_S: Final = 75
_LINGER_S: Final = 5
_LINGER_OCTETS: Final = 1 << 20
_FRAMING: Final = 16
"""Octets of framing that each octet of a body may come with: chunks of one octet take six."""
_FRAMING_HEADERS: Final = (b"content-length", b"transfer-encoding")
_REASONS: Final = {
    400: "this is not HTTP/1.1; a POST with a SOAP message was expected",
    408: "the head of the request did not come in time",
    431: "the head of the request, or the framing of its body, is too large",
}


class Connection(HttpToolsProtocol):
    """One client's connection.

    Its certificate is put where the application finds it: `scope["state"]["peer"]`. Beside it is
    what tells whether the client is still there.
    """

    limits: Limits
    """Set by `hub.http_server` on a class of its own for each server."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself
        """Take the caller's certificate, and make room when there are too many connections."""
        super().connection_made(transport)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        address = self.client[0] if self.client else ""
        certificate = tls.getpeercert(binary_form=True) if tls else None
        self.peer = read_peer(certificate, address) if certificate else Peer(address=address)
        self._gone = threading.Event()
        self.app_state = {**self.app_state, "peer": self.peer, "gone": self._gone}
        self._since = time.monotonic()
        self._in_head = self._is_head_known = self._is_deaf = False
        self._octets = self._content = 0
        if len(self.connections) > self.limits.connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let requests that have not begun know that nobody waits for them."""
        self._gone.set()
        super().connection_lost(exc)

    def _make_room(self) -> None:
        """Close the connection that has been idle longest; this one, if all others are at work."""
        others = (cast(Connection, each) for each in self.connections)  # of this server
        idle = [each for each in others if not each.at_work and each is not self]
        min(idle, key=lambda each: each._since, default=self).transport.abort()

    @property
    def at_work(self) -> bool:
        """Whether a request is in the application's hands."""
        return self._asked and not self.cycle.response_complete

    @property
    def _asked(self) -> bool:
        newest: Any = self.cycle  # None before the first request, against its type
        return newest is not None

    def look_after(self, now: float) -> None:
        """End what has taken too long; called about once a second."""
        waited = now - self._since
        if self._is_deaf:
            if waited > min(self.limits.idle_s, _LINGER_S):
                self.transport.abort()
        elif self.transport.is_closing():
            if waited > self.limits.idle_s:
                self.transport.abort()  # it does not read its answer
        elif self.at_work:
            self._since = now
        elif self._in_head and waited > self.limits.idle_s:
            self._refuse(408)
        elif waited > (KEEP_ALIVE_S if self._asked else self.limits.idle_s):
            self.transport.close()

    # --- what uvicorn calls ----------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take bytes, as long as most of them are the content of a body."""
        self._octets += len(data)
        if self._is_deaf:
            if self._octets > _LINGER_OCTETS:
                self.transport.abort()
            return
        self._unset_keepalive_if_required()
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self.send_400_response("")
            return
        most = self.limits.head + _FRAMING * self._content
        if self._octets - self._content > most and not self.transport.is_closing():
            self._refuse(431)

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline(data[offer.args[0] :])

    def _decline(self, rest: bytes) -> None:
        """Go on in HTTP/1.1 with a client that offered to speak something else (RFC 9110 7.8).

        Java's own client offers HTTP/2 with every request. The parser takes the body for the other
        protocol and is done, so a new one begins where the body does.
        """
        framing = (
            b"%b: %b\r\n" % header for header in self.headers if header[0] in _FRAMING_HEADERS
        )
        self.parser = httptools.HttpRequestParser(self)
        self.cycle.more_body = self._is_head_known = True
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + b"".join(framing) + b"\r\n")
        self._is_head_known = False
        self._feed(rest)

    def on_message_begin(self) -> None:
        """Begin to count."""
        if self._is_head_known:
            return
        super().on_message_begin()
        self._in_head, self._octets, self._content = True, 0, 0
        if not self.at_work:
            self._since = time.monotonic()

    def on_url(self, url: bytes) -> None:
        """Take some of the path."""
        if not self._is_head_known:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those behind a body (trailers) mean nothing here."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request to the application."""
        if self._is_head_known:
            return
        self._in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count what is content."""
        self._content += len(body)
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's words
        """Refuse what is not HTTP; a request that came whole before it is answered first."""
        if self.at_work and not self.cycle.more_body:
            self.cycle.keep_alive = False
            self.flow.pause_reading()
        else:
            self._refuse(400)

    def shutdown(self) -> None:
        """Close when the request at work is answered, or at once if there is none."""
        if self._is_deaf:
            self.transport.abort()
        else:
            super().shutdown()

    def _refuse(self, status: int) -> None:
        """Say why in one line, unless an answer is on its way, and close."""
        trace_id = ids.new_trace_id()
        logs.logger().warning(
            "refused",
            http_status=status,
            peer=self.peer.fingerprint,
            peer_address=self.peer.address,
            trace_id=trace_id,
        )
        if not self.at_work or not (self.pipeline or self.cycle.response_started):
            text = f"{_REASONS[status]} (trace {trace_id})\n"
            self.transport.write(
                f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
                f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(text)}\r\n"
                f"X-Trace-Id: {trace_id}\r\nConnection: close\r\n\r\n{text}".encode()
            )
        self._hang_up()

    def _hang_up(self) -> None:
        """Say no more, and listen to nothing, for long enough that the other side hears why.

        A connection that is closed while more comes in is reset, and what it was told is lost.
        """
        self._is_deaf, self._since, self._octets = True, time.monotonic(), 0
        if self.at_work:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.transport.can_write_eof():
            self.transport.write_eof()
