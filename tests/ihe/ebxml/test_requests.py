"""Requests: lenient about metadata, strict about what kind of message they are."""

from typing import Any

import pytest

from ihe import transactions, xml
from ihe.datatypes import OID, HomeCommunityId, Identifier
from ihe.ebxml import requests
from ihe.ebxml.namespaces import (
    LCM_PREFIX,
    QUERY_PREFIX,
    RIM_PREFIX,
    RMD_PREFIX,
    RS_PREFIX,
    XDS_PREFIX,
    readable,
)
from ihe.errors import FaultCode, SoapFault
from ihe.messages import AdhocQueryRequest, DocumentRequest, ReturnType
from ihe.model import ObjectRef, Slot
from tests import samples

PREFIXES = " ".join((LCM_PREFIX, QUERY_PREFIX, RIM_PREFIX, RMD_PREFIX, RS_PREFIX, XDS_PREFIX))


def element(text: str) -> Any:
    """Return the first element of `text`, with every prefix known."""
    return xml.parse(f"<all {PREFIXES}>{text}</all>".encode())[0]


# --- what kind of message ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "transaction",
    [each for each in transactions.CATALOGUE if each.number != 44],
    ids=lambda each: each.name,
)
def test_a_body_that_is_not_the_transaction_s_own_is_a_fault(transaction: Any) -> None:
    other = element('<rs:RegistryError errorCode="x" codeContext="y"/>')
    for read, expected in (
        (transaction.read_request, transaction.request_element),
        (transaction.read_response, transaction.response_element),
    ):
        with pytest.raises(SoapFault) as fault:
            read(other, {})
        assert fault.value.code is FaultCode.SENDER
        assert fault.value.reason == f"{readable(expected)} was expected, found rs:RegistryError"


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (requests.read_submit, "<lcm:SubmitObjectsRequest/>", "RegistryObjectList, found 0"),
        (
            requests.read_submit,
            "<lcm:SubmitObjectsRequest><rim:RegistryObjectList/><rim:RegistryObjectList/>"
            "</lcm:SubmitObjectsRequest>",
            "RegistryObjectList, found 2",
        ),
        (
            requests.read_provide_and_register,
            "<xds:ProvideAndRegisterDocumentSetRequest/>",
            "SubmitObjectsRequest, found 0",
        ),
        (
            requests.read_query,
            '<query:AdhocQueryRequest><query:ResponseOption returnType="LeafClass"/>'
            "</query:AdhocQueryRequest>",
            "AdhocQuery, found 0",
        ),
        (
            requests.read_retrieve,
            "<xds:RetrieveDocumentSetRequest/>",
            "1..* xds:DocumentRequest, found none",
        ),
        (
            requests.read_retrieve,
            "<xds:RetrieveDocumentSetRequest><xds:DocumentRequest>"
            "<xds:DocumentUniqueId>1</xds:DocumentUniqueId></xds:DocumentRequest>"
            "</xds:RetrieveDocumentSetRequest>",
            "RepositoryUniqueId, found 0",
        ),
        (
            requests.read_remove_documents,
            "<rmd:RemoveDocumentsRequest/>",
            "1..* xds:DocumentRequest, found none",
        ),
        (requests.read_remove_objects, "<lcm:RemoveObjectsRequest/>", "ObjectRefList, found 0"),
        (
            requests.read_remove_objects,
            "<lcm:RemoveObjectsRequest><rim:ObjectRefList/></lcm:RemoveObjectsRequest>",
            "1..* rim:ObjectRef, found none",
        ),
        (
            requests.read_remove_objects,
            '<lcm:RemoveObjectsRequest><rim:AdhocQuery id="urn:uuid:1"/><rim:ObjectRefList>'
            '<rim:ObjectRef id="a"/></rim:ObjectRefList></lcm:RemoveObjectsRequest>',
            "by id alone, found AdhocQuery[urn:uuid:1]",
        ),
        (
            requests.read_remove_objects,
            '<lcm:RemoveObjectsRequest><rs:RequestSlotList><rim:Slot name="a"/>'
            '</rs:RequestSlotList><rim:ObjectRefList><rim:ObjectRef id="a"/></rim:ObjectRefList>'
            "</lcm:RemoveObjectsRequest>",
            "by id alone, found RequestSlotList",
        ),
    ],
)
def test_a_message_that_cannot_be_understood_is_a_fault(read: Any, text: str, said: str) -> None:
    with pytest.raises(SoapFault) as fault:
        read(element(text), {})
    assert fault.value.code is FaultCode.SENDER
    assert said in fault.value.reason


# --- query ---------------------------------------------------------------------------------------


