"""The machine: random steps of sources, administrators, feeds and consumers, one after the other.

Every rule is a sentence about somebody. What it draws is mostly right and now and then wrong, so
that refusals are met as well: who is refused is told why, and nothing has changed.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from ihe.messages import RemoveObjectsRequest, SubmitObjectsRequest
from ihe.model import ObjectRef
from registry import iti42, iti57, iti61, iti62, iti92
from registry.store.port import Store
from tests import samples
from tests.registry.model import proposing, removing, submitting, updating, writing
from tests.registry.model.comparing import Compared
from tests.registry.model.questioning import question
from tests.registry.model.things import (
    APPROVED,
    DEPRECATED,
    DOCUMENT,
    FOLDER,
    HAS_MEMBER,
    LINK,
    REFERENCE,
    RELATIONSHIPS,
    SET,
    Submission,
    Thing,
)
from tests.registry.model.updating import NewVersion, StatusChange, Update

PATIENT = st.sampled_from([*proposing.PATIENTS, *proposing.PATIENTS[:3] * 2, proposing.NOBODY])

KINDS = ["RPLC", "APND", "XFRM", "RPLC", *sorted(RELATIONSHIPS)]


class RegistryMachine(Compared):
    """Steps of sources, administrators, feeds and consumers."""

    # --- sources ---------------------------------------------------------------------------------

    @rule(data=st.data(), many=st.booleans(), on_demand=st.booleans())
    def a_source_registers_documents(self, data, many, on_demand):
        patient = self._patient(data)
        documents = [self._document(data, patient, on_demand) for _ in range(1 + many)]
        self._submit(data, patient, *documents, on_demand=on_demand)

    @rule(data=st.data(), kind=st.sampled_from(KINDS), other=st.booleans())
    @precondition(lambda self: self.model.all(DOCUMENT))
    def a_source_relates_a_document(self, data, kind, other):
        target = self._target(data)
        on_demand = data.draw(st.integers(0, 4)) == 0
        patient = self._patient_of(data, target)
        document = self._document(data, patient, on_demand)
        brings = [document, self._link(data, kind, document.id, target)]
        if other:  # a second one that may be about the first
            second = self._document(data, patient, on_demand)
            ends = [document.id, *(each.id for each in self.model.all(DOCUMENT))]
            of_kind = data.draw(st.sampled_from(["APND", "XFRM", "signs", "RPLC"]))
            target = data.draw(st.sampled_from(ends))
            brings += [second, self._link(data, of_kind, second.id, target)]
        self._submit(data, patient, *brings, on_demand=on_demand)

    @rule(data=st.data())
    def a_source_makes_a_folder(self, data):
        patient = self._patient(data)
        folder = proposing.new_folder(data.draw, self.numbers, patient)
        document = self._document(data, patient)
        inside = self._link(data, HAS_MEMBER, folder.id, document.id)
        self._submit(data, patient, folder, document, inside)

    @rule(data=st.data(), new=st.booleans())
    @precondition(lambda self: self.model.all(FOLDER))
    def a_source_puts_a_document_into_a_folder(self, data, new):
        folder = proposing.pick(data.draw, self.model.all(FOLDER), proposing.is_good)
        patient = self._patient_of(data, folder)
        if new:
            document = self._document(data, patient)
            inside = self._link(data, HAS_MEMBER, folder, document.id)
            self._submit(data, patient, document, inside)
        else:
            there = self.model.all(DOCUMENT)
            chosen = proposing.pick(
                data.draw, there, lambda each: proposing.is_good(each) and each.patient == patient
            )
            if folder != chosen:
                self._submit(data, patient, self._link(data, HAS_MEMBER, folder, chosen))

    @rule(data=st.data())
    @precondition(lambda self: self.model.all(DOCUMENT))
    def a_source_refers_to_a_document(self, data):
        patient = self._patient(data)
        document = self._document(data, patient)
        target = proposing.pick(data.draw, self.model.all(DOCUMENT), proposing.is_good)
        chosen = proposing.new_set(data.draw, self.numbers, patient)
        reference = self._link(data, HAS_MEMBER, chosen.id, target, REFERENCE)
        self._register(proposing.complete(data.draw, self.numbers, chosen, document, reference))

    @rule(data=st.data(), what=st.sampled_from(["unique id", "uuid", "patient", "twice"]))
    @precondition(lambda self: self.model.things)
    def a_source_makes_a_mistake(self, data, what):
        patient = self._patient(data)
        chosen = proposing.new_set(data.draw, self.numbers, patient)
        document = self._document(data, patient)
        old = data.draw(st.sampled_from(list(self.model.things.values())))
        match what:
            case "unique id":
                taken = [each.unique_id for each in self.model.all(DOCUMENT, SET, FOLDER)]
                chosen = replace(chosen, unique_id=data.draw(st.sampled_from(taken)))
            case "uuid":
                document = replace(document, id=old.id)
            case "patient":
                document = replace(document, patient=data.draw(PATIENT))
            case "twice":
                document = replace(document, unique_id=chosen.unique_id)
        self._register(proposing.complete(data.draw, self.numbers, chosen, document))

    @rule()
    @precondition(lambda self: self.last is not None)
    def the_same_submission_comes_again(self):
        """A sender that did not get the answer is told what it would have been told."""
        assert self.last is not None
        sent, on_demand = self.last
        self._call(set(), self._handler(on_demand), SubmitObjectsRequest(writing.submission(sent)))

    # --- administrators --------------------------------------------------------------------------

    @rule(data=st.data(), restricted=st.booleans(), many=st.booleans())
    @precondition(lambda self: self.model.all(DOCUMENT))
    def an_administrator_updates_documents(self, data, restricted, many):
        versions = [self._version(data, DOCUMENT) for _ in range(1 + many)]
        self._update(data, versions=versions, restricted=restricted)

    @rule(data=st.data(), with_document=st.booleans())
    @precondition(lambda self: self.model.all(FOLDER))
    def an_administrator_updates_a_folder(self, data, with_document):
        versions = [self._version(data, FOLDER)]
        if with_document and self.model.all(DOCUMENT):
            versions.append(self._version(data, DOCUMENT))
        self._update(data, versions=versions)

    @rule(data=st.data(), with_version=st.booleans())
    @precondition(lambda self: self.model.all(DOCUMENT, FOLDER))
    def an_administrator_changes_a_status(self, data, with_version):
        kinds = data.draw(st.sampled_from([(DOCUMENT,), (FOLDER,), (LINK,), (LINK,), (SET,)]))
        target = proposing.pick(
            data.draw,
            self.model.all(*kinds),
            lambda each: self.model.is_newest(each) and not self.model.in_a_set(each),
        )
        versions = []
        if with_version and self.model.all(DOCUMENT):
            version = self._version(data, DOCUMENT)
            newest = self.model.newest(version.thing.logical_id, DOCUMENT)
            versions.append(version)
            of_version = [version.thing.id, newest.id] if newest else [version.thing.id]
            target = data.draw(st.sampled_from([target, *of_version]))
            now = newest.status if newest and target in of_version else None
        else:
            now = None
        if now is None:
            found = self.model.get(target)
            now = found.status if found else APPROVED
        if data.draw(st.integers(0, 7)) == 0:
            now = _other(now)  # somebody else has changed it
        change = StatusChange(target, now, _other(now))
        self._update(data, versions=versions, statuses=[change])

    @rule(data=st.data(), kind=st.sampled_from([HAS_MEMBER, HAS_MEMBER, *sorted(RELATIONSHIPS)]))
    @precondition(lambda self: self.model.all(DOCUMENT))
    def an_administrator_submits_an_association(self, data, kind):
        sources = self.model.all(FOLDER if kind == HAS_MEMBER else DOCUMENT)
        source = proposing.pick(data.draw, sources, proposing.is_good)
        there = [each for each in self.model.all(DOCUMENT) if each.id != source]
        of_same = self.model.get(source)
        target = proposing.pick(
            data.draw,
            there,
            lambda e: proposing.is_good(e) and (of_same is None or e.patient == of_same.patient),
        )
        if source != target:
            self._update(data, links=[self._link(data, kind, source, target)])

    @rule(data=st.data())
    @precondition(lambda self: self.model.all(SET))
    def an_administrator_removes_something(self, data):
        """Mostly with all that leads to it, so that it can be done; sometimes a bit less."""
        there = list(self.model.things.values())
        gone = {proposing.pick(data.draw, there, lambda each: each.kind != LINK)}
        while data.draw(st.integers(0, 9)) < 9:
            more = {
                link.id
                for link in self.model.all(LINK)
                if {link.source, link.target} & gone or link.id in gone
            } | self._orphans(gone)
            if more <= gone:
                break
            gone |= more
        ids = sorted(gone)
        expected = removing.remove(self.model, ids, self._now().time)
        request = RemoveObjectsRequest(tuple(map(ObjectRef, ids)))
        self._call(expected, iti62.handle, request)

    # --- identity feeds --------------------------------------------------------------------------

    @rule(patient=PATIENT, v3=st.booleans())
    def a_feed_tells_of_a_patient(self, patient, v3):
        self._feed(patient, v3=v3)

    @rule(gone=PATIENT, survivor=PATIENT, v3=st.booleans())
    def a_feed_merges_patients(self, gone, survivor, v3):
        self._merge(gone, survivor, v3=v3)

    # --- consumers -------------------------------------------------------------------------------

    @rule(data=st.data())
    def a_consumer_asks(self, data):
        self._ask(*question(data.draw, self.model))

    @rule(data=st.data())
    def a_consumer_asks_for_more(self, data):
        for _ in range(2):
            self._ask(*question(data.draw, self.model))

    # --- what always holds -----------------------------------------------------------------------

    @invariant()
    def a_logical_object_has_one_approved_version_at_most_and_it_is_the_newest(self):
        for thing in self.model.all(DOCUMENT, FOLDER):
            assert thing.status == DEPRECATED or self.model.is_newest(thing)

    @invariant()
    def every_association_has_both_its_ends(self):
        things = self.model.things
        for link in things.values():
            if link.kind == LINK:
                assert {link.source, link.target} <= things.keys()

    @invariant()
    def everything_but_sets_is_in_a_set(self):
        model = self.model
        held = {each.target for each in model.all(LINK) if model.in_a_set(each)}
        assert {each.id for each in model.all(DOCUMENT, FOLDER)} <= held

    @invariant()
    def no_folder_shows_two_patients(self):
        assert not list(updating.joined_patients(self.model))

    # --- steps -----------------------------------------------------------------------------------

    def _submit(
        self, data: st.DataObject, patient: str, *brings: Thing, on_demand: bool = False
    ) -> None:
        chosen = proposing.new_set(data.draw, self.numbers, patient)
        sent = proposing.complete(data.draw, self.numbers, chosen, *brings)
        self._register(sent, on_demand=on_demand)

    def _register(self, sent: Submission, *, on_demand: bool = False) -> None:
        self._time_goes_on()
        expected = submitting.register(self.model, sent, self._now().time, on_demand=on_demand)
        request = SubmitObjectsRequest(writing.submission(sent))
        self._call(expected, self._handler(on_demand), request)
        self.last = None if expected else (sent, on_demand)

    def _update(
        self,
        data: st.DataObject,
        *,
        versions: Sequence[NewVersion] = (),
        statuses: Sequence[StatusChange] = (),
        links: Sequence[Thing] = (),
        restricted: bool = False,
    ) -> None:
        patient = self._patient(data)
        if versions:
            patient = versions[0].thing.patient
        elif links:
            patient = self._patient_of(data, links[0].source)
        chosen = proposing.new_set(data.draw, self.numbers, patient)
        asked = Update(chosen, tuple(versions), tuple(statuses), tuple(links))
        self._time_goes_on()
        expected = updating.update(self.model, asked, self._now().time, restricted=restricted)
        home = samples.HOME if restricted else None
        request = SubmitObjectsRequest(writing.update(asked, home=home))
        # what would be joined is told beside other reasons where the registry can say already
        besides = frozenset({updating.JOINS_PATIENTS}) if expected else frozenset()
        handle = iti92.handle if restricted else iti57.handle
        self._call(expected, handle, request, besides=besides)

    def _handler(self, on_demand: bool) -> Any:
        return iti61.handle if on_demand else iti42.handle

    # --- parts of steps --------------------------------------------------------------------------

    def _document(self, data: st.DataObject, patient: str, on_demand: bool = False) -> Thing:
        return proposing.new_document(
            data.draw, self.numbers, self.model, patient, on_demand=on_demand
        )

    def _link(
        self, data: st.DataObject, kind: str, source: str, target: str, membership: str = ""
    ) -> Thing:
        return proposing.new_link(data.draw, self.numbers, kind, (source, target), membership)

    def _target(self, data: st.DataObject) -> str:
        """Return a document, more often than not one that something leads to already."""
        known = {each.target for each in self.model.links(*RELATIONSHIPS)}
        if data.draw(st.booleans()) or not known:
            known = set(self.model.things)
        there = self.model.all(DOCUMENT)
        return proposing.pick(
            data.draw, there, lambda each: proposing.is_good(each) and each.id in known
        )

    def _version(self, data: st.DataObject, kind: str) -> NewVersion:
        """Return a new version of something, in which something may be wrong."""
        old = data.draw(st.sampled_from(self.model.all(kind)))
        newest = self.model.newest(old.logical_id, kind) or old
        says = data.draw(proposing.folder_says if kind == FOLDER else proposing.document_says)
        if old.on_demand:
            says = proposing.of_demand(says)
        elif kind == DOCUMENT:  # ITI-92 leaves it as it is
            available = old.says.get("documentAvailability", ())
            says = {**says, "documentAvailability": available}
        new = replace(old, id=self.numbers.id(data.draw), says=says, updated="")
        previous, propagates = newest.version, data.draw(st.integers(0, 3)) > 0
        match data.draw(st.integers(0, 20)):
            case 20:
                previous = data.draw(st.integers(1, 3))
            case 19:
                new = replace(new, logical_id="")
            case 18:
                new = replace(new, logical_id=proposing.UNKNOWN)
            case 17:
                new = replace(new, unique_id=self.numbers.unique_id())
            case 15 | 16:
                new = replace(new, patient=data.draw(PATIENT))
            case _:
                pass
        return NewVersion(new, previous, propagates)

    def _patient(self, data: st.DataObject) -> str:
        """Return a patient whose documents are taken, seldom another."""
        in_use = sorted(id for id, survivor in self.model.patients.items() if survivor is None)
        if in_use and data.draw(st.integers(0, 9)) < 9:
            return str(data.draw(st.sampled_from(in_use)))
        return str(data.draw(PATIENT))

    def _patient_of(self, data: st.DataObject, id: str) -> str:
        """Return the patient of a thing, seldom another."""
        found = self.model.get(id)
        if found is None or data.draw(st.integers(0, 9)) == 0:
            return str(data.draw(PATIENT))
        return found.patient

    def _orphans(self, gone: set[str]) -> set[str]:
        """Return what no SubmissionSet would hold any more."""
        links = self.model.all(LINK)
        losing = {each.target for each in links if each.id in gone and self.model.in_a_set(each)}
        held = {e.target for e in links if e.id not in gone and self.model.in_a_set(e)}
        return losing - held


def machine_on(stores: Callable[[], Mapping[str, Store]]) -> type[RegistryMachine]:
    """Return the machine on these engines, with a count of its own."""
    attributes = {"stores": staticmethod(stores), "steps": Counter()}
    return type("RegistryMachine", (RegistryMachine,), attributes)


def profile(runs: int, steps: int, *, shrinks: bool = False, **others: Any) -> settings:
    """Return how the machine runs: without deadlines, and without a database of examples.

    `shrinks` is whether a difference is told by the shortest way to it, which takes minutes.
    """
    return settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate, *([Phase.shrink] if shrinks else [])],
        suppress_health_check=list(HealthCheck),
        **others,
    )


def _other(status: str) -> str:
    return DEPRECATED if status == APPROVED else APPROVED
