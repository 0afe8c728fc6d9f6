"""What is fuzzed: readers, with inputs to begin with and what must hold of them.

| target | reads | must hold |
|---|---|---|
| `soap` | an envelope, and its body by every transaction | SoapFault, XdsFailure and nothing else |
| `mime` | a MIME package in any chunks | the same events as in one piece |
| `inline` | an envelope with documents as base64, in any chunks | as above |
| `ebxml` | a submission, and all rules over it | what is read, written, read again is the same |
| `query` | parameters of each stored query | literals are written as they are read |
| `datatypes` | CX, XCN, DTM … | the text is kept; no accessor fails |
| `hl7v2` | MLLP frames in any chunks, ADT messages | Refusal and FramingError and nothing else |
| `hl7v3` | ITI-44 messages | HL7 V3 refusals and nothing else |
| `codes` | codes.xml and codes.csv | SettingsError and nothing else; a code has a text |

Of every error, no matter where: it is short, however long what it is about may be.
"""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from hub.settings import SettingsError
from ihe import datatypes, transactions, xml
from ihe.datatypes import Datatype, MalformedValue
from ihe.ebxml import requests
from ihe.ebxml.text import UnwritableText
from ihe.errors import MOST_TOLD, SoapFault, XdsFailure
from ihe.hl7v2 import adt, message
from ihe.hl7v2.message import Refusal
from ihe.hl7v2.mllp import Frames, FramingError, framed
from ihe.messages import AdhocQueryRequest, SubmitObjectsRequest
from ihe.model import Slot
from ihe.queries import parse_query
from ihe.queries.catalogue import CATALOGUE
from ihe.queries.literals import parse_literals, render_list, render_text
from ihe.rules import Profile, check_submission
from ihe.soap.envelope import read_envelope, write_request_envelope
from ihe.soap.mtom import PackageReader
from ihe.soap.package import AttachmentBegins, AttachmentData, AttachmentEnds, RootData
from ihe.transactions import Transaction
from registry.codes import read_lines
from tests import samples
from tests.ihe.hl7v3 import feeds
from tests.registry import feeding

_GOLDEN: Final = Path(__file__).resolve().parents[2] / "tests" / "golden"

TRANSACTIONS: Final = {
    each.action: each for each in vars(transactions).values() if isinstance(each, Transaction)
}


@dataclass(frozen=True, slots=True)
class Target:
    """One reader.

    Parameters
    ----------
    one
        Reads an input; whatever it raises is a finding.
    seeds
        Inputs to begin with.
    words
        What to put into them.
    longest
        Octets of an input.
    xml_from
        Where in an input XML begins, whose elements are then changed as well as its octets.
    """

    one: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    words: tuple[bytes, ...] = ()
    longest: int = 16_384
    xml_from: int | None = None


@contextmanager
def _refused(*documented: type[Exception]) -> Iterator[None]:
    """Let documented errors pass, when they are short."""
    try:
        yield
    except documented as problem:
        _check_brief(problem)


def _check_brief(problem: Exception) -> None:
    if isinstance(problem, XdsFailure):
        told = [text for error in problem.errors for text in (error.context, error.location)]
    else:
        told = [str(problem)]
    if (longest := max(map(len, told), default=0)) > MOST_TOLD + 100:
        raise AssertionError(f"{type(problem).__name__} of {longest} characters")


# --- SOAP ----------------------------------------------------------------------------------------


def soap(data: bytes) -> None:
    """Read an envelope, and its body as every transaction would."""
    with _refused(SoapFault):
        envelope = read_envelope(data)
        for transaction in TRANSACTIONS.values():
            with _refused(SoapFault, XdsFailure):
                transaction.read_request(envelope.body, {})


def _envelopes() -> Iterator[bytes]:
    for path in sorted(_GOLDEN.glob("*/*.request.xml")):
        for action, transaction in TRANSACTIONS.items():
            if path.parent.name == transaction.name.lower().replace("-", ""):
                body = path.read_bytes()
                yield b"".join(
                    write_request_envelope(
                        action=action,
                        to="https://registry.example/registry",
                        message_id="urn:uuid:11111111-2222-4333-8444-555555555555",
                        body=(body.partition(b"?>")[2],),
                    )
                )


