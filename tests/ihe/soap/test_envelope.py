import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ihe.errors import FaultCode, FaultSubcode, SoapFault
from ihe.soap.envelope import (
    open_envelope,
    read_envelope,
    write_request_envelope,
    write_response_envelope,
)
from ihe.soap.faults import read_fault, write_fault
from ihe.vocabulary import ANONYMOUS, SOAP11, SOAP12, WSA, WSSE

ACTION = "urn:ihe:iti:2007:RegistryStoredQuery"
OLD_WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
XML_TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=50
)


def envelope(
    headers: str = f"<wsa:Action>{ACTION}</wsa:Action>",
    body: str = "<x/>",
    soap: str = SOAP12,
    wsa: str = WSA,
) -> bytes:
    return (
        f'<s:Envelope xmlns:s="{soap}" xmlns:wsa="{wsa}"><s:Header>{headers}</s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def _whole(content: str) -> bytes:
    return f'<s:Envelope xmlns:s="{SOAP12}">{content}</s:Envelope>'.encode()


def fault_of(data: bytes) -> SoapFault:
    with pytest.raises(SoapFault) as caught:
        read_envelope(data)
    return caught.value


@settings(deadline=None)
@given(XML_TEXT, XML_TEXT, XML_TEXT)
def test_a_request_is_read_as_it_was_written(action: str, to: str, message_id: str) -> None:
    pieces = write_request_envelope(
        action=f"urn:{action}", to=to, message_id=message_id, body=(b"<a/>",)
    )
    found = read_envelope(b"".join(pieces))
    assert found.addressing.action == f"urn:{action}".strip()
    assert found.addressing.to == (to.strip() or None)
    assert found.addressing.message_id == (message_id.strip() or None)
    assert found.addressing.reply_to == ANONYMOUS
    assert found.addressing.is_anonymous
    assert found.body.tag == "a"


def test_a_response_relates_to_its_request() -> None:
    pieces = write_response_envelope(action=ACTION, relates_to="urn:uuid:1", body=(b"<a/>",))
    assert read_envelope(b"".join(pieces)).addressing.relates_to == "urn:uuid:1"


def test_a_missing_reply_to_means_anonymous() -> None:
    assert read_envelope(envelope()).addressing.is_anonymous


def test_blanks_around_the_action_do_not_count() -> None:
    found = read_envelope(envelope(f"<wsa:Action>\n {ACTION}\t</wsa:Action>"))
    assert found.addressing.action == ACTION


def test_older_addressing_namespaces_are_read() -> None:
    found = read_envelope(envelope(wsa=OLD_WSA))
    assert found.addressing.action == ACTION


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"", FaultCode.SENDER, "no XML"),
        (b"<a>", FaultCode.SENDER, "line 1"),
        (b"<a/>", FaultCode.SENDER, "found a"),
        (b"<!DOCTYPE a><a/>", FaultCode.SENDER, "document type declaration"),
        (envelope(soap=SOAP11), FaultCode.VERSION_MISMATCH, "SOAP 1.1"),
        (envelope(soap="urn:x"), FaultCode.VERSION_MISMATCH, "urn:x"),
        (envelope(body=""), FaultCode.SENDER, "found 0"),
        (envelope(body="<a/><b/>"), FaultCode.SENDER, "found 2"),
        (f'<s:Envelope xmlns:s="{SOAP12}"/>'.encode(), FaultCode.SENDER, "no Body"),
        (_whole("<s:Body/><s:Header/>"), FaultCode.SENDER, "at most one Header, then one Body"),
        (_whole("<s:Header/><s:Header/><s:Body/>"), FaultCode.SENDER, "at most one Header"),
        (_whole("<s:Body><a/></s:Body><s:Body><b/></s:Body>"), FaultCode.SENDER, "one Body"),
        (_whole("<s:Body><a/></s:Body><x/>"), FaultCode.SENDER, "and nothing else"),
    ],
)
def test_what_is_no_soap_message_is_refused(data: bytes, code: FaultCode, said: str) -> None:
    fault = fault_of(data)
    assert fault.code is code
    assert said in fault.reason
    assert fault.status == (400 if code is FaultCode.SENDER else 500)


@pytest.mark.parametrize(
    ("headers", "subcode"),
    [
        ("", FaultSubcode.ADDRESSING_HEADER_REQUIRED),
        ("<wsa:Action> </wsa:Action>", FaultSubcode.ADDRESSING_HEADER_REQUIRED),
        ("<wsa:Action>a</wsa:Action>" * 2, FaultSubcode.INVALID_CARDINALITY),
        (
            "<wsa:Action>a</wsa:Action><wsa:MessageID>1</wsa:MessageID>"
            "<wsa:MessageID>2</wsa:MessageID>",
            FaultSubcode.INVALID_CARDINALITY,
        ),
        (
            f"<wsa:Action>a</wsa:Action><wsa:MessageID>{'1' * 2049}</wsa:MessageID>",
            FaultSubcode.INVALID_ADDRESSING_HEADER,
        ),
    ],
)
def test_ambiguous_addressing_gives_its_own_fault(headers: str, subcode: FaultSubcode) -> None:
    assert fault_of(envelope(headers)).subcode is subcode


