"""What SOAP 1.2, WS-Addressing, MTOM and the Framework ask of a message on its way over HTTP.

The judge has lxml and a table of its own, and nothing of the code that it judges. Bodies are judged
by the standards' schemas (`tests.schema_oracle`) wherever those are at hand.

References
----------
SOAP 1.2 Part 1 5 and 5.4, Part 2 7.5; WS-Addressing 1.0 Core 3 and SOAP Binding 6; XOP 1.0 3, 4;
ITI TF-2 Appendix V.3, V.8, V.9.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree
from lxml.etree import _Element

from tests.schema_oracle import problems_of, schema_folder

SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
WSA: Final = "http://www.w3.org/2005/08/addressing"
XOP: Final = "http://www.w3.org/2004/08/xop/include"
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_FAULT_ACTIONS: Final = (f"{WSA}/fault", f"{WSA}/soap/fault")
_FAULT_CODES: Final = {
    "VersionMismatch": (500, 599),
    "MustUnderstand": (500, 599),
    "DataEncodingUnknown": (500, 599),
    "Sender": (400, 499),
    "Receiver": (500, 599),
}
"""Codes, and the HTTP statuses that go with them (SOAP 1.2 Part 2 Table 20)."""


@dataclass(frozen=True)
class Row:
    """One transaction of the Framework's own tables."""

    number: int
    action: str
    request: str
    response_action: str
    response: str
    mtom: bool = False


_QUERY = ("{urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0}AdhocQuery%s",) * 2
_SUBMIT = "{urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0}SubmitObjectsRequest"
_ANSWER = "{urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0}RegistryResponse"
_XDS = "{urn:ihe:iti:xds-b:2007}"
_REMOVE = "{urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0}RemoveObjectsRequest"
_REMOVE_DOCUMENTS = "{urn:ihe:iti:rmd:2017}RemoveDocumentsRequest"
_ASK, _FOUND = _QUERY[0] % "Request", _QUERY[1] % "Response"
_GET, _GOT = f"{_XDS}RetrieveDocumentSetRequest", f"{_XDS}RetrieveDocumentSetResponse"
_V3, _ACK = "urn:hl7-org:v3", "MCCI_IN000002UV01"
_PROVIDE = f"{_XDS}ProvideAndRegisterDocumentSetRequest"


def _row(
    number: int, year: int, name: str, request: str, response: str, *, mtom: bool = False
) -> Row:
    action = f"urn:ihe:iti:{year}:{name}"
    return Row(number, action, request, f"{action}Response", response, mtom)


TABLE: Final = (
    _row(18, 2007, "RegistryStoredQuery", _ASK, _FOUND),
    _row(38, 2007, "CrossGatewayQuery", _ASK, _FOUND),
    _row(39, 2007, "CrossGatewayRetrieve", _GET, _GOT, mtom=True),
    _row(41, 2007, "ProvideAndRegisterDocumentSet-b", _PROVIDE, _ANSWER, mtom=True),
    _row(42, 2007, "RegisterDocumentSet-b", _SUBMIT, _ANSWER),
    _row(43, 2007, "RetrieveDocumentSet", _GET, _GOT, mtom=True),
    *(
        Row(44, f"{_V3}:{name}", f"{{{_V3}}}{name}", f"{_V3}:{_ACK}", f"{{{_V3}}}{_ACK}")
        for name in ("PRPA_IN201301UV02", "PRPA_IN201302UV02", "PRPA_IN201304UV02")
    ),
    _row(51, 2009, "MultiPatientStoredQuery", _ASK, _FOUND),
    _row(57, 2010, "UpdateDocumentSet", _SUBMIT, _ANSWER),
    Row(
        61,
        "urn:ihe:iti:2010:RegisterOnDemandDocumentEntry",
        _SUBMIT,
        "urn:ihe:iti:2010:RegisterOnDemandDocumentResponse",
        _ANSWER,
    ),
    _row(62, 2010, "DeleteDocumentSet", _REMOVE, _ANSWER),
    _row(86, 2017, "RemoveDocuments", _REMOVE_DOCUMENTS, _ANSWER),
    _row(92, 2018, "RestrictedUpdateDocumentSet", _SUBMIT, _ANSWER),
)
_REQUESTS: Final = {row.action: row for row in TABLE}
_RESPONSES: Final = {row.response_action: row for row in TABLE}


# --- messages ------------------------------------------------------------------------------------


def problems_of_request(headers: Mapping[str, str], body: bytes) -> list[str]:
    """Return what is wrong with a request; `headers` by lower-case name."""
    return list(_problems(headers, body, _REQUESTS, status=None))


