r"""The one XML parser: no DTD, no entities, no network, and limits that are the hub's own.

```text
octets ─▶ encoding ─▶ UTF-8 or ISO 8859-1 ─▶ counts ─▶ prolog: no DOCTYPE ─▶ libxml2 ─▶ tree
          refused: any other                 refused   refused               depth, long texts
```

SOAP forbids document type declarations (SOAP 1.2 Part 1 5), so one is refused before anything in it
could be expanded. That look at the prolog is only worth something if libxml2 then reads the same
characters: it is told the encoding and never guesses one. (Left to itself it recognises UTF-32 and
EBCDIC by their first octets, and follows a declaration of UTF-7, in all of which `<!DOCTYPE` is
spelled differently.)

What makes a tree large is counted on the octets before the tree is built: a count costs a few
microseconds, and a message of a million empty elements never becomes one.

Comments and processing instructions are dropped. Text around a comment is then one text, as it is
in canonical XML without comments, so that a signature covers exactly what is read (a comment inside
a name is a known way to make the two differ). A processing instruction is part of the canonical
form: a signature over one does not verify here. SOAP forbids them.

Elements carry no other trace of how they were read, so a signed element can be canonicalised as it
stands: prefixes, attributes and white space are those of the message.

Large messages are parsed in a thread of their own, because libxml2 keeps every name that it has
seen for as long as the thread lives; `python -m benchmarks.parser` measures what all of it costs.

References
----------
XML 1.0 2.8 (prolog), 4.3.3 (encodings); SOAP 1.2 Part 1 5; WS-I BP 2.0 R4001 (UTF-8 and UTF-16).
"""

import codecs
import re
import threading
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lxml import etree
from lxml.etree import _Element

