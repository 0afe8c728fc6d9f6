"""Messages of an identity feed, and a connection that sends them."""

import contextlib
import socket
import ssl
from collections.abc import Iterator

from ihe.datatypes import CX
from ihe.hl7v2.message import Message, parse
from ihe.hl7v2.mllp import Frames, framed

AUTHORITY = "2.16.578.1.12.4.1.4.1"


def header(event: str = "A01", control_id: str = "17", version: str = "2.3.1") -> str:
    return f"MSH|^~\\&|ADT|Nordland|FELLES|Nord|20261124||ADT^{event}|{control_id}|P|{version}"


def adt(event: str, *ids: str, merged: str = "", control_id: str = "17") -> bytes:
    """Return a message about the ids of a patient, as they stand in PID-3 and MRG-1."""
    segments = [header(event, control_id), "EVN||20261124083000", f"PID|1||{'~'.join(ids)}||D^L"]
    if event == "A40":
        segments.append(f"MRG|{merged}")
    return "\r".join([*segments, "PV1||O", ""]).encode()


def merge(subsumed: CX, survivor: CX, control_id: str = "17") -> bytes:
    return adt("A40", survivor, merged=subsumed, control_id=control_id)


def msa(answer: Message) -> tuple[str, str, str]:
    """Return MSA-1, MSA-2 and MSA-3."""
    (segment,) = answer.named("MSA")
    return segment.first(1), segment.first(2), segment.first(3)


class Feed:
    """One connection of a feed."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._frames = Frames(1024**2)

    def send(self, *messages: bytes) -> None:
        self.connection.sendall(b"".join(map(framed, messages)))

    def answer(self) -> Message | None:
        """Return the next answer, None when the other side has closed."""
        while (found := self._frames.take()) is None:
            try:
                data = self.connection.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._frames.feed(data)
        return parse(found)

    def ask(self, message: bytes) -> tuple[str, str, str]:
        self.send(message)
        answer = self.answer()
        assert answer is not None, "the connection was closed"
        return msa(answer)


@contextlib.contextmanager
def feed(url: str, tls: ssl.SSLContext | None = None) -> Iterator[Feed]:
    """Connect to `mllp://127.0.0.1:2575`."""
    host, _, port = url.rpartition("//")[2].rpartition(":")
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection((host, int(port)), 30))
        if tls is not None:
            secure = tls.wrap_socket(connection, server_hostname="localhost")
            connection = stack.enter_context(secure)
        yield Feed(connection)
