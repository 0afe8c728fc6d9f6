"""MCCI_IN000002UV01: the answer to every message of a feed (ITI TF-2 3.44.4.1.3).

An acknowledgement says of which message it is, from whom and to whom. That is nothing that a
handler decides: it returns what became of the message, and `addressed` makes it the answer to it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from lxml.etree import _Element

from ihe.datatypes import DTM
from ihe.errors import RegistryError
from ihe.hl7v3.transmission import (
    attribute,
    begin,
    below,
    end,
    expect,
    identifier,
    read_code,
    read_ids,
    read_transmission,
    text,
)
from ihe.hl7v3.values import (
    II,
    NO_ID,
    Acknowledgement,
    DetailCode,
    PatientMerge,
    PatientRecord,
    Transmission,
)
from ihe.messages import Body, Parts
from ihe.vocabulary import ResponseStatus, Severity

INTERACTION: Final = "MCCI_IN000002UV01"
_ACCEPTED: Final = {"CA", "AA"}
"""Codes that accept a message; those of the enhanced mode are sent, and both are read."""
_DETAIL_CODES: Final = "2.16.840.1.113883.5.1100"
"""OID of the code system AcknowledgementDetailCode."""
_OWN: Final = frozenset(DetailCode)


def failure(errors: Sequence[RegistryError]) -> Acknowledgement:
    """Return the acknowledgement that errors call for; HL7 has one code for all of XDS's own."""
    return Acknowledgement.of(
        [each if each.code in _OWN else replace(each, code=DetailCode.INTERNAL) for each in errors]
    )


def addressed(
    answer: Acknowledgement, message: PatientRecord | PatientMerge | None, uuid: str, at: DTM
) -> Acknowledgement:
    """Return an acknowledgement as the answer to a message; None for one that was never read.

    `uuid`, a URN, is the acknowledgement's own id.
    """
    asked = message.transmission if message is not None else Transmission()
    return replace(
        answer,
        target=asked.id,
        transmission=Transmission(
            id=II(uuid.removeprefix("urn:uuid:")),
            created=at,
            sender=asked.receiver,
            receiver=asked.sender,
            processing_code=asked.processing_code,
        ),
    )


# --- reading -------------------------------------------------------------------------------------


def read_acknowledgement(element: _Element, _parts: Parts) -> Acknowledgement:
    """Read MCCI_IN000002UV01."""
    expect(element, INTERACTION)
    said = element.find(below("acknowledgement"))
    transmission = read_transmission(element)
    if said is None:
        reason = "the answer does not say what became of the message"
        missing = RegistryError(DetailCode.MISSING_ASSOCIATION, reason, "acknowledgement")
        return replace(Acknowledgement.of([missing]), transmission=transmission)
    accepted = read_code(said, "typeCode") in _ACCEPTED
    return Acknowledgement(
        status=ResponseStatus.SUCCESS if accepted else ResponseStatus.FAILURE,
        errors=tuple(map(_read_detail, said.iterfind(below("acknowledgementDetail")))),
        transmission=transmission,
        target=next(read_ids(said, "targetMessage/id"), NO_ID),
    )


def _read_detail(element: _Element) -> RegistryError:
    return RegistryError(
        read_code(element, "code"),
        element.findtext(below("text"), ""),
        element.findtext(below("location"), ""),
        Severity.ERROR if element.get("typeCode", "E") == "E" else Severity.WARNING,
    )


# --- writing -------------------------------------------------------------------------------------


def write_acknowledgement(answer: Acknowledgement) -> Body:
    """Write MCCI_IN000002UV01."""
    code = "CA" if answer.ok else "CE"
    written = (
        f"{begin(INTERACTION, answer.transmission, accept_ack='NE')}"
        f'<acknowledgement><typeCode code="{code}"/>'
        f"<targetMessage>{identifier('id', answer.target)}</targetMessage>"
        f"{''.join(map(_detail, answer.errors))}</acknowledgement>{end(INTERACTION)}"
    )
    return Body((written.encode(),))


def _detail(error: RegistryError) -> str:
    system = f' codeSystem="{_DETAIL_CODES}"' if error.code in _OWN else ""
    location = f"<location>{text(error.location)}</location>" if error.location else ""
    kind = "E" if error.severity == Severity.ERROR else "W"
    return (
        f'<acknowledgementDetail typeCode="{kind}">'
        f"<code code={attribute(error.code)}{system}/><text>{text(error.context)}</text>{location}"
        "</acknowledgementDetail>"
    )
