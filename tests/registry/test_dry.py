"""Validate only: the answer of the real message, and a store that stays as it was."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hub.call import Call
from ihe.errors import ErrorCode, RegistryError
from ihe.messages import RegistryResponse, RemoveObjectsRequest, SubmitObjectsRequest
from ihe.model import ObjectRef, Submission
from ihe.vocabulary import AssociationType
from registry import iti42, iti57, iti61, iti62, iti92
from registry.dry import dry
from tests import samples
from tests.registry.scene import Scene, codes
from tests.registry.test_iti57_refused import DEFECTS, Defect
from tests.registry.updating import NEW, update, version_of

T, E = AssociationType, ErrorCode


def snapshot(scene: Scene) -> list[Any]:
    """Return everything that is registered, and which patients are known."""
    with scene.store.read() as state:
        patients = [state.patient(each) for each in (samples.PATIENT, samples.OTHER_PATIENT)]
    return [*scene.everything(), *patients]


def both(
    scene: Scene, handle: Callable[..., RegistryResponse], request: object
) -> tuple[RegistryResponse, RegistryResponse]:
    """Return the answers of a dry run, which changes nothing, and then of the message itself."""
    call = Call(at=scene.at, trace_id="0" * 32)
    before = snapshot(scene)
    told = dry(handle)(request, call, scene.registry)
    assert snapshot(scene) == before
    return told, handle(request, call, scene.registry)


def said(response: RegistryResponse) -> tuple[str, list[tuple[str, RegistryError]]]:
    return response.status, [(each.rule, each) for each in response.errors]


def replacing(scene: Scene, target: str) -> Submission:
    new = samples.entry(9)
    link = samples.relationship(T.RPLC, new.entry_uuid, target)
    whole = samples.submission(new, submission_set=scene.new_set())
    return replace(whole, associations=(*whole.associations, link))


def _registered_before(scene: Scene) -> Submission:
    submission = samples.submission()
    assert scene.send(submission).ok
    return submission


def _same_set(scene: Scene) -> Submission:
    assert scene.send(samples.submission()).ok
    return samples.submission(samples.entry(2))


SUBMISSIONS: dict[str, tuple[ErrorCode | None, Callable[[Scene], Submission]]] = {
    "a good one": (None, lambda _scene: samples.submission()),
    "a folder": (None, lambda _scene: samples.submission_with_folder()),
    "a replay": (None, _registered_before),
    "a replacement": (None, lambda s: replacing(s, s.document(1))),
    "a uniqueId in use": (E.DUPLICATE_UNIQUE_ID_IN_REGISTRY, _same_set),
    "nothing to replace": (E.UNRESOLVED_REFERENCE, lambda s: replacing(s, samples.uuid(404))),
    "a fault in itself": (
        E.REGISTRY_METADATA,
        lambda _scene: samples.submission(samples.entry(class_code=None)),
    ),
    "no SubmissionSet": (
        E.REGISTRY_METADATA,
        lambda _scene: replace(samples.submission(), submission_sets=()),
    ),
}


@pytest.mark.parametrize("name", SUBMISSIONS)
def test_a_submission_gets_the_answer_that_it_would_get(name: str, scene: Scene) -> None:
    code, make = SUBMISSIONS[name]
    told, real = both(scene, iti42.handle, SubmitObjectsRequest(make(scene)))
    assert said(told) == said(real)
    assert codes(told) >= {code} if code else told == RegistryResponse()


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_an_update_gets_the_answer_that_it_would_get(defect: Defect, scene: Scene) -> None:
    scene.document(1)
    told, real = both(scene, iti57.handle, SubmitObjectsRequest(defect.make(scene)))
    assert said(told) == said(real)
    assert defect.code in codes(told)


def test_a_good_update_succeeds_and_makes_no_version(scene: Scene) -> None:
    scene.document(1)
    request = SubmitObjectsRequest(update(scene, version_of(scene, 1)))
    told, real = both(scene, iti57.handle, request)
    assert said(told) == said(real)
    assert told.ok
    assert [each.entry_uuid for each in scene.everything()].count(NEW) == 1, "the real one did"


def test_a_good_restricted_update_succeeds_and_makes_no_version() -> None:
    scene = Scene(home_community_id=samples.HOME)
    scene.document(1)
    version = version_of(scene, 1, home_community_id=samples.HOME)
    chosen = replace(scene.new_set(), home_community_id=samples.HOME)
    request = SubmitObjectsRequest(update(scene, version, submission_set=chosen))
    told, real = both(scene, iti92.handle, request)
    assert said(told) == said(real)
    assert told.ok, told.errors


def test_an_on_demand_entry_gets_the_answer_that_it_would_get(scene: Scene) -> None:
    request = SubmitObjectsRequest(samples.submission(samples.on_demand_entry()))
    told, real = both(scene, iti61.handle, request)
    assert said(told) == said(real)
    assert told.ok


def test_a_removal_gets_the_answer_that_it_would_get(scene: Scene) -> None:
    scene.document(1)
    part, whole = [scene.entry(1).entry_uuid], [each.entry_uuid for each in scene.everything()]
    for ids, ok in ((part, False), (whole, True)):
        request = RemoveObjectsRequest(tuple(map(ObjectRef, ids)))
        told, real = both(scene, iti62.handle, request)
        assert said(told) == said(real)
        assert told.ok is ok
    assert scene.everything() == []
