"""The store in memory: for tests, for trying things out, and the model of what a store does.

Its content at one moment is a value that nobody changes. A reader keeps the one it began with; a
writer works on a copy, which takes the old one's place when the work is done. Writers run one after
the other, so that none can disturb another. Nothing outlives the process.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TypeAlias, TypeVar

from ihe.attributes import VERSIONED, check_conditions, kind_of, values_of
from ihe.datatypes import CX, DTM
from ihe.ebxml.rendering import template
from ihe.model import Association, Code, DocumentEntry, Folder, RegistryObject
from ihe.state import (
    AnyCode,
    AnyOf,
    Between,
    Condition,
    Kind,
    Like,
    Newest,
    Not,
    Patient,
    Record,
    State,
    comparable,
)
from ihe.vocabulary import Status
from registry.store.port import Writer

T = TypeVar("T")
Predicate: TypeAlias = Callable[[RegistryObject], bool]


@dataclass(frozen=True, slots=True)
class _Stored:
    """A registered object; status, patient id and lastUpdateTime are what they are now."""

    object: RegistryObject
    patient_id: CX
    template: bytes


@dataclass(frozen=True, slots=True)
class _Content:
    """Everything at one moment.

    `objects` are by entryUUID, oldest registration first; `patients` by the comparable text of
    their id. A writer's own copy is the only one that is ever changed.
    """

    objects: dict[str, _Stored] = field(default_factory=dict)
    patients: dict[str, Patient] = field(default_factory=dict)

    def copy(self) -> "_Content":
        return _Content(dict(self.objects), dict(self.patients))


class MemoryStore:
    """The registry's store in memory."""

    def __init__(self) -> None:
        self._content = _Content()
        self._writing = Lock()

    @contextmanager
    def read(self) -> Iterator[State]:
        """Open a view of this moment."""
        yield _View(self._content)

    def find(self, kind: Kind, conditions: Sequence[Condition]) -> list[Record]:
        """Answer one question of this moment."""
        return _View(self._content).find(kind, conditions)

    def write(self, work: Callable[[Writer], T]) -> T:
        """Run `work` on a copy, and let the copy count when it is done."""
        with self._writing:
            changed = self._content.copy()
            result = work(_Transaction(changed))
            self._content = changed
            return result

    def ready(self) -> None:
        """Return: memory always answers."""

    def close(self) -> None:
        """Have nothing to give back."""


class _View:
    """The content at one moment, as `State`."""

    def __init__(self, content: _Content) -> None:
        self._content = content

    def find(self, kind: Kind, conditions: Sequence[Condition]) -> list[Record]:
        check_conditions(kind, conditions)
        tests = [self._test(kind, condition) for condition in conditions]
        return [
            _record(stored)
            for stored in self._content.objects.values()
            if kind_of(stored.object) is kind and all(test(stored.object) for test in tests)
        ]

    def patient(self, patient_id: CX) -> Patient | None:
        return self._content.patients.get(comparable(patient_id))

    def _test(self, kind: Kind, condition: Condition) -> Predicate:
        if not isinstance(condition, Newest):
            return _predicate(condition)
        newest: dict[str, tuple[int, str]] = {}
        for uuid, stored in self._content.objects.items():
            if kind_of(stored.object) is kind:
                logical_id, version = _version_of(stored.object)
                newest[logical_id] = max(newest.get(logical_id, (0, "")), (version, uuid))
        uuids = {uuid for _, uuid in newest.values()}
        return lambda registry_object: registry_object.entry_uuid in uuids