_XML_WORDS: Final = (
    b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?xml version='1.0' encoding='utf-16'?>",
    b"<!DOCTYPE a [", b"&#0;", b"&#xD800;", b"&lt;", b"&a;", b' xmlns:a="urn:a"', b"/>", b"</",
    b' mustUnderstand="1"',
    b"\xef\xbb\xbf", b"\xff\xfe", b' xml:lang="nb"', b' name="', b"urn:uuid:", b"urn:oid:", b"\x00",
    b"rim:Slot", b"rim:ValueList", b"rim:Value", b"rim:Classification", b"rim:ExternalIdentifier",
)  # fmt: skip  # a list of words


# --- MIME and inline documents -------------------------------------------------------------------

_TYPE: Final = (
    'multipart/related; boundary="b"; type="application/xop+xml"; start="<root>";'
    ' start-info="application/soap+xml"'
)


def mime(data: bytes) -> None:
    """Read a package: the first octet says how it is cut into chunks."""
    _same_in_any_chunks(data[1:], data[:1], _TYPE)


def inline(data: bytes) -> None:
    """Read an envelope out of which documents are cut."""
    _same_in_any_chunks(data[1:], data[:1], "application/soap+xml")


def _same_in_any_chunks(data: bytes, first: bytes, content_type: str) -> None:
    size = (first[0] if first else 0) % 61 + 1
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    if (whole := _read([data], content_type)) != (pieces := _read(chunks, content_type)):
        raise AssertionError(f"in one piece: {whole!r}; in chunks of {size}: {pieces!r}")


def _read(chunks: Sequence[bytes], content_type: str) -> tuple[Any, ...]:
    """Return the envelope, the documents, and whether the package was refused."""
    reader = PackageReader(content_type, cut_inline=True)
    root, documents, begun = bytearray(), [], bytearray()
    try:
        for chunk in (*chunks, None):
            for event in reader.close() if chunk is None else reader.feed(chunk):
                match event:
                    case RootData(octets):
                        root += octets
                    case AttachmentBegins(name):
                        begun = bytearray(name.encode(errors="surrogateescape") + b"\n")
                    case AttachmentData(octets):
                        begun += octets
                    case AttachmentEnds():
                        documents.append(bytes(begun))
    except SoapFault as problem:
        _check_brief(problem)
        return ("refused",)  # what came before depends on the chunks, and is thrown away
    return ("read", bytes(root), *documents)


def _packages() -> Iterator[bytes]:
    head = b"--b\r\nContent-ID: <root>\r\nContent-Type: application/xop+xml\r\n\r\n"
    part = b"\r\n--b\r\nContent-ID: <d@x>\r\nContent-Transfer-Encoding: %s\r\n\r\n%s"
    for encoding, content in (
        (b"binary", b"\x00\r\n--"),
        (b"base64", b"SGVp\r\nIQ=="),
        (b"quoted-printable", b"a=3D=\r\nb"),
    ):
        yield b"\x07" + head + b"<a/>" + part % (encoding, content) + b"\r\n--b--\r\n"


def _with_documents() -> Iterator[bytes]:
    for envelope in _envelopes():
        if b"Document" in envelope:
            yield b"\x05" + envelope
    yield b'\x03<a><x:Document xmlns:x="urn:ihe:iti:xds-b:2007" id="D">SGVpIQ==</x:Document></a>'


_MIME_WORDS: Final = (
    b"\r\n--b", b"--b--", b"\r\n\r\n", b"Content-ID: <a>", b"Content-Transfer-Encoding: base64",
    b"quoted-printable", b"\n--b\n", b"=\r\n", b"--bb", b"Content-Type: text/xml; charset=utf-16",
)  # fmt: skip  # a list of words

# --- ebXML ---------------------------------------------------------------------------------------


