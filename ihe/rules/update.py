"""Group G: what an update may ask for (ITI-57).

New versions keep the rules of submissions that are about attributes (C, D, and what is listed in
`SHARED`); what they are versions of, and which status may change, is here. `location` is the id of
the object that the operation is about, as it was submitted.

References
----------
Metadata Update 3.57.4.1.2, 3.57.4.1.3, 4.2.4.1.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from ihe.datatypes import is_uuid_urn
from ihe.errors import ErrorCode
from ihe.model import Association, DocumentEntry, Folder
from ihe.operations import NO, YES, kind_of_version
from ihe.rules.declaring import Basis, Finding, RuleBook, finding
from ihe.rules.removal import find_objects
from ihe.rules.subject import same_text
from ihe.rules.updated import AgainstUpdate
from ihe.state import AnyOf, Kind, any_of
from ihe.vocabulary import RELATIONSHIPS, Status, SubmissionSetStatus

UPDATE: Final = RuleBook[AgainstUpdate]()
_rule = UPDATE.rule
_OPERATION, _WRONG = ErrorCode.METADATA_UPDATE_OPERATION, ErrorCode.METADATA_UPDATE
_CLAUSE: Final = "MU 3.57.4.1.3"
_APPROVED: Final = any_of("availability_status", Status.APPROVED)
_KEPT: Final = "The registry could not keep the chain of versions."


# --- new versions --------------------------------------------------------------------------------


@_rule(
    "G1",
    "A new version names its logical object, and has an id of its own.",
    code=ErrorCode.INVALID_REQUEST,
    clause="MU 3.57.4.1.2",
    fixed=True,
    why=_KEPT,
)
def _no_first_versions(subject: AgainstUpdate) -> Iterator[Finding]:
    for version in subject.asked.versions:
        uuid, logical_id = version.thing.entry_uuid, version.logical_id
        if not is_uuid_urn(logical_id) or logical_id == uuid:
            said = f"the logicalID '{logical_id}'" if logical_id else "no logicalID"
            found = f"{said} on {uuid}"
            yield finding(
                uuid, found, "the UUID of the first version; first versions are for ITI-42"
            )


@_rule(
    "G2",
    "The SubmissionSet has a new version as Original member, with PreviousVersion.",
    code=_OPERATION,
    clause="MU 3.57.4.1.2",
    fixed=True,
    why=_KEPT,
)
def _members(subject: AgainstUpdate) -> Iterator[Finding]:
    for version in subject.asked.versions:
        member, uuid = version.member, version.thing.entry_uuid
        original = member is not None and (
            isinstance(version.thing, Folder)
            or member.submission_set_status == SubmissionSetStatus.ORIGINAL
        )
        if member is None or not original:
            found = f"a HasMember association to {uuid} that is not Original"
            if member is None:
                found = f"no HasMember association to {uuid}"
            expected = "one from the SubmissionSet, Original, with PreviousVersion"
            yield finding(uuid, found, expected)


@_rule(
    "G3",
    "PreviousVersion is one whole number.",
    code=ErrorCode.METADATA_VERSION,
    basis=Basis.INFERRED,
    clause="MU 3.57.4.1.2",
    fixed=True,
    why=_KEPT,
)
def _previous_is_a_number(subject: AgainstUpdate) -> Iterator[Finding]:
    for version in subject.asked.versions:
        if version.member is not None and version.previous is None:
            said = version.member.previous_version
            found = f"PreviousVersion '{said}'" if said else "no PreviousVersion"
            yield finding(version.thing.entry_uuid, found, "the number of the current version")


@_rule(
    "G4",
    "The logical object of a new version is registered.",
    code=ErrorCode.UNRESOLVED_REFERENCE,
    clause=_CLAUSE,
    fixed=True,
    why=_KEPT,
)
def _registered(subject: AgainstUpdate) -> Iterator[Finding]:
    for version in subject.asked.versions:
        uuid = version.thing.entry_uuid
        if not is_uuid_urn(version.logical_id) or version.logical_id == uuid:
            continue  # no update at all: G1
        if uuid not in subject.before:
            found = f"logicalID {version.logical_id} on {uuid}, which nothing has"
            yield finding(uuid, found, f"that of a registered {kind_of_version(version)}")


@_rule(
    "G5",
    "A new version has the uniqueId and the objectType of the version before it.",
    code=ErrorCode.METADATA_IDENTIFIER,
    clause=_CLAUSE,
    fixed=True,
    why=_KEPT,
)
def _same_identifiers(subject: AgainstUpdate) -> Iterator[Finding]:
    for version, before in subject.known_versions():
        thing, uuid = version.thing, version.thing.entry_uuid
        if not same_text(thing.unique_id, before.unique_id):
            yield finding(uuid, f"uniqueId {thing.unique_id}", f"{before.unique_id}, as before")
        if isinstance(thing, DocumentEntry) and thing.object_type != before.object_type:
            yield finding(
                uuid, f"objectType {thing.object_type}", f"{before.object_type}, as before"
            )


@_rule(
    "G6",
    "PreviousVersion is the newest version.",
    code=ErrorCode.METADATA_VERSION,
    clause=_CLAUSE,
    fixed=True,
    why="Somebody else has updated it in the meantime.",
)
def _previous_is_newest(subject: AgainstUpdate) -> Iterator[Finding]:
    for version, before in subject.known_versions():
        if version.previous is not None and version.previous != before.version:
            found = f"PreviousVersion {version.previous}"
            yield finding(version.thing.entry_uuid, found, f"{before.version}, the newest")


@_rule(
    "G8",
    "A folder that is updated is Approved.",
    code=_WRONG,
    clause=_CLAUSE,
)
def _approved_folders(subject: AgainstUpdate) -> Iterator[Finding]:
    for version, before in subject.known_versions():
        if before.kind is Kind.FOLDER and before.status != Status.APPROVED:
            yield finding(version.thing.entry_uuid, "a Deprecated folder", "an Approved one")


@_rule(
    "G9",
    "AssociationPropagation is yes or no.",
    code=_OPERATION,
    clause="MU 3.57.4.1.3.3",
)
def _propagation(subject: AgainstUpdate) -> Iterator[Finding]:
    for version in subject.asked.versions:
        said = version.member.association_propagation if version.member else None
        if said not in {None, YES, NO}:
            uuid = version.thing.entry_uuid
            yield finding(uuid, f"AssociationPropagation '{said}'", f"{YES} or {NO}")


@_rule(
    "G9c",
    "Updates of objects that an association joins agree on AssociationPropagation.",
    code=_OPERATION,
    clause="MU 3.57.4.1.3.3",
    fixed=True,
    why="Whether the association is carried over cannot be told.",
)
def _propagation_agrees(subject: AgainstUpdate) -> Iterator[Finding]:
    propagates = {
        before.entry_uuid: version.propagates for version, before in subject.known_versions()
    }
    if len(set(propagates.values())) < 2:  # noqa: PLR2004  # yes and no
        return
    conditions = (AnyOf("source", frozenset(propagates)), _APPROVED)
    for link in subject.state.find(Kind.ASSOCIATION, conditions):
        source, target = link.source or "", link.target or ""
        if propagates.get(target, propagates[source]) != propagates[source]:
            found = f"an update of {source} that propagates and one of {target} that does not"
            if propagates[target]:
                found = f"an update of {target} that propagates and one of {source} that does not"
            yield finding(subject.new_of[source], found, f"{YES} or {NO} for both")


@_rule(
    "G15",
    "A logical object has one new version and one change of status in an update, at the most.",
    code=_OPERATION,
    clause="MU 3.57.4.1.3",
    fixed=True,
    why="Which comes first cannot be told.",
)
def _once(subject: AgainstUpdate) -> Iterator[Finding]:
    versions = Counter(v.logical_id for v in subject.asked.versions if v.logical_id)
    for version in subject.asked.versions:
        if versions[version.logical_id] > 1:
            found = f"{versions[version.logical_id]} new versions of {version.logical_id}"
            yield finding(version.thing.entry_uuid, found, "one")
    changes = Counter(_changed(link, subject) for link in subject.asked.status_changes)
    for link in subject.asked.status_changes:
        if changes[_changed(link, subject)] > 1:
            found = f"{changes[_changed(link, subject)]} changes of the status of {link.target}"
            yield finding(link.entry_uuid, found, "one")


def _changed(link: Association, subject: AgainstUpdate) -> str:
    """Return the object whose status a trigger changes: the new version, if there is one."""
    return subject.new_of.get(link.target, link.target)


# --- status --------------------------------------------------------------------------------------


@_rule(
    "G10",
    "A change of status says from which to which, and is of an object that may change.",
    code=_OPERATION,
    clause="MU 3.57.4.1.2",
    fixed=True,
    why="What is to be done cannot be told.",
)
def _status_changes(subject: AgainstUpdate) -> Iterator[Finding]:
    known = {str(status) for status in Status}
    for link in subject.asked.status_changes:
        said = (link.original_status, link.new_status)
        if not all(str(each) in known for each in said) or said[0] == said[1]:
            found = f"OriginalStatus {said[0] or 'none'} and NewStatus {said[1] or 'none'}"
            yield finding(link.entry_uuid, found, "two different statuses, Approved or Deprecated")
        if not _may_change(link.target, subject):
            expected = "the UUID of a registered DocumentEntry, Folder or Association"
            yield finding(link.entry_uuid, f"target {link.target}", expected)


def _may_change(target: str, subject: AgainstUpdate) -> bool:
    if target in subject.before or target in subject.asked.links:
        return True  # it is in the submission, and its status is to be another from the start
    found = subject.targets.get(target)
    return found is not None and found.kind is not Kind.SUBMISSION_SET


@_rule(
    "G11",
    "OriginalStatus is the status that the object has.",
    code=_WRONG,
    clause=_CLAUSE,
    fixed=True,
    why="Somebody else has changed it in the meantime.",
)
def _original_status(subject: AgainstUpdate) -> Iterator[Finding]:
    for link in subject.asked.status_changes:
        now = subject.before.get(link.target) or subject.targets.get(link.target)
        status = now.status if now else None
        if link.target in subject.asked.links:
            status = Status.APPROVED  # a new association begins so
        if status is not None and link.original_status not in {None, status}:
            found = f"OriginalStatus {link.original_status}"
            yield finding(link.entry_uuid, found, f"{status}, the status of {link.target}")


@_rule(
    "G12",
    "The status of an older version does not change.",
    code=_WRONG,
    clause=_CLAUSE,
    fixed=True,
    why=_KEPT,
)
def _newest_only(subject: AgainstUpdate) -> Iterator[Finding]:
    for link in subject.asked.status_changes:
        found = subject.targets.get(link.target)
        if found is not None and not subject.current(found):
            yield finding(link.entry_uuid, f"{link.target}, an older version", "the newest one")


@_rule(
    "G13",
    "Of associations, the status of folder memberships and relationships may change.",
    code=_WRONG,
    clause=_CLAUSE,
    fixed=True,
    why="What a SubmissionSet holds, it holds for good.",
)
def _changeable_associations(subject: AgainstUpdate) -> Iterator[Finding]:
    for link in subject.asked.status_changes:
        found = subject.targets.get(link.target)
        if found is None or found.kind is not Kind.ASSOCIATION or found.type in RELATIONSHIPS:
            continue
        sources = find_objects([found.source or ""], subject.state)
        if any(each.kind is Kind.SUBMISSION_SET for each in sources.values()):
            said = f"{link.target}, a membership in a SubmissionSet"
            yield finding(link.entry_uuid, said, "a folder membership or a relationship")
