import base64
from collections.abc import Iterator
from itertools import chain, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihe import xml
from ihe.errors import SoapFault
from ihe.messages import Attachment
from ihe.soap.inline import THRESHOLD
from ihe.soap.mtom import (
    AttachmentBegins,
    AttachmentData,
    AttachmentEnds,
    Package,
    PackageReader,
    RootData,
    RootEnds,
)
from ihe.vocabulary import XDS, XOP
from tests.hub.posting import provide
from tests.samples import Bytes


def read(
    content_type: str, body: bytes, size: int = 1 << 20, *, cut_inline: bool = False
) -> tuple[bytes, dict[str, bytes]]:
    """Return the envelope and the attachments of a message that comes in pieces of `size`."""
    reader = PackageReader(content_type, cut_inline=cut_inline)
    root: list[bytes] = []
    parts: dict[str, bytes] = {}
    current = ""
    ended = False

    def events() -> Iterator[object]:
        for position in range(0, len(body), size):
            yield from reader.feed(body[position : position + size])
        yield from reader.close()

    for event in events():
        match event:
            case RootData(data):
                assert not ended
                root.append(data)
            case RootEnds():
                ended = True
            case AttachmentBegins(content_id):
                current = content_id
                parts[current] = b""
            case AttachmentData(data):
                parts[current] += data
            case AttachmentEnds():
                current = ""
    assert ended
    assert not current
    return b"".join(root), parts


def package(*documents: bytes, root: bytes = b"<a/>") -> tuple[str, bytes]:
    attachments = [
        Attachment(f"document-{n}@felles", "text/plain", Bytes(each))
        for n, each in enumerate(documents, 1)
    ]
    whole = Package(boundary="b_0123", root=(root,), attachments=attachments)
    body = whole.head
    for attachment in whole.attachments:
        body += whole.part_head(attachment) + b"".join(attachment.content.chunks())
    body += whole.tail
    assert whole.content_length == len(body)
    return whole.content_type, body


@settings(deadline=None)
@given(st.lists(st.binary(max_size=100), max_size=4), st.integers(1, 50))
def test_what_is_packaged_comes_back(documents: list[bytes], size: int) -> None:
    content_type, body = package(*documents)
    root, parts = read(content_type, body, size)
    assert root == b"<a/>"
    assert list(parts.values()) == documents


def test_a_message_without_mime_is_all_envelope() -> None:
    assert read("application/soap+xml; charset=UTF-8", b"<a/>") == (b"<a/>", {})


Sent = tuple[str, bytes, dict[str, bytes]]
AXIS2: Sent = (
    'multipart/related; boundary="MIMEBoundary_1"; type="application/xop+xml"; '
    'start="<0.urn:uuid:F@apache.org>"; start-info="application/soap+xml"; action="urn:x"',
    b"\r\n--MIMEBoundary_1\r\nContent-Type: application/xop+xml; charset=UTF-8\r\n"
    b"Content-Transfer-Encoding: binary\r\nContent-ID: <0.urn:uuid:F@apache.org>\r\n\r\n<a/>\r\n"
    b"--MIMEBoundary_1\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n"
    b"Content-ID: <1.urn:uuid:G@apache.org>\r\n\r\nletter\r\n--MIMEBoundary_1--\r\n",
    {"1.urn:uuid:G@apache.org": b"letter"},
)
CXF: Sent = (
    'multipart/related; type="application/xop+xml"; boundary="uuid:1"; '
    'start="<root.message@cxf.apache.org>"; '
    r'start-info="application/soap+xml; action=\"urn:x\""',
    b"\r\n--uuid:1\r\nContent-Type: application/xop+xml; charset=UTF-8; "
    b'type="application/soap+xml";'
    b"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <root.message@cxf.apache.org>\r\n\r\n"
    b"<a/>\r\n--uuid:1\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n"
    b"Content-ID: <3-4@urn%3Aihe%3Aiti%3Axds-b%3A2007>\r\n\r\nletter\r\n--uuid:1--",
    {"3-4@urn:ihe:iti:xds-b:2007": b"letter"},
)
WCF: Sent = (
    'multipart/related;type="application/xop+xml";start="<http://tempuri.org/0>";'
    'boundary="uuid:9+id=5";start-info="application/soap+xml"',
    b"\r\n--uuid:9+id=5\r\nContent-ID: <http://tempuri.org/0>\r\n"
    b"Content-Transfer-Encoding: 8bit\r\nContent-Type: application/xop+xml\r\n\r\n<a/>"
    b"\r\n--uuid:9+id=5--\r\n",
    {},
)
METRIPORT: Sent = (
    'multipart/related; boundary="MIMEBoundary"; start="<doc0@metriport.com>"; '
    'type="application/xop+xml"',
    b"--MIMEBoundary\r\nContent-Type: application/xop+xml\r\nContent-Transfer-Encoding: 8bit\r\n"
    b"Content-ID: <doc0@metriport.com>\r\n\r\n<a/>\r\n--MIMEBoundary--",
    {},
)
NO_BRACKETS: Sent = (
    'multipart/related; boundary=b; start="root@x"',
    b"--b\r\nContent-ID: <other@x>\r\n\r\nfirst\r\n"
    b"--b\r\nContent-ID: <root@x>\r\n\r\n<a/>\r\n--b--",
    {"other@x": b"first"},
)
NO_START: Sent = ("multipart/related; boundary=b", b"--b\r\n\r\n<a/>\r\n--b--", {})


