"""What the demo's communities share: some forty made-up documents, with complete metadata.

```text
Stay ─▶ submit: one SubmissionSet, an entry and a document for each kind
          ├─ a discharge letter as CDA, and its PDF        (XFRM)
          ├─ a laboratory report that replaces another     (RPLC)
          └─ a care plan's folder in the municipality      (Folder)
```

Everything follows from the time that it is given: ids are names' UUIDs, so the same time gives the
same documents.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from felles.demo import kinds
from felles.demo.communities import (
    COMMUNITIES,
    MIDT,
    MUNICIPALITIES,
    NORD,
    PATIENTS,
    SOR_OST,
    VEST,
    Community,
    Person,
)
from felles.demo.formats.letter import Letter
from felles.demo.kinds import Format, Kind
from felles.describing import has_member, oid_of_uuid
from ihe.datatypes import CX, DTM, OID, SHA1, Identifier, LanguageCode, MimeType
from ihe.model import (
    Association,
    Code,
    DocumentEntry,
    Folder,
    LocalizedString,
    Submission,
    SubmissionSet,
)
from ihe.vocabulary import CONFIDENTIALITY_CODES, AssociationType

_NORWEGIAN_CONFIDENTIALITY: Final = "2.16.578.1.12.4.1.1.9603"
_NORMAL: Final = (
    Code("N", CONFIDENTIALITY_CODES, LocalizedString("normal")),
    Code("N", _NORWEGIAN_CONFIDENTIALITY, LocalizedString("Ikke begrenset innsyn", "nb-NO")),
)


@dataclass(frozen=True, slots=True)
class Stay:
    """What one unit writes of one patient at one time, and shares in one submission."""

    community: Community
    patient: Person
    kinds: tuple[Kind, ...]
    days_ago: int


@dataclass(frozen=True, slots=True)
class Submitted:
    """One submission with the bytes of its documents by entry_uuid."""

    submission: Submission
    documents: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that is shared, and what a nurse has to find of it.

    Parameters
    ----------
    shared
        Submissions by the community's slug, in their order.
    patient_id
        Whom the nurse asks for.
    expected
        How many Approved documents each community has of that patient, by homeCommunityId.
    wanted_unique_id, wanted
        The document of another region that is fetched, and its bytes.
    stops
        Slug of the region that stops.
    """

    shared: Mapping[str, Sequence[Submitted]]
    patient_id: CX
    expected: Mapping[str, int]
    wanted_unique_id: str
    wanted: bytes
    stops: str


def _stays() -> tuple[Stay, ...]:
    main, *others = PATIENTS
    stays = [
        Stay(NORD, main, (kinds.DISCHARGE, kinds.IMAGING), 12),
        Stay(MIDT, main, (kinds.OUTPATIENT,), 140),
        Stay(VEST, main, (kinds.LAB_INTERIM,), 61),
        Stay(SOR_OST, main, (kinds.LETTER, kinds.IMAGING), 300),
        Stay(MUNICIPALITIES, main, (kinds.NURSING, kinds.PLAN), 5),
    ]
    regions = (NORD, MIDT, VEST, SOR_OST)
    for number, patient in enumerate(others):
        region = regions[number % len(regions)]
        stays.append(Stay(region, patient, (kinds.DISCHARGE, kinds.LAB), 20 + number))
        stays.append(Stay(MUNICIPALITIES, patient, (kinds.NURSING, kinds.REFERRAL), 10 + number))
    return tuple(stays)


def made_up(at: datetime) -> Scene:
    """Make everything up, as of a time in UTC."""
    shared: dict[str, list[Submitted]] = {each.slug: [] for each in COMMUNITIES}
    for stay in _stays():
        shared[stay.community.slug].append(submit(stay, at))
    interim = shared[VEST.slug][0].submission.entries[0]
    final = Stay(VEST, PATIENTS[0], (kinds.LAB,), 60)
    shared[VEST.slug].append(_replacing(interim, submit(final, at)))
    main = PATIENTS[0].patient_id
    discharge = shared[NORD.slug][0]
    wanted = discharge.submission.entries[0]
    return Scene(
        shared=shared,
        patient_id=main,
        expected={
            each.home_community_id: _approved(shared[each.slug], main) for each in COMMUNITIES
        },
        wanted_unique_id=str(wanted.unique_id),
        wanted=discharge.documents[wanted.entry_uuid],
        stops=MIDT.slug,
    )


def _approved(submitted: Sequence[Submitted], patient_id: CX) -> int:
    """Count the documents of a patient that nothing replaces."""
    replaced = {
        link.target
        for each in submitted
        for link in each.submission.associations
        if link.type == AssociationType.RPLC
    }
    entries = [entry for each in submitted for entry in each.submission.entries]
    return sum(e.patient_id == patient_id and e.entry_uuid not in replaced for e in entries)


# --- submissions ---------------------------------------------------------------------------------


