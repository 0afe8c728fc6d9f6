"""What a registry knows, as rules, life cycle and stored queries see it.

`State.find` is the only question that they ask: objects of one kind that meet all conditions. The
same conditions are answered from memory and by SQL, and one suite of tests holds both to it.

References
----------
ITI TF-2 3.18.4.1.2.3 (what a parameter means), 3.42.4.1.3 (what a registration has to look up).
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Protocol, TypeAlias

from ihe.datatypes import CX, DTM
from ihe.vocabulary import AssociationType, Status


class Kind(StrEnum):
    """The four kinds of registry object (ITI TF-3 4.1.1)."""

    DOCUMENT_ENTRY = "DocumentEntry"
    SUBMISSION_SET = "SubmissionSet"
    FOLDER = "Folder"
    ASSOCIATION = "Association"


# --- conditions ----------------------------------------------------------------------------------
# `attribute` is a name of the table in `ihe.attributes`, which also says which condition fits it.
# An object has no, one or several values of an attribute; a condition holds when one of them meets
# it. Texts are compared as `comparable` makes them, on both sides.


def comparable(text: str) -> str:
    """Return the form in which texts are compared: Unicode NFC, case kept (TF-2 Appendix F).

    It is a plain `str`, also for members of an enumeration and data types.
    """
    return str(text) if text.isascii() else unicodedata.normalize("NFC", text)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The attribute's text is one of `values`; with several conditions on it, each must hold.

    For "patient_id" the id counts that the object has now, after merges; an id that was merged
    away finds nothing. `values` may be tens of thousands; of none, none is met.
    """

    attribute: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class AnyCode:
    """The coded attribute, or one of its values, is one of `codes` (TF-2 3.18.4.1.2.3.4).

    A code is (code, scheme); a scheme of None matches any scheme.
    """

    attribute: str
    codes: frozenset[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class Between:
    """The time is at or after `start` and before `stop` (TF-2 3.18.4.1.2.3.3).

    Compared as text, so that a shorter time is the start of its period. A bound of None is open.
    An object without the attribute passes; so does every object when both bounds are open.
    """

    attribute: str
    start: DTM | None = None
    stop: DTM | None = None


@dataclass(frozen=True, slots=True)
class Like:
    """The text, or one of its values, matches one of `patterns` as a whole.

    `%` stands for any run of characters, line ends too, and `_` for one; nothing escapes them;
    case counts (TF-2 3.18.4.1.2.3.2, Appendix F).
    """

    attribute: str
    patterns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Newest:
    """Only the newest version of each logical object (Metadata Update 3.18.4.1.2.3.5.1).

    For DocumentEntries and Folders: among those with the same logicalID, the highest version.
    Nearly every query asks for it, so that an engine keeps it as a mark.
    """


@dataclass(frozen=True, slots=True)
class Not:
    """What `condition` does not hold for; an object without the attribute passes."""

    condition: AnyOf | AnyCode | Like


Condition: TypeAlias = AnyOf | AnyCode | Between | Like | Newest | Not


def any_of(attribute: str, *values: str) -> AnyOf:
    """Return the condition that `attribute` is one of `values`."""
    return AnyOf(attribute, frozenset(values))


# --- answers -------------------------------------------------------------------------------------


class Record(NamedTuple):
    """One registered object: what is asked of it without looking into its metadata.

    A tuple, because an answer may hold thousands: it is made in a fifth of the time of a frozen
    dataclass.

    Parameters
    ----------
    kind, entry_uuid, logical_id, version
        Its identity; `version` counts from 1.
    patient_id
        Its patient now, after merges.
    status
        Its availabilityStatus now.
    template
        Its ebRIM element as bytes, with holes where values can still change
        (`ihe.ebxml.rendering`).
    unique_id
        uniqueId of a DocumentEntry, SubmissionSet or Folder; None for an Association.
    object_type, hash, size
        Of a DocumentEntry.
    last_update_time
        Of a Folder, now.
    type, source, target, submission_set_status
        Of an Association.
    """

    kind: Kind
    entry_uuid: str
    logical_id: str
    version: int
    patient_id: CX
    status: Status
    template: bytes
    unique_id: str | None = None
    object_type: str | None = None
    hash: str | None = None
    size: str | None = None
    last_update_time: DTM | None = None
    type: str | None = None
    source: str | None = None
    target: str | None = None
    submission_set_status: str | None = None


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient id that the registry knows; `survivor` is set once it was merged away.

    `survivor` is the end of the chain of merges (ITI TF-2 3.8.4.2.4).
    """

    id: CX
    survivor: CX | None = None


class Findable(Protocol):
    """What can be asked for objects."""

    def find(self, kind: Kind, conditions: Sequence[Condition]) -> list[Record]:
        """Return the objects of `kind` that meet all `conditions`, oldest registration first.

        An AnyOf on "entry_uuid" with values that are no UUIDs finds nothing for them. Raises
        `ValueError` for what is a programming error: no conditions at all, or one that
        `ihe.attributes.check_conditions` refuses.
        """
        ...


class State(Findable, Protocol):
    """The registry's content at one moment; everything asked of one `State` is of that moment."""

    def patient(self, patient_id: CX) -> Patient | None:
        """Return what is known of a patient id, compared as a whole; None when nothing is."""
        ...


# --- what takes several questions ----------------------------------------------------------------

_FOLLOWS: Final = any_of("type", AssociationType.XFRM, AssociationType.APND)
_APPROVED: Final = any_of("availability_status", Status.APPROVED)


def with_what_follows(replaced: Iterable[str], state: State) -> set[str]:
    """Return replaced entries with all that was appended to them or transformed from them.

    All of it becomes Deprecated, however many steps away it is (ITI TF-3 4.2.2.2.3).
    """
    found = set(replaced)
    last = set(found)
    while last:
        to_last = AnyOf("target", frozenset(last))
        following = state.find(Kind.ASSOCIATION, (_FOLLOWS, to_last, _APPROVED))
        last = {each.source for each in following if each.source} - found
        found |= last
    return found


def not_later(folders: set[str], at: DTM, state: State) -> frozenset[str]:
    """Return those `folders` whose lastUpdateTime is not after `at`, so that it never goes back.

    Of two submissions, the one that came in first may be the second to be registered.
    """
    if not folders:
        return frozenset()
    return frozenset(
        each.entry_uuid
        for each in state.find(Kind.FOLDER, (AnyOf("entry_uuid", frozenset(folders)),))
        if each.last_update_time is None or each.last_update_time <= at
    )
