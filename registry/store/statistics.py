"""What is in a registry's database, in numbers: nothing of any patient, and quick on many rows.

```text
how many rows     counted; of large tables on PostgreSQL, what the planner believes
what they are     every row of a small table; of a large one a sample, multiplied
```

A table of many millions of rows takes minutes to read. So of a table with more than `SMALL` rows
some `SAMPLE` are looked at, wherever they lie, unless everything is to be exact; what comes of a
sample is marked as estimated.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.sql.util import ClauseAdapter

from hub.database import Database
from hub.migrations import open_database
from registry.store import tables
from registry.store.sql import TABLES

SMALL: Final = 200_000
SAMPLE: Final = 10_000
_DAYS: Final = 14
_MONTH, _DAY = len("202611"), len("20261126")
Report: TypeAlias = dict[str, Any]
"""Plain values, ready for JSON."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of a table, sorted by some of its columns; `estimated` if only a sample was seen."""

    counts: Counter[tuple[Any, ...]]
    estimated: bool

    def by(self, place: int) -> dict[str, int]:
        """Return how many rows have each value of the column at `place`, most of them first."""
        found: Counter[str] = Counter()
        for values, count in self.counts.items():
            found[_short(values[place])] += count
        return dict(found.most_common())


def statistics(url: str, *, exact: bool = False, small: int = SMALL) -> Report:
    """Return what is in a registry's database.

    Parameters
    ----------
    exact
        Whether every row is looked at, however long that takes.
    small
        Rows up to which all of a table are looked at in any case.

    Raises
    ------
    SettingsError, Unavailable
        As `hub.migrations.open_database`.
    """
    database = open_database(url, TABLES)
    try:
        most = float("inf") if exact else small
        return database.read(lambda connection: _Looking(database, connection, most).report())
    finally:
        database.close()


