"""How a signature is shared: as a document, and by what it is associated with (ITI TF-3 5.5.3)."""

from collections.abc import Iterable

from ihe.datatypes import DTM, Identifier, LanguageCode, MimeType
from ihe.dsg.vocabulary import DETACHED, FORMAT_SCHEME, MIME_TYPE, PURPOSE_SCHEME, Purpose
from ihe.model import Association, Author, Code, DocumentEntry, LocalizedString
from ihe.vocabulary import AssociationType

TYPE_CODE = Code("E1762", "ASTM", LocalizedString("Full Document"))
"""typeCode of a signature, unless an affinity domain has another."""
LANGUAGE = LanguageCode("art")
"""languageCode: an artificial one."""


def is_signature(entry: DocumentEntry) -> bool:
    """Tell whether an entry says that its document is a detached signature."""
    code = entry.format_code
    return code is not None and (code.code, code.scheme) == (DETACHED, FORMAT_SCHEME)


def signature_entry(
    like: DocumentEntry,
    *,
    entry_uuid: str,
    unique_id: Identifier,
    signer: Author,
    purpose: Purpose,
    at: DTM,
    class_code: Code | None = None,
) -> DocumentEntry:
    """Return the entry of a signature over the document of another entry.

    Parameters
    ----------
    like
        A signed document: its patient, facility, practice and confidentiality are the signature's.
    entry_uuid
        A symbolic id, or a UUID URN.
    class_code
        Of the affinity domain; the signed document's if there is none.
    """
    return DocumentEntry(
        entry_uuid=entry_uuid,
        object_type=like.object_type,
        mime_type=MimeType(MIME_TYPE),
        unique_id=unique_id,
        patient_id=like.patient_id,
        source_patient_id=like.source_patient_id,
        authors=(signer,),
        class_code=class_code or like.class_code,
        confidentiality_codes=like.confidentiality_codes,
        creation_time=at,
        event_codes=(Code(purpose, PURPOSE_SCHEME, LocalizedString(purpose.display)),),
        format_code=Code(DETACHED, FORMAT_SCHEME, LocalizedString("DSG Detached Document")),
        healthcare_facility_type_code=like.healthcare_facility_type_code,
        language_code=LANGUAGE,
        practice_setting_code=like.practice_setting_code,
        title=LocalizedString(purpose.display),
        type_code=TYPE_CODE,
    )


def signs(signature: str, documents: Iterable[str]) -> tuple[Association, ...]:
    """Return the Associations from a signature to the documents that it signs, by their ids."""
    return tuple(
        Association(
            entry_uuid=f"signs-{number}",
            type=AssociationType.SIGNS,
            source=signature,
            target=document,
        )
        for number, document in enumerate(documents, 1)
    )
