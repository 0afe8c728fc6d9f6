"""What hostile input costs: `python -m benchmarks.hostile`.

Each input meets the reader that it is made for, in a process of its own. Printed is what came of
it, with the CPU time and the memory that it took beside the input itself; both have a goal. Memory
is read from /proc and stays empty elsewhere.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Final

from ihe import xml
from ihe.datatypes import CX, DTM, XCN, XON, CXi, MalformedValue
from ihe.ebxml.requests import read_submit
from ihe.errors import HubError, RegistryError
from ihe.hl7v2 import adt, message
from ihe.hl7v2.mllp import Frames
from ihe.messages import CHUNK, AdhocQueryRequest
from ihe.model import Slot
from ihe.queries import parse_query
from ihe.queries.literals import parse_literals
from ihe.rules import Profile, check_submission
from ihe.soap.mtom import PackageReader
from ihe.vocabulary import LCM, RIM, XDS, StoredQueryId

GOAL_S: Final = 1.0
GOAL_MB: Final = 64
_MB: Final = 1_000_000
_MILLION: Final = 10**6
_TAGS, _ATTRIBUTES = xml.LIMITS.tags, xml.LIMITS.attributes

Hostile = tuple[Callable[[], object], Callable[[], str]]


def _numbered(pattern: bytes, count: int) -> bytes:
    return b"".join([pattern % n for n in range(count)])


# --- XML -----------------------------------------------------------------------------------------


def _most(pattern: bytes, nodes: int, tags: int = 1) -> bytes:
    """Return a document with as many of something, numbered, as is accepted.

    `nodes` are its elements and texts, and three for an attribute.
    """
    takes = len(pattern % 0) + 128 * nodes
    count = min((xml.LIMITS.memory - 1000) // takes, (_TAGS - 10) // tags)
    return b"<a>" + _numbered(pattern, count) + b"</a>"


_DTD: Final = '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'
XML: Final[dict[str, Callable[[], bytes]]] = {
    "a million elements deep": lambda: b"<a>" * _MILLION + b"</a>" * _MILLION,
    "a million empty elements": lambda: b"<a>" + b"<b/>" * _MILLION + b"</a>",
    "a million attributes": lambda: b"<a" + _numbered(b' a%x=""', _MILLION) + b"/>",
    "the same, with blanks": lambda: b"<a" + _numbered(b" a%x= ''", _MILLION) + b"/>",
    "a million namespaces": lambda: b"<a" + _numbered(b' xmlns:a%x="u"', _MILLION) + b"/>",
    "an attribute of 100 MB": lambda: b'<a b="' + b"x" * (100 * _MB) + b'"/>',
    "an attribute of 15 MB": lambda: b'<a b="' + b"x" * (15 * _MB) + b'"/>',
    "a text of 15 MB": lambda: b"<a>" + b"x" * (15 * _MB) + b"</a>",
    "a comment of 15 MB": lambda: b"<a><!--" + b"x" * (15 * _MB) + b"--></a>",
    "a name of 15 MB": lambda: b"<" + b"x" * (15 * _MB) + b"/>",
    "a million references to a character": lambda: b"<a>" + b"&#65;" * _MILLION + b"</a>",
    "a DTD in UTF-16": lambda: _DTD.encode("utf-16"),
    "a DTD in UTF-32": lambda: _DTD.encode("utf-32-be"),
    "a DTD in EBCDIC": lambda: _DTD.encode("cp037"),
    "a DTD after a million blanks": lambda: b" " * _MILLION + _DTD.encode(),
    "a DTD after a million comments": lambda: b"<!---->" * _MILLION + _DTD.encode(),
    "as many elements as allowed": lambda: b"<a>" + b"<b/>" * (_TAGS - 10) + b"</a>",
    "as many attributes as allowed": lambda: (
        b"<a" + _numbered(b' a%x=""', _ATTRIBUTES - 10) + b"/>"
    ),
    "as many names as allowed": lambda: _most(b"<n%040d/>", 1),
    "as many elements and texts as allowed": lambda: _most(b"<b/>x%06d", 2),
    "as many elements with texts as allowed": lambda: _most(
        b"<b>" + b"x" * 20 + b"%06d</b>", 2, 2
    ),
    "as many elements with an attribute as allowed": lambda: _most(
        b'<b n%06d="b"/>', 4
    ),
    "names that differ in their last letters": lambda: (
        b"<a" + _numbered(b" " + b"n" * 40 + b'%06x=""', 140_000) + b"/>"
    ),
    "all of it at once": lambda: (
        (b"<a>" + _numbered(b'<n%d a="b"/>', _ATTRIBUTES - 10))
        + (b"<b>" + b"x" * 100 + b"</b>") * ((_TAGS - _ATTRIBUTES) // 2 - 10)
        + b"</a>"
    ),
    "text that looks like attributes": lambda: b"<a>" + b"='" * (15 * _MB // 2) + b"</a>",
    "invalid UTF-8 at the end of 9 MB": lambda: b"<a>" + b"x" * (9 * _MB) + b"\xff</a>",
    "as much UTF-16 as allowed": lambda: (
        "<a>" + "\N{GRINNING FACE}" * (4 * _MILLION - 100) + "</a>"
    ).encode("utf-16"),
}  # fmt: skip  # one input a line where it can be

# --- streams -------------------------------------------------------------------------------------

_BASE64: Final = b"--b\r\n\r\n<a/>\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"
_MIME: Final = "multipart/related; boundary=b"


def _endless(more: bytes, size: int = CHUNK) -> Iterator[bytes]:
    opening = f'<e xmlns="{XDS}"><!--{"p" * 140_000}-->'.encode()
    return chain((opening,), repeat(more * (size // len(more)), 64 * _MB // size))


def _repeated(begin: bytes, more: bytes, octets: int = 64 * _MB) -> Iterator[bytes]:
    return chain((begin,), repeat(more * (CHUNK // len(more)), octets // CHUNK))


STREAMS: Final[dict[str, tuple[str, Callable[[], Iterator[bytes]]]]] = {
    "inline: endless nesting": ("application/soap+xml", lambda: _endless(b"<b>")),
    "inline: endless elements": ("application/soap+xml", lambda: _endless(b"<b/>")),
    "inline: endless documents": (
        "application/soap+xml",
        lambda: _endless(b"<Document>QUJD</Document>"),
    ),
    "inline: an endless tag, by 100 octets": (
        "application/soap+xml",
        lambda: chain((b"<e><b c='",), _endless(b"x", 100)),
    ),
    "inline: endless text": ("application/soap+xml", lambda: _endless(b"text ")),
    "MIME: endless parts": (_MIME, lambda: _repeated(b"--b\r\n\r\n<a/>", b"\r\n--b\r\n\r\n")),
    "MIME: endless headers": (_MIME, lambda: _repeated(b"--b\r\n", b"X: y\r\n")),
    "MIME: an endless header": (_MIME, lambda: _repeated(b"--b\r\nX: ", b"y")),
    "MIME: an endless preamble": (_MIME, lambda: _repeated(b"", b"preamble\r\n")),
    "MIME: an endless epilogue": (_MIME, lambda: _repeated(b"--b\r\n\r\n<a/>\r\n--b--", b"x")),
    "MIME: endless boundaries, nearly": (
        _MIME,
        lambda: _repeated(b"--b\r\n\r\n<a/>\r\n--b\r\n\r\n", b"\r\n--b\r \r\n-"),
    ),
    "MIME: base64 of blanks": (
        _MIME,
        lambda: _repeated(_BASE64, b" "),
    ),
    "MIME: a boundary of a million": (
        "multipart/related; boundary=" + "b" * _MILLION,
        lambda: _repeated(b"--", b"b"),
    ),
    "MIME: a Content-Type of quotes": (
        "multipart/related; a=" + '"\\' * _MILLION,
        lambda: iter(()),
    ),
}  # fmt: skip  # as above


def _stream(content_type: str, pieces: Iterable[bytes]) -> str:
    reader = PackageReader(content_type, cut_inline=True)
    for piece in pieces:
        for _event in reader.feed(piece):
            pass
    for _event in reader.close():
        pass
    return "read"


# --- metadata, queries, values, HL7 --------------------------------------------------------------


def _submission(inside: bytes) -> bytes:
    head = f'<l:SubmitObjectsRequest xmlns:l="{LCM}" xmlns="{RIM}"><RegistryObjectList>'
    tail = "</RegistryObjectList></l:SubmitObjectsRequest>"
    return head.encode() + inside + tail.encode()


def _checked(data: bytes) -> str:
    submission = read_submit(xml.parse(data), {}).submission
    return _told(check_submission(submission, Profile()))


def _told(problems: list[RegistryError]) -> str:
    return f"{len(problems)} problems, the first: {problems[0].context if problems else ''}"


def _feed(data: bytes) -> str:
    return f"{len(adt.read_feed(message.parse(data)).identifiers)} ids"


def _frame() -> str:
    frames = Frames(4 * _MB)
    frames.feed(b"\x0b")
    for piece in repeat(b"x" * CHUNK, 1000):
        frames.feed(piece)
        frames.take()
    return "read"


def _query(values: tuple[str, ...]) -> str:
    patient = Slot("$XDSDocumentEntryPatientId", values)
    parse_query(AdhocQueryRequest(StoredQueryId.FIND_DOCUMENTS, (patient,)), transaction=18)
    return "read"


_MSH: Final = b"MSH|^~\\&|A|B|C|D|20261124||ADT^A01|1|P|2.3.1\rPID|"
OTHERS: Final[dict[str, Callable[[], str]]] = {
    "ebXML: a Slot of 50,000 values": lambda: _checked(
        _submission(
            b'<ExtrinsicObject id="a"><Slot name="x"><ValueList>'
            + b"<Value>y</Value>" * 50_000
            + b"</ValueList></Slot></ExtrinsicObject>"
        )
    ),
    "ebXML: 40,000 Slots of one name": lambda: _checked(
        _submission(
            b'<ExtrinsicObject id="a">' + b'<Slot name="x"/>' * 40_000 + b"</ExtrinsicObject>"
        )
    ),
    "ebXML: 30,000 Classifications": lambda: _checked(
        _submission(
            b'<ExtrinsicObject id="a">'
            + b'<Classification classificationScheme="urn:uuid:x"/>' * 30_000
            + b"</ExtrinsicObject>"
        )
    ),
    "ebXML: 30,000 empty entries": lambda: _checked(
        _submission(_numbered(b'<ExtrinsicObject id="e%d"/>', 30_000))
    ),
    "ebXML: 20,000 associations to each other": lambda: _checked(
        _submission(
            _numbered(b'<Association id="a%d" sourceObject="a1" targetObject="a2"/>', 20_000)
        )
    ),
    "query: a million quotes": lambda: str(len(parse_literals("'" * _MILLION).items)),
    "query: a list of a million": lambda: str(
        len(parse_literals("(" + "'a'," * _MILLION + "'a')").items)
    ),
    "query: a million parentheses": lambda: str(len(parse_literals("(" * _MILLION).items)),
    "query: 100,000 values": lambda: _query(("'x'",) * 100_000),
    "CX: a million components": lambda: CX("^" * _MILLION).problem or "fine",
    "CX: a million escapes": lambda: CX("\\S\\" * _MILLION).problem or "fine",
    "CXi: a million subcomponents": lambda: CXi("a^^^" + "&" * _MILLION).problem or "fine",
    "XCN: a million subcomponents": lambda: XCN("&" * _MILLION + "^A").problem or "fine",
    "XON: a million components": lambda: XON("A" + "^" * _MILLION).problem or "fine",
    "DTM: a million digits": lambda: DTM("2" * _MILLION).problem or "fine",
    "HL7: a million fields": lambda: _feed(_MSH + b"|" * _MILLION),
    "HL7: a million repetitions": lambda: _feed(_MSH + b"1||" + b"~" * _MILLION),
    "HL7: a million components": lambda: _feed(_MSH + b"1||" + b"^" * _MILLION),
    "HL7: a million segments": lambda: _feed(_MSH + b"\rPV1" * _MILLION),
    "HL7: 1 MB of escapes": lambda: _feed(_MSH + b"1||" + b"\\X0D\\" * (_MILLION // 6)),
    "HL7: a frame without an end": _frame,
}  # fmt: skip  # as above


# --- each in a process of its own ----------------------------------------------------------------


def _memory(field: str) -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    lines = (line.split() for line in status.read_text().splitlines())
    return next(int(words[1]) * 1024 for words in lines if words and words[0] == f"{field}:")


def _work(name: str) -> Callable[[], object]:
    """Return what meets the input; the input of XML is made before."""
    if name in XML:
        data = XML[name]()
        return lambda: xml.parse(data)
    if name in STREAMS:
        content_type, pieces = STREAMS[name]
        return lambda: _stream(content_type, pieces())
    return OTHERS[name]


def _try(name: str) -> None:
    """Meet one hostile message; runs in a process of its own."""
    work = _work(name)
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5")  # the peak of memory counts from here
    before, start = _memory("VmRSS"), time.process_time()
    try:
        result = work()
        outcome = result if isinstance(result, str) else "read"
    except (HubError, MalformedValue) as refused:
        outcome = str(refused)
    spent, peak = time.process_time() - start, (_memory("VmHWM") - before) / _MB
    goal = "met" if spent <= GOAL_S and peak <= GOAL_MB else "MISSED"
    print(f"{name:40} {spent:7.3f} {peak:8.1f} {goal:6}  {' '.join(outcome.split())[:80]}")


def main() -> None:
    """Print what hostile messages come to."""
    if len(sys.argv) > 1:
        _try(sys.argv[1])
        return
    print(
        f"{f'goal: {GOAL_S:g} s, {GOAL_MB} MB':40} {'CPU s':>7} {'peak MB':>8} {'goal':6}  outcome"
    )
    sys.stdout.flush()
    for name in (*XML, *STREAMS, *OTHERS):
        subprocess.run([sys.executable, "-m", "benchmarks.hostile", name], check=True)


if __name__ == "__main__":
    main()
