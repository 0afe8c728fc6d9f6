"""Messages that are no XML, no SOAP or no transaction's: each is told what is wrong with it."""

from typing import Any

import pytest

from ihe.errors import FaultSubcode
from ihe.transactions import CATALOGUE, ITI_18, ITI_41, ITI_42, ITI_43, Transaction
from tests.hub.posting import (
    MESSAGE_ID,
    SOAP_TYPE,
    Answer,
    envelope,
    post,
    request,
    request_body,
)
from tests.running import Running
from tests.wire_oracle import SOAP, WSA

QUERY = request(ITI_18)
BODY = request_body(ITI_18)
ANONYMOUS = f"{WSA}/anonymous"


def refused(hub: Running, message: bytes, *, by: str = "registry") -> Answer:
    answer = post(getattr(hub, by), message)
    assert answer.is_fault
    assert answer.trace_id in answer.reason
    return answer


LAUGHS = b"""<!DOCTYPE x [<!ENTITY a "13916900216"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>"""
NOT_XML: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not well-formed"),
    "words": (b"Danser, Line 13916900216", "not well-formed"),
    "json": (b'{"patient": "13916900216"}', "not well-formed"),
    "html": (b"<html><body>Danser<br></body></html>", "not well-formed"),
    "hl7": (b"\x0bMSH|^~\\&|Danser\r\x1c\r", "not well-formed"),
    "cut off": (QUERY[:-40], "not well-formed"),
    "two roots": (QUERY + QUERY, "not well-formed"),
    "nul": (QUERY.replace(b"</s:Body>", b"\0</s:Body>"), "not well-formed"),
    "bad utf-8": (QUERY.replace(b"LeafClass", b"Leaf\xff\xfe"), "not well-formed"),
    "unbound prefix": (QUERY.replace(b' xmlns:a="', b' xmlns:z="'), "not well-formed"),
    "unknown entity": (QUERY.replace(b"LeafClass", b"&patient;"), "not well-formed"),
    "utf-7": (
        b'<?xml version="1.0" encoding="utf-7"?>' + QUERY,
        "encoding 'utf-7' is not accepted",
    ),
    "doctype": (b"<!DOCTYPE s:Envelope>" + QUERY, "document type declaration is not allowed"),
    "external doctype": (
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + QUERY,
        "document type declaration is not allowed",
    ),
    "entity bomb": (
        LAUGHS + QUERY.replace(b"LeafClass", b"&d;"),
        "document type declaration is not allowed",
    ),
    "deep": (
        envelope(ITI_18.action, b"<a>" * 5_000 + b"</a>" * 5_000),
        "nested deeper than 256 elements",
    ),
    "many elements": (
        envelope(ITI_18.action, b"<x>" + b"<a/>" * 340_000 + b"</x>"),
        "tags, at most 300000 are accepted",
    ),
    "many attributes": (
        envelope(
            ITI_18.action,
            b"<x " + b" ".join(b"a%d=''" % number for number in range(160_000)) + b"/>",
        ),
        "attributes, at most",
    ),
}


@pytest.mark.parametrize("name", NOT_XML)
def test_what_is_no_xml_to_work_on_is_told_where(name: str, unharmed: Running) -> None:
    message, reason = NOT_XML[name]
    answer = refused(unharmed, message)
    assert (answer.status, answer.codes) == (400, ["Sender"])
    assert reason in answer.reason


def test_a_million_elements_are_refused_before_they_become_a_tree(unharmed: Running) -> None:
    message = envelope(ITI_18.action, b"<x>" + b"<a/>" * 1_000_000 + b"</x>")
    answer = refused(unharmed, message)
    assert (answer.status, answer.codes) == (413, ["Sender"])
    assert "the envelope is larger than 2097152 octets" in answer.reason


