"""Requests for the stored queries, for consumers: one function for each query.

```python
find_documents(patient, class_code=[Code("EPIKRISE", "2.16.578.1.12.4.1.1.9602")])
find_documents(patient, event_code=AllOf([a, b], [c]))       # (a or b) and c
get_documents(unique_id=["1.2.3"], home_community_id=HomeCommunityId("urn:oid:1.2"))
```

Keywords are the attributes that the parameters restrict. What is left out restricts nothing, but
for the statuses: Approved alone, unless something else is said. Long lists are spread over several
Values, as ebRIM's limit of 256 characters asks for.

References
----------
ITI TF-2 3.18.4.1.2.3.5 (how values are written), 3.18.4.1.2.3.7 (the queries), 3.51.4.1.2.
"""

from collections.abc import Iterable
from typing import Final, TypedDict, Unpack

from ihe.datatypes import CX, HomeCommunityId
from ihe.messages import AdhocQueryRequest, ReturnType
from ihe.model import Code
from ihe.queries.rendering import AllOf, render_query
from ihe.vocabulary import DocumentAvailability, DocumentEntryType, Status
from ihe.vocabulary import StoredQueryId as Q


class QueryOptions(TypedDict, total=False):
    """What any query may be asked with.

    `home_community_id` is needed by queries without a patient id when the answer comes from a
    gateway (ITI TF-2 3.18.4.1.2.3.8).
    """

    return_type: ReturnType
    home_community_id: HomeCommunityId | None


class ContentOptions(QueryOptions, total=False):
    """What the queries by id may be asked with besides (Metadata Update 3.18.4.1.2.3.5.1)."""

    metadata_level: int


class EntryFilters(ContentOptions, total=False):
    """What FindDocuments and its kin can restrict (ITI TF-2 3.18.4.1.2.3.7.1).

    Times are DTMs: `…_from` is inside, `…_to` is outside. `author_person` are patterns with `%`
    and `_`. Without `document_entry_type` only stable documents are found.
    """

    class_code: Iterable[Code]
    type_code: Iterable[Code]
    practice_setting_code: Iterable[Code]
    healthcare_facility_type_code: Iterable[Code]
    format_code: Iterable[Code]
    event_code: Iterable[Code] | AllOf[Code]
    confidentiality_code: Iterable[Code] | AllOf[Code]
    author_person: Iterable[str]
    creation_time_from: str | None
    creation_time_to: str | None
    service_start_time_from: str | None
    service_start_time_to: str | None
    service_stop_time_from: str | None
    service_stop_time_to: str | None
    document_entry_type: Iterable[DocumentEntryType]
    document_availability: Iterable[DocumentAvailability]


class ContentFilters(ContentOptions, total=False):
    """What restricts the DocumentEntries of a SubmissionSet, a Folder, or everything."""

    format_code: Iterable[Code]
    confidentiality_code: Iterable[Code] | AllOf[Code]
    document_entry_type: Iterable[DocumentEntryType]


APPROVED: Final = (Status.APPROVED,)

# --- queries by patient --------------------------------------------------------------------------


def find_documents(
    patient_id: CX, *, status: Iterable[Status] = APPROVED, **filters: Unpack[EntryFilters]
) -> AdhocQueryRequest:
    """Ask for a patient's DocumentEntries (FindDocuments)."""
    given = {"patient_id": patient_id, "document_entry_status": status, **filters}
    return render_query(Q.FIND_DOCUMENTS, given)


def find_documents_by_reference_id(
    patient_id: CX,
    reference_id: Iterable[str] | AllOf[str],
    *,
    status: Iterable[Status] = APPROVED,
    **filters: Unpack[EntryFilters],
) -> AdhocQueryRequest:
    """Ask for a patient's DocumentEntries that have a reference id, `%` and `_` allowed."""
    return render_query(
        Q.FIND_DOCUMENTS_BY_REFERENCE_ID,
        {
            "patient_id": patient_id,
            "document_entry_status": status,
            "reference_id": reference_id,
            **filters,
        },
    )


