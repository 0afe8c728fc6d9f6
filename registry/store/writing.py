"""What a writer does to the tables of `registry.store.tables`.

On PostgreSQL statements are sent without waiting for their results (the protocol's pipeline mode):
a writer waits when it asks something, and at the end.

**Locks.** Two writers that decide about the same thing run one after the other. On SQLite all do.
On PostgreSQL a key is an advisory lock of the transaction, taken in one order so that no two wait
for each other, before anything is read: under READ COMMITTED, what is read after that includes what
the previous holder committed. Keys share a fixed number of locks (`_LOCKS`), because a server has
room for a few thousand of them and one submission may have a thousand documents. Two keys that
share a lock wait for each other without need, now and then, and that is all.

**Newest.** An object is registered as the newest of its versions. The versions of a logical object
are looked at again when one with another logicalID than its own UUID comes or goes; nearly nothing
does, and so nearly every registration is inserts alone.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Any, Final, TypeAlias

from sqlalchemy import Table

from ihe.attributes import VERSIONED, kind_of
from ihe.datatypes import CX, DTM, is_uuid_urn
from ihe.model import Association, RegistryObject
from ihe.state import Kind, comparable
from ihe.vocabulary import Status
from registry.store import tables
from registry.store.conditions import Statement
from registry.store.dialects import Dialect, Row
from registry.store.mapping import keys_of, logical_id_of, places_of, row_of
from registry.store.reading import View
from registry.store.statements import REMOVED
from registry.store.tables import OBJECTS

Place: TypeAlias = tuple[int, int]  # patient, number

_LOCKS: Final = 4096

_KINDS: Final = {number: kind for kind, number in tables.KIND_NUMBERS.items()}


class Transaction(View):
    """One transaction, as `Writer`; see `registry.store.port` for what its methods promise."""

    def __init__(
        self, driver: Any, dialect: Dialect, render: Callable[[RegistryObject], bytes]
    ) -> None:
        super().__init__(driver, dialect)
        self._render = render
        self._numbers = _Numbers(lambda: dialect.draw(driver))
        self._known: dict[str, Row | None] = {}

    def lock(self, keys: Iterable[str]) -> None:
        """Take the locks of `keys`, and a block of numbers under them."""
        self._dialect.lock(self._driver, sorted({_lock_of(key) for key in keys}))
        self._numbers.prepare()

    def add(self, objects: Sequence[RegistryObject]) -> None:
        """Insert the rows of each object; see the module's head for `newest`."""
        rows: dict[Table, list[Row]] = defaultdict(list)
        later: set[tuple[Kind, str]] = set()
        for each, patient in zip(objects, self._patients_of(objects), strict=True):
            kind, number = kind_of(each), self._numbers.next()
            rows[OBJECTS[kind]].append(
                row_of(kind, self._dialect)(each, patient, number, self._render(each))
            )
            for table, key in places_of(each, self._dialect):
                rows[table].append((*key, patient, number))
            if kind in VERSIONED and (logical_id := logical_id_of(each)) is not None:
                later.add((kind, logical_id))
        for table, statement in self._statements.insert.items():  # in one order for all writers
            if table in rows:
                self._send(statement, *rows[table])
        for kind, logical_id in sorted(later):
            self._mark_newest(kind, self._dialect.uuid(logical_id))

    def set_status(self, entry_uuids: Iterable[str], status: Status) -> None:
        """Update the rows, whatever kind they are of."""
        for kind, places in self._places(entry_uuids).items():
            self._send(
                self._statements.set_status[kind], *((status.value, *place) for place in places)
            )

    def set_last_update_time(self, folder_uuids: Iterable[str], time: DTM) -> None:
        """Update the rows that are of folders."""
        places = self._places(folder_uuids).get(Kind.FOLDER, [])
        self._send(
            self._statements.set_last_update_time, *((str(time), *place) for place in places)
        )

    def remove(self, entry_uuids: Iterable[str]) -> None:
        """Delete the rows, and what leads to them."""
        for kind, places in self._places(entry_uuids).items():
            for place in places:
                self._remove(kind, place)

    def add_patient(self, patient_id: CX) -> None:
        """Insert a patient, unless it is there."""
        if self._patient(patient_id) is None:
            key, compared = self._numbers.next(), comparable(patient_id)
            self._send(self._statements.add_patient, (key, key, str(patient_id), compared))
            del self._known[compared]  # somebody else may have been faster

    def merge_patient(self, subsumed: CX, survivor: CX) -> None:
        """Let the patients that are `subsumed` now be `survivor`."""
        gone, stays = self._key_of(subsumed), self._key_of(survivor)
        self._send(self._statements.merge_patient, (stays, gone))
        self._known.clear()

    # --- objects ---------------------------------------------------------------------------------

    def _remove(self, kind: Kind, place: Place) -> None:
        found = self._fetch(self._statements.removed[kind], *place)
        if not found:
            return
        row = dict(zip(REMOVED[kind], found[0], strict=True))
        _, number = place
        for table, key in keys_of(kind, row):
            self._send(self._statements.delete_place[table], (key, number))
        self._send(self._statements.delete[OBJECTS[kind]], place)
        if row.get("newest") and row["logical_id"] is not None:
            self._mark_newest(kind, row["logical_id"])

    def _mark_newest(self, kind: Kind, logical_id: Any) -> None:
        """Mark the highest of an object's versions, and no other."""
        versions = self._fetch(self._statements.versions[kind], logical_id)
        newest = max(versions, key=itemgetter(2, 3), default=None)  # version, then uuid
        wrong = [row for row in versions if bool(row[4]) != (row is newest)]
        self._send(
            self._statements.set_newest[kind],
            *((row is newest, *row[:2]) for row in wrong),
        )

    def _places(self, entry_uuids: Iterable[str]) -> dict[Kind, list[Place]]:
        """Return where the objects are; ids that are not registered are passed over."""
        urns = [urn for urn in entry_uuids if is_uuid_urn(urn)]
        found: dict[Kind, list[Place]] = defaultdict(list)
        for _, kind, patient, number in self._places_of(urns):
            found[_KINDS[kind]].append((patient, number))
        return found

    def _places_of(self, urns: Sequence[str]) -> list[Row]:
        if not urns:
            return []
        return self._fetch(self._statements.places, self._dialect.uuids(urns))

    # --- patients --------------------------------------------------------------------------------

    def _patients_of(self, objects: Sequence[RegistryObject]) -> list[int]:
        """Return the key of each object's patient.

        That of an association is the one of its source, wherever in `objects` that stands.
        """
        known = {
            each.entry_uuid: self._key_of(each.patient_id)
            for each in objects
            if not isinstance(each, Association) and each.patient_id is not None
        }
        links = [each for each in objects if isinstance(each, Association)]
        elsewhere = {link.source for link in links if is_uuid_urn(link.source)} - known.keys()
        for uuid, _, patient, _ in self._places_of(sorted(elsewhere)):
            known[self._dialect.urn(uuid)] = patient
        for link in links:  # an association may come from one before it
            if (patient := known.get(link.source)) is not None:
                known[link.entry_uuid] = patient
        for each in objects:
            if each.entry_uuid not in known:
                raise ValueError(f"{each.entry_uuid} has no patient")
        return [known[each.entry_uuid] for each in objects]

    def _key_of(self, patient_id: CX) -> int:
        found = self._patient(patient_id)
        if found is None:
            raise ValueError("a patient id is not known")
        key: int = found[0]
        return key

    def _patient(self, patient_id: CX) -> Row | None:
        """Return what is known of a patient; what was found once is remembered."""
        compared = comparable(patient_id)
        if compared not in self._known:
            self._known[compared] = super()._patient(patient_id)
        return self._known[compared]

    def _send(self, statement: Statement, *rows: Sequence[Any]) -> None:
        self._dialect.send(self._driver, statement.sql, [statement.arrange(row) for row in rows])


class _Numbers:
    """Numbers for new rows, in the order of registration."""

    def __init__(self, draw: Callable[[], Callable[[], int]]) -> None:
        self._draw = draw
        self._first: Callable[[], int] | None = None
        self._block: Iterator[int] = iter(())

    def prepare(self) -> None:
        """Draw a block, so that it is there when it is needed."""
        self._first = self._draw()

    def next(self) -> int:
        """Return the next number."""
        number = next(self._block, None)
        if number is None:
            first = (self._first or self._draw())()
            self._first = None
            self._block = iter(range(first, first + tables.BLOCK))
            number = next(self._block)
        return number


def _lock_of(key: str) -> int:
    """Return which lock a key is: the same in every process."""
    digest = blake2b(comparable(key).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _LOCKS
