"""Requests as ebXML: what stands in soap12:Body on the way to an actor.

Reading is lenient about metadata, whose faults are put down in `Submission.problems`, and strict
about what kind of message it is: a body that is not the transaction's own raises `SoapFault`.

References
----------
ebRS 3.0 (lcm.xsd, query.xsd); ITI TF-2 3.18.4.1, 3.41.4.1, 3.42.4.1, 3.43.4.1; RMD 3.62, 3.86.
"""

from collections.abc import Iterator
from typing import Final

from lxml.etree import _Element

from ihe.datatypes import OID, HomeCommunityId, Identifier
from ihe.ebxml import namespaces as ns
from ihe.ebxml.documents import Attached, Attaching
from ihe.ebxml.element import SLOT, local_name, named, read_slot, tag_of, write_slot
from ihe.ebxml.metadata import OBJECT_REF, read_object_ref, read_submission
from ihe.ebxml.namespaces import readable
from ihe.ebxml.rendering import render
from ihe.ebxml.text import attribute as a
from ihe.ebxml.text import text as t
from ihe.errors import FaultCode, SoapFault
from ihe.messages import (
    AdhocQueryRequest,
    Body,
    Document,
    DocumentRequest,
    Parts,
    ProvideAndRegisterRequest,
    RemoveDocumentsRequest,
    RemoveObjectsRequest,
    RetrieveDocumentSetRequest,
    ReturnType,
    SubmitObjectsRequest,
)
from ihe.model import Slot, Submission
from ihe.vocabulary import LCM, QUERY, RIM, RMD, RS, XDS

_SUBMIT: Final = f"{{{LCM}}}SubmitObjectsRequest"
_REMOVE_OBJECTS: Final = f"{{{LCM}}}RemoveObjectsRequest"
_PROVIDE: Final = f"{{{XDS}}}ProvideAndRegisterDocumentSetRequest"
_RETRIEVE: Final = f"{{{XDS}}}RetrieveDocumentSetRequest"
_REMOVE_DOCUMENTS: Final = f"{{{RMD}}}RemoveDocumentsRequest"
_QUERY: Final = f"{{{QUERY}}}AdhocQueryRequest"
_RESPONSE_OPTION: Final = f"{{{QUERY}}}ResponseOption"
_ADHOC_QUERY: Final = f"{{{RIM}}}AdhocQuery"
_REQUEST_SLOTS: Final = f"{{{RS}}}RequestSlotList"
_OBJECT_LIST: Final = f"{{{RIM}}}RegistryObjectList"
_OBJECT_REF_LIST: Final = f"{{{RIM}}}ObjectRefList"
_DOCUMENT: Final = f"{{{XDS}}}Document"
_DOCUMENT_REQUEST: Final = f"{{{XDS}}}DocumentRequest"
_HOME: Final = f"{{{XDS}}}HomeCommunityId"
_REPOSITORY: Final = f"{{{XDS}}}RepositoryUniqueId"
_UNIQUE_ID: Final = f"{{{XDS}}}DocumentUniqueId"
_SCHEMA_RETURN_TYPE: Final = "RegistryObject"
"""What the schema means by an absent returnType."""


def expect(element: _Element, tag: str) -> None:
    """Raise `SoapFault` unless `element` is a `tag`."""
    if element.tag != tag:
        raise SoapFault(
            FaultCode.SENDER, f"{readable(tag)} was expected, found {readable(tag_of(element))}"
        )


def child(element: _Element, tag: str) -> _Element:
    """Return the one child `tag`; raise `SoapFault` when it is missing or there are several."""
    found = element.findall(tag)
    if len(found) != 1:
        parent = local_name(element)
        raise SoapFault(
            FaultCode.SENDER, f"{parent} holds exactly one {readable(tag)}, found {len(found)}"
        )
    return found[0]


# --- Submit --------------------------------------------------------------------------------------


def read_submit(element: _Element, _parts: Parts) -> SubmitObjectsRequest:
    """Read lcm:SubmitObjectsRequest (ITI-42, ITI-57, ITI-61, ITI-92)."""
    expect(element, _SUBMIT)
    return SubmitObjectsRequest(read_submission(child(element, _OBJECT_LIST)))


def write_submit(request: SubmitObjectsRequest) -> Body:
    """Write lcm:SubmitObjectsRequest."""
    return Body(_submit(request.submission))


