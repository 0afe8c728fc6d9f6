"""The stores that the machine works on, emptied before each run of it."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg

from registry.store.memory import MemoryStore
from registry.store.port import Store
from registry.store.sql import migrate_store, open_store
from registry.store.tables import marks, metadata

_KEPT = {"registration", marks.name}  # how many there were, and marks of transactions
_TABLES = [each.name for each in metadata.sorted_tables if each.name not in _KEPT]


@contextlib.contextmanager
def engines(folder: Path, postgres: str | None) -> Iterator[Callable[[], Mapping[str, Store]]]:
    """Open stores in memory, in SQLite and, with the URL of a database, in PostgreSQL.

    What is given empties them and returns them by name.
    """
    path = folder / "model.sqlite"
    with contextlib.ExitStack() as stack:
        sqlite = open_store(f"sqlite:///{path}")
        stack.callback(sqlite.close)
        stores: dict[str, Store] = {"SQLite": sqlite}
        if postgres is not None:
            migrate_store(postgres)
            stores["PostgreSQL"] = open_store(postgres)
            stack.callback(stores["PostgreSQL"].close)

        def emptied() -> Mapping[str, Store]:
            with contextlib.closing(sqlite3.connect(path)) as connection, connection:
                for table in _TABLES:
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608  # our own names
            if postgres is not None:
                with psycopg.connect(postgres, autocommit=True) as server:
                    server.execute(f"TRUNCATE {', '.join(_TABLES)}")  # as above
            return {**stores, "memory": MemoryStore()}

        yield emptied
