"""Documents through the gateway from communities that mean well, and from some that do not."""

import base64
import gzip
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hub.client import Retrieval
from ihe.datatypes import OID, Identifier, MimeType
from ihe.errors import ErrorCode, registry_error
from ihe.messages import (
    DocumentRequest,
    DocumentResponse,
    RetrieveDocumentSetRequest,
    RetrieveDocumentSetResponse,
    status_of,
)
from ihe.transactions import ITI_39, ITI_43
from ihe.vocabulary import ResponseStatus
from tests import samples
from tests.gateway import rude
from tests.gateway.rude import MTOM_TYPE, Behaviour, Exchange, envelope, http, retrieved
from tests.gateway.scene import OWN_ID, alone, home_of, scene

pytestmark = pytest.mark.system
CONTENTS = {"1": b"first\r\n", "2": b"", "3": b"--rude is not the boundary\r\n--rud"}


def request(name: str, unique_id: str) -> DocumentRequest:
    return DocumentRequest(samples.REPOSITORY, Identifier(unique_id), home_of(name))


def response_to(wanted: Sequence[DocumentRequest]) -> RetrieveDocumentSetResponse:
    """Return what a community answers that has `CONTENTS` and nothing else."""
    documents = tuple(
        DocumentResponse(
            each, MimeType("text/plain"), samples.Bytes(CONTENTS[each.document_unique_id])
        )
        for each in wanted
        if each.document_unique_id in CONTENTS
    )
    errors = tuple(
        registry_error(ErrorCode.DOCUMENT_UNIQUE_ID, "not here", f"there {each.document_unique_id}")
        for each in wanted
        if each.document_unique_id not in CONTENTS
    )
    return RetrieveDocumentSetResponse(status_of(errors, found=bool(documents)), errors, documents)


def good(exchange: Exchange) -> None:
    response = response_to(exchange.request(ITI_39).documents)
    exchange.send(http(retrieved(exchange, response), MTOM_TYPE))


def answers_with(**changes: object) -> Behaviour:
    """Answer like a good community but for the changes."""

    def behave(exchange: Exchange) -> None:
        response = response_to(exchange.request(ITI_39).documents)
        exchange.send(http(retrieved(exchange, replace(response, **changes)), MTOM_TYPE))  # type: ignore[arg-type]  # fields by name

    return behave


def get(folder: Path, behave: Behaviour, *unique_ids: str) -> Retrieval:
    """Retrieve documents of one community through a gateway."""
    with rude.rude(behave) as other, alone(folder, others={"other": other.url}) as one:
        wanted = [request("other", each) for each in unique_ids]
        into = folder / "into"
        into.mkdir()
        return one.client.retrieve(wanted, into=into)


def read(retrieval: Retrieval) -> dict[str, bytes]:
    return {each.request.document_unique_id: each.path.read_bytes() for each in retrieval.documents}


# --- several communities -------------------------------------------------------------------------


SILENT: dict[str, Behaviour] = {
    "reset": rude.reset,
    "hang up": rude.hang_up,
    "html": rude.html_500,
    "fault": rude.fault,
    "empty": rude.empty,
    "malformed": rude.malformed,
    "hang": rude.hang,
    "drip": rude.drip,
    "cut off": lambda e: e.send(http(retrieved(e, response_to([]))[:-90], MTOM_TYPE, length=9999)),
    "no boundary": lambda e: e.send(http(b"--rude", "multipart/related")),
    "no root": lambda e: e.send(http(rude.ENDING, MTOM_TYPE)),
    "another response": lambda e: e.send(http(rude.found(e))),
}


def test_each_silent_community_gives_one_error_however_many_documents_it_has(
    tmp_path: Path,
) -> None:
    others: dict[str, Behaviour | str] = {**SILENT, "good": good, "too": good}
    with scene(tmp_path, others, deadlines={"hang": 0.5, "drip": 0.5}) as one:
        own = DocumentRequest(one.own.repository_unique_id, OWN_ID, one.own.home)
        wanted = [request("too", "1"), own, request("good", "3"), request("too", "3")]
        lost = [request(name, number) for name in SILENT for number in ("1", "2")]
        result = one.client.retrieve([*lost, *wanted], into=tmp_path)
    assert result.status == ResponseStatus.PARTIAL_SUCCESS
    assert [each.request for each in result.documents] == wanted
    assert [each.path.read_bytes() for each in result.documents] == [
        CONTENTS["1"],
        b"a letter from home\r\n",
        CONTENTS["3"],
        CONTENTS["3"],
    ]
    assert [(error.code, error.location) for error in result.errors] == [
        (ErrorCode.UNAVAILABLE_COMMUNITY, home_of(name)) for name in SILENT
    ]