@pytest.mark.parametrize(
    ("content_type", "body", "parts"),
    [AXIS2, CXF, WCF, METRIPORT, NO_BRACKETS, NO_START],
    ids=["Axis2", "CXF", "WCF", "metriport", "no brackets, root last", "no start"],
)
def test_real_senders_are_understood(
    content_type: str, body: bytes, parts: dict[str, bytes]
) -> None:
    assert read(content_type, body) == (b"<a/>", parts)


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        ("multipart/related", b"--b\r\n\r\n--b--", "names no boundary"),
        ('multipart/related; boundary=b; start="<r@x>"', b"--b\r\n\r\nx\r\n--b--", "no part has"),
        (
            "multipart/related; boundary=b",
            b"--b\r\nContent-ID: <a@x>\r\n\r\n1\r\n--b\r\nContent-ID: <%61@x>\r\n\r\n2\r\n--b--",
            "two parts have",
        ),
    ],
)
def test_a_package_that_is_none_is_refused(content_type: str, body: bytes, said: str) -> None:
    with pytest.raises(SoapFault, match=said):
        read(content_type, body)


def test_an_envelope_has_a_limit() -> None:
    reader = PackageReader("application/soap+xml", root_limit=10)
    with pytest.raises(SoapFault, match="larger than 10 octets") as caught:
        list(reader.feed(b"<a>0123456789</a>"))
    assert caught.value.status == 413


# --- documents inside the envelope ---------------------------------------------------------------

PADDING = f"<!-- {'p' * THRESHOLD} -->"


def envelope(*documents: str, prefix: str = "xds:", padding: str = PADDING) -> bytes:
    declared = f'xmlns:{prefix[:-1]}="{XDS}"' if prefix else f'xmlns="{XDS}"'
    listed = "".join(
        f'<{prefix}Document id="a>\'&lt;{n}">{text}</{prefix}Document>'
        for n, text in enumerate(documents)
    )
    return f"<e {declared}>{padding}<{prefix}x/>{listed}<tail>å</tail></e>".encode()


def b64(data: bytes) -> str:
    return base64.encodebytes(data).decode()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=3),
    st.integers(7, 5000),
    st.sampled_from(["xds:", "", "ns3:"]),
)
def test_inline_documents_are_cut_out(documents: list[bytes], size: int, prefix: str) -> None:
    body = envelope(*map(b64, documents), prefix=prefix)
    root, parts = read("application/soap+xml", body, size, cut_inline=True)
    assert list(parts.values()) == documents
    tree = xml.parse(root)
    hrefs = [include.get("href") for include in tree.iter(f"{{{XOP}}}Include")]
    assert hrefs == [f"cid:{content_id}" for content_id in parts]
    assert tree.findtext("{*}tail") == "å"


def test_a_large_inline_document_is_cut_out_piece_by_piece() -> None:
    document = bytes(range(256)) * 8192
    root, parts = read("application/soap+xml", envelope(b64(document)), 65536, cut_inline=True)
    assert list(parts.values()) == [document]
    assert len(root) < THRESHOLD + 1000


def test_what_holds_no_inline_document_passes_as_it_came() -> None:
    include = f'\n <xop:Include xmlns:xop="{XOP}" href="cid:1@x"/>\n'
    for body in (
        envelope(include, "", "  \n "),
        envelope(b64(b"small"), padding=""),
        "<a>ø</a>".encode() * 3,
    ):
        assert read("application/soap+xml", body, 1000, cut_inline=True) == (body, {})


