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
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from lxml.etree import _Element

from ihe.datatypes import LanguageCode
from ihe.ebxml.namespaces import readable
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
_DEFAULT_LANG: Final = "en-US"
_CONTENT_VERSION_INFO: Final = f"{{{RIM}}}ContentVersionInfo"
_NESTED_LIST: Final = f"{{{RIM}}}RegistryObjectList"
_SINGLE: Final = frozenset({NAME, DESCRIPTION, VERSION_INFO})


# --- reading -------------------------------------------------------------------------------------


def tag_of(element: _Element) -> str:
    """Return the Clark name of an element; '' for a comment or processing instruction."""
    tag = element.tag
    return tag if isinstance(tag, str) else ""


def local_name(element: _Element) -> str:
    """Return the name of an element without its namespace."""
    return tag_of(element).rpartition("}")[2]


def named(element: _Element) -> str:
    """Return what problems call an element: `Classification[its id]`, `Slot[its name]`."""
    own = element.get("id") or element.get("name")
    return f"{local_name(element)}[{own}]" if own else local_name(element)


def problem(rule: str, context: str, location: str) -> RegistryError:
    """Return a structural fault: the rule that it breaks, what was found and expected, where."""
    return registry_error(ErrorCode.REGISTRY_METADATA, context, location, rule=rule)


def unexpected(tag: str) -> str:
    """Return what is said of an element that stands where nothing like it may."""
    return f"found {readable(tag)}, expected none here"


def read_slot(slot: _Element) -> tuple[tuple[str, ...], str]:
    """Return the values of a Slot, text untouched, and what is wrong with its shape.

    The latter is '' for one list of Values. For anything else the values are not all that the Slot
    holds.
    """
    values: list[str] = []
    fault = ""
    lists = 0
    for listed in slot:
        lists += 1
        if listed.tag != VALUE_LIST:
            fault = f"found {readable(tag_of(listed))} in the Slot, expected a ValueList"
            continue
        for value in listed:
            if value.tag != VALUE:
                fault = f"found {readable(tag_of(value))} in the ValueList, expected Values alone"
                continue
            values.append(value.text or "")
            if len(value):
                fault = f"found {readable(tag_of(value[0]))} in a Value, expected a text alone"
    if lists > 1:
        fault = f"found {lists} elements in the Slot, expected one ValueList"
    return tuple(values), fault


