"""One negative sample for each rule: a valid submission with the one defect that the rule is for."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings

from ihe import rules
from ihe.datatypes import (
    CX,
    DTM,
    OID,
    SHA1,
    XCN,
    XON,
    XTN,
    CXi,
    Field,
    HomeCommunityId,
    Identifier,
    LanguageCode,
    MimeType,
    Recipient,
)
from ihe.errors import CATALOGUE, ErrorCode, RegistryError, registry_error
from ihe.model import (
    Association,
    Author,
    Code,
    DocumentEntry,
    LocalizedString,
    Slot,
    Submission,
)
from ihe.rules import NO_RULE, RULES, Basis, Profile, Strictness, check_submission
from ihe.rules.declaring import MOST_PROBLEMS, at_most
from ihe.rules.subject import framework_name
from ihe.vocabulary import (
    AssociationType,
    DocumentAvailability,
    DocumentEntryType,
    Severity,
    Status,
    SubmissionSetStatus,
)
from registry.store.memory import MemoryStore
from tests import samples, strategies

E = ErrorCode
PROFILE = Profile()
LISTS = Profile(
    code_sets={"classCode": frozenset({("A00-1", "2.16.578.1.12.4.1.1.9602")})},
    mime_types=frozenset({"text/plain"}),
)
ON_DEMAND = Profile(on_demand=True)
TEXTS = Profile(strictness={"D14b": Strictness.REJECT})
ORIGINAL, REFERENCE = SubmissionSetStatus
PLAIN = samples.submission()
WITH_FOLDER = samples.submission_with_folder()
ON_DEMAND_PLAIN = samples.submission(samples.on_demand_entry())


def entry(**changes: Any) -> Submission:
    return samples.submission(samples.entry(**changes))


def chosen(**changes: Any) -> Submission:
    return samples.submission(submission_set=samples.submission_set(**changes))


def folder(**changes: Any) -> Submission:
    return replace(WITH_FOLDER, folders=(samples.folder(**changes),))


def links(submission: Submission, change: Callable[[Association], Association]) -> Submission:
    return replace(submission, associations=tuple(map(change, submission.associations)))


def without(target: str, submission: Submission = WITH_FOLDER) -> Submission:
    left = tuple(link for link in submission.associations if link.target != target)
    return replace(submission, associations=left)


def more(*extra: Association, submission: Submission = PLAIN) -> Submission:
    return replace(submission, associations=(*submission.associations, *extra))


def rplc(**changes: Any) -> Association:
    whole = samples.relationship(AssociationType.RPLC, "Document01", samples.uuid(1))
    return replace(whole, **changes)


def apnd(**changes: Any) -> Association:
    return rplc(type=AssociationType.APND, entry_uuid="apnd", **changes)


def member(target: str, **changes: Any) -> Association:
    return samples.member("SubmissionSet01", target, **changes)


def reserved(name: str) -> Submission:
    return entry(extra=(Slot(name, ("1",)),))


RME = E.REGISTRY_METADATA
LONG = "x" * 257


class Defect(NamedTuple):
    """A submission with one defect; `shown` is what the finding shows of it."""

    rule: str
    name: str
    code: ErrorCode
    shown: str
    submission: Submission
    profile: Profile = PROFILE


DEFECTS = [
    Defect("A2b", "long value", RME, "257 characters", entry(source_patient_info=(Field("PID-11|" + "x" * 250),))),
    Defect("A2b", "long extra value", RME, "257 characters", entry(extra=(Slot("urn:x:y", (LONG,)),))),
    Defect("A2b", "long code", RME, "257 characters", entry(class_code=samples.code(LONG))),
    Defect("A4", "one id twice", RME, "'Document01' on 2 objects", samples.submission(samples.entry(1), samples.entry(2, entry_uuid="Document01"))),
    Defect("A5", "upper case uuid", RME, "urn:uuid:A", links(PLAIN, lambda each: replace(each, entry_uuid="urn:uuid:AAAAAAAA-0000-4000-8000-000000000001"))),
    Defect("A5", "short uuid", RME, "'urn:uuid:1'", links(PLAIN, lambda each: replace(each, entry_uuid="urn:uuid:1"))),
    Defect("B1", "no submission set", RME, "0 SubmissionSets", replace(PLAIN, submission_sets=())),
    Defect("B1", "two submission sets", RME, "2 SubmissionSets", replace(PLAIN, submission_sets=(samples.submission_set(), samples.submission_set(entry_uuid="other", unique_id=OID("2.25.2001"))))),
    Defect("B3", "nothing submitted", RME, "nothing", replace(PLAIN, entries=(), associations=())),
    Defect("B4", "entry outside the set", RME, "0 HasMember", without("Document01", PLAIN)),
    Defect("B4", "entry twice in the set", RME, "2 HasMember", more(member("Document01", entry_uuid="again"))),
    Defect("B5", "folder outside the set", RME, "0 HasMember", without("Folder01")),
    Defect("B5", "folder twice in the set", RME, "2 HasMember", more(member("Folder01", entry_uuid="again"), submission=WITH_FOLDER)),
    Defect("B6", "membership outside the set", RME, "0 HasMember", without("Folder01-Document01")),
    Defect("B7", "on-demand entry", RME, DocumentEntryType.ON_DEMAND, entry(object_type=DocumentEntryType.ON_DEMAND)),
    Defect("B7", "unknown object type", RME, "'urn:uuid:x'", entry(object_type="urn:uuid:x")),
    Defect("B7", "stable entry", RME, DocumentEntryType.STABLE, samples.submission(samples.on_demand_entry(object_type=DocumentEntryType.STABLE)), ON_DEMAND),
    Defect("B8", "on-demand entry with size", RME, "'12'", samples.submission(samples.on_demand_entry(size="12")), ON_DEMAND),
    Defect("B8", "on-demand entry that is online", RME, "'urn:ihe:iti:2010:DocumentAvailability:Online'", samples.submission(samples.on_demand_entry(document_availability=DocumentAvailability.ONLINE)), ON_DEMAND),
    Defect("B8", "no on-demand entry", RME, "no DocumentEntry", replace(WITH_FOLDER, entries=(), associations=(member("Folder01"),)), ON_DEMAND),
    Defect("B9", "unknown association type", RME, "'urn:example:knows'", more(rplc(type="urn:example:knows"))),
    Defect("B9", "short association type", RME, "'RPLC'", more(rplc(type="RPLC"))),
    Defect("B9", "update in a registration", RME, "UpdateAvailabilityStatus", more(rplc(type=AssociationType.UPDATE_AVAILABILITY_STATUS))),
    Defect("B10", "set as target", RME, "the SubmissionSet", more(apnd(target="SubmissionSet01"))),
    Defect("B10", "set replaces", RME, "the SubmissionSet", more(rplc(source="SubmissionSet01"))),
    Defect("B10", "set holds a relationship", RME, "'apnd'", more(apnd(), member("apnd"))),
    Defect("B10", "set holds its own membership", RME, "'SubmissionSet01-Document01'", more(member("SubmissionSet01-Document01", submission_set_status=None))),
    Defect("B10", "entry has members", RME, "'Document01'", more(samples.member("Document01", samples.uuid(1), entry_uuid="m", submission_set_status=None), member("m"))),
    Defect("B10", "folder in a folder", RME, "'Folder02'", more(samples.member("Folder01", "Folder02"), member("Folder01-Folder02"), member("Folder02"), submission=replace(WITH_FOLDER, folders=(samples.folder(1), samples.folder(2))))),
    Defect("B11", "association to itself", RME, "'Document01' at both ends", more(apnd(target="Document01"))),
    Defect("B12", "no status", RME, "no SubmissionSetStatus", links(PLAIN, lambda each: replace(each, submission_set_status=None))),
    Defect("B12", "registered member without status", RME, "no SubmissionSetStatus", more(member(samples.uuid(5)))),
    Defect("B12", "unknown status", RME, "'original'", links(PLAIN, lambda each: replace(each, submission_set_status="original"))),
    Defect("B12b", "status on a folder", RME, "'Original'", links(WITH_FOLDER, lambda each: replace(each, submission_set_status=ORIGINAL))),
    Defect("B12b", "status on a relationship", RME, "'Original'", more(apnd(submission_set_status=ORIGINAL))),
    Defect("B13", "original member elsewhere", RME, samples.uuid(5), more(member(samples.uuid(5), submission_set_status=ORIGINAL))),
    Defect("B13", "reference to a submitted entry", RME, "Reference member 'Document01'", more(member("Document01", entry_uuid="again", submission_set_status=REFERENCE))),
    Defect("B14", "documented membership", RME, "x^^", links(PLAIN, lambda each: replace(each, documentation=samples.code("x")))),
    Defect("B15", "foreign source", E.UNRESOLVED_REFERENCE, samples.uuid(2), more(apnd(source=samples.uuid(2)))),
    Defect("B15", "folder as source", E.UNRESOLVED_REFERENCE, "'Folder01'", more(apnd(source="Folder01"), submission=WITH_FOLDER)),
    Defect("B16", "dangling symbolic id", E.UNRESOLVED_REFERENCE, "'Document99'", more(apnd(target="Document99"))),
    Defect("B16", "dangling member", E.UNRESOLVED_REFERENCE, "'Document99'", more(member("Document99", submission_set_status=None))),
    Defect("B21", "reserved slot name", RME, "'urn:ihe:x:y'", reserved("urn:ihe:x:y")),
    Defect("B21", "slot name without urn", RME, "'ward'", reserved("ward")),
    Defect("B21", "half a urn", RME, "'urn:ward'", reserved("urn:ward")),
    Defect("B21", "slot of another object", RME, "'submissionTime'", reserved("submissionTime")),
    Defect("B22", "limited metadata", RME, "limited metadata", entry(limited_metadata=True)),
    Defect("B23", "home without urn:oid", RME, "'1.2.3'", entry(home_community_id=HomeCommunityId("1.2.3"))),
    *(
        Defect("C1", f"no {name}", RME, f"no {framework_name(name)}", entry(**{name: None}))
        for name in (
            "unique_id", "class_code", "format_code", "healthcare_facility_type_code",
            "practice_setting_code", "type_code", "language_code", "source_patient_id",
            "repository_unique_id", "mime_type", "creation_time", "hash", "size",
        )
    ),
    Defect("C1", "no title code on demand", RME, "no classCode", samples.submission(samples.on_demand_entry(class_code=None)), ON_DEMAND),
    Defect("C1b", "entry without patient", RME, "no patientId", entry(patient_id=None)),
    Defect("C1b", "set without patient", RME, "no patientId", chosen(patient_id=None)),
    Defect("C1b", "folder without patient", RME, "no patientId", folder(patient_id=None)),
    Defect("C2", "no confidentiality code", RME, "no confidentialityCode", entry(confidentiality_codes=())),
    *(
        Defect("C4", f"no {name}", RME, f"no {framework_name(name)}", chosen(**{name: None}))
        for name in ("unique_id", "source_id", "content_type_code", "submission_time")
    ),
    *(Defect("C5", f"no {name}", RME, "no ", folder(**{name: None})) for name in ("unique_id", "title")),
    Defect("C5", "no folder code", RME, "no codeList", folder(codes=())),
    Defect("C7", "empty code", RME, "an empty code", entry(class_code=Code("", "1.2.3", LocalizedString("x")))),
    Defect("C7", "blank code", RME, "an empty code", entry(event_codes=(Code(" ", "1.2.3", LocalizedString("x")),))),
    Defect("C7", "no coding scheme", RME, "'x'", entry(event_codes=(Code("x", "", LocalizedString("x")),))),
    Defect("C7b", "no display name", RME, "'x'", entry(class_code=Code("x", "1.2.3"))),
    Defect("C8", "nobody as author", RME, "an author without any", entry(authors=(Author(roles=("doctor",)),))),
    Defect("D1", "patient id without authority", RME, "'13916900216'", entry(source_patient_id=CX("13916900216"))),
    Defect("D1", "patient id with a type", RME, "'1^^^&1.2.3&ISO^PI'", entry(source_patient_id=CX("1^^^&1.2.3&ISO^PI"))),
    Defect("D1", "authority by name", RME, "'1^^^NHN&1.2.3&ISO'", entry(source_patient_id=CX("1^^^NHN&1.2.3&ISO"))),
    Defect("D2", "set id no oid", RME, "'abc'", chosen(unique_id=OID("abc"))),
    Defect("D2", "folder id no oid", RME, "'2.25.X'", folder(unique_id=OID("2.25.X"))),
    Defect("D2", "source id with urn", RME, "'urn:oid:1.2.3'", chosen(source_id=OID("urn:oid:1.2.3"))),
    Defect("D2", "long repository id", RME, "1.222", entry(repository_unique_id=OID("1." + "2" * 64))),
    Defect("D3", "unique id with a blank", RME, "'1.2 3'", entry(unique_id=Identifier("1.2 3"))),
    Defect("D4", "time with a zone", RME, "'20261124083000+0100'", entry(creation_time=DTM("20261124083000+0100"))),
    Defect("D4", "month 13", RME, "'202613'", entry(service_start_time=DTM("202613"))),
    Defect("D4", "odd digits", RME, "'20261'", chosen(submission_time=DTM("20261"))),
    Defect("D4b", "day as last update", RME, "'20261124'", folder(last_update_time=DTM("20261124"))),
    Defect("D5", "stops before it starts", RME, "20261120", entry(service_stop_time=DTM("2025"))),
    Defect("D6", "short hash", RME, "'abc'", entry(hash=SHA1("abc"))),
    Defect("D6", "size with a unit", RME, "'12 kB'", entry(size="12 kB")),
    Defect("D7", "language with underscore", RME, "'nb_NO'", entry(language_code=LanguageCode("nb_NO"))),
    Defect("D8", "mime type without subtype", RME, "'pdf'", entry(mime_type=MimeType("pdf"))),
    Defect("D9", "authenticator without name", RME, "'^^KARI'", entry(legal_authenticator=XCN("^^KARI"))),
    Defect("D9", "nameless author", RME, "'^^X'", entry(authors=(samples.author(person=XCN("^^X")),))),
    Defect("D9", "nameless institution", RME, "'^^x'", entry(authors=(samples.author(institutions=(XON("^^x"),)),))),
    Defect("D9", "address without number", RME, "'^PRN^PH'", chosen(authors=(samples.author(telecommunications=(XTN("^PRN^PH"),)),))),
    Defect("D9", "recipient with four parts", RME, "'a|^b||x'", chosen(intended_recipients=(Recipient("a|^b||x"),))),
    Defect("D9b", "highlighted name", RME, "\\H\\", entry(legal_authenticator=XCN("^\\H\\NORDMANN\\N\\"))),
    Defect("D9b", "line break in an author", RME, "\\.br\\", entry(authors=(samples.author(person=XCN(r"^NORDMANN\.br\KARI")),))),
    Defect("D9b", "line break in an address", RME, "\\.br\\", entry(source_patient_info=(Field(r"PID-11|Storgata 1\.br\Bodø"),))),
    Defect("D10", "referral without authority", RME, "assigning authority (component 4) is missing", entry(reference_ids=(CXi("1^^^^urn:ihe:iti:xds:2013:referral"),))),
    Defect("D10", "reference id without type", RME, "'1^^^&1.2&ISO'", entry(reference_ids=(CXi("1^^^&1.2&ISO"),))),
    Defect("D11", "no PID field", RME, "'ZZZ-1|x'", entry(source_patient_info=(Field("ZZZ-1|x"),))),
    Defect("D11", "PID field 40", RME, "'PID-40|x'", entry(source_patient_info=(Field("PID-40|x"),))),
    Defect("D11", "born twice", RME, "PID-7 2 times", entry(source_patient_info=(Field("PID-7|19700101"),) * 2)),
    Defect("D11b", "discouraged field", RME, "PID-19", entry(source_patient_info=(Field("PID-19|x"),))),
    Defect("D12", "uri with a blank", RME, "'a b.txt'", entry(uri="a b.txt")),
    Defect("D12", "empty uri", RME, "''", entry(uri="")),
    Defect("D12", "uri that does not parse", RME, "'http://[x'", entry(uri="http://[x")),
    Defect("D13", "unknown availability", RME, "'Online'", entry(document_availability="Online")),
    Defect("D14", "long title", RME, "129 characters", entry(title=LocalizedString("x" * 129))),
    Defect("D14", "long title of a set", RME, "257 characters", chosen(title=LocalizedString(LONG))),
    Defect("D14", "long title in another language", RME, "129 characters", entry(title=LocalizedString("x", others=(LocalizedString("x" * 129, "se"),)))),
    Defect("D14b", "long comments in another language", RME, "1025 characters", entry(comments=LocalizedString("x", others=(LocalizedString("x" * 1025, "se"),))), TEXTS),
    Defect("D14b", "long comments", RME, "1025 characters", entry(comments=LocalizedString("x" * 1025)), TEXTS),
    Defect("D14b", "long display name", RME, "1025 characters", folder(codes=(samples.code("x", display="x" * 1025),)), TEXTS),
    Defect("D16", "symbolic logical id", RME, "'Document01'", entry(logical_id="Document01")),
    Defect("D17", "another logical id", RME, samples.uuid(9), entry(logical_id=samples.uuid(9))),
    Defect("F1", "entry of another patient", E.PATIENT_ID_DOES_NOT_MATCH, samples.OTHER_PATIENT, entry(patient_id=samples.OTHER_PATIENT)),
    Defect("F1", "folder of another patient", E.PATIENT_ID_DOES_NOT_MATCH, samples.OTHER_PATIENT, folder(patient_id=samples.OTHER_PATIENT)),
    Defect("F3", "one unique id on two entries", E.REGISTRY_DUPLICATE_UNIQUE_ID_IN_MESSAGE, "2.25.1000.1", samples.submission(samples.entry(1), samples.entry(2, unique_id=Identifier("2.25.1000.1")))),
    Defect("F3", "one unique id on set and entry", E.REGISTRY_DUPLICATE_UNIQUE_ID_IN_MESSAGE, "2.25.2000", entry(unique_id=Identifier("2.25.2000"))),
    Defect("F8", "code outside the list", RME, "B00-1^^2.16.578.1.12.4.1.1.9602", entry(class_code=samples.code("B00-1")), LISTS),
    Defect("F8", "code of another scheme", RME, "A00-1^^1.2", entry(class_code=samples.code("A00-1", "1.2")), LISTS),
    Defect("F9", "mime type outside the list", RME, "'application/pdf'", entry(mime_type=MimeType("application/pdf")), LISTS),
    Defect("F20", "replaced twice", E.REGISTRY_DEPRECATED_DOCUMENT, samples.uuid(1), more(rplc(), rplc(entry_uuid="again"))),
    Defect("F20", "replaced and appended to", E.REGISTRY_DEPRECATED_DOCUMENT, samples.uuid(1), more(rplc(), apnd())),
    Defect("F20", "replaced and referenced", E.REGISTRY_DEPRECATED_DOCUMENT, samples.uuid(1), more(rplc(), member(samples.uuid(1), submission_set_status=REFERENCE))),
]  # fmt: skip  # a table of defects

CONTENT = [
    replace(
        samples.entry(90 + number, entry_uuid=samples.uuid(number)),
        availability_status=Status.APPROVED,
        logical_id=samples.uuid(number),
        version="1",
    )
    for number in (1, 2, 5)
]
"""The registered documents that submissions of the table lead to, for whom they go to."""

ALSO: Mapping[str, set[str]] = {
    "one id twice": {"B4"},
    "set replaces": {"B15"},
}
"""More rules that a defect breaks, where it cannot be had alone."""


@pytest.mark.parametrize(
    "defect", DEFECTS, ids=[f"{d.rule} {d.name} {n}" for n, d in enumerate(DEFECTS)]
)
def test_a_defect_is_found_by_its_rule_alone(defect: Defect) -> None:
    problems = rules.check_submission(defect.submission, defect.profile)
    found = [each for each in problems if each.rule == defect.rule]
    assert found, f"{defect.name} was not found"
    assert any(defect.shown in each.context for each in found), [each.context for each in found]
    strictness = defect.profile.strictness_of(RULES[defect.rule])
    for each in found:
        assert each.code == defect.code
        assert "found" in each.context
        assert "expected" in each.context
        assert re.match(r"RegistryObjectList$|\w+\[[^]]+\]", each.location), each.location
        assert (each.severity == Severity.ERROR) is (strictness is Strictness.REJECT)
    others = {each.rule for each in problems} - {defect.rule}
    assert others == ALSO.get(defect.name, set())


VALID = [
    (PLAIN, PROFILE),
    (WITH_FOLDER, PROFILE),
    (samples.submission(samples.entry(1), samples.entry(2)), PROFILE),
    (ON_DEMAND_PLAIN, ON_DEMAND),
    (PLAIN, LISTS),
    (PLAIN, TEXTS),
    (entry(mime_type=MimeType("Text/Plain; charset=utf-8")), LISTS),
    (entry(unique_id=Identifier("2.16.578.1.12^4711")), PROFILE),
    (entry(unique_id=Identifier("urn:uuid:5b0a6f0c-0000-4000-8000-000000000001")), PROFILE),
    (entry(service_start_time=DTM("202611"), service_stop_time=DTM("2026")), PROFILE),
    (entry(logical_id="urn:uuid:00000000-0000-4000-8000-000000000005", entry_uuid=samples.uuid(5)), PROFILE),
    (more(apnd(documentation=samples.code("x"))), PROFILE),
]  # fmt: skip  # a table


@pytest.mark.parametrize(("submission", "profile"), VALID, ids=range(len(VALID)))
def test_a_valid_submission_has_no_problems(submission: Submission, profile: Profile) -> None:
    assert rules.check_submission(submission, profile) == []


def test_limited_metadata_needs_little_where_it_is_accepted() -> None:
    submission = entry(limited_metadata=True, class_code=None, confidentiality_codes=(), hash=None)
    assert rules.check_submission(submission, Profile(accepts_limited_metadata=True)) == []
    needs = replace(submission.entries[0], unique_id=None, patient_id=None)
    found = rules.check_submission(
        replace(submission, entries=(needs,)), Profile(accepts_limited_metadata=True)
    )
    assert {each.rule for each in found} == {"C1", "C1b"}


def test_all_problems_are_told_at_once() -> None:
    submission = replace(
        samples.submission(
            samples.entry(1, class_code=None, hash=SHA1("x")), samples.entry(2, size="x")
        ),
        submission_sets=(samples.submission_set(), samples.submission_set()),
    )
    found = {(each.rule, each.location) for each in rules.check_submission(submission, PROFILE)}
    assert found >= {
        ("B1", "RegistryObjectList"),
        ("C1", "DocumentEntry[Document01].classCode"),
        ("D6", "DocumentEntry[Document01].hash"),
        ("D6", "DocumentEntry[Document02].size"),
    }


@pytest.mark.parametrize(
    ("strictness", "severities"),
    [
        ({}, [Severity.ERROR]),
        ({"D": Strictness.WARN}, [Severity.WARNING]),
        ({"D6": Strictness.WARN}, [Severity.WARNING]),
        ({"D": Strictness.OFF}, []),
        ({"D": Strictness.OFF, "D6": Strictness.REJECT}, [Severity.ERROR]),
    ],
)
def test_strictness_is_a_setting_of_group_and_rule(
    strictness: dict[str, Strictness], severities: list[Severity]
) -> None:
    found = rules.check_submission(entry(size="x"), Profile(strictness=strictness))
    assert [each.severity for each in found] == severities


def test_a_fixed_rule_is_never_relaxed() -> None:
    relaxed = Profile(strictness={"C": Strictness.OFF, "C1b": Strictness.OFF})
    (found,) = rules.check_submission(entry(patient_id=None, class_code=None), relaxed)
    assert (found.rule, found.severity) == ("C1b", Severity.ERROR)


def test_a_strictness_setting_is_checked() -> None:
    reject, off = Strictness.REJECT, Strictness.OFF
    assert rules.check_strictness({"C": off, "D6": reject, "N": reject, "B1": reject}) == []
    unknown, fixed = rules.check_strictness({"Q7": off, "B1": off})
    assert "'Q7'" in unknown
    assert "B1" in fixed


def test_what_the_reader_found_has_the_strictness_of_its_rule() -> None:
    problem = registry_error(E.REGISTRY_METADATA, "a Name is wrong", "here", rule="C9")
    unknown = registry_error(E.REGISTRY_METADATA, "something", "there", rule="Z1")
    submission = replace(PLAIN, problems=(problem, unknown))
    found = rules.check_submission(submission, PROFILE)
    assert [each.severity for each in found] == [Severity.WARNING, Severity.ERROR]
    off = Profile(strictness={"C9": Strictness.OFF})
    assert [each.rule for each in rules.check_submission(submission, off)] == ["Z1"]


@settings(deadline=None)
@given(strategies.submissions)
def test_checking_never_fails_whatever_is_submitted(submission: Submission) -> None:
    rules.check_submission(submission, PROFILE)
    with MemoryStore().read() as state:
        rules.check_against(submission, state, PROFILE)


def test_the_time_of_checking_grows_with_the_submission_only() -> None:
    many = samples.submission(*(samples.entry(number) for number in range(3000)))
    assert rules.check_submission(many, PROFILE) == []
    with MemoryStore().read() as state:
        assert rules.check_against(many, state, PROFILE) == []


# --- the table of rules --------------------------------------------------------------------------

KNOWN_CHECKS = [
    *(f"A{n}" for n in range(1, 9)),
    *(f"B{n}" for n in range(1, 24)),
    *(f"C{n}" for n in range(1, 11)),
    *(f"D{n}" for n in range(1, 18)),
    *(f"E{n}" for n in range(1, 8)),
    *(f"F{n}" for n in range(1, 23)),
    *(f"G{n}" for n in range(1, 24)),
    *(f"H{n}" for n in range(1, 8)),
]
"""The checks that strict registries and repositories make, by group and number."""


@pytest.mark.parametrize("number", KNOWN_CHECKS)
def test_every_known_check_is_a_rule_or_has_a_reason_why_not(number: str) -> None:
    assert (number in RULES) != (number in NO_RULE)


def test_every_rule_has_a_negative_sample() -> None:
    sampled = {defect.rule for defect in DEFECTS}
    without_state = {
        rule.id
        for rule in RULES.values()
        if rule.check is not None and (rule.group not in "FGHN" or rule.id in sampled)
    }
    assert without_state == sampled, (
        "rules on state, of updates and removal, of readers and of Norway: in files of their own"
    )


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_rule_describes_itself(rule: rules.Rule[Any]) -> None:
    assert rule.says.endswith(".")
    assert re.fullmatch(r"[A-HN][0-9]+[b-d]?", rule.id)
    assert rule.code in CATALOGUE
    assert (rule.check is None) == bool(rule.checked_by)
    expected = Strictness.REJECT
    if rule.default is not expected or rule.fixed or rule.basis is Basis.PRACTICE:
        assert rule.why.endswith("."), "what is not as its basis suggests has a reason"
    if rule.basis in {Basis.FRAMEWORK, Basis.INFERRED} and not rule.why:
        assert rule.clause


def test_of_very_many_errors_the_first_are_told_and_the_rest_is_not_looked_for() -> None:
    empty = tuple(DocumentEntry(entry_uuid=f"Document{number}") for number in range(1_000))
    errors = check_submission(samples.submission(*empty), Profile())
    assert len(errors) == MOST_PROBLEMS + 1
    assert errors[-1].context == "more than 1000 errors: further ones were not looked for"
    assert errors[-1].severity == Severity.ERROR


def test_an_error_among_very_many_warnings_is_told() -> None:
    warning = RegistryError(ErrorCode.EXTRA_METADATA_NOT_SAVED, "kept", severity=Severity.WARNING)
    told = at_most([*[warning] * 30, registry_error(ErrorCode.REGISTRY_ERROR, "wrong")], 10)
    assert [each.severity for each in told] == [
        *[Severity.WARNING] * 10, Severity.ERROR, Severity.WARNING
    ]  # fmt: skip  # as they come
    assert told[-1].context == "20 further warnings are left out"
