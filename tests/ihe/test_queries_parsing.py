import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihe.datatypes import DTM
from ihe.errors import ErrorCode, RegistryError, XdsFailure
from ihe.messages import AdhocQueryRequest, ReturnType
from ihe.model import Slot
from ihe.queries import CATALOGUE, StoredQuery, asks_for_patient, name_of, parse_query
from ihe.queries.naming import near_misses
from ihe.queries.parsing import MAX_PATTERNS, MAX_PROBLEMS, MAX_SLOTS
from ihe.state import AnyCode, AnyOf, Between, Condition, Kind, Like, Newest, Not, any_of
from ihe.vocabulary import (
    AssociationType,
    DocumentAvailability,
    DocumentEntryType,
    Status,
    StoredQueryId,
)

Q = StoredQueryId
LINE = "13816812345^^^&2.16.578.1.12.4.1.4.1&ISO"
KARI = "15896212345^^^&2.16.578.1.12.4.1.4.1&ISO"
UUID = "urn:uuid:0f4f7bd5-6a3c-4b4f-9f3b-0f0a8b1c2d3e"
OTHER = "urn:uuid:5a1e0c74-53a1-4ed1-9d0c-3d6a5f8b7c21"
APPROVED, DEPRECATED = Status.APPROVED, Status.DEPRECATED
STABLE = any_of("object_type", DocumentEntryType.STABLE)
ONLINE = any_of("document_availability", DocumentAvailability.ONLINE)
IS_APPROVED = any_of("availability_status", Status.APPROVED)
ENTRY, SET, FOLDER, LINK = Kind.DOCUMENT_ENTRY, Kind.SUBMISSION_SET, Kind.FOLDER, Kind.ASSOCIATION

BY_PATIENT = (
    ("$XDSDocumentEntryPatientId", f"'{LINE}'"),
    ("$XDSDocumentEntryStatus", f"('{APPROVED}')"),
)
BY_ID = (("$XDSDocumentEntryEntryUUID", f"('{UUID}')"),)


def request(
    query_id: str, *slots: tuple[str, ...], return_type: str = "LeafClass"
) -> AdhocQueryRequest:
    parameters = tuple(Slot(name, tuple(values)) for name, *values in slots)
    return AdhocQueryRequest(query_id, parameters, return_type)


def parse(
    query_id: str, *slots: tuple[str, ...], transaction: int = 18, lenient: bool = False
) -> StoredQuery:
    return parse_query(request(query_id, *slots), transaction=transaction, lenient=lenient)


def find_documents(*slots: tuple[str, ...], lenient: bool = False) -> list[Condition]:
    """Return what FindDocuments asks for besides what it always asks for."""
    query = parse(Q.FIND_DOCUMENTS, *BY_PATIENT, *slots, lenient=lenient)
    always = (Newest(), ONLINE, any_of("patient_id", LINE), IS_APPROVED, STABLE)
    assert set(always) <= set(query.conditions[ENTRY])
    return [each for each in query.conditions[ENTRY] if each not in always]


def problems(query_id: str, *slots: tuple[str, ...], **options) -> list[RegistryError]:
    with pytest.raises(XdsFailure) as caught:
        parse(query_id, *slots, **options)
    return list(caught.value.errors)


def problem(query_id: str, *slots: tuple[str, ...], **options) -> RegistryError:
    (only,) = problems(query_id, *slots, **options)
    return only


# --- which query ---------------------------------------------------------------------------------


@pytest.mark.parametrize("query_id", ["", "x", "urn:uuid:1", UUID, "urn:oid:1.2"])
def test_an_unknown_query_is_named(query_id):
    error = problem(query_id, *BY_PATIENT)
    assert error.code == ErrorCode.UNKNOWN_STORED_QUERY
    assert f"'{query_id}'" in error.context


def test_a_query_of_another_transaction_is_not_answered():
    error = problem(Q.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS, *BY_PATIENT)
    assert error.code == ErrorCode.UNKNOWN_STORED_QUERY
    assert "FindDocumentsForMultiplePatients is answered in ITI-51, this is ITI-18" in error.context
    error = problem(Q.FIND_DOCUMENTS, *BY_PATIENT, transaction=51)
    assert "ITI-18 or ITI-38" in error.context
    assert parse(Q.FIND_DOCUMENTS, *BY_PATIENT, transaction=38).definition.id == Q.FIND_DOCUMENTS


