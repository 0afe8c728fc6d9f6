"""Attributes that stand in Classifications: codes and authors, for reading and writing.

What the Framework has no place for in them is not kept, and the sender is told (rule B21b).

References
----------
ITI TF-3 4.2.3.1.2 (coded attributes), 4.2.3.1.4 (author).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lxml.etree import _Element

from ihe.datatypes import XCN, XON, XTN
from ihe.ebxml.element import (
    NAME,
    SLOT,
    Sheet,
    Source,
    named,
    write_classification,
    write_localized,
    write_slot,
)
from ihe.ebxml.places import SCHEMES, OneSlot, Slots, Texts
from ihe.model import Author, Code
from ihe.vocabulary import SlotName


def _read_code(source: Source, element: _Element) -> Code:
    schemes: tuple[str, ...] = ()
    names: list[_Element] = []
    for child in element:
        if child.tag == SLOT and child.get("name") == SlotName.CODING_SCHEME:
            schemes += source.values_of(child, named(element))
        elif child.tag == NAME:
            names.append(child)
        else:
            source.refuse(child, named(element))
    if len(schemes) > 1:
        found = f"found {len(schemes)} Values in the Slot codingScheme, expected exactly one"
        source.report("C7", found, named(element))
    return Code(
        element.get("nodeRepresentation", ""),
        schemes[0].strip() if schemes else "",
        source.only_name(names, named(element)),
    )


def _write_code(sheet: Sheet, scheme: str, code: Code) -> None:
    sheet.classifications.append(
        write_classification(
            sheet,
            scheme,
            code.code,
            slots=write_slot(SlotName.CODING_SCHEME, (code.scheme,)),
            name=write_localized("Name", code.display) if code.display is not None else "",
        )
    )


@dataclass(frozen=True, slots=True)
class Codes:
    """A coded attribute with any number of values."""

    scheme: str

    def take(self, source: Source) -> tuple[Code, ...]:
        """Return the codes in their order."""
        return tuple([_read_code(source, each) for each in source.schemes.get(self.scheme, ())])

    def put(self, sheet: Sheet, value: tuple[Code, ...]) -> None:
        """Write one Classification for each code."""
        for code in value:
            _write_code(sheet, self.scheme, code)


@dataclass(frozen=True, slots=True)
class OneCode:
    """A coded attribute with at most one value; `rule` is the one that more of them break."""

    scheme: str
    rule: str

    def take(self, source: Source) -> Code | None:
        """Return the code, the first when there are several."""
        found = source.schemes.get(self.scheme)
        if not found:
            return None
        if len(found) > 1:
            name = SCHEMES[self.scheme]
            context = f"found {len(found)} Classifications of {name}, expected at most one"
            source.report(self.rule, context, f"Classification[{name}]")
        return _read_code(source, found[0])

    def put(self, sheet: Sheet, value: Code | None) -> None:
        """Write the Classification."""
        if value is not None:
            _write_code(sheet, self.scheme, value)


_AUTHOR: Final[Mapping[str, Any]] = {  # Any: a place with `take` and `write` for its field
    "person": OneSlot(SlotName.AUTHOR_PERSON, XCN, rule="C8"),
    "institutions": Slots(SlotName.AUTHOR_INSTITUTION, XON),
    "roles": Texts(SlotName.AUTHOR_ROLE),
    "specialties": Texts(SlotName.AUTHOR_SPECIALTY),
    "telecommunications": Slots(SlotName.AUTHOR_TELECOMMUNICATION, XTN),
}
"""Place of each field of `Author`, inside its Classification."""
_AUTHOR_SLOTS: Final = frozenset(place.name for place in _AUTHOR.values())


@dataclass(frozen=True, slots=True)
class Authors:
    """author Classifications (ITI TF-3 4.2.3.1.4)."""

    scheme: str

    def take(self, source: Source) -> tuple[Author, ...]:
        """Return the authors in their order."""
        return tuple([_read_author(source, each) for each in source.schemes.get(self.scheme, ())])

    def put(self, sheet: Sheet, value: tuple[Author, ...]) -> None:
        """Write one Classification for each author."""
        for author in value:
            slots = [place.write(getattr(author, name)) for name, place in _AUTHOR.items()]
            sheet.classifications.append(
                write_classification(sheet, self.scheme, "", slots="".join(slots), name="")
            )


def _read_author(source: Source, element: _Element) -> Author:
    if code := element.get("nodeRepresentation"):
        context = f"found the nodeRepresentation '{code}', expected an empty one on an author"
        source.report("C8", context, named(element))
    inner = Source(element, f"{source.path}/{named(element)}", source.problems)
    for name in inner.slots:
        if name not in _AUTHOR_SLOTS:
            expected = ", ".join(place.name for place in _AUTHOR.values())
            context = f"found the Slot '{name}', expected those of an author: {expected}"
            inner.report("C8", context, f"Slot[{name}]")
    if inner.name or inner.description or inner.schemes or inner.nodes or inner.identifiers:
        for child in element:
            if child.tag != SLOT:
                source.refuse(child, named(element))
    return Author(**{name: place.take(inner) for name, place in _AUTHOR.items()})