def find_documents_by_title(
    patient_id: CX,
    title: Iterable[str],
    *,
    status: Iterable[Status] = APPROVED,
    author_institution: Iterable[str] = (),
    **filters: Unpack[EntryFilters],
) -> AdhocQueryRequest:
    """Ask for a patient's DocumentEntries by patterns of the title (gematik's extension)."""
    given = {"patient_id": patient_id, "document_entry_status": status, "title": title}
    return render_query(
        Q.FIND_DOCUMENTS_BY_TITLE, {**given, "author_institution": author_institution, **filters}
    )


def find_submission_sets(
    patient_id: CX,
    *,
    status: Iterable[Status] = APPROVED,
    source_id: Iterable[str] = (),
    submission_time_from: str | None = None,
    submission_time_to: str | None = None,
    author_person: str | None = None,
    content_type_code: Iterable[Code] = (),
    **options: Unpack[QueryOptions],
) -> AdhocQueryRequest:
    """Ask for a patient's SubmissionSets; `author_person` is one pattern."""
    return render_query(
        Q.FIND_SUBMISSION_SETS,
        {
            "patient_id": patient_id,
            "submission_set_status": status,
            "source_id": source_id,
            "submission_time_from": submission_time_from,
            "submission_time_to": submission_time_to,
            "author_person": author_person,
            "content_type_code": content_type_code,
            **options,
        },
    )


def find_folders(
    patient_id: CX,
    *,
    status: Iterable[Status] = APPROVED,
    last_update_time_from: str | None = None,
    last_update_time_to: str | None = None,
    code: Iterable[Code] | AllOf[Code] = (),
    **options: Unpack[ContentOptions],
) -> AdhocQueryRequest:
    """Ask for a patient's Folders."""
    return render_query(
        Q.FIND_FOLDERS,
        {
            "patient_id": patient_id,
            "folder_status": status,
            "last_update_time_from": last_update_time_from,
            "last_update_time_to": last_update_time_to,
            "code": code,
            **options,
        },
    )


def get_all(
    patient_id: CX,
    *,
    document_entry_status: Iterable[Status] = APPROVED,
    submission_set_status: Iterable[Status] = APPROVED,
    folder_status: Iterable[Status] = APPROVED,
    association_status: Iterable[Status] = (),
    **filters: Unpack[ContentFilters],
) -> AdhocQueryRequest:
    """Ask for everything that a patient has, with the associations (GetAll)."""
    return render_query(
        Q.GET_ALL,
        {
            "patient_id": patient_id,
            "document_entry_status": document_entry_status,
            "submission_set_status": submission_set_status,
            "folder_status": folder_status,
            "association_status": association_status,
            **filters,
        },
    )


def find_documents_for_multiple_patients(
    patient_id: Iterable[CX] = (),
    *,
    status: Iterable[Status] = APPROVED,
    **filters: Unpack[EntryFilters],
) -> AdhocQueryRequest:
    """Ask for DocumentEntries of several patients, or of any (ITI-51).

    It needs a patient, a classCode, an eventCode or a healthcareFacilityTypeCode.
    """
    return render_query(
        Q.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS,
        {"patient_id": patient_id, "document_entry_status": status, **filters},
    )


def find_folders_for_multiple_patients(
    patient_id: Iterable[CX] = (),
    *,
    status: Iterable[Status] = APPROVED,
    last_update_time_from: str | None = None,
    last_update_time_to: str | None = None,
    code: Iterable[Code] | AllOf[Code] = (),
    **options: Unpack[QueryOptions],
) -> AdhocQueryRequest:
    """Ask for Folders of several patients, or of any; needs a patient or a code (ITI-51)."""
    return render_query(
        Q.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS,
        {
            "patient_id": patient_id,
            "folder_status": status,
            "last_update_time_from": last_update_time_from,
            "last_update_time_to": last_update_time_to,
            "code": code,
            **options,
        },
    )


# --- queries by id -------------------------------------------------------------------------------
# each takes exactly one of its ids: the registry says so when it is not