class _Looking:
    """One look at a database; all rows of a table with at most `most` are seen."""

    def __init__(self, database: Database, connection: Connection, most: float) -> None:
        self._dbms, self._connection, self._most = database.dbms, connection, most
        self._totals: dict[str, tuple[int, bool]] = {}
        if self._dbms == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")

    def report(self) -> Report:
        """Return all of it."""
        entry, chosen = tables.document_entry, tables.submission_set
        entries = self._sorted(entry.c.availability_status, entry.c.object_type, entry.c.newest)
        folders = self._sorted(tables.folder.c.availability_status, tables.folder.c.newest)
        links = self._sorted(tables.association.c.type, tables.association.c.availability_status)
        days = self._sorted(func.substr(chosen.c.submission_time, 1, _DAY), of=chosen)
        sets = self._sorted(chosen.c.availability_status)
        return {
            "document_entries": {
                **self._total(entry, entries),
                "by_status": entries.by(0),
                "by_object_type": entries.by(1),
                "older_versions": sum(n for key, n in entries.counts.items() if not key[2]),
            },
            "submission_sets": {**self._total(chosen, sets), "by_status": sets.by(0)},
            "folders": {
                **self._total(tables.folder, folders),
                "by_status": folders.by(0),
                "older_versions": sum(n for key, n in folders.counts.items() if not key[1]),
            },
            "associations": {**self._total(tables.association, links), "by_type": links.by(0)},
            "patients": self._patients(),
            "submissions": _growth(days),
            "storage": self._storage(),
        }

    # --- rows ------------------------------------------------------------------------------------

    def _total(self, table: Table, rows: _Rows) -> Report:
        """Return how many rows there are, and whether that or what they are is an estimate."""
        count, estimated = self._count(table)
        return {"count": count, "estimated": estimated or rows.estimated}

    def _count(self, table: Table) -> tuple[int, bool]:
        """Return how many rows a table has, and whether that is an estimate."""
        if table.name not in self._totals:
            self._totals[table.name] = self._counted(table)
        return self._totals[table.name]

    def _counted(self, table: Table) -> tuple[int, bool]:
        if self._dbms == "postgresql":
            rows, unknown, _, _ = self._kept(table)
            if not unknown and rows > self._most:
                return round(rows), True
        found = self._connection.execute(select(func.count()).select_from(table)).scalar_one()
        return int(found), False

    def _sorted(self, *columns: ColumnElement[Any], of: Table | None = None) -> _Rows:
        """Return the rows of a table by these columns."""
        table = of if of is not None else _table_of(columns)
        total, _ = self._count(table)
        if total <= self._most:
            question = select(*columns, func.count()).select_from(table).group_by(*columns)
            rows = self._connection.execute(question)
            return _Rows(Counter({tuple(row[:-1]): row[-1] for row in rows}), estimated=False)
        sample = Counter(map(tuple, self._connection.execute(self._sampled(table, columns))))
        seen = sample.total() or 1
        scaled = {key: round(count * total / seen) for key, count in sample.items()}
        return _Rows(Counter(scaled), estimated=True)

    def _sampled(self, table: Table, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        """Return the question for these columns of some rows, wherever they lie."""
        total, _ = self._count(table)
        if self._dbms == "postgresql":
            part = table.tablesample(func.system(min(100.0, 100.0 * SAMPLE / max(1, total))))
            of_part = ClauseAdapter(part).traverse
            return select(*map(of_part, columns)).select_from(part)
        rowid: ColumnElement[int] = literal_column("rowid")
        last = self._connection.execute(select(func.max(rowid)).select_from(table)).scalar() or 0
        chosen = random.Random(total).sample(range(1, last + 1), min(SAMPLE, last))  # noqa: S311  # no secret
        return select(*columns).select_from(table).where(rowid.in_(chosen))

    # --- patients --------------------------------------------------------------------------------

    def _patients(self) -> Report:
        """Return how many there are, and how many documents they have."""
        patient, entry = tables.patient, tables.document_entry
        total, rough = self._count(patient)
        entries, _ = self._count(entry)
        estimated = max(total, entries) > self._most
        if estimated:
            of_one = (
                select(func.count())
                .select_from(entry)
                .where(entry.c.patient == patient.c.key)
                .scalar_subquery()
            )
            counts = Counter(self._connection.execute(self._sampled(patient, [of_one])).scalars())
        else:
            each = (
                select(func.count().label("documents"))
                .join_from(entry, patient, patient.c.key == entry.c.patient)
                .group_by(patient.c.current)
                .subquery()
            )
            question = select(each.c.documents, func.count()).group_by(each.c.documents)
            counts = Counter({row[0]: row[1] for row in self._connection.execute(question)})
        counts.pop(0, None)
        merged = self._sorted((patient.c.current != patient.c.key).label("merged"), of=patient)
        return {
            "count": total,
            "estimated": rough,
            "merged": sum(count for key, count in merged.counts.items() if key[0]),
            "documents_each": {**_percentiles(counts), "estimated": estimated},
        }

    # --- storage ---------------------------------------------------------------------------------

    def _kept(self, table: Table) -> tuple[float, bool, int, int]:
        """Return rows as the planner believes, whether it does not know; octets, partitions."""
        found = self._connection.execute(
            text(
                "SELECT coalesce(sum(c.reltuples) FILTER (WHERE c.reltuples >= 0), 0),"
                " coalesce(bool_or(c.reltuples < 0), true),"
                " coalesce(sum(pg_total_relation_size(c.oid)), 0),"
                " count(i.inhrelid)"
                " FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid"
                " WHERE c.relkind = 'r' AND (c.oid = CAST(:name AS regclass)"
                " OR i.inhparent = CAST(:name AS regclass))"
            ),
            {"name": table.name},
        ).one()
        return float(found[0]), bool(found[1]), int(found[2]), int(found[3])

    def _storage(self) -> Report:
        if self._dbms == "sqlite":
            pages = self._connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            size = self._connection.exec_driver_sql("PRAGMA page_size").scalar_one()
            return {"octets": pages * size, "partitions": 0}
        own = {
            each.name: self._kept(each)
            for each in tables.metadata.sorted_tables
            if each is not tables.registration
        }
        octets = {name: kept[2] for name, kept in own.items()}
        return {
            "octets": sum(octets.values()),
            "partitions": own[tables.document_entry.name][3],
            "tables": dict(sorted(octets.items(), key=lambda item: -item[1])),
        }


def _table_of(columns: Sequence[ColumnElement[Any]]) -> Table:
    table = columns[0].table if isinstance(columns[0], Column) else None
    assert isinstance(table, Table), "a column of a table, or `of`"  # noqa: S101  # our own calls
    return table


def _short(value: Any) -> str:
    """Return the last part of a URN; the name of an objectType."""
    found = {"34268e47-fdf5-41a6-ba33-82133c465248": "on-demand"}
    found["7edca82f-054d-47f2-a032-9b2a5b5186c1"] = "stable"
    last = str(value).rpartition(":")[2]
    return found.get(last, last)


def _percentiles(counts: Counter[int]) -> Report:
    """Return percentiles of documents by patient; `counts` is how many patients have how many."""
    values = sorted(counts.items())
    total = counts.total()

    def at(share: float) -> int:
        seen = 0
        for value, count in values:
            seen += count
            if seen >= share * total:
                return value
        return 0

    return {
        "p50": at(0.5),
        "p90": at(0.9),
        "p99": at(0.99),
        "most": values[-1][0] if values else 0,
    }


def _growth(days: _Rows) -> Report:
    """Return when submissions were made, by their submissionTime: by month, and of late by day."""
    by_day = {str(key[0]): count for key, count in days.counts.items() if key[0]}
    months: Counter[str] = Counter()
    for day, count in by_day.items():
        months[day[:_MONTH]] += count
    latest = sorted(day for day in by_day if len(day) == _DAY)[-_DAYS:]
    return {
        "estimated": days.estimated,
        "oldest": min(by_day, default=None),
        "newest": max(by_day, default=None),
        "by_month": dict(sorted(months.items())),
        "by_day": {day: by_day[day] for day in latest},
    }
