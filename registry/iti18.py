"""Registry Stored Query (ITI TF-2 3.18).

`answer` parses the query, asks the store in one view of one moment, checks what was found and joins
the stored renderings of the objects. What a query does with associations is a function of a few
lines over `State.find`; `FINDERS` says which query is answered by which.

References
----------
ITI TF-2 3.18.4.1.2.3.7 (what each query returns), 3.18.4.1.2.3.9 (merged patients), 3.18.4.1.3
(expected actions); Metadata Update 3.18.4.1.2.3.5.1.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from hub.call import Call
from ihe.datatypes import CX
from ihe.ebxml.rendering import fill
from ihe.errors import ErrorCode, XdsFailure, registry_error
from ihe.messages import AdhocQueryRequest, AdhocQueryResponse, ReturnType
from ihe.model import ObjectRef
from ihe.queries import StoredQuery, parse_query
from ihe.state import AnyOf, Condition, Findable, Kind, Record, State, any_of
from ihe.vocabulary import AssociationType
from ihe.vocabulary import StoredQueryId as Q
from registry.domain import Registry

ENTRY: Final = Kind.DOCUMENT_ENTRY
SET: Final = Kind.SUBMISSION_SET
FOLDER: Final = Kind.FOLDER
LINK: Final = Kind.ASSOCIATION
HAS_MEMBER: Final = any_of("type", AssociationType.HAS_MEMBER)
MULTI_PATIENT: Final = 51
"""The transaction that may return objects of several patients (ITI TF-2 3.51)."""


def handle(request: AdhocQueryRequest, _call: Call, registry: Registry) -> AdhocQueryResponse:
    """Answer a stored query.

    Raises
    ------
    XdsFailure
        The query cannot be answered: each reason with its code (3.18.4.1.3).
    """
    return answer(request, registry, transaction=18)


def answer(
    request: AdhocQueryRequest, registry: Registry, *, transaction: int
) -> AdhocQueryResponse:
    """Answer a stored query that the transaction with this ITI number carried."""
    query = parse_query(request, transaction=transaction, lenient=registry.lenient_queries)
    finder = FINDERS[query.definition.id]
    if finder is _one_kind and not registry.refuse_unknown_patient:
        found = _one_kind(registry.store, query)  # one question: no view is needed
    else:
        with registry.store.read() as state:
            if registry.refuse_unknown_patient:
                _check_known(state, query.patient_ids)
            found = finder(state, query)
    home = registry.home_community_id
    if query.return_type == ReturnType.OBJECT_REF:
        return AdhocQueryResponse(
            objects=tuple(ObjectRef(record.entry_uuid, home) for record in found)
        )
    if transaction != MULTI_PATIENT:
        _check_single_patient(found)
    if len(found) > registry.most_objects:
        raise XdsFailure.of(
            ErrorCode.TOO_MANY_RESULTS,
            f"{query.definition.title} finds {len(found)} objects, and an answer holds at most "
            f"{registry.most_objects}; ask for less, or with returnType ObjectRef for their ids",
        )
    return AdhocQueryResponse(
        fragments=tuple(
            fill(
                record.template,
                status=record.status,
                patient_id=record.patient_id,
                home=home,
                last_update_time=record.last_update_time,
            )
            for record in found
        )
    )


def _check_known(state: State, patient_ids: Iterable[CX]) -> None:
    """Refuse patient ids that are not known, or were merged away."""
    unknown = []
    for patient_id in patient_ids:
        patient = state.patient(patient_id)
        if patient is None or patient.survivor is not None:
            context = f"the patient id {patient_id} is not known here"
            unknown.append(registry_error(ErrorCode.UNKNOWN_PATIENT_ID, context))
    if unknown:
        raise XdsFailure(unknown)


def _check_single_patient(found: Iterable[Record]) -> None:
    """Refuse to return objects of several patients; whose they are is not told."""
    patients = {record.patient_id for record in found if record.kind is not LINK}
    if len(patients) > 1:
        raise XdsFailure.of(
            ErrorCode.RESULT_NOT_SINGLE_PATIENT,
            f"the answer would hold objects of {len(patients)} patients, expected one; "
            "ask with returnType ObjectRef, or for fewer objects",
        )


# --- what each query finds -----------------------------------------------------------------------

Finder: TypeAlias = Callable[[State, StoredQuery], list[Record]]


def _one_kind(state: Findable, query: StoredQuery) -> list[Record]:
    """Find objects of one kind, by their ids or by the filters."""
    kind = query.definition.starts_from
    return state.find(kind, (*query.selection, *query.conditions[kind]))


def _get_all(state: State, query: StoredQuery) -> list[Record]:
    """Find a patient's objects, and every association that touches one of them."""
    found = [
        record
        for kind in (SET, ENTRY, FOLDER)
        for record in state.find(kind, query.conditions[kind])
    ]
    return found + _links(state, query, _at("source_or_target", found))


def _get_documents_and_associations(state: State, query: StoredQuery) -> list[Record]:
    """Find entries, and every association that touches one of them."""
    entries = _one_kind(state, query)
    return entries + _links(state, query, _at("source_or_target", entries))


def _get_submission_sets(state: State, query: StoredQuery) -> list[Record]:
    """Find the sets that have the given objects as members, with those memberships."""
    memberships = _links(state, query, HAS_MEMBER, *query.selection)
    sets = state.find(SET, (_sources(memberships), *query.conditions[SET]))
    return sets + _from(sets, memberships)


