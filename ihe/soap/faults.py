"""SOAP 1.2 faults, both ways (SOAP 1.2 Part 1 5.4; WS-Addressing 1.0 SOAP Binding 6)."""

import re
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lxml.etree import _Element

from ihe.errors import FaultCode, FaultSubcode, SoapFault
from ihe.soap.envelope import write_response_envelope
from ihe.vocabulary import FAULT_ACTION, SOAP11, SOAP12, SOAP_FAULT_ACTION, WSA, WSSE

TRACE: Final = "urn:felles:trace"
"""Namespace of the fault detail that carries the trace id of a call."""
FAULT: Final = f"{{{SOAP12}}}Fault"
_FAULT11: Final = f"{{{SOAP11}}}Fault"
_CODES: Final = {str(code): code for code in FaultCode}
_SUBCODES: Final = {subcode.partition(":")[2]: subcode for subcode in FaultSubcode}


def write_fault(
    fault: SoapFault, *, trace_id: str, relates_to: str | None = None
) -> tuple[bytes, ...]:
    """Return a fault message in pieces.

    The trace id of the call stands in its detail, for programs, and in its reason: that is what a
    peer's log shows. What the fault quotes of the message is cut where it is long.
    """
    action = (
        f"<wsa:ProblemAction><wsa:Action>{escape(_short(fault.problem_action))}</wsa:Action>"
        "</wsa:ProblemAction>"
        if fault.problem_action
        else ""
    )
    reason = f"{_short(_writable(fault.reason))} (trace {trace_id})"
    body = (
        f'<soap:Fault xmlns:soap="{SOAP12}" xmlns:wsa="{WSA}" xmlns:wsse="{WSSE}">'
        f"<soap:Code><soap:Value>soap:{fault.code}</soap:Value>{_subcodes(fault.subcode)}</soap:Code>"
        f'<soap:Reason><soap:Text xml:lang="en">{escape(reason)}</soap:Text>'
        f"</soap:Reason><soap:Detail>{action}"
        f'<trace:TraceId xmlns:trace="{TRACE}">{escape(trace_id)}</trace:TraceId>'
        "</soap:Detail></soap:Fault>"
    )
    of_addressing = fault.subcode is not None and fault.subcode.startswith("wsa:")
    return write_response_envelope(
        action=FAULT_ACTION if of_addressing else SOAP_FAULT_ACTION,
        relates_to=relates_to,
        body=(body.encode(),),
        extra_headers=_headers(fault),
    )


_WITHIN: Final = {
    FaultSubcode.INVALID_CARDINALITY: FaultSubcode.INVALID_ADDRESSING_HEADER,
    FaultSubcode.ONLY_ANONYMOUS_ADDRESS: FaultSubcode.INVALID_ADDRESSING_HEADER,
}
"""Subcodes that stand inside another (WS-Addressing 1.0 SOAP Binding 6.4.1)."""


def _subcodes(subcode: FaultSubcode | None, inside: str = "") -> str:
    if subcode is None:
        return ""
    written = f"<soap:Subcode><soap:Value>{subcode}</soap:Value>{inside}</soap:Subcode>"
    return _subcodes(_WITHIN[subcode], written) if subcode in _WITHIN else written


_LONGEST: Final = 2_000


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


_UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def _writable(text: str) -> str:
    """Replace what XML cannot hold: the reason may quote whatever was sent."""
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _headers(fault: SoapFault) -> str:
    if fault.code is FaultCode.VERSION_MISMATCH:
        return '<soap:Upgrade><soap:SupportedEnvelope qname="soap:Envelope"/></soap:Upgrade>'
    return "".join(map(_not_understood, fault.not_understood))


def _not_understood(clark: str) -> str:
    namespace, _, name = clark.removeprefix("{").rpartition("}")
    if not namespace:  # XML 1.0 has no prefix for names without a namespace
        return f"<soap:NotUnderstood qname={quoteattr(name)}/>"
    return f"<soap:NotUnderstood xmlns:n={quoteattr(namespace)} qname={quoteattr('n:' + name)}/>"


# --- reading -------------------------------------------------------------------------------------


def read_fault(body: _Element) -> SoapFault | None:
    """Return the fault that an answer's body child is, SOAP 1.2 or 1.1; None when it is none."""
    if body.tag == _FAULT11:
        code = _local(body.findtext("faultcode"))
        known = FaultCode.RECEIVER if code == "Server" else FaultCode.SENDER
        return SoapFault(known, (body.findtext("faultstring") or "").strip())
    if body.tag != FAULT:
        return None
    values = [_local(value.text) for value in body.iterfind(f"{{{SOAP12}}}Code//{{{SOAP12}}}Value")]
    reason = " ".join((body.findtext(f"{{{SOAP12}}}Reason/{{{SOAP12}}}Text") or "").split())
    return SoapFault(
        _CODES.get(values[0], FaultCode.RECEIVER) if values else FaultCode.RECEIVER,
        reason,
        _subcode(values[1:]),
    )


def _subcode(values: Sequence[str]) -> FaultSubcode | None:
    """Return the innermost subcode that is known."""
    return next((_SUBCODES[value] for value in reversed(values) if value in _SUBCODES), None)


def _local(qualified: str | None) -> str:
    return (qualified or "").strip().rpartition(":")[2]
