"""Group C: which attributes must be there (ITI TF-3 4.3.1, column XDS Repository, ITI-42).

Objects that may be marked as limited metadata need what column Metadata-Limited Source asks for.
"""

from collections.abc import Iterator
from typing import Any, Final

from ihe.model import Author, Folder
from ihe.rules.declaring import Finding, RuleBook, Strictness, finding
from ihe.rules.subject import Subject, codes_of, framework_name, where

CARDINALITY: Final = RuleBook[Subject]()
_rule = CARDINALITY.rule

_ENTRY: Final = (
    "unique_id",
    "class_code",
    "format_code",
    "healthcare_facility_type_code",
    "practice_setting_code",
    "type_code",
    "language_code",
    "source_patient_id",
    "repository_unique_id",
    "mime_type",
)
_STABLE_ENTRY: Final = (*_ENTRY, "creation_time", "hash", "size")
_SUBMISSION_SET: Final = ("unique_id", "source_id", "content_type_code", "submission_time")
_FOLDER: Final = ("unique_id", "title")
_LIMITED: Final = frozenset({"unique_id", "source_id", "submission_time", "mime_type"})
"""What must be there even under limited metadata (column MS)."""


def _missing(thing: Any, fields: tuple[str, ...], subject: Subject) -> Iterator[Finding]:
    limited = subject.is_limited(thing)
    for field in fields:
        if getattr(thing, field) is None and not (limited and field not in _LIMITED):
            yield finding(where(thing, field), f"no {framework_name(field)}", "exactly one")


@_rule("C1", "A DocumentEntry has every required attribute, once.", clause="TF-3 Table 4.3.1-3")
def _entry_attributes(subject: Subject) -> Iterator[Finding]:
    required = _ENTRY if subject.profile.on_demand else _STABLE_ENTRY
    for entry in subject.submission.entries:
        yield from _missing(entry, required, subject)


@_rule(
    "C1b",
    "SubmissionSet, DocumentEntries and Folders have a patientId.",
    clause="TF-3 Table 4.3.1-3",
    fixed=True,
    why="The registry keeps everything by patient, limited metadata too.",
)
def _patients(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission.of_patient:
        if thing.patient_id is None:
            yield finding(where(thing, "patient_id"), "no patientId", "exactly one")


@_rule("C2", "A DocumentEntry has a confidentialityCode.", clause="TF-3 Table 4.3.1-3")
def _confidentiality(subject: Subject) -> Iterator[Finding]:
    for entry in subject.submission.entries:
        if not entry.confidentiality_codes and not subject.is_limited(entry):
            place = where(entry, "confidentiality_codes")
            yield finding(place, "no confidentialityCode", "at least one")


@_rule("C4", "A SubmissionSet has every required attribute, once.", clause="TF-3 Table 4.3.1-3")
def _set_attributes(subject: Subject) -> Iterator[Finding]:
    for chosen in subject.submission.submission_sets:
        yield from _missing(chosen, _SUBMISSION_SET, subject)


@_rule("C5", "A Folder has every required attribute, and a code.", clause="TF-3 Table 4.3.1-3")
def _folder_attributes(subject: Subject) -> Iterator[Finding]:
    for folder in subject.submission.folders:
        yield from _missing(folder, _FOLDER, subject)
        if not folder.codes and not subject.is_limited(folder):
            yield finding(where(folder, "codes"), "no codeList", "at least one code")


@_rule("C7", "A code has a value and a coding scheme.", clause="TF-3 4.2.3.1.2")
def _codes(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        for field, code in codes_of(thing):
            if not code.code.strip():
                expected = "a code (nodeRepresentation)"
                yield finding(where(thing, field), "an empty code", expected)
            if not code.scheme:
                found = f"the code '{code.code}' without a codingScheme"
                yield finding(where(thing, field), found, "exactly one")


@_rule(
    "C7b",
    "A code has a display name.",
    clause="TF-3 4.2.3.1.2",
    default=Strictness.WARN,
    why="Code and scheme are what counts; many senders leave the name out.",
)
def _display_names(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        for field, code in codes_of(thing):
            if code.display is None:
                found = f"the code '{code.code}' without a display name"
                yield finding(where(thing, field), found, "a Name")


@_rule(
    "C8",
    "An author is a person, an institution or an address, or several of them.",
    clause="TF-3 4.2.3.1.4",
)
def _authors(subject: Subject) -> Iterator[Finding]:
    found = "an author without any of the three"
    expected = "authorPerson, authorInstitution or authorTelecommunication"
    for thing in subject.submission.of_patient:
        for author in () if isinstance(thing, Folder) else thing.authors:
            if _is_nobody(author):
                yield finding(where(thing, "authors"), found, expected)


def _is_nobody(author: Author) -> bool:
    return not (author.person or author.institutions or author.telecommunications)
