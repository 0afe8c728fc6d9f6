"""What a registration does to the registry: old state and submission give changes.

```text
submission, symbolic ids ─▶ UUIDs, status, version ─▶ objects to add
RPLC, XFRM_RPLC          ─▶ the replaced entry, and what was appended to it or transformed from it
                            ─▶ entries to deprecate
                         ─▶ the folders of the replaced entry take its replacement in
                            ─▶ memberships to add
folders that gained      ─▶ folders to touch
```

Of associations only the Approved ones count: one that an update has made Deprecated (ITI-57) is no
longer said of its documents.

References
----------
ITI TF-2 3.42.4.1.3.5 to .7 (registry's processing); ITI TF-3 4.2.2.2 (relationships), 4.2.3.4.6
(lastUpdateTime); Metadata Update 4.1.5 (version 1).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ihe.datatypes import DTM, is_symbolic
from ihe.model import (
    FIRST_VERSION,
    Association,
    Folder,
    RegistryObject,
    Submission,
    SubmissionSet,
)
from ihe.state import AnyOf, Kind, State, any_of, not_later, with_what_follows
from ihe.vocabulary import REPLACEMENTS, AssociationType, Status

_APPROVED: Final = any_of("availability_status", Status.APPROVED)
_HAS_MEMBER: Final = any_of("type", AssociationType.HAS_MEMBER)


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
        entryUUIDs of registered Folders that gained a member, and whose lastUpdateTime is not
        later already.
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
    chosen = next(each for each in objects if isinstance(each, SubmissionSet))
    replaced = {link.target: link.source for link in links if link.type in REPLACEMENTS}
    inherited = list(_inherited_memberships(replaced, state, chosen, links, new_uuid))
    holders = {
        link.source
        for link in (*links, *inherited)
        if link.type == AssociationType.HAS_MEMBER and link.source != chosen.entry_uuid
    }
    new_folders = {each.entry_uuid for each in objects if isinstance(each, Folder)}
    return Changes(
        add=(*objects, *inherited),
        deprecate=frozenset(with_what_follows(replaced, state)),
        touch=not_later(holders - new_folders, at, state),
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
        else:
            changes["limited_metadata"] = False  # of the submission, and never in an answer
        if isinstance(each, Folder):
            changes["last_update_time"] = at  # a submitted time does not count
        made.append(replace(each, **changes))
    return made


def _inherited_memberships(
    replaced: Mapping[str, str],
    state: State,
    chosen: SubmissionSet,
    submitted: Iterable[Association],
    new_uuid: Callable[[], str],
) -> Iterator[Association]:
    """Put each replacement into the folders of what it replaces (ITI TF-3 4.2.2.2.3).

    Each new membership is a member of the SubmissionSet, as one that was submitted would be; one
    that was submitted, or that follows from two replaced entries, is made once.
    """
    present = {(link.source, link.target) for link in submitted}
    for old, folder in _approved_folders(replaced, state):
        new = replaced[old]
        if (folder, new) not in present:
            present.add((folder, new))
            membership = _has_member(new_uuid(), folder, new)
            yield membership
            yield _has_member(new_uuid(), chosen.entry_uuid, membership.entry_uuid)


def _approved_folders(entry_uuids: Iterable[str], state: State) -> Iterator[tuple[str, str]]:
    """Yield entries with each of the Approved folders that they are in, oldest first."""
    wanted = frozenset(entry_uuids)
    if not wanted:
        return
    in_them = AnyOf("target", wanted)
    memberships = state.find(Kind.ASSOCIATION, (_HAS_MEMBER, in_them, _APPROVED))
    sources = frozenset(each.source for each in memberships if each.source)
    approved = {
        each.entry_uuid
        for each in state.find(Kind.FOLDER, (AnyOf("entry_uuid", sources), _APPROVED))
    }
    for each in memberships:
        if each.source in approved and each.source and each.target:
            yield each.target, each.source


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
