"""What a store does when many read and write at the same time."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from ihe.datatypes import DTM, Identifier
from ihe.state import (
    Patient,
    Record,
    State,
    any_of,
)
from ihe.vocabulary import (
    AssociationType,
    Status,
)
from registry.store.port import Writer
from tests.registry.objects import (
    KARI,
    LINE,
    OLE,
    association,
    entry,
    folder,
    submission_set,
    uuid,
)
from tests.registry.store.asking import (
    ENTRY,
    FOLDER,
    LINK,
    SET,
    found,
    register,
)


class ConcurrencyContract:
    """Part of `StoreContract`."""

    def test_a_view_is_of_the_moment_when_it_was_opened(self, store) -> None:
        register(store, entry(1), submission_set(900))
        with store.read() as before:
            register(store, entry(2), association(3, 900, 2), folder(4))
            store.write(lambda writer: writer.set_status([uuid(1)], Status.DEPRECATED))
            store.write(lambda writer: writer.add_patient(KARI))
            store.write(lambda writer: writer.merge_patient(LINE, KARI))
            store.write(lambda writer: writer.remove([uuid(900)]))
            (record,) = before.find(ENTRY, [any_of("patient_id", LINE)])
            assert (record.entry_uuid, record.status) == (uuid(1), Status.APPROVED)
            assert before.find(LINK, [any_of("source", uuid(900))]) == []
            assert before.find(FOLDER, [any_of("patient_id", LINE)]) == []
            assert len(before.find(SET, [any_of("patient_id", LINE)])) == 1
            assert before.patient(KARI) is None
            assert before.patient(LINE) == Patient(LINE)
        assert found(store, ENTRY, any_of("patient_id", KARI)) == [uuid(1), uuid(2)]
        assert found(store, SET, any_of("patient_id", KARI)) == []

    def test_a_writer_sees_its_own_changes_and_nobody_else_does_before_the_end(self, store) -> None:
        register(store, entry(1))

        def work(writer: Writer) -> list[Record]:
            writer.add_patient(LINE)
            writer.add([entry(2)])
            writer.set_status([uuid(1), uuid(2)], Status.DEPRECATED)
            assert found(store, ENTRY, any_of("patient_id", LINE)) == [uuid(1)]
            return writer.find(ENTRY, [any_of("patient_id", LINE)])

        seen = store.write(work)
        assert [(r.entry_uuid, r.status) for r in seen] == [
            (uuid(1), Status.DEPRECATED),
            (uuid(2), Status.DEPRECATED),
        ]
        assert found(store, ENTRY, any_of("patient_id", LINE)) == [uuid(1), uuid(2)]

    def test_an_exception_undoes_everything_and_passes_through(self, store) -> None:
        register(store, entry(1), folder(2), entry(8, OLE))

        def work(writer: Writer) -> None:
            writer.lock(["a key"])
            writer.add_patient(KARI)
            writer.add([entry(3, KARI)])
            writer.set_status([uuid(1)], Status.DEPRECATED)
            writer.set_last_update_time([uuid(2)], DTM("20240101000000"))
            writer.merge_patient(OLE, LINE)
            writer.remove([uuid(1)])
            raise KeyError("no")

        with pytest.raises(KeyError, match="no"):
            store.write(work)
        with store.read() as state:
            assert state.patient(KARI) is None
            assert state.patient(OLE) == Patient(OLE)
            (record,) = state.find(ENTRY, [any_of("patient_id", LINE)])
            assert (record.entry_uuid, record.status) == (uuid(1), Status.APPROVED)
            assert state.find(ENTRY, [any_of("entry_uuid", uuid(3))]) == []
            (of_folder,) = state.find(FOLDER, [any_of("entry_uuid", uuid(2))])
            assert of_folder.last_update_time is None
        store.write(lambda writer: writer.lock(["a key"]))  # nothing is held any longer
        register(store, entry(3, KARI))
        assert found(store, ENTRY, any_of("patient_id", KARI)) == [uuid(3)]

    def test_write_returns_what_the_work_returns(self, store) -> None:
        assert store.write(lambda writer: "done") == "done"

    def test_of_two_that_decide_about_the_same_id_the_second_sees_the_first(self, store) -> None:
        store.write(lambda writer: writer.add_patient(LINE))

        def claim(number: int) -> Any:
            def work(writer: Writer) -> bool:
                writer.lock([LINE, "1.2.3"])
                if writer.find(ENTRY, [any_of("unique_id", "1.2.3")]):
                    return False
                time.sleep(0.005)  # long enough for another to come between, were it let
                writer.add([replace(entry(number), unique_id=Identifier("1.2.3"))])
                return True

            return store.write(work)

        with ThreadPoolExecutor(8) as pool:
            claimed = list(pool.map(claim, range(1, 17)))
        assert claimed.count(True) == 1
        assert len(found(store, ENTRY, any_of("unique_id", "1.2.3"))) == 1

    def test_a_status_change_under_a_lock_is_not_lost(self, store) -> None:
        register(store, *(entry(n) for n in range(8)))

        def take(_: int) -> Any:
            def work(writer: Writer) -> str | None:
                writer.lock([LINE])
                free = writer.find(
                    ENTRY,
                    [any_of("patient_id", LINE), any_of("availability_status", Status.APPROVED)],
                )
                if not free:
                    return None
                writer.set_status([free[0].entry_uuid], Status.DEPRECATED)
                return free[0].entry_uuid

            return store.write(work)

        with ThreadPoolExecutor(4) as pool:
            taken = [each for each in pool.map(take, range(12)) if each is not None]
        assert sorted(taken) == sorted(uuid(n) for n in range(8))  # each of them once

    def test_locks_on_several_keys_do_not_block_one_another_for_ever(self, store) -> None:
        def work(keys: Iterable[str]) -> Callable[[Writer], None]:
            return lambda writer: writer.lock(keys)

        keys = [f"key {n}" for n in range(6)]
        orders = [keys, keys[::-1], keys[3:] + keys[:3], [keys[0], keys[5], keys[0]]] * 10
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda order: store.write(work(order)), orders)) == [None] * 40

    def test_readers_see_whole_submissions_while_writers_work(self, store) -> None:
        store.write(lambda writer: writer.add_patient(LINE))
        rounds, writers = 10, 2
        done = threading.Event()

        def submit(start: int) -> None:
            for number in range(start, start + rounds):
                new = submission_set(1000 + number), entry(2000 + number)
                register(store, *new, association(3000 + number, *new))

        def watch() -> list[tuple[int, int, int]]:
            seen = []
            while not done.is_set():
                with store.read() as state:
                    seen.append(_counts(state))
            return seen

        with ThreadPoolExecutor(4) as pool:
            watching = [pool.submit(watch) for _ in range(2)]
            submitting = [pool.submit(submit, n * rounds) for n in range(writers)]
            try:
                for each in submitting:
                    each.result()
            finally:
                done.set()
            seen = [counts for each in watching for counts in each.result()]
        assert seen
        assert [counts for counts in seen if len(set(counts)) > 1] == []
        with store.read() as state:
            assert _counts(state) == (rounds * writers,) * 3

    def test_a_merge_while_others_register_loses_nothing(self, store) -> None:
        register(store, entry(1, KARI), entry(2, LINE))

        def submit(number: int) -> Any:
            def work(writer: Writer) -> bool:
                writer.lock([KARI])
                known = writer.patient(KARI)
                if known is None or known.survivor is not None:
                    return False
                writer.add([entry(number, KARI)])
                return True

            return store.write(work)

        def merge() -> None:
            def work(writer: Writer) -> None:
                writer.lock([KARI, LINE])
                writer.merge_patient(KARI, LINE)

            store.write(work)

        with ThreadPoolExecutor(4) as pool:
            submitted = [pool.submit(submit, number) for number in range(10, 30)]
            pool.submit(merge).result()
            registered = sum(each.result() for each in submitted)
        assert found(store, ENTRY, any_of("patient_id", KARI)) == []
        assert len(found(store, ENTRY, any_of("patient_id", LINE))) == 2 + registered

    def test_a_store_that_answers_is_ready(self, store) -> None:
        store.ready()
        register(store, entry(1))
        store.ready()

    def test_closing_twice_is_no_harm(self, store) -> None:
        register(store, entry(1))
        store.close()
        store.close()


def _counts(state: State) -> tuple[int, int, int]:
    """Return how many sets, entries and HasMember associations a view holds."""
    sets = state.find(SET, [any_of("patient_id", LINE)])
    entries = state.find(ENTRY, [any_of("patient_id", LINE)])
    links = state.find(LINK, [any_of("type", AssociationType.HAS_MEMBER)])
    return len(sets), len(entries), len(links)
