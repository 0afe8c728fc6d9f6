"""Text on its way into XML: escaped, or refused when XML 1.0 has no place for it.

A character that XML cannot hold (a control character, half of a surrogate pair) never becomes
ill-formed XML: writing it raises `UnwritableText`. Nothing is replaced or dropped silently.
"""

import re
from typing import Final

from ihe.errors import HubError

_SPECIAL: Final = re.compile(r'[&<>"\x00-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]')
_ILLEGAL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE: Final = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\r": "&#13;",
        "\n": "&#10;",
        "\t": "&#9;",
    }
)


class UnwritableText(HubError):
    """A text holds a character that XML 1.0 cannot: `position` counts from 0."""

    def __init__(self, text: str, position: int) -> None:
        self.position = position
        super().__init__(
            f"character U+{ord(text[position]):04X} at position {position} cannot stand in XML"
        )


class Hole(str):
    """A mark where a value is filled in later: a character that XML cannot hold, on purpose."""

    __slots__ = ()

    def __str__(self) -> str:
        return self


def _refuse_illegal(text: str) -> None:
    if found := _ILLEGAL.search(text):
        raise UnwritableText(text, found.start())


def text(value: str) -> str:
    """Return `value` as the text of an element."""
    if _SPECIAL.search(value) is None:
        return value
    if isinstance(value, Hole):
        return value
    _refuse_illegal(value)
    return value.translate(_TEXT)


def attribute(value: str) -> str:
    """Return `value` as the value of an attribute in double quotes; line breaks survive."""
    if _SPECIAL.search(value) is None:
        return value
    if isinstance(value, Hole):
        return value
    _refuse_illegal(value)
    return value.translate(_ATTRIBUTE)


def is_writable(value: str) -> bool:
    """Tell whether XML 1.0 can hold `value`."""
    return _ILLEGAL.search(value) is None
