"""The scene of a registry's tests, on each engine that needs no server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.store.memory import MemoryStore
from registry.store.sql import open_store
from tests.registry.scene import Scene


@pytest.fixture(params=["memory", "sqlite"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    if request.param == "memory":
        yield Scene(store=MemoryStore())
        return
    store = open_store(f"sqlite:///{tmp_path}/registry.sqlite")
    yield Scene(store=store)
    store.close()
