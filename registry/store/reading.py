"""What a reader asks of the tables of `registry.store.tables`."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from ihe.attributes import check_conditions
from ihe.datatypes import CX
from ihe.state import Condition, Kind, Patient, Record, comparable
from registry.store import statements
from registry.store.conditions import Statement, shape, statement
from registry.store.dialects import Dialect, Row
from registry.store.mapping import records_of


class View:
    """What the database holds at one moment, as `State`."""

    def __init__(self, driver: Any, dialect: Dialect) -> None:
        self._driver, self._dialect = driver, dialect
        self._statements = statements.of(dialect)

    def find(self, kind: Kind, conditions: Sequence[Condition]) -> list[Record]:
        """Return the objects that meet all conditions, oldest registration first."""
        check_conditions(kind, conditions)
        terms, values = [], []
        for condition in conditions:
            term, given = shape(kind, condition, self._dialect)
            terms.append(term)
            values += given
        question = statement(kind, tuple(terms), self._dialect)
        rows = self._fetch(question, *values)
        rows.sort(key=itemgetter(0))
        return records_of(kind, self._dialect)(rows)

    def patient(self, patient_id: CX) -> Patient | None:
        """Return what is known of a patient id."""
        found = self._patient(patient_id)
        if found is None:
            return None
        key, current, own, now = found
        return Patient(CX(own), None if current == key else CX(now))

    def _patient(self, patient_id: CX) -> Row | None:
        """Return key, key of whom it is now, and both ids."""
        rows = self._fetch(self._statements.patient, comparable(patient_id))
        return rows[0] if rows else None

    def _fetch(self, statement: Statement, *values: Any) -> list[Row]:
        return self._dialect.fetch(self._driver, statement.sql, statement.arrange(values))
