"""Where each metadata attribute stands in ebRIM: one line for reading and writing together.

A `Place` takes an attribute out of a `Source` and puts it on a `Sheet`. The tables at the end give
each field of the model its place; to add an attribute, add the field and its line.

```text
place             ebRIM                                             ITI TF-3
XmlAttribute      an attribute of the element itself                4.2.3.2
OneSlot, Slots    a Slot with one Value, or with many               4.2.3.1.6
OneCode, Codes    Classifications of one scheme                     4.2.3.1.2
Authors           author Classifications                            4.2.3.1.4
OneIdentifier     an ExternalIdentifier                             4.2.3.1.3
Label             a Classification by node, present or not          4.2.3.1.10
NameText …        Name, Description, VersionInfo
ExtraSlots        every Slot that the table does not name           4.2.3.1.6
```
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from lxml.etree import _Element

from ihe.datatypes import (
    CX,
    DTM,
    OID,
    SHA1,
    XCN,
    XON,
    XTN,
    CXi,
    Field,
    HomeCommunityId,
    Identifier,
    LanguageCode,
    MimeType,
    Recipient,
)
from ihe.ebxml.element import (
    NAME,
    SLOT,
    Sheet,
    Source,
    slot_values,
    write_classification,
    write_identifier,
    write_localized,
    write_node,
    write_slot,
)
from ihe.ebxml.text import attribute as a
from ihe.model import Author, Code, LocalizedString, Slot
from ihe.vocabulary import (
    ASSOCIATION_DOCUMENTATION,
    AssociationType,
    DocumentAvailability,
    DocumentEntryScheme,
    DocumentEntryType,
    FolderScheme,
    Node,
    SlotName,
    Status,
    SubmissionSetScheme,
    SubmissionSetStatus,
)

V = TypeVar("V")


class Place(Protocol[V]):
    """Where one attribute stands."""

    def take(self, source: Source) -> V:
        """Return the attribute's value; what is wrong around it goes to `source.problems`."""
        ...

    def put(self, sheet: Sheet, value: V) -> None:
        """Write the value; an absent one (None, empty, False) writes nothing."""
        ...


def trimmed(make: Callable[[str], V]) -> Callable[[str], V]:
    """Return `make` for texts that blanks around them can't belong to."""
    return lambda text: make(text.strip())


def one_of(known: type[V]) -> Callable[[str], V | str]:
    """Return what makes a member of an enumeration, or leaves an unknown text as it is."""
    members: dict[str, V] = {str(member): member for member in known}  # type: ignore[attr-defined]  # an Enum

    def make(text: str) -> V | str:
        stripped = text.strip()
        return members.get(stripped, stripped)

    return make


# --- attributes and texts ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class XmlAttribute(Generic[V]):
    """An XML attribute of the element."""

    name: str
    make: Callable[[str], V]

    def take(self, source: Source) -> V | None:
        """Return the attribute, None when it is absent or empty."""
        value = source.element.get(self.name)
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
        value = source.element.get(self.name, "")
        if not value and self.rule is not None:
            source.report(
                self.rule, f"the attribute {self.name} is missing, expected once", f"@{self.name}"
            )
        return self.make(value)

    def put(self, sheet: Sheet, value: V) -> None:
        """Write `name="value"`."""
        sheet.head.append(f' {self.name}="{a(str(value))}"')


class EntryUuid:
    """The id of the object: handled by whoever makes source and sheet."""

    def take(self, source: Source) -> str:
        """Return the id."""
        return source.element.get("id", "")

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
    """A Slot with exactly one Value."""

    name: str
    make: Callable[[str], V]

    def take(self, source: Source) -> V | None:
        """Return the value, the first when there are several."""
        values = source.slots.get(self.name)
        if not values:
            return None
        if len(values) > 1:
            found = f"{len(values)} Values, exactly one is expected"
            source.report("C3", found, f"Slot[{self.name}]")
        return self.make(values[0])

    def put(self, sheet: Sheet, value: V | None) -> None:
        """Write the Slot."""
        if value is not None:
            sheet.slots.append(write_slot(self.name, (str(value),)))


@dataclass(frozen=True, slots=True)
class Slots(Generic[V]):
    """A Slot with any number of Values."""

    name: str
    make: Callable[[str], V]

    def take(self, source: Source) -> tuple[V, ...]:
        """Return the values."""
        return tuple(map(self.make, source.slots.get(self.name, ())))

    def put(self, sheet: Sheet, value: tuple[V, ...]) -> None:
        """Write the Slot, if there is a value."""
        if value:
            sheet.slots.append(write_slot(self.name, map(str, value)))