def ebxml(data: bytes) -> None:
    """Read a submission, apply every rule, write it and read it again."""
    try:
        element = xml.parse(data)
        read = requests.read_submit(element, {})
    except (SoapFault, XdsFailure, xml.MalformedXml) as problem:
        _check_brief(problem)
        return
    if found := check_submission(read.submission, Profile()):
        _check_brief(XdsFailure(found))
    try:
        written = b"".join(requests.write_submit(read).xml)
    except UnwritableText:
        return
    if read.submission.problems:
        return  # a fault of the ebXML is told, and not kept
    again = requests.read_submit(xml.parse(written), {}).submission
    if replace(again, problems=()) != read.submission:
        raise AssertionError("what was written reads differently")


def _submissions() -> Iterator[bytes]:
    for submission in (samples.submission(), samples.submission_with_folder()):
        yield b"".join(requests.write_submit(SubmitObjectsRequest(submission)).xml)


# --- stored queries ------------------------------------------------------------------------------


def query(data: bytes) -> None:
    """Read text as the values of one parameter after the other, of one stored query."""
    if not data:
        return
    definitions = list(CATALOGUE.values())
    definition = definitions[data[0] % len(definitions)]
    values = data[1:].decode(errors="replace").split("\n")
    for value in values:
        with _refused(MalformedValue):
            texts = [literal.text for literal in parse_literals(value).items]
            lists = render_list(map(render_text, texts))
            again = [literal.text for each in lists for literal in parse_literals(each).items]
            if again != texts:
                raise AssertionError("a list of literals reads differently when written")
    names = [parameter.name for parameter in definition.parameters]
    slots = tuple(Slot(names[number % len(names)], (value,)) for number, value in enumerate(values))
    for transaction in (18, 51):
        for lenient in (False, True):
            with _refused(XdsFailure):
                asked = AdhocQueryRequest(query_id=definition.id, parameters=slots)
                parse_query(asked, transaction=transaction, lenient=lenient)


def _parameters() -> Iterator[bytes]:
    values = (
        b"'st3498702^^^&1.3.6.1.4.1.21367.2005.3.7&ISO'",
        b"('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')",
        b"('a^^1.2.3','b^^1.2.3')",
        b"20261124",
        b"('%H_nsen%','it''s')",
        b"1",
    )
    for number in range(len(CATALOGUE)):
        yield bytes((number,)) + b"\n".join(values)


# --- datatypes -----------------------------------------------------------------------------------

_ABSTRACT: Final = (Datatype, datatypes.Composite)
_TYPES: Final[tuple[type[Datatype], ...]] = tuple(
    each
    for each in vars(datatypes).values()
    if isinstance(each, type) and issubclass(each, Datatype) and each not in _ABSTRACT
)


def datatype(data: bytes) -> None:
    """Read text as every data type, and look at all that a value can say."""
    text = data.decode(errors="replace")
    for type_ in _TYPES:
        value = type_(text)
        problem = value.problem
        if str(value) != text:
            raise AssertionError(f"{type_.__name__} does not keep its text")
        if problem is not None and len(problem) > 400:
            raise AssertionError(f"{type_.__name__}: a problem of {len(problem)} characters")
        for name, member in vars(type_).items():
            if isinstance(member, property):
                with _refused(MalformedValue):
                    getattr(value, name)
    if datatypes.unescape(datatypes.escape(text)) != text:
        raise AssertionError("what was escaped is not what it was")


def _values() -> Iterator[bytes]:
    yield from (
        b"13116900216^^^&2.16.578.1.12.4.1.4.1&ISO",
        b"502116685^NORDMANN^KARI^^^^^^&2.16.578.1.12.4.1.4.4&ISO",
        b"Bod\xc3\xb8 kommune^^^^^&2.16.578.1.12.4.1.4.101&ISO^^^^972418013",
        b"4711^^^&1.2&ISO^urn:ihe:iti:xds:2013:referral",
        b"^^Internet^post@example.org",
        b"20261124083000+0100",
        b"urn:oid:1.2.3",
        b"PID-5|Hansen^Ola\\S\\",
        b"da39a3ee5e6b4b0d3255bfef95601890afd80709",
    )


# --- HL7 -----------------------------------------------------------------------------------------


