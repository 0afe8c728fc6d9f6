"""Group F with state: what a submission says about objects that are registered already.

References
----------
ITI TF-2 3.42.4.1.3.3 to 3.42.4.1.3.5 (checks of the Document Registry); ITI TF-3 4.2.2.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ihe.datatypes import CX, SHA1, is_symbolic
from ihe.errors import ErrorCode
from ihe.model import Association, DocumentEntry, RegistryObject, Submission
from ihe.rules.declaring import Basis, Finding, Profile, RuleBook, name_of, where
from ihe.state import AnyOf, Kind, Record, State
from ihe.vocabulary import (
    RELATIONSHIPS,
    REPLACEMENTS,
    AssociationType,
    DocumentEntryType,
    Status,
    SubmissionSetStatus,
)

REGISTERED: Final = RuleBook["AgainstState"]()
_rule = REGISTERED.rule
_MUST_BE_REGISTERED: Final = REPLACEMENTS | {AssociationType.IS_SNAPSHOT_OF}


def _find(state: State, kind: Kind, attribute: str, values: Iterable[str]) -> list[Record]:
    wanted = frozenset(values)
    return state.find(kind, (AnyOf(attribute, wanted),)) if wanted else []


@dataclass(slots=True)
class AgainstState:
    """A submission beside the registered objects that it has to do with, looked up once."""

    submission: Submission
    profile: Profile
    state: State
    entries: dict[str, Record] = field(init=False)
    folders: dict[str, Record] = field(init=False)
    same_unique_id: list[Record] = field(init=False)
    taken: list[Record] = field(init=False)

    def __post_init__(self) -> None:
        submission, state = self.submission, self.state
        ends = {end for link in submission.associations for end in (link.source, link.target)}
        registered = {e for e in ends if not is_symbolic(e)} - {
            each.entry_uuid for each in submission
        }
        self.entries = {
            each.entry_uuid: each
            for each in _find(state, Kind.DOCUMENT_ENTRY, "entry_uuid", registered)
        }
        self.folders = {
            each.entry_uuid: each
            for each in _find(state, Kind.FOLDER, "entry_uuid", registered - self.entries.keys())
        }
        of_entries = {str(each.unique_id) for each in submission.entries if each.unique_id}
        unique = {str(each.unique_id) for each in submission.of_patient if each.unique_id}
        unique -= of_entries
        self.same_unique_id = _find(state, Kind.DOCUMENT_ENTRY, "unique_id", unique | of_entries)
        self.taken = [
            *(each for each in self.same_unique_id if each.unique_id in unique),
            *_find(state, Kind.SUBMISSION_SET, "unique_id", unique),
            *_find(state, Kind.FOLDER, "unique_id", unique),
        ]

    def patient(self, patient_id: CX | None) -> CX | None:
        """Return a patient id as it counts now: the survivor of one that was merged away."""
        if patient_id is None:
            return None
        known = self.state.patient(patient_id)
        return known.survivor if known and known.survivor else patient_id

    def own(self, uuid: str) -> DocumentEntry | None:
        """Return the entry of the submission with this id."""
        return next((each for each in self.submission.entries if each.entry_uuid == uuid), None)


def _relationships(subject: AgainstState) -> Iterator[Association]:
    return (link for link in subject.submission.associations if link.type in RELATIONSHIPS)


def _folder_memberships(subject: AgainstState) -> Iterator[Association]:
    sets = {each.entry_uuid for each in subject.submission.submission_sets}
    return (
        link
        for link in subject.submission.associations
        if link.type == AssociationType.HAS_MEMBER and link.source not in sets
    )


@_rule(
    "F4",
    "The uniqueId of a SubmissionSet or Folder is not in use.",
    code=ErrorCode.DUPLICATE_UNIQUE_ID_IN_REGISTRY,
)
def _unique_ids_in_use(subject: AgainstState) -> Iterator[Finding]:
    taken = {each.unique_id: each for each in subject.taken}
    for thing in subject.submission.of_patient:
        if isinstance(thing, DocumentEntry) or thing.unique_id is None:
            continue
        if other := taken.get(str(thing.unique_id)):
            yield Finding(
                f"the uniqueId {thing.unique_id} of the {type(thing).__name__} is in use by a"
                f" registered {other.kind}",
                where(thing, "uniqueId"),
            )


def _differing(subject: AgainstState) -> Iterator[tuple[DocumentEntry, Record]]:
    """Yield entries with each registered one of the same uniqueId."""
    for entry in subject.submission.entries:
        for other in subject.same_unique_id:
            if entry.unique_id is not None and other.unique_id == str(entry.unique_id):
                yield entry, other


@_rule(
    "F5s",
    "A known uniqueId comes with the same size.",
    code=ErrorCode.NON_IDENTICAL_SIZE,
)
def _same_size(subject: AgainstState) -> Iterator[Finding]:
    for entry, other in _differing(subject):
        if entry.size is not None and other.size is not None and entry.size != other.size:
            yield Finding(
                f"document {entry.unique_id} is registered with {other.size} octets, not"
                f" {entry.size}",
                where(entry, "size"),
            )


@_rule(
    "F5",
    "A known uniqueId comes with the same hash.",
    code=ErrorCode.NON_IDENTICAL_HASH,
)
def _same_hash(subject: AgainstState) -> Iterator[Finding]:
    for entry, other in _differing(subject):
        on_demand = DocumentEntryType.ON_DEMAND
        if subject.profile.on_demand or other.object_type == on_demand:
            if not subject.profile.on_demand:
                yield Finding(
                    f"the uniqueId {entry.unique_id} is that of an on-demand document",
                    where(entry, "uniqueId"),
                )
        elif other.hash is None or entry.hash is None or not SHA1(other.hash).same(entry.hash):
            yield Finding(
                f"document {entry.unique_id} is registered with another hash",
                where(entry, "hash"),
            )


@_rule("F6", "An on-demand entry does not have the uniqueId of a stable document.")
def _not_a_stable_one(subject: AgainstState) -> Iterator[Finding]:
    if not subject.profile.on_demand:
        return
    for entry, other in _differing(subject):
        if other.object_type == DocumentEntryType.STABLE:
            yield Finding(
                f"the uniqueId {entry.unique_id} is that of a stable document",
                where(entry, "uniqueId"),
            )


@_rule("F7", "A submitted UUID is new.", basis=Basis.PRACTICE)
def _new_uuids(subject: AgainstState) -> Iterator[Finding]:
    submission = subject.submission
    groups: tuple[tuple[Kind, tuple[RegistryObject, ...]], ...] = (
        (Kind.DOCUMENT_ENTRY, submission.entries),
        (Kind.SUBMISSION_SET, submission.submission_sets),
        (Kind.FOLDER, submission.folders),
        (Kind.ASSOCIATION, submission.associations),
    )
    for kind, objects in groups:
        own = {each.entry_uuid: each for each in objects if not is_symbolic(each.entry_uuid)}
        for found in _find(subject.state, kind, "entry_uuid", own):
            yield Finding(
                f"the id {found.entry_uuid} is registered already",
                f"{name_of(own[found.entry_uuid])}/@id",
            )


@_rule(
    "F10",
    "A UUID that is referred to is an object of the right kind.",
    code=ErrorCode.UNRESOLVED_REFERENCE,
)
def _references(subject: AgainstState) -> Iterator[Finding]:
    present = {each.entry_uuid for each in subject.submission}
    for link in subject.submission.associations:
        if link.type in RELATIONSHIPS:
            continue
        known = subject.entries.keys() | subject.folders.keys() | present
        for name, end in (("sourceObject", link.source), ("targetObject", link.target)):
            if end and not is_symbolic(end) and end not in known:
                yield Finding(
                    f"no DocumentEntry or Folder with the id {end} is registered",
                    where(link, name),
                )


@_rule(
    "F11",
    "What is replaced, or what a snapshot is of, is a registered DocumentEntry.",
    code=ErrorCode.UNRESOLVED_REFERENCE,
)
def _registered_targets(subject: AgainstState) -> Iterator[Finding]:
    for link in _relationships(subject):
        if link.type in _MUST_BE_REGISTERED and link.target not in subject.entries:
            yield Finding(
                f"no DocumentEntry with the id '{link.target}' is registered",
                where(link, "targetObject"),
            )


@_rule(
    "F12",
    "What a document is related to is registered, or in the submission.",
    code=ErrorCode.UNRESOLVED_REFERENCE,
)
def _known_targets(subject: AgainstState) -> Iterator[Finding]:
    for link in _relationships(subject):
        if link.type in _MUST_BE_REGISTERED or link.target in subject.entries:
            continue
        if subject.own(link.target) is None:
            yield Finding(
                f"no DocumentEntry with the id '{link.target}' is registered or submitted",
                where(link, "targetObject"),
            )


@_rule(
    "F13",
    "What a document is related to is Approved.",
    code=ErrorCode.REGISTRY_DEPRECATED_DOCUMENT,
)
def _approved_targets(subject: AgainstState) -> Iterator[Finding]:
    for link in _relationships(subject):
        target = subject.entries.get(link.target)
        if target is not None and target.status != Status.APPROVED:
            yield Finding(f"the document {link.target} is Deprecated", where(link, "targetObject"))


@_rule(
    "F14",
    "Related documents are of one patient.",
    code=ErrorCode.PATIENT_ID_DOES_NOT_MATCH,
)
def _related_patients(subject: AgainstState) -> Iterator[Finding]:
    for link in _relationships(subject):
        target, source = subject.entries.get(link.target), subject.own(link.source)
        if target is None or source is None:
            continue
        if subject.patient(source.patient_id) != target.patient_id:
            # whose document the other one is stays untold
            yield Finding(
                f"the document {link.target} is of another patient than {source.patient_id}",
                where(link, "targetObject"),
            )


@_rule("F15", "A snapshot is stable, and of an on-demand entry.", basis=Basis.INFERRED)
def _snapshots(subject: AgainstState) -> Iterator[Finding]:
    for link in _relationships(subject):
        if link.type != AssociationType.IS_SNAPSHOT_OF:
            continue
        target, source = subject.entries.get(link.target), subject.own(link.source)
        if target is not None and target.object_type != DocumentEntryType.ON_DEMAND:
            yield Finding(f"{link.target} is no on-demand entry", where(link, "targetObject"))
        if source is not None and source.object_type != DocumentEntryType.STABLE:
            yield Finding(f"{link.source} is no stable entry", where(link, "sourceObject"))


@_rule(
    "F16",
    "Documents are put into folders while both are Approved.",
    code=ErrorCode.REGISTRY_DEPRECATED_DOCUMENT,
    basis=Basis.INFERRED,
)
def _folders_hold_approved(subject: AgainstState) -> Iterator[Finding]:
    for link in _folder_memberships(subject):
        for name, record in (
            ("sourceObject", subject.folders.get(link.source)),
            ("targetObject", subject.entries.get(link.target)),
        ):
            if record is not None and record.status != Status.APPROVED:
                yield Finding(
                    f"the {record.kind} {record.entry_uuid} is Deprecated", where(link, name)
                )


@_rule(
    "F16p",
    "A folder and the documents in it are of one patient.",
    code=ErrorCode.PATIENT_ID_DOES_NOT_MATCH,
)
def _folder_patients(subject: AgainstState) -> Iterator[Finding]:
    folders = {each.entry_uuid: each.patient_id for each in subject.submission.folders}
    for link in _folder_memberships(subject):
        folder = subject.folders.get(link.source)
        entry, own = subject.entries.get(link.target), subject.own(link.target)
        of_folder = folder.patient_id if folder else subject.patient(folders.get(link.source))
        if entry is not None:
            of_entry: CX | None = entry.patient_id
        else:
            of_entry = subject.patient(own.patient_id) if own else None
        if of_folder and of_entry and of_folder != of_entry:
            yield Finding("the folder and the document are of different patients", name_of(link))


@_rule(
    "F17",
    "A document that is referenced is Approved.",
    code=ErrorCode.REGISTRY_DEPRECATED_DOCUMENT,
    basis=Basis.INFERRED,
)
def _referenced_approved(subject: AgainstState) -> Iterator[Finding]:
    for link in subject.submission.associations:
        target = subject.entries.get(link.target)
        if (
            link.submission_set_status == SubmissionSetStatus.REFERENCE
            and target is not None
            and target.status != Status.APPROVED
        ):
            yield Finding(f"the document {link.target} is Deprecated", where(link, "targetObject"))


@_rule("F19", "A transformation is not appended to.", basis=Basis.INFERRED)
def _no_appendix_to_transformations(subject: AgainstState) -> Iterator[Finding]:
    appended = {
        link.target: link for link in _relationships(subject) if link.type == AssociationType.APND
    }
    of_submission = {
        link.source for link in _relationships(subject) if link.type == AssociationType.XFRM
    }
    registered = frozenset(appended) & subject.entries.keys()
    transformed = {
        each.source
        for each in _find(subject.state, Kind.ASSOCIATION, "source", registered)
        if each.type == AssociationType.XFRM
    }
    for target, link in appended.items():
        if target in of_submission or target in transformed:
            yield Finding(
                f"the document {target} is a transformation; append to its original",
                where(link, "targetObject"),
            )
