"""Registry objects as rows of `registry.store.tables`, and rows as `Record`s.

A column that has the name of an attribute holds what `ihe.attributes` reads from an object, so that
nothing that can be asked for is left out. The few others have their function here. A test compares
both with the tables.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy import JSON, Table

from ihe.attributes import ATTRIBUTES, VERSIONED, Form, kind_of
from ihe.datatypes import CX, DTM, escape
from ihe.model import (
    Association,
    Code,
    DocumentEntry,
    Folder,
    RegistryObject,
    SubmissionSet,
)
from ihe.state import Kind, Record, comparable
from ihe.vocabulary import Status
from registry.store import tables
from registry.store.dialects import Dialect, Row
from registry.store.tables import OBJECTS

Read: TypeAlias = Callable[[Any], Any]  # Any: the class of the kind; what the column holds

SEPARATOR: Final = "^^"


def code_text(code: str, scheme: str) -> str:
    r"""Return the text that a code is stored as: `code^^scheme`, as in queries.

    A `^` of the code itself is written `\S\`, so that the first `^^` is the separator.
    """
    return f"{escape(comparable(code))}{SEPARATOR}{comparable(scheme)}"


# --- to rows -------------------------------------------------------------------------------------


@lru_cache
def row_of(kind: Kind, dialect: Dialect) -> Callable[[Any, int, int, bytes], Row]:
    """Return the function that makes the row of an object: (object, patient, number, template)."""
    reads = [
        _own(column.name, dialect) or _searched(kind, column.name, isinstance(column.type, JSON))
        for column in OBJECTS[kind].columns
        if column.name not in GIVEN
    ]

    def row(registry_object: RegistryObject, patient: int, number: int, template: bytes) -> Row:
        return (patient, number, *[read(registry_object) for read in reads], template)

    return row


GIVEN: Final = ("patient", "number", "template")
"""Columns that are not read from the object: the first two of a row, and the last."""


def version_of(registry_object: Any) -> int:
    """Return the version of what has versions; 1 when it says none."""
    return int(registry_object.version or 1)


def logical_id_of(registry_object: Any) -> str | None:
    """Return the logicalID when it is another UUID than the object's own."""
    logical_id: str | None = registry_object.logical_id
    return None if logical_id == registry_object.entry_uuid else logical_id


def _own(name: str, dialect: Dialect) -> Read | None:
    """Return how a column is read that holds something else than what is compared."""

    def uuid(attribute: str) -> Read:
        return lambda o: dialect.uuid(getattr(o, attribute))

    def letters(attribute: str) -> Read:
        return lambda o: None if (value := getattr(o, attribute)) is None else str(value)

    def logical_id(o: Any) -> Any:
        return None if (urn := logical_id_of(o)) is None else dialect.uuid(urn)

    own: Mapping[str, Read] = {
        "uuid": uuid("entry_uuid"),
        "logical_id": logical_id,
        "version": version_of,
        "newest": lambda _: True,
        "availability_status": lambda o: Status(o.availability_status or Status.APPROVED).value,
        "unique_id": letters("unique_id"),
        "hash": letters("hash"),
        "size": letters("size"),
        "source": uuid("source"),
        "target": uuid("target"),
    }
    return own.get(name)


def _searched(kind: Kind, name: str, is_list: bool) -> Read:
    """Return how a column is read that holds an attribute as it is compared."""
    attribute = ATTRIBUTES[kind][name]
    values = attribute.values
    text: Read = _code if attribute.form is Form.CODE else comparable

    def one(o: Any) -> str | None:
        found = values(o)
        return text(found[0]) if found else None

    def several(o: Any) -> str | None:
        found = values(o)
        return _json([text(each) for each in found]) if found else None

    return several if is_list else one


_json: Final = json.JSONEncoder(ensure_ascii=False).encode


def _code(code: Code) -> str:
    return code_text(code.code, code.scheme)


# --- to places -----------------------------------------------------------------------------------


def places_of(registry_object: RegistryObject, dialect: Dialect) -> Iterator[tuple[Table, Row]]:
    """Yield what an object is found by: a table, and its columns before patient and number."""
    kind = kind_of(registry_object)
    uuid = dialect.uuid
    yield tables.by_entry_uuid, (uuid(registry_object.entry_uuid), tables.KIND_NUMBERS[kind])
    match registry_object:
        case Association(source=source, target=target):
            yield tables.by_association_end, (uuid(source), False)
            yield tables.by_association_end, (uuid(target), True)
        case DocumentEntry(unique_id=unique_id, reference_ids=reference_ids):
            if unique_id is not None:
                yield tables.by_document_unique_id, (comparable(unique_id),)
            for reference_id in dict.fromkeys(map(comparable, reference_ids)):
                yield tables.by_reference_id, (reference_id,)
        case Folder(unique_id=unique_id) | SubmissionSet(unique_id=unique_id):
            if unique_id is not None:
                version = version_of(registry_object) if kind in VERSIONED else 1
                yield tables.by_package_unique_id, (comparable(unique_id), version)
    if kind in VERSIONED and (logical_id := logical_id_of(registry_object)) is not None:
        yield tables.by_logical_id, (uuid(logical_id), version_of(registry_object))


def keys_of(kind: Kind, row: Mapping[str, Any]) -> Iterator[tuple[Table, Any]]:
    """Yield the same of a row: a table, and its first column."""
    yield tables.by_entry_uuid, row["uuid"]
    if (unique_id := row.get("unique_id")) is not None:
        entry = kind is Kind.DOCUMENT_ENTRY
        table = tables.by_document_unique_id if entry else tables.by_package_unique_id
        yield table, comparable(unique_id)
    if (logical_id := row.get("logical_id")) is not None:
        yield tables.by_logical_id, logical_id
    references = row.get("reference_id") or ()
    for reference_id in json.loads(references) if isinstance(references, str) else references:
        yield tables.by_reference_id, reference_id
    for end in {row[name] for name in ("source", "target") if name in row}:
        yield tables.by_association_end, end


# --- to records ----------------------------------------------------------------------------------

SELECTED: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.DOCUMENT_ENTRY: (
        "uuid", "availability_status", "template",
        "logical_id", "version", "unique_id", "object_type", "hash", "size",
    ),
    Kind.SUBMISSION_SET: ("uuid", "availability_status", "template", "unique_id"),
    Kind.FOLDER: (
        "uuid", "availability_status", "template",
        "logical_id", "version", "unique_id", "last_update_time",
    ),
    Kind.ASSOCIATION: (
        "uuid", "availability_status", "template",
        "type", "source", "target", "submission_set_status",
    ),
}  # fmt: skip  # what all have, and what each has
"""The columns of an answer; before them stand the number and the id of the patient now."""

_STATUSES: Final = {status.value: status for status in Status}


@lru_cache
def records_of(kind: Kind, dialect: Dialect) -> Callable[[list[Row]], list[Record]]:
    """Return the function that makes the `Record`s of what was selected.

    Its loop runs for every object of every answer: hence positions instead of names.
    """
    urn = dialect.urn

    def entries(rows: list[Row]) -> list[Record]:
        ids = _Ids()
        return [
            Record(
                kind,
                own := urn(uuid),
                own if logical_id is None else urn(logical_id),
                version,
                ids[patient],
                _STATUSES[status],
                template,
                unique_id,
                object_type,
                hash_,
                size,
            )
            for _, patient, uuid, status, template, logical_id, version, unique_id,
                object_type, hash_, size in rows
        ]  # fmt: skip  # the columns stand as in `SELECTED`

    def submission_sets(rows: list[Row]) -> list[Record]:
        ids = _Ids()
        return [
            Record(
                kind, own := urn(uuid), own, 1, ids[patient], _STATUSES[status], template, unique_id
            )
            for _, patient, uuid, status, template, unique_id in rows
        ]

    def folders(rows: list[Row]) -> list[Record]:
        ids = _Ids()
        return [
            Record(
                kind=kind,
                entry_uuid=(own := urn(uuid)),
                logical_id=own if logical_id is None else urn(logical_id),
                version=version,
                patient_id=ids[patient],
                status=_STATUSES[status],
                template=template,
                unique_id=unique_id,
                last_update_time=None if time is None else DTM(time),
            )
            for _, patient, uuid, status, template, logical_id, version, unique_id, time in rows
        ]

    def associations(rows: list[Row]) -> list[Record]:
        ids = _Ids()
        return [
            Record(
                kind=kind,
                entry_uuid=(own := urn(uuid)),
                logical_id=own,
                version=1,
                patient_id=ids[patient],
                status=_STATUSES[status],
                template=template,
                type=type_,
                source=urn(source),
                target=urn(target),
                submission_set_status=set_status,
            )
            for _, patient, uuid, status, template, type_, source, target, set_status in rows
        ]

    return {
        Kind.DOCUMENT_ENTRY: entries,
        Kind.SUBMISSION_SET: submission_sets,
        Kind.FOLDER: folders,
        Kind.ASSOCIATION: associations,
    }[kind]


class _Ids(dict[str, CX]):
    """The patient ids of an answer, each made once."""

    def __missing__(self, text: str) -> CX:
        self[text] = patient_id = CX(text)
        return patient_id
