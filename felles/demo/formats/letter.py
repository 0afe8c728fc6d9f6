"""`Letter`: what a made-up document says, before it has a format.

The text of a document comes as it is written in a story, in the least of marks:

```text
# Overskrift            begins a section
A paragraph, on as many lines as it takes; an empty line ends it.
- an item               of a list
| Prøve | Svar |        a row of a table, the first of which is its head
```
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final, TypeAlias

from felles.demo.communities import Unit
from felles.demo.people import Person, Professional
from ihe.model import Code

FICTION: Final = "Oppdiktet dokument om en person som ikke finnes"
"""What every document says of itself."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; its first row is its head."""

    rows: tuple[tuple[str, ...], ...]


Block: TypeAlias = str | Items | Table
"""A paragraph, a list or a table."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a document says.

    Parameters
    ----------
    id
        Its uniqueId, an OID.
    title
        Its heading.
    type_code
        What kind of document it is.
    language
        RFC 5646, such as nb-NO.
    sections
        Its text.
    patient, author, unit
        Whom it is about, who wrote it, and where.
    written, started, stopped
        Of the document, and of what it is about; UTC. `stopped` is None while that goes on.
    signed
        Whether the author is answerable for it.
    replaces
        uniqueId of the document whose place it takes, if any.
    """

    id: str
    title: str
    type_code: Code
    language: str
    sections: tuple[Section, ...]
    patient: Person
    author: Professional
    unit: Unit
    written: datetime
    started: datetime
    stopped: datetime | None
    signed: bool = True
    replaces: str | None = None

    @property
    def kind(self) -> str:
        """The kind of document in words."""
        return str(self.type_code.display or self.type_code.code)

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What stands above the text: names and values."""
        return (
            ("Pasient", self.patient.name),
            (self.patient.kind_of_number, f"{self.patient.number} (syntetisk)"),
            ("Adresse", self.patient.address),
            ("Dokumenttype", self.kind),
            ("Periode", self.period),
            ("Skrevet", f"{self.written:%d.%m.%Y}"),
        )

    @property
    def period(self) -> str:
        """The days that it is about."""
        if self.stopped is None:
            return f"fra {self.started:%d.%m.%Y}"
        if self.stopped.date() == self.started.date():
            return f"{self.started:%d.%m.%Y}"
        return f"{self.started:%d.%m.%Y} – {self.stopped:%d.%m.%Y}"

    @property
    def signature(self) -> str:
        """The line below the text."""
        return f"{self.author.name}, {self.author.title}"


def read_sections(text: str) -> tuple[Section, ...]:
    """Return the sections of a text with marks.

    Raises
    ------
    ValueError
        Something stands above the first heading.
    """
    before, *parts = f"\n{text}".split("\n# ")
    if before.strip():
        raise ValueError(f"a heading was expected before '{before.strip()[:40]}'")
    sections = []
    for part in parts:
        heading, _, rest = part.partition("\n")
        sections.append(Section(heading.strip(), tuple(_blocks(rest.splitlines()))))
    return tuple(sections)


def _blocks(lines: list[str]) -> Iterator[Block]:
    for mark, group in groupby(lines, key=_mark):
        texts = [line.strip() for line in group]
        if mark == "|":
            yield Table(tuple(_cells(text) for text in texts))
        elif mark == "-":
            yield Items(tuple(text.removeprefix("-").strip() for text in texts))
        elif mark:
            yield " ".join(texts)


def _mark(line: str) -> str:
    """Return what tells which block a line is of: '|', '-', 'text', or '' of an empty line."""
    start = line.strip()[:2]
    return "|" if start.startswith("|") else "-" if start == "- " else "text" if start else ""


def _cells(row: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row.strip("|").split("|"))
