"""Responses: written whole, read leniently."""

from typing import Any

import pytest

from ihe import xml
from ihe.datatypes import OID, HomeCommunityId, Identifier, MimeType
from ihe.ebxml import responses
from ihe.ebxml.namespaces import QUERY_PREFIX, RIM_PREFIX, RS_PREFIX, XDS_PREFIX, XOP_PREFIX
from ihe.errors import ErrorCode, RegistryError, SoapFault, registry_error
from ihe.messages import AdhocQueryResponse, Body, RegistryResponse, RetrieveDocumentSetResponse
from ihe.model import Folder, ObjectRef, SubmissionSet
from ihe.vocabulary import RIM, RS, Node, ResponseStatus, Severity
from tests.schema_oracle import assert_schema_valid

PREFIXES = " ".join((QUERY_PREFIX, RIM_PREFIX, RS_PREFIX, XDS_PREFIX, XOP_PREFIX))
ERROR = registry_error(ErrorCode.REGISTRY_METADATA, "found <a>, expected 'b' & \"c\"", "Slot[x]")
WARNING = registry_error(ErrorCode.EXTRA_METADATA_NOT_SAVED, "not kept")


def element(text: str) -> Any:
    """Return the first element of `text`, with every prefix known."""
    return xml.parse(f"<all {PREFIXES}>{text}</all>".encode())[0]


def written(body: Body) -> Any:
    return xml.parse(b"".join(body.xml))


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("errors", "worst"),
    [
        ((ERROR,), Severity.ERROR),
        ((WARNING,), Severity.WARNING),
        ((WARNING, ERROR), Severity.ERROR),
    ],
)
def test_the_worst_severity_stands_on_the_list(
    errors: tuple[RegistryError, ...], worst: Severity
) -> None:
    response = RegistryResponse(ResponseStatus.FAILURE, errors)
    listed = written(responses.write_registry_response(response))[0]
    assert listed.get("highestSeverity") == worst
    assert [each.get("severity") for each in listed] == [each.severity for each in errors]


def test_an_error_is_told_even_when_its_text_cannot_stand_in_xml() -> None:
    odd = registry_error(ErrorCode.REGISTRY_METADATA, "found 'a\x00b'", "Slot[\x1f]")
    response = RegistryResponse(ResponseStatus.FAILURE, (odd,))
    (error,) = responses.read_registry_response(
        written(responses.write_registry_response(response)), {}
    ).errors
    assert (error.context, error.location) == ("found 'a\ufffdb'", "Slot[\ufffd]")


def test_the_rule_that_found_an_error_stays_in_the_hub() -> None:
    error = registry_error(ErrorCode.REGISTRY_METADATA, "x", "y", rule="B20")
    body = responses.write_registry_response(RegistryResponse(ResponseStatus.FAILURE, (error,)))
    assert b"B20" not in b"".join(body.xml)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ('errorCode="X" codeContext="c" location="l" severity="Warning"', Severity.WARNING),
        (
            f'errorCode="X" codeContext="c" location="l" severity="{Severity.WARNING}"',
            Severity.WARNING,
        ),
        ('errorCode=" X " codeContext="c" location="l"', Severity.ERROR),
        ('errorCode="X" codeContext="c" location="l" severity="urn:x:Fatal"', Severity.ERROR),
    ],
)
def test_a_severity_that_is_not_a_warning_is_an_error(row: str, expected: Severity) -> None:
    text = (
        '<rs:RegistryResponse status="Failure"><rs:RegistryErrorList>'
        f"<rs:RegistryError {row}/></rs:RegistryErrorList></rs:RegistryResponse>"
    )
    response = responses.read_registry_response(element(text), {})
    assert response.errors == (RegistryError("X", "c", "l", expected),)
    assert response.status is ResponseStatus.FAILURE


def test_what_a_sender_has_to_say_may_stand_in_the_element() -> None:
    text = (
        '<rs:RegistryResponse status="Failure"><rs:RegistryErrorList>'
        '<rs:RegistryError errorCode="X"> out of order </rs:RegistryError>'
        "</rs:RegistryErrorList></rs:RegistryResponse>"
    )
    assert responses.read_registry_response(element(text), {}).errors == (
        RegistryError("X", "out of order"),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ResponseStatus.SUCCESS, ResponseStatus.SUCCESS),
        ("Success", ResponseStatus.SUCCESS),
        (" PartialSuccess ", ResponseStatus.PARTIAL_SUCCESS),
        ("urn:example:Success", "urn:example:Success"),
        ("", ""),
    ],
)
def test_only_a_status_of_the_framework_is_taken_for_one(text: str, expected: str) -> None:
    found = responses.read_registry_response(element(f'<rs:RegistryResponse status="{text}"/>'), {})
    assert found.status == expected
    assert found.ok == (expected == ResponseStatus.SUCCESS)


