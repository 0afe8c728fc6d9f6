"""Group G, patients: what an update must not join (ITI-57).

A new version, an association or a status can bring documents of two patients together: an error of
identity that a query would show. What is Deprecated after the update is exempt, and so are older
versions.

References
----------
Metadata Update 3.57.4.1.3.2 (patientId reconciliation).
"""

from collections.abc import Iterator
from typing import Final

from ihe.datatypes import CX
from ihe.errors import ErrorCode
from ihe.rules.declaring import Finding, RuleBook, finding
from ihe.rules.removal import find_objects
from ihe.rules.subject import same_text
from ihe.rules.updated import AgainstUpdate
from ihe.state import Kind, Record, any_of, comparable
from ihe.vocabulary import Status

RECONCILIATION: Final = RuleBook[AgainstUpdate]()


@RECONCILIATION.rule(
    "G16",
    "What is Approved and joined by Approved associations is of one patient.",
    code=ErrorCode.PATIENT_ID_RECONCILIATION,
    clause="MU 3.57.4.1.3.2",
    fixed=True,
    why="Queries would show one patient's documents as another's.",
)
def _one_patient(subject: AgainstUpdate) -> Iterator[Finding]:
    chosen = subject.asked.chosen
    for version in subject.asked.versions:
        thing = version.thing
        if _ends_deprecated(thing.entry_uuid, subject):
            continue
        if not _same_patient(thing.patient_id, chosen.patient_id, subject):
            found = f"patientId {thing.patient_id}"
            yield finding(
                thing.entry_uuid, found, f"{chosen.patient_id}, that of the SubmissionSet"
            )
    for link in subject.asked.links.values():
        ends = (_patient_of_end(link.source, subject), _patient_of_end(link.target, subject))
        patients = [each for each in ends if each is not None]
        if any(not same_text(each, patients[0]) for each in patients):
            # whose they are stays untold
            found = f"ends of two patients: {link.source} and {link.target}"
            yield finding(link.entry_uuid, found, "both of one patient")
    yield from _carried_patients(subject)
    yield from _approved_again(subject)


def _patient_of_end(end: str, subject: AgainstUpdate) -> CX | None:
    """Return the patient of an end of a new association, which may be a new version."""
    for version in subject.asked.versions:
        if version.thing.entry_uuid == end and version.thing.patient_id is not None:
            return subject.patient(version.thing.patient_id)
    found = subject.ends.get(end)
    return found.patient_id if found else None


def _carried_patients(subject: AgainstUpdate) -> Iterator[Finding]:
    """Look at what is carried over to a new version that is of another patient."""
    for version, before in subject.known_versions():
        patient_id = subject.patient(version.thing.patient_id)
        if not version.propagates or _ends_deprecated(version.thing.entry_uuid, subject):
            continue
        if before.status == Status.APPROVED and same_text(patient_id, before.patient_id):
            continue
        for other in _joined(before, subject, were_approved=True):
            new = subject.new_of.get(other.entry_uuid)
            moved = next((v for v in subject.asked.versions if v.thing.entry_uuid == new), None)
            now = subject.patient(moved.thing.patient_id) if moved else other.patient_id
            if not same_text(now, patient_id):
                found = (
                    f"patientId {version.thing.patient_id} while {other.entry_uuid}, which an"
                    " association joins to it, is of another patient"
                )
                yield finding(version.thing.entry_uuid, found, "both of one patient")


def _approved_again(subject: AgainstUpdate) -> Iterator[Finding]:
    """Look at what becomes Approved: with it, its associations count again."""
    for link in subject.asked.status_changes:
        found = subject.targets.get(link.target)
        if found is None or link.new_status != Status.APPROVED or link.target in subject.new_of:
            continue
        if found.kind is Kind.ASSOCIATION:
            ends = find_objects(filter(None, (found.source, found.target)), subject.state)
            others = [each for each in ends.values() if _is_approved(each, subject)]
        else:
            others = [found, *_joined(found, subject)]
        patients = {comparable(each.patient_id) for each in others}
        if len(patients) > 1:
            said = f"{link.target} joins objects of {len(patients)} patients once it is Approved"
            yield finding(link.entry_uuid, said, "one patient")


def _joined(
    record: Record, subject: AgainstUpdate, *, were_approved: bool = False
) -> Iterator[Record]:
    """Yield what Approved associations join to an object after the update, itself Approved then.

    `were_approved` asks for associations that are Approved before it, too: only they are carried
    over to a new version.
    """
    ends: set[str] = set()
    for attribute in ("source", "target"):
        for link in subject.state.find(Kind.ASSOCIATION, (any_of(attribute, record.entry_uuid),)):
            was_approved = link.status == Status.APPROVED or not were_approved
            if was_approved and _is_approved(link, subject):
                ends |= {link.source or "", link.target or ""} - {record.entry_uuid, ""}
    for other in find_objects(ends, subject.state).values():
        of_patient = other.kind in {Kind.DOCUMENT_ENTRY, Kind.FOLDER}
        if of_patient and _is_approved(other, subject):
            yield other


def _is_approved(record: Record, subject: AgainstUpdate) -> bool:
    """Tell whether an object, or the new version of it, is Approved after the update."""
    ids = {record.entry_uuid, subject.new_of.get(record.entry_uuid)}
    changes = [each.new_status for each in subject.asked.status_changes if each.target in ids]
    return all(each == Status.APPROVED for each in changes or [record.status])


def _ends_deprecated(uuid: str, subject: AgainstUpdate) -> bool:
    """Tell whether a new version is Deprecated after the update: joining it, nobody shows it."""
    before = subject.before.get(uuid)
    return before is not None and not _is_approved(before, subject)


def _same_patient(one: CX | None, other: CX | None, subject: AgainstUpdate) -> bool:
    return one is None or other is None or same_text(subject.patient(one), subject.patient(other))