def test_the_id_may_be_upper_case_or_without_its_prefix():
    for query_id in (Q.FIND_DOCUMENTS.upper(), Q.FIND_DOCUMENTS[9:]):
        assert parse(query_id, *BY_PATIENT).definition.title == "FindDocuments"
        assert name_of(query_id) == "FindDocuments"


@pytest.mark.parametrize(
    ("query_id", "by_patient"),
    [
        (Q.FIND_DOCUMENTS, True),
        (Q.GET_ALL, True),
        (Q.FIND_FOLDERS, True),
        (Q.GET_DOCUMENTS, False),
        (Q.GET_RELATED_DOCUMENTS, False),
        (UUID, False),
        ("nothing", False),
    ],
)
def test_queries_by_patient_are_told_from_queries_by_id(query_id, by_patient):
    assert asks_for_patient(request(query_id)) is by_patient


def test_an_unknown_query_has_no_name():
    assert name_of("nothing") is None
    assert name_of(Q.GET_ALL) == "GetAll"


@pytest.mark.parametrize("return_type", list(ReturnType))
def test_the_return_type_is_kept(return_type):
    asked = request(Q.FIND_DOCUMENTS, *BY_PATIENT, return_type=return_type)
    assert parse_query(asked, transaction=18).return_type is return_type


@pytest.mark.parametrize("return_type", ["", "leafclass", "RegistryObject", "RepositoryItem"])
def test_another_return_type_is_refused_by_name(return_type):
    asked = request(Q.FIND_DOCUMENTS, *BY_PATIENT, return_type=return_type)
    with pytest.raises(XdsFailure) as caught:
        parse_query(asked, transaction=18)
    (error,) = caught.value.errors
    assert error.code == ErrorCode.REGISTRY_ERROR
    assert f"'{return_type}', expected LeafClass or ObjectRef" in error.context


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [f"'{LINE}'", LINE, f'"{LINE}"', f"‘{LINE}’", f"\n '{LINE}'\n"])
def test_a_patient_id_is_taken_however_it_is_quoted(value):
    query = parse(Q.FIND_DOCUMENTS, ("$XDSDocumentEntryPatientId", value), BY_PATIENT[1])
    assert query.patient_ids == (LINE,)
    assert any_of("patient_id", LINE) in query.conditions[ENTRY]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("'13816812345'", "is not an OID"),
        ("'1^^^&x&ISO'", "'x' is not an OID"),
        ("'1^^^NHN&1.2.3&ISO'", "names a namespace"),
        ("'1^^^&1.2.3&DNS'", "the authority's type is 'DNS'"),
        ("'^^^&1.2.3&ISO'", "the id is missing"),
    ],
)
def test_a_malformed_patient_id_is_refused_with_what_is_wrong(value, why):
    error = problem(Q.FIND_DOCUMENTS, ("$XDSDocumentEntryPatientId", value), BY_PATIENT[1])
    assert error.code == ErrorCode.REGISTRY_ERROR
    assert error.location == "$XDSDocumentEntryPatientId"
    assert error.context.startswith("$XDSDocumentEntryPatientId, character 1: ")
    assert why in error.context
    assert "expected id^^^&OID&ISO" in error.context


def test_several_values_of_one_slot_are_alternatives():
    either = AnyCode("class_code", frozenset({("a", "1.2"), ("b", "1.2"), ("c", "x y")}))
    for values in (
        ["('a^^1.2','b^^1.2','c^^x y')"],
        ["('a^^1.2')", "('b^^1.2','c^^x y')"],
        ["('a^^1.2')", "('b^^1.2')", "('c^^x y')"],
        ["'a^^1.2'", "'b^^1.2'", "'c^^x y'"],
        ["(a^^1.2, b^^1.2, c^^x y)"],
    ):
        assert find_documents(("$XDSDocumentEntryClassCode", *values)) == [either]


def test_repeated_slots_are_all_required_where_the_attribute_has_several_values():
    conditions = find_documents(
        ("$XDSDocumentEntryEventCodeList", "('a^^1.2','b^^1.2')"),
        ("$XDSDocumentEntryClassCode", "('x^^1.2')"),
        ("$XDSDocumentEntryEventCodeList", "('c^^1.2')"),
    )
    assert set(conditions) == {
        AnyCode("event_code", frozenset({("a", "1.2"), ("b", "1.2")})),
        AnyCode("event_code", frozenset({("c", "1.2")})),
        AnyCode("class_code", frozenset({("x", "1.2")})),
    }


