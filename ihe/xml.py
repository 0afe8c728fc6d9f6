"""The one XML parser: no DTD, no entities, no network, and limits that are the hub's own.

SOAP forbids document type declarations (SOAP 1.2 Part 1 5), so one is refused before anything in it
could be expanded. What makes a tree large is counted on the bytes before the tree is built: a count
costs a few microseconds, and a message of a million empty elements never becomes one.

Comments and processing instructions are dropped. Text around a comment is then one text, as it is
in canonical XML without comments, so that a signature covers exactly what is read (a comment inside
a name is a known way to make the two differ).

References
----------
XML 1.0 2.8 (prolog), 4.3.3 (encodings); SOAP 1.2 Part 1 5; WS-I BP 2.0 R4001 (UTF-8 and UTF-16).
"""

import codecs
import re
import threading
from dataclasses import dataclass
from typing import Final

from lxml import etree
from lxml.etree import _Element

from ihe.errors import HubError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a message may be.

    Parameters
    ----------
    octets
        Of the document.
    tags
        Start tags, end tags and empty-element tags together.
    attributes
        Attributes and namespace declarations of all elements together.
    """

    octets: int = 16 * 1024**2
    tags: int = 250_000
    attributes: int = 200_000


LIMITS: Final = Limits()
"""Room for a submission of some 800 documents. Depth ends at 256, a text at 10 million octets."""


class MalformedXml(HubError):
    """Not well-formed XML, or XML that is not accepted; `line` and `column` count from 1.

    They are 0 where the fault has no place.
    """

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        self.reason, self.line, self.column = reason, line, column
        where = f" (line {line}, column {column})" if line else ""
        super().__init__(f"{reason}{where}")


class XmlLimitExceeded(MalformedXml):
    """The document is larger than a limit allows."""


def parse(data: bytes, *, limits: Limits = LIMITS) -> _Element:
    """Return the root element of a document.

    Raises
    ------
    MalformedXml
        It is not well-formed, has a document type declaration, or is in an encoding other than
        UTF-8, UTF-16, US-ASCII and ISO 8859-1.
    XmlLimitExceeded
        It is larger than `limits` allow, or nested deeper than 256 elements.
    """
    if len(data) > limits.octets:
        raise XmlLimitExceeded(f"{len(data)} octets, at most {limits.octets} are accepted")
    data = _in_known_encoding(data)
    _refuse_doctype(data)
    if (tags := data.count(b"<")) > limits.tags:
        raise XmlLimitExceeded(f"{tags} tags, at most {limits.tags} are accepted")
    if (attributes := data.count(b'="') + data.count(b"='")) > limits.attributes:
        raise XmlLimitExceeded(f"{attributes} attributes, at most {limits.attributes} are accepted")
    try:
        return etree.fromstring(data, _parser())
    except etree.XMLSyntaxError as problem:
        raise _malformed(problem) from None
    except ValueError as problem:  # how lxml refuses some broken encodings
        raise MalformedXml(str(problem)) from None


_threads = threading.local()


def _parser() -> etree.XMLParser[_Element]:
    """Return this thread's parser: making one costs a third of parsing a small message."""
    parser: etree.XMLParser[_Element] | None = getattr(_threads, "parser", None)
    if parser is None:
        parser = etree.XMLParser(
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            collect_ids=False,
        )
        _threads.parser = parser
    return parser


_ACCEPTED: Final = frozenset({"utf-8", "ascii", "iso8859-1"})
_DECLARED: Final = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"'][^>]*?\?>")
_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]*\?>")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"<\x00", b"\x00<")
_HEAD: Final = 400


def _in_known_encoding(data: bytes) -> bytes:
    """Return the document in an encoding whose bytes below 128 are ASCII."""
    if data.startswith(_UTF16):
        return _from_utf16(data)
    data = data.removeprefix(codecs.BOM_UTF8)
    match = _DECLARED.match(data[:_HEAD].lstrip())
    if match is None:
        return data
    declared = match[1].decode("ascii")
    try:
        name = codecs.lookup(declared).name
    except LookupError:
        name = declared
    if name not in _ACCEPTED:
        raise MalformedXml(f"encoding '{declared}' is not accepted; use UTF-8", 1, 1)
    return data


def _from_utf16(data: bytes) -> bytes:
    little = data.startswith((codecs.BOM_UTF16_LE, b"<\x00"))
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data[2 if marked else 0 :].decode("utf-16-le" if little else "utf-16-be")
        return _DECLARATION.sub("", text).encode()
    except UnicodeError:
        raise MalformedXml("not valid UTF-16", 1, 1) from None


_PROLOG: Final = re.compile(
    rb"\s*+(?:<\?(?:[^?]|\?(?!>))*+\?>\s*+|<!--(?:[^-]|-(?!-))*+-->\s*+)*+(<!DOCTYPE)?"
)


def _refuse_doctype(data: bytes) -> None:
    """Refuse a document type declaration; the text `<!DOCTYPE` inside the document is harmless."""
    if b"<!DOCTYPE" not in data:
        return
    match = _PROLOG.match(data)
    if match is not None and match[1]:
        line = data.count(b"\n", 0, match.start(1)) + 1
        raise MalformedXml("a document type declaration is not allowed in SOAP", line, 1)


def _malformed(problem: etree.XMLSyntaxError) -> MalformedXml:
    line, column = problem.position
    message = " ".join((problem.msg or "not well-formed").partition(", line ")[0].split())
    if "Excessive depth" in message:
        return XmlLimitExceeded("nested deeper than 256 elements", line, column)
    if "too long" in message or "too large" in message or "huge" in message.lower():
        return XmlLimitExceeded(f"not accepted: {message}", line, column)
    return MalformedXml(f"not well-formed: {message}", line, column)
