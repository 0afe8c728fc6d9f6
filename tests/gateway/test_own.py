"""The own community behind both gateways: its registry and its repositories, well and badly."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ihe import queries
from ihe.datatypes import OID, HomeCommunityId, Identifier, MimeType
from ihe.errors import ErrorCode, registry_error
from ihe.messages import (
    AdhocQueryResponse,
    DocumentRequest,
    DocumentResponse,
    RetrieveDocumentSetRequest,
    RetrieveDocumentSetResponse,
    status_of,
)
from ihe.transactions import ITI_18, ITI_38, ITI_39, ITI_43
from ihe.vocabulary import ResponseStatus, Status
from tests import samples
from tests.gateway import rude
from tests.gateway.rude import MTOM_TYPE, Behaviour, Exchange, http, retrieved
from tests.gateway.scene import Alone, alone
from tests.samples import HOME

pytestmark = pytest.mark.system
QUERY = queries.find_documents(samples.PATIENT, status=[Status.APPROVED])
PLAIN = MimeType("text/plain")
FIRST, SECOND, SILENT = OID("2.25.10"), OID("2.25.20"), OID("2.25.30")


# --- the registry --------------------------------------------------------------------------------


def ask_both(folder: Path, behave: Behaviour) -> list[AdhocQueryResponse]:
    """Ask a community with this registry through its Initiating and its Responding Gateway."""
    with rude.rude(behave) as registry, alone(folder, registry=registry.url) as one:
        return [one.client.query(QUERY), one.client.send(ITI_38, QUERY, one.responding)]


@pytest.mark.parametrize(
    "behave", [rude.hang_up, rude.fault, rude.malformed], ids=["hangs up", "fault", "malformed"]
)
def test_a_registry_that_does_not_answer_is_told_by_both(behave: Behaviour, tmp_path: Path) -> None:
    initiating, responding = ask_both(tmp_path, behave)
    assert initiating.status == responding.status == ResponseStatus.FAILURE
    (error,) = initiating.errors
    assert (error.code, error.location) == (ErrorCode.UNAVAILABLE_COMMUNITY, HOME)
    assert "the own registry" in error.context
    (error,) = responding.errors
    assert (error.code, error.location) == (ErrorCode.REGISTRY_ERROR, HOME)
    assert "trace" in error.context


def test_a_registry_that_finds_too_much_is_told_as_such_by_both(tmp_path: Path) -> None:
    for response in ask_both(tmp_path, rude.endless):
        (error,) = response.errors
        assert (error.code, error.location) == (ErrorCode.TOO_MANY_RESULTS, HOME)


@pytest.mark.parametrize("status", [ResponseStatus.FAILURE, ResponseStatus.PARTIAL_SUCCESS])
def test_errors_and_status_of_the_registry_are_handed_on(
    status: ResponseStatus, tmp_path: Path
) -> None:
    found = status == ResponseStatus.PARTIAL_SUCCESS
    answer = AdhocQueryResponse(
        status,
        (registry_error(ErrorCode.REGISTRY_BUSY, "at lunch", "there"),),
        objects=(samples.entry(entry_uuid=samples.uuid(1)),) if found else (),
    )

    def behave(exchange: Exchange) -> None:
        exchange.send(http(rude.envelope(exchange, ITI_18, answer)))

    initiating, responding = ask_both(tmp_path, behave)
    for response in (initiating, responding):
        assert response.status == status
        assert [each.home_community_id for each in response.objects] == [HOME] * found
    assert [(e.code, e.location) for e in initiating.errors] == [(answer.errors[0].code, "there")]
    assert [(e.code, e.location) for e in responding.errors] == [(answer.errors[0].code, HOME)]


def test_a_patient_that_nobody_else_could_know_is_told_to_be_unknown(tmp_path: Path) -> None:
    unknown = registry_error(ErrorCode.UNKNOWN_PATIENT_ID, "who?")
    answer = AdhocQueryResponse(ResponseStatus.FAILURE, (unknown,))

    def behave(exchange: Exchange) -> None:
        exchange.send(http(rude.envelope(exchange, ITI_18, answer)))

    for response in ask_both(tmp_path, behave):
        assert [(e.code, e.location) for e in response.errors] == [(unknown.code, HOME)]


def test_a_patient_with_very_many_documents_is_answered(tmp_path: Path) -> None:
    number = 1_200

    def behave(exchange: Exchange) -> None:
        one = samples.entry(entry_uuid=samples.uuid(0))
        whole = rude.envelope(exchange, ITI_18, AdhocQueryResponse(objects=(one,)))
        before, begin, rest = whole.partition(b"<rim:ExtrinsicObject")
        entry, end, after = rest.partition(b"</rim:ExtrinsicObject>")
        ids = (samples.uuid(n).encode() for n in range(number))
        many = (begin + entry.replace(samples.uuid(0).encode(), each) + end for each in ids)
        exchange.send(http(before + b"".join(many) + after))

    for response in ask_both(tmp_path, behave):
        assert response.status == ResponseStatus.SUCCESS, response.errors
        assert len(response.objects) == number
        assert response.objects[-1].entry_uuid == samples.uuid(number - 1)


# --- the repositories ----------------------------------------------------------------------------


def request(
    repository: OID, unique_id: str, home: HomeCommunityId | None = HOME
) -> DocumentRequest:
    return DocumentRequest(repository, Identifier(unique_id), home)


def keeps(*unique_ids: str) -> Behaviour:
    """Answer as a repository that keeps these documents: the bytes of each are its id."""

    def behave(exchange: Exchange) -> None:
        wanted = exchange.request(ITI_43).documents
        documents = tuple(
            DocumentResponse(each, PLAIN, samples.Bytes(each.document_unique_id.encode()))
            for each in wanted
            if each.document_unique_id in unique_ids
        )
        errors = tuple(
            registry_error(ErrorCode.DOCUMENT_UNIQUE_ID, "not here", each.document_unique_id)
            for each in wanted
            if each.document_unique_id not in unique_ids
        )
        status = status_of(errors, found=bool(documents))
        response = RetrieveDocumentSetResponse(status, errors, documents)
        exchange.send(http(retrieved(exchange, response), MTOM_TYPE))

    return behave


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    """Run a gateway before two repositories that answer, and one that does not."""
    with (
        rude.rude(keeps("1", "2")) as first,
        rude.rude(keeps("3")) as second,
        rude.rude(rude.hang_up) as silent,
        alone(
            tmp_path_factory.mktemp("three"),
            repositories={FIRST: first.url, SECOND: second.url, SILENT: silent.url},
        ) as one,
    ):
        yield one


def retrieve(three: Alone, *wanted: DocumentRequest) -> list[RetrieveDocumentSetResponse]:
    """Ask both gateways for the same documents."""
    message = RetrieveDocumentSetRequest(wanted)
    return [
        three.client.send(ITI_43, message, three.initiating),
        three.client.send(ITI_39, message, three.responding),
    ]


def bytes_of(response: RetrieveDocumentSetResponse) -> list[bytes]:
    return [b"".join(each.content.chunks()) for each in response.documents]


def test_documents_of_several_repositories_come_in_the_order_asked_for(three: Alone) -> None:
    wanted = [request(FIRST, "2"), request(SECOND, "3"), request(FIRST, "1")]
    for response in retrieve(three, *wanted):
        assert response.status == ResponseStatus.SUCCESS
        assert [each.request for each in response.documents] == wanted
        assert bytes_of(response) == [b"2", b"3", b"1"]


def test_a_document_that_is_asked_for_twice_comes_once(three: Alone) -> None:
    wanted = [request(SECOND, "3"), request(FIRST, "1"), request(SECOND, "3")]
    for response in retrieve(three, *wanted):
        assert response.status == ResponseStatus.SUCCESS
        assert [each.request for each in response.documents] == wanted[:2]
        assert bytes_of(response) == [b"3", b"1"]


def test_what_is_nowhere_is_told_by_its_id(three: Alone) -> None:
    unknown = OID("2.25.40")
    wanted = [
        request(FIRST, "9"),
        request(SILENT, "8"),
        request(unknown, "7"),
        request(FIRST, "1"),
        request(SILENT, "6"),
    ]
    expected = {
        (ErrorCode.UNKNOWN_REPOSITORY_ID, "7"),
        (ErrorCode.DOCUMENT_UNIQUE_ID, "9"),
        (ErrorCode.REPOSITORY_ERROR, "8"),
        (ErrorCode.REPOSITORY_ERROR, "6"),
    }
    initiating, responding = retrieve(three, *wanted)
    for response in (initiating, responding):
        assert response.status == ResponseStatus.PARTIAL_SUCCESS
        assert bytes_of(response) == [b"1"]
    assert {(e.code, e.location) for e in initiating.errors} == expected
    assert {(e.code, e.location) for e in responding.errors} == {
        (code, f"{HOME} {unique_id}") for code, unique_id in expected
    }
    assert len(initiating.errors) == len(responding.errors) == 4


def test_with_nothing_found_a_retrieve_fails(three: Alone) -> None:
    for response in retrieve(three, request(FIRST, "9"), request(SILENT, "8")):
        assert (response.status, response.documents) == (ResponseStatus.FAILURE, ())


@pytest.mark.parametrize(
    ("home", "code"),
    [
        (None, ErrorCode.MISSING_HOME_COMMUNITY_ID),
        (HomeCommunityId("urn:oid:2.25.99"), ErrorCode.UNKNOWN_COMMUNITY),
    ],
)
def test_a_document_of_no_known_community_is_told_beside_the_others(
    home: HomeCommunityId | None, code: ErrorCode, three: Alone
) -> None:
    initiating, responding = retrieve(three, request(FIRST, "2", home), request(FIRST, "1"))
    for response in (initiating, responding):
        assert response.status == ResponseStatus.PARTIAL_SUCCESS
        assert bytes_of(response) == [b"1"]
    assert [(e.code, e.location) for e in initiating.errors] == [(code, "2")]
    assert [(e.code, e.location) for e in responding.errors] == [(code, f"{HOME} 2")]
