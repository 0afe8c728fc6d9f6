"""Group G, restricted updates: what ITI-92 allows less than ITI-57 does.

New versions of DocumentEntries of the own community, and nothing else; of their attributes, those
that say what the document *is* stay as they are. Where both transactions have a rule in common,
the codes differ as the supplements have them.

References
----------
RMU 3.92.4.1.3 (checks, in this order), RMU Table 4.3.1-3 (unmodifiable attributes).
"""

from collections.abc import Callable, Iterator
from typing import Final

from ihe.datatypes import HomeCommunityId
from ihe.errors import ErrorCode
from ihe.model import DocumentEntry, RegistryObject, Submission
from ihe.operations import YES, Version
from ihe.rules.declaring import Finding, Profile, RuleBook, finding
from ihe.rules.subject import framework_name, same_text
from ihe.rules.updated import AgainstUpdate
from ihe.state import Kind, Record, State
from ihe.vocabulary import SubmissionSetStatus

RESTRICTED: Final = RuleBook["AgainstRestricted"]()
_rule = RESTRICTED.rule
_CLAUSE: Final = "RMU 3.92.4.1.3"
_WHY: Final = "It is what a restricted update is restricted to."

COMMON: Final = frozenset({"G1", "G4", "G5", "G6", "G15"})
"""Rules of ITI-57 that count here as they are."""
_UNMODIFIABLE: Final = (
    "document_availability",
    "hash",
    "repository_unique_id",
    "size",
    "source_patient_id",
)


class AgainstRestricted(AgainstUpdate):
    """A restricted update beside what is registered.

    Parameters
    ----------
    home
        The own community.
    value_of
        Reads a registered object back.
    """

    def __init__(
        self,
        submission: Submission,
        profile: Profile,
        state: State,
        *,
        home: HomeCommunityId | None,
        value_of: Callable[[Record], RegistryObject],
    ) -> None:
        super().__init__(submission, profile, state)
        self.home, self.value_of = home, value_of


@_rule(
    "G18",
    "A restricted update is for the own community.",
    code=ErrorCode.UNKNOWN_COMMUNITY,
    clause=_CLAUSE,
    fixed=True,
    why=_WHY,
)
def _homes(subject: AgainstRestricted) -> Iterator[Finding]:
    for thing in subject.submission.of_patient:
        home = thing.home_community_id
        if home is not None and subject.home is not None and home != subject.home:
            yield finding(thing.entry_uuid, f"home {home} on {thing.entry_uuid}", subject.home)


@_rule(
    "G18b",
    "Every object of a restricted update has a home.",
    code=ErrorCode.MISSING_HOME_COMMUNITY_ID,
    clause=_CLAUSE,
)
def _has_home(subject: AgainstRestricted) -> Iterator[Finding]:
    for thing in subject.submission.of_patient:
        if thing.home_community_id is None:
            expected = subject.home or "that of the community of the document"
            yield finding(thing.entry_uuid, f"no home on {thing.entry_uuid}", expected)


@_rule(
    "G19",
    "A restricted update holds new versions of DocumentEntries, and nothing else.",
    code=ErrorCode.OBJECT_TYPE,
    clause=_CLAUSE,
    fixed=True,
    why=_WHY,
)
def _entries_only(subject: AgainstRestricted) -> Iterator[Finding]:
    asked = subject.asked
    others = [
        *(each.entry_uuid for each in subject.submission.folders),
        *(each.entry_uuid for each in (*asked.status_changes, *asked.submitted, *asked.others)),
        *asked.links,
    ]
    for uuid in others:
        expected = "DocumentEntries and their HasMember associations alone"
        yield finding(uuid, f"{uuid}, which is no new version of a DocumentEntry", expected)
    if not subject.submission.entries:
        yield finding(asked.chosen.entry_uuid, "no DocumentEntry", "one or more")


@_rule(
    "G2b",
    "In a restricted update, an Original membership with PreviousVersion goes with each version.",
    code=ErrorCode.METADATA_VERSION,
    clause=_CLAUSE,
    fixed=True,
    why="The registry could not keep the chain of versions.",
)
def _members(subject: AgainstRestricted) -> Iterator[Finding]:
    for version in _of_entries(subject):
        member, uuid = version.member, version.thing.entry_uuid
        if member is None:
            found = f"no HasMember association to {uuid}"
        elif member.submission_set_status != SubmissionSetStatus.ORIGINAL:
            found = f"a HasMember association to {uuid} that is not Original"
        elif version.previous is None:
            said = member.previous_version
            found = f"the PreviousVersion '{said}' of {uuid}"
            if not said:
                found = f"no PreviousVersion of {uuid}"
        else:
            continue
        expected = "one from the SubmissionSet, Original, with the number of the version before"
        yield finding(uuid, found, expected)


def _of_entries(subject: AgainstRestricted) -> list[Version]:
    """Return the new versions of DocumentEntries; of others, G19 tells that they are not."""
    return [each for each in subject.asked.versions if isinstance(each.thing, DocumentEntry)]


@_rule(
    "G9b",
    "A restricted update carries associations over.",
    code=ErrorCode.METADATA_ANNOTATION,
    clause=_CLAUSE,
    fixed=True,
    why=_WHY,
)
def _propagates(subject: AgainstRestricted) -> Iterator[Finding]:
    for version in _of_entries(subject):
        said = version.member.association_propagation if version.member else None
        if said not in {None, YES}:
            found = f"AssociationPropagation '{said}'"
            yield finding(version.thing.entry_uuid, found, f"{YES}, or none")


@_rule(
    "G20",
    "A restricted update leaves a document with its patient.",
    code=ErrorCode.PATIENT_ID_RECONCILIATION,
    clause=_CLAUSE,
    fixed=True,
    why=_WHY,
)
def _same_patient(subject: AgainstRestricted) -> Iterator[Finding]:
    for version, before in subject.known_versions():
        patients = (version.thing.patient_id, subject.asked.chosen.patient_id)
        for patient_id in dict.fromkeys(patients):
            if not same_text(subject.patient(patient_id), before.patient_id):
                found = f"patientId {patient_id}"  # whose it is stays untold
                yield finding(version.thing.entry_uuid, found, "that of the version before")


@_rule(
    "G21",
    "A restricted update leaves what a document is as it is.",
    code=ErrorCode.UNMODIFIABLE_METADATA,
    clause="RMU Table 4.3.1-3",
    fixed=True,
    why=_WHY,
)
def _unmodified(subject: AgainstRestricted) -> Iterator[Finding]:
    for version, before in subject.known_versions():
        if before.kind is not Kind.DOCUMENT_ENTRY or not isinstance(version.thing, DocumentEntry):
            continue
        old = subject.value_of(before)
        for field in _UNMODIFIABLE:
            now, then = getattr(version.thing, field), getattr(old, field)
            if now != then:
                found = f"{framework_name(field)} {'none' if now is None else now}"
                kept = "that of the version before"  # which may say who the patient is
                yield finding(version.thing.entry_uuid, found, kept if then is not None else "none")
        status = version.thing.availability_status
        if status not in {None, before.status}:
            found = f"availabilityStatus {status}"
            yield finding(version.thing.entry_uuid, found, f"{before.status}, as before")
