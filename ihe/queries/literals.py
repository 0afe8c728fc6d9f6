"""How the values of query parameters are written in a `rim:Value`.

```text
20041224                     a number or a time
'Children''s Hospital'       a text; a quote inside it is doubled
('a','b')                    a list; one value is a list as well: ('a')
```

A Value is read from left to right, so that quotes, commas and parentheses inside a text are just
text. Read besides, because partners send it: texts without quotes where nothing is ambiguous,
double and typographic quotes, blanks and line ends around everything. What can be understood in two
ways is refused, with the place where it began to go wrong.

References
----------
ITI TF-2 3.18.4.1.2.3.4 and 3.18.4.1.2.3.5; ebRIM 3.0 2.8 (a Value holds 256 characters).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ihe.datatypes import MalformedValue

MAX_VALUE: Final = 256
"""Characters that a rim:Value holds (ebRIM LongName)."""
MAX_VALUES: Final = 10_000
"""Values of one parameter: as many as an answer holds objects, by default."""

_SHOWN: Final = 20
_SINGLE, _DOUBLE = "‘’‚‛", "“”„‟"
_CLOSING: Final = {  # what ends a text that begins with this quote
    "'": "'",
    '"': '"',
    **dict.fromkeys(_SINGLE, _SINGLE),
    **dict.fromkeys(_DOUBLE, _DOUBLE),
}


_QUOTES: Final = {each: re.compile(f"([{each}])\\1?") for each in set(_CLOSING.values())}
"""By what ends a text: each such quote in it, or a doubled one, which does not end it."""
_BLANKS: Final = re.compile(r"\s*")
_BARE: Final = re.compile(r"""[^\s,()'"](?:[^,()'"]*[^\s,()'"])?""")


class MalformedLiteral(MalformedValue):
    """A Value that cannot be read; `position` is the character at fault, counted from 1."""

    def __init__(self, problem: str, position: int) -> None:
        self.position = position
        super().__init__(problem)


@dataclass(frozen=True, slots=True)
class Literal:
    """One value: its text without quotes, and the character where it begins, counted from 1."""

    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Literals:
    """What one rim:Value holds: 0..* values, written as a list or alone."""

    items: tuple[Literal, ...]
    is_list: bool


def parse_literals(text: str) -> Literals:
    """Return the values of one rim:Value; none when it is blank or an empty list.

    Raises
    ------
    MalformedLiteral
        It is no value and no list of values.
    """
    reader = _Reader(text)
    is_list = reader.take("(")
    items = []
    if is_list and not reader.take(")"):
        items.append(reader.literal())
        while reader.take(","):
            if len(items) == MAX_VALUES:
                raise MalformedLiteral(f"more than {MAX_VALUES} values", len(text))
            items.append(reader.literal())
        if not reader.take(")"):
            raise reader.unexpected("',' or ')' after a value")
    elif not is_list and not reader.at_end:
        items.append(reader.literal())
        if reader.comes(","):
            raise reader.unexpected("parentheses around several values")
    if not reader.at_end:
        raise reader.unexpected("nothing after the value")
    return Literals(tuple(items), is_list)


class _Reader:
    """A place in a text; blanks before whatever is asked for are passed over."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def at_end(self) -> bool:
        self._skip()
        return self._at == len(self._text)

    def comes(self, character: str) -> bool:
        """Tell whether `character` comes next."""
        self._skip()
        return self._text.startswith(character, self._at)

    def take(self, character: str) -> bool:
        """Tell whether `character` comes next, and step over it if so."""
        comes = self.comes(character)
        self._at += comes
        return comes

    def literal(self) -> Literal:
        """Read one value."""
        self._skip()
        start = self._at
        quote = self._text[start : start + 1]
        if quote not in _CLOSING or not quote:
            return self._bare()
        quotes = _QUOTES[_CLOSING[quote]]
        for found in quotes.finditer(self._text, start + 1):
            if found.end() - found.start() == 1:
                self._at = found.end()
                text = quotes.sub(r"\1", self._text[start + 1 : found.start()])
                return Literal(text, start + 1)
        raise MalformedLiteral(f"the quote {quote} is not closed", start + 1)

    def unexpected(self, expected: str) -> MalformedLiteral:
        """Return the error that something else than `expected` comes next."""
        self._skip()
        rest = self._text[self._at :]
        shown = rest if len(rest) <= _SHOWN else rest[:_SHOWN] + "…"
        found = f"found {shown}" if rest else "the value ends"
        return MalformedLiteral(f"expected {expected}, {found}", self._at + 1)

    def _bare(self) -> Literal:
        match = _BARE.match(self._text, self._at)
        if match is None:
            raise self.unexpected("a value")
        start, self._at = self._at + 1, match.end()
        self._skip()
        if self._text.startswith(("'", '"', "("), self._at):
            raise self.unexpected("quotes around a text that holds quotes or parentheses")
        return Literal(match[0], start)

    def _skip(self) -> None:
        if self._text[self._at : self._at + 1].isspace() and (
            match := _BLANKS.match(self._text, self._at)
        ):
            self._at = match.end()


def render_text(text: str) -> str:
    """Return a text in quotes, with the quotes inside it doubled."""
    return "'" + text.replace("'", "''") + "'"


def render_list(literals: Iterable[str]) -> tuple[str, ...]:
    """Return the rim:Values that hold a list of rendered values, in order.

    Each is a list by itself and at most 256 characters long, unless one value alone is longer.
    """
    values: list[str] = []
    for literal in literals:
        if values and len(values[-1]) + len(literal) < MAX_VALUE:
            values[-1] = f"{values[-1][:-1]},{literal})"
        else:
            values.append(f"({literal})")
    return tuple(values)
