"""The store in SQLite and in PostgreSQL."""

import pytest

from hub.database import connect
from hub.migrations import migrate
from registry.store.sql import SCRIPTS, SqlStore, open_store
from registry.store.tables import metadata
from tests.databases import PostgresServer
from tests.registry.store.contract import StoreContract


class TestSqlite(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        store = open_store(f"sqlite:///{tmp_path}/registry.sqlite")
        yield store
        store.close()


@pytest.fixture(scope="module")
def postgres_database(postgres_server: PostgresServer):
    with postgres_server.database() as url:
        database = connect(url, what="the registry's database", marks="registry_commit_mark")
        migrate(database, SCRIPTS)
        yield database
        database.close()


@pytest.mark.postgres
class TestPostgresql(StoreContract):
    @pytest.fixture
    def store(self, postgres_database):
        def empty(connection):
            for table in metadata.sorted_tables:
                if table.info.get("dbms") != "sqlite":
                    connection.execute(table.delete())

        postgres_database.run(empty)
        return SqlStore(postgres_database)