@pytest.mark.parametrize(
    "attributes",
    [
        's:mustUnderstand="1"',
        's:mustUnderstand=" true "',
        'mustUnderstand="1"',
        f's:mustUnderstand="1" s:role="{SOAP12}/role/next"',
        f's:mustUnderstand="1" s:role="{SOAP12}/role/ultimateReceiver"',
    ],
)
def test_a_header_that_must_be_understood_is_refused_unless_it_is(attributes: str) -> None:
    headers = f'<wsa:Action>{ACTION}</wsa:Action><q:x xmlns:q="urn:q" {attributes}/>'
    fault = fault_of(envelope(headers))
    assert fault.code is FaultCode.MUST_UNDERSTAND
    assert fault.not_understood == ("{urn:q}x",)
    read_envelope(envelope(headers), understood=frozenset({"{urn:q}x"}))


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        's:mustUnderstand="0"',
        's:mustUnderstand="false"',
        f's:mustUnderstand="1" s:role="{SOAP12}/role/none"',
        's:mustUnderstand="1" s:role="urn:somebody-else"',
    ],
)
def test_foreign_headers_are_passed_over(attributes: str) -> None:
    headers = f'<wsa:Action>{ACTION}</wsa:Action><q:x xmlns:q="urn:q" {attributes}/>'
    assert read_envelope(envelope(headers)).addressing.action == ACTION


def test_a_header_without_a_namespace_can_be_named_as_not_understood() -> None:
    fault = fault_of(envelope('<x s:mustUnderstand="1"/>'))
    assert fault.not_understood == ("x",)
    header, _body = open_envelope(b"".join(write_fault(fault, trace_id="1")))
    assert header is not None
    assert [each.get("qname") for each in header.iter(f"{{{SOAP12}}}NotUnderstood")] == ["x"]


def test_a_fault_does_not_quote_thousands_of_headers() -> None:
    many = "".join(f'<q{i} xmlns="urn:q" s:mustUnderstand="1"/>' for i in range(5000))
    assert len(fault_of(envelope(many)).not_understood) == 20


def test_a_fault_does_not_repeat_a_message_id_that_no_sender_means() -> None:
    fault = fault_of(envelope(f"<wsa:MessageID>{'1' * 5_000_000}</wsa:MessageID>"))
    assert fault.relates_to is None
    assert len(str(fault)) < 300


@pytest.mark.parametrize(
    "headers",
    [
        '<q:x xmlns:q="urn:q"><v:ValidateOnly xmlns:v="urn:felles:validation"/></q:x>',
        '<wsa:To><v:ValidateOnly xmlns:v="urn:felles:validation"/></wsa:To>',
    ],
    ids=["foreign", "addressing"],
)
def test_a_wish_to_validate_only_inside_another_header_is_refused(headers: str) -> None:
    fault = fault_of(envelope(f"<wsa:Action>{ACTION}</wsa:Action>{headers}"))
    assert "expected it to be a header of its own" in str(fault)


SECURITY = f'<o:Security xmlns:o="{WSSE}" s:mustUnderstand="1" {{}}/>'
ACTION_HEADER = f"<wsa:Action>{ACTION}</wsa:Action>"


def test_the_security_header_is_handed_over() -> None:
    header = ACTION_HEADER + SECURITY.format('Id="1"')
    found = read_envelope(envelope(header), understood=frozenset({f"{{{WSSE}}}Security"}))
    assert found.security is not None
    assert found.security.get("Id") == "1"
    assert read_envelope(envelope()).security is None


def test_security_for_another_role_is_not_ours() -> None:
    other = SECURITY.format(f's:role="{SOAP12}/role/none" Id="2"')
    header = ACTION_HEADER + other + SECURITY.format('Id="1"')
    found = read_envelope(envelope(header), understood=frozenset({f"{{{WSSE}}}Security"}))
    assert found.security is not None
    assert found.security.get("Id") == "1"


def test_two_security_headers_are_refused() -> None:
    with pytest.raises(SoapFault) as caught:
        read_envelope(
            envelope(ACTION_HEADER + SECURITY.format("") * 2),
            understood=frozenset({f"{{{WSSE}}}Security"}),
        )
    assert caught.value.subcode is FaultSubcode.INVALID_SECURITY


def test_addressing_for_another_role_does_not_count() -> None:
    header = ACTION_HEADER + f'<wsa:Action s:role="{SOAP12}/role/none">urn:other</wsa:Action>'
    assert read_envelope(envelope(header)).addressing.action == ACTION