def submit(stay: Stay, at: datetime) -> Submitted:
    """Return the submission of a stay; a discharge letter comes as PDF too (XFRM)."""
    name = f"{stay.community.slug} {stay.patient.number} {stay.days_ago} {at:%Y%m%d%H%M%S}"
    written = at - timedelta(days=stay.days_ago)
    entries: list[DocumentEntry] = []
    documents: dict[str, bytes] = {}
    links: list[Association] = []
    for kind in stay.kinds:
        entry, data = _document(stay, kind, kind.format, name, written)
        entries.append(entry)
        documents[entry.entry_uuid] = data
        if kind is kinds.DISCHARGE:
            as_pdf, data = _document(stay, kind, kinds.PDF, name, written)
            entries.append(as_pdf)
            documents[as_pdf.entry_uuid] = data
            links.append(
                Association(
                    entry_uuid=_uuid(f"{name} {kind.title} XFRM"),
                    type=AssociationType.XFRM,
                    source=as_pdf.entry_uuid,
                    target=entry.entry_uuid,
                )
            )
    chosen = _submission_set(stay, name, at)
    members = [
        has_member(_uuid(f"{name} member {number}"), chosen, entry.entry_uuid)
        for number, entry in enumerate(entries)
    ]
    submission = Submission(
        submission_sets=(chosen,), entries=tuple(entries), associations=(*members, *links)
    )
    if kinds.PLAN in stay.kinds:
        submission = _in_folder(submission, stay, name)
    return Submitted(submission, documents)


def _document(
    stay: Stay, kind: Kind, format: Format, name: str, written: datetime
) -> tuple[DocumentEntry, bytes]:
    own = f"{name} {kind.title} {format.mime_type}"
    unique_id = oid_of_uuid(_uuid(f"{own} uniqueId"))
    data = format.write(
        Letter(
            id=unique_id,
            title=kind.title,
            sections=kind.sections,
            patient=stay.patient,
            author=kind.author,
            community=stay.community,
            at=written,
        )
    )
    time = DTM.of(written)
    entry = DocumentEntry(
        entry_uuid=_uuid(own),
        mime_type=MimeType(format.mime_type),
        unique_id=Identifier(unique_id),
        patient_id=stay.patient.patient_id,
        authors=(kind.author.author(stay.community),),
        class_code=kind.class_code,
        confidentiality_codes=_NORMAL,
        creation_time=time,
        format_code=format.code,
        healthcare_facility_type_code=kind.facility,
        language_code=LanguageCode("nb-NO"),
        legal_authenticator=kind.author.xcn,
        practice_setting_code=kind.practice,
        service_start_time=DTM.of(written - timedelta(days=4)),
        service_stop_time=time,
        source_patient_id=stay.patient.patient_id,
        source_patient_info=stay.patient.source_patient_info,
        title=LocalizedString(kind.title, "nb-NO"),
        type_code=kind.type_code,
        hash=SHA1(hashlib.sha1(data, usedforsecurity=False).hexdigest()),
        size=str(len(data)),
    )
    return entry, data


def _submission_set(stay: Stay, name: str, at: datetime) -> SubmissionSet:
    own = _uuid(f"{name} SubmissionSet")
    first = stay.kinds[0]
    return SubmissionSet(
        entry_uuid=own,
        unique_id=OID(oid_of_uuid(_uuid(f"{own} uniqueId"))),
        source_id=stay.community.source_id,
        patient_id=stay.patient.patient_id,
        authors=(first.author.author(stay.community),),
        content_type_code=first.class_code,
        submission_time=DTM.of(at),
        title=LocalizedString(first.title, "nb-NO"),
    )


def _in_folder(submission: Submission, stay: Stay, name: str) -> Submission:
    """Return the submission with a folder that holds all of its documents."""
    own = _uuid(f"{name} Folder")
    folder = Folder(
        entry_uuid=own,
        unique_id=OID(oid_of_uuid(_uuid(f"{own} uniqueId"))),
        patient_id=stay.patient.patient_id,
        codes=(kinds.PLAN.class_code,),
        title=LocalizedString("Oppfølging hjemme", "nb-NO"),
    )
    chosen = submission.submission_set
    of_folder = [
        Association(
            entry_uuid=_uuid(f"{own} holds {entry.entry_uuid}"),
            type=AssociationType.HAS_MEMBER,
            source=own,
            target=entry.entry_uuid,
        )
        for entry in submission.entries
    ]
    of_set = [
        replace(  # only documents have a SubmissionSetStatus (ITI TF-3 4.2.1.4)
            has_member(_uuid(f"{own} in set {number}"), chosen, target), submission_set_status=None
        )
        for number, target in enumerate((own, *(each.entry_uuid for each in of_folder)))
    ]
    return replace(
        submission,
        folders=(folder,),
        associations=(*submission.associations, *of_folder, *of_set),
    )


def _replacing(old: DocumentEntry, new: Submitted) -> Submitted:
    """Return a submission whose only document replaces an earlier one."""
    (entry,) = new.submission.entries
    link = Association(
        entry_uuid=_uuid(f"{entry.entry_uuid} RPLC"),
        type=AssociationType.RPLC,
        source=entry.entry_uuid,
        target=old.entry_uuid,
    )
    submission = replace(new.submission, associations=(*new.submission.associations, link))
    return replace(new, submission=submission)


def _uuid(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"2.999.578 {name}").urn
