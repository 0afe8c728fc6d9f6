"""ITI-42 on a registry in memory: the life of documents, all or nothing, and several at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihe.datatypes import DTM, OID, SHA1, Identifier
from ihe.errors import ErrorCode
from ihe.messages import RegistryResponse
from ihe.model import LocalizedString, Slot, Submission
from ihe.rules import Profile, Strictness
from ihe.state import Kind
from ihe.vocabulary import AssociationType, ResponseStatus, Severity, Status, SubmissionSetStatus
from registry.store.memory import MemoryStore
from registry.store.port import Store, Writer
from registry.store.sql import open_store
from tests import samples, strategies
from tests.registry.scene import START, Scene, codes

E = ErrorCode
T = AssociationType


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


def test_faults_of_attributes_and_against_the_registry_are_told_together(scene: Scene) -> None:
    old = scene.document(1)
    assert scene.relate(T.RPLC, 2, old).ok
    before = scene.everything()
    found = scene.relate(T.APND, 3, old, class_code=None, hash=SHA1("x"))
    assert [each.rule for each in found.errors] == ["C1", "D6", "F13"]
    assert scene.everything() == before


def test_with_a_broken_structure_nobody_asks_what_is_registered(scene: Scene) -> None:
    old = scene.document(1)
    assert scene.relate(T.RPLC, 2, old).ok
    link = samples.relationship(T.APND, "Document03", old)
    broken = replace(samples.submission(samples.entry(3)), associations=(link,))
    assert {each.rule for each in scene.send(broken).errors} == {"B4"}


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
    on_demand = samples.submission(samples.on_demand_entry(3), submission_set=scene.new_set())
    assert scene.send_on_demand(on_demand).ok
    assert scene.relate(T.IS_SNAPSHOT_OF, 4, scene.entry(3).entry_uuid).ok


# --- folders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [T.RPLC, T.XFRM_RPLC])
def test_a_replacement_joins_the_folders_of_what_it_replaces(scene: Scene, kind: T) -> None:
    assert scene.send(samples.submission_with_folder()).ok
    (folder,) = scene.find(Kind.FOLDER, "unique_id", "2.25.3000.1")
    scene.at = START + timedelta(hours=1)
    assert scene.relate(kind, 2, scene.entry(1).entry_uuid).ok
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


@pytest.mark.parametrize("folder_is_new", [True, False])
@pytest.mark.parametrize("document_is_new", [True, False])
def test_new_and_registered_documents_are_put_into_new_and_registered_folders(
    scene: Scene, document_is_new: bool, folder_is_new: bool
) -> None:
    assert scene.send(samples.submission_with_folder()).ok
    (registered,) = scene.find(Kind.FOLDER, "unique_id", "2.25.3000.1")
    document = "Document05" if document_is_new else scene.document(5)
    folder = "Folder02" if folder_is_new else registered.entry_uuid
    plain = samples.submission(samples.entry(5), submission_set=scene.new_set())
    of_document = plain.associations if document_is_new else ()
    of_folder = (samples.member("SubmissionSet01", "Folder02"),) if folder_is_new else ()
    inside = samples.member(folder, document, entry_uuid="in", submission_set_status=None)
    submission = replace(
        plain,
        entries=plain.entries if document_is_new else (),
        folders=(samples.folder(2),) if folder_is_new else (),
        associations=(*of_document, *of_folder, inside, samples.member("SubmissionSet01", "in")),
    )
    scene.at = START + timedelta(days=1)
    assert scene.send(submission).errors == ()
    number = 2 if folder_is_new else 1
    (holder,) = scene.find(Kind.FOLDER, "unique_id", f"2.25.3000.{number}")
    assert holder.last_update_time == "20261125083000"
    content = scene.find(Kind.ASSOCIATION, "source", holder.entry_uuid)
    assert scene.entry(5).entry_uuid in {each.target for each in content}


def test_a_folder_of_a_later_submission_does_not_go_back_in_time(scene: Scene) -> None:
    scene.at = START + timedelta(days=1)
    assert scene.send(samples.submission_with_folder()).ok
    scene.at = START
    assert scene.relate(T.RPLC, 2, scene.entry(1).entry_uuid).ok
    (folder,) = scene.find(Kind.FOLDER, "unique_id", "2.25.3000.1")
    assert folder.last_update_time == "20261125083000"


def test_a_document_of_another_patient_is_not_put_into_a_folder(scene: Scene) -> None:
    assert scene.send(samples.submission_with_folder()).ok
    (folder,) = scene.find(Kind.FOLDER, "unique_id", "2.25.3000.1")
    other = samples.OTHER_PATIENT
    new = samples.entry(2, patient_id=other)
    inside = samples.member(
        folder.entry_uuid, "Document02", entry_uuid="in", submission_set_status=None
    )
    outer = samples.member("SubmissionSet01", "in")
    response = scene.submit(
        new, submission_set=replace(scene.new_set(), patient_id=other), links=(inside, outer)
    )
    assert codes(response) == {E.PATIENT_ID_DOES_NOT_MATCH}


# --- what comes back -----------------------------------------------------------------------------


def test_extra_metadata_comes_back_on_every_kind_of_object(scene: Scene) -> None:
    extra = (Slot("urn:example:ward", ("B3", "Å ~ <&>")), Slot("urn:example:bed", ("4",)))
    whole = samples.submission_with_folder()
    submission = replace(
        whole,
        submission_sets=(replace(whole.submission_set, extra=extra),),
        entries=(replace(whole.entries[0], extra=extra),),
        folders=(replace(whole.folders[0], extra=extra),),
        associations=tuple(replace(link, extra=extra) for link in whole.associations),
    )
    assert scene.send(submission).errors == ()
    assert [scene.value(record).extra for record in scene.everything()] == [extra] * 7


def test_the_documentation_of_a_relationship_comes_back(scene: Scene) -> None:
    old = scene.document(1)
    why = samples.code("corrected", display="Rettet")
    link = samples.relationship(T.RPLC, "Document02", old, documentation=why)
    assert scene.submit(samples.entry(2), links=(link,)).errors == ()
    (found,) = scene.find(Kind.ASSOCIATION, "target", old)[1:]
    assert scene.value(found).documentation == why


NAMES = (
    "Čeavli Đuoddar · Ærlig Østby · Анна · 李小龍 · عمر · 𠮷野家 · e\u0301 and é · O'Hara & <Ltd>"
)


def test_names_in_every_script_come_back_to_the_letter(scene: Scene) -> None:
    entry = samples.entry(1, title=LocalizedString(NAMES), comments=LocalizedString(NAMES))
    assert scene.submit(entry).errors == ()
    found = scene.value(scene.entry(1))
    assert (str(found.title), str(found.comments)) == (NAMES, NAMES)


def test_a_value_is_measured_in_characters(scene: Scene) -> None:
    most = "𠮷" * 256  # 1024 octets
    assert scene.submit(samples.entry(1, class_code=samples.code(most))).errors == ()
    longer = scene.submit(samples.entry(2, class_code=samples.code(most + "𠮷")))
    assert [each.rule for each in longer.errors] == ["A2b"]


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


# --- several at once -----------------------------------------------------------------------------


class WatchedStore(MemoryStore):
    """A store in memory that notes what is locked."""

    def __init__(self) -> None:
        super().__init__()
        self.locked: list[str] = []

    def write(self, work: Callable[[Writer], Any]) -> Any:
        def watched(writer: Writer) -> Any:
            writer.lock = self.locked.extend  # type: ignore[assignment,method-assign]  # to note the keys
            return work(writer)

        return super().write(watched)


def test_a_registration_locks_what_it_decides_about_and_nothing_symbolic() -> None:
    scene = Scene()
    old = scene.document(1)
    store = WatchedStore()
    watched = Scene(store=store)
    watched.relate(T.RPLC, 2, old)
    assert set(store.locked) == {samples.PATIENT, "2.25.77.1", "2.25.1000.2", old}


def race(*steps: Callable[[], RegistryResponse]) -> list[RegistryResponse]:
    """Take several steps at once."""
    start = threading.Barrier(len(steps))

    def run(step: Callable[[], RegistryResponse]) -> RegistryResponse:
        start.wait()
        return step()

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(run, steps))


def test_of_many_replacements_of_one_document_one_wins(scene: Scene) -> None:
    old = scene.document(1)
    responses = race(*(partial(scene.relate, T.RPLC, number, old) for number in range(2, 10)))
    assert [each.ok for each in responses].count(True) == 1
    assert {code for each in responses for code in codes(each)} == {E.REGISTRY_DEPRECATED_DOCUMENT}


def test_of_many_submissions_with_one_unique_id_one_wins(scene: Scene) -> None:
    chosen = scene.new_set()
    responses = race(
        *(partial(scene.submit, samples.entry(n), submission_set=chosen) for n in range(1, 9))
    )
    assert [each.ok for each in responses].count(True) == 1
    assert len(scene.everything()) == 3, "a set, a document and what holds them together"


# --- relaxed rules -------------------------------------------------------------------------------

RELAXED = Profile(accepts_limited_metadata=True, strictness=dict.fromkeys("ABCDFN", Strictness.OFF))


@st.composite
def loose_submissions(draw: st.DrawFn) -> Submission:
    """Draw a submission whose attributes may be anything, or missing."""
    patient = draw(strategies.patient_ids)
    entry = replace(draw(strategies.entries), entry_uuid="Document01", patient_id=patient)
    chosen = replace(
        draw(strategies.submission_sets), entry_uuid="SubmissionSet01", patient_id=patient
    )
    folder = replace(draw(strategies.folders), entry_uuid="Folder01", patient_id=patient)
    whole = samples.submission_with_folder()
    return replace(whole, submission_sets=(chosen,), entries=(entry,), folders=(folder,))


def keep(submission: Submission, store: Store) -> None:
    scene = Scene(profile=RELAXED, store=store)
    response = scene.send(submission)
    assert codes(response) <= {E.REGISTRY_DUPLICATE_UNIQUE_ID_IN_MESSAGE}
    assert len(scene.everything()) == (7 if response.ok else 0)


@settings(deadline=None)
@given(loose_submissions())
def test_whatever_the_rules_let_through_can_be_kept(submission: Submission) -> None:
    keep(submission, MemoryStore())


@settings(deadline=None, max_examples=25)
@given(loose_submissions())
def test_whatever_the_rules_let_through_fits_a_database(submission: Submission) -> None:
    with TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/registry.sqlite")
        try:
            keep(submission, store)
        finally:
            store.close()


@settings(deadline=None)
@given(strategies.submissions)
def test_no_submission_makes_the_registry_fail(submission: Submission) -> None:
    for profile in (Profile(), RELAXED):
        scene = Scene(profile=profile)
        response = scene.send(submission)
        assert response.ok == bool(scene.everything())
