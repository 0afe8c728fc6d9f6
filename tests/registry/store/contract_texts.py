"""How a store compares texts, and what it answers."""

import unicodedata
from dataclasses import replace

import pytest

from ihe.attributes import kind_of
from ihe.datatypes import CX, DTM, SHA1, XCN, CXi, Identifier
from ihe.model import (
    Author,
    Code,
    LocalizedString,
)
from ihe.state import (
    AnyCode,
    AnyOf,
    Like,
    Not,
    Record,
    any_of,
)
from ihe.vocabulary import (
    AssociationType,
    DocumentEntryType,
    Status,
    SubmissionSetStatus,
)
from registry.store.port import Writer
from tests import samples
from tests.registry.objects import (
    KARI,
    LINE,
    association,
    entry,
    folder,
    oid,
    submission_set,
    uuid,
)
from tests.registry.store.asking import (
    ENTRY,
    FOLDER,
    LINK,
    SET,
    SOURCES,
    every,
    filled,
    found,
    ids,
    records,
    register,
)


class TextContract:
    """Part of `StoreContract`."""

    @pytest.mark.parametrize(
        ("pattern", "text", "matches"),
        [
            ("Ås", "Ås", True),
            ("ås", "Ås", False),
            ("a", "A", False),
            ("A%", "a", False),
            ("%s", "Ås", True),
            ("_s", "Ås", True),
            ("__s", "Ås", False),
            ("%", "", True),
            ("", "", True),
            ("", "x", False),
            ("_", "", False),
            ("%%", "x", True),
            ("_%_", "x", False),
            ("_%_", "xy", True),
            ("_%_", "x\ny", True),
            ("a_c", "a\nc", True),
            ("%b%", "a\nb\nc", True),
            ("a.c", "abc", False),
            ("a*", "aaa", False),
            ("[a-c]", "b", False),
            ("[a-c]", "[a-c]", True),
            ("^a$", "a", False),
            ("a?", "a", False),
            ("a|b", "a", False),
            ("(a)", "a", False),
            ("\\%", "\\x", True),  # nothing escapes a wildcard
            ("\\%", "%", False),
            ("\\_", "\\x", True),
            ("\\\\", "\\\\", True),
            ("\\\\", "\\", False),
            ("%''%", "a''b", True),
            ("%'%", "O'Brien", True),
            ('%"%', 'say "a"', True),
            ("a ", "a", False),
            ("a", "a ", False),
            ("_", "𝕏", True),  # one character beyond the basic plane
            ("__", "𝕏", False),
            ("𝕏%", "𝕏yz", True),
            ("%\u0301%", "e\u0301", False),  # decomposed text is compared composed
            ("_", "e\u0301", True),
            ("%é", "cafe\u0301", True),
            ("cafe\u0301", "café", True),
            ("_", "q\u0301", False),  # nothing to compose: two characters
            ("__", "q\u0301", True),
            ("%יעל%", "כהן^יעל", True),
            ("Иван%", "Иванов", True),
            ("x" * 255 + "_", "x" * 256, True),
            ("%" + "y" * 250, "x" * 6 + "y" * 250, True),
            ("x" * 256, "x" * 255, False),
        ],
    )
    def test_a_pattern_matches_as_it_should(self, store, pattern, text, matches) -> None:
        titled = replace(entry(1), title=LocalizedString(text))
        register(store, titled)
        expected = ids(titled) if matches else []
        assert found(store, ENTRY, Like("title", frozenset({pattern}))) == expected
        assert found(store, ENTRY, Not(Like("title", frozenset({pattern})))) == (
            [] if matches else ids(titled)
        )

    @pytest.mark.parametrize(
        "text",
        [
            "O'Brien",
            "''",
            'say "so"',
            "a;b--c",
            "100%",
            "a_b",
            "back\\slash",
            "\\u0041",
            "{}[]:?$1%s",
            "tab\tline\nend",
            "𝕏 𐍈 👩‍⚕️",
            "ø",
            "ﬁ",
            "İıſß",
            "שלום",
            "x" * 256,
            "ø" * 256,
            "𝕏" * 256,
        ],
    )
    def test_a_text_is_found_as_it_was_registered(self, store, text) -> None:
        titled = replace(
            entry(1),
            title=LocalizedString(text),
            unique_id=Identifier(text),
            authors=(Author(person=XCN(text)),),
            reference_ids=(CXi(text),),
            class_code=Code(text, text),
            event_codes=(Code(text, text),),
        )
        register(store, titled, entry(2))
        for attribute in ("title", "unique_id", "author_person", "reference_id"):
            assert found(store, ENTRY, any_of(attribute, text)) == ids(titled), attribute
        for attribute in ("class_code", "event_code"):
            for scheme in (text, None):
                condition = AnyCode(attribute, frozenset({(text, scheme)}))
                assert found(store, ENTRY, condition) == ids(titled), attribute
        assert records(store, ENTRY, every(titled))[0].unique_id == text

    @pytest.mark.parametrize("text", ["Café", "Ås", "Ǘ", "각", "Ω"])
    def test_composed_and_decomposed_text_are_the_same(self, store, text) -> None:
        composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
        for number, stored in enumerate((composed, decomposed), 1):
            register(
                store,
                replace(
                    entry(number),
                    title=LocalizedString(stored),
                    unique_id=Identifier(stored),
                    reference_ids=(CXi(stored),),
                    class_code=Code(stored, "1.2"),
                    event_codes=(Code("1", stored),),
                ),
            )
        for asked in (composed, decomposed):
            for attribute in ("title", "unique_id", "reference_id"):
                assert len(found(store, ENTRY, any_of(attribute, asked))) == 2, attribute
            for condition in (("class_code", (asked, "1.2")), ("event_code", ("1", asked))):
                having = AnyCode(condition[0], frozenset({condition[1]}))
                assert len(found(store, ENTRY, having)) == 2, condition[0]
        kept = [record.unique_id for record in records(store, ENTRY, any_of("title", text))]
        assert kept == [composed, decomposed]  # what was registered comes back to the letter

    def test_letters_that_only_look_alike_differ(self, store) -> None:
        latin, cyrillic = (
            replace(entry(n), title=LocalizedString(t)) for n, t in ((1, "A"), (2, "А"))
        )
        register(store, latin, cyrillic)
        assert found(store, ENTRY, any_of("title", "A")) == ids(latin)
        assert found(store, ENTRY, any_of("title", "Ａ")) == []

    def test_the_oldest_registration_comes_first(self, store) -> None:
        numbers = [5, 3, 9, 1, 7, 2, 8]
        register(store, *(entry(n) for n in numbers[:4]))
        for number in numbers[4:]:
            register(store, entry(number))
        store.write(lambda writer: writer.set_status([uuid(9)], Status.DEPRECATED))
        expected = [uuid(n) for n in numbers]
        assert found(store, ENTRY, any_of("patient_id", LINE)) == expected
        assert found(store, ENTRY, AnyOf("entry_uuid", frozenset(expected))) == expected

    def test_a_thousand_objects_in_one_submission_keep_their_order(self, store) -> None:
        many = [entry(n) for n in range(1000)]
        register(store, *many)
        assert found(store, ENTRY, any_of("patient_id", LINE)) == ids(*many)

    def test_a_record_tells_what_an_entry_is(self, store) -> None:
        on_demand = replace(
            entry(1),
            object_type=DocumentEntryType.ON_DEMAND,
            version="3",
            logical_id=uuid(5),
            hash=SHA1("DA39a3ee5e6b4b0d3255bfef95601890afd80709"),
            size="007",
            availability_status=Status.DEPRECATED,
        )
        register(store, on_demand)
        (record,) = records(store, ENTRY, every(on_demand))
        assert record == Record(
            kind=ENTRY,
            entry_uuid=uuid(1),
            logical_id=uuid(5),
            version=3,
            patient_id=LINE,
            status=Status.DEPRECATED,
            template=record.template,
            unique_id=oid(1),
            object_type=DocumentEntryType.ON_DEMAND,
            hash="DA39a3ee5e6b4b0d3255bfef95601890afd80709",
            size="007",
        )
        assert record.template

    def test_a_record_tells_what_a_submission_set_and_a_folder_are(self, store) -> None:
        timed = replace(folder(2), last_update_time=DTM("20240229120000"))
        register(store, submission_set(1), timed)
        (of_set,) = records(store, SET, every(submission_set(1)))
        assert (of_set.unique_id, of_set.patient_id, of_set.last_update_time) == (
            oid(1),
            LINE,
            None,
        )
        (of_folder,) = records(store, FOLDER, every(timed))
        assert of_folder.unique_id == oid(2)
        assert of_folder.last_update_time == "20240229120000"
        assert isinstance(of_folder.last_update_time, DTM)
        assert isinstance(of_folder.patient_id, CX)
        assert isinstance(of_folder.status, Status)

    def test_a_record_tells_what_an_association_is(self, store) -> None:
        link = replace(
            association(3, 900, 1),
            submission_set_status=SubmissionSetStatus.REFERENCE,
            availability_status=Status.DEPRECATED,
        )
        register(store, *SOURCES, link)
        (record,) = records(store, LINK, every(link))
        assert (record.type, record.source, record.target) == (
            AssociationType.HAS_MEMBER,
            uuid(900),
            uuid(1),
        )
        assert record.submission_set_status == "Reference"
        assert record.status is Status.DEPRECATED
        assert record.unique_id is None

    def test_types_that_the_framework_does_not_know_are_kept(self, store) -> None:
        extension = replace(association(3, 900, 1), type="urn:oid:1.2.3")
        register(store, *SOURCES, extension)
        assert found(store, LINK, any_of("type", "urn:oid:1.2.3")) == ids(extension)
        assert records(store, LINK, every(extension))[0].type == "urn:oid:1.2.3"

    def test_an_association_belongs_to_the_patient_of_its_source(self, store) -> None:
        own = submission_set(1, KARI)
        register(store, association(2, own, 5), own)  # in one submission, in any order
        register(store, association(3, own, 6))
        assert [r.patient_id for r in records(store, LINK, any_of("source", uuid(1)))] == [KARI] * 2

    @pytest.mark.parametrize(
        "registered",
        [
            samples.entry(entry_uuid=uuid(1), logical_id=uuid(1), version="1"),
            samples.on_demand_entry(entry_uuid=uuid(1), logical_id=uuid(1), version="1"),
            samples.entry(entry_uuid=uuid(1), logical_id=uuid(5), version="7"),
            samples.submission_set(entry_uuid=uuid(1), logical_id=uuid(1), version="1"),
            samples.folder(
                entry_uuid=uuid(1),
                logical_id=uuid(1),
                version="1",
                last_update_time=DTM("20240101120000"),
            ),
            samples.member(uuid(900), uuid(1), entry_uuid=uuid(1), logical_id=uuid(1), version="1"),
            samples.relationship(
                AssociationType.RPLC,
                uuid(900),
                uuid(901),
                entry_uuid=uuid(1),
                logical_id=uuid(1),
                version="1",
                documentation=samples.code("why"),
            ),
        ],
        ids=["entry", "on-demand", "version 7", "set", "folder", "member", "relationship"],
    )
    def test_what_was_registered_comes_back_to_the_letter(self, store, registered) -> None:
        register(store, *SOURCES, registered)
        (record,) = records(store, kind_of(registered), every(registered))
        assert filled(record) == replace(registered, availability_status=Status.APPROVED)

    def test_what_comes_back_is_what_the_object_is_now(self, store) -> None:
        whole = samples.folder(entry_uuid=uuid(1), logical_id=uuid(1), version="1")
        register(store, whole, entry(2, KARI))
        now = DTM("20240229120000")

        def work(writer: Writer) -> None:
            writer.set_status([uuid(1)], Status.DEPRECATED)
            writer.set_last_update_time([uuid(1)], now)
            writer.merge_patient(samples.PATIENT, KARI)

        store.write(work)
        (record,) = records(store, FOLDER, every(whole))
        assert filled(record) == replace(
            whole,
            availability_status=Status.DEPRECATED,
            last_update_time=now,
            patient_id=KARI,
        )
