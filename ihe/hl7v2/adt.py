"""What a Patient Identity Feed says: ADT messages of ITI-8 (ITI TF-2 3.8.4.1, 3.8.4.2).

Only what a Document Registry acts on is read: header, PID-3, MRG-1. A feed that lacks EVN or PV1,
or fills a name oddly, still says which ids there are.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from ihe.hl7v2.acknowledging import VERSION
from ihe.hl7v2.message import Condition, Message, Place, Refusal, Segment, part


class Event(StrEnum):
    """Trigger events of ITI-8."""

    ADMIT = "A01"
    REGISTER = "A04"
    PRE_ADMIT = "A05"
    UPDATE = "A08"
    MERGE = "A40"


class Identifier(NamedTuple):
    """A CX as far as it tells whose patient id it is: CX.1 and the parts of CX.4 (an HD)."""

    id: str
    namespace: str
    universal_id: str
    universal_id_type: str
    place: Place


@dataclass(frozen=True, slots=True)
class PatientFeed:
    """One message of a feed.

    Parameters
    ----------
    event
        What happened.
    identifiers
        PID-3, in its order; empty for `Event.UPDATE`, which a registry ignores.
    subsumed
        MRG-1 of a merge, in its order.
    """

    event: Event
    identifiers: tuple[Identifier, ...] = ()
    subsumed: tuple[Identifier, ...] = ()


def read_feed(message: Message) -> PatientFeed:
    """Return what a message of ITI-8 says.

    Raises
    ------
    Refusal
        It is no such message, or has not the fields that a registry needs.
    """
    event = _event(message.header)
    if event is Event.UPDATE:
        return PatientFeed(event)
    identifiers = _identifiers(message, "PID", 3)
    subsumed = _identifiers(message, "MRG", 1) if event is Event.MERGE else ()
    return PatientFeed(event, identifiers, subsumed)


def _event(header: Segment) -> Event:
    if header.first(9) != "ADT":
        reason = "a message of type ADT was expected"
        raise Refusal(Condition.UNSUPPORTED_MESSAGE, reason, header.place(9))
    known = {each.value: each for each in Event}
    event = known.get(header.first(9, 2))
    if event is None:
        reason = f"one of the events {', '.join(known)} was expected"
        raise Refusal(Condition.UNSUPPORTED_EVENT, reason, header.place(9))
    if header.first(12) != VERSION:
        reason = f"version {VERSION} was expected"
        raise Refusal(Condition.UNSUPPORTED_VERSION, reason, header.place(12))
    if not header.first(10):
        reason = "the message control id is missing"
        raise Refusal(Condition.REQUIRED_FIELD_MISSING, reason, header.place(10))
    return event


def _identifiers(message: Message, name: str, number: int) -> tuple[Identifier, ...]:
    """Return the ids of the only segment of a name."""
    found = message.named(name)
    if len(found) != 1:
        reason = f"{len(found)} segments {name}, exactly one was expected"
        raise Refusal(Condition.SEGMENT_SEQUENCE, reason, Place(name))
    segment = found[0]
    repetitions = segment.repetitions(number)
    if not repetitions:
        reason = "the patient id is missing"
        raise Refusal(Condition.REQUIRED_FIELD_MISSING, reason, segment.place(number))
    for each in repetitions:
        if not message.charset and not part(each, 1).isascii():
            reason = "an id has letters beyond ASCII, and MSH-18 declares no character set"
            raise Refusal(Condition.DATA_TYPE, reason, segment.place(number))
    return tuple(
        Identifier(
            part(each, _ID),
            part(each, _AUTHORITY, 1),
            part(each, _AUTHORITY, 2),
            part(each, _AUTHORITY, 3),
            segment.place(number),
        )
        for each in repetitions
    )


_ID: Final = 1
_AUTHORITY: Final = 4
