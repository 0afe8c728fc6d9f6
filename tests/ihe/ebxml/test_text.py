"""Text on its way into XML never makes it ill-formed, and is never changed silently."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihe import xml
from ihe.ebxml.text import Hole, UnwritableText, attribute, legible, text

# every character that XML 1.0 has no place for (XML 1.0 2.2), one of each range at least
UNWRITABLE = ["\0", "\x01", "\x08", "\x0b", "\x0c", "\x1f", "\ud800", "\udfff", "\ufffe", "\uffff"]
WRITABLE = st.text(
    st.characters(
        exclude_categories=("Cs", "Cc"),
        exclude_characters="\ufffe\uffff",
        include_characters="\t\n\r\x7f\x85\x9f",
    )
)


@given(WRITABLE)
def test_text_and_attribute_come_back_to_the_letter(value: str) -> None:
    read = xml.parse(f'<a b="{attribute(value)}">{text(value)}</a>'.encode())
    assert read.get("b") == value
    assert (read.text or "") == value


@pytest.mark.parametrize("character", UNWRITABLE)
@pytest.mark.parametrize("write", [text, attribute])
def test_a_character_without_place_in_xml_is_refused(write, character: str) -> None:
    with pytest.raises(UnwritableText) as refused:
        write(f"Kari{character} & Ola")
    assert refused.value.position == 4
    assert f"U+{ord(character):04X} at position 4" in str(refused.value)
    assert "Kari" not in str(refused.value)  # the text may be a patient's


@pytest.mark.parametrize("character", UNWRITABLE)
def test_what_people_are_told_shows_a_replacement_character(character: str) -> None:
    assert legible(f"found 'a{character}b'\n") == "found 'a\ufffdb'\n"


@pytest.mark.parametrize("value", ["\x7f", "\x85", "\x9f", "\u2028", "\ufdd0", "\U0001ffff"])
def test_characters_that_xml_only_discourages_are_kept(value: str) -> None:
    read = xml.parse(f'<a b="{attribute(value)}">{text(value)}</a>'.encode())
    assert (read.get("b"), read.text) == (value, value)


def test_only_a_hole_of_our_own_passes() -> None:
    assert text(Hole("\x01")) == attribute(Hole("\x01")) == "\x01"
    with pytest.raises(UnwritableText):
        text("\x01")
