"""Clients that work on one registry at once, and write down what they saw.

Each process has a registry of its own on the one database, as a worker has; each client is a thread
of it. All of them work on the same few patients for a while and then on the next few, so that they
meet, and no patient gets so many documents that a read of all takes long.

A client chooses what to do next from what it saw last, and mostly the first document that all of
them see: so they race.
"""

import hashlib
import random
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from multiprocessing.synchronize import Barrier
from typing import Any

from hub.call import Call
from ihe import queries
from ihe.datatypes import CX, OID, SHA1, Identifier
from ihe.ebxml.rendering import read_filled
from ihe.errors import Unavailable, XdsFailure
from ihe.messages import RemoveObjectsRequest, SubmitObjectsRequest
from ihe.model import (
    Association,
    DocumentEntry,
    ObjectRef,
    RegistryObject,
    Submission,
    SubmissionSet,
)
from ihe.vocabulary import AssociationType, Status
from registry import iti18, iti42, iti57, iti62
from registry.domain import Registry
from registry.store.sql import open_store
from tests import samples
from tests.registry.history.checking import APPROVED
from tests.registry.history.events import History, Outcome, Read, Seen, Write

PATIENTS = 4
"""How many have documents at a time."""
EPOCH_S = 2.0
"""How long they have."""
EVERY = (Status.APPROVED, Status.DEPRECATED)
CONTESTED, ALONE, PLAIN = "2.25.2", "2.25.3", "2.25.1"
"""What uniqueIds begin with: several clients register it; it may be removed; neither."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one process does: `clients` threads, for so many seconds."""

    url: str
    process: int
    clients: int
    seed: int
    seconds: float


_together: list[Barrier] = []


def begin_together(barrier: Barrier) -> None:
    """Let `work` wait until all processes are ready; the initializer of each."""
    _together.append(barrier)


