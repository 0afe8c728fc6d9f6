from dataclasses import replace

import pytest

from registry.store.memory import MemoryStore
from registry.store.port import Store
from tests.registry.objects import association, entry
from tests.registry.store.asking import register
from tests.registry.store.contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()

    def test_an_id_that_is_in_use_is_a_programming_error(self, store: Store) -> None:
        register(store, entry(1))
        with pytest.raises(ValueError, match="is registered already"):
            register(store, entry(1))

    def test_an_object_without_a_patient_is_a_programming_error(self, store: Store) -> None:
        with pytest.raises(ValueError, match="has no patient"):
            register(store, replace(entry(1), patient_id=None))
        with pytest.raises(ValueError, match="has no patient"):
            register(store, association(1, 900, 901))
