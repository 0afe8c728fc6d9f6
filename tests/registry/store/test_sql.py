"""The store in SQLite and in PostgreSQL: the contract, and what only databases have."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from hub.database import Database, connect, for_dbms
from ihe.state import Kind, Newest, any_of
from registry.store.port import Store
from registry.store.sql import SqlStore, migrate_store, open_store
from registry.store.tables import marks, metadata
from tests.databases import PostgresServer
from tests.registry.objects import LINE, association, entry, folder, submission_set, uuid
from tests.registry.store.asking import found, register
from tests.registry.store.contract import StoreContract
from tests.registry.store.contract_model import ModelContract


class SqlContract(StoreContract, ModelContract):
    """What both databases do beyond the contract."""

    def test_an_entry_uuid_is_registered_once(self, store: Store) -> None:
        register(store, entry(1))
        for again in (entry(1), folder(1), submission_set(1)):
            with pytest.raises(ValueError, match="is registered already"):
                register(store, again)
        assert found(store, Kind.FOLDER, any_of("patient_id", LINE)) == []

    def test_a_unique_id_belongs_to_one_set_or_folder(self, store: Store) -> None:
        owner = submission_set(1)
        register(store, owner)
        for other in (submission_set(2), folder(3)):
            with pytest.raises(ValueError, match="is registered already"):
                register(store, replace(other, unique_id=owner.unique_id))
        store.write(lambda writer: writer.remove([owner.entry_uuid]))
        register(store, replace(folder(3), unique_id=owner.unique_id))

    def test_later_versions_of_a_folder_share_its_unique_id(self, store: Store) -> None:
        first = folder(1)
        second = replace(first, entry_uuid=uuid(2), version="2")
        register(store, first, second)
        assert found(store, Kind.FOLDER, any_of("unique_id", str(first.unique_id))) == [
            uuid(1),
            uuid(2),
        ]

    def test_a_version_is_registered_once(self, store: Store) -> None:
        register(store, entry(1))
        register(store, replace(entry(2), logical_id=uuid(1), version="2"))
        with pytest.raises(ValueError, match="is registered already"):
            register(store, replace(entry(3), logical_id=uuid(1), version="2"))

    def test_an_object_needs_a_patient_that_is_known(self, store: Store) -> None:
        with pytest.raises(ValueError, match="has no patient"):
            store.write(lambda writer: writer.add([replace(entry(1), patient_id=None)]))
        with pytest.raises(ValueError, match="has no patient"):
            store.write(lambda writer: writer.add([association(1, 900, 901)]))
        with pytest.raises(ValueError, match="is not known"):
            store.write(lambda writer: writer.add([entry(1)]))

    def test_more_objects_than_a_block_of_numbers_keep_their_order(self, store: Store) -> None:
        many = [entry(number) for number in range(2500)]
        register(store, *many)
        register(store, entry(2600))
        everything = [each.entry_uuid for each in (*many, entry(2600))]
        assert found(store, Kind.DOCUMENT_ENTRY, any_of("patient_id", LINE)) == everything

    def test_a_first_version_that_comes_after_later_ones_is_not_the_newest(
        self, store: Store
    ) -> None:
        first, second = entry(1), replace(entry(2), logical_id=uuid(1), version="2")
        register(store, first, second)
        store.write(lambda writer: writer.remove([first.entry_uuid]))
        register(store, first)
        versions = any_of("logical_id", uuid(1))
        assert found(store, Kind.DOCUMENT_ENTRY, versions) == [uuid(2), uuid(1)]
        assert found(store, Kind.DOCUMENT_ENTRY, versions, Newest()) == [uuid(2)]


@pytest.fixture(scope="module")
def postgres_database(postgres_server: PostgresServer) -> Iterator[Database]:
    yield from _database(postgres_server)


@pytest.fixture(scope="module")
def partitioned_database(postgres_server: PostgresServer) -> Iterator[Database]:
    yield from _database(postgres_server, partitions=3)


def _database(server: PostgresServer, partitions: int = 0) -> Iterator[Database]:
    with server.database() as url:
        migrate_store(url, partitions=partitions)
        database = connect(url, what="the registry's database", marks=marks.name)
        yield database
        database.close()


class TestSqlite(SqlContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = open_store(f"sqlite:///{tmp_path}/registry.sqlite")
        yield store
        store.close()


@pytest.mark.postgres
class TestPostgresql(SqlContract):
    @pytest.fixture
    def store(self, postgres_database: Database) -> Store:
        return emptied(postgres_database)


@pytest.mark.postgres
class TestPartitionedPostgresql(SqlContract):
    """The same with the tables of objects split by the hash of the patient."""

    @pytest.fixture
    def store(self, partitioned_database: Database) -> Store:
        return emptied(partitioned_database)


def emptied(database: Database) -> Store:
    """Return the store in a database, without anything in it."""

    def empty(connection: Connection) -> None:
        for table in metadata.sorted_tables:
            if for_dbms(table, database.dbms):
                connection.execute(table.delete())

    database.run(empty)
    return SqlStore(database)
