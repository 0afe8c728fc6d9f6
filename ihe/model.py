"""Document-sharing metadata as values (ITI TF-3 4.1 to 4.3).

```text
Submission: 1 SubmissionSet ──HasMember──▶ DocumentEntry ◀──HasMember── Folder
                                           DocumentEntry ──RPLC, APND, signs…──▶ DocumentEntry
```

An attribute has its Framework name in snake_case. Everything may be absent here, because a
partner's submission may lack anything: `ihe.rules` says what must be there. Values keep their text
(`ihe.datatypes`), so that what was registered comes back to the letter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

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
from ihe.errors import RegistryError
from ihe.vocabulary import (
    AssociationType,
    DocumentAvailability,
    DocumentEntryType,
    Status,
    SubmissionSetStatus,
)

FIRST_VERSION: Final = "1"
"""`version` of an object when it is registered (Metadata Update 4.1.5)."""


@dataclass(frozen=True, slots=True)
class LocalizedString:
    """A text for people, with its language (ebRIM 3.0 2.10).

    `lang` and `charset` are None when the sender named none; ebRIM then means en-US and UTF-8.
    `others` are the same in further languages, 0..*, in the sender's order and without others of
    their own.
    """

    value: str
    lang: str | None = None
    charset: str | None = None
    others: tuple["LocalizedString", ...] = ()

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Code:
    """A coded attribute (ITI TF-3 4.2.3.1.2): what is compared is `code` and `scheme`."""

    code: str
    scheme: str
    display: LocalizedString | None = None

    def __str__(self) -> str:
        """Return the form of query parameters, `code^^scheme` (TF-2 3.18.4.1.2.3.4)."""
        return f"{self.code}^^{self.scheme}"


@dataclass(frozen=True, slots=True)
class Slot:
    """A named list of values (ebRIM 3.0 2.8): extra metadata, 1..* values."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who made the document or the submission (ITI TF-3 4.2.3.1.4)."""

    person: XCN | None = None
    institutions: tuple[XON, ...] = ()
    roles: tuple[str, ...] = ()
    specialties: tuple[str, ...] = ()
    telecommunications: tuple[XTN, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentEntry:
    """The metadata of one document, stable or on-demand (ITI TF-3 4.2.3.2).

    `entry_uuid` is a UUID URN, or a symbolic id inside a submission. `limited_metadata` tells
    that the object carried the limitedMetadata mark.
    """

    entry_uuid: str
    object_type: DocumentEntryType | str = DocumentEntryType.STABLE
    mime_type: MimeType | None = None
    unique_id: Identifier | None = None
    patient_id: CX | None = None
    authors: tuple[Author, ...] = ()
    availability_status: Status | str | None = None
    class_code: Code | None = None
    comments: LocalizedString | None = None
    confidentiality_codes: tuple[Code, ...] = ()
    creation_time: DTM | None = None
    document_availability: DocumentAvailability | str | None = None
    event_codes: tuple[Code, ...] = ()
    format_code: Code | None = None
    hash: SHA1 | None = None
    healthcare_facility_type_code: Code | None = None
    home_community_id: HomeCommunityId | None = None
    language_code: LanguageCode | None = None
    legal_authenticator: XCN | None = None
    limited_metadata: bool = False
    logical_id: str | None = None
    practice_setting_code: Code | None = None
    reference_ids: tuple[CXi, ...] = ()
    repository_unique_id: OID | None = None
    service_start_time: DTM | None = None
    service_stop_time: DTM | None = None
    size: str | None = None
    source_patient_id: CX | None = None
    source_patient_info: tuple[Field, ...] = ()
    title: LocalizedString | None = None
    type_code: Code | None = None
    uri: str | None = None
    version: str | None = None
    extra: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionSet:
    """One act of publication (ITI TF-3 4.2.3.3)."""

    entry_uuid: str
    unique_id: OID | None = None
    source_id: OID | None = None
    patient_id: CX | None = None
    authors: tuple[Author, ...] = ()
    availability_status: Status | str | None = None
    comments: LocalizedString | None = None
    content_type_code: Code | None = None
    home_community_id: HomeCommunityId | None = None
    intended_recipients: tuple[Recipient, ...] = ()
    limited_metadata: bool = False
    logical_id: str | None = None
    submission_time: DTM | None = None
    title: LocalizedString | None = None
    version: str | None = None
    extra: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A collection of DocumentEntries of one patient (ITI TF-3 4.2.3.4)."""

    entry_uuid: str
    unique_id: OID | None = None
    patient_id: CX | None = None
    availability_status: Status | str | None = None
    codes: tuple[Code, ...] = ()
    comments: LocalizedString | None = None
    home_community_id: HomeCommunityId | None = None
    last_update_time: DTM | None = None
    limited_metadata: bool = False
    logical_id: str | None = None
    title: LocalizedString | None = None
    version: str | None = None
    extra: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """A directed link between two registry objects (ITI TF-3 4.2.2; Metadata Update 3.57.4).

    `source` and `target` are entry UUIDs, or symbolic ids inside a submission.
    """

    entry_uuid: str
    type: AssociationType | str
    source: str
    target: str
    availability_status: Status | str | None = None
    documentation: Code | None = None
    home_community_id: HomeCommunityId | None = None
    logical_id: str | None = None
    submission_set_status: SubmissionSetStatus | str | None = None
    previous_version: str | None = None
    original_status: Status | str | None = None
    new_status: Status | str | None = None
    association_propagation: str | None = None
    version: str | None = None
    extra: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """A registry object by its id alone (ITI TF-2 3.18.4.1.2.3.1 ObjectRef; ITI-62)."""

    entry_uuid: str
    home_community_id: HomeCommunityId | None = None


RegistryObject: TypeAlias = DocumentEntry | SubmissionSet | Folder | Association


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a SubmitObjectsRequest holds (ITI TF-3 4.1.4, 4.2.1.5).

    Exactly one SubmissionSet is right; more or none can be represented, so that a rule can say so.
    `problems` are the faults found while reading the ebXML: what the values themselves cannot
    show, such as a Slot that came twice.
    """

    submission_sets: tuple[SubmissionSet, ...] = ()
    entries: tuple[DocumentEntry, ...] = ()
    folders: tuple[Folder, ...] = ()
    associations: tuple[Association, ...] = ()
    problems: tuple[RegistryError, ...] = ()

    def __iter__(self) -> Iterator[RegistryObject]:
        yield from self.submission_sets
        yield from self.entries
        yield from self.folders
        yield from self.associations

    @property
    def of_patient(self) -> tuple["SubmissionSet | DocumentEntry | Folder", ...]:
        """The objects that have a patient and a uniqueId: all but the Associations."""
        return (*self.submission_sets, *self.entries, *self.folders)

    @property
    def submission_set(self) -> SubmissionSet:
        """The one SubmissionSet; ask only after the rules found that there is exactly one."""
        (only,) = self.submission_sets
        return only