@dataclass(frozen=True, slots=True)
class ExtraSlots:
    """Every Slot that the Framework does not define for this object."""

    defined: frozenset[str]

    def take(self, source: Source) -> tuple[Slot, ...]:
        """Return the Slots that are left, in their order."""
        return tuple(
            Slot(name, values) for name, values in source.slots.items() if name not in self.defined
        )

    def put(self, sheet: Sheet, value: tuple[Slot, ...]) -> None:
        """Write the Slots as they are."""
        sheet.slots += [write_slot(slot.name, slot.values) for slot in value]


# --- Classifications -----------------------------------------------------------------------------


def _classifications(source: Source, scheme: str) -> list[_Element]:
    """Return the Classifications of one scheme; report those that classify something else."""
    found = source.schemes.get(scheme, [])
    own = source.element.get("id", "")
    for element in found:
        if (classified := element.get("classifiedObject")) != own:
            source.report(
                "B18",
                f"classifiedObject is '{classified}', expected '{own}', the object around it",
                f"Classification[{element.get('id', '')}]/@classifiedObject",
            )
    return found


def _read_code(source: Source, element: _Element) -> Code:
    where = f"Classification[{element.get('id', '')}]"
    schemes: list[str] = []
    display = None
    for child in element:
        if child.tag == SLOT and child.get("name") == SlotName.CODING_SCHEME:
            schemes += slot_values(child)
        elif child.tag == NAME:
            display = source.localized(child, f"{where}/Name")
    if len(schemes) != 1:
        source.report(
            "C7",
            f"the Slot codingScheme has {len(schemes)} Values, exactly one is expected",
            where,
        )
    return Code(
        element.get("nodeRepresentation", ""), schemes[0].strip() if schemes else "", display
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
        return tuple(
            _read_code(source, element) for element in _classifications(source, self.scheme)
        )

    def put(self, sheet: Sheet, value: tuple[Code, ...]) -> None:
        """Write one Classification for each code."""
        for code in value:
            _write_code(sheet, self.scheme, code)


@dataclass(frozen=True, slots=True)
class OneCode:
    """A coded attribute with at most one value; `rule` is that of how many there may be."""

    scheme: str
    rule: str = "C1"

    def take(self, source: Source) -> Code | None:
        """Return the code, the first when there are several."""
        found = _classifications(source, self.scheme)
        if not found:
            return None
        if len(found) > 1:
            name = _NAMES.get(self.scheme, self.scheme)
            context = f"{len(found)} Classifications of {name}, at most one is expected"
            source.report(self.rule, context, f"Classification[{name}]")
        return _read_code(source, found[0])

    def put(self, sheet: Sheet, value: Code | None) -> None:
        """Write the Classification."""
        if value is not None:
            _write_code(sheet, self.scheme, value)


@dataclass(frozen=True, slots=True)
class Authors:
    """author Classifications (ITI TF-3 4.2.3.1.4)."""

    scheme: str

    def take(self, source: Source) -> tuple[Author, ...]:
        """Return the authors in their order."""
        return tuple(
            self._read(source, element) for element in _classifications(source, self.scheme)
        )

    def _read(self, source: Source, element: _Element) -> Author:
        where = f"Classification[{element.get('id', '')}]"
        if element.get("nodeRepresentation"):
            source.report("C8", "nodeRepresentation of an author is expected to be empty", where)
        inner = Source(element, f"{source.path}/{where}", source.problems)
        persons = inner.slots.get(SlotName.AUTHOR_PERSON, ())
        if len(persons) > 1:
            inner.report(
                "C8", f"{len(persons)} Values, at most one is expected", "Slot[authorPerson]"
            )
        for name in inner.slots.keys() - _AUTHOR_SLOTS:
            expected = ", ".join(sorted(_AUTHOR_SLOTS))
            inner.report("C8", f"no Slot of an author; expected are {expected}", f"Slot[{name}]")
        return Author(
            person=XCN(persons[0]) if persons else None,
            institutions=tuple(map(XON, inner.slots.get(SlotName.AUTHOR_INSTITUTION, ()))),
            roles=inner.slots.get(SlotName.AUTHOR_ROLE, ()),
            specialties=inner.slots.get(SlotName.AUTHOR_SPECIALTY, ()),
            telecommunications=tuple(
                map(XTN, inner.slots.get(SlotName.AUTHOR_TELECOMMUNICATION, ()))
            ),
        )

    def put(self, sheet: Sheet, value: tuple[Author, ...]) -> None:
        """Write one Classification for each author."""
        for author in value:
            slots = [
                write_slot(name, values)
                for name, values in (
                    (SlotName.AUTHOR_PERSON, () if author.person is None else (author.person,)),
                    (SlotName.AUTHOR_INSTITUTION, author.institutions),
                    (SlotName.AUTHOR_ROLE, author.roles),
                    (SlotName.AUTHOR_SPECIALTY, author.specialties),
                    (SlotName.AUTHOR_TELECOMMUNICATION, author.telecommunications),
                )
                if values
            ]
            sheet.classifications.append(
                write_classification(sheet, self.scheme, "", slots="".join(slots), name="")
            )


_AUTHOR_SLOTS: Final = frozenset(
    {
        SlotName.AUTHOR_PERSON,
        SlotName.AUTHOR_INSTITUTION,
        SlotName.AUTHOR_ROLE,
        SlotName.AUTHOR_SPECIALTY,
        SlotName.AUTHOR_TELECOMMUNICATION,
    }
)


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


# --- ExternalIdentifiers -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OneIdentifier(Generic[V]):
    """An ExternalIdentifier; `label` is the fixed text of its Name (ITI TF-3 4.2.3.1.3)."""

    scheme: str
    label: str
    make: Callable[[str], V]

    def take(self, source: Source) -> V | None:
        """Return the value, the first when there are several."""
        found = source.identifiers.get(self.scheme)
        if not found:
            return None
        where = f"ExternalIdentifier[{self.label}]"
        if len(found) > 1:
            source.report("C6", f"{len(found)} of them, at most one is expected", where)
        first = found[0]
        own = source.element.get("id", "")
        if (registered := first.get("registryObject")) != own:
            source.report(
                "B18",
                f"registryObject is '{registered}', expected '{own}', the object around it",
                f"{where}/@registryObject",
            )
        name = first.find(NAME)
        label = source.localized(name, f"{where}/Name") if name is not None else None
        if label is None or label.value != self.label:
            said = f"'{label.value}'" if label else "nothing"
            source.report("C9", f"the Name says {said}, expected '{self.label}'", where)
        return self.make(first.get("value", ""))

    def put(self, sheet: Sheet, value: V | None) -> None:
        """Write the ExternalIdentifier."""
        if value is not None:
            sheet.identifiers.append(
                write_identifier(sheet, self.scheme, a(str(value)), self.label)
            )


# --- the tables ----------------------------------------------------------------------------------

_NAMES: Final = {
    ASSOCIATION_DOCUMENTATION: "Association.documentation",
    **{
        str(member): f"XDS{kind}.{member.name.lower()}"
        for kind, schemes in (
            ("DocumentEntry", DocumentEntryScheme),
            ("SubmissionSet", SubmissionSetScheme),
            ("Folder", FolderScheme),
        )
        for member in schemes
    },
}
_DE, _SS, _FD = DocumentEntryScheme, SubmissionSetScheme, FolderScheme
_TEXT: Final[Callable[[str], str]] = str
_HOME: Final = XmlAttribute("home", trimmed(HomeCommunityId))
_LID: Final = XmlAttribute("lid", trimmed(_TEXT))
_STATUS: Final = XmlAttribute("status", one_of(Status))

Table = Mapping[str, Place[Any]]


def _table(places: dict[str, Any]) -> Table:
    """Return `places`, with the field `extra` for the Slots that none of them names."""
    defined = {place.name for place in places.values() if isinstance(place, OneSlot | Slots)}
    return {**places, "extra": ExtraSlots(frozenset(defined))}


DOCUMENT_ENTRY: Final = _table(
    {
        "entry_uuid": EntryUuid(),
        "home_community_id": _HOME,
        "logical_id": _LID,
        "mime_type": XmlAttribute("mimeType", trimmed(MimeType)),
        "object_type": RequiredAttribute("objectType", one_of(DocumentEntryType), "C1"),
        "availability_status": _STATUS,
        "creation_time": OneSlot(SlotName.CREATION_TIME, trimmed(DTM)),
        "document_availability": OneSlot(
            SlotName.DOCUMENT_AVAILABILITY, one_of(DocumentAvailability)
        ),
        "hash": OneSlot(SlotName.HASH, trimmed(SHA1)),
        "language_code": OneSlot(SlotName.LANGUAGE_CODE, trimmed(LanguageCode)),
        "legal_authenticator": OneSlot(SlotName.LEGAL_AUTHENTICATOR, XCN),
        "reference_ids": Slots(SlotName.REFERENCE_ID_LIST, CXi),
        "repository_unique_id": OneSlot(SlotName.REPOSITORY_UNIQUE_ID, trimmed(OID)),
        "service_start_time": OneSlot(SlotName.SERVICE_START_TIME, trimmed(DTM)),
        "service_stop_time": OneSlot(SlotName.SERVICE_STOP_TIME, trimmed(DTM)),
        "size": OneSlot(SlotName.SIZE, trimmed(_TEXT)),
        "source_patient_id": OneSlot(SlotName.SOURCE_PATIENT_ID, trimmed(CX)),
        "source_patient_info": Slots(SlotName.SOURCE_PATIENT_INFO, Field),
        "uri": OneSlot(SlotName.URI, _TEXT),
        "title": NameText(),
        "comments": DescriptionText(),
        "version": Version(),
        "authors": Authors(_DE.AUTHOR),
        "class_code": OneCode(_DE.CLASS_CODE),
        "confidentiality_codes": Codes(_DE.CONFIDENTIALITY_CODE),
        "event_codes": Codes(_DE.EVENT_CODE_LIST),
        "format_code": OneCode(_DE.FORMAT_CODE),
        "healthcare_facility_type_code": OneCode(_DE.HEALTHCARE_FACILITY_TYPE_CODE),
        "practice_setting_code": OneCode(_DE.PRACTICE_SETTING_CODE),
        "type_code": OneCode(_DE.TYPE_CODE),
        "limited_metadata": Label(Node.LIMITED_DOCUMENT_ENTRY),
        "patient_id": OneIdentifier(_DE.PATIENT_ID, "XDSDocumentEntry.patientId", trimmed(CX)),
        "unique_id": OneIdentifier(_DE.UNIQUE_ID, "XDSDocumentEntry.uniqueId", trimmed(Identifier)),
    }
)
"""rim:ExtrinsicObject (ITI TF-3 Table 4.2.3.2-1)."""

SUBMISSION_SET: Final = _table(
    {
        "entry_uuid": EntryUuid(),
        "home_community_id": _HOME,
        "logical_id": _LID,
        "availability_status": _STATUS,
        "intended_recipients": Slots(SlotName.INTENDED_RECIPIENT, Recipient),
        "submission_time": OneSlot(SlotName.SUBMISSION_TIME, trimmed(DTM)),
        "title": NameText(),
        "comments": DescriptionText(),
        "version": Version(),
        "authors": Authors(_SS.AUTHOR),
        "content_type_code": OneCode(_SS.CONTENT_TYPE_CODE, "C4"),
        "limited_metadata": Label(Node.LIMITED_SUBMISSION_SET),
        "patient_id": OneIdentifier(_SS.PATIENT_ID, "XDSSubmissionSet.patientId", trimmed(CX)),
        "source_id": OneIdentifier(_SS.SOURCE_ID, "XDSSubmissionSet.sourceId", trimmed(OID)),
        "unique_id": OneIdentifier(_SS.UNIQUE_ID, "XDSSubmissionSet.uniqueId", trimmed(OID)),
    }
)
"""rim:RegistryPackage of a SubmissionSet (ITI TF-3 Table 4.2.3.3-1)."""

FOLDER: Final = _table(
    {
        "entry_uuid": EntryUuid(),
        "home_community_id": _HOME,
        "logical_id": _LID,
        "availability_status": _STATUS,
        "last_update_time": OneSlot(SlotName.LAST_UPDATE_TIME, trimmed(DTM)),
        "title": NameText(),
        "comments": DescriptionText(),
        "version": Version(),
        "codes": Codes(_FD.CODE_LIST),
        "limited_metadata": Label(Node.LIMITED_FOLDER),
        "patient_id": OneIdentifier(_FD.PATIENT_ID, "XDSFolder.patientId", trimmed(CX)),
        "unique_id": OneIdentifier(_FD.UNIQUE_ID, "XDSFolder.uniqueId", trimmed(OID)),
    }
)
"""rim:RegistryPackage of a Folder (ITI TF-3 Table 4.2.3.4-1)."""

ASSOCIATION: Final = _table(
    {
        "entry_uuid": EntryUuid(),
        "home_community_id": _HOME,
        "logical_id": _LID,
        "type": RequiredAttribute("associationType", one_of(AssociationType)),
        "source": RequiredAttribute("sourceObject", trimmed(_TEXT)),
        "target": RequiredAttribute("targetObject", trimmed(_TEXT)),
        "availability_status": _STATUS,
        "submission_set_status": OneSlot(
            SlotName.SUBMISSION_SET_STATUS, one_of(SubmissionSetStatus)
        ),
        "previous_version": OneSlot(SlotName.PREVIOUS_VERSION, trimmed(_TEXT)),
        "original_status": OneSlot(SlotName.ORIGINAL_STATUS, one_of(Status)),
        "new_status": OneSlot(SlotName.NEW_STATUS, one_of(Status)),
        "association_propagation": OneSlot(SlotName.ASSOCIATION_PROPAGATION, trimmed(_TEXT)),
        "version": Version(),
        "documentation": OneCode(ASSOCIATION_DOCUMENTATION, "B14"),
    }
)
"""rim:Association (ITI TF-3 4.2.2)."""

SCHEMES: Final[Mapping[str, str]] = _NAMES
"""Framework names of the classification and identification schemes, by UUID."""


def known_schemes(table: Table) -> frozenset[str]:
    """Return the classification and identification schemes that belong on an object."""
    return frozenset(
        place.scheme
        for place in table.values()
        if isinstance(place, OneCode | Codes | Authors | OneIdentifier)
    )
