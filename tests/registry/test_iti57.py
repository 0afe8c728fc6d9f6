"""ITI-57: new versions, status and associations, all of an update or nothing."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from hub.call import Call
from ihe import queries
from ihe.errors import ErrorCode
from ihe.messages import RegistryResponse
from ihe.model import (
    Submission,
)
from ihe.rules import Profile
from ihe.rules.alone import check_update_alone
from ihe.state import Kind
from ihe.vocabulary import AssociationType, Status
from registry import iti18
from tests import samples
from tests.registry.scene import Scene, codes
from tests.registry.updating import (
    NEW,
    NEW_FOLDER,
    TITLE,
    in_folder,
    links_to,
    send,
    status_change,
    submitted,
    update,
    version_of,
    versions,
)

T, E = AssociationType, ErrorCode


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


def test_what_is_not_carried_over_can_be_said_anew(scene: Scene) -> None:
    old, other = scene.document(1), scene.document(2)
    assert scene.relate(T.APND, 3, old).ok
    link = samples.relationship(T.XFRM, NEW, other)
    whole = update(scene, version_of(scene, 1), propagate="no", links=submitted(link))
    response = send(scene, whole)
    assert response.ok, response.errors
    assert [each.source for each in links_to(scene, other) if each.type == T.XFRM] == [NEW]
    assert not [each for each in links_to(scene, NEW) if each.type == T.APND]


def test_a_membership_that_ends_with_an_update_is_not_carried_over(scene: Scene) -> None:
    folder, membership, _ = in_folder(scene)
    end = status_change(membership, Status.APPROVED, Status.DEPRECATED)
    assert send(scene, update(scene, version_of(scene, 1), links=(end,))).ok
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


# --- lastUpdateTime of folders -------------------------------------------------------------------


def last_update_times(scene: Scene, number: int = 1) -> list[str]:
    found = scene.find(Kind.FOLDER, "unique_id", f"2.25.3000.{number}")
    return [str(each.last_update_time) for each in found]


@pytest.mark.parametrize("what", ["a document in it", "a membership"])
def test_a_folder_that_an_update_puts_something_into_tells_when(scene: Scene, what: str) -> None:
    folder, _, _ = in_folder(scene)
    other = scene.document(2)
    scene.at += timedelta(hours=1)
    if what == "a membership":
        inside = samples.member(
            folder, other, entry_uuid=samples.uuid(7201), submission_set_status=None
        )
        assert send(scene, update(scene, links=submitted(inside))).ok
    else:
        assert send(scene, update(scene, version_of(scene, 1))).ok
    assert last_update_times(scene) == ["20261124093000"]


def test_a_folder_that_an_update_takes_something_out_of_tells_when(scene: Scene) -> None:
    _, membership, _ = in_folder(scene)
    approved, deprecated = Status.APPROVED, Status.DEPRECATED
    for before, after, then in ((approved, deprecated, "0930"), (deprecated, approved, "1030")):
        scene.at += timedelta(hours=1)
        assert send(scene, update(scene, links=(status_change(membership, before, after),))).ok
        assert last_update_times(scene) == [f"20261124{then}00"]


def test_last_update_time_never_goes_back(scene: Scene) -> None:
    """An update that came in before what is done already."""
    folder, _, _ = in_folder(scene)
    scene.at -= timedelta(hours=1)
    assert send(scene, update(scene, version_of(scene, 1))).ok
    (record,) = scene.find(Kind.FOLDER, "entry_uuid", folder)
    thing = replace(
        scene.value(record), entry_uuid=NEW_FOLDER, logical_id=folder, version=None, title=TITLE
    )
    assert send(scene, update(scene, thing)).ok
    assert last_update_times(scene) == ["20261124083000"] * 2


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


def test_a_version_that_is_deprecated_at_once_may_leave_its_patient(scene: Scene) -> None:
    """What is Deprecated after the update joins no patients: nobody is shown it."""
    _, _, document = in_folder(scene)
    moved = version_of(scene, 1, patient_id=samples.OTHER_PATIENT)
    chosen = replace(scene.new_set(), patient_id=samples.OTHER_PATIENT)
    ends = status_change(document, Status.APPROVED, Status.DEPRECATED)
    response = send(scene, update(scene, moved, submission_set=chosen, links=(ends,)))
    assert response.ok, response.errors
    assert versions(scene, 1) == [(1, Status.DEPRECATED), (2, Status.DEPRECATED)]


def test_a_version_that_is_approved_at_once_must_not_join_patients(scene: Scene) -> None:
    """Its document is Deprecated, and what was appended to it went to another patient since."""
    document = scene.document(1)
    assert scene.relate(T.APND, 2, document).ok
    gone = status_change(document, Status.APPROVED, Status.DEPRECATED)
    assert send(scene, update(scene, links=(gone,))).ok
    chosen = replace(scene.new_set(), patient_id=samples.OTHER_PATIENT)
    moved = version_of(scene, 2, patient_id=samples.OTHER_PATIENT)
    assert send(scene, update(scene, moved, submission_set=chosen)).ok
    again = version_of(scene, 1, entry_uuid=samples.uuid(7202))
    approved = status_change(document, Status.DEPRECATED, Status.APPROVED)
    assert codes(send(scene, update(scene, again, links=(approved,)))) == {
        E.PATIENT_ID_RECONCILIATION
    }


def test_without_exactly_one_set_nothing_can_be_told(scene: Scene) -> None:
    (found,) = send(scene, Submission()).errors
    assert (found.code, found.rule) == (E.REGISTRY_METADATA, "B1")
    assert found.context == "found 0 SubmissionSets, expected exactly one"
    assert check_update_alone(Submission(), Profile(), home=None) == [found]


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


class Noting:
    """A store, or a writer of it, with the keys that were held."""

    def __init__(self, behind: Any, held: set[str]) -> None:
        self._behind, self.held = behind, held

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    def write(self, work: Callable[[Any], Any]) -> Any:
        return self._behind.write(lambda writer: work(Noting(writer, self.held)))

    def lock(self, keys: Iterable[str]) -> None:
        self.held |= set(keys)
        self._behind.lock(self.held)


def test_what_leads_to_the_newest_version_waits_until_it_is_updated(scene: Scene) -> None:
    """Whoever relates, files or removes a document holds its id, and maybe no more than that."""
    scene.document(1)
    second, other = samples.uuid(7100), samples.OTHER_PATIENT
    assert send(scene, update(scene, version_of(scene, 1, entry_uuid=second))).ok
    (record,) = scene.find(Kind.DOCUMENT_ENTRY, "entry_uuid", second)
    moved = update(
        scene,
        version_of(scene, 1, of=record, patient_id=other),
        previous="2",
        submission_set=replace(scene.new_set(), patient_id=other),
    )
    noting: Any = Noting(scene.store, set())
    scene.registry = replace(scene.registry, store=noting)
    assert send(scene, moved).ok
    assert {second, str(samples.PATIENT), str(other)} <= noting.held
