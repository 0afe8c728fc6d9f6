"""Takes documents that stand inside an envelope as base64 out of it, before it is parsed.

Some partners send documents inline, whatever their size. A gigabyte of base64 must never become a
text node, so the envelope is tokenised while it streams in: all of it is passed on as it came, but
the text inside `xds:Document` is decoded and diverted, and an `xop:Include` is put in its place.

```text
<xds:Document id="Document01">JVBERi0xLjQK…</xds:Document>
                              ╰─ decoded, becomes an attachment
<xds:Document id="Document01"><xop:Include href="cid:inline-1@felles"/></xds:Document>
```

Most envelopes are small and hold no document. Up to `THRESHOLD` octets they are not looked at; a
document that fits below it is decoded after parsing, from its element. A larger envelope is
tokenised if the namespace of `xds:Document` has come by then. Whoever hides the namespace from that
test gains nothing: the envelope's own limit ends what is not cut out.

The tokeniser sees hostile envelopes before any other limit does, so it counts for itself: depth,
elements, documents, and the octets of one tag. It is fed in pieces of at least `_PIECE` octets,
because it reads an unfinished tag again from its start each time.

References
----------
ITI TF-2 V.8.2 (a receiver takes both forms, mixed in one message); XOP 1.0 3.1.
"""

import re
from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

from ihe.errors import FaultCode, SoapFault
from ihe.soap.mime import Base64Decoder
from ihe.soap.package import AttachmentBegins, AttachmentData, AttachmentEnds, Event, RootData
from ihe.vocabulary import XDS, XOP

THRESHOLD: Final = 128 * 1024
DOCUMENTS: Final = 10_000
"""Most inline documents of one message."""
_DOCUMENT: Final = f"{XDS} Document"
_TAG: Final = re.compile(rb"<[^<>\"']*(?:\"[^\"]*\"[^<>\"']*|'[^']*'[^<>\"']*)*>")
_LONGEST_TAG: Final = 1 << 20
_DEEPEST: Final = 256
_ELEMENTS: Final = 150_000
"""Half as many as `ihe.xml` takes tags: room for some 1,400 documents, however they come."""
_PIECE: Final = 16 * 1024
_BLANKS: Final = " \t\r\n"


class InlineCutter:
    """Cuts inline documents out of one envelope.

    Raises
    ------
    SoapFault
        From any method: the text of a document is not base64, or the envelope is not well-formed.
    """

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._waiting_size = 0
        self._begun = False
        self._tokens: _Tokens | None = None

    def feed(self, data: bytes) -> Iterator[Event]:
        """Take the next bytes of the envelope; yield envelope and documents as they come."""
        if self._begun and self._tokens is None:
            yield RootData(data)
            return
        self._waiting.append(data)
        self._waiting_size += len(data)
        if self._waiting_size > (_PIECE if self._begun else THRESHOLD):
            yield from self._take()

    def close(self) -> Iterator[Event]:
        """Say that the envelope is whole; yield what was held back."""
        if not self._begun:
            yield RootData(b"".join(self._waiting))
        elif self._tokens is not None:
            yield from self._take()
            yield from self._tokens.close()

    def _take(self) -> Iterator[Event]:
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_size = 0
        if not self._begun:
            self._begun = True
            self._tokens = _Tokens() if XDS.encode() in data else None
        return iter((RootData(data),)) if self._tokens is None else self._tokens.feed(data)


