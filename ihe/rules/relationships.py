"""Group F with state: what a submission relates to, and puts into folders.

References
----------
ITI TF-2 3.42.4.1.3.4 (folders), 3.42.4.1.3.5 (relationships); ITI TF-3 4.2.2.
"""

from collections.abc import Container, Iterable, Iterator
from typing import Final, TypeAlias

from ihe.datatypes import CX, is_symbolic
from ihe.errors import ErrorCode
from ihe.model import Association
from ihe.rules.declaring import Basis, Finding, RuleBook, finding
from ihe.rules.registered import AgainstState, find
from ihe.rules.subject import same_text, where
from ihe.state import Kind, with_what_follows
from ihe.vocabulary import (
    RELATIONSHIPS,
    REPLACEMENTS,
    AssociationType,
    DocumentEntryType,
    Status,
    SubmissionSetStatus,
)

RELATED: Final = RuleBook[AgainstState]()
_rule = RELATED.rule
_MUST_BE_REGISTERED: Final = REPLACEMENTS | {AssociationType.IS_SNAPSHOT_OF}


@_rule(
    "F10",
    "A UUID that is referred to is an object that is registered, or in the submission.",
    code=ErrorCode.UNRESOLVED_REFERENCE,
    clause="TF-3 Table 4.2.4.1-2",
    fixed=True,
    why="The association would lead nowhere.",
)
def _references(subject: AgainstState) -> Iterator[Finding]:
    for link in subject.submission.associations:
        if link.type in RELATIONSHIPS:
            ends = [("source", link.source)]  # of the target, F11 and F12 tell more
        else:
            ends = [("source", link.source), ("target", link.target)]
        for field, end in ends:
            if not (is_symbolic(end) or subject.is_present(end) or _is_registered(end, subject)):
                expected = "the id of a registered DocumentEntry or Folder"
                yield finding(where(link, field), end, expected)


def _is_registered(uuid: str, subject: AgainstState) -> bool:
    return any(
        uuid in registered
        for registered in (
            subject.registered_entries,
            subject.registered_folders,
            subject.registered_others,
        )
    )


@_rule(
    "F10b",
    "What is referred to is of the right kind.",
    basis=Basis.INFERRED,
    clause="TF-3 4.2.2.1",
    fixed=True,
    why="Folders would hold folders, and documents documents.",
)
def _kinds(subject: AgainstState) -> Iterator[Finding]:
    entry: _Registered = ("DocumentEntry", subject.registered_entries)
    folder: _Registered = ("Folder", subject.registered_folders)
    other: _Registered = ("SubmissionSet or Association", subject.registered_others)
    for link in subject.members:
        expected = "a registered DocumentEntry (Reference)"
        yield from _is_none_of(link, "target", (folder, other), expected)
    for link in subject.memberships:
        yield from _is_none_of(link, "source", (entry, other), "a Folder, which has members")
        yield from _is_none_of(link, "target", (folder, other), "a DocumentEntry in a Folder")


_Registered: TypeAlias = tuple[str, Container[str]]


def _is_none_of(
    link: Association, field: str, wrong: Iterable[_Registered], expected: str
) -> Iterator[Finding]:
    """Yield a finding when one end of `link` is registered as one of the `wrong` kinds."""
    end = getattr(link, field)
    for kind, registered in wrong:
        if end in registered:
            yield finding(where(link, field), f"the registered {kind} {end}", expected)


@_rule(
    "F11",
    "What is replaced, or what a snapshot is of, is a registered DocumentEntry.",
    code=ErrorCode.UNRESOLVED_REFERENCE,
    clause="TF-2 3.42.4.1.3.5",
    fixed=True,
    why="There would be nothing to replace.",
)
def _registered_targets(subject: AgainstState) -> Iterator[Finding]:
    for link in subject.relationships:
        if link.type in _MUST_BE_REGISTERED and link.target not in subject.registered_entries:
            found, expected = f"'{link.target}'", "the id of a registered DocumentEntry"
            yield finding(where(link, "target"), found, expected)


