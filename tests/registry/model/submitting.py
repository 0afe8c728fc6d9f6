"""Registration: ITI-42 for stable documents, ITI-61 for on-demand ones.

All or nothing; every reason is told. The model's submissions are well made, so that only what the
registry knows, or the objects of one submission together, can be against them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tests.registry.model.things import (
    APPROVED,
    DEPRECATED,
    DOCUMENT,
    FOLDER,
    HAS_MEMBER,
    LINK,
    REFERENCE,
    RELATIONSHIPS,
    REPLACEMENTS,
    Model,
    Submission,
    Thing,
    unique,
)

WRONG = "XDSRegistryMetadataError"
NOWHERE = "UnresolvedReferenceException"
OLD = "XDSRegistryDeprecatedDocumentError"
OTHER_PATIENT = "XDSPatientIdDoesNotMatch"


def register(model: Model, sent: Submission, now: str, *, on_demand: bool = False) -> set[str]:
    """Register a submission; return the error codes, none when it is done."""
    refusals = {
        *_ids(model, sent, on_demand=on_demand),
        *_patients(model, sent),
        *_members(model, sent),
        *_relationships(model, sent),
        *_replaced(model, sent),
    }
    if not refusals:
        _carry_out(model, sent, now)
    return refusals


# --- what is refused -----------------------------------------------------------------------------


def _ids(model: Model, sent: Submission, *, on_demand: bool) -> Iterator[str]:
    things = [sent.set, *sent.of(DOCUMENT), *sent.of(FOLDER)]
    if not unique(each.unique_id for each in things):
        yield "XDSRegistryDuplicateUniqueIdInMessage"
    for thing in sent:
        if any(thing.id in (each.id, each.logical_id) for each in model.things.values()):
            yield WRONG
    for thing in (sent.set, *sent.of(FOLDER)):
        if model.in_use(thing.unique_id):
            yield "XDSDuplicateUniqueIdInRegistry"
    for new in sent.of(DOCUMENT):
        yield from known_content(model, new, on_demand=on_demand)


def known_content(model: Model, new: Thing, *, on_demand: bool) -> Iterator[str]:
    """A uniqueId names one content for ever: the same document may be registered again."""
    for old in model.all(DOCUMENT):
        if old.unique_id != new.unique_id:
            continue
        if on_demand:
            if not old.on_demand:
                yield WRONG
        elif old.on_demand or old.content != new.content:
            yield "XDSNonIdenticalHash"
            if not old.on_demand and len(old.content) != len(new.content):
                yield "XDSNonIdenticalSize"


def _patients(model: Model, sent: Submission) -> Iterator[str]:
    patients = {each.patient for each in sent if each.kind != LINK}
    if len(patients) > 1:
        yield OTHER_PATIENT
    if not all(map(model.may_be_used, patients)):
        yield "XDSUnknownPatientId"


def _members(model: Model, sent: Submission) -> Iterator[str]:
    """What the set refers to, and what is put into folders."""
    own = {each.id: each for each in sent}
    for link in sent.of(LINK):
        if link.type != HAS_MEMBER:
            continue
        source = own.get(link.source) or model.get(link.source)
        target = own.get(link.target) or model.get(link.target)
        if source is None or target is None:
            yield NOWHERE
        if source is not sent.set:
            if (source and source.kind != FOLDER) or (target and target.kind != DOCUMENT):
                yield WRONG  # only folders hold documents, and nothing else
            if source and source.kind == FOLDER and source.status != APPROVED:
                yield WRONG
            if target and target.kind == DOCUMENT and target.status != APPROVED:
                yield OLD
            for end in (source, target):
                if end and end.kind in (DOCUMENT, FOLDER) and not _same(model, end, sent.set):
                    yield OTHER_PATIENT
        elif link.membership == REFERENCE and target:
            if target.kind != DOCUMENT:
                yield WRONG
            elif target.status != APPROVED:
                yield OLD  # whose document it is does not matter


def _relationships(model: Model, sent: Submission) -> Iterator[str]:
    own = {each.id: each for each in sent.of(DOCUMENT)}
    links = (*model.all(LINK), *sent.of(LINK))
    transformed = {each.source for each in links if each.type == "XFRM"}
    for link in sent.of(LINK):
        if link.type not in RELATIONSHIPS:
            continue
        new, old = own[link.source], model.get(link.target, DOCUMENT)
        if old is None:
            if link.target not in own or link.type in {*REPLACEMENTS, "IsSnapshotOf"}:
                yield NOWHERE
        else:
            if old.status != APPROVED:
                yield OLD
            if not _same(model, new, old):
                yield OTHER_PATIENT
            if link.type == "IsSnapshotOf" and not old.on_demand:
                yield WRONG
        if link.type == "IsSnapshotOf" and new.on_demand:
            yield WRONG
        if link.type == "APND" and link.target in transformed:
            yield WRONG


def _replaced(model: Model, sent: Submission) -> Iterator[str]:
    """What is replaced, and what goes with it, gets nothing else in the same submission."""
    replacements = [each for each in sent.of(LINK) if each.type in REPLACEMENTS]
    own = {each.id: each for each in sent.of(DOCUMENT)}  # which cannot be replaced at all
    replaced = [each.target for each in replacements if each.target not in own]
    if not unique(replaced):
        yield OLD
    going = with_what_follows(model, replaced)
    for link in sent.of(LINK):
        if link not in replacements and link.target in going | set(replaced):
            yield OLD
    for link in replacements:
        for folder in _folders_of(model, link.target):
            if not _same(model, own[link.source], folder):
                yield OTHER_PATIENT


def _same(model: Model, one: Thing, other: Thing) -> bool:
    return model.patient_now(one.patient) == model.patient_now(other.patient)


# --- what changes --------------------------------------------------------------------------------


def _carry_out(model: Model, sent: Submission, now: str) -> None:
    """Everything is an Approved first version; what is replaced, and what follows it, is not."""
    replaced = {each.target: each.source for each in sent.of(LINK) if each.type in REPLACEMENTS}
    going = with_what_follows(model, replaced)
    memberships = [each for each in sent.of(LINK) if each.type == HAS_MEMBER]
    gaining = {each.source for each in memberships} - {sent.set.id}
    gaining |= {each.id for each in sent.of(FOLDER)}
    for each in sent:
        if each.patient:
            model.patients.setdefault(each.patient, None)
        model.add(replace(each, status=APPROVED, logical_id=each.id, version=1, updated=""))
    for old, new in replaced.items():
        for folder in _folders_of(model, old):  # the replacement joins it there
            if not model.links(HAS_MEMBER, source=folder.id, target=new):
                model.put_into(folder.id, new, by=sent.set.id)
                gaining.add(folder.id)
    for id in going:
        model.change(id, status=DEPRECATED)
    for id in gaining:
        model.has_changed(id, now)


def with_what_follows(model: Model, replaced: Iterable[str]) -> set[str]:
    """Return documents with all that was appended to them or transformed from them, and so on."""
    found = {each for each in replaced if model.get(each, DOCUMENT)}
    while True:
        following = {
            link.source
            for link in model.links("APND", "XFRM", status=APPROVED)
            if link.target in found
        }
        if following <= found:
            return found
        found |= following


def _folders_of(model: Model, document: str) -> list[Thing]:
    """Return the Approved folders that a document is in, each once."""
    links = model.links(HAS_MEMBER, target=document, status=APPROVED)
    folders = [model.get(each.source, FOLDER) for each in links]
    return [each for each in folders if each and each.status == APPROVED]
