"""zeep, a SOAP library of others, reads the served WSDL over HTTP and works with the hub by it.

What it sends is built from the types that it found in the WSDL, and nothing of the hub's own code.
"""

import hashlib
import itertools
import warnings
from collections.abc import Iterator
from typing import Any, Final

import pytest
from lxml import etree

from tests.running import Running, running
from tests.xop_transport import XopTransport

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import zeep
    from zeep.exceptions import Fault

pytestmark = pytest.mark.system
Client = Any
SOAP_MUST: Final = "{http://www.w3.org/2003/05/soap-envelope}mustUnderstand"
PATIENT: Final = "13916900216^^^&2.16.578.1.12.4.1.4.1&ISO"
_REGREP: Final = "urn:oasis:names:tc:ebxml-regrep"
_STABLE: Final = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
_SET_NODE: Final = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
_ENTRY_CODES: Final = {
    "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a": ("A00-1", "2.16.578.1.12.4.1.1.9602"),
    "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f": ("N", "2.16.840.1.113883.5.25"),
    "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d": (
        "urn:ihe:iti:xds:2017:mimeTypeSufficient",
        "1.3.6.1.4.1.19376.1.2.3",
    ),
    "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1": ("86.101", "2.16.578.1.12.4.1.1.1303"),
    "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead": ("4", "2.16.578.1.12.4.1.1.8653"),
    "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983": ("A03-2", "2.16.578.1.12.4.1.1.9602"),
}
"""Class, confidentiality, format, facility, practice setting and type of the document."""
CONTENT: Final = b"\r\n\n" + bytes(range(256)) * 40 + b"\n\r\n"
"""Line breaks at both ends, which careless stacks take away."""


@pytest.fixture(scope="module")
def community(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("community")) as one:
        yield one


@pytest.fixture(scope="module")
def plain() -> Iterator[XopTransport]:
    transport = XopTransport(optimise=False)
    yield transport
    transport.session.close()


@pytest.fixture(scope="module", params=["documents beside", "documents inside"])
def transport(request: pytest.FixtureRequest, plain: XopTransport) -> Iterator[XopTransport]:
    if request.param == "documents inside":
        yield plain
        return
    transport = XopTransport()
    yield transport
    transport.session.close()


def client(url: str, transport: XopTransport) -> Client:
    """Return zeep's client of the WSDL served at a URL."""
    return zeep.Client(f"{url}?wsdl", transport=transport)  # type: ignore[no-untyped-call]  # zeep is untyped


# --- a submission, as a programmer with nothing but the WSDL would write it ----------------------

_numbers = itertools.count(1)


def slot(name: str, *values: str) -> dict[str, Any]:
    return {"name": name, "ValueList": {"Value": list(values)}}


def text(value: str) -> dict[str, Any]:
    return {"LocalizedString": [{"value": value}]}


def coded(of: str, scheme: str, code: str, coding_scheme: str) -> dict[str, Any]:
    return {
        "id": f"id{next(_numbers)}",
        "objectType": f"{_REGREP}:ObjectType:RegistryObject:Classification",
        "classifiedObject": of,
        "classificationScheme": scheme,
        "nodeRepresentation": code,
        "Slot": [slot("codingScheme", coding_scheme)],
        "Name": text(code),
    }


def author(of: str, scheme: str) -> dict[str, Any]:
    person = "502116685^NORDMANN^KARI^^^^^^&2.16.578.1.12.4.1.4.4&ISO"
    return {**coded(of, scheme, "", ""), "Slot": [slot("authorPerson", person)], "Name": None}


def identified(of: str, scheme: str, name: str, value: str) -> dict[str, Any]:
    return {
        "id": f"id{next(_numbers)}",
        "objectType": f"{_REGREP}:ObjectType:RegistryObject:ExternalIdentifier",
        "registryObject": of,
        "identificationScheme": scheme,
        "value": value,
        "Name": text(name),
    }


