"""Stored queries on registries that chance has filled: what is found is what the clauses say.

Each question is answered three times: from memory, by SQLite, and by `tests.registry.told_twice`,
which knows the clauses and nothing of how the registry works.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.call import Call
from ihe.datatypes import DTM, OID, XCN, CXi, Identifier
from ihe.messages import ReturnType
from ihe.model import Association, Author, Code, DocumentEntry, Folder, RegistryObject
from ihe.queries import AllOf, render_query
from ihe.vocabulary import (
    AssociationType,
    DocumentAvailability,
    DocumentEntryType,
    Status,
    StoredQueryId,
    SubmissionSetStatus,
)
from registry import iti18
from registry.domain import Registry
from registry.store.memory import MemoryStore
from registry.store.port import Store, Writer
from registry.store.sql import open_store
from tests.registry import objects as o
from tests.registry.registered import register
from tests.registry.told_twice import CODED, QUERIES, TIMES, Told, World

T = AssociationType
PATIENTS = [o.LINE, o.KARI]
CODES = [*(Code(text, "1.2.3") for text in "ABC"), Code("A", "9.9")]
PEOPLE = ["^Ås^Kari", "^A\u030as^Kari", "^O'Brien^Ola", "1^Hansen^Å_%", "^李小龍", "^𠮷野家\\T\\"]
WHEN = ["2004", "200412", "20041224", "2004122410", "20041224100000", "20050101"]
REFERENCES = ["47^^^&1.2.3&ISO^urn:x", "R_1^^^&1.2.3&ISO^urn:x", "R%1^^^^urn:y"]
PATTERNS = [
    *PEOPLE, "%", "%Å%", "%_Brien%", "%\\T\\", "%_%_", "1^Hansen^Å_%%", "^_野家%", "Ås", "%[%]%",
    "%*", "^O'Brien^???",
]  # fmt: skip  # a list of patterns
REFERENCE_PATTERNS = [*REFERENCES, "%", "4_^%", "R\\_1%", "R%", "%urn:x"]
UNIQUE_IDS = ["2.25.1", "2.25.2", "2.25.3", "1.2^x"]
RELATIONS = [T.RPLC, T.APND, T.XFRM, T.SIGNS, T.IS_SNAPSHOT_OF]
CALL = Call(at=datetime(2026, 11, 24, tzinfo=UTC), trace_id="0" * 32)


def some(random: Random, values: Any, *, least: int = 0) -> list[Any]:
    values = list(values)
    return random.sample(values, random.randint(least, min(3, len(values))))


def maybe(random: Random, values: list[Any]) -> Any:
    return random.choice([None, *values])


# --- a world -------------------------------------------------------------------------------------


class Filling:
    """Makes the objects of a world."""

    def __init__(self, random: Random) -> None:
        self.random, self.numbers = random, count(1)
        self.world = World([], [], [], [])
        self._sets()
        for _ in range(random.randint(0, 6)):
            self._entry()
        for _ in range(random.randint(0, 3)):
            folder = replace(
                o.folder(next(self.numbers), random.choice(PATIENTS)),
                availability_status=random.choice(list(Status)),
                codes=tuple(some(random, CODES)),
                last_update_time=DTM(random.choice(WHEN)),
            )
            self.world.folders.append(folder)
        self._links()

    def authors(self) -> tuple[Author, ...]:
        return tuple(Author(person=XCN(each)) for each in some(self.random, PEOPLE))

    def time(self) -> DTM | None:
        return DTM(when) if (when := maybe(self.random, WHEN)) else None

    def _sets(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            chosen = replace(
                o.submission_set(next(self.numbers), self.random.choice(PATIENTS)),
                content_type_code=maybe(self.random, CODES),
                source_id=OID(self.random.choice(["1.2", "1.3"])),
                submission_time=DTM(self.random.choice(WHEN)),
                authors=self.authors(),
            )
            self.world.sets.append(chosen)

    def _entry(self) -> None:
        random, others = self.random, self.world.entries
        changes: dict[str, Any] = {name: maybe(random, CODES) for name in (*CODED, "format_code")}
        changes |= {name: self.time() for name in TIMES}
        made = replace(
            o.entry(next(self.numbers), random.choice(PATIENTS)),
            unique_id=Identifier(random.choice(UNIQUE_IDS)),
            availability_status=random.choice(list(Status)),
            object_type=random.choice([*DocumentEntryType, DocumentEntryType.STABLE]),
            event_codes=tuple(some(random, CODES)),
            confidentiality_codes=tuple(some(random, CODES)),
            document_availability=maybe(random, list(DocumentAvailability)),
            authors=self.authors(),
            reference_ids=tuple(map(CXi, some(random, REFERENCES))),
            **changes,
        )
        if others and random.random() < 0.25:
            made = self._next_version(made, random.choice(others))
        others.append(made)

    def _next_version(self, made: DocumentEntry, first: DocumentEntry) -> DocumentEntry:
        versions = [e for e in self.world.entries if e.logical_id == first.logical_id]
        number = max(int(each.version or 1) for each in versions) + 1
        return replace(
            made,
            logical_id=first.logical_id,
            version=str(number),
            patient_id=first.patient_id,
        )

    def _link(
        self, source: RegistryObject, target: RegistryObject, kind: T = T.HAS_MEMBER, **changes: Any
    ) -> Association:
        status = self.random.choice([*Status, Status.APPROVED, Status.APPROVED])
        link = replace(
            o.association(next(self.numbers), source, target, kind),
            availability_status=status,
            **changes,
        )
        self.world.links.append(link)
        return link

    def _links(self) -> None:
        random, world = self.random, self.world
        for entry in world.entries:
            for status in list(SubmissionSetStatus)[: random.choice([1, 2])]:
                self._link(random.choice(world.sets), entry, submission_set_status=status)
            if world.folders and random.random() < 0.6:
                membership = self._link(random.choice(world.folders), entry)
                self._link(random.choice(world.sets), membership)
        for folder in world.folders:
            self._link(random.choice(world.sets), folder)
        for _ in range(random.randint(0, 5) if len(world.entries) > 1 else 0):
            source, target = random.sample(world.entries, 2)
            self._link(source, target, random.choice(RELATIONS))


# --- a question ----------------------------------------------------------------------------------


class Asking:
    """Makes a question to a world: `given` is what the query is asked with."""

    def __init__(self, random: Random, world: World, query: str) -> None:
        self.random, self.world = random, world
        self.given: dict[str, Any] = {}
        ask: Callable[[], None] = getattr(self, f"_{query}")
        ask()

    def may(self, name: str, make: Callable[[], Any], chance: float = 0.25) -> None:
        if self.random.random() < chance:
            self.given[name] = make()

    def statuses(self) -> list[Status]:
        return some(self.random, Status, least=1)

    def codes(self) -> list[Code]:
        return some(self.random, CODES, least=1)

    def groups(self) -> Any:
        several = [self.codes() for _ in range(self.random.randint(1, 3))]
        return self.random.choice([AllOf(*several), self.codes()])

    def patterns(self) -> list[str]:
        return some(self.random, PATTERNS, least=1)

    def references(self) -> list[str]:
        return some(self.random, REFERENCE_PATTERNS, least=1)

    def time(self) -> str:
        return self.random.choice(WHEN)

    def patient(self, *statuses: str) -> None:
        self.given["patient_id"] = self.random.choice(PATIENTS)
        for name in statuses:
            self.given[name] = self.statuses()

    def level(self) -> None:
        self.may("metadata_level", lambda: self.random.choice([1, 2]), 0.5)

    def links(self) -> None:
        self.may("association_status", self.statuses, 0.2)
        self.level()

    def type(self) -> None:
        self.may("document_entry_type", lambda: some(self.random, DocumentEntryType, least=1), 0.5)

    def content(self) -> None:
        self.may("format_code", self.codes)
        self.may("confidentiality_code", self.groups)
        self.type()

    def period(self, name: str) -> None:
        self.may(f"{name}_from", self.time, 0.15)
        self.may(f"{name}_to", self.time, 0.15)

    def ids(self, pool: Any, *, many: bool, logical: bool = False) -> None:
        name = self.random.choice(["entry_uuid", "unique_id", *(["logical_id"] if logical else [])])
        values = [getattr(each, name) for each in pool]
        values.append("9.9" if name == "unique_id" else o.uuid(10**6))
        chosen = some(self.random, dict.fromkeys(values), least=1)
        self.given[name] = chosen if many else chosen[0]

    def _find_documents(self) -> None:
        self.patient("document_entry_status")
        for name in CODED:
            self.may(name, self.codes, 0.1)
        for name in TIMES:
            self.period(name)
        self.content()
        self.may("event_code", self.groups, 0.15)
        self.may("author_person", self.patterns, 0.2)
        self.may(
            "document_availability", lambda: some(self.random, DocumentAvailability, least=1), 0.15
        )
        self.level()

    def _find_documents_by_reference_id(self) -> None:
        self._find_documents()
        several = [self.references() for _ in range(self.random.randint(1, 2))]
        self.given["reference_id"] = self.random.choice([AllOf(*several), self.references()])

    def _find_submission_sets(self) -> None:
        self.patient("submission_set_status")
        self.may("source_id", lambda: ["1.2"])
        self.period("submission_time")
        self.may("author_person", lambda: self.patterns()[0])
        self.may("content_type_code", self.codes)

    def _find_folders(self) -> None:
        self.patient("folder_status")
        self.period("last_update_time")
        self.may("code", self.groups)
        self.level()

    def _get_all(self) -> None:
        self.patient("document_entry_status", "submission_set_status", "folder_status")
        self.content()
        self.links()

    def _get_documents(self) -> None:
        self.ids(self.world.entries, many=True, logical=True)
        self.level()

    def _get_folders(self) -> None:
        self.ids(self.world.folders, many=True, logical=True)
        self.level()

    def _get_associations(self) -> None:
        everything: list[RegistryObject] = [
            *self.world.entries,
            *self.world.sets,
            *self.world.folders,
            *self.world.links,
        ]
        self.given["uuid"] = [e.entry_uuid for e in some(self.random, everything, least=1)]
        self.links()

    def _get_documents_and_associations(self) -> None:
        self.ids(self.world.entries, many=True)
        self.links()

    def _get_submission_sets(self) -> None:
        members: list[DocumentEntry | Folder] = [*self.world.entries, *self.world.folders]
        uuids = [each.entry_uuid for each in members]
        self.given["uuid"] = some(self.random, [*uuids, o.uuid(10**6)], least=1)
        self.level()

    def _get_submission_set_and_contents(self) -> None:
        self.ids(self.world.sets, many=False)
        self.content()
        self.level()

    def _get_folder_and_contents(self) -> None:
        self.ids(self.world.folders, many=False)
        self.content()
        self.links()

    def _get_folders_for_document(self) -> None:
        self.ids(self.world.entries, many=False)
        self.links()

    def _get_related_documents(self) -> None:
        self.ids(self.world.entries, many=False)
        self.given["association_type"] = some(self.random, [*RELATIONS, T.HAS_MEMBER], least=1)
        self.type()
        self.links()


# --- the answers ---------------------------------------------------------------------------------


@contextmanager
def stores() -> Iterator[list[Store]]:
    with TemporaryDirectory() as folder:
        database = open_store(f"sqlite:///{folder}/registry.sqlite")
        try:
            yield [MemoryStore(), database]
        finally:
            database.close()


def know_patients(store: Store) -> None:
    """Make every patient known, with anything registered or not."""

    def work(writer: Writer) -> None:
        for patient in PATIENTS:
            writer.add_patient(patient)

    store.write(work)


def asked(store: Store, query: str, given_: dict[str, Any]) -> list[str]:
    registry = Registry(store=store, new_uuid=lambda: o.uuid(0))
    options = {**given_, "return_type": ReturnType.OBJECT_REF}
    request = render_query(StoredQueryId[query.upper()], options)
    return [each.entry_uuid for each in iti18.handle(request, CALL, registry).objects]


def test_every_query_of_the_framework_is_told_twice() -> None:
    one_patient = list(StoredQueryId)[:14]
    assert {each.name.lower() for each in one_patient} == set(QUERIES)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32).map(Random))
def test_a_query_finds_what_its_clause_says(random: Random) -> None:
    world = Filling(random).world
    with stores() as engines:
        for store in engines:
            know_patients(store)
            register(store, *world.sets, *world.folders, *world.entries, *world.links)
        for query in QUERIES:
            given_ = Asking(random, world, query).given
            expected = Told(world, given_).find(query)
            for store in engines:
                found = asked(store, query, given_)
                assert len(found) == len(set(found)), (query, given_)
                assert set(found) == expected, (query, given_)
