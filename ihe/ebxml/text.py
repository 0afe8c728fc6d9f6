"""Text on its way into XML: escaped, or refused when XML 1.0 has no place for it.

A character that XML cannot hold (a control character, half of a surrogate pair) never becomes
ill-formed XML: writing it raises `UnwritableText`, so that metadata is never replaced or dropped
silently. Only what an error tells people goes through `legible` first: an answer that says what was
wrong is worth more than the one character of it that cannot be shown.
"""

import re
from typing import Final

from ihe.errors import HubError

_NEVER: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_ILLEGAL: Final = re.compile(f"[{_NEVER}]")
# most texts hold nothing special: one look tells, and they go as they are
_IN_TEXT: Final = re.compile(rf"[&<>\r{_NEVER}]").search
_IN_ATTRIBUTE: Final = re.compile(rf'[&<>"\t\n\r{_NEVER}]').search
_TEXT: Final = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;"))
_ATTRIBUTE: Final = (*_TEXT, ('"', "&quot;"), ("\n", "&#10;"), ("\t", "&#9;"))


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


def text(value: str) -> str:
    """Return `value` as the text of an element.

    Raises
    ------
    UnwritableText
        XML has no place for one of its characters.
    """
    return value if _IN_TEXT(value) is None else _escaped(value, _TEXT)


def attribute(value: str) -> str:
    """Return `value` as the value of an attribute in double quotes; line breaks survive.

    Raises
    ------
    UnwritableText
        XML has no place for one of its characters.
    """
    return value if _IN_ATTRIBUTE(value) is None else _escaped(value, _ATTRIBUTE)


def _escaped(value: str, escapes: tuple[tuple[str, str], ...]) -> str:
    if isinstance(value, Hole):
        return value
    if found := _ILLEGAL.search(value):
        raise UnwritableText(value, found.start())
    for character, escape in escapes:
        value = value.replace(character, escape)
    return value


def legible(value: str) -> str:
    """Return `value` with U+FFFD for each character that XML cannot hold."""
    return _ILLEGAL.sub("\ufffd", value)