from ihe.errors import HubError, brief


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a message may be.

    Parameters
    ----------
    octets
        Of the document.
    tags
        Start tags, end tags, empty-element tags and comments together.
    attributes
        Attributes and namespace declarations of all elements together.
    memory
        Octets that the tree takes, estimated before it is made: 128 for each element and each text,
        384 for each attribute, and the octets of the document.

    Notes
    -----
    Fixed limits come from libxml2: elements nest 256 deep, a name has 50 000 octets, a text or
    the value of an attribute ten million.
    """

    octets: int = 16 * 1024**2
    tags: int = 300_000
    attributes: int = 150_000
    memory: int = 64_000_000

    @property
    def unchecked(self) -> int:
        """Octets that cannot hold too many tags or attributes (`<a>` and ` a=""`)."""
        return min(3 * self.tags, 5 * self.attributes, self.memory // (_ATTRIBUTE_TAKES // 5 + 2))


_NODE_TAKES: Final = 128
"""Octets; so much as libxml2 takes for an element or a text, with its share of what lxml keeps."""
_ATTRIBUTE_TAKES: Final = 3 * _NODE_TAKES
"""Octets of the attribute, its value, and a name that no other has."""

LIMITS: Final = Limits()
"""Room for a thousand documents in one message."""


class MalformedXml(HubError):
    """Not well-formed XML, or XML that is not accepted; `line` and `column` count from 1.

    They are 0 where the fault has no place.
    """

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        self.reason, self.line, self.column = brief(reason), line, column
        where = f" (line {line}, column {column})" if line else ""
        super().__init__(f"{self.reason}{where}")


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
    _check_octets(len(data), limits)
    data, encoding = _in_known_encoding(data, limits)
    if len(data) > limits.unchecked:
        _check_counts(data, limits)
    _refuse_doctype(data)
    if len(data) <= _SMALL and _thread.may_learn_from(data):
        return _thread.parse(data, encoding)
    return _parse_apart(data, encoding)


_SMALL: Final = 128 * 1024
"""Octets; what is larger takes longer to parse than a thread takes to start."""


def _check_octets(octets: int, limits: Limits) -> None:
    if octets > limits.octets:
        raise XmlLimitExceeded(f"{octets} octets, at most {limits.octets} are accepted")


_ATTRIBUTE: Final = re.compile(rb"=[ \t\r\n]*+[\"']")


def _check_counts(data: bytes, limits: Limits) -> None:
    """Count what can become a node; text that looks like an attribute counts as one."""
    if (tags := data.count(b"<")) > limits.tags:
        raise XmlLimitExceeded(f"{tags} tags, at most {limits.tags} are accepted")
    elements, texts = tags - data.count(b"</"), tags - data.count(b"><")
    takes = len(data) + _NODE_TAKES * (elements + texts)
    attributes = data.count(b"=")  # at most
    if attributes <= limits.attributes and takes + _ATTRIBUTE_TAKES * attributes <= limits.memory:
        return
    attributes = sum(1 for _ in islice(_ATTRIBUTE.finditer(data), limits.attributes + 1))
    if attributes > limits.attributes:
        raise XmlLimitExceeded(f"too many attributes, at most {attributes - 1} are accepted")
    takes += _ATTRIBUTE_TAKES * attributes
    if takes > limits.memory:
        kinds = f"{elements} elements, {texts} texts and {attributes} attributes"
        told = f"{kinds} take about {takes} octets of memory, at most {limits.memory} are accepted"
        raise XmlLimitExceeded(told)


# --- encodings -----------------------------------------------------------------------------------

_NAMES: Final = {"utf-8": "UTF-8", "ascii": "UTF-8", "iso8859-1": "ISO-8859-1"}
"""Python's names of the encodings that XML may declare, and how libxml2 is told to read them."""
_DECLARATION: Final = re.compile(
    rb"<\?xml\s(?:[^?>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"'])?[^?>]*\?>"
)
_LONGEST_DECLARATION: Final = 400
_UTF16: Final = (
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_PIECE: Final = 1 << 18


def _in_known_encoding(data: bytes, limits: Limits) -> tuple[bytes, str]:
    """Return the document in an encoding whose octets below 128 are ASCII, and its name."""
    for mark, codec in _UTF16:
        if data.startswith(mark):
            return _from_utf16(data, codec, limits), "UTF-8"
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.startswith(b"<?xml"):
        return data, "UTF-8"
    declared = _declared(data)
    name = _NAMES.get(_codec(declared))
    if name is None:
        raise MalformedXml(f"encoding '{declared}' is not accepted; use UTF-8", 1, 1)
    return data, name


def _declared(data: bytes) -> str:
    """Return the encoding that the XML declaration names, UTF-8 if it names none."""
    if data[5:6] not in {b" ", b"\t", b"\r", b"\n"}:
        return "UTF-8"  # <?xml-stylesheet?>, or no declaration that libxml2 would take
    match = _DECLARATION.match(data, 0, _LONGEST_DECLARATION)
    if match is None:
        raise MalformedXml("the XML declaration is not well-formed or too long", 1, 1)
    return match[1].decode("ascii") if match[1] else "UTF-8"


def _codec(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return name


def _from_utf16(data: bytes, codec: str, limits: Limits) -> bytes:
    """Return the document in UTF-8, piece by piece: one astral letter would widen all the text."""
    decoder = codecs.getincrementaldecoder(codec)()
    pieces: list[bytes] = []
    try:
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            last = start + _PIECE >= len(data)
            pieces.append(decoder.decode(piece, last).encode())
    except UnicodeError:
        raise MalformedXml("not valid UTF-16", 1, 1) from None
    _check_octets(sum(map(len, pieces)), limits)
    return b"".join(pieces)


# --- what must not be in it ----------------------------------------------------------------------

_BEFORE_ROOT: Final = re.compile(rb"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
"""One thing that may stand before the root element, or before a declaration of its type.

They are taken one by one: a possessive group of them (`(?:…)*+`) lets declarations through on
Python 3.11.0 to 3.11.4, where a group that fails half-way does not go back to where it began.
"""


def _refuse_doctype(data: bytes) -> None:
    """Refuse a document type declaration; the text `<!DOCTYPE` inside the document is harmless."""
    end = 0
    while found := _BEFORE_ROOT.match(data, end):
        end = found.end()
    if data.startswith(b"<!DOCTYPE", end):
        line = data.count(b"\n", 0, end) + 1
        raise MalformedXml("a document type declaration is not allowed in SOAP", line, 1)


# --- libxml2 -------------------------------------------------------------------------------------


class _Thread(threading.local):
    """One thread's parsers, and the names that it has learnt.

    Making a parser costs a third of parsing a small message. lxml gives each thread one dictionary
    of the names it has met and lets go of it only when the thread ends, so a partner who sends new
    names in every message would fill it for ever. One small message in `_EVERY` therefore has its
    names looked at; a thread that has learnt more than honest traffic could ever teach it parses
    nothing more itself.
    """

    def __init__(self) -> None:
        self._parsers: dict[str, etree.XMLParser[_Element]] = {}
        self._count = 0
        self._names: set[bytes] = set()
        self._learnt = 0

    def may_learn_from(self, data: bytes) -> bool:
        """Tell whether this thread may parse a message; looks at some of them."""
        if self._learnt > _MOST_LEARNT:
            return False
        self._count += 1
        if self._count % _EVERY == 0:
            found = {*_TAG_NAME.findall(data), *_ATTRIBUTE_NAME.findall(data)}
            found.update(_NAMESPACE.findall(data))
            found -= self._names
            self._names |= found
            self._learnt += sum(map(len, found))
        return True

    def parse(self, data: bytes, encoding: str) -> _Element:
        """Return the root element of a document that was looked at."""
        parser = self._parsers.get(encoding)
        if parser is None:
            parser = self._parsers[encoding] = _new_parser(encoding)
        try:
            return etree.fromstring(data, parser)
        except etree.XMLSyntaxError as problem:
            raise _malformed(problem) from None
        except ValueError as problem:  # how lxml refuses some broken encodings
            raise MalformedXml(str(problem)) from None


_thread: Final = _Thread()
_EVERY: Final = 32
_MOST_LEARNT: Final = 64 * 1024
"""Octets of names among the messages looked at; those of the Framework take a tenth of it."""
_TAG_NAME: Final = re.compile(rb"<([^\s/>!?\"'<]++)")
_ATTRIBUTE_NAME: Final = re.compile(rb"\s([^\s=<>\"'/]++)\s*+=\s*+[\"']")
_NAMESPACE: Final = re.compile(rb"\sxmlns[^\s=\"'<>]*+\s*+=\s*+[\"']([^\"'<]*+)")


def _parse_apart(data: bytes, encoding: str) -> _Element:
    """Parse in a thread whose dictionary of names ends with it; costs about a tenth millisecond."""
    outcome: list[_Element | MalformedXml] = []

    def work() -> None:
        try:
            outcome.append(_thread.parse(data, encoding))
        except MalformedXml as problem:
            outcome.append(problem)

    thread = threading.Thread(target=work, name="xml")
    thread.start()
    thread.join()
    if not outcome:
        raise MemoryError("a message could not be parsed")
    if isinstance(outcome[0], MalformedXml):
        raise outcome[0]
    return outcome[0]


def _new_parser(encoding: str) -> "etree.XMLParser[_Element]":
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )


def _malformed(problem: etree.XMLSyntaxError) -> MalformedXml:
    line, column = problem.position
    message = " ".join((problem.msg or "not well-formed").partition(", line ")[0].split())
    if "Excessive depth" in message:
        return XmlLimitExceeded("nested deeper than 256 elements", line, column)
    if _TOO_MUCH.search(message):
        return XmlLimitExceeded(f"not accepted: {message}", line, column)
    return MalformedXml(f"not well-formed: {message}", line, column)


_TOO_MUCH: Final = re.compile(r"too (?:long|large|big)|limit exceeded|huge", re.IGNORECASE)
