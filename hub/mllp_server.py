"""An MLLP server: HL7 v2 messages over TCP, or over TLS with the caller's certificate (ITI-19).

```text
connected ─▶ message ─▶ answered, in a thread ─▶ next message …     one after the other
   idle_s ──────╯ message_s: it must be whole by then       ╰ stopping: closed between messages
```

Nothing is read while a message is worked on, so a sender that does not wait for its answers fills
its own buffers and not ours. A connection that has lost its frames is told so, and closed.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from hub import clock, ids, logs
from hub.call import Call, Peer
from hub.hl7_pipeline import Hl7Service
from hub.lane import Lane
from hub.limits import Limits
from hub.tls import read_peer
from ihe.hl7v2.mllp import Frames, FramingError, framed


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpLimits:
    """What a server takes on.

    Parameters
    ----------
    connections
        Open connections; for one more, the one that has been idle longest is closed.
    message
        Octets of one message.
    threads
        Messages worked on at once.
    idle_s
        Seconds between two messages of a connection, after which its sender has gone.
    message_s
        Seconds in which a message that has begun must be whole, and its answer be taken.
    stop_s
        Seconds that messages at work have when the server stops.
    """

    connections: int = 100
    message: int = 1024**2
    threads: int = 4
    idle_s: float = 600.0
    message_s: float = 30.0
    stop_s: float = 30.0


@dataclass(slots=True, eq=False)
class _Conversation:
    """One connection: its task, since when it waits, and whether a message is at work."""

    task: "asyncio.Task[None]"
    since: float
    at_work: bool = False


class MllpServer:
    """A server for one service on one listening socket.

    Parameters
    ----------
    service
        What answers messages.
    listener
        A bound TCP socket; taken over and closed at the end.
    tls
        Server context, None for plain TCP.
    name
        What it is called among an actor's endpoints.
    """

    def __init__(
        self,
        service: Hl7Service,
        listener: socket.socket,
        *,
        tls: ssl.SSLContext | None = None,
        name: str = "feed",
        limits: MllpLimits | None = None,
    ) -> None:
        self.name, self.limits = name, limits or MllpLimits()
        self._service, self._listener, self._tls = service, listener, tls
        host, port = listener.getsockname()[:2]
        host = f"[{host}]" if ":" in host else host
        self.url = f"{'mllps' if tls else 'mllp'}://{host}:{port}"
        self._conversations: set[_Conversation] = set()
        self._stopping = False

    def close(self) -> None:
        """Let go of the socket."""
        self._listener.close()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve while the block runs; messages that have come whole are answered first."""
        self._lane = Lane(Limits(threads=self.limits.threads))
        server = await asyncio.start_server(
            self._converse,
            sock=self._listener,
            ssl=self._tls,
            ssl_handshake_timeout=self.limits.message_s if self._tls else None,
            limit=_PIECE,
        )
        try:
            yield
        finally:
            server.close()
            await self._stop()
            await asyncio.to_thread(self._lane.close)

    async def _stop(self) -> None:
        self._stopping = True
        tasks = [each.task for each in self._conversations]
        for each in self._conversations:
            if not each.at_work:
                each.task.cancel()
        if tasks:
            _done, late = await asyncio.wait(tasks, timeout=self.limits.stop_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # --- one connection --------------------------------------------------------------------------

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # asyncio runs this as a task
        conversation = _Conversation(task, time.monotonic())
        if self._stopping or not self._has_room():
            writer.transport.abort()
            return
        self._conversations.add(conversation)
        try:
            await self._answer_all(conversation, reader, writer, _peer(writer))
        except asyncio.CancelledError:
            pass  # let go; nobody waits for this task but the streams, who would report it
        except (OSError, TimeoutError):  # it has gone, or takes too long
            logs.logger(self._service.actor).info("connection ended", what=self.name)
        finally:
            self._conversations.discard(conversation)
            await self._leave(writer)

    def _has_room(self) -> bool:
        """Make room when there are too many connections; tell whether there is some."""
        if len(self._conversations) < self.limits.connections:
            return True
        idle = [each for each in self._conversations if not each.at_work]
        if not idle:
            return False
        oldest = min(idle, key=lambda each: each.since)
        oldest.task.cancel()
        self._conversations.discard(oldest)
        return True

    async def _answer_all(
        self,
        conversation: _Conversation,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        peer: Peer,
    ) -> None:
        frames = Frames(self.limits.message)
        while not self._stopping:
            try:
                message = await self._next(frames, reader)
            except FramingError as problem:
                await self._write(writer, self._service.refuse(str(problem), self._call(peer)))
                return
            if message is None:
                return
            conversation.at_work = True
            answer = await self._lane.run(self._service.answer, message, self._call(peer))
            await self._write(writer, answer)
            conversation.at_work, conversation.since = False, time.monotonic()

    async def _next(self, frames: Frames, reader: asyncio.StreamReader) -> bytes | None:
        """Return the next message, None when the sender is done.

        Raises
        ------
        TimeoutError
            None has begun for too long, or it has not been whole soon enough.
        FramingError
            What comes is no message.
        """
        now = asyncio.get_running_loop().time()
        has_begun, until = False, now + self.limits.idle_s
        while (message := frames.take()) is None:
            if frames.is_within and not has_begun:
                has_begun = True
                until = asyncio.get_running_loop().time() + self.limits.message_s
            async with asyncio.timeout_at(until):
                data = await reader.read(_PIECE)
            if not data:
                return None
            frames.feed(data)
        return message

    async def _write(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        writer.write(framed(answer))
        async with asyncio.timeout(self.limits.message_s):
            await writer.drain()

    async def _leave(self, writer: asyncio.StreamWriter) -> None:
        """Close a connection; one that does not let go is cut off."""
        writer.close()
        try:
            async with asyncio.timeout(_LEAVE_S):
                await writer.wait_closed()
        except (OSError, TimeoutError):
            pass
        finally:
            writer.transport.abort()

    def _call(self, peer: Peer) -> Call:
        return Call(at=clock.now(), trace_id=ids.new_trace_id(), endpoint=self.url, peer=peer)


def _peer(writer: asyncio.StreamWriter) -> Peer:
    """Return who is at the other end."""
    name = writer.get_extra_info("peername")
    address = str(name[0]) if name else ""
    tls = writer.get_extra_info("ssl_object")
    certificate = tls.getpeercert(binary_form=True) if tls else None
    return read_peer(certificate, address) if certificate else Peer(address=address)


_PIECE: Final = 64 * 1024
_LEAVE_S: Final = 2.0
