"""One ebRIM object, half-way between XML and metadata.

`Source` is an element sorted into its Slots, Classifications, ExternalIdentifiers and so on, for
reading; it collects what is wrong with the structure. `Sheet` is the same the other way round: it
takes the pieces in any order and writes them in the order of the schema. The tables in
`ihe.ebxml.fields` say what stands where.

References
----------
ebRIM 3.0 2.5, 2.8 to 2.11 (RegistryObject, Slot, LocalizedString, ExternalIdentifier,
Classification); ITI TF-3 4.2.3.1.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from lxml.etree import _Element

from ihe.ebxml.text import attribute as a
from ihe.ebxml.text import text as t
from ihe.errors import ErrorCode, RegistryError, registry_error
from ihe.model import LocalizedString
from ihe.vocabulary import RIM, XML, EbRimType

SLOT: Final = f"{{{RIM}}}Slot"
VALUE_LIST: Final = f"{{{RIM}}}ValueList"
VALUE: Final = f"{{{RIM}}}Value"
NAME: Final = f"{{{RIM}}}Name"
DESCRIPTION: Final = f"{{{RIM}}}Description"
VERSION_INFO: Final = f"{{{RIM}}}VersionInfo"
CLASSIFICATION: Final = f"{{{RIM}}}Classification"
EXTERNAL_IDENTIFIER: Final = f"{{{RIM}}}ExternalIdentifier"
LOCALIZED_STRING: Final = f"{{{RIM}}}LocalizedString"
_LANG: Final = f"{{{XML}}}lang"
_IGNORED: Final = f"{{{RIM}}}ContentVersionInfo"
_NESTED: Final = f"{{{RIM}}}RegistryObjectList"


# --- reading -------------------------------------------------------------------------------------


def tag_of(element: _Element) -> str:
    """Return the Clark name of an element; '' for a comment or processing instruction."""
    tag = element.tag
    return tag if isinstance(tag, str) else ""


def local_name(element: _Element) -> str:
    """Return the name of an element without its namespace."""
    return tag_of(element).rpartition("}")[2]


class Source:
    """An element that is read, sorted by kind of child.

    Parameters
    ----------
    element
        ExtrinsicObject, RegistryPackage, Association or Classification.
    path
        How problems call it, such as `ExtrinsicObject[Document01]`.
    problems
        Where structural faults are put: what was found, what was expected, where.
    """

    __slots__ = (
        "description",
        "element",
        "identifiers",
        "name",
        "nodes",
        "path",
        "problems",
        "schemes",
        "slots",
        "version",
    )

    def __init__(self, element: _Element, path: str, problems: list[RegistryError]) -> None:
        self.element, self.path, self.problems = element, path, problems
        self.slots: dict[str, tuple[str, ...]] = {}
        self.name: LocalizedString | None = None
        self.description: LocalizedString | None = None
        self.version: str | None = None
        self.schemes: dict[str, list[_Element]] = {}
        self.nodes: list[str] = []
        self.identifiers: dict[str, list[_Element]] = {}
        for child in element:
            self._sort(child)

    def _sort(self, child: _Element) -> None:
        tag = tag_of(child)
        if tag == SLOT:
            self._slot(child)
        elif tag == CLASSIFICATION:
            self._classification(child)
        elif tag == EXTERNAL_IDENTIFIER:
            scheme = child.get("identificationScheme", "")
            self.identifiers.setdefault(scheme, []).append(child)
        elif tag == NAME:
            self.name = self.localized(child, "Name")
        elif tag == DESCRIPTION:
            self.description = self.localized(child, "Description")
        elif tag == VERSION_INFO:
            self.version = child.get("versionName")
        elif tag == _NESTED and not len(child):
            pass  # the schema allows it, and it says nothing
        elif tag and tag != _IGNORED:
            self.report("A2", f"{tag} is not expected here", local_name(child))

    def report(self, rule: str, context: str, where: str = "") -> None:
        """Put down a structural fault."""
        location = f"{self.path}/{where}" if where else self.path
        self.problems.append(
            registry_error(ErrorCode.REGISTRY_METADATA, context, location, rule=rule)
        )

    def _slot(self, element: _Element) -> None:
        name = element.get("name", "")
        where = f"Slot[{name}]"
        if not name:
            self.report("B20", "a Slot has no name, one is expected", where)
        values = tuple(slot_values(element))
        if not values:
            self.report("C10", "the Slot has no Value, at least one is expected", where)
        elif "" in values:
            self.report("C10", "the Slot has an empty Value, a text is expected", where)
        if name in self.slots:
            context = f"the Slot name '{name}' is used more than once, expected once"
            self.report("B20", context, where)
        else:
            self.slots[name] = values

    def _classification(self, element: _Element) -> None:
        node, scheme = element.get("classificationNode"), element.get("classificationScheme")
        if node is not None and scheme is None:
            self.nodes.append(node)
        elif scheme is not None and node is None:
            self.schemes.setdefault(scheme, []).append(element)
        else:
            found = "both" if node is not None else "neither"
            self.report(
                "B19",
                f"one of classificationNode and classificationScheme is expected, found {found}",
                "Classification",
            )

    def localized(self, element: _Element, where: str) -> LocalizedString | None:
        """Return the text of a Name or Description; None when it has none."""
        strings = element.findall(LOCALIZED_STRING)
        if not strings:
            return None
        if len(strings) > 1:
            self.report("C10b", f"{len(strings)} LocalizedStrings, one is expected", where)
        first = strings[0]
        value = first.get("value", "")
        if not value:
            return None
        return LocalizedString(value, first.get(_LANG), first.get("charset"))


def slot_values(slot: _Element) -> Iterator[str]:
    """Yield the values of a Slot, text untouched."""
    for listed in slot.iterchildren(VALUE_LIST):
        for value in listed.iterchildren(VALUE):
            yield value.text or ""


# --- writing -------------------------------------------------------------------------------------


class Sheet:
    """Collects the pieces of one object, and writes them in the order of the schema.

    Parameters
    ----------
    entry_uuid
        The object's id, which its Classifications and ExternalIdentifiers refer to.
    """

    __slots__ = (
        "_base",
        "_count",
        "classifications",
        "description",
        "head",
        "id",
        "identifiers",
        "name",
        "slots",
        "version",
    )

    def __init__(self, entry_uuid: str) -> None:
        self.id = a(entry_uuid)
        self._base = _base_of(entry_uuid)
        self._count = 0
        self.head: list[str] = []
        self.slots: list[str] = []
        self.name = self.description = self.version = ""
        self.classifications: list[str] = []
        self.identifiers: list[str] = []

    def next_id(self) -> str:
        """Return the id of the object's next helper."""
        self._count += 1
        return self._base(self._count)

    def element(self, tag: str) -> str:
        """Return the whole object as an element `rim:tag`."""
        content = "".join(
            (
                *self.slots,
                self.name,
                self.description,
                self.version,
                *self.classifications,
                *self.identifiers,
            )
        )
        head = f'<rim:{tag} id="{self.id}"{"".join(self.head)}'
        return f"{head}>{content}</rim:{tag}>" if content else f"{head}/>"


