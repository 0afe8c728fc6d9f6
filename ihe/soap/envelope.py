"""The SOAP 1.2 envelope: read with the standard's faults, written from constant templates.

References
----------
SOAP 1.2 Part 1 5 (message construct), 5.2.3 (mustUnderstand), 5.4.7, 5.4.8 (VersionMismatch);
ITI TF-2 Appendix V.3, V.9.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree
from lxml.etree import _Element

from ihe import xml
from ihe.errors import MOST_TOLD, FaultCode, FaultSubcode, SoapFault
from ihe.soap.addressing import NAMESPACES, Addressing, read_addressing, read_message_id
from ihe.soap.validation import VALIDATE_ONLY, asks_to_validate, header
from ihe.vocabulary import ANONYMOUS, SOAP11, SOAP12, WSA, WSSE
from ihe.xml import Limits, MalformedXml

ENVELOPE: Final = f"{{{SOAP12}}}Envelope"
HEADER: Final = f"{{{SOAP12}}}Header"
BODY: Final = f"{{{SOAP12}}}Body"
_ENVELOPE11: Final = f"{{{SOAP11}}}Envelope"
_FAULT11: Final = f"{{{SOAP11}}}Fault"
SECURITY: Final = f"{{{WSSE}}}Security"
_MUST_UNDERSTAND: Final = f"{{{SOAP12}}}mustUnderstand"
_ROLE: Final = f"{{{SOAP12}}}role"
_OUR_ROLES: Final = frozenset(
    {
        "",
        "http://www.w3.org/2003/05/soap-envelope/role/next",
        "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver",
    }
)
_MOST_NAMED: Final = 20
"""Names that a fault quotes, at the most."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A SOAP message.

    Parameters
    ----------
    addressing
        Its WS-Addressing headers.
    body
        The only child of soap12:Body.
    security
        The wsse:Security header, if there is one.
    validate_only
        Whether nothing is to be stored (`ihe.soap.validation`).
    """

    addressing: Addressing
    body: _Element
    security: _Element | None = None
    validate_only: bool = False


def read_envelope(
    data: bytes, *, understood: frozenset[str] = frozenset(), limits: Limits = xml.LIMITS
) -> Envelope:
    """Read a SOAP message.

    Parameters
    ----------
    understood
        Clark names of header blocks, besides those of WS-Addressing, that may be marked
        mustUnderstand.

    Raises
    ------
    SoapFault
        It is not XML, not SOAP 1.2, has no or several body children, has a header that must be
        understood and is not, two wsse:Security headers, or bad WS-Addressing headers.
    """
    head, body = _open(data, limits, {ENVELOPE})
    every = [] if head is None else list(head)
    blocks = [block for block in every if _is_ours(block)]
    try:
        _check_understood(blocks, understood)
        addressing, security = read_addressing(blocks), _only_security(blocks)
        validate_only = asks_to_validate(every, _is_ours)
    except SoapFault as fault:
        fault.relates_to = read_message_id(blocks)
        raise
    return Envelope(
        addressing=addressing, body=body, security=security, validate_only=validate_only
    )


def open_envelope(data: bytes, *, limits: Limits = xml.LIMITS) -> tuple[_Element | None, _Element]:
    """Return the header and the only child of the body, without a look at the header blocks.

    For answers, whose headers a client has no use for. A fault may come in SOAP 1.1, from a peer
    that speaks nothing else. Raises `SoapFault` as `read_envelope`.
    """
    header, body = _open(data, limits, {ENVELOPE, _ENVELOPE11})
    if body.getroottree().getroot().tag == _ENVELOPE11 and body.tag != _FAULT11:
        raise _no_envelope(_ENVELOPE11)
    return header, body


def _open(
    data: bytes, limits: Limits, accepted: AbstractSet[str]
) -> tuple[_Element | None, _Element]:
    try:
        root = xml.parse(data, limits=limits)
    except MalformedXml as problem:
        raise SoapFault(FaultCode.SENDER, f"the message is no XML to work on: {problem}") from None
    if root.tag not in accepted:
        raise _no_envelope(str(root.tag))
    soap = str(root.tag).removesuffix("Envelope")
    parts = {str(part.tag): part for part in root}
    body = parts.get(f"{soap}Body")
    if body is None:
        raise SoapFault(FaultCode.SENDER, "the SOAP envelope has no Body")
    if [part.tag for part in root] not in ([f"{soap}Header", f"{soap}Body"], [f"{soap}Body"]):
        raise SoapFault(
            FaultCode.SENDER,
            "a SOAP envelope holds at most one Header, then one Body and nothing else; found"
            f" {_listed(str(part.tag) for part in root)}",
        )
    if len(body) != 1:
        raise SoapFault(
            FaultCode.SENDER, f"the SOAP Body holds exactly one element, found {len(body)}"
        )
    return parts.get(f"{soap}Header"), body[0]


def _no_envelope(tag: str) -> SoapFault:
    if tag == _ENVELOPE11:
        return SoapFault(
            FaultCode.VERSION_MISMATCH, f"SOAP 1.1 is not spoken here; SOAP 1.2 ({SOAP12}) is"
        )
    if tag.endswith("}Envelope"):
        return SoapFault(FaultCode.VERSION_MISMATCH, f"{tag} is no SOAP 1.2 envelope ({SOAP12})")
    return SoapFault(FaultCode.SENDER, f"a SOAP 1.2 envelope was expected, found {tag}")


def _is_ours(block: _Element) -> bool:
    """Tell whether a header block is meant for the receiver (SOAP 1.2 Part 1 2.2)."""
    return block.get(_ROLE, "").strip() in _OUR_ROLES


def _only_security(blocks: Iterable[_Element]) -> _Element | None:
    """Return wsse:Security; of two, nobody could say whose word counts (WS-Security 1.1 5)."""
    found = [block for block in blocks if block.tag == SECURITY]
    if len(found) > 1:
        raise SoapFault(
            FaultCode.SENDER,
            f"{len(found)} wsse:Security headers for the receiver, at most one is expected",
            FaultSubcode.INVALID_SECURITY,
        )
    return found[0] if found else None


def _check_understood(blocks: Iterable[_Element], understood: frozenset[str]) -> None:
    """Refuse blocks that must be understood by us and are not (SOAP 1.2 Part 1 2.4)."""
    foreign = tuple(
        str(block.tag)
        for block in blocks
        if _is_marked(block)
        and block.tag not in understood
        and etree.QName(block).namespace not in NAMESPACES
    )[:_MOST_NAMED]
    if foreign:
        raise SoapFault(
            FaultCode.MUST_UNDERSTAND,
            f"these headers must be understood and are not: {_listed(foreign)}",
            not_understood=tuple(name for name in foreign if len(name) <= MOST_TOLD),
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(islice(names, _MOST_NAMED))


def _is_marked(block: _Element) -> bool:
    # some senders leave the attribute without a namespace
    marked = block.get(_MUST_UNDERSTAND) or block.get("mustUnderstand") or ""
    return marked.strip() in {"1", "true"}


# --- writing -------------------------------------------------------------------------------------

_HEAD: Final = (
    f'<soap:Envelope xmlns:soap="{SOAP12}" xmlns:wsa="{WSA}"><soap:Header>'
    '<wsa:Action soap:mustUnderstand="1">'
)
_BODY: Final = b"</soap:Header><soap:Body>"
_TAIL: Final = b"</soap:Body></soap:Envelope>"
_ANONYMOUS: Final = f"<wsa:ReplyTo><wsa:Address>{ANONYMOUS}</wsa:Address></wsa:ReplyTo>"


def write_request_envelope(
    *,
    action: str,
    to: str,
    message_id: str,
    body: Iterable[bytes],
    security: bytes = b"",
    validate_only: bool = False,
) -> tuple[bytes, ...]:
    """Return a request in pieces, to be joined by whoever needs them in one.

    The answer is expected on the same connection. `security` is a whole wsse:Security header;
    `body` the pieces of the body's child, which declares its own prefixes. `validate_only` asks for
    the answer alone: nothing is to be stored.
    """
    head = (
        f"{_HEAD}{escape(action)}</wsa:Action>"
        f"<wsa:MessageID>{escape(message_id)}</wsa:MessageID>"
        f'{_ANONYMOUS}<wsa:To soap:mustUnderstand="1">{escape(to)}</wsa:To>'
    )
    dry = header(VALIDATE_ONLY).encode() if validate_only else b""
    return (head.encode(), security, dry, _BODY, *body, _TAIL)


def write_response_envelope(
    *, action: str, relates_to: str | None, body: Iterable[bytes], extra_headers: str = ""
) -> tuple[bytes, ...]:
    """Return a response in pieces; `relates_to` is the MessageID of the request, if it had one."""
    related = f"<wsa:RelatesTo>{escape(relates_to)}</wsa:RelatesTo>" if relates_to else ""
    head = f"{_HEAD}{escape(action)}</wsa:Action>{related}{extra_headers}"
    return (head.encode(), _BODY, *body, _TAIL)
