import inspect
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihe import queries
from ihe.datatypes import CX, DTM, HomeCommunityId, MalformedValue
from ihe.messages import AdhocQueryRequest, ReturnType
from ihe.model import Code
from ihe.queries import CATALOGUE, AllOf, StoredQuery, building, parse_query, render_query
from ihe.queries.parameters import Parameter
from ihe.queries.parameters import ParameterType as T
from ihe.queries.rendering import _keyword
from ihe.state import AnyCode, AnyOf, Between, Condition, Kind, Like, any_of
from ihe.vocabulary import (
    AssociationType,
    DocumentAvailability,
    DocumentEntryType,
    Status,
    StoredQueryId,
)

LINE = CX("13816812345^^^&2.16.578.1.12.4.1.4.1&ISO")
KARI = CX("15896212345^^^&2.16.578.1.12.4.1.4.1&ISO")
UUID = "urn:uuid:0f4f7bd5-6a3c-4b4f-9f3b-0f0a8b1c2d3e"
A, B, C = (Code(text, "1.2.3") for text in "ABC")
ENTRY = Kind.DOCUMENT_ENTRY


def parsed(request: AdhocQueryRequest) -> StoredQuery:
    return parse_query(request, transaction=CATALOGUE[request.query_id].transactions[0])


BUILT: dict[StoredQueryId, Callable[[], AdhocQueryRequest]] = {
    StoredQueryId.FIND_DOCUMENTS: lambda: queries.find_documents(LINE),
    StoredQueryId.FIND_SUBMISSION_SETS: lambda: queries.find_submission_sets(LINE),
    StoredQueryId.FIND_FOLDERS: lambda: queries.find_folders(LINE),
    StoredQueryId.GET_ALL: lambda: queries.get_all(LINE),
    StoredQueryId.GET_DOCUMENTS: lambda: queries.get_documents(unique_id=["1.2"]),
    StoredQueryId.GET_FOLDERS: lambda: queries.get_folders(logical_id=[UUID]),
    StoredQueryId.GET_ASSOCIATIONS: lambda: queries.get_associations([UUID]),
    StoredQueryId.GET_DOCUMENTS_AND_ASSOCIATIONS: (
        lambda: queries.get_documents_and_associations(entry_uuid=[UUID])
    ),
    StoredQueryId.GET_SUBMISSION_SETS: lambda: queries.get_submission_sets([UUID]),
    StoredQueryId.GET_SUBMISSION_SET_AND_CONTENTS: (
        lambda: queries.get_submission_set_and_contents(unique_id="1.2")
    ),
    StoredQueryId.GET_FOLDER_AND_CONTENTS: (
        lambda: queries.get_folder_and_contents(entry_uuid=UUID)
    ),
    StoredQueryId.GET_FOLDERS_FOR_DOCUMENT: (
        lambda: queries.get_folders_for_document(unique_id="1.2")
    ),
    StoredQueryId.GET_RELATED_DOCUMENTS: (
        lambda: queries.get_related_documents([AssociationType.RPLC], entry_uuid=UUID)
    ),
    StoredQueryId.FIND_DOCUMENTS_BY_REFERENCE_ID: (
        lambda: queries.find_documents_by_reference_id(LINE, ["1^^^^urn:x"])
    ),
    StoredQueryId.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS: (
        lambda: queries.find_documents_for_multiple_patients([LINE, KARI])
    ),
    StoredQueryId.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS: (
        lambda: queries.find_folders_for_multiple_patients(code=[A])
    ),
    StoredQueryId.FIND_DOCUMENTS_BY_TITLE: (
        lambda: queries.find_documents_by_title(LINE, ["Epikrise%"])
    ),
    StoredQueryId.FIND_DOCUMENTS_EXCLUDE: (
        lambda: render_query(
            StoredQueryId.FIND_DOCUMENTS_EXCLUDE,
            {
                "patient_id": LINE,
                "document_entry_status": Status.APPROVED,
                "class_code_exclude": [A],
            },
        )
    ),
    StoredQueryId.FIND_DOCUMENTS_BY_REFERENCE_ID_FOR_MULTIPLE_PATIENTS: (
        lambda: render_query(
            StoredQueryId.FIND_DOCUMENTS_BY_REFERENCE_ID_FOR_MULTIPLE_PATIENTS,
            {"document_entry_status": Status.APPROVED, "reference_id": "1^^^^urn:x"},
        )
    ),
}


def test_every_query_can_be_built():
    assert set(BUILT) == set(CATALOGUE)