def _base_of(entry_uuid: str) -> Callable[[int], str]:
    """Return what makes the ids of an object's helpers from their position.

    The Framework has no attribute for these ids, so they are not kept: they follow from the
    object's own. Helpers of an object with a symbolic id have symbolic ids.
    """
    if not entry_uuid.startswith("urn:uuid:"):
        symbolic = a(entry_uuid)
        return lambda position: f"{symbolic}.{position}"
    digits = hashlib.sha1(entry_uuid.encode(), usedforsecurity=False).hexdigest()
    # a UUID of version 5: made from the SHA-1 of a name
    head = f"urn:uuid:{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-8{digits[17:20]}-{digits[20:28]}"
    tail = int(digits[28:32], 16)
    return lambda position: f"{head}{(tail + position) & 0xFFFF:04x}"


def write_slot(name: str, values: Iterable[str]) -> str:
    """Return a rim:Slot."""
    listed = "".join([f"<rim:Value>{t(value)}</rim:Value>" for value in values])
    return f'<rim:Slot name="{a(name)}"><rim:ValueList>{listed}</rim:ValueList></rim:Slot>'


def write_localized(tag: str, value: LocalizedString) -> str:
    """Return a rim:Name or rim:Description."""
    lang = f' xml:lang="{a(value.lang)}"' if value.lang is not None else ""
    charset = f' charset="{a(value.charset)}"' if value.charset is not None else ""
    string = f'<rim:LocalizedString{lang}{charset} value="{a(value.value)}"/>'
    return f"<rim:{tag}>{string}</rim:{tag}>"


def write_classification(
    sheet: Sheet, scheme: str, representation: str, *, slots: str, name: str
) -> str:
    """Return a rim:Classification by scheme."""
    return (
        f'<rim:Classification classificationScheme="{scheme}" classifiedObject="{sheet.id}"'
        f' id="{sheet.next_id()}" nodeRepresentation="{a(representation)}"'
        f' objectType="{EbRimType.CLASSIFICATION}">{slots}{name}</rim:Classification>'
    )


def write_node(sheet: Sheet, node: str) -> str:
    """Return a rim:Classification by node: a label."""
    return (
        f'<rim:Classification classificationNode="{node}" classifiedObject="{sheet.id}"'
        f' id="{sheet.next_id()}" objectType="{EbRimType.CLASSIFICATION}"/>'
    )


def write_identifier(sheet: Sheet, scheme: str, value: str, name: str) -> str:
    """Return a rim:ExternalIdentifier; `value` is escaped already."""
    return (
        f'<rim:ExternalIdentifier id="{sheet.next_id()}" identificationScheme="{scheme}"'
        f' objectType="{EbRimType.EXTERNAL_IDENTIFIER}" registryObject="{sheet.id}"'
        f' value="{value}"><rim:Name><rim:LocalizedString value="{name}"/></rim:Name>'
        "</rim:ExternalIdentifier>"
    )