@_rule(
    "F12",
    "What a document is related to is a DocumentEntry, registered or in the submission.",
    code=ErrorCode.UNRESOLVED_REFERENCE,
    clause="TF-2 3.42.4.1.3.5",
    fixed=True,
    why="The relationship would lead nowhere.",
)
def _known_targets(subject: AgainstState) -> Iterator[Finding]:
    for link in subject.relationships:
        known = link.target in subject.registered_entries or link.target in subject.entries
        if link.type not in _MUST_BE_REGISTERED and not known:
            expected = "the id of a DocumentEntry, registered or in the submission"
            yield finding(where(link, "target"), f"'{link.target}'", expected)


@_rule(
    "F13",
    "What a document is related to is Approved.",
    code=ErrorCode.REGISTRY_DEPRECATED_DOCUMENT,
    clause="TF-2 3.42.4.1.3.5",
)
def _approved_targets(subject: AgainstState) -> Iterator[Finding]:
    for link in subject.relationships:
        target = subject.registered_entries.get(link.target)
        if target is not None and target.status != Status.APPROVED:
            found = f"the Deprecated document {link.target}"
            yield finding(where(link, "target"), found, "an Approved one")


@_rule(
    "F14",
    "Related documents are of one patient.",
    code=ErrorCode.PATIENT_ID_DOES_NOT_MATCH,
    clause="TF-2 3.42.4.1.3.5",
)
def _related_patients(subject: AgainstState) -> Iterator[Finding]:
    for link in subject.relationships:
        target = subject.registered_entries.get(link.target)
        source = subject.entries.get(link.source)
        if target is None or source is None or source.patient_id is None:
            continue
        if not same_text(subject.patient(source.patient_id), target.patient_id):
            # whose document the other one is stays untold
            found = f"a document of another patient: {link.target}"
            yield finding(where(link, "target"), found, f"one of {source.patient_id}")


@_rule(
    "F15",
    "A snapshot is stable, and of an on-demand entry.",
    basis=Basis.INFERRED,
    clause="TF-3 4.2.2.2.6",
)
def _snapshots(subject: AgainstState) -> Iterator[Finding]:
    for link in subject.relationships:
        if link.type != AssociationType.IS_SNAPSHOT_OF:
            continue
        target = subject.registered_entries.get(link.target)
        source = subject.entries.get(link.source)
        if target is not None and target.object_type != DocumentEntryType.ON_DEMAND:
            found = f"the stable entry {link.target}"
            yield finding(where(link, "target"), found, "an on-demand entry")
        if source is not None and source.object_type != DocumentEntryType.STABLE:
            found = f"the on-demand entry {link.source}"
            yield finding(where(link, "source"), found, "a stable entry")


@_rule(
    "F16",
    "Only Approved documents are put into folders.",
    code=ErrorCode.REGISTRY_DEPRECATED_DOCUMENT,
    basis=Basis.INFERRED,
    clause="TF-2 3.42.4.1.3.4",
)
def _folders_hold_approved(subject: AgainstState) -> Iterator[Finding]:
    for link in subject.memberships:
        entry = subject.registered_entries.get(link.target)
        if entry is not None and entry.status != Status.APPROVED:
            found = f"the Deprecated document {link.target}"
            yield finding(where(link, "target"), found, "an Approved one")


@_rule(
    "F16b",
    "Documents are put into Approved folders only.",
    basis=Basis.INFERRED,
    clause="TF-2 3.42.4.1.3.4",
)
def _approved_folders_hold(subject: AgainstState) -> Iterator[Finding]:
    for link in subject.memberships:
        folder = subject.registered_folders.get(link.source)
        if folder is not None and folder.status != Status.APPROVED:
            found = f"the Deprecated folder {link.source}"
            yield finding(where(link, "source"), found, "an Approved one")


