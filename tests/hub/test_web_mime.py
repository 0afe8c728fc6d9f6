"""MTOM packages that are broken, too large, or not what they say: nothing of them stays."""

import base64
import zlib

import pytest

from ihe.transactions import ITI_18, ITI_41, ITI_42, ITI_43
from tests.hub.posting import (
    SOAP_TYPE,
    Answer,
    envelope,
    gzipped,
    multipart,
    post,
    provide,
    request,
    request_body,
)
from tests.running import Running

DOCUMENT = b"Epikrise. Danser, Line, 13916900216\r\n"
ROOT = request(ITI_41)
HREF = b"cid:document-1@felles"
XOP = "http://www.w3.org/2004/08/xop/include"


def sent(hub: Running, content_type: str, body: bytes, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return post(hub.repository, body, content_type, headers=named)


def refused(hub: Running, content_type: str, body: bytes, **headers: str) -> Answer:
    answer = sent(hub, content_type, body, **headers)
    assert answer.is_fault
    assert answer.codes[0] == "Sender"
    assert answer.trace_id in answer.reason
    return answer


# --- parts and references ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (("document-2@felles", DOCUMENT),),
        (("", DOCUMENT),),
        (("root@test/document-1@felles", DOCUMENT),),
    ],
    ids=["no part", "another id", "no id", "an id around it"],
)
def test_a_reference_without_its_part_is_refused(
    parts: tuple[tuple[str, bytes], ...], unharmed: Running
) -> None:
    answer = refused(unharmed, *multipart(ROOT, *parts))
    assert f"refers to '{HREF.decode()}', and no part has that Content-ID" in answer.reason


def test_two_parts_of_one_id_are_refused(unharmed: Running) -> None:
    part = ("document-1@felles", DOCUMENT)
    answer = refused(unharmed, *multipart(ROOT, part, part))
    assert "two parts have the Content-ID 'document-1@felles'" in answer.reason


@pytest.mark.parametrize("content_id", ["document-2@felles", ""])
def test_a_part_that_no_document_refers_to_is_a_document_without_metadata(
    content_id: str, unharmed: Running
) -> None:
    parts = (("document-1@felles", DOCUMENT), (content_id, DOCUMENT))
    answer = sent(unharmed, *multipart(ROOT, *parts))
    assert (answer.registry_status, answer.errors) == ("Failure", ["XDSMissingDocumentMetadata"])
    assert f"the part '{content_id}' is referred to by no xds:Document" in answer.contexts
    assert answer.trace_id in answer.contexts


@pytest.mark.parametrize(
    "href",
    [
        "http://127.0.0.1:9/document",
        "file:///etc/hostname",
        "/etc/hostname",
        "",
        "cid:root@test",
        "CID:document-2@felles",
    ],
)
def test_a_reference_is_followed_to_a_part_and_nowhere_else(href: str, unharmed: Running) -> None:
    root = ROOT.replace(HREF, href.encode())
    answer = refused(unharmed, *multipart(root, ("document-1@felles", DOCUMENT)))
    assert f"'{href}'" in answer.reason


def test_a_document_that_holds_something_else_is_refused(unharmed: Running) -> None:
    include = f'<xop:Include href="{HREF.decode()}"/>'.encode()
    assert include in ROOT
    for instead, reason in (
        (b"not base64: Danser", "is not base64"),
        (b"<b>bold</b>", "base64 text or xop:Include was expected"),
        (include + include, "expected to hold one xop:Include"),
        (b"QUJD" + include, "expected to hold one xop:Include"),
    ):
        root = ROOT.replace(include, instead)
        assert reason in refused(unharmed, *multipart(root, ("x@y", b""))).reason


def test_documents_are_not_taken_where_none_belong(unharmed: Running) -> None:
    for url in (unharmed.registry, unharmed.gateway, unharmed.initiating):
        content_type, body = multipart(request(ITI_42), ("document-1@felles", DOCUMENT))
        answer = post(url, body, content_type)
        assert answer.codes == ["Sender"]
        assert "carries a document, and none is expected here" in answer.reason


# --- the package ---------------------------------------------------------------------------------


def test_a_package_without_its_boundary_is_refused(unharmed: Running) -> None:
    content_type, body = provide(DOCUMENT)
    without = content_type.partition("; boundary")[0]
    assert "names no boundary" in refused(unharmed, without, body).reason


def test_a_package_with_another_boundary_is_refused(unharmed: Running) -> None:
    content_type, body = provide(DOCUMENT)
    other = content_type.replace("felles-test", "another")
    assert "boundary" in refused(unharmed, other, body).reason


def test_a_package_without_its_root_is_refused(unharmed: Running) -> None:
    content_type, body = multipart(ROOT, ("document-1@felles", DOCUMENT), start="other@test")
    answer = refused(unharmed, content_type, body)
    assert "no part has the Content-ID 'other@test' that `start` names" in answer.reason


@pytest.mark.parametrize("left", [0.2, 0.5, 0.9, 0.999])
def test_a_package_that_is_cut_off_is_refused(left: float, unharmed: Running) -> None:
    content_type, body = provide(DOCUMENT * 1000)
    answer = refused(unharmed, content_type, body[: int(len(body) * left)])
    assert answer.status == 400
    assert "the MIME message cannot be read" in answer.reason


