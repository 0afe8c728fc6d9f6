"""What every HL7 V3 message begins with: its ids, sender and receiver (MCCI); and text on its way.

A peer's ids come back to it in the acknowledgement. One that no schema would take is left out
there, since what the hub writes has to be valid whatever it was sent.
"""

import re
from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lxml.etree import _Element

from ihe.datatypes import DTM
from ihe.errors import FaultCode, SoapFault
from ihe.hl7v3.values import II, NO_ID, Transmission
from ihe.vocabulary import HL7V3

INTERACTIONS: Final = "2.16.840.1.113883.1.6"
"""OID of the list of interactions."""
_NEVER: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_UID: Final = re.compile(
    r"[0-2](\.(0|[1-9][0-9]*))*|[0-9a-zA-Z]{8}(-[0-9a-zA-Z]{4}){3}-[0-9a-zA-Z]{12}"
    r"|[A-Za-z][A-Za-z0-9-]*"
)
_PROCESSING: Final = {"P", "T", "D"}
_UNKNOWN: Final = 'nullFlavor="NI"'
_SECONDS: Final = len("YYYYMMDDhhmmss")


def clark(interaction: str) -> str:
    """Return the Clark name of an interaction's element."""
    return f"{{{HL7V3}}}{interaction}"


def below(path: str) -> str:
    """Return a path of names such as `patient/id` as lxml wants it."""
    return "/".join(map(clark, path.split("/")))


def expect(element: _Element, interaction: str) -> None:
    """Raise `SoapFault` unless `element` is the interaction's."""
    if element.tag != clark(interaction):
        raise SoapFault(
            FaultCode.SENDER, f"{clark(interaction)} was expected, found {element.tag!s}"
        )


# --- reading -------------------------------------------------------------------------------------


def read_transmission(message: _Element) -> Transmission:
    """Read what is around a message; what it does not say is empty."""
    created = message.find(below("creationTime"))
    time = DTM(created.get("value", "")[:_SECONDS]) if created is not None else DTM("")
    return Transmission(
        id=next(read_ids(message, "id"), NO_ID),
        created=time if time.problem is None else None,
        sender=tuple(read_ids(message, "sender/device/id")),
        receiver=tuple(read_ids(message, "receiver/device/id")),
        processing_code=read_code(message, "processingCode") or "P",
    )


def read_ids(element: _Element, path: str) -> Iterator[II]:
    """Yield the identifiers at a path below an element, those that are null included."""
    for found in element.iterfind(below(path)):
        if found.get("nullFlavor"):
            yield NO_ID
        else:
            root = found.get("root", "").strip().removeprefix("urn:oid:")
            yield II(root, found.get("extension", "").strip())


def read_code(element: _Element, path: str) -> str:
    """Return the code at a path below an element, '' when there is none."""
    found = element.find(below(path))
    return found.get("code", "").strip() if found is not None else ""


# --- writing -------------------------------------------------------------------------------------


def text(value: str) -> str:
    """Return `value` as the text of an element; what XML cannot hold becomes U+FFFD."""
    return escape(_NEVER.sub("\ufffd", value), {"\r": "&#13;"})


def attribute(value: str) -> str:
    """Return `value` as an attribute's, with its quotes; what XML cannot hold becomes U+FFFD."""
    return quoteattr(_NEVER.sub("\ufffd", value))


def identifier(tag: str, value: II) -> str:
    """Return an identifier as an element."""
    if not _UID.fullmatch(value.root):
        return f"<{tag} {_UNKNOWN}/>"
    extension = f" extension={attribute(value.extension)}" if value.extension else ""
    return f"<{tag} root={attribute(value.root)}{extension}/>"


def begin(interaction: str, transmission: Transmission, *, accept_ack: str) -> str:
    """Return the beginning of a message, up to its sender.

    `accept_ack` says when an acknowledgement is wanted: AL always, NE never.
    """
    created, processing = transmission.created, transmission.processing_code
    time = f"value={attribute(created)}" if created else _UNKNOWN
    if processing not in _PROCESSING:
        processing = "P"
    return (
        f'<{interaction} xmlns="{HL7V3}" ITSVersion="XML_1.0">'
        f"{identifier('id', transmission.id)}<creationTime {time}/>"
        f"{identifier('interactionId', II(INTERACTIONS, interaction))}"
        f'<processingCode code="{processing}"/>'
        f'<processingModeCode code="T"/><acceptAckCode code="{accept_ack}"/>'
        f"{_device('receiver', 'RCV', transmission.receiver)}"
        f"{_device('sender', 'SND', transmission.sender)}"
    )


def end(interaction: str) -> str:
    """Return the end of a message."""
    return f"</{interaction}>"


def _device(tag: str, type_code: str, ids: tuple[II, ...]) -> str:
    written = "".join(identifier("id", each) for each in ids or (NO_ID,))
    return (
        f'<{tag} typeCode="{type_code}"><device classCode="DEV" determinerCode="INSTANCE">'
        f"{written}</device></{tag}>"
    )
