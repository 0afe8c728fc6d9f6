"""The answer to a message: ACK in original mode (HL7 v2.3.1 2.9.2, 2.24.1, 2.24.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ihe.datatypes import DTM
from ihe.hl7v2.message import (
    Acknowledgement,
    Condition,
    Message,
    Place,
    Refusal,
    Segment,
    Separators,
    field,
    render,
)

VERSION: Final = "2.3.1"
_MSA_3: Final = 80
_ERR_TEXT: Final = 200
_CONTROL_ID: Final = 20
_TABLE: Final = "HL70357"
_PRODUCTION: Final = "P"
_EVENT_LENGTH: Final = 3
_HEADER: Final = Place("MSH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a message.

    Parameters
    ----------
    acknowledgement
        Its MSA-1.
    text
        For people; '' where there is nothing to say.
    condition, place
        Why it was not accepted, and where; None and MSH when it was.
    """

    acknowledgement: Acknowledgement = Acknowledgement.ACCEPT
    text: str = ""
    condition: Condition | None = None
    place: Place = _HEADER

    @classmethod
    def of(cls, refusal: Refusal) -> "Outcome":
        """Return the outcome of a message that was refused."""
        return cls(
            acknowledgement=refusal.acknowledgement,
            text=str(refusal),
            condition=refusal.condition,
            place=refusal.place,
        )


def acknowledge(message: Message | None, outcome: Outcome, *, at: DTM, trace_id: str) -> bytes:
    """Return the answer to a message; None for one that could not be read at all.

    The trace id of the call is its MSH-10, as far as there is room, and whole in the text of ERR.
    MSA-3 holds the beginning of the text: it may be 80 characters long (2.24.1.3), ERR more.
    """
    header = message.header if message is not None else Segment("MSH", (), Separators())
    segments = [
        (
            "MSH",
            *(_copied(header, number) for number in (5, 6, 3, 4)),
            at,
            "",
            field((("ACK",), *_event(header))),
            trace_id[:_CONTROL_ID],
            _copied(header, 11) or _PRODUCTION,
            VERSION,
            *("",) * 5,
            "UNICODE UTF-8",
        ),
        (
            "MSA",
            outcome.acknowledgement.value,
            _copied(header, 10),
            field(((outcome.text[:_MSA_3],),)),
        ),
    ]
    if outcome.condition is not None:
        segments.append(("ERR", _error(outcome, outcome.condition, trace_id)))
    return render(segments).encode("utf-8", "replace")


def _copied(header: Segment, number: int) -> str:
    """Return a field of the message in our own separators, first repetition only."""
    return field(header.first_repetition(number))


def _event(header: Segment) -> Iterator[tuple[str]]:
    """Yield the trigger event, if the message has something that looks like one."""
    event = header.first(9, 2)
    if len(event) == _EVENT_LENGTH and event.isascii() and event.isalnum():
        yield (event,)


def _error(outcome: Outcome, condition: Condition, trace_id: str) -> str:
    """Return ERR-1: segment, its sequence, field, and the error as a coded element."""
    text = f"{outcome.text[:_ERR_TEXT]} (trace id {trace_id})"
    place = outcome.place
    code = (str(int(condition)), condition.text, _TABLE, "", text)
    where = ((place.segment,), (str(place.sequence),), (str(place.field) if place.field else "",))
    return field((*where, code))
