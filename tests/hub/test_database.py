"""The door to databases: transactions, failures, and coming back from them."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    insert,
    make_url,
    select,
    text,
)

from hub.database import Conflict, Database, RefusedStatement, commit_marks, connect, for_dbms
from hub.pool import OpenFirst
from ihe.errors import Unavailable
from tests.databases import PostgresServer
from tests.hub.cutting import Cut, cutting_proxy

METADATA = MetaData()
MARKS = commit_marks(METADATA, "test_commit_mark")
NOTE = Table("note", METADATA, Column("id", Integer, primary_key=True), Column("text", Text))


def create(database: Database) -> Database:
    def work(connection: Connection) -> None:
        tables = [table for table in METADATA.sorted_tables if for_dbms(table, database.dbms)]
        METADATA.create_all(connection, tables)

    database.run(work, marked=False)
    return database


def write(number: int, words: str = "") -> Callable[[Connection], Any]:
    return lambda connection: connection.execute(insert(NOTE).values(id=number, text=words))


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(NOTE)).scalar_one()


def say(statement: str) -> Callable[[Connection], Any]:
    return lambda connection: connection.exec_driver_sql(statement)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    database = create(connect(f"sqlite:///{tmp_path}/notes.sqlite", what="the notes", timeout_s=5))
    yield database
    database.close()


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def postgresql(url: str) -> Iterator[Database]:
    database = create(connect(url, what="the notes", marks=MARKS.name, timeout_s=5))
    yield database
    database.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


# --- connecting ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://felles:secret@host/name", "cannot be of the kind 'mysql'"),
        ("no url with secret", "cannot be read"),
        ("sqlite://", "a database in a file is needed"),
        ("sqlite:///:memory:", "a database in a file is needed"),
        ("postgresql://felles:secret@host/name?prepare=maybe", "prepare=maybe"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_and_not_repeated(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        connect(url)
    assert "secret" not in str(refused.value)


def test_sqlite_is_durable_and_private(sqlite: Database) -> None:
    def pragma(name: str) -> Any:
        return sqlite.read(lambda c: c.exec_driver_sql(f"PRAGMA {name}").scalar())

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2  # FULL
    assert pragma("foreign_keys") == 1
    assert pragma("busy_timeout") == 5000
    file = Path(str(sqlite.engine.url.database))
    for suffix in ("", "-wal", "-shm"):
        assert file.with_name(file.name + suffix).stat().st_mode & 0o077 == 0


@pytest.mark.postgres
def test_statements_and_idle_transactions_end_some_time(postgresql: Database) -> None:
    def setting(name: str) -> Any:
        return postgresql.read(lambda c: c.exec_driver_sql(f"SHOW {name}").scalar())

    assert setting("statement_timeout") == "5s"
    assert setting("idle_in_transaction_session_timeout") == "10s"


@pytest.mark.postgres
def test_behind_a_pooler_nothing_is_prepared(url: str) -> None:
    separator = "&" if "?" in url else "?"
    database = create(connect(f"{url}{separator}prepare=off", marks=MARKS.name))
    for number in range(20):
        database.run(write(number))
        assert database.read(count) == number + 1
    prepared = text("SELECT count(*) FROM pg_prepared_statements")
    assert database.read(lambda c: c.execute(prepared).scalar()) == 0
    database.close()


# --- transactions --------------------------------------------------------------------------------


def test_what_was_run_is_there_for_others(database: Database) -> None:
    assert database.run(lambda c: [write(1)(c), "done"][1]) == "done"
    assert database.read(count) == 1


def test_an_exception_undoes_everything_and_passes_through(database: Database) -> None:
    def work(connection: Connection) -> None:
        write(1)(connection)
        raise KeyError("no")

    with pytest.raises(KeyError, match="no") as passed:
        database.run(work)
    assert not passed.value.__suppress_context__
    assert database.read(count) == 0
    database.run(write(1))


def test_a_reader_sees_one_moment(database: Database) -> None:
    def work(connection: Connection) -> tuple[int, int]:
        before = count(connection)
        database.run(write(1))
        return before, count(connection)

    assert database.read(work) == (0, 0)
    assert database.read(count) == 1


def test_a_snapshot_is_of_the_moment_when_it_was_opened(database: Database) -> None:
    with database.snapshot() as driver:
        database.run(write(1))
        assert driver.execute("SELECT count(*) FROM note").fetchall() == [(0,)]
    assert database.ask(lambda d: d.execute("SELECT count(*) FROM note").fetchall()) == [(1,)]


def test_an_exception_in_a_snapshot_passes_through(database: Database) -> None:
    with pytest.raises(KeyError, match="no"), database.snapshot():
        raise KeyError("no")
    with pytest.raises(RefusedStatement), database.snapshot() as driver:
        driver.execute("SELECT nothing FROM nowhere WHERE true = ")
    database.ready()


@pytest.mark.postgres
def test_a_reader_cannot_write(postgresql: Database) -> None:
    with pytest.raises(Unavailable, match="read-only"):
        postgresql.read(write(1))


def test_writers_do_not_disturb_each_other(database: Database) -> None:
    def add(_: int) -> None:
        def work(connection: Connection) -> None:
            if database.dbms == "postgresql":
                connection.exec_driver_sql("LOCK TABLE note")
            write(count(connection))(connection)

        database.run(work)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert database.read(count) == 40


@pytest.mark.postgres
def test_a_deadlock_is_tried_again(postgresql: Database) -> None:
    postgresql.run(lambda c: [write(1)(c), write(2)(c)])
    both = threading.Barrier(2)
    runs: list[int] = []

    def update(first: int, second: int) -> None:
        def work(connection: Connection) -> None:
            runs.append(first)
            for number in (first, second):
                connection.execute(NOTE.update().where(NOTE.c.id == number).values(text="x"))
                if len(runs) <= 2 and number == first:
                    both.wait(10)

        postgresql.run(work)

    with ThreadPoolExecutor(2) as pool:
        for each in (pool.submit(update, 1, 2), pool.submit(update, 2, 1)):
            each.result()
    assert len(runs) == 3  # one of them was broken off, and ran again


@pytest.mark.postgres
def test_statements_in_a_pipeline_are_one_transaction(postgresql: Database) -> None:
    def work(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        for number in range(3):
            driver.cursor().execute("INSERT INTO note VALUES (%s)", (number,))

    postgresql.run(work, pipeline=True)
    with pytest.raises(Conflict):
        postgresql.run(work, pipeline=True)
    assert postgresql.read(count) == 3


# --- failures ------------------------------------------------------------------------------------


def test_a_broken_uniqueness_is_a_conflict(database: Database) -> None:
    database.run(write(1, "secret"))
    with pytest.raises(Conflict) as conflict:
        database.run(write(1, "secret"))
    _tells_nothing(conflict.value)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT secret FROM nowhere, secret",
        "SELEC 'secret'",
        "INSERT INTO note VALUES (NULL, 'secret', 1)",
    ],
)
def test_a_defective_statement_is_told_without_its_text(database: Database, statement: str) -> None:
    with pytest.raises((RefusedStatement, Unavailable)) as refused:
        database.run(say(statement))
    _tells_nothing(refused.value)
    assert database.read(count) == 0


def _tells_nothing(error: BaseException) -> None:
    assert "secret" not in f"{error} {error!r} {error.args}"
    assert "note" not in str(error).replace("the notes", "")
    assert error.__suppress_context__, "a traceback would show the driver's message"


@pytest.mark.postgres
def test_an_error_that_the_work_hides_does_not_become_success(postgresql: Database) -> None:
    def work(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("INSERT INTO note VALUES (1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            driver.execute("INSERT INTO note VALUES (1)")

    with pytest.raises(RefusedStatement):
        postgresql.run(work)
    with pytest.raises(RefusedStatement):
        postgresql.run(work, marked=False)
    assert postgresql.read(count) == 0


def test_a_connection_is_not_waited_for_without_end(database: Database, tmp_path: Path) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    query = "" if database.dbms == "sqlite" else f"?host={_host(database)}"
    few = connect(url + query, connections=1, connect_timeout_s=0.2, timeout_s=0.2)
    with few.snapshot(), pytest.raises(Unavailable, match="all connections to it are in use"):
        few.ready()
    few.ready()
    few.close()


def _host(database: Database) -> str:
    return database.ask(lambda driver: str(driver.info.host))


# --- what a disk or another process does to SQLite -----------------------------------------------


def test_a_full_disk_is_told_and_survived(sqlite: Database) -> None:
    sqlite.run(write(1))

    def fill(connection: Connection) -> None:
        say("PRAGMA max_page_count = 20")(connection)
        write(2, "x" * 1_000_000)(connection)

    with pytest.raises(Unavailable, match="its disk is full"):
        sqlite.run(fill)
    sqlite.run(lambda c: [say("PRAGMA max_page_count = 1000000")(c), write(2)(c)])
    assert sqlite.read(count) == 2


def test_a_read_only_file_is_told_and_survived(sqlite: Database) -> None:
    with pytest.raises(Unavailable, match="it is read-only"):
        sqlite.run(lambda c: [say("PRAGMA query_only = 1")(c), write(1)(c)])
    sqlite.read(say("PRAGMA query_only = 0"))
    sqlite.run(write(1))


def test_another_process_that_writes_is_waited_for_and_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    database = create(connect(f"sqlite:///{path}", what="the notes", timeout_s=0.2))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="another process is writing"):
        database.run(write(1))
    assert database.read(count) == 0  # readers are not disturbed
    other.execute("COMMIT")
    other.close()
    database.run(write(1))
    database.close()


def test_writers_of_one_process_queue(tmp_path: Path) -> None:
    database = create(connect(f"sqlite:///{tmp_path}/notes.sqlite", timeout_s=0.2))
    inside, leave = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        inside.set()
        leave.wait(10)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(database.run, slow)
        inside.wait(10)
        with pytest.raises(Unavailable, match="the queue of writers does not move"):
            database.run(write(1))
        leave.set()
        running.result()
    database.run(write(1))
    database.close()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    path.write_bytes(b"something else " * 1000)
    database = connect(f"sqlite:///{path}", what="the notes")
    with pytest.raises(Unavailable, match="its file is not a database"):
        database.ready()
    database.close()


def test_a_place_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    database = connect(f"sqlite:///{tmp_path}/file/notes.sqlite", what="the notes")
    with pytest.raises(Unavailable, match="its file cannot be made"):
        database.ready()
    database.close()


# --- a server that goes away and comes back ------------------------------------------------------


def _end_connections(server: PostgresServer, url: str) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    with server.admin() as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            (name,),
        )


@pytest.mark.postgres
@pytest.mark.parametrize("pipeline", [False, True])
def test_a_server_that_was_read_only_is_written_to_as_soon_as_it_takes_changes(
    postgres_server: PostgresServer, postgresql: Database, url: str, pipeline: bool
) -> None:
    """Connections of that time stay read-only for their life; nobody keeps them."""
    name = url.partition("?")[0].rpartition("/")[2]
    with postgres_server.admin() as admin:
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    _end_connections(postgres_server, url)

    def add(number: int) -> None:
        statement = "INSERT INTO note VALUES (%s, 'x')"

        def work(connection: Connection) -> None:
            driver: Any = connection.connection.driver_connection
            driver.execute(statement, (number,))

        postgresql.run(work, pipeline=pipeline)

    for number in range(3):
        with pytest.raises(Unavailable, match="it is read-only"):
            add(number)
    with postgres_server.admin() as admin:
        admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    for number in range(3):
        add(number)
    assert postgresql.read(count) == 3


def _look(database: Database) -> None:
    with database.snapshot() as driver:
        driver.execute("SELECT 1")


@pytest.mark.postgres
@pytest.mark.parametrize(
    "use",
    [
        lambda database: database.run(write(100)),
        lambda database: database.read(count),
        lambda database: database.ready(),
        _look,
    ],
    ids=["run", "read", "ready", "snapshot"],
)
def test_connections_that_the_server_ended_are_replaced(
    postgres_server: PostgresServer, postgresql: Database, url: str, use: Callable[[Database], Any]
) -> None:
    postgresql.run(write(1))
    _end_connections(postgres_server, url)
    use(postgresql)


@pytest.mark.postgres
def test_a_connection_that_dies_in_the_work_is_no_loss(
    postgres_server: PostgresServer, postgresql: Database, url: str
) -> None:
    runs = []

    def work(connection: Connection) -> None:
        runs.append(1)
        if len(runs) == 1:
            _end_connections(postgres_server, url)
        write(1)(connection)

    postgresql.run(work)
    assert (len(runs), postgresql.read(count)) == (2, 1)


@pytest.mark.postgres
def test_a_connection_that_dies_in_a_snapshot_is_told(
    postgres_server: PostgresServer, postgresql: Database, url: str
) -> None:
    def look() -> None:
        with postgresql.snapshot() as driver:
            _end_connections(postgres_server, url)
            driver.execute("SELECT 1")

    with pytest.raises(Unavailable, match="the connection broke"):
        look()
    postgresql.ready()


@pytest.mark.postgres
def test_a_server_that_is_not_there_is_told_and_used_when_it_is_back(url: str) -> None:
    with cutting_proxy(url) as proxy:
        away = connect(proxy.url, what="the notes", marks=MARKS.name)
        create(away)
        address = proxy.url
    for _ in range(2):
        with pytest.raises(Unavailable, match="no connection"):
            away.run(write(1))
        with pytest.raises(Unavailable, match="no connection"):
            away.read(count)
    port = int(address.partition("?")[0].rpartition(":")[2].partition("/")[0])
    with cutting_proxy(url, port):
        away.run(write(1))
        assert away.read(count) == 1
        away.close()


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("CONNECTION LIMIT 0", "it has too many connections"),
        ("SET default_transaction_read_only = on", "it is read-only"),
    ],
)
def test_what_an_operator_does_is_told(
    postgres_server: PostgresServer, url: str, setting: str, reason: str
) -> None:
    create(connect(url, marks=MARKS.name)).close()
    user, name = "felles_secret", url.partition("?")[0].rpartition("/")[2]
    with postgres_server.admin() as admin:
        admin.execute(f"DROP ROLE IF EXISTS {user}")
        admin.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'secret'")
        admin.execute(f"GRANT pg_write_all_data TO {user}")
        admin.execute(f"ALTER DATABASE {name} {setting}")
    plain = make_url(url).set(username=user, password="secret")
    database = connect(plain.render_as_string(hide_password=False), what="the notes")
    with pytest.raises(Unavailable, match=reason) as told:
        database.run(write(1))
    _tells_nothing(told.value)
    database.close()


@pytest.mark.postgres
def test_a_parameter_of_the_url_that_there_is_not_is_told(url: str) -> None:
    separator = "&" if "?" in url else "?"
    database = connect(f"{url}{separator}sslmod=require", what="the notes")
    with pytest.raises(Unavailable, match="a parameter 'sslmod', which libpq does not know"):
        database.ready()
    database.close()


@pytest.fixture
def alter(postgres_server: PostgresServer, url: str) -> Iterator[Callable[[str], Any]]:
    """Give what changes a setting of the database, for the connections that are opened later."""
    name = url.partition("?")[0].rpartition("/")[2]
    with postgres_server.admin() as admin:
        yield lambda setting: admin.execute(f"ALTER DATABASE {name} {setting}")


@pytest.mark.postgres
@pytest.mark.parametrize(
    "find_out", [Database.ready, lambda database: database.run(write(1))], ids=["ready", "run"]
)
def test_what_was_read_only_for_a_while_is_written_again(
    postgres_server: PostgresServer,
    postgresql: Database,
    url: str,
    alter: Callable[[str], Any],
    find_out: Callable[[Database], Any],
) -> None:
    alter("SET default_transaction_read_only = on")
    _end_connections(postgres_server, url)
    with pytest.raises(Unavailable, match="it is read-only"):
        postgresql.ready()
    with postgresql.snapshot(), postgresql.snapshot():
        pass  # two connections are born read-only
    alter("RESET default_transaction_read_only")
    with pytest.raises(Unavailable, match="it is read-only"):
        find_out(postgresql)
    with postgresql.snapshot():  # on the one place in the pool
        postgresql.run(write(1))  # and on the other
    postgresql.ready()
    assert postgresql.read(count) == 1


@pytest.mark.postgres
def test_a_server_that_is_full_makes_writers_share_what_it_gave(
    postgres_server: PostgresServer, url: str, alter: Callable[[str], Any]
) -> None:
    create(connect(url, marks=MARKS.name)).close()
    database = _of_a_user(postgres_server, url)
    with ExitStack() as open_once:
        for _ in range(6):
            open_once.enter_context(database.snapshot())
    alter("CONNECTION LIMIT 2")
    _end_connections(postgres_server, url)  # the six places in the pool are empty now

    def slowly(number: int) -> None:
        database.run(lambda c: [write(number)(c), say("SELECT pg_sleep(0.01)")(c)])

    database.run(write(1000))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(slowly, range(40)))
    assert database.read(count) == 41
    told = pytest.raises(Unavailable, match="it has too many connections")
    with database.snapshot(), database.snapshot(), told:
        database.ready()  # nobody gives one back in time
    database.close()


def _of_a_user(server: PostgresServer, url: str) -> Database:
    """Return the database as a role sees it for which limits hold."""
    with server.admin() as admin:
        admin.execute("DROP ROLE IF EXISTS felles_limited")
        admin.execute("CREATE ROLE felles_limited LOGIN PASSWORD 'secret'")
        admin.execute("GRANT pg_write_all_data, pg_read_all_data TO felles_limited")
    plain = make_url(url).set(username="felles_limited", password="secret")
    return connect(
        plain.render_as_string(hide_password=False), marks=MARKS.name, connect_timeout_s=2
    )


def test_an_empty_place_of_a_pool_lies_below_the_connections_that_are_open() -> None:
    pool = OpenFirst(lambda: sqlite3.connect(":memory:"), pool_size=2, use_lifo=True)
    broken, well = pool.connect(), pool.connect()
    driver = well.driver_connection
    well.close()
    broken.invalidate()
    broken.close()
    again = pool.connect()
    assert again.driver_connection is driver
    again.close()
    pool.dispose()


@pytest.mark.postgres
def test_a_database_that_is_not_there_is_told(postgres_server: PostgresServer) -> None:
    database = connect(postgres_server.url("felles_nowhere"), what="the notes")
    with pytest.raises(Unavailable, match="there is no database of that name"):
        database.ready()
    database.close()


@pytest.mark.postgres
def test_a_statement_that_takes_too_long_is_ended(url: str) -> None:
    database = connect(url, timeout_s=0.2)
    with pytest.raises(Unavailable, match="it took too long"):
        database.read(say("SELECT pg_sleep(5)"))
    database.ready()
    database.close()


# --- commits in doubt ----------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.parametrize("pipeline", [False, True])
@pytest.mark.parametrize(
    ("cut", "times"),
    [("before it arrives", 2), ("before it is answered", 1), ("while it is carried out", 1)],
)
def test_a_commit_whose_answer_was_lost_is_looked_up(
    url: str, cut: Cut, times: int, pipeline: bool
) -> None:
    """The work runs again when, and only when, it was not committed."""
    with cutting_proxy(url) as proxy:
        database = create(connect(proxy.url, marks=MARKS.name))
        database.run(say(_SLOW_COMMIT))
        runs = []

        def work(connection: Connection) -> str:
            driver: Any = connection.connection.driver_connection
            runs.append(1)
            driver.cursor().execute("INSERT INTO note VALUES (1, 'one')")
            return f"run {len(runs)}"

        proxy.cut = cut
        assert database.run(work, pipeline=pipeline) == f"run {times}"
        assert (proxy.cuts, len(runs)) == (1, times)
        assert database.read(count) == 1
        database.run(write(2))  # the next transaction is not mistaken for this one
        database.close()


_SLOW_COMMIT = """
CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION take_time()
"""


@pytest.mark.postgres
def test_marks_are_cleared_away_and_decide_all_the_same(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.dbms._MARKS_KEPT", 3)
    marks = select(func.count()).select_from(MARKS)
    with cutting_proxy(url) as proxy:
        database = create(connect(proxy.url, marks=MARKS.name))
        for number in range(9):  # in each place between two clearings
            proxy.cut = "before it is answered"
            database.run(write(number))
            database.run(write(100 + number))
            assert database.read(lambda c: c.execute(marks).scalar_one()) <= 4 * proxy.cuts
        for number in range(200, 209):
            database.run(write(number))
        assert database.read(count) == 27
        database.close()


@pytest.mark.postgres
def test_without_marks_a_lost_answer_is_not_guessed(url: str) -> None:
    with cutting_proxy(url) as proxy:
        database = create(connect(proxy.url, what="the notes"))
        proxy.cut = "before it is answered"
        with pytest.raises(Unavailable, match="not known whether the last change was made"):
            database.run(write(1))
        database.close()
