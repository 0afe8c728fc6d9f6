"""The port of the registry's store.

Two kinds of work: `read` sees one moment and changes nothing; `write` is all or nothing. Engines
pass one contract suite (`tests/registry/store/`), and nobody but `registry.app` knows which runs.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from ihe.datatypes import CX, DTM
from ihe.model import RegistryObject
from ihe.state import Findable, State
from ihe.vocabulary import Status

T = TypeVar("T")


class Writer(State, Protocol):
    """One transaction: sees its own changes; others see them when it has ended, or never."""

    def lock(self, keys: Iterable[str]) -> None:
        """Wait until no other transaction holds any of `keys`, and hold them to the end.

        A key is any text: a patient id, a uniqueId, an entryUUID that the transaction decides
        about. Call it once, before the first `find`, so that two transactions with a key in
        common run one after the other and the second sees what the first did.
        """
        ...

    def add(self, objects: Sequence[RegistryObject]) -> None:
        """Register objects: ids are UUIDs, version and logicalID are set, patient ids are known.

        Association patients are those of their SubmissionSet: an Association is added together
        with, or after, the object that is its `source`.
        """
        ...

    def set_status(self, entry_uuids: Iterable[str], status: Status) -> None:
        """Set availabilityStatus; ids that are not registered are passed over."""
        ...

    def set_last_update_time(self, folder_uuids: Iterable[str], time: DTM) -> None:
        """Set lastUpdateTime of Folders."""
        ...

    def remove(self, entry_uuids: Iterable[str]) -> None:
        """Take objects out, of any kind; ids that are not registered are passed over."""
        ...

    def add_patient(self, patient_id: CX) -> None:
        """Make a patient id known; known already, also as subsumed: nothing changes."""
        ...

    def merge_patient(self, subsumed: CX, survivor: CX) -> None:
        """Let everything of `subsumed` belong to `survivor` from now on.

        Both are known, differ, and are not subsumed; the caller has checked
        (ITI TF-2 3.8.4.2.4).
        """
        ...


class Store(Findable, Protocol):
    """The registry's store.

    `find` answers one question, of this moment, for less than a view costs: a server is asked once
    and not three times.
    """

    def read(self) -> AbstractContextManager[State]:
        """Open a view of this moment.

        Raises
        ------
        Unavailable
            The store does not answer.
        """
        ...

    def write(self, work: Callable[[Writer], T]) -> T:
        """Run `work` in one transaction and return its result when it is durable.

        An exception from `work` undoes everything and passes through. `work` runs again from
        the start when the engine had to break the transaction off for another one, so it must
        do nothing but use its `Writer`.

        Raises
        ------
        Unavailable
            The store does not answer, or is full or read-only. Nothing was changed: also when the
            connection broke during the commit, this has been found out. Only when the store stays
            away, it cannot be, and the reason says that it is not known.
        ValueError
            `work` registered what cannot be: an id that is in use, an object without a patient.
        """
        ...

    def ready(self) -> None:
        """Return when the store answers; raise `Unavailable` when it does not."""
        ...

    def close(self) -> None:
        """Give back connections and files."""
        ...
