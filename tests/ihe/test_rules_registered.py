"""Rules against the registry's content: one negative sample each, and what stays allowed.

```text
letter       Approved, in plan           old        Deprecated
dynamic      on-demand                   drawing    a transformation of letter
                                         of_drawing an appendix of it
foreign      of another patient          stray      in foreign_plan, of another patient
plan         Approved folder             old_plan   Deprecated folder
```
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from ihe import rules
from ihe.datatypes import OID, SHA1, Identifier
from ihe.errors import ErrorCode
from ihe.model import Association, RegistryObject, Submission
from ihe.rules import RULES, Profile
from ihe.state import State
from ihe.vocabulary import AssociationType, Severity, Status, SubmissionSetStatus
from registry.store.memory import MemoryStore
from tests import samples
from tests.samples import uuid

E = ErrorCode
T = AssociationType
RME = E.REGISTRY_METADATA
LETTER, OLD, DYNAMIC, DRAWING, FOREIGN, STRAY, OF_DRAWING = (uuid(n) for n in range(1, 8))
PLAN, OLD_PLAN, FOREIGN_PLAN = (uuid(n) for n in range(11, 14))
SET, IN_PLAN, TRANSFORMS, IN_FOREIGN_PLAN, GONE, FOLLOWS = (uuid(n) for n in range(20, 26))
OTHER = samples.OTHER_PATIENT
PROFILE = Profile()
ON_DEMAND = Profile(on_demand=True)


def registered(thing: Any, entry_uuid: str, **changes: Any) -> Any:
    changes.setdefault("availability_status", Status.APPROVED)
    return replace(thing, entry_uuid=entry_uuid, logical_id=entry_uuid, version="1", **changes)


def link(entry_uuid: str, kind: T, source: str, target: str) -> Association:
    whole = Association(entry_uuid=entry_uuid, type=kind, source=source, target=target)
    return registered(whole, entry_uuid)  # type: ignore[no-any-return]  # an Association again


CONTENT: list[RegistryObject] = [
    registered(samples.submission_set(unique_id=OID("2.25.9")), SET),
    registered(samples.entry(1), LETTER),
    registered(samples.entry(2), OLD, availability_status=Status.DEPRECATED),
    registered(samples.on_demand_entry(3), DYNAMIC),
    registered(samples.entry(4), DRAWING),
    registered(samples.entry(5), FOREIGN, patient_id=OTHER),
    registered(samples.entry(6), STRAY),
    registered(samples.entry(8), OF_DRAWING),
    registered(samples.folder(1), PLAN),
    registered(samples.folder(2), OLD_PLAN, availability_status=Status.DEPRECATED),
    registered(samples.folder(3), FOREIGN_PLAN, patient_id=OTHER),
    link(IN_PLAN, T.HAS_MEMBER, PLAN, LETTER),
    link(TRANSFORMS, T.XFRM, DRAWING, LETTER),
    link(FOLLOWS, T.APND, OF_DRAWING, DRAWING),
    link(IN_FOREIGN_PLAN, T.HAS_MEMBER, FOREIGN_PLAN, STRAY),
    replace(registered(samples.entry(7), uuid(30)), logical_id=GONE, version="2"),
]


@pytest.fixture(scope="module")
def state() -> Iterator[State]:
    store = MemoryStore()

    def work(writer: Any) -> None:
        writer.add_patient(samples.PATIENT)
        writer.add_patient(OTHER)
        writer.add(CONTENT)

    store.write(work)
    with store.read() as opened:
        yield opened


def new(*links: Association, **changes: Any) -> Submission:
    """Return a submission of a new document (number 50), with more associations."""
    plain = samples.submission(samples.entry(50, **changes))
    return replace(plain, associations=(*plain.associations, *links))


def of_other_patient(*links: Association) -> Submission:
    submission = new(*links, patient_id=OTHER)
    chosen = replace(submission.submission_set, patient_id=OTHER)
    return replace(submission, submission_sets=(chosen,))


def to(kind: T, target: str) -> Association:
    return samples.relationship(kind, "Document50", target)


def put(folder: str, document: str) -> tuple[Association, Association]:
    """Return what puts a document into a folder."""
    inside = samples.member(folder, document, entry_uuid="inside", submission_set_status=None)
    return inside, samples.member("SubmissionSet01", "inside")


def refer(target: str, status: SubmissionSetStatus | None = SubmissionSetStatus.REFERENCE) -> Any:
    return samples.member(
        "SubmissionSet01", target, entry_uuid="referred", submission_set_status=status
    )


def two(*links: Association) -> Submission:
    """Return a submission of two new documents (numbers 50 and 51), with more associations."""
    plain = samples.submission(samples.entry(50), samples.entry(51))
    return replace(plain, associations=(*plain.associations, *links))


def on_demand(*links: Association) -> Submission:
    plain = samples.submission(samples.on_demand_entry(50))
    return replace(plain, associations=(*plain.associations, *links))


def with_set(**changes: Any) -> Submission:
    chosen = samples.submission_set(**changes)
    plain = samples.submission(samples.entry(50), submission_set=chosen)
    (member,) = plain.associations
    return replace(plain, associations=(replace(member, entry_uuid="member"),))


class Defect(NamedTuple):
    """A submission with one defect; `shown` is what the finding shows of it."""

    rule: str
    name: str
    code: ErrorCode
    shown: str
    submission: Submission
    profile: Profile = PROFILE


DEPRECATED, PATIENT, UNRESOLVED = (
    E.REGISTRY_DEPRECATED_DOCUMENT, E.PATIENT_ID_DOES_NOT_MATCH, E.UNRESOLVED_REFERENCE,
)  # fmt: skip  # short names for the table
DEFECTS = [
    Defect("F4", "unique id of a set", E.DUPLICATE_UNIQUE_ID_IN_REGISTRY, "2.25.9", with_set(unique_id=OID("2.25.9"))),
    Defect("F4", "set with the id of an entry", E.DUPLICATE_UNIQUE_ID_IN_REGISTRY, "registered DocumentEntry", with_set(unique_id=OID("2.25.1000.1"))),
    Defect("F4", "set with the id of a folder", E.DUPLICATE_UNIQUE_ID_IN_REGISTRY, "registered Folder", with_set(unique_id=OID("2.25.3000.1"))),
    Defect("F4", "unique id of a folder", E.DUPLICATE_UNIQUE_ID_IN_REGISTRY, "2.25.3000.1", replace(samples.submission_with_folder(), entries=(samples.entry(50, entry_uuid="Document01"),))),
    Defect("F5", "other hash", E.NON_IDENTICAL_HASH, "2.25.1000.1", new(unique_id=Identifier("2.25.1000.1"), hash=SHA1("0" * 40))),
    Defect("F5", "stable under the id of an on-demand one", E.NON_IDENTICAL_HASH, "on-demand", new(unique_id=Identifier("2.25.1000.3"))),
    Defect("F5b", "other size", E.NON_IDENTICAL_SIZE, "7 octets", new(unique_id=Identifier("2.25.1000.1"), size="7")),
    Defect("F6", "on-demand under the id of a stable one", RME, "2.25.1000.1", samples.submission(samples.on_demand_entry(1)), ON_DEMAND),
    Defect("F7", "id of an entry", RME, LETTER, with_set(entry_uuid=LETTER)),
    Defect("F7", "id of a folder", RME, PLAN, with_set(entry_uuid=PLAN)),
    Defect("F7", "id of an association", RME, IN_PLAN, with_set(entry_uuid=IN_PLAN)),
    Defect("F7", "id of a set", RME, SET, with_set(entry_uuid=SET)),
    Defect("F7", "id of versions whose first is gone", RME, GONE, with_set(entry_uuid=GONE)),
    Defect("F10", "member that is not there", UNRESOLVED, uuid(99), new(refer(uuid(99)))),
    Defect("F10", "folder that is not there", UNRESOLVED, uuid(99), new(*put(uuid(99), "Document50"))),
    Defect("F10b", "folder as member of the set", RME, PLAN, new(refer(PLAN))),
    Defect("F10b", "folder that is a set", RME, f"SubmissionSet or Association {SET}", new(*put(SET, "Document50"))),
    Defect("F10b", "member that is a set", RME, SET, new(refer(SET))),
    Defect("F10b", "member that is a registered membership", RME, IN_PLAN, new(refer(IN_PLAN))),
    Defect("F10b", "entry with members", RME, LETTER, new(*put(LETTER, "Document50"))),
    Defect("F10b", "folder in a folder", RME, OLD_PLAN, new(*put(PLAN, OLD_PLAN))),
    Defect("F11", "replaces what is not there", UNRESOLVED, uuid(99), new(to(T.RPLC, uuid(99)))),
    Defect("F11", "replaces a folder", UNRESOLVED, PLAN, new(to(T.RPLC, PLAN))),
    Defect("F11", "replaces a submitted one", UNRESOLVED, "'Document51'", two(to(T.XFRM_RPLC, "Document51"))),
    Defect("F11", "snapshot of a submitted one", UNRESOLVED, "'Document51'", two(to(T.IS_SNAPSHOT_OF, "Document51"))),
    Defect("F12", "appends to what is not there", UNRESOLVED, uuid(99), new(to(T.APND, uuid(99)))),
    Defect("F12", "signs a set", UNRESOLVED, SET, new(to(T.SIGNS, SET))),
    *(Defect("F13", f"{kind.name} of a Deprecated one", DEPRECATED, OLD, new(to(kind, OLD))) for kind in (T.RPLC, T.XFRM_RPLC, T.APND, T.XFRM, T.SIGNS)),
    *(Defect("F14", f"{kind.name} of another patient's", PATIENT, FOREIGN, new(to(kind, FOREIGN))) for kind in (T.RPLC, T.XFRM_RPLC, T.APND, T.XFRM, T.SIGNS)),
    Defect("F15", "snapshot of a stable one", RME, LETTER, new(to(T.IS_SNAPSHOT_OF, LETTER))),
    Defect("F15", "on-demand snapshot", RME, "Document50", on_demand(to(T.IS_SNAPSHOT_OF, DYNAMIC)), ON_DEMAND),
    Defect("F16", "Deprecated one put into a folder", DEPRECATED, OLD, new(*put(PLAN, OLD))),
    Defect("F16b", "put into a Deprecated folder", RME, OLD_PLAN, new(*put(OLD_PLAN, LETTER))),
    Defect("F16c", "put into another patient's folder", PATIENT, f"one of {samples.PATIENT}", new(*put(FOREIGN_PLAN, LETTER))),
    Defect("F16c", "another patient's put into a folder", PATIENT, f"the document {FOREIGN}", new(*put(PLAN, FOREIGN))),
    Defect("F16c", "new one put into another patient's folder", PATIENT, f"the folder {FOREIGN_PLAN}", new(*put(FOREIGN_PLAN, "Document50"))),
    Defect("F16c", "another patient's put into that patient's folder", PATIENT, f"one of {samples.PATIENT}", new(*put(FOREIGN_PLAN, FOREIGN))),
    Defect("F17", "refers to a Deprecated one", DEPRECATED, OLD, new(refer(OLD))),
    Defect("F18", "joins another patient's folder", PATIENT, FOREIGN_PLAN, new(to(T.RPLC, STRAY))),
    Defect("F19", "appends to a transformation", RME, DRAWING, new(to(T.APND, DRAWING))),
    Defect("F19", "appends to a submitted transformation", RME, "Document50", two(to(T.XFRM, LETTER), samples.relationship(T.APND, "Document51", "Document50"))),
    Defect("F20b", "appends to what goes with a replaced one", DEPRECATED, OF_DRAWING, new(to(T.RPLC, LETTER), to(T.APND, OF_DRAWING))),
    Defect("F20b", "signs what goes with a replaced one", DEPRECATED, DRAWING, new(to(T.XFRM_RPLC, LETTER), to(T.SIGNS, DRAWING))),
    Defect("F20b", "refers to what goes with a replaced one", DEPRECATED, DRAWING, new(to(T.RPLC, LETTER), refer(DRAWING))),
    Defect("F20b", "puts what goes with a replaced one into a folder", DEPRECATED, DRAWING, new(to(T.RPLC, LETTER), *put(PLAN, DRAWING))),
]  # fmt: skip  # a table of defects


@pytest.mark.parametrize("defect", DEFECTS, ids=[f"{d.rule} {d.name}" for d in DEFECTS])
def test_a_defect_is_found_by_its_rule_alone(defect: Defect, state: State) -> None:
    problems = rules.check_against(defect.submission, state, defect.profile)
    assert {each.rule for each in problems} == {defect.rule}
    for each in problems:
        assert each.code == defect.code
        assert each.severity == Severity.ERROR
        assert each.context.startswith("found ")
        assert ", expected " in each.context
        assert defect.shown in each.context
        assert "[" in each.location


VALID = [
    new(),
    new(to(T.RPLC, LETTER)),
    new(to(T.RPLC, LETTER), to(T.RPLC, DRAWING)),
    new(to(T.RPLC, LETTER), to(T.APND, STRAY), refer(STRAY)),
    new(to(T.APND, LETTER), to(T.SIGNS, LETTER)),
    new(to(T.XFRM, DRAWING)),
    new(to(T.IS_SNAPSHOT_OF, DYNAMIC)),
    new(to(T.RPLC, DYNAMIC)),
    new(refer(FOREIGN)),
    new(*put(PLAN, "Document50")),
    new(*put(PLAN, STRAY)),
    new(unique_id=Identifier("2.25.1000.2")),
    new(unique_id=Identifier("2.25.1000.1"), size="050"),
    of_other_patient(to(T.RPLC, FOREIGN)),
]


@pytest.mark.parametrize("submission", VALID, ids=range(len(VALID)))
def test_what_the_registry_allows_has_no_problems(submission: Submission, state: State) -> None:
    assert rules.check_against(submission, state, PROFILE) == []


def test_an_on_demand_document_may_be_registered_again(state: State) -> None:
    again = samples.submission(samples.on_demand_entry(3))
    assert rules.check_against(again, state, ON_DEMAND) == []


def test_a_unique_id_is_compared_in_its_normal_form() -> None:
    composed, decomposed = "n\u00e5", "na\u030a"
    store = MemoryStore()

    def work(writer: Any) -> None:
        writer.add_patient(samples.PATIENT)
        writer.add([registered(samples.entry(1, unique_id=Identifier(composed)), LETTER)])

    store.write(work)
    with store.read() as opened:
        submission = new(unique_id=Identifier(decomposed), hash=SHA1("0" * 40))
        (found,) = rules.check_against(submission, opened, PROFILE)
    assert found.rule == "F5"


def test_whose_document_it_is_stays_untold(state: State) -> None:
    for submission in (new(to(T.RPLC, FOREIGN)), new(*put(FOREIGN_PLAN, LETTER))):
        (found,) = rules.check_against(submission, state, PROFILE)
        assert OTHER not in found.context


def test_patients_count_as_they_are_after_a_merge() -> None:
    store = MemoryStore()

    def work(writer: Any) -> None:
        writer.add_patient(samples.PATIENT)
        writer.add_patient(OTHER)
        writer.add(CONTENT)
        writer.merge_patient(OTHER, samples.PATIENT)

    store.write(work)
    with store.read() as opened:
        assert rules.check_against(new(to(T.RPLC, FOREIGN)), opened, PROFILE) == []
        assert rules.check_against(of_other_patient(to(T.RPLC, LETTER)), opened, PROFILE) == []


def test_every_rule_on_state_has_a_negative_sample() -> None:
    sampled = {defect.rule for defect in DEFECTS}
    on_submissions = {"F1", "F3", "F8", "F9", "F20"}
    assert sampled == {
        rule.id
        for rule in RULES.values()
        if rule.group == "F" and rule.check is not None and rule.id not in on_submissions
    }
