"""The statements that do not depend on a question: looking things up by key, and writing.

They are built from the tables once for each dialect. Parameters are named by the number of their
value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    ClauseElement,
    Column,
    ColumnElement,
    Insert,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    not_,
    select,
    update,
)

from ihe.attributes import VERSIONED
from ihe.state import Kind
from registry.store import tables
from registry.store.conditions import Statement, compiled, has_logical_id, own
from registry.store.dialects import Dialect, Expression
from registry.store.tables import OBJECTS, PLACES


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """The statements of one dialect.

    Parameters
    ----------
    patient
        (compared) → key, key of the patient that it is now, id, id of the patient that it is now.
    add_patient
        (key, key, id, compared): nothing happens when it is there.
    merge_patient
        (key of the survivor, key of the subsumed).
    places
        (list of UUIDs) → uuid, kind, patient, number.
    insert
        Into each table: its columns in their order.
    set_status, set_newest, set_last_update_time
        (value, patient, number).
    versions
        (logicalID) → patient, number, version, uuid, newest.
    removed
        (patient, number) → what the small tables know the object by, `REMOVED` says what.
    delete
        (patient, number).
    delete_place
        (what the table is searched by, number).
    """

    patient: Statement
    add_patient: Statement
    merge_patient: Statement
    places: Statement
    insert: Mapping[Table, Statement]
    set_status: Mapping[Kind, Statement]
    set_newest: Mapping[Kind, Statement]
    set_last_update_time: Statement
    versions: Mapping[Kind, Statement]
    removed: Mapping[Kind, Statement]
    delete: Mapping[Table, Statement]
    delete_place: Mapping[Table, Statement]


REMOVED: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.DOCUMENT_ENTRY: ("uuid", "logical_id", "version", "newest", "unique_id", "reference_id"),
    Kind.SUBMISSION_SET: ("uuid", "unique_id"),
    Kind.FOLDER: ("uuid", "logical_id", "version", "newest", "unique_id"),
    Kind.ASSOCIATION: ("uuid", "source", "target"),
}


@lru_cache
def of(dialect: Dialect) -> Statements:
    """Return the statements of a dialect."""
    patient, objects = tables.patient, tables.by_entry_uuid
    entry_or_folder = [kind for kind in OBJECTS if kind in VERSIONED]

    def made(statement: ClauseElement) -> Statement:
        return compiled(statement, dialect)

    return Statements(
        patient=made(
            select(own.c.key, own.c.current, own.c.id, patient.c.id)
            .join_from(own, patient, patient.c.key == own.c.current)
            .where(own.c.compared == _value(0, own.c.compared))
        ),
        add_patient=made(_inserted(dialect.insert_unless_there(patient), patient)),
        merge_patient=made(
            update(patient)
            .values(current=_value(0, patient.c.current))
            .where(patient.c.current == _value(1, patient.c.current))
        ),
        places=made(
            select(
                dialect.selected_uuid(objects.c.uuid),
                objects.c.kind,
                objects.c.patient,
                objects.c.number,
            ).where(dialect.is_one_of_uuids(objects.c.uuid, "0"))
        ),
        insert={table: made(_insert(table)) for table in (*OBJECTS.values(), *PLACES)},
        set_status={
            kind: made(_set(table.c.availability_status)) for kind, table in OBJECTS.items()
        },
        set_newest={kind: made(_set(OBJECTS[kind].c.newest)) for kind in entry_or_folder},
        set_last_update_time=made(_set(tables.folder.c.last_update_time)),
        versions={kind: made(_versions(kind, dialect)) for kind in entry_or_folder},
        removed={
            kind: made(select(*(table.c[name] for name in REMOVED[kind])).where(_is_row(table, 0)))
            for kind, table in OBJECTS.items()
        },
        delete={table: made(delete(table).where(_is_row(table, 0))) for table in OBJECTS.values()},
        delete_place={
            table: made(
                delete(table).where(
                    table.columns[0] == _value(0, table.columns[0]),
                    table.c.number == _value(1, table.c.number),
                )
            )
            for table in PLACES
        },
    )


def _value(number: int, column: Column[Any]) -> BindParameter[Any]:
    return bindparam(str(number), type_=column.type)


def _inserted(into: Insert, table: Table, **others: Expression) -> Insert:
    """Return an INSERT that has a value for each column, but for those that `others` give."""
    values = {column.name: _value(at, column) for at, column in enumerate(table.columns)}
    return into.values({**values, **others})


def _insert(table: Table) -> Insert:
    if "newest" not in table.c:
        return _inserted(insert(table), table)
    # A first version can come after later ones, when it was removed in between.
    later = tables.by_logical_id
    uuid = _value(list(table.c).index(table.c.uuid), table.c.uuid)
    return _inserted(
        insert(table),
        table,
        newest=not_(exists(later.c.logical_id).where(later.c.logical_id == uuid)),
    )


def _set(column: Column[Any]) -> Update:
    return update(column.table).values({column: _value(0, column)}).where(_is_row(column.table, 1))


def _versions(kind: Kind, dialect: Dialect) -> Select[Any]:
    row = OBJECTS[kind].c
    return select(row.patient, row.number, row.version, row.uuid, row.newest).where(
        has_logical_id(kind, dialect)
    )


def _is_row(table: Any, first: int) -> ColumnElement[bool]:
    """Tell whether a row has the primary key whose values begin with the one of this number."""
    key = enumerate(table.primary_key.columns, first)
    return and_(*(column == _value(at, column) for at, column in key))