def test_a_message_may_relate_to_others_in_other_ways() -> None:
    header = (
        ACTION_HEADER + '<wsa:RelatesTo RelationshipType="urn:after">urn:uuid:0</wsa:RelatesTo>'
        "<wsa:RelatesTo>urn:uuid:1</wsa:RelatesTo>"
    )
    assert read_envelope(envelope(header)).addressing.relates_to == "urn:uuid:1"


@pytest.mark.parametrize(
    ("wsa", "address", "anonymous"),
    [
        (WSA, ANONYMOUS, True),
        (WSA, f" {ANONYMOUS}\n", True),
        (WSA, "", True),
        (WSA, f"{WSA}/none", False),
        (WSA, "https://consumer.example/answers", False),
        (OLD_WSA, f"{OLD_WSA}/role/anonymous", True),
    ],
)
def test_where_the_answer_goes_is_told(wsa: str, address: str, anonymous: bool) -> None:
    reply_to = f"<wsa:ReplyTo><wsa:Address>{address}</wsa:Address></wsa:ReplyTo>"
    found = read_envelope(envelope(ACTION_HEADER + reply_to, wsa=wsa)).addressing
    assert found.is_anonymous is anonymous
    assert found.reply_to == (address.strip() or None)


def test_addressing_headers_may_be_marked() -> None:
    headers = f'<wsa:Action s:mustUnderstand="1">{ACTION}</wsa:Action>'
    assert read_envelope(envelope(headers)).addressing.action == ACTION


@settings(deadline=None)
@given(
    st.sampled_from(list(FaultCode)),
    st.none() | st.sampled_from(list(FaultSubcode)),
    st.text(max_size=60),
)
def test_a_fault_is_read_as_it_was_written(
    code: FaultCode, subcode: FaultSubcode | None, reason: str
) -> None:
    fault = SoapFault(code, reason, subcode, problem_action="urn:<x>", not_understood=("{u}n",))
    written = b"".join(write_fault(fault, trace_id="0" * 32, relates_to="urn:uuid:1"))
    _header, body = open_envelope(written)
    found = read_fault(body)
    assert found is not None
    assert (found.code, found.subcode) == (code, subcode)
    assert b"0" * 32 in written


def test_a_subcode_stands_inside_the_one_it_belongs_to() -> None:
    fault = SoapFault(FaultCode.SENDER, "x", FaultSubcode.ONLY_ANONYMOUS_ADDRESS)
    _header, body = open_envelope(b"".join(write_fault(fault, trace_id="1")))
    values = [value.text for value in body.iter(f"{{{SOAP12}}}Value")]
    assert values == [
        "soap:Sender",
        "wsa:InvalidAddressingHeader",
        "wsa:OnlyAnonymousAddressSupported",
    ]


def test_not_understood_headers_are_named() -> None:
    fault = SoapFault(FaultCode.MUST_UNDERSTAND, "x", not_understood=("{urn:q}a", "{urn:q}b"))
    header, _body = open_envelope(b"".join(write_fault(fault, trace_id="1")))
    assert header is not None
    names = [each.get("qname") for each in header.iter(f"{{{SOAP12}}}NotUnderstood")]
    assert names == ["n:a", "n:b"]


def test_a_version_mismatch_names_what_is_spoken() -> None:
    fault = SoapFault(FaultCode.VERSION_MISMATCH, "x")
    header, _body = open_envelope(b"".join(write_fault(fault, trace_id="1")))
    assert header is not None
    assert header.find(f"{{{SOAP12}}}Upgrade/{{{SOAP12}}}SupportedEnvelope") is not None


def test_a_soap_1_1_answer_is_read_if_it_is_a_fault() -> None:
    fault = "<s:Fault><faultcode>s:Client</faultcode><faultstring>speak 1.1</faultstring></s:Fault>"
    _header, body = open_envelope(envelope("", fault, soap=SOAP11))
    found = read_fault(body)
    assert found is not None
    assert (found.code, found.reason) == (FaultCode.SENDER, "speak 1.1")
    with pytest.raises(SoapFault) as caught:
        open_envelope(envelope("", "<x/>", soap=SOAP11))
    assert caught.value.code is FaultCode.VERSION_MISMATCH
    assert fault_of(envelope("", fault, soap=SOAP11)).code is FaultCode.VERSION_MISMATCH


def test_soap_1_1_faults_are_read() -> None:
    body = etree.fromstring(
        f'<s:Fault xmlns:s="{SOAP11}"><faultcode>s:Server</faultcode>'
        "<faultstring>down</faultstring></s:Fault>"
    )
    found = read_fault(body)
    assert found is not None
    assert (found.code, found.reason) == (FaultCode.RECEIVER, "down")


def test_what_is_no_fault_is_none() -> None:
    assert read_fault(etree.fromstring("<x/>")) is None


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_message_or_our_fault(data: bytes) -> None:
    with contextlib.suppress(SoapFault):
        read_envelope(data)
