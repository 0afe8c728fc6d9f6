"""Where in a file a problem stands: from what the problem calls a place, to a line.

```text
DocumentEntry[Document01].creationTime        the Slot of that name in the object with that id
ExtrinsicObject[Document01]/Slot[hash]        as it says
DocumentEntry[urn:uuid:…]                     the object
```

What cannot be found that closely gets the line of the object; what has no object, none.
"""

import re
from collections.abc import Iterator
from typing import Final

from lxml.etree import _Element

from ihe.vocabulary import (
    ASSOCIATION_DOCUMENTATION,
    RIM,
    DocumentEntryScheme,
    FolderScheme,
    SlotName,
    SubmissionSetScheme,
)

_OBJECT: Final = re.compile(r"\w+\[([^\]]+)\]")
_PART: Final = re.compile(r"/(?:\w+)\[([^\]]+)\]")
_ATTRIBUTE: Final = re.compile(r"\]\.([A-Za-z]+)")
_CHILDREN: Final = {"title": "Name", "comments": "Description"}
_SCHEMES: Final = (
    *(
        (re.sub(r"_([a-z])", lambda match: match[1].upper(), scheme.name.lower()), str(scheme))
        for schemes in (DocumentEntryScheme, SubmissionSetScheme, FolderScheme)
        for scheme in schemes
    ),
    ("associationDocumentation", ASSOCIATION_DOCUMENTATION),
)
"""The Framework's names of attributes that stand in Classifications and ExternalIdentifiers."""
_SLOTS: Final = {str(name).rpartition(":")[2]: str(name) for name in SlotName}


class Places:
    """The objects of a message by their ids.

    Parameters
    ----------
    body
        The message, or what stands in its SOAP body.
    line
        Line of the file that the first line of the XML is.
    """

    def __init__(self, body: _Element, line: int = 1) -> None:
        self._before = line - 1
        self._by_id: dict[str, _Element] = {}
        for element in body.iter(f"{{{RIM}}}*"):
            if own := element.get("id", "").strip():
                self._by_id.setdefault(own, element)

    def line_of(self, location: str) -> int:
        """Return the line of what a problem calls `location`; 0 if it is not found."""
        named = _OBJECT.match(location)
        found = self._by_id.get(named[1] if named else location.strip())
        if found is None:
            return 0
        inner = next(_inside(found, location), found)
        return (inner.sourceline or 0) + self._before


def _inside(element: _Element, location: str) -> Iterator[_Element]:
    """Yield what stands at a location inside an object, the closest first."""
    parts = _PART.findall(location)
    for part in reversed(parts):
        yield from (e for e in element.iter() if part in (e.get("id"), e.get("name")))
    attribute = _ATTRIBUTE.search(location)
    if attribute is None:
        return
    name = attribute[1]
    if name in _CHILDREN:
        yield from element.iterchildren(f"{{{RIM}}}{_CHILDREN[name]}")
    slot, schemes = _SLOTS.get(name, name), {urn for known, urn in _SCHEMES if known == name}
    for child in element:
        if child.get("name") == slot:
            yield child
        if {child.get("classificationScheme"), child.get("identificationScheme")} & schemes:
            yield child
