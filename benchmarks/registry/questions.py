"""What is asked of the registry, and the floor of each: the same statement by the driver alone.

| measured | floor |
|---|---|
| a stored query, from its parameters to the octets of the answer | its SQL, rows fetched |
| an ITI-42, from the submission to its commit | its rows inserted, and one commit |
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final

from benchmarks.registry.meter import Call
from benchmarks.registry.world import CALL, DOCUMENTS, World
from ihe.attributes import kind_of
from ihe.datatypes import CX
from ihe.ebxml.rendering import template
from ihe.ebxml.responses import write_query_response
from ihe.messages import AdhocQueryRequest
from ihe.model import Submission
from ihe.queries import parse_query
from ihe.queries.building import (
    find_documents,
    get_all,
    get_documents,
    get_documents_and_associations,
)
from ihe.state import Condition, Kind, Patient, Record, State
from registry import iti18
from registry.store import dialects, statements
from registry.store.conditions import shape, statement
from registry.store.mapping import places_of, row_of
from registry.store.tables import OBJECTS, marks
from tests import samples

ENTRY: Final = Kind.DOCUMENT_ENTRY
_FAR: Final = 10**15
"""Numbers beyond those that the registry has given."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is measured, its floor, and how many objects an answer holds."""

    name: str
    call: Call
    floor: Call
    found: int
    calls: int


def queries(world: World, calls: int) -> Iterator[Question]:
    """Yield the stored queries."""
    for size in DOCUMENTS:
        asked = [find_documents(patient) for patient in world.patients[size]]
        yield _query(world, f"FindDocuments, {size} found", asked, size, calls)
    ids = [pair for patient in world.patients[10][:20] for pair in world.some_ids(patient)]
    by_uuid = [get_documents(entry_uuid=[uuid]) for uuid, _ in ids]
    yield _query(world, "GetDocuments by entryUUID", by_uuid, 1, calls)
    by_unique_id = [get_documents(unique_id=[unique_id]) for _, unique_id in ids]
    yield _query(world, "GetDocuments by uniqueId", by_unique_id, 1, calls)
    ten = [
        get_documents(entry_uuid=[uuid for uuid, _ in ids[at : at + 10]])
        for at in range(0, 100, 10)
    ]
    yield _query(world, "GetDocuments, 10 of one patient", ten, 10, calls)
    touching = [get_documents_and_associations(entry_uuid=[uuid]) for uuid, _ in ids]
    yield _query(world, "GetDocumentsAndAssociations", touching, 2, calls)
    whole = [get_all(patient) for patient in world.patients[10]]
    yield _query(world, "GetAll, 10 documents", whole, 30, calls)


def registration(world: World, calls: int) -> Question:
    """Return a registration of one document of a new patient."""
    submissions: Iterator[Submission] = (world.submission() for _ in count())
    prepared = [next(submissions) for _ in range(2 * calls)]
    return Question(
        "ITI-42, one document",
        lambda number: world.register(prepared[number]),
        _bare_rows(world, 2 * calls),
        1,
        calls,
    )


def at_once(world: World, writers: int, calls: int) -> float:
    """Return how many documents are registered in a second by so many writers at once."""
    submissions = [[world.submission() for _ in range(calls)] for _ in range(writers)]

    def write(own: Sequence[Submission]) -> None:
        for each in own:
            world.register(each)

    threads = [threading.Thread(target=write, args=(own,)) for own in submissions]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return writers * calls / (time.perf_counter() - began)


def _query(
    world: World, name: str, asked: Sequence[AdhocQueryRequest], found: int, calls: int
) -> Question:
    def call(number: int) -> int:
        response = iti18.handle(asked[number % len(asked)], CALL, world.registry)
        return len(b"".join(write_query_response(response).xml))

    for request in asked[:2]:
        if (got := len(iti18.handle(request, CALL, world.registry).fragments)) != found:
            raise RuntimeError(f"{name}: {got} objects were found, {found} expected")
    few = max(100, calls * 10 // max(10, found))
    return Question(name, call, _bare_query(world, asked), found, few)


def _bare_query(world: World, asked: Sequence[AdhocQueryRequest]) -> Call:
    """Return what asks the statements of a query again, by the driver alone."""
    dialect = dialects.dialect(world.database.dbms)
    driver: Any = world.database.engine.raw_connection().driver_connection

    def sql_of(kind: Kind, conditions: Sequence[Condition]) -> tuple[str, list[Any]]:
        shaped = [shape(kind, each, dialect) for each in conditions]
        question = statement(kind, tuple(term for term, _ in shaped), dialect)
        return question.sql, question.arrange([value for _, values in shaped for value in values])

    def statements_of(request: AdhocQueryRequest) -> list[tuple[str, list[Any]]]:
        query = parse_query(request, transaction=18)
        with world.registry.store.read() as state:
            listening = _Listening(state)
            iti18.FINDERS[query.definition.id](listening, query)
        return [sql_of(*each) for each in listening.asked]

    prepared = [statements_of(request) for request in asked]

    def call(number: int) -> None:
        for sql, values in prepared[number % len(prepared)]:
            dialect.fetch(driver, sql, values)

    return call


class _Listening:
    """A view that remembers what it was asked."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.asked: list[tuple[Kind, Sequence[Condition]]] = []

    def find(self, kind: Kind, conditions: Sequence[Condition]) -> list[Record]:
        """Answer, and remember the question."""
        self.asked.append((kind, conditions))
        return self._state.find(kind, conditions)

    def patient(self, patient_id: CX) -> Patient | None:
        """Answer."""
        return self._state.patient(patient_id)


def _bare_rows(world: World, calls: int) -> Call:
    """Return what inserts the rows of a registration, and its commit mark, by the driver alone."""
    database = world.database
    dialect = dialects.dialect(database.dbms)
    insert = statements.of(dialect).insert
    driver: Any = database.engine.raw_connection().driver_connection
    postgresql = database.dbms == "postgresql"

    def rows(number: int) -> list[tuple[str, list[Any]]]:
        patient = _FAR + number
        made = []
        for at, each in enumerate(_registered(world)):
            kind, place = kind_of(each), (patient, _FAR + 3 * number + at)
            into = insert[OBJECTS[kind]]
            made.append(
                (into.sql, list(into.arrange(row_of(kind, dialect)(each, *place, template(each)))))
            )
            for table, key in places_of(each, dialect):
                made.append((insert[table].sql, list(insert[table].arrange((*key, *place)))))
        return made

    prepared = [rows(number) for number in range(calls)]
    mark = f"INSERT INTO {marks.name} (connection, turn) VALUES (gen_random_uuid(), 1)"  # noqa: S608  # a constant

    def write(number: int) -> None:
        with driver.pipeline() if postgresql else nullcontext():
            driver.execute("BEGIN" if postgresql else "BEGIN IMMEDIATE")
            for sql, row in prepared[number]:
                dialect.send(driver, sql, [row])
            if postgresql:
                driver.execute(mark)
            driver.execute("COMMIT")

    return write


def _registered(world: World) -> list[Any]:
    """Return the objects of a submission as the registry keeps them."""
    new: Callable[[], str] = world.registry.new_uuid
    submission = world.submission()
    chosen, (entry,) = submission.submission_set, submission.entries
    chosen = replace(chosen, entry_uuid=new())
    entry = replace(entry, entry_uuid=(uuid := new()), logical_id=uuid, version="1")
    link = replace(samples.member(chosen.entry_uuid, entry.entry_uuid), entry_uuid=new())
    return [chosen, entry, link]