@_rule(
    "F16c",
    "A folder and the documents put into it are of the patient of the SubmissionSet.",
    code=ErrorCode.PATIENT_ID_DOES_NOT_MATCH,
    clause="TF-2 3.42.4.1.3.4, TF-3 4.2.2.1.3",
)
def _folder_patients(subject: AgainstState) -> Iterator[Finding]:
    for chosen in subject.submission.submission_sets:
        expected = subject.patient(chosen.patient_id)
        for link in subject.memberships if expected is not None else ():
            for field, end in (("source", link.source), ("target", link.target)):
                patient_id = _patient_of(end, subject)
                if patient_id is not None and not same_text(patient_id, expected):
                    # whose it is stays untold
                    found = f"the {_SIDES[field]} {end} of another patient"
                    yield finding(where(link, field), found, f"one of {chosen.patient_id}")


_SIDES: Final = {"source": "folder", "target": "document"}


def _patient_of(uuid: str, subject: AgainstState) -> CX | None:
    """Return the patient, as it counts now, of a document or folder; None for anything else."""
    registered = subject.registered_entries.get(uuid) or subject.registered_folders.get(uuid)
    if registered is not None:
        return registered.patient_id
    own = subject.entries.get(uuid) or subject.folders.get(uuid)
    return subject.patient(own.patient_id) if own is not None else None


@_rule(
    "F17",
    "A document that is referenced is Approved.",
    code=ErrorCode.REGISTRY_DEPRECATED_DOCUMENT,
    basis=Basis.INFERRED,
    clause="TF-3 4.2.2",
)
def _referenced_approved(subject: AgainstState) -> Iterator[Finding]:
    for link in subject.members:
        target = subject.registered_entries.get(link.target)
        if (
            link.submission_set_status == SubmissionSetStatus.REFERENCE
            and target is not None
            and target.status != Status.APPROVED
        ):
            found = f"the Deprecated document {link.target}"
            yield finding(where(link, "target"), found, "an Approved one")


@_rule(
    "F18",
    "A replacement is of the patient of the folders that it is put into.",
    code=ErrorCode.PATIENT_ID_DOES_NOT_MATCH,
    clause="TF-2 3.42.4.1.3.5",
)
def _folders_of_replaced(subject: AgainstState) -> Iterator[Finding]:
    for link in subject.relationships:
        source = subject.entries.get(link.source)
        if link.type not in REPLACEMENTS or source is None:
            continue
        new = subject.patient(source.patient_id)
        for folder in subject.folders_of_replaced.get(link.target, ()):
            if new is not None and not same_text(new, folder.patient_id):
                found = f"the folder {folder.entry_uuid} of another patient around {link.target}"
                yield finding(where(link, "target"), found, f"one of {source.patient_id}")


@_rule("F19", "A transformation is not appended to.", basis=Basis.INFERRED, clause="TF-3 4.2.2.2.1")
def _no_appendix_to_transformations(subject: AgainstState) -> Iterator[Finding]:
    appendices = [link for link in subject.relationships if link.type == AssociationType.APND]
    transformed = {
        link.source for link in subject.relationships if link.type == AssociationType.XFRM
    }
    registered = {link.target for link in appendices} & subject.registered_entries.keys()
    transformed |= {
        each.source
        for each in find(subject.state, Kind.ASSOCIATION, "source", registered)
        if each.type == AssociationType.XFRM and each.source is not None
    }
    for link in appendices:
        if link.target in transformed:
            found = f"the transformation {link.target}"
            yield finding(where(link, "target"), found, "the document that it was made from")


@_rule(
    "F20b",
    "What goes with a document that the submission replaces gets no new association, unless it is"
    " replaced too.",
    code=ErrorCode.REGISTRY_DEPRECATED_DOCUMENT,
    basis=Basis.INFERRED,
    why="What was appended to it or transformed from it becomes Deprecated by the same submission.",
)
def _nothing_new_on_what_goes(subject: AgainstState) -> Iterator[Finding]:
    links = (*subject.relationships, *subject.memberships, *subject.members)
    replaced = {link.target for link in links if link.type in REPLACEMENTS}
    others = [
        link
        for link in links
        if link.target in subject.registered_entries and link.target not in replaced
    ]
    if not replaced or not others:
        return
    going = with_what_follows(replaced & subject.registered_entries.keys(), subject.state)
    for link in others:
        if link.target in going:
            found = f"the document {link.target}, which goes with one that is replaced"
            yield finding(where(link, "target"), found, "one that stays, or its own replacement")
