"""Make the tables of a database, and bring them up to date: the door to Alembic.

An actor's package holds its migrations (`env.py`, `versions/`), and they go into the wheel. An
embedded database is migrated when its actor starts; a server's by `felles … migrate`, when the
operator wants it, and actors only check that it has been done.

`env.py` does nothing but call `run_migrations`. Several actors may share one database: each keeps
its own table of versions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData

from hub.database import Database, connect, for_dbms
from hub.settings import SettingsError

_LOCK: Final = 0x66656C6C6573
"""Of PostgreSQL's advisory locks: one migration at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What one actor keeps in a database.

    Parameters
    ----------
    what
        Names the database in errors and logs.
    scripts
        Where the migrations are: `package:folder`.
    version_table
        Name of the table that says which version the tables have.
    marks
        Name of the table of commit marks.
    """

    what: str
    scripts: str
    version_table: str
    marks: str


def open_database(url: str, tables: Tables) -> Database:
    """Return the database behind a URL, with an actor's tables in it.

    The tables of an embedded database are made or brought up to date; those of a server must be
    (`migrate_database`).

    Raises
    ------
    SettingsError
        The URL is of no database that can be used, or its tables are not those of this version.
    Unavailable
        The database does not answer.
    """
    database = connect(url, what=tables.what, marks=tables.marks)
    try:
        if database.dbms == "sqlite":
            migrate(database, tables.scripts)
        else:
            check_migrated(database, tables.scripts, tables.version_table)
    except BaseException:
        database.close()
        raise
    return database


def migrate_database(url: str, tables: Tables, **options: Any) -> None:
    """Make an actor's tables in a database, or bring them up to date.

    `options` are those of its migrations. Raises as `open_database` does.
    """
    database = connect(url, what=tables.what)
    try:
        migrate(database, tables.scripts, **options)
    finally:
        database.close()


def migrate(database: Database, scripts: str, **options: Any) -> None:
    """Bring the tables up to date, in one transaction; when they are, do nothing.

    Parameters
    ----------
    scripts
        Where the migrations are: `package:folder`.
    options
        What the migrations can be told; they say which.

    Raises
    ------
    SettingsError
        Its tables were made by a newer version of the hub.
    Unavailable
        The database does not answer.
    """

    def work(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        if database.dbms == "postgresql":
            driver.execute("SET LOCAL statement_timeout = 0")
            driver.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        config = _config(scripts)
        config.attributes.update(connection=connection, database=database, options=options)
        command.upgrade(config, "head")

    database.run(work, marked=False)


def check_migrated(database: Database, scripts: str, version_table: str) -> None:
    """Raise `SettingsError` unless the tables are those of this version of the hub."""

    def current(connection: Connection) -> tuple[str, ...]:
        found = MigrationContext.configure(connection, opts={"version_table": version_table})
        return found.get_current_heads()

    directory = ScriptDirectory.from_config(_config(scripts))
    found, expected = database.read(current), tuple(directory.get_heads())
    _check_known(database, directory, found)
    if found == expected:
        return
    raise SettingsError(
        f"{database.what}: its tables are of version {', '.join(found) or 'none'}, expected"
        f" {', '.join(expected)}; run `felles migrate`"
    )


def run_migrations(metadata: MetaData, version_table: str) -> None:
    """Do what `migrate` was asked for: for an `env.py` to call.

    Parameters
    ----------
    metadata
        The tables as the code knows them.
    version_table
        Name of the table that says which version the tables have.
    """
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=version_table,
        include_object=included(connection),
        transactional_ddl=True,
    )
    _check_known(
        context.config.attributes["database"],
        context.script,
        context.get_context().get_current_heads(),
    )
    context.run_migrations()


def included(connection: Connection) -> Callable[..., bool]:
    """Return the function that tells Alembic which objects a database of this kind has."""
    return lambda item, *_: for_dbms(item, connection.dialect.name)


def _config(scripts: str) -> Config:
    config = Config()
    config.set_main_option("script_location", scripts)
    return config


def _check_known(database: Database, directory: ScriptDirectory, found: tuple[str, ...]) -> None:
    """Refuse tables that a newer version of the hub has made."""
    known = {script.revision for script in directory.walk_revisions()}
    if not known.issuperset(found):
        raise SettingsError(
            f"{database.what}: its tables were made by a newer version of the hub, which must be"
            " used"
        )
