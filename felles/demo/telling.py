"""Reads the stories: who is made up, and what is written about them, where and when."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from felles.demo.communities import UNITS, Unit
from felles.demo.formats.catalogue import FORMATS, Format
from felles.demo.formats.letter import Section, read_sections
from felles.demo.people import PROFESSIONALS, Person, Professional
from ihe.norway import Series

_FILES: Final = ("aile", "ante", "synnove", "odd", "gunhild", "jean-luc", "ashild", "torbjorn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a story.

    Parameters
    ----------
    type
        typeCode, of code list 9602.
    title, sections, language
        Of the document.
    unit, author
        Where it is written, and by whom.
    formats
        The first is the original; each further one is made of it (XFRM).
    written
        Days before the demo.
    access
        confidentialityCode, of code list 9603.
    signed
        Whether the author is answerable for it as its legalAuthenticator.
    name, replaces
        What another document of the story calls it by, in order to replace it (RPLC).
    """

    type: str
    title: str
    sections: tuple[Section, ...]
    language: str
    unit: Unit
    author: Professional
    formats: tuple[Format, ...]
    written: int
    access: str
    signed: bool
    name: str | None
    replaces: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One visit or stay: what is written of it is shared in one submission.

    Parameters
    ----------
    number
        Counts the stays of a story from 1.
    title, unit
        Of the submission.
    started, stopped
        Days before the demo; `stopped` is None while it goes on.
    folder
        Title of the folder that its documents are put into, if any.
    documents
        What is written.
    """

    number: int
    title: str
    unit: Unit
    started: int
    stopped: int | None
    folder: str | None
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """A made-up person, and what was written about them."""

    patient: Person
    stays: tuple[Stay, ...]


def _read(name: str) -> Story:
    """Return a story by the name of its file; anything wrong with it is an exception."""
    file = resources.files("felles.demo.stories").joinpath(f"{name}.toml")
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    person = told["person"]
    series = Series[person.pop("series", Series.SKATTEETATEN.name)]
    stays = (_stay(number, each) for number, each in enumerate(told["stay"], 1))
    return Story(Person(series=series, **person), tuple(stays))


def _stay(number: int, told: Mapping[str, Any]) -> Stay:
    stay = dict(told)
    unit, language = UNITS[stay.pop("unit")], stay.pop("language", "nb-NO")
    documents = tuple(_documents(stay.pop("document"), unit, language, stay))
    return Stay(
        number=number,
        unit=unit,
        documents=documents,
        stopped=stay.pop("stopped", None),
        folder=stay.pop("folder", None),
        **stay,
    )


def _documents(
    documents: list[dict[str, Any]], unit: Unit, language: str, stay: Mapping[str, Any]
) -> Iterator[Document]:
    for document in documents:
        yield Document(
            sections=read_sections(document.pop("text").strip()),
            language=language,
            unit=UNITS[document.pop("unit")] if "unit" in document else unit,
            author=PROFESSIONALS[document.pop("author")],
            formats=tuple(FORMATS[each] for each in document.pop("formats")),
            written=document.pop("written", stay.get("stopped", stay["started"])),
            access=document.pop("access", "N"),
            signed=document.pop("signed", True),
            name=document.pop("name", None),
            replaces=document.pop("replaces", None),
            **document,
        )


STORIES: Final = tuple(map(_read, _FILES))
"""All of them; the first is of the person whom the nurse asks for."""
PATIENTS: Final = tuple(story.patient for story in STORIES)
"""The people of the stories, in their order."""
