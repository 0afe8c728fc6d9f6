"""How fast the registry's store is, next to what its driver could do at best.

```sh
python -m benchmarks.registry_store --entries 200000                 # SQLite in a temporary folder
python -m benchmarks.registry_store --entries 200000 --postgresql    # a server started for it
python -m benchmarks.registry_store --database postgresql://…        # another, which gets tables
```

Times are wall-clock microseconds of one call, by one thread; CPU is this process's, user and
system, and the server process's beside it. Three *floors* are measured in the same run: the same
statement with the same values through the bare driver; the same inserted rows through the bare
driver; and a transaction that inserts one number.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from hub.database import Database, connect
from ihe.attributes import kind_of
from ihe.datatypes import CX, OID, Identifier
from ihe.ebxml.rendering import template
from ihe.model import DocumentEntry, RegistryObject, SubmissionSet
from ihe.state import Condition, Kind, Newest, any_of
from ihe.vocabulary import DocumentAvailability, DocumentEntryType, Status
from registry.store import dialects, statements
from registry.store.conditions import shape, statement
from registry.store.mapping import places_of, row_of
from registry.store.port import Writer
from registry.store.sql import SqlStore, migrate_store
from registry.store.tables import OBJECTS, marks
from tests import samples
from tests.databases import running_postgres

DOCUMENTS = (10, 100, 500)
PATIENTS_OF_EACH = 20
PER_WRITE = 250
"""Objects in one transaction while the store is filled."""

Call = Callable[[int], object]


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=50_000, help="documents to begin with")
    parser.add_argument("--calls", type=int, default=2_000, help="calls of each measurement")
    parser.add_argument("--partitions", type=int, default=0)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--postgresql", action="store_true", help="start a server")
    where.add_argument("--database", help="URL of an empty database")
    arguments = parser.parse_args()
    with _url(arguments) as url:
        migrate_store(url, partitions=arguments.partitions)
        database = connect(url, what="the benchmark's database", marks=marks.name)
        try:
            _run(database, arguments.entries, arguments.calls)
        finally:
            database.close()


@contextmanager
def _url(arguments: argparse.Namespace) -> Iterator[str]:
    if arguments.database:
        yield arguments.database
    elif arguments.postgresql:
        durable = {"fsync": "on", "full_page_writes": "on", "shared_buffers": "512MB"}
        with running_postgres(**durable) as server, server.database() as url:
            yield url
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'registry.sqlite'}"


def _run(database: Database, entries: int, calls: int) -> None:
    world = World()
    store = SqlStore(database, render=world.render)
    began = time.perf_counter()
    for objects in world.filling(entries):
        _register(store, objects)
    print(f"{database.dbms}, {entries} documents, filled in {time.perf_counter() - began:.0f} s")
    if database.dbms == "postgresql":
        database.ask(lambda driver: driver.execute("VACUUM ANALYZE"))
    meter = Meter(database)
    print(f"{'':34}{'p50':>8}{'p99':>8}{'per s':>8}{'CPU':>8}{'server':>8}")
    for documents in DOCUMENTS:
        patients = world.patients[documents]
        few = max(200, calls * DOCUMENTS[0] // documents)

        def find(number: int, patients: list[CX] = patients) -> object:
            return store.find(Kind.DOCUMENT_ENTRY, _find_documents(patients, number))

        def view(number: int, patients: list[CX] = patients) -> object:
            with store.read() as state:
                return state.find(Kind.DOCUMENT_ENTRY, _find_documents(patients, number))

        meter.row(f"FindDocuments, {documents} found", few, find)
        meter.row("  in a view", few, view)
        meter.row("  floor: the statement alone", few, _bare_find(database, patients))
    submissions = [world.submission() for _ in range(calls)]
    meter.row("register one document", calls, lambda number: _submit(store, submissions[number]))
    meter.row("  floor: the rows alone", calls, _bare_rows(database, world, calls))
    meter.row("  floor: one number", calls, _bare_commit(database))


# --- what is stored ------------------------------------------------------------------------------


class World:
    """Patients and documents, the same in every run."""

    def __init__(self) -> None:
        self._random = random.Random(1)  # noqa: S311  # the same in every run
        self._numbers = count(1)
        self.patients: dict[int, list[CX]] = {
            documents: [self._patient() for _ in range(PATIENTS_OF_EACH)] for documents in DOCUMENTS
        }
        self._templates = {type(each): template(each) for each in self.submission(self._patient())}

    def render(self, registry_object: RegistryObject) -> bytes:
        """Return a template made before: rendering is measured elsewhere."""
        return self._templates[type(registry_object)]

    def filling(self, entries: int) -> Iterator[list[RegistryObject]]:
        """Yield submissions until the store holds so many documents."""
        of = [p for n, patients in self.patients.items() for p in patients for _ in range(n)]
        while len(of) < entries:
            of += [self._patient()] * self._random.choice((1, 2, 5, 10, 20))
        self._random.shuffle(of)
        batch: list[RegistryObject] = []
        for patient in of[: max(entries, sum(DOCUMENTS) * PATIENTS_OF_EACH)]:
            batch += self.submission(patient)
            if len(batch) >= PER_WRITE:
                yield batch
                batch = []
        yield batch

    def submission(self, patient: CX | None = None) -> list[RegistryObject]:
        """Return a SubmissionSet with one document, of a patient or of somebody's."""
        number, patient = next(self._numbers), patient or self._patient()
        entry = replace(
            samples.entry(),
            entry_uuid=self._uuid(),
            unique_id=Identifier(f"2.16.578.1.12.4.1.7.1.99.1.{number}"),
            patient_id=patient,
        )
        chosen = replace(
            samples.submission_set(),
            entry_uuid=self._uuid(),
            unique_id=OID(f"2.16.578.1.12.4.1.7.1.99.2.{number}"),
            patient_id=patient,
        )
        link = replace(samples.member(chosen.entry_uuid, entry.entry_uuid), entry_uuid=self._uuid())
        return [
            replace(each, logical_id=each.entry_uuid, version="1") for each in (chosen, entry, link)
        ]

    def _patient(self) -> CX:
        number = self._random.randrange(10**11)
        return CX(f"{number:011}^^^&2.16.578.1.12.4.1.4.1&ISO")

    def _uuid(self) -> str:
        return uuid.UUID(int=self._random.getrandbits(128), version=4).urn


