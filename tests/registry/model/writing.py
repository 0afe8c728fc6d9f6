"""The model's values as the registry's: what is sent to it, and what it holds and answers."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ihe.datatypes import CX, DTM, OID, SHA1, XCN, CXi, Identifier
from ihe.ebxml.rendering import read_filled
from ihe.messages import AdhocQueryRequest, AdhocQueryResponse, ReturnType
from ihe.model import Association, Code, DocumentEntry, Folder, LocalizedString, SubmissionSet
from ihe.model import Slot as ModelSlot
from ihe.model import Submission as SubmissionMessage
from ihe.state import Record
from ihe.vocabulary import (
    AssociationType,
    DocumentAvailability,
    DocumentEntryType,
    Status,
    StoredQueryId,
    SubmissionSetStatus,
)
from tests import samples
from tests.registry.model.asking import Asked
from tests.registry.model.things import DOCUMENT, FOLDER, LINK, SET, Submission, Thing
from tests.registry.model.updating import Update

STATUS = {"Approved": Status.APPROVED, "Deprecated": Status.DEPRECATED}
TYPES = {each.rpartition(":")[2]: each for each in AssociationType}
OBJECT_TYPES = {"stable": DocumentEntryType.STABLE, "on-demand": DocumentEntryType.ON_DEMAND}
AVAILABILITIES = {each.rpartition(":")[2]: each for each in DocumentAvailability}
QUERIES = {each.name.replace("_", "").lower(): each for each in StoredQueryId}
URNS: dict[str, str] = {**STATUS, **TYPES, **OBJECT_TYPES, **AVAILABILITIES}
"""What the model calls by a word."""

# --- what is sent --------------------------------------------------------------------------------


def submission(sent: Submission) -> SubmissionMessage:
    return _message(sent.set, sent.brings)


def update(asked: Update, *, home: Any = None) -> SubmissionMessage:
    """Return an update with its triggers."""
    whole = _message(asked.set, (*(each.thing for each in asked.versions), *asked.links))
    members = [
        samples.member(
            asked.set.id,
            each.thing.id,
            entry_uuid=f"member-{number}",
            submission_set_status=SubmissionSetStatus.ORIGINAL
            if each.thing.kind == DOCUMENT
            else None,
            previous_version=str(each.previous),
            association_propagation=None if each.propagates else "no",
        )
        for number, each in enumerate(asked.versions)
    ]
    changes = [
        Association(
            entry_uuid=f"status-{number}",
            type=AssociationType.UPDATE_AVAILABILITY_STATUS,
            source=asked.set.id,
            target=each.target,
            original_status=STATUS[each.old],
            new_status=STATUS[each.new],
        )
        for number, each in enumerate(asked.statuses)
    ]
    submitted = [
        samples.member(
            asked.set.id,
            each.id,
            entry_uuid=f"submit-{number}",
            type=AssociationType.SUBMIT_ASSOCIATION,
            submission_set_status=None,
        )
        for number, each in enumerate(asked.links)
    ]
    return replace(
        whole,
        submission_sets=tuple(replace(e, home_community_id=home) for e in whole.submission_sets),
        entries=tuple(replace(each, home_community_id=home) for each in whole.entries),
        associations=(*whole.associations, *members, *changes, *submitted),
    )


def _message(chosen: Thing, brings: Iterable[Thing]) -> SubmissionMessage:
    made: dict[str, list[Any]] = {DOCUMENT: [], FOLDER: [], LINK: []}
    for each in brings:
        made[each.kind].append(_WRITERS[each.kind](each))
    return SubmissionMessage(
        submission_sets=(_set(chosen),),
        entries=tuple(made[DOCUMENT]),
        folders=tuple(made[FOLDER]),
        associations=tuple(made[LINK]),
    )


def _document(thing: Thing) -> DocumentEntry:
    says = thing.says
    changes: dict[str, Any] = {
        "entry_uuid": thing.id,
        "logical_id": thing.logical_id or None,
        "unique_id": Identifier(thing.unique_id),
        "patient_id": CX(thing.patient),
        "class_code": _code(*says["classCode"]),
        "format_code": _code(*says["formatCode"]),
        "event_codes": tuple(map(_code, says["eventCodeList"])),
        "confidentiality_codes": tuple(map(_code, says["confidentialityCode"])),
        "authors": tuple(samples.author(person=XCN(each)) for each in says["authorPerson"]),
        "reference_ids": tuple(map(CXi, says["referenceIdList"])),
        "title": LocalizedString(says["title"][0]),
        "service_start_time": next(map(DTM, says["serviceStartTime"]), None),
        "service_stop_time": None,
    }
    if thing.on_demand:
        return samples.on_demand_entry(1, **changes)
    available = says.get("documentAvailability", ())
    return samples.entry(
        1,
        creation_time=DTM(*says["creationTime"]),
        document_availability=next((AVAILABILITIES[each] for each in available), None),
        hash=SHA1(hashlib.sha1(thing.content.encode(), usedforsecurity=False).hexdigest()),
        size=str(len(thing.content)),
        **changes,
    )


def _set(thing: Thing) -> SubmissionSet:
    return samples.submission_set(
        entry_uuid=thing.id,
        unique_id=OID(thing.unique_id),
        patient_id=CX(thing.patient),
        content_type_code=_code(*thing.says["contentType"]),
        submission_time=DTM(*thing.says["submissionTime"]),
        authors=tuple(samples.author(person=XCN(each)) for each in thing.says["authorPerson"]),
    )


def _folder(thing: Thing) -> Folder:
    return samples.folder(
        1,
        entry_uuid=thing.id,
        logical_id=thing.logical_id or None,
        unique_id=OID(thing.unique_id),
        patient_id=CX(thing.patient),
        codes=tuple(map(_code, thing.says["codeList"])),
    )


def _link(thing: Thing) -> Association:
    return Association(
        entry_uuid=thing.id,
        type=TYPES[thing.type],
        source=thing.source,
        target=thing.target,
        submission_set_status=SubmissionSetStatus(thing.membership) if thing.membership else None,
    )


_WRITERS = {DOCUMENT: _document, SET: _set, FOLDER: _folder, LINK: _link}


def _code(text: str) -> Code:
    code, _, scheme = text.partition("^^")
    return Code(code, scheme, LocalizedString(code))


def query(name: str, asked: Asked, return_type: ReturnType) -> AdhocQueryRequest:
    return AdhocQueryRequest(
        query_id=QUERIES[name.lower()],
        parameters=tuple(
            ModelSlot(parameter, (_value(parameter, values),))
            for parameter, slots in asked.items()
            for values in slots
        ),
        return_type=return_type,
    )


SINGLE = {"$XDSSubmissionSetAuthorPerson", "$XDSDocumentEntryPatientId", "$XDSFolderPatientId"}
"""Parameters that take one value in some queries: a single one stands without parentheses."""


def _value(name: str, values: list[str]) -> str:
    if name == "$MetadataLevel" or name.endswith(("TimeFrom", "TimeTo")):
        return ",".join(values)
    quoted = ["'" + URNS.get(each, each).replace("'", "''") + "'" for each in values]
    return quoted[0] if name in SINGLE and len(quoted) == 1 else f"({','.join(quoted)})"


# --- what it holds and answers -------------------------------------------------------------------


def seen(thing: Thing) -> dict[str, Any]:
    """Return what the registry is to hold of a thing, to compare it with `held`."""
    whole = {
        "kind": thing.kind,
        "id": thing.id,
        "logical_id": thing.logical_id,
        "version": thing.version,
        "status": thing.status,
    }
    if thing.kind == LINK:
        ends = {"type": thing.type, "source": thing.source, "target": thing.target}
        return {**whole, **ends, "membership": thing.membership}
    whole |= {"patient": thing.patient, "unique_id": thing.unique_id}
    return {**whole, "updated": thing.updated} if thing.kind == FOLDER else whole


def held(record: Record) -> dict[str, Any]:
    """Return what the registry holds."""
    whole = {
        "kind": str(record.kind),
        "id": record.entry_uuid,
        "logical_id": record.logical_id,
        "version": record.version,
        "status": _word(record.status),
    }
    if record.kind == LINK:
        ends = {"type": _word(record.type), "source": record.source, "target": record.target}
        return {**whole, **ends, "membership": record.submission_set_status or ""}
    whole |= {"patient": str(record.patient_id), "unique_id": str(record.unique_id)}
    return {**whole, "updated": str(record.last_update_time)} if record.kind == FOLDER else whole


def shown(response: AdhocQueryResponse) -> list[dict[str, Any]]:
    """Return the objects of a LeafClass answer, as `seen` has them."""
    return [_shown(read_filled(fragment)) for fragment in response.fragments]


def _shown(thing: Any) -> dict[str, Any]:  # Any: of four classes
    whole = {
        "kind": type(thing).__name__,
        "id": thing.entry_uuid,
        "logical_id": thing.logical_id or thing.entry_uuid,
        "version": int(thing.version or 1),
        "status": _word(thing.availability_status),
    }
    if isinstance(thing, Association):
        ends = {"type": _word(thing.type), "source": thing.source, "target": thing.target}
        return {**whole, **ends, "membership": thing.submission_set_status or ""}
    whole |= {"patient": str(thing.patient_id), "unique_id": str(thing.unique_id)}
    return {**whole, "updated": thing.last_update_time} if isinstance(thing, Folder) else whole


def _word(urn: str | None) -> str:
    return str(urn).rpartition(":")[2]
