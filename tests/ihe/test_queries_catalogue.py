import pytest

from ihe.attributes import ATTRIBUTES, Form
from ihe.queries.catalogue import CATALOGUE, QueryDefinition
from ihe.queries.parameters import ParameterType as T
from ihe.state import Kind
from ihe.vocabulary import StoredQueryId

FORMS = {
    T.PATIENT_ID: {Form.ID},
    T.STATUS: {Form.ID},
    T.CODE: {Form.CODE},
    T.TIME_FROM: {Form.TIME},
    T.TIME_TO: {Form.TIME},
    T.PATTERN: {Form.TEXT},
    T.TEXT: {Form.ID, Form.TEXT},
    T.ENTRY_UUID: {Form.ID},
    T.ASSOCIATION_TYPE: {Form.ID},
    T.DOCUMENT_ENTRY_TYPE: {Form.ID},
    T.DOCUMENT_AVAILABILITY: {Form.ID},
}

QUERIES = [pytest.param(each, id=each.title) for each in CATALOGUE.values()]

# the Framework's tables, written down a second time: name, R or O, M, A/O (AND by repeated Slots)
LEVEL = "$MetadataLevel O"
ENTRY_FILTERS = """
    $XDSDocumentEntryStatus R M, $XDSDocumentEntryClassCode O M, $XDSDocumentEntryTypeCode O M,
    $XDSDocumentEntryPracticeSettingCode O M, $XDSDocumentEntryCreationTimeFrom O,
    $XDSDocumentEntryCreationTimeTo O, $XDSDocumentEntryServiceStartTimeFrom O,
    $XDSDocumentEntryServiceStartTimeTo O, $XDSDocumentEntryServiceStopTimeFrom O,
    $XDSDocumentEntryServiceStopTimeTo O, $XDSDocumentEntryHealthcareFacilityTypeCode O M,
    $XDSDocumentEntryEventCodeList O M A, $XDSDocumentEntryConfidentialityCode O M A,
    $XDSDocumentEntryAuthorPerson O M, $XDSDocumentEntryFormatCode O M, $XDSDocumentEntryType O M
"""
FIND_DOCUMENTS = f"""
    $XDSDocumentEntryPatientId R, {ENTRY_FILTERS},
    $XDSDocumentEntryDocumentAvailability O M, {LEVEL}
"""
CONTENT = """
    $XDSDocumentEntryFormatCode O M, $XDSDocumentEntryConfidentialityCode O M A,
    $XDSDocumentEntryType O M
"""
FOLDERS = """
    $XDSFolderStatus R M, $XDSFolderLastUpdateTimeFrom O, $XDSFolderLastUpdateTimeTo O,
    $XDSFolderCodeList O M A
"""
LINK_STATUS = "$XDSAssociationStatus O M"
ONE_ENTRY = "$XDSDocumentEntryEntryUUID O, $XDSDocumentEntryUniqueId O"
ENTRIES = "$XDSDocumentEntryEntryUUID O M, $XDSDocumentEntryUniqueId O M"
TABLES = {
    "FindDocuments": FIND_DOCUMENTS,
    "FindSubmissionSets": """
        $XDSSubmissionSetPatientId R, $XDSSubmissionSetStatus R M, $XDSSubmissionSetSourceId O M,
        $XDSSubmissionSetSubmissionTimeFrom O, $XDSSubmissionSetSubmissionTimeTo O,
        $XDSSubmissionSetAuthorPerson O, $XDSSubmissionSetContentType O M
    """,
    "FindFolders": f"$XDSFolderPatientId R, {FOLDERS}, {LEVEL}",
    "GetAll": f"""
        $patientId R, $XDSDocumentEntryStatus R M, $XDSSubmissionSetStatus R M,
        $XDSFolderStatus R M, {CONTENT}, {LINK_STATUS}, {LEVEL}
    """,
    "GetDocuments": f"{ENTRIES}, $XDSDocumentEntryLogicalID O M, {LEVEL}",
    "GetFolders": f"""
        $XDSFolderEntryUUID O M, $XDSFolderUniqueId O M, $XDSFolderLogicalID O M, {LEVEL}
    """,
    "GetAssociations": f"$uuid R M, {LINK_STATUS}, {LEVEL}",
    "GetDocumentsAndAssociations": f"{ENTRIES}, {LINK_STATUS}, {LEVEL}",
    "GetSubmissionSets": f"$uuid R M, {LEVEL}",
    "GetSubmissionSetAndContents": f"""
        $XDSSubmissionSetEntryUUID O, $XDSSubmissionSetUniqueId O, {CONTENT}, {LEVEL}
    """,
    "GetFolderAndContents": f"""
        $XDSFolderEntryUUID O, $XDSFolderUniqueId O, {CONTENT}, {LINK_STATUS}, {LEVEL}
    """,
    "GetFoldersForDocument": f"{ONE_ENTRY}, {LINK_STATUS}, {LEVEL}",
    "GetRelatedDocuments": f"""
        {ONE_ENTRY}, $AssociationTypes R M, $XDSDocumentEntryType O M, {LINK_STATUS}, {LEVEL}
    """,
    "FindDocumentsByReferenceId": f"{FIND_DOCUMENTS}, $XDSDocumentEntryReferenceIdList R M A",
    "FindDocumentsForMultiplePatients": f"$XDSDocumentEntryPatientId O M, {ENTRY_FILTERS}",
    "FindFoldersForMultiplePatients": f"$XDSFolderPatientId O M, {FOLDERS}",
}


