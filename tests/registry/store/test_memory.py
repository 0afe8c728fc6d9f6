import pytest

from registry.store.memory import MemoryStore
from registry.store.port import Store
from tests.registry.store.contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()