def test_a_part_in_an_unknown_encoding_is_refused(unharmed: Running) -> None:
    content_type, body = provide(DOCUMENT)
    body = body.replace(
        b"application/octet-stream\r\n",
        b"application/octet-stream\r\nContent-Transfer-Encoding: uuencode\r\n",
    )
    answer = refused(unharmed, content_type, body)
    assert "Content-Transfer-Encoding 'uuencode'" in answer.reason


def test_headers_of_a_part_have_an_end(unharmed: Running) -> None:
    content_type, body = provide(DOCUMENT)
    long = b"X-Long: " + b"x" * 40_000 + b"\r\n"
    body = body.replace(b"Content-Type: application/octet-stream", long + b"Content-Type: x/y")
    assert "headers of part 2 are longer" in refused(unharmed, content_type, body).reason


def test_parts_have_an_end(unharmed: Running) -> None:
    many = [(f"part-{number}@felles", b"") for number in range(10_001)]
    assert "more than 10000 parts" in refused(unharmed, *multipart(ROOT, *many)).reason


# --- sizes ---------------------------------------------------------------------------------------


def test_an_envelope_that_is_too_large_is_refused(unharmed: Running) -> None:
    root = ROOT.replace(b"<s:Body>", b"<s:Body>" + b" " * 2 * 1024**2)
    answer = refused(unharmed, *multipart(root, ("document-1@felles", DOCUMENT)))
    assert answer.status == 413
    assert "the envelope is larger than 2097152 octets" in answer.reason


def test_a_message_that_is_too_large_is_refused_by_what_it_says(unharmed: Running) -> None:
    answer = refused(unharmed, *provide(b"x" * 5 * 1024**2))
    assert answer.status == 413
    assert "at most 4194304" in answer.reason


def test_a_message_that_does_not_say_how_large_it_is_is_refused_on_the_way(
    unharmed: Running,
) -> None:
    content_type, body = provide(b"x" * 5 * 1024**2)
    chunks = (body[start : start + 100_000] for start in range(0, len(body), 100_000))
    answer = post(unharmed.repository, chunks, content_type)  # in chunks, without a length
    assert answer.status == 413
    assert "larger than 4194304 octets" in answer.reason


def test_a_document_inside_the_envelope_may_be_larger_than_an_envelope(
    unharmed: Running,
) -> None:
    include = f'<xop:Include href="{HREF.decode()}"/>'.encode()
    inline = ROOT.replace(include, base64.b64encode(b"x" * 2_500_000)).replace(
        b"2.25.2000",
        b"Danser",  # a uniqueId that no registry takes of a SubmissionSet
    )
    answer = sent(unharmed, SOAP_TYPE, inline)
    assert (answer.registry_status, set(answer.errors)) == ("Failure", {"XDSRegistryMetadataError"})


# --- compression ---------------------------------------------------------------------------------


def test_a_compressed_message_is_unpacked(unharmed: Running) -> None:
    for coding, packed in (
        ("gzip", gzipped(request(ITI_43))),
        ("deflate", zlib.compress(request(ITI_43))),
        ("identity", request(ITI_43)),
    ):
        answer = sent(unharmed, SOAP_TYPE, packed, Content_Encoding=coding)
        assert answer.errors == ["XDSUnknownRepositoryId"], coding


@pytest.mark.parametrize("inside", ["envelope", "document"])
def test_a_compressed_bomb_is_refused_before_it_goes_off(inside: str, unharmed: Running) -> None:
    if inside == "envelope":
        content_type, body = SOAP_TYPE, envelope(ITI_18.action, b"<x>" + b" " * 50_000_000)
    else:
        content_type, body = provide(b"\0" * 50_000_000)
    answer = refused(unharmed, content_type, gzipped(body), Content_Encoding="gzip")
    assert answer.status == 413
    assert "than" in answer.reason


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
def test_another_compression_is_told_to_be_unknown(coding: str, unharmed: Running) -> None:
    answer = refused(unharmed, SOAP_TYPE, request(ITI_43), Content_Encoding=coding)
    assert answer.status == 415
    assert coding in answer.reason


def test_a_compressed_message_is_whole_or_refused(unharmed: Running) -> None:
    packed = gzipped(request(ITI_43))
    for wrong, reason in (
        (packed[:-10], "the compressed body is cut off"),
        (b"", "the compressed body is cut off"),
        (packed + b"more", "more octets follow the end"),
        (packed + packed, "more octets follow the end"),
        (b"Danser" + packed, "cannot be unpacked"),
    ):
        answer = refused(unharmed, SOAP_TYPE, wrong, Content_Encoding="gzip")
        assert reason in answer.reason


# --- what a message may come as ------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "13916900216",
    ],
)
def test_another_content_type_is_told_what_is_expected(
    content_type: str | None, unharmed: Running
) -> None:
    answer = post(unharmed.repository, request(ITI_43), content_type)
    assert (answer.status, answer.codes) == (415, ["Sender"])
    assert "application/soap+xml or multipart/related was expected" in answer.reason


@pytest.mark.parametrize(
    "content_type", ["application/soap+xml", 'APPLICATION/SOAP+XML;action="x"', "text/xml"]
)
def test_careless_content_types_are_taken(content_type: str, unharmed: Running) -> None:
    answer = post(unharmed.repository, request(ITI_43), content_type)
    assert answer.errors == ["XDSUnknownRepositoryId"]


def test_an_mtom_transaction_may_come_as_plain_soap_and_back(unharmed: Running) -> None:
    answer = post(unharmed.repository, envelope(ITI_43.action, request_body(ITI_43)))
    assert answer.headers["content-type"].startswith("multipart/related")