def test_every_id_of_the_vocabulary_has_its_query():
    assert set(CATALOGUE) == set(StoredQueryId)
    assert [CATALOGUE[each].id for each in StoredQueryId] == list(StoredQueryId)


@pytest.mark.parametrize("title", TABLES)
def test_the_parameters_are_those_of_the_framework(title):
    (query,) = (each for each in CATALOGUE.values() if each.title == title)
    expected = {tuple(row.split()) for row in TABLES[title].split(",")}
    rows = {
        (
            each.name,
            "R" if each.required else "O",
            *(["M"] if each.many else []),
            *(["A"] if each.repeatable else []),
        )
        for each in query.parameters
    }
    assert rows == expected


@pytest.mark.parametrize("query", QUERIES)
def test_no_parameter_stands_twice(query: QueryDefinition):
    names = [each.name for each in query.parameters]
    assert len(names) == len(set(names))
    assert all(name.startswith("$") for name in names)


@pytest.mark.parametrize("query", QUERIES)
def test_every_parameter_restricts_what_a_store_can_answer(query: QueryDefinition):
    for parameter in query.parameters:
        if parameter.type is T.METADATA_LEVEL:
            assert parameter.restricts == ()
            continue
        assert parameter.restricts
        for kind in parameter.restricts:
            assert ATTRIBUTES[kind][parameter.attribute].form in FORMS[parameter.type]


@pytest.mark.parametrize("query", QUERIES)
def test_groups_name_parameters_of_the_query(query: QueryDefinition):
    for group in query.groups:
        assert all(query.parameter(name) for name in group.names)
        assert 0 <= group.least <= group.most <= len(group.names)


@pytest.mark.parametrize("query", QUERIES)
def test_what_selects_is_of_the_kind_that_the_query_starts_from(query: QueryDefinition):
    selecting = [each for each in query.parameters if each.selects]
    assert all(each.restricts == (query.starts_from,) for each in selecting)
    if not selecting:
        assert query.starts_from == query.returns[0]


def test_the_parameters_reach_most_of_what_a_store_can_answer():
    asked = {
        (kind, parameter.attribute)
        for query in CATALOGUE.values()
        for parameter in query.parameters
        for kind in parameter.restricts
    }
    known = {(kind, name) for kind, names in ATTRIBUTES.items() for name in names}
    # the rest is asked by the queries' own functions and by the life cycle
    assert known - asked == {
        (Kind.ASSOCIATION, "entry_uuid"),
        (Kind.ASSOCIATION, "source"),
        (Kind.ASSOCIATION, "submission_set_status"),
    }


def test_a_parameter_and_its_twin_exclude_each_other():
    query = CATALOGUE[StoredQueryId.FIND_DOCUMENTS_EXCLUDE]
    twins = {each.name for each in query.parameters if each.excludes}
    assert twins == {
        f"$XDSDocumentEntry{name}Exclude"
        for name in (
            "ClassCode",
            "TypeCode",
            "PracticeSettingCode",
            "HealthcareFacilityTypeCode",
            "EventCodeList",
            "ConfidentialityCode",
            "AuthorPerson",
            "FormatCode",
            "Type",
            "ReferenceIdList",
        )
    }
    assert {group.names for group in query.groups} == {
        (name.removesuffix("Exclude"), name) for name in twins
    }
