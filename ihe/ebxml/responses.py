"""Responses as ebXML: what stands in soap12:Body on the way back.

References
----------
ebRS 3.0 (rs.xsd, query.xsd); ITI TF-3 4.2.4; ITI TF-2 3.18.4.2, 3.43.4.2.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from lxml.etree import _Element

from ihe.datatypes import OID, Identifier, MimeType
from ihe.ebxml import namespaces as ns
from ihe.ebxml.documents import Attached, Attaching
from ihe.ebxml.metadata import read_found
from ihe.ebxml.rendering import render
from ihe.ebxml.requests import child, expect, read_document_request, write_document_ids
from ihe.ebxml.text import attribute as a
from ihe.ebxml.text import legible
from ihe.ebxml.text import text as t
from ihe.errors import RegistryError
from ihe.messages import (
    AdhocQueryResponse,
    Body,
    DocumentResponse,
    Parts,
    RegistryResponse,
    RetrieveDocumentSetResponse,
)
from ihe.vocabulary import QUERY, RIM, RS, XDS, ResponseStatus, Severity

_REGISTRY_RESPONSE: Final = f"{{{RS}}}RegistryResponse"
_ERROR_LIST: Final = f"{{{RS}}}RegistryErrorList"
_ERROR: Final = f"{{{RS}}}RegistryError"
_QUERY_RESPONSE: Final = f"{{{QUERY}}}AdhocQueryResponse"
_RETRIEVE_RESPONSE: Final = f"{{{XDS}}}RetrieveDocumentSetResponse"
_OBJECT_LIST: Final = f"{{{RIM}}}RegistryObjectList"
_DOCUMENT_RESPONSE: Final = f"{{{XDS}}}DocumentResponse"
_DOCUMENT: Final = f"{{{XDS}}}Document"
_STATUSES: Final = {
    text: status for status in ResponseStatus for text in (status, status.rpartition(":")[2])
}
_SEVERITIES: Final = {
    text: severity for severity in Severity for text in (severity, severity.rpartition(":")[2])
}


# --- RegistryResponse ----------------------------------------------------------------------------


def read_registry_response(element: _Element, _parts: Parts) -> RegistryResponse:
    """Read rs:RegistryResponse."""
    expect(element, _REGISTRY_RESPONSE)
    return RegistryResponse(read_status(element), read_errors(element))


def write_registry_response(response: RegistryResponse) -> Body:
    """Write rs:RegistryResponse."""
    return Body((_registry_response(response).encode(),))


def _registry_response(response: RegistryResponse) -> str:
    head = f'<rs:RegistryResponse {ns.RS_PREFIX} status="{a(response.status)}"'
    if not response.errors:
        return f"{head}/>"
    return f"{head}>{_errors(response.errors)}</rs:RegistryResponse>"


def read_status(element: _Element) -> ResponseStatus | str:
    """Return the status; sloppy senders give its last word alone."""
    text = element.get("status", "").strip()
    return _STATUSES.get(text, text)


def read_errors(element: _Element) -> tuple[RegistryError, ...]:
    """Return the errors and warnings of a response, 0..*.

    A severity that is missing or unknown means Error, as in the schema. Some senders put what
    they have to say into the element instead of codeContext.
    """
    return tuple(
        RegistryError(
            code=error.get("errorCode", "").strip(),
            context=error.get("codeContext") or (error.text or "").strip(),
            location=error.get("location", ""),
            severity=_SEVERITIES.get(error.get("severity", "").strip(), Severity.ERROR),
        )
        for listed in element.iterchildren(_ERROR_LIST)
        for error in listed.iterchildren(_ERROR)
    )


def _errors(errors: Sequence[RegistryError]) -> str:
    worst = (
        Severity.ERROR
        if any(error.severity == Severity.ERROR for error in errors)
        else Severity.WARNING
    )
    rows = "".join(
        f'<rs:RegistryError codeContext="{a(legible(error.context))}" errorCode="{a(error.code)}"'
        f' location="{a(legible(error.location))}" severity="{error.severity}"/>'
        for error in errors
    )
    return f'<rs:RegistryErrorList highestSeverity="{worst}">{rows}</rs:RegistryErrorList>'


# --- Query ---------------------------------------------------------------------------------------


def read_query_response(element: _Element, _parts: Parts) -> AdhocQueryResponse:
    """Read query:AdhocQueryResponse; the objects come as values."""
    expect(element, _QUERY_RESPONSE)
    listed = element.find(_OBJECT_LIST)
    return AdhocQueryResponse(
        read_status(element),
        read_errors(element),
        objects=() if listed is None else read_found(listed),
    )


def write_query_response(response: AdhocQueryResponse) -> Body:
    """Write query:AdhocQueryResponse; fragments are joined in as they are."""
    return Body(tuple(_query_response(response)))


def _query_response(response: AdhocQueryResponse) -> Iterator[bytes]:
    errors = _errors(response.errors) if response.errors else ""
    yield (
        f"<query:AdhocQueryResponse {ns.QUERY_PREFIX} {ns.RIM_PREFIX} {ns.RS_PREFIX}"
        f' status="{a(response.status)}">{errors}<rim:RegistryObjectList>'
    ).encode()
    yield from response.fragments
    for found in response.objects:
        yield render(found)
    yield b"</rim:RegistryObjectList></query:AdhocQueryResponse>"


# --- Retrieve ------------------------------------------------------------------------------------


def read_retrieve_response(element: _Element, parts: Parts) -> RetrieveDocumentSetResponse:
    """Read xds:RetrieveDocumentSetResponse."""
    expect(element, _RETRIEVE_RESPONSE)
    outcome = child(element, _REGISTRY_RESPONSE)
    attached = Attached(parts)
    return RetrieveDocumentSetResponse(
        read_status(outcome),
        read_errors(outcome),
        tuple(
            _read_document(found, attached) for found in element.iterchildren(_DOCUMENT_RESPONSE)
        ),
    )


def _read_document(element: _Element, attached: Attached) -> DocumentResponse:
    def text(name: str) -> str:
        return (element.findtext(f"{{{XDS}}}{name}") or "").strip()

    new_id, new_repository = text("NewDocumentUniqueId"), text("NewRepositoryUniqueId")
    return DocumentResponse(
        request=read_document_request(element),
        mime_type=MimeType(text("mimeType")),
        content=attached.read(child(element, _DOCUMENT)),
        new_document_unique_id=Identifier(new_id) if new_id else None,
        new_repository_unique_id=OID(new_repository) if new_repository else None,
    )


def write_retrieve_response(response: RetrieveDocumentSetResponse) -> Body:
    """Write xds:RetrieveDocumentSetResponse; every document becomes an attachment."""
    attaching = Attaching()
    documents = "".join(_write_document(found, attaching) for found in response.documents)
    outcome = _registry_response(RegistryResponse(response.status, response.errors))
    name = "xds:RetrieveDocumentSetResponse"
    xml = f"<{name} {ns.XDS_PREFIX} {ns.XOP_PREFIX}>{outcome}{documents}</{name}>"
    return Body((xml.encode(),), attaching.attachments)


def _write_document(found: DocumentResponse, attaching: Attaching) -> str:
    repository, unique_id = found.new_repository_unique_id, found.new_document_unique_id
    return "".join(
        (
            "<xds:DocumentResponse>",
            write_document_ids(found.request),
            f"<xds:NewRepositoryUniqueId>{t(repository)}</xds:NewRepositoryUniqueId>"
            if repository
            else "",
            f"<xds:NewDocumentUniqueId>{t(unique_id)}</xds:NewDocumentUniqueId>"
            if unique_id
            else "",
            f"<xds:mimeType>{t(found.mime_type)}</xds:mimeType>",
            f"<xds:Document>{attaching.include(found.content, found.mime_type)}</xds:Document>",
            "</xds:DocumentResponse>",
        )
    )
