"""Operations as clients saw them."""

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What a writer was told."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """No answer, or one that leaves it open: it may be done or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A registration, an update or a removal.

    Parameters
    ----------
    began, ended
        Nanoseconds of the monotonic clock.
    patient
        Whose objects.
    documents
        uniqueIds that it registers; 1..* for a registration.
    submission
        uniqueId of its SubmissionSet.
    content
        Hash of each document, which tells two submissions of one uniqueId apart.
    replaces
        entryUUID of the document that it replaces.
    version_of
        logicalID of the document of which it registers a version.
    removes
        uniqueIds that it removes; nothing else then.
    """

    client: int
    began: int
    ended: int
    outcome: Outcome
    patient: str
    submission: str = ""
    documents: tuple[str, ...] = ()
    content: str = ""
    replaces: str = ""
    version_of: str = ""
    removes: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """A document as one read showed it; `version` counts from 1."""

    entry_uuid: str
    unique_id: str
    status: str
    hash: str
    logical_id: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a patient had, in one answer.

    Parameters
    ----------
    whole
        Whether everything was asked for, or the documents alone; what follows is empty then.
    documents
        Every version with every status.
    submissions
        uniqueIds of the SubmissionSets.
    members
        entryUUIDs of pairs that HasMember links.
    replaced
        (entryUUID of the new, entryUUID of the old) of RPLC.
    """

    client: int
    began: int
    ended: int
    patient: str
    documents: tuple[Seen, ...]
    whole: bool = True
    submissions: frozenset[str] = frozenset()
    members: frozenset[tuple[str, str]] = frozenset()
    replaced: frozenset[tuple[str, str]] = frozenset()


@dataclass(slots=True)
class History:
    """Everything that happened, in no order."""

    writes: list[Write] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)

    def __add__(self, other: "History") -> "History":
        return History(self.writes + other.writes, self.reads + other.reads)
