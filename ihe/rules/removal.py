"""Group H: what a removal of metadata may take out (ITI-62).

The state *after* the whole request counts: an object may go together with everything that refers
to it, in any order.

```text
SubmissionSet ──HasMember──▶ DocumentEntry ◀──relationship── DocumentEntry
      │                          ▲
      └──HasMember──▶ HasMember ─┘─── Folder        an association is an object with ends, and may
                                                    be the end of another
```

References
----------
RMD 3.62.4.1.3 (expected actions), RMD 4.2.4.1 (error codes).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ihe.errors import ErrorCode
from ihe.rules.declaring import Finding, RuleBook, finding
from ihe.state import AnyOf, Kind, Record, State, any_of
from ihe.vocabulary import AssociationType

REMOVAL: Final = RuleBook["AgainstRemoval"]()
_rule = REMOVAL.rule
_WHY: Final = "What stays must not lead nowhere."
_HAS_MEMBER: Final = any_of("type", AssociationType.HAS_MEMBER)


def find_objects(entry_uuids: Iterable[str], state: State) -> dict[str, Record]:
    """Return the registered objects of any kind with these ids, by id."""
    wanted = AnyOf("entry_uuid", frozenset(entry_uuids))
    return {each.entry_uuid: each for kind in Kind for each in state.find(kind, (wanted,))}


class AgainstRemoval:
    """A removal beside what is registered, looked up once.

    `removed` are the objects that would go, by id; `referring` the associations that would stay and
    have one of them at an end; `members` the ends that stay of the HasMember associations of
    SubmissionSets that would go, and `holders` those of them that a SubmissionSet still holds.
    """

    def __init__(self, entry_uuids: Sequence[str], state: State) -> None:
        self.entry_uuids = entry_uuids
        self.removed = find_objects(entry_uuids, state)
        gone = frozenset(self.removed)
        self.referring = _staying(
            [
                *state.find(Kind.ASSOCIATION, (AnyOf("source", gone),)),
                *state.find(Kind.ASSOCIATION, (AnyOf("target", gone),)),
            ],
            gone,
        )
        links = [each for each in self.removed.values() if each.kind is Kind.ASSOCIATION]
        of_sets = _of_submission_sets(links, state)
        self.members = {each.target for each in of_sets if each.target} - gone
        targets = AnyOf("target", frozenset(self.members))
        left = _staying(state.find(Kind.ASSOCIATION, (_HAS_MEMBER, targets)), gone)
        self.holders = {each.target for each in _of_submission_sets(left, state)}


def _staying(links: Iterable[Record], gone: frozenset[str]) -> list[Record]:
    return [each for each in links if each.entry_uuid not in gone]


def _of_submission_sets(links: Sequence[Record], state: State) -> list[Record]:
    """Return the HasMember associations among `links` whose source is a SubmissionSet."""
    members = [each for each in links if each.type == AssociationType.HAS_MEMBER and each.source]
    sources = AnyOf("entry_uuid", frozenset(str(each.source) for each in members))
    sets = {each.entry_uuid for each in state.find(Kind.SUBMISSION_SET, (sources,))}
    return [each for each in members if each.source in sets]


@_rule(
    "H2",
    "Every object to remove is registered.",
    code=ErrorCode.UNRESOLVED_REFERENCE,
    clause="RMD 3.62.4.1.3",
    fixed=True,
    why="A removal is done whole or not at all.",
)
def _registered(subject: AgainstRemoval) -> Iterator[Finding]:
    for uuid in dict.fromkeys(subject.entry_uuids):
        if uuid not in subject.removed:
            yield finding(
                uuid, f"the id {uuid}, which nothing has", "the id of a registered object"
            )


@_rule(
    "H3",
    "No association that stays refers to an object that is removed.",
    code=ErrorCode.REFERENCES_EXIST,
    clause="RMD 3.62.4.1.3",
    fixed=True,
    why=_WHY,
)
def _not_referred_to(subject: AgainstRemoval) -> Iterator[Finding]:
    for link in subject.referring:
        kind = str(link.type).rpartition(":")[2]
        for end in dict.fromkeys((link.source, link.target)):
            if end in subject.removed:
                found = f"{end} without the {kind} association {link.entry_uuid} that refers to it"
                yield finding(end or "", found, "both of them in the request, or neither")


@_rule(
    "H4",
    "No object that stays loses its last SubmissionSet.",
    code=ErrorCode.UNREFERENCED_OBJECT,
    clause="RMD 3.62.4.1.3",
    fixed=True,
    why=_WHY,
)
def _still_in_a_set(subject: AgainstRemoval) -> Iterator[Finding]:
    for uuid in sorted(subject.members - subject.holders):
        found = f"the removal of the last SubmissionSet's association to {uuid}"
        yield finding(uuid, found, f"{uuid} in the request too")
