"""Group B: how the objects of a submission hang together (ITI TF-3 4.1.4, 4.2.1, 4.2.2)."""

from collections.abc import Iterator
from typing import Final

from ihe.datatypes import is_symbolic
from ihe.errors import ErrorCode
from ihe.model import Association, RegistryObject, Submission
from ihe.rules.declaring import Basis, Finding, RuleBook, Subject, name_of, where
from ihe.vocabulary import (
    RELATIONSHIPS,
    AssociationType,
    DocumentEntryType,
    SlotName,
    SubmissionSetStatus,
)

STRUCTURE: Final = RuleBook[Subject]()
_rule = STRUCTURE.rule
_UPDATES: Final = frozenset(
    {AssociationType.UPDATE_AVAILABILITY_STATUS, AssociationType.SUBMIT_ASSOCIATION}
)
_SLOTS: Final = frozenset(map(str, SlotName))


def _ids(objects: tuple[RegistryObject, ...]) -> frozenset[str]:
    return frozenset(each.entry_uuid for each in objects)


def _members(submission: Submission) -> list[Association]:
    """Return the HasMember associations of the SubmissionSet."""
    sets = _ids(submission.submission_sets)
    return [
        link
        for link in submission.associations
        if link.type == AssociationType.HAS_MEMBER and link.source in sets
    ]


def _folder_memberships(submission: Submission) -> list[Association]:
    """Return the HasMember associations that put an entry into a folder."""
    sets = _ids(submission.submission_sets)
    return [
        link
        for link in submission.associations
        if link.type == AssociationType.HAS_MEMBER and link.source not in sets
    ]


@_rule("B1", "A submission has exactly one SubmissionSet.")
def _one_submission_set(subject: Subject) -> Iterator[Finding]:
    count = len(subject.submission.submission_sets)
    if count != 1:
        yield Finding(f"{count} SubmissionSets, exactly one is expected", "RegistryObjectList")


@_rule("B3", "It holds a DocumentEntry, a Folder or a folder membership.", basis=Basis.INFERRED)
def _something(subject: Subject) -> Iterator[Finding]:
    submission = subject.submission
    if not (submission.entries or submission.folders or _folder_memberships(submission)):
        found = "nothing is submitted: a DocumentEntry, a Folder or a membership is expected"
        yield Finding(found, "RegistryObjectList")


@_rule("B4", "Each DocumentEntry is an Original member of the SubmissionSet, once.")
def _entries_are_members(subject: Subject) -> Iterator[Finding]:
    members = _members(subject.submission)
    for entry in subject.submission.entries:
        own = [
            link
            for link in members
            if link.target == entry.entry_uuid
            and link.submission_set_status != SubmissionSetStatus.REFERENCE
        ]
        if len(own) != 1:
            yield Finding(
                f"{len(own)} HasMember associations (Original) from the SubmissionSet,"
                " exactly one is expected",
                name_of(entry),
            )


@_rule("B5", "Each Folder is a member of the SubmissionSet, once.")
def _folders_are_members(subject: Subject) -> Iterator[Finding]:
    members = _members(subject.submission)
    for folder in subject.submission.folders:
        own = [link for link in members if link.target == folder.entry_uuid]
        if len(own) != 1:
            yield Finding(
                f"{len(own)} HasMember associations from the SubmissionSet,"
                " exactly one is expected",
                name_of(folder),
            )


@_rule("B6", "Each folder membership is a member of the SubmissionSet, once.")
def _memberships_are_members(subject: Subject) -> Iterator[Finding]:
    members = _members(subject.submission)
    for membership in _folder_memberships(subject.submission):
        own = [link for link in members if link.target == membership.entry_uuid]
        if len(own) != 1:
            yield Finding(
                f"{len(own)} HasMember associations from the SubmissionSet to this membership,"
                " exactly one is expected",
                name_of(membership),
            )


@_rule("B7", "A DocumentEntry is of the kind that the transaction is for.", basis=Basis.INFERRED)
def _object_type(subject: Subject) -> Iterator[Finding]:
    expected = (
        DocumentEntryType.ON_DEMAND if subject.profile.on_demand else DocumentEntryType.STABLE
    )
    for entry in subject.submission.entries:
        if entry.object_type != expected:
            name = expected.name.lower().replace("_", "-")
            yield Finding(
                f"objectType is '{entry.object_type}', expected is {expected} ({name})",
                where(entry, "objectType"),
            )


@_rule("B8", "ITI-61 registers on-demand entries, without creationTime, hash and size.")
def _on_demand(subject: Subject) -> Iterator[Finding]:
    if not subject.profile.on_demand:
        return
    if not subject.submission.entries:
        yield Finding("no DocumentEntry, at least one is expected", "RegistryObjectList")
    for entry in subject.submission.entries:
        for name, value in (
            ("creationTime", entry.creation_time),
            ("hash", entry.hash),
            ("size", entry.size),
        ):
            if value is not None:
                yield Finding(f"an on-demand entry has no {name}", where(entry, name))


@_rule("B9", "The type of each Association is known, and belongs to the transaction.")
def _association_types(subject: Subject) -> Iterator[Finding]:
    for link in subject.submission.associations:
        if not isinstance(link.type, AssociationType):
            known = ", ".join(each.rpartition(":")[2] for each in AssociationType)
            yield Finding(
                f"associationType '{link.type}' is not known; known are the URNs of {known}",
                where(link, "associationType"),
            )
        elif link.type in _UPDATES:
            yield Finding(
                f"{link.type} is for ITI-57 only",
                where(link, "associationType"),
            )


