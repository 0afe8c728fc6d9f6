"""What merges of patients mean to every stored query and every registration after them.

```text
LINE ─▶ KARI ─▶ OLE    ITI-8 or ITI-44: everything of tests.registry.registered is OLE's
```
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.call import Call
from ihe import queries as q
from ihe.datatypes import CX
from ihe.ebxml.rendering import read_filled
from ihe.errors import ErrorCode
from ihe.hl7v2.message import parse
from ihe.hl7v3.values import II, PatientMerge, PatientRecord, Transmission
from ihe.messages import AdhocQueryRequest, ReturnType
from ihe.model import Association
from ihe.queries import CATALOGUE
from ihe.vocabulary import AssociationType, DocumentEntryType, Status, StoredQueryId
from registry import iti8, iti18, iti44, iti51
from registry.domain import Registry
from registry.identities import NotMerged, merge_ids
from registry.patients import PatientMode, PatientPolicy
from registry.store.memory import MemoryStore
from registry.store.port import Store
from registry.store.sql import open_store
from tests import samples
from tests.registry import registered as r
from tests.registry.feeding import adt, merge
from tests.registry.objects import KARI, LINE, OLE, uuid
from tests.registry.scene import Scene, codes
from tests.registry.updating import send, update, version_of

CALL = Call(at=datetime(2026, 11, 26, tzinfo=UTC), trace_id="0" * 32)
ANY_STATUS, ANY_TYPE = list(Status), list(DocumentEntryType)
OBJECTS = r.OBJECTS.values()


@pytest.fixture(params=["memory", "sqlite"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    store: Store = (
        MemoryStore()
        if request.param == "memory"
        else open_store(f"sqlite:///{tmp_path}/registry.sqlite")
    )
    with closing(store):
        r.register(store, *OBJECTS)
        yield Registry(store=store, new_uuid=lambda: uuid(999))


# --- two ways of a feed --------------------------------------------------------------------------

Merge = Callable[[Registry, CX, CX], None]


def by_iti8(registry: Registry, subsumed: CX, survivor: CX) -> None:
    iti8.handle(parse(adt("A04", survivor)), CALL, registry)
    assert iti8.handle(parse(merge(subsumed, survivor)), CALL, registry).acknowledgement == "AA"


def by_iti44(registry: Registry, subsumed: CX, survivor: CX) -> None:
    of = II(survivor.authority or "", survivor.id)
    added = PatientRecord(transmission=Transmission(), identifiers=(of,))
    assert iti44.handle_record(added, CALL, registry).ok
    gone = II(subsumed.authority or "", subsumed.id)
    merged = PatientMerge(transmission=Transmission(), identifiers=(of,), subsumed=gone)
    assert iti44.handle_merge(merged, CALL, registry).ok


WAYS = [pytest.param(by_iti8, id="ITI-8"), pytest.param(by_iti44, id="ITI-44")]

# --- queries -------------------------------------------------------------------------------------


def about(patient: CX) -> dict[StoredQueryId, AdhocQueryRequest]:
    """Return one request for each query about a patient, which finds all that it can."""
    entries = {
        "patient_id": patient,
        "document_entry_status": ANY_STATUS,
        "document_entry_type": ANY_TYPE,
    }
    reference = {"reference_id": "%"}
    asked = {
        StoredQueryId.FIND_DOCUMENTS: entries,
        StoredQueryId.FIND_SUBMISSION_SETS: {
            "patient_id": patient,
            "submission_set_status": ANY_STATUS,
        },
        StoredQueryId.FIND_FOLDERS: {"patient_id": patient, "folder_status": ANY_STATUS},
        StoredQueryId.GET_ALL: {
            **entries,
            "submission_set_status": ANY_STATUS,
            "folder_status": ANY_STATUS,
        },
        StoredQueryId.FIND_DOCUMENTS_BY_REFERENCE_ID: {**entries, **reference},
        StoredQueryId.FIND_DOCUMENTS_BY_TITLE: {**entries, "title": "%"},
        StoredQueryId.FIND_DOCUMENTS_EXCLUDE: {**entries, "class_code_exclude": "X^^1.2"},
        StoredQueryId.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS: entries,
        StoredQueryId.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS: {
            "patient_id": patient,
            "folder_status": ANY_STATUS,
        },
        StoredQueryId.FIND_DOCUMENTS_BY_REFERENCE_ID_FOR_MULTIPLE_PATIENTS: {
            **entries,
            **reference,
        },
    }
    return {query: q.render_query(query, given) for query, given in asked.items()}


OF_ANY_PATIENT: dict[StoredQueryId, AdhocQueryRequest] = {
    StoredQueryId.GET_DOCUMENTS: q.get_documents(
        entry_uuid=[r.answer.entry_uuid, r.report.entry_uuid]
    ),
    StoredQueryId.GET_FOLDERS: q.get_folders(entry_uuid=[r.chart.entry_uuid, r.box.entry_uuid]),
    StoredQueryId.GET_ASSOCIATIONS: q.get_associations([r.answer.entry_uuid, r.report.entry_uuid]),
    StoredQueryId.GET_DOCUMENTS_AND_ASSOCIATIONS: q.get_documents_and_associations(
        entry_uuid=[r.answer.entry_uuid, r.report.entry_uuid]
    ),
    StoredQueryId.GET_SUBMISSION_SETS: q.get_submission_sets([r.letter2.entry_uuid]),
    StoredQueryId.GET_SUBMISSION_SET_AND_CONTENTS: q.get_submission_set_and_contents(
        entry_uuid=r.reuse.entry_uuid
    ),
    StoredQueryId.GET_FOLDER_AND_CONTENTS: q.get_folder_and_contents(entry_uuid=r.box.entry_uuid),
    StoredQueryId.GET_FOLDERS_FOR_DOCUMENT: q.get_folders_for_document(
        entry_uuid=r.letter2.entry_uuid
    ),
    StoredQueryId.GET_RELATED_DOCUMENTS: q.get_related_documents(
        [AssociationType.RPLC], entry_uuid=r.letter2.entry_uuid
    ),
}
"""Queries by id, of objects of both patients where the query takes several ids."""


def found(registry: Registry, request: AdhocQueryRequest) -> set[str]:
    (transaction, *_) = CATALOGUE[request.query_id].transactions
    handle = iti51.handle if transaction == 51 else iti18.handle
    asked = replace(request, return_type=ReturnType.OBJECT_REF)
    return r.names(handle(asked, CALL, registry))


def test_the_queries_are_all_of_them() -> None:
    assert set(about(LINE)) | set(OF_ANY_PATIENT) == set(StoredQueryId)


@pytest.mark.parametrize("way", WAYS)
def test_every_query_about_the_survivor_reaches_what_was_of_the_others(
    registry: Registry, way: Merge
) -> None:
    before = {
        query: found(registry, request) | found(registry, about(KARI)[query])
        for query, request in about(LINE).items()
    }
    way(registry, LINE, KARI)
    way(registry, KARI, OLE)
    assert all(before.values()), "each has something to find"
    assert {query: found(registry, each) for query, each in about(OLE).items()} == before
    for gone in (LINE, KARI):
        assert not any(found(registry, each) for each in about(gone).values())


@pytest.mark.parametrize("query", OF_ANY_PATIENT)
def test_queries_by_id_find_the_same_as_before_and_one_patient(
    registry: Registry, query: StoredQueryId
) -> None:
    request = OF_ANY_PATIENT[query]
    before = found(registry, request)
    assert before
    by_iti8(registry, LINE, KARI)
    by_iti8(registry, KARI, OLE)
    assert found(registry, request) == before
    whole = iti18.handle(request, CALL, registry)
    patients = {
        each.patient_id
        for each in map(read_filled, whole.fragments)
        if not isinstance(each, Association)
    }
    assert patients <= {OLE}


def test_an_unknown_surviving_id_of_a_merge_by_hl7_v3_takes_everything(registry: Registry) -> None:
    before = found(registry, about(LINE)[StoredQueryId.GET_ALL])
    merge_ids(LINE, OLE, registry.store, adds_survivor=True)
    assert found(registry, about(OLE)[StoredQueryId.GET_ALL]) == before


@pytest.mark.parametrize("way", WAYS)
def test_a_merge_back_is_refused_and_a_third_id_takes_both(registry: Registry, way: Merge) -> None:
    way(registry, LINE, KARI)
    everything = found(registry, about(KARI)[StoredQueryId.GET_ALL])
    for subsumed, survivor in ((KARI, LINE), (LINE, KARI), (LINE, OLE)):
        with pytest.raises(NotMerged):
            merge_ids(subsumed, survivor, registry.store, adds_survivor=True)
        assert found(registry, about(KARI)[StoredQueryId.GET_ALL]) == everything
    with registry.store.read() as state:
        assert state.patient(OLE) is None, "a merge that may not be makes nothing known"
    way(registry, KARI, OLE)
    assert found(registry, about(OLE)[StoredQueryId.GET_ALL]) == everything


# --- registrations and updates afterwards --------------------------------------------------------

A, B = samples.PATIENT, samples.OTHER_PATIENT


@pytest.fixture(params=PatientMode)
def merged(request: pytest.FixtureRequest) -> Scene:
    """Give a document and a folder of A, which was then merged into B."""
    scene = Scene(patients=PatientPolicy(request.param))
    scene.add_patients(A, B)
    scene.document(1)
    by_iti8(scene.registry, A, B)
    return scene


def test_a_registration_with_the_gone_id_is_refused_and_changes_nothing(merged: Scene) -> None:
    before = merged.everything()
    response = merged.submit(samples.entry(2))
    assert codes(response) == {ErrorCode.UNKNOWN_PATIENT_ID}
    assert str(A) in response.errors[0].context, "the id is told (ITI TF-3 4.2.4.1)"
    assert merged.everything() == before


def test_an_on_demand_registration_with_the_gone_id_is_refused(merged: Scene) -> None:
    entry = samples.entry(
        2, object_type=DocumentEntryType.ON_DEMAND, creation_time=None, hash=None, size=None
    )
    submission = samples.submission(entry, submission_set=merged.new_set())
    assert codes(merged.send_on_demand(submission)) == {ErrorCode.UNKNOWN_PATIENT_ID}


def test_a_new_version_names_the_surviving_id(merged: Scene) -> None:
    def updated(patient: CX) -> set[str]:
        chosen = replace(merged.new_set(), patient_id=patient)
        entry = version_of(merged, 1, patient_id=patient)
        return codes(send(merged, update(merged, entry, submission_set=chosen)))

    assert ErrorCode.UNKNOWN_PATIENT_ID in updated(A)
    assert updated(B) == set()
    whole = q.find_documents(B)
    (found_,) = map(read_filled, iti18.handle(whole, CALL, merged.registry).fragments)
    assert getattr(found_, "version", None) == "2"