def problems_of_response(status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
    """Return what is wrong with the answer to a message, be it a response or a fault."""
    return list(_problems(headers, body, _RESPONSES, status=status))


def _problems(
    headers: Mapping[str, str], body: bytes, rows: Mapping[str, Row], *, status: int | None
) -> Iterator[str]:
    content_type = headers.get("content-type", "")
    length = headers.get("content-length")
    if length is not None and int(length) != len(body):
        yield f"Content-Length is {length}, the body has {len(body)} octets"
    if status is not None and not re.fullmatch("[0-9a-f]{32}", headers.get("x-trace-id", "")):
        yield "no X-Trace-Id"
    is_mtom = content_type.startswith("multipart/related")
    parts: list[tuple[dict[str, str], bytes]] = []
    if is_mtom:
        boundary = parameter(content_type, "boundary")
        parts = split(body, boundary)
        yield from _package_problems(content_type, parts)
        body = parts[0][1] if parts else b""
    elif not content_type.startswith("application/soap+xml; charset=UTF-8"):
        yield f"Content-Type is '{content_type}'"
    try:
        envelope = etree.fromstring(body, etree.XMLParser(resolve_entities=False))
    except etree.XMLSyntaxError as problem:
        yield f"not XML: {problem}"
        return
    yield from _envelope_problems(envelope)
    child = envelope.find(f"{{{SOAP}}}Body/*")
    if child is None:
        return
    action = envelope.findtext(f"{{{SOAP}}}Header/{{{WSA}}}Action", "")
    if child.tag == f"{{{SOAP}}}Fault":
        yield from _fault_problems(envelope, child, action, status, headers)
        return
    if status not in {None, 200}:
        yield f"a response comes with HTTP status {status}"
    row = rows.get(action)
    if row is None:
        yield f"wsa:Action '{action}' is none of the Framework's"
        return
    if child.tag != (row.request if status is None else row.response):
        yield f"{child.tag!s} does not go with wsa:Action '{action}'"
    if is_mtom != row.mtom:
        yield f"ITI-{row.number} came {'as' if is_mtom else 'without'} MTOM"
    yield from _include_problems(child, parts)
    if schema_folder() is not None:
        yield from problems_of(child)


def envelope_of(headers: Mapping[str, str], body: bytes) -> _Element:
    """Return the envelope of a message in either packaging."""
    content_type = headers.get("content-type", "")
    if content_type.startswith("multipart/"):
        body = split(body, parameter(content_type, "boundary"))[0][1]
    return etree.fromstring(body)


# --- MTOM ----------------------------------------------------------------------------------------


def parameter(content_type: str, name: str) -> str:
    """Return a parameter of a Content-Type, '' when it is not there."""
    match = re.search(rf';\s*{name}="([^"]*)"', content_type)
    return match[1] if match else ""


def split(body: bytes, boundary: str) -> list[tuple[dict[str, str], bytes]]:
    """Return the parts of a multipart body that is strictly as RFC 2046 has it."""
    mark = b"--" + boundary.encode()
    assert body.startswith(mark), "the body begins with its boundary"
    first, *others = body.removeprefix(mark).split(b"\r\n" + mark)
    assert others, "there is a closing boundary"
    assert others[-1].startswith(b"--"), "the last boundary is the closing one"
    parts = []
    for part in (first, *others[:-1]):
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        lines = (line.partition(":") for line in head.decode().split("\r\n"))
        parts.append(({name.lower(): value.strip() for name, _, value in lines}, content))
    return parts


def _package_problems(
    content_type: str, parts: list[tuple[dict[str, str], bytes]]
) -> Iterator[str]:
    for name, expected in (
        ("type", "application/xop+xml"),
        ("start-info", "application/soap+xml"),
        ("start", parts[0][0].get("content-id", "") if parts else ""),
    ):
        if (found := parameter(content_type, name)) != expected or not found:
            yield f"{name} is '{found}', '{expected}' is expected"
    root = parts[0][0] if parts else {}
    expected = 'application/xop+xml; charset=UTF-8; type="application/soap+xml"'
    if root.get("content-type") != expected:
        yield f"the root part's Content-Type is '{root.get('content-type')}'"
    for headers, _content in parts:
        if not re.fullmatch(r"<[^<>\s@]+@[^<>\s@]+>", headers.get("content-id", "")):
            yield f"a part's Content-ID is '{headers.get('content-id')}'"
        if headers.get("content-transfer-encoding") != "binary":
            yield "a part is not binary"


def _include_problems(body: _Element, parts: list[tuple[dict[str, str], bytes]]) -> Iterator[str]:
    hrefs = sorted(str(each.get("href")) for each in body.iter(f"{{{XOP}}}Include"))
    ids = sorted(f"cid:{headers['content-id'][1:-1]}" for headers, _ in parts[1:])
    if hrefs != ids:
        yield f"references {hrefs} are not to the parts {ids}"
    for include in body.iter(f"{{{XOP}}}Include"):
        holder = include.getparent()
        assert holder is not None
        if len(holder) != 1 or holder.text or include.tail:
            yield "xop:Include is not alone in its element"


# --- SOAP ----------------------------------------------------------------------------------------


def _envelope_problems(envelope: _Element) -> Iterator[str]:
    if envelope.getroottree().docinfo.internalDTD is not None:
        yield "a document type declaration"
    if envelope.xpath("//processing-instruction()"):
        yield "a processing instruction"
    if envelope.tag != f"{{{SOAP}}}Envelope":
        yield f"the root is {envelope.tag!s}"
    parts = [f"{{{SOAP}}}Header", f"{{{SOAP}}}Body"]
    if [child.tag for child in envelope] != parts:
        yield f"the envelope holds {[child.tag for child in envelope]}"
        return
    header, body = envelope
    for element in (envelope, header, body):
        if "".join([element.text or "", *(child.tail or "" for child in element)]).strip():
            yield f"text in {element.tag!s}"
    if len(body) != 1:
        yield f"the body holds {len(body)} elements"
    for block in header:
        if not str(block.tag).startswith("{"):
            yield f"header {block.tag!s} has no namespace"
        if block.get(f"{{{SOAP}}}mustUnderstand", "0") not in {"0", "1", "true", "false"}:
            yield f"mustUnderstand of {block.tag!s}"
    yield from _addressing_problems(header)


def _addressing_problems(header: _Element) -> Iterator[str]:
    actions = header.findall(f"{{{WSA}}}Action")
    if len(actions) != 1 or actions[0].get(f"{{{SOAP}}}mustUnderstand") not in {"1", "true"}:
        yield "exactly one wsa:Action that must be understood is expected"
    for name in ("MessageID", "To", "ReplyTo", "FaultTo", "RelatesTo"):
        if len(header.findall(f"{{{WSA}}}{name}")) > 1:
            yield f"wsa:{name} more than once"
    for block in header:
        if not "".join(block.itertext()).strip() and not block.attrib and not len(block):
            yield f"{block.tag!s} is empty"


def _fault_problems(
    envelope: _Element,
    fault: _Element,
    action: str,
    status: int | None,
    headers: Mapping[str, str],
) -> Iterator[str]:
    names = [etree.QName(child).localname for child in fault]
    if not re.fullmatch("Code Reason( Node)?( Role)?( Detail)?", " ".join(names)):
        yield f"a fault of {names}"
        return
    code, *subcodes = list(_codes(fault[0]))
    namespace, _, name = code.removeprefix("{").partition("}")
    if namespace != SOAP or name not in _FAULT_CODES:
        yield f"{code} is no fault code"
        return
    low, high = _FAULT_CODES[name]
    if status is not None and not low <= status <= high:
        yield f"a {name} fault comes with HTTP status {status}"
    if status == 503 and not headers.get("retry-after", "").isdecimal():
        yield "503 without Retry-After"
    texts = fault[1].findall(f"{{{SOAP}}}Text")
    if not texts or len(texts) != len(fault[1]):
        yield "a reason holds 1..* texts"
    if any(not text.get(f"{{{_XML}}}lang") or not (text.text or "").strip() for text in texts):
        yield "a reason's text without language, or empty"
    trace_id = headers.get("x-trace-id", "")
    if not all(trace_id in (text.text or "") for text in texts):
        yield "a reason without the trace id"
    if trace_id not in "".join(map(str, fault.xpath("*[local-name() = 'Detail']//text()"))):
        yield "a detail without the trace id"
    is_wsa = any(subcode.startswith(f"{{{WSA}}}") for subcode in subcodes)
    if action != _FAULT_ACTIONS[0 if is_wsa else 1]:
        yield f"wsa:Action of the fault is '{action}'"
    yield from _fault_header_problems(envelope[0], name)


def _codes(code: _Element) -> Iterator[str]:
    """Yield the code and its subcodes as Clark names, outermost first."""
    value = code.find(f"{{{SOAP}}}Value")
    assert value is not None
    assert code[0] is value, "Value comes first"
    yield qualified(value, value.text or "")
    inner = code.find(f"{{{SOAP}}}Subcode")
    assert [child.tag for child in code][1:] == ([] if inner is None else [inner.tag])
    if inner is not None:
        yield from _codes(inner)


def qualified(element: _Element, text: str) -> str:
    """Return the Clark name that a QName means where it stands."""
    prefix, colon, name = text.strip().rpartition(":")
    namespace = element.nsmap.get(prefix or None)
    assert namespace or not colon, f"prefix {prefix} is declared"
    return f"{{{namespace}}}{name}" if namespace else name


def _fault_header_problems(header: _Element, name: str) -> Iterator[str]:
    upgrades = header.findall(f"{{{SOAP}}}Upgrade/{{{SOAP}}}SupportedEnvelope")
    if name == "VersionMismatch":
        supported = [qualified(each, each.get("qname", "")) for each in upgrades]
        if supported != [f"{{{SOAP}}}Envelope"]:
            yield f"Upgrade names {supported}"
    elif upgrades:
        yield "an Upgrade without VersionMismatch"
    misunderstood = header.findall(f"{{{SOAP}}}NotUnderstood")
    if (name == "MustUnderstand") != bool(misunderstood):
        yield "NotUnderstood goes with MustUnderstand"
    for each in misunderstood:
        qualified(each, each.get("qname", ""))