def _get_submission_set_and_contents(state: State, query: StoredQuery) -> list[Record]:
    """Find a set, its members, and the associations among them: nothing with a missing end."""
    sets = _one_kind(state, query)
    memberships = _links(state, query, HAS_MEMBER, _at("source", sets))
    members = _targets(memberships)
    entries = state.find(ENTRY, (members, *query.conditions[ENTRY]))
    folders = state.find(FOLDER, (members, *query.conditions[FOLDER]))
    objects = sets + entries + folders
    inner = _from(objects, _to(objects, _links(state, query, members)))
    return objects + inner + _to(entries + folders + inner, memberships)


def _get_folder_and_contents(state: State, query: StoredQuery) -> list[Record]:
    """Find a folder and the entries in it, with their memberships."""
    folders = _one_kind(state, query)
    memberships = _links(state, query, HAS_MEMBER, _at("source", folders))
    entries = state.find(ENTRY, (_targets(memberships), *query.conditions[ENTRY]))
    return folders + entries + _to(entries, memberships)


def _get_folders_for_document(state: State, query: StoredQuery) -> list[Record]:
    """Find the folders that an entry is in."""
    memberships = _links(state, query, HAS_MEMBER, _at("target", _one_kind(state, query)))
    return state.find(FOLDER, (_sources(memberships), *query.conditions[FOLDER]))


def _get_related_documents(state: State, query: StoredQuery) -> list[Record]:
    """Find an entry, the entries that are associated with it, and these associations.

    $XDSDocumentEntryType is about the related entries. Nothing related, nothing found.
    """
    given = state.find(ENTRY, (*query.selection, *query.visible(ENTRY)))
    touching = _links(state, query, _at("source_or_target", given))
    others = AnyOf("entry_uuid", _ends(touching) - _uuids(given))
    entries = given + state.find(ENTRY, (others, *query.conditions[ENTRY]))
    links = _from(entries, _to(entries, touching))
    ends = _ends(links)
    return [entry for entry in entries if entry.entry_uuid in ends] + links


def _links(state: State, query: StoredQuery, *conditions: Condition) -> list[Record]:
    """Find the associations that the query may see and that meet `conditions`."""
    return state.find(LINK, (*conditions, *query.conditions[LINK]))


def _uuids(objects: Iterable[Record]) -> frozenset[str]:
    return frozenset(record.entry_uuid for record in objects)


def _ends(links: Iterable[Record]) -> frozenset[str]:
    return frozenset(end for link in links for end in (link.source, link.target) if end)


def _at(attribute: str, objects: Iterable[Record]) -> AnyOf:
    """Return the condition that an association has one of `objects` at its `attribute`."""
    return AnyOf(attribute, _uuids(objects))


def _sources(links: Iterable[Record]) -> AnyOf:
    """Return the condition that an object is the source of one of `links`."""
    return AnyOf("entry_uuid", frozenset(link.source for link in links if link.source))


def _targets(links: Iterable[Record]) -> AnyOf:
    """Return the condition that an object is the target of one of `links`."""
    return AnyOf("entry_uuid", frozenset(link.target for link in links if link.target))


def _from(objects: Iterable[Record], links: Iterable[Record]) -> list[Record]:
    """Return those of `links` that have one of `objects` as their source."""
    uuids = _uuids(objects)
    return [link for link in links if link.source in uuids]


def _to(objects: Iterable[Record], links: Iterable[Record]) -> list[Record]:
    """Return those of `links` that have one of `objects` as their target."""
    uuids = _uuids(objects)
    return [link for link in links if link.target in uuids]


FINDERS: Final[Mapping[Q, Finder]] = {
    Q.FIND_DOCUMENTS: _one_kind,
    Q.FIND_SUBMISSION_SETS: _one_kind,
    Q.FIND_FOLDERS: _one_kind,
    Q.GET_ALL: _get_all,
    Q.GET_DOCUMENTS: _one_kind,
    Q.GET_FOLDERS: _one_kind,
    Q.GET_ASSOCIATIONS: _one_kind,
    Q.GET_DOCUMENTS_AND_ASSOCIATIONS: _get_documents_and_associations,
    Q.GET_SUBMISSION_SETS: _get_submission_sets,
    Q.GET_SUBMISSION_SET_AND_CONTENTS: _get_submission_set_and_contents,
    Q.GET_FOLDER_AND_CONTENTS: _get_folder_and_contents,
    Q.GET_FOLDERS_FOR_DOCUMENT: _get_folders_for_document,
    Q.GET_RELATED_DOCUMENTS: _get_related_documents,
    Q.FIND_DOCUMENTS_BY_REFERENCE_ID: _one_kind,
    Q.FIND_DOCUMENTS_FOR_MULTIPLE_PATIENTS: _one_kind,
    Q.FIND_FOLDERS_FOR_MULTIPLE_PATIENTS: _one_kind,
    Q.FIND_DOCUMENTS_EXCLUDE: _one_kind,
    Q.FIND_DOCUMENTS_BY_TITLE: _one_kind,
    Q.FIND_DOCUMENTS_BY_REFERENCE_ID_FOR_MULTIPLE_PATIENTS: _one_kind,
}
"""Which function answers which query."""
