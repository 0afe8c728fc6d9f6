"""Bodies that the schema of their transaction would not accept: refused with a reason each."""

import re
from typing import Any

import pytest
from lxml import etree

from ihe.transactions import CATALOGUE, ITI_18, ITI_41, ITI_42, ITI_43, ITI_61, Transaction
from tests.hub.posting import Answer, envelope, multipart, post, request_body
from tests.running import Running

URLS = {
    18: "registry",
    38: "gateway",
    39: "gateway",
    41: "repository",
    42: "registry",
    43: "repository",
    51: "registry",
    61: "registry",
}
SERVED = [each for each in CATALOGUE if each.number in URLS]
"""Where each transaction is served."""


def sent(hub: Running, transaction: Transaction[Any, Any], body: bytes) -> Answer:
    return post(
        getattr(hub, URLS[transaction.number]),
        *packed(transaction, envelope(transaction.action, body)),
    )


def packed(transaction: Transaction[Any, Any], message: bytes) -> tuple[bytes, str]:
    if transaction.number not in {39, 41, 43}:
        return message, "application/soap+xml"
    parts = [("document-1@felles", b"Epikrise")] if transaction is ITI_41 else []
    content_type, body = multipart(message, *parts)
    return body, content_type


def is_refused(answer: Answer) -> bool:
    """Tell whether an answer is a Sender fault or a failure, with a reason and a trace id."""
    if answer.is_fault:
        assert answer.codes[0] == "Sender"
        assert answer.trace_id in answer.reason
        return True
    assert answer.status == 200
    if answer.registry_status == "Success":
        return False
    assert answer.errors
    assert answer.trace_id in answer.contexts
    assert all(answer.contexts.splitlines())
    return True


# --- what the schema asks for and is not there ---------------------------------------------------


def without(body: bytes, tag: str) -> bytes:
    """Return a body without the elements of a name."""
    root = etree.fromstring(body)
    for element in list(root.iter(tag)):
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)
    return etree.tostring(root)


@pytest.mark.parametrize("transaction", SERVED, ids=lambda each: each.name)
def test_a_body_without_its_children_is_refused(
    transaction: Transaction[Any, Any], unharmed: Running
) -> None:
    tag = transaction.request_element
    namespace, name = tag[1:].split("}")
    answer = sent(unharmed, transaction, f'<{name} xmlns="{namespace}"/>'.encode())
    assert is_refused(answer)
    assert answer.is_fault
    assert re.search("exactly one|1..[*]|expected", answer.reason), answer.reason


@pytest.mark.parametrize("transaction", SERVED, ids=lambda each: each.name)
def test_a_body_in_another_namespace_is_refused(
    transaction: Transaction[Any, Any], unharmed: Running
) -> None:
    name = transaction.request_element.partition("}")[2]
    answer = sent(unharmed, transaction, f'<{name} xmlns="urn:of:our:own"/>'.encode())
    assert answer.codes == ["Sender", "ActionNotSupported"]
    assert transaction.request_element in answer.reason


REQUIRED = [
    (transaction, tag)
    for transaction, tags in (
        (ITI_18, ("AdhocQuery",)),
        (ITI_42, ("RegistryObjectList", "RegistryPackage", "Association", "ExternalIdentifier")),
        (ITI_61, ("RegistryObjectList", "RegistryPackage", "Association", "ExternalIdentifier")),
        (ITI_41, ("SubmitObjectsRequest", "RegistryPackage", "ExtrinsicObject", "Document")),
        (ITI_43, ("DocumentRequest", "RepositoryUniqueId", "DocumentUniqueId")),
    )
    for tag in tags
]


@pytest.mark.parametrize(
    ("transaction", "tag"), REQUIRED, ids=[f"{each.name} {tag}" for each, tag in REQUIRED]
)
def test_what_is_required_and_missing_is_named(
    transaction: Transaction[Any, Any], tag: str, unharmed: Running
) -> None:
    answer = sent(unharmed, transaction, without(request_body(transaction), f"{{*}}{tag}"))
    assert is_refused(answer)


# --- every attribute and element, one after the other --------------------------------------------


def spoilt(body: bytes) -> dict[str, bytes]:
    """Return what becomes of a body when one thing at a time is done to it, by what was done."""
    found: dict[str, bytes] = {}
    count = sum(1 for _ in etree.fromstring(body).iter())
    for position in range(count):
        for what in ("dropped", "repeated", "renamed", "emptied", "a word", "an element"):
            root = etree.fromstring(body)
            element = list(root.iter())[position]
            parent = element.getparent()
            if parent is None:
                continue
            match what:
                case "dropped":
                    parent.remove(element)
                case "repeated":
                    element.addnext(etree.fromstring(etree.tostring(element)))
                case "renamed":
                    element.tag = f"{{{etree.QName(element).namespace}}}Surprise"
                case "emptied":
                    element[:] = []
                    element.text = None
                case "a word":
                    element.text = "Danser"
                case "an element":
                    element.append(etree.Element("{urn:of:our:own}Surprise"))
            name = etree.QName(element).localname
            found.setdefault(f"{what} {parent.tag!s} {name}", etree.tostring(root))
    return found


@pytest.mark.parametrize("transaction", [ITI_18, ITI_43], ids=lambda each: each.name)
def test_no_spoilt_query_breaks_an_actor(
    transaction: Transaction[Any, Any], unharmed: Running
) -> None:
    for what, body in spoilt(request_body(transaction)).items():
        answer = sent(unharmed, transaction, body)
        assert answer.status in {200, 400}, what
        is_refused(answer)


WRONG: list[tuple[Transaction[Any, Any], str, str]] = [
    (ITI_18, "id", "XDSUnknownStoredQuery"),
    (ITI_18, "name", "XDSStoredQueryMissingParam"),
    (ITI_18, "returnType", "XDSRegistryError"),
    (ITI_42, "id", "XDSRegistryMetadataError"),
    (ITI_42, "objectType", "XDSRegistryMetadataError"),
    (ITI_42, "mimeType", "XDSRegistryMetadataError"),
    (ITI_42, "name", "XDSRegistryMetadataError"),
    (ITI_42, "associationType", "XDSRegistryMetadataError"),
    (ITI_61, "objectType", "XDSRegistryMetadataError"),
    (ITI_61, "identificationScheme", "XDSRegistryMetadataError"),
]


@pytest.mark.parametrize(
    ("transaction", "attribute", "code"),
    WRONG,
    ids=[f"{each.name} {name}" for each, name, _ in WRONG],
)
def test_an_attribute_of_the_wrong_kind_is_named_in_an_error(
    transaction: Transaction[Any, Any], attribute: str, code: str, unharmed: Running
) -> None:
    pattern = rb' %b="[^"]*"' % attribute.encode()
    body, count = re.subn(
        pattern, b' %b="urn:of:our:own"' % attribute.encode(), request_body(transaction)
    )
    assert count
    answer = sent(unharmed, transaction, body)
    assert is_refused(answer)
    assert code in answer.errors, answer.contexts
