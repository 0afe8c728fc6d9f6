"""MTOM/XOP packages (ITI TF-2 V.8.2, V.9.3; XOP 1.0 4): a SOAP envelope with documents beside it.

Reading tells the envelope (the root part) from the documents and hands both on as they come, so
that nobody has to hold a document. Writing is the same the other way: `Package` knows everything
but the documents' bytes, which whoever sends puts between its pieces.

```text
head ─ part_head(document 1) ─ bytes of document 1 ─ part_head(document 2) ─ … ─ tail
```
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from ihe.errors import FaultCode, SoapFault
from ihe.messages import Attachment, normal_content_id
from ihe.soap.inline import InlineCutter
from ihe.soap.mime import Event as MimeEvent
from ihe.soap.mime import (
    MimeLimits,
    MultipartReader,
    PartBegins,
    PartData,
    PartEnds,
    read_content_type,
)
from ihe.soap.package import (
    AttachmentBegins,
    AttachmentData,
    AttachmentEnds,
    Event,
    RootData,
    RootEnds,
)

__all__ = [
    "AttachmentBegins",
    "AttachmentData",
    "AttachmentEnds",
    "Event",
    "Package",
    "PackageReader",
    "RootData",
    "RootEnds",
]

ROOT_LIMIT: Final = 16 * 1024**2
"""Octets of an envelope, documents apart."""


class PackageReader:
    """Reads a SOAP message of either packaging, piece by piece.

    Parameters
    ----------
    content_type
        The HTTP header; a message that is not multipart is all envelope.
    root_limit
        Octets of the envelope, at the most.
    cut_inline
        Whether documents that stand in the envelope as base64 are taken out of it and given as
        attachments, with a reference in their place. Needed wherever documents may come: an
        envelope that holds one is not to be parsed.
    limits
        Of the MIME around it.

    Raises
    ------
    SoapFault
        From any method, when the package cannot be read.
    """

    def __init__(
        self,
        content_type: str,
        *,
        root_limit: int = ROOT_LIMIT,
        cut_inline: bool = False,
        limits: MimeLimits | None = None,
    ) -> None:
        kind = read_content_type(content_type)
        self._multipart: MultipartReader | None = None
        if kind.media_type.startswith("multipart/"):
            boundary = kind.parameters.get("boundary", "")
            if not boundary:
                raise _fault("the Content-Type is multipart and names no boundary")
            self._multipart = MultipartReader(boundary, limits)
        self._start = normal_content_id(kind.parameters.get("start", ""))
        self._root_limit = root_limit
        self._cutter = InlineCutter() if cut_inline else None
        self._seen: set[str] = set()
        self._in_root = self._multipart is None
        self._root_found = self._in_root
        self._root_size = 0

    @property
    def is_multipart(self) -> bool:
        """Whether the message came as MIME."""
        return self._multipart is not None

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take the next bytes; yield what they complete. Iterate to the end before the next."""
        if self._multipart is None:
            yield from self._root(data)
            return
        yield from self._events(self._multipart.feed(data))

    def _events(self, events: Iterable[MimeEvent]) -> Iterator[Event]:
        """Tell what is of the envelope from what is of documents."""
        for event in events:
            match event:
                case PartData(content) if self._in_root:
                    yield from self._root(content)
                case PartData(content):
                    yield AttachmentData(content)
                case PartBegins(headers):
                    yield from self._begin(headers)
                case PartEnds():
                    yield from self._end()

    def close(self) -> Iterator[Event]:
        """Say that there is no more; yield what was held back. Raises when it was cut off."""
        if self._multipart is None:
            yield from self._end_root()
            return
        yield from self._events(self._multipart.close())
        if not self._root_found:
            raise _fault(f"no part has the Content-ID '{self._start}' that `start` names")

    def _begin(self, headers: Mapping[str, str]) -> Iterator[Event]:
        content_id = normal_content_id(headers.get("content-id", ""))
        self._see(content_id)
        if not self._root_found and self._start in {"", content_id}:
            self._in_root = self._root_found = True
            return
        mime_type = headers.get("content-type", "application/octet-stream")
        yield AttachmentBegins(content_id, mime_type)

    def _see(self, content_id: str) -> None:
        if content_id and content_id in self._seen:
            raise _fault(f"two parts have the Content-ID '{content_id}'")
        self._seen.add(content_id)

    def _end(self) -> Iterator[Event]:
        if self._in_root:
            self._in_root = False
            yield from self._end_root()
        else:
            yield AttachmentEnds()

    def _root(self, data: bytes) -> Iterator[Event]:
        return self._checked(self._cutter.feed(data) if self._cutter else (RootData(data),))

    def _end_root(self) -> Iterator[Event]:
        if self._cutter is not None:
            yield from self._checked(self._cutter.close())
        yield RootEnds()

    def _checked(self, events: Iterable[Event]) -> Iterator[Event]:
        """Pass on what the envelope gives, as long as it keeps to its limit and its ids."""
        for event in events:
            if isinstance(event, RootData):
                self._root_size += len(event.data)
                if self._root_size > self._root_limit:
                    raise SoapFault(
                        FaultCode.SENDER,
                        f"the envelope is larger than {self._root_limit} octets",
                        http_status=413,
                    )
            elif isinstance(event, AttachmentBegins):
                self._see(event.content_id)
            yield event


