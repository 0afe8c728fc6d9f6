"""What each stored query finds, told a second time: slowly, object by object, from the clauses.

`World` holds whole objects in lists. Each method is one query of ITI TF-2 3.18.4.1.2.3.7, named as
in `ihe.vocabulary.StoredQueryId`, and goes through the lists as its clause reads. Nothing here is
shared with `registry.iti18`, so that the two can be compared.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ihe.model import Association, Code, DocumentEntry, Folder, RegistryObject, SubmissionSet
from ihe.queries import AllOf
from ihe.vocabulary import AssociationType, DocumentAvailability, DocumentEntryType, Status

CODED = (
    "class_code",
    "type_code",
    "practice_setting_code",
    "healthcare_facility_type_code",
)
TIMES = ("creation_time", "service_start_time", "service_stop_time")


@dataclass(frozen=True)
class World:
    """Everything that is registered."""

    entries: list[DocumentEntry]
    sets: list[SubmissionSet]
    folders: list[Folder]
    links: list[Association]


class Told:
    """One question to a world: `given` is what `ihe.queries.render_query` is given."""

    def __init__(self, world: World, given: Mapping[str, Any]) -> None:
        self.world, self.given = world, given
        self.hides = given.get("metadata_level", 1) == 1

    def find(self, query: str) -> set[str]:
        """Return the ids of what a query finds."""
        found: list[RegistryObject] = getattr(self, query)()
        return {each.entry_uuid for each in found}

    # --- parameters ------------------------------------------------------------------------------

    def groups(self, name: str) -> list[list[Any]]:
        """Slots are ANDed, the values of one are ORed."""
        value = self.given.get(name)
        if value is None:
            return []
        if isinstance(value, AllOf):
            return [list(group) for group in value.groups]
        return [[value] if isinstance(value, str) else list(value)]

    def codes(self, name: str, *codes: Code | None) -> bool:
        """Code and scheme count."""
        has = {(code.code, code.scheme) for code in codes if code}
        return all(
            any((code.code, code.scheme) in has for code in group) for group in self.groups(name)
        )

    def patterns(self, name: str, *texts: str) -> bool:
        return all(
            any(is_like(text, pattern) for pattern in group for text in texts)
            for group in self.groups(name)
        )

    def time(self, name: str, value: str | None) -> bool:
        """From is inside, To is outside; what has no such time is not left out by it."""
        start, stop = self.given.get(f"{name}_from"), self.given.get(f"{name}_to")
        return value is None or ((start or "") <= value and (stop is None or value < stop))

    def one_of(self, name: str, value: object) -> bool:
        return name not in self.given or value in self.given[name]

    def chosen(self, pool: Iterable[Any]) -> list[Any]:
        """Return what the ids pick, of whichever sort they are."""
        names = [n for n in ("entry_uuid", "unique_id", "logical_id") if n in self.given]
        (name,) = names
        wanted = self.given[name]
        wanted = [wanted] if isinstance(wanted, str) else wanted
        return [each for each in pool if getattr(each, name) in wanted]

    # --- what may be seen ------------------------------------------------------------------------

    @property
    def entries(self) -> list[DocumentEntry]:
        """Level 1 shows the newest versions that are online."""
        newest = {
            each.logical_id: max(
                int(other.version or 1)
                for other in self.world.entries
                if other.logical_id == each.logical_id
            )
            for each in self.world.entries
        }
        return [
            each
            for each in self.world.entries
            if not self.hides
            or (
                newest[each.logical_id] == int(each.version or 1)
                and each.document_availability != DocumentAvailability.OFFLINE
            )
        ]

    @property
    def folders(self) -> list[Folder]:
        return [each for each in self.world.folders if not self.hides or is_approved(each)]

    @property
    def links(self) -> list[Association]:
        return [
            each
            for each in self.world.links
            if (not self.hides or is_approved(each))
            and self.one_of("association_status", each.availability_status)
        ]

    def members_of(self, source: RegistryObject) -> list[Association]:
        return [
            each
            for each in self.links
            if each.type == AssociationType.HAS_MEMBER and each.source == source.entry_uuid
        ]

    def touching(self, objects: Iterable[RegistryObject]) -> list[Association]:
        uuids = {each.entry_uuid for each in objects}
        return [each for each in self.links if each.source in uuids or each.target in uuids]

    def is_of_type(self, entry: DocumentEntry) -> bool:
        """Without $XDSDocumentEntryType, stable documents alone."""
        asked = self.given.get("document_entry_type", [DocumentEntryType.STABLE])
        return entry.object_type in asked

    def passes(self, entry: DocumentEntry) -> bool:
        return (
            self.is_of_type(entry)
            and self.codes("format_code", entry.format_code)
            and self.codes("confidentiality_code", *entry.confidentiality_codes)
        )

    # --- queries by patient ----------------------------------------------------------------------

    def find_documents(self) -> list[DocumentEntry]:
        return [
            each
            for each in self.entries
            if each.patient_id == self.given["patient_id"]
            and self.one_of("document_entry_status", each.availability_status)
            and self.passes(each)
            and all(self.codes(name, getattr(each, name)) for name in CODED)
            and self.codes("event_code", *each.event_codes)
            and all(self.time(name, getattr(each, name)) for name in TIMES)
            and self.patterns("author_person", *persons(each))
            and self.patterns("reference_id", *each.reference_ids)
            and self.one_of(
                "document_availability", each.document_availability or DocumentAvailability.ONLINE
            )
        ]

    find_documents_by_reference_id = find_documents

    def find_submission_sets(self) -> list[SubmissionSet]:
        return [
            each
            for each in self.world.sets
            if each.patient_id == self.given["patient_id"]
            and self.one_of("submission_set_status", each.availability_status)
            and self.one_of("source_id", each.source_id)
            and self.time("submission_time", each.submission_time)
            and self.patterns("author_person", *persons(each))
            and self.codes("content_type_code", each.content_type_code)
        ]

    def find_folders(self) -> list[Folder]:
        return [
            each
            for each in self.world.folders  # $XDSFolderStatus alone decides
            if each.patient_id == self.given["patient_id"]
            and self.one_of("folder_status", each.availability_status)
            and self.time("last_update_time", each.last_update_time)
            and self.codes("code", *each.codes)
        ]

    def get_all(self) -> list[RegistryObject]:
        patient_id = self.given["patient_id"]
        found: list[RegistryObject] = [
            *(
                each
                for each in self.entries
                if each.patient_id == patient_id
                and self.one_of("document_entry_status", each.availability_status)
                and self.passes(each)
            ),
            *(
                each
                for each in self.world.sets
                if each.patient_id == patient_id
                and self.one_of("submission_set_status", each.availability_status)
            ),
            *(
                each
                for each in self.world.folders
                if each.patient_id == patient_id
                and self.one_of("folder_status", each.availability_status)
            ),
        ]
        return [*found, *self.touching(found)]

    # --- queries by id ---------------------------------------------------------------------------

    def get_documents(self) -> list[DocumentEntry]:
        return self.chosen(self.entries)

    def get_folders(self) -> list[Folder]:
        return self.chosen(self.folders)

    def get_associations(self) -> list[Association]:
        uuids = self.given["uuid"]
        return [each for each in self.links if each.source in uuids or each.target in uuids]

    def get_documents_and_associations(self) -> list[RegistryObject]:
        found = self.chosen(self.entries)
        return [*found, *self.touching(found)]

    def get_submission_sets(self) -> list[RegistryObject]:
        found: list[RegistryObject] = []
        for each in self.world.sets:
            members = [m for m in self.members_of(each) if m.target in self.given["uuid"]]
            found += [each, *members] if members else []
        return found

    def get_submission_set_and_contents(self) -> list[RegistryObject]:
        found: list[RegistryObject] = []
        for chosen in self.chosen(self.world.sets):
            members = self.members_of(chosen)
            targets = {each.target for each in members}
            inside: list[RegistryObject] = [chosen]
            inside += [e for e in self.entries if e.entry_uuid in targets and self.passes(e)]
            inside += [each for each in self.folders if each.entry_uuid in targets]
            uuids = {each.entry_uuid for each in inside}
            inside += [
                each
                for each in self.links
                if each.entry_uuid in targets and each.source in uuids and each.target in uuids
            ]
            uuids = {each.entry_uuid for each in inside}
            found += [*inside, *(each for each in members if each.target in uuids)]
        return found

    def get_folder_and_contents(self) -> list[RegistryObject]:
        found: list[RegistryObject] = []
        for chosen in self.chosen(self.folders):
            found.append(chosen)
            for link in self.members_of(chosen):
                entries = [each for each in self.entries if each.entry_uuid == link.target]
                if entries and self.passes(entries[0]):
                    found += [entries[0], link]
        return found

    def get_folders_for_document(self) -> list[Folder]:
        wanted = {each.entry_uuid for each in self.chosen(self.entries)}
        return [
            each
            for each in self.folders
            if any(link.target in wanted for link in self.members_of(each))
        ]

    def get_related_documents(self) -> list[RegistryObject]:
        given = {each.entry_uuid for each in self.chosen(self.entries)}
        ends = {
            each.entry_uuid: each
            for each in self.entries
            if each.entry_uuid in given or self.is_of_type(each)
        }
        found: list[RegistryObject] = []
        for link in self.links:
            if link.type in self.given["association_type"] and given & {link.source, link.target}:
                both = [ends.get(link.source), ends.get(link.target)]
                if all(both):
                    found += [link, *filter(None, both)]
        return found


QUERIES: tuple[str, ...] = tuple(name for name in vars(Told) if name.startswith(("find_", "get_")))


def is_approved(thing: Folder | Association) -> bool:
    return thing.availability_status == Status.APPROVED


def persons(of: DocumentEntry | SubmissionSet) -> list[str]:
    return [author.person for author in of.authors if author.person]


def is_like(text: str, pattern: str) -> bool:
    """Compare as `%` for any run and `_` for one character ask, in Unicode NFC."""
    text, pattern = (unicodedata.normalize("NFC", each) for each in (text, pattern))
    wild = "".join({"%": ".*", "_": "."}.get(c) or re.escape(c) for c in pattern)
    return re.fullmatch(wild, text, re.DOTALL) is not None
