"""The queries about several patients; names are those of `tests.registry.registered`."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hub.call import Call
from ihe import queries
from ihe.errors import ErrorCode, XdsFailure
from ihe.messages import AdhocQueryRequest, ReturnType
from ihe.vocabulary import DocumentEntryType, Status, StoredQueryId
from registry import iti51
from registry.domain import Registry
from tests.registry import registered as r
from tests.registry.objects import KARI, LINE, OLE
from tests.registry.registered import A, B, C, names, registry_with

CALL = Call(at=datetime(2024, 2, 29, 12, tzinfo=UTC), trace_id="0" * 32)
OF_LINE = {"answer", "letter2", "addendum", "snapshot"}


@pytest.fixture
def registry() -> Registry:
    return registry_with(*r.OBJECTS.values())


def found(registry: Registry, request: AdhocQueryRequest) -> set[str]:
    whole = names(iti51.handle(request, CALL, registry))
    reference = replace(request, return_type=ReturnType.OBJECT_REF)
    assert names(iti51.handle(reference, CALL, registry)) == whole
    return whole


def test_documents_of_several_patients_are_returned_together(registry):
    ask = queries.find_documents_for_multiple_patients
    assert found(registry, ask([LINE, KARI, OLE])) == {*OF_LINE, "report"}
    assert found(registry, ask([KARI])) == {"report"}
    assert found(registry, ask([OLE])) == set()


def test_documents_of_any_patient_are_found_by_code(registry):
    ask = queries.find_documents_for_multiple_patients
    assert found(registry, ask(class_code=[A])) == {"letter2", "snapshot", "report"}
    assert found(registry, ask(class_code=[B, C])) == {"answer", "addendum"}
    assert found(registry, ask(event_code=[A], class_code=[B])) == {"answer"}
    assert found(registry, ask([KARI], class_code=[B])) == set()
    assert found(registry, ask(healthcare_facility_type_code=[A])) == {*OF_LINE, "report"}
    on_demand = ask(class_code=[A], document_entry_type=[DocumentEntryType.ON_DEMAND])
    assert found(registry, on_demand) == {"dynamic"}
    assert found(registry, ask(class_code=[A], status=[Status.DEPRECATED])) == {"letter"}


def test_folders_of_several_patients_are_returned_together(registry):
    ask = queries.find_folders_for_multiple_patients
    assert found(registry, ask([LINE, KARI])) == {"chart", "box"}
    assert found(registry, ask(code=[A])) == {"chart", "box"}
    assert found(registry, ask([KARI], code=[B])) == {"box"}
    assert found(registry, ask(code=[C])) == set()


def test_documents_of_any_patient_are_found_by_reference_id(registry):
    request = queries.render_query(
        StoredQueryId.FIND_DOCUMENTS_BY_REFERENCE_ID_FOR_MULTIPLE_PATIENTS,
        {"document_entry_status": Status.APPROVED, "reference_id": "4711%"},
    )
    assert found(registry, request) == {"answer"}


def test_each_unknown_patient_is_named_where_that_is_an_error(registry):
    strict = replace(registry, refuse_unknown_patient=True)
    with pytest.raises(XdsFailure) as caught:
        found(strict, queries.find_documents_for_multiple_patients([LINE, OLE]))
    (error,) = caught.value.errors
    assert error.code == ErrorCode.UNKNOWN_PATIENT_ID
    assert OLE in error.context


def test_queries_about_one_patient_belong_to_the_other_transaction(registry):
    with pytest.raises(XdsFailure) as caught:
        found(registry, queries.find_documents(LINE))
    assert [error.code for error in caught.value.errors] == [ErrorCode.UNKNOWN_STORED_QUERY]