def test_a_community_is_asked_once_for_all_its_documents(tmp_path: Path) -> None:
    with rude.rude(good) as other, alone(tmp_path, others={"other": other.url}) as one:
        wanted = [request("other", each) for each in ("3", "1", "3")]
        result = one.client.retrieve(wanted, into=tmp_path)
    assert [each.request for each in result.documents] == wanted[:2]
    (exchange,) = other.asked
    assert list(exchange.request(ITI_39).documents) == wanted[:2]


# --- what one community may answer ---------------------------------------------------------------


def test_errors_of_a_community_are_handed_on_with_their_place(tmp_path: Path) -> None:
    result = get(tmp_path, good, "1", "8", "9")
    assert result.status == ResponseStatus.PARTIAL_SUCCESS
    assert read(result) == {"1": CONTENTS["1"]}
    assert [(error.code, error.location, error.context[:8]) for error in result.errors] == [
        (ErrorCode.DOCUMENT_UNIQUE_ID, "there 8", "not here"),
        (ErrorCode.DOCUMENT_UNIQUE_ID, "there 9", "not here"),
    ]


def test_documents_that_an_answer_says_nothing_of_are_told(tmp_path: Path) -> None:
    result = get(tmp_path, answers_with(errors=()), "1", "8", "9")
    assert read(result) == {"1": CONTENTS["1"]}
    assert [(error.code, error.location) for error in result.errors] == [
        (ErrorCode.DOCUMENT_UNIQUE_ID, "8"),
        (ErrorCode.DOCUMENT_UNIQUE_ID, "9"),
    ]
    assert "neither the document nor an error" in result.errors[0].context


def test_an_error_is_for_the_id_that_it_names_and_for_no_part_of_it(tmp_path: Path) -> None:
    errors = (registry_error(ErrorCode.DOCUMENT_UNIQUE_ID, "no 2.25.90, no 2.25.7.", "there"),)
    wanted = ("1", "2.25.9", "2.25.90", "25.90", "2.25.7")
    result = get(tmp_path, answers_with(errors=errors), *wanted)
    assert [error.location for error in result.errors] == ["there", "2.25.9", "25.90"]


@pytest.mark.parametrize("location", ["", home_of("other")], ids=["nowhere", "community"])
def test_one_error_for_the_whole_answer_is_enough(location: str, tmp_path: Path) -> None:
    busy = registry_error(ErrorCode.REPOSITORY_BUSY, "later", location)
    result = get(tmp_path, answers_with(errors=(busy,)), "1", "8", "9")
    assert [(error.code, error.location) for error in result.errors] == [
        (ErrorCode.REPOSITORY_BUSY, home_of("other"))
    ]


def test_what_nobody_asked_for_is_not_handed_on(tmp_path: Path) -> None:
    documents = response_to([request("other", each) for each in ("3", "1", "2", "1")]).documents
    result = get(tmp_path, answers_with(documents=documents), "1")
    assert result.status == ResponseStatus.SUCCESS
    assert read(result) == {"1": CONTENTS["1"]}


def test_a_document_under_another_repository_is_not_the_one(tmp_path: Path) -> None:
    (document,) = response_to([request("other", "1")]).documents
    moved = replace(document, request=replace(document.request, repository_unique_id=OID("2.25.8")))
    result = get(tmp_path, answers_with(documents=(moved,)), "1")
    assert (result.status, result.documents) == (ResponseStatus.FAILURE, ())
    assert [error.location for error in result.errors] == ["1"]


def test_new_ids_of_on_demand_documents_are_handed_on(tmp_path: Path) -> None:
    (document,) = response_to([request("other", "1")]).documents
    made = replace(document, new_document_unique_id=Identifier("2.25.77"))
    with (
        rude.rude(answers_with(documents=(made,))) as other,
        alone(tmp_path, others={"other": other.url}) as one,
    ):
        answer = one.client.send(
            ITI_43, RetrieveDocumentSetRequest((request("other", "1"),)), one.initiating
        )
    assert [each.new_document_unique_id for each in answer.documents] == ["2.25.77"]


# --- how the package may be written --------------------------------------------------------------


