"""Answers whose documents are still on their way, to be handed on as they come.

```text
envelope ─▶ Stream.response
document 1 ─▶ Arriving.stream ─▶ whoever reads it
document 2    read before 1? then 1 is spooled on the way
```

Nothing is taken from the network before somebody reads, so that a document of any size passes
through in little memory, as fast as its reader is and no faster. But whoever reads another answer
first may take long, and a sender that can send nothing gives up: a stream that waits takes a sip
now and then, which is spooled.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Final, Generic, TypeVar

import aiohttp

from hub.intake import unpacking
from hub.limits import Limits
from hub.remote import TooLarge, check_is_soap, failures, headers_of, read_answer
from hub.spool import Spool, Spooled
from ihe.errors import Unavailable
from ihe.messages import Content
from ihe.soap import mtom
from ihe.transactions import Transaction

Resp = TypeVar("Resp")

ANSWER_LIMIT: Final = 16 * 1024**3
"""Octets of an answer, at the most."""

LEAST_RATE: Final = Limits().least_rate
"""Octets a second that the documents of an answer must have on average, while they are waited for;
a sender that sends one byte now and then would otherwise hold up its reader for ever."""

_MOST_SPOOLED: Final = 300
"""Documents of one answer that are kept because they came before they were asked for; each large
one holds a file open."""
_MOST_IN_MEMORY: Final = 32

_SIPS: Final = 4
"""How often a stream that waits takes something, in the time that its sender may take."""


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

    def stream(self) -> AsyncGenerator[bytes, None]:
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
        async with aclosing(content.stream()) as chunks:
            async for chunk in chunks:
                yield chunk
    else:
        for chunk in content.chunks():
            yield chunk


class _Expected(Mapping[str, Any]):
    """Attachments by Content-ID: what is not here yet is on its way."""

    def __init__(self, stream: "Stream[Any]", here: Mapping[str, Spooled]) -> None:
        self._known: dict[str, Any] = dict(here)
        self._stream = stream

    def __getitem__(self, content_id: str) -> Any:
        if content_id not in self._known:
            self._known[content_id] = Arriving(self._stream, content_id)
        return self._known[content_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def has_been_asked(self, content_id: str) -> bool:
        """Tell whether the envelope refers to a part."""
        return content_id in self._known


class Stream(Generic[Resp]):
    """An answer whose envelope is here and whose documents are on their way.

    `response` is the answer; the `content` of its documents is an `Arriving`, or what the spool
    kept of a document that came inside the envelope or before it. They may be read in any order:
    what arrives before it is asked for is spooled, and what nothing refers to is passed over.

    Parameters
    ----------
    answer
        The HTTP answer, of which the head is here.
    message_id
        Of the request.
    what
        Names the other side in errors.
    idle_s
        Seconds that another piece of a document may take; and after that many of waiting, the
        answer must have come at `LEAST_RATE`.
    """

    response: Resp

    def __init__(
        self,
        transaction: Transaction[Any, Resp],
        answer: aiohttp.ClientResponse,
        *,
        message_id: str,
        what: str,
        idle_s: float,
    ) -> None:
        self._transaction, self._answer = transaction, answer
        self._message_id, self._what, self._idle_s = message_id, what, idle_s
        self._events = self._pump()
        self._spooled: dict[str, Spooled] = {}
        self._spooling: tuple[str, Spool] | None = None
        self._spools = 0
        self._expected: _Expected | None = None
        self._read: set[str] = set()
        self._reading = asyncio.Lock()
        self._sipping: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    async def open(self) -> None:
        """Read the envelope; what comes before it is spooled. Raises as `SoapClient.send`."""
        check_is_soap(self._answer, self._what)
        headers = headers_of(self._answer)
        self._unpacking = unpacking(headers)
        self._reader = mtom.PackageReader(headers.get("content-type", ""), cut_inline=True)
        root: list[bytes] = []
        async for event in self._events:
            if isinstance(event, mtom.RootData):
                root.append(event.data)
            elif isinstance(event, mtom.RootEnds):
                break
            else:
                self._keep(event)
        # of a message that is all envelope, everything is here
        expected = _Expected(self, self._spooled) if self._reader.is_multipart else None
        self.response = await read_answer(
            self._transaction,
            b"".join(root),
            self._spooled if expected is None else expected,
            message_id=self._message_id,
            what=self._what,
        )
        self._expected = expected
        if expected is not None:
            self._sipping = asyncio.create_task(self._sip())

    async def document(self, content_id: str) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of one document as they arrive; used by `Arriving`."""
        with failures(self._what):
            if content_id in self._read:
                raise ValueError(f"document {content_id} is read once only")
            self._read.add(content_id)
            async with self._reading:
                here, is_whole = await self._skip_to(content_id)
                for chunk in here.chunks() if here else ():
                    yield chunk
                if is_whole:
                    return
                async for event in self._events:
                    if isinstance(event, mtom.AttachmentEnds):
                        return
                    if isinstance(event, mtom.AttachmentData):
                        yield event.data

    def discard(self) -> None:
        """Let go of the connection, and of what was spooled; may be called again."""
        if self._sipping is not None:
            self._sipping.cancel()
        self._answer.close()
        if self._spooling is not None:
            self._spooling[1].discard()
        for spooled in self._spooled.values():
            spooled.discard()

    async def _skip_to(self, content_id: str) -> tuple[Spooled | None, bool]:
        """Spool what comes before a document; return what is here of it, and if that is all."""
        if content_id in self._spooled:
            return self._spooled[content_id], True
        if self._failure is not None:
            raise self._failure
        if self._spooling is not None and self._spooling[0] == content_id:
            self._spooled[content_id], self._spooling = self._spooling[1].finish(), None
            return self._spooled[content_id], False
        async for event in self._events:
            if isinstance(event, mtom.AttachmentBegins) and event.content_id == content_id:
                return None, False
            self._keep(event)
        raise Unavailable(self._what, f"the document '{content_id}' is not in the answer")

    async def _sip(self) -> None:
        """Take a piece now and then while nobody reads; tell the next reader what failed."""
        try:
            while True:
                await asyncio.sleep(self._idle_s / _SIPS)
                if not self._reading.locked():
                    async with self._reading:
                        self._keep(await anext(self._events))
        except StopAsyncIteration:
            pass
        except Exception as failure:  # noqa: BLE001  # whoever reads on is told, whatever it is
            self._failure = failure

    def _keep(self, event: mtom.Event) -> None:
        """Spool an event of a document that nobody has asked for yet, and that somebody may."""
        match event:
            case mtom.AttachmentBegins(content_id):
                if self._expected is None or self._expected.has_been_asked(content_id):
                    self._spooling = content_id, self._new_spool()
            case mtom.AttachmentData(data) if self._spooling is not None:
                self._spooling[1].write(data)
            case mtom.AttachmentEnds() if self._spooling is not None:
                content_id, spool = self._spooling
                self._spooled[content_id], self._spooling = spool.finish(), None
            case _:
                pass

    def _new_spool(self) -> Spool:
        """Return where to keep the next document; only the first small ones stay in memory."""
        self._spools += 1
        if self._spools > _MOST_SPOOLED:
            raise TooLarge(self._what, f"more than {_MOST_SPOOLED} documents came out of turn")
        return Spool() if self._spools <= _MOST_IN_MEMORY else Spool(in_memory=0)

    async def _pump(self) -> AsyncIterator[mtom.Event]:
        """Yield the events of the answer, one after the other, as its bytes come."""
        async for piece in self._pieces():
            for event in self._reader.feed(piece):
                yield event
        for event in self._reader.close():
            yield event

    async def _pieces(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the answer, unpacked."""
        content, received, now = self._answer.content, 0, asyncio.get_running_loop().time
        waited = 0.0
        while True:
            before = now()
            async with asyncio.timeout(self._idle_s):
                data = await content.readany()
            if not data:
                break
            waited += now() - before
            if waited > self._idle_s and received < waited * LEAST_RATE:
                raise Unavailable(self._what, f"less than {LEAST_RATE} octets a second came")
            for piece in (data,) if self._unpacking is None else self._unpacking.feed(data):
                received += len(piece)
                if received > ANSWER_LIMIT:
                    raise TooLarge(self._what, f"its answer is larger than {ANSWER_LIMIT} octets")
                yield piece
        if self._unpacking is not None:
            self._unpacking.close()
