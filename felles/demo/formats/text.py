"""A letter as plain text in UTF-8."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from felles.demo.formats.letter import FICTION, Items, Letter, Section, Table

MIME_TYPE: Final = "text/plain"
_COLUMNS: Final = 76


def write(letter: Letter) -> bytes:
    """Return the letter as text, with lines as mail has them."""
    unit = letter.unit
    lines = [f"{unit.institution.name}, {unit.name}, {unit.institution.place}", ""]
    lines += _columns(letter.facts)
    lines += ["", letter.title, "=" * len(letter.title)]
    for section in letter.sections:
        lines += ["", *section_lines(section)]
    lines += ["", letter.signature, "", f"-- {FICTION} --", ""]
    return "\r\n".join(lines).encode()


def section_lines(section: Section) -> list[str]:
    """Return a section as lines of text."""
    lines = [section.heading.upper()]
    for number, block in enumerate(section.blocks):
        lines += [""] if number else []
        match block:
            case Table(rows):
                lines += _columns(rows)
            case Items(texts):
                lines += (line for text in texts for line in _item(text))
            case paragraph:
                lines += textwrap.wrap(paragraph, _COLUMNS)
    return lines


def _item(text: str) -> list[str]:
    return textwrap.wrap(text, _COLUMNS, initial_indent="- ", subsequent_indent="  ")


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
