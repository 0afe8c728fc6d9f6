"""Each stored query against a small registry; names are those of `tests.registry.registered`."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.call import Call
from ihe import queries, xml
from ihe.datatypes import CX, DTM, HomeCommunityId
from ihe.ebxml.requests import read_query
from ihe.ebxml.responses import read_query_response, write_query_response
from ihe.errors import ErrorCode, RegistryError, XdsFailure
from ihe.messages import AdhocQueryRequest, AdhocQueryResponse, ReturnType
from ihe.model import Association, Code, ObjectRef, RegistryObject, Slot
from ihe.queries import CATALOGUE, AllOf
from ihe.vocabulary import (
    AssociationType,
    DocumentAvailability,
    DocumentEntryType,
    ResponseStatus,
    Status,
    StoredQueryId,
)
from registry import iti18
from registry.domain import Registry
from tests.registry import registered as r
from tests.registry.objects import KARI, LINE, OLE, uuid, version_of
from tests.registry.registered import A, B, C, filled, names, registry_with
from tests.schema_oracle import assert_schema_valid

BOTH = tuple(Status)
ANY_TYPE = tuple(DocumentEntryType)
RELATIONS = (AssociationType.RPLC, AssociationType.APND, AssociationType.IS_SNAPSHOT_OF)
CALL = Call(at=datetime(2024, 2, 29, 12, tzinfo=UTC), trace_id="0" * 32)


@pytest.fixture
def registry() -> Registry:
    return registry_with(*r.OBJECTS.values())


def handle(registry: Registry, request: AdhocQueryRequest) -> AdhocQueryResponse:
    return iti18.handle(request, CALL, registry)


def found(registry: Registry, request: AdhocQueryRequest) -> set[str]:
    """Ask for references and for whole objects; return the names, which must be the same."""
    whole = handle(registry, replace(request, return_type=ReturnType.LEAF_CLASS))
    references = handle(registry, replace(request, return_type=ReturnType.OBJECT_REF))
    assert whole.status == references.status == ResponseStatus.SUCCESS
    assert not whole.objects
    assert not references.fragments
    assert [each.entry_uuid for each in filled(whole)] == [
        each.entry_uuid for each in references.objects
    ]
    return names(whole)


def referenced(registry: Registry, request: AdhocQueryRequest) -> set[str]:
    return names(handle(registry, replace(request, return_type=ReturnType.OBJECT_REF)))


def errors(registry: Registry, request: AdhocQueryRequest) -> list[RegistryError]:
    with pytest.raises(XdsFailure) as caught:
        handle(registry, request)
    return list(caught.value.errors)


def called(*objects: RegistryObject) -> set[str]:
    return {r.NAMES[each.entry_uuid] for each in objects}


def ids(*objects: RegistryObject) -> list[str]:
    return [each.entry_uuid for each in objects]


def test_every_query_has_a_function():
    assert set(iti18.FINDERS) == set(StoredQueryId) == set(CATALOGUE)


# --- FindDocuments -------------------------------------------------------------------------------


def test_find_documents_returns_approved_stable_entries_of_the_patient(registry):
    assert found(registry, queries.find_documents(LINE)) == called(
        r.answer, r.letter2, r.addendum, r.snapshot
    )
    assert found(registry, queries.find_documents(KARI)) == called(r.report)
    assert found(registry, queries.find_documents(OLE)) == set()


def test_find_documents_by_status(registry):
    deprecated = queries.find_documents(LINE, status=[Status.DEPRECATED])
    assert found(registry, deprecated) == called(r.letter)
    assert len(found(registry, queries.find_documents(LINE, status=BOTH))) == 5


def test_find_documents_by_type(registry):
    on_demand = queries.find_documents(LINE, document_entry_type=[DocumentEntryType.ON_DEMAND])
    assert found(registry, on_demand) == called(r.dynamic)
    both = queries.find_documents(LINE, document_entry_type=ANY_TYPE)
    assert found(registry, both) == called(r.answer, r.letter2, r.addendum, r.dynamic, r.snapshot)


@pytest.mark.parametrize(
    "attribute",
    [
        "class_code",
        "type_code",
        "practice_setting_code",
        "healthcare_facility_type_code",
        "format_code",
    ],
)
def test_find_documents_by_each_code(attribute):
    has_a: dict[str, Any] = {attribute: A}
    has_b: dict[str, Any] = {attribute: B}
    registry = registry_with(replace(r.answer, **has_a), replace(r.letter, **has_b))

    def having(*codes: Code) -> set[str]:
        given = {"patient_id": LINE, "document_entry_status": BOTH, attribute: codes}
        return found(registry, queries.render_query(StoredQueryId.FIND_DOCUMENTS, given))

    assert having(A) == called(r.answer)
    assert having(B) == called(r.letter)
    assert having(A, B) == called(r.answer, r.letter)
    assert having(Code("A", "1.2.3")) == set()  # another scheme


def test_find_documents_by_several_filters_returns_what_meets_all(registry):
    request = queries.find_documents(LINE, class_code=[A, B], creation_time_from="2005")
    assert found(registry, request) == called(r.answer)
    request = queries.find_documents(LINE, class_code=[B], type_code=[B])
    assert found(registry, request) == set()


def test_find_documents_by_events_and_confidentiality_with_and_and_or(registry):
    def having(**filters) -> set[str]:
        return found(registry, queries.find_documents(LINE, **filters))

    only = called(r.answer)
    assert having(event_code=[A]) == only
    assert having(event_code=[A, C]) == only
    assert having(event_code=[C]) == set()
    assert having(event_code=AllOf([A], [B])) == only
    assert having(event_code=AllOf([A, C], [B, C])) == only
    assert having(event_code=AllOf([A], [C])) == set()
    assert having(confidentiality_code=AllOf([r.NORMAL], [r.STRICT])) == only
    assert len(having(confidentiality_code=[r.NORMAL, r.STRICT])) == 4


@pytest.mark.parametrize(
    ("start", "stop", "inside"),
    [
        ("20041224", "20050101", True),
        ("20041124", "20041224", False),
        ("20041224", None, True),
        ("20041224000000", None, False),
        (None, "20041225", True),
        (None, "20041224", False),
        ("2004", "2005", True),
        ("200412", "200501", True),
        ("2005", None, False),
    ],
)
def test_find_documents_by_time_takes_the_lower_bound_and_leaves_the_upper(start, stop, inside):
    registry = registry_with(r.letter2)
    request = queries.find_documents(LINE, creation_time_from=start, creation_time_to=stop)
    assert found(registry, request) == (called(r.letter2) if inside else set())


def test_find_documents_by_service_times_passes_entries_without_them(registry):
    without = called(r.letter2, r.addendum, r.snapshot)
    request = queries.find_documents(LINE, service_start_time_from="2005")
    assert found(registry, request) == without | called(r.answer)
    request = queries.find_documents(LINE, service_start_time_from="2006")
    assert found(registry, request) == without
    request = queries.find_documents(LINE, service_stop_time_to="20050102")
    assert found(registry, request) == without


def test_creation_time_does_not_exclude_on_demand_entries(registry):
    request = queries.find_documents(LINE, creation_time_from="2020", document_entry_type=ANY_TYPE)
    assert found(registry, request) == called(r.dynamic)


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("%Ås%", False),
        ("%Brien%", True),
        ("^O'Brien^Ola", True),
        ("O'Brien", False),
        ("%o'brien%", False),
        ("^O_Brien^%", True),
        ("%", True),
    ],
)
def test_find_documents_by_author(registry, pattern, matches):
    request = queries.find_documents(LINE, class_code=[B], author_person=[pattern])
    assert found(registry, request) == (called(r.answer) if matches else set())


def test_find_documents_by_reference_id(registry):
    def having(*ids: str, **filters) -> set[str]:
        request = queries.find_documents_by_reference_id(LINE, list(ids), **filters)
        return found(registry, request)

    order, referral = r.answer.reference_ids
    assert having(order) == called(r.answer)
    assert having(order, "none") == called(r.answer)
    assert having("4711%") == called(r.answer)
    assert having("4711") == set()
    assert having(order, class_code=[A]) == set()
    both = queries.find_documents_by_reference_id(LINE, AllOf([order], [referral]))
    assert found(registry, both) == called(r.answer)
    neither = queries.find_documents_by_reference_id(LINE, AllOf([order], ["none"]))
    assert found(registry, neither) == set()


def test_find_documents_by_title_and_by_what_they_are_not(registry):
    by_title = queries.find_documents_by_title(LINE, ["Prøve%"])
    assert found(registry, by_title) == called(r.answer)
    exclude = queries.render_query(
        StoredQueryId.FIND_DOCUMENTS_EXCLUDE,
        {"patient_id": LINE, "document_entry_status": BOTH, "class_code_exclude": [A, C]},
    )
    assert found(registry, exclude) == called(r.answer)
    exclude = queries.render_query(
        StoredQueryId.FIND_DOCUMENTS_EXCLUDE,
        {"patient_id": LINE, "document_entry_status": BOTH, "author_person_exclude": "%Ås%"},
    )
    assert found(registry, exclude) == called(r.answer)


# --- FindSubmissionSets, FindFolders -------------------------------------------------------------


def test_find_submission_sets(registry):
    def having(**filters) -> set[str]:
        return found(registry, queries.find_submission_sets(LINE, **filters))

    all_of_line = called(r.first, r.update, r.addenda)
    assert having() == all_of_line
    assert having(source_id=["2.25.1500"]) == all_of_line
    assert having(source_id=["2.25.1501"]) == set()
    assert having(author_person="%Ås%") == all_of_line
    assert having(author_person="%Hansen%") == set()
    assert having(content_type_code=[A]) == all_of_line
    assert having(content_type_code=[B]) == set()
    assert having(submission_time_from="2024", submission_time_to="2025") == all_of_line
    assert having(submission_time_to="20240101120000") == set()
    assert having(status=[Status.DEPRECATED]) == set()


def test_find_folders(registry):
    def having(**filters) -> set[str]:
        return found(registry, queries.find_folders(LINE, **filters))

    only = called(r.chart)
    assert having() == only
    assert having(code=[A, C]) == only
    assert having(code=AllOf([A], [B])) == only
    assert having(code=AllOf([A], [C])) == set()
    assert having(last_update_time_from="20240101120000") == only
    assert having(last_update_time_to="20240101120000") == set()


# --- GetAll --------------------------------------------------------------------------------------


def test_get_all_returns_objects_and_every_association_that_touches_one(registry):
    everything = queries.get_all(LINE, document_entry_status=BOTH, document_entry_type=ANY_TYPE)
    of_kari = called(r.reuse, r.other, r.report, r.box)
    of_kari_alone = called(r.other_has_report, r.other_has_box, r.box_has_report)
    assert found(registry, everything) == set(r.NAMES.values()) - of_kari - of_kari_alone
    assert "reuse_has_letter2" in found(registry, everything)  # its other end is Kari's set


def test_get_all_filters_entries_by_their_parameters(registry):
    request = queries.get_all(
        LINE,
        format_code=[r.PDF],
        confidentiality_code=AllOf([r.NORMAL], [r.STRICT]),
        submission_set_status=[Status.DEPRECATED],
        folder_status=[Status.DEPRECATED],
    )
    assert found(registry, request) == called(r.answer, r.first_has_answer)


def test_get_all_of_a_patient_without_anything_is_empty(registry):
    assert found(registry, queries.get_all(OLE)) == set()


# --- queries by id -------------------------------------------------------------------------------


def test_get_documents_by_any_id(registry):
    def having(**given: Iterable[str]) -> set[str]:
        return found(registry, queries.render_query(StoredQueryId.GET_DOCUMENTS, given))

    assert having(entry_uuid=ids(r.letter, r.dynamic)) == called(r.letter, r.dynamic)
    assert having(unique_id=["2.25.1003", "1.2.3"]) == called(r.answer)
    assert having(logical_id=ids(r.answer)) == called(r.answer)
    assert having(entry_uuid=[uuid(77)]) == set()
    assert having(entry_uuid=ids(r.first, r.chart)) == set()  # not of DocumentEntries


def test_get_documents_returns_every_entry_with_a_unique_id():
    again = replace(r.letter2, entry_uuid=uuid(90), logical_id=uuid(90))
    registry = registry_with(r.letter2, again)
    assert found(registry, queries.get_documents(unique_id=[r.letter2.unique_id or ""])) == {
        "letter2",
        uuid(90),
    }


def test_get_folders_by_any_id(registry):
    assert found(registry, queries.get_folders(entry_uuid=ids(r.chart))) == called(r.chart)
    assert found(registry, queries.get_folders(unique_id=["2.25.1004"])) == called(r.chart)
    assert found(registry, queries.get_folders(logical_id=ids(r.chart))) == called(r.chart)
    assert found(registry, queries.get_folders(unique_id=["2.25.1003"])) == set()


def test_get_associations_from_or_to_objects_of_any_kind(registry):
    of_letter = called(r.first_has_letter, r.chart_has_letter, r.replaces)
    assert found(registry, queries.get_associations(ids(r.letter))) == of_letter
    of_set = called(
        r.first_has_letter, r.first_has_answer, r.first_has_chart, r.first_has_membership
    )
    assert found(registry, queries.get_associations(ids(r.first))) == of_set
    assert found(registry, queries.get_associations(ids(r.chart_has_letter))) == called(
        r.first_has_membership
    )
    assert found(registry, queries.get_associations([uuid(77)])) == set()


def test_get_documents_and_associations(registry):
    request = queries.get_documents_and_associations(unique_id=["2.25.1012"])
    assert found(registry, request) == called(
        r.letter2,
        r.update_has_letter2,
        r.replaces,
        r.chart_has_letter2,
        r.appends,
        r.reuse_has_letter2,
    )
    nothing = queries.get_documents_and_associations(entry_uuid=[uuid(77)])
    assert found(registry, nothing) == set()


def test_get_submission_sets_with_the_memberships_of_the_given_objects_only(registry):
    assert found(registry, queries.get_submission_sets(ids(r.answer, r.chart))) == called(
        r.first, r.first_has_answer, r.first_has_chart
    )
    assert found(registry, queries.get_submission_sets(ids(r.letter))) == called(
        r.first, r.first_has_letter
    )  # not the Folder that has the letter too
    assert found(registry, queries.get_submission_sets([uuid(77)])) == set()


def test_get_submission_set_and_contents(registry):
    by_uuid = queries.get_submission_set_and_contents(entry_uuid=r.first.entry_uuid)
    by_unique_id = queries.get_submission_set_and_contents(unique_id=r.first.unique_id)
    expected = called(
        r.first,
        r.letter,
        r.answer,
        r.chart,
        r.chart_has_letter,
        r.first_has_letter,
        r.first_has_answer,
        r.first_has_chart,
        r.first_has_membership,
    )
    assert found(registry, by_uuid) == found(registry, by_unique_id) == expected


def test_get_submission_set_and_contents_leaves_no_association_with_a_missing_end(registry):
    request = queries.get_submission_set_and_contents(
        entry_uuid=r.first.entry_uuid, format_code=[r.PDF]
    )
    assert found(registry, request) == called(
        r.first, r.answer, r.chart, r.first_has_answer, r.first_has_chart
    )
    request = queries.get_submission_set_and_contents(
        entry_uuid=r.first.entry_uuid, confidentiality_code=AllOf([r.NORMAL], [r.STRICT])
    )
    assert found(registry, request) == called(
        r.first, r.answer, r.chart, r.first_has_answer, r.first_has_chart
    )


def test_get_submission_set_and_contents_leaves_out_a_membership_in_a_folder_of_before(registry):
    request = queries.get_submission_set_and_contents(entry_uuid=r.update.entry_uuid)
    assert found(registry, request) == called(r.update, r.letter2, r.update_has_letter2)


def test_only_has_member_makes_a_member(registry):
    change = replace(r.replaces, source=r.update.entry_uuid, target=r.answer.entry_uuid)
    change = replace(change, entry_uuid=uuid(91), type=AssociationType.UPDATE_AVAILABILITY_STATUS)
    remark = replace(change, entry_uuid=uuid(92), type="urn:x:remark", source=r.chart.entry_uuid)
    r.register(registry.store, change, remark)
    of_set = queries.get_submission_set_and_contents(entry_uuid=r.update.entry_uuid)
    assert found(registry, of_set) == called(r.update, r.letter2, r.update_has_letter2)
    sets = queries.get_submission_sets(ids(r.answer))
    assert found(registry, sets) == called(r.first, r.first_has_answer)
    folders = queries.get_folders_for_document(entry_uuid=r.answer.entry_uuid)
    assert found(registry, folders) == set()
    contents = queries.get_folder_and_contents(entry_uuid=r.chart.entry_uuid)
    assert "answer" not in found(registry, contents)


def test_get_submission_set_and_contents_filters_by_type(registry):
    stable = called(
        r.addenda, r.addendum, r.snapshot, r.addenda_has_addendum, r.addenda_has_snapshot
    )
    uuid_of = r.addenda.entry_uuid
    request = queries.get_submission_set_and_contents(entry_uuid=uuid_of)
    assert found(registry, request) == stable
    request = queries.get_submission_set_and_contents(
        entry_uuid=uuid_of, document_entry_type=ANY_TYPE
    )
    assert found(registry, request) == stable | called(r.dynamic, r.addenda_has_dynamic)


def test_get_submission_set_and_contents_of_nothing_is_nothing(registry):
    request = queries.get_submission_set_and_contents(unique_id="1.2.3")
    assert found(registry, request) == set()


def test_get_folder_and_contents_returns_entries_of_any_status(registry):
    request = queries.get_folder_and_contents(entry_uuid=r.chart.entry_uuid)
    assert found(registry, request) == called(
        r.chart, r.letter, r.letter2, r.chart_has_letter, r.chart_has_letter2
    )
    request = queries.get_folder_and_contents(unique_id=r.chart.unique_id, format_code=[r.PDF])
    assert found(registry, request) == called(r.chart)


def test_get_folders_for_document(registry):
    for letter in (r.letter, r.letter2):
        request = queries.get_folders_for_document(entry_uuid=letter.entry_uuid)
        assert found(registry, request) == called(r.chart)
        request = queries.get_folders_for_document(unique_id=letter.unique_id)
        assert found(registry, request) == called(r.chart)
    request = queries.get_folders_for_document(entry_uuid=r.answer.entry_uuid)
    assert found(registry, request) == set()


def test_get_related_documents_returns_both_ends_and_the_associations(registry):
    def related(*types: str, **filters) -> set[str]:
        request = queries.get_related_documents(types, entry_uuid=r.letter2.entry_uuid, **filters)
        return found(registry, request)

    assert related(AssociationType.RPLC) == called(r.letter2, r.letter, r.replaces)
    assert related("APND") == called(r.letter2, r.addendum, r.appends)
    assert related(*RELATIONS) == called(r.letter2, r.letter, r.replaces, r.addendum, r.appends)
    assert related(AssociationType.XFRM) == set()  # not even the given entry
    assert related(AssociationType.HAS_MEMBER) == set()  # the other end is no entry


def test_get_related_documents_goes_one_step_only(registry):
    request = queries.get_related_documents(RELATIONS, entry_uuid=r.letter.entry_uuid)
    assert found(registry, request) == called(r.letter, r.letter2, r.replaces)


def test_get_related_documents_filters_the_related_ones_by_type(registry):
    def related(given: RegistryObject, **filters) -> set[str]:
        request = queries.get_related_documents(
            [AssociationType.IS_SNAPSHOT_OF], entry_uuid=given.entry_uuid, **filters
        )
        return found(registry, request)

    assert related(r.dynamic) == called(r.dynamic, r.snapshot, r.is_snapshot)
    assert related(r.snapshot) == set()
    assert related(r.snapshot, document_entry_type=ANY_TYPE) == called(
        r.dynamic, r.snapshot, r.is_snapshot
    )


# --- several patients ----------------------------------------------------------------------------

OF_TWO = [
    pytest.param(queries.get_documents(entry_uuid=ids(r.answer, r.report)), id="GetDocuments"),
    pytest.param(queries.get_folders(entry_uuid=ids(r.chart, r.box)), id="GetFolders"),
    pytest.param(
        queries.get_documents_and_associations(entry_uuid=ids(r.answer, r.report)),
        id="GetDocumentsAndAssociations",
    ),
    pytest.param(queries.get_submission_sets(ids(r.letter2)), id="GetSubmissionSets"),
    pytest.param(
        queries.get_submission_set_and_contents(entry_uuid=r.reuse.entry_uuid),
        id="GetSubmissionSetAndContents",
    ),
]


@pytest.mark.parametrize("request_", OF_TWO)
def test_whole_objects_of_several_patients_are_not_returned(registry, request_):
    (error,) = errors(registry, request_)
    assert error.code == ErrorCode.RESULT_NOT_SINGLE_PATIENT
    assert "2 patients" in error.context
    assert LINE not in error.context
    assert KARI not in error.context


@pytest.mark.parametrize("request_", OF_TWO)
def test_references_to_objects_of_several_patients_are_returned(registry, request_):
    assert len(referenced(registry, request_)) >= 2


def test_associations_alone_are_of_no_patient(registry):
    request = queries.get_associations(ids(r.answer, r.report))
    assert found(registry, request) == called(
        r.first_has_answer, r.other_has_report, r.box_has_report
    )


def test_a_merged_patient_is_one_patient(registry):
    registry.store.write(lambda writer: writer.merge_patient(KARI, LINE))
    request = queries.get_documents(entry_uuid=ids(r.answer, r.report))
    assert found(registry, request) == called(r.answer, r.report)
    assert found(registry, queries.find_documents(KARI)) == set()
    assert "report" in found(registry, queries.find_documents(LINE))
    of_line = filled(handle(registry, queries.find_documents(LINE)))
    assert {each.patient_id for each in of_line if not isinstance(each, Association)} == {LINE}


# --- patients that are not known -----------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(queries.find_documents(OLE), id="FindDocuments"),
        pytest.param(queries.find_submission_sets(OLE), id="FindSubmissionSets"),
        pytest.param(queries.find_folders(OLE), id="FindFolders"),
        pytest.param(queries.get_all(OLE), id="GetAll"),
    ],
)
def test_an_unknown_patient_has_nothing_or_is_an_error_as_the_domain_decides(registry, request_):
    assert found(registry, request_) == set()
    (error,) = errors(replace(registry, refuse_unknown_patient=True), request_)
    assert error.code == ErrorCode.UNKNOWN_PATIENT_ID
    assert OLE in error.context


def test_a_patient_that_was_merged_away_counts_as_unknown(registry):
    registry.store.write(lambda writer: writer.merge_patient(KARI, LINE))
    strict = replace(registry, refuse_unknown_patient=True)
    (error,) = errors(strict, queries.find_documents(KARI))
    assert error.code == ErrorCode.UNKNOWN_PATIENT_ID
    assert found(strict, queries.find_documents(LINE))


# --- metadata level ------------------------------------------------------------------------------


def test_level_1_returns_the_newest_version_only():
    old = replace(r.letter2, availability_status=Status.DEPRECATED)
    new = version_of(r.letter2, 90, 2)
    registry = registry_with(old, new)

    def having(level: int | None) -> set[str]:
        options = {} if level is None else {"metadata_level": level}
        by_patient = found(
            registry,
            queries.render_query(
                StoredQueryId.FIND_DOCUMENTS,
                {"patient_id": LINE, "document_entry_status": BOTH, **options},
            ),
        )
        by_id = found(
            registry,
            queries.render_query(
                StoredQueryId.GET_DOCUMENTS, {"logical_id": r.letter2.entry_uuid, **options}
            ),
        )
        assert by_patient == by_id
        return by_id

    assert having(None) == having(1) == {uuid(90)}
    assert having(2) == {"letter2", uuid(90)}
    old_only = queries.get_documents(entry_uuid=ids(old))
    assert found(registry, old_only) == set()


def test_level_1_follows_visible_versions_only():
    old = replace(r.letter2, availability_status=Status.DEPRECATED)
    new = version_of(r.letter2, 90, 2)
    registry = registry_with(r.letter, r.chart, old, new, r.replaces, r.chart_has_letter2)
    assert r.letter2.unique_id is not None

    def following(level: int) -> list[set[str]]:
        by_id = {"unique_id": r.letter2.unique_id, "metadata_level": level}
        related = {**by_id, "association_type": "RPLC"}
        return [
            found(registry, queries.render_query(StoredQueryId.GET_RELATED_DOCUMENTS, related)),
            found(registry, queries.render_query(StoredQueryId.GET_FOLDERS_FOR_DOCUMENT, by_id)),
            found(
                registry,
                queries.render_query(StoredQueryId.GET_DOCUMENTS_AND_ASSOCIATIONS, by_id),
            ),
        ]

    assert following(1) == [set(), set(), {uuid(90)}]
    assert following(2) == [
        called(r.letter, r.letter2, r.replaces),
        called(r.chart),
        {uuid(90), *called(r.letter2, r.replaces, r.chart_has_letter2)},
    ]


def test_level_1_hides_documents_that_are_offline():
    offline = replace(r.letter2, document_availability=DocumentAvailability.OFFLINE)
    registry = registry_with(r.answer, offline)
    assert found(registry, queries.find_documents(LINE)) == called(r.answer)
    assert found(registry, queries.find_documents(LINE, metadata_level=2)) == called(
        r.answer, offline
    )
    request = queries.find_documents(
        LINE, metadata_level=2, document_availability=[DocumentAvailability.OFFLINE]
    )
    assert found(registry, request) == called(offline)


def test_level_1_hides_deprecated_folders_and_associations():
    gone = replace(r.chart, availability_status=Status.DEPRECATED)
    left = replace(r.first_has_letter, availability_status=Status.DEPRECATED)
    registry = registry_with(r.first, r.letter, gone, left, r.first_has_chart)
    uuid_of = r.first.entry_uuid
    assert found(registry, queries.get_submission_set_and_contents(entry_uuid=uuid_of)) == called(
        r.first
    )
    assert found(
        registry, queries.get_submission_set_and_contents(entry_uuid=uuid_of, metadata_level=2)
    ) == called(r.first, r.letter, gone, left, r.first_has_chart)
    assert found(registry, queries.get_associations([uuid_of])) == called(r.first_has_chart)
    by_status = queries.get_associations(
        [uuid_of], association_status=[Status.DEPRECATED], metadata_level=2
    )
    assert found(registry, by_status) == called(left)
    assert found(registry, queries.find_folders(LINE, status=BOTH)) == called(gone)


# --- the answer itself ---------------------------------------------------------------------------


@pytest.mark.parametrize("uuid_", r.OBJECTS, ids=lambda each: r.NAMES[each])
def test_what_was_registered_comes_back_as_it_is_now(registry, uuid_):
    registry.store.write(lambda writer: writer.set_status([uuid_], Status.DEPRECATED))
    each = r.OBJECTS[uuid_]
    if isinstance(each, Association):
        request = queries.get_associations([each.source], metadata_level=2)
    else:
        request = queries.get_all(
            LINE if each.patient_id == LINE else KARI,
            document_entry_status=BOTH,
            submission_set_status=BOTH,
            folder_status=BOTH,
            document_entry_type=ANY_TYPE,
            metadata_level=2,
        )
    answer = filled(handle(registry, request))
    (found_,) = (one for one in answer if one.entry_uuid == uuid_)
    assert found_ == replace(each, availability_status=Status.DEPRECATED)


def test_the_time_of_a_folder_is_the_one_of_now(registry):
    now = DTM("20240229120000")
    registry.store.write(lambda writer: writer.set_last_update_time(ids(r.chart), now))
    answer = handle(registry, queries.find_folders(LINE))
    assert filled(answer) == [replace(r.chart, last_update_time=now)]


def test_the_home_community_stands_in_whole_objects_and_references(registry):
    home = HomeCommunityId("urn:oid:1.2.3")
    at_home = replace(registry, home_community_id=home)
    request = queries.find_documents(KARI)
    assert filled(handle(at_home, request)) == [replace(r.report, home_community_id=home)]
    references = handle(at_home, replace(request, return_type=ReturnType.OBJECT_REF))
    assert references.objects == (ObjectRef(r.report.entry_uuid, home),)


def test_a_home_community_in_the_request_is_accepted(registry):
    request = queries.get_documents(
        entry_uuid=ids(r.answer), home_community_id=HomeCommunityId("urn:oid:9.9")
    )
    assert found(registry, request) == called(r.answer)


def test_unknown_parameters_are_passed_over(registry):
    request = queries.find_documents(KARI)
    request = replace(request, parameters=(*request.parameters, Slot("$Own", ("('x'",))))
    assert found(registry, request) == called(r.report)


def test_more_objects_than_an_answer_may_hold_are_an_error_with_a_way_out(registry):
    narrow = replace(registry, most_objects=3)
    (error,) = errors(narrow, queries.find_documents(LINE))
    assert error.code == ErrorCode.TOO_MANY_RESULTS
    assert "FindDocuments finds 4 objects" in error.context
    assert len(referenced(narrow, queries.find_documents(LINE))) == 4
    assert len(found(replace(registry, most_objects=4), queries.find_documents(LINE))) == 4


def test_a_code_without_a_scheme_is_refused_unless_the_domain_is_lenient(registry):
    request = queries.find_documents(LINE)
    bare = Slot("$XDSDocumentEntryClassCode", ("('B')",))
    request = replace(request, parameters=(*request.parameters, bare))
    (error,) = errors(registry, request)
    assert error.code == ErrorCode.REGISTRY_ERROR
    assert "expected ('code^^codingScheme')" in error.context
    assert found(replace(registry, lenient_queries=True), request) == called(r.answer)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (AdhocQueryRequest("urn:uuid:x"), ErrorCode.UNKNOWN_STORED_QUERY),
        (
            AdhocQueryRequest(StoredQueryId.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS),
            ErrorCode.UNKNOWN_STORED_QUERY,
        ),
        (queries.get_documents(), ErrorCode.STORED_QUERY_MISSING_PARAM),
        (
            queries.get_documents(entry_uuid=[uuid(1)], unique_id=["1"]),
            ErrorCode.STORED_QUERY_PARAM_NUMBER,
        ),
        (
            replace(queries.find_documents(CX("1^^^&1.2&ISO")), return_type="x"),
            ErrorCode.REGISTRY_ERROR,
        ),
    ],
    ids=["unknown", "of ITI-51", "no id", "two ids", "return type"],
)
def test_a_query_that_cannot_be_answered_says_why(registry, request_, code):
    (error,) = errors(registry, request_)
    assert error.code == code


# --- through XML ---------------------------------------------------------------------------------

AS_SENT = """
<query:AdhocQueryRequest xmlns:query="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
    xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">
  <query:ResponseOption returnComposedObjects="true" returnType="LeafClass"/>
  <AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d">
    <Slot name="$XDSDocumentEntryPatientId">
      <ValueList><Value>&apos;13816812345^^^&amp;2.16.578.1.12.4.1.4.1&amp;ISO&apos;</Value></ValueList>
    </Slot>
    <Slot name="$XDSDocumentEntryStatus">
      <ValueList>
        <Value>
          ('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')
        </Value>
      </ValueList>
    </Slot>
    <Slot name="$XDSDocumentEntryEventCodeList">
      <ValueList>
        <Value>('A^^2.16.578.1.12.4.1.1.9602')</Value>
        <Value>('C^^2.16.578.1.12.4.1.1.9602')</Value>
      </ValueList>
    </Slot>
    <Slot name="$XDSDocumentEntryEventCodeList">
      <ValueList><Value>('B^^2.16.578.1.12.4.1.1.9602')</Value></ValueList>
    </Slot>
    <Slot name="$XDSDocumentEntryAuthorPerson">
      <ValueList><Value>('%O''Brien%')</Value></ValueList>
    </Slot>
    <Slot name="$XDSDocumentEntryCreationTimeFrom">
      <ValueList><Value>'200412'</Value></ValueList>
    </Slot>
  </AdhocQuery>
</query:AdhocQueryRequest>
"""


def test_a_request_is_understood_as_it_is_sent(registry):
    request = read_query(xml.parse(AS_SENT.strip().encode()), {})
    assert found(registry, request) == called(r.answer)


@pytest.mark.parametrize("return_type", list(ReturnType))
def test_an_answer_is_read_as_it_is_sent(registry, return_type):
    at_home = replace(registry, home_community_id=HomeCommunityId("urn:oid:1.2.3"))
    everything = queries.get_all(
        LINE, document_entry_status=BOTH, document_entry_type=ANY_TYPE, return_type=return_type
    )
    answer = handle(at_home, everything)
    sent = xml.parse(b"".join(write_query_response(answer).xml))
    assert_schema_valid(sent)
    received = read_query_response(sent, {})
    assert received.status == ResponseStatus.SUCCESS
    assert list(received.objects) == list(answer.objects or filled(answer))
    assert len(received.objects) > 20
