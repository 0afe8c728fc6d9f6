"""Documents inside messages: from the message's own parts, or inline, and from nowhere else."""

import base64
from urllib.parse import quote

import pytest

from ihe import xml
from ihe.ebxml import namespaces as ns
from ihe.ebxml.requests import read_provide_and_register, write_provide_and_register
from ihe.ebxml.responses import read_retrieve_response
from ihe.errors import FaultCode, SoapFault
from ihe.messages import CHUNK, Content, Parts, ProvideAndRegisterRequest
from tests import samples
from tests.samples import Bytes

PART = Bytes(b"the part")
INCLUDE = '<xop:Include href="cid:a@b"/>'


def read(*documents: str, parts: Parts | None = None) -> ProvideAndRegisterRequest:
    """Read a request with these contents of xds:Document, in their order."""
    written = b"".join(
        write_provide_and_register(ProvideAndRegisterRequest(samples.submission())).xml
    )
    end = b"</xds:ProvideAndRegisterDocumentSetRequest>"
    inside = "".join(f'<xds:Document id="d">{each}</xds:Document>' for each in documents)
    whole = written.replace(end, inside.encode() + end)
    return read_provide_and_register(xml.parse(whole), {"a@b": PART} if parts is None else parts)


def bytes_of(content: Content) -> bytes:
    return b"".join(content.chunks())


@pytest.mark.parametrize(
    "inside",
    [
        INCLUDE,
        f"\n    {INCLUDE}\n  ",
        '<xop:Include href=" cid:a@b "/>',
        '<xop:Include href="cid:a%40b"/>',
        '<xop:Include href="cid:&lt;a@b&gt;"/>',
        '<xop:Include href="CID:a@b"/>',
        "<xop:Include href='cid:a@b'> </xop:Include>",
        f"<!-- made by a gateway -->{INCLUDE}",
        f"<wrapped>{INCLUDE}</wrapped>",
    ],
)
def test_a_reference_is_followed_however_senders_write_it(inside: str) -> None:
    (document,) = read(inside).documents
    assert document.content is PART


@pytest.mark.parametrize(
    "content_id", ["0.urn:uuid:1@apache.org", "http://tempuri.org/1/63", "a+b@c", "100%@x", "æ@ø"]
)
def test_content_ids_of_any_shape_are_found(content_id: str) -> None:
    for href in (quote(content_id), quote(content_id, safe="")):
        (document,) = read(f'<xop:Include href="cid:{href}"/>', parts={content_id: PART}).documents
        assert document.content is PART


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ('<xop:Include href="http://localhost/a"/>', "'http://localhost/a'; only cid:"),
        ('<xop:Include href="file:///etc/passwd"/>', "'file:///etc/passwd'; only cid:"),
        ('<xop:Include href="ftp://a/b"/>', "'ftp://a/b'; only cid:"),
        ('<xop:Include href="a@b"/>', "'a@b'; only cid:"),
        ("<xop:Include/>", "''; only cid:"),
        ('<xop:Include href="cid:c@d"/>', "'cid:c@d', and no part"),
        ('<xop:Include href="cid:"/>', "'cid:', and no part"),
        (INCLUDE + INCLUDE, "one xop:Include and no text"),
        (f"QUJD{INCLUDE}", "one xop:Include and no text"),
        (f"{INCLUDE}QUJD", "one xop:Include and no text"),
        ("<other/>", "Document holds other; base64 text or xop:Include was expected"),
        ("no base64!", "the text of Document is not base64"),
        ("QUJ", "the text of Document is not base64"),
        ("Ærlig", "the text of Document is not base64"),
    ],
)
def test_anything_else_is_a_fault_that_names_it(inside: str, said: str) -> None:
    with pytest.raises(SoapFault) as fault:
        read(inside)
    assert fault.value.code is FaultCode.SENDER
    assert said in fault.value.reason


def test_a_part_belongs_to_one_document() -> None:
    with pytest.raises(SoapFault, match="two documents refer to 'cid:a%40b'"):
        read(INCLUDE, '<xop:Include href="cid:a%40b"/>')


def test_inline_and_attached_documents_may_be_mixed() -> None:
    inline = b"\x00\xff" * 100
    wrapped = base64.encodebytes(inline).decode()  # in lines, as many senders write it
    request = read(f"\n{wrapped}\n", INCLUDE, "")
    first, second, empty = (each.content for each in request.documents)
    assert bytes_of(first) == inline
    assert first.size == len(inline)
    assert second is PART
    assert (bytes_of(empty), empty.size) == (b"", 0)


def test_an_inline_document_comes_in_chunks_from_the_start_at_every_call() -> None:
    data = bytes(range(256)) * (CHUNK // 128)
    (document,) = read(base64.b64encode(data).decode()).documents
    for _ in range(2):
        chunks = list(document.content.chunks())
        assert [len(each) for each in chunks] == [CHUNK, CHUNK]
        assert b"".join(chunks) == data


def test_an_answer_with_one_part_for_two_documents_is_refused_too() -> None:
    one = (
        "<xds:DocumentResponse><xds:RepositoryUniqueId>1.2</xds:RepositoryUniqueId>"
        "<xds:DocumentUniqueId>3.4</xds:DocumentUniqueId><xds:mimeType>text/plain</xds:mimeType>"
        f"<xds:Document>{INCLUDE}</xds:Document></xds:DocumentResponse>"
    )
    outcome = "<rs:RegistryResponse status='Success'/>"
    head = f"<xds:RetrieveDocumentSetResponse {ns.XDS_PREFIX} {ns.RS_PREFIX} {ns.XOP_PREFIX}>"
    whole = f"{head}{outcome}{one}{{}}</xds:RetrieveDocumentSetResponse>"
    (found,) = read_retrieve_response(xml.parse(whole.format("").encode()), {"a@b": PART}).documents
    assert found.content is PART
    with pytest.raises(SoapFault, match="a part of its own"):
        read_retrieve_response(xml.parse(whole.format(one).encode()), {"a@b": PART})
