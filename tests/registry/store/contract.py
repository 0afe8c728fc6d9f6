"""What every store engine does alike. An engine's test module subclasses it and gives `store`.

```python
class TestSqlite(StoreContract, ModelContract):
    @pytest.fixture
    def store(self, tmp_path): ...
```

`ModelContract` (`contract_model`) compares an engine with the store in memory.
"""

import pytest

from registry.store.port import Store
from tests.registry.store.contract_changes import ChangeContract
from tests.registry.store.contract_concurrency import ConcurrencyContract
from tests.registry.store.contract_conditions import ConditionContract
from tests.registry.store.contract_texts import TextContract


class StoreContract(ConditionContract, TextContract, ChangeContract, ConcurrencyContract):
    """The whole contract; each test begins with an empty store."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError("an engine's test gives its store")
