"""Whom a query through the gateways goes to, and what each of them is asked."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ihe import queries
from ihe.errors import ErrorCode
from ihe.messages import AdhocQueryRequest, AdhocQueryResponse, ReturnType
from ihe.model import Association, DocumentEntry, ObjectRef, Slot, SubmissionSet
from ihe.transactions import ITI_38
from ihe.vocabulary import DocumentEntryType, ResponseStatus, Status
from tests import samples
from tests.gateway import rude
from tests.gateway.rude import Behaviour, Exchange, found, http
from tests.gateway.scene import Scene, entry_of, home_of, scene

pytestmark = pytest.mark.system
PATIENT = samples.PATIENT
QUERY = queries.find_documents(PATIENT, status=[Status.APPROVED])


def answer(exchange: Exchange) -> None:
    """Answer as the community that is asked for by id, or as the first."""
    request = exchange.request(ITI_38)
    home = request.home_community_id or home_of("north")
    if request.return_type == ReturnType.OBJECT_REF:
        objects = (ObjectRef(samples.uuid(7), home),)
        exchange.send(http(rude.envelope(exchange, ITI_38, AdhocQueryResponse(objects=objects))))
    else:
        exchange.send(http(found(exchange, entry_of("north", home_community_id=home))))


def answer_as_south(exchange: Exchange) -> None:
    exchange.send(http(found(exchange, entry_of("south"))))


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Run the community and know two gateways, of which the first answers for two others."""
    folder = tmp_path_factory.mktemp("four")
    with rude.rude(answer) as north:
        behaviours: dict[str, Behaviour | str] = {
            "north": north.url,
            "north east": north.url,
            "south": answer_as_south,
        }
        with scene(folder, behaviours) as one:
            yield Scene(one.own, one.client, {**one.others, "north": north, "north east": north})


@pytest.fixture(autouse=True)
def nobody_asked_yet(four: Scene) -> None:
    for other in four.others.values():
        other.asked.clear()


def asked(four: Scene, name: str) -> list[AdhocQueryRequest]:
    return [exchange.request(ITI_38) for exchange in four.others[name].asked]


def with_slots(request: AdhocQueryRequest, *slots: Slot) -> AdhocQueryRequest:
    return replace(request, parameters=(*request.parameters, *slots))


def targets(*homes: str) -> Slot:
    listed = ",".join(f"'{home}'" for home in homes)
    return Slot("$targetCommunityIdList", (f"({listed})",))


def homes(response: AdhocQueryResponse) -> list[str | None]:
    return [each.home_community_id for each in response.objects]


# --- the Initiating Gateway ----------------------------------------------------------------------


def test_a_query_by_patient_goes_everywhere_once_with_all_its_parameters(four: Scene) -> None:
    kinds = Slot("$XDSDocumentEntryType", (f"('{DocumentEntryType.STABLE}')",))
    request = with_slots(QUERY, kinds, Slot("$new", ("1",)))
    response = four.client.query(request)
    assert response.status == ResponseStatus.SUCCESS
    assert homes(response) == [four.own.home, home_of("north"), home_of("south")]
    assert asked(four, "north") == asked(four, "south") == [request]


def test_a_query_by_id_goes_to_its_community_alone(four: Scene) -> None:
    plain = queries.get_documents(entry_uuid=[samples.uuid(7)])
    for name in ("north", "north east"):
        request = replace(plain, home_community_id=home_of(name))
        response = four.client.query(request)
        assert homes(response) == [home_of(name)], response.errors
        assert asked(four, "north")[-1] == request
    assert not asked(four, "south")


def test_a_query_by_id_without_a_home_is_nobodys(four: Scene) -> None:
    response = four.client.query(queries.get_documents(entry_uuid=[samples.uuid(7)]))
    assert (response.status, response.objects) == (ResponseStatus.FAILURE, ())
    (error,) = response.errors
    assert error.code == ErrorCode.MISSING_HOME_COMMUNITY_ID
    assert "GetDocuments came without" in error.context
    assert not asked(four, "north")


def test_a_query_by_patient_with_a_home_goes_there_alone(four: Scene) -> None:
    response = four.client.query(replace(QUERY, home_community_id=home_of("south")))
    assert homes(response) == [home_of("south")]
    assert not asked(four, "north")


def test_the_own_community_is_asked_by_its_home(four: Scene) -> None:
    (own, *_) = four.client.query(QUERY).objects
    request = queries.get_documents(entry_uuid=[own.entry_uuid])
    response = four.client.query(replace(request, home_community_id=four.own.home))
    assert response.objects == (own,)


def test_object_refs_keep_their_homes(four: Scene) -> None:
    response = four.client.query(replace(QUERY, return_type=ReturnType.OBJECT_REF))
    refs = [each for each in response.objects if isinstance(each, ObjectRef)]
    assert [each.home_community_id for each in refs] == [four.own.home, home_of("north")]
    # one that answers with whole objects all the same is not corrected
    assert isinstance(response.objects[-1], DocumentEntry)


