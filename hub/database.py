"""The door to SQL databases, for the actors that have one.

```python
database = connect("postgresql://felles@db/registry", what="the registry's database")
database.run(lambda connection: connection.execute(insert(...)))          # all or nothing
database.read(lambda connection: connection.execute(select(...)).all())   # of one moment
```

`hub.migrations` makes and checks its tables.

**What fails.** A driver's error never leaves: it names tables, statements and values. It becomes
`Unavailable` with a reason for people, or `RefusedStatement`, which is a defect of the hub.

**What is tried again.** A transaction that the server broke off for another one, or whose
connection was found dead, runs again from the start, so that work must do nothing but use its
connection. A server that was restarted is used again as soon as it answers: the pool looks at each
connection that it hands out, which costs a system call and no question to the server. A connection
that turns out to be read-only is thrown away, and the others with it, as they may have been opened
while the database was; what failed is not tried again. Where the server has no room for another
connection, one of the pool's is waited for.

**What is not known.** When the connection breaks between COMMIT and its answer, the work may be
done or not, and guessing is wrong both ways. So on PostgreSQL every transaction ends by inserting
its *mark* into a table: the id of its connection, and its turn on it. When the answer is lost, a
new connection inserts the same mark. Whoever is first decides:

```text
transaction   … INSERT mark, COMMIT ──✂              the mark is there:      it was committed
inquiry               INSERT mark … waits for it ┘   the mark can be made:   it never will be
```

The inquiry waits while the server still works on the transaction; and one that has not come to its
mark yet will fail at it. This holds also after a fail-over to a standby that had not got
everything, where a transaction number (`pg_xact_status`) could mean another transaction.
"""

import itertools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Engine,
    MetaData,
    PoolProxiedConnection,
    Table,
    Uuid,
    event,
    exc,
    func,
    make_url,
)

from hub.dbms import Dbms, Postgresql, Sqlite
from hub.failures import Failure
from hub.ids import new_uuid
from hub.pool import OpenFirst
from hub.settings import SettingsError
from ihe.errors import HubError, OutOfResources, Unavailable

T = TypeVar("T")

ATTEMPTS: Final = 4
"""How often a transaction is tried that the server breaks off."""
SETTLE_S: Final = 20.0
"""Seconds to find out what became of a commit whose answer was lost."""


class RefusedStatement(HubError):
    """The database is well and refused a statement: a defect of the hub, not of the caller."""


class Conflict(HubError):
    """What would have been written is there already, every time that it was tried."""


class _Lost(Exception):
    """A connection broke; nothing was changed."""