def _fault(reason: str) -> SoapFault:
    return SoapFault(FaultCode.SENDER, f"the MIME message cannot be read: {reason}")


# --- writing -------------------------------------------------------------------------------------

Pieces: TypeAlias = Sequence[bytes]
_ROOT_ID: Final = "envelope@felles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An MTOM message that is to be sent.

    Parameters
    ----------
    boundary
        A text that occurs in no document: long and random, of letters, digits and `_`.
    root
        The envelope, in pieces.
    attachments
        The documents beside it, in the order in which they are sent.
    action
        The wsa:Action, for the Content-Type; '' for none.
    """

    boundary: str
    root: Pieces
    attachments: Sequence[Attachment] = ()
    action: str = ""

    @property
    def content_type(self) -> str:
        """The HTTP header (ITI TF-2 V.9.3)."""
        action = f'; action="{self.action}"' if self.action else ""
        return (
            f'multipart/related; type="application/xop+xml"; start="<{_ROOT_ID}>";'
            f' start-info="application/soap+xml"; boundary="{self.boundary}"{action}'
        )

    @property
    def content_length(self) -> int | None:
        """Octets of the whole, None when the size of a document is not known."""
        total = len(self._root_head) + sum(map(len, self.root)) + len(self.tail)
        for attachment in self.attachments:
            size = attachment.content.size
            if size is None:
                return None
            total += size + len(self.part_head(attachment))
        return total

    @property
    def head(self) -> bytes:
        """Everything up to the first document: the root part."""
        return b"".join((self._root_head, *self.root))

    @property
    def _root_head(self) -> bytes:
        return (
            f"--{self.boundary}\r\n"
            'Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"\r\n'
            "Content-Transfer-Encoding: binary\r\n"
            f"Content-ID: <{_ROOT_ID}>\r\n\r\n"
        ).encode()

    def part_head(self, attachment: Attachment) -> bytes:
        """Return what stands before a document's bytes."""
        return (
            f"\r\n--{self.boundary}\r\n"
            f"Content-Type: {_header(attachment.mime_type)}\r\n"
            "Content-Transfer-Encoding: binary\r\n"
            f"Content-ID: <{_header(attachment.content_id)}>\r\n\r\n"
        ).encode()

    @property
    def tail(self) -> bytes:
        """What stands after the last document."""
        return f"\r\n--{self.boundary}--\r\n".encode()


def _header(value: str) -> str:
    """Return `value` without what could end a header line."""
    if value and value.isprintable():
        return value
    return "".join(c for c in value if c.isprintable()) or "application/octet-stream"