# --- query ---------------------------------------------------------------------------------------


def test_an_answer_has_its_list_of_objects_even_when_it_fails() -> None:
    response = AdhocQueryResponse(ResponseStatus.FAILURE, (ERROR, WARNING))
    answer = written(responses.write_query_response(response))
    assert_schema_valid(answer)
    assert [each.tag for each in answer] == [
        f"{{{RS}}}RegistryErrorList",
        f"{{{RIM}}}RegistryObjectList",
    ]
    assert responses.read_query_response(answer, {}) == response


def test_an_answer_without_its_list_of_objects_is_understood() -> None:
    answer = element('<query:AdhocQueryResponse status="Failure"/>')
    assert responses.read_query_response(answer, {}) == AdhocQueryResponse(ResponseStatus.FAILURE)


def test_objects_and_references_are_read_in_their_order_whatever_stands_between() -> None:
    text = f"""<query:AdhocQueryResponse status="Success"><rim:RegistryObjectList>
      <rim:ObjectRef id=" urn:uuid:9 " home=" urn:oid:1.2 "/>
      <rim:RegistryPackage id="a"/>
      <rim:RegistryPackage id="nobody-knows"/>
      <rim:Service id="unknown"/>
      <rim:RegistryPackage id="b"><rim:Classification classificationNode="{Node.FOLDER}"/>
      </rim:RegistryPackage>
      <rim:Classification classificationNode="{Node.SUBMISSION_SET}" classifiedObject="a"/>
    </rim:RegistryObjectList></query:AdhocQueryResponse>"""
    objects = responses.read_query_response(element(text), {}).objects
    assert [type(each) for each in objects] == [ObjectRef, SubmissionSet, Folder]
    assert objects[0] == ObjectRef("urn:uuid:9", HomeCommunityId("urn:oid:1.2"))
    assert [each.entry_uuid for each in objects] == ["urn:uuid:9", "a", "b"]


# --- retrieve ------------------------------------------------------------------------------------


def answer_with(inside: str) -> RetrieveDocumentSetResponse:
    text = (
        '<xds:RetrieveDocumentSetResponse><rs:RegistryResponse status="Success"/>'
        f"<xds:DocumentResponse>{inside}</xds:DocumentResponse></xds:RetrieveDocumentSetResponse>"
    )
    return responses.read_retrieve_response(element(text), {})


def test_an_on_demand_document_has_new_ids() -> None:
    (found,) = answer_with(
        "<xds:HomeCommunityId/><xds:RepositoryUniqueId> 1.2 </xds:RepositoryUniqueId>"
        "<xds:DocumentUniqueId>1.3</xds:DocumentUniqueId>"
        "<xds:NewRepositoryUniqueId>1.4</xds:NewRepositoryUniqueId>"
        "<xds:NewDocumentUniqueId>1.5</xds:NewDocumentUniqueId>"
        "<xds:mimeType> text/xml </xds:mimeType><xds:Document>QUJD</xds:Document>"
    ).documents
    assert found.request.home_community_id is None
    assert found.request.repository_unique_id == OID("1.2")
    assert found.new_repository_unique_id == OID("1.4")
    assert found.new_document_unique_id == Identifier("1.5")
    assert found.mime_type == MimeType("text/xml")
    assert b"".join(found.content.chunks()) == b"ABC"


@pytest.mark.parametrize("missing", ["RepositoryUniqueId", "DocumentUniqueId", "Document"])
def test_a_document_without_its_ids_or_bytes_is_a_fault(missing: str) -> None:
    parts = {name: f"<xds:{name}>QUJD</xds:{name}>" for name in (
        "RepositoryUniqueId", "DocumentUniqueId", "mimeType", "Document"
    )}  # fmt: skip
    with pytest.raises(SoapFault, match=f"{missing}, found 0"):
        answer_with("".join(text for name, text in parts.items() if name != missing))
