"""Framing: messages come out whole however they are cut, and nothing grows without end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihe.hl7v2.mllp import Frames, FramingError, framed

_MESSAGES = st.lists(
    st.binary(max_size=20).map(lambda data: data.replace(b"\x0b", b"").replace(b"\x1c", b"")),
    max_size=5,
)


def taken(frames: Frames) -> list[bytes]:
    found = []
    while (message := frames.take()) is not None:
        found.append(message)
    return found


def in_steps(stream: bytes, step: int) -> list[bytes]:
    """Return the messages of a stream of which `step` octets come at a time."""
    frames, found = Frames(20), []
    for start in range(0, len(stream), step):
        frames.feed(stream[start : start + step])
        found += taken(frames)
    assert not frames.is_within
    return found


@given(_MESSAGES, st.sampled_from([b"", b"\r", b"\n", b"\r\n\r\n"]), st.integers(1, 9))
def test_messages_are_the_same_however_they_are_cut(
    messages: list[bytes], between: bytes, step: int
) -> None:
    stream = between.join(map(framed, messages)) + between
    assert in_steps(stream, step) == messages


def test_a_message_is_done_before_the_last_octet_of_its_frame() -> None:
    frames = Frames(20)
    frames.feed(b"\x0bMSH\x1c")
    assert taken(frames) == [b"MSH"]


def test_it_is_known_that_a_message_has_begun() -> None:
    frames = Frames(20)
    frames.feed(b"\r\n\x0bMS")
    assert taken(frames) == []
    assert frames.is_within


@pytest.mark.parametrize(
    ("stream", "says"),
    [
        (b"MSH|", "octet 0x4d, expected a message"),
        (framed(b"MSH") + b"\x1c", "octet 0x1c"),
        (b"\x0bMSH\x0bMSH\x1c\r", "begins inside"),
        (b"\x0b" + b"M" * 21, "more than 20 octets"),
        (b"\x0b" + b"M" * 21 + b"\x1c\r", "more than 20 octets"),
    ],
)
@pytest.mark.parametrize("step", [1, 100])
def test_what_is_no_frame_ends_it(stream: bytes, says: str, step: int) -> None:
    with pytest.raises(FramingError, match=says):
        in_steps(stream, step)


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_any_octets_give_messages_or_our_own_error(pieces: list[bytes]) -> None:
    frames = Frames(50)
    try:
        for piece in pieces:
            frames.feed(piece)
            assert all(len(message) <= 50 for message in taken(frames))
            assert len(frames._held) <= 51
    except FramingError:
        pass
