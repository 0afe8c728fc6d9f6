"""An engine and the store in memory, side by side: the same changes, the same answers.

Changes and questions are drawn at random from few values, so that they meet often; a seed makes
each run the same. The store in memory is the model, so its own tests do without.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, TypeAlias

import pytest

from ihe.attributes import ATTRIBUTES, VERSIONED, Form
from ihe.datatypes import CX, DTM, OID, XCN, XON, CXi, Identifier
from ihe.model import Author, Code, DocumentEntry, LocalizedString, RegistryObject
from ihe.state import (
    AnyCode,
    AnyOf,
    Between,
    Condition,
    Kind,
    Like,
    Newest,
    Not,
    State,
)
from ihe.vocabulary import (
    AssociationType,
    DocumentAvailability,
    DocumentEntryType,
    Status,
    SubmissionSetStatus,
)
from registry.store.memory import MemoryStore
from registry.store.port import Store, Writer
from tests.registry.objects import KARI, LINE, OLE, association, entry, folder, submission_set, uuid

Change: TypeAlias = Callable[[Writer], None]

PATIENTS = (LINE, KARI, OLE, CX("Ås^^^&1.2.3&ISO"))
WORDS = ("Epikrise", "epikrise", "100%", "a_b", "O'Brien", "Ås", "A\u030as", "𝕏", "", "x\ny")
CODES = tuple(Code(code, scheme) for code in ("A", "a", "Ø") for scheme in ("1.2", "1.3"))
TIMES = tuple(map(DTM, ("2004", "200412", "20041224", "20041224120000", "20050101", "2006")))
SEEDS = range(12)


class _World:
    """Draws objects, changes and questions; knows which numbers were used for objects."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  # a test's choices, not a secret
        self._numbers: dict[Kind, list[int]] = {kind: [] for kind in Kind}
        self._versions: dict[int, int] = {}
        self._number = 0

    # --- objects ---------------------------------------------------------------------------------

    def _some(self, values: tuple[Any, ...], most: int = 2) -> tuple[Any, ...]:
        return tuple(self._random.sample(values, self._random.randint(0, most)))

    def _maybe(self, values: tuple[Any, ...]) -> Any:
        return self._random.choice((None, *values))

    def _new(self, kind: Kind) -> int:
        self._number += 1
        self._numbers[kind].append(self._number)
        return self._number

    def _any_of(self, *kinds: Kind) -> int:
        return self._random.choice([n for kind in kinds for n in self._numbers[kind]] or [0])

    def _next_version(self, kind: Kind, number: int) -> dict[str, Any]:
        """Return ids of a new object or, now and then, of the next version of an older one."""
        first = number
        if self._random.random() < 0.3:
            first = self._random.choice(self._numbers[kind])
        self._versions[first] = self._versions.get(first, 0) + 1
        return {"logical_id": uuid(first), "version": str(self._versions[first])}

    def _title(self) -> LocalizedString | None:
        words = tuple(map(LocalizedString, self._some(WORDS)))
        return replace(words[0], others=words[1:]) if words else None

    def _entry(self) -> DocumentEntry:
        number, pick = self._new(Kind.DOCUMENT_ENTRY), self._random.choice
        return replace(
            entry(number, pick(PATIENTS)),
            **self._next_version(Kind.DOCUMENT_ENTRY, number),
            unique_id=Identifier(f"1.2.{self._random.randint(0, 9)}"),
            availability_status=pick(tuple(Status)),
            object_type=pick(tuple(DocumentEntryType)),
            document_availability=self._maybe(tuple(DocumentAvailability)),
            title=self._title(),
            authors=tuple(
                Author(person=XCN(word), institutions=tuple(map(XON, self._some(WORDS))))
                for word in self._some(WORDS)
            ),
            reference_ids=tuple(map(CXi, self._some(WORDS))),
            class_code=self._maybe(CODES),
            type_code=self._maybe(CODES),
            format_code=self._maybe(CODES),
            practice_setting_code=self._maybe(CODES),
            healthcare_facility_type_code=self._maybe(CODES),
            event_codes=self._some(CODES, 3),
            confidentiality_codes=self._some(CODES, 3),
            creation_time=self._maybe(TIMES),
            service_start_time=self._maybe(TIMES),
            service_stop_time=self._maybe(TIMES),
        )

    def _objects(self) -> list[RegistryObject]:
        """Draw a submission: a set, entries, folders, and associations among anything."""
        pick = self._random.choice
        of_set = self._new(Kind.SUBMISSION_SET)
        objects: list[RegistryObject] = [
            replace(
                submission_set(of_set, pick(PATIENTS)),
                source_id=OID(f"1.3.{self._random.randint(0, 2)}"),
                content_type_code=self._maybe(CODES),
                submission_time=self._maybe(TIMES),
                authors=tuple(Author(person=XCN(word)) for word in self._some(WORDS)),
            )
        ]
        objects += [self._entry() for _ in range(self._random.randint(0, 3))]
        if self._random.random() < 0.5:
            number = self._new(Kind.FOLDER)
            objects.append(
                replace(
                    folder(number, pick(PATIENTS)),
                    **self._next_version(Kind.FOLDER, number),
                    codes=self._some(CODES),
                    last_update_time=pick(TIMES),
                )
            )
        for each in objects[1:]:
            link = association(self._new(Kind.ASSOCIATION), objects[0], each)
            status = self._maybe(tuple(SubmissionSetStatus))
            objects.append(
                replace(link, submission_set_status=status, type=pick(tuple(AssociationType)))
            )
        self._random.shuffle(objects)
        return objects

    # --- changes ---------------------------------------------------------------------------------

    def change(self, state: State) -> Change:
        """Draw a change that fits what is there."""
        draw = self._random.random()
        uuids = [uuid(self._any_of(*Kind)) for _ in range(2)]
        if draw < 0.6:
            objects = self._objects()
            # nobody registers for a patient that was merged away: the caller has checked
            settled = [_settled(state, each) for each in objects]
            return lambda writer: writer.add(settled)
        if draw < 0.75:
            status = self._random.choice(tuple(Status))
            return lambda writer: writer.set_status(uuids, status)
        if draw < 0.85:
            time = self._random.choice(TIMES)
            return lambda writer: writer.set_last_update_time(uuids, time)
        if draw < 0.95:
            return lambda writer: writer.remove(uuids[:1])
        active = [each for each in PATIENTS if _survivor(state, each) == each]
        if len(active) < 2:
            return lambda writer: writer.add_patient(PATIENTS[0])
        gone, stays = self._random.sample(active, 2)
        return lambda writer: writer.merge_patient(gone, stays)

    # --- questions -------------------------------------------------------------------------------

    def question(self) -> tuple[Kind, list[Condition]]:
        kind = self._random.choice(tuple(Kind))
        conditions = [self._condition(kind) for _ in range(self._random.randint(1, 3))]
        return kind, conditions

    def _condition(self, kind: Kind) -> Condition:
        draw = self._random.random()
        if kind in VERSIONED and draw < 0.2:
            return Newest()
        name = self._random.choice(sorted(ATTRIBUTES[kind]))
        form = ATTRIBUTES[kind][name].form
        if form is Form.TIME:
            return Between(name, self._maybe(TIMES), self._maybe(TIMES))
        held: AnyOf | AnyCode | Like
        if form is Form.CODE:
            pairs = [(c.code, self._random.choice((c.scheme, None))) for c in self._some(CODES, 4)]
            held = AnyCode(name, frozenset(pairs))
        elif form is Form.TEXT and draw < 0.6:
            held = Like(name, frozenset(self._pattern() for _ in range(2)))
        else:
            held = AnyOf(name, frozenset(self._value(name) for _ in range(6)))
        return Not(held) if self._random.random() < 0.2 else held

    def _pattern(self) -> str:
        letters = list(self._random.choice(WORDS))
        for _ in range(self._random.randint(0, 2)):
            at = self._random.randint(0, len(letters))
            letters[at : at + self._random.randint(0, 1)] = self._random.choice("%_%_x")
        return "".join(letters)

    def _value(self, name: str) -> str:
        values: dict[str, tuple[str, ...]] = {
            "patient_id": PATIENTS,
            "availability_status": tuple(Status),
            "object_type": tuple(DocumentEntryType),
            "document_availability": tuple(DocumentAvailability),
            "type": tuple(AssociationType),
            "submission_set_status": tuple(SubmissionSetStatus),
            "unique_id": tuple(f"1.2.{n}" for n in range(10)),
            "source_id": tuple(f"1.3.{n}" for n in range(4)),
            "title": WORDS,
            "author_person": WORDS,
            "author_institution": WORDS,
            "reference_id": WORDS,
        }
        return str(self._random.choice(values.get(name) or (uuid(self._any_of(*Kind)), "no id")))