def _submit(submission: Submission) -> tuple[bytes, ...]:
    head = f"<lcm:SubmitObjectsRequest {ns.LCM_PREFIX} {ns.RIM_PREFIX}><rim:RegistryObjectList>"
    return (
        head.encode(),
        *map(render, submission),
        b"</rim:RegistryObjectList></lcm:SubmitObjectsRequest>",
    )


def read_provide_and_register(element: _Element, parts: Parts) -> ProvideAndRegisterRequest:
    """Read xds:ProvideAndRegisterDocumentSetRequest (ITI-41)."""
    expect(element, _PROVIDE)
    submit = read_submit(child(element, _SUBMIT), parts)
    attached = Attached(parts)
    documents = tuple(
        Document(document.get("id", "").strip(), attached.read(document))
        for document in element.iterchildren(_DOCUMENT)
    )
    return ProvideAndRegisterRequest(submit.submission, documents, attached.left)


def write_provide_and_register(request: ProvideAndRegisterRequest) -> Body:
    """Write xds:ProvideAndRegisterDocumentSetRequest; every document becomes an attachment."""
    attaching = Attaching()
    documents = "".join(
        f'<xds:Document id="{a(document.id)}">'
        f"{attaching.include(document.content, document.mime_type)}</xds:Document>"
        for document in request.documents
    )
    head = f"<xds:ProvideAndRegisterDocumentSetRequest {ns.XDS_PREFIX} {ns.XOP_PREFIX}>"
    tail = f"{documents}</xds:ProvideAndRegisterDocumentSetRequest>"
    return Body((head.encode(), *_submit(request.submission), tail.encode()), attaching.attachments)


# --- Query ---------------------------------------------------------------------------------------


def read_query(element: _Element, _parts: Parts) -> AdhocQueryRequest:
    """Read query:AdhocQueryRequest (ITI-18, ITI-38, ITI-51).

    Raises
    ------
    SoapFault
        It is something else, or a parameter has not the form of the schema: one that was passed
        over or cut short would let the query find more than was asked for.
    """
    expect(element, _QUERY)
    query = child(element, _ADHOC_QUERY)
    option = element.find(_RESPONSE_OPTION)
    returned = _SCHEMA_RETURN_TYPE if option is None else option.get("returnType", "")
    return_type = returned.strip() or _SCHEMA_RETURN_TYPE
    home = query.get("home")
    return AdhocQueryRequest(
        query_id=query.get("id", "").strip(),
        parameters=tuple(_read_parameters(query)),
        return_type=(ReturnType(return_type) if return_type in _RETURN_TYPES else return_type),
        home_community_id=HomeCommunityId(home.strip()) if home else None,
    )


_RETURN_TYPES: Final = frozenset(map(str, ReturnType))
_BESIDE_PARAMETERS: Final = frozenset(
    f"{{{RIM}}}{name}"
    for name in (
        "Name",
        "Description",
        "VersionInfo",
        "Classification",
        "ExternalIdentifier",
        "QueryExpression",
    )
)
"""What else the schema has in an AdhocQuery, without a meaning for a stored query."""


def _read_parameters(query: _Element) -> Iterator[Slot]:
    for each in query:
        if each.tag != SLOT:
            if each.tag in _BESIDE_PARAMETERS:
                continue
            found = readable(tag_of(each))
            raise SoapFault(FaultCode.SENDER, f"rim:Slot was expected in AdhocQuery, found {found}")
        name = each.get("name", "")
        values, fault = read_slot(each)
        if fault:
            raise SoapFault(FaultCode.SENDER, f"Slot[{name}] of AdhocQuery: {fault}")
        yield Slot(name, values)


def write_query(request: AdhocQueryRequest) -> Body:
    """Write query:AdhocQueryRequest."""
    home = f' home="{a(request.home_community_id)}"' if request.home_community_id else ""
    slots = "".join(write_slot(a(slot.name), slot.values) for slot in request.parameters)
    xml = (
        f"<query:AdhocQueryRequest {ns.QUERY_PREFIX} {ns.RIM_PREFIX}>"
        f'<query:ResponseOption returnComposedObjects="true"'
        f' returnType="{a(request.return_type)}"/>'
        f'<rim:AdhocQuery id="{a(request.query_id)}"{home}>{slots}</rim:AdhocQuery>'
        "</query:AdhocQueryRequest>"
    )
    return Body((xml.encode(),))


