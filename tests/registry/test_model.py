"""The registry beside the plain model of it; `tests.registry.model` says how, and runs for long."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis.stateful import run_state_machine_as_test

from registry.store.memory import MemoryStore
from registry.store.port import Store
from tests.databases import PostgresServer
from tests.registry.model.comparing import Difference
from tests.registry.model.engines import engines
from tests.registry.model.machine import machine_on, profile


def run(folder: Path, postgres: str | None, runs: int) -> None:
    """Take the same steps at every run of the tests."""
    with engines(folder, postgres) as stores:
        machine = machine_on(stores)
        run_state_machine_as_test(machine, settings=profile(runs, 40, derandomize=True))
        assert machine.steps["steps"] > 20 * runs


def test_every_engine_without_a_server_does_what_the_model_does(tmp_path):
    run(tmp_path, None, 8)


@pytest.mark.postgres
def test_a_server_does_what_the_model_does(tmp_path, postgres_server: PostgresServer):
    with postgres_server.database() as url:
        run(tmp_path, url, 4)


def test_a_registry_that_forgets_something_is_found(tmp_path):
    """The machine can fail: here one engine drops whatever it is asked to deprecate."""
    with engines(tmp_path, None) as stores:

        def forgetting() -> Mapping[str, Store]:
            return {**stores(), "memory": Forgetful()}

        machine = machine_on(forgetting)
        with pytest.raises(Difference, match="memory holds"):
            run_state_machine_as_test(machine, settings=profile(25, 40, derandomize=True))


class Forgetful(MemoryStore):
    """A store that does not write down any change of a status."""

    def write(self, work):
        def forgetting(writer):
            writer.set_status = lambda uuids, status: None
            return work(writer)

        return super().write(forgetting)
