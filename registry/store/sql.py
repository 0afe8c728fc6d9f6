"""The registry's store in SQLite or PostgreSQL.

```text
sql        the store: opens, reads, writes
reading    State: finds objects and patients          writing     Writer: registers and changes
conditions a question as one statement                statements  what needs no question
mapping    objects as rows, rows as records           dialects    what the two DBMS say differently
tables     where it all lies, and why                 migrations  how the tables came to be
```
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

from sqlalchemy import Connection

from hub.database import Conflict, Database, connect
from hub.migrations import Tables, migrate_database, open_database
from hub.settings import SettingsError
from ihe.ebxml.rendering import template
from ihe.model import RegistryObject
from ihe.state import Condition, Kind, Record, State
from registry.store.dialects import dialect
from registry.store.port import Writer
from registry.store.reading import View
from registry.store.tables import marks
from registry.store.writing import Transaction

T = TypeVar("T")

SCRIPTS: Final = "registry.store:migrations"
VERSION_TABLE: Final = "registry_version"
TABLES: Final = Tables(
    what="the registry's database",
    scripts=SCRIPTS,
    version_table=VERSION_TABLE,
    marks=marks.name,
)


def open_store(url: str) -> "SqlStore":
    """Return the store behind a database URL; see `hub.migrations.open_database`."""
    return SqlStore(open_database(url, TABLES))


def migrate_store(url: str, *, partitions: int = 0) -> None:
    """Make the tables of a database, or bring them up to date.

    Parameters
    ----------
    partitions
        Into how many parts the hash of the patient splits the objects when their tables are made:
        for PostgreSQL with hundreds of millions of them; 0 leaves the tables as they are, or whole.

    Raises
    ------
    SettingsError
        As `hub.migrations.migrate_database`; or the tables are there already, and split otherwise.
    Unavailable
        The database does not answer.
    """
    if partitions:
        _check_partitions(url, partitions)
    migrate_database(url, TABLES, partitions=partitions)


def _check_partitions(url: str, wanted: int) -> None:
    """Refuse what a migration cannot do: split tables that are there already."""
    database = connect(url, what=TABLES.what)
    try:
        if database.dbms != "postgresql":
            raise SettingsError("--partitions is for PostgreSQL; SQLite keeps its tables whole")
        rows = database.ask(
            lambda driver: driver.execute(
                "SELECT count(i.inhrelid) FROM pg_class c LEFT JOIN pg_inherits i"
                " ON i.inhparent = c.oid WHERE c.oid = to_regclass('document_entry')"
                " GROUP BY c.oid"
            ).fetchall()
        )
    finally:
        database.close()
    for (found,) in rows:
        if found != wanted:
            state = f"split into {found} parts" if found else "whole"
            raise SettingsError(
                f"--partitions: the registry's tables are there already, and {state}; they are"
                " split when they are made: load them into a new database to change that"
            )


class SqlStore:
    """The registry's store in a database.

    Parameters
    ----------
    database
        With the tables of `registry.store.tables`.
    render
        Makes the template of an object (`ihe.state.Record.template`).
    """

    def __init__(
        self, database: Database, render: Callable[[RegistryObject], bytes] = template
    ) -> None:
        self._database, self._render = database, render
        self._dialect = dialect(database.dbms)

    @contextmanager
    def read(self) -> Iterator[State]:
        """Open a view of this moment."""
        with self._database.snapshot() as driver:
            yield View(driver, self._dialect)

    def find(self, kind: Kind, conditions: Sequence[Condition]) -> list[Record]:
        """Answer one question; on PostgreSQL it goes one way to the server and back, not three."""
        return self._database.ask(lambda driver: View(driver, self._dialect).find(kind, conditions))

    def write(self, work: Callable[[Writer], T]) -> T:
        """Run `work` in one transaction."""

        def within(connection: Connection) -> T:
            driver = connection.connection.driver_connection
            return work(Transaction(driver, self._dialect, self._render))

        try:
            return self._database.run(within, pipeline=True)
        except Conflict:
            raise ValueError("an entryUUID, version or uniqueId is registered already") from None

    def ready(self) -> None:
        """Return when the database answers."""
        self._database.ready()

    def close(self) -> None:
        """Close the connections."""
        self._database.close()
