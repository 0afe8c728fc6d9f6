"""Makes complete metadata for files that somebody shares from the command line."""

import mimetypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from hub.client import FileContent
from hub.settings import SettingsError
from ihe.datatypes import (
    CX,
    DTM,
    OID,
    SHA1,
    XCN,
    XON,
    Identifier,
    LanguageCode,
    MalformedValue,
    MimeType,
)
from ihe.model import (
    Association,
    Author,
    Code,
    DocumentEntry,
    LocalizedString,
    Submission,
    SubmissionSet,
)
from ihe.norway import FODSELSNUMMER
from ihe.vocabulary import (
    CONFIDENTIALITY_CODES,
    FORMAT_CODES,
    MIME_TYPE_SUFFICIENT,
    AssociationType,
    SubmissionSetStatus,
)

_NUMBER_LENGTH: Final = 11


@dataclass(frozen=True)
class Description:
    """What all documents of one submission have in common; codes are `code^^scheme^^display`.

    Its defaults are those of the command, which reads them off the class: so it has no slots.
    """

    patient_id: CX
    title: str = ""
    class_code: str = "A00-1^^2.16.578.1.12.4.1.1.9602^^Epikriser og sammenfatninger"
    type_code: str = "A10-2^^2.16.578.1.12.4.1.1.9602^^Annet fagpersonell sammenfatning"
    facility_code: str = "86.211^^2.16.578.1.12.4.1.1.1303^^Allmenn legetjeneste"
    practice_code: str = "KX17^^2.16.578.1.12.4.1.1.8663^^Fastlege"
    author: str = ""
    institution: str = ""
    language: str = "nb-NO"
    source: str = "2.25.3"


def parse_patient(text: str) -> CX:
    """Return the patient id of a CX or of a bare national identity number.

    Raises
    ------
    SettingsError
        The text is neither.
    """
    if text.isdecimal() and len(text) == _NUMBER_LENGTH:
        return CX.of(text, FODSELSNUMMER)
    try:
        return CX.parse(text)
    except MalformedValue as problem:
        raise SettingsError(f"--patient: {problem}") from None


def parse_oid(option: str, text: str) -> OID:
    """Return the OID of an option, with or without `urn:oid:`.

    Raises
    ------
    SettingsError
        It is none.
    """
    try:
        return OID.parse(OID(text).bare)
    except MalformedValue as problem:
        raise SettingsError(f"{option}: {problem}") from None


def parse_time(option: str, text: str) -> DTM:
    """Return the time of an option.

    Raises
    ------
    SettingsError
        It is none.
    """
    try:
        return DTM.parse(text)
    except MalformedValue as problem:
        raise SettingsError(f"{option}: {problem}") from None


def parse_code(text: str) -> Code:
    """Return the code of `code^^scheme` or `code^^scheme^^display`.

    Raises
    ------
    SettingsError
        The text has another form.
    """
    code, _, rest = text.partition("^^")
    scheme, _, display = rest.partition("^^")
    if not code or not scheme:
        raise SettingsError(f"'{text}' is not a code: code^^scheme^^display was expected")
    return Code(code, scheme, LocalizedString(display or code))


def describe(
    files: Sequence[Path],
    description: Description,
    *,
    at: datetime,
    new_uuid: Callable[[], str],
) -> Submission:
    """Return a submission with one DocumentEntry for each file, in their order.

    Hash and size are taken from the files. Raises `SettingsError` for values that are no good.
    """
    time = DTM.of(at)
    author = _author(description)
    authors = (author,) if author else ()
    entries = tuple(
        DocumentEntry(
            entry_uuid=f"Document{number:02}",
            mime_type=MimeType(_mime_type(path)),
            unique_id=Identifier(oid_of_uuid(new_uuid())),
            patient_id=description.patient_id,
            authors=authors,
            class_code=parse_code(description.class_code),
            confidentiality_codes=(Code("N", CONFIDENTIALITY_CODES, LocalizedString("normal")),),
            creation_time=time,
            format_code=Code(
                MIME_TYPE_SUFFICIENT, FORMAT_CODES, LocalizedString("mimeType Sufficient")
            ),
            healthcare_facility_type_code=parse_code(description.facility_code),
            language_code=LanguageCode(description.language),
            practice_setting_code=parse_code(description.practice_code),
            source_patient_id=description.patient_id,
            title=LocalizedString(description.title or _title(path)),
            type_code=parse_code(description.type_code),
            hash=SHA1(content.digests()[0]),
            size=str(content.size),
        )
        for number, path in enumerate(files, 1)
        for content in (FileContent(path),)
    )
    submission_set = SubmissionSet(
        entry_uuid="SubmissionSet01",
        unique_id=OID(oid_of_uuid(new_uuid())),
        source_id=OID(description.source),
        patient_id=description.patient_id,
        authors=authors,
        content_type_code=parse_code(description.class_code),
        submission_time=time,
        title=LocalizedString(description.title or f"{len(files)} documents"),
    )
    members = tuple(
        has_member(f"HasMember{number:02}", submission_set, entry.entry_uuid)
        for number, entry in enumerate(entries, 1)
    )
    return Submission(submission_sets=(submission_set,), entries=entries, associations=members)


def has_member(entry_uuid: str, submission_set: SubmissionSet, target: str) -> Association:
    """Return the association that makes an original of a submission its member."""
    return Association(
        entry_uuid=entry_uuid,
        type=AssociationType.HAS_MEMBER,
        source=submission_set.entry_uuid,
        target=target,
        submission_set_status=SubmissionSetStatus.ORIGINAL,
    )


def _author(description: Description) -> Author | None:
    if not description.author and not description.institution:
        return None
    name = description.author
    person = XCN(name if "^" in name else f"^{name}") if name else None
    institutions = (XON(description.institution),) if description.institution else ()
    return Author(person=person, institutions=institutions)


def _title(path: Path) -> str:
    """Return a file's name without its ending; what XML has no room for becomes a question mark."""
    return "".join(
        each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in path.stem
    )


def _mime_type(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def oid_of_uuid(uuid_urn: str) -> str:
    """Return the OID of a UUID (ITU-T X.667)."""
    return f"2.25.{int(uuid_urn.removeprefix('urn:uuid:').replace('-', ''), 16)}"