def connect(
    url: str,
    *,
    what: str = "the database",
    marks: str | None = None,
    connections: int = 20,
    timeout_s: float = 30.0,
    connect_timeout_s: float = 5.0,
) -> "Database":
    """Return the database behind a URL; nothing is opened before it is first used.

    Parameters
    ----------
    url
        `sqlite:///relative/path`, `sqlite:////absolute/path` or
        `postgresql://user:password@host/name`, with libpq's parameters in its query
        (`sslmode`, `target_session_attrs`, several hosts …) and `prepare=off` for PgBouncer.
    what
        Names it in errors and logs.
    marks
        Name of the actor's table of commit marks (`commit_marks`), for PostgreSQL.
    connections
        How many are open at most.
    timeout_s
        Seconds that a statement may take; on SQLite, that a writer may wait for another.
    connect_timeout_s
        Seconds that connecting, or waiting for a free connection, may take; this also where the
        server refuses to have more of them.

    Raises
    ------
    SettingsError
        The URL is of no database that the hub can use; the message does not repeat it.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        raise SettingsError(f"the URL of {what} cannot be read; {_EXPECTED}") from None
    dbms: Dbms
    match parsed.get_backend_name():
        case "sqlite":
            dbms = Sqlite(busy_timeout_s=timeout_s)
        case "postgresql":
            dbms = Postgresql(statement_timeout_s=timeout_s, connect_timeout_s=connect_timeout_s)
        case other:
            raise SettingsError(f"{what} cannot be of the kind '{other}'; {_EXPECTED}")
    return Database(dbms, dbms.engine(parsed, connections), what=what, marks=marks)


_EXPECTED: Final = "sqlite:///path or postgresql://user:password@host/name is expected"


def commit_marks(metadata: MetaData, name: str) -> Table:
    """Return the table of commit marks of an actor; on PostgreSQL only (`for_dbms`).

    Rows are of no use a little later, and are deleted from time to time.
    """
    return Table(
        name,
        metadata,
        Column("connection", Uuid, primary_key=True),
        Column("turn", BigInteger, primary_key=True, autoincrement=False),
        Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        info={"dbms": "postgresql"},
    )


def for_dbms(item: Any, name: str) -> bool:
    """Tell whether a table belongs on a DBMS: all do, but those whose `info` names another."""
    return item.info.get("dbms", name) == name if isinstance(item, Table) else True


class Database:
    """A database as an actor uses it; safe to use from several threads."""

    def __init__(self, dbms: Dbms, engine: Engine, *, what: str, marks: str | None) -> None:
        self.engine = engine
        self.dbms = dbms.name
        self.what = what
        self._dbms, self._marks = dbms, marks
        self._generation = 0
        self._open: set[int] = set()  # ids of the driver's connections
        event.listen(engine, "connect", self._connected)
        event.listen(engine, "close", self._closed)
        event.listen(engine, "checkout", self._checked_out)

    # --- what actors call ------------------------------------------------------------------------

    def run(
        self, work: Callable[[Connection], T], *, pipeline: bool = False, marked: bool = True
    ) -> T:
        """Run `work` in one transaction and return its result once that is durable.

        Parameters
        ----------
        work
            Does nothing but use its connection, as it may run several times. An exception from it
            undoes everything and passes through.
        pipeline
            Let PostgreSQL get statements without waiting for the results of those before them;
            `work` then uses the driver's cursors and not SQLAlchemy's.
        marked
            Leave a mark, so that a commit cannot stay in doubt; not where the table of marks may
            be missing.

        Raises
        ------
        Unavailable
            The database does not answer, is full or read-only. Nothing was changed, unless the
            reason says that this is not known.
        Conflict
            A uniqueness would be broken.
        RefusedStatement
            The work has a defect.
        """
        marks = self._marks if marked else None
        return self._attempt(lambda: self._write(work, marks, pipeline=pipeline))

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which sees one moment and changes nothing, and return its result.

        Raises what `run` raises.
        """

        def once() -> T:
            with (
                self._taken(self.engine.connect) as connection,
                self._used(connection.connection) as driver,
            ):
                self._dbms.begin_read(driver)
                result = work(connection)
                self._dbms.commit(driver)
                return result

        return self._attempt(once)

    @contextmanager
    def snapshot(self) -> Iterator[Any]:
        """Open a view of this moment: gives the driver's connection, to ask with its cursors.

        Raises what `run` raises; a connection that turns out to be dead when the view is opened
        is replaced.
        """
        pooled = self._attempt(self._open_snapshot)
        try:
            with self._used(pooled) as driver:
                yield driver
                self._dbms.commit(driver)
        except Exception as error:  # passes on unless it is the driver's
            if (failure := self._failure(error)) is None:
                raise
            raise self._meaning(failure, error) from None
        finally:
            pooled.close()

    def ask(self, question: Callable[[Any], T]) -> T:
        """Ask one statement with the driver's cursors, without the cost of a transaction.

        Raises what `run` raises.
        """

        def once() -> T:
            pooled = self._taken(self.engine.raw_connection)
            try:
                with self._used(pooled) as driver:
                    return question(driver)
            finally:
                pooled.close()

        return self._attempt(once)

    def ready(self) -> None:
        """Return when the database answers, and takes changes as far as one question can tell.

        Raises
        ------
        Unavailable
            It does not, or PostgreSQL is read-only.
        """
        self.ask(self._dbms.check)

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        self.engine.dispose()

    # --- connections -----------------------------------------------------------------------------

    def _connected(self, driver: object, record: Any) -> None:
        self._open.add(id(driver))
        record.info.update(
            generation=self._generation, mark=new_uuid().removeprefix("urn:uuid:"), turn=0
        )

    def _closed(self, driver: object, _record: object) -> None:
        self._open.discard(id(driver))

    def _checked_out(self, driver: Any, record: Any, _proxy: object) -> None:
        """Refuse a connection that is known to be dead, so that the pool makes another."""
        if record.info["generation"] != self._generation or not self._dbms.alive(driver):
            raise exc.DisconnectionError

    def _taken(self, take: Callable[[], T]) -> T:
        """Take a connection from the pool; if the server is crowded, wait for one to come free.

        Nothing was begun on the connection that could not be opened.
        """
        pool = self.engine.pool
        if not isinstance(pool, OpenFirst):
            return take()
        until = time.monotonic() + pool.timeout()
        while True:
            try:
                return take()
            except Exception as error:
                failure = self._failure(error)
                left = until - time.monotonic()
                if not (failure and failure.crowded and self._open and left > 0):
                    raise
            pool.wait_for_free(left)

    def _open_snapshot(self) -> PoolProxiedConnection:
        pooled = self._taken(self.engine.raw_connection)
        try:
            with self._used(pooled) as driver:
                self._dbms.begin_read(driver)
        except BaseException:
            pooled.close()
            raise
        return pooled

    @contextmanager
    def _used(self, pooled: PoolProxiedConnection) -> Iterator[Any]:
        """Give the driver's connection; after an error, leave nothing open on it.

        Raises
        ------
        _Lost
            Instead of the driver's error, when the connection is gone.
        """
        driver: Any = pooled.driver_connection
        try:
            yield driver
        except BaseException as error:
            if not self._dbms.lost(driver):
                if self._is_stale(error):
                    self._generation += 1
                    _let_go(pooled)
                else:
                    self._roll_back(pooled, driver)
                raise
            self._generation += 1  # the others in the pool have met the same fate, most likely
            _let_go(pooled)
            if isinstance(error, Exception) and self._failure(error) is not None:
                raise _Lost from None
            raise

    def _is_stale(self, error: BaseException) -> bool:
        failure = self._failure(error) if isinstance(error, Exception) else None
        return failure is not None and failure.stale

    def _roll_back(self, pooled: PoolProxiedConnection, driver: Any) -> None:
        try:
            driver.rollback()
        except Exception as error:  # a connection that cannot even do that is thrown away
            if self._dbms.failure(error) is None:
                raise
            _let_go(pooled)

    # --- transactions ----------------------------------------------------------------------------

    def _write(self, work: Callable[[Connection], T], marks: str | None, *, pipeline: bool) -> T:
        with self._dbms.writing(), self._taken(self.engine.connect) as connection:
            pooled = connection.connection
            mark, turn = pooled.info["mark"], pooled.info["turn"] + 1
            done: list[T] = []  # the result, once COMMIT is on its way
            try:
                with self._used(pooled) as driver:
                    with self._dbms.pipeline(driver) if pipeline else nullcontext():
                        self._dbms.begin_write(driver)
                        result = work(connection)
                        if marks:
                            self._dbms.mark(driver, marks, mark, turn)
                        done.append(result)
                        commit = self._dbms.commit(driver)
                    if not self._dbms.committed(commit):
                        raise RefusedStatement(f"{self.what}: an error was passed over")
                    pooled.info["turn"] = turn
            except _Lost:
                if not done or not self._was_committed(marks, mark, turn):
                    raise
            return done[0]

    def _was_committed(self, marks: str | None, mark: str, turn: int) -> bool:
        """Find out what became of a commit whose answer was lost."""
        until = time.monotonic() + SETTLE_S
        while marks:
            try:
                return self.ask(lambda driver: self._dbms.is_marked(driver, marks, mark, turn))
            except Unavailable:
                if time.monotonic() > until:
                    break
                time.sleep(_PAUSE_S)
        raise Unavailable(self.what, "it is not known whether the last change was made")

    # --- failures --------------------------------------------------------------------------------

    def _attempt(self, once: Callable[[], T]) -> T:
        for attempt in itertools.count(1):
            try:
                return once()
            except Exception as error:  # as above
                failure = self._failure(error)
                if failure is None:
                    raise
                if attempt == ATTEMPTS or not (failure.again or failure.conflict):
                    raise self._meaning(failure, error) from None
            time.sleep(random.uniform(0, _PAUSE_S * attempt))  # noqa: S311  # so that two do not meet again
        raise AssertionError  # counting does not end

    def _failure(self, error: Exception) -> Failure | None:
        """Return what an error means; None when it has nothing to do with the database."""
        match error:
            case _Lost():
                return Failure("the connection broke", again=True)
            case exc.TimeoutError():
                return Failure("all connections to it are in use")
            case exc.DBAPIError(orig=Exception() as original):
                return self._dbms.failure(original)
            case exc.SQLAlchemyError():
                return Failure()
            case _:
                return self._dbms.failure(error)

    def _meaning(self, failure: Failure, error: Exception) -> HubError:
        """Return what is raised for an error of the database."""
        if failure.conflict:
            return Conflict(f"{self.what}: what was to be written is there already")
        if failure.reason:
            kind = OutOfResources if failure.full else Unavailable
            return kind(self.what, failure.reason)
        original = getattr(error, "orig", None) or error
        code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", "")
        return RefusedStatement(f"{self.what}: {type(original).__name__} {code}".rstrip())


_PAUSE_S: Final = 0.1


def _let_go(pooled: PoolProxiedConnection) -> None:
    """Close a connection that is of no more use, so that the pool makes another in its place."""
    if pooled.is_valid:
        pooled.invalidate()
