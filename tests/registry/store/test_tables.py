"""The tables are those that the migrations make, and hold everything that can be asked for."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, text

from hub.database import Database, connect
from hub.migrations import check_migrated, included, migrate
from hub.settings import SettingsError
from ihe.attributes import ATTRIBUTES, Form, kind_of
from ihe.model import RegistryObject
from ihe.state import Kind
from registry.store.conditions import Term, statement
from registry.store.dialects import dialect
from registry.store.mapping import SELECTED, places_of, row_of
from registry.store.sql import SCRIPTS, VERSION_TABLE, migrate_store, open_store
from registry.store.statements import of
from registry.store.tables import OBJECTS, PLACES, metadata
from tests import samples
from tests.databases import PostgresServer

DIALECTS = ("sqlite", "postgresql")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give a database without tables."""
    if request.param == "sqlite":
        database = connect(f"sqlite:///{tmp_path}/new/registry.sqlite", what="the database")
        yield database
        database.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        database = connect(url, what="the database")
        yield database
        database.close()


def _differences(connection: Connection) -> list[object]:
    options = {"version_table": VERSION_TABLE, "include_object": included(connection)}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def _primary_keys(connection: Connection) -> dict[str, list[str]]:
    found = inspect(connection)
    return {
        name: found.get_pk_constraint(name)["constrained_columns"]
        for name in found.get_table_names()
        if name != VERSION_TABLE
    }


def test_migrations_make_the_tables_that_the_code_knows(empty: Database) -> None:
    migrate(empty, SCRIPTS)
    assert empty.read(_differences) == []
    expected = {
        table.name: [column.name for column in table.primary_key.columns]
        for table in metadata.sorted_tables
        if table.info.get("dbms", empty.dbms) == empty.dbms
    }
    assert empty.read(_primary_keys) == expected


def test_a_forgotten_column_would_be_noticed(empty: Database) -> None:
    migrate(empty, SCRIPTS)
    empty.run(lambda c: c.execute(text("ALTER TABLE folder ADD COLUMN more TEXT")), marked=False)
    assert len(empty.read(_differences)) == 1


def test_migrating_again_changes_nothing(empty: Database) -> None:
    for _ in range(2):
        migrate(empty, SCRIPTS)
    check_migrated(empty, SCRIPTS, VERSION_TABLE)


FIRST_ENTRY = text(
    "INSERT INTO document_entry (patient, number, uuid, availability_status, version, newest,"
    " object_type, document_availability, title, template)"
    " VALUES (1, :number, :uuid, 'a', 1, TRUE, 'o', 'd', :title, :template)"
)


