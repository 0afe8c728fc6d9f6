"""The sections of the published conformance tests of stored queries, on the registry of the tests.

The NIST XDS Toolkit numbers its tests and names their sections; each stands here under that name
(`11897/classcode_one`), with what it asks of `tests.registry.registered` and what has to be found.
Not here: 12331 (asynchronous) is of SOAP, and the SAML variants of 11897 are of `hub.iti40`.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.call import Call
from ihe import queries as q
from ihe.datatypes import HomeCommunityId
from ihe.errors import ErrorCode, XdsFailure
from ihe.messages import AdhocQueryRequest, AdhocQueryResponse, ReturnType
from ihe.model import Code, RegistryObject, Slot
from ihe.queries import CATALOGUE, AllOf
from ihe.vocabulary import AssociationType, DocumentEntryType, Status, StoredQueryId
from registry import iti18, iti51
from registry.domain import Registry
from tests.registry import registered as r
from tests.registry.objects import KARI, LINE, uuid
from tests.registry.registered import A, B, C, names, registry_with

CALL = Call(at=datetime(2026, 11, 26, tzinfo=UTC), trace_id="0" * 32)
HOME = HomeCommunityId("urn:oid:1.2.3")
OTHER_SCHEME = Code("B", "1.2.3")
STABLE, ON_DEMAND = [DocumentEntryType.STABLE], [DocumentEntryType.ON_DEMAND]
BOTH = [*STABLE, *ON_DEMAND]
RELATED = [AssociationType.RPLC, AssociationType.APND, AssociationType.XFRM]
APPROVED = (r.answer, r.letter2, r.addendum, r.snapshot)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return registry_with(*r.OBJECTS.values())


def ask(registry: Registry, request: AdhocQueryRequest) -> AdhocQueryResponse:
    (transaction, *_) = CATALOGUE[request.query_id].transactions
    handle = iti51.handle if transaction == 51 else iti18.handle
    return handle(request, CALL, registry)


def as_references(request: AdhocQueryRequest) -> AdhocQueryRequest:
    return replace(request, return_type=ReturnType.OBJECT_REF)


def ids(*objects: RegistryObject) -> list[str]:
    return [each.entry_uuid for each in objects]


def having(request: AdhocQueryRequest, name: str, *values: str) -> AdhocQueryRequest:
    """Return a request with one more Slot, as it is sent."""
    return replace(request, parameters=(*request.parameters, Slot(name, values)))


def documents(**filters: Any) -> AdhocQueryRequest:
    return q.find_documents(LINE, **filters)


# --- what is found -------------------------------------------------------------------------------

SECTIONS: dict[str, tuple[AdhocQueryRequest, tuple[RegistryObject, ...]]] = {
    # FindDocuments
    "11897/approved": (documents(), APPROVED),
    "11897/deprecated": (documents(status=[Status.DEPRECATED]), (r.letter,)),
    "11897/classcode_one": (documents(class_code=[B]), (r.answer,)),
    "11897/classcode_two": (documents(class_code=[B, C]), (r.answer, r.addendum)),
    "11897/classcode_scheme_2": (documents(class_code=[OTHER_SCHEME, C]), (r.addendum,)),
    "11897/classcode_scheme_mismatch": (documents(class_code=[OTHER_SCHEME]), ()),
    "11897/practicesetting": (documents(practice_setting_code=[A]), APPROVED),
    "11897/practicesetting_scheme": (documents(practice_setting_code=[Code("A", "1.2")]), ()),
    "11897/classcode_practicesetting": (
        documents(class_code=[B], practice_setting_code=[A]),
        (r.answer,),
    ),
    "11897/creationtime_between": (
        documents(creation_time_from="20041224", creation_time_to="20050101"),
        (r.letter2, r.addendum, r.snapshot),
    ),
    "11897/creationtime_between_long": (
        documents(creation_time_from="20050101115959", creation_time_to="20050101120001"),
        (r.answer,),
    ),
    "11897/creationtime_left_edge": (
        documents(creation_time_from="20041224", creation_time_to="20041225"),
        (r.letter2, r.addendum, r.snapshot),
    ),
    "11897/creationtime_right_edge": (
        documents(creation_time_from="20041124", creation_time_to="20041224"),
        (),
    ),
    "11897/creationtime_practicesetting": (
        documents(creation_time_from="2005", practice_setting_code=[A]),
        (r.answer,),
    ),
    "11897/servicestarttime": (
        documents(
            class_code=[B], service_start_time_from="20050101", service_start_time_to="20050102"
        ),
        (r.answer,),
    ),
    "11897/servicestoptime": (
        documents(class_code=[B], service_stop_time_from="2005", service_stop_time_to="20050102"),
        (),
    ),
    "11897/hcftc": (documents(healthcare_facility_type_code=[A]), APPROVED),
    "11897/hcftc_scheme": (documents(healthcare_facility_type_code=[Code("A", "1.2")]), ()),
    "11897/eventcode": (documents(event_code=[A]), (r.answer,)),
    "11897/eventcode_multi_select": (documents(event_code=AllOf([A, C], [B])), (r.answer,)),
    "11897/confcode": (documents(confidentiality_code=[r.STRICT]), (r.answer,)),
    "11897/formatcode": (documents(format_code=[r.PDF]), (r.answer,)),
    "11897/typecode": (documents(type_code=[A]), APPROVED),
    "11897/author": (documents(author_person=["%Brien%"]), (r.answer,)),
    "11897/old_scheme": (
        having(documents(class_code=[B]), "$XDSDocumentEntryClassCodeScheme", "('1.2')"),
        (r.answer,),
    ),
    # FindSubmissionSets
    "11898/simple": (q.find_submission_sets(LINE), (r.first, r.update, r.addenda)),
    "11898/other_sourceid": (q.find_submission_sets(LINE, source_id=["1.2"]), ()),
    "11898/submissiontime_in": (
        q.find_submission_sets(KARI, submission_time_from="2024", submission_time_to="2025"),
        (r.reuse, r.other),
    ),
    "11898/submissiontime_out": (
        q.find_submission_sets(KARI, submission_time_from="2023", submission_time_to="2024"),
        (),
    ),
    "11898/submissiontime_no_start": (
        q.find_submission_sets(KARI, submission_time_to="2025"),
        (r.reuse, r.other),
    ),
    "11898/submissiontime_no_end": (
        q.find_submission_sets(KARI, submission_time_from="20240101120000"),
        (r.reuse, r.other),
    ),
    "11898/author_all": (
        q.find_submission_sets(KARI, author_person="%Kari"),
        (r.reuse, r.other),
    ),
    "11898/author_none": (q.find_submission_sets(KARI, author_person="Kari"), ()),
    "11898/contenttype_all": (
        q.find_submission_sets(KARI, content_type_code=[A]),
        (r.reuse, r.other),
    ),
    "11898/contenttype_none": (q.find_submission_sets(KARI, content_type_code=[B]), ()),
    # FindFolders
    "11899/basic": (q.find_folders(LINE), (r.chart,)),
    "11899/in_updatetime": (
        q.find_folders(LINE, last_update_time_from="2024", last_update_time_to="2025"),
        (r.chart,),
    ),
    "11899/out_updatetime": (q.find_folders(LINE, last_update_time_to="2024"), ()),
    "11899/codelist": (q.find_folders(LINE, code=AllOf([A], [B, C])), (r.chart,)),
    # GetDocuments
    "11901/uniqueid": (q.get_documents(unique_id=["2.25.1003"]), (r.answer,)),
    "11901/uniqueid2": (
        q.get_documents(unique_id=["2.25.1003", "2.25.1012"]),
        (r.answer, r.letter2),
    ),
    "11901/uuid": (q.get_documents(entry_uuid=ids(r.letter)), (r.letter,)),
    "11901/uuid2": (q.get_documents(entry_uuid=ids(r.letter, r.answer)), (r.letter, r.answer)),
    "11901/uuid_multiple_slot_values": (
        having(
            AdhocQueryRequest(StoredQueryId.GET_DOCUMENTS),
            "$XDSDocumentEntryEntryUUID",
            f"('{r.letter.entry_uuid}')",
            f"('{r.answer.entry_uuid}')",
        ),
        (r.letter, r.answer),
    ),
    "11901/homeCommunityId": (
        q.get_documents(entry_uuid=ids(r.answer), home_community_id=HOME),
        (r.answer,),
    ),
    # GetFolders
    "11902/uuid": (q.get_folders(entry_uuid=ids(r.chart)), (r.chart,)),
    "11902/uniqueid": (q.get_folders(unique_id=["2.25.1004"]), (r.chart,)),
    # GetAssociations
    "11903/single_from_doc": (q.get_associations(ids(r.answer)), (r.first_has_answer,)),
    "11903/multiple_assoc_from_doc": (
        q.get_associations(ids(r.letter)),
        (r.first_has_letter, r.chart_has_letter, r.replaces),
    ),
    "11903/multiple_assoc_from_ss": (
        q.get_associations(ids(r.other)),
        (r.other_has_report, r.other_has_box),
    ),
    "11903/multiple_doc": (
        q.get_associations(ids(r.answer, r.snapshot)),
        (r.first_has_answer, r.addenda_has_snapshot, r.is_snapshot),
    ),
    # GetDocumentsAndAssociations
    **{
        f"11904/{name}": (
            q.render_query(StoredQueryId.GET_DOCUMENTS_AND_ASSOCIATIONS, {kind: values}),
            (r.answer, r.first_has_answer, *more),
        )
        for name, kind, values, more in (
            ("uniqueid", "unique_id", ["2.25.1003"], ()),
            (
                "uniqueids",
                "unique_id",
                ["2.25.1003", "2.25.1022"],
                (r.addendum, r.addenda_has_addendum, r.appends),
            ),
            ("uuid", "entry_uuid", ids(r.answer), ()),
            (
                "uuids",
                "entry_uuid",
                ids(r.answer, r.addendum),
                (r.addendum, r.addenda_has_addendum, r.appends),
            ),
        )
    },
    # GetSubmissionSets
    "11905/basic": (
        q.get_submission_sets(ids(r.answer, r.addendum)),
        (r.first, r.first_has_answer, r.addenda, r.addenda_has_addendum),
    ),
    # GetSubmissionSetAndContents
    "11906/uniqueid": (
        q.get_submission_set_and_contents(unique_id="2.25.1011"),
        (r.update, r.letter2, r.update_has_letter2),
    ),
    "11906/uuid": (
        q.get_submission_set_and_contents(entry_uuid=r.update.entry_uuid),
        (r.update, r.letter2, r.update_has_letter2),
    ),
    "11906/folder_and_docs": (
        q.get_submission_set_and_contents(entry_uuid=r.other.entry_uuid),
        (r.other, r.report, r.box, r.other_has_report, r.other_has_box),
    ),
    "11906/format_code": (
        q.get_submission_set_and_contents(entry_uuid=r.first.entry_uuid, format_code=[r.PDF]),
        (r.first, r.answer, r.chart, r.first_has_answer, r.first_has_chart),
    ),
    "11906/conf_code": (
        q.get_submission_set_and_contents(
            entry_uuid=r.first.entry_uuid, confidentiality_code=[r.STRICT]
        ),
        (r.first, r.answer, r.chart, r.first_has_answer, r.first_has_chart),
    ),
    # GetFolderAndContents
    "11907/uniqueid": (
        q.get_folder_and_contents(unique_id="2.25.1043"),
        (r.box, r.report, r.box_has_report),
    ),
    "11907/uuid": (
        q.get_folder_and_contents(entry_uuid=r.box.entry_uuid),
        (r.box, r.report, r.box_has_report),
    ),
    "11907/conf_code": (
        q.get_folder_and_contents(entry_uuid=r.box.entry_uuid, confidentiality_code=[r.STRICT]),
        (r.box,),
    ),
    "11907/both_conf_code": (
        q.get_folder_and_contents(
            entry_uuid=r.box.entry_uuid, confidentiality_code=[r.STRICT, r.NORMAL]
        ),
        (r.box, r.report, r.box_has_report),
    ),
    "11907/format_code": (
        q.get_folder_and_contents(entry_uuid=r.box.entry_uuid, format_code=[r.TEXT]),
        (r.box, r.report, r.box_has_report),
    ),
    # GetFoldersForDocument
    "11908/uniqueid": (q.get_folders_for_document(unique_id="2.25.1012"), (r.chart,)),
    "11908/uuid": (q.get_folders_for_document(entry_uuid=r.letter2.entry_uuid), (r.chart,)),
    # GetRelatedDocuments
    "11909/no_initial_doc": (q.get_related_documents(RELATED, entry_uuid=uuid(77)), ()),
    "11909/uniqueid_no_related": (q.get_related_documents(RELATED, unique_id="2.25.1003"), ()),
    "11909/uuid_no_related": (
        q.get_related_documents(RELATED, entry_uuid=r.answer.entry_uuid),
        (),
    ),
    "11909/near_folder": (q.get_related_documents(RELATED, entry_uuid=r.report.entry_uuid), ()),
    "11909/uniqueid": (
        q.get_related_documents(RELATED, unique_id="2.25.1022"),
        (r.addendum, r.letter2, r.appends),
    ),
    "11909/uuid": (
        q.get_related_documents(RELATED, entry_uuid=r.letter.entry_uuid),
        (r.letter, r.letter2, r.replaces),
    ),
    # GetAll
    "15803/all": (
        q.get_all(KARI),
        (
            r.reuse,
            r.other,
            r.report,
            r.box,
            r.reuse_has_letter2,
            r.other_has_report,
            r.other_has_box,
            r.box_has_report,
        ),
    ),
    # FindDocumentsForMultiplePatients
    **{
        f"12364/{name}": (q.find_documents_for_multiple_patients(**filters), found)
        for name, filters, found in (
            ("classcode", {"class_code": [B, C]}, (r.answer, r.addendum)),
            ("eventcode", {"event_code": [A]}, (r.answer,)),
            ("hcftc", {"healthcare_facility_type_code": [A]}, (*APPROVED, r.report)),
            ("classcode_eventcode", {"class_code": [C], "event_code": [A]}, ()),
            (
                "eventcode_hcft",
                {"event_code": [B], "healthcare_facility_type_code": [A]},
                (r.answer,),
            ),
            ("one_pid", {"patient_id": [KARI]}, (r.report,)),
            ("multi_pid", {"patient_id": [KARI, LINE]}, (*APPROVED, r.report)),
        )
    },
    # on-demand entries
    "15805/Query_OD_FindDocuments": (documents(document_entry_type=ON_DEMAND), (r.dynamic,)),
    "15805/Query_OD_GetSSAndContents": (
        q.get_submission_set_and_contents(
            entry_uuid=r.addenda.entry_uuid, document_entry_type=ON_DEMAND
        ),
        (r.addenda, r.dynamic, r.addenda_has_dynamic),
    ),
    "15805/Query_Stable_FindDocuments": (documents(document_entry_type=STABLE), APPROVED),
    "15805/Query_Stable_GetSSAndContents": (
        q.get_submission_set_and_contents(
            entry_uuid=r.addenda.entry_uuid, document_entry_type=STABLE
        ),
        (r.addenda, r.addendum, r.snapshot, r.addenda_has_addendum, r.addenda_has_snapshot),
    ),
    "15805/Query_Both_FindDocuments": (
        documents(document_entry_type=BOTH),
        (*APPROVED, r.dynamic),
    ),
}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_finds_whole_objects_and_references(registry: Registry, section: str) -> None:
    request, expected = SECTIONS[section]
    for asked in (request, as_references(request)):
        assert names(ask(registry, asked)) == {r.NAMES[each.entry_uuid] for each in expected}


@pytest.mark.parametrize(
    ("section", "types"),
    [("Query_OD", ON_DEMAND), ("Query_Stable", STABLE), ("Query_Both", BOTH)],
)
def test_15805_get_all_returns_the_types_that_are_asked_for(
    registry: Registry, section: str, types: list[DocumentEntryType]
) -> None:
    found = names(ask(registry, q.get_all(LINE, document_entry_type=types)))
    stable = {r.NAMES[each.entry_uuid] for each in APPROVED}
    assert found & (stable | {"dynamic"}) == (
        (stable if "OD" not in section else set())
        | ({"dynamic"} if "Stable" not in section else set())
    )


# --- what is refused -----------------------------------------------------------------------------


def refused(registry: Registry, request: AdhocQueryRequest) -> list[str]:
    with pytest.raises(XdsFailure) as told:
        ask(registry, request)
    return [each.code for each in told.value.errors]


def test_12364_nothing_of_the_four_parameters_is_missing_something(registry: Registry) -> None:
    request = q.find_documents_for_multiple_patients()
    assert refused(registry, request) == [ErrorCode.STORED_QUERY_MISSING_PARAM]


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(q.get_documents(entry_uuid=ids(r.answer, r.report)), id="doc"),
        pytest.param(q.get_submission_sets(ids(r.answer, r.report)), id="ss"),
        pytest.param(q.get_folders(entry_uuid=ids(r.chart, r.box)), id="fol"),
    ],
)
def test_12368_whole_objects_are_of_one_patient_and_references_of_any(
    registry: Registry, request_: AdhocQueryRequest
) -> None:
    assert refused(registry, request_) == [ErrorCode.RESULT_NOT_SINGLE_PATIENT]
    assert len(ask(registry, as_references(request_)).objects) >= 2


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(q.get_documents(entry_uuid=ids(r.report), home_community_id=HOME), id="uuid"),
        pytest.param(q.find_documents(KARI), id="pid"),
    ],
)
def test_12342_with_gateways_about_the_home_community_is_told(
    registry: Registry, request_: AdhocQueryRequest
) -> None:
    at_home = replace(registry, home_community_id=HOME)
    (whole,) = r.filled(ask(at_home, request_))
    assert getattr(whole, "home_community_id", None) == HOME
    (reference,) = r.references(ask(at_home, as_references(request_)))
    assert reference.home_community_id == HOME
