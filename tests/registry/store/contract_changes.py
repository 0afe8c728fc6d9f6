"""What changes to a store do, merges of patients among them."""

from dataclasses import replace

from ihe.datatypes import CX, DTM, CXi
from ihe.model import (
    Author,
    RegistryObject,
)
from ihe.state import (
    Between,
    Kind,
    Not,
    Patient,
    any_of,
)
from ihe.vocabulary import (
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
    oid,
    submission_set,
    uuid,
)
from tests.registry.store.asking import (
    A_CODE,
    A_PERSON,
    ENTRY,
    FOLDER,
    LINK,
    SET,
    SOURCES,
    every,
    found,
    ids,
    records,
    register,
)


class ChangeContract:
    """Part of `StoreContract`."""

    def test_a_status_is_changed_for_every_kind(self, store) -> None:
        objects: dict[Kind, RegistryObject] = {
            ENTRY: entry(1),
            SET: submission_set(900),
            FOLDER: folder(3),
            LINK: association(4, 900, 1),
        }
        register(store, *objects.values())
        store.write(
            lambda writer: writer.set_status(
                [uuid(99), "no id", *ids(*objects.values())], Status.DEPRECATED
            )
        )
        deprecated = any_of("availability_status", Status.DEPRECATED)
        for kind, each in objects.items():
            (record,) = records(store, kind, every(each), deprecated)
            assert record.status is Status.DEPRECATED
        store.write(lambda writer: writer.set_status([uuid(1)], Status.APPROVED))
        assert found(store, ENTRY, every(objects[ENTRY]), deprecated) == []

    def test_last_update_time_is_changed_for_folders_only(self, store) -> None:
        timed = replace(folder(1), last_update_time=DTM("20200101000000"))
        register(store, timed, entry(2))
        now = DTM("20240229120000")
        store.write(
            lambda writer: writer.set_last_update_time([uuid(1), uuid(2), uuid(99), "no id"], now)
        )
        (record,) = records(store, FOLDER, Between("last_update_time", now))
        assert (record.entry_uuid, record.last_update_time) == (uuid(1), now)
        assert found(store, FOLDER, Between("last_update_time", None, now)) == []
        assert records(store, ENTRY, every(entry(2)))[0].last_update_time is None

    def test_what_is_removed_is_found_nowhere(self, store) -> None:
        full = replace(
            entry(1),
            event_codes=(A_CODE,),
            reference_ids=(CXi("1"),),
            authors=(Author(person=A_PERSON),),
        )
        link = association(3, 900, full)
        register(store, *SOURCES, full, entry(2), folder(4), link)
        store.write(lambda writer: writer.remove([uuid(99), "no id", uuid(1), uuid(4)]))
        assert found(store, ENTRY, any_of("patient_id", LINE)) == [uuid(2)]
        assert found(store, ENTRY, any_of("reference_id", "1")) == []
        assert found(store, ENTRY, any_of("unique_id", oid(1))) == []
        assert found(store, FOLDER, any_of("patient_id", LINE)) == []
        assert found(store, LINK, any_of("target", uuid(1))) == ids(
            link
        )  # nothing follows by itself
        store.write(lambda writer: writer.remove(ids(link)))
        assert found(store, LINK, any_of("target", uuid(1))) == []

    def test_what_was_removed_can_be_registered_again(self, store) -> None:
        register(store, entry(1), entry(2))
        store.write(lambda writer: writer.remove([uuid(1)]))
        register(store, entry(1))
        assert found(store, ENTRY, any_of("patient_id", LINE)) == [uuid(2), uuid(1)]

    def test_a_patient_is_known_from_the_feed_on(self, store) -> None:
        with store.read() as state:
            assert state.patient(LINE) is None
        for _ in range(2):
            store.write(lambda writer: writer.add_patient(LINE))
        with store.read() as state:
            assert state.patient(LINE) == Patient(LINE)
            assert state.patient(KARI) is None
            assert state.patient(CX(LINE.replace("ISO", "iso"))) is None
            assert state.patient(CX(LINE + "^")) is None
            assert state.patient(CX("' OR 1=1 --^^^&1.2&ISO")) is None

    def test_a_patient_id_finds_what_belongs_to_it(self, store) -> None:
        of_line, of_kari = entry(1, LINE), entry(2, KARI)
        register(store, of_line, of_kari, entry(3, OLE))
        assert found(store, ENTRY, any_of("patient_id", KARI)) == ids(of_kari)
        assert found(store, ENTRY, any_of("patient_id", KARI, LINE)) == ids(of_line, of_kari)
        assert found(store, ENTRY, any_of("patient_id", "nobody^^^&1.2&ISO")) == []
        assert records(store, ENTRY, every(of_kari))[0].patient_id == KARI

    def test_after_a_merge_everything_belongs_to_the_survivor(self, store) -> None:
        objects: dict[Kind, RegistryObject] = {
            ENTRY: entry(1, KARI),
            SET: submission_set(2, KARI),
            FOLDER: folder(3, KARI),
            LINK: association(4, 2, 1),
        }
        own = entry(5, LINE)
        register(store, *objects.values(), own)
        store.write(lambda writer: writer.merge_patient(KARI, LINE))
        with store.read() as state:
            assert state.patient(KARI) == Patient(KARI, LINE)
            assert state.patient(LINE) == Patient(LINE)
        for kind, each in objects.items():
            (record,) = records(store, kind, every(each))
            assert record.patient_id == LINE, kind
        assert found(store, ENTRY, any_of("patient_id", KARI)) == []
        assert found(store, SET, any_of("patient_id", KARI)) == []
        assert found(store, ENTRY, any_of("patient_id", LINE)) == ids(objects[ENTRY], own)
        assert found(store, ENTRY, any_of("patient_id", LINE, KARI)) == ids(objects[ENTRY], own)
        assert found(store, FOLDER, any_of("patient_id", LINE)) == ids(objects[FOLDER])
        assert found(store, ENTRY, Not(any_of("patient_id", KARI)), every(own)) == ids(own)

    def test_merges_make_chains(self, store) -> None:
        a, b, c = entry(1, OLE), entry(2, KARI), entry(3, LINE)
        register(store, a, b, c)
        store.write(lambda writer: writer.merge_patient(OLE, KARI))
        store.write(lambda writer: writer.merge_patient(KARI, LINE))
        with store.read() as state:
            assert state.patient(OLE) == Patient(OLE, LINE)
            assert state.patient(KARI) == Patient(KARI, LINE)
            assert state.patient(LINE) == Patient(LINE)
        assert found(store, ENTRY, any_of("patient_id", LINE)) == ids(a, b, c)
        assert found(store, ENTRY, any_of("patient_id", KARI)) == []
        assert found(store, ENTRY, any_of("patient_id", OLE)) == []
        assert {r.patient_id for r in records(store, ENTRY, every(a, b, c))} == {LINE}

    def test_merges_of_two_patients_into_one_keep_both(self, store) -> None:
        a, b, c = entry(1, OLE), entry(2, KARI), entry(3, LINE)
        register(store, a, b, c)
        store.write(lambda writer: writer.merge_patient(OLE, LINE))
        store.write(lambda writer: writer.merge_patient(KARI, LINE))
        assert found(store, ENTRY, any_of("patient_id", LINE)) == ids(a, b, c)

    def test_a_patient_that_was_merged_away_stays_so(self, store) -> None:
        register(store, entry(1, KARI), entry(2, LINE))
        store.write(lambda writer: writer.merge_patient(KARI, LINE))
        store.write(lambda writer: writer.add_patient(KARI))
        with store.read() as state:
            assert state.patient(KARI) == Patient(KARI, LINE)

    def test_what_the_survivor_gets_later_is_found_with_the_rest(self, store) -> None:
        register(store, entry(1, KARI), submission_set(9, KARI), entry(2, LINE))
        store.write(lambda writer: writer.merge_patient(KARI, LINE))
        register(store, entry(3, LINE), association(4, 9, 3))
        assert found(store, ENTRY, any_of("patient_id", LINE)) == [uuid(1), uuid(2), uuid(3)]
        (link,) = records(store, LINK, any_of("source", uuid(9)))
        assert link.patient_id == LINE

    def test_a_question_by_itself_is_of_this_moment(self, store) -> None:
        register(store, entry(1))
        question = ENTRY, [any_of("patient_id", LINE)]
        assert store.find(*question) == records(store, ENTRY, any_of("patient_id", LINE))
        register(store, entry(2))
        assert [each.entry_uuid for each in store.find(*question)] == [uuid(1), uuid(2)]

    def test_a_writer_sees_its_own_merge(self, store) -> None:
        register(store, entry(1, KARI), entry(2, LINE))

        def work(writer: Writer) -> list[str]:
            writer.merge_patient(KARI, LINE)
            return [r.entry_uuid for r in writer.find(ENTRY, [any_of("patient_id", LINE)])]

        assert store.write(work) == [uuid(1), uuid(2)]