NOT_SOAP: dict[str, tuple[bytes, str]] = {
    "bare body": (BODY, "a SOAP 1.2 envelope was expected, found {urn:oasis"),
    "no namespace": (b"<Envelope><Body/></Envelope>", "a SOAP 1.2 envelope was expected"),
    "no body": (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Header/></s:Envelope>'.encode(),
        "the SOAP envelope has no Body",
    ),
    "empty body": (envelope(ITI_18.action, b""), "exactly one element, found 0"),
    "two bodies": (envelope(ITI_18.action, BODY + BODY), "exactly one element, found 2"),
    "two bodies apart": (
        QUERY.replace(b"</s:Envelope>", b"<s:Body/></s:Envelope>"),
        "one Body and nothing else",
    ),
    "header last": (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Body><x/></s:Body><s:Header/></s:Envelope>'.encode(),
        "at most one Header, then one Body",
    ),
}


@pytest.mark.parametrize("name", NOT_SOAP)
def test_what_is_no_soap_message_is_told_what_was_expected(name: str, unharmed: Running) -> None:
    message, reason = NOT_SOAP[name]
    answer = refused(unharmed, message)
    assert (answer.status, answer.codes) == (400, ["Sender"])
    assert reason in answer.reason


@pytest.mark.parametrize(
    "namespace", ["http://schemas.xmlsoap.org/soap/envelope/", "urn:soap:of:our:own"]
)
def test_another_version_of_soap_is_told_which_one_is_spoken(
    namespace: str, unharmed: Running
) -> None:
    answer = refused(unharmed, QUERY.replace(SOAP.encode(), namespace.encode()))
    assert (answer.status, answer.codes) == (500, ["VersionMismatch"])
    assert SOAP in answer.reason


# --- addressing ----------------------------------------------------------------------------------


def test_a_missing_action_is_asked_for(unharmed: Running) -> None:
    answer = refused(unharmed, envelope(None, BODY))
    assert (answer.status, answer.codes) == (400, ["Sender", "MessageAddressingHeaderRequired"])
    assert "wsa:Action is missing" in answer.reason
    assert answer.relates_to == MESSAGE_ID


def test_an_empty_action_is_a_missing_one(unharmed: Running) -> None:
    answer = refused(unharmed, envelope("  ", BODY))
    assert answer.codes == ["Sender", "MessageAddressingHeaderRequired"]


def test_of_two_actions_none_is_guessed(unharmed: Running) -> None:
    twice = f"<a:Action>{ITI_42.action}</a:Action>"
    answer = refused(unharmed, envelope(ITI_18.action, BODY, twice))
    assert answer.codes == ["Sender", "InvalidAddressingHeader", "InvalidCardinality"]
    assert "wsa:Action stands there more than once" in answer.reason


@pytest.mark.parametrize("action", ["urn:of:our:own", ITI_41.action, ITI_43.action, "13916900216"])
def test_an_action_that_is_not_served_here_is_told_which_are(
    action: str, unharmed: Running
) -> None:
    answer = refused(unharmed, envelope(action, BODY))
    assert (answer.status, answer.codes) == (400, ["Sender", "ActionNotSupported"])
    assert action in answer.reason
    assert ITI_18.action in answer.reason
    assert answer.child.findtext(f".//{{{WSA}}}ProblemAction/{{{WSA}}}Action") == action
    assert answer.relates_to == MESSAGE_ID


@pytest.mark.parametrize(
    ("length", "code"), [(2_000, "ActionNotSupported"), (900_000, "InvalidAddressingHeader")]
)
def test_what_a_fault_quotes_is_cut_where_it_is_long(
    unharmed: Running, length: int, code: str
) -> None:
    answer = refused(unharmed, envelope("urn:" + "x" * length, BODY))
    assert answer.codes == ["Sender", code]
    assert len(answer.body) < 10_000


@pytest.mark.parametrize(
    ("action", "body"),
    [(ITI_18, ITI_42), (ITI_42, ITI_18), (ITI_18, ITI_43), (ITI_42, ITI_41)],
    ids=lambda each: each.name,
)
def test_an_action_over_another_ones_body_is_refused(
    action: Transaction[Any, Any], body: Transaction[Any, Any], unharmed: Running
) -> None:
    answer = refused(unharmed, envelope(action.action, request_body(body)))
    assert answer.codes == ["Sender", "ActionNotSupported"]
    assert action.request_element in answer.reason
    assert body.request_element in answer.reason


