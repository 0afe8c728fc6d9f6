"""The repository's tables are those that its migrations make, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from hub.database import connect
from hub.migrations import included
from hub.settings import SettingsError
from repository.index import HeldBlob, Holding, HoldingState, migrate_index, open_index
from repository.tables import METADATA, VERSION_TABLE
from tests.databases import PostgresServer


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new/repository.sqlite"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as found:
        yield found


def _differences(connection: Connection) -> list[object]:
    options = {"version_table": VERSION_TABLE, "include_object": included(connection)}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))


@pytest.mark.parametrize("times", [1, 2])
def test_migrations_make_the_tables_that_the_code_knows(url: str, times: int) -> None:
    for _ in range(times):
        migrate_index(url)
    with closing(connect(url, what="the database")) as database:
        assert database.read(_differences) == []
    open_index(url).close()


@pytest.mark.postgres
def test_a_server_is_used_once_it_has_been_migrated(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        with pytest.raises(SettingsError, match="felles migrate"):
            open_index(url)
        migrate_index(url)
        with closing(open_index(url)) as index:
            index.ready()


@pytest.mark.parametrize("open_it", [open_index, migrate_index])
def test_a_url_of_no_database_is_refused(open_it: Callable[[str], object]) -> None:
    with pytest.raises(ValueError, match="cannot be of the kind 'mysql'"):
        open_it("mysql://host/name")


def test_any_number_of_documents_is_asked_for_at_once(url: str) -> None:
    """A database takes a limited number of values in one question."""
    migrate_index(url)
    with closing(open_index(url)) as index:
        index.begin([_kept("2.25.1"), _kept("2.25.69999")])
        assert set(index.find(f"2.25.{number}" for number in range(70_000))) == {
            "2.25.1",
            "2.25.69999",
        }


def test_held_blobs_come_page_by_page_with_all_that_is_said_of_them(url: str) -> None:
    migrate_index(url)
    first, second, third = "0a" * 32, "9f" * 32, "f0" * 32
    with closing(open_index(url)) as index:
        assert (index.blobs_after("", 9), index.extent(), index.ambiguous()) == ([], (0, 0), 0)
        index.begin(
            [
                replace(_kept("2.25.1"), key=third, size=3),
                replace(_kept("2.25.2"), key=first, size=5),
                replace(_kept("2.25.3"), key=first, size=7),
                replace(_kept("2.25.3"), key=second, size=9),
                replace(_kept("2.25.4"), key="e" * 64, state=HoldingState.STAGING),
            ]
        )
        sha1 = "0" * 40
        assert index.blobs_after("", 2) == [
            HeldBlob(first, frozenset({(5, sha1), (7, sha1)}), live=True),
            HeldBlob(second, frozenset({(9, sha1)}), live=True),
        ]
        assert [each.key for each in index.blobs_after(second, 2)] == [third]
        assert index.extent() == (3, 7 + 9 + 3)
        assert index.ambiguous() == 1


def _kept(unique_id: str) -> Holding:
    return Holding(
        unique_id=unique_id,
        key="0" * 64,
        mime_type="text/plain",
        size=0,
        sha1="0" * 40,
        submission="2.25.7",
        state=HoldingState.KEPT,
        at=datetime(2026, 11, 24, tzinfo=UTC),
    )
