r"""MIME as SOAP uses it: Content-Type as real senders write it, and multipart read incrementally.

`MultipartReader` does no input or output. It is fed bytes in pieces of any size and gives events;
it holds back no more than it needs to tell a boundary from content.

```text
(preamble) --boundary CRLF headers CRLF CRLF content CRLF --boundary … CRLF --boundary-- (epilogue)
           ╰──────────────╯╰─PartBegins──╯╰PartData*╯╰───PartEnds──╯
```

The CRLF before a boundary belongs to the boundary, so a document that ends in a line break keeps
it. A sender that ends its header lines with bare LF ends its boundaries so too: what the first
boundary line shows is what counts from then on.

References
----------
RFC 2046 5.1 (multipart), RFC 2045 6 (transfer encodings), RFC 2387 (multipart/related).
"""

import binascii
import quopri
import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol, TypeAlias

from ihe.errors import FaultCode, SoapFault

# --- Content-Type --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContentType:
    """A media type in lower case, and its parameters by lower-case name."""

    media_type: str
    parameters: Mapping[str, str]


_PARAMETER: Final = re.compile(
    r";\s*(?P<name>[^\s=;\"]+)\s*="
    r"\s*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<token>[^;]*))",
    re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_LONGEST_CONTENT_TYPE: Final = 8192


def read_content_type(text: str) -> ContentType:
    r"""Read a Content-Type header; what makes no sense in it is passed over.

    Quoted values may hold escaped quotes, as in CXF's
    `start-info="application/soap+xml; action=\"urn:…\""`. A name that comes twice counts once.

    Raises
    ------
    SoapFault
        It is longer than 8192 characters.
    """
    if len(text) > _LONGEST_CONTENT_TYPE:
        raise _fault(f"the Content-Type has {len(text)} characters, at most 8192 are accepted")
    media_type, _, _ = text.partition(";")
    parameters: dict[str, str] = {}
    for match in _PARAMETER.finditer(text, len(media_type)):
        quoted = match["quoted"]
        value = match["token"].strip() if quoted is None else _ESCAPED.sub(r"\1", quoted)
        parameters.setdefault(match["name"].lower(), value)
    return ContentType(media_type.strip().lower(), parameters)


# --- events --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PartBegins:
    """A part begins; its headers by lower-case name."""

    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PartData:
    """Some bytes of the part's content, transfer encoding taken off."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnds:
    """The part is whole."""


Event: TypeAlias = PartBegins | PartData | PartEnds


# --- transfer encodings --------------------------------------------------------------------------


class _Decoder(Protocol):
    def feed(self, data: bytes) -> bytes: ...
    def close(self) -> bytes: ...


class _Identity:
    def feed(self, data: bytes) -> bytes:
        return data

    def close(self) -> bytes:
        return b""


class Base64Decoder:
    """Decodes base64 piece by piece; blanks and line breaks between its characters are skipped."""

    def __init__(self) -> None:
        self._kept = b""
        self._ended = False

    def feed(self, data: bytes) -> bytes:
        """Return what is decoded so far; raises `ValueError` for what is not base64."""
        text = self._kept + data.translate(None, b" \t\r\n\x0b\x0c")
        whole = len(text) & ~3
        self._kept = text[whole:]
        if not whole:
            return b""
        if self._ended:
            raise ValueError("data after the padding")
        ready = text[:whole]
        self._ended = ready.endswith(b"=")
        return binascii.a2b_base64(ready, strict_mode=True)

    def close(self) -> bytes:
        """Say that there is no more; raises `ValueError` when something is missing."""
        if self._kept:
            raise ValueError("it ends within a group of four characters")
        return b""


class _QuotedPrintable:
    """Decodes whole lines; a line that is not whole yet waits."""

    _LINE: Final = 1 << 16

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        text = self._kept + data
        end = text.rfind(b"\n") + 1
        self._kept = text[end:]
        if len(self._kept) > self._LINE:
            raise ValueError("a quoted-printable line is longer than 65536 octets")
        return quopri.decodestring(text[:end])

    def close(self) -> bytes:
        return quopri.decodestring(self._kept)


_DECODERS: Final[Mapping[str, type[_Decoder]]] = {
    "": _Identity,
    "7bit": _Identity,
    "8bit": _Identity,
    "binary": _Identity,
    "base64": Base64Decoder,
    "quoted-printable": _QuotedPrintable,
}

# --- the reader ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MimeLimits:
    """How much of what is not content a message may have, in octets or numbers."""

    parts: int = 10_000
    header_block: int = 32 * 1024
    headers: int = 100
    preamble: int = 64 * 1024
    epilogue: int = 64 * 1024
    lookalikes: int = 100_000
    """Lines of content that begin as the boundary does; each is looked at one by one."""


class _State(Enum):
    PREAMBLE = auto()
    HEADERS = auto()
    CONTENT_START = auto()
    DATA = auto()
    EPILOGUE = auto()


class MultipartReader:
    """Reads one multipart body.

    Parameters
    ----------
    boundary
        Of the Content-Type, without quotes.
    limits
        See `MimeLimits`.

    Raises
    ------
    SoapFault
        From any method, when the body is no multipart message, or is larger than `limits`.
    """

    def __init__(self, boundary: str, limits: MimeLimits | None = None) -> None:
        if not boundary or len(boundary) > _BOUNDARY_LENGTH:
            raise _fault(f"the boundary has {len(boundary)} characters, 1 to 200 are expected")
        self._dashes = b"--" + boundary.encode("latin-1", "replace")
        self._delimiter = b"\r\n" + self._dashes
        self._limits = limits or MimeLimits()
        self._state = _State.PREAMBLE
        self._kept = b""
        self._parts = 0
        self._lookalikes = 0
        self._passed = 0
        self._decoder: _Decoder = _Identity()

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take the next bytes; yield what they complete. Iterate to the end before the next."""
        rest: bytes | None = self._kept + data if self._kept else data
        self._kept = b""
        while rest is not None:
            match self._state:
                case _State.DATA:
                    rest = yield from self._data(rest)
                case _State.HEADERS:
                    rest = yield from self._headers(rest)
                case _State.CONTENT_START:
                    rest = self._content_start(rest)
                case _State.PREAMBLE:
                    rest = self._preamble(rest)
                case _State.EPILOGUE:
                    self._passed += len(rest)
                    if self._passed > self._limits.epilogue:
                        raise _fault("too much follows the final boundary")
                    rest = None

    def close(self) -> Iterator[Event]:
        """Say that there is no more; yield what that completes. Raises when it was cut off."""
        if self._state is not _State.EPILOGUE:
            yield from self.feed(b"\n")  # the line end of the final boundary may be missing
        if self._state is _State.EPILOGUE:
            return
        if self._state is _State.PREAMBLE:
            raise _fault(f"the boundary '{self._dashes[2:].decode('latin-1')}' was not found")
        raise _fault(f"the message breaks off in part {self._parts}, before its final boundary")

    # Each step takes what is there, returns what is left to look at, or None to wait for more.

    def _preamble(self, data: bytes) -> bytes | None:
        start = data.find(self._dashes)
        while start > 0 and data[start - 1 : start] != b"\n":
            start = data.find(self._dashes, start + 1)
        if start < 0:
            if len(data) > self._limits.preamble:
                raise _fault(f"no boundary within the first {len(data)} octets")
            self._kept = data
            return None
        kind, end = _boundary_at(data, start + len(self._dashes))
        if kind is _Line.UNDECIDED:
            self._kept = data
            return None
        if kind is _Line.FINAL:
            raise _fault("the message has a final boundary and no part")
        if kind is _Line.CONTENT:
            raise _fault("the first boundary is followed by something else than a line end")
        if data[end - 2 : end] != b"\r\n":
            self._delimiter = b"\n" + self._dashes
        self._begin_part()
        return data[end:]

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > self._limits.parts:
            raise _fault(f"more than {self._limits.parts} parts")
        self._state = _State.HEADERS

    def _headers(self, data: bytes) -> Generator[Event, None, bytes | None]:
        """Take the header block, which a blank line ends; a part may have no headers at all."""
        most = self._limits.header_block
        blank = _BLANK_LINE.match(data) or _BLANK_LINE_AFTER.search(data, 0, most)
        if blank is None:
            if len(data) >= most:
                raise _fault(f"the headers of part {self._parts} are longer than {most} octets")
            self._kept = data
            return None
        headers = self._read_headers(data[: blank.start()])
        encoding = headers.get("content-transfer-encoding", "").strip().lower()
        decoder = _DECODERS.get(encoding)
        if decoder is None:
            raise _fault(
                f"part {self._parts} has Content-Transfer-Encoding '{encoding}'; known are"
                " 7bit, 8bit, binary, base64 and quoted-printable"
            )
        self._decoder = decoder()
        self._state = _State.CONTENT_START
        yield PartBegins(headers)
        return data[blank.end() :]

    def _content_start(self, data: bytes) -> bytes | None:
        """Look whether the part is empty: then the line end of its headers is the boundary's."""
        after = len(self._dashes)
        kind = _Line.CONTENT
        if data.startswith(self._dashes):
            kind, _end = _boundary_at(data, after)
        elif len(data) < after and self._dashes.startswith(data):
            kind = _Line.UNDECIDED
        if kind is _Line.UNDECIDED:
            self._kept = data
            return None
        self._state = _State.DATA
        if kind is _Line.CONTENT:
            return data
        return self._delimiter[:-after] + data

    def _read_headers(self, block: bytes) -> dict[str, str]:
        headers: dict[str, str] = {}
        unfolded = _FOLD.sub(b" ", block)
        lines = [line for line in unfolded.splitlines() if line.strip()]
        if len(lines) > self._limits.headers:
            raise _fault(f"part {self._parts} has more than {self._limits.headers} headers")
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon:
                raise _fault(f"a header line of part {self._parts} has no colon")
            key = name.strip().decode("latin-1").lower()
            headers.setdefault(key, value.strip().decode("utf-8", "replace"))
        return headers

    def _data(self, data: bytes) -> Generator[Event, None, bytes | None]:
        """Take content up to the next boundary, or as far as there can be none."""
        delimiter = self._delimiter
        position = data.find(delimiter)
        while position >= 0:
            after = position + len(delimiter)
            kind, end = _boundary_at(data, after)
            if kind is _Line.UNDECIDED:
                yield from self._decoded(data[:position])
                self._kept = data[position:]
                return None
            if kind is not _Line.CONTENT:
                yield from self._decoded(data[:position])
                yield from self._end_part()
                if kind is _Line.FINAL:
                    self._state = _State.EPILOGUE
                else:
                    self._begin_part()
                return data[end:]
            self._lookalikes += 1
            if self._lookalikes > self._limits.lookalikes:
                raise _fault(f"more than {self._limits.lookalikes} lines look like the boundary")
            position = data.find(delimiter, position + 1)
        # only a tail that could begin a boundary has to wait
        start = data.find(delimiter[:1], max(0, len(data) - len(delimiter) + 1))
        safe = len(data) if start < 0 else start
        yield from self._decoded(data[:safe])
        self._kept = data[safe:]
        return None

    def _decoded(self, data: bytes) -> Iterator[Event]:
        if not data:
            return
        try:
            decoded = self._decoder.feed(data)
        except ValueError as problem:
            raise self._bad_encoding(problem) from None
        if decoded:
            yield PartData(decoded)

    def _end_part(self) -> Iterator[Event]:
        try:
            last = self._decoder.close()
        except ValueError as problem:
            raise self._bad_encoding(problem) from None
        if last:
            yield PartData(last)
        yield PartEnds()

    def _bad_encoding(self, problem: ValueError) -> SoapFault:
        return _fault(f"part {self._parts} is not what its transfer encoding says: {problem}")


class _Line(Enum):
    """What a line is that begins like a boundary."""

    BOUNDARY = auto()
    FINAL = auto()
    CONTENT = auto()
    UNDECIDED = auto()


_LINE_END: Final = re.compile(rb"(--)?[ \t]{0,256}\r?\n")
_NO_LINE_END_YET: Final = re.compile(rb"(?:-|(?:--)?[ \t]{0,256}\r?)\Z")


def _boundary_at(data: bytes, after: int) -> tuple[_Line, int]:
    """Tell what follows the characters of a boundary, and where that ends.

    Only blanks may stand between them and the line end (RFC 2046 5.1.1, transport padding): any
    other line is content, as that of a multipart within whose boundary begins with this one.
    """
    if end := _LINE_END.match(data, after):
        return (_Line.FINAL if end[1] else _Line.BOUNDARY), end.end()
    if _NO_LINE_END_YET.match(data, after):
        return _Line.UNDECIDED, after
    return _Line.CONTENT, after


_BOUNDARY_LENGTH: Final = 200
"""RFC 2046 allows 70 characters; some senders make longer ones."""
_BLANK_LINE: Final = re.compile(rb"\r?\n")
_BLANK_LINE_AFTER: Final = re.compile(rb"\r?\n\r?\n")
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")


def _fault(reason: str) -> SoapFault:
    return SoapFault(FaultCode.SENDER, f"the MIME message cannot be read: {reason}")
