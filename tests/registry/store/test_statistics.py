"""What is in a registry, in numbers: exact on small tables, close on large ones, nobody named."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.database import connect
from ihe.datatypes import CX, DTM, OID
from ihe.vocabulary import AssociationType
from registry.store.sql import migrate_store, open_store
from registry.store.statistics import statistics
from tests import samples
from tests.databases import PostgresServer
from tests.registry.scene import Scene
from tests.registry.updating import in_folder, send, update, version_of

pytestmark = pytest.mark.system


@pytest.fixture(params=["sqlite", "postgresql", "postgresql in parts"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/registry.sqlite"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        migrate_store(url, partitions=3 if "parts" in request.param else 0)
        yield url


def patient(number: int) -> CX:
    return CX(f"{number:011}^^^&2.16.578.1.12.4.1.4.1&ISO")


def register(scene: Scene, number: int, whose: int, month: int) -> None:
    chosen = samples.submission_set(
        unique_id=OID(f"2.25.88.{number}"),
        patient_id=patient(whose),
        submission_time=DTM(f"2026{month:02}01120000"),
    )
    entry = samples.entry(number, patient_id=patient(whose))
    response = scene.submit(entry, submission_set=chosen)
    assert response.ok, response.errors


def fill(url: str) -> None:
    """Register 30 documents of ten patients, one of them with 21, in three months."""
    with contextlib.closing(open_store(url)) as store:
        scene = Scene(store=store)
        for number in range(1, 31):
            register(scene, number, max(1, number - 20), 1 + number % 3)


def test_an_empty_registry_has_nothing(url: str) -> None:
    found = statistics(url)
    assert found["document_entries"]["count"] == found["patients"]["count"] == 0
    assert found["submissions"] == {
        "estimated": False,
        "oldest": None,
        "newest": None,
        "by_month": {},
        "by_day": {},
    }


def test_small_tables_are_counted(url: str) -> None:
    with contextlib.closing(open_store(url)) as store:
        scene = Scene(store=store)
        scene.document(1)
        assert scene.relate(AssociationType.RPLC, 2, scene.entry(1).entry_uuid).ok
        in_folder(scene, 3)
        scene.document(4)
        assert send(scene, update(scene, version_of(scene, 4))).ok
        chosen = scene.new_set()
        on_demand = samples.submission(samples.on_demand_entry(5), submission_set=chosen)
        assert scene.send_on_demand(on_demand).ok
        other = patient(7)
        scene.add_patients(other)
        store.write(lambda writer: writer.merge_patient(other, samples.PATIENT))
    found = statistics(url)
    assert found["document_entries"] == {
        "count": 6,
        "estimated": False,
        "by_status": {"Approved": 4, "Deprecated": 2},
        "by_object_type": {"stable": 5, "on-demand": 1},
        "older_versions": 1,
    }
    assert found["folders"]["count"] == 1
    assert found["associations"]["by_type"]["RPLC"] == 1
    assert found["submission_sets"]["by_status"] == {"Approved": 6}
    assert (found["patients"]["count"], found["patients"]["merged"]) == (2, 1)
    assert found["patients"]["documents_each"]["most"] == 6


def numbers(report: dict[str, Any]) -> dict[str, Any]:
    return {
        "entries": report["document_entries"]["count"],
        "patients": report["patients"]["count"],
        "each": {k: v for k, v in report["patients"]["documents_each"].items() if k != "estimated"},
        "months": report["submissions"]["by_month"],
    }


def test_growth_and_documents_of_each_patient(url: str) -> None:
    fill(url)
    found = statistics(url)
    assert numbers(found) == {
        "entries": 30,
        "patients": 10,
        "each": {"p50": 1, "p90": 1, "p99": 21, "most": 21},
        "months": {"202601": 10, "202602": 10, "202603": 10},
    }
    assert found["submissions"]["newest"] == "20260301"
    assert found["submissions"]["by_day"]["20260101"] == 10


def test_large_tables_are_estimated_unless_all_is_to_be_exact(url: str) -> None:
    """The sample is larger than these tables, so that the estimate is all of them."""
    fill(url)
    if url.startswith("postgresql"):
        database = connect(url)
        with contextlib.closing(database):
            database.run(lambda c: c.exec_driver_sql("ANALYZE"), marked=False)
    exact, rough = statistics(url, exact=True, small=5), statistics(url, small=5)
    assert numbers(rough) == numbers(exact)
    assert rough["submissions"]["estimated"]
    assert rough["patients"]["documents_each"]["estimated"]
    assert not exact["submissions"]["estimated"]
    for part in ("document_entries", "associations"):
        assert rough[part]["estimated"]
        assert not exact[part]["estimated"]
        assert without_mark(rough[part]) == without_mark(exact[part])


def without_mark(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "estimated"}


def test_size_and_partitions_are_told_and_nobody_is_named(
    url: str, request: pytest.FixtureRequest
) -> None:
    fill(url)
    found = statistics(url)
    assert found["storage"]["octets"] > 8192
    assert found["storage"]["partitions"] == (3 if "parts" in request.node.name else 0)
    assert str(patient(1)).partition("^")[0] not in json.dumps(found)