@pytest.mark.parametrize("query_id", BUILT, ids=lambda each: CATALOGUE[each].title)
def test_what_was_built_is_understood(query_id):
    request = BUILT[query_id]()
    assert request.query_id == query_id
    assert request.return_type is ReturnType.LEAF_CLASS
    assert parsed(request).definition is CATALOGUE[query_id]
    assert parsed(request).ignored == ()


def test_the_package_offers_every_function():
    names = {
        name
        for name, each in inspect.getmembers(building, inspect.isfunction)
        if each.__module__ == building.__name__
    }
    assert names <= set(queries.__all__)
    assert all(hasattr(queries, name) for name in queries.__all__)


def test_every_filter_of_find_documents_is_a_keyword():
    keywords = {_keyword(each) for each in CATALOGUE[StoredQueryId.FIND_DOCUMENTS].parameters}
    offered = set(building.EntryFilters.__annotations__) - {"return_type", "home_community_id"}
    assert keywords == offered | {"patient_id", "document_entry_status"}


def test_values_become_conditions():
    query = parsed(
        queries.find_documents(
            LINE,
            status=[Status.APPROVED, Status.DEPRECATED],
            class_code=[A, B],
            type_code=[A],
            practice_setting_code=(C,),
            healthcare_facility_type_code={A},
            format_code=iter([B]),
            event_code=AllOf([A, B], [C]),
            confidentiality_code=[A],
            author_person=["%Ås%", "O'Brien"],
            creation_time_from="2004",
            creation_time_to=DTM("20050101"),
            service_start_time_from="200401",
            service_start_time_to=None,
            service_stop_time_to="20040101120000",
            document_entry_type=list(DocumentEntryType),
            document_availability=[DocumentAvailability.OFFLINE],
            metadata_level=2,
        )
    )
    expected: set[Condition] = {
        any_of("patient_id", LINE),
        any_of("availability_status", Status.APPROVED, Status.DEPRECATED),
        AnyCode("class_code", frozenset({("A", "1.2.3"), ("B", "1.2.3")})),
        AnyCode("type_code", frozenset({("A", "1.2.3")})),
        AnyCode("practice_setting_code", frozenset({("C", "1.2.3")})),
        AnyCode("healthcare_facility_type_code", frozenset({("A", "1.2.3")})),
        AnyCode("format_code", frozenset({("B", "1.2.3")})),
        AnyCode("event_code", frozenset({("A", "1.2.3"), ("B", "1.2.3")})),
        AnyCode("event_code", frozenset({("C", "1.2.3")})),
        AnyCode("confidentiality_code", frozenset({("A", "1.2.3")})),
        Like("author_person", frozenset({"%Ås%", "O'Brien"})),
        Between("creation_time", start=DTM("2004")),
        Between("creation_time", stop=DTM("20050101")),
        Between("service_start_time", start=DTM("200401")),
        Between("service_stop_time", stop=DTM("20040101120000")),
        AnyOf("object_type", frozenset(DocumentEntryType)),
        any_of("document_availability", DocumentAvailability.OFFLINE),
    }
    assert set(query.conditions[ENTRY]) == expected
    assert query.metadata_level == 2


def test_the_home_community_and_the_return_type_are_not_slots():
    home = HomeCommunityId("urn:oid:1.2.3")
    request = queries.get_documents(
        unique_id=["1.2"], home_community_id=home, return_type=ReturnType.OBJECT_REF
    )
    assert request.home_community_id == home
    assert request.return_type is ReturnType.OBJECT_REF
    assert [slot.name for slot in request.parameters] == ["$XDSDocumentEntryUniqueId"]


def test_a_text_alone_is_one_value():
    query = parsed(queries.find_documents_by_title(LINE, "Epikrise", author_person="%Ås%"))
    assert Like("title", frozenset({"Epikrise"})) in query.conditions[ENTRY]
    assert Like("author_person", frozenset({"%Ås%"})) in query.conditions[ENTRY]


def test_a_long_list_is_spread_over_values_of_at_most_256_characters():
    uuids = [f"urn:uuid:00000000-0000-4000-8000-{n:012x}" for n in range(100)]
    request = queries.get_documents(entry_uuid=uuids)
    (slot,) = request.parameters
    assert len(slot.values) == 20
    assert max(map(len, slot.values)) <= 256
    assert parsed(request).selection == (any_of("entry_uuid", *uuids),)


@pytest.mark.parametrize(
    "wrong",
    [
        {"patient_id": CX("1")},
        {"creation_time_from": "2004-12-24"},
        {"class_code": [Code("", "1.2")]},
        {"class_code": [Code("a^b", "1.2")]},
    ],
    ids=["patient id", "time", "empty code", "code with a separator"],
)
def test_a_malformed_value_is_refused_before_it_is_sent(wrong):
    with pytest.raises(MalformedValue, match="expected"):
        render_query(StoredQueryId.FIND_DOCUMENTS, wrong)


