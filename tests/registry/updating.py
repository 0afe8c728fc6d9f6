"""Steps of tests that update document sets (ITI-57, ITI-92)."""

from dataclasses import replace
from typing import Any

from hub.call import Call
from ihe.datatypes import HomeCommunityId
from ihe.errors import ErrorCode
from ihe.messages import RegistryResponse, SubmitObjectsRequest
from ihe.model import (
    Association,
    DocumentEntry,
    Folder,
    LocalizedString,
    RegistryObject,
    Submission,
)
from ihe.state import Kind, Record
from ihe.vocabulary import AssociationType, Status, SubmissionSetStatus
from registry import iti57
from tests import samples
from tests.registry.scene import Scene

T, E = AssociationType, ErrorCode
NEW, NEW_FOLDER = samples.uuid(7001), samples.uuid(7002)
TITLE = LocalizedString("Rettet tittel")


def send(scene: Scene, submission: Submission) -> RegistryResponse:
    call = Call(at=scene.at, trace_id="0" * 32)
    return iti57.handle(SubmitObjectsRequest(submission), call, scene.registry)


def update(scene: Scene, *things: RegistryObject, **changes: Any) -> Submission:
    """Return an update of documents and folders, with links that are given."""
    chosen = changes.pop("submission_set", scene.new_set())
    previous, propagate = changes.pop("previous", "1"), changes.pop("propagate", None)
    members = [
        samples.member(
            chosen.entry_uuid,
            thing.entry_uuid,
            submission_set_status=SubmissionSetStatus.ORIGINAL
            if isinstance(thing, DocumentEntry)
            else None,
            previous_version=previous,
            association_propagation=propagate,
        )
        for thing in things
    ]
    return Submission(
        submission_sets=(chosen,),
        entries=tuple(each for each in things if isinstance(each, DocumentEntry)),
        folders=tuple(each for each in things if isinstance(each, Folder)),
        associations=(*members, *changes.pop("links", ())),
    )


def at_home(submission: Submission, home: HomeCommunityId | None = samples.HOME) -> Submission:
    """Return the submission with a home on every object that needs one."""
    return replace(
        submission,
        submission_sets=tuple(
            replace(each, home_community_id=home) for each in submission.submission_sets
        ),
        entries=tuple(replace(each, home_community_id=home) for each in submission.entries),
        folders=tuple(replace(each, home_community_id=home) for each in submission.folders),
    )


def version_of(scene: Scene, number: int, **changes: Any) -> DocumentEntry:
    """Return a new version of document `number`."""
    record = scene.entry(number) if "of" not in changes else changes.pop("of")
    changes.setdefault("title", TITLE)
    changes.setdefault("entry_uuid", NEW)
    entry: DocumentEntry = scene.value(record)
    return replace(entry, logical_id=record.logical_id, version=None, **changes)


def status_change(target: str, old: str, new: str, **changes: Any) -> Association:
    whole = Association(
        entry_uuid=f"status-{target}-{new}",
        type=T.UPDATE_AVAILABILITY_STATUS,
        source="SubmissionSet01",
        target=target,
        original_status=Status(old) if old in set(Status) else old,
        new_status=Status(new) if new in set(Status) else new,
    )
    return replace(whole, **changes)


def submitted(link: Association) -> tuple[Association, Association]:
    trigger = Association(
        entry_uuid=f"submit-{link.entry_uuid}",
        type=T.SUBMIT_ASSOCIATION,
        source="SubmissionSet01",
        target=link.entry_uuid,
    )
    return link, trigger


def versions(scene: Scene, number: int) -> list[tuple[int, Status]]:
    found = scene.find(Kind.DOCUMENT_ENTRY, "unique_id", f"2.25.1000.{number}")
    return [(each.version, each.status) for each in found]


def links_to(scene: Scene, target: str) -> list[Record]:
    return scene.find(Kind.ASSOCIATION, "target", target)


def in_folder(scene: Scene, number: int = 1) -> tuple[str, str, str]:
    """Register document `number` in folder `number`; return folder, membership and document."""
    entry, folder = samples.entry(number), samples.folder(number)
    inside = samples.member(folder.entry_uuid, entry.entry_uuid, submission_set_status=None)
    chosen = scene.new_set()
    of_set = [
        samples.member(chosen.entry_uuid, each, submission_set_status=None)
        for each in (folder.entry_uuid, inside.entry_uuid)
    ]
    response = scene.submit(
        entry, submission_set=chosen, folders=(folder,), links=(inside, *of_set)
    )
    assert response.ok, response.errors
    (found,) = scene.find(Kind.FOLDER, "unique_id", str(folder.unique_id))
    (membership,) = scene.find(Kind.ASSOCIATION, "source", found.entry_uuid)
    return found.entry_uuid, membership.entry_uuid, scene.entry(number).entry_uuid
