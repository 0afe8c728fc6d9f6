import pytest

pytest.register_assert_rewrite(
    "tests.registry.store.contract_changes",
    "tests.registry.store.contract_concurrency",
    "tests.registry.store.contract_conditions",
    "tests.registry.store.contract_model",
    "tests.registry.store.contract_texts",
)