def submission(number: int, *slots: dict[str, Any]) -> dict[str, Any]:
    """Return a RegistryObjectList: a SubmissionSet with one DocumentEntry."""
    entry = {
        "id": "Document01",
        "mimeType": "text/plain",
        "objectType": _STABLE,
        "Slot": [
            slot("creationTime", "20261124083000"),
            slot("languageCode", "nb-NO"),
            slot("sourcePatientId", "4711^^^&2.16.578.1.12.4.1.7.3.2.1&ISO"),
            *slots,
        ],
        "Name": text("Epikrise – indremedisin"),
        "Classification": [
            author("Document01", "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"),
            *(coded("Document01", scheme, *code) for scheme, code in _ENTRY_CODES.items()),
        ],
        "ExternalIdentifier": [
            identified(
                "Document01",
                "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427",
                "XDSDocumentEntry.patientId",
                PATIENT,
            ),
            identified(
                "Document01",
                "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab",
                "XDSDocumentEntry.uniqueId",
                f"2.25.7000.{number}",
            ),
        ],
    }
    return {
        "_value_1": [
            {"ExtrinsicObject": entry},
            {"RegistryPackage": submission_set(number)},
            {
                "Association": {
                    "id": "Association01",
                    "objectType": f"{_REGREP}:ObjectType:RegistryObject:Association",
                    "associationType": f"{_REGREP}:AssociationType:HasMember",
                    "sourceObject": "SubmissionSet01",
                    "targetObject": "Document01",
                    "Slot": [slot("SubmissionSetStatus", "Original")],
                }
            },
        ]
    }


def submission_set(number: int) -> dict[str, Any]:
    of = "SubmissionSet01"
    node = {
        "id": f"id{next(_numbers)}",
        "classifiedObject": of,
        "classificationNode": _SET_NODE,
    }
    return {
        "id": of,
        "objectType": f"{_REGREP}:ObjectType:RegistryObject:RegistryPackage",
        "Slot": [slot("submissionTime", "20261124084500")],
        "Classification": [
            node,
            author(of, "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"),
            coded(
                of,
                "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500",
                "A00-1",
                "2.16.578.1.12.4.1.1.9602",
            ),
        ],
        "ExternalIdentifier": [
            identified(
                of,
                "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446",
                "XDSSubmissionSet.patientId",
                PATIENT,
            ),
            identified(
                of,
                "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832",
                "XDSSubmissionSet.sourceId",
                "2.16.578.1.12.4.1.7.1.99.2",
            ),
            identified(
                of,
                "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8",
                "XDSSubmissionSet.uniqueId",
                f"2.25.7100.{number}",
            ),
        ],
    }


def find_documents() -> dict[str, Any]:
    return {
        "ResponseOption": {"returnType": "LeafClass", "returnComposedObjects": True},
        "AdhocQuery": {
            "id": "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
            "Slot": [
                slot("$XDSDocumentEntryPatientId", f"'{PATIENT}'"),
                slot("$XDSDocumentEntryStatus", f"('{_REGREP}:StatusType:Approved')"),
            ],
        },
    }


def found_in(response: Any) -> dict[str, Any]:
    """Return the documents of a query's answer by their uniqueId."""
    assert response.status.endswith(":Success"), response.RegistryErrorList
    entries = [each["ExtrinsicObject"] for each in response.RegistryObjectList._value_1]
    return {
        identifier["value"]: entry
        for entry in entries
        for identifier in entry["ExternalIdentifier"]
        if identifier["identificationScheme"].endswith("8640a32e42ab")
    }


def slots_of(entry: Any) -> dict[str, list[str]]:
    return {each["name"]: each["ValueList"]["Value"] for each in entry["Slot"]}


# --- what zeep does with it ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actor", "operations"),
    [
        (
            "registry",
            {
                "DocumentRegistry_RegistryStoredQuery",
                "DocumentRegistry_RegisterDocumentSet-b",
                "DocumentRegistry_MultiPatientStoredQuery",
                "DocumentRegistry_RegisterOnDemandDocumentEntry",
            },
        ),
        (
            "repository",
            {
                "DocumentRepository_ProvideAndRegisterDocumentSet-b",
                "DocumentRepository_RetrieveDocumentSet",
            },
        ),
        (
            "gateway",
            {"RespondingGateway_CrossGatewayQuery", "RespondingGateway_CrossGatewayRetrieve"},
        ),
        (
            "initiating",
            {"DocumentRegistry_RegistryStoredQuery", "DocumentRepository_RetrieveDocumentSet"},
        ),
    ],
)
def test_the_served_wsdl_offers_what_the_actor_serves(
    actor: str, operations: set[str], community: Running, plain: XopTransport
) -> None:
    url = getattr(community, actor)
    (service,) = client(url, plain).wsdl.services.values()
    (port,) = service.ports.values()
    assert operations <= set(port.binding._operations)
    assert port.binding_options["address"] == url