def test_repeated_slots_elsewhere_are_refused():
    twice = ("$XDSDocumentEntryClassCode", "('a^^1.2')")
    error = problem(Q.FIND_DOCUMENTS, *BY_PATIENT, twice, twice)
    assert error.code == ErrorCode.STORED_QUERY_PARAM_NUMBER
    assert "$XDSDocumentEntryClassCode stands in 2 Slots, expected one Slot" in error.context


@pytest.mark.parametrize(
    "slots",
    [
        [("$XDSDocumentEntryPatientId", f"('{LINE}','{KARI}')")],
        [("$XDSDocumentEntryPatientId", f"'{LINE}'", f"'{KARI}'")],
        [("$XDSDocumentEntryPatientId", f"'{LINE}'"), ("$XDSDocumentEntryPatientId", f"'{KARI}'")],
        [("$XDSDocumentEntryPatientId", f"('{LINE}')", f"('{LINE}')")],
    ],
)
def test_several_values_for_a_single_valued_parameter_are_refused(slots):
    error = problem(Q.FIND_DOCUMENTS, *slots, BY_PATIENT[1])
    assert error.code == ErrorCode.STORED_QUERY_PARAM_NUMBER
    assert error.context == "$XDSDocumentEntryPatientId takes one value, found 2"


def test_the_values_of_a_parameter_are_limited_together():
    """Each list stays below the limit of one list."""
    half = f"({','.join([repr(f'{n}^^1.2') for n in range(5_001)])})"
    many = ("$XDSDocumentEntryClassCode", half, half)
    error = problem(Q.FIND_DOCUMENTS, *BY_PATIENT, many)
    assert error.code == ErrorCode.REGISTRY_ERROR
    assert "$XDSDocumentEntryClassCode has more than 10000 values" in error.context
    assert find_documents(many[:2])


def test_the_slots_of_a_parameter_are_limited():
    slots = [("$XDSDocumentEntryEventCodeList", f"('{n}^^1.2')") for n in range(MAX_SLOTS + 1)]
    found = problem(Q.FIND_DOCUMENTS, *BY_PATIENT, *slots)
    assert found.context == (
        "$XDSDocumentEntryEventCodeList stands in 101 Slots, at most 100 are accepted"
    )


def test_a_list_of_one_is_one_value():
    query = parse(Q.FIND_DOCUMENTS, ("$XDSDocumentEntryPatientId", f"('{LINE}')"), BY_PATIENT[1])
    assert query.patient_ids == (LINE,)


def test_lists_and_single_values_in_one_slot_are_refused():
    error = problem(
        Q.FIND_DOCUMENTS, *BY_PATIENT, ("$XDSDocumentEntryClassCode", "('a^^1.2')", "'b^^1.2'")
    )
    assert error.code == ErrorCode.REGISTRY_ERROR
    assert "some Values are lists and some are not" in error.context


@pytest.mark.parametrize("value", ["('P99')", "P99", "'P99'", "('P99^^')", "('P99^')"])
def test_a_code_without_its_scheme_is_refused_with_the_form_that_is_expected(value):
    error = problem(Q.FIND_DOCUMENTS, *BY_PATIENT, ("$XDSDocumentEntryClassCode", value))
    assert error.code == ErrorCode.REGISTRY_ERROR
    assert error.location == "$XDSDocumentEntryClassCode"
    assert "the code has no coding scheme: found 'P99" in error.context
    assert "expected ('code^^codingScheme')" in error.context


@pytest.mark.parametrize("value", ["('P99')", "P99", "'P99'", "('P99^^')"])
def test_a_code_without_its_scheme_matches_any_scheme_where_that_is_allowed(value):
    slot = ("$XDSDocumentEntryClassCode", value)
    expected = AnyCode("class_code", frozenset({("P99", None)}))
    assert find_documents(slot, lenient=True) == [expected]


@pytest.mark.parametrize("value", ["('a^1.2')", "('^^1.2')", "('a^b^1.2')", "('a^^1.2^')", "('')"])
def test_what_is_no_code_is_refused_however_lenient(value):
    slot = ("$XDSDocumentEntryClassCode", value)
    for lenient in (False, True):
        error = problem(Q.FIND_DOCUMENTS, *BY_PATIENT, slot, lenient=lenient)
        assert error.code == ErrorCode.REGISTRY_ERROR
        assert "character 2" in error.context


@pytest.mark.parametrize("value", ["20041224", "'20041224'", "('20041224')", " 20041224\n"])
def test_a_time_may_be_quoted(value):
    assert find_documents(("$XDSDocumentEntryCreationTimeFrom", value)) == [
        Between("creation_time", start=DTM("20041224"))
    ]
    assert find_documents(("$XDSDocumentEntryServiceStopTimeTo", value)) == [
        Between("service_stop_time", stop=DTM("20041224"))
    ]


