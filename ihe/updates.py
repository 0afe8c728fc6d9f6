"""What an update does to the registry: old state and its operations give changes (ITI-57).

```text
new version        ─▶ add it, deprecate the version before it, and carry over what leads to that:
                      folder memberships and relationships, to the new ends, each once
change of status   ─▶ approve or deprecate; of a new version, it begins so
new association    ─▶ add it
folders that gained a member of either kind, or whose membership changes its status ─▶ touch
```

`plan` is asked only for what has nothing wrong (`ihe.rules.update`).

References
----------
Metadata Update 3.57.4.1.3 (expected actions), 3.57.4.1.3.3 (propagation).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from ihe.datatypes import DTM, is_symbolic
from ihe.model import FIRST_VERSION, Association, Folder, RegistryObject, Submission, SubmissionSet
from ihe.operations import Operations, Version, kind_of_version, newest_of, operations
from ihe.state import AnyOf, Kind, Record, State, any_of, not_later
from ihe.vocabulary import RELATIONSHIPS, AssociationType, Status, SubmissionSetStatus

_APPROVED: Final = any_of("availability_status", Status.APPROVED)
_HAS_MEMBER: Final = any_of("type", AssociationType.HAS_MEMBER)
_CARRIED: Final = AnyOf("type", frozenset({*RELATIONSHIPS, AssociationType.HAS_MEMBER}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What an update does: objects to register, complete, and entryUUIDs whose status changes.

    `touch` are registered folders that gained a member, or lost one or got it back by a change of
    status, and whose lastUpdateTime is not later already. `replaced` leads from the id of each
    version that was the newest to that of its new one.
    """

    add: tuple[RegistryObject, ...]
    deprecate: frozenset[str]
    approve: frozenset[str]
    touch: frozenset[str]
    replaced: Mapping[str, str]


def plan(
    submission: Submission,
    state: State,
    *,
    at: DTM,
    new_uuid: Callable[[], str],
    value_of: Callable[[Record], RegistryObject],
    with_references: bool = False,
) -> Planned:
    """Return what a checked update does.

    Parameters
    ----------
    at
        The time: lastUpdateTime of a folder's new version, and of one that gains a member; unless
        that is later already, as of two updates the first to come in may be the second to be done.
    value_of
        Reads a registered object back, to copy it.
    with_references
        Whether SubmissionSets that refer to a version refer to the new one instead (ITI-92).
    """
    named = _named(submission, new_uuid)
    asked = operations(named)
    before = {
        kind: newest_of(kind, (v.logical_id for v in asked.versions), state)
        for kind in (Kind.DOCUMENT_ENTRY, Kind.FOLDER)
    }
    old = {v.thing.entry_uuid: before[kind_of_version(v)][v.logical_id] for v in asked.versions}
    replaced = {record.entry_uuid: uuid for uuid, record in old.items()}
    statuses = _statuses(asked, old)
    add: list[RegistryObject] = [replace(asked.chosen, **_first(asked.chosen.entry_uuid))]
    for version in asked.versions:
        add += _new_version(version, old[version.thing.entry_uuid], statuses, at)
    for link in asked.links.values():
        status = statuses.get(link.entry_uuid, Status.APPROVED)
        add.append(replace(link, **_first(link.entry_uuid, status)))
    links = [each for each in add if isinstance(each, Association)]
    ended = {uuid for uuid, status in statuses.items() if status == Status.DEPRECATED}
    carried = (
        each
        for each in _carried(asked, old, replaced, state, value_of)
        if each[0].entry_uuid not in ended
    )
    add += _propagated(carried, links, asked.chosen, new_uuid)
    references = _references(replaced, state) if with_references else []
    add += _moved_references(references, replaced, new_uuid, value_of)
    present = {each.entry_uuid for each in add}
    changed = {uuid: status for uuid, status in statuses.items() if uuid not in present}
    return Planned(
        add=tuple(add),
        deprecate=frozenset(
            {uuid for uuid, status in changed.items() if status == Status.DEPRECATED}
            | {record.entry_uuid for record in (*old.values(), *references)}
        ),
        approve=frozenset(u for u, status in changed.items() if status == Status.APPROVED),
        touch=not_later((_gaining(add) - present) | folders_of(changed, state), at, state),
        replaced=replaced,
    )


def _named(submission: Submission, new_uuid: Callable[[], str]) -> Submission:
    """Return the submission with a UUID wherever there was a symbolic id."""
    uuids = {each.entry_uuid: new_uuid() for each in submission if is_symbolic(each.entry_uuid)}

    def name(uuid: str) -> str:
        return uuids.get(uuid, uuid)

    return replace(
        submission,
        submission_sets=tuple(
            replace(each, entry_uuid=name(each.entry_uuid)) for each in submission.submission_sets
        ),
        entries=tuple(replace(e, entry_uuid=name(e.entry_uuid)) for e in submission.entries),
        folders=tuple(replace(f, entry_uuid=name(f.entry_uuid)) for f in submission.folders),
        associations=tuple(
            replace(
                link,
                entry_uuid=name(link.entry_uuid),
                source=name(link.source),
                target=name(link.target),
            )
            for link in submission.associations
        ),
    )


