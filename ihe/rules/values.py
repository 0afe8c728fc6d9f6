"""Group D: the form of values (ITI TF-3 Table 4.2.3.1.7-2 and 4.2.3.2 to 4.2.3.4)."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from ihe.datatypes import foreign_escape, is_uuid_urn
from ihe.model import Association, DocumentEntry, LocalizedString, RegistryObject
from ihe.rules.declaring import Basis, Finding, RuleBook, Strictness, finding
from ihe.rules.subject import Subject, author_values, codes_of, name_of, typed_values, where
from ihe.vocabulary import DocumentAvailability

VALUES: Final = RuleBook[Subject]()
_rule = VALUES.rule
_SECONDS: Final = 14
"""Digits of a time that is exact to the second."""
_VALUE: Final = 256
"""Most characters of an ebRIM Value, code or identifier (LongName)."""
_TEXT: Final = 1024
"""Most characters of an ebRIM Name or Description (FreeFormText)."""


def _problems(subject: Subject, *of: str) -> Iterator[Finding]:
    """Yield what is wrong with the values of the fields `of`, on whichever object has them."""
    for thing in subject.submission:
        for field, value in typed_values(thing, *of):
            if problem := value.problem:
                yield Finding(where(thing, field), problem)


@_rule(
    "A2b",
    "A value has at most 256 characters.",
    basis=Basis.SCHEMA,
    clause="TF-3 4.2.3.1.1",
    why="The Framework leaves lengths to ebRIM, and receivers that validate refuse longer ones.",
)
def _long_values(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        for place, value in _attributes(thing):
            for text in _slot_texts(value):
                if len(text) > _VALUE:
                    found = f"a value of {len(text)} characters"
                    yield finding(place, found, f"at most {_VALUE}")


def _attributes(thing: RegistryObject) -> Iterator[tuple[str, Any]]:
    """Yield each attribute of an object with its place; extra metadata is named by its Slot."""
    for field in fields(thing):
        if field.name != "extra":
            yield where(thing, field.name), getattr(thing, field.name)
    for slot in thing.extra:
        yield f"{name_of(thing)}/Slot[{slot.name[:_VALUE]}]", slot


def _slot_texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value that stand in ebRIM Values, codes and identifiers."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _slot_texts(each)
    elif is_dataclass(value) and not isinstance(value, LocalizedString):
        for field in fields(value):
            yield from _slot_texts(getattr(value, field.name))


@_rule(
    "D1",
    "A patient id is an id with an assigning authority: id^^^&OID&ISO.",
    clause="TF-3 Table 4.2.3.1.7-2 CX",
)
def _patient_ids(subject: Subject) -> Iterator[Finding]:
    yield from _problems(subject, "patient_id", "source_patient_id")


@_rule(
    "D2",
    "uniqueId of SubmissionSet and Folder, sourceId and repositoryUniqueId are OIDs.",
    clause="TF-3 Table 4.2.3.1.7-2 OID",
)
def _oids(subject: Subject) -> Iterator[Finding]:
    yield from _problems(subject, "source_id", "repository_unique_id")
    for thing in subject.submission.of_patient:
        if isinstance(thing, DocumentEntry) or thing.unique_id is None:
            continue
        if problem := thing.unique_id.problem:
            yield Finding(where(thing, "unique_id"), problem)


@_rule(
    "D3",
    "The uniqueId of a document is 1 to 256 characters without blanks.",
    clause="TF-3 4.2.3.2.26",
)
def _document_unique_ids(subject: Subject) -> Iterator[Finding]:
    for entry in subject.submission.entries:
        if entry.unique_id is not None and (problem := entry.unique_id.problem):
            yield Finding(where(entry, "unique_id"), problem)


@_rule(
    "D4",
    "Times are YYYY[MM[DD[hh[mm[ss]]]]] in UTC, without zone and fraction.",
    clause="TF-3 Table 4.2.3.1.7-2 DTM",
)
def _times(subject: Subject) -> Iterator[Finding]:
    yield from _problems(
        subject, "creation_time", "service_start_time", "service_stop_time", "submission_time"
    )


@_rule(
    "D4b",
    "lastUpdateTime is a time to the second.",
    clause="TF-3 4.2.3.4.6",
    default=Strictness.WARN,
    why="A submitted one does not count: the registry sets its own.",
)
def _last_update_times(subject: Subject) -> Iterator[Finding]:
    for folder in subject.submission.folders:
        time = folder.last_update_time
        if time is not None and (time.problem or len(time) != _SECONDS):
            yield finding(where(folder, "last_update_time"), f"'{time[:40]}'", "YYYYMMDDhhmmss")


@_rule("D5", "A service does not stop before it starts.", clause="TF-2 3.42.4.1.3.3.6")
def _service_times(subject: Subject) -> Iterator[Finding]:
    for entry in subject.submission.entries:
        start, stop = entry.service_start_time, entry.service_stop_time
        if start is None or stop is None or start.problem or stop.problem:
            continue
        # a less exact time stands for its period: the first moment of one, the last of the other
        if start.ljust(_SECONDS, "0") > stop.ljust(_SECONDS, "9"):
            place = where(entry, "service_start_time")
            yield finding(place, start, f"a time that is not after serviceStopTime {stop}")


@_rule(
    "D6",
    "A hash is a SHA-1 as 40 hexadecimal digits, a size is a number of octets.",
    clause="TF-3 4.2.3.2.10, 4.2.3.2.22",
)
def _hash_and_size(subject: Subject) -> Iterator[Finding]:
    yield from _problems(subject, "hash")
    for entry in subject.submission.entries:
        if entry.size is not None and not (entry.size.isascii() and entry.size.isdecimal()):
            yield finding(where(entry, "size"), f"'{entry.size[:40]}'", "digits")


@_rule("D7", "A languageCode is a language tag (RFC 5646).", clause="TF-3 4.2.3.2.13")
def _language(subject: Subject) -> Iterator[Finding]:
    yield from _problems(subject, "language_code")


@_rule("D8", "A mimeType is type/subtype.", clause="TF-3 4.2.3.2.17")
def _mime_type(subject: Subject) -> Iterator[Finding]:
    yield from _problems(subject, "mime_type")


@_rule(
    "D9",
    "Persons, organisations and addresses have the form of their HL7 types.",
    clause="TF-3 Table 4.2.3.1.7-2 XCN, XON, XTN",
)
def _people(subject: Subject) -> Iterator[Finding]:
    yield from _problems(subject, "legal_authenticator", "intended_recipients")
    for thing in subject.submission:
        for name, value in author_values(thing):
            if problem := value.problem:
                yield Finding(f"{name_of(thing)}.{name}", problem)


@_rule(
    "D9b",
    "HL7 values hold no escapes but those of the separators.",
    clause="TF-3 4.2.3.1.7",
)
def _escapes(subject: Subject) -> Iterator[Finding]:
    expected = "\\F\\, \\S\\, \\R\\, \\T\\ and \\E\\ alone"
    for thing in subject.submission:
        values = [(where(thing, field), value) for field, value in typed_values(thing, *_HL7)]
        values += [(f"{name_of(thing)}.{name}", value) for name, value in author_values(thing)]
        for place, value in values:
            if found := foreign_escape(value):
                yield finding(place, f"the escape {found}", expected)


_HL7: Final = (
    "patient_id",
    "source_patient_id",
    "source_patient_info",
    "legal_authenticator",
    "reference_ids",
    "intended_recipients",
)


@_rule(
    "D10",
    "A reference id is an id with a type, and an authority where the type asks for one.",
    clause="TF-3 Table 4.2.3.1.7-2 CXi",
)
def _reference_ids(subject: Subject) -> Iterator[Finding]:
    yield from _problems(subject, "reference_ids")


@_rule("D11", "sourcePatientInfo holds PID fields; PID-7 and PID-8 once.", clause="TF-3 4.2.3.2.23")
def _source_patient_info(subject: Subject) -> Iterator[Finding]:
    yield from _problems(subject, "source_patient_info")
    for entry in subject.submission.entries:
        names = [field.name for field in entry.source_patient_info]
        for name in ("PID-7", "PID-8"):
            if (count := names.count(name)) > 1:
                place = where(entry, "source_patient_info")
                yield finding(place, f"{name} {count} times", "once at most")


@_rule(
    "D11b",
    "sourcePatientInfo does not hold PID-2, PID-4, PID-12 and PID-19.",
    clause="TF-3 4.2.3.2.23",
    default=Strictness.WARN,
    why="The Framework says that they should not occur, not that they must not.",
)
def _discouraged_fields(subject: Subject) -> Iterator[Finding]:
    for entry in subject.submission.entries:
        for field in entry.source_patient_info:
            if field.name in {"PID-2", "PID-4", "PID-12", "PID-19"}:
                place = where(entry, "source_patient_info")
                yield finding(place, field.name, "patient data in other PID fields")


@_rule(
    "D12", "A URI is not empty, has at most 256 characters and no blanks.", clause="TF-3 4.2.3.2.27"
)
def _uri(subject: Subject) -> Iterator[Finding]:
    for entry in subject.submission.entries:
        if entry.uri is not None and not _is_uri(entry.uri):
            place, found = where(entry, "uri"), f"'{entry.uri[:80]}'"
            yield finding(place, found, f"a URI of 1 to {_VALUE} characters without blanks")


def _is_uri(text: str) -> bool:
    if not 0 < len(text) <= _VALUE or any(c.isspace() or not c.isprintable() for c in text):
        return False
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True


@_rule(
    "D13",
    "documentAvailability is Online or Offline, as URN.",
    basis=Basis.INFERRED,
    clause="Metadata Update 4.2.3.2.30",
)
def _availability(subject: Subject) -> Iterator[Finding]:
    for entry in subject.submission.entries:
        found = entry.document_availability
        if found is not None and not isinstance(found, DocumentAvailability):
            expected = " or ".join(DocumentAvailability)
            yield finding(where(entry, "document_availability"), f"'{found}'", expected)


@_rule(
    "D14",
    "A title has at most 128 characters, of a set or folder 256.",
    clause="TF-3 4.2.3.2.24, 4.2.3.3.11, 4.2.3.4.8",
    default=Strictness.WARN,
    why="A long title does no harm here, and cutting it would change what was signed.",
)
def _titles(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission.of_patient:
        most = _ENTRY_TITLE if isinstance(thing, DocumentEntry) else _VALUE
        for text in _languages(thing.title):
            if (length := len(text)) > most:
                yield finding(where(thing, "title"), f"{length} characters", f"at most {most}")


_ENTRY_TITLE: Final = 128


@_rule(
    "D14b",
    "Titles, comments and display names have at most 1024 characters.",
    basis=Basis.SCHEMA,
    default=Strictness.OFF,
    why="The Framework calls comments unbounded, the schema does not; nothing here needs a bound.",
)
def _long_texts(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        texts = [] if isinstance(thing, Association) else [("title", thing.title)]
        if not isinstance(thing, Association):
            texts.append(("comments", thing.comments))
        texts += [(field, code.display) for field, code in codes_of(thing)]
        for field, localized in texts:
            for text in _languages(localized):
                if (length := len(text)) > _TEXT:
                    yield finding(where(thing, field), f"{length} characters", f"at most {_TEXT}")


def _languages(text: LocalizedString | None) -> list[str]:
    """Return a text in each of its languages."""
    return [] if text is None else [text.value, *(other.value for other in text.others)]


@_rule(
    "D16",
    "A logicalID is a UUID and never symbolic.",
    basis=Basis.INFERRED,
    clause="Metadata Update 4.2.3.2.31",
)
def _logical_ids(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        lid = thing.logical_id
        if lid is not None and not is_uuid_urn(lid):
            yield finding(where(thing, "logical_id"), f"'{lid}'", "urn:uuid: and a UUID")


@_rule(
    "D17",
    "A first version has no logicalID, or its own id.",
    basis=Basis.INFERRED,
    clause="Metadata Update 4.2.3.2.31",
)
def _first_versions(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        if thing.logical_id not in {None, thing.entry_uuid}:
            expected = "none or the id itself; others belong to Update Document Set (ITI-57)"
            yield finding(where(thing, "logical_id"), f"'{thing.logical_id}'", expected)