@pytest.mark.parametrize("value", ["2004-12-24", "200412241", "yesterday", "20041301", "''"])
def test_a_malformed_time_is_refused(value):
    error = problem(Q.FIND_DOCUMENTS, *BY_PATIENT, ("$XDSDocumentEntryCreationTimeTo", value))
    assert error.code == ErrorCode.REGISTRY_ERROR
    assert "expected YYYY[MM[DD[hh[mm[ss]]]]]" in error.context


def test_an_author_is_a_pattern():
    assert find_documents(("$XDSDocumentEntryAuthorPerson", "('%Ås%','O''Brien_')")) == [
        Like("author_person", frozenset({"%Ås%", "O'Brien_"}))
    ]


def test_unknown_statuses_are_passed_over():
    query = parse(
        Q.FIND_DOCUMENTS, BY_PATIENT[0], ("$XDSDocumentEntryStatus", f"('x','{DEPRECATED}')")
    )
    assert any_of("availability_status", DEPRECATED) in query.conditions[ENTRY]


@pytest.mark.parametrize(
    "value", ["('Approved')", f"('{APPROVED.replace('StatusType', 'ResponseStatusType')}')"]
)
def test_a_status_parameter_without_any_known_status_counts_as_missing(value):
    error = problem(Q.FIND_DOCUMENTS, BY_PATIENT[0], ("$XDSDocumentEntryStatus", value))
    assert error.code == ErrorCode.STORED_QUERY_MISSING_PARAM
    assert "$XDSDocumentEntryStatus has no known value: found '" in error.context
    assert APPROVED in error.context


def test_ids_may_be_upper_case_or_without_their_prefix():
    for value in (UUID, UUID.upper(), UUID[9:], UUID[9:].upper(), f" {UUID} "):
        query = parse(Q.GET_DOCUMENTS, ("$XDSDocumentEntryEntryUUID", f"('{value}')"))
        assert query.selection == (any_of("entry_uuid", UUID),)


def test_what_is_no_uuid_is_refused_with_its_place():
    first, second = problems(
        Q.GET_ASSOCIATIONS, ("$uuid", f"('{UUID}'", f"('{UUID}','Document01')")
    )
    assert first.context.startswith("$uuid, Value 1, character 49: expected ',' or ')'")
    assert second.context.startswith("$uuid, Value 2, character 50: not a UUID: found 'Document01'")


def test_a_unique_id_is_taken_to_the_letter():
    for value in (UUID.upper(), "1.2.3^x", "1.2.3^^^", " 1"):
        query = parse(Q.GET_DOCUMENTS, ("$XDSDocumentEntryUniqueId", f"('{value}')"))
        assert query.selection == (any_of("unique_id", value),)


@pytest.mark.parametrize(
    ("query_id", "name"),
    [
        (Q.FIND_DOCUMENTS, "$XDSDocumentEntryAuthorPerson"),
        (Q.FIND_DOCUMENTS, "$XDSDocumentEntryClassCode"),
    ],
)
def test_an_empty_text_is_no_value(query_id, name):
    error = problem(query_id, *BY_PATIENT, (name, "('')"))
    assert error.code == ErrorCode.REGISTRY_ERROR
    assert error.context.startswith(f"{name}, character 2: ")


@pytest.mark.parametrize("empty", ["''", "('')", "('','')", '("")'])
@pytest.mark.parametrize(
    ("query_id", "name", "others"),
    [
        (Q.FIND_DOCUMENTS, "$XDSDocumentEntryPatientId", BY_PATIENT[1:]),
        (Q.FIND_DOCUMENTS, "$XDSDocumentEntryStatus", BY_PATIENT[:1]),
        (Q.FIND_DOCUMENTS_BY_REFERENCE_ID, "$XDSDocumentEntryReferenceIdList", BY_PATIENT),
        (Q.GET_DOCUMENTS, "$XDSDocumentEntryEntryUUID", ()),
        (Q.GET_DOCUMENTS, "$XDSDocumentEntryUniqueId", ()),
        (Q.GET_ASSOCIATIONS, "$uuid", ()),
        (Q.GET_RELATED_DOCUMENTS, "$AssociationTypes", BY_ID),
    ],
)
def test_an_empty_text_where_a_value_is_needed_is_a_missing_parameter(
    query_id, name, others, empty
):
    error = problem(query_id, *others, (name, empty))
    assert error.code == ErrorCode.STORED_QUERY_MISSING_PARAM
    assert name in error.context


