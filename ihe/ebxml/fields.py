"""Which place each metadata attribute has in ebRIM: one line for reading and writing together.

There is one table for each kind of object, from the fields of `ihe.model` to the places of
`ihe.ebxml.places`. To add an attribute, add the field and its line; a test names a field that has
none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from ihe.datatypes import (
    CX,
    DTM,
    OID,
    SHA1,
    XCN,
    CXi,
    Field,
    HomeCommunityId,
    Identifier,
    LanguageCode,
    MimeType,
    Recipient,
)
from ihe.ebxml.classifications import Authors, Codes, OneCode
from ihe.ebxml.places import (
    DescriptionText,
    EntryUuid,
    ExtraSlots,
    Label,
    NameText,
    OneIdentifier,
    OneSlot,
    Place,
    RequiredAttribute,
    Slots,
    Version,
    XmlAttribute,
    one_of,
)
from ihe.model import Association, DocumentEntry, Folder, RegistryObject, SubmissionSet
from ihe.vocabulary import (
    ASSOCIATION_DOCUMENTATION,
    AssociationType,
    DocumentAvailability,
    DocumentEntryScheme,
    DocumentEntryType,
    EbRimType,
    FolderScheme,
    Node,
    SlotName,
    Status,
    SubmissionSetScheme,
    SubmissionSetStatus,
)

T = TypeVar("T", bound=RegistryObject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Generic[T]):
    """How one kind of object stands in ebRIM.

    Parameters
    ----------
    kind, tag
        The class of the objects, and the local name of their element.
    object_type
        The fixed objectType of the element; '' where it is an attribute of the metadata.
    label
        The node that tells what a RegistryPackage is; None for other elements.
    places
        Place of each field, in the order in which the fields are written.
    schemes, nodes
        What the places look at, and the label.
    """

    kind: type[T]
    tag: str
    object_type: str
    label: Node | None
    places: Mapping[str, Place[Any]]
    schemes: frozenset[str]
    nodes: frozenset[str]


def _shape(
    kind: type[T],
    tag: str,
    places: dict[str, Any],
    *,
    object_type: str = "",
    label: Node | None = None,
) -> Shape[T]:
    """Return a shape, with the field `extra` for the Slots that no place looks at."""
    names: set[str] = set()
    schemes: set[str] = set()
    nodes = {str(label)} if label is not None else set()
    for place in places.values():
        match place:
            case OneSlot():
                names |= {place.name, place.also}
            case Slots():
                names.add(place.name)
            case OneCode() | Codes() | Authors() | OneIdentifier():
                schemes.add(place.scheme)
            case Label():
                nodes.add(place.node)
            case _:
                pass
    return Shape(
        kind=kind,
        tag=tag,
        object_type=object_type,
        label=label,
        places={**places, "extra": ExtraSlots(frozenset(filter(None, names)))},
        schemes=frozenset(schemes),
        nodes=frozenset(nodes),
    )


_DE, _SS, _FD = DocumentEntryScheme, SubmissionSetScheme, FolderScheme

DOCUMENT_ENTRY: Final = _shape(
    DocumentEntry,
    "ExtrinsicObject",
    {
        "entry_uuid": EntryUuid(),
        "home_community_id": XmlAttribute("home", HomeCommunityId),
        "logical_id": XmlAttribute("lid", str),
        "mime_type": XmlAttribute("mimeType", MimeType),
        "object_type": RequiredAttribute("objectType", one_of(DocumentEntryType), "C1"),
        "availability_status": XmlAttribute("status", one_of(Status)),
        "creation_time": OneSlot(SlotName.CREATION_TIME, DTM),
        "document_availability": OneSlot(
            SlotName.DOCUMENT_AVAILABILITY, one_of(DocumentAvailability)
        ),
        "hash": OneSlot(SlotName.HASH, SHA1),
        "language_code": OneSlot(SlotName.LANGUAGE_CODE, LanguageCode),
        "legal_authenticator": OneSlot(SlotName.LEGAL_AUTHENTICATOR, XCN),
        "reference_ids": Slots(SlotName.REFERENCE_ID_LIST, CXi),
        "repository_unique_id": OneSlot(SlotName.REPOSITORY_UNIQUE_ID, OID),
        "service_start_time": OneSlot(SlotName.SERVICE_START_TIME, DTM),
        "service_stop_time": OneSlot(SlotName.SERVICE_STOP_TIME, DTM),
        "size": OneSlot(SlotName.SIZE, str),
        "source_patient_id": OneSlot(SlotName.SOURCE_PATIENT_ID, CX),
        "source_patient_info": Slots(SlotName.SOURCE_PATIENT_INFO, Field),
        "uri": OneSlot(SlotName.URI, str),
        "title": NameText(),
        "comments": DescriptionText(),
        "version": Version(),
        "authors": Authors(_DE.AUTHOR),
        "class_code": OneCode(_DE.CLASS_CODE, "C1"),
        "confidentiality_codes": Codes(_DE.CONFIDENTIALITY_CODE),
        "event_codes": Codes(_DE.EVENT_CODE_LIST),
        "format_code": OneCode(_DE.FORMAT_CODE, "C1"),
        "healthcare_facility_type_code": OneCode(_DE.HEALTHCARE_FACILITY_TYPE_CODE, "C1"),
        "practice_setting_code": OneCode(_DE.PRACTICE_SETTING_CODE, "C1"),
        "type_code": OneCode(_DE.TYPE_CODE, "C1"),
        "limited_metadata": Label(Node.LIMITED_DOCUMENT_ENTRY),
        "patient_id": OneIdentifier(_DE.PATIENT_ID, CX),
        "unique_id": OneIdentifier(_DE.UNIQUE_ID, Identifier),
    },
)
"""DocumentEntry (ITI TF-3 Table 4.2.3.2-1)."""

SUBMISSION_SET: Final = _shape(
    SubmissionSet,
    "RegistryPackage",
    {
        "entry_uuid": EntryUuid(),
        "home_community_id": XmlAttribute("home", HomeCommunityId),
        "logical_id": XmlAttribute("lid", str),
        "availability_status": XmlAttribute("status", one_of(Status)),
        "intended_recipients": Slots(SlotName.INTENDED_RECIPIENT, Recipient),
        "submission_time": OneSlot(SlotName.SUBMISSION_TIME, DTM),
        "title": NameText(),
        "comments": DescriptionText(),
        "version": Version(),
        "authors": Authors(_SS.AUTHOR),
        "content_type_code": OneCode(_SS.CONTENT_TYPE_CODE, "C4"),
        "limited_metadata": Label(Node.LIMITED_SUBMISSION_SET),
        "patient_id": OneIdentifier(_SS.PATIENT_ID, CX),
        "source_id": OneIdentifier(_SS.SOURCE_ID, OID),
        "unique_id": OneIdentifier(_SS.UNIQUE_ID, OID),
    },
    object_type=EbRimType.REGISTRY_PACKAGE,
    label=Node.SUBMISSION_SET,
)
"""SubmissionSet (ITI TF-3 Table 4.2.3.3-1)."""

FOLDER: Final = _shape(
    Folder,
    "RegistryPackage",
    {
        "entry_uuid": EntryUuid(),
        "home_community_id": XmlAttribute("home", HomeCommunityId),
        "logical_id": XmlAttribute("lid", str),
        "availability_status": XmlAttribute("status", one_of(Status)),
        "last_update_time": OneSlot(SlotName.LAST_UPDATE_TIME, DTM),
        "title": NameText(),
        "comments": DescriptionText(),
        "version": Version(),
        "codes": Codes(_FD.CODE_LIST),
        "limited_metadata": Label(Node.LIMITED_FOLDER),
        "patient_id": OneIdentifier(_FD.PATIENT_ID, CX),
        "unique_id": OneIdentifier(_FD.UNIQUE_ID, OID),
    },
    object_type=EbRimType.REGISTRY_PACKAGE,
    label=Node.FOLDER,
)
"""Folder (ITI TF-3 Table 4.2.3.4-1)."""

ASSOCIATION: Final = _shape(
    Association,
    "Association",
    {
        "entry_uuid": EntryUuid(),
        "home_community_id": XmlAttribute("home", HomeCommunityId),
        "logical_id": XmlAttribute("lid", str),
        "type": RequiredAttribute("associationType", one_of(AssociationType)),
        "source": RequiredAttribute("sourceObject", str),
        "target": RequiredAttribute("targetObject", str),
        "availability_status": XmlAttribute("status", one_of(Status)),
        "submission_set_status": OneSlot(
            SlotName.SUBMISSION_SET_STATUS, one_of(SubmissionSetStatus)
        ),
        "previous_version": OneSlot(SlotName.PREVIOUS_VERSION, str),
        "original_status": OneSlot(SlotName.ORIGINAL_STATUS, one_of(Status)),
        "new_status": OneSlot(SlotName.NEW_STATUS, one_of(Status)),
        "association_propagation": OneSlot(
            # RMU 3.92.4.1.2 prints the name with a small letter once
            SlotName.ASSOCIATION_PROPAGATION,
            str,
            also="associationPropagation",
        ),
        "version": Version(),
        "documentation": OneCode(ASSOCIATION_DOCUMENTATION, "B14"),
    },
    object_type=EbRimType.ASSOCIATION,
)
"""Association (ITI TF-3 4.2.2)."""

SHAPES: Final[Mapping[type[RegistryObject], Shape[Any]]] = {
    each.kind: each for each in (DOCUMENT_ENTRY, SUBMISSION_SET, FOLDER, ASSOCIATION)
}
"""By class of the model."""