def test_what_get_all_finds_at_home_is_all_labelled(four: Scene) -> None:
    response = four.client.query(queries.get_all(PATIENT))
    own = [each for each in response.objects if each.home_community_id == four.own.home]
    assert {type(each) for each in own} == {Association, DocumentEntry, SubmissionSet}


def test_an_unknown_query_is_asked_of_nobody(four: Scene) -> None:
    response = four.client.query(replace(QUERY, query_id=samples.uuid(99)))
    assert [error.code for error in response.errors] == [ErrorCode.UNKNOWN_STORED_QUERY]
    assert not asked(four, "north")


def test_an_unknown_query_for_one_community_goes_there(four: Scene) -> None:
    request = replace(QUERY, query_id=samples.uuid(99), home_community_id=home_of("south"))
    assert homes(four.client.query(request)) == [home_of("south")]


def test_a_query_for_no_patient_is_asked_of_nobody(four: Scene) -> None:
    response = four.client.query(replace(QUERY, parameters=QUERY.parameters[1:]))
    assert [error.code for error in response.errors] == [ErrorCode.STORED_QUERY_MISSING_PARAM]
    assert not asked(four, "north")


def test_a_patient_id_that_cannot_be_read_is_told_where(four: Scene) -> None:
    broken = replace(QUERY, parameters=(Slot("$XDSDocumentEntryPatientId", ("'open",)),))
    (error,) = four.client.query(broken).errors
    assert (error.code, error.location) == (
        ErrorCode.REGISTRY_ERROR,
        "$XDSDocumentEntryPatientId",
    )
    assert "character 1" in error.context


# --- target communities --------------------------------------------------------------------------


def test_only_the_target_communities_are_asked(four: Scene) -> None:
    response = four.client.query(with_slots(QUERY, targets(home_of("south"), four.own.home)))
    assert response.status == ResponseStatus.SUCCESS
    assert homes(response) == [four.own.home, home_of("south")]
    assert not asked(four, "north")
    (request,) = asked(four, "south")
    assert queries.target_communities(request) == (home_of("south"),), "it knows no other"


def test_an_unknown_target_community_is_told_beside_what_the_others_found(four: Scene) -> None:
    response = four.client.query(with_slots(QUERY, targets(home_of("south"), samples.HOME)))
    assert response.status == ResponseStatus.PARTIAL_SUCCESS
    assert homes(response) == [home_of("south")]
    (error,) = response.errors
    assert error.code == ErrorCode.UNKNOWN_COMMUNITY
    assert samples.HOME in error.context


def test_an_empty_list_of_target_communities_says_nothing(four: Scene) -> None:
    response = four.client.query(with_slots(QUERY, targets()))
    assert homes(response) == [four.own.home, home_of("north"), home_of("south")]


# --- the Responding Gateway ----------------------------------------------------------------------


def cross(four: Scene, request: AdhocQueryRequest) -> AdhocQueryResponse:
    return four.client.send(ITI_38, request, four.own.gateway)


def test_the_responding_gateway_labels_what_the_registry_finds(four: Scene) -> None:
    for home in (None, four.own.home):
        response = cross(four, replace(QUERY, home_community_id=home))
        assert (response.status, homes(response)) == (ResponseStatus.SUCCESS, [four.own.home])
    assert not asked(four, "north"), "it never asks another community"


def test_the_responding_gateway_answers_for_its_community_alone(four: Scene) -> None:
    by_id = queries.get_documents(entry_uuid=[samples.uuid(7)])
    expected = [
        (by_id, ErrorCode.MISSING_HOME_COMMUNITY_ID),
        (replace(by_id, home_community_id=home_of("north")), ErrorCode.UNKNOWN_COMMUNITY),
        (replace(QUERY, home_community_id=home_of("north")), ErrorCode.UNKNOWN_COMMUNITY),
        (with_slots(QUERY, targets(home_of("north"))), ErrorCode.UNKNOWN_COMMUNITY),
        (replace(QUERY, query_id=samples.uuid(99)), ErrorCode.UNKNOWN_STORED_QUERY),
        (replace(QUERY, parameters=()), ErrorCode.STORED_QUERY_MISSING_PARAM),
    ]
    for request, code in expected:
        response = cross(four, request)
        assert (response.status, response.objects) == (ResponseStatus.FAILURE, ())
        assert {(error.code, error.location) for error in response.errors} == {
            (code, four.own.home)
        }
    assert not asked(four, "north")


def test_the_responding_gateway_tells_of_targets_that_are_elsewhere(four: Scene) -> None:
    response = cross(four, with_slots(QUERY, targets(four.own.home, home_of("north"))))
    assert (response.status, homes(response)) == (
        ResponseStatus.PARTIAL_SUCCESS,
        [four.own.home],
    )
    assert [(e.code, e.location) for e in response.errors] == [
        (ErrorCode.UNKNOWN_COMMUNITY, four.own.home)
    ]
