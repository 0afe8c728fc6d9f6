"""Listens to what actors say over HTTP while tests run them, and judges every message.

A `TappedSite` runs the real application and the real server; it only keeps a copy of what goes by.
What is judged is what the hub itself has written: every answer to a message, and every request that
came from the hub's own HTTP client.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hub.actor import Site
from hub.asgi import Receive, Scope, Send
from hub.web import Web
from tests.wire_oracle import problems_of_request, problems_of_response

MOST = 8 * 1024**2
"""Octets of a message that are worth judging; larger ones are documents for the most part."""


@dataclass
class Tap:
    """What was heard, and what is wrong with it."""

    problems: list[str] = field(default_factory=list)
    requests: int = 0
    responses: int = 0

    def request(self, headers: dict[str, str], body: bytes) -> None:
        self.requests += 1
        self._note("request", lambda: problems_of_request(headers, body))

    def response(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.responses += 1
        self._note(f"response {status}", lambda: problems_of_response(status, headers, body))

    def _note(self, what: str, judge: Callable[[], list[str]]) -> None:
        try:
            self.problems += [f"{what}: {each}" for each in judge()]
        except Exception as failure:  # noqa: BLE001  # a message that the judge cannot even read
            self.problems.append(f"{what}: {failure!r}")


@dataclass
class _Copy:
    """A message as it goes by."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    whole: bool = False

    def take(self, event: dict[str, Any]) -> None:
        if event["type"] == "http.response.start":
            self.status, self.headers = event["status"], _headers(event)
        elif event["type"] in {"http.request", "http.response.body"}:
            if len(self.body) <= MOST:
                self.body += event.get("body", b"")
            said = int(self.headers.get("content-length", "-1"))
            self.whole = not event.get("more_body", False) or len(self.body) == said

    @property
    def worth_judging(self) -> bool:
        return self.whole and len(self.body) <= MOST


class TappedWeb(Web):
    """The application, with a tap."""

    tap: Tap

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await super().__call__(scope, receive, send)
            return
        request, response = _Copy(headers=_headers(scope)), _Copy()

        async def heard() -> dict[str, Any]:
            event = await receive()
            request.take(event)
            return event

        async def said(event: dict[str, Any]) -> None:
            was_whole = response.whole
            response.take(event)
            if response.whole and not was_whole:  # before the client has it, so that a test can ask
                self._judge(request, response)
            await send(event)

        await super().__call__(scope, heard, said)

    def _judge(self, request: _Copy, response: _Copy) -> None:
        if "aiohttp" in request.headers.get("user-agent", "") and request.worth_judging:
            self.tap.request(request.headers, bytes(request.body))
        if response.worth_judging:
            self.tap.response(response.status, response.headers, bytes(response.body))


@dataclass(frozen=True, slots=True, kw_only=True)
class TappedSite(Site):
    """A site with a tap."""

    tap: Tap = field(default_factory=Tap)

    def web(self) -> Web:
        plain = super(TappedSite, self).web()  # a class with slots has no bare super()
        web = TappedWeb(plain.mounts, ready=plain.ready, limits=plain.limits)
        web.tap = self.tap
        plain.close()
        return web


def _headers(event: dict[str, Any]) -> dict[str, str]:
    return {name.decode().lower(): value.decode("latin-1") for name, value in event["headers"]}
