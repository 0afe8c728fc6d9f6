"""ITI-92: new versions of documents of the own community, restricted to what may change."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from hub.call import Call
from ihe.datatypes import HomeCommunityId, Identifier
from ihe.errors import ErrorCode
from ihe.messages import RegistryResponse, SubmitObjectsRequest
from ihe.model import Submission
from ihe.state import Kind
from ihe.vocabulary import AssociationType, DocumentAvailability, Status, SubmissionSetStatus
from registry import iti92
from registry.store.memory import MemoryStore
from registry.store.sql import open_store
from tests import samples
from tests.registry.scene import Scene
from tests.registry.updating import (
    NEW,
    TITLE,
    at_home,
    in_folder,
    links_to,
    status_change,
    update,
    version_of,
    versions,
)

E, T, HOME = ErrorCode, AssociationType, samples.HOME


@pytest.fixture(params=["memory", "sqlite"])
def scene(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    memory = request.param == "memory"
    store = MemoryStore() if memory else open_store(f"sqlite:///{tmp_path}/registry.sqlite")
    yield Scene(store=store, home_community_id=HOME)
    store.close()


def send(scene: Scene, submission: Submission) -> RegistryResponse:
    call = Call(at=scene.at, trace_id="0" * 32)
    return iti92.handle(SubmitObjectsRequest(submission), call, scene.registry)


def revised(scene: Scene, **changes: Any) -> Submission:
    return at_home(update(scene, version_of(scene, 1, **changes)))


def test_a_new_version_takes_the_place_of_the_one_before(scene: Scene) -> None:
    folder, _, _ = in_folder(scene)
    response = send(scene, revised(scene))
    assert response.ok, response.errors
    assert versions(scene, 1) == [(1, Status.DEPRECATED), (2, Status.APPROVED)]
    assert scene.value(scene.find(Kind.DOCUMENT_ENTRY, "entry_uuid", NEW)[0]).title == TITLE
    assert folder in {each.source for each in links_to(scene, NEW)}, "carried over"


def test_sets_that_refer_to_a_document_refer_to_its_new_version(scene: Scene) -> None:
    old = scene.document(1)
    chosen = scene.new_set()
    reference = SubmissionSetStatus.REFERENCE
    refers = samples.member(chosen.entry_uuid, old, submission_set_status=reference)
    assert scene.submit(samples.entry(2), submission_set=chosen, links=(refers,)).ok
    assert send(scene, revised(scene)).ok
    (before,) = [e for e in links_to(scene, old) if e.submission_set_status == reference]
    (after,) = [e for e in links_to(scene, NEW) if e.submission_set_status == reference]
    assert (before.status, after.status) == (Status.DEPRECATED, Status.APPROVED)
    assert before.source == after.source


class Defect(NamedTuple):
    """A restricted update with one defect; `make` registers beforehand what it is about."""

    rule: str
    name: str
    code: ErrorCode
    make: Callable[[Scene], Submission]


def _previous(number: str | None) -> Callable[[Scene], Submission]:
    return lambda scene: at_home(update(scene, version_of(scene, 1), previous=number))


def _changed(**changes: Any) -> Callable[[Scene], Submission]:
    return lambda scene: revised(scene, **changes)


def _with_status(scene: Scene) -> Submission:
    link = status_change(scene.entry(1).entry_uuid, Status.APPROVED, Status.DEPRECATED)
    return at_home(update(scene, version_of(scene, 1), links=(link,)))


def _folder(scene: Scene) -> Submission:
    folder, _, _ = in_folder(scene, 2)
    (record,) = scene.find(Kind.FOLDER, "entry_uuid", folder)
    thing = replace(scene.value(record), entry_uuid=samples.uuid(7002), version=None)
    return at_home(update(scene, version_of(scene, 1), thing))


def _by_reference(scene: Scene) -> Submission:
    whole = revised(scene)
    (member,) = whole.associations
    by_reference = replace(member, submission_set_status=SubmissionSetStatus.REFERENCE)
    return replace(whole, associations=(by_reference,))


def _no_propagation(scene: Scene) -> Submission:
    return at_home(update(scene, version_of(scene, 1), propagate="no"))


DEFECTS = [
    Defect("G18", "another home", E.UNKNOWN_COMMUNITY, lambda s: at_home(revised(s), HomeCommunityId("urn:oid:1.2.3"))),
    Defect("G18b", "no home", E.MISSING_HOME_COMMUNITY_ID, lambda s: at_home(revised(s), None)),
    Defect("G9b", "no propagation", E.METADATA_ANNOTATION, _no_propagation),
    Defect("G1", "a first version", E.INVALID_REQUEST, lambda s: replace(revised(s), entries=(replace(revised(s).entries[0], logical_id=NEW),))),
    Defect("G19", "a folder", E.OBJECT_TYPE, _folder),
    Defect("G19", "a change of status", E.OBJECT_TYPE, _with_status),
    Defect("G4", "an unknown document", E.UNRESOLVED_REFERENCE, lambda s: replace(revised(s), entries=(replace(revised(s).entries[0], logical_id=samples.uuid(404)),))),
    Defect("G2b", "no PreviousVersion", E.METADATA_VERSION, _previous(None)),
    Defect("G2b", "no membership", E.METADATA_VERSION, lambda s: replace(revised(s), associations=())),
    Defect("G2b", "a membership by reference", E.METADATA_VERSION, _by_reference),
    Defect("G6", "an older version", E.METADATA_VERSION, _previous("7")),
    Defect("G5", "another uniqueId", E.METADATA_IDENTIFIER, _changed(unique_id=Identifier("2.25.4"))),
    Defect("G19", "no document", E.OBJECT_TYPE, lambda s: at_home(update(s))),
    Defect("G20", "another patient", E.PATIENT_ID_RECONCILIATION, _changed(patient_id=samples.OTHER_PATIENT)),
    Defect("G21", "another sourcePatientId", E.UNMODIFIABLE_METADATA, _changed(source_patient_id=samples.OTHER_PATIENT)),
    Defect("G21", "another availability", E.UNMODIFIABLE_METADATA, _changed(document_availability=DocumentAvailability.OFFLINE)),
    Defect("G21", "another status", E.UNMODIFIABLE_METADATA, _changed(availability_status=Status.DEPRECATED)),
    Defect("C1", "an attribute is missing", E.REGISTRY_METADATA, _changed(class_code=None)),
]  # fmt: skip  # one defect a line


@pytest.mark.parametrize("defect", DEFECTS, ids=[each.name for each in DEFECTS])
def test_what_is_wrong_is_told_and_nothing_changes(scene: Scene, defect: Defect) -> None:
    scene.document(1)
    scene.add_patients(samples.OTHER_PATIENT)
    submission = defect.make(scene)
    before = scene.everything()
    response = send(scene, submission)
    assert {(e.rule, e.code) for e in response.errors} == {(defect.rule, defect.code)}
    assert scene.everything() == before