def test_a_keyword_that_the_query_does_not_know_is_refused():
    with pytest.raises(ValueError, match=r"GetDocuments cannot be asked with \['title'\]"):
        render_query(StoredQueryId.GET_DOCUMENTS, {"title": "x"})


def test_what_cannot_be_combined_is_refused():
    with pytest.raises(ValueError, match=r"\$XDSDocumentEntryClassCode cannot be combined by AND"):
        render_query(StoredQueryId.FIND_DOCUMENTS, {"class_code": AllOf([A], [B])})
    with pytest.raises(ValueError, match="takes one value, found 2"):
        render_query(StoredQueryId.FIND_DOCUMENTS, {"patient_id": [LINE, KARI]})


# --- there and back ------------------------------------------------------------------------------

TEXT = st.text(min_size=1, max_size=40)
PART = st.text(st.characters(exclude_characters="^"), min_size=1, max_size=20)
UUIDS = st.uuids().map(lambda each: each.urn)
VALUE: dict[T, st.SearchStrategy[object]] = {
    T.PATIENT_ID: st.from_regex(r"[A-Za-z0-9'()]{1,12}\^\^\^&1\.[0-9]\.3&ISO", fullmatch=True),
    T.STATUS: st.sampled_from(Status),
    T.CODE: st.builds(Code, PART, PART),
    T.TIME_FROM: st.from_regex(r"(19|20)[0-9]{2}((0[1-9]|1[0-2])([01][1-9])?)?", fullmatch=True),
    T.TIME_TO: st.from_regex(r"(19|20)[0-9]{2}((0[1-9]|1[0-2])([01][1-9])?)?", fullmatch=True),
    T.PATTERN: TEXT,
    T.TEXT: TEXT,
    T.ENTRY_UUID: UUIDS,
    T.ASSOCIATION_TYPE: st.sampled_from(AssociationType),
    T.DOCUMENT_ENTRY_TYPE: st.sampled_from(DocumentEntryType),
    T.DOCUMENT_AVAILABILITY: st.sampled_from(DocumentAvailability),
    T.METADATA_LEVEL: st.sampled_from([1, 2]),
}


def said(parameter: Parameter, values: list[object]) -> object:
    """Return a value as the condition of one Slot holds it."""
    if parameter.type is T.CODE:
        return frozenset((v.code, v.scheme) for v in values if isinstance(v, Code))
    return frozenset(str(v) for v in values)


def held(condition: Condition) -> object:
    match condition:
        case AnyOf(_, values) | AnyCode(_, values) | Like(_, values):
            return values
        case Between(_, start, stop):
            return frozenset({start or stop})
        case _:
            raise AssertionError(condition)


@st.composite
def asked(draw: st.DrawFn) -> tuple[StoredQueryId, dict[str, object], list[tuple[str, object]]]:
    """Draw a query, what it is asked with, and (attribute, values) of every Slot of that."""
    definition = draw(st.sampled_from([q for q in CATALOGUE.values() if "Exclude" not in q.title]))
    picked = {draw(st.sampled_from(group.names)) for group in definition.groups}
    given: dict[str, object] = {}
    slots: list[tuple[str, object]] = []
    for parameter in definition.parameters:
        exclusive = any(parameter.name in g.names and g.most == 1 for g in definition.groups)
        wanted = parameter.required or parameter.name in picked
        if not wanted and (exclusive or not draw(st.booleans())):
            continue
        one = VALUE[parameter.type]
        several = st.lists(one, min_size=1, max_size=9 if parameter.many else 1)
        groups = draw(st.lists(several, min_size=1, max_size=3 if parameter.repeatable else 1))
        given[_keyword(parameter)] = AllOf(*groups) if parameter.repeatable else groups[0]
        if parameter.restricts:
            slots += [(parameter.attribute, said(parameter, group)) for group in groups]
    return definition.id, given, slots


@given(asked())
def test_what_was_rendered_is_parsed_as_it_was_meant(case):
    query_id, given, slots = case
    request = render_query(query_id, given)
    query = parsed(request)
    conditions = [
        *query.selection,
        *(each for kind in query.conditions.values() for each in kind),
    ]
    found = {
        (each.attribute, held(each))
        for each in conditions
        if isinstance(each, AnyOf | AnyCode | Like | Between)
    }
    assert set(slots) <= found
    assert [query.metadata_level] == given.get("metadata_level", [1])
    values = [value for slot in request.parameters for value in slot.values]
    assert max(map(len, values)) <= 256
