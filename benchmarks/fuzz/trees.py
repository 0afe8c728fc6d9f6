"""Changes of XML that leave it XML: octets alone rarely come past the parser.

An element is left out, doubled, moved or renamed; an attribute or a text takes a value that stands
elsewhere in the message, or a word. What is no XML stays as it is, for others to change.
"""

import random
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from lxml import etree
from lxml.etree import _Element

Change: TypeAlias = Callable[[list[_Element], Sequence[str], random.Random], None]

WORDS: Final = (
    "", " ", "0", "-1", "2147483648", "1e9", "true", "2024", "20240230", "'", "(", "('a','b')",
    "urn:uuid:", "urn:oid:1.2.3", "urn:uuid:00000000-0000-0000-0000-000000000000", "^^^&&ISO",
    "x" * 300, "æ\u0301", "\U0001f600", "cid:a", "http://127.0.0.1/", "Original",
    "$XDSDocumentEntryPatientId",
)  # fmt: skip  # a list of words


def changed(data: bytes, chance: random.Random) -> bytes:
    """Return a document with one to four places changed."""
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return data
    for _ in range(chance.randint(1, 4)):
        elements = [each for each in root.iter() if isinstance(each.tag, str)]
        values = [str(value) for each in elements for value in (each.text, *each.values()) if value]
        chance.choice(_CHANGES)(elements, (*values, *WORDS), chance)
    return etree.tostring(root)


def _leave_out(elements: list[_Element], _values: Sequence[str], chance: random.Random) -> None:
    element = chance.choice(elements)
    if (parent := element.getparent()) is not None:
        parent.remove(element)


def _double(elements: list[_Element], _values: Sequence[str], chance: random.Random) -> None:
    element = chance.choice(elements)
    if element.getparent() is not None:
        element.addnext(_copy(element))


def _move(elements: list[_Element], _values: Sequence[str], chance: random.Random) -> None:
    into, what = chance.choice(elements), chance.choice(elements)
    into.insert(chance.randint(0, len(into)), _copy(what))


def _rename(elements: list[_Element], _values: Sequence[str], chance: random.Random) -> None:
    chance.choice(elements).tag = chance.choice(elements).tag


def _text(elements: list[_Element], values: Sequence[str], chance: random.Random) -> None:
    chance.choice(elements).text = chance.choice(values)


def _attribute(elements: list[_Element], values: Sequence[str], chance: random.Random) -> None:
    element, like = chance.choice(elements), chance.choice(elements)
    names = [*element.attrib, *like.attrib]
    if names:
        element.set(chance.choice(names), chance.choice(values))


def _without(elements: list[_Element], _values: Sequence[str], chance: random.Random) -> None:
    element = chance.choice(elements)
    if element.attrib:
        del element.attrib[chance.choice(list(element.attrib))]


def _copy(element: _Element) -> _Element:
    return etree.fromstring(etree.tostring(element, with_tail=False))


_CHANGES: Final[tuple[Change, ...]] = (
    _leave_out, _double, _move, _rename, _text, _text, _attribute, _attribute, _without,
)  # fmt: skip  # as above