def _register(store: SqlStore, objects: list[RegistryObject]) -> None:
    def work(writer: Writer) -> None:
        for each in objects:
            if isinstance(each, SubmissionSet) and each.patient_id is not None:
                writer.add_patient(each.patient_id)
        writer.add(objects)

    store.write(work)


# --- what is measured ----------------------------------------------------------------------------


def _find_documents(patients: list[CX], number: int) -> list[Condition]:
    """Return the conditions of FindDocuments with nothing but patient and status."""
    return [
        Newest(),
        any_of("document_availability", DocumentAvailability.ONLINE),
        any_of("patient_id", patients[number % len(patients)]),
        any_of("availability_status", Status.APPROVED),
        any_of("object_type", DocumentEntryType.STABLE),
    ]


def _submit(store: SqlStore, objects: list[RegistryObject]) -> None:
    """Register a document with the questions that ITI-42 asks before."""
    chosen, entry, _ = objects
    assert isinstance(chosen, SubmissionSet)
    assert isinstance(entry, DocumentEntry)
    patient, of_set, of_entry = chosen.patient_id, chosen.unique_id, entry.unique_id
    assert patient
    assert of_set
    assert of_entry

    def work(writer: Writer) -> None:
        writer.lock([patient, of_set, of_entry, *(each.entry_uuid for each in objects)])
        assert writer.patient(patient) is None
        for kind in (Kind.SUBMISSION_SET, Kind.FOLDER):
            assert not writer.find(kind, [any_of("unique_id", of_set)])
        assert not writer.find(Kind.DOCUMENT_ENTRY, [any_of("unique_id", of_entry)])
        writer.add_patient(patient)
        writer.add(objects)

    store.write(work)


