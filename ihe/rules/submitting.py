"""Group G, new associations: what an update may join (ITI-57).

```text
SubmissionSet ──SubmitAssociation──▶ association of the message ──▶ its two ends, both registered
```

An end may also be a new version of the same message, when nothing is carried over to that: then
whoever updates says themselves what leads to it.

References
----------
Metadata Update 3.57.4.1.2 (triggers), 3.57.4.1.3 (expected actions), CP-ITI-1029 (propagation).
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from ihe.errors import ErrorCode
from ihe.model import Association
from ihe.operations import kind_of_version
from ihe.rules.declaring import Finding, RuleBook, finding
from ihe.rules.updated import AgainstUpdate
from ihe.state import Kind, State, any_of
from ihe.vocabulary import RELATIONSHIPS, AssociationType, Status

SUBMITTED: Final = RuleBook[AgainstUpdate]()
_rule = SUBMITTED.rule
_OPERATION, _WRONG = ErrorCode.METADATA_UPDATE_OPERATION, ErrorCode.METADATA_UPDATE
_CLAUSE: Final = "MU 3.57.4.1.3"


@_rule(
    "G14",
    "Every association of an update is a trigger, or what a trigger submits.",
    code=_OPERATION,
    clause="MU 3.57.4.1.2",
    fixed=True,
    why="What is to be done cannot be told.",
)
def _all_triggered(subject: AgainstUpdate) -> Iterator[Finding]:
    for link in subject.asked.others:
        kind = str(link.type).rpartition(":")[2]
        found = f"the {kind} association {link.entry_uuid}, which nothing submits"
        yield finding(link.entry_uuid, found, "a SubmitAssociation to it, or none")
    times = Counter(link.target for link in subject.asked.submitted)
    for link in subject.asked.submitted:
        if link.target not in subject.asked.links or times[link.target] > 1:
            expected = "one for each new Association of the submission"
            yield finding(link.entry_uuid, f"SubmitAssociation to {link.target}", expected)
    asked = subject.asked
    if not (asked.versions or asked.status_changes or asked.submitted or asked.others):
        uuid = asked.chosen.entry_uuid
        yield finding(uuid, "nothing to update", "a new version, a status or an association")


@_rule(
    "G14b",
    "A new association leads from a folder or document to a document, registered or updated.",
    code=ErrorCode.UNRESOLVED_REFERENCE,
    clause=_CLAUSE,
    fixed=True,
    why="The association would lead nowhere.",
)
def _registered_ends(subject: AgainstUpdate) -> Iterator[Finding]:
    for link in subject.asked.links.values():
        source = Kind.FOLDER if link.type == AssociationType.HAS_MEMBER else Kind.DOCUMENT_ENTRY
        ends = ((link.source, source), (link.target, Kind.DOCUMENT_ENTRY))
        for end, kind in ends:
            if _kind_of_end(end, subject) is not kind:
                yield finding(link.entry_uuid, end, f"the id of a registered {kind}")


def _kind_of_end(end: str, subject: AgainstUpdate) -> Kind | None:
    """Return what an end is: registered, or a new version."""
    if found := subject.ends.get(end):
        return found.kind
    versions = (v for v in subject.asked.versions if v.thing.entry_uuid == end)
    return next(map(kind_of_version, versions), None)


@_rule(
    "G14d",
    "A new association leaves alone what an update with propagation carries over to.",
    code=_OPERATION,
    clause=_CLAUSE,
    fixed=True,
    why="Whether it is to be carried over cannot be told.",
)
def _not_propagated(subject: AgainstUpdate) -> Iterator[Finding]:
    propagating = _propagating(subject)
    for link in subject.asked.links.values():
        for end in (link.source, link.target):
            if end in propagating or subject.new_of.get(end) in propagating:
                expected = "AssociationPropagation no for it, or an update of its own"
                yield finding(link.entry_uuid, f"{end}, which is updated too", expected)


def _propagating(subject: AgainstUpdate) -> set[str]:
    """Return the ids of the new versions that associations are carried over to."""
    return {v.thing.entry_uuid for v in subject.asked.versions if v.propagates}


@_rule(
    "G14c",
    "The ends of a new association are not Deprecated, and it says nothing that is said already.",
    code=_WRONG,
    clause=_CLAUSE,
)
def _new_associations(subject: AgainstUpdate) -> Iterator[Finding]:
    said = Counter(map(_says, subject.asked.links.values()))
    propagating = _propagating(subject)
    for link in subject.asked.links.values():
        if link.type not in {*RELATIONSHIPS, AssociationType.HAS_MEMBER}:
            expected = "a folder membership or a relationship"
            yield finding(link.entry_uuid, f"an association of type {link.type}", expected)
        for end in (link.source, link.target):
            found = subject.ends.get(end) or subject.before.get(end)
            is_deprecated = found is not None and found.status == Status.DEPRECATED
            # of the end this update makes an old version; G14d tells it of one that propagates
            grows_old = end in subject.new_of and subject.new_of[end] not in propagating
            if is_deprecated or grows_old:
                yield finding(link.entry_uuid, f"{end}, which is Deprecated", "an Approved object")
        if said[_says(link)] > 1:
            found_twice = f"the same association {said[_says(link)]} times"
            yield finding(link.entry_uuid, found_twice, "it once")
        if _is_said(link, subject.state):
            yield finding(link.entry_uuid, "an association that is registered", "a new one")


def _says(link: Association) -> tuple[str, str, str]:
    return str(link.type), link.source, link.target


def _is_said(link: Association, state: State) -> bool:
    from_there = [
        each
        for each in state.find(Kind.ASSOCIATION, (any_of("source", link.source),))
        if each.target == link.target and each.type == link.type
    ]
    return any(each.status == Status.APPROVED for each in from_there)
