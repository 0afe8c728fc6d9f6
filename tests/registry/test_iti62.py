"""ITI-62: metadata is removed, all of what is asked for or nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from hub.call import Call
from ihe.errors import ErrorCode
from ihe.messages import RegistryResponse, RemoveObjectsRequest
from ihe.model import ObjectRef
from ihe.state import Kind, Record
from ihe.vocabulary import AssociationType, Status, SubmissionSetStatus
from registry import iti62
from tests import samples
from tests.registry.scene import Scene, codes
from tests.registry.updating import in_folder

T = AssociationType
E = ErrorCode


def remove(scene: Scene, *entry_uuids: str) -> RegistryResponse:
    call = Call(at=scene.at, trace_id="0" * 32)
    request = RemoveObjectsRequest(tuple(map(ObjectRef, entry_uuids)))
    return iti62.handle(request, call, scene.registry)


def links(scene: Scene, *ends: str) -> list[Record]:
    """Return the associations with one of these ends, each once."""
    found = {
        link.entry_uuid: link
        for attribute in ("source", "target")
        for link in scene.find(Kind.ASSOCIATION, attribute, *ends)
    }
    return list(found.values())


def sets(scene: Scene) -> list[Record]:
    return [each for each in scene.everything() if each.kind is Kind.SUBMISSION_SET]


def test_a_document_goes_with_its_set_and_association(scene: Scene) -> None:
    letter = scene.document(1)
    kept = scene.document(2)
    (member,) = links(scene, letter)
    assert remove(scene, letter, member.entry_uuid, str(member.source)).ok
    assert {each.entry_uuid for each in scene.everything()} == {
        kept,
        *(link.entry_uuid for link in links(scene, kept)),
        *(str(link.source) for link in links(scene, kept)),
    }


def test_a_set_may_stay_empty(scene: Scene) -> None:
    letter = scene.document(1)
    (member,) = links(scene, letter)
    assert remove(scene, member.entry_uuid, letter).ok
    assert [each.kind for each in scene.everything()] == [Kind.SUBMISSION_SET]


@pytest.mark.parametrize("which", ["document", "set"])
def test_what_an_association_refers_to_stays_with_it(scene: Scene, which: str) -> None:
    letter = scene.document(1)
    (member,) = links(scene, letter)
    before = scene.everything()
    response = remove(scene, letter if which == "document" else str(member.source))
    assert codes(response) == {ErrorCode.REFERENCES_EXIST}
    (error,) = response.errors
    assert error.location == (letter if which == "document" else member.source)
    assert member.entry_uuid in error.context
    assert scene.everything() == before


def test_an_association_that_a_set_holds_stays_with_it(scene: Scene) -> None:
    entry, folder = samples.entry(1), samples.folder(1)
    membership = samples.member(folder.entry_uuid, entry.entry_uuid)
    chosen = scene.new_set()
    holds = [
        samples.member(chosen.entry_uuid, folder.entry_uuid),
        samples.member(chosen.entry_uuid, membership.entry_uuid),
    ]
    response = scene.submit(
        entry, submission_set=chosen, folders=(folder,), links=(membership, *holds)
    )
    assert response.ok, response.errors
    (found,) = scene.find(Kind.FOLDER, "patient_id", str(samples.PATIENT))
    (in_folder,) = scene.find(Kind.ASSOCIATION, "source", found.entry_uuid)
    assert codes(remove(scene, in_folder.entry_uuid)) == {ErrorCode.REFERENCES_EXIST}
    (held,) = scene.find(Kind.ASSOCIATION, "target", in_folder.entry_uuid)
    assert remove(scene, in_folder.entry_uuid, held.entry_uuid).ok
    of_folder = scene.find(Kind.ASSOCIATION, "target", found.entry_uuid)
    assert remove(scene, found.entry_uuid, *(link.entry_uuid for link in of_folder)).ok


def test_nothing_loses_its_last_set(scene: Scene) -> None:
    letter = scene.document(1)
    (member,) = links(scene, letter)
    response = remove(scene, member.entry_uuid)
    assert codes(response) == {ErrorCode.UNREFERENCED_OBJECT}
    assert [error.location for error in response.errors] == [letter]
    assert letter in response.errors[0].context
    assert links(scene, letter) == [member]


def test_a_reference_by_another_set_is_enough(scene: Scene) -> None:
    letter = scene.document(1)
    (member,) = links(scene, letter)
    chosen = scene.new_set()
    by_reference = samples.member(
        chosen.entry_uuid, letter, submission_set_status=SubmissionSetStatus.REFERENCE
    )
    other = samples.entry(2)
    assert scene.submit(other, submission_set=chosen, links=(by_reference,)).ok
    assert remove(scene, member.entry_uuid, str(member.source)).ok
    assert len(links(scene, letter)) == 1
    assert scene.entry(1).entry_uuid == letter


def test_a_folder_that_loses_a_document_tells_when(scene: Scene) -> None:
    folder, membership, _ = in_folder(scene)
    (held,) = scene.find(Kind.ASSOCIATION, "target", membership)
    scene.at += timedelta(hours=1)
    assert remove(scene, membership, held.entry_uuid).ok
    (found,) = scene.find(Kind.FOLDER, "entry_uuid", folder)
    assert found.last_update_time == "20261124093000"


@pytest.mark.parametrize("kind", [T.RPLC, T.APND, T.XFRM, T.XFRM_RPLC])
def test_documents_in_a_relationship_go_with_it_or_not_at_all(scene: Scene, kind: T) -> None:
    old = scene.document(1)
    assert scene.relate(kind, 2, old).ok
    new = scene.entry(2).entry_uuid
    of_old, of_new = links(scene, old), links(scene, new)
    members_of_new = [each.entry_uuid for each in of_new if each.type == T.HAS_MEMBER]
    response = remove(scene, new, *members_of_new)
    assert codes(response) == {ErrorCode.REFERENCES_EXIST}
    assert remove(scene, new, *(link.entry_uuid for link in of_new)).ok
    assert scene.entry(1).entry_uuid == old
    replaced = kind in {T.RPLC, T.XFRM_RPLC}
    assert scene.status(1) == (Status.DEPRECATED if replaced else Status.APPROVED)
    assert [each.entry_uuid for each in links(scene, old)] == [
        each.entry_uuid for each in of_old if each.type == T.HAS_MEMBER
    ]


def test_every_reason_is_told_and_nothing_is_removed(scene: Scene) -> None:
    first, second = scene.document(1), scene.document(2)
    (of_second,) = links(scene, second)
    before = scene.everything()
    response = remove(scene, first, of_second.entry_uuid, samples.uuid(404), samples.uuid(404))
    assert [(error.code, error.location) for error in response.errors] == [
        (ErrorCode.UNRESOLVED_REFERENCE, samples.uuid(404)),
        (ErrorCode.REFERENCES_EXIST, first),
        (ErrorCode.UNREFERENCED_OBJECT, second),
    ]
    assert scene.everything() == before


def test_an_id_that_is_named_twice_is_removed_once(scene: Scene) -> None:
    letter = scene.document(1)
    (member,) = links(scene, letter)
    assert remove(scene, letter, letter, member.entry_uuid, member.entry_uuid).ok


def test_a_removal_that_comes_again_finds_nothing(scene: Scene) -> None:
    letter = scene.document(1)
    ids = [letter, *(link.entry_uuid for link in links(scene, letter))]
    assert remove(scene, *ids).ok
    assert codes(remove(scene, *ids)) == {ErrorCode.UNRESOLVED_REFERENCE}


def test_what_was_removed_may_be_registered_again(scene: Scene) -> None:
    letter = scene.document(1)
    everything = [each.entry_uuid for each in scene.everything()]
    assert remove(scene, *everything).ok
    assert scene.everything() == []
    assert scene.document(1) != letter


def test_two_removals_never_leave_an_object_without_a_set(scene: Scene) -> None:
    for number in range(1, 9):
        letter = scene.document(number)
        (member,) = links(scene, letter)
        chosen = scene.new_set()
        again = samples.member(
            chosen.entry_uuid, letter, submission_set_status=SubmissionSetStatus.REFERENCE
        )
        other = samples.entry(100 + number)
        assert scene.submit(other, submission_set=chosen, links=(again,)).ok
        (second,) = [each for each in links(scene, letter) if each != member]
        both = Barrier(2)

        def work(one: str, both: Barrier = both) -> RegistryResponse:
            both.wait(10)
            return remove(scene, one)

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(work, (member.entry_uuid, second.entry_uuid)))
        assert sorted(answer.ok for answer in answers) == [False, True]
        assert len(links(scene, letter)) == 1


def test_too_many_objects_at_once_are_refused_unseen(scene: Scene) -> None:
    scene.registry = replace(scene.registry, most_objects=3)
    response = remove(scene, *(samples.uuid(number) for number in range(4)))
    (error,) = response.errors
    assert error.context == "4 objects to remove at once, at most 3 are accepted"
    assert codes(remove(scene, *(samples.uuid(n) for n in range(3)))) == {E.UNRESOLVED_REFERENCE}
