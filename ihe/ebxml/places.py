"""The places where a metadata attribute can stand in ebRIM, each for reading and writing.

A `Place` takes an attribute out of a `Source` and puts it on a `Sheet`.

```text
place             ebRIM                                             ITI TF-3
XmlAttribute      an attribute of the element itself                4.2.3.2
OneSlot, Slots    a Slot with one Value, or with many               4.2.3.1.6
Texts             a Slot with texts for people
OneCode, Codes    Classifications of one scheme                     4.2.3.1.2
Authors           author Classifications                            4.2.3.1.4
OneIdentifier     an ExternalIdentifier                             4.2.3.1.3
Label             a Classification by node, present or not          4.2.3.1.10
NameText …        Name, Description, VersionInfo
ExtraSlots        every Slot that the table does not name           4.2.3.1.6
```

Values that have a grammar lose the blanks around them, which come from indentation; texts for
people stay as they are. An empty value is an absent one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from ihe.ebxml.element import (
    NAME,
    Sheet,
    Source,
    write_identifier,
    write_localized,
    write_node,
    write_slot,
)
from ihe.ebxml.text import attribute as a
from ihe.model import LocalizedString, Slot
from ihe.vocabulary import (
    ASSOCIATION_DOCUMENTATION,
    DocumentEntryScheme,
    FolderScheme,
    SubmissionSetScheme,
)

V = TypeVar("V")


SCHEMES: Final[Mapping[str, str]] = {
    ASSOCIATION_DOCUMENTATION: "Association documentation",
    **{
        str(scheme): f"XDS{kind}.{first.lower()}{rest.title().replace('_', '')}"
        for kind, schemes in (
            ("DocumentEntry", DocumentEntryScheme),
            ("SubmissionSet", SubmissionSetScheme),
            ("Folder", FolderScheme),
        )
        for scheme in schemes
        for first, _, rest in (scheme.name.partition("_"),)
    },
}
"""The Framework's name, such as XDSDocumentEntry.classCode, by UUID of the scheme."""


class Place(Protocol[V]):
    """Where one attribute stands."""

    def take(self, source: Source) -> V:
        """Return the attribute's value; what is wrong around it goes to `source.problems`."""
        ...

    def put(self, sheet: Sheet, value: V) -> None:
        """Write the value; an absent one (None, empty, False) writes nothing."""
        ...


def one_of(known: type[V]) -> Callable[[str], V | str]:
    """Return what makes a member of an enumeration, or leaves an unknown text as it is."""
    members: dict[str, V] = {str(member): member for member in known}  # type: ignore[attr-defined]  # an Enum
    return lambda text: members.get(text, text)


# --- attributes and texts ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class XmlAttribute(Generic[V]):
    """An XML attribute of the element."""

    name: str
    make: Callable[[str], V]

    def take(self, source: Source) -> V | None:
        """Return the attribute, None when it is absent or empty."""
        value = source.element.get(self.name, "").strip()
        return self.make(value) if value else None

    def put(self, sheet: Sheet, value: V | None) -> None:
        """Write `name="value"`."""
        if value is not None:
            sheet.head.append(f' {self.name}="{a(str(value))}"')


@dataclass(frozen=True, slots=True)
class RequiredAttribute(Generic[V]):
    """An XML attribute that the object cannot be thought of without; '' when it is absent.

    `rule` is the one that its absence breaks; None when the rules on values tell it.
    """

    name: str
    make: Callable[[str], V]
    rule: str | None = None

    def take(self, source: Source) -> V:
        """Return the attribute."""
        value = source.element.get(self.name, "").strip()
        if not value and self.rule is not None:
            context = f"found no {self.name}, expected one"
            source.report(self.rule, context, f"@{self.name}")
        return self.make(value)

    def put(self, sheet: Sheet, value: V) -> None:
        """Write `name="value"`."""
        sheet.head.append(f' {self.name}="{a(str(value))}"')


class EntryUuid:
    """The id of the object."""

    def take(self, source: Source) -> str:
        """Return the id."""
        return source.id

    def put(self, sheet: Sheet, value: str) -> None:
        """Do nothing: the sheet was made with the id."""


class NameText:
    """rim:Name."""

    def take(self, source: Source) -> LocalizedString | None:
        """Return the name."""
        return source.name

    def put(self, sheet: Sheet, value: LocalizedString | None) -> None:
        """Write the name."""
        if value is not None:
            sheet.name = write_localized("Name", value)


class DescriptionText:
    """rim:Description."""

    def take(self, source: Source) -> LocalizedString | None:
        """Return the description."""
        return source.description

    def put(self, sheet: Sheet, value: LocalizedString | None) -> None:
        """Write the description."""
        if value is not None:
            sheet.description = write_localized("Description", value)


