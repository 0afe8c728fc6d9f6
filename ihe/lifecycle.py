"""What a registration does to the registry: old state and submission give changes.

```text
submission, symbolic ids ─▶ UUIDs, status, version ─▶ objects to add
RPLC, XFRM_RPLC          ─▶ the replaced entry, and what was appended to it or transformed from it
                            ─▶ entries to deprecate
                         ─▶ the folders of the replaced entry take its replacement in
                            ─▶ memberships to add
folders that gained      ─▶ folders to touch
```

References
----------
ITI TF-2 3.42.4.1.3.5 to .7 (registry's processing); ITI TF-3 4.2.2.2 (relationships), 4.2.3.4.6
(lastUpdateTime); Metadata Update 4.1.5 (version 1).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from ihe.datatypes import DTM, is_symbolic
from ihe.model import (
    Association,
    Folder,
    RegistryObject,
    Submission,
    SubmissionSet,
)
from ihe.state import AnyOf, Kind, Record, State, any_of
from ihe.vocabulary import REPLACEMENTS, AssociationType, Status

FIRST_VERSION: Final = "1"
_FOLLOWS: Final = any_of("type", AssociationType.XFRM, AssociationType.APND)
_HAS_MEMBER: Final = any_of("type", AssociationType.HAS_MEMBER)
_APPROVED: Final = any_of("availability_status", Status.APPROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a registration does.

    Parameters
    ----------
    add
        Objects to register, complete: UUIDs, status, version, logicalID.
    deprecate
        entryUUIDs of entries that become Deprecated.
    touch
        entryUUIDs of registered Folders that gained a member.
    """

    add: tuple[RegistryObject, ...]
    deprecate: frozenset[str] = frozenset()
    touch: frozenset[str] = frozenset()


def register(
    submission: Submission, state: State, *, at: DTM, new_uuid: Callable[[], str]
) -> Changes:
    """Return what the registration of a checked submission does (ITI-42, ITI-61).

    Parameters
    ----------
    at
        The time, to the second: lastUpdateTime of every Folder that gains a member.
    new_uuid
        Makes a UUID URN for each symbolic id.
    """
    objects = _first_versions(submission, at, new_uuid)
    links = [each for each in objects if isinstance(each, Association)]
    replaced = {link.target: link.source for link in links if link.type in REPLACEMENTS}
    chosen = next(each for each in objects if isinstance(each, SubmissionSet))
    inherited = list(_inherited_memberships(replaced, state, chosen, links, new_uuid))
    new_folders = {each.entry_uuid for each in objects if isinstance(each, Folder)}
    gained = {
        link.source
        for link in (*links, *inherited)
        if link.type == AssociationType.HAS_MEMBER and link.source != chosen.entry_uuid
    }
    return Changes(
        add=(*objects, *inherited),
        deprecate=frozenset(_with_what_follows(replaced, state)),
        touch=frozenset(gained - new_folders),
    )


def _first_versions(
    submission: Submission, at: DTM, new_uuid: Callable[[], str]
) -> list[RegistryObject]:
    """Return the objects as first versions, with UUIDs wherever there was a symbolic id."""
    uuids: dict[str, str] = {
        each.entry_uuid: new_uuid() for each in submission if is_symbolic(each.entry_uuid)
    }
    made: list[RegistryObject] = []
    for each in submission:
        uuid = uuids.get(each.entry_uuid, each.entry_uuid)
        changes: dict[str, Any] = {
            "entry_uuid": uuid,
            "logical_id": uuid,
            "version": FIRST_VERSION,
            "availability_status": Status.APPROVED,  # a submitted status does not count
            "home_community_id": None,  # set where it is asked for
        }
        if isinstance(each, Association):
            changes["source"] = uuids.get(each.source, each.source)
            changes["target"] = uuids.get(each.target, each.target)
        elif isinstance(each, Folder):
            changes["last_update_time"] = at  # a submitted time does not count
        made.append(replace(each, **changes))
    return made


def _with_what_follows(replaced: Iterable[str], state: State) -> set[str]:
    """Return replaced entries with all that was appended to them or transformed from them."""
    found = set(replaced)
    last = set(found)
    while last:
        following = state.find(Kind.ASSOCIATION, (_FOLLOWS, AnyOf("target", frozenset(last))))
        last = {each.source for each in following if each.source} - found
        found |= last
    return found


def _inherited_memberships(
    replaced: dict[str, str],
    state: State,
    chosen: SubmissionSet,
    submitted: Iterable[Association],
    new_uuid: Callable[[], str],
) -> Iterator[Association]:
    """Put each replacement into the folders of what it replaces (ITI TF-3 4.1.9.1).

    Each new membership is a member of the SubmissionSet, as one that was submitted would be; a
    membership that was submitted is not made twice.
    """
    present = {(link.source, link.target) for link in submitted}
    for old, new in replaced.items():
        for folder in _approved_folders(old, state):
            if (folder.entry_uuid, new) in present:
                continue
            membership = _has_member(new_uuid(), folder.entry_uuid, new)
            yield membership
            yield _has_member(new_uuid(), chosen.entry_uuid, membership.entry_uuid)


def _approved_folders(entry_uuid: str, state: State) -> list[Record]:
    """Return the Approved folders that an entry is in."""
    memberships = state.find(Kind.ASSOCIATION, (_HAS_MEMBER, any_of("target", entry_uuid)))
    sources = frozenset(each.source for each in memberships if each.source)
    if not sources:
        return []
    return state.find(Kind.FOLDER, (AnyOf("entry_uuid", sources), _APPROVED))


def _has_member(uuid: str, source: str, target: str) -> Association:
    return Association(
        entry_uuid=uuid,
        type=AssociationType.HAS_MEMBER,
        source=source,
        target=target,
        availability_status=Status.APPROVED,
        logical_id=uuid,
        version=FIRST_VERSION,
    )


# --- replays -------------------------------------------------------------------------------------

_SET_BY_REGISTRY: Final = frozenset(
    {
        "entry_uuid",
        "logical_id",
        "version",
        "availability_status",
        "home_community_id",
        "last_update_time",
        "source",
        "target",
    }
)


def same_submission(submission: Submission, registered: Iterable[RegistryObject]) -> bool:
    """Tell whether a submission is one that was registered before, sent again.

    It is when each of its objects is among `registered`, the objects of the SubmissionSet with its
    uniqueId, the same in everything but what the registry sets. Associations are compared by what
    they say of their ends, which are found by uniqueId.
    """
    stored = list(registered)
    names = {each.entry_uuid: _identity(each, {}) for each in stored}
    submitted_names = {each.entry_uuid: _identity(each, {}) for each in submission}
    left = [_identity(each, names) for each in stored]
    for each in submission:
        identity = _identity(each, submitted_names)
        if identity not in left:
            return False
        left.remove(identity)
    return True


def _identity(thing: RegistryObject, names: dict[str, Any]) -> tuple[Any, ...]:
    """Return what makes an object the same object in two messages."""
    own = tuple(
        (name, getattr(thing, name))
        for name in type(thing).__dataclass_fields__
        if name not in _SET_BY_REGISTRY
    )
    if not isinstance(thing, Association):
        return (type(thing).__name__, own)
    ends = (names.get(thing.source, thing.source), names.get(thing.target, thing.target))
    return (type(thing).__name__, own, ends if names else ())