def _first(uuid: str, status: str = Status.APPROVED) -> dict[str, Any]:
    """Return what the registry sets of a first version."""
    return {
        "logical_id": uuid,
        "version": FIRST_VERSION,
        "availability_status": status,
        "home_community_id": None,
    }


def _statuses(asked: Operations, old: Mapping[str, Record]) -> dict[str, str]:
    """Return the status that each object gets, by id.

    A change of the version before means the new version (3.57.4.1.3: one logical object).
    """
    of_old = {record.entry_uuid: uuid for uuid, record in old.items()}
    return {
        of_old.get(link.target, link.target): str(link.new_status) for link in asked.status_changes
    }


def _new_version(
    version: Version, old: Record, statuses: Mapping[str, str], at: DTM
) -> Iterator[RegistryObject]:
    uuid = version.thing.entry_uuid
    changed = replace(
        version.thing,
        version=str(old.version + 1),
        availability_status=statuses.get(uuid, str(old.status)),
        home_community_id=None,
        limited_metadata=False,
    )
    if isinstance(changed, Folder):
        yield replace(changed, last_update_time=max(at, old.last_update_time or at))
    else:
        yield changed
    assert version.member is not None, "the rules asked for it"  # noqa: S101  # by the caller
    member = version.member
    yield replace(member, **_first(member.entry_uuid))


_Carried: TypeAlias = tuple[Association, str, str]


def _carried(
    asked: Operations,
    old: Mapping[str, Record],
    replaced: Mapping[str, str],
    state: State,
    value_of: Callable[[Record], RegistryObject],
) -> Iterator[_Carried]:
    """Yield the associations that are carried over, with their new ends.

    Of a document, its memberships in folders and its relationships; of a folder, its memberships.
    Deprecated ones stay behind, and so do memberships of documents that are not Approved.
    """
    moving = {
        old[v.thing.entry_uuid].entry_uuid: v for v in asked.versions if v.propagates
    }  # by the version before
    ends = frozenset(moving)
    found: dict[str, Record] = {}
    for attribute in ("source", "target"):
        for each in state.find(Kind.ASSOCIATION, (_CARRIED, AnyOf(attribute, ends), _APPROVED)):
            found[each.entry_uuid] = each
    members = [each for each in found.values() if each.type == AssociationType.HAS_MEMBER]
    folders = _present(Kind.FOLDER, (each.source for each in members), state)
    entries = _present(Kind.DOCUMENT_ENTRY, (each.target for each in members), state, _APPROVED)
    for each in found.values():
        source, target = each.source or "", each.target or ""
        of_folder = source in folders and target in entries | set(moving)
        if each.type == AssociationType.HAS_MEMBER and not of_folder:
            continue
        value = value_of(each)
        assert isinstance(value, Association), "asked of associations only"  # noqa: S101  # as above
        yield value, replaced.get(source, source), replaced.get(target, target)


def _gaining(added: Iterable[RegistryObject]) -> set[str]:
    """Return what holds a document or folder anew: SubmissionSets and folders."""
    return {
        each.source
        for each in added
        if isinstance(each, Association) and each.type == AssociationType.HAS_MEMBER
    }


def folders_of(links: Iterable[str], state: State) -> set[str]:
    """Return what registered HasMember associations lead from: of interest are folders."""
    wanted = AnyOf("entry_uuid", frozenset(links))
    found = state.find(Kind.ASSOCIATION, (_HAS_MEMBER, wanted))
    return {each.source for each in found if each.source}


def _present(kind: Kind, uuids: Iterable[str | None], state: State, *also: AnyOf) -> set[str]:
    wanted = AnyOf("entry_uuid", frozenset(filter(None, uuids)))
    return {each.entry_uuid for each in state.find(kind, (wanted, *also))}


def _propagated(
    carried: Iterable[_Carried],
    present: Sequence[Association],
    chosen: SubmissionSet,
    new_uuid: Callable[[], str],
) -> Iterator[Association]:
    """Yield a copy of each association at its new ends, once; the set holds memberships."""
    seen = {(link.type, link.source, link.target) for link in present}
    for link, source, target in carried:
        if (link.type, source, target) in seen:
            continue
        seen.add((link.type, source, target))
        uuid = new_uuid()
        copy = replace(link, entry_uuid=uuid, source=source, target=target, **_first(uuid))
        yield copy
        if link.type == AssociationType.HAS_MEMBER:
            holds = new_uuid()
            yield Association(
                entry_uuid=holds,
                type=AssociationType.HAS_MEMBER,
                source=chosen.entry_uuid,
                target=uuid,
                **_first(holds),
            )


def _references(replaced: Mapping[str, str], state: State) -> list[Record]:
    """Return the Approved associations by which SubmissionSets refer to versions before."""
    to_old = AnyOf("target", frozenset(replaced))
    found = state.find(Kind.ASSOCIATION, (_HAS_MEMBER, to_old, _APPROVED))
    return [e for e in found if e.submission_set_status == SubmissionSetStatus.REFERENCE]


def _moved_references(
    references: Iterable[Record],
    replaced: Mapping[str, str],
    new_uuid: Callable[[], str],
    value_of: Callable[[Record], RegistryObject],
) -> Iterator[RegistryObject]:
    for each in references:
        uuid = new_uuid()
        changes = _first(uuid) | {"target": replaced[each.target or ""]}
        yield replace(value_of(each), entry_uuid=uuid, **changes)
