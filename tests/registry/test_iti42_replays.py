"""ITI-42, submissions that come again: which are the same, and what a replay changes (nothing)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from ihe.errors import ErrorCode
from ihe.messages import RegistryResponse
from ihe.model import LocalizedString, Submission
from ihe.rules import Profile
from ihe.state import Kind
from ihe.vocabulary import AssociationType, Node, Status, SubmissionSetStatus
from tests import samples
from tests.registry.scene import Scene, codes

E = ErrorCode
T = AssociationType


def with_uuids(document: str = samples.uuid(50)) -> Submission:
    plain = samples.submission(
        samples.entry(entry_uuid=document),
        submission_set=samples.submission_set(entry_uuid=samples.uuid(51)),
    )
    (member,) = plain.associations
    return replace(plain, associations=(replace(member, entry_uuid=samples.uuid(52)),))


def with_relationship(target: str, kind: T = T.RPLC) -> Submission:
    plain = samples.submission(samples.entry(2))
    link = samples.relationship(kind, "Document02", target)
    return replace(plain, associations=(*plain.associations, link))


@pytest.mark.parametrize(
    "submission",
    [samples.submission(), samples.submission_with_folder(), with_uuids()],
    ids=["symbolic ids", "with a folder", "with UUIDs"],
)
def test_the_same_submission_again_succeeds_and_changes_nothing(
    scene: Scene, submission: Submission
) -> None:
    assert scene.send(submission).ok
    before = scene.everything()
    scene.at += timedelta(hours=1)
    assert scene.send(submission) == RegistryResponse()
    assert scene.everything() == before


def test_limited_metadata_may_come_again() -> None:
    scene = Scene(profile=Profile(accepts_limited_metadata=True))
    submission = samples.submission(
        samples.entry(limited_metadata=True, class_code=None),
        submission_set=samples.submission_set(limited_metadata=True),
    )
    for _ in range(2):
        response = scene.send(submission)
        assert response.ok, response.errors
    for mark in (Node.LIMITED_DOCUMENT_ENTRY, Node.LIMITED_SUBMISSION_SET):
        assert all(mark.encode() not in each.template for each in scene.everything())


def test_a_replay_has_the_warnings_of_the_first_time(scene: Scene) -> None:
    submission = samples.submission(samples.entry(title=LocalizedString("x" * 200)))
    first = scene.send(submission)
    assert first.errors
    assert scene.send(submission) == first


def test_a_replacement_sent_again_succeeds(scene: Scene) -> None:
    assert scene.send(samples.submission_with_folder()).ok
    old = scene.entry(1).entry_uuid
    submission = replace(with_relationship(old), submission_sets=(scene.new_set(),))
    assert scene.send(submission).ok
    before = scene.everything()
    assert scene.send(submission).ok, "though the registry put it into a folder"
    assert scene.everything() == before


def test_a_replay_is_known_when_its_document_lives_on(scene: Scene) -> None:
    first = samples.submission()
    assert scene.send(first).ok
    assert scene.relate(T.RPLC, 2, scene.entry(1).entry_uuid).ok
    before = scene.everything()
    assert scene.send(first).ok
    assert scene.everything() == before
    assert scene.status(1) is Status.DEPRECATED, "it does not come back"


def test_a_replay_with_a_reference_is_known(scene: Scene) -> None:
    assert scene.relate(T.APND, 2, scene.document(1)).ok
    chosen = scene.new_set()
    link = samples.member(
        "SubmissionSet01",
        scene.entry(2).entry_uuid,
        submission_set_status=SubmissionSetStatus.REFERENCE,
    )
    for _ in range(2):
        assert scene.submit(samples.entry(3), submission_set=chosen, links=(link,)).ok
    assert len(scene.find(Kind.DOCUMENT_ENTRY, "unique_id", "2.25.1000.3")) == 1


DIFFERENCES: dict[str, tuple[Submission, Callable[[Submission], Submission]]] = {
    "title": (
        samples.submission(),
        lambda s: replace(s, entries=(replace(s.entries[0], title=None),)),
    ),
    "comments of the set": (
        samples.submission(),
        lambda s: replace(s, submission_sets=(replace(s.submission_sets[0], comments=None),)),
    ),
    "one document more": (
        samples.submission(),
        lambda s: samples.submission(*s.entries, samples.entry(2)),
    ),
    "one document less": (
        samples.submission(samples.entry(1), samples.entry(2)),
        lambda s: samples.submission(s.entries[0]),
    ),
    "another UUID": (with_uuids(), lambda _: with_uuids(samples.uuid(53))),
    "no folder": (samples.submission_with_folder(), lambda _: samples.submission()),
    "document not in the folder": (
        samples.submission_with_folder(),
        lambda s: replace(s, associations=s.associations[:2]),
    ),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_submission_that_differs_is_no_replay(scene: Scene, name: str) -> None:
    submission, difference = DIFFERENCES[name]
    assert scene.send(submission).ok
    before = scene.everything()
    assert E.DUPLICATE_UNIQUE_ID_IN_REGISTRY in codes(scene.send(difference(submission)))
    assert scene.everything() == before


def test_a_relationship_less_or_of_another_type_is_no_replay(scene: Scene) -> None:
    old = scene.document(1)
    assert scene.send(with_relationship(old, T.APND)).ok
    for other in (with_relationship(old, T.SIGNS), samples.submission(samples.entry(2))):
        assert E.DUPLICATE_UNIQUE_ID_IN_REGISTRY in codes(scene.send(other))


def test_replays_may_be_refused() -> None:
    scene = Scene(accepts_replays=False)
    assert scene.send(samples.submission()).ok
    assert codes(scene.send(samples.submission())) == {E.DUPLICATE_UNIQUE_ID_IN_REGISTRY}
