"""What a store finds: each condition on each attribute of each kind."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from ihe.attributes import ATTRIBUTES, Form
from ihe.datatypes import DTM
from ihe.model import (
    Author,
    Code,
    RegistryObject,
)
from ihe.state import (
    AnyCode,
    AnyOf,
    Between,
    Kind,
    Like,
    Newest,
    Not,
    any_of,
)
from ihe.vocabulary import (
    DocumentAvailability,
)
from registry.store.port import Store
from tests.registry.objects import (
    LINE,
    association,
    entry,
    folder,
    submission_set,
    uuid,
    version_of,
)
from tests.registry.store.asking import (
    A_PERSON,
    B_PERSON,
    BARE,
    CASES,
    ENTRY,
    FOLDER,
    LINK,
    SET,
    SOURCES,
    cases,
    every,
    found,
    holds,
    ids,
    register,
    text_of,
)


class ConditionContract:
    """Part of `StoreContract`."""

    def test_the_cases_cover_every_attribute(self) -> None:
        assert set(CASES) == {(kind, name) for kind, names in ATTRIBUTES.items() for name in names}

    @pytest.fixture
    def world(self, store: Store) -> Callable[[Kind, str], tuple[RegistryObject, ...]]:
        """Register two objects that differ in one attribute, and sets for associations."""

        def build(kind: Kind, attribute: str) -> tuple[RegistryObject, ...]:
            make, one, other = CASES[kind, attribute]
            pair = make(1, one), make(2, other)
            register(store, *SOURCES, *pair)
            return pair

        return build

    @pytest.mark.parametrize(("kind", "attribute"), cases(Form.ID, Form.TEXT, Form.CODE))
    def test_a_value_finds_what_has_it(self, store, world, kind, attribute) -> None:
        form = ATTRIBUTES[kind][attribute].form
        _, one, other = CASES[kind, attribute]
        first, second = world(kind, attribute)
        both = every(first, second)
        assert found(store, kind, both, holds(form, attribute, one)) == ids(first)
        assert found(store, kind, both, holds(form, attribute, other)) == ids(second)
        assert found(store, kind, holds(form, attribute, other), both) == ids(second)

    @pytest.mark.parametrize(("kind", "attribute"), cases(Form.ID, Form.TEXT, Form.CODE))
    def test_several_values_find_what_has_any_of_them(self, store, world, kind, attribute) -> None:
        form = ATTRIBUTES[kind][attribute].form
        _, one, other = CASES[kind, attribute]
        pair = world(kind, attribute)
        unknown = Code("X", "1.2.3") if form is Form.CODE else "urn:oid:1.2.999"
        both = every(*pair)
        assert found(store, kind, both, holds(form, attribute, other, unknown, one)) == ids(*pair)
        assert found(store, kind, both, holds(form, attribute, unknown)) == []
        assert found(store, kind, both, holds(form, attribute)) == []

    @pytest.mark.parametrize(("kind", "attribute"), cases(Form.ID, Form.TEXT, Form.CODE))
    def test_two_conditions_on_an_attribute_must_both_hold(
        self, store, world, kind, attribute
    ) -> None:
        form = ATTRIBUTES[kind][attribute].form
        _, one, other = CASES[kind, attribute]
        first, second = world(kind, attribute)
        both = every(first, second)
        one_only, either = holds(form, attribute, one), holds(form, attribute, one, other)
        other_only = holds(form, attribute, other)
        assert found(store, kind, both, one_only, either) == ids(first)
        assert found(store, kind, both, one_only, other_only) == []

    @pytest.mark.parametrize(("kind", "attribute"), cases(Form.ID, Form.TEXT, Form.CODE))
    def test_not_finds_what_does_not_have_the_value(self, store, world, kind, attribute) -> None:
        form = ATTRIBUTES[kind][attribute].form
        _, one, other = CASES[kind, attribute]
        first, second = world(kind, attribute)
        both = every(first, second)
        assert found(store, kind, both, Not(holds(form, attribute, one))) == ids(second)
        assert found(store, kind, both, Not(holds(form, attribute, one, other))) == []
        assert found(store, kind, both, Not(holds(form, attribute))) == ids(first, second)

    @pytest.mark.parametrize(
        ("kind", "attribute"), cases(Form.ID, Form.TEXT, Form.CODE, absent=True)
    )
    def test_an_object_without_the_attribute_meets_nothing_but_not(
        self, store, kind, attribute
    ) -> None:
        form = ATTRIBUTES[kind][attribute].form
        _, one, _ = CASES[kind, attribute]
        bare = BARE[kind](1)
        register(store, *SOURCES, bare)
        condition = holds(form, attribute, one)
        assert found(store, kind, every(bare), condition) == []
        assert found(store, kind, every(bare), Not(condition)) == ids(bare)

    @pytest.mark.parametrize(("kind", "attribute"), cases(Form.TEXT))
    def test_a_pattern_finds_what_it_matches_as_a_whole(
        self, store, world, kind, attribute
    ) -> None:
        _, one, _ = CASES[kind, attribute]
        first, second = world(kind, attribute)
        text = text_of(one)

        def like(*patterns: str) -> list[str]:
            return found(store, kind, every(first, second), Like(attribute, frozenset(patterns)))

        assert like(text) == ids(first)
        assert like(text[:3] + "%") == ids(first)
        assert like("%" + text[-6:]) == ids(first) or text[-6:] in text_of(
            CASES[kind, attribute][2]
        )
        assert like("_" * len(text)) == ids(first)
        assert like(text[:-1]) == []
        assert like(text[1:]) == []
        assert like("%") == ids(first, second)
        assert like("nobody", text) == ids(first)
        assert like() == []
        negated = Not(Like(attribute, frozenset({text[:3] + "%"})))
        assert found(store, kind, every(first, second), negated) == ids(second)

    @pytest.mark.parametrize(("kind", "attribute"), cases(Form.CODE))
    def test_a_code_counts_with_its_scheme(self, store, kind, attribute) -> None:
        make = CASES[kind, attribute][0]
        here, there = make(1, Code("A", "1.2.3")), make(2, Code("A", "1.2.4"))
        register(store, here, there)

        def having(*codes: tuple[str, str | None]) -> list[str]:
            return found(store, kind, every(here, there), AnyCode(attribute, frozenset(codes)))

        assert having(("A", "1.2.3")) == ids(here)
        assert having(("A", "1.2.4")) == ids(there)
        assert having(("A", "1.2.5")) == []
        assert having(("a", "1.2.3")) == []
        assert having(("A", None)) == ids(here, there)
        assert having(("B", None)) == []
        assert having(("B", None), ("A", "1.2.4")) == ids(there)

    @pytest.mark.parametrize(("kind", "attribute"), cases(Form.TIME))
    @pytest.mark.parametrize(
        ("period", "inside"),
        [
            (("20041224", "20050101"), True),  # the Framework's own example
            (("20041124", "20041224"), False),  # the upper bound is outside
            (("20041224", None), True),  # the lower bound is inside
            (("20041225", None), False),
            ((None, "20041225"), True),
            ((None, "20041224"), False),
            ((None, None), True),
            (("2004", "2005"), True),
            (("2004", "200412"), False),  # a shorter time is the start of its period
            (("20041224000000", None), False),  # ... and sorts before longer ones
            ((None, "20041224000000"), True),
            (("20050101", "20040101"), False),
        ],
    )
    def test_a_time_is_at_or_after_the_start_and_before_the_stop(
        self, store, kind, attribute, period, inside
    ) -> None:
        timed, bare = CASES[kind, attribute][0](1, DTM("20041224")), BARE[kind](2)
        register(store, timed, bare)
        start, stop = (time and DTM(time) for time in period)
        within = Between(attribute, start, stop)
        expected = ids(timed, bare) if inside else ids(bare)  # without the time it always passes
        assert found(store, kind, every(timed, bare), within) == expected

    def test_a_list_attribute_has_each_of_its_values(self, store) -> None:
        a, b, c = (Code(text, "1.2.3") for text in "ABC")
        ab = replace(entry(1), event_codes=(a, b))
        bc = replace(entry(2), event_codes=(b, c))
        register(store, ab, bc)

        def having(*conditions: Sequence[Code]) -> list[str]:
            return found(
                store, ENTRY, *(holds(Form.CODE, "event_code", *codes) for codes in conditions)
            )

        assert having([a], [b]) == ids(ab)
        assert having([b]) == ids(ab, bc)
        assert having([a, c]) == ids(ab, bc)
        assert having([a, c], [b], [c]) == ids(bc)
        assert having([a], [c]) == []

    def test_code_and_scheme_must_stand_in_the_same_value(self, store) -> None:
        both = replace(entry(1), event_codes=(Code("A", "1.2.3"), Code("B", "1.2.4")))
        register(store, both)
        crossed = AnyCode("event_code", frozenset({("A", "1.2.4"), ("B", "1.2.3")}))
        assert found(store, ENTRY, crossed) == []

    def test_any_author_of_several_counts(self, store) -> None:
        team = replace(entry(1), authors=(Author(person=A_PERSON), Author(person=B_PERSON)))
        register(store, team)
        for pattern in ("%Ås%", "%Hammer%"):
            assert found(store, ENTRY, Like("author_person", frozenset({pattern}))) == ids(team)
        assert found(store, ENTRY, Like("author_person", frozenset({"%Ås%Hammer%"}))) == []

    def test_an_entry_without_document_availability_is_online(self, store) -> None:
        bare = entry(1)
        offline = replace(entry(2), document_availability=DocumentAvailability.OFFLINE)
        register(store, bare, offline)
        online = any_of("document_availability", DocumentAvailability.ONLINE)
        assert found(store, ENTRY, online) == ids(bare)
        assert found(store, ENTRY, Not(online)) == ids(offline)

    def test_an_association_touches_both_its_ends(self, store) -> None:
        one, two = entry(1), entry(2)
        links = association(11, 900, one), association(12, 900, two), association(13, two, one)
        register(store, *SOURCES, one, two, *links)
        touching = any_of("source_or_target", one.entry_uuid)
        assert found(store, LINK, touching) == ids(links[0], links[2])
        both = any_of("source_or_target", one.entry_uuid, two.entry_uuid)
        assert found(store, LINK, both) == ids(*links)  # each of them once

    def test_newest_finds_the_highest_version_of_each(self, store) -> None:
        first = entry(1)
        versions = [version_of(first, 20 + n, n) for n in (2, 10, 9)]
        other = entry(3)
        register(store, first, *versions, other)
        newest = ids(versions[1], other)  # 10 is after 9, also where text order says otherwise
        assert found(store, ENTRY, Newest(), any_of("patient_id", LINE)) == newest
        assert found(store, ENTRY, any_of("logical_id", uuid(1))) == ids(first, *versions)
        assert found(store, ENTRY, Newest(), every(first)) == []

    def test_newest_is_about_each_kind_by_itself(self, store) -> None:
        old = folder(1)
        new = replace(folder(2), logical_id=uuid(1), version="2")
        register(store, old, new, entry(3))
        assert found(store, FOLDER, Newest(), any_of("patient_id", LINE)) == ids(new)
        assert found(store, ENTRY, Newest(), any_of("patient_id", LINE)) == [uuid(3)]

    def test_a_version_registered_later_is_newest_from_then_on(self, store) -> None:
        first = entry(1)
        second = version_of(first, 2, 2)
        register(store, first)
        assert found(store, ENTRY, Newest(), every(first, second)) == ids(first)
        register(store, second)
        assert found(store, ENTRY, Newest(), every(first, second)) == ids(second)

    def test_when_the_newest_version_is_removed_the_one_before_it_is_newest(self, store) -> None:
        first = entry(1)
        second, third = version_of(first, 2, 2), version_of(first, 3, 3)
        register(store, first, second, third)
        store.write(lambda writer: writer.remove([third.entry_uuid]))
        assert found(store, ENTRY, Newest(), every(first, second, third)) == ids(second)
        store.write(lambda writer: writer.remove([first.entry_uuid]))
        assert found(store, ENTRY, Newest(), every(first, second, third)) == ids(second)

    def test_only_objects_of_the_kind_are_found(self, store) -> None:
        objects: dict[Kind, RegistryObject] = {
            ENTRY: entry(1),
            SET: submission_set(2),
            FOLDER: folder(3),
        }
        register(store, *objects.values())
        for kind, each in objects.items():
            assert found(store, kind, any_of("patient_id", LINE)) == ids(each)
        assert found(store, LINK, every(*objects.values())) == []

    @pytest.mark.parametrize("wrong", ["", "x", uuid(1).upper(), uuid(1)[9:], "urn:uuid:1", "'"])
    def test_what_is_no_uuid_finds_nothing(self, store, wrong) -> None:
        register(store, entry(1), entry(2))
        assert found(store, ENTRY, any_of("entry_uuid", wrong)) == []
        assert found(store, ENTRY, any_of("entry_uuid", wrong, uuid(2))) == [uuid(2)]
        assert found(store, LINK, any_of("source_or_target", wrong)) == []

    def test_tens_of_thousands_of_values_are_no_trouble(self, store) -> None:
        register(store, *SOURCES, entry(1), association(2, 900, 1))
        many = frozenset(uuid(n) for n in range(1, 70_000))
        assert found(store, ENTRY, AnyOf("entry_uuid", many)) == [uuid(1)]
        assert found(store, LINK, AnyOf("source_or_target", many)) == [uuid(2)]
        assert found(store, ENTRY, Not(AnyOf("unique_id", many)), every(entry(1))) == [uuid(1)]

    @pytest.mark.parametrize(
        ("kind", "conditions"),
        [
            (ENTRY, []),
            (FOLDER, [any_of("class_code", "A")]),
            (ENTRY, [any_of("class_code", "A")]),
            (ENTRY, [AnyCode("title", frozenset())]),
            (ENTRY, [Like("entry_uuid", frozenset({"%"}))]),
            (ENTRY, [Between("title")]),
            (ENTRY, [Not(any_of("nothing", "A"))]),
            (SET, [Newest()]),
            (LINK, [Newest()]),
        ],
    )
    def test_a_question_that_makes_no_sense_is_a_programming_error(
        self, store, kind, conditions
    ) -> None:
        with store.read() as state, pytest.raises(ValueError, match=r".+"):
            state.find(kind, conditions)