@pytest.mark.parametrize("partitions", [0, 2])
def test_titles_of_the_first_tables_are_kept(empty: Database, partitions: int) -> None:
    """Version 0002 makes lists of them."""
    titles = ("Prøve 'svar\" \\n", None)

    def work(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", SCRIPTS)
        options = {"partitions": partitions}
        config.attributes.update(connection=connection, database=empty, options=options)
        command.upgrade(config, "0001")
        for number, title in enumerate(titles):
            uuid = dialect(empty.dbms).uuid(samples.uuid(number))
            row = {"number": number, "uuid": uuid, "title": title, "template": b"<>"}
            connection.execute(FIRST_ENTRY, row)

    empty.run(work, marked=False)
    migrate(empty, SCRIPTS)
    if not partitions:  # parts are not tables that the code knows
        assert empty.read(_differences) == []
    kept = select(OBJECTS[Kind.DOCUMENT_ENTRY].c.title).order_by(text("number"))
    assert empty.read(lambda connection: connection.execute(kept).scalars().all()) == [
        [titles[0]],
        None,
    ]


def test_tables_that_were_not_made_are_told(empty: Database) -> None:
    with pytest.raises(SettingsError, match="of version none, expected 0002; run `felles migrate`"):
        check_migrated(empty, SCRIPTS, VERSION_TABLE)


def test_tables_of_a_newer_version_are_refused_and_left_alone(empty: Database) -> None:
    migrate(empty, SCRIPTS)
    newer = text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")  # noqa: S608  # a constant
    empty.run(lambda connection: connection.execute(newer), marked=False)
    with pytest.raises(SettingsError, match="made by a newer version of the hub"):
        migrate(empty, SCRIPTS)
    with pytest.raises(SettingsError, match="made by a newer version of the hub"):
        check_migrated(empty, SCRIPTS, VERSION_TABLE)
    version = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608  # a constant
    assert empty.read(lambda connection: connection.execute(version).scalar()) == "9999"


@pytest.mark.postgres
def test_a_server_is_used_once_it_has_been_migrated(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        with pytest.raises(SettingsError, match="felles migrate"):
            open_store(url)
        migrate_store(url)
        store = open_store(url)
        store.ready()
        store.close()


@pytest.mark.postgres
def test_objects_can_be_split_by_the_hash_of_their_patient(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        migrate_store(url, partitions=4)
        database = connect(url, what="the database")
        parts = text(
            "SELECT c.relname, count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = inhparent"
            " WHERE c.relkind = 'p' GROUP BY 1 ORDER BY 1"
        )
        found = database.read(lambda connection: connection.execute(parts).all())
        database.close()
    assert dict(found) == {table.name: 4 for table in OBJECTS.values()}


@pytest.mark.postgres
def test_tables_that_are_there_are_not_split_silently(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        migrate_store(url)
        with pytest.raises(SettingsError, match="whole"):
            migrate_store(url, partitions=4)
    with postgres_server.database() as url:
        migrate_store(url, partitions=4)
        migrate_store(url, partitions=4)
        migrate_store(url)
        with pytest.raises(SettingsError, match="4 parts"):
            migrate_store(url, partitions=8)


def test_an_embedded_database_is_not_split(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="PostgreSQL"):
        migrate_store(f"sqlite:///{tmp_path}/registry.sqlite", partitions=4)


def test_an_embedded_database_is_made_where_nothing_was(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "registry.sqlite"
    open_store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as plain:
        assert plain.execute("PRAGMA page_size").fetchone() == (8192,)
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    plain.close()
    assert path.stat().st_mode & 0o077 == 0


# --- completeness --------------------------------------------------------------------------------


@pytest.mark.parametrize("dbms", DIALECTS)
@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in ATTRIBUTES.items() for name in names]
)
def test_every_attribute_can_be_asked_for(dbms: str, kind: Kind, name: str) -> None:
    terms = {
        Form.ID: Term("any", name, ("one",)),
        Form.TEXT: Term("like", name, ("list",)),
        Form.CODE: Term("code", name, ("list",)),
        Form.TIME: Term("time", name, ("one", "none")),
    }
    form = ATTRIBUTES[kind][name].form
    assert "WHERE" in statement(kind, (terms[form],), dialect(dbms)).sql


@pytest.mark.parametrize("kind", Kind)
def test_a_column_that_is_named_like_an_attribute_holds_it(kind: Kind) -> None:
    """What has no such column has a table of its own, or is told by the patient."""
    elsewhere = {"entry_uuid", "patient_id", "source_or_target"}
    assert set(ATTRIBUTES[kind]) - elsewhere <= set(OBJECTS[kind].columns.keys())


@pytest.mark.parametrize("dbms", DIALECTS)
def test_every_column_of_a_full_object_is_filled(dbms: str) -> None:
    objects = [
        *samples.submission_with_folder(),
        samples.entry(document_availability="urn:x", logical_id=samples.uuid(9), version="2"),
        samples.folder(logical_id=samples.uuid(9), version="2", last_update_time="2026"),
    ]
    filled: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    for number, each in enumerate(objects):
        kind = kind_of(each)
        ids = {"entry_uuid": samples.uuid(number)} | (
            {"source": samples.uuid(7), "target": samples.uuid(8)}
            if kind is Kind.ASSOCIATION
            else {}
        )
        row = row_of(kind, dialect(dbms))(replace(each, **ids), 1, 2, b"<>")
        names = OBJECTS[kind].columns.keys()
        filled[kind] |= {n for n, value in zip(names, row, strict=True) if value is not None}
    for kind, table in OBJECTS.items():
        assert set(table.columns.keys()) == filled[kind], kind


@pytest.mark.parametrize("dbms", DIALECTS)
def test_every_table_of_places_is_filled_and_has_its_statements(dbms: str) -> None:
    statements = of(dialect(dbms))
    for table in PLACES:
        assert table in statements.insert
        assert table in statements.delete_place
    objects: list[RegistryObject] = [
        replace(samples.entry(), entry_uuid=samples.uuid(1), logical_id=samples.uuid(2)),
        replace(samples.folder(), entry_uuid=samples.uuid(3)),
        samples.member(samples.uuid(3), samples.uuid(1), entry_uuid=samples.uuid(4)),
    ]
    named = {table for each in objects for table, _ in places_of(each, dialect(dbms))}
    assert named == set(PLACES)


@pytest.mark.parametrize("kind", Kind)
def test_an_answer_selects_columns_that_are_there(kind: Kind) -> None:
    assert set(SELECTED[kind]) <= set(OBJECTS[kind].columns.keys())