class Source:
    """An element that is read, sorted by kind of child.

    Parameters
    ----------
    element
        ExtrinsicObject, RegistryPackage, Association or Classification.
    path
        How problems call it, such as `ExtrinsicObject[Document01]`.
    problems
        Where structural faults are put.
    """

    __slots__ = (
        "_singles",
        "description",
        "element",
        "id",
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
        self.id = element.get("id", "").strip()
        self.slots: dict[str, tuple[str, ...]] = {}
        self.name: LocalizedString | None = None
        self.description: LocalizedString | None = None
        self.version: str | None = None
        self.schemes: dict[str, list[_Element]] = {}
        self.nodes: list[str] = []
        self.identifiers: dict[str, list[_Element]] = {}
        self._singles: set[str] = set()
        for child in element:
            self._sort(child)

    def _sort(self, child: _Element) -> None:
        tag = child.tag
        if tag == SLOT:
            self._slot(child)
        elif tag == CLASSIFICATION:
            self._classification(child)
        elif tag == EXTERNAL_IDENTIFIER:
            self._helps(child, "registryObject", EbRimType.EXTERNAL_IDENTIFIER)
            scheme = child.get("identificationScheme", "")
            self.identifiers.setdefault(scheme, []).append(child)
        elif tag in _SINGLE:
            self._single(child)
        elif tag == _NESTED_LIST and not len(child):
            pass  # the schema allows it, and it says nothing
        elif tag != _CONTENT_VERSION_INFO and (found := tag_of(child)):
            self.report("A2", unexpected(found), local_name(child))

    def _single(self, child: _Element) -> None:
        """Take what an object has at most once."""
        name = local_name(child)
        if name in self._singles:
            self.report("A2", f"found a second {name}, expected at most one", name)
            return
        self._singles.add(name)
        if child.tag == NAME:
            self.name = self.localized(child, name)
        elif child.tag == DESCRIPTION:
            self.description = self.localized(child, name)
        else:
            self.version = child.get("versionName")

    def report(self, rule: str, context: str, where: str = "") -> None:
        """Put down a structural fault; `where` is a place inside the element."""
        location = f"{self.path}/{where}" if where else self.path
        self.problems.append(problem(rule, context, location))

    def refuse(self, child: _Element, where: str = "") -> None:
        """Put down that a child is not kept, because the Framework has no place for it.

        Names and descriptions without a text, and versions, say nothing: some software writes
        them on everything.
        """
        if child.tag in {NAME, DESCRIPTION}:
            if self.localized(child, where) is None:
                return
        elif child.tag == VERSION_INFO or not tag_of(child):
            return
        context = f"found {readable(tag_of(child))}, which is not kept, expected none here"
        self.report("B21b", context, f"{where}/{named(child)}" if where else named(child))

    def _slot(self, element: _Element) -> None:
        name = element.get("name", "")
        values = self.values_of(element)
        if not name:
            self.report("B20", "found a Slot without a name, expected one", "Slot")
        if not values:
            self.report("C10", "found no Value, expected at least one", f"Slot[{name}]")
        elif "" in values:
            self.report("C10", "found an empty Value, expected a text", f"Slot[{name}]")
        if name in self.slots:
            context = f"found the Slot '{name}' more than once, expected it once"
            self.report("B20", context, f"Slot[{name}]")
        else:
            self.slots[name] = values

    def values_of(self, slot: _Element, where: str = "") -> tuple[str, ...]:
        """Return the values of a Slot; `where` is what it stands in."""
        values, fault = read_slot(slot)
        if fault:
            self.report("A2", fault, f"{where}/{named(slot)}" if where else named(slot))
        return values

    def _classification(self, element: _Element) -> None:
        self._helps(element, "classifiedObject", EbRimType.CLASSIFICATION)
        node, scheme = element.get("classificationNode"), element.get("classificationScheme")
        if scheme and not node:
            self.schemes.setdefault(scheme, []).append(element)
        elif node and not scheme:
            self.nodes.append(node)
            for child in element:
                self.refuse(child, named(element))
        else:
            found = "both" if node else "neither"
            context = f"found {found}, expected one of classificationNode and classificationScheme"
            self.report("B19", context, named(element))

    def _helps(self, helper: _Element, attribute: str, expected: EbRimType) -> None:
        """Report a helper that is about another object than the one it stands in, or no helper."""
        object_type = helper.get("objectType")
        if object_type and object_type.strip() != expected:
            context = f"found '{object_type}', expected '{expected}' or none"
            self.report("B18b", context, f"{named(helper)}/@objectType")
        about = helper.get(attribute, "").strip()
        if about != self.id:
            found = f"'{about}'" if about else f"no {attribute}"
            context = f"found {found}, expected the id of the object around it, '{self.id}'"
            self.report("B18", context, f"{named(helper)}/@{attribute}")

    def only_name(self, names: list[_Element], where: str) -> LocalizedString | None:
        """Return the text of the one Name among the children of `where`; None when it has none."""
        if len(names) > 1:
            self.report("A2", f"found {len(names)} Names, expected at most one", f"{where}/Name")
        return self.localized(names[0], f"{where}/Name") if names else None

    def localized(self, element: _Element, where: str) -> LocalizedString | None:
        """Return the text of a Name or Description, in all its languages; None when it is empty."""
        texts = [
            LocalizedString(value, self._language(child, where), child.get("charset"))
            for child in element
            if child.tag == LOCALIZED_STRING and (value := child.get("value"))
        ]
        if len(texts) <= 1:
            return texts[0] if texts else None
        languages = [(text.lang or _DEFAULT_LANG).lower() for text in texts]
        for language in sorted({each for each in languages if languages.count(each) > 1}):
            context = f"found {languages.count(language)} texts in {language}, expected one"
            self.report("C10b", context, where)
        return replace(texts[0], others=tuple(texts[1:]))

    def _language(self, string: _Element, where: str) -> str | None:
        """Return the language of a text; None for what is none, and would break every answer."""
        language = string.get(_LANG)
        if not language:
            return language
        tag = LanguageCode(language.strip())
        if problem := tag.problem:
            self.report("C10c", problem, f"{where}/LocalizedString/@xml:lang")
            return None
        return str(tag)


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
    object's own. Helpers of an object with a symbolic id have symbolic ids, of a form that a
    sender is not likely to use for an object.
    """
    if not entry_uuid.startswith("urn:uuid:"):
        symbolic = a(entry_uuid)
        return lambda position: f"{symbolic}.helper.{position}"
    digits = hashlib.sha1(entry_uuid.encode(), usedforsecurity=False).hexdigest()
    # a UUID of version 5: made from the SHA-1 of a name, and counted up
    head = f"urn:uuid:{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-8{digits[17:20]}-{digits[20:28]}"
    tail = int(digits[28:32], 16)
    return lambda position: f"{head}{(tail + position) & 0xFFFF:04x}"


def write_slot(name: str, values: Iterable[str]) -> str:
    """Return a rim:Slot; `name` is escaped already."""
    listed = "".join([f"<rim:Value>{t(value)}</rim:Value>" for value in values])
    return f'<rim:Slot name="{name}"><rim:ValueList>{listed}</rim:ValueList></rim:Slot>'


def write_localized(tag: str, value: LocalizedString) -> str:
    """Return a rim:Name or rim:Description."""
    strings = "".join([_localized_string(each) for each in (value, *value.others)])
    return f"<rim:{tag}>{strings}</rim:{tag}>"


def _localized_string(value: LocalizedString) -> str:
    lang = f' xml:lang="{a(value.lang)}"' if value.lang is not None else ""
    charset = f' charset="{a(value.charset)}"' if value.charset is not None else ""
    return f'<rim:LocalizedString{lang}{charset} value="{a(value.value)}"/>'


def write_classification(
    sheet: Sheet, scheme: str, representation: str, *, slots: str, name: str
) -> str:
    """Return a rim:Classification by scheme."""
    return (
        f'<rim:Classification classificationScheme="{scheme}" classifiedObject="{sheet.id}"'
        f' id="{sheet.next_id()}" nodeRepresentation="{a(representation)}"'
        f"{_IS_CLASSIFICATION}>{slots}{name}</rim:Classification>"
    )


def write_node(sheet: Sheet, node: str) -> str:
    """Return a rim:Classification by node: a label."""
    return (
        f'<rim:Classification classificationNode="{node}" classifiedObject="{sheet.id}"'
        f' id="{sheet.next_id()}"{_IS_CLASSIFICATION}/>'
    )


def write_identifier(sheet: Sheet, scheme: str, value: str, name: str) -> str:
    """Return a rim:ExternalIdentifier."""
    return (
        f'<rim:ExternalIdentifier id="{sheet.next_id()}" identificationScheme="{scheme}"'
        f'{_IS_IDENTIFIER} registryObject="{sheet.id}" value="{a(value)}">'
        f'<rim:Name><rim:LocalizedString value="{name}"/></rim:Name></rim:ExternalIdentifier>'
    )


_IS_CLASSIFICATION: Final = f' objectType="{EbRimType.CLASSIFICATION}"'
_IS_IDENTIFIER: Final = f' objectType="{EbRimType.EXTERNAL_IDENTIFIER}"'
