"""What is different about SQLite and PostgreSQL, as far as connections and failures go.

Both drivers run in autocommit mode, and the hub says BEGIN and COMMIT itself: Python's `sqlite3`
would begin transactions when it thinks best, and too late for a writer; psycopg would wait for an
answer to its own BEGIN.

| | SQLite | PostgreSQL |
|---|---|---|
| a reader begins | BEGIN, and a first look | REPEATABLE READ READ ONLY, and a first look |
| a writer begins | BEGIN IMMEDIATE: one at a time | READ COMMITTED, and the locks it asks for |
| a commit is durable | WAL, synchronous=FULL | as the server is told (fsync, synchronous_commit) |
"""

import os
import select
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

import psycopg
from psycopg.types.numeric import Int8Dumper
from sqlalchemy import URL, Engine, create_engine, event

from hub.failures import Failure, postgresql_failure
from hub.pool import OpenFirst
from hub.settings import SettingsError

SQLITE_AT_LEAST: Final = (3, 38)
"""Built with JSON functions, which the stores use."""


class Dbms(Protocol):
    """A database management system, as `hub.database` needs it."""

    name: str

    def engine(self, url: URL, connections: int) -> Engine:
        """Return the engine of a database; it connects when it is first used."""
        ...

    def begin_read(self, driver: Any) -> None:
        """Begin to read what there is at this moment, and nothing later."""
        ...

    def begin_write(self, driver: Any) -> None:
        """Begin to write; what others have committed in the meantime is seen."""
        ...

    def commit(self, driver: Any) -> Any:
        """Say COMMIT, and return the cursor of it."""
        ...

    def committed(self, commit: Any) -> bool:
        """Tell by the cursor of a COMMIT whether it did that, and not undo everything."""
        ...

    def mark(self, driver: Any, marks: str, connection: str, turn: int) -> None:
        """Insert the mark of a transaction, where commits can be in doubt."""
        ...

    def is_marked(self, driver: Any, marks: str, connection: str, turn: int) -> bool:
        """Tell whether the transaction of a mark was committed; if not, it never will be."""
        ...

    def writing(self) -> AbstractContextManager[object]:
        """Wait for this process's turn to write, where only one can."""
        ...

    def pipeline(self, driver: Any) -> AbstractContextManager[object]:
        """Let statements be sent without waiting for the results of those before them."""
        ...

    def alive(self, driver: Any) -> bool:
        """Tell without asking the server whether a connection that nobody uses still stands."""
        ...

    def lost(self, driver: Any) -> bool:
        """Tell after an error whether the connection is gone."""
        ...

    def check(self, driver: Any) -> None:
        """Ask the server whether it is there; raise the driver's error if it takes no changes."""
        ...

    def failure(self, error: Exception) -> Failure | None:
        """Return what an error of the driver means; None when it is not one."""
        ...


# --- SQLite --------------------------------------------------------------------------------------


