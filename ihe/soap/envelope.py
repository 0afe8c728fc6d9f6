"""The SOAP 1.2 envelope: read with the standard's faults, written from constant templates.

References
----------
SOAP 1.2 Part 1 5 (message construct), 5.2.3 (mustUnderstand), 5.4.7, 5.4.8 (VersionMismatch);
ITI TF-2 Appendix V.3, V.9.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from lxml.etree import _Element

from ihe import xml
from ihe.errors import FaultCode, SoapFault
from ihe.soap.addressing import NAMESPACES, Addressing, read_addressing
from ihe.vocabulary import ANONYMOUS, SOAP11, SOAP12, WSA, WSSE
from ihe.xml import Limits, MalformedXml

ENVELOPE: Final = f"{{{SOAP12}}}Envelope"
HEADER: Final = f"{{{SOAP12}}}Header"
BODY: Final = f"{{{SOAP12}}}Body"
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
    """

    addressing: Addressing
    body: _Element
    security: _Element | None = None


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
        It is not XML, not SOAP 1.2, has no or several body children, is marked to be understood
        where nothing here does, or has bad WS-Addressing headers.
    """
    header, body = open_envelope(data, limits=limits)
    blocks = [] if header is None else [block for block in header if isinstance(block.tag, str)]
    _check_understood(blocks, understood)
    return Envelope(
        addressing=read_addressing(blocks),
        body=body,
        security=next((block for block in blocks if block.tag == SECURITY), None),
    )


def open_envelope(data: bytes, *, limits: Limits = xml.LIMITS) -> tuple[_Element | None, _Element]:
    """Return the header and the only child of the body, without a look at the header blocks.

    For answers, whose headers a client has no use for. Raises `SoapFault` as `read_envelope`.
    """
    try:
        root = xml.parse(data, limits=limits)
    except MalformedXml as problem:
        raise SoapFault(FaultCode.SENDER, f"the message is no XML to work on: {problem}") from None
    if root.tag != ENVELOPE:
        raise _no_envelope(str(root.tag))
    body = root.find(BODY)
    if body is None:
        raise SoapFault(FaultCode.SENDER, "the SOAP envelope has no Body")
    children = [child for child in body if isinstance(child.tag, str)]
    if len(children) != 1:
        raise SoapFault(
            FaultCode.SENDER, f"the SOAP Body holds exactly one element, found {len(children)}"
        )
    return root.find(HEADER), children[0]


def _no_envelope(tag: str) -> SoapFault:
    if tag == f"{{{SOAP11}}}Envelope":
        return SoapFault(
            FaultCode.VERSION_MISMATCH, f"SOAP 1.1 is not spoken here; SOAP 1.2 ({SOAP12}) is"
        )
    if tag.endswith("}Envelope"):
        return SoapFault(FaultCode.VERSION_MISMATCH, f"{tag} is no SOAP 1.2 envelope ({SOAP12})")
    return SoapFault(FaultCode.SENDER, f"a SOAP 1.2 envelope was expected, found {tag}")


def _check_understood(blocks: Iterable[_Element], understood: frozenset[str]) -> None:
    """Refuse blocks that must be understood by us and are not (SOAP 1.2 Part 1 2.4)."""
    foreign = tuple(
        str(block.tag)
        for block in blocks
        if _is_marked(block)
        and block.get(_ROLE, "").strip() in _OUR_ROLES
        and block.tag not in understood
        and str(block.tag)[1:].partition("}")[0] not in NAMESPACES
    )
    if foreign:
        raise SoapFault(
            FaultCode.MUST_UNDERSTAND,
            f"these headers must be understood and are not: {', '.join(foreign)}",
            not_understood=foreign,
        )


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
    *, action: str, to: str, message_id: str, body: Iterable[bytes], security: bytes = b""
) -> tuple[bytes, ...]:
    """Return a request in pieces, to be joined by whoever needs them in one.

    The answer is expected on the same connection. `security` is a whole wsse:Security header;
    `body` the pieces of the body's child, which declares its own prefixes.
    """
    head = (
        f"{_HEAD}{escape(action)}</wsa:Action>"
        f"<wsa:MessageID>{escape(message_id)}</wsa:MessageID>"
        f'{_ANONYMOUS}<wsa:To soap:mustUnderstand="1">{escape(to)}</wsa:To>'
    )
    return (head.encode(), security, _BODY, *body, _TAIL)


def write_response_envelope(
    *, action: str, relates_to: str | None, body: Iterable[bytes], extra_headers: str = ""
) -> tuple[bytes, ...]:
    """Return a response in pieces; `relates_to` is the MessageID of the request, if it had one."""
    related = f"<wsa:RelatesTo>{escape(relates_to)}</wsa:RelatesTo>" if relates_to else ""
    head = f"{_HEAD}{escape(action)}</wsa:Action>{related}{extra_headers}"
    return (head.encode(), _BODY, *body, _TAIL)
