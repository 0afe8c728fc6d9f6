"""A registry in memory, and the steps of a test on it."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hub.call import Call
from ihe.datatypes import CX, OID
from ihe.ebxml.rendering import fill, read_filled
from ihe.messages import RegistryResponse, SubmitObjectsRequest
from ihe.model import DocumentEntry, Submission, SubmissionSet
from ihe.rules import Profile
from ihe.state import Kind, Record, any_of
from ihe.vocabulary import AssociationType, Status
from registry import iti42, iti61
from registry.domain import Registry
from registry.store.memory import MemoryStore
from registry.store.port import Writer
from tests import samples

START = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


class Scene:
    """A registry, and the steps of a test on it."""

    def __init__(self, **options: Any) -> None:
        numbers = itertools.count(1000)
        self.store = options.pop("store", None) or MemoryStore()
        profile = options.pop("profile", Profile())
        self.registry = Registry(
            store=self.store,
            new_uuid=lambda: samples.uuid(next(numbers)),
            profile=lambda: profile,
            **options,
        )
        self.at = START
        self.sets = itertools.count(1)

    def send(self, submission: Submission) -> RegistryResponse:
        call = Call(at=self.at, trace_id="0" * 32)
        return iti42.handle(SubmitObjectsRequest(submission), call, self.registry)

    def send_on_demand(self, submission: Submission) -> RegistryResponse:
        """Send a submission by ITI-61."""
        call = Call(at=self.at, trace_id="0" * 32)
        return iti61.handle(SubmitObjectsRequest(submission), call, self.registry)

    def new_set(self) -> SubmissionSet:
        number = next(self.sets)
        return samples.submission_set(unique_id=OID(f"2.25.77.{number}"))

    def submit(self, *entries: DocumentEntry, **changes: Any) -> RegistryResponse:
        changes.setdefault("submission_set", self.new_set())
        links = changes.pop("links", ())
        submission = samples.submission(*entries, **changes)
        return self.send(replace(submission, associations=(*submission.associations, *links)))

    def document(self, number: int, **changes: Any) -> str:
        """Register a document, and return its entryUUID."""
        response = self.submit(samples.entry(number, **changes))
        assert response.ok, response.errors
        return self.entry(number).entry_uuid

    def relate(
        self, kind: AssociationType, number: int, target: str, **changes: Any
    ) -> RegistryResponse:
        """Register document `number` in a relationship to `target`."""
        new = samples.entry(number, **changes)
        link = samples.relationship(kind, new.entry_uuid, target)
        return self.submit(new, links=(link,))

    def add_patients(self, *patients: CX) -> None:
        """Make patient ids known, as an identity feed does."""

        def work(writer: Writer) -> None:
            for each in patients:
                writer.add_patient(each)

        self.store.write(work)

    def find(self, kind: Kind, attribute: str, *values: str) -> list[Record]:
        with self.store.read() as state:
            return state.find(kind, (any_of(attribute, *values),))

    def entry(self, number: int) -> Record:
        (found,) = self.find(Kind.DOCUMENT_ENTRY, "unique_id", f"2.25.1000.{number}")
        return found

    def status(self, number: int) -> Status:
        return self.entry(number).status

    def value(self, record: Record) -> Any:
        return read_filled(
            fill(
                record.template,
                status=record.status,
                patient_id=record.patient_id,
                last_update_time=record.last_update_time,
            )
        )

    def everything(self) -> list[Record]:
        """Return all that is registered."""
        with self.store.read() as state:
            return [
                record
                for kind in Kind
                for record in state.find(kind, (any_of("availability_status", *Status),))
            ]


def codes(response: RegistryResponse) -> set[str]:
    return {each.code for each in response.errors}