def test_an_empty_id_beside_one_of_another_sort_says_nothing():
    query = parse(Q.GET_DOCUMENTS, *BY_ID, ("$XDSDocumentEntryUniqueId", "('')"))
    assert query.selection == (any_of("entry_uuid", UUID),)


@pytest.mark.parametrize("value", ["APND", AssociationType.APND])
def test_an_association_type_may_be_its_name_alone(value):
    query = parse(
        Q.GET_RELATED_DOCUMENTS, BY_ID[0], ("$AssociationTypes", f"('{value}','urn:x:own')")
    )
    assert any_of("type", AssociationType.APND, "urn:x:own") in query.conditions[LINK]


# --- which parameters ----------------------------------------------------------------------------


@pytest.mark.parametrize("empty", [(), ("",), (" \n",), ("()",), ("", "()")])
def test_a_slot_without_a_value_counts_as_absent(empty):
    assert find_documents(("$XDSDocumentEntryClassCode", *empty)) == []
    error = problem(Q.FIND_DOCUMENTS, ("$XDSDocumentEntryPatientId", *empty), BY_PATIENT[1])
    assert error.code == ErrorCode.STORED_QUERY_MISSING_PARAM
    assert error.context == "$XDSDocumentEntryPatientId is missing"


@pytest.mark.parametrize("definition", CATALOGUE.values(), ids=lambda each: each.title)
def test_every_required_parameter_is_missed_by_its_name(definition):
    errors = problems(definition.id, transaction=definition.transactions[0])
    assert {error.code for error in errors} == {ErrorCode.STORED_QUERY_MISSING_PARAM}
    required = {each.name for each in definition.parameters if each.required}
    assert {error.location for error in errors if error.location} == required
    for group in definition.groups:
        if group.least:
            assert any(all(n in error.context for n in group.names) for error in errors)


@pytest.mark.parametrize(
    ("query_id", "by_uuid", "by_unique_id"),
    [
        (query_id, *(each.name for each in CATALOGUE[query_id].parameters[:2]))
        for query_id in (
            Q.GET_DOCUMENTS,
            Q.GET_FOLDERS,
            Q.GET_DOCUMENTS_AND_ASSOCIATIONS,
            Q.GET_SUBMISSION_SET_AND_CONTENTS,
            Q.GET_FOLDER_AND_CONTENTS,
            Q.GET_FOLDERS_FOR_DOCUMENT,
            Q.GET_RELATED_DOCUMENTS,
        )
    ],
)
def test_an_object_is_picked_by_one_sort_of_id(query_id, by_uuid, by_unique_id):
    types = ("$AssociationTypes", "('RPLC')")
    one, other = (by_uuid, f"'{UUID}'"), (by_unique_id, "'1.2.3'")
    assert parse(query_id, one, types).selection == (any_of("entry_uuid", UUID),)
    assert parse(query_id, other, types).selection == (any_of("unique_id", "1.2.3"),)
    error = problem(query_id, one, other, types)
    assert error.code == ErrorCode.STORED_QUERY_PARAM_NUMBER
    assert f"{by_uuid} and {by_unique_id} exclude each other" in error.context
    error = problem(query_id, types)
    assert error.code == ErrorCode.STORED_QUERY_MISSING_PARAM
    assert f"{by_uuid}" in error.context
    assert " is needed" in error.context


def test_only_the_queries_for_lists_take_several_ids():
    several = ("$XDSDocumentEntryUniqueId", "('1','2')")
    assert parse(Q.GET_DOCUMENTS, several).selection == (any_of("unique_id", "1", "2"),)
    error = problem(Q.GET_FOLDERS_FOR_DOCUMENT, several)
    assert error.code == ErrorCode.STORED_QUERY_PARAM_NUMBER


def test_documents_and_folders_are_picked_by_logical_id_too():
    query = parse(Q.GET_DOCUMENTS, ("$XDSDocumentEntryLogicalID", f"('{UUID}','{OTHER}')"))
    assert query.selection == (any_of("logical_id", UUID, OTHER),)
    assert Newest() in query.conditions[ENTRY]
    error = problem(
        Q.GET_FOLDERS, ("$XDSFolderLogicalID", f"('{UUID}')"), ("$XDSFolderUniqueId", "('1.2')")
    )
    assert error.code == ErrorCode.STORED_QUERY_PARAM_NUMBER


