"""Group B, Associations: how they hold a submission together (ITI TF-3 4.2.2).

```text
SubmissionSet ──member──▶ DocumentEntry (Original: submitted; Reference: registered)
              ──member──▶ Folder
              ──member──▶ membership
Folder ──membership──▶ DocumentEntry
DocumentEntry ──relationship──▶ DocumentEntry
```
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from ihe.datatypes import is_symbolic
from ihe.errors import ErrorCode
from ihe.model import Association
from ihe.rules.declaring import Basis, Finding, RuleBook, Strictness, finding
from ihe.rules.subject import Subject, name_of, where
from ihe.vocabulary import (
    RELATIONSHIPS,
    AssociationType,
    SubmissionSetStatus,
)

ASSOCIATIONS: Final = RuleBook[Subject]()
_rule = ASSOCIATIONS.rule
_UPDATES: Final = frozenset(
    {AssociationType.UPDATE_AVAILABILITY_STATUS, AssociationType.SUBMIT_ASSOCIATION}
)
_KNOWN: Final = ", ".join(each.rpartition(":")[2] for each in AssociationType)


@_rule(
    "B4",
    "Each DocumentEntry is an Original member of the SubmissionSet, once.",
    clause="TF-3 4.2.2.1.1",
)
def _entries_are_members(subject: Subject) -> Iterator[Finding]:
    if not subject.sets:
        return  # B1 tells it
    times = Counter(
        link.target
        for link in subject.members
        if link.submission_set_status != SubmissionSetStatus.REFERENCE
    )
    for uuid, entry in subject.entries.items():
        if (count := times[uuid]) != 1:
            found = f"{count} HasMember associations (Original) from the SubmissionSet"
            yield finding(name_of(entry), found, "exactly one")


@_rule("B5", "Each Folder is a member of the SubmissionSet, once.", clause="TF-3 4.2.2.1.2")
def _folders_are_members(subject: Subject) -> Iterator[Finding]:
    if not subject.sets:
        return  # B1 tells it
    times = Counter(link.target for link in subject.members)
    for uuid, folder in subject.folders.items():
        if (count := times[uuid]) != 1:
            found = f"{count} HasMember associations from the SubmissionSet"
            yield finding(name_of(folder), found, "exactly one")


@_rule(
    "B6",
    "Each folder membership is a member of the SubmissionSet, once.",
    clause="TF-3 4.2.2.1.3",
)
def _memberships_are_members(subject: Subject) -> Iterator[Finding]:
    if not subject.sets:
        return  # B1 tells it
    times = Counter(link.target for link in subject.members)
    for membership in subject.memberships:
        if (count := times[membership.entry_uuid]) != 1:
            found = f"{count} HasMember associations from the SubmissionSet to this membership"
            yield finding(name_of(membership), found, "exactly one")


@_rule(
    "B9",
    "The type of each Association is known, and belongs to the transaction.",
    clause="TF-3 Table 4.2.2-1",
)
def _association_types(subject: Subject) -> Iterator[Finding]:
    for link in subject.submission.associations:
        place = where(link, "type")
        if not isinstance(link.type, AssociationType):
            yield finding(place, f"'{link.type}'", f"the URN of one of {_KNOWN}")
        elif link.type in _UPDATES:
            yield finding(place, f"'{link.type}'", "it in Update Document Set (ITI-57) only")


@_rule(
    "B10", "A HasMember leads from the set or a folder to what it may hold.", clause="TF-3 4.2.2.1"
)
def _has_member_pattern(subject: Subject) -> Iterator[Finding]:
    for link in subject.submission.associations if subject.sets else ():
        if not isinstance(link.type, AssociationType):
            continue  # B9 tells it
        if link.target in subject.sets:
            yield finding(where(link, "target"), "the SubmissionSet", "nothing to lead to it")
        elif link.source in subject.sets:
            yield from _from_the_set(link, subject)
        elif link.type == AssociationType.HAS_MEMBER:
            yield from _from_a_folder(link, subject)


def _from_the_set(link: Association, subject: Subject) -> Iterator[Finding]:
    if link.type not in _UPDATES | {AssociationType.HAS_MEMBER}:
        yield finding(
            where(link, "source"), "the SubmissionSet", "a DocumentEntry: it only has members"
        )
    other = subject.links.get(link.target)
    is_membership = (
        other is not None
        and other.type == AssociationType.HAS_MEMBER
        and other.source not in subject.sets
    )
    if other is not None and not is_membership:
        yield finding(
            where(link, "target"),
            f"the association '{link.target}'",
            "a DocumentEntry, a Folder or a folder membership",
        )


def _from_a_folder(link: Association, subject: Subject) -> Iterator[Finding]:
    if link.source in subject.entries or link.source in subject.links:
        expected = "a SubmissionSet or a Folder, since nothing else has members"
        yield finding(where(link, "source"), f"'{link.source}'", expected)
    if link.target in subject.folders or link.target in subject.links:
        yield finding(where(link, "target"), f"'{link.target}'", "a DocumentEntry in a Folder")


@_rule(
    "B11",
    "An Association leads from one object to another.",
    basis=Basis.PRACTICE,
    why="It says nothing, and makes loops for whoever follows relationships.",
)
def _no_self_reference(subject: Subject) -> Iterator[Finding]:
    for link in subject.submission.associations:
        if link.source == link.target:
            yield finding(name_of(link), f"'{link.source}' at both ends", "two objects")


@_rule(
    "B12",
    "A membership of a DocumentEntry in the set is Original or Reference.",
    clause="TF-3 4.2.2.1.1",
)
def _submission_set_status(subject: Subject) -> Iterator[Finding]:
    for link in subject.members:
        status = link.submission_set_status
        if link.target in subject.folders or link.target in subject.links:
            continue
        if status is None and (link.target in subject.entries or not is_symbolic(link.target)):
            found = "no SubmissionSetStatus"
        elif status is not None and not isinstance(status, SubmissionSetStatus):
            found = f"'{status}'"
        else:
            continue
        yield finding(where(link, "submission_set_status"), found, "Original or Reference")


@_rule(
    "B12b",
    "SubmissionSetStatus stands on memberships of DocumentEntries in the set only.",
    clause="TF-3 4.2.2.1.1",
    default=Strictness.WARN,
    why="Older senders put it on memberships of folders too, where it says nothing.",
)
def _submission_set_status_elsewhere(subject: Subject) -> Iterator[Finding]:
    for link in subject.submission.associations if subject.sets else ():
        if link.submission_set_status is None or not isinstance(link.type, AssociationType):
            continue
        if (
            link.type != AssociationType.HAS_MEMBER
            or link.source not in subject.sets
            or link.target in subject.folders
            or link.target in subject.links
        ):
            found = f"'{link.submission_set_status}'"
            yield finding(where(link, "submission_set_status"), found, "none here")


@_rule(
    "B13",
    "An Original member is in the submission, a Reference member is registered.",
    clause="TF-3 4.2.2.1.1",
)
def _original_and_reference(subject: Subject) -> Iterator[Finding]:
    for link in subject.members:
        if link.target in subject.folders or link.target in subject.links:
            continue
        status, present = link.submission_set_status, link.target in subject.entries
        if status == SubmissionSetStatus.ORIGINAL and not present:
            found = f"the Original member '{link.target}' outside the submission"
            yield finding(where(link, "target"), found, "an entry of the submission, or Reference")
        elif status == SubmissionSetStatus.REFERENCE and present:
            found = f"the Reference member '{link.target}' in the submission"
            yield finding(where(link, "target"), found, "a registered entry, or Original")


@_rule(
    "B14",
    "Documentation stands on relationships between documents only, once.",
    clause="TF-3 4.2.2.2",
)
def _documentation(subject: Subject) -> Iterator[Finding]:
    for link in subject.submission.associations:
        if link.documentation is not None and link.type not in RELATIONSHIPS:
            found = f"the documentation '{link.documentation}' on {link.type}"
            yield finding(where(link, "documentation"), found, "none but on a relationship")


@_rule(
    "B15",
    "The source of a relationship is a DocumentEntry of the submission.",
    code=ErrorCode.UNRESOLVED_REFERENCE,
    clause="TF-2 3.42.4.1.3.5",
)
def _relationship_source(subject: Subject) -> Iterator[Finding]:
    for link in subject.relationships:
        if is_symbolic(link.source) and not subject.is_present(link.source):
            continue  # B16 tells it
        if link.source not in subject.entries:
            found, expected = f"'{link.source}'", "the id of a DocumentEntry of the submission"
            yield finding(where(link, "source"), found, expected)


@_rule(
    "B16",
    "A symbolic id refers to an object of the submission.",
    code=ErrorCode.UNRESOLVED_REFERENCE,
    clause="TF-3 4.2.1.5",
    fixed=True,
    why="It would refer to nothing once the submission is registered.",
)
def _symbolic_references(subject: Subject) -> Iterator[Finding]:
    for link in subject.submission.associations:
        ends = [("source", link.source), ("target", link.target)]
        if link.type == AssociationType.HAS_MEMBER and not subject.sets:
            del ends[0]  # the missing SubmissionSet's, which B1 tells
        for field, end in ends:
            if is_symbolic(end) and not subject.is_present(end):
                expected = "the id of an object of the submission, or a registered UUID"
                yield finding(where(link, field), f"'{end}'", expected)
