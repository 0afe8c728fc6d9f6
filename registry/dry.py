"""Validate only: any handler that writes, on a store that forgets what is written.

```text
handler ─ read  ─▶ DryStore ─▶ a view of this moment
        ─ write ─▶ DryStore ─▶ work on a view of this moment: asks it, and what it writes is dropped
```

The handlers check everything before they change anything, so that the answer is the one that the
real message would get at this moment. The view is one for reading, which the database itself keeps
from writing; no lock is taken, and nobody waits for a message that is only looked at.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TypeVar

from hub.call import Call
from ihe.datatypes import CX, DTM
from ihe.model import RegistryObject
from ihe.state import Condition, Kind, Patient, Record, State
from ihe.vocabulary import Status
from registry.domain import Registry
from registry.store.port import Store, Writer

Req = TypeVar("Req")
Resp = TypeVar("Resp")
T = TypeVar("T")


def dry(
    handle: Callable[[Req, Call, Registry], Resp],
) -> Callable[[Req, Call, Registry], Resp]:
    """Return the handler that answers as `handle` does, and stores nothing."""

    def validate(request: Req, call: Call, registry: Registry) -> Resp:
        return handle(request, call, replace(registry, store=DryStore(registry.store)))

    return validate


class DryStore:
    """A store that nothing is ever written to, whatever is asked of it; implements `Store`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self) -> AbstractContextManager[State]:
        """Open a view of this moment."""
        return self._store.read()

    def find(self, kind: Kind, conditions: Sequence[Condition]) -> list[Record]:
        """Answer one question of this moment."""
        return self._store.find(kind, conditions)

    def write(self, work: Callable[[Writer], T]) -> T:
        """Run `work` on a view of this moment, and drop what it writes."""
        with self._store.read() as state:
            return work(_DryWriter(state))

    def ready(self) -> None:
        """Return when the store answers."""
        self._store.ready()

    def close(self) -> None:
        """Do nothing: the store belongs to somebody else."""


class _DryWriter:
    """What there is, as a `Writer` that changes nothing and does not see what it was told."""

    def __init__(self, state: State) -> None:
        self._state = state

    def find(self, kind: Kind, conditions: Sequence[Condition]) -> list[Record]:
        return self._state.find(kind, conditions)

    def patient(self, patient_id: CX) -> Patient | None:
        return self._state.patient(patient_id)

    def lock(self, keys: Iterable[str]) -> None:
        pass

    def add(self, objects: Sequence[RegistryObject]) -> None:
        pass

    def set_status(self, entry_uuids: Iterable[str], status: Status) -> None:
        pass

    def set_last_update_time(self, folder_uuids: Iterable[str], time: DTM) -> None:
        pass

    def remove(self, entry_uuids: Iterable[str]) -> None:
        pass

    def add_patient(self, patient_id: CX) -> None:
        pass

    def merge_patient(self, subsumed: CX, survivor: CX) -> None:
        pass
