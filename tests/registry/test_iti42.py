"""ITI-42 on a registry in memory: the life of documents, all or nothing, and who may do what."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.call import Call
from ihe.datatypes import CX, DTM, OID, SHA1, Identifier
from ihe.ebxml.rendering import fill, read_filled
from ihe.errors import ErrorCode
from ihe.messages import RegistryResponse, SubmitObjectsRequest
from ihe.model import DocumentEntry, LocalizedString, Submission
from ihe.state import Kind, Record, any_of
from ihe.vocabulary import (
    AssociationType,
    DocumentEntryType,
    ResponseStatus,
    Severity,
    Status,
    SubmissionSetStatus,
)
from registry import iti42, iti61
from registry.domain import Registry
from registry.patients import PatientMode
from registry.store.memory import MemoryStore
from registry.store.port import Writer
from tests import samples

E = ErrorCode
T = AssociationType
START = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


class Scene:
    """A registry, and the steps of a test on it."""

    def __init__(self, **options: Any) -> None:
        numbers = itertools.count(1000)
        self.store = MemoryStore()
        self.registry = Registry(
            store=self.store, new_uuid=lambda: samples.uuid(next(numbers)), **options
        )
        self.at = START
        self.sets = itertools.count(1)

    def send(self, submission: Submission) -> RegistryResponse:
        call = Call(at=self.at, trace_id="0" * 32)
        return iti42.handle(SubmitObjectsRequest(submission), call, self.registry)

    def new_set(self) -> Any:
        number = next(self.sets)
        return samples.submission_set(unique_id=OID(f"2.25.77.{number}"))

    def submit(self, *entries: DocumentEntry, **changes: Any) -> RegistryResponse:
        changes.setdefault("submission_set", self.new_set())
        links = changes.pop("links", ())
        submission = samples.submission(*entries, **changes)
        return self.send(replace(submission, associations=(*submission.associations, *links)))

    def document(self, number: int, **changes: Any) -> str:
        """Register a document, and return its entryUUID."""
        response = self.submit(samples.entry(number, **changes))
        assert response.ok, response.errors
        return self.entry(number).entry_uuid

    def relate(self, kind: T, number: int, target: str, **changes: Any) -> RegistryResponse:
        """Register document `number` in a relationship to `target`."""
        new = samples.entry(number, **changes)
        link = samples.relationship(kind, new.entry_uuid, target)
        return self.submit(new, links=(link,))

    def find(self, kind: Kind, attribute: str, *values: str) -> list[Record]:
        with self.store.read() as state:
            return state.find(kind, (any_of(attribute, *values),))

    def entry(self, number: int) -> Record:
        (found,) = self.find(Kind.DOCUMENT_ENTRY, "unique_id", f"2.25.1000.{number}")
        return found

    def status(self, number: int) -> Status:
        return self.entry(number).status

    def value(self, record: Record) -> Any:
        return read_filled(
            fill(
                record.template,
                status=record.status,
                patient_id=record.patient_id,
                last_update_time=record.last_update_time,
            )
        )

    def everything(self) -> list[str]:
        with self.store.read() as state:
            sets = state.find(Kind.SUBMISSION_SET, (any_of("availability_status", *Status),))
            return [record.entry_uuid for record in sets]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def codes(response: RegistryResponse) -> set[str]:
    return {each.code for each in response.errors}


# --- registering ---------------------------------------------------------------------------------


def test_a_document_is_registered_complete(scene: Scene) -> None:
    assert scene.submit(samples.entry()).errors == ()
    record = scene.entry(1)
    assert record.status is Status.APPROVED
    found = scene.value(record)
    expected = replace(
        samples.entry(),
        entry_uuid=record.entry_uuid,
        logical_id=record.entry_uuid,
        version="1",
        availability_status=Status.APPROVED,
    )
    assert found == expected, "what was registered comes back, extra metadata included"


def test_symbolic_ids_become_uuids_wherever_they_stand(scene: Scene) -> None:
    assert scene.send(samples.submission_with_folder()).ok
    record = scene.entry(1)
    (folder,) = scene.find(Kind.FOLDER, "unique_id", "2.25.3000.1")
    memberships = scene.find(Kind.ASSOCIATION, "target", record.entry_uuid)
    (chosen,) = scene.find(Kind.SUBMISSION_SET, "unique_id", "2.25.2000")
    assert {each.source for each in memberships} == {folder.entry_uuid, chosen.entry_uuid}
    inside = next(each for each in memberships if each.source == folder.entry_uuid)
    (outer,) = scene.find(Kind.ASSOCIATION, "target", inside.entry_uuid)
    assert outer.source == chosen.entry_uuid


def test_submitted_uuids_are_kept(scene: Scene) -> None:
    uuid = samples.uuid(7)
    assert scene.submit(samples.entry(entry_uuid=uuid)).ok
    assert scene.entry(1).entry_uuid == uuid


def test_a_submitted_status_home_and_update_time_do_not_count(scene: Scene) -> None:
    submission = samples.submission_with_folder()
    entry = samples.entry(
        availability_status=Status.DEPRECATED, home_community_id=samples.HOME, version="7"
    )
    folder = samples.folder(last_update_time=DTM("1999"))
    assert scene.send(replace(submission, entries=(entry,), folders=(folder,))).ok
    found = scene.value(scene.entry(1))
    assert (found.availability_status, found.home_community_id, found.version) == (
        Status.APPROVED,
        None,
        "1",
    )
    (record,) = scene.find(Kind.FOLDER, "unique_id", "2.25.3000.1")
    assert record.last_update_time == "20261124083000"


def test_warnings_do_not_keep_a_submission_out(scene: Scene) -> None:
    response = scene.submit(samples.entry(title=LocalizedString("x" * 200)))
    assert response.status is ResponseStatus.SUCCESS
    assert [each.severity for each in response.errors] == [Severity.WARNING]
    assert scene.status(1) is Status.APPROVED


# --- all or nothing ------------------------------------------------------------------------------


def test_one_bad_entry_keeps_the_whole_submission_out(scene: Scene) -> None:
    response = scene.submit(samples.entry(1), samples.entry(2, class_code=None))
    assert response.status is ResponseStatus.FAILURE
    assert scene.everything() == []


def test_an_error_against_the_registry_keeps_everything_out(scene: Scene) -> None:
    response = scene.relate(T.RPLC, 1, samples.uuid(99))
    assert codes(response) == {E.UNRESOLVED_REFERENCE}
    assert scene.everything() == []
    with scene.store.read() as state:
        assert state.patient(samples.PATIENT) is None


# --- relationships -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [T.RPLC, T.XFRM_RPLC])
def test_a_replaced_document_becomes_deprecated(scene: Scene, kind: T) -> None:
    old = scene.document(1)
    assert scene.relate(kind, 2, old).ok
    assert (scene.status(1), scene.status(2)) == (Status.DEPRECATED, Status.APPROVED)


@pytest.mark.parametrize("kind", [T.APND, T.XFRM, T.SIGNS])
def test_other_relationships_leave_the_target_approved(scene: Scene, kind: T) -> None:
    old = scene.document(1)
    assert scene.relate(kind, 2, old).ok
    assert (scene.status(1), scene.status(2)) == (Status.APPROVED, Status.APPROVED)


def test_replacing_deprecates_addenda_and_transformations_too(scene: Scene) -> None:
    old = scene.document(1)
    assert scene.relate(T.APND, 2, old).ok
    assert scene.relate(T.XFRM, 3, old).ok
    assert scene.relate(T.XFRM, 4, scene.entry(2).entry_uuid).ok, "of the addendum"
    assert scene.relate(T.SIGNS, 5, old).ok
    assert scene.relate(T.RPLC, 6, old).ok
    approved = [number for number in range(1, 7) if scene.status(number) is Status.APPROVED]
    assert approved == [5, 6]


def test_a_document_may_be_appended_to_one_of_the_same_submission(scene: Scene) -> None:
    link = samples.relationship(T.APND, "Document02", "Document01")
    assert scene.submit(samples.entry(1), samples.entry(2), links=(link,)).ok


@pytest.mark.parametrize("kind", [T.RPLC, T.XFRM_RPLC, T.IS_SNAPSHOT_OF])
def test_what_is_replaced_must_be_registered(scene: Scene, kind: T) -> None:
    link = samples.relationship(kind, "Document02", "Document01")
    response = scene.submit(samples.entry(1), samples.entry(2), links=(link,))
    assert E.UNRESOLVED_REFERENCE in codes(response)


@pytest.mark.parametrize("kind", [T.RPLC, T.XFRM_RPLC, T.APND, T.XFRM, T.SIGNS])
def test_nothing_is_related_to_a_deprecated_document(scene: Scene, kind: T) -> None:
    old = scene.document(1)
    assert scene.relate(T.RPLC, 2, old).ok
    assert codes(scene.relate(kind, 3, old)) == {E.REGISTRY_DEPRECATED_DOCUMENT}


def test_a_replacement_is_of_the_same_patient(scene: Scene) -> None:
    old = scene.document(1)
    other = samples.OTHER_PATIENT
    new = samples.entry(2, patient_id=other)
    chosen = replace(scene.new_set(), patient_id=other)
    link = samples.relationship(T.RPLC, new.entry_uuid, old)
    response = scene.submit(new, submission_set=chosen, links=(link,))
    assert codes(response) == {E.PATIENT_ID_DOES_NOT_MATCH}
    assert samples.PATIENT not in response.errors[0].context, "whose it is stays untold"


def test_a_transformation_is_not_appended_to(scene: Scene) -> None:
    old = scene.document(1)
    assert scene.relate(T.XFRM, 2, old).ok
    assert codes(scene.relate(T.APND, 3, scene.entry(2).entry_uuid)) == {E.REGISTRY_METADATA}


def test_a_snapshot_is_of_an_on_demand_entry(scene: Scene) -> None:
    stable = scene.document(1)
    assert codes(scene.relate(T.IS_SNAPSHOT_OF, 2, stable)) == {E.REGISTRY_METADATA}
    request = SubmitObjectsRequest(
        samples.submission(samples.on_demand_entry(3), submission_set=scene.new_set())
    )
    call = Call(at=START, trace_id="0" * 32)
    assert iti61.handle(request, call, scene.registry).ok
    assert scene.relate(T.IS_SNAPSHOT_OF, 4, scene.entry(3).entry_uuid).ok


# --- folders -------------------------------------------------------------------------------------


def test_a_replacement_joins_the_folders_of_what_it_replaces(scene: Scene) -> None:
    assert scene.send(samples.submission_with_folder()).ok
    (folder,) = scene.find(Kind.FOLDER, "unique_id", "2.25.3000.1")
    scene.at = START + timedelta(hours=1)
    assert scene.relate(T.RPLC, 2, scene.entry(1).entry_uuid).ok
    new = scene.entry(2)
    inside = [
        each
        for each in scene.find(Kind.ASSOCIATION, "target", new.entry_uuid)
        if each.source == folder.entry_uuid
    ]
    assert len(inside) == 1
    outer = scene.find(Kind.ASSOCIATION, "target", inside[0].entry_uuid)
    (chosen,) = scene.find(Kind.SUBMISSION_SET, "unique_id", "2.25.77.1")
    assert [each.source for each in outer] == [chosen.entry_uuid]
    (folder,) = scene.find(Kind.FOLDER, "unique_id", "2.25.3000.1")
    assert folder.last_update_time == "20261124093000"
    old = scene.find(Kind.ASSOCIATION, "target", scene.entry(1).entry_uuid)
    assert folder.entry_uuid in {each.source for each in old}, "the old one stays in it"


def test_a_registered_document_is_put_into_a_registered_folder(scene: Scene) -> None:
    assert scene.send(samples.submission_with_folder()).ok
    (folder,) = scene.find(Kind.FOLDER, "unique_id", "2.25.3000.1")
    loose = scene.document(2)
    inside = samples.member(folder.entry_uuid, loose, entry_uuid="m", submission_set_status=None)
    outer = samples.member("SubmissionSet01", "m", submission_set_status=None)
    chosen = scene.new_set()
    submission = replace(
        samples.submission(submission_set=chosen), entries=(), associations=(inside, outer)
    )
    scene.at = START + timedelta(hours=2)
    assert scene.send(submission).errors == ()
    (folder,) = scene.find(Kind.FOLDER, "unique_id", "2.25.3000.1")
    assert folder.last_update_time == "20261124103000"


def test_a_document_of_another_patient_is_not_put_into_a_folder(scene: Scene) -> None:
    assert scene.send(samples.submission_with_folder()).ok
    (folder,) = scene.find(Kind.FOLDER, "unique_id", "2.25.3000.1")
    other = samples.OTHER_PATIENT
    new = samples.entry(2, patient_id=other)
    inside = samples.member(folder.entry_uuid, "Document02", submission_set_status=None)
    outer = samples.member("SubmissionSet01", inside.entry_uuid, submission_set_status=None)
    response = scene.submit(
        new, submission_set=replace(scene.new_set(), patient_id=other), links=(inside, outer)
    )
    assert codes(response) == {E.PATIENT_ID_DOES_NOT_MATCH}


# --- references ----------------------------------------------------------------------------------


def by_reference(scene: Scene, target: str) -> RegistryResponse:
    link = samples.member(
        "SubmissionSet01", target, submission_set_status=SubmissionSetStatus.REFERENCE
    )
    return scene.submit(samples.entry(9), links=(link,))


def test_a_registered_document_may_be_referenced_of_any_patient(scene: Scene) -> None:
    other = samples.OTHER_PATIENT
    old = samples.entry(1, patient_id=other)
    assert scene.submit(old, submission_set=replace(scene.new_set(), patient_id=other)).ok
    assert by_reference(scene, scene.entry(1).entry_uuid).errors == ()


def test_a_deprecated_or_unknown_document_is_not_referenced(scene: Scene) -> None:
    old = scene.document(1)
    assert scene.relate(T.RPLC, 2, old).ok
    assert codes(by_reference(scene, old)) == {E.REGISTRY_DEPRECATED_DOCUMENT}
    assert codes(by_reference(scene, samples.uuid(99))) == {E.UNRESOLVED_REFERENCE}


# --- identity ------------------------------------------------------------------------------------


def test_a_document_may_be_registered_again_with_the_same_bytes(scene: Scene) -> None:
    scene.document(1)
    again = samples.entry(1, hash=SHA1(str(samples.entry().hash).upper()))
    assert scene.submit(again).ok
    assert len(scene.find(Kind.DOCUMENT_ENTRY, "unique_id", "2.25.1000.1")) == 2


def test_a_unique_id_never_stands_for_other_bytes(scene: Scene) -> None:
    scene.document(1)
    assert codes(scene.submit(samples.entry(1, hash=SHA1("0" * 40)))) == {E.NON_IDENTICAL_HASH}
    assert codes(scene.submit(samples.entry(1, size="1"))) == {E.NON_IDENTICAL_SIZE}


def test_the_unique_id_of_a_set_or_folder_is_used_once(scene: Scene) -> None:
    assert scene.send(samples.submission_with_folder()).ok
    used = samples.submission_set()
    assert codes(scene.submit(samples.entry(2), submission_set=used)) == {
        E.DUPLICATE_UNIQUE_ID_IN_REGISTRY
    }
    of_entry = samples.submission_set(unique_id=OID("2.25.1000.1"))
    assert codes(scene.submit(samples.entry(2), submission_set=of_entry)) == {
        E.DUPLICATE_UNIQUE_ID_IN_REGISTRY
    }
    folder = replace(
        samples.submission_with_folder(),
        submission_sets=(scene.new_set(),),
        entries=(samples.entry(1, unique_id=Identifier("2.25.5")),),
    )
    assert codes(scene.send(folder)) == {E.DUPLICATE_UNIQUE_ID_IN_REGISTRY}


def test_a_uuid_is_never_used_again(scene: Scene) -> None:
    uuid = samples.uuid(7)
    assert scene.submit(samples.entry(1, entry_uuid=uuid)).ok
    response = scene.submit(samples.entry(2, entry_uuid=uuid))
    assert codes(response) == {E.REGISTRY_METADATA}
    assert uuid in response.errors[0].context


# --- replays -------------------------------------------------------------------------------------

with_uuids = samples.submission(
    samples.entry(entry_uuid=samples.uuid(50)),
    submission_set=samples.submission_set(entry_uuid=samples.uuid(51)),
)


@pytest.mark.parametrize(
    "submission",
    [samples.submission(), samples.submission_with_folder(), with_uuids],
    ids=["symbolic ids", "with a folder", "with UUIDs"],
)
def test_the_same_submission_again_succeeds_and_changes_nothing(
    scene: Scene, submission: Submission
) -> None:
    assert scene.send(submission).ok
    before = scene.everything()
    assert scene.send(submission) == RegistryResponse()
    assert scene.everything() == before
    assert len(scene.find(Kind.DOCUMENT_ENTRY, "unique_id", "2.25.1000.1")) == 1


def test_a_replacement_sent_again_succeeds(scene: Scene) -> None:
    old = scene.document(1)
    new = samples.entry(2)
    link = samples.relationship(T.RPLC, new.entry_uuid, old)
    chosen = scene.new_set()
    assert scene.submit(new, submission_set=chosen, links=(link,)).ok
    assert scene.submit(new, submission_set=chosen, links=(link,)).ok
    assert scene.status(2) is Status.APPROVED


DIFFERENCES: list[Callable[[Submission], Submission]] = [
    lambda s: replace(s, entries=(replace(s.entries[0], title=None),)),
    lambda s: replace(s, submission_sets=(replace(s.submission_sets[0], comments=None),)),
    lambda s: samples.submission(*s.entries, samples.entry(2)),
]


@pytest.mark.parametrize("difference", DIFFERENCES, ids=["title", "comments", "one more"])
def test_a_submission_that_differs_is_no_replay(
    scene: Scene, difference: Callable[[Submission], Submission]
) -> None:
    submission = samples.submission()
    assert scene.send(submission).ok
    assert E.DUPLICATE_UNIQUE_ID_IN_REGISTRY in codes(scene.send(difference(submission)))


def test_replays_may_be_refused() -> None:
    scene = Scene(accepts_replays=False)
    assert scene.send(samples.submission()).ok
    assert codes(scene.send(samples.submission())) == {E.DUPLICATE_UNIQUE_ID_IN_REGISTRY}


# --- patients ------------------------------------------------------------------------------------


def add_patient(scene: Scene, *patients: CX) -> None:
    def work(writer: Writer) -> None:
        for each in patients:
            writer.add_patient(each)

    scene.store.write(work)


def test_in_checked_mode_only_known_patients_are_accepted() -> None:
    scene = Scene(patient_mode=PatientMode.CHECKED)
    response = scene.submit(samples.entry())
    assert codes(response) == {E.UNKNOWN_PATIENT_ID}
    assert samples.PATIENT in response.errors[0].context
    add_patient(scene, samples.PATIENT)
    assert scene.submit(samples.entry()).ok


@pytest.mark.parametrize("mode", PatientMode)
def test_a_patient_id_that_was_merged_away_is_no_longer_good(mode: PatientMode) -> None:
    scene = Scene(patient_mode=mode)
    add_patient(scene, samples.PATIENT, samples.OTHER_PATIENT)
    scene.store.write(lambda w: w.merge_patient(samples.PATIENT, samples.OTHER_PATIENT))
    assert codes(scene.submit(samples.entry())) == {E.UNKNOWN_PATIENT_ID}


def test_after_a_merge_documents_of_both_are_of_one_patient(scene: Scene) -> None:
    old = scene.document(1)
    add_patient(scene, samples.OTHER_PATIENT)
    scene.store.write(lambda w: w.merge_patient(samples.PATIENT, samples.OTHER_PATIENT))
    survivor = samples.OTHER_PATIENT
    new = samples.entry(2, patient_id=survivor)
    link = samples.relationship(T.RPLC, new.entry_uuid, old)
    chosen = replace(scene.new_set(), patient_id=survivor)
    assert scene.submit(new, submission_set=chosen, links=(link,)).errors == ()


# --- on-demand -----------------------------------------------------------------------------------


def test_on_demand_entries_have_their_own_transaction(scene: Scene) -> None:
    on_demand = samples.submission(samples.on_demand_entry(), submission_set=scene.new_set())
    assert E.REGISTRY_METADATA in codes(scene.send(on_demand))
    call = Call(at=START, trace_id="0" * 32)
    assert iti61.handle(SubmitObjectsRequest(on_demand), call, scene.registry).ok
    assert scene.entry(1).object_type == DocumentEntryType.ON_DEMAND
    again = samples.submission(samples.on_demand_entry(), submission_set=scene.new_set())
    assert iti61.handle(SubmitObjectsRequest(again), call, scene.registry).ok, "it may come again"
    stable = scene.submit(samples.entry(1))
    assert codes(stable) == {E.NON_IDENTICAL_HASH}


def test_an_on_demand_entry_never_has_the_id_of_a_stable_document(scene: Scene) -> None:
    scene.document(1)
    on_demand = samples.submission(samples.on_demand_entry(), submission_set=scene.new_set())
    call = Call(at=START, trace_id="0" * 32)
    response = iti61.handle(SubmitObjectsRequest(on_demand), call, scene.registry)
    assert codes(response) == {E.REGISTRY_METADATA}