class _Tokens:
    """expat's view of the envelope, and the bytes that are not passed on yet.

    `_raw` holds the bytes from position `_base` of the envelope on. Positions come from expat, so
    what is passed on is what came, byte for byte.
    """

    def __init__(self) -> None:
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.buffer_size = 1 << 18
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        self._raw = bytearray()
        self._base = 0
        self._events: list[Event] = []
        self._depth = self._elements = 0
        self._document = 0  # depth of the xds:Document that is open
        self._content = 0  # where its content begins
        self._undecided = False  # whether that may still turn out to be base64
        self._cut = 0
        self._decoder: Base64Decoder | None = None

    def feed(self, data: bytes) -> Iterator[Event]:
        self._raw += data
        self._parse(data, final=False)
        position = self._parser.CurrentByteIndex
        if self._decoder is not None:
            self._drop(position)
        elif self._undecided:
            self._pass_on(min(position, self._content))
        else:
            self._pass_on(position)
        if len(self._raw) > _LONGEST_TAG:
            raise _fault(f"a tag or text is longer than {_LONGEST_TAG} octets")
        yield from self._take()

    def close(self) -> Iterator[Event]:
        self._parse(b"", final=True)
        self._pass_on(self._base + len(self._raw))
        yield from self._take()

    def _take(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _parse(self, data: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as problem:
            reason = expat.errors.messages[problem.code]
            raise _fault(
                f"not well-formed: {reason} (line {problem.lineno}, column {problem.offset + 1})"
            ) from None

    def _pass_on(self, position: int) -> None:
        """Pass on the envelope's bytes before `position`."""
        count = position - self._base
        if count > 0:
            self._events.append(RootData(bytes(self._raw[:count])))
            self._drop(position)

    def _drop(self, position: int) -> None:
        count = position - self._base
        if count > 0:
            del self._raw[:count]
            self._base = position

    # --- expat's handlers ----------------------------------------------------------------------

    def _doctype(self, *_arguments: object) -> None:
        raise _fault("a document type declaration is not allowed in SOAP")

    def _start(self, name: str, _attributes: object) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > _DEEPEST:
            raise _fault(f"nested deeper than {_DEEPEST} elements")
        if self._elements > _ELEMENTS:
            raise _fault(f"more than {_ELEMENTS} elements around the documents")
        if self._document:
            if self._decoder is not None:
                raise _fault(f"{name} stands among the base64 text of xds:Document")
            self._undecided = False
        elif name == _DOCUMENT:
            self._begin_document()

    def _begin_document(self) -> None:
        position = self._parser.CurrentByteIndex
        tag = _TAG.match(self._raw, position - self._base)
        if tag is None:
            raise _fault("the tag of an xds:Document cannot be found")
        self._document, self._undecided = self._depth, True
        self._content = self._base + tag.end()
        self._parser.CharacterDataHandler = self._text

    def _text(self, text: str) -> None:
        """Divert the text of a document; blanks before an xop:Include are not one."""
        if self._decoder is None and not (self._undecided and text.strip(_BLANKS)):
            return
        if self._decoder is None:
            self._begin_cut()
        assert self._decoder is not None, "begun above"  # noqa: S101  # our own order
        try:
            decoded = self._decoder.feed(text.encode("ascii"))
        except ValueError as problem:
            raise self._not_base64(problem) from None
        if decoded:
            self._events.append(AttachmentData(decoded))

    def _begin_cut(self) -> None:
        """Put a reference where the text of the document was."""
        self._cut += 1
        if self._cut > DOCUMENTS:
            raise _fault(f"more than {DOCUMENTS} documents inside the envelope")
        content_id = f"inline-{self._cut}@felles"
        self._undecided = False
        self._pass_on(self._content)
        reference = f'<xop:Include xmlns:xop="{XOP}" href="cid:{content_id}"/>'
        self._events.append(RootData(reference.encode()))
        self._events.append(AttachmentBegins(content_id, "application/octet-stream"))
        self._decoder = Base64Decoder()

    def _end(self, _name: str) -> None:
        self._depth -= 1
        if self._depth >= self._document:
            return
        self._document, self._undecided = 0, False
        self._parser.CharacterDataHandler = None
        if self._decoder is None:
            return
        try:
            self._decoder.close()
        except ValueError as problem:
            raise self._not_base64(problem) from None
        self._decoder = None
        self._events.append(AttachmentEnds())
        self._drop(self._parser.CurrentByteIndex)

    def _not_base64(self, problem: ValueError) -> SoapFault:
        line = self._parser.CurrentLineNumber
        return _fault(
            f"the text of xds:Document number {self._cut} is not base64: {problem}"
            f" (before line {line})"
        )


def _fault(reason: str) -> SoapFault:
    return SoapFault(FaultCode.SENDER, f"the envelope cannot be read: {reason}")