@pytest.mark.parametrize(
    "slots",
    [
        [("$XDSDocumentEntryPatientId", f"('{LINE}','{KARI}')")],
        [("$XDSDocumentEntryClassCode", "('a^^1')")],
        [("$XDSDocumentEntryEventCodeList", "('a^^1')")],
        [("$XDSDocumentEntryHealthcareFacilityTypeCode", "('a^^1')")],
    ],
)
def test_a_query_about_several_patients_needs_one_of_four_parameters(slots):
    query_id = Q.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS
    assert parse(query_id, *slots, BY_PATIENT[1], transaction=51).definition.id == query_id
    error = problem(
        query_id, BY_PATIENT[1], ("$XDSDocumentEntryTypeCode", "('a^^1')"), transaction=51
    )
    assert error.code == ErrorCode.STORED_QUERY_MISSING_PARAM


def test_several_patients_are_named_in_order():
    query = parse(
        Q.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS,
        ("$XDSDocumentEntryPatientId", f"('{KARI}')", f"('{LINE}','{KARI}')"),
        BY_PATIENT[1],
        transaction=51,
    )
    assert query.patient_ids == (KARI, LINE)


def test_what_keeps_and_what_drops_the_same_exclude_each_other():
    keep = ("$XDSDocumentEntryClassCode", "('a^^1')")
    drop = ("$XDSDocumentEntryClassCodeExclude", "('b^^1')")
    query = parse(Q.FIND_DOCUMENTS_EXCLUDE, *BY_PATIENT, drop)
    assert Not(AnyCode("class_code", frozenset({("b", "1")}))) in query.conditions[ENTRY]
    error = problem(Q.FIND_DOCUMENTS_EXCLUDE, *BY_PATIENT, keep, drop)
    assert error.code == ErrorCode.STORED_QUERY_PARAM_NUMBER
    assert error.context == f"{keep[0]} and {drop[0]} exclude each other, expected one of them"


def test_unknown_parameters_are_passed_over_and_named():
    query = parse(
        Q.FIND_DOCUMENTS,
        *BY_PATIENT,
        ("$Own", "whatever '("),
        ("$XDSDocumentEntryClassCodeScheme", "'x'"),
        ("$Own", "x"),
        ("$homeCommunityId", "'urn:oid:1.2'"),
    )
    assert query.ignored == ("$Own", "$XDSDocumentEntryClassCodeScheme", "$homeCommunityId")


@pytest.mark.parametrize(
    "other",
    [
        "$patientId",
        "$PatientId",
        "XDSDocumentEntryPatientId",
        "$XDSDocumentEntryPatientID",
        "$xdsdocumententrypatientid",
        "$XDSSubmissionSetPatientId",
        "$XDSFolderPatientId",
        "$XDSDocumentEntryPatienId",
        " $XDSDocumentEntryPatientId",
    ],
)
def test_a_parameter_that_was_probably_meant_is_named(other):
    error = problem(Q.FIND_DOCUMENTS, (other, f"'{LINE}'"), BY_PATIENT[1])
    assert error.code == ErrorCode.STORED_QUERY_MISSING_PARAM
    assert error.context == f"$XDSDocumentEntryPatientId is missing; found instead: {other}"


def test_other_parameters_are_not_taken_for_near_misses():
    others = ["$MetadataLevel", "$uuid", "$XDSDocumentEntryClassCodeScheme", "", "$"]
    assert near_misses("$XDSDocumentEntryPatientId", others) == []


def test_a_near_miss_is_found_for_one_of_a_group():
    error = problem(Q.GET_DOCUMENTS, ("$XDSDocumentEntryUUID", f"('{UUID}')"))
    assert error.context.endswith("is needed; found instead: $XDSDocumentEntryUUID")


def test_all_problems_of_a_query_are_told_together():
    asked = request(
        Q.FIND_DOCUMENTS,
        ("$patientId", f"'{LINE}'"),
        ("$XDSDocumentEntryStatus", "('Approved')"),
        ("$XDSDocumentEntryClassCode", "('a^^1'", "('P99','b')"),
        ("$XDSDocumentEntryCreationTimeFrom", "2004", "2005"),
        ("$XDSDocumentEntryTypeCode", "('a^^1')"),
        ("$XDSDocumentEntryTypeCode", "('b^^1')"),
        return_type="leaf",
    )
    with pytest.raises(XdsFailure) as caught:
        parse_query(asked, transaction=18)
    assert sorted((error.code, error.location) for error in caught.value.errors) == sorted(
        [
            ("XDSRegistryError", "ResponseOption/@returnType"),
            ("XDSStoredQueryMissingParam", "$XDSDocumentEntryPatientId"),
            ("XDSStoredQueryMissingParam", "$XDSDocumentEntryStatus"),
            ("XDSRegistryError", "$XDSDocumentEntryClassCode"),
            ("XDSRegistryError", "$XDSDocumentEntryClassCode"),
            ("XDSRegistryError", "$XDSDocumentEntryClassCode"),
            ("XDSStoredQueryParamNumber", "$XDSDocumentEntryCreationTimeFrom"),
            ("XDSStoredQueryParamNumber", "$XDSDocumentEntryTypeCode"),
        ]
    )


