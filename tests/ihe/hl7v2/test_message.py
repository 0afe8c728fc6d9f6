r"""HL7 v2 messages: what they are read as, what is written, and that no octets break the reader."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ihe.datatypes import DTM
from ihe.hl7v2.acknowledging import Outcome, acknowledge
from ihe.hl7v2.adt import read_feed
from ihe.hl7v2.message import (
    MOST_REPETITIONS,
    MOST_SEGMENTS,
    Condition,
    Message,
    Refusal,
    Separators,
    field,
    parse,
    parse_header,
    part,
    render,
)
from tests.strategies import NAMES

MSH = "MSH|^~\\&|ADT|Nordland|FELLES|Nord|20261124083000||ADT^A01|17|P|2.3.1"
PID = "PID|1||4711^^^&1.2&ISO~K2^^^SYK||Danser^Line"


def octets(*segments: str, end: str = "\r") -> bytes:
    return "".join(segment + end for segment in segments).encode()


def refused(data: bytes) -> Refusal:
    with pytest.raises(Refusal) as told:
        parse(data)
    return told.value


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r\n"])
def test_segments_end_in_any_line_end(end: str) -> None:
    message = parse(octets(MSH, PID, end=end))
    assert [each.name for each in message.segments] == ["MSH", "PID"]
    assert message.header.first(10) == "17"
    assert message.header.field(1) == "|", "MSH-1 is the separator"


def test_a_field_has_repetitions_components_and_subcomponents() -> None:
    (pid,) = parse(octets(MSH, PID)).named("PID")
    first, second = pid.repetitions(3)
    assert (part(first, 1), part(first, 4), part(first, 4, 2)) == ("4711", "", "1.2")
    assert (part(second, 1), part(second, 4), part(second, 9), part(second, 4, 3)) == (
        *("K2", "SYK"),
        *("", ""),
    )
    assert pid.first(5, 2) == "Line"
    assert pid.first(30) == ""
    assert pid.repetitions(30) == []


@pytest.mark.parametrize(
    ("sent", "means"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
        (r"\X41C385\ ", "AÅ"),
        (r"a\.br\b", r"a\.br\b"),
        (r"\H\a\N\ ".strip(), r"\H\a\N" + "\\"),
        (r"\XC3\ ".strip(), r"\XC3" + "\\"),
        ("a\\b", "a\\b"),
        ("a\\", "a\\"),
        ("\\\\F\\", "\\|"),
        ('""', ""),
    ],
)
def test_escapes_are_replaced_and_others_stay(sent: str, means: str) -> None:
    header = MSH + "||||||UNICODE UTF-8"
    (pid,) = parse(octets(header, f"PID|1|{sent}")).named("PID")
    assert pid.first(2) == means


def test_a_message_may_have_separators_of_its_own() -> None:
    text = "MSH#*@!%#ADT#X#F#N#2026##ADT*A01#17#P#2.3.1\rPID###1*a!F!b*%1.2%ISO@2\r"
    message = parse(text.encode())
    (pid,) = message.named("PID")
    assert [part(each, 1) for each in pid.repetitions(3)] == ["1", "2"]
    assert part(pid.repetitions(3)[0], 2) == "a#b"
    assert message.header.first(9, 2) == "A01"


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("8859/1", "latin-1"),
        ("UNICODE UTF-8", "utf-8"),
        ("unicode utf-8", "utf-8"),
        ("", "latin-1"),
        ("", "utf-8"),
        ("8859/4", "iso8859-4"),
        ("8859/1~UNICODE UTF-8", "latin-1"),
    ],
)
def test_letters_are_those_of_the_character_set(declared: str, codec: str) -> None:
    text = f"{MSH}||||||{declared}\rPID|||1||Ærlig^Ås\r"
    message = parse(text.encode(codec))
    assert message.named("PID")[0].first(5) == "Ærlig"
    assert message.charset == declared.partition("~")[0]


@pytest.mark.parametrize(
    ("data", "place", "condition"),
    [
        (b"", "MSH", Condition.SEGMENT_SEQUENCE),
        (b"GET / HTTP/1.1\r\n\r\n", "MSH", Condition.SEGMENT_SEQUENCE),
        (b"MSH", "MSH-2", Condition.DATA_TYPE),
        (b"MSH|^^^^|", "MSH-2", Condition.DATA_TYPE),
        (b"MSH|^~\\&#|", "MSH-2", Condition.DATA_TYPE),
        (b"MSHA^~\\&A", "MSH-2", Condition.DATA_TYPE),
        (b"MSH|\xff~\\&|", "MSH-2", Condition.DATA_TYPE),
        (octets(MSH + "||||||KLINGON"), "MSH-18", Condition.TABLE_VALUE),
        (octets(MSH + "||||||ASCII", "PID|Å"), "MSH-18", Condition.DATA_TYPE),
        (octets(MSH + "||||||UTF-8") + b"PID|\xe5\r", "MSH-18", Condition.DATA_TYPE),
        (octets(*[MSH] * (MOST_SEGMENTS + 1)), "MSH", Condition.SEGMENT_SEQUENCE),
    ],
)
def test_what_is_no_message_is_refused_by_place(
    data: bytes, place: str, condition: Condition
) -> None:
    refusal = refused(data)
    assert str(refusal.place) == place
    assert refusal.condition == condition


def test_a_field_has_not_too_many_repetitions() -> None:
    (pid,) = parse(octets(MSH, "PID|||" + "~".join(["1"] * (MOST_REPETITIONS + 1)))).named("PID")
    with pytest.raises(Refusal, match="PID-3: more than 1000 repetitions"):
        pid.repetitions(3)


_TEXTS = NAMES | st.text(st.characters(codec="utf-8"), max_size=12)
_SEPARATORS = st.just(Separators()) | st.permutations("|^~\\&#*@!%$").map(
    lambda chars: Separators(*chars[:5])
)


@given(
    st.lists(
        st.lists(st.lists(_TEXTS, min_size=1, max_size=3), min_size=1, max_size=4),
        min_size=1,
        max_size=3,
    ),
    _SEPARATORS,
)
def test_what_is_written_is_read_the_same(value: list[Any], separators: Separators) -> None:
    sent = field(*value, separators=separators)
    header = ("MSH", *[""] * 15, "UNICODE UTF-8")
    data = render((header, ("ZZZ", "", sent)), separators).encode()
    (segment,) = parse(data).named("ZZZ")
    wanted = [tuple(map(tuple, each)) for each in value]
    wanted = [each for each in wanted if each not in {(("",),), (('""',),)}]
    assert segment.repetitions(2) == wanted


@given(
    st.binary(max_size=300)
    | st.text(st.sampled_from("MSHPIDMRG|^~\\&\r\nXF12.ÆA08 "), max_size=300).map(
        lambda text: (MSH + text).encode()
    )
)
@example(b"MSH|^~\\&" + b"|~" * 2_000)
@example(b"MSH|^~\\&|||||||" + b"^" * 2_000 + b"|" + b"\\" * 2_000)
def test_whatever_comes_is_answered(data: bytes) -> None:
    message: Message | None
    try:
        message = parse(data)
        read_feed(message)
        outcome = Outcome()
    except Refusal as refusal:
        message, outcome = parse_header(data), Outcome.of(refusal)
    answer = acknowledge(message, outcome, at=DTM("20261124083000"), trace_id="0" * 32)
    (msa,) = parse(answer).named("MSA")
    assert msa.first(1) in {"AA", "AE", "AR"}