class Sqlite:
    """SQLite, embedded: a file, many readers and one writer."""

    name = "sqlite"

    def __init__(self, busy_timeout_s: float) -> None:
        self._busy_timeout_s = busy_timeout_s
        self._lock = Lock()

    def engine(self, url: URL, connections: int) -> Engine:
        """Return the engine; its first use makes the file and its folder."""
        if not url.database or url.database == ":memory:":
            raise SettingsError("a database in a file is needed: sqlite:///path")
        if sqlite3.sqlite_version_info < SQLITE_AT_LEAST:
            raise SettingsError(
                f"SQLite {sqlite3.sqlite_version} is too old: "
                f"{'.'.join(map(str, SQLITE_AT_LEAST))} is needed"
            )
        path = Path(url.database)
        engine = create_engine(
            url.set(drivername="sqlite+pysqlite"),
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=False,  # what ends a transaction that was left open
            pool_size=connections,
            max_overflow=0,
            pool_timeout=self._busy_timeout_s,
            pool_use_lifo=True,
            hide_parameters=True,
            connect_args={"timeout": self._busy_timeout_s, "cached_statements": 256},
        )
        event.listen(engine, "do_connect", lambda *_: _private_file(path))
        event.listen(engine, "connect", _set_up_sqlite)
        return engine

    def begin_read(self, driver: sqlite3.Connection) -> None:
        """Begin a snapshot."""
        driver.execute("BEGIN")
        driver.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()  # the snapshot is made now

    def begin_write(self, driver: sqlite3.Connection) -> None:
        """Begin as the only writer."""
        driver.execute("BEGIN IMMEDIATE")

    def commit(self, driver: sqlite3.Connection) -> sqlite3.Cursor:
        """Write what is still to be written."""
        return driver.execute("COMMIT")

    def committed(self, _commit: sqlite3.Cursor) -> bool:
        """Return true: SQLite says so when it cannot."""
        return True

    def mark(self, _driver: sqlite3.Connection, _marks: str, _connection: str, _turn: int) -> None:
        """Do nothing: a COMMIT in the same process always answers."""

    def is_marked(
        self, _driver: sqlite3.Connection, _marks: str, _connection: str, _turn: int
    ) -> bool:
        """Return false: it is never asked."""
        return False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Let this process's writers queue: SQLite would have them poll for the file's lock."""
        if not self._lock.acquire(timeout=self._busy_timeout_s):
            raise _Refused("the queue of writers does not move")
        try:
            yield
        finally:
            self._lock.release()

    def pipeline(self, _driver: sqlite3.Connection) -> AbstractContextManager[None]:
        """Do nothing: SQLite answers at once."""
        return nullcontext()

    def alive(self, _driver: sqlite3.Connection) -> bool:
        """Return true: a file is always there."""
        return True

    def lost(self, _driver: sqlite3.Connection) -> bool:
        """Return false."""
        return False

    def check(self, driver: sqlite3.Connection) -> None:
        """Read the file; whether it can be written only a writer would find out, in the queue."""
        driver.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()

    def failure(self, error: Exception) -> Failure | None:
        """Return what an error code of SQLite means."""
        if not isinstance(error, sqlite3.Error):
            return None
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith("SQLITE_CONSTRAINT"):
            return Failure(conflict=True)
        for prefix, reason in _SQLITE_REASONS.items():
            if name.startswith(prefix):
                # SQLite opens a file that it may not write for reading, and that stays so
                stale = prefix == "SQLITE_READONLY"
                full = prefix in {"SQLITE_FULL", "SQLITE_NOMEM"}
                return Failure(reason, full=full, stale=stale)
        return Failure(str(error) if isinstance(error, _Refused) else "")


_CACHE_KIB: Final = 16 * 1024

_SQLITE_REASONS: Final[Mapping[str, str]] = {
    "SQLITE_FULL": "its disk is full",
    "SQLITE_IOERR": "its file cannot be read or written",
    "SQLITE_READONLY": "it is read-only",
    "SQLITE_BUSY": "another process is writing to it",
    "SQLITE_LOCKED": "it is locked",
    "SQLITE_CANTOPEN": "its file cannot be opened",
    "SQLITE_PERM": "its file may not be opened",
    "SQLITE_AUTH": "its file may not be opened",
    "SQLITE_CORRUPT": "its file is damaged",
    "SQLITE_NOTADB": "its file is not a database",
    "SQLITE_NOMEM": "out of memory",
}


class _Refused(sqlite3.OperationalError):
    """Something that SQLite itself would not complain about; the text is for people."""


def _set_up_sqlite(driver: sqlite3.Connection, _record: object) -> None:
    driver.execute("PRAGMA page_size = 8192")  # of a new file only
    (mode,) = driver.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise _Refused("no write-ahead log on this file system")
    driver.execute("PRAGMA synchronous = FULL")
    driver.execute("PRAGMA foreign_keys = ON")
    driver.execute("PRAGMA temp_store = MEMORY")
    driver.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


def _private_file(path: Path) -> None:
    """Make the file and its folder, for nobody else to read; the log beside it follows suit."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as problem:
        raise _Refused(f"its file cannot be made: {problem.strerror}") from None


# --- PostgreSQL ----------------------------------------------------------------------------------


