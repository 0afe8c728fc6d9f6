"""What the demo's communities share: the stories as submissions, with complete metadata.

```text
Story ─ Stay ─▶ one SubmissionSet, an entry and a document for each format of each document
                  ├─ a letter as CDA, and its PDF                       (XFRM)
                  ├─ a report that takes the place of an earlier one    (RPLC)
                  └─ the papers of an individual plan                   (Folder)
```

Everything follows from the time that it is given: ids are names' UUIDs, so the same time gives the
same documents, to the octet.
"""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from felles.demo import codes
from felles.demo.communities import COMMUNITIES, MIDT, NORD, Community
from felles.demo.formats.catalogue import Format
from felles.demo.formats.letter import Letter
from felles.demo.people import Person
from felles.demo.telling import STORIES, Document, Stay, Story
from felles.describing import has_member, oid_of_uuid
from ihe.datatypes import CX, DTM, OID, SHA1, Identifier, LanguageCode, MimeType
from ihe.model import (
    Association,
    DocumentEntry,
    Folder,
    LocalizedString,
    Submission,
    SubmissionSet,
)
from ihe.vocabulary import AssociationType

_OPENS, _CLOSES, _WRITES = 8, 13, 14
"""Hours (UTC) at which stays begin and end, and documents are written."""
_PLAN: Final = "A02-2"
"""What a folder is for: an individual plan."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """One submission with the bytes of its documents by entry_uuid."""

    submission: Submission
    documents: Mapping[str, bytes]

    @property
    def of_documents(self) -> Iterator[tuple[DocumentEntry, bytes]]:
        """Each entry with its bytes."""
        for entry in self.submission.entries:
            yield entry, self.documents[entry.entry_uuid]


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


def made_up(at: datetime) -> Scene:
    """Make everything up, as of a time in UTC."""
    shared: dict[str, list[Submitted]] = {each.slug: [] for each in COMMUNITIES}
    for story in STORIES:
        told = _Telling(story, at)
        for stay in story.stays:
            shared[stay.unit.community.slug].append(told.submit(stay))
    main = STORIES[0].patient.patient_id
    discharge = shared[NORD.slug][0].of_documents
    wanted, data = next(each for each in discharge if each[0].mime_type == "application/pdf")
    return Scene(
        shared=shared,
        patient_id=main,
        expected={
            each.home_community_id: _approved(shared[each.slug], main) for each in COMMUNITIES
        },
        wanted_unique_id=str(wanted.unique_id),
        wanted=data,
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


# --- one story -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Telling:
    """A story as it is told of a time; `named` are entries that others may replace."""

    story: Story
    at: datetime
    named: dict[str, DocumentEntry] = field(default_factory=dict)

    @property
    def patient(self) -> Person:
        return self.story.patient

    def day(self, days_ago: int, hour: int) -> datetime:
        """Return an hour of a day before the demo."""
        return (self.at - timedelta(days=days_ago)).replace(hour=hour, minute=0, second=0)

    def submit(self, stay: Stay) -> Submitted:
        """Return the submission of a stay."""
        name = f"{self.patient.number} {stay.number} {self.at:%Y%m%d%H%M%S}"
        entries: list[DocumentEntry] = []
        documents: dict[str, bytes] = {}
        links: list[Association] = []
        for number, document in enumerate(stay.documents, 1):
            made = [
                self._entry(stay, document, each, f"{name} {number} {each.code.code}")
                for each in document.formats
            ]
            original = made[0][0]
            for entry, data in made:
                entries.append(entry)
                documents[entry.entry_uuid] = data
            links += (_link(AssociationType.XFRM, e, original) for e, _ in made[1:])
            if document.replaces:
                links.append(_link(AssociationType.RPLC, original, self.named[document.replaces]))
            if document.name:
                self.named[document.name] = original
        chosen = self._submission_set(stay, name)
        members = (
            has_member(_uuid(f"{name} has {entry.entry_uuid}"), chosen, entry.entry_uuid)
            for entry in entries
        )
        folders, contents = self._folder(stay, name, chosen, entries)
        submission = Submission(
            submission_sets=(chosen,),
            entries=tuple(entries),
            folders=folders,
            associations=(*members, *links, *contents),
        )
        return Submitted(submission, documents)

    def _letter(self, stay: Stay, document: Document, unique_id: str) -> Letter:
        replaced = self.named[document.replaces] if document.replaces else None
        return Letter(
            id=unique_id,
            title=document.title,
            type_code=codes.type_of(document.type),
            language=document.language,
            sections=document.sections,
            patient=self.patient,
            author=document.author,
            unit=document.unit,
            written=self.day(document.written, _WRITES),
            started=self.day(stay.started, _OPENS),
            stopped=None if stay.stopped is None else self.day(stay.stopped, _CLOSES),
            signed=document.signed,
            replaces=str(replaced.unique_id) if replaced else None,
        )

    def _entry(
        self, stay: Stay, document: Document, format: Format, name: str
    ) -> tuple[DocumentEntry, bytes]:
        unique_id = oid_of_uuid(_uuid(f"{name} uniqueId"))
        letter = self._letter(stay, document, unique_id)
        data = format.write(letter)
        author, unit = document.author, document.unit
        entry = DocumentEntry(
            entry_uuid=_uuid(name),
            mime_type=MimeType(format.mime_type),
            unique_id=Identifier(unique_id),
            patient_id=self.patient.patient_id,
            authors=(author.author(unit),),
            class_code=codes.class_of(document.type),
            confidentiality_codes=codes.confidentiality(document.access),
            creation_time=DTM.of(letter.written),
            format_code=format.code,
            healthcare_facility_type_code=unit.facility,
            language_code=LanguageCode(document.language),
            legal_authenticator=author.xcn if document.signed else None,
            practice_setting_code=unit.practice,
            service_start_time=DTM.of(letter.started),
            service_stop_time=DTM.of(letter.stopped) if letter.stopped else None,
            source_patient_id=_local_id(self.patient, unit.community),
            source_patient_info=self.patient.source_patient_info,
            title=LocalizedString(document.title, document.language),
            type_code=letter.type_code,
            hash=SHA1(hashlib.sha1(data, usedforsecurity=False).hexdigest()),
            size=str(len(data)),
        )
        return entry, data

    def _submission_set(self, stay: Stay, name: str) -> SubmissionSet:
        first = stay.documents[0]
        last_written = min(document.written for document in stay.documents)
        return SubmissionSet(
            entry_uuid=_uuid(f"{name} SubmissionSet"),
            unique_id=OID(oid_of_uuid(_uuid(f"{name} SubmissionSet uniqueId"))),
            source_id=stay.unit.community.source_id,
            patient_id=self.patient.patient_id,
            authors=(first.author.author(stay.unit),),
            content_type_code=codes.class_of(first.type),
            submission_time=DTM.of(self.day(last_written, _WRITES + 1)),
            title=LocalizedString(stay.title, first.language),
        )

    def _folder(
        self, stay: Stay, name: str, chosen: SubmissionSet, entries: Iterable[DocumentEntry]
    ) -> tuple[tuple[Folder, ...], list[Association]]:
        """Return the folder of a stay with what puts its documents there; nothing without one."""
        if stay.folder is None:
            return (), []
        folder = Folder(
            entry_uuid=_uuid(f"{name} Folder"),
            unique_id=OID(oid_of_uuid(_uuid(f"{name} Folder uniqueId"))),
            patient_id=self.patient.patient_id,
            codes=(codes.type_of(_PLAN),),
            title=LocalizedString(stay.folder, "nb-NO"),
        )
        holds = [_member(folder.entry_uuid, entry.entry_uuid) for entry in entries]
        targets = (folder.entry_uuid, *(link.entry_uuid for link in holds))
        return (folder,), [*holds, *(_member(chosen.entry_uuid, each) for each in targets)]


def _link(kind: AssociationType, source: DocumentEntry, target: DocumentEntry) -> Association:
    own = _uuid(f"{source.entry_uuid} {kind.name} {target.entry_uuid}")
    return Association(
        entry_uuid=own, type=kind, source=source.entry_uuid, target=target.entry_uuid
    )


def _member(source: str, target: str) -> Association:
    """Return a HasMember that has no SubmissionSetStatus: only an entry in the set has one."""
    own = _uuid(f"{source} has {target}")
    return Association(
        entry_uuid=own, type=AssociationType.HAS_MEMBER, source=source, target=target
    )


def _local_id(patient: Person, community: Community) -> CX:
    """Return the patient's id in the system of a community's hospitals: six digits."""
    number = uuid.UUID(_uuid(f"{patient.number} in {community.slug}")).int % 900_000 + 100_000
    return CX.of(str(number), community.local_patients)


def _uuid(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"2.999.578 {name}").urn
