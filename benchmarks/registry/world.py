"""Patients and documents, the same in every run.

| patients | documents of each | why |
|---|---|---|
| a few of each size | 10, 100, 500 | are asked about |
| everybody else | 10 | so many as the store is to be large |
"""

import random
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from benchmarks.registry.filling import MARK, Patients, Progress, fill
from hub.call import Call
from hub.database import Database
from ihe.datatypes import CX, OID, Identifier
from ihe.messages import SubmitObjectsRequest
from ihe.model import Submission
from registry import iti42
from registry.domain import Registry
from registry.store.sql import SqlStore
from tests import samples

DOCUMENTS: Final = (10, 100, 500)
_OF_EACH: Final = {10: 50, 100: 20, 500: 4}
_ELSE: Final = 10
"""Documents of each other patient."""

_KEYS: Final = 1_000_000_000
"""Where the keys of the patients begin, far from the numbers that the registry gives them."""
CALL: Final = Call(at=datetime(2026, 11, 24, 8, 30, tzinfo=UTC), trace_id="0" * 32)


class World:
    """One registry, and what is registered in it."""

    def __init__(self, database: Database) -> None:
        self._random = random.Random(1)  # noqa: S311  # the same in every run
        self._numbers = count(1)
        self.database = database
        self.registry = Registry(store=SqlStore(database), new_uuid=self._uuid)
        self.patients: dict[int, list[CX]] = {}

    def fill(self, documents: int, progress: Progress) -> None:
        """Register so many documents or a few more."""
        groups = list(self._groups(documents))
        if self.database.dbms == "postgresql":
            self._copy(groups, progress)
            return
        patients = [each for group in groups for each in _ids(group) * group.documents]
        self._random.shuffle(patients)
        for done, patient in enumerate(patients, 1):
            self.register(self.submission(patient))
            progress(done)

    def _groups(self, documents: int) -> Iterator[Patients]:
        key = _KEYS
        for size in DOCUMENTS:
            group = Patients(key, _OF_EACH[size], size)
            self.patients[size] = _ids(group)
            key, documents = key + group.count, documents - group.count * size
            yield group
        if documents > 0:
            yield Patients(key, max(1, documents // _ELSE), _ELSE)

    def _copy(self, groups: list[Patients], progress: Progress) -> None:
        first = self.submission(_id(_KEYS - 1), mark=MARK)
        self.register(first)
        found = self.database.ask(
            lambda driver: driver.execute(
                "SELECT uuid FROM by_entry_uuid ORDER BY number"
            ).fetchall()
        )
        registered = [uuid_.urn for (uuid_,) in found]
        self.database.ask(lambda driver: fill(driver, registered, groups, progress))

    def register(self, submission: Submission) -> None:
        """Register by ITI-42, as the repository would have it."""
        response = iti42.handle(SubmitObjectsRequest(submission), CALL, self.registry)
        if not response.ok:
            raise RuntimeError(f"not registered: {[each.code for each in response.errors]}")

    def submission(self, patient: CX | None = None, *, mark: str = "") -> Submission:
        """Return a SubmissionSet with one document, of a patient or of a new one."""
        number = mark or f"{8_000_000_000 + next(self._numbers)}"
        patient = patient or _id(self._random.randrange(10**10, 10**11))
        entry = replace(
            samples.entry(),
            unique_id=Identifier(f"2.16.578.1.12.4.1.7.1.99.1.{number}"),
            patient_id=patient,
            reference_ids=(),
        )
        chosen = replace(
            samples.submission_set(),
            unique_id=OID(f"2.16.578.1.12.4.1.7.1.99.2.{number}"),
            patient_id=patient,
        )
        return samples.submission(entry, submission_set=chosen)

    def some_ids(self, patient: CX) -> list[tuple[str, str]]:
        """Return entryUUID (URN) and uniqueId of a patient's documents."""
        statement = (
            "SELECT e.uuid, e.unique_id FROM document_entry AS e JOIN patient AS p"
            " ON p.key = e.patient WHERE p.compared = %s"
        )
        if self.database.dbms == "sqlite":
            statement = statement.replace("%s", "?")
        rows: list[Any] = self.database.ask(
            lambda driver: driver.execute(statement, (str(patient),)).fetchall()
        )
        return [
            ((each if isinstance(each, uuid.UUID) else uuid.UUID(bytes=each)).urn, unique_id)
            for each, unique_id in rows
        ]

    def _uuid(self) -> str:
        return uuid.UUID(int=self._random.getrandbits(128), version=4).urn


def _ids(group: Patients) -> list[CX]:
    return [_id(group.first + number) for number in range(group.count)]


def _id(number: int) -> CX:
    return CX(f"{number:011}^^^&2.16.578.1.12.4.1.4.1&ISO")
