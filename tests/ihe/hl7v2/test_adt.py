"""What an identity feed says, what it must have, and how it is answered."""

import pytest

from ihe.datatypes import DTM
from ihe.hl7v2.acknowledging import Outcome, acknowledge
from ihe.hl7v2.adt import Event, Identifier, PatientFeed, read_feed
from ihe.hl7v2.message import Acknowledgement, Condition, Place, Refusal, parse

AT = DTM("20261124083000")
TRACE = "0123456789abcdef0123456789abcdef"


def header(event: str = "ADT^A01", control_id: str = "17", version: str = "2.3.1") -> str:
    return f"MSH|^~\\&|ADT|Nordland|FELLES|Nord|20261124||{event}|{control_id}|P|{version}"


PID = "PID|1||4711^^^&1.2&ISO~K2^^^SYK"
MRG = "MRG|4712^^^&1.2&ISO"


def feed(*segments: str) -> PatientFeed:
    return read_feed(parse("\r".join(segments).encode()))


def test_an_admission_says_which_ids_there_are() -> None:
    place = Place("PID", 3)
    assert feed(header(), "EVN||2026", PID, "PV1||O") == PatientFeed(
        Event.ADMIT,
        (
            Identifier("4711", "", "1.2", "ISO", place),
            Identifier("K2", "SYK", "", "", place),
        ),
    )


def test_a_merge_says_which_id_is_gone() -> None:
    found = feed(header("ADT^A40^ADT_A39"), PID, MRG)
    assert found.event is Event.MERGE
    assert found.subsumed == (Identifier("4712", "", "1.2", "ISO", Place("MRG", 1)),)


def test_an_update_says_nothing_to_a_registry() -> None:
    assert feed(header("ADT^A08"), "PID|") == PatientFeed(Event.UPDATE)


@pytest.mark.parametrize(
    ("segments", "condition", "place", "acknowledgement"),
    [
        ((header("ORU^R01"), PID), 200, "MSH-9", "AR"),
        ((header(""), PID), 200, "MSH-9", "AR"),
        ((header("ADT^A02"), PID), 201, "MSH-9", "AR"),
        ((header("ADT"), PID), 201, "MSH-9", "AR"),
        ((header(version="2.5"), PID), 203, "MSH-12", "AR"),
        ((header(control_id=""), PID), 101, "MSH-10", "AE"),
        ((header(),), 100, "PID", "AE"),
        ((header(), PID, PID), 100, "PID", "AE"),
        ((header(), "PID|1||"), 101, "PID-3", "AE"),
        ((header(), 'PID|1||""'), 101, "PID-3", "AE"),
        ((header(), "PID|1||Å1^^^&1.2&ISO"), 102, "PID-3", "AE"),
        ((header("ADT^A40"), PID), 100, "MRG", "AE"),
        ((header("ADT^A40"), PID, MRG, PID, MRG), 100, "PID", "AE"),
        ((header("ADT^A40"), PID, "MRG|"), 101, "MRG-1", "AE"),
    ],
)
def test_what_is_missing_or_unknown_is_told_by_place(
    segments: tuple[str, ...], condition: int, place: str, acknowledgement: str
) -> None:
    with pytest.raises(Refusal) as told:
        feed(*segments)
    assert told.value.condition == condition
    assert str(told.value.place) == place
    assert told.value.acknowledgement == acknowledgement


# --- answers -------------------------------------------------------------------------------------


def test_a_message_that_is_accepted_gets_its_own_id_back() -> None:
    message = parse((header() + "||||||8859/1\r" + PID).encode())
    answer = acknowledge(message, Outcome(), at=AT, trace_id=TRACE)
    assert answer.decode().split("\r") == [
        "MSH|^~\\&|FELLES|Nord|ADT|Nordland|20261124083000||ACK^A01|0123456789abcdef0123|P|2.3.1"
        "||||||UNICODE UTF-8",
        "MSA|AA|17",
        "",
    ]


def test_a_refusal_says_what_was_wrong_and_where() -> None:
    message = parse(header("ADT^A40", "1|7".replace("|", "\\F\\")).encode())
    refusal = Refusal(Condition.UNKNOWN_KEY, "long " * 30, Place("MRG", 1))
    answer = parse(acknowledge(message, Outcome.of(refusal), at=AT, trace_id=TRACE))
    (msa,), (err,) = answer.named("MSA"), answer.named("ERR")
    assert (msa.first(1), msa.first(2)) == ("AE", "1|7")
    assert msa.first(3) == ("MRG-1: " + "long " * 30)[:80].strip()
    ((segment, sequence, at, code),) = err.repetitions(1)
    assert (segment, sequence, at) == (("MRG",), ("1",), ("1",))
    assert code[:3] == ("204", "Unknown key identifier", "HL70357")
    assert TRACE in code[4]
    assert "long long" in code[4]


def test_separators_of_the_sender_do_not_come_back_as_others() -> None:
    message = parse(b"MSH#*@!%#A|B#X#F#N#2026##ADT*A08#1^7#P#2.3.1\r")
    answer = parse(acknowledge(message, Outcome(), at=AT, trace_id=TRACE))
    assert answer.header.first(5) == "A|B"
    assert answer.named("MSA")[0].first(2) == "1^7"


def test_what_could_not_be_read_is_answered_too() -> None:
    outcome = Outcome(acknowledgement=Acknowledgement.REJECT, text="no")
    answer = parse(acknowledge(None, outcome, at=AT, trace_id=TRACE))
    assert answer.header.first(9) == "ACK"
    assert answer.named("MSA")[0].first(1) == "AR"
