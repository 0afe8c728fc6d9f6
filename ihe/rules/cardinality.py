"""Group C: which attributes must be there (ITI TF-3 4.3.1, column XDS Repository, ITI-42)."""

from collections.abc import Iterator
from typing import Any, Final

from ihe.model import Author, Code, Folder, RegistryObject
from ihe.rules.declaring import Finding, RuleBook, Strictness, Subject, where

CARDINALITY: Final = RuleBook[Subject]()
_rule = CARDINALITY.rule

_ENTRY: Final = (
    ("uniqueId", "unique_id"),
    ("patientId", "patient_id"),
    ("classCode", "class_code"),
    ("formatCode", "format_code"),
    ("healthcareFacilityTypeCode", "healthcare_facility_type_code"),
    ("practiceSettingCode", "practice_setting_code"),
    ("typeCode", "type_code"),
    ("languageCode", "language_code"),
    ("sourcePatientId", "source_patient_id"),
    ("repositoryUniqueId", "repository_unique_id"),
    ("mimeType", "mime_type"),
)
_STABLE_ENTRY: Final = (("creationTime", "creation_time"), ("hash", "hash"), ("size", "size"))
_SUBMISSION_SET: Final = (
    ("uniqueId", "unique_id"),
    ("sourceId", "source_id"),
    ("patientId", "patient_id"),
    ("contentTypeCode", "content_type_code"),
    ("submissionTime", "submission_time"),
)
_FOLDER: Final = (("uniqueId", "unique_id"), ("patientId", "patient_id"), ("title", "title"))
_LIMITED: Final = frozenset({"uniqueId", "sourceId", "submissionTime", "mimeType"})
"""What must be there even under limited metadata (column MS)."""


def _missing(
    thing: Any, attributes: tuple[tuple[str, str], ...], *, limited: bool
) -> Iterator[Finding]:
    for name, field in attributes:
        if getattr(thing, field) is None and not (limited and name not in _LIMITED):
            yield Finding(f"{name} is missing, exactly one is expected", where(thing, name))


@_rule("C1", "A DocumentEntry has every required attribute, once.")
def _entry_attributes(subject: Subject) -> Iterator[Finding]:
    required = _ENTRY if subject.profile.on_demand else _ENTRY + _STABLE_ENTRY
    for entry in subject.submission.entries:
        limited = entry.limited_metadata and subject.profile.accepts_limited_metadata
        yield from _missing(entry, required, limited=limited)


@_rule("C2", "A DocumentEntry has a confidentialityCode.")
def _confidentiality(subject: Subject) -> Iterator[Finding]:
    for entry in subject.submission.entries:
        limited = entry.limited_metadata and subject.profile.accepts_limited_metadata
        if not entry.confidentiality_codes and not limited:
            yield Finding(
                "confidentialityCode is missing, at least one is expected",
                where(entry, "confidentialityCode"),
            )


@_rule("C4", "A SubmissionSet has every required attribute, once.")
def _set_attributes(subject: Subject) -> Iterator[Finding]:
    for chosen in subject.submission.submission_sets:
        limited = chosen.limited_metadata and subject.profile.accepts_limited_metadata
        yield from _missing(chosen, _SUBMISSION_SET, limited=limited)


@_rule("C5", "A Folder has every required attribute, and a code.")
def _folder_attributes(subject: Subject) -> Iterator[Finding]:
    for folder in subject.submission.folders:
        limited = folder.limited_metadata and subject.profile.accepts_limited_metadata
        yield from _missing(folder, _FOLDER, limited=limited)
        if not folder.codes and not limited:
            yield Finding(
                "codeList is missing, at least one is expected", where(folder, "codeList")
            )


@_rule("C7", "A code has a value and a coding scheme.")
def _codes(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        for name, code in codes_of(thing):
            place = where(thing, name)
            if not code.code:
                yield Finding("the code (nodeRepresentation) is empty", place)
            if not code.scheme:
                yield Finding(f"the code '{code.code}' has no codingScheme", place)


@_rule("C7n", "A code has a display name.", default=Strictness.WARN)
def _display_names(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        for name, code in codes_of(thing):
            if code.display is None:
                yield Finding(f"the code '{code.code}' has no display name", where(thing, name))


@_rule("C8", "An author is a person, an institution or an address, or several of them.")
def _authors(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission.of_patient:
        if isinstance(thing, Folder):
            continue
        for author in thing.authors:
            if _is_nobody(author):
                yield Finding(
                    "authorPerson, authorInstitution or authorTelecommunication is expected",
                    where(thing, "author"),
                )


def _is_nobody(author: Author) -> bool:
    return not (author.person or author.institutions or author.telecommunications)


_ONE_CODE: Final = (
    ("classCode", "class_code"),
    ("formatCode", "format_code"),
    ("healthcareFacilityTypeCode", "healthcare_facility_type_code"),
    ("practiceSettingCode", "practice_setting_code"),
    ("typeCode", "type_code"),
    ("contentTypeCode", "content_type_code"),
    ("associationDocumentation", "documentation"),
)
_CODES: Final = (
    ("confidentialityCode", "confidentiality_codes"),
    ("eventCodeList", "event_codes"),
    ("codeList", "codes"),
)


def codes_of(thing: RegistryObject) -> Iterator[tuple[str, Code]]:
    """Yield every code of an object with its attribute's Framework name."""
    for name, field in _ONE_CODE:
        if (code := getattr(thing, field, None)) is not None:
            yield name, code
    for name, field in _CODES:
        for code in getattr(thing, field, ()):
            yield name, code