class Version:
    """rim:VersionInfo/@versionName (Metadata Update 4.2.3.2.32)."""

    def take(self, source: Source) -> str | None:
        """Return the version's number as text."""
        return source.version

    def put(self, sheet: Sheet, value: str | None) -> None:
        """Write the version."""
        if value is not None:
            sheet.version = f'<rim:VersionInfo versionName="{a(value)}"/>'


# --- Slots ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OneSlot(Generic[V]):
    """A Slot with exactly one Value.

    `also` is another spelling of its name that is understood; `rule` is broken by more Values.
    """

    name: str
    make: Callable[[str], V]
    also: str = ""
    rule: str = "C3"

    def take(self, source: Source) -> V | None:
        """Return the value, the first when there are several."""
        values = source.slots.get(self.name, ())
        if self.also:
            values += source.slots.get(self.also, ())
        if not values:
            return None
        if len(values) > 1:
            found = f"found {len(values)} Values, expected exactly one"
            source.report(self.rule, found, f"Slot[{self.name}]")
        value = values[0].strip()
        return self.make(value) if value else None

    def write(self, value: V | None) -> str:
        """Return the Slot; '' when there is no value."""
        return "" if value is None else write_slot(self.name, (str(value),))

    def put(self, sheet: Sheet, value: V | None) -> None:
        """Write the Slot."""
        sheet.slots.append(self.write(value))


@dataclass(frozen=True, slots=True)
class Slots(Generic[V]):
    """A Slot with any number of Values."""

    name: str
    make: Callable[[str], V]

    def take(self, source: Source) -> tuple[V, ...]:
        """Return the values."""
        values = source.slots.get(self.name, ())
        return tuple([self.make(value) for each in values if (value := each.strip())])

    def write(self, value: tuple[V, ...]) -> str:
        """Return the Slot; '' when there is no value."""
        return write_slot(self.name, map(str, value)) if value else ""

    def put(self, sheet: Sheet, value: tuple[V, ...]) -> None:
        """Write the Slot."""
        sheet.slots.append(self.write(value))


@dataclass(frozen=True, slots=True)
class Texts:
    """A Slot with any number of texts for people, which keep the blanks around them."""

    name: str

    def take(self, source: Source) -> tuple[str, ...]:
        """Return the texts."""
        return tuple([text for text in source.slots.get(self.name, ()) if text])

    def write(self, value: tuple[str, ...]) -> str:
        """Return the Slot; '' when there is no text."""
        return write_slot(self.name, value) if value else ""

    def put(self, sheet: Sheet, value: tuple[str, ...]) -> None:
        """Write the Slot."""
        sheet.slots.append(self.write(value))


@dataclass(frozen=True, slots=True)
class ExtraSlots:
    """Every Slot that the Framework does not define for this object."""

    defined: frozenset[str]

    def take(self, source: Source) -> tuple[Slot, ...]:
        """Return the Slots that are left, in their order."""
        return tuple(
            [
                Slot(name, values)
                for name, values in source.slots.items()
                if name not in self.defined
            ]
        )

    def put(self, sheet: Sheet, value: tuple[Slot, ...]) -> None:
        """Write the Slots as they are."""
        sheet.slots += [write_slot(a(slot.name), slot.values) for slot in value]


# --- labels and ExternalIdentifiers --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Label:
    """A Classification by node that is there or not."""

    node: str

    def take(self, source: Source) -> bool:
        """Tell whether the label is there."""
        return self.node in source.nodes

    def put(self, sheet: Sheet, value: bool) -> None:  # the value of a Place
        """Write the label."""
        if value:
            sheet.classifications.append(write_node(sheet, self.node))


@dataclass(frozen=True, slots=True)
class OneIdentifier(Generic[V]):
    """An ExternalIdentifier, whose Name is the Framework's name of it (ITI TF-3 4.2.3.1.3)."""

    scheme: str
    make: Callable[[str], V]

    @property
    def label(self) -> str:
        """The Framework's name, such as XDSDocumentEntry.patientId."""
        return SCHEMES[self.scheme]

    def take(self, source: Source) -> V | None:
        """Return the value, the first when there are several."""
        found = source.identifiers.get(self.scheme)
        if not found:
            return None
        if len(found) > 1:
            context = f"found {len(found)} of them, expected at most one"
            source.report("C6", context, f"ExternalIdentifier[{self.label}]")
        first, where = found[0], f"ExternalIdentifier[{self.label}]"
        for child in first:
            if child.tag != NAME:
                source.refuse(child, where)
        name = source.only_name([child for child in first if child.tag == NAME], where)
        texts = () if name is None else (name, *name.others)
        if self.label not in [each.value for each in texts]:
            said = f"the Name '{name.value}'" if name else "no Name"
            context = f"found {said}, expected '{self.label}'"
            source.report("C9", context, f"{where}/Name")
        return self.make(first.get("value", "").strip())

    def put(self, sheet: Sheet, value: V | None) -> None:
        """Write the ExternalIdentifier."""
        if value is not None:
            sheet.identifiers.append(write_identifier(sheet, self.scheme, str(value), self.label))
