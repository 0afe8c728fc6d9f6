"""Takes one HTTP message in, request or answer: the envelope as bytes, documents to their sinks.

Fed in pieces of any size, it holds the envelope and nothing else. What it staged is thrown away by
`discard` unless somebody kept it.
"""

import contextlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from hub.parts import OpenSink, PartSink, StagedContent
from ihe.errors import FaultCode, SoapFault
from ihe.messages import CHUNK
from ihe.soap.mtom import (
    ROOT_LIMIT,
    AttachmentBegins,
    AttachmentData,
    AttachmentEnds,
    PackageReader,
    RootData,
    RootEnds,
)

MEDIA_TYPES: Final = (
    "application/soap+xml",
    "multipart/related",
    "application/xop+xml",
    "text/xml",
    "application/xml",
)
"""What a message may come as; the last three from careless senders."""
_MOST_RATIO: Final = 200
"""How many times larger than what came in a compressed message may become."""
_RATIO_COUNTS_FROM: Final = 1 << 20


class Intake:
    """One message on its way in.

    Parameters
    ----------
    headers
        HTTP headers by lower-case name; Content-Type and Content-Encoding count.
    open_sink
        Opens a sink for each document; None where a message may carry none.
    body_limit
        Octets of the HTTP body, unpacked.
    root_limit
        Octets of the envelope.

    Raises
    ------
    SoapFault
        From `feed` and `finish`: the message cannot be read, is too large, or carries documents
        where none are expected.
    Unavailable
        From `feed` and `finish`: a sink cannot take the bytes.
    """

    def __init__(
        self,
        headers: Mapping[str, str],
        *,
        open_sink: OpenSink | None,
        body_limit: int,
        root_limit: int = ROOT_LIMIT,
    ) -> None:
        self._headers, self._open_sink = headers, open_sink
        self._body_limit, self._root_limit = body_limit, root_limit
        self._reader: PackageReader | None = None
        self._unpacking: Unpacking | None = None
        self._root: list[bytes] = []
        self._root_ended = False
        self._sink: PartSink | None = None
        self._content_id = ""
        self._parts: dict[str, StagedContent] = {}
        self.received = 0
        """Octets of the body so far, as they came."""
        self._unpacked = 0

    @property
    def has_parts(self) -> bool:
        """Whether something was staged."""
        return bool(self._parts) or self._sink is not None

    @property
    def root(self) -> bytes | None:
        """The envelope, once it is whole; documents may still be on their way."""
        return b"".join(self._root) if self._root_ended else None

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        if self._reader is None:
            self._reader = self._begin()
        self.received += len(data)
        pieces: Iterable[bytes] = (data,)
        if self._unpacking is not None:
            pieces = self._unpacking.feed(data)
        for piece in pieces:
            self._unpacked += len(piece)
            if self._unpacked > self._body_limit:
                raise _fault(f"the message is larger than {self._body_limit} octets", 413)
            for event in self._reader.feed(piece):
                self._take(event)

    def finish(self) -> tuple[bytes, Mapping[str, StagedContent]]:
        """Say that the body is whole; return the envelope, and the documents by Content-ID."""
        if self._reader is None:
            self._reader = self._begin()
        if self._unpacking is not None:
            self._unpacking.close()
        for event in self._reader.close():
            self._take(event)
        return b"".join(self._root), self._parts

    def discard(self) -> None:
        """Forget every document that nobody has kept; may be called at any time, and again."""
        with contextlib.ExitStack() as all_of_them:  # also when one cannot be discarded
            if self._sink is not None:
                all_of_them.callback(self._sink.discard)
                self._sink = None
            for staged in self._parts.values():
                all_of_them.callback(staged.discard)

    def _begin(self) -> PackageReader:
        self._unpacking = unpacking(self._headers)
        return PackageReader(
            self._headers.get("content-type", ""),
            root_limit=self._root_limit,
            cut_inline=self._open_sink is not None,
        )

    def _take(self, event: object) -> None:
        match event:
            case RootData(data):
                self._root.append(data)
            case RootEnds():
                self._root_ended = True
            case AttachmentData(data):
                assert self._sink is not None, "begun before"  # noqa: S101  # the reader's order
                self._sink.write(data)
            case AttachmentBegins(content_id):
                if self._open_sink is None:
                    raise _fault("the message carries a document, and none is expected here", 400)
                if content_id in self._parts:
                    raise _fault(f"two parts have the Content-ID '{content_id}'", 400)
                self._content_id = content_id
                self._sink = self._open_sink()
            case AttachmentEnds():
                assert self._sink is not None, "begun before"  # noqa: S101  # the reader's order
                staged, self._sink = self._sink.finish(), None
                self._parts[self._content_id] = staged
            case _:
                pass


def unpacking(headers: Mapping[str, str]) -> "Unpacking | None":
    """Return what unpacks a body with these headers; None for one that comes plain."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"gzip", "deflate", "x-gzip"}:
        return Unpacking()
    if encoding not in {"", "identity"}:
        raise _fault(f"Content-Encoding '{encoding}' is not taken; send it plain", 415)
    return None


class Unpacking:
    """Unpacks gzip or zlib in small pieces, and refuses what was made to explode."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._packed = self._unpacked = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the bytes unpack to, at most `CHUNK` octets at once."""
        self._packed += len(data)
        most = max(_RATIO_COUNTS_FROM, self._packed * _MOST_RATIO)
        while True:
            try:
                piece = self._inflate.decompress(data, CHUNK)
            except zlib.error:
                raise _fault("the compressed body cannot be unpacked", 400) from None
            data = self._inflate.unconsumed_tail
            self._unpacked += len(piece)
            if self._unpacked > most:
                raise _fault(
                    f"the compressed body unpacks to more than {_MOST_RATIO} times its size", 413
                )
            yield piece
            if not data and len(piece) < CHUNK:
                break
        if self._inflate.unused_data:
            raise _fault("more octets follow the end of the compressed body", 400)

    def close(self) -> None:
        """Say that there is no more."""
        if not self._inflate.eof:
            raise _fault("the compressed body is cut off", 400)


def _fault(reason: str, http_status: int) -> SoapFault:
    return SoapFault(FaultCode.SENDER, reason, http_status=http_status)
