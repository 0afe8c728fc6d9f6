"""Complete, valid sample objects: each test changes the one thing that it is about.

All identities are synthetic (Norwegian test-series numbers, month + 80).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

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
from ihe.messages import (
    AdhocQueryRequest,
    Document,
    DocumentRequest,
    DocumentResponse,
    ProvideAndRegisterRequest,
    RetrieveDocumentSetRequest,
    RetrieveDocumentSetResponse,
)
from ihe.model import (
    Association,
    Author,
    Code,
    DocumentEntry,
    Folder,
    LocalizedString,
    Slot,
    Submission,
    SubmissionSet,
)
from ihe.vocabulary import (
    AssociationType,
    DocumentEntryType,
    ResponseStatus,
    SubmissionSetStatus,
)

PATIENT = CX("13916900216^^^&2.16.578.1.12.4.1.4.1&ISO")
OTHER_PATIENT = CX("29898496140^^^&2.16.578.1.12.4.1.4.1&ISO")
HOME = HomeCommunityId("urn:oid:2.16.578.1.12.4.1.7.1.99")
REPOSITORY = OID("2.16.578.1.12.4.1.7.1.99.1")
CONTENT = b"Epikrise. Pasienten er utskrevet i god tilstand.\r\n"


@dataclass(frozen=True)
class Bytes:
    """A document in memory, with its digests."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def sha1(self) -> str:
        return hashlib.sha1(self.data, usedforsecurity=False).hexdigest()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def chunks(self) -> Iterator[bytes]:
        yield self.data

    def discard(self) -> None:
        pass


def uuid(number: int) -> str:
    """Return a UUID URN that names `number`."""
    return f"urn:uuid:00000000-0000-4000-8000-{number:012x}"


def code(value: str, scheme: str = "2.16.578.1.12.4.1.1.9602", display: str = "") -> Code:
    return Code(value, scheme, LocalizedString(display or value))


def author(**changes: Any) -> Author:
    whole = Author(
        person=XCN("502116685^NORDMANN^KARI^^^^^^&2.16.578.1.12.4.1.4.4&ISO"),
        institutions=(
            XON("Nordlandssykehuset HF^^^^^&2.16.578.1.12.4.1.4.101&ISO^^^^983974910"),
            XON("Medisinsk avdeling^^^^^&2.16.578.1.12.4.1.4.102&ISO^^^^4211607"),
        ),
        roles=("3^^^&2.16.578.1.12.4.1.1.9034&ISO",),
        specialties=("4^^^&2.16.578.1.12.4.1.1.7426&ISO",),
        telecommunications=(XTN("^PRN^PH^^47^75^534000"), XTN("^NET^Internet^post@example.com")),
    )
    return replace(whole, **changes)


def entry(number: int = 1, **changes: Any) -> DocumentEntry:
    """Return a stable DocumentEntry as a repository registers it."""
    whole = DocumentEntry(
        entry_uuid=f"Document{number:02}",
        object_type=DocumentEntryType.STABLE,
        mime_type=MimeType("text/plain"),
        unique_id=Identifier(f"2.25.1000.{number}"),
        patient_id=PATIENT,
        authors=(author(),),
        class_code=code("A00-1", display="Epikriser og sammenfatninger"),
        comments=LocalizedString("Sendt etter utskriving", "nb-NO"),
        confidentiality_codes=(code("N", "2.16.840.1.113883.5.25", "normal"),),
        creation_time=DTM("20261124083000"),
        event_codes=(code("WBFE00", "2.16.578.1.12.4.1.1.7210"),),
        format_code=code("urn:ihe:iti:xds:2017:mimeTypeSufficient", "1.3.6.1.4.1.19376.1.2.3"),
        hash=SHA1(Bytes(CONTENT).sha1),
        healthcare_facility_type_code=code("86.101", "2.16.578.1.12.4.1.1.1303", "Sykehus"),
        language_code=LanguageCode("nb-NO"),
        legal_authenticator=XCN("502116685^NORDMANN^KARI^^^^^^&2.16.578.1.12.4.1.4.4&ISO"),
        practice_setting_code=code("4", "2.16.578.1.12.4.1.1.8653", "Indremedisin"),
        reference_ids=(CXi("4711^^^&2.16.578.1.12.4.1.7.5&ISO^urn:ihe:iti:xds:2013:referral"),),
        repository_unique_id=REPOSITORY,
        service_start_time=DTM("20261120"),
        service_stop_time=DTM("20261124"),
        size=str(len(CONTENT)),
        source_patient_id=CX("4711^^^&2.16.578.1.12.4.1.7.3.2.1&ISO"),
        source_patient_info=(Field("PID-5|Danser^Line"), Field("PID-7|19691113"), Field("PID-8|F")),
        title=LocalizedString("Epikrise – indremedisin", "nb-NO"),
        type_code=code("A03-2", display="Epikrise"),
        extra=(Slot("urn:felles:sample:ward", ("B3", "B4")),),
    )
    return replace(whole, **changes)


