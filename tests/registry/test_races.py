"""Of two that decide about the same thing, one sees what the other did: whoever comes between.

Each race is run in both orders and with the first stopped before its transaction (what it looked up
may be old then) and before its commit (`tests.registry.racing`). So whoever is *late* is known, and
what it must be answered; the other one is answered Success.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from ihe import queries
from ihe.errors import ErrorCode
from ihe.messages import AdhocQueryRequest
from ihe.model import DocumentEntry
from ihe.state import Kind, Record
from ihe.vocabulary import AssociationType, Status
from registry import iti18
from registry.store.sql import migrate_store
from tests import samples
from tests.databases import PostgresServer
from tests.registry.moves import (
    Step,
    call,
    deprecates,
    files,
    merges,
    merges_back,
    refers,
    registers,
    relates,
    removes_all,
    removes_folder,
    removes_from_set,
    removes_newest,
    updates,
    updates_again,
    updates_restricted,
)
from tests.registry.racing import Point, Rivals, Workers, workers_of
from tests.registry.scene import Scene, codes
from tests.registry.updating import in_folder

pytestmark = pytest.mark.postgres
T, E = AssociationType, ErrorCode


@pytest.fixture(scope="module")
def workers(postgres_server: PostgresServer) -> Iterator[Workers]:
    with postgres_server.database() as url:
        migrate_store(url)
        with workers_of(url) as workers:
            yield workers


@pytest.fixture
def rivals(workers: Workers) -> Rivals:
    """Give two workers of a registry with document 1 in folder 1, of a patient among two."""
    workers.empty()
    found = Rivals(workers, samples.HOME)
    found.first.add_patients(samples.PATIENT, samples.OTHER_PATIENT)
    in_folder(found.first)
    return found


# --- writers against writers ---------------------------------------------------------------------


class Race(NamedTuple):
    """Two steps, and what each is answered when it is late; Success without a code.

    `prepare` is a step that is taken before both.
    """

    name: str
    one: Step
    other: Step
    late_one: ErrorCode | None
    late_other: ErrorCode | None
    prepare: Step | None = None


RPLC, APND = T.RPLC, T.APND
RACES = [
    Race(
        "two replacements",
        *(relates(RPLC, 2), relates(RPLC, 3)),
        *(E.REGISTRY_DEPRECATED_DOCUMENT, E.REGISTRY_DEPRECATED_DOCUMENT),
    ),
    Race(
        "a replacement and an addendum",
        *(relates(RPLC, 2), relates(APND, 3)),
        *(None, E.REGISTRY_DEPRECATED_DOCUMENT),
    ),
    Race(
        "two contents of a uniqueId",
        *(registers(content="a"), registers(content="b")),
        *(E.NON_IDENTICAL_HASH, E.NON_IDENTICAL_HASH),
    ),
    Race(
        "two patients of a uniqueId",
        *(registers(content="a"), registers(content="b", patient=samples.OTHER_PATIENT)),
        *(E.NON_IDENTICAL_HASH, E.NON_IDENTICAL_HASH),
    ),
    Race(
        "two sets of a uniqueId",
        *(registers(2, chosen="2.25.5"), registers(3, chosen="2.25.5")),
        *(E.DUPLICATE_UNIQUE_ID_IN_REGISTRY, E.DUPLICATE_UNIQUE_ID_IN_REGISTRY),
    ),
    Race(
        "a submission and its replay",
        *(registers(chosen="2.25.5"), registers(chosen="2.25.5")),
        *(None, None),
    ),
    Race("two updates", updates(71), updates(72), E.METADATA_VERSION, E.METADATA_VERSION),
    Race(
        "two restricted updates",
        *(updates_restricted(71), updates_restricted(72)),
        *(E.METADATA_VERSION, E.METADATA_VERSION),
    ),
    Race(
        "an update and a restricted one",
        *(updates(71), updates_restricted(72)),
        *(E.METADATA_VERSION, E.METADATA_VERSION),
    ),
    Race(
        "an update and a replacement",
        *(updates(71), relates(RPLC, 2)),
        *(None, E.REGISTRY_DEPRECATED_DOCUMENT),
    ),
    Race(
        "a restricted update and a replacement",
        *(updates_restricted(71), relates(RPLC, 2)),  # it says Approved of what no longer is
        *(E.UNMODIFIABLE_METADATA, E.REGISTRY_DEPRECATED_DOCUMENT),
    ),
    Race(
        "a deprecation and a replacement",
        *(deprecates, relates(RPLC, 2)),
        *(E.METADATA_UPDATE, E.REGISTRY_DEPRECATED_DOCUMENT),
    ),
    Race("two deprecations", deprecates, deprecates, E.METADATA_UPDATE, E.METADATA_UPDATE),
    Race(
        "a removal and a replacement",
        *(removes_all, relates(RPLC, 2)),
        *(E.REFERENCES_EXIST, E.UNRESOLVED_REFERENCE),
    ),
    Race(
        "a removal and an addendum",
        *(removes_all, relates(APND, 2)),
        *(E.REFERENCES_EXIST, E.UNRESOLVED_REFERENCE),
    ),
    Race(
        "a removal and a reference",
        *(removes_all, refers(2)),
        *(E.REFERENCES_EXIST, E.UNRESOLVED_REFERENCE),
    ),
    Race(
        "a removal of a folder and a document for it",
        *(removes_folder, files(2)),
        *(E.REFERENCES_EXIST, E.UNRESOLVED_REFERENCE),
    ),
    Race(
        "a removal and an update",
        *(removes_all, updates(71)),
        *(E.REFERENCES_EXIST, E.UNRESOLVED_REFERENCE),
    ),
    Race(
        "a removal of the newest version and an update of it",
        *(removes_newest, updates_again),
        *(None, E.METADATA_VERSION),  # an older version may be removed
        prepare=updates(70),
    ),
    Race(
        "two removals from sets",
        *(removes_from_set(0), removes_from_set(1)),
        *(E.UNREFERENCED_OBJECT, E.UNREFERENCED_OBJECT),
        prepare=refers(2),
    ),
    Race("two removals", removes_all, removes_all, E.UNRESOLVED_REFERENCE, E.UNRESOLVED_REFERENCE),
    Race("a merge and a registration", merges, registers(), None, E.UNKNOWN_PATIENT_ID),
    Race("a merge and a replacement", merges, relates(RPLC, 2), None, E.UNKNOWN_PATIENT_ID),
    Race("a merge and an update", merges, updates(71), None, E.UNKNOWN_PATIENT_ID),
    Race("a merge and a removal", merges, removes_all, None, None),
    Race(
        "two merges, one into the other",
        *(merges, merges_back),
        *(E.UNKNOWN_PATIENT_ID, E.UNKNOWN_PATIENT_ID),
    ),
]


@pytest.mark.parametrize("point", [Point.BEFORE, Point.HELD])
@pytest.mark.parametrize("swapped", [False, True], ids=["as-named", "swapped"])
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name.replace(" ", "-"))
def test_of_two_the_late_one_sees_what_the_other_did(
    rivals: Rivals, race: Race, swapped: bool, point: Point
) -> None:
    if race.prepare is not None:
        assert race.prepare(rivals.first).ok
    first, second = (race.other, race.one) if swapped else (race.one, race.other)
    answers = rivals.race(point, first, second)
    late_is_second = point == Point.HELD
    late, early = answers if not late_is_second else answers[::-1]
    late_is_one = late_is_second == swapped
    expected = race.late_one if late_is_one else race.late_other
    assert early.ok, early.errors
    assert late.ok == (expected is None), late.errors
    if expected is not None:
        assert expected in codes(late)
    assert list(contradictions(rivals.second)) == []


def contradictions(scene: Scene) -> Iterator[str]:
    """Yield what no order of whole transactions can leave behind."""
    everything = scene.everything()
    by_uuid = {each.entry_uuid: each for each in everything}
    links = [each for each in everything if each.kind is Kind.ASSOCIATION]
    for link in links:
        if {link.source, link.target} - by_uuid.keys():
            yield f"{link.type} leads nowhere"
        if link.type == RPLC and by_uuid[str(link.target)].status != Status.DEPRECATED:
            yield "what is replaced is not Deprecated"
    replaced = Counter(each.target for each in links if each.type == RPLC)
    if any(count > 1 for count in replaced.values()):
        yield "a document is replaced twice"
    linked = {each.target for each in links if each.type == T.HAS_MEMBER}
    entries = [each for each in everything if each.kind is Kind.DOCUMENT_ENTRY]
    if {each.entry_uuid for each in entries} - linked:
        yield "a document is in no set"
    for logical_id in {each.logical_id for each in entries}:
        line = [each for each in entries if each.logical_id == logical_id]
        if len({each.version for each in line}) < len(line):
            yield f"the versions are {[each.version for each in line]}"
        if sum(each.status == Status.APPROVED for each in line) > 1:
            yield "two versions are Approved"
    numbers = Counter(str(unique_id(scene, each)) for each in entries if each.version == 1)
    if any(count > 1 for count in numbers.values()):
        yield "a uniqueId is registered twice"
    with scene.store.read() as state:
        for patient_id in {each.patient_id for each in everything}:
            patient = state.patient(patient_id)
            if patient is None or patient.survivor is not None:
                yield "an object is of a patient who was merged into another"


def unique_id(scene: Scene, record: Record) -> str | None:
    entry = scene.value(record)
    assert isinstance(entry, DocumentEntry)
    return entry.unique_id


# --- writers against readers ---------------------------------------------------------------------

EVERY = tuple(Status)


def _get_all(_: Scene) -> AdhocQueryRequest:
    return queries.get_all(
        samples.PATIENT,
        document_entry_status=EVERY,
        submission_set_status=EVERY,
        folder_status=EVERY,
        association_status=EVERY,
    )


QUERIES: dict[str, Callable[[Scene], AdhocQueryRequest]] = {
    "GetAll": _get_all,
    "GetSubmissionSetAndContents": lambda _: queries.get_submission_set_and_contents(
        unique_id="2.25.77.1"
    ),
    "GetFolderAndContents": lambda _: queries.get_folder_and_contents(unique_id="2.25.3000.1"),
    "GetFoldersForDocument": lambda _: queries.get_folders_for_document(unique_id="2.25.1000.1"),
    "GetDocumentsAndAssociations": lambda _: queries.get_documents_and_associations(
        unique_id=["2.25.1000.1"]
    ),
    "GetSubmissionSets": lambda scene: queries.get_submission_sets([scene.entry(1).entry_uuid]),
    "GetRelatedDocuments": lambda _: queries.get_related_documents(
        [T.APND], unique_id="2.25.1000.1"
    ),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_sees_what_is_removed_while_it_runs_whole_or_not_at_all(
    rivals: Rivals, name: str
) -> None:
    assert relates(APND, 9)(rivals.second).ok
    request = QUERIES[name](rivals.second)

    def asks(scene: Scene) -> tuple[bytes, ...]:
        return iti18.handle(request, call(scene), scene.registry).fragments

    before = asks(rivals.second)
    found, removed = rivals.race(Point.BETWEEN, asks, removes_all)
    assert removed.ok, removed.errors
    assert found == before
    assert len(before) > 0
    assert asks(rivals.second) == ()


@pytest.mark.parametrize("name", ["GetAll", "GetDocumentsAndAssociations", "GetRelatedDocuments"])
@pytest.mark.parametrize(
    "change",
    [relates(RPLC, 2), relates(APND, 2), updates(71), merges],
    ids=["replacement", "addendum", "update", "merge"],
)
def test_a_query_sees_nothing_of_a_change_that_comes_while_it_runs(
    rivals: Rivals, name: str, change: Step
) -> None:
    assert relates(APND, 9)(rivals.second).ok
    request = QUERIES[name](rivals.second)

    def asks(scene: Scene) -> tuple[bytes, ...]:
        return iti18.handle(request, call(scene), scene.registry).fragments

    before = asks(rivals.second)
    found, changed = rivals.race(Point.BETWEEN, asks, change)
    assert changed.ok, changed.errors
    assert found == before
    assert asks(rivals.second) != before
