"""The catalogue: an entry for each ITI transaction that the hub answers or sends by SOAP.

A `Transaction` ties a number to its WS-Addressing actions, its pair of messages with their readers
and writers, and its packaging. Servers dispatch on `action`, clients send by it, documentation and
WSDL are generated from it, and the types of request and response follow it into the handler.

References
----------
ITI TF-2 3.18 to 3.62, 3.44; Appendix V.3 (names) and V.8 (packaging); RMD 3.62, 3.86; RMU 3.92.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, TypeAlias, TypeVar

from lxml.etree import _Element

from ihe.datatypes import DTM
from ihe.ebxml import requests, responses
from ihe.errors import ErrorCode, RegistryError
from ihe.hl7v3 import acknowledging, feed
from ihe.hl7v3.values import Acknowledgement, PatientMerge, PatientRecord
from ihe.messages import (
    AdhocQueryRequest,
    AdhocQueryResponse,
    Body,
    Parts,
    ProvideAndRegisterRequest,
    RegistryResponse,
    RemoveDocumentsRequest,
    RemoveObjectsRequest,
    RetrieveDocumentSetRequest,
    RetrieveDocumentSetResponse,
    SubmitObjectsRequest,
    status_of,
)
from ihe.vocabulary import HL7V3, LCM, QUERY, RMD, RS, XDS

Req = TypeVar("Req")
Resp = TypeVar("Resp")
Fed = TypeVar("Fed", PatientRecord, PatientMerge)


class Packaging(Enum):
    """How a transaction's messages travel, both ways (ITI TF-2 V.8)."""

    SIMPLE = "simple SOAP"
    MTOM = "MTOM/XOP"


class Responder(Enum):
    """The actor that answers; the value is the prefix of its WSDL names (ITI TF-2 V.3)."""

    REGISTRY = "DocumentRegistry"
    REPOSITORY = "DocumentRepository"
    RESPONDING_GATEWAY = "RespondingGateway"
    UPDATE_RESPONDER = "UpdateResponder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction(Generic[Req, Resp]):
    """One ITI transaction.

    Parameters
    ----------
    number, title
        ITI number and the Framework's title.
    responder, operation
        Who answers, and the WSDL operation without the responder's prefix.
    action, response_action
        wsa:Action of request and response.
    request_element, response_element
        Clark names of the only child of soap12:Body.
    packaging
        Simple SOAP or MTOM/XOP, both ways.
    failure
        Makes the response that says only what went wrong.
    internal_error
        The code for a failure of the hub itself.
    addressed
        For messages that say themselves whose answer they are, which is what WS-Addressing says of
        all others: makes a response the answer to a request, None for one that was not read, with
        a new UUID of its own and its time.
    """

    number: int
    title: str
    responder: Responder
    operation: str
    action: str
    response_action: str
    request_element: str
    response_element: str
    packaging: Packaging
    read_request: Callable[[_Element, Parts], Req]
    write_request: Callable[[Req], Body]
    read_response: Callable[[_Element, Parts], Resp]
    write_response: Callable[[Resp], Body]
    failure: Callable[[Sequence[RegistryError]], Resp]
    internal_error: ErrorCode
    addressed: Callable[[Resp, Req | None, str, DTM], Resp] | None = None

    @property
    def name(self) -> str:
        """`ITI-18`, as people and audit records write it."""
        return f"ITI-{self.number}"

    @property
    def wsdl_operation(self) -> str:
        """`DocumentRegistry_RegistryStoredQuery`."""
        return f"{self.responder.value}_{self.operation}"


AnyTransaction: TypeAlias = Transaction[object, object]


def _query_failure(errors: Sequence[RegistryError]) -> AdhocQueryResponse:
    return AdhocQueryResponse(status_of(errors), tuple(errors))


def _retrieve_failure(errors: Sequence[RegistryError]) -> RetrieveDocumentSetResponse:
    return RetrieveDocumentSetResponse(status_of(errors), tuple(errors))