def _bare_find(database: Database, patients: list[CX]) -> Call:
    dialect = dialects.dialect(database.dbms)

    def ask(number: int) -> object:
        shaped = [
            shape(Kind.DOCUMENT_ENTRY, each, dialect) for each in _find_documents(patients, number)
        ]
        question = statement(Kind.DOCUMENT_ENTRY, tuple(term for term, _ in shaped), dialect)
        return question.sql, question.arrange([value for _, values in shaped for value in values])

    questions: list[Any] = [ask(number) for number in range(len(patients))]
    driver = database.engine.raw_connection().driver_connection
    return lambda number: dialect.fetch(driver, *questions[number % len(questions)])


def _bare_rows(database: Database, world: World, calls: int) -> Call:
    dialect = dialects.dialect(database.dbms)
    insert = statements.of(dialect).insert
    driver: Any = database.engine.raw_connection().driver_connection

    def rows(number: int) -> Iterator[tuple[str, list[Any]]]:
        patient = _FAR + number
        for at, each in enumerate(world.submission()):
            kind, place = kind_of(each), (patient, _FAR + 3 * number + at)
            into = insert[OBJECTS[kind]]
            yield into.sql, into.arrange(row_of(kind, dialect)(each, *place, world.render(each)))
            for table, key in places_of(each, dialect):
                yield insert[table].sql, insert[table].arrange((*key, *place))

    def write(number: int) -> None:
        with driver.pipeline() if database.dbms == "postgresql" else nullcontext():
            driver.execute("BEGIN IMMEDIATE" if database.dbms == "sqlite" else "BEGIN")
            for sql, row in prepared[number]:
                dialect.send(driver, sql, [row])
            driver.execute("COMMIT")

    prepared = [list(rows(number)) for number in range(calls)]
    return write


def _bare_commit(database: Database) -> Call:
    driver: Any = database.engine.raw_connection().driver_connection
    driver.execute("CREATE TABLE floor (number bigint)")

    def write(number: int) -> None:
        driver.execute("BEGIN IMMEDIATE" if database.dbms == "sqlite" else "BEGIN")
        driver.execute(f"INSERT INTO floor VALUES ({number})")  # noqa: S608  # a number
        driver.execute("COMMIT")

    return write


_FAR = 10**15
"""Beyond the numbers that the store has given."""


class Meter:
    """Measures calls, and prints a row for each measurement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def row(self, name: str, calls: int, call: Call) -> None:
        """Call it so often, after a few calls that do not count."""
        warm = calls // 20
        for number in range(warm):
            call(number)
        cpu, server = time.process_time(), self._server_cpu()
        times = []
        for number in range(warm, calls):
            began = time.perf_counter()
            call(number)
            times.append(time.perf_counter() - began)
        each = 1e6 / len(times)
        figures = (
            statistics.median(times) * 1e6,
            statistics.quantiles(times, n=100)[98] * 1e6,
            len(times) / sum(times),
            (time.process_time() - cpu) * each,
            (self._server_cpu() - server) * each,
        )
        print(f"{name:34}" + "".join(f"{figure:8.0f}" for figure in figures), flush=True)

    def _server_cpu(self) -> float:
        """Return the CPU seconds of the server's connections, if it runs on this machine."""
        if self._database.dbms != "postgresql":
            return 0.0
        ask = "SELECT pid FROM pg_stat_activity WHERE application_name = 'felles'"
        pids = self._database.ask(lambda driver: driver.execute(ask).fetchall())
        ticks = 0
        for (pid,) in pids:
            stat = Path(f"/proc/{pid}/stat")
            if stat.exists():
                ticks += sum(map(int, stat.read_text().rpartition(") ")[2].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
