"""Small registry objects for tests: what a test names, and what an object cannot be without."""

from dataclasses import replace
from uuid import UUID

from ihe.datatypes import CX, OID, Identifier, MimeType
from ihe.model import Association, DocumentEntry, Folder, RegistryObject, SubmissionSet
from ihe.vocabulary import AssociationType, Status

LINE = CX("13816812345^^^&2.16.578.1.12.4.1.4.1&ISO")
KARI = CX("15896212345^^^&2.16.578.1.12.4.1.4.1&ISO")
OLE = CX("01853012345^^^&2.16.578.1.12.4.1.4.1&ISO")


def uuid(number: int) -> str:
    """Return the UUID of a number; higher numbers do not sort later."""
    scattered = (number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % (1 << 128)
    return UUID(int=scattered, version=4).urn


def oid(number: int) -> OID:
    return OID(f"2.25.{1000 + number}")


def entry(number: int, patient_id: CX = LINE) -> DocumentEntry:
    return DocumentEntry(
        entry_uuid=uuid(number),
        logical_id=uuid(number),
        version="1",
        unique_id=Identifier(oid(number)),
        patient_id=patient_id,
        availability_status=Status.APPROVED,
        mime_type=MimeType("text/plain"),
    )


def submission_set(number: int, patient_id: CX = LINE) -> SubmissionSet:
    return SubmissionSet(
        entry_uuid=uuid(number),
        logical_id=uuid(number),
        version="1",
        unique_id=oid(number),
        patient_id=patient_id,
        availability_status=Status.APPROVED,
    )


def folder(number: int, patient_id: CX = LINE) -> Folder:
    return Folder(
        entry_uuid=uuid(number),
        logical_id=uuid(number),
        version="1",
        unique_id=oid(number),
        patient_id=patient_id,
        availability_status=Status.APPROVED,
    )


def association(
    number: int,
    source: RegistryObject | int,
    target: RegistryObject | int,
    type: AssociationType = AssociationType.HAS_MEMBER,
) -> Association:
    return Association(
        entry_uuid=uuid(number),
        logical_id=uuid(number),
        version="1",
        type=type,
        source=uuid(source) if isinstance(source, int) else source.entry_uuid,
        target=uuid(target) if isinstance(target, int) else target.entry_uuid,
        availability_status=Status.APPROVED,
    )


def version_of(first: DocumentEntry, number: int, version: int) -> DocumentEntry:
    """Return a later version of an entry, with a UUID of its own."""
    return replace(first, entry_uuid=uuid(number), version=str(version))