def query(inside: str = "", option: str = "", attributes: str = "") -> AdhocQueryRequest:
    text = (
        f"<query:AdhocQueryRequest>{option}"
        f'<rim:AdhocQuery id=" urn:uuid:1 " {attributes}>{inside}</rim:AdhocQuery>'
        "</query:AdhocQueryRequest>"
    )
    return requests.read_query(element(text), {})


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("", "RegistryObject"),
        ("<query:ResponseOption/>", "RegistryObject"),
        ('<query:ResponseOption returnType=""/>', "RegistryObject"),
        ('<query:ResponseOption returnType="RegistryObject"/>', "RegistryObject"),
        ('<query:ResponseOption returnType="leafclass"/>', "leafclass"),
        ('<query:ResponseOption returnType=" LeafClass "/>', ReturnType.LEAF_CLASS),
        ('<query:ResponseOption returnType="ObjectRef"/>', ReturnType.OBJECT_REF),
    ],
)
def test_an_absent_return_type_is_what_the_schema_means_by_it(option: str, expected: str) -> None:
    found = query(option=option).return_type
    assert found == expected
    assert isinstance(found, ReturnType) == isinstance(expected, ReturnType)


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ('<Slot name="$a"/>', "rim:Slot was expected in AdhocQuery, found Slot"),
        (
            '<rim:Slot name="$a"><rim:Value>1</rim:Value></rim:Slot>',
            "Slot[$a] of AdhocQuery: found rim:Value",
        ),
        (
            '<rim:Slot name="$a"><rim:ValueList/><rim:ValueList/></rim:Slot>',
            "2 elements in the Slot, expected one ValueList",
        ),
        (
            '<rim:Slot name="$a"><rim:ValueList><rim:Value>1<b/>2</rim:Value></rim:ValueList>'
            "</rim:Slot>",
            "b in a Value, expected a text alone",
        ),
        (
            '<rim:Slot name="$a"><rim:ValueList><Value>1</Value></rim:ValueList></rim:Slot>',
            "Value in the ValueList, expected Values alone",
        ),
    ],
)
def test_a_parameter_that_would_be_lost_in_part_is_a_fault(inside: str, said: str) -> None:
    with pytest.raises(SoapFault) as fault:
        query(inside)
    assert fault.value.code is FaultCode.SENDER
    assert said in fault.value.reason


def test_what_the_schema_has_beside_parameters_says_nothing() -> None:
    beside = "<rim:Name/><rim:Description/><rim:VersionInfo/><rim:QueryExpression/>"
    assert query('<rim:Slot name="$a"/>' + beside).parameters == (Slot("$a", ()),)


def test_parameters_stay_as_they_came() -> None:
    inside = """
      <rim:Slot name="$A"><rim:ValueList><rim:Value> ('x',
        'y') </rim:Value><rim:Value/></rim:ValueList></rim:Slot>
      <rim:Slot name="$B"><rim:ValueList><rim:Value>1</rim:Value></rim:ValueList></rim:Slot>
      <rim:Slot name="$A"><rim:ValueList>
        <rim:Value>(<![CDATA['a<b']]>)</rim:Value></rim:ValueList></rim:Slot>
      <rim:Slot name="$C"/>"""
    assert query(inside).parameters == (
        Slot("$A", (" ('x',\n        'y') ", "")),
        Slot("$B", ("1",)),
        Slot("$A", ("('a<b')",)),
        Slot("$C", ()),
    )


def test_ids_lose_the_blanks_around_them() -> None:
    found = query(attributes='home=" urn:oid:1.2 "')
    assert found.query_id == "urn:uuid:1"
    assert found.home_community_id == HomeCommunityId("urn:oid:1.2")
    assert query(attributes='home=""').home_community_id is None


# --- retrieve and remove -------------------------------------------------------------------------


def test_document_requests_are_read_in_their_order() -> None:
    one = (
        "<xds:DocumentRequest><xds:HomeCommunityId> urn:oid:1.9 </xds:HomeCommunityId>"
        "<xds:RepositoryUniqueId>\n1.2\n</xds:RepositoryUniqueId>"
        "<xds:DocumentUniqueId> 1.3^a b </xds:DocumentUniqueId></xds:DocumentRequest>"
    )
    two = (
        "<xds:DocumentRequest><xds:RepositoryUniqueId/><xds:DocumentUniqueId/>"
        "</xds:DocumentRequest>"
    )
    for tag, read in (
        ("xds:RetrieveDocumentSetRequest", requests.read_retrieve),
        ("rmd:RemoveDocumentsRequest", requests.read_remove_documents),
    ):
        found: Any = read(element(f"<{tag}>{one}{two}</{tag}>"), {})
        assert found.documents == (
            DocumentRequest(OID("1.2"), Identifier("1.3^a b"), HomeCommunityId("urn:oid:1.9")),
            DocumentRequest(OID(""), Identifier("")),
        )


def test_objects_to_remove_are_read_by_their_ids() -> None:
    text = (
        '<lcm:RemoveObjectsRequest deletionScope="urn:x"><rs:RequestSlotList/>'
        '<rim:ObjectRefList><rim:ObjectRef id=" a "/><rim:ObjectRef id="b" home="urn:oid:1.2"/>'
        "</rim:ObjectRefList></lcm:RemoveObjectsRequest>"
    )
    assert requests.read_remove_objects(element(text), {}).objects == (
        ObjectRef("a"),
        ObjectRef("b", HomeCommunityId("urn:oid:1.2")),
    )


# --- provide and register ------------------------------------------------------------------------


def test_each_document_becomes_an_attachment_with_an_id_that_needs_no_escaping() -> None:
    request = samples.provide_and_register()
    twice = type(request)(request.submission, request.documents * 2)
    body = requests.write_provide_and_register(twice)
    assert [each.content_id for each in body.attachments] == [
        "document-1@felles",
        "document-2@felles",
    ]
    assert [each.mime_type for each in body.attachments] == ["text/plain"] * 2
    written = b"".join(body.xml)
    for number in (1, 2):
        assert b'<xop:Include href="cid:document-%d@felles"/>' % number in written
    assert samples.CONTENT not in written
