"""Of two that decide about the same thing, one sees what the other did: whoever comes between.

Each race is run in both orders and with the first stopped before its transaction (what it looked up
may be old then) and before its commit (`tests.registry.racing`). So whoever is *late* is known, and
what it must be answered; the other one is answered Success.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import pytest

from hub.call import Call
from ihe import queries
from ihe.datatypes import CX, OID, SHA1
from ihe.errors import ErrorCode, registry_error
from ihe.messages import (
    AdhocQueryRequest,
    RegistryResponse,
    RemoveObjectsRequest,
    SubmitObjectsRequest,
)
from ihe.model import DocumentEntry, ObjectRef
from ihe.state import Kind, Record
from ihe.vocabulary import AssociationType, Status, SubmissionSetStatus
from registry import iti18, iti62, iti92
from registry.identities import NotMerged, merge_ids
from registry.store.sql import migrate_store
from tests import samples
from tests.databases import PostgresServer
from tests.registry import updating
from tests.registry.racing import Point, Rivals, Workers, workers_of
from tests.registry.scene import Scene, codes
from tests.registry.updating import at_home, in_folder, status_change, update, version_of

pytestmark = pytest.mark.postgres
T, E = AssociationType, ErrorCode
Step: TypeAlias = Callable[[Scene], RegistryResponse]


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


# --- what rivals do ------------------------------------------------------------------------------


def relates(kind: AssociationType, number: int) -> Step:
    """Register a document in a relationship to document 1."""
    return lambda scene: scene.relate(kind, number, scene.entry(1).entry_uuid)


def registers(
    number: int = 2, *, content: str = "", chosen: str = "", patient: CX = samples.PATIENT
) -> Step:
    """Register a document; of this content, or in a set of this uniqueId, if given."""

    def step(scene: Scene) -> RegistryResponse:
        entry = samples.entry(number, patient_id=patient)
        if content:
            entry = replace(entry, hash=SHA1(content * 40))
        one = replace(scene.new_set(), patient_id=patient)
        if chosen:
            one = replace(one, unique_id=OID(chosen))
        return scene.submit(entry, submission_set=one)

    return step


def refers(number: int) -> Step:
    """Register a document, with a reference to document 1 in its set."""

    def step(scene: Scene) -> RegistryResponse:
        chosen = scene.new_set()
        reference = samples.member(
            chosen.entry_uuid,
            scene.entry(1).entry_uuid,
            submission_set_status=SubmissionSetStatus.REFERENCE,
        )
        return scene.submit(samples.entry(number), submission_set=chosen, links=(reference,))

    return step


def files(number: int) -> Step:
    """Register a document in folder 1, by a set that refers to the membership."""

    def step(scene: Scene) -> RegistryResponse:
        entry, chosen = samples.entry(number), scene.new_set()
        inside = samples.member(
            folder_of(scene), entry.entry_uuid, entry_uuid="inside", submission_set_status=None
        )
        of_set = samples.member(chosen.entry_uuid, inside.entry_uuid, submission_set_status=None)
        return scene.submit(entry, submission_set=chosen, links=(inside, of_set))

    return step


def updates(number: int) -> Step:
    """Give document 1 a new version, as ITI-57 does."""

    def step(scene: Scene) -> RegistryResponse:
        new = version_of(scene, 1, entry_uuid=samples.uuid(number))
        return updating.send(scene, update(scene, new))

    return step


def updates_again(scene: Scene) -> RegistryResponse:
    """Give document 1 its third version."""
    new = version_of(scene, 1, of=versions_of(scene)[-1], entry_uuid=samples.uuid(73))
    return updating.send(scene, update(scene, new, previous="2"))


def updates_restricted(number: int) -> Step:
    """Give document 1 a new version, as ITI-92 does."""

    def step(scene: Scene) -> RegistryResponse:
        new = version_of(scene, 1, entry_uuid=samples.uuid(number))
        request = SubmitObjectsRequest(at_home(update(scene, new)))
        return iti92.handle(request, call(scene), scene.registry)

    return step


def deprecates(scene: Scene) -> RegistryResponse:
    """Set document 1 Deprecated."""
    link = status_change(scene.entry(1).entry_uuid, Status.APPROVED, Status.DEPRECATED)
    return updating.send(scene, update(scene, links=(link,)))


def removes_all(scene: Scene) -> RegistryResponse:
    """Remove everything that there was beforehand."""
    request = RemoveObjectsRequest(tuple(ObjectRef(each.entry_uuid) for each in scene.everything()))
    return iti62.handle(request, call(scene), scene.registry)


def removes_newest(scene: Scene) -> RegistryResponse:
    """Remove the newest version of document 1, with what leads to it."""
    return removes(scene, versions_of(scene)[-1].entry_uuid)


def removes_from_set(number: int) -> Step:
    """Remove the membership of document 1 in one of the two sets that it is in."""

    def step(scene: Scene) -> RegistryResponse:
        links = scene.find(Kind.ASSOCIATION, "target", scene.entry(1).entry_uuid)
        of_sets = [each for each in links if each.source != folder_of(scene)]
        return removes(scene, of_sets[number].entry_uuid)

    return step


def removes_folder(scene: Scene) -> RegistryResponse:
    """Remove folder 1 and its memberships, and leave document 1."""
    return removes(scene, folder_of(scene))


def removes(scene: Scene, entry_uuid: str) -> RegistryResponse:
    """Remove an object with the associations that touch it, and those that lead to these."""
    from_it = {each.entry_uuid for each in scene.find(Kind.ASSOCIATION, "source", entry_uuid)}
    to_it = {each.entry_uuid for each in scene.find(Kind.ASSOCIATION, "target", entry_uuid)}
    gone = {entry_uuid} | from_it | to_it
    gone |= {each.entry_uuid for each in scene.find(Kind.ASSOCIATION, "target", *gone)}
    request = RemoveObjectsRequest(tuple(map(ObjectRef, sorted(gone))))
    return iti62.handle(request, call(scene), scene.registry)


def merges(scene: Scene) -> RegistryResponse:
    """Merge the patient of document 1 into the other."""
    return _merged(scene, subsumed=0)


def merges_back(scene: Scene) -> RegistryResponse:
    """Merge the other patient into that of document 1."""
    return _merged(scene, subsumed=1)


def _merged(scene: Scene, subsumed: int) -> RegistryResponse:
    ids = samples.PATIENT, samples.OTHER_PATIENT
    try:
        merge_ids(ids[subsumed], ids[1 - subsumed], scene.registry.store)
    except NotMerged as problem:
        return RegistryResponse.of([registry_error(E.UNKNOWN_PATIENT_ID, str(problem))])
    return RegistryResponse.of([])


def call(scene: Scene) -> Call:
    return Call(at=scene.at, trace_id="0" * 32)


def versions_of(scene: Scene) -> list[Record]:
    """Return the versions of document 1."""
    found = scene.find(Kind.DOCUMENT_ENTRY, "unique_id", "2.25.1000.1")
    return sorted(found, key=lambda each: each.version)


def folder_of(scene: Scene) -> str:
    (folder,) = scene.find(Kind.FOLDER, "unique_id", "2.25.3000.1")
    return folder.entry_uuid


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
