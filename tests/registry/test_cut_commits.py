"""A transaction whose COMMIT is cut off is answered as it ended, and done once (ITI-42, 57, 62)."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from hub.call import Call
from ihe.datatypes import CX
from ihe.errors import ErrorCode
from ihe.messages import RegistryResponse, RemoveObjectsRequest
from ihe.model import ObjectRef
from ihe.vocabulary import AssociationType, Status
from registry import iti62
from registry.identities import merge_ids
from registry.store.port import Store, Writer
from registry.store.sql import migrate_store, open_store
from tests import samples
from tests.databases import PostgresServer
from tests.hub.cutting import Cut, CuttingProxy, cutting_proxy
from tests.registry import updating
from tests.registry.scene import Scene, codes
from tests.registry.updating import update, version_of, versions

T = TypeVar("T")
pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def proxy(postgres_server: PostgresServer) -> Iterator[CuttingProxy]:
    with postgres_server.database() as url:
        migrate_store(url)
        with cutting_proxy(url) as proxy:
            yield proxy


@pytest.fixture
def scene(proxy: CuttingProxy) -> Iterator[Scene]:
    """Give a registry with document 1, however it was left by the test before."""
    with closing(open_store(proxy.url)) as store:
        found = Scene(store=store)
        found.add_patients(samples.PATIENT)
        store.write(lambda w: w.remove(each.entry_uuid for each in found.everything()))
        found.document(1)
        yield found


class Cutting:
    """A store whose next transaction is cut off at its COMMIT."""

    def __init__(self, behind: Store, proxy: CuttingProxy, cut: Cut) -> None:
        self._behind, self._proxy = behind, proxy
        self._cuts = [cut]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    def write(self, work: Callable[[Writer], T]) -> T:
        def cut_off(writer: Writer) -> T:
            result = work(writer)
            if self._cuts:  # it runs again after that
                self._proxy.cut = self._cuts.pop()
            return result

        return self._behind.write(cut_off)


def cut_off(scene: Scene, proxy: CuttingProxy, cut: Cut) -> Scene:
    """Return the scene on a store whose next transaction is cut off."""
    other = Scene(store=scene.store)
    other.sets = scene.sets
    other.registry = replace(scene.registry, store=Cutting(scene.store, proxy, cut))
    return other


def registers(scene: Scene) -> RegistryResponse:
    return scene.submit(samples.entry(2))


def replaces(scene: Scene) -> RegistryResponse:
    return scene.relate(AssociationType.RPLC, 2, scene.entry(1).entry_uuid)


def updates(scene: Scene) -> RegistryResponse:
    return updating.send(scene, update(scene, version_of(scene, 1)))


def removes(scene: Scene) -> RegistryResponse:
    request = RemoveObjectsRequest(tuple(ObjectRef(each.entry_uuid) for each in scene.everything()))
    return iti62.handle(request, Call(at=scene.at, trace_id="0" * 32), scene.registry)


STEPS: dict[Callable[[Scene], RegistryResponse], int] = {
    registers: 6,
    replaces: 7,
    updates: 6,
    removes: 0,
}
"""Each with how many objects there are after it; three are there before."""


@pytest.mark.parametrize("cut", ["before it arrives", "before it is answered"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_a_change_whose_commit_is_cut_off_is_done_once_and_acknowledged(
    proxy: CuttingProxy, scene: Scene, step: Callable[[Scene], RegistryResponse], cut: Cut
) -> None:
    before = proxy.cuts
    response = step(cut_off(scene, proxy, cut))
    assert proxy.cuts == before + 1
    assert response.ok, response.errors
    assert len(scene.everything()) == STEPS[step]
    if step is updates:
        assert versions(scene, 1) == [(1, Status.DEPRECATED), (2, Status.APPROVED)]


@pytest.mark.parametrize("cut", ["before it arrives", "before it is answered"])
def test_a_refusal_whose_commit_is_cut_off_stays_one(
    proxy: CuttingProxy, scene: Scene, cut: Cut
) -> None:
    assert replaces(scene).ok
    before = proxy.cuts
    target = scene.entry(1).entry_uuid
    response = cut_off(scene, proxy, cut).relate(AssociationType.RPLC, 3, target)
    assert proxy.cuts == before + 1
    assert codes(response) == {ErrorCode.REGISTRY_DEPRECATED_DOCUMENT}
    assert len(scene.everything()) == STEPS[replaces]


@pytest.mark.parametrize("cut", ["before it arrives", "before it is answered"])
def test_a_merge_whose_commit_is_cut_off_is_done_once(
    proxy: CuttingProxy, scene: Scene, cut: Cut
) -> None:
    """Done again, it would be refused: the id was merged before."""
    before = proxy.cuts
    authority = str(samples.PATIENT.authority)
    subsumed, survivor = CX.of(f"1{before}", authority), CX.of(f"2{before}", authority)
    scene.add_patients(subsumed, survivor)
    merge_ids(subsumed, survivor, cut_off(scene, proxy, cut).registry.store)
    assert proxy.cuts == before + 1
    with scene.store.read() as state:
        patient = state.patient(subsumed)
    assert patient is not None
    assert patient.survivor == survivor