@_rule("B10", "A HasMember leads from the set or a folder to what it may hold.")
def _has_member_pattern(subject: Subject) -> Iterator[Finding]:
    submission = subject.submission
    sets, entries, folders = (
        _ids(submission.submission_sets),
        _ids(submission.entries),
        _ids(submission.folders),
    )
    links = _ids(submission.associations)
    for link in submission.associations:
        if link.target in sets:
            yield Finding("a SubmissionSet is nobody's target", where(link, "targetObject"))
        if link.type != AssociationType.HAS_MEMBER:
            if link.source in sets and link.type not in _UPDATES:
                yield Finding(
                    "a SubmissionSet is the source of HasMember only", where(link, "sourceObject")
                )
        elif link.source in entries or link.source in links:
            yield Finding(
                "only a SubmissionSet or a Folder has members",
                where(link, "sourceObject"),
            )
        elif link.source in folders and (link.target in folders or link.target in links):
            yield Finding("a Folder holds DocumentEntries only", where(link, "targetObject"))


@_rule("B11", "An Association leads from one object to another.", basis=Basis.PRACTICE)
def _no_self_reference(subject: Subject) -> Iterator[Finding]:
    for link in subject.submission.associations:
        if link.source == link.target:
            yield Finding("source and target are the same object", name_of(link))


@_rule("B12", "SubmissionSetStatus is Original or Reference, on memberships of entries only.")
def _submission_set_status(subject: Subject) -> Iterator[Finding]:
    submission = subject.submission
    sets, entries = _ids(submission.submission_sets), _ids(submission.entries)
    others = _ids(submission.folders) | _ids(submission.associations)
    for link in submission.associations:
        status = link.submission_set_status
        place = where(link, SlotName.SUBMISSION_SET_STATUS)
        holds = link.type == AssociationType.HAS_MEMBER and link.source in sets
        if holds and link.target in entries and status is None:
            yield Finding("it is missing; Original or Reference is expected", place)
        elif status is not None and not isinstance(status, SubmissionSetStatus):
            yield Finding(f"found '{status}', expected Original or Reference", place)
        elif status is not None and (not holds or link.target in others):
            yield Finding("it belongs on a membership of a DocumentEntry in the set", place)


@_rule("B13", "An Original member is in the submission, a Reference member is registered.")
def _original_and_reference(subject: Subject) -> Iterator[Finding]:
    entries = _ids(subject.submission.entries)
    for link in _members(subject.submission):
        status, place = link.submission_set_status, where(link, "targetObject")
        if status == SubmissionSetStatus.ORIGINAL and link.target not in entries:
            yield Finding(f"the Original member '{link.target}' is not in the submission", place)
        elif status == SubmissionSetStatus.REFERENCE and link.target in entries:
            yield Finding(
                f"the Reference member '{link.target}' is in the submission; Original is expected",
                place,
            )


@_rule("B14", "Documentation stands on relationships between documents only.")
def _documentation(subject: Subject) -> Iterator[Finding]:
    for link in subject.submission.associations:
        if link.documentation is not None and link.type not in RELATIONSHIPS:
            yield Finding(
                "association documentation belongs on RPLC, XFRM, APND and XFRM_RPLC",
                name_of(link),
            )


@_rule(
    "B15",
    "The source of a relationship is a DocumentEntry of the submission.",
    code=ErrorCode.UNRESOLVED_REFERENCE,
)
def _relationship_source(subject: Subject) -> Iterator[Finding]:
    entries = _ids(subject.submission.entries)
    for link in subject.submission.associations:
        if link.type in RELATIONSHIPS and link.source not in entries:
            yield Finding(
                f"the source '{link.source}' is no DocumentEntry of the submission",
                where(link, "sourceObject"),
            )


@_rule(
    "B16",
    "A symbolic id refers to an object of the submission.",
    code=ErrorCode.UNRESOLVED_REFERENCE,
)
def _symbolic_references(subject: Subject) -> Iterator[Finding]:
    present = frozenset(each.entry_uuid for each in subject.submission)
    for link in subject.submission.associations:
        for name, end in (("sourceObject", link.source), ("targetObject", link.target)):
            if end and is_symbolic(end) and end not in present:
                yield Finding(f"no object of the submission has the id '{end}'", where(link, name))


@_rule("B21", "A Slot is one of the Framework's, or extra metadata under a URN of its own.")
def _slot_names(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        for slot in thing.extra:
            place = f"{name_of(thing)}/Slot[{slot.name}]"
            if slot.name.startswith("urn:ihe:"):
                yield Finding("names that begin with urn:ihe: are the Framework's", place)
            elif slot.name in _SLOTS:
                yield Finding(f"'{slot.name}' does not belong on this object", place)
            elif not _is_urn(slot.name):
                yield Finding("extra metadata has a URN as its name, such as urn:example:a", place)


def _is_urn(name: str) -> bool:
    scheme, _, rest = name.partition(":")
    namespace, _, own = rest.partition(":")
    return scheme.lower() == "urn" and bool(namespace) and bool(own)


@_rule("B22", "Limited metadata is for XDR and XDM.")
def _limited_metadata(subject: Subject) -> Iterator[Finding]:
    if subject.profile.accepts_limited_metadata:
        return
    for thing in subject.submission.of_patient:
        if thing.limited_metadata:
            yield Finding("the object is marked as limited metadata", name_of(thing))


@_rule("B23", "A home attribute is a homeCommunityId.", basis=Basis.PRACTICE)
def _home(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        home = thing.home_community_id
        if home is not None and (problem := home.problem):
            yield Finding(problem, where(thing, "homeCommunityId"))