def on_demand_entry(number: int = 1, **changes: Any) -> DocumentEntry:
    """Return an on-demand DocumentEntry as ITI-61 registers it."""
    return entry(
        number,
        **{
            "object_type": DocumentEntryType.ON_DEMAND,
            "creation_time": None,
            "hash": None,
            "size": None,
            "legal_authenticator": None,
            **changes,
        },
    )


def submission_set(**changes: Any) -> SubmissionSet:
    whole = SubmissionSet(
        entry_uuid="SubmissionSet01",
        unique_id=OID("2.25.2000"),
        source_id=OID("2.16.578.1.12.4.1.7.1.99.2"),
        patient_id=PATIENT,
        authors=(author(),),
        comments=LocalizedString("Automatisk deling"),
        content_type_code=code("A00-1"),
        intended_recipients=(Recipient("Bodø kommune|^HANSEN^OLE"),),
        submission_time=DTM("20261124084500"),
        title=LocalizedString("Utskriving"),
    )
    return replace(whole, **changes)


def folder(number: int = 1, **changes: Any) -> Folder:
    whole = Folder(
        entry_uuid=f"Folder{number:02}",
        unique_id=OID(f"2.25.3000.{number}"),
        patient_id=PATIENT,
        codes=(code("IP", "2.16.578.1.12.4.1.7.6", "Individuell plan"),),
        comments=LocalizedString("Ansvarsgruppen"),
        title=LocalizedString("Individuell plan"),
    )
    return replace(whole, **changes)


def member(source: str, target: str, **changes: Any) -> Association:
    """Return a HasMember association; of a DocumentEntry by value unless `changes` say else."""
    whole = Association(
        entry_uuid=f"{source}-{target}",
        type=AssociationType.HAS_MEMBER,
        source=source,
        target=target,
        submission_set_status=SubmissionSetStatus.ORIGINAL if "Document" in target else None,
    )
    return replace(whole, **changes)


def relationship(kind: AssociationType, source: str, target: str, **changes: Any) -> Association:
    whole = Association(entry_uuid=f"{kind.name}-{source}", type=kind, source=source, target=target)
    return replace(whole, **changes)


def submission(*entries: DocumentEntry, **changes: Any) -> Submission:
    """Return a submission of `entries` (one sample entry without any), with their set."""
    of = entries or (entry(),)
    chosen = changes.pop("submission_set", submission_set())
    whole = Submission(
        submission_sets=(chosen,),
        entries=of,
        associations=tuple(
            member(
                chosen.entry_uuid,
                each.entry_uuid,
                submission_set_status=SubmissionSetStatus.ORIGINAL,
            )
            for each in of
        ),
    )
    return replace(whole, **changes)


def submission_with_folder() -> Submission:
    """Return a submission of a folder with an entry in it."""
    inside = member("Folder01", "Document01", submission_set_status=None)
    plain = submission()
    return replace(
        plain,
        folders=(folder(),),
        associations=(
            *plain.associations,
            member("SubmissionSet01", "Folder01"),
            inside,
            member("SubmissionSet01", inside.entry_uuid, submission_set_status=None),
        ),
    )


def provide_and_register(content: bytes = CONTENT) -> ProvideAndRegisterRequest:
    return ProvideAndRegisterRequest(
        submission(entry(repository_unique_id=None, hash=None, size=None)),
        (Document("Document01", Bytes(content), "text/plain"),),
    )


def find_documents(patient: CX = PATIENT, **changes: Any) -> AdhocQueryRequest:
    whole = AdhocQueryRequest(
        query_id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
        parameters=(
            Slot("$XDSDocumentEntryPatientId", (f"'{patient}'",)),
            Slot(
                "$XDSDocumentEntryStatus",
                ("('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')",),
            ),
        ),
    )
    return replace(whole, **changes)


def retrieve(*unique_ids: str, home: HomeCommunityId | None = None) -> RetrieveDocumentSetRequest:
    return RetrieveDocumentSetRequest(
        tuple(
            DocumentRequest(REPOSITORY, Identifier(each), home)
            for each in unique_ids or ("2.25.1000.1",)
        )
    )


def retrieved(content: bytes = CONTENT) -> RetrieveDocumentSetResponse:
    return RetrieveDocumentSetResponse(
        ResponseStatus.SUCCESS,
        (),
        tuple(
            DocumentResponse(each, MimeType("text/plain"), Bytes(content))
            for each in retrieve().documents
        ),
    )