class _Transaction(_View):
    """A writer's own copy of the content, as `Writer`."""

    def lock(self, keys: Iterable[str]) -> None:
        """Hold everything already: writers run one after the other."""

    def add(self, objects: Sequence[RegistryObject]) -> None:
        # an association takes its patient from its source, wherever in `objects` that stands
        patients = {o.entry_uuid: o.patient_id for o in objects if not isinstance(o, Association)}
        for registry_object in objects:
            uuid = registry_object.entry_uuid
            if uuid in self._content.objects:
                raise ValueError(f"{uuid} is registered already")
            if isinstance(registry_object, Association):
                source = registry_object.source
                known = self._content.objects.get(source)
                patient_id = known.patient_id if known else patients.get(source)
            else:
                patient_id = registry_object.patient_id
            if patient_id is None:
                raise ValueError(f"{uuid} has no patient")
            self._content.objects[uuid] = _Stored(
                registry_object, patient_id, template(registry_object)
            )

    def set_status(self, entry_uuids: Iterable[str], status: Status) -> None:
        for uuid in entry_uuids:
            if stored := self._content.objects.get(uuid):
                changed = replace(stored.object, availability_status=status)
                self._content.objects[uuid] = replace(stored, object=changed)

    def set_last_update_time(self, folder_uuids: Iterable[str], time: DTM) -> None:
        for uuid in folder_uuids:
            stored = self._content.objects.get(uuid)
            if stored and isinstance(stored.object, Folder):
                changed = replace(stored.object, last_update_time=time)
                self._content.objects[uuid] = replace(stored, object=changed)

    def remove(self, entry_uuids: Iterable[str]) -> None:
        for uuid in entry_uuids:
            self._content.objects.pop(uuid, None)

    def add_patient(self, patient_id: CX) -> None:
        self._content.patients.setdefault(comparable(patient_id), Patient(patient_id))

    def merge_patient(self, subsumed: CX, survivor: CX) -> None:
        gone = comparable(subsumed)
        for key, patient in self._content.patients.items():
            if gone in (key, comparable(patient.survivor or "")):
                self._content.patients[key] = Patient(patient.id, survivor)
        for uuid, stored in self._content.objects.items():
            if comparable(stored.patient_id) == gone:
                changed = stored.object
                if not isinstance(changed, Association):
                    changed = replace(changed, patient_id=survivor)
                self._content.objects[uuid] = replace(stored, object=changed, patient_id=survivor)


# --- conditions ----------------------------------------------------------------------------------


def _predicate(condition: AnyOf | AnyCode | Between | Like | Not) -> Predicate:
    """Return the function that tells whether an object meets `condition`."""
    match condition:
        case Not(inner):
            holds = _predicate(inner)
            return lambda o: not holds(o)
        case AnyOf(attribute, values):
            wanted = {comparable(value) for value in values}
            return lambda o: any(text in wanted for text in _texts(o, attribute))
        case AnyCode(attribute, codes):
            pairs = {(comparable(c), None if s is None else comparable(s)) for c, s in codes}
            return lambda o: any(
                (c, s) in pairs or (c, None) in pairs for c, s in _codes(o, attribute)
            )
        case Between(attribute, start, stop):
            return lambda o: _between(_texts(o, attribute), start or "", stop)
        case Like(attribute, patterns):
            wholes = [re.compile(_regex(pattern), re.DOTALL) for pattern in patterns]
            return lambda o: any(
                whole.fullmatch(text) for text in _texts(o, attribute) for whole in wholes
            )


def _texts(registry_object: RegistryObject, attribute: str) -> list[str]:
    values = values_of(registry_object, attribute)
    return [comparable(value) for value in values if isinstance(value, str)]


def _codes(registry_object: RegistryObject, attribute: str) -> list[tuple[str, str]]:
    values = values_of(registry_object, attribute)
    return [(comparable(v.code), comparable(v.scheme)) for v in values if isinstance(v, Code)]


def _between(times: Sequence[str], start: str, stop: str | None) -> bool:
    return not times or any(start <= time and (stop is None or time < stop) for time in times)


def _regex(pattern: str) -> str:
    wildcards: Mapping[str, str] = {"%": ".*", "_": "."}
    return "".join(wildcards.get(c) or re.escape(c) for c in comparable(pattern))


# --- answers -------------------------------------------------------------------------------------


def _version_of(registry_object: RegistryObject) -> tuple[str, int]:
    """Return logicalID and version; what has no versions is the first of its own."""
    if kind_of(registry_object) not in VERSIONED:
        return registry_object.entry_uuid, 1
    return (
        registry_object.logical_id or registry_object.entry_uuid,
        int(registry_object.version or 1),
    )


def _record(stored: _Stored) -> Record:
    found = stored.object
    logical_id, version = _version_of(found)
    common = Record(
        kind=kind_of(found),
        entry_uuid=found.entry_uuid,
        logical_id=logical_id,
        version=version,
        patient_id=stored.patient_id,
        status=Status(found.availability_status or Status.APPROVED),
        template=stored.template,
    )
    match found:
        case DocumentEntry():
            return common._replace(
                unique_id=found.unique_id,
                object_type=found.object_type,
                hash=found.hash,
                size=found.size,
            )
        case Folder():
            return common._replace(
                unique_id=found.unique_id, last_update_time=found.last_update_time
            )
        case Association():
            return common._replace(
                type=found.type,
                source=found.source,
                target=found.target,
                submission_set_status=found.submission_set_status,
            )
        case _:
            return common._replace(unique_id=found.unique_id)
