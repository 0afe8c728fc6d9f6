"""ITI-57: new versions, status and associations, all of an update or nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any, NamedTuple

import pytest

from hub.call import Call
from ihe import queries
from ihe.datatypes import SHA1, Identifier
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
from ihe.vocabulary import AssociationType, Severity, Status, SubmissionSetStatus
from registry import iti18, iti57
from tests import samples
from tests.registry.scene import Scene, codes

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


# --- versions ------------------------------------------------------------------------------------


def test_a_new_version_takes_the_place_of_the_one_before(scene: Scene) -> None:
    scene.document(1)
    response = send(scene, update(scene, version_of(scene, 1)))
    assert response.ok, response.errors
    assert versions(scene, 1) == [(1, Status.DEPRECATED), (2, Status.APPROVED)]
    old, new = scene.find(Kind.DOCUMENT_ENTRY, "unique_id", "2.25.1000.1")
    assert new.logical_id == old.logical_id == old.entry_uuid
    value = scene.value(new)
    assert (value.title, value.version, value.availability_status) == (TITLE, "2", Status.APPROVED)


def test_versions_follow_each_other(scene: Scene) -> None:
    scene.document(1)
    for number in range(1, 5):
        newest = scene.find(Kind.DOCUMENT_ENTRY, "unique_id", "2.25.1000.1")[-1]
        thing = version_of(scene, 1, of=newest, entry_uuid=samples.uuid(7100 + number))
        assert send(scene, update(scene, thing, previous=str(number))).ok
    assert versions(scene, 1) == [(n, Status.DEPRECATED) for n in range(1, 5)] + [
        (5, Status.APPROVED)
    ]


def test_a_deprecated_document_stays_deprecated_in_its_new_version(scene: Scene) -> None:
    old = scene.document(1)
    assert scene.relate(T.RPLC, 2, old).ok
    assert send(scene, update(scene, version_of(scene, 1))).ok
    assert versions(scene, 1) == [(1, Status.DEPRECATED), (2, Status.DEPRECATED)]


def test_queries_find_the_new_version_by_its_new_attributes(scene: Scene) -> None:
    scene.document(1)
    assert send(scene, update(scene, version_of(scene, 1))).ok
    request = queries.find_documents(samples.PATIENT, status=[Status.APPROVED])
    call = Call(at=scene.at, trace_id="0" * 32)
    (fragment,) = iti18.handle(request, call, scene.registry).fragments
    assert TITLE.value.encode() in fragment
    assert NEW.encode() in fragment


def test_symbolic_ids_get_uuids(scene: Scene) -> None:
    scene.document(1)
    assert send(scene, update(scene, version_of(scene, 1, entry_uuid="new"))).ok
    assert versions(scene, 1)[-1] == (2, Status.APPROVED)


# --- propagation ---------------------------------------------------------------------------------


def test_the_new_version_of_a_document_is_in_the_folders_of_the_old(scene: Scene) -> None:
    folder, membership, old = in_folder(scene)
    assert send(scene, update(scene, version_of(scene, 1))).ok
    (new,) = [each for each in links_to(scene, NEW) if each.source == folder]
    assert new.status == Status.APPROVED
    holders = links_to(scene, new.entry_uuid)
    assert [each.type for each in holders] == [T.HAS_MEMBER], "the set holds the membership"
    assert membership in {each.entry_uuid for each in links_to(scene, old)}, "the old one stays"


def test_relationships_lead_to_and_from_the_new_version(scene: Scene) -> None:
    old = scene.document(1)
    assert scene.relate(T.APND, 2, old).ok
    appendix = scene.entry(2).entry_uuid
    assert send(scene, update(scene, version_of(scene, 1))).ok
    assert [each.source for each in links_to(scene, NEW) if each.type == T.APND] == [appendix]
    newer = version_of(scene, 2, entry_uuid=samples.uuid(7003))
    assert send(scene, update(scene, newer)).ok
    sources = {each.source for each in links_to(scene, NEW) if each.type == T.APND}
    assert sources == {appendix, samples.uuid(7003)}


def test_two_ends_that_are_updated_together_are_joined_once(scene: Scene) -> None:
    old = scene.document(1)
    assert scene.relate(T.APND, 2, old).ok
    both = update(scene, version_of(scene, 1), version_of(scene, 2, entry_uuid=samples.uuid(7003)))
    assert send(scene, both).ok
    new = [each for each in links_to(scene, NEW) if each.type == T.APND]
    assert [each.source for each in new] == [samples.uuid(7003)]


def test_nothing_is_carried_over_when_the_update_says_no(scene: Scene) -> None:
    folder, _, _ = in_folder(scene)
    assert send(scene, update(scene, version_of(scene, 1), propagate="no")).ok
    assert folder not in {each.source for each in links_to(scene, NEW)}


def test_the_new_version_of_a_folder_holds_its_documents(scene: Scene) -> None:
    folder, _, document = in_folder(scene)
    (record,) = scene.find(Kind.FOLDER, "entry_uuid", folder)
    changed = replace(scene.value(record), entry_uuid=NEW_FOLDER, version=None, title=TITLE)
    response = send(scene, update(scene, changed))
    assert response.ok, response.errors
    old, new = scene.find(Kind.FOLDER, "logical_id", folder)
    assert [(old.version, old.status), (new.version, new.status)] == [
        (1, Status.DEPRECATED),
        (2, Status.APPROVED),
    ]
    assert NEW_FOLDER in {each.source for each in links_to(scene, document)}


# --- status --------------------------------------------------------------------------------------


def test_a_document_is_deprecated_and_approved_again(scene: Scene) -> None:
    old = scene.document(1)
    approved, deprecated = Status.APPROVED, Status.DEPRECATED
    for before, after in ((approved, deprecated), (deprecated, approved)):
        response = send(scene, update(scene, links=(status_change(old, before, after),)))
        assert response.ok, response.errors
        assert versions(scene, 1) == [(1, after)]


def test_a_membership_is_deprecated(scene: Scene) -> None:
    _, membership, document = in_folder(scene)
    link = status_change(membership, Status.APPROVED, Status.DEPRECATED)
    assert send(scene, update(scene, links=(link,))).ok
    statuses = {each.entry_uuid: each.status for each in links_to(scene, document)}
    assert statuses[membership] == Status.DEPRECATED


@pytest.mark.parametrize("target", ["old", "new"])
def test_a_new_version_begins_with_the_status_that_it_is_given(scene: Scene, target: str) -> None:
    old = scene.document(1)
    link = status_change(old if target == "old" else NEW, Status.APPROVED, Status.DEPRECATED)
    response = send(scene, update(scene, version_of(scene, 1), links=(link,)))
    assert response.ok, response.errors
    assert versions(scene, 1) == [(1, Status.DEPRECATED), (2, Status.DEPRECATED)]


# --- associations --------------------------------------------------------------------------------


def test_a_document_is_put_into_a_folder(scene: Scene) -> None:
    folder, _, _ = in_folder(scene)
    other = scene.document(2)
    link = samples.member(folder, other, entry_uuid="inside", submission_set_status=None)
    response = send(scene, update(scene, links=submitted(link)))
    assert response.ok, response.errors
    assert folder in {each.source for each in links_to(scene, other)}


def test_documents_are_related_afterwards(scene: Scene) -> None:
    one, other = scene.document(1), scene.document(2)
    response = send(scene, update(scene, links=submitted(samples.relationship(T.XFRM, one, other))))
    assert response.ok, response.errors
    assert [each.source for each in links_to(scene, other) if each.type == T.XFRM] == [one]


# --- what is refused -----------------------------------------------------------------------------


class Defect(NamedTuple):
    name: str
    code: ErrorCode
    make: Callable[[Scene], Submission]


def _folder_version(scene: Scene, **changes: Any) -> Submission:
    folder, membership, _ = in_folder(scene, 5)
    (record,) = scene.find(Kind.FOLDER, "entry_uuid", folder)
    if changes.pop("deprecated", False):
        link = status_change(folder, Status.APPROVED, Status.DEPRECATED)
        assert send(scene, update(scene, links=(link,))).ok
    assert membership
    return update(scene, replace(scene.value(record), entry_uuid=NEW_FOLDER, version=None))


def _without_member(scene: Scene) -> Submission:
    return replace(update(scene, version_of(scene, 1)), associations=())


def _change(**changes: Any) -> Callable[[Scene], Submission]:
    return lambda scene: update(scene, version_of(scene, 1, **changes))


def _status(old: str, new: str, target: str = "") -> Callable[[Scene], Submission]:
    def make(scene: Scene) -> Submission:
        return update(scene, links=(status_change(target or scene.entry(1).entry_uuid, old, new),))

    return make


def _of_set(scene: Scene) -> Submission:
    (member,) = links_to(scene, scene.entry(1).entry_uuid)
    link = status_change(member.entry_uuid, Status.APPROVED, Status.DEPRECATED)
    return update(scene, links=(link,))


def _older(scene: Scene) -> Submission:
    old = scene.entry(1).entry_uuid
    assert send(scene, update(scene, version_of(scene, 1))).ok
    return update(scene, links=(status_change(old, Status.DEPRECATED, Status.APPROVED),))


def _link(source: str, target: str) -> Callable[[Scene], Submission]:
    def make(scene: Scene) -> Submission:
        ids = {"1": scene.entry(1).entry_uuid}
        if "2" in {source, target}:
            ids["2"] = scene.document(2)
        link = samples.relationship(T.XFRM, ids.get(source, source), ids.get(target, target))
        return update(scene, links=submitted(link))

    return make


def _to_deprecated(scene: Scene) -> Submission:
    old = scene.entry(1).entry_uuid
    assert scene.relate(T.RPLC, 2, old).ok
    other = scene.document(3)
    return update(scene, links=submitted(samples.relationship(T.XFRM, other, old)))


def _said_already(scene: Scene) -> Submission:
    assert scene.relate(T.APND, 2, scene.entry(1).entry_uuid).ok
    link = samples.relationship(T.APND, scene.entry(2).entry_uuid, scene.entry(1).entry_uuid)
    return update(scene, links=submitted(link))


def _foreign_link(scene: Scene) -> Submission:
    assert scene.submit(
        samples.entry(2, patient_id=samples.OTHER_PATIENT),
        submission_set=replace(scene.new_set(), patient_id=samples.OTHER_PATIENT),
    ).ok
    link = samples.relationship(T.XFRM, scene.entry(1).entry_uuid, scene.entry(2).entry_uuid)
    return update(scene, links=submitted(link))


def _moved_with_folder(scene: Scene) -> Submission:
    in_folder(scene, 6)
    chosen = replace(scene.new_set(), patient_id=samples.OTHER_PATIENT)
    moved = version_of(scene, 6, patient_id=samples.OTHER_PATIENT)
    return update(scene, moved, submission_set=chosen)


def _two_versions(scene: Scene) -> Submission:
    return update(scene, version_of(scene, 1), version_of(scene, 1, entry_uuid=samples.uuid(7009)))


def _two_statuses(scene: Scene) -> Submission:
    uuid = scene.entry(1).entry_uuid
    link = status_change(uuid, Status.APPROVED, Status.DEPRECATED)
    return update(scene, links=(link, replace(link, entry_uuid="again")))


APPROVED, DEPRECATED = Status.APPROVED, Status.DEPRECATED
DEFECTS = [
    Defect("no logicalID", E.INVALID_REQUEST, lambda s: update(s, replace(version_of(s, 1), logical_id=None))),
    Defect("a first version", E.INVALID_REQUEST, lambda s: update(s, replace(version_of(s, 1), logical_id=NEW))),
    Defect("no membership", E.METADATA_UPDATE_OPERATION, _without_member),
    Defect("no PreviousVersion", E.METADATA_VERSION, lambda s: update(s, version_of(s, 1), previous=None)),
    Defect("PreviousVersion is a word", E.METADATA_VERSION, lambda s: update(s, version_of(s, 1), previous="one")),
    Defect("PreviousVersion of the future", E.METADATA_VERSION, lambda s: update(s, version_of(s, 1), previous="2")),
    Defect("unknown logical object", E.UNRESOLVED_REFERENCE, lambda s: update(s, replace(version_of(s, 1), logical_id=samples.uuid(404)))),
    Defect("another uniqueId", E.METADATA_IDENTIFIER, _change(unique_id=Identifier("2.25.4"))),
    Defect("another objectType", E.METADATA_IDENTIFIER, _change(object_type=samples.on_demand_entry(1).object_type)),
    Defect("other content", E.NON_IDENTICAL_HASH, _change(hash=SHA1("0" * 40))),
    Defect("an attribute is missing", E.REGISTRY_METADATA, _change(class_code=None)),
    Defect("propagation maybe", E.METADATA_UPDATE_OPERATION, lambda s: update(s, version_of(s, 1), propagate="maybe")),
    Defect("two versions at once", E.METADATA_UPDATE_OPERATION, _two_versions),
    Defect("a Deprecated folder", E.METADATA_UPDATE, lambda s: _folder_version(s, deprecated=True)),
    Defect("a status that is none", E.METADATA_UPDATE_OPERATION, _status(APPROVED, "Blocked")),
    Defect("no change of status", E.METADATA_UPDATE_OPERATION, _status(APPROVED, APPROVED)),
    Defect("status of nothing", E.METADATA_UPDATE_OPERATION, _status(APPROVED, DEPRECATED, samples.uuid(404))),
    Defect("another status now", E.METADATA_UPDATE, _status(DEPRECATED, APPROVED)),
    Defect("two statuses at once", E.METADATA_UPDATE_OPERATION, _two_statuses),
    Defect("status of a membership in a set", E.METADATA_UPDATE, _of_set),
    Defect("status of an older version", E.METADATA_UPDATE, _older),
    Defect("an association that nothing submits", E.METADATA_UPDATE_OPERATION, lambda s: update(s, links=(samples.relationship(T.XFRM, s.entry(1).entry_uuid, s.entry(1).entry_uuid),))),
    Defect("nothing at all", E.METADATA_UPDATE_OPERATION, update),
    Defect("an association to nothing", E.UNRESOLVED_REFERENCE, _link("1", samples.uuid(404))),
    Defect("an association to a Deprecated document", E.METADATA_UPDATE, _to_deprecated),
    Defect("an association that is there already", E.METADATA_UPDATE, _said_already),
    Defect("an association between patients", E.PATIENT_ID_RECONCILIATION, _foreign_link),
    Defect("a patient other than the set's", E.PATIENT_ID_RECONCILIATION, _change(patient_id=samples.OTHER_PATIENT)),
    Defect("away from the patient of its folder", E.PATIENT_ID_RECONCILIATION, _moved_with_folder),
]  # fmt: skip  # one defect a line


@pytest.mark.parametrize("defect", DEFECTS, ids=[each.name for each in DEFECTS])
def test_what_is_wrong_is_told_and_nothing_changes(scene: Scene, defect: Defect) -> None:
    scene.document(1)
    scene.add_patients(samples.OTHER_PATIENT)
    submission = defect.make(scene)
    before = scene.everything()
    response = send(scene, submission)
    assert defect.code in codes(response), response.errors
    for error in response.errors:
        assert error.severity != Severity.ERROR or "expected" in error.context
    assert scene.everything() == before


def test_without_exactly_one_set_nothing_can_be_told(scene: Scene) -> None:
    assert codes(send(scene, Submission())) == {E.METADATA_UPDATE}


def test_a_move_to_another_patient_takes_the_folder_along(scene: Scene) -> None:
    folder, _, _ = in_folder(scene)
    scene.add_patients(samples.OTHER_PATIENT)
    (record,) = scene.find(Kind.FOLDER, "entry_uuid", folder)
    moved: dict[str, Any] = {"patient_id": samples.OTHER_PATIENT}
    both = update(
        scene,
        version_of(scene, 1, **moved),
        replace(scene.value(record), entry_uuid=NEW_FOLDER, version=None, **moved),
        submission_set=replace(scene.new_set(), **moved),
    )
    response = send(scene, both)
    assert response.ok, response.errors
    assert scene.find(Kind.DOCUMENT_ENTRY, "entry_uuid", NEW)[0].patient_id == moved["patient_id"]
    assert NEW_FOLDER in {each.source for each in links_to(scene, NEW)}


def test_of_two_updates_of_one_version_exactly_one_wins(scene: Scene) -> None:
    for number in range(1, 9):
        scene.document(number)
        both = Barrier(2)
        rivals = [
            update(
                scene, version_of(scene, number, entry_uuid=samples.uuid(8000 + 10 * number + n))
            )
            for n in (1, 2)
        ]

        def work(submission: Submission, both: Barrier = both) -> RegistryResponse:
            both.wait(10)
            return send(scene, submission)

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(work, rivals))
        assert sorted(answer.ok for answer in answers) == [False, True]
        lost = next(answer for answer in answers if not answer.ok)
        assert E.METADATA_VERSION in codes(lost)
        assert versions(scene, number) == [(1, Status.DEPRECATED), (2, Status.APPROVED)]
