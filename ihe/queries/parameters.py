"""The parameters of stored queries: what each restricts, and how often it may stand.

Queries share most of them, so each is written down once, under the Framework's own name
(`$XDSDocumentEntryClassCode`), and `ihe.queries.catalogue` puts them together.

References
----------
ITI TF-2 3.18.4.1.2.3.7 (tables of parameters), 3.51.4.1.2; Metadata Update 3.18.4.1.2.3.5.1
($MetadataLevel, $XDSAssociationStatus, logicalID, documentAvailability).
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from ihe.state import Kind


class ParameterType(Enum):
    """What the values of a parameter are, and by that: how they are written and compared."""

    PATIENT_ID = "a patient id, 'id^^^&OID&ISO'"
    STATUS = "a status URN; unknown ones are passed over"
    CODE = "a code with its scheme, 'code^^scheme'"
    TIME_FROM = "a time: the attribute is at or after it"
    TIME_TO = "a time: the attribute is before it"
    PATTERN = "a text with the wildcards % and _"
    TEXT = "a text, compared as a whole"
    ENTRY_UUID = "the UUID of a registry object"
    ASSOCIATION_TYPE = "the URN of a type of association"
    DOCUMENT_ENTRY_TYPE = "the UUID for stable or for on-demand"
    DOCUMENT_AVAILABILITY = "the URN for online or for offline"
    METADATA_LEVEL = "1 or 2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a stored query: a row of the Framework's table.

    Parameters
    ----------
    name
        Of the Slot, with `$`.
    type
        What its values are.
    restricts, attribute
        Which kinds of objects it restricts, and by which attribute of `ihe.attributes`; nothing
        for $MetadataLevel.
    required
        The query needs it.
    many
        It may have several values: any of them.
    repeatable
        Its Slot may be repeated: each of them (the Framework's "AND/OR").
    selects
        It picks the objects that the query starts from, instead of filtering what it returns.
    excludes
        It drops what has one of its values, instead of keeping it.
    """

    name: str
    type: ParameterType
    restricts: tuple[Kind, ...] = ()
    attribute: str = ""
    required: bool = False
    many: bool = False
    repeatable: bool = False
    selects: bool = False
    excludes: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters of which at least `least` and at most `most` must be given."""

    names: tuple[str, ...]
    least: int
    most: int


ENTRY: Final = Kind.DOCUMENT_ENTRY
SET: Final = Kind.SUBMISSION_SET
FOLDER: Final = Kind.FOLDER
LINK: Final = Kind.ASSOCIATION
T = ParameterType

# --- forms of parameters -------------------------------------------------------------------------


def patient(name: str, *kinds: Kind) -> Parameter:
    """Return the patient whose objects are asked for."""
    return Parameter(
        name=name, type=T.PATIENT_ID, restricts=kinds, attribute="patient_id", required=True
    )


def status(name: str, kind: Kind, *, required: bool = True) -> Parameter:
    """Return the availabilityStatus of objects of a kind."""
    return Parameter(
        name=name,
        type=T.STATUS,
        restricts=(kind,),
        attribute="availability_status",
        required=required,
        many=True,
    )


def code(name: str, kind: Kind, attribute: str, *, repeatable: bool = False) -> Parameter:
    """Return a coded attribute; `repeatable` where an object has several codes."""
    return Parameter(
        name=name,
        type=T.CODE,
        restricts=(kind,),
        attribute=attribute,
        many=True,
        repeatable=repeatable,
    )


def period(prefix: str, kind: Kind, attribute: str) -> tuple[Parameter, Parameter]:
    """Return the two bounds of a time, `…From` and `…To`."""
    return (
        Parameter(name=f"{prefix}From", type=T.TIME_FROM, restricts=(kind,), attribute=attribute),
        Parameter(name=f"{prefix}To", type=T.TIME_TO, restricts=(kind,), attribute=attribute),
    )


def pattern(name: str, kind: Kind, attribute: str, *, many: bool = True) -> Parameter:
    """Return a text with wildcards."""
    return Parameter(name=name, type=T.PATTERN, restricts=(kind,), attribute=attribute, many=many)


def ids(prefix: str, kind: Kind, *, many: bool, logical: bool = False) -> tuple[Parameter, ...]:
    """Return the parameters that pick objects by id: only one of them may be given."""
    by = {"EntryUUID": (T.ENTRY_UUID, "entry_uuid"), "UniqueId": (T.TEXT, "unique_id")}
    if logical:
        by["LogicalID"] = (T.ENTRY_UUID, "logical_id")
    return tuple(
        Parameter(
            name=f"{prefix}{suffix}",
            type=type_,
            restricts=(kind,),
            attribute=attribute,
            many=many,
            selects=True,
        )
        for suffix, (type_, attribute) in by.items()
    )


def uuid(attribute: str) -> Parameter:
    """Return the parameter that picks associations by their ends."""
    return Parameter(
        name="$uuid",
        type=T.ENTRY_UUID,
        restricts=(LINK,),
        attribute=attribute,
        required=True,
        many=True,
        selects=True,
    )


def exactly_one(parameters: tuple[Parameter, ...]) -> Group:
    """Require one of them, and no other with it."""
    return Group(tuple(each.name for each in parameters), least=1, most=1)


def at_least_one(*names: str) -> Group:
    """Require one of them or more."""
    return Group(names, least=1, most=len(names))


# --- parameters ----------------------------------------------------------------------------------

LEVEL: Final = Parameter(name="$MetadataLevel", type=T.METADATA_LEVEL)
LINK_STATUS: Final = status("$XDSAssociationStatus", LINK, required=False)
ENTRY_TYPE: Final = Parameter(
    name="$XDSDocumentEntryType",
    type=T.DOCUMENT_ENTRY_TYPE,
    restricts=(ENTRY,),
    attribute="object_type",
    many=True,
)
AVAILABILITY: Final = Parameter(
    name="$XDSDocumentEntryDocumentAvailability",
    type=T.DOCUMENT_AVAILABILITY,
    restricts=(ENTRY,),
    attribute="document_availability",
    many=True,
)
ENTRY_PATIENT: Final = patient("$XDSDocumentEntryPatientId", ENTRY)
ENTRY_STATUS: Final = status("$XDSDocumentEntryStatus", ENTRY)
FORMAT_CODE: Final = code("$XDSDocumentEntryFormatCode", ENTRY, "format_code")
CONFIDENTIALITY_CODE: Final = code(
    "$XDSDocumentEntryConfidentialityCode", ENTRY, "confidentiality_code", repeatable=True
)
REFERENCE_ID: Final = Parameter(
    name="$XDSDocumentEntryReferenceIdList",
    # the prose asks for equality and a footnote for LIKE: without wildcards they are the same
    type=T.PATTERN,
    restricts=(ENTRY,),
    attribute="reference_id",
    many=True,
    repeatable=True,
)
ENTRY_TIMES: Final = (
    *period("$XDSDocumentEntryCreationTime", ENTRY, "creation_time"),
    *period("$XDSDocumentEntryServiceStartTime", ENTRY, "service_start_time"),
    *period("$XDSDocumentEntryServiceStopTime", ENTRY, "service_stop_time"),
)
ENTRY_FILTERS: Final = (
    code("$XDSDocumentEntryClassCode", ENTRY, "class_code"),
    code("$XDSDocumentEntryTypeCode", ENTRY, "type_code"),
    code("$XDSDocumentEntryPracticeSettingCode", ENTRY, "practice_setting_code"),
    code("$XDSDocumentEntryHealthcareFacilityTypeCode", ENTRY, "healthcare_facility_type_code"),
    code("$XDSDocumentEntryEventCodeList", ENTRY, "event_code", repeatable=True),
    CONFIDENTIALITY_CODE,
    pattern("$XDSDocumentEntryAuthorPerson", ENTRY, "author_person"),
    FORMAT_CODE,
    ENTRY_TYPE,
)
FIND_DOCUMENTS: Final = (
    ENTRY_PATIENT,
    ENTRY_STATUS,
    *ENTRY_FILTERS,
    *ENTRY_TIMES,
    AVAILABILITY,
    LEVEL,
)
FIND_FOLDERS: Final = (
    patient("$XDSFolderPatientId", FOLDER),
    status("$XDSFolderStatus", FOLDER),
    *period("$XDSFolderLastUpdateTime", FOLDER, "last_update_time"),
    code("$XDSFolderCodeList", FOLDER, "code", repeatable=True),
)
CONTENT_FILTERS: Final = (FORMAT_CODE, CONFIDENTIALITY_CODE, ENTRY_TYPE)

ENTRIES: Final = ids("$XDSDocumentEntry", ENTRY, many=True)
ENTRIES_OR_LOGICAL: Final = ids("$XDSDocumentEntry", ENTRY, many=True, logical=True)
ONE_ENTRY: Final = ids("$XDSDocumentEntry", ENTRY, many=False)
FOLDERS: Final = ids("$XDSFolder", FOLDER, many=True, logical=True)
ONE_FOLDER: Final = ids("$XDSFolder", FOLDER, many=False)
ONE_SET: Final = ids("$XDSSubmissionSet", SET, many=False)


def of_several_patients(parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """Return the parameters as ITI-51 has them: any patients or none, and no $MetadataLevel."""
    return tuple(
        replace(each, required=False, many=True) if each.type is T.PATIENT_ID else each
        for each in parameters
        if each.type not in (T.METADATA_LEVEL, T.DOCUMENT_AVAILABILITY)
    )


def twin(parameter: Parameter) -> Parameter:
    """Return the parameter that drops what the other keeps."""
    return replace(parameter, name=f"{parameter.name}Exclude", excludes=True)


EXCLUDABLE: Final = (*ENTRY_FILTERS, REFERENCE_ID)
