"""WS-Addressing 1.0 headers (ITI TF-2 V.3.2.2, V.9.2).

Read leniently where partners are known to be careless (no ReplyTo, blanks around the action), and
with the standard's own faults where a message would be ambiguous (an action twice, or none).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lxml.etree import _Element

from ihe.errors import FaultCode, FaultSubcode, SoapFault
from ihe.vocabulary import ANONYMOUS, WSA

_OLDER: Final = (
    "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "http://schemas.xmlsoap.org/ws/2003/03/addressing",
)
NAMESPACES: Final = frozenset({WSA, *_OLDER})
"""WS-Addressing as the Framework uses it, and its drafts, which some partners still send."""
_ANONYMOUS: Final = frozenset({ANONYMOUS, *(f"{older}/role/anonymous" for older in _OLDER)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """What the headers say.

    Parameters
    ----------
    action
        wsa:Action, without blanks around it.
    message_id, relates_to, to
        As given; None when absent.
    reply_to, fault_to, from_
        The address of the endpoint reference; an absent ReplyTo means anonymous
        (WS-Addressing 1.0 Core 3.2), which is None here.
    """

    action: str
    message_id: str | None = None
    relates_to: str | None = None
    to: str | None = None
    reply_to: str | None = None
    fault_to: str | None = None
    from_: str | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether the answer goes back over the connection that the request came by."""
        return self.reply_to is None or self.reply_to in _ANONYMOUS


def read_addressing(blocks: Iterable[_Element]) -> Addressing:
    """Read the WS-Addressing headers among the header blocks of a message.

    Raises
    ------
    SoapFault
        wsa:Action is missing or empty; or one of the headers stands there more than once.
        RelatesTo counts only as far as it names the request of a reply.
    """
    found: dict[str, str] = {}
    for block in blocks:
        namespace, _, name = str(block.tag)[1:].partition("}")
        if namespace not in NAMESPACES or name not in _READ:
            continue
        if not _is_reply(block):
            continue
        if name in found:
            raise SoapFault(
                FaultCode.SENDER,
                f"the header wsa:{name} stands there more than once, once is expected",
                FaultSubcode.INVALID_CARDINALITY,
            )
        found[name] = _text(block, namespace, endpoint=name in _ENDPOINTS)
    action = found.get("Action", "")
    if not action:
        raise SoapFault(
            FaultCode.SENDER,
            "the header wsa:Action is missing or empty; it says which transaction is meant",
            FaultSubcode.ADDRESSING_HEADER_REQUIRED,
        )
    return Addressing(
        action=action,
        message_id=found.get("MessageID") or None,
        relates_to=found.get("RelatesTo") or None,
        to=found.get("To") or None,
        reply_to=found.get("ReplyTo") or None,
        fault_to=found.get("FaultTo") or None,
        from_=found.get("From") or None,
    )


def read_message_id(blocks: Iterable[_Element]) -> str | None:
    """Return the only wsa:MessageID of headers that are wrong otherwise, for the fault about it."""
    found = [
        (block.text or "").strip()
        for block in blocks
        for namespace in NAMESPACES
        if block.tag == f"{{{namespace}}}MessageID"
    ]
    if any(len(text) > MAX_URI for text in found):
        return None
    return (found[0] or None) if len(found) == 1 else None


def read_relates_to(blocks: Iterable[_Element]) -> tuple[str, ...]:
    """Return the MessageIDs that an answer says it answers, 0..*."""
    texts = (
        _text(block, namespace, endpoint=False)
        for block in blocks
        for namespace in NAMESPACES
        if block.tag == f"{{{namespace}}}RelatesTo" and _is_reply(block)
    )
    return tuple(text for text in texts if text and not text.endswith(_UNSPECIFIED))


def _is_reply(block: _Element) -> bool:
    """Tell whether a RelatesTo names the request of a reply, as it does when it says nothing."""
    return block.get("RelationshipType", "reply").lower().endswith("reply")


MAX_URI: Final = 2048
"""Characters of an address or id in a header."""
_UNSPECIFIED: Final = "/addressing/unspecified"
"""How a MessageID ends that says that the sender did not get to know one (Core 3.4)."""
_ENDPOINTS: Final = frozenset({"ReplyTo", "FaultTo", "From"})
_READ: Final = frozenset({"Action", "MessageID", "RelatesTo", "To", *_ENDPOINTS})


def _text(block: _Element, namespace: str, *, endpoint: bool) -> str:
    """Return the text of a header, or the address of an endpoint reference.

    Raises
    ------
    SoapFault
        It is longer than any URI that is meant: answers would have to repeat it.
    """
    text = block.findtext(f"{{{namespace}}}Address") if endpoint else block.text
    text = (text or "").strip()
    if len(text) > MAX_URI:
        raise SoapFault(
            FaultCode.SENDER,
            f"a WS-Addressing header holds {len(text)} characters, at most {MAX_URI} are expected",
            FaultSubcode.INVALID_ADDRESSING_HEADER,
        )
    return text
