"""Real registries beside the model: a step goes to all of them, and what differs is told.

```text
step ──▶ model        error codes, things       after each step: the same codes, the same content
     ├─▶ SQLite       error codes, records      after each question: the same ids, the same objects,
     ├─▶ PostgreSQL   error codes, records      as references and whole, in the same order
     └─▶ memory       error codes, records
```
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from hub.call import Call
from ihe.datatypes import CX
from ihe.errors import XdsFailure
from ihe.hl7v2.message import Refusal, parse
from ihe.hl7v3.values import II, PatientMerge, PatientRecord
from ihe.messages import AdhocQueryResponse, ReturnType
from ihe.state import Kind, Record, any_of
from ihe.vocabulary import Status
from registry import iti8, iti18, iti44, iti51
from registry.domain import Registry
from registry.patients import PatientMode, PatientPolicy
from registry.store.port import Store
from tests import samples
from tests.ihe.hl7v3.feeds import TRANSMISSION
from tests.registry import feeding
from tests.registry.model import asking, proposing, removing, writing
from tests.registry.model.asking import Asked
from tests.registry.model.questioning import MULTI_PATIENT
from tests.registry.model.things import LINK, Model, Submission
from tests.registry.scene import START, codes


class Difference(AssertionError):
    """The registry does something else than the model."""


class Compared(RuleBasedStateMachine):
    """An affinity domain: the model, and a registry on each engine."""

    stores: ClassVar[Callable[[], Mapping[str, Store]]]
    """Gives empty stores, by the names of their engines."""
    steps: ClassVar[Counter[str]] = Counter()
    """How often each step was taken, and with which outcome."""
    ended: ClassVar[Callable[[], None]] = staticmethod(lambda: None)
    """Called at the end of each run."""

    def teardown(self) -> None:
        type(self).ended()

    @initialize(checked=st.booleans(), refuses_unknown=st.booleans())
    def an_affinity_domain_begins(self, checked: bool, refuses_unknown: bool) -> None:
        self.model = Model(checked=checked, refuses_unknown=refuses_unknown)
        self.numbers = proposing.Numbers()
        self.at, self.turn = START, 0
        self.last: tuple[Submission, bool] | None = None
        stores = type(self).stores()
        self.new_uuids = {name: itertools.count() for name in stores}
        mode = PatientMode.CHECKED if checked else PatientMode.OPEN
        self.registries = {
            name: Registry(
                store=store,
                new_uuid=self._ids(name),
                home_community_id=samples.HOME,
                refuse_unknown_patient=refuses_unknown,
                patients=PatientPolicy(mode),
            )
            for name, store in stores.items()
        }
        for patient in proposing.PATIENTS[:3]:
            self._feed(patient)

    def _ids(self, name: str) -> Callable[[], str]:
        return lambda: samples.uuid(next(self.new_uuids[name]))

    # --- steps -----------------------------------------------------------------------------------

    def _call(
        self,
        expected: set[str],
        handle: Any,
        request: Any,
        *,
        besides: frozenset[str] = frozenset(),
    ) -> None:
        """Send a request to every registry, and compare the outcome with the model's.

        What is refused may also be refused for what is `besides`.
        """
        self.turn += 1
        self._count(handle.__module__.rpartition(".")[2], expected)
        note(f"expected: {sorted(expected) or 'Success'}")
        self.last = None
        for name in self.new_uuids:
            self.new_uuids[name] = itertools.count(self.turn * 1000)
        for name, registry in self.registries.items():
            answer = handle(request, self._now(), registry)
            for each in answer.errors:
                note(f"{name}: {each.code} {each.rule}: {each.context}")
            found = {str(code) for code in codes(answer)}
            _same(name, "answers", found - besides if found > expected else found, expected)
        self._compare()

    def _compare(self) -> None:
        """Compare all that the registries hold with the model, which learns new ids on the way."""
        for name, registry in self.registries.items():
            records = _everything(registry)
            self._learn(name, records)
            expected = _by_id(map(writing.seen, self.model.things.values()))
            _same(name, "holds", _by_id(map(writing.held, records)), expected)

    def _learn(self, name: str, records: Iterable[Record]) -> None:
        """Find out which ids the registry gave to what came with none."""
        new = [each for each in self.model.things.values() if not each.id.startswith("urn:uuid:")]
        there = [writing.held(each) for each in records if each.entry_uuid not in self.model.things]
        while new:
            ids = {}
            for thing in new:
                key = _key(writing.seen(thing))
                found = [each["id"] for each in there if _key(each) == key]
                if len(found) == 1:
                    ids[thing.id] = found[0]
            if not ids:
                raise Difference(f"{name} does not hold {new}, but {there}")
            self.model.learn(ids)
            there = [each for each in there if each["id"] not in ids.values()]
            new = [e for e in self.model.things.values() if not e.id.startswith("urn:uuid:")]

    def _feed(self, patient: str, *, v3: bool = False) -> None:
        removing.tell_of(self.model, patient)
        for registry in self.registries.values():
            if v3:
                record = PatientRecord(transmission=TRANSMISSION, identifiers=(_ii(patient),))
                iti44.handle_record(record, self._now(), registry)
            else:
                iti8.handle(parse(feeding.adt("A04", patient)), self._now(), registry)

    def _merge(self, gone: str, survivor: str, *, v3: bool) -> None:
        done = removing.merge(self.model, gone, survivor, v3=v3)
        self.last = None
        self._count("merge", {"done" if done else "refused"})
        for name, registry in self.registries.items():
            try:
                if v3:
                    merge = PatientMerge(
                        transmission=TRANSMISSION, identifiers=(_ii(survivor),), subsumed=_ii(gone)
                    )
                    iti44.handle_merge(merge, self._now(), registry)
                else:
                    message = feeding.merge(CX(gone), CX(survivor))
                    iti8.handle(parse(message), self._now(), registry)
            except (Refusal, XdsFailure):
                _same(name, "merges", "refused", "done" if done else "refused")
            else:
                _same(name, "merges", "done", "done" if done else "refused")
        self._compare()

    def _ask(self, name: str, asked: Asked) -> None:
        """Ask every registry for references and for whole objects, and compare with the model."""
        note(f"{name} {asked}")
        refused = asking.refusals(self.model, name, asked)
        found = [] if refused else asking.answer(self.model, name, asked)
        several = name not in MULTI_PATIENT and asking.several_patients(found)
        outcome = {"several patients"} if several else {"found"} if found else {"nothing"}
        self._count(name, refused or outcome)
        not_shown = refused or ({"XDSResultNotSinglePatient"} if several else None)
        for engine, registry in self.registries.items():
            references = self._answer(name, asked, registry, ReturnType.OBJECT_REF)
            whole = self._answer(name, asked, registry, ReturnType.LEAF_CLASS)
            if isinstance(references, set) or refused:
                _same(engine, f"answers {name}", (references, whole), (refused, refused))
                continue
            ids = [each.entry_uuid for each in references.objects]
            _same(engine, f"answers {name}", sorted(ids), sorted(each.id for each in found))
            if isinstance(whole, set) or not_shown is not None:
                _same(engine, f"shows {name}", whole, not_shown)
                continue
            shown = writing.shown(whole)
            _same(engine, f"shows {name}", _by_id(shown), _by_id(map(writing.seen, found)))
            _same(engine, f"orders {name}", [each["id"] for each in shown], ids)

    def _answer(
        self, name: str, asked: Asked, registry: Registry, return_type: ReturnType
    ) -> AdhocQueryResponse | set[str]:
        handle = iti51.handle if name in MULTI_PATIENT else iti18.handle
        try:
            return handle(writing.query(name, asked, return_type), self._now(), registry)
        except XdsFailure as failure:
            return {str(each.code) for each in failure.errors}

    # --- time ------------------------------------------------------------------------------------

    def _time_goes_on(self) -> None:
        """Let time pass; what came in first is not always registered first."""
        self.at += timedelta(seconds=(13 * self.turn) % 17 - 4)

    def _now(self) -> Call:
        return Call(at=self.at, trace_id="0" * 32)

    def _count(self, step: str, outcome: Iterable[str]) -> None:
        self.steps["steps"] += 1
        self.steps[f"{step}: {' + '.join(sorted(outcome)) or 'Success'}"] += 1


def _everything(registry: Registry) -> list[Record]:
    statuses = any_of("availability_status", *Status)
    with registry.store.read() as state:
        return [record for kind in Kind for record in state.find(kind, (statuses,))]


def _by_id(things: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in things}


def _key(seen: dict[str, Any]) -> tuple[str, ...]:
    """Return what tells a new thing from the others that are new."""
    if seen["kind"] == LINK:
        return (seen["type"], seen["source"], seen["target"])
    return (seen["kind"], seen["unique_id"])


def _ii(patient: str) -> II:
    identifier = CX(patient)
    return II(identifier.authority, identifier.component(1))


def _same(engine: str, what: str, is_: Any, expected: Any) -> None:
    if is_ == expected:
        return
    if isinstance(is_, dict) and isinstance(expected, dict):
        both = is_.keys() | expected.keys()
        differing = {id for id in both if is_.get(id) != expected.get(id)}
        is_ = {id: is_.get(id) for id in differing}
        expected = {id: expected.get(id) for id in differing}
    raise Difference(f"{engine} {what}\n  is       {is_}\n  expected {expected}")
