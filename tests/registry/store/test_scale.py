"""No query reads a table from end to end: what is fast with thousands is fast with millions.

PostgreSQL counts the sequential scans of each table. The store is large enough that its planner
prefers an index wherever one helps.
"""

from collections.abc import Callable, Iterator

import pytest

from benchmarks.registry.world import CALL, DOCUMENTS, World
from hub.database import Database, connect
from ihe import queries as q
from ihe.datatypes import CX
from ihe.messages import AdhocQueryRequest
from ihe.model import Association, Submission
from ihe.queries.rendering import render_query
from ihe.vocabulary import AssociationType, Status, StoredQueryId
from registry import iti18, iti51
from registry.store.sql import migrate_store
from registry.store.tables import OBJECTS, PLACES, marks, patient
from tests import samples
from tests.databases import PostgresServer

pytestmark = pytest.mark.postgres

DOCUMENTS_IN_ALL = 20_000
MANY_PATIENTS = (
    "INSERT INTO patient SELECT k, k, 'p' || k, 'p' || k"
    " FROM generate_series(5000000, 5050000) AS k"
)
LARGE = {table.name for table in (*OBJECTS.values(), *PLACES, patient)} - {
    "folder",
    "by_logical_id",
    "by_reference_id",
}
"""The tables that are large in this store."""


@pytest.fixture(scope="module", params=[0, 4], ids=["whole", "in-partitions"])
def world(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[World]:
    with postgres_server.database() as url:
        migrate_store(url, partitions=request.param)
        database = connect(url, what="the test's database", marks=marks.name)
        try:
            made = World(database)
            made.fill(DOCUMENTS_IN_ALL, lambda _: None)
            database.ask(lambda driver: driver.execute(MANY_PATIENTS))
            database.ask(lambda driver: driver.execute("ANALYZE patient"))
            yield made
        finally:
            database.close()


def scans(database: Database) -> dict[str, int]:
    """Return how often each large table, or part of one, was read from end to end."""

    def ask(driver: object) -> dict[str, int]:
        execute: Callable[[str], Iterator[tuple[str, int, str]]] = driver.execute  # type: ignore[attr-defined]
        execute("SELECT pg_stat_force_next_flush()")
        rows = execute(
            "SELECT s.relname, s.seq_scan, coalesce(i.inhparent::regclass::text, s.relname)"
            " FROM pg_stat_user_tables AS s LEFT JOIN pg_inherits AS i ON i.inhrelid = s.relid"
        )
        return {name: count for name, count, whole in rows if whole in LARGE}

    database.ask(lambda driver: driver.execute("SELECT pg_stat_force_next_flush()").fetchall())
    return database.ask(ask)


def asked(world: World) -> dict[StoredQueryId, AdhocQueryRequest]:
    """Return a request for each stored query."""
    Q = StoredQueryId  # noqa: N806  # as everywhere
    patient: CX = world.patients[10][0]
    (uuid, unique_id), *_ = world.some_ids(patient)
    approved = {"document_entry_status": [Status.APPROVED]}
    related = [AssociationType.RPLC]
    return {
        Q.FIND_DOCUMENTS: q.find_documents(patient),
        Q.FIND_DOCUMENTS_BY_REFERENCE_ID: q.find_documents_by_reference_id(patient, ["4711^%"]),
        Q.FIND_DOCUMENTS_BY_TITLE: q.find_documents_by_title(patient, ["Epi%"]),
        Q.FIND_SUBMISSION_SETS: q.find_submission_sets(patient),
        Q.FIND_FOLDERS: q.find_folders(patient),
        Q.GET_ALL: q.get_all(patient),
        Q.GET_DOCUMENTS: q.get_documents(unique_id=[unique_id]),
        Q.GET_FOLDERS: q.get_folders(unique_id=[unique_id]),
        Q.GET_ASSOCIATIONS: q.get_associations([uuid]),
        Q.GET_DOCUMENTS_AND_ASSOCIATIONS: q.get_documents_and_associations(entry_uuid=[uuid]),
        Q.GET_SUBMISSION_SETS: q.get_submission_sets([uuid]),
        Q.GET_SUBMISSION_SET_AND_CONTENTS: q.get_submission_set_and_contents(entry_uuid=uuid),
        Q.GET_FOLDER_AND_CONTENTS: q.get_folder_and_contents(entry_uuid=uuid),
        Q.GET_FOLDERS_FOR_DOCUMENT: q.get_folders_for_document(entry_uuid=uuid),
        Q.GET_RELATED_DOCUMENTS: q.get_related_documents(related, entry_uuid=uuid),
        Q.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS: q.find_documents_for_multiple_patients(
            world.patients[10][:3], class_code=[samples.entry().class_code or samples.code("x")]
        ),
        Q.FIND_DOCUMENTS_BY_REFERENCE_ID_FOR_MULTIPLE_PATIENTS: render_query(
            Q.FIND_DOCUMENTS_BY_REFERENCE_ID_FOR_MULTIPLE_PATIENTS,
            {"reference_id": ["4711^^^&2.16.578.1.12.4.1.7.5&ISO"], **approved},
        ),
        Q.FIND_DOCUMENTS_EXCLUDE: render_query(
            Q.FIND_DOCUMENTS_EXCLUDE, {"patient_id": patient, **approved}
        ),
        Q.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS: q.find_folders_for_multiple_patients(
            world.patients[10][:3], code=[samples.code("x")]
        ),
    }


def test_every_stored_query_is_asked(world: World) -> None:
    assert set(asked(world)) == set(StoredQueryId)


@pytest.mark.parametrize("query", StoredQueryId, ids=lambda query: query.name)
def test_a_query_reads_no_table_from_end_to_end(world: World, query: StoredQueryId) -> None:
    request = asked(world)[query]
    multiple = query.name.endswith("FOR_MULTIPLE_PATIENTS")
    before = scans(world.database)
    for _ in range(8):  # a prepared statement gets its lasting plan after five
        (iti51 if multiple else iti18).handle(request, CALL, world.registry)
    assert scans(world.database) == before


def test_the_patients_asked_about_have_their_documents(world: World) -> None:
    for size in DOCUMENTS:
        patient = world.patients[size][0]
        answer = iti18.handle(q.find_documents(patient), CALL, world.registry)
        assert len(set(answer.fragments)) == size, "each with ids of its own"


def replacement(world: World) -> Submission:
    """Return a submission that replaces a document, with all that a registry looks up for it."""
    patient = world.patients[100][0]
    (uuid, _), *_ = world.some_ids(patient)
    new = world.submission(patient)
    (entry,) = new.entries
    link: Association = samples.relationship(AssociationType.RPLC, entry.entry_uuid, uuid)
    return Submission(
        submission_sets=new.submission_sets,
        entries=new.entries,
        associations=(*new.associations, link),
    )


def test_a_registration_reads_no_table_from_end_to_end(world: World) -> None:
    submissions = [*(world.submission() for _ in range(8)), replacement(world)]
    before = scans(world.database)
    for submission in submissions:
        world.register(submission)
    assert scans(world.database) == before