def _query(
    number: int, title: str, responder: Responder, operation: str, year: int = 2007
) -> Transaction[AdhocQueryRequest, AdhocQueryResponse]:
    action = f"urn:ihe:iti:{year}:{operation}"
    return Transaction(
        number=number,
        title=title,
        responder=responder,
        operation=operation,
        action=action,
        response_action=f"{action}Response",
        request_element=f"{{{QUERY}}}AdhocQueryRequest",
        response_element=f"{{{QUERY}}}AdhocQueryResponse",
        packaging=Packaging.SIMPLE,
        read_request=requests.read_query,
        write_request=requests.write_query,
        read_response=responses.read_query_response,
        write_response=responses.write_query_response,
        failure=_query_failure,
        internal_error=ErrorCode.REGISTRY_ERROR,
    )


def _submit(
    number: int,
    title: str,
    operation: str,
    year: int,
    *,
    responder: Responder = Responder.REGISTRY,
    response_action: str = "",
) -> Transaction[SubmitObjectsRequest, RegistryResponse]:
    action = f"urn:ihe:iti:{year}:{operation}"
    return Transaction(
        number=number,
        title=title,
        responder=responder,
        operation=operation,
        action=action,
        response_action=response_action or f"{action}Response",
        request_element=f"{{{LCM}}}SubmitObjectsRequest",
        response_element=f"{{{RS}}}RegistryResponse",
        packaging=Packaging.SIMPLE,
        read_request=requests.read_submit,
        write_request=requests.write_submit,
        read_response=responses.read_registry_response,
        write_response=responses.write_registry_response,
        failure=RegistryResponse.of,
        internal_error=ErrorCode.REGISTRY_ERROR,
    )


def _retrieve(
    number: int, title: str, responder: Responder, operation: str
) -> Transaction[RetrieveDocumentSetRequest, RetrieveDocumentSetResponse]:
    action = f"urn:ihe:iti:2007:{operation}"
    return Transaction(
        number=number,
        title=title,
        responder=responder,
        operation=operation,
        action=action,
        response_action=f"{action}Response",
        request_element=f"{{{XDS}}}RetrieveDocumentSetRequest",
        response_element=f"{{{XDS}}}RetrieveDocumentSetResponse",
        packaging=Packaging.MTOM,
        read_request=requests.read_retrieve,
        write_request=requests.write_retrieve,
        read_response=responses.read_retrieve_response,
        write_response=responses.write_retrieve_response,
        failure=_retrieve_failure,
        internal_error=ErrorCode.REPOSITORY_ERROR,
    )


def _feed(
    interaction: str,
    happened: str,
    read: Callable[[_Element, Parts], Fed],
    write: Callable[[Fed], Body],
) -> Transaction[Fed, Acknowledgement]:
    """Return one of the messages of ITI-44, each of which has an action of its own."""
    return Transaction(
        number=44,
        title=f"Patient Identity Feed HL7 V3: {happened}",
        responder=Responder.REGISTRY,
        operation=interaction,
        action=f"{HL7V3}:{interaction}",
        response_action=f"{HL7V3}:{acknowledging.INTERACTION}",
        request_element=f"{{{HL7V3}}}{interaction}",
        response_element=f"{{{HL7V3}}}{acknowledging.INTERACTION}",
        packaging=Packaging.SIMPLE,
        read_request=read,
        write_request=write,
        read_response=acknowledging.read_acknowledgement,
        write_response=acknowledging.write_acknowledgement,
        failure=acknowledging.failure,
        internal_error=ErrorCode.REGISTRY_ERROR,
        addressed=acknowledging.addressed,
    )