def hl7v2(data: bytes) -> None:
    """Take messages out of frames in any chunks, and read them as a feed."""
    size = (data[0] if data else 0) % 61 + 1
    whole, pieces = _frames(data[1:], len(data) or 1), _frames(data[1:], size)
    if whole != pieces:
        raise AssertionError(f"{len(whole)} messages in one piece, {len(pieces)} in chunks")
    for octets in (*whole, data[1:]):
        with _refused(Refusal):
            parsed = message.parse(octets)
            adt.read_feed(parsed)
        message.parse_header(octets)


_LONGEST_MESSAGE: Final = 1 << 20


def _frames(data: bytes, size: int) -> list[bytes]:
    frames, found = Frames(_LONGEST_MESSAGE), []
    with _refused(FramingError):
        for at in range(0, len(data), size):
            frames.feed(data[at : at + size])
            while (taken := frames.take()) is not None:
                found.append(taken)
    return found


def _messages() -> Iterator[bytes]:
    for event in ("A01", "A04", "A05", "A08"):
        yield b"\x09" + framed(feeding.adt(event, samples.PATIENT))
    yield b"\x11" + framed(feeding.merge(samples.PATIENT, samples.PATIENT)) * 2
    yield b"\x01" + feeding.adt("A01", samples.PATIENT)


def hl7v3(data: bytes) -> None:
    """Read each message of ITI-44."""
    with _refused(xml.MalformedXml):
        element = xml.parse(data)
        for transaction in TRANSACTIONS.values():
            if transaction.number == 44:
                with _refused(SoapFault, XdsFailure):
                    transaction.read_request(element, {})


def _feeds() -> Iterator[bytes]:
    for name in ("PRPA_IN201301UV02", "PRPA_IN201302UV02"):
        yield feeds.text_of(name, feeds.LINE).encode()
    yield feeds.text_of("PRPA_IN201304UV02", feeds.LINE, merged=feeds.KARI).encode()


# --- lists of codes ------------------------------------------------------------------------------


def codes(data: bytes) -> None:
    """Read a file of codes: XML, or a spreadsheet when the first octet is even."""
    path = _FOLDER / ("codes.xml" if data[:1] and data[0] % 2 else "codes.csv")
    path.write_bytes(data[1:])
    with _refused(SettingsError):
        lines, _ = read_lines(path)
        if not all(line.code and line.attribute for line in lines):
            raise AssertionError("a code without a text")


_FOLDER: Final = Path(tempfile.mkdtemp(prefix="felles-fuzz-codes-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def _lists() -> Iterator[bytes]:
    yield (
        b'\x01<Codes><CodeType name="classCode"><Code code="A" codingScheme="1.2" display="B"/>'
        b'</CodeType><CodeType name="mimeType"><Code code="text/plain"/></CodeType></Codes>'
    )
    yield b"\x02attribute,code,scheme,display\nclassCode,A,1.2,B\nmimeType,text/plain\n"
    yield b'\x02attribute;code;scheme\nfolderCode;"A;B";1.2\n'


TARGETS: Final[dict[str, Target]] = {
    "soap": Target(soap, _envelopes, _XML_WORDS, xml_from=0),
    "mime": Target(mime, _packages, _MIME_WORDS, 2_048),
    "inline": Target(inline, _with_documents, _XML_WORDS, xml_from=1),
    "ebxml": Target(ebxml, _submissions, _XML_WORDS, 32_768, xml_from=0),
    "query": Target(query, _parameters, (b"'", b"('", b"','", b"')", b"^^", b"%", b"\n"), 1_024),
    "datatypes": Target(datatype, _values, (b"^", b"&", b"\\S\\", b"&ISO", b"~", b"|"), 512),
    "hl7v2": Target(
        hl7v2, _messages, (b"MSH|^~\\&|", b"\x0b", b"\x1c\r", b"\rPID|", b"\\X0D\\"), 2_048
    ),
    "hl7v3": Target(hl7v3, _feeds, _XML_WORDS, xml_from=0),
    "codes": Target(codes, _lists, (b"<Code", b"<CodeType name=", b'"', b"\n", b";", b","), 1_024),
}
"""Every target by its name."""