# --- Retrieve ------------------------------------------------------------------------------------


def read_retrieve(element: _Element, _parts: Parts) -> RetrieveDocumentSetRequest:
    """Read xds:RetrieveDocumentSetRequest (ITI-43, ITI-39)."""
    expect(element, _RETRIEVE)
    return RetrieveDocumentSetRequest(_read_document_requests(element))


def write_retrieve(request: RetrieveDocumentSetRequest) -> Body:
    """Write xds:RetrieveDocumentSetRequest."""
    requests = "".join(map(_write_document_request, request.documents))
    name = "xds:RetrieveDocumentSetRequest"
    return Body((f"<{name} {ns.XDS_PREFIX}>{requests}</{name}>".encode(),))


def _read_document_requests(element: _Element) -> tuple[DocumentRequest, ...]:
    found = tuple(map(read_document_request, element.iterchildren(_DOCUMENT_REQUEST)))
    if not found:
        name = local_name(element)
        raise SoapFault(FaultCode.SENDER, f"{name} holds 1..* xds:DocumentRequest, found none")
    return found


def read_document_request(element: _Element) -> DocumentRequest:
    """Read the ids of a DocumentRequest or DocumentResponse."""
    home = (element.findtext(_HOME) or "").strip()
    return DocumentRequest(
        OID((child(element, _REPOSITORY).text or "").strip()),
        Identifier((child(element, _UNIQUE_ID).text or "").strip()),
        HomeCommunityId(home) if home else None,
    )


def _write_document_request(request: DocumentRequest) -> str:
    return f"<xds:DocumentRequest>{write_document_ids(request)}</xds:DocumentRequest>"


def write_document_ids(request: DocumentRequest) -> str:
    """Return the ids of a DocumentRequest or DocumentResponse, in the order of the schema."""
    home = request.home_community_id
    return (
        (f"<xds:HomeCommunityId>{t(home)}</xds:HomeCommunityId>" if home else "")
        + f"<xds:RepositoryUniqueId>{t(request.repository_unique_id)}</xds:RepositoryUniqueId>"
        + f"<xds:DocumentUniqueId>{t(request.document_unique_id)}</xds:DocumentUniqueId>"
    )


# --- Remove --------------------------------------------------------------------------------------


def read_remove_objects(element: _Element, _parts: Parts) -> RemoveObjectsRequest:
    """Read lcm:RemoveObjectsRequest (ITI-62).

    What ebRS could widen or narrow a removal with is refused, not passed over (RMD 3.62.4.1.2).
    """
    expect(element, _REMOVE_OBJECTS)
    slots = element.find(_REQUEST_SLOTS)
    for found in (element.find(_ADHOC_QUERY), slots if slots is not None and len(slots) else None):
        if found is not None:
            said = f"RemoveObjectsRequest names its objects by id alone, found {named(found)}"
            raise SoapFault(FaultCode.SENDER, said)
    listed = child(element, _OBJECT_REF_LIST)
    objects = tuple(map(read_object_ref, listed.iterchildren(OBJECT_REF)))
    if not objects:
        raise SoapFault(FaultCode.SENDER, "ObjectRefList holds 1..* rim:ObjectRef, found none")
    return RemoveObjectsRequest(objects)


def write_remove_objects(request: RemoveObjectsRequest) -> Body:
    """Write lcm:RemoveObjectsRequest."""
    head = f"<lcm:RemoveObjectsRequest {ns.LCM_PREFIX} {ns.RIM_PREFIX}><rim:ObjectRefList>"
    return Body(
        (
            head.encode(),
            *map(render, request.objects),
            b"</rim:ObjectRefList></lcm:RemoveObjectsRequest>",
        )
    )


def read_remove_documents(element: _Element, _parts: Parts) -> RemoveDocumentsRequest:
    """Read rmd:RemoveDocumentsRequest (ITI-86)."""
    expect(element, _REMOVE_DOCUMENTS)
    return RemoveDocumentsRequest(_read_document_requests(element))


def write_remove_documents(request: RemoveDocumentsRequest) -> Body:
    """Write rmd:RemoveDocumentsRequest."""
    requests = "".join(map(_write_document_request, request.documents))
    name = "rmd:RemoveDocumentsRequest"
    return Body((f"<{name} {ns.RMD_PREFIX} {ns.XDS_PREFIX}>{requests}</{name}>".encode(),))