ITI_18: Final = _query(18, "Registry Stored Query", Responder.REGISTRY, "RegistryStoredQuery")
ITI_38: Final = _query(38, "Cross Gateway Query", Responder.RESPONDING_GATEWAY, "CrossGatewayQuery")
ITI_39: Final = _retrieve(
    39, "Cross Gateway Retrieve", Responder.RESPONDING_GATEWAY, "CrossGatewayRetrieve"
)
ITI_41: Final[Transaction[ProvideAndRegisterRequest, RegistryResponse]] = Transaction(
    number=41,
    title="Provide and Register Document Set-b",
    responder=Responder.REPOSITORY,
    operation="ProvideAndRegisterDocumentSet-b",
    action="urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b",
    response_action="urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-bResponse",
    request_element=f"{{{XDS}}}ProvideAndRegisterDocumentSetRequest",
    response_element=f"{{{RS}}}RegistryResponse",
    packaging=Packaging.MTOM,
    read_request=requests.read_provide_and_register,
    write_request=requests.write_provide_and_register,
    read_response=responses.read_registry_response,
    write_response=responses.write_registry_response,
    failure=RegistryResponse.of,
    internal_error=ErrorCode.REPOSITORY_ERROR,
)
ITI_42: Final = _submit(42, "Register Document Set-b", "RegisterDocumentSet-b", 2007)
ITI_43: Final = _retrieve(43, "Retrieve Document Set", Responder.REPOSITORY, "RetrieveDocumentSet")
ITI_44_ADD: Final = _feed(feed.ADD, "record added", feed.read_add, feed.write_add)
ITI_44_REVISE: Final = _feed(feed.REVISE, "record revised", feed.read_revise, feed.write_revise)
ITI_44_MERGE: Final = _feed(feed.MERGE, "duplicates resolved", feed.read_merge, feed.write_merge)
ITI_51: Final = _query(
    51, "Multi-Patient Stored Query", Responder.REGISTRY, "MultiPatientStoredQuery", 2009
)
ITI_57: Final = _submit(57, "Update Document Set", "UpdateDocumentSet", 2010)
ITI_61: Final = _submit(
    61,
    "Register On-Demand Document Entry",
    "RegisterOnDemandDocumentEntry",
    2010,
    # shortened by the Framework, against its own rule (TF-2 3.61; IPF and NIST agree)
    response_action="urn:ihe:iti:2010:RegisterOnDemandDocumentResponse",
)
ITI_62: Final[Transaction[RemoveObjectsRequest, RegistryResponse]] = Transaction(
    number=62,
    title="Remove Metadata",
    responder=Responder.REGISTRY,
    operation="DeleteDocumentSet",  # the transaction's old name stays on the wire (RMD 3.62)
    action="urn:ihe:iti:2010:DeleteDocumentSet",
    response_action="urn:ihe:iti:2010:DeleteDocumentSetResponse",
    request_element=f"{{{LCM}}}RemoveObjectsRequest",
    response_element=f"{{{RS}}}RegistryResponse",
    packaging=Packaging.SIMPLE,
    read_request=requests.read_remove_objects,
    write_request=requests.write_remove_objects,
    read_response=responses.read_registry_response,
    write_response=responses.write_registry_response,
    failure=RegistryResponse.of,
    internal_error=ErrorCode.REGISTRY_ERROR,
)
ITI_86: Final[Transaction[RemoveDocumentsRequest, RegistryResponse]] = Transaction(
    number=86,
    title="Remove Documents",
    responder=Responder.REPOSITORY,
    operation="RemoveDocuments",
    action="urn:ihe:iti:2017:RemoveDocuments",
    response_action="urn:ihe:iti:2017:RemoveDocumentsResponse",
    request_element=f"{{{RMD}}}RemoveDocumentsRequest",
    response_element=f"{{{RS}}}RegistryResponse",
    packaging=Packaging.SIMPLE,
    read_request=requests.read_remove_documents,
    write_request=requests.write_remove_documents,
    read_response=responses.read_registry_response,
    write_response=responses.write_registry_response,
    failure=RegistryResponse.of,
    internal_error=ErrorCode.REPOSITORY_ERROR,
)
ITI_92: Final = _submit(
    92,
    "Restricted Update Document Set",
    "RestrictedUpdateDocumentSet",
    2018,
    responder=Responder.UPDATE_RESPONDER,
)

CATALOGUE: Final = (
    ITI_18, ITI_38, ITI_39, ITI_41, ITI_42, ITI_43, ITI_44_ADD, ITI_44_REVISE, ITI_44_MERGE,
    ITI_51, ITI_57, ITI_61, ITI_62, ITI_86, ITI_92,
)  # fmt: skip  # in the order of their numbers