def test_the_soap_action_of_http_counts_for_nothing(unharmed: Running) -> None:
    spoofed = f'{SOAP_TYPE}; action="{ITI_42.action}"'
    answer = post(unharmed.registry, QUERY, spoofed, headers={"SOAPAction": ITI_42.action})
    assert (answer.status, answer.registry_status) == (200, "Success")


@pytest.mark.parametrize("marked", ["s:mustUnderstand", "mustUnderstand"])
def test_a_header_that_must_be_understood_and_is_not_is_named(
    marked: str, unharmed: Running
) -> None:
    header = f'<x:Ward xmlns:x="urn:x" {marked}="1">13916900216</x:Ward>'
    answer = refused(unharmed, envelope(ITI_18.action, BODY, header))
    assert (answer.status, answer.codes) == (500, ["MustUnderstand"])
    assert "{urn:x}Ward" in answer.reason
    assert answer.relates_to == MESSAGE_ID


def test_headers_for_others_and_optional_ones_are_passed_over(unharmed: Running) -> None:
    headers = (
        '<x:Ward xmlns:x="urn:x" s:mustUnderstand="false">B3</x:Ward>'
        '<x:Hop xmlns:x="urn:x" s:mustUnderstand="1" s:role="urn:somebody:else"/>'
    )
    answer = post(unharmed.registry, envelope(ITI_18.action, BODY, headers))
    assert (answer.status, answer.registry_status) == (200, "Success")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/answers", f"{WSA}/none", "urn:x"])
def test_answers_go_back_the_way_the_request_came(address: str, unharmed: Running) -> None:
    reply_to = f"<a:ReplyTo><a:Address>{address}</a:Address></a:ReplyTo>"
    answer = refused(unharmed, envelope(ITI_18.action, BODY, reply_to))
    assert answer.codes == ["Sender", "InvalidAddressingHeader", "OnlyAnonymousAddressSupported"]
    assert address in answer.reason
    assert ANONYMOUS in answer.reason


def test_a_reply_to_that_is_anonymous_or_absent_is_answered(unharmed: Running) -> None:
    reply_to = f"<a:ReplyTo><a:Address>{ANONYMOUS}</a:Address></a:ReplyTo>"
    for headers in ("", reply_to):
        answer = post(unharmed.registry, envelope(ITI_18.action, BODY, headers))
        assert (answer.registry_status, answer.relates_to) == ("Success", MESSAGE_ID)


def test_two_security_headers_leave_nobody_to_believe(unharmed: Running) -> None:
    namespace = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
    header = f'<w:Security xmlns:w="{namespace}"/>'
    answer = refused(unharmed, envelope(ITI_18.action, BODY, header * 2))
    assert answer.codes == ["Sender", str(FaultSubcode.INVALID_SECURITY).partition(":")[2]]


# --- every actor alike ---------------------------------------------------------------------------


@pytest.mark.parametrize("actor", ["registry", "repository", "gateway", "initiating"])
def test_every_actor_refuses_alike(actor: str, unharmed: Running) -> None:
    assert refused(unharmed, b"Danser, Line", by=actor).codes == ["Sender"]
    unknown = refused(unharmed, envelope("urn:of:our:own", BODY), by=actor)
    assert unknown.codes == ["Sender", "ActionNotSupported"]
    assert sum(each.action in unknown.reason for each in CATALOGUE) >= 2, "it tells what it serves"


def test_the_trace_id_is_the_callers_own(unharmed: Running) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    assert post(unharmed.registry, QUERY, headers=headers).trace_id == trace_id
    assert post(unharmed.registry, b"no", headers=headers).trace_id == trace_id
    headers = {"traceparent": "00-" + "0" * 32 + "-00f067aa0ba902b7-01"}
    assert post(unharmed.registry, b"no", headers=headers).trace_id != "0" * 32
