"""One negative sample for each rule: a valid submission with the one defect that the rule is for."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

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
from ihe.errors import ErrorCode, registry_error
from ihe.model import Association, Author, Code, LocalizedString, Slot, Submission
from ihe.rules import Profile, Strictness
from ihe.vocabulary import AssociationType, DocumentEntryType, Severity, SubmissionSetStatus
from registry.store.memory import MemoryStore
from tests import samples, strategies

E = ErrorCode
PROFILE = Profile()
NOTHING_REGISTERED = MemoryStore()
PLAIN = samples.submission()
WITH_FOLDER = samples.submission_with_folder()


def entry(**changes: Any) -> Submission:
    return samples.submission(samples.entry(**changes))


def chosen(**changes: Any) -> Submission:
    return samples.submission(submission_set=samples.submission_set(**changes))


def folder(**changes: Any) -> Submission:
    return replace(WITH_FOLDER, folders=(samples.folder(**changes),))


def links(
    submission: Submission, change: Callable[[Association], Association | None]
) -> Submission:
    changed = (change(link) for link in submission.associations)
    return replace(submission, associations=tuple(link for link in changed if link is not None))


def without(target: str, submission: Submission = WITH_FOLDER) -> Submission:
    return links(submission, lambda link: None if link.target == target else link)


def more(*extra: Association, submission: Submission = PLAIN) -> Submission:
    return replace(submission, associations=(*submission.associations, *extra))


def rplc(**changes: Any) -> Association:
    whole = samples.relationship(AssociationType.RPLC, "Document01", samples.uuid(1))
    return replace(whole, **changes)


RME = E.REGISTRY_METADATA
DEFECTS: list[tuple[str, str, E, Submission]] = [
    ("B1", "no submission set", RME, replace(PLAIN, submission_sets=())),
    ("B1", "two submission sets", RME, replace(PLAIN, submission_sets=PLAIN.submission_sets * 2)),
    ("B3", "nothing submitted", RME, replace(PLAIN, entries=(), associations=())),
    ("B4", "entry outside the set", RME, without("Document01", PLAIN)),
    ("B4", "entry twice in the set", RME, more(*PLAIN.associations)),
    ("B5", "folder outside the set", RME, without("Folder01")),
    ("B6", "membership outside the set", RME, without("Folder01-Document01")),
    ("B7", "on-demand entry", RME, entry(object_type=DocumentEntryType.ON_DEMAND)),
    ("B7", "unknown object type", RME, entry(object_type="urn:uuid:x")),
    ("B9", "unknown association type", RME, more(rplc(type="urn:example:knows"))),
    (
        "B9",
        "update in a registration",
        RME,
        more(rplc(type=AssociationType.UPDATE_AVAILABILITY_STATUS)),
    ),
    (
        "B10",
        "set as target",
        RME,
        more(samples.member("Folder01", "SubmissionSet01"), submission=WITH_FOLDER),
    ),
    ("B10", "set replaces", RME, more(rplc(source="SubmissionSet01"))),
    ("B10", "entry has members", RME, more(samples.member("Document01", samples.uuid(1)))),
    (
        "B10",
        "folder in a folder",
        RME,
        more(samples.member("Folder01", "Folder01-Document01"), submission=WITH_FOLDER),
    ),
    ("B11", "association to itself", RME, more(rplc(target="Document01"))),
    (
        "B12",
        "no submission set status",
        RME,
        links(PLAIN, lambda link: replace(link, submission_set_status=None)),
    ),
    (
        "B12",
        "unknown submission set status",
        RME,
        links(PLAIN, lambda link: replace(link, submission_set_status="original")),
    ),
    (
        "B12",
        "status on a folder",
        RME,
        links(
            WITH_FOLDER,
            lambda link: replace(link, submission_set_status=SubmissionSetStatus.ORIGINAL),
        ),
    ),
    ("B13", "original member elsewhere", RME, more(samples.member("SubmissionSet01", "Document99"))),
    (
        "B13",
        "reference to a submitted entry",
        RME,
        links(
            PLAIN, lambda link: replace(link, submission_set_status=SubmissionSetStatus.REFERENCE)
        ),
    ),
    (
        "B14",
        "documented membership",
        RME,
        links(PLAIN, lambda link: replace(link, documentation=samples.code("x"))),
    ),
    ("B15", "foreign source", E.UNRESOLVED_REFERENCE, more(rplc(source=samples.uuid(2)))),
    ("B16", "dangling symbolic id", E.UNRESOLVED_REFERENCE, more(rplc(target="Document99"))),
    ("B21", "reserved slot name", RME, entry(extra=(Slot("urn:ihe:x:y", ("1",)),))),
    ("B21", "slot name without urn", RME, entry(extra=(Slot("ward", ("1",)),))),
    ("B21", "foreign slot", RME, entry(extra=(Slot("submissionTime", ("1",)),))),
    ("B22", "limited metadata", RME, entry(limited_metadata=True)),
    ("B23", "home without urn:oid", RME, entry(home_community_id=HomeCommunityId("1.2.3"))),
    *(
        ("C1", f"no {name}", RME, entry(**{name: None}))
        for name in (
            "unique_id", "patient_id", "class_code", "format_code", "healthcare_facility_type_code",
            "practice_setting_code", "type_code", "language_code", "source_patient_id",
            "repository_unique_id", "mime_type", "creation_time", "hash", "size",
        )
    ),
    ("C2", "no confidentiality code", RME, entry(confidentiality_codes=())),
    *(
        ("C4", f"no {name}", RME, chosen(**{name: None}))
        for name in ("unique_id", "source_id", "patient_id", "content_type_code", "submission_time")
    ),
    *(("C5", f"no {name}", RME, folder(**{name: None})) for name in ("unique_id", "patient_id", "title")),
    ("C5", "no folder code", RME, folder(codes=())),
    ("C7", "empty code", RME, entry(class_code=Code("", "1.2.3"))),
    ("C7", "no coding scheme", RME, entry(event_codes=(Code("x", ""),))),
    ("C7n", "no display name", RME, entry(class_code=Code("x", "1.2.3"))),
    ("C8", "nobody as author", RME, entry(authors=(Author(roles=("doctor",)),))),
    ("D1", "patient id without authority", RME, entry(source_patient_id=CX("13916900216"))),
    ("D1", "patient id with a type", RME, entry(source_patient_id=CX("1^^^&1.2.3&ISO^PI"))),
    ("D2", "set id no oid", RME, chosen(unique_id=OID("abc"))),
    ("D2", "source id with urn", RME, chosen(source_id=OID("urn:oid:1.2.3"))),
    ("D2", "long repository id", RME, entry(repository_unique_id=OID("1." + "2" * 64))),
    ("D3", "unique id with a blank", RME, entry(unique_id=Identifier("1.2 3"))),
    ("D4", "time with a zone", RME, entry(creation_time=DTM("20261124083000+0100"))),
    ("D4", "month 13", RME, entry(service_start_time=DTM("202613"))),
    ("D4", "odd digits", RME, chosen(submission_time=DTM("20261"))),
    ("D5", "stops before it starts", RME, entry(service_stop_time=DTM("2025"))),
    ("D6", "short hash", RME, entry(hash=SHA1("abc"))),
    ("D6", "size with a unit", RME, entry(size="12 kB")),
    ("D7", "language with underscore", RME, entry(language_code=LanguageCode("nb_NO"))),
    ("D8", "mime type without subtype", RME, entry(mime_type=MimeType("pdf"))),
    ("D9", "authenticator without name", RME, entry(legal_authenticator=XCN("^^KARI"))),
    ("D9", "nameless author", RME, entry(authors=(samples.author(person=XCN("^^X")),))),
    ("D9", "nameless institution", RME, entry(authors=(samples.author(institutions=(XON("^^x"),)),))),
    ("D9", "address without number", RME, entry(authors=(samples.author(telecommunications=(XTN("^PRN^PH"),)),))),
    ("D9", "recipient with four parts", RME, chosen(intended_recipients=(Recipient("a|^b||x"),))),
    ("D10", "reference id without type", RME, entry(reference_ids=(CXi("1^^^&1.2&ISO"),))),
    ("D11", "no PID field", RME, entry(source_patient_info=(Field("ZZZ-1|x"),))),
    ("D11", "born twice", RME, entry(source_patient_info=(Field("PID-7|19700101"),) * 2)),
    ("D11n", "discouraged field", RME, entry(source_patient_info=(Field("PID-19|x"),))),
    ("D12", "long uri", RME, entry(uri="x" * 257)),
    ("D13", "unknown availability", RME, entry(document_availability="Online")),
    ("D14", "long title", RME, entry(title=LocalizedString("x" * 129))),
    ("D16", "symbolic logical id", RME, entry(logical_id="Document01")),
    ("D17", "another logical id", RME, entry(logical_id=samples.uuid(9))),
    ("F1", "entry of another patient", E.PATIENT_ID_DOES_NOT_MATCH, entry(patient_id=samples.OTHER_PATIENT)),
    ("F1", "folder of another patient", E.PATIENT_ID_DOES_NOT_MATCH, folder(patient_id=samples.OTHER_PATIENT)),
    (
        "F3",
        "one unique id twice",
        E.REGISTRY_DUPLICATE_UNIQUE_ID_IN_MESSAGE,
        samples.submission(samples.entry(1), samples.entry(2, unique_id=Identifier("2.25.1000.1"))),
    ),
    ("F20", "replaced twice", E.REGISTRY_DEPRECATED_DOCUMENT, more(rplc(), rplc(entry_uuid="again"))),
]  # fmt: skip  # a table of defects


@pytest.mark.parametrize(
    ("rule", "defect", "code", "submission"),
    DEFECTS,
    ids=[f"{d[0]} {d[1]} {n}" for n, d in enumerate(DEFECTS)],
)
def test_a_defect_is_found_by_its_rule(
    rule: str, defect: str, code: ErrorCode, submission: Submission
) -> None:
    found = [each for each in rules.check_submission(submission, PROFILE) if each.rule == rule]
    assert found, f"{defect} was not found"
    for each in found:
        assert each.code == code
        assert each.location
        assert len(each.context) > 10


@pytest.mark.parametrize(
    "submission", [PLAIN, WITH_FOLDER, samples.submission(samples.entry(1), samples.entry(2))]
)
def test_a_valid_submission_has_no_problems(submission: Submission) -> None:
    assert rules.check_submission(submission, PROFILE) == []
    with NOTHING_REGISTERED.read() as state:
        assert rules.check_against(submission, state, PROFILE) == []


def test_an_on_demand_submission_has_rules_of_its_own() -> None:
    on_demand = Profile(on_demand=True)
    valid = samples.submission(samples.on_demand_entry())
    assert rules.check_submission(valid, on_demand) == []
    broken = {each.rule for each in rules.check_submission(PLAIN, on_demand)}
    assert broken == {"B7", "B8"}
    empty = replace(valid, entries=(), associations=())
    assert "B8" in {each.rule for each in rules.check_submission(empty, on_demand)}


def test_all_problems_are_told_at_once() -> None:
    submission = samples.submission(
        samples.entry(1, class_code=None, hash=SHA1("x")), samples.entry(2, size="x")
    )
    found = {(each.rule, each.location) for each in rules.check_submission(submission, PROFILE)}
    assert found == {
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


def test_what_the_reader_found_has_the_strictness_of_its_rule() -> None:
    problem = registry_error(E.REGISTRY_METADATA, "a Name is wrong", "here", rule="C9")
    unknown = registry_error(E.REGISTRY_METADATA, "something", "there", rule="Z1")
    submission = replace(PLAIN, problems=(problem, unknown))
    found = rules.check_submission(submission, PROFILE)
    assert [each.severity for each in found] == [Severity.WARNING, Severity.ERROR]
    off = Profile(strictness={"C9": Strictness.OFF})
    assert [each.rule for each in rules.check_submission(submission, off)] == ["Z1"]


def test_code_lists_are_closed_where_they_are_given() -> None:
    allowed = frozenset({("A00-1", "2.16.578.1.12.4.1.1.9602")})
    profile = Profile(code_sets={"classCode": allowed, "contentTypeCode": allowed})
    assert rules.check_submission(PLAIN, profile) == []
    other = entry(class_code=samples.code("B00-1"))
    (found,) = rules.check_submission(other, profile)
    assert found.rule == "F8"
    assert "B00-1^^2.16.578.1.12.4.1.1.9602" in found.context


def test_mime_types_are_closed_when_they_are_given() -> None:
    assert rules.check_submission(PLAIN, Profile(mime_types=frozenset({"text/plain"}))) == []
    (found,) = rules.check_submission(PLAIN, Profile(mime_types=frozenset({"application/pdf"})))
    assert found.rule == "F9"


@settings(deadline=None)
@given(strategies.submissions)
def test_checking_never_fails_whatever_is_submitted(submission: Submission) -> None:
    rules.check_submission(submission, PROFILE)
    with NOTHING_REGISTERED.read() as state:
        rules.check_against(submission, state, PROFILE)


FOUND_ELSEWHERE = {
    "A1": "hub.pipeline: a SOAP fault",
    "A6": "repository.iti41",
    "A7": "repository.iti41",
    "A8": "part of A4 and D17",
    "B17": "a submitted status does not count (ihe.lifecycle)",
    "B20": "ihe.ebxml",
    "D15": "a submitted status does not count (ihe.lifecycle)",
    "F2": "registry.patients",
    "F18": "follows from F14 and F1: a replacement has the patient of what it replaces",
    "F21": "extra metadata is kept",
    "F22": "no check: a referenced document may be another patient's",
}


def test_every_rule_is_declared_once_and_has_a_negative_sample() -> None:
    ids = [rule.id for rule in rules.RULES]
    assert len(ids) == len(set(ids))
    sampled = {defect[0] for defect in DEFECTS}
    by_reading = {rule.id for rule in rules.RULES if rule.check is None}
    against_state = {rule.id for rule in rules.RULES if rule.group == "F"} - sampled
    on_demand_only = {"B8"}
    assert set(ids) - by_reading - against_state - on_demand_only <= sampled
    for rule in rules.RULES:
        assert rule.says.endswith(".")
