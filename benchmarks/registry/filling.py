"""Fill a registry's PostgreSQL with millions of documents in minutes, as the registry would have.

One submission is registered by the registry itself. The server then copies its rows, each copy with
ids of its own wherever they stand: in columns, in the tables that lead to a row, in the rendered
element. So every row is one that the registry wrote, and nothing here needs to know a column.

```text
 plan   n ─▶ patient    documents in the order of registration, patients mixed: the 500 documents
        │               of a patient lie on 500 pages, as they would after years
        ├──▶ numbers    those of the first submission, three further on for each n
        ├──▶ UUIDs      a hash of n
        └──▶ uniqueIds  those of the first, with n in ten digits where they have `MARK`
```
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import JSON, LargeBinary, Table, Text, Uuid

from registry.store.tables import OBJECTS, PLACES

MARK: Final = "9000000000"
"""Ten digits in each uniqueId of the first submission, which stand for its number."""
CHUNK: Final = 50_000
_ROOM: Final = 1 << 20
"""Numbers left free before the copies, for what is registered before and beside them."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Patients:
    """So many patients, each with so many documents; `first` is the key of the first of them."""

    first: int
    count: int
    documents: int


def fill(
    driver: psycopg.Connection[Any],
    submission: Sequence[str],
    patients: Sequence[Patients],
    progress: Progress,
) -> None:
    """Copy a registered submission until each patient has its documents.

    Parameters
    ----------
    submission
        entryUUIDs (URNs) of its SubmissionSet, its DocumentEntry and its Association.
    patients
        Their rows are made here.
    progress
        Is told how many documents are there.
    """
    uuids = [urn.removeprefix("urn:uuid:") for urn in submission]
    driver.autocommit = True
    driver.execute("SET synchronous_commit = off; SET work_mem = '512MB'")
    driver.execute(_FUNCTION)
    documents = _plan(driver, patients)
    rows = list(_rows(driver, uuids))
    last = max(row["number"] for _, row in rows)
    statements = [_copy(driver, table, row, uuids) for table, row in rows]
    for low in range(0, documents, CHUNK):
        with driver.transaction():
            for statement in statements:
                driver.execute(statement, (low, low + CHUNK))
        progress(min(low + CHUNK, documents))
    driver.execute("SELECT setval('registration', %s)", (last + _ROOM + 3 * documents + 2048,))
    driver.execute("SET synchronous_commit = on; RESET work_mem")
    driver.execute("VACUUM (ANALYZE)")
    driver.execute("CHECKPOINT")


_FUNCTION: Final = """
CREATE FUNCTION pg_temp.uuid_of(what text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT overlay(overlay(md5(what || n) placing '4' from 13) placing 'a' from 17)::uuid::text
$$
"""


def _plan(driver: psycopg.Connection[Any], patients: Sequence[Patients]) -> int:
    """Make the patients, and say whose document comes when; return how many there are."""
    driver.execute("CREATE TEMP TABLE plan (n bigserial PRIMARY KEY, patient bigint)")
    for each in patients:
        driver.execute(
            "INSERT INTO patient (key, current, id, compared) SELECT k, k, id, id FROM"
            " (SELECT k, lpad(k::text, 11, '0') || '^^^&2.16.578.1.12.4.1.4.1&ISO' AS id"
            "  FROM generate_series(%s::bigint, %s) AS k) AS made",
            (each.first, each.first + each.count - 1),
        )
    driver.execute("CREATE TEMP TABLE documents (patient bigint)")
    for each in patients:
        driver.execute(
            "INSERT INTO documents SELECT k FROM generate_series(%s::bigint, %s) AS k,"
            " generate_series(1, %s)",
            (each.first, each.first + each.count - 1, each.documents),
        )
    driver.execute("SELECT setseed(0.5)")
    mixed = "INSERT INTO plan (patient) SELECT patient FROM documents ORDER BY random()"
    made = driver.execute(mixed).rowcount
    driver.execute("ANALYZE plan")
    return made


def _rows(
    driver: psycopg.Connection[Any], uuids: Sequence[str]
) -> Iterator[tuple[Table, dict[str, Any]]]:
    """Yield every row of the submission, with the table that it is in."""
    ids = ("SELECT number FROM by_entry_uuid WHERE uuid = ANY(%s::uuid[])", (list(uuids),))
    numbers = [number for (number,) in driver.execute(*ids).fetchall()]
    for table in (*OBJECTS.values(), *PLACES):
        cursor = driver.cursor(row_factory=psycopg.rows.dict_row)
        statement = sql.SQL("SELECT * FROM {} WHERE number = ANY(%s)")
        cursor.execute(statement.format(sql.Identifier(table.name)), (numbers,))
        yield from ((table, row) for row in cursor)


def _copy(
    driver: psycopg.Connection[Any],
    table: Table,
    row: Mapping[str, Any],
    uuids: Sequence[str],
) -> bytes:
    """Return the statement that makes a stretch of the plan into rows like this one."""
    of_number = sql.SQL("{} + 3 * n").format(sql.Literal(row["number"] + _ROOM))
    fixed = {"patient": sql.SQL("patient"), "number": of_number}
    values = [
        fixed.get(column.name) or _value(column.type, row[column.name], uuids)
        for column in table.columns
    ]
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM plan WHERE n > %s AND n <= %s").format(
        sql.Identifier(table.name),
        sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns),
        sql.SQL(", ").join(values),
    )
    return statement.as_bytes(driver)


def _value(kind: Any, value: Any, uuids: Sequence[str]) -> sql.Composable:
    """Return a column's value: with its own ids where the first submission has its ids."""
    if value is None:
        return sql.SQL("NULL")
    if isinstance(kind, Uuid):
        return sql.SQL("{}::uuid").format(_own_ids(str(value), uuids))
    if isinstance(kind, JSON):
        return sql.SQL("{}::jsonb").format(_own_ids(json.dumps(value), uuids))
    if isinstance(kind, LargeBinary):
        return sql.SQL("convert_to({}, 'UTF8')").format(_own_ids(bytes(value).decode(), uuids))
    if isinstance(kind, Text):
        return _own_ids(str(value), uuids)
    return sql.Literal(value)


def _own_ids(text: str, uuids: Sequence[str]) -> sql.Composable:
    """Return a text in which each id of the first submission has become one of number `n`."""
    made: sql.Composable = sql.Literal(text)
    for at, uuid in enumerate(uuids):
        if uuid in text:
            made = sql.SQL("replace({}, {}, pg_temp.uuid_of({}, n))").format(
                made, sql.Literal(uuid), sql.Literal(str(at))
            )
    if MARK in text:
        made = sql.SQL("replace({}, {}, lpad(n::text, 10, '0'))").format(made, sql.Literal(MARK))
    return made