def get_documents(
    *,
    entry_uuid: Iterable[str] = (),
    unique_id: Iterable[str] = (),
    logical_id: Iterable[str] = (),
    **options: Unpack[ContentOptions],
) -> AdhocQueryRequest:
    """Ask for DocumentEntries by their ids of one sort."""
    return render_query(
        Q.GET_DOCUMENTS,
        {"entry_uuid": entry_uuid, "unique_id": unique_id, "logical_id": logical_id, **options},
    )


def get_folders(
    *,
    entry_uuid: Iterable[str] = (),
    unique_id: Iterable[str] = (),
    logical_id: Iterable[str] = (),
    **options: Unpack[ContentOptions],
) -> AdhocQueryRequest:
    """Ask for Folders by their ids of one sort."""
    return render_query(
        Q.GET_FOLDERS,
        {"entry_uuid": entry_uuid, "unique_id": unique_id, "logical_id": logical_id, **options},
    )


def get_associations(
    uuid: Iterable[str],
    *,
    association_status: Iterable[Status] = (),
    **options: Unpack[ContentOptions],
) -> AdhocQueryRequest:
    """Ask for the associations from or to objects of any kind."""
    return render_query(
        Q.GET_ASSOCIATIONS, {"uuid": uuid, "association_status": association_status, **options}
    )


def get_documents_and_associations(
    *,
    entry_uuid: Iterable[str] = (),
    unique_id: Iterable[str] = (),
    association_status: Iterable[Status] = (),
    **options: Unpack[ContentOptions],
) -> AdhocQueryRequest:
    """Ask for DocumentEntries with the associations that touch them."""
    return render_query(
        Q.GET_DOCUMENTS_AND_ASSOCIATIONS,
        {
            "entry_uuid": entry_uuid,
            "unique_id": unique_id,
            "association_status": association_status,
            **options,
        },
    )


def get_submission_sets(
    uuid: Iterable[str], **options: Unpack[ContentOptions]
) -> AdhocQueryRequest:
    """Ask for the SubmissionSets that brought DocumentEntries or Folders, by entryUUID."""
    return render_query(Q.GET_SUBMISSION_SETS, {"uuid": uuid, **options})


def get_submission_set_and_contents(
    *,
    entry_uuid: str | None = None,
    unique_id: str | None = None,
    **filters: Unpack[ContentFilters],
) -> AdhocQueryRequest:
    """Ask for a SubmissionSet with what it holds."""
    return render_query(
        Q.GET_SUBMISSION_SET_AND_CONTENTS,
        {"entry_uuid": entry_uuid, "unique_id": unique_id, **filters},
    )


def get_folder_and_contents(
    *,
    entry_uuid: str | None = None,
    unique_id: str | None = None,
    association_status: Iterable[Status] = (),
    **filters: Unpack[ContentFilters],
) -> AdhocQueryRequest:
    """Ask for a Folder with the DocumentEntries in it."""
    given = {"entry_uuid": entry_uuid, "unique_id": unique_id}
    return render_query(
        Q.GET_FOLDER_AND_CONTENTS,
        {**given, "association_status": association_status, **filters},
    )


def get_folders_for_document(
    *,
    entry_uuid: str | None = None,
    unique_id: str | None = None,
    association_status: Iterable[Status] = (),
    **options: Unpack[ContentOptions],
) -> AdhocQueryRequest:
    """Ask for the Folders that a DocumentEntry is in."""
    given = {"entry_uuid": entry_uuid, "unique_id": unique_id}
    return render_query(
        Q.GET_FOLDERS_FOR_DOCUMENT,
        {**given, "association_status": association_status, **options},
    )


def get_related_documents(
    association_types: Iterable[str],
    *,
    entry_uuid: str | None = None,
    unique_id: str | None = None,
    document_entry_type: Iterable[DocumentEntryType] = (),
    association_status: Iterable[Status] = (),
    **options: Unpack[ContentOptions],
) -> AdhocQueryRequest:
    """Ask for the DocumentEntries that are associated with one, in these ways."""
    return render_query(
        Q.GET_RELATED_DOCUMENTS,
        {
            "association_type": association_types,
            "entry_uuid": entry_uuid,
            "unique_id": unique_id,
            "document_entry_type": document_entry_type,
            "association_status": association_status,
            **options,
        },
    )
