"""Group F with state: identifiers that are registered already.

What a submission relates to or puts into folders is in `ihe.rules.relationships`.

References
----------
ITI TF-2 3.42.4.1.3.3 (checks of the Document Registry); ITI TF-3 4.2.3.2.26.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from ihe.datatypes import CX, SHA1, is_symbolic
from ihe.errors import ErrorCode
from ihe.model import DocumentEntry, Folder, Submission, SubmissionSet
from ihe.rules.declaring import Basis, Finding, Profile, RuleBook, finding
from ihe.rules.subject import Subject, name_of, where
from ihe.state import AnyOf, Kind, Record, State, any_of, comparable
from ihe.vocabulary import REPLACEMENTS, AssociationType, DocumentEntryType, Status

REGISTERED: Final = RuleBook["AgainstState"]()
_rule = REGISTERED.rule
_HAS_MEMBER: Final = any_of("type", AssociationType.HAS_MEMBER)
_APPROVED: Final = any_of("availability_status", Status.APPROVED)


def find(state: State, kind: Kind, attribute: str, values: Iterable[str]) -> list[Record]:
    """Return the objects with one of `values`; for no values, ask nothing."""
    wanted = frozenset(values)
    return state.find(kind, (AnyOf(attribute, wanted),)) if wanted else []


class AgainstState(Subject):
    """A submission beside the registered objects that it has to do with, looked up once.

    `packages` are its set and its folders. `registered_entries` and `registered_folders` are the
    ends of its associations that are not in it, by id, and `registered_others` the ids of sets and
    associations at such ends; `same_document` the registered entries with
    the uniqueId of a submitted one, and `same_unique_id` whatever has the uniqueId of its set or
    of a folder: both by comparable text. `folders_of_replaced` are the Approved folders that a
    document is in which the submission replaces, by the document's id.
    """

    def __init__(self, submission: Submission, profile: Profile, state: State) -> None:
        super().__init__(submission, profile)
        self.state = state
        ends = {end for link in submission.associations for end in (link.source, link.target)}
        outside = {end for end in ends if not is_symbolic(end) and not self.is_present(end)}
        self.registered_entries = {
            each.entry_uuid: each
            for each in find(state, Kind.DOCUMENT_ENTRY, "entry_uuid", outside)
        }
        outside -= self.registered_entries.keys()
        self.registered_folders = {
            each.entry_uuid: each for each in find(state, Kind.FOLDER, "entry_uuid", outside)
        }
        outside -= self.registered_folders.keys()
        self.registered_others = {
            each.entry_uuid
            for kind in (Kind.SUBMISSION_SET, Kind.ASSOCIATION)
            for each in find(state, kind, "entry_uuid", outside)
        }
        self.same_document: dict[str, list[Record]] = defaultdict(list)
        self.same_unique_id: dict[str, Record] = {}
        self.packages: tuple[SubmissionSet | Folder, ...] = (
            *submission.submission_sets,
            *submission.folders,
        )
        self._find_unique_ids()
        self.folders_of_replaced = self._find_folders()

    def _find_unique_ids(self) -> None:
        submission = self.submission
        documents = {comparable(e.unique_id) for e in submission.entries if e.unique_id}
        others = {comparable(each.unique_id) for each in self.packages if each.unique_id}
        for found in find(self.state, Kind.DOCUMENT_ENTRY, "unique_id", documents | others):
            unique_id = comparable(found.unique_id or "")
            if unique_id in documents:
                self.same_document[unique_id].append(found)
            if unique_id in others:
                self.same_unique_id[unique_id] = found
        for kind in (Kind.SUBMISSION_SET, Kind.FOLDER):
            for found in find(self.state, kind, "unique_id", others):
                self.same_unique_id[comparable(found.unique_id or "")] = found

    def _find_folders(self) -> dict[str, list[Record]]:
        replaced = frozenset(
            link.target
            for link in self.relationships
            if link.type in REPLACEMENTS and link.target in self.registered_entries
        )
        if not replaced:
            return {}
        memberships = self.state.find(
            Kind.ASSOCIATION, (_HAS_MEMBER, AnyOf("target", replaced), _APPROVED)
        )
        sources = frozenset(each.source for each in memberships if each.source)
        folders = {
            each.entry_uuid: each
            for each in self.state.find(Kind.FOLDER, (AnyOf("entry_uuid", sources), _APPROVED))
        }
        found: dict[str, list[Record]] = defaultdict(list)
        for each in memberships:
            if each.source in folders and each.target is not None:
                found[each.target].append(folders[each.source])
        return found

    def patient(self, patient_id: CX | None) -> CX | None:
        """Return a patient id as it counts now: the survivor of one that was merged away."""
        if patient_id is None:
            return None
        known = self.state.patient(patient_id)
        return known.survivor if known and known.survivor else patient_id


@_rule(
    "F4",
    "The uniqueId of a SubmissionSet or Folder is not in use.",
    code=ErrorCode.DUPLICATE_UNIQUE_ID_IN_REGISTRY,
    clause="TF-2 3.42.4.1.3.3.1",
    fixed=True,
    why="Two objects under one uniqueId could not be told apart in queries.",
)
def _unique_ids_in_use(subject: AgainstState) -> Iterator[Finding]:
    for thing in subject.packages:
        other = subject.same_unique_id.get(comparable(thing.unique_id or ""))
        if other is not None:
            kind = type(thing).__name__
            found = f"the uniqueId {thing.unique_id} of the {kind} on a registered {other.kind}"
            yield finding(where(thing, "unique_id"), found, "a new one")


def _same_documents(subject: AgainstState) -> Iterator[tuple[DocumentEntry, list[Record]]]:
    """Yield entries with the registered ones of the same uniqueId, 1..*."""
    for entry in subject.submission.entries:
        if others := subject.same_document.get(comparable(entry.unique_id or "")):
            yield entry, others


@_rule(
    "F5",
    "A known uniqueId comes with the same hash.",
    code=ErrorCode.NON_IDENTICAL_HASH,
    clause="TF-2 3.42.4.1.3.3.1",
)
def _same_hash(subject: AgainstState) -> Iterator[Finding]:
    if subject.profile.on_demand:
        return
    for entry, others in _same_documents(subject):
        if any(other.object_type == DocumentEntryType.ON_DEMAND for other in others):
            found = f"the uniqueId {entry.unique_id} on a registered on-demand document"
            yield finding(where(entry, "unique_id"), found, "another for a stable one")
        elif any(not _is_same_hash(entry.hash, other.hash) for other in others):
            found = f"another hash for the registered document {entry.unique_id}"
            yield finding(where(entry, "hash"), found, "the same bytes under the same uniqueId")


def _is_same_hash(one: SHA1 | None, other: str | None) -> bool:
    return one is not None and other is not None and one.same(other)


@_rule(
    "F5b",
    "A known uniqueId comes with the same size.",
    code=ErrorCode.NON_IDENTICAL_SIZE,
    clause="TF-2 3.42.4.1.3.3.1",
)
def _same_size(subject: AgainstState) -> Iterator[Finding]:
    for entry, others in _same_documents(subject):
        sizes = {other.size.lstrip("0") for other in others if other.size is not None}
        if entry.size is not None and sizes - {entry.size.lstrip("0")}:
            found = f"{entry.size} octets for the registered document {entry.unique_id}"
            yield finding(where(entry, "size"), found, "the same bytes under the same uniqueId")


@_rule(
    "F6",
    "An on-demand entry does not have the uniqueId of a stable document.",
    clause="TF-2 3.61.4.1.3",
    basis=Basis.INFERRED,
)
def _not_a_stable_one(subject: AgainstState) -> Iterator[Finding]:
    if not subject.profile.on_demand:
        return
    for entry, others in _same_documents(subject):
        if any(other.object_type == DocumentEntryType.STABLE for other in others):
            found = f"the uniqueId {entry.unique_id} on a registered stable document"
            yield finding(where(entry, "unique_id"), found, "another for an on-demand one")


@_rule(
    "F7",
    "A submitted UUID is new.",
    basis=Basis.PRACTICE,
    fixed=True,
    why="What is registered never changes behind its id.",
)
def _new_uuids(subject: AgainstState) -> Iterator[Finding]:
    own = {each.entry_uuid: each for each in subject.submission if not is_symbolic(each.entry_uuid)}
    taken = {
        each.entry_uuid for kind in Kind for each in find(subject.state, kind, "entry_uuid", own)
    }
    for kind in (Kind.DOCUMENT_ENTRY, Kind.FOLDER):  # the first version may have been removed
        taken |= {each.logical_id for each in find(subject.state, kind, "logical_id", own)}
    for uuid in sorted(taken):
        yield finding(f"{name_of(own[uuid])}/@id", f"the registered id {uuid}", "a new one")