def test_cdata_and_character_references_are_base64_too() -> None:
    body = envelope(f"<![CDATA[{b64(b'one')}]]>&#10;", b64(b"two").replace("t", "&#116;"))
    _root, parts = read("application/soap+xml", body, 999, cut_inline=True)
    assert list(parts.values()) == [b"one", b"two"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("####", "not base64"),
        ("QUJ", "not base64"),
        ("QQ==QQ==", "not base64"),
        ("æøå", "not base64"),
        ("QUJD<x/>", "stands among the base64 text"),
        ("QUJD</xds:Document><xds:Document>", None),
        ("&undefined;", "not well-formed"),
    ],
)
def test_bad_inline_documents_are_refused(text: str, said: str | None) -> None:
    body = envelope(text)
    if said is None:
        read("application/soap+xml", body, cut_inline=True)
        return
    with pytest.raises(SoapFault, match=said):
        read("application/soap+xml", body, cut_inline=True)


def test_a_document_type_declaration_is_refused_while_it_streams() -> None:
    body = b'<!DOCTYPE a [<!ENTITY x "y">]>' + envelope(b64(b"x"))
    with pytest.raises(SoapFault, match="document type declaration"):
        read("application/soap+xml", body, 100, cut_inline=True)


def hostile(start: bytes, more: bytes, *, size: int = 4096) -> SoapFault:
    """Return the fault for an envelope that begins like one with documents and never ends."""
    reader = PackageReader("application/soap+xml", cut_inline=True)
    opening = f'<e xmlns="{XDS}">{PADDING}'.encode()
    pieces = chain((opening + start,), repeat(more * (size // len(more)), (64 << 20) // size))
    with pytest.raises(SoapFault) as caught:
        list(chain.from_iterable(map(reader.feed, pieces)))
    return caught.value


@pytest.mark.parametrize(
    ("start", "more", "said"),
    [
        (b'<b c="', b"x", "longer than 1048576 octets"),
        (b"<b ", b"c='' ", "longer than 1048576 octets"),
        (b"<!--", b"x", "longer than 1048576 octets"),
        (b"<", b"x", "longer than 1048576 octets"),
        (b"<Document>", b" ", "longer than 1048576 octets"),
        (b"", b"<b>", "nested deeper than 256"),
        (b"<Document>", b"<b>", "nested deeper than 256"),
        (b"", b"<b/>", "more than 150000 elements"),
        (b"", b"<Document>QUJD</Document>", "more than 10000 documents"),
        (b"", b"x", "larger than 16777216 octets"),
    ],
)
def test_an_envelope_without_end_is_refused(start: bytes, more: bytes, said: str) -> None:
    assert said in hostile(start, more).reason


def test_what_does_not_name_the_namespace_is_not_tokenised_but_limited() -> None:
    reader = PackageReader("application/soap+xml", root_limit=1 << 20, cut_inline=True)
    early = b"<a>" + PADDING.encode()
    late = f'<Document xmlns="{XDS}">QUJD'.encode()
    assert list(reader.feed(early)) == [RootData(early)]
    assert list(reader.feed(late)) == [RootData(late)]
    with pytest.raises(SoapFault, match="larger than 1048576 octets"):
        list(reader.feed(b"QUJD" * (1 << 18)))


def test_a_utf_16_envelope_passes_to_the_parser_as_it_came() -> None:
    body = envelope(b64(b"one")).decode().encode("utf-16")
    assert read("application/soap+xml", body, 1000, cut_inline=True) == (body, {})


def test_inline_documents_and_attachments_come_together() -> None:
    content_type, body = package(b"beside", root=envelope(b64(b"inside")))
    root, parts = read(content_type, body, 1000, cut_inline=True)
    assert parts == {"inline-1@felles": b"inside", "document-1@felles": b"beside"}
    assert b"inside" not in root


def test_a_package_may_not_claim_the_ids_of_inline_documents() -> None:
    for documents_first in (False, True):
        parts = [
            b"Content-ID: <r@x>\r\n\r\n" + envelope(b64(b"inside")),
            b"Content-ID: <inline-1@felles>\r\n\r\nbeside",
        ]
        if documents_first:
            parts.reverse()
        body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--"
        content_type = 'multipart/related; boundary=b; start="<r@x>"'
        with pytest.raises(SoapFault, match="two parts have"):
            read(content_type, body, 1000, cut_inline=True)


def test_a_thousand_documents_fit_in_one_message() -> None:
    content_type, body = provide(*[b"letter"] * 1_000)
    root, parts = read(content_type, body, 65536, cut_inline=True)
    assert len(parts) == 1_000
    assert len(list(xml.parse(root).iter(f"{{{XDS}}}Document"))) == 1_000
