"""Replays: telling a submission that was registered before, and comes again, from a new one.

A sender that did not get the answer sends the same submission once more
(docs/decisions/0006-replayed-submissions-succeed.md). Objects with a uniqueId are found by it, and
associations by their type and ends:

```text
submitted     SubmissionSet01 ──▶ Document01      Folder01 ──▶ Document01
                 │ uniqueId          │ uniqueId       │           │
registered    urn:uuid:…1     ──▶ urn:uuid:…2     urn:uuid:…3 ──▶ urn:uuid:…2
```
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from ihe.datatypes import is_symbolic
from ihe.model import Association, Folder, RegistryObject, Submission
from ihe.vocabulary import REPLACEMENTS, AssociationType

_Triple: TypeAlias = tuple[str, str, str]
_NOT_SENT: Final[dict[str, Any]] = {
    "entry_uuid": "",
    "logical_id": None,
    "version": None,
    "availability_status": None,
    "home_community_id": None,
}
"""What the registry sets, of every object; of a Folder, also lastUpdateTime.

The mark of limited metadata is not kept, on whichever object it stands.
"""


def is_same(submission: Submission, registered: Sequence[RegistryObject]) -> bool:
    """Tell whether a submission is one that was registered before, sent again.

    `registered` is what was registered with the SubmissionSet of the same uniqueId, the set
    included. It is the same submission when each of its objects is there, equal in all that the
    sender sets, ids that are UUIDs included; and when nothing else is there but what the registry
    itself has added.
    """
    names = _names(submission, registered)
    if names is None:
        return False
    stored = {each.entry_uuid: each for each in registered}
    left: dict[_Triple, list[Association]] = {}
    for other in registered:
        if isinstance(other, Association):
            left.setdefault((other.type, other.source, other.target), []).append(other)
    for thing in submission.of_patient:
        if not _equal(thing, stored[names[thing.entry_uuid]]):
            return False
    return _match_links(submission, names, left) and _is_inherited(submission, names, left)


def _names(submission: Submission, registered: Iterable[RegistryObject]) -> dict[str, str] | None:
    """Return the registered ids by the submitted ones; None when objects differ in number."""
    known = {
        (type(each), each.unique_id): each.entry_uuid
        for each in registered
        if not isinstance(each, Association)
    }
    names: dict[str, str] = {}
    for thing in submission.of_patient:
        uuid = known.pop((type(thing), thing.unique_id), None)
        if uuid is None:
            return None
        names[thing.entry_uuid] = uuid
    return None if known else names


def _equal(submitted: RegistryObject, registered: RegistryObject) -> bool:
    """Tell whether two objects say the same; a UUID that was submitted is part of it."""
    if not is_symbolic(submitted.entry_uuid) and submitted.entry_uuid != registered.entry_uuid:
        return False
    return _as_sent(submitted) == _as_sent(registered)


def _as_sent(thing: RegistryObject) -> RegistryObject:
    own = replace(thing, **_NOT_SENT)
    if isinstance(own, Association):
        return replace(own, source="", target="")
    if isinstance(own, Folder):
        own = replace(own, last_update_time=None)
    return replace(own, limited_metadata=False)


def _match_links(
    submission: Submission, names: dict[str, str], left: dict[_Triple, list[Association]]
) -> bool:
    """Take what was submitted out of `left`; tell whether all of it was there.

    Associations to an association come after those that have documents and folders at their ends,
    because these give the others their names.
    """
    own = {link.entry_uuid for link in submission.associations}
    for link in sorted(submission.associations, key=lambda each: each.target in own):
        ends = (names.get(link.source, link.source), names.get(link.target, link.target))
        candidates = left.get((link.type, *ends), [])
        match = next((each for each in candidates if _equal(link, each)), None)
        if match is None:
            return False
        candidates.remove(match)
        names[link.entry_uuid] = match.entry_uuid
    return True


def _is_inherited(
    submission: Submission, names: Mapping[str, str], left: Mapping[_Triple, list[Association]]
) -> bool:
    """Tell whether all that is `left` puts replacements into the folders of what they replace."""
    replacements = {
        names[link.source] for link in submission.associations if link.type in REPLACEMENTS
    }
    rest = [link for links in left.values() for link in links]
    memberships = {
        link.entry_uuid
        for link in rest
        if link.type == AssociationType.HAS_MEMBER and link.target in replacements
    }
    return all(
        link.entry_uuid in memberships
        or (link.type == AssociationType.HAS_MEMBER and link.target in memberships)
        for link in rest
    )
