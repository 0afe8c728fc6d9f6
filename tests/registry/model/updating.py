"""Updates: ITI-57, and what ITI-92 allows of it.

Everything that an update asks for happens, or nothing. Whether it would join two patients is judged
on what the registry would then hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.registry.model.submitting import known_content
from tests.registry.model.things import (
    APPROVED,
    DEPRECATED,
    DOCUMENT,
    FOLDER,
    HAS_MEMBER,
    LINK,
    ORIGINAL,
    REFERENCE,
    RELATIONSHIPS,
    SET,
    Model,
    Thing,
    unique,
)

OPERATION = "XDSMetadataUpdateOperationError"
WRONG = "XDSMetadataUpdateError"
VERSION = "XDSMetadataVersionError"
NOWHERE = "UnresolvedReferenceException"
JOINS_PATIENTS = "XDSPatientIDReconciliationError"


@dataclass(frozen=True)
class NewVersion:
    """A new version of a document or folder: `thing` is what it will say."""

    thing: Thing
    previous: int
    propagates: bool = True


@dataclass(frozen=True)
class StatusChange:
    target: str
    old: str
    new: str


@dataclass(frozen=True)
class Update:
    set: Thing
    versions: tuple[NewVersion, ...] = ()
    statuses: tuple[StatusChange, ...] = ()
    links: tuple[Thing, ...] = ()


def update(model: Model, asked: Update, now: str, *, restricted: bool = False) -> set[str]:
    """Update; return the error codes, none when it is done."""
    refusals = {*_ids(model, asked), *_versions(model, asked)}
    if restricted:
        refusals |= set(_restricted(model, asked))
    else:
        refusals |= {*_agreement(model, asked), *_statuses(model, asked), *_links(model, asked)}
    if refusals:
        return refusals
    after = model.copy()
    _carry_out(after, asked, now, restricted=restricted)
    if set(joined_patients(after)) - set(joined_patients(model)):
        return {JOINS_PATIENTS}
    model.take(after)
    return set()


# --- what is refused -----------------------------------------------------------------------------


def _ids(model: Model, asked: Update) -> Iterator[str]:
    things = [asked.set, *(each.thing for each in asked.versions)]
    if model.in_use(asked.set.unique_id):
        yield "XDSDuplicateUniqueIdInRegistry"
    if not unique(each.unique_id for each in things):
        yield "XDSRegistryDuplicateUniqueIdInMessage"
    if not all(model.may_be_used(each.patient) for each in things):
        yield "XDSUnknownPatientId"
    for thing in things:
        if any(thing.id in (each.id, each.logical_id) for each in model.things.values()):
            yield "XDSRegistryMetadataError"
        if thing.kind == DOCUMENT:
            yield from known_content(model, thing, on_demand=thing.on_demand)


def _versions(model: Model, asked: Update) -> Iterator[str]:
    for version in asked.versions:
        thing = version.thing
        if not thing.logical_id:
            yield "XDSInvalidRequestException"  # first versions are for ITI-42
            continue
        newest = model.newest(thing.logical_id, thing.kind)
        if newest is None:
            yield NOWHERE
            continue
        if (thing.unique_id, thing.on_demand) != (newest.unique_id, newest.on_demand):
            yield "XDSMetadataIdentifierError"
        if version.previous != newest.version:
            yield VERSION
        if thing.kind == FOLDER and newest.status != APPROVED:
            yield WRONG  # a Deprecated document may be updated, and stays so
    known = [each.thing.logical_id for each in asked.versions if each.thing.logical_id]
    if not unique(known):
        yield OPERATION


def _restricted(model: Model, asked: Update) -> Iterator[str]:
    """ITI-92: a document stays what it is and whose it is, and all that leads to it follows."""
    for version in asked.versions:
        newest = model.newest(version.thing.logical_id, DOCUMENT)
        if not version.propagates:
            yield "XDSMetadataAnnotationError"
        if newest and any(
            model.patient_now(each.patient) != newest.patient for each in (version.thing, asked.set)
        ):
            yield JOINS_PATIENTS
        if newest and version.thing.content != newest.content:
            yield "UnmodifiableMetadataError"


def _agreement(model: Model, asked: Update) -> Iterator[str]:
    """What an Approved link joins is updated with propagation on both sides or on neither."""
    propagates = {old.id: version.propagates for version, old in _olds(model, asked)}
    for link in model.links(status=APPROVED):
        both = {propagates.get(link.source), propagates.get(link.target)}
        if both == {True, False}:
            yield OPERATION


def _statuses(model: Model, asked: Update) -> Iterator[str]:
    olds = {old.id: version.thing.id for version, old in _olds(model, asked)}
    if not unique(olds.get(each.target, each.target) for each in asked.statuses):
        yield OPERATION
    begins = {version.thing.id: old.status for version, old in _olds(model, asked)}
    for change in asked.statuses:
        target = model.get(change.target)
        if change.target in begins:
            if change.old != begins[change.target]:
                yield WRONG
            continue
        if target is None or target.kind == SET:
            yield OPERATION
        if target is None:
            continue
        if change.old != target.status:
            yield WRONG
        if not model.is_newest(target) or model.in_a_set(target):
            yield WRONG


def _links(model: Model, asked: Update) -> Iterator[str]:
    updated = {old.id: version for version, old in _olds(model, asked)}
    updated |= {version.thing.id: version for version in asked.versions}
    begins = {version.thing.id: old for version, old in _olds(model, asked)}
    said = [(each.type, each.source, each.target) for each in asked.links]
    if not unique(map(str, said)):
        yield WRONG
    for link in asked.links:
        kinds = (FOLDER if link.type == HAS_MEMBER else DOCUMENT, DOCUMENT)
        for id, kind in zip((link.source, link.target), kinds, strict=True):
            end = model.get(id) or begins.get(id)
            if end is None or end.kind != kind:
                yield NOWHERE
            if end is not None and (end.status != APPROVED or (id in updated and model.get(id))):
                yield WRONG
            if id in updated and updated[id].propagates:
                yield OPERATION
        ends = {"source": link.source, "target": link.target}
        if model.links(link.type, status=APPROVED, **ends):
            yield WRONG


def _olds(model: Model, asked: Update) -> list[tuple[NewVersion, Thing]]:
    """Return the new versions with those that are the newest now."""
    pairs = [(v, model.newest(v.thing.logical_id, v.thing.kind)) for v in asked.versions]
    return [(version, old) for version, old in pairs if old is not None]


def joined_patients(model: Model) -> Iterator[tuple[str, str]]:
    """Yield the links that join two patients: Approved, between Approved things, not Reference."""
    for link in model.links(status=APPROVED):
        source, target = model.get(link.source), model.get(link.target)
        if source is None or target is None or LINK in (source.kind, target.kind):
            continue
        counts = source.status == target.status == APPROVED and link.membership != REFERENCE
        if counts and source.patient != target.patient:
            yield link.source, link.target


# --- what changes --------------------------------------------------------------------------------


def _carry_out(model: Model, asked: Update, now: str, *, restricted: bool) -> None:
    pairs = _olds(model, asked)
    new_of = {old.id: version.thing.id for version, old in pairs}
    leading = model.links(status=APPROVED)  # as it was before
    model.add(replace(asked.set, logical_id=asked.set.id))
    for version, old in pairs:
        new = replace(version.thing, version=old.version + 1, status=old.status, updated="")
        model.add(new)
        model.change(old.id, status=DEPRECATED)
        model.link(HAS_MEMBER, asked.set.id, new.id, ORIGINAL if new.kind == DOCUMENT else "")
        if new.kind == FOLDER:
            model.has_changed(new.id, max(now, old.updated))
    for thing in (asked.set, *(each.thing for each in asked.versions)):
        model.patients.setdefault(thing.patient, None)
    for change in asked.statuses:
        model.change(new_of.get(change.target, change.target), status=change.new)
        membership = model.get(change.target, LINK)
        if membership and model.get(membership.source, FOLDER):
            model.has_changed(membership.source, now)
    for link in asked.links:
        model.add(replace(link, logical_id=link.id))
        if link.type == HAS_MEMBER:
            model.has_changed(link.source, now)
    ended = {each.target for each in asked.statuses if each.new == DEPRECATED}
    moving = {old.id for version, old in pairs if version.propagates}
    for link in leading:
        if link.id not in ended and moving & {link.source, link.target}:
            _carry_over(model, link, new_of, asked.set.id, now)
    if restricted:
        for link in leading:
            if link.membership == REFERENCE and link.target in new_of:
                model.change(link.id, status=DEPRECATED)
                model.link(HAS_MEMBER, link.source, new_of[link.target], REFERENCE)


def _carry_over(model: Model, link: Thing, new_of: dict[str, str], by: str, now: str) -> None:
    """Let a link that led to or from an old version lead to or from the new one, too."""
    ends = new_of.get(link.source, link.source), new_of.get(link.target, link.target)
    if model.links(link.type, source=ends[0], target=ends[1]):
        return
    if link.type in RELATIONSHIPS:
        model.link(link.type, *ends)
    elif model.get(link.source, FOLDER):
        document = model.things[link.target]
        if link.target in new_of or document.status == APPROVED:
            model.put_into(*ends, by=by)
            model.has_changed(ends[0], now)