def three(exchange: Exchange) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return envelope and parts of an answer with three documents."""
    response = response_to(exchange.request(ITI_39).documents)
    written = ITI_39.write_response(response)
    parts = [(each.content_id, b"".join(each.content.chunks())) for each in written.attachments]
    return envelope(exchange, ITI_39, response), parts


def swapped(exchange: Exchange) -> None:
    root, parts = three(exchange)
    exchange.send(http(rude.multipart(root, parts[::-1]) + rude.ENDING, MTOM_TYPE))


def root_last(exchange: Exchange) -> None:
    root, parts = three(exchange)
    first, *rest = rude.multipart(root, parts).split(b"\r\n--rude\r\n")[1:]
    exchange.send(http(b"\r\n--rude\r\n".join([b"", *rest, first]) + rude.ENDING, MTOM_TYPE))


def loose_parts(exchange: Exchange) -> None:
    root, parts = three(exchange)
    loose = [(f"loose-{number}@rude", b"x" * 1000) for number in range(3)]
    mixed = [part for pair in zip(loose, parts, strict=True) for part in pair]
    exchange.send(http(rude.multipart(root, mixed) + rude.ENDING, MTOM_TYPE))


def packed(exchange: Exchange) -> None:
    body = gzip.compress(rude.multipart(*three(exchange)) + rude.ENDING)
    exchange.send(http(body, MTOM_TYPE, headers={"Content-Encoding": "gzip"}))


def inline(exchange: Exchange) -> None:
    """Answer in simple SOAP, with the documents as base64 in the envelope."""
    root, parts = three(exchange)
    for content_id, content in parts:
        include = f'<xop:Include href="cid:{content_id}"/>'.encode()
        assert include in root
        root = root.replace(include, base64.b64encode(content))
    exchange.send(http(root))


@pytest.mark.parametrize(
    "behave", [swapped, root_last, loose_parts, packed, inline], ids=lambda each: each.__name__
)
def test_a_package_may_be_written_in_many_ways(behave: Behaviour, tmp_path: Path) -> None:
    result = get(tmp_path, behave, "1", "2", "3")
    assert result.status == ResponseStatus.SUCCESS, result.errors
    assert read(result) == CONTENTS


def test_many_documents_out_of_turn_pass_through(tmp_path: Path) -> None:
    """The last comes first, so that all others wait, in memory and in files."""
    numbers = [str(number) for number in range(100)]

    def behave(exchange: Exchange) -> None:
        documents = tuple(
            DocumentResponse(each, MimeType("text/plain"), samples.Bytes(number.encode() * 99))
            for each, number in zip(exchange.request(ITI_39).documents, numbers, strict=True)
        )
        response = RetrieveDocumentSetResponse(ResponseStatus.SUCCESS, (), documents)
        written = ITI_39.write_response(response)
        parts = [(each.content_id, b"".join(each.content.chunks())) for each in written.attachments]
        root = envelope(exchange, ITI_39, response)
        exchange.send(http(rude.multipart(root, parts[::-1]) + rude.ENDING, MTOM_TYPE))

    result = get(tmp_path, behave, *numbers)
    assert read(result) == {number: number.encode() * 99 for number in numbers}


def test_documents_without_number_before_the_envelope_are_not_kept(tmp_path: Path) -> None:
    def behave(exchange: Exchange) -> None:
        part = b"Content-Type: text/plain\r\nContent-ID: <%d@rude>\r\n\r\nx\r\n--rude\r\n"
        parts = b"".join(part % number for number in range(1000))
        exchange.send(http(b"--rude\r\n" + parts, MTOM_TYPE, length=1 << 30))
        exchange.until_gone()

    (error,) = get(tmp_path, behave, "1").errors
    assert (error.code, error.location) == (ErrorCode.TOO_MANY_RESULTS, home_of("other"))
    assert "documents came out of turn" in error.context


def test_a_large_inline_document_passes_through(tmp_path: Path) -> None:
    large = bytes(range(256)) * 8192

    def behave(exchange: Exchange) -> None:
        (wanted,) = exchange.request(ITI_39).documents
        document = DocumentResponse(wanted, MimeType("text/plain"), samples.Bytes(large))
        response = RetrieveDocumentSetResponse(ResponseStatus.SUCCESS, (), (document,))
        root = envelope(exchange, ITI_39, response)
        (attachment,) = ITI_39.write_response(response).attachments
        include = f'<xop:Include href="cid:{attachment.content_id}"/>'.encode()
        exchange.send(http(root.replace(include, base64.b64encode(large))))

    assert read(get(tmp_path, behave, "1")) == {"1": large}


def test_a_reference_to_nothing_in_simple_soap_is_told(tmp_path: Path) -> None:
    def behave(exchange: Exchange) -> None:
        exchange.send(http(three(exchange)[0]))

    result = get(tmp_path, behave, "1")
    (error,) = result.errors
    assert error.code == ErrorCode.UNAVAILABLE_COMMUNITY
    assert "no part has that Content-ID" in error.context
