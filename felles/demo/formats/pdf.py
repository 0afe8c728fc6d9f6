"""A letter as PDF: A4 pages with a letterhead, text that wraps, tables, and a foot on each.

```text
Polarlys sykehus                     the institution, its unit
------------------------------
Pasient  …          Skrevet  …       facts, two columns
------------------------------
Epikrise                             title, then sections
…
------------------------------
Oppdiktet …          Side 1 av 2     foot
```
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from felles.demo.formats.letter import FICTION, Block, Items, Letter, Section, Table
from felles.demo.formats.pdf_file import FONTS, HEIGHT, WIDTH, pdf_file, string

MIME_TYPE: Final = "application/pdf"

_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, WIDTH - 64.0, HEIGHT - 64.0, 76.0
_LEADING: Final = 1.38
_INDENT, _GAP, _MIDDLE, _NAMES = 13.0, 16.0, 300.0, 72.0
_NARROWEST: Final = 40.0


@dataclass(frozen=True, slots=True)
class _Style:
    font: str
    size: float
    colour: str = "0 g"

    @property
    def height(self) -> float:
        return self.size * _LEADING

    def width(self, text: str) -> float:
        return FONTS[self.font].width(text, self.size)


_BLUE: Final = "0.10 0.28 0.46 rg"
_BODY: Final = _Style("F1", 10.5)
_STRONG: Final = _Style("F2", 10.5)
_HEADING: Final = _Style("F2", 11.5, _BLUE)
_TITLE: Final = _Style("F2", 17.0)
_LETTERHEAD: Final = _Style("F2", 15.0, _BLUE)
_SMALL: Final = _Style("F1", 8.5, "0.4 g")


def write(letter: Letter) -> bytes:
    """Return the letter as PDF."""
    sheets = _Sheets(letter)
    sheets.head()
    for section in letter.sections:
        sheets.section(section)
    sheets.signature()
    return pdf_file(
        [b"\n".join(page) for page in sheets.with_feet()],
        title=letter.title,
        author=letter.signature,
        language=letter.language,
    )


@dataclass(slots=True)
class _Sheets:
    """The pages of a letter while they are filled; `height` is where the next line begins."""

    letter: Letter
    pages: list[list[bytes]] = field(default_factory=lambda: [[]])
    height: float = _TOP

    # --- lines -----------------------------------------------------------------------------------

    def space(self, points: float) -> None:
        """Leave room below what was written."""
        self.height -= points

    def need(self, points: float) -> None:
        """Begin another page unless this one has so much room."""
        if self.height - points < _BOTTOM:
            self.pages.append([])
            self.height = _TOP
            self.put(f"{self.letter.patient.name}, {self.letter.title}", _SMALL)
            self.space(_SMALL.height * 2)

    def put(self, text: str, style: _Style, left: float = _LEFT) -> None:
        """Write a line at the present height."""
        baseline = self.height - style.size
        place = f"BT {style.colour} /{style.font} {style.size:g} Tf {left:.1f} {baseline:.1f} Td "
        self.pages[-1].append(place.encode("ascii") + string(text) + b" Tj ET")

    def lines(self, text: str, style: _Style, left: float = _LEFT) -> None:
        """Write a text, wrapped between `left` and the right margin."""
        for line in wrapped(text, style, _RIGHT - left):
            self.need(style.height)
            self.put(line, style, left)
            self.space(style.height)

    def rule(self) -> None:
        """Draw a line across the page."""
        self.pages[-1].append(_rule(self.height))

    # --- parts of a letter -----------------------------------------------------------------------

    def head(self) -> None:
        """Write letterhead, facts and title."""
        unit = self.letter.unit
        self.lines(unit.institution.name, _LETTERHEAD)
        self.lines(f"{unit.name}, {unit.institution.place}", _BODY)
        self.space(5)
        self.rule()
        self.space(8)
        facts = self.letter.facts
        half = (len(facts) + 1) // 2
        for row in range(half):
            for left, number in ((_LEFT, row), (_MIDDLE, row + half)):
                name, value = facts[number]
                self.put(name, _SMALL, left)
                self.put(value, _BODY, left + _NAMES)
            self.space(_BODY.height)
        self.space(5)
        self.rule()
        self.space(20)
        self.lines(self.letter.title, _TITLE)

    def section(self, section: Section) -> None:
        """Write a section; its heading is never the last line of a page."""
        self.space(9)
        self.need(_HEADING.height + 3 * _BODY.height)
        self.lines(section.heading, _HEADING)
        self.space(1)
        for block in section.blocks:
            self.block(block)
            self.space(4)

    def block(self, block: Block) -> None:
        """Write a paragraph, a list or a table."""
        match block:
            case Table(rows):
                self.table(rows)
            case Items(texts):
                for text in texts:
                    self.need(_BODY.height)
                    self.put("•", _BODY)
                    self.lines(text, _BODY, _LEFT + _INDENT)
            case paragraph:
                self.lines(paragraph, _BODY)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Write a table; its widest column gives way when it is too wide."""
        widths = _column_widths(rows)
        for number, row in enumerate(rows):
            style = _BODY if number else _STRONG
            cells = [list(wrapped(c, style, w)) for c, w in zip(row, widths, strict=True)]
            self.need(max(map(len, cells)) * style.height)
            for depth in range(max(map(len, cells))):
                left = _LEFT
                for cell, width in zip(cells, widths, strict=True):
                    if depth < len(cell):
                        self.put(cell[depth], style, left)
                    left += width + _GAP
                self.space(style.height)
            if not number:
                self.rule()
                self.space(3)

    def signature(self) -> None:
        """Write who signed."""
        self.need(4 * _BODY.height)
        self.space(20)
        how = "Signert" if self.letter.signed else "Skrevet"
        self.lines(f"{how} {self.letter.written:%d.%m.%Y}", _SMALL)
        self.lines(self.letter.signature, _STRONG)
        self.lines(f"{self.letter.unit.name}, {self.letter.unit.institution.name}", _BODY)

    def with_feet(self) -> Iterator[list[bytes]]:
        """Yield each page with its foot."""
        for number, page in enumerate(self.pages, 1):
            foot = _Sheets(self.letter, height=_BOTTOM - 18)
            count = f"Side {number} av {len(self.pages)}"
            foot.put(FICTION, _SMALL)
            foot.put(count, _SMALL, _RIGHT - _SMALL.width(count))
            yield [*page, _rule(_BOTTOM - 10), *foot.pages[0]]


def _rule(height: float) -> bytes:
    line = f"{_LEFT:.1f} {height:.1f} m {_RIGHT:.1f} {height:.1f} l"
    return f"0.7 G 0.6 w {line} S".encode("ascii")


def _column_widths(rows: Sequence[Sequence[str]]) -> list[float]:
    widths = [max(map(_STRONG.width, column)) for column in zip(*rows, strict=True)]
    room = _RIGHT - _LEFT - _GAP * (len(widths) - 1)
    if (excess := sum(widths) - room) > 0:
        widest = widths.index(max(widths))
        widths[widest] = max(widths[widest] - excess, _NARROWEST)
    return widths


def wrapped(text: str, style: _Style, room: float) -> Iterator[str]:
    """Yield lines no wider than `room`, in points; a word that is wider is cut."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and style.width(longer) > room:
            yield line
            longer = word
        while len(longer) > 1 and style.width(longer) > room:
            fits = max(1, sum(style.width(longer[:n]) <= room for n in range(1, len(longer))))
            yield longer[:fits]
            longer = longer[fits:]
        line = longer
    yield line