def test_very_many_problems_are_counted_and_not_all_listed():
    codes = "(" + ",".join(["'x'"] * 5000) + ")"
    errors = problems(Q.FIND_DOCUMENTS, *BY_PATIENT, ("$XDSDocumentEntryClassCode", codes))
    assert len(errors) == MAX_PROBLEMS + 1
    assert errors[-1].context == "4900 further problems are left out"


def test_a_long_value_is_shown_by_its_beginning():
    long = "x" * 100_000
    for slot in (
        ("$XDSDocumentEntryClassCode", f"('{long}')"),
        ("$XDSDocumentEntryCreationTimeFrom", long),
        ("$MetadataLevel", long),
        ("$XDSDocumentEntryTypeCode", f"('a^^1'{long})"),
    ):
        assert len(problem(Q.FIND_DOCUMENTS, *BY_PATIENT, slot).context) < 400
    assert len(problem(Q.FIND_DOCUMENTS, BY_PATIENT[0], (BY_PATIENT[1][0], long)).context) < 400
    assert len(problem(long).context) < 400


def test_a_pattern_longer_than_any_text_is_refused():
    for text in ("%" * 1025, "x" * 100_000):
        slot = ("$XDSDocumentEntryAuthorPerson", f"('{text}')")
        error = problem(Q.FIND_DOCUMENTS, *BY_PATIENT, slot)
        assert error.code == ErrorCode.REGISTRY_ERROR
        assert f"found a pattern of {len(text)} characters, expected at most 1024" in error.context
    assert find_documents(("$XDSDocumentEntryAuthorPerson", f"('{'%' * 1024}')"))


def test_a_slot_has_a_limited_number_of_patterns_but_any_number_of_whole_texts():
    def references(*texts: str) -> tuple[str, ...]:
        return ("$XDSDocumentEntryReferenceIdList", f"({','.join(map(repr, texts))})")

    whole = [f"{n}^^^&1.2.3&ISO^urn:x" for n in range(MAX_PATTERNS)]
    required = references(*whole, "1^%")
    error = problem(Q.FIND_DOCUMENTS_BY_REFERENCE_ID, *BY_PATIENT, required)
    assert error.code == ErrorCode.REGISTRY_ERROR
    assert "has 1001 values and some are patterns, expected at most 1000" in error.context
    for allowed in (references(*whole[1:], "1^%"), references(*whole, "x")):
        query = parse(Q.FIND_DOCUMENTS_BY_REFERENCE_ID, *BY_PATIENT, allowed)
        assert any(isinstance(each, Like) for each in query.conditions[ENTRY])


def test_very_many_long_unknown_parameters_cost_nothing():
    unknown = [(f"$XDSDocumentEntryPatient{n}" + "x" * 20_000, "1") for n in range(5_000)]
    error = problem(Q.FIND_DOCUMENTS, *unknown, BY_PATIENT[1])
    assert error.context == "$XDSDocumentEntryPatientId is missing"


# --- what is asked for without being said --------------------------------------------------------


def test_only_stable_documents_unless_something_else_is_said():
    both = f"('{DocumentEntryType.STABLE}','{DocumentEntryType.ON_DEMAND}')"
    said = parse(Q.FIND_DOCUMENTS, *BY_PATIENT, ("$XDSDocumentEntryType", both))
    assert STABLE not in said.conditions[ENTRY]
    assert AnyOf("object_type", frozenset(DocumentEntryType)) in said.conditions[ENTRY]
    on_demand = f"('{DocumentEntryType.ON_DEMAND}')"
    said = parse(Q.FIND_DOCUMENTS_EXCLUDE, *BY_PATIENT, ("$XDSDocumentEntryTypeExclude", on_demand))
    assert STABLE not in said.conditions[ENTRY]