def test_metadata_is_registered_and_found(community: Running, plain: XopTransport) -> None:
    number = next(_numbers)
    registry = client(community.registry, plain)
    objects = submission(
        number,
        slot("repositoryUniqueId", community.repository_unique_id),
        slot("hash", hashlib.sha1(CONTENT, usedforsecurity=False).hexdigest()),
        slot("size", str(len(CONTENT))),
    )
    register = registry.service["DocumentRegistry_RegisterDocumentSet-b"]
    response = register(RegistryObjectList=objects)
    assert response.status.endswith(":Success"), response.RegistryErrorList
    answer = registry.service.DocumentRegistry_RegistryStoredQuery(**find_documents())
    entry = found_in(answer)[f"2.25.7000.{number}"]
    assert entry["Name"]["LocalizedString"][0]["value"] == "Epikrise – indremedisin"
    assert slots_of(entry)["size"] == [str(len(CONTENT))]
    codes = {each["nodeRepresentation"] for each in entry["Classification"]}
    assert codes >= {code for code, _ in _ENTRY_CODES.values()}


def share(community: Running, transport: XopTransport) -> int:
    """Share a document by ITI-41; return its number."""
    number = next(_numbers)
    repository = client(community.repository, transport)
    response = repository.service["DocumentRepository_ProvideAndRegisterDocumentSet-b"](
        SubmitObjectsRequest={"RegistryObjectList": submission(number)},
        Document=[{"id": "Document01", "_value_1": CONTENT}],
    )
    assert response.status.endswith(":Success"), response.RegistryErrorList
    return number


def wanted(number: int, community: Running, home: str | None = None) -> dict[str, Any]:
    return {
        "HomeCommunityId": home,
        "RepositoryUniqueId": community.repository_unique_id,
        "DocumentUniqueId": f"2.25.7000.{number}",
    }


def test_a_document_goes_in_and_comes_out_byte_for_byte(
    community: Running, transport: XopTransport
) -> None:
    before = transport.packages
    number = share(community, transport)
    repository = client(community.repository, transport)
    response = repository.service.DocumentRepository_RetrieveDocumentSet(
        DocumentRequest=[wanted(number, community)]
    )
    assert transport.packages == before + 2, "both answers are packages, whatever was sent"
    (document,) = response.DocumentResponse
    assert document.Document == CONTENT
    assert (document.mimeType, document.DocumentUniqueId) == ("text/plain", f"2.25.7000.{number}")


GATEWAYS: Final = {
    "initiating": (
        "DocumentRegistry_RegistryStoredQuery",
        "DocumentRepository_RetrieveDocumentSet",
    ),
    "gateway": ("RespondingGateway_CrossGatewayQuery", "RespondingGateway_CrossGatewayRetrieve"),
}


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_documents_are_found_and_fetched_through_both_gateways(
    gateway: str, community: Running, plain: XopTransport, transport: XopTransport
) -> None:
    query, retrieve = GATEWAYS[gateway]
    number = share(community, transport)
    url = getattr(community, gateway)
    asked = find_documents()
    if gateway == "gateway":
        asked["AdhocQuery"]["home"] = community.home
    entry = found_in(client(url, plain).service[query](**asked))[f"2.25.7000.{number}"]
    assert entry["home"] == community.home
    response = client(url, transport).service[retrieve](
        DocumentRequest=[wanted(number, community, entry["home"])]
    )
    (document,) = response.DocumentResponse
    assert (document.Document, document.HomeCommunityId) == (CONTENT, community.home)


def test_errors_and_faults_are_read_as_such(community: Running, plain: XopTransport) -> None:
    service = client(community.registry, plain).service
    asked = find_documents()
    asked["AdhocQuery"]["id"] = "urn:uuid:00000000-0000-4000-8000-000000000000"
    response = service.DocumentRegistry_RegistryStoredQuery(**asked)
    (error,) = response.RegistryErrorList.RegistryError
    assert error["errorCode"] == "XDSUnknownStoredQuery"
    header = etree.Element("{urn:x}Ward", {SOAP_MUST: "1"})
    with pytest.raises(Fault, match=r"must be understood and are not: \{urn:x\}Ward") as caught:
        service.DocumentRegistry_RegistryStoredQuery(**find_documents(), _soapheaders=[header])
    assert caught.value.code == "soap:MustUnderstand"