def work(plan: Plan) -> History:
    """Let the clients of one process work; return what they saw."""
    store = open_store(plan.url)
    try:
        _together[0].wait(timeout=60)
        clients = [
            _Client(_registry(store), plan, plan.process * plan.clients + number)
            for number in range(plan.clients)
        ]
        threads = [threading.Thread(target=client.run) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        store.close()
    if failures := [client.failure for client in clients if client.failure is not None]:
        raise failures[0]
    return History(
        [write for client in clients for write in client.history.writes],
        [read for client in clients for read in client.history.reads],
    )


def _registry(store: Any) -> Registry:
    return Registry(store=store, new_uuid=lambda: uuid.uuid4().urn)


class _Client:
    def __init__(self, registry: Registry, plan: Plan, number: int) -> None:
        self._registry, self._number = registry, number
        self._began_ns = time.monotonic_ns()
        self._until_ns = self._began_ns + int(plan.seconds * 1e9)
        self._random = random.Random(f"{plan.seed} {number}")  # noqa: S311  # to be had again
        self._count = 0
        self._last: Read | None = None
        self._objects: dict[str, RegistryObject] = {}
        self._sent: list[tuple[Submission, Write]] = []
        self.history = History()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Work until the time is over."""
        steps = (self._read, self._register, self._replace, self._contest, self._replay,
                 self._update, self._remove)  # fmt: skip  # with the weights below them
        weights = (40, 15, 15, 8, 5, 12, 5)
        try:
            while time.monotonic_ns() < self._until_ns:
                (step,) = self._random.choices(steps, weights)
                step()
        except BaseException as failure:  # noqa: BLE001  # raised where the threads are joined
            self.failure = failure

    # --- readers -----------------------------------------------------------------------------

    def _read(self) -> None:
        patient = self._patient()
        whole = self._random.random() < 0.7
        request = (
            queries.get_all(
                patient,
                document_entry_status=EVERY,
                submission_set_status=EVERY,
                association_status=EVERY,
                metadata_level=2,
            )
            if whole
            else queries.find_documents(patient, status=EVERY, metadata_level=2)
        )
        began = time.monotonic_ns()
        try:
            answer = iti18.handle(request, self._call(), self._registry)
        except Unavailable:
            return
        ended = time.monotonic_ns()
        objects = [_object(fragment) for fragment in answer.fragments]
        links = [each for each in objects if isinstance(each, Association)]
        read = Read(
            client=self._number,
            began=began,
            ended=ended,
            patient=str(patient),
            whole=whole,
            documents=tuple(map(_seen, (o for o in objects if isinstance(o, DocumentEntry)))),
            submissions=frozenset(
                str(each.unique_id) for each in objects if isinstance(each, SubmissionSet)
            ),
            members=frozenset(_pairs(links, AssociationType.HAS_MEMBER)),
            replaced=frozenset(_pairs(links, AssociationType.RPLC)),
        )
        self.history.reads.append(read)
        if whole:
            self._last, self._objects = read, {each.entry_uuid: each for each in objects}

    # --- writers -----------------------------------------------------------------------------

    def _register(self) -> None:
        alone = self._random.random() < 0.3
        ids = [self._unique_id(ALONE if alone else PLAIN) for _ in range(1 if alone else 3)]
        self._send(self._patient(), ids)

    def _contest(self) -> None:
        """Register a uniqueId that others register too, with other content."""
        patient = self._patient()
        number = self._random.randrange(6)
        epoch = self._epoch()
        self._send(patient, [f"{CONTESTED}.{epoch}.{patient.id}.{number}"])

    def _replay(self) -> None:
        if self._sent:
            submission, write = self._random.choice(self._sent[-20:])
            self._perform(iti42.handle, submission, write)

    def _replace(self) -> None:
        if (seen := self._target()) is not None and self._last is not None:
            patient = CX(self._last.patient)
            self._send(patient, [self._unique_id(PLAIN)], replaces=seen.entry_uuid)

    def _update(self) -> None:
        """Send a new version of a document (ITI-57)."""
        seen = self._target()
        if seen is None or seen.unique_id.startswith(ALONE) or self._last is None:
            return
        entry = self._objects[seen.entry_uuid]
        assert isinstance(entry, DocumentEntry)
        chosen = self._set(CX(self._last.patient))
        new = replace(entry, entry_uuid="Document01", version=None, availability_status=None)
        member = samples.member(
            chosen.entry_uuid, new.entry_uuid, previous_version=str(seen.version)
        )
        write = self._write(self._last.patient, chosen, documents=(seen.unique_id,))
        self._perform(
            iti57.handle,
            Submission(submission_sets=(chosen,), entries=(new,), associations=(member,)),
            replace(write, version_of=seen.logical_id, content=seen.hash),
        )

    def _remove(self) -> None:
        """Remove a submission of one document that nobody has replaced (ITI-62)."""
        if self._last is None:
            return
        touched = {uuid for pair in self._last.replaced for uuid in pair}
        candidates = [
            seen
            for seen in self._last.documents
            if seen.unique_id.startswith(ALONE) and seen.entry_uuid not in touched
        ]
        if not candidates:
            return
        seen = self._random.choice(candidates)
        gone = [
            each
            for each in self._objects.values()
            if isinstance(each, Association) and each.target == seen.entry_uuid
        ]
        ids = {seen.entry_uuid, *(x.entry_uuid for x in gone), *(x.source for x in gone)}
        write = Write(
            client=self._number,
            began=time.monotonic_ns(),
            ended=0,
            outcome=Outcome.UNKNOWN,
            patient=self._last.patient,
            removes=(seen.unique_id,),
        )
        request = RemoveObjectsRequest(tuple(map(ObjectRef, sorted(ids))))
        self._attempt(iti62.handle, request, write)

    # --- parts of them -----------------------------------------------------------------------

    def _send(self, patient: CX, unique_ids: list[str], *, replaces: str = "") -> None:
        chosen, content = self._set(patient), self._unique_id(PLAIN)
        digest = hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()
        entries = [
            samples.entry(
                number,
                unique_id=Identifier(unique_id),
                patient_id=patient,
                hash=SHA1(digest),
                reference_ids=(),
            )
            for number, unique_id in enumerate(unique_ids, 1)
        ]
        links: tuple[Association, ...] = ()
        if replaces:
            first = entries[0].entry_uuid
            links = (samples.relationship(AssociationType.RPLC, first, replaces),)
        plain = samples.submission(*entries, submission_set=chosen)
        submission = replace(plain, associations=(*plain.associations, *links))
        write = self._write(str(patient), chosen, documents=tuple(unique_ids))
        write = replace(write, content=digest, replaces=replaces)
        if not unique_ids[0].startswith(ALONE):  # once removed, it would be registered anew
            self._sent.append((submission, write))
        self._perform(iti42.handle, submission, write)

    def _write(self, patient: str, chosen: SubmissionSet, documents: tuple[str, ...]) -> Write:
        return Write(
            client=self._number,
            began=0,
            ended=0,
            outcome=Outcome.UNKNOWN,
            patient=patient,
            submission=str(chosen.unique_id),
            documents=documents,
        )

    def _perform(self, handle: Any, submission: Submission, write: Write) -> None:
        self._attempt(handle, SubmitObjectsRequest(submission), write)

    def _attempt(self, handle: Any, request: Any, write: Write) -> None:
        began, codes = time.monotonic_ns(), tuple[str, ...]()
        try:
            response = handle(request, self._call(), self._registry)
            outcome = Outcome.DONE if response.ok else Outcome.REFUSED
            codes = tuple(each.code for each in response.errors)
        except XdsFailure as failure:
            outcome, codes = Outcome.REFUSED, tuple(each.code for each in failure.errors)
        except Unavailable:
            outcome = Outcome.UNKNOWN
        self.history.writes.append(
            replace(write, began=began, ended=time.monotonic_ns(), outcome=outcome, codes=codes)
        )

    def _set(self, patient: CX) -> SubmissionSet:
        return samples.submission_set(unique_id=OID(self._unique_id("2.25.4")), patient_id=patient)

    def _target(self) -> Seen | None:
        """Return a document that is Approved, mostly the one that others choose too."""
        if self._last is None:
            return None
        approved = sorted(
            (seen for seen in self._last.documents if seen.status == APPROVED),
            key=lambda seen: seen.entry_uuid,
        )
        if not approved:
            return None
        return approved[0] if self._random.random() < 0.7 else self._random.choice(approved)

    def _epoch(self) -> int:
        return int((time.monotonic_ns() - self._began_ns) / 1e9 / EPOCH_S)

    def _patient(self) -> CX:
        number = self._epoch() * PATIENTS + self._random.randrange(PATIENTS)
        return CX(f"{number:011}^^^&2.16.578.1.12.4.1.4.1&ISO")

    def _unique_id(self, root: str) -> str:
        self._count += 1
        return f"{root}.{self._number}.{self._count}"

    def _call(self) -> Call:
        return Call(at=datetime.now(UTC), trace_id="0" * 32)


@lru_cache(maxsize=20_000)
def _object(fragment: bytes) -> RegistryObject:
    return read_filled(fragment)


def _seen(entry: DocumentEntry) -> Seen:
    return Seen(
        entry.entry_uuid,
        str(entry.unique_id),
        str(entry.availability_status),
        str(entry.hash),
        entry.logical_id or entry.entry_uuid,
        int(entry.version or 1),
    )


def _pairs(links: list[Association], kind: AssociationType) -> Iterator[tuple[str, str]]:
    return ((each.source, each.target) for each in links if each.type == kind)