def test_queries_by_id_return_on_demand_documents_too():
    assert STABLE not in parse(Q.GET_DOCUMENTS, *BY_ID).conditions[ENTRY]
    assert STABLE not in parse(Q.GET_FOLDERS_FOR_DOCUMENT, *BY_ID).conditions[ENTRY]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("$XDSDocumentEntryType", "('stable')"),
        ("$XDSDocumentEntryDocumentAvailability", "('Online')"),
        ("$MetadataLevel", "3"),
        ("$MetadataLevel", "one"),
        ("$MetadataLevel", "1.0"),
    ],
)
def test_values_that_must_be_of_a_few_are_refused_with_those(name, value):
    error = problem(Q.FIND_DOCUMENTS, *BY_PATIENT, (name, value))
    assert error.code == ErrorCode.REGISTRY_ERROR
    assert f"{name}, character " in error.context
    assert " or " in error.context


@pytest.mark.parametrize("value", ["1", "'1'", "('1')", "\n 1 \n"])
def test_level_1_hides_what_came_with_metadata_update(value):
    for slots in ([], [("$MetadataLevel", value)]):
        query = parse(Q.GET_FOLDER_AND_CONTENTS, ("$XDSFolderUniqueId", "'1.2'"), *slots)
        assert query.metadata_level == 1
        assert query.conditions[ENTRY] == (Newest(), ONLINE, STABLE)
        assert query.conditions[FOLDER] == (Newest(), IS_APPROVED)
        assert query.conditions[LINK] == (IS_APPROVED,)
        assert query.conditions[SET] == ()
        assert query.visible(ENTRY) == (Newest(), ONLINE)


def test_level_2_hides_nothing():
    query = parse(
        Q.GET_FOLDER_AND_CONTENTS, ("$XDSFolderUniqueId", "'1.2'"), ("$MetadataLevel", "2")
    )
    assert query.metadata_level == 2
    assert query.conditions == {ENTRY: (STABLE,), FOLDER: (), LINK: (), SET: ()}
    assert query.visible(ENTRY) == ()


def test_where_a_folder_status_is_asked_for_it_alone_decides():
    query = parse(
        Q.FIND_FOLDERS, ("$XDSFolderPatientId", LINE), ("$XDSFolderStatus", f"('{DEPRECATED}')")
    )
    assert set(query.conditions[FOLDER]) == {
        Newest(),
        any_of("patient_id", LINE),
        any_of("availability_status", DEPRECATED),
    }


def test_the_status_of_associations_filters_beside_the_level():
    status = ("$XDSAssociationStatus", f"('{DEPRECATED}')")
    query = parse(Q.GET_ASSOCIATIONS, ("$uuid", f"('{UUID}')"), status, ("$MetadataLevel", "2"))
    assert query.selection == (any_of("source_or_target", UUID),)
    assert query.conditions[LINK] == (any_of("availability_status", DEPRECATED),)


def test_a_query_without_a_level_shows_what_level_1_shows():
    query = parse(
        Q.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS,
        *BY_PATIENT,
        ("$MetadataLevel", "2"),
        transaction=51,
    )
    assert query.metadata_level == 1
    assert query.ignored == ("$MetadataLevel",)


# --- anything at all -----------------------------------------------------------------------------

NAMES = sorted({each.name for query in CATALOGUE.values() for each in query.parameters})
VALUES = st.one_of(
    st.text(max_size=30),
    st.sampled_from([f"'{LINE}'", f"('{APPROVED}')", f"('{UUID}')", "('a^^b')", "2004", "1", "()"]),
)


@given(
    query_id=st.sampled_from(sorted(CATALOGUE)),
    slots=st.lists(
        st.tuples(st.one_of(st.sampled_from(NAMES), st.text(max_size=9)), st.lists(VALUES)),
        max_size=8,
    ),
    return_type=st.sampled_from(["LeafClass", "ObjectRef", "x"]),
    transaction=st.sampled_from([18, 38, 51]),
    lenient=st.booleans(),
)
def test_any_request_gives_a_query_or_errors(query_id, slots, return_type, transaction, lenient):
    asked = AdhocQueryRequest(
        query_id, tuple(Slot(name, tuple(values)) for name, values in slots), return_type
    )
    try:
        query = parse_query(asked, transaction=transaction, lenient=lenient)
    except XdsFailure as failure:
        codes = {error.code for error in failure.errors}
    else:
        codes = set()
        assert query.definition.id == query_id
    assert codes <= {
        ErrorCode.UNKNOWN_STORED_QUERY,
        ErrorCode.STORED_QUERY_MISSING_PARAM,
        ErrorCode.STORED_QUERY_PARAM_NUMBER,
        ErrorCode.REGISTRY_ERROR,
    }
