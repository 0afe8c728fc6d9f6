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
from hub.migrations import check_migrated, migrate
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


def open_store(url: str) -> "SqlStore":
    """Return the store behind a database URL (`hub.database.connect`).

    The tables of an embedded database are made or brought up to date; those of a server must be
    (`migrate_store`).

    Raises
    ------
    SettingsError
        The URL is of no database that can be used.
    Unavailable
        The database does not answer, or its tables are not those of this version.
    """
    database = connect(url, what="the registry's database", marks=marks.name)
    try:
        if database.dbms == "sqlite":
            migrate(database, SCRIPTS)
        else:
            check_migrated(database, SCRIPTS, VERSION_TABLE)
    except BaseException:
        database.close()
        raise
    return SqlStore(database)


def migrate_store(url: str, *, partitions: int = 0) -> None:
    """Make the tables of a database, or bring them up to date.

    Parameters
    ----------
    partitions
        Into how many parts the hash of the patient splits the objects when their tables are made:
        for PostgreSQL with hundreds of millions of them; 0 leaves the tables whole.

    Raises
    ------
    Unavailable
        The database does not answer, or a newer version of the hub made its tables.
    """
    database = connect(url, what="the registry's database")
    try:
        migrate(database, SCRIPTS, partitions=partitions)
    finally:
        database.close()


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
