"""Group D: the form of values (ITI TF-3 Table 4.2.3.1.7-2 and 4.2.3.2 to 4.2.3.4)."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from ihe.datatypes import Datatype, is_uuid_urn
from ihe.model import Association, DocumentEntry, RegistryObject, SubmissionSet
from ihe.rules.declaring import Basis, Finding, RuleBook, Strictness, Subject, where
from ihe.vocabulary import DocumentAvailability

VALUES: Final = RuleBook[Subject]()
_rule = VALUES.rule
_SECONDS: Final = 14
"""Digits of a time that is exact to the second."""


def _typed(
    subject: Subject, *attributes: tuple[str, Callable[[Any], Any]]
) -> Iterator[tuple[RegistryObject, str, Datatype]]:
    """Yield the values of attributes that have a data type, on whichever object has them."""
    for thing in subject.submission:
        for name, read in attributes:
            found = read(thing)
            for value in found if isinstance(found, tuple) else (found,):
                if value is not None:
                    yield thing, name, value


def _field(name: str) -> Callable[[Any], Any]:
    return lambda thing: getattr(thing, name, None)


def _problems(subject: Subject, *attributes: tuple[str, Callable[[Any], Any]]) -> Iterator[Finding]:
    for thing, name, value in _typed(subject, *attributes):
        if problem := value.problem:
            yield Finding(problem, where(thing, name))


@_rule("D1", "A patient id is an id with an assigning authority: id^^^&OID&ISO.")
def _patient_ids(subject: Subject) -> Iterator[Finding]:
    yield from _problems(
        subject,
        ("patientId", _field("patient_id")),
        ("sourcePatientId", _field("source_patient_id")),
    )


@_rule("D2", "uniqueId of SubmissionSet and Folder, sourceId and repositoryUniqueId are OIDs.")
def _oids(subject: Subject) -> Iterator[Finding]:
    yield from _problems(
        subject,
        ("uniqueId", lambda t: None if isinstance(t, DocumentEntry) else _field("unique_id")(t)),
        ("sourceId", _field("source_id")),
        ("repositoryUniqueId", _field("repository_unique_id")),
    )


@_rule("D3", "The uniqueId of a document is 1 to 256 characters without blanks.")
def _document_unique_ids(subject: Subject) -> Iterator[Finding]:
    for entry in subject.submission.entries:
        if entry.unique_id is not None and (problem := entry.unique_id.problem):
            yield Finding(problem, where(entry, "uniqueId"))


@_rule("D4", "Times are YYYY[MM[DD[hh[mm[ss]]]]] in UTC, without zone and fraction.")
def _times(subject: Subject) -> Iterator[Finding]:
    yield from _problems(
        subject,
        ("creationTime", _field("creation_time")),
        ("serviceStartTime", _field("service_start_time")),
        ("serviceStopTime", _field("service_stop_time")),
        ("submissionTime", _field("submission_time")),
        ("lastUpdateTime", _field("last_update_time")),
    )


@_rule("D5", "A service does not stop before it starts.")
def _service_times(subject: Subject) -> Iterator[Finding]:
    for entry in subject.submission.entries:
        start, stop = entry.service_start_time, entry.service_stop_time
        # a less exact time stands for its period: the first moment of one, the last of the other
        if start and stop and start.ljust(_SECONDS, "0") > stop.ljust(_SECONDS, "9"):
            yield Finding(
                f"serviceStartTime {start} is after serviceStopTime {stop}",
                where(entry, "serviceStartTime"),
            )


@_rule("D6", "A hash is a SHA-1 as 40 hexadecimal digits, a size is a number of octets.")
def _hash_and_size(subject: Subject) -> Iterator[Finding]:
    for entry in subject.submission.entries:
        if entry.hash is not None and (problem := entry.hash.problem):
            yield Finding(problem, where(entry, "hash"))
        if entry.size is not None and not (entry.size.isascii() and entry.size.isdecimal()):
            yield Finding(f"found '{entry.size[:40]}', expected digits", where(entry, "size"))


@_rule("D7", "A languageCode is a language tag (RFC 5646).")
def _language(subject: Subject) -> Iterator[Finding]:
    yield from _problems(subject, ("languageCode", _field("language_code")))


@_rule("D8", "A mimeType is type/subtype.")
def _mime_type(subject: Subject) -> Iterator[Finding]:
    yield from _problems(subject, ("mimeType", _field("mime_type")))


@_rule("D9", "Persons, organisations and addresses have the form of their HL7 types.")
def _people(subject: Subject) -> Iterator[Finding]:
    yield from _problems(
        subject,
        ("legalAuthenticator", _field("legal_authenticator")),
        ("intendedRecipient", _field("intended_recipients")),
        ("author.authorPerson", lambda t: tuple(a.person for a in _authors(t))),
        ("author.authorInstitution", lambda t: _all(a.institutions for a in _authors(t))),
        (
            "author.authorTelecommunication",
            lambda t: _all(a.telecommunications for a in _authors(t)),
        ),
    )


def _authors(thing: RegistryObject) -> Any:
    return thing.authors if isinstance(thing, DocumentEntry | SubmissionSet) else ()


def _all(tuples: Iterator[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(value for values in tuples for value in values)


@_rule("D10", "A reference id is an id with a type: id^^^&OID&ISO^type.")
def _reference_ids(subject: Subject) -> Iterator[Finding]:
    yield from _problems(subject, ("referenceIdList", _field("reference_ids")))


@_rule("D11", "sourcePatientInfo holds PID fields; PID-7 and PID-8 once.")
def _source_patient_info(subject: Subject) -> Iterator[Finding]:
    yield from _problems(subject, ("sourcePatientInfo", _field("source_patient_info")))
    for entry in subject.submission.entries:
        names = [field.name for field in entry.source_patient_info]
        for name in ("PID-7", "PID-8"):
            if names.count(name) > 1:
                yield Finding(f"{name} is there more than once", where(entry, "sourcePatientInfo"))


@_rule(
    "D11n",
    "sourcePatientInfo does not hold PID-2, PID-4, PID-12 and PID-19.",
    default=Strictness.WARN,
)
def _discouraged_fields(subject: Subject) -> Iterator[Finding]:
    for entry in subject.submission.entries:
        for field in entry.source_patient_info:
            if field.name in {"PID-2", "PID-4", "PID-12", "PID-19"}:
                yield Finding(f"{field.name} should not be sent", where(entry, "sourcePatientInfo"))


@_rule("D12", "A URI is not empty and has at most 256 characters.")
def _uri(subject: Subject) -> Iterator[Finding]:
    for entry in subject.submission.entries:
        uri = entry.uri
        if uri is not None and (not uri or len(uri) > _URI_LENGTH or any(c.isspace() for c in uri)):
            yield Finding(f"found '{uri[:80]}', expected 1 to 256 characters", where(entry, "URI"))


_URI_LENGTH: Final = 256


@_rule("D13", "documentAvailability is Online or Offline, as URN.")
def _availability(subject: Subject) -> Iterator[Finding]:
    for entry in subject.submission.entries:
        found = entry.document_availability
        if found is not None and not isinstance(found, DocumentAvailability):
            expected = " or ".join(DocumentAvailability)
            yield Finding(
                f"found '{found}', expected {expected}", where(entry, "documentAvailability")
            )


@_rule(
    "D14",
    "A title has at most 128 characters, of a set or folder 256.",
    default=Strictness.WARN,
)
def _titles(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        if isinstance(thing, Association) or thing.title is None:
            continue
        most = _ENTRY_TITLE if isinstance(thing, DocumentEntry) else _TITLE
        if (length := len(thing.title.value)) > most:
            yield Finding(
                f"{length} characters, at most {most} are expected", where(thing, "title")
            )


_ENTRY_TITLE: Final = 128
_TITLE: Final = 256


@_rule("D16", "A logicalID is a UUID and never symbolic.", basis=Basis.INFERRED)
def _logical_ids(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        lid = thing.logical_id
        if lid is not None and not is_uuid_urn(lid):
            yield Finding(
                f"found '{lid}', expected urn:uuid: and a UUID", where(thing, "logicalID")
            )


@_rule("D17", "A first version has no logicalID, or its own id.", basis=Basis.INFERRED)
def _first_versions(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        if thing.logical_id is not None and thing.logical_id != thing.entry_uuid:
            yield Finding(
                "another object's logicalID belongs to Update Document Set (ITI-57)",
                where(thing, "logicalID"),
            )