def _survivor(state: State, patient_id: CX) -> CX:
    known = state.patient(patient_id)
    return known.survivor if known and known.survivor else patient_id


def _settled(state: State, each: RegistryObject) -> RegistryObject:
    """Return an object that belongs to the survivor of its patient."""
    patient_id: CX | None = getattr(each, "patient_id", None)
    if patient_id is None:
        return each
    changes: dict[str, Any] = {"patient_id": _survivor(state, patient_id)}
    return replace(each, **changes)


class ModelContract:
    """For engines: to be mixed in beside `StoreContract`."""

    @pytest.mark.parametrize("seed", SEEDS)
    def test_the_engine_answers_as_the_store_in_memory_does(self, store: Store, seed: int) -> None:
        world, model = _World(seed), MemoryStore()

        def know_patients(writer: Writer) -> None:
            for patient_id in PATIENTS:
                writer.add_patient(patient_id)

        for each in (store, model):
            each.write(know_patients)
        for _ in range(30):
            with model.read() as state:
                change = world.change(state)
            for each in (store, model):
                each.write(change)
        hits = 0
        with store.read() as asked, model.read() as expected:
            for _ in range(200):
                kind, conditions = world.question()
                wanted = expected.find(kind, conditions)
                found = asked.find(kind, conditions)
                assert found == wanted, conditions
                hits += bool(wanted)
            for patient_id in PATIENTS:
                assert asked.patient(patient_id) == expected.patient(patient_id)
        assert hits > 30, "questions that find nothing prove nothing"
