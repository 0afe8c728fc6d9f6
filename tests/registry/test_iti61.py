"""ITI-61 on a registry in memory: on-demand entries, beside stable ones and in their place."""

from dataclasses import replace

import pytest

from ihe.errors import ErrorCode
from ihe.messages import RegistryResponse
from ihe.model import DocumentEntry
from ihe.vocabulary import AssociationType, DocumentEntryType, Status
from tests import samples
from tests.registry.scene import Scene, codes

E = ErrorCode
T = AssociationType


def register(scene: Scene, *entries: DocumentEntry, target: str = "") -> RegistryResponse:
    """Register on-demand entries, the first of them in the place of `target` if there is one."""
    plain = samples.submission(*entries, submission_set=scene.new_set())
    links = plain.associations
    if target:
        links = (*links, samples.relationship(T.RPLC, entries[0].entry_uuid, target))
    return scene.send_on_demand(replace(plain, associations=links))


def test_an_on_demand_entry_is_registered(scene: Scene) -> None:
    assert register(scene, samples.on_demand_entry()).errors == ()
    record = scene.entry(1)
    assert record.object_type == DocumentEntryType.ON_DEMAND
    assert record.status is Status.APPROVED
    assert (record.hash, record.size) == (None, None)


def test_it_may_be_registered_again(scene: Scene) -> None:
    for _ in range(2):
        assert register(scene, samples.on_demand_entry()).ok


def test_each_transaction_takes_its_own_kind_of_entry(scene: Scene) -> None:
    assert codes(scene.submit(samples.on_demand_entry())) == {E.REGISTRY_METADATA}
    assert codes(register(scene, samples.entry())) == {E.REGISTRY_METADATA}
    assert scene.everything() == []


@pytest.mark.parametrize("field", ["creation_time", "hash", "size"])
def test_what_only_a_made_document_has_is_refused(scene: Scene, field: str) -> None:
    entry = samples.on_demand_entry(**{field: getattr(samples.entry(), field)})
    (found,) = register(scene, entry).errors
    assert (found.code, found.rule) == (E.REGISTRY_METADATA, "B8")


def test_a_unique_id_is_of_one_kind_for_ever(scene: Scene) -> None:
    assert register(scene, samples.on_demand_entry(1)).ok
    assert codes(scene.submit(samples.entry(1))) == {E.NON_IDENTICAL_HASH}
    scene.document(2)
    assert codes(register(scene, samples.on_demand_entry(2))) == {E.REGISTRY_METADATA}


def test_on_demand_and_stable_entries_replace_each_other(scene: Scene) -> None:
    stable = scene.document(1)
    assert register(scene, samples.on_demand_entry(2), target=stable).ok
    assert scene.status(1) is Status.DEPRECATED
    assert scene.relate(T.RPLC, 3, scene.entry(2).entry_uuid).ok
    assert scene.status(2) is Status.DEPRECATED
    assert scene.status(3) is Status.APPROVED


def test_a_replay_succeeds_here_too(scene: Scene) -> None:
    plain = samples.submission(samples.on_demand_entry(), submission_set=scene.new_set())
    assert scene.send_on_demand(plain).ok
    before = scene.everything()
    assert scene.send_on_demand(plain).ok
    assert scene.everything() == before