class Postgresql:
    """PostgreSQL by psycopg 3.

    With `prepare=off` in the query of the URL, for a pooler that shares server connections by
    transaction (PgBouncer), nothing is prepared and no setting is made for the session: set
    `statement_timeout` for the role then.
    """

    name = "postgresql"

    def __init__(self, statement_timeout_s: float, connect_timeout_s: float) -> None:
        self._statement_timeout_s = statement_timeout_s
        self._connect_timeout_s = connect_timeout_s

    def engine(self, url: URL, connections: int) -> Engine:
        """Return the engine; see `hub.database.connect` for the URL."""
        prepare = url.query.get("prepare", "on")
        if prepare not in ("on", "off"):
            raise SettingsError(f"prepare={prepare} in the database URL: on or off is expected")
        arguments: dict[str, Any] = {
            "application_name": "felles",
            "connect_timeout": max(1, round(self._connect_timeout_s)),
            # a network that swallows packets is noticed as well
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": round(self._statement_timeout_s * 1000),
            **{name: value for name, value in url.query.items() if name != "prepare"},
        }
        if prepare == "on":
            milliseconds = round(self._statement_timeout_s * 1000)
            arguments["options"] = (
                f"{arguments.get('options', '')} -c statement_timeout={milliseconds}"
                f" -c idle_in_transaction_session_timeout={2 * milliseconds}"
            ).strip()
        else:
            arguments["prepare_threshold"] = None
        engine = create_engine(
            url.set(drivername="postgresql+psycopg", query={}),
            isolation_level="AUTOCOMMIT",
            poolclass=OpenFirst,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=self._connect_timeout_s,
            pool_use_lifo=True,
            hide_parameters=True,
            use_native_hstore=False,
            connect_args=arguments,
        )
        event.listen(engine, "connect", _set_up_postgresql)
        return engine

    def begin_read(self, driver: psycopg.Connection) -> None:
        """Begin a snapshot."""
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1"
        driver.execute(begin, prepare=False)

    def begin_write(self, driver: psycopg.Connection) -> None:
        """Begin to write."""
        # a stricter level would show a transaction what was there before it waited for its locks
        driver.execute("BEGIN ISOLATION LEVEL READ COMMITTED", prepare=False)

    def commit(self, driver: psycopg.Connection) -> psycopg.Cursor:
        """Say COMMIT; also after reading, as psycopg forgets what is prepared on ROLLBACK."""
        return driver.execute("COMMIT", prepare=False)

    def committed(self, commit: psycopg.Cursor) -> bool:
        """Tell COMMIT from the ROLLBACK that PostgreSQL makes of it after an error."""
        return commit.statusmessage == "COMMIT"

    def mark(self, driver: psycopg.Connection, marks: str, connection: str, turn: int) -> None:
        """Insert the mark; now and then, clear away those that nobody will ask for."""
        if turn % _MARKS_KEPT == 0:
            psycopg.RawCursor(driver).execute(
                f"DELETE FROM {marks} WHERE connection = $1::uuid AND turn < $2"  # noqa: S608  # a table's name, from code
                " OR at < now() - interval '1 day'",
                (connection, turn),
            )
        self._insert_mark(driver, marks, connection, turn)

    def is_marked(self, driver: psycopg.Connection, marks: str, connection: str, turn: int) -> bool:
        """Insert the mark in the transaction's place; a conflict tells that it was committed."""
        try:
            self._insert_mark(driver, marks, connection, turn)
        except psycopg.errors.UniqueViolation:
            return True
        return False

    @staticmethod
    def _insert_mark(driver: psycopg.Connection, marks: str, connection: str, turn: int) -> None:
        psycopg.RawCursor(driver).execute(
            f"INSERT INTO {marks} (connection, turn) VALUES ($1::uuid, $2)",  # noqa: S608  # as above
            (connection, turn),
        )

    def writing(self) -> AbstractContextManager[None]:
        """Let everybody write."""
        return nullcontext()

    def pipeline(self, driver: psycopg.Connection) -> AbstractContextManager[object]:
        """Enter the pipeline mode of the protocol."""
        return driver.pipeline()

    def alive(self, driver: psycopg.Connection) -> bool:
        """Tell whether the server has closed its end."""
        if driver.closed:
            return False
        # A server that went away has closed its end, which makes an idle connection readable.
        poll = select.poll()
        poll.register(driver.fileno(), select.POLLIN)
        return not poll.poll(0)

    def lost(self, driver: psycopg.Connection) -> bool:
        """Tell whether the connection is closed."""
        return driver.closed

    def check(self, driver: psycopg.Connection) -> None:
        """Ask what a writer would meet: a standby, or a default that the session was born with."""
        answer = driver.execute("SHOW transaction_read_only", prepare=False).fetchone()
        if answer == ("on",):
            raise psycopg.errors.ReadOnlySqlTransaction

    def failure(self, error: Exception) -> Failure | None:
        """Return what an SQLSTATE means."""
        return postgresql_failure(error)


def _set_up_postgresql(driver: psycopg.Connection, _record: object) -> None:
    # one type for all whole numbers: psycopg would prepare a statement for each size of them
    driver.adapters.register_dumper(int, Int8Dumper)


_MARKS_KEPT: Final = 256
"""How many a connection leaves before it clears them away."""
