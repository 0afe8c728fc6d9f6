"""Conditions as SQL: one statement for each shape of a question, built once.

The *shape* of a condition is everything about it but its values: `AnyOf("class_code", {"A"})` and
the same with "B" are one statement, prepared once on each connection. A shape says which attribute,
which comparison, and whether one value or a list of them is given (`Term`).

```text
 SELECT number, patient.id, …                         ┌ patient_id is one of …
   FROM document_entry                                │ (patient, number) is in by_entry_uuid for …
   JOIN patient AS own      ON key = patient     WHERE│ class_code is one of …
   JOIN patient             ON key = own.current      │ event_code has an element that …
                                                      └ newest
```

What has a table of its own is looked up there, and only there: the row's own index needs the
patient. Reference ids are in the row as well, for questions that name a patient or an id.

Rows come unsorted, with their number first: sorting what is nearly sorted costs the reader next to
nothing, and the server would have to carry every template through its sort.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    JSON,
    ClauseElement,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from ihe.datatypes import escape, is_uuid_urn
from ihe.state import AnyCode, AnyOf, Between, Condition, Kind, Like, Newest, Not, comparable
from registry.store import tables
from registry.store.dialects import Dialect, Expression
from registry.store.mapping import SELECTED, SEPARATOR, code_text
from registry.store.tables import OBJECTS, UUID

# --- shapes --------------------------------------------------------------------------------------


class Term(NamedTuple):
    """The shape of one condition.

    Parameters
    ----------
    comparison
        "any", "code", "time", "like" or "newest".
    attribute
        What is compared.
    given
        Whether one value, a list or none is given: for a time, of the start and of the stop;
        for a code, of those with a scheme and then of those without, if there are any.
    negated
        Whether it must not hold.
    """

    comparison: str
    attribute: str = ""
    given: tuple[str, ...] = ()
    negated: bool = False


ONE, LIST, NONE = "one", "list", "none"

_UUIDS: Final = frozenset({"entry_uuid", "logical_id", "source", "target", "source_or_target"})
_LISTS: Final = {
    (kind, column.name)
    for kind, table in OBJECTS.items()
    for column in table.columns
    if isinstance(column.type, JSON)
}


def shape(kind: Kind, condition: Condition, dialect: Dialect) -> tuple[Term, list[Any]]:
    """Return the shape of a condition, and its values as the driver takes them."""
    return _SHAPES[type(condition)](kind, condition, dialect)


def _any_of(kind: Kind, condition: AnyOf, dialect: Dialect) -> tuple[Term, list[Any]]:
    attribute = condition.attribute
    if attribute not in _UUIDS:
        return _texts("any", kind, attribute, list(map(comparable, condition.values)), dialect)
    urns = [text for text in condition.values if is_uuid_urn(text)]
    if len(urns) == 1:
        return Term("any", attribute, (ONE,)), [dialect.uuid(urns[0])]
    return Term("any", attribute, (LIST,)), [dialect.uuids(urns)]


def _any_code(kind: Kind, condition: AnyCode, dialect: Dialect) -> tuple[Term, list[Any]]:
    codes = condition.codes
    exact = [code_text(code, scheme) for code, scheme in codes if scheme is not None]
    loose = [escape(comparable(code)) for code, scheme in codes if scheme is None]
    term, values = _texts("code", kind, condition.attribute, exact, dialect)
    if not loose:
        return term, values
    return term._replace(given=(*term.given, LIST)), [*values, dialect.texts(loose)]


def _between(_kind: Kind, condition: Between, _dialect: Dialect) -> tuple[Term, list[Any]]:
    both = (condition.start, condition.stop)
    given = tuple(NONE if bound is None else ONE for bound in both)
    values = [comparable(bound) for bound in both if bound is not None]
    return Term("time", condition.attribute, given), values


def _like(kind: Kind, condition: Like, dialect: Dialect) -> tuple[Term, list[Any]]:
    patterns = list(map(comparable, condition.patterns))
    if not any("%" in pattern or "_" in pattern for pattern in patterns):
        return _texts("any", kind, condition.attribute, patterns, dialect)
    return Term("like", condition.attribute, (LIST,)), [dialect.patterns(patterns)]


def _newest(_kind: Kind, _condition: Newest, _dialect: Dialect) -> tuple[Term, list[Any]]:
    return Term("newest"), []


def _not(kind: Kind, condition: Not, dialect: Dialect) -> tuple[Term, list[Any]]:
    term, values = shape(kind, condition.condition, dialect)
    return term._replace(negated=True), values


_SHAPES: Final[Mapping[type[Condition], Callable[..., tuple[Term, list[Any]]]]] = {
    AnyOf: _any_of,
    AnyCode: _any_code,
    Between: _between,
    Like: _like,
    Newest: _newest,
    Not: _not,
}


def _texts(
    comparison: str, kind: Kind, attribute: str, texts: list[str], dialect: Dialect
) -> tuple[Term, list[Any]]:
    if len(texts) == 1 and (kind, attribute) not in _LISTS:
        return Term(comparison, attribute, (ONE,)), [texts[0]]
    return Term(comparison, attribute, (LIST,)), [dialect.texts(texts)]


# --- statements ----------------------------------------------------------------------------------


class Statement(NamedTuple):
    """A statement as the driver takes it, and which of the values each parameter is."""

    sql: str
    order: tuple[int, ...]

    def arrange(self, values: Sequence[Any]) -> list[Any]:
        """Return the values in the order of the parameters."""
        return [values[at] for at in self.order]


@lru_cache(maxsize=1024)
def statement(kind: Kind, terms: tuple[Term, ...], dialect: Dialect) -> Statement:
    """Return the statement that finds objects of a kind by conditions of these shapes."""
    return compiled(_question(kind, terms, dialect), dialect)


def compiled(statement: ClauseElement, dialect: Dialect) -> Statement:
    """Return a statement whose parameters are named by the number of their value, from 0."""
    result: Any = statement.compile(dialect=dialect.compiler)
    return Statement(str(result), tuple(map(int, result.positiontup or ())))


def has_logical_id(kind: Kind, dialect: Dialect) -> Expression:
    """Tell whether an object has the logicalID that is value 0."""
    return _Where(kind, (), dialect).expression(Term("any", "logical_id", (ONE,)), iter("0"))


own: Final = tables.patient.alias("own")
"""The patient that an object was registered for; `tables.patient` is the one it has now."""


def _question(kind: Kind, terms: tuple[Term, ...], dialect: Dialect) -> Select[Any]:
    table = OBJECTS[kind]
    columns = [
        dialect.selected_uuid(table.c[name]) if table.c[name].type is UUID else table.c[name]
        for name in SELECTED[kind]
    ]
    now = tables.patient
    names = map(str, count())
    return (
        select(table.c.number, now.c.id, *columns)
        .select_from(table)
        .join(own, own.c.key == table.c.patient)
        .join(now, now.c.key == own.c.current)
        .where(*(_Where(kind, terms, dialect).expression(term, names) for term in terms))
    )


class _Where:
    """The WHERE clause of a question."""

    def __init__(self, kind: Kind, terms: tuple[Term, ...], dialect: Dialect) -> None:
        self.kind, self.row, self.dialect = kind, OBJECTS[kind], dialect
        self.by_key = any(
            term.comparison == "any" and term.attribute in _KEYS and not term.negated
            for term in terms
        )

    def expression(self, term: Term, names: Iterator[str]) -> Expression:
        """Return the expression of a term; `names` are those of the parameters to come."""
        holds = self._holds(term, names)
        return holds.is_not(true()) if term.negated else holds  # without a value it does not hold

    def _holds(  # noqa: PLR0911  # one return a way of looking
        self, term: Term, names: Iterator[str]
    ) -> Expression:
        attribute, given = term.attribute, term.given
        if term.comparison == "newest":
            return self.row.c.newest
        if term.comparison == "time":
            return self._during(self.row.c[attribute], given, names)
        if attribute in _UUIDS:
            return self._found_by_uuid(attribute, given[0], next(names))
        if attribute == "unique_id":
            place = _UNIQUE_IDS[self.kind]
            return self._is_at(place, self._compared(place.c.unique_id, given[0], next(names)))
        if attribute == "reference_id" and not (self.by_key or term.negated):
            place = tables.by_reference_id
            return self._is_at(place, self._text(term, place.c.reference_id, names))
        if attribute == "patient_id":
            return self._text(term, tables.patient.c.compared, names)
        if (self.kind, attribute) in _LISTS:
            return self._element(term, self.row.c[attribute], names)
        return self._text(term, self.row.c[attribute], names)

    # --- texts ---

    def _text(self, term: Term, text: Expression, names: Iterator[str]) -> Expression:
        """Compare one text."""
        if term.comparison == "like":
            return self.dialect.matches(text, next(names))
        holds = self._compared(text, term.given[0], next(names))
        if term.given[1:] == (LIST,):
            code = self.dialect.before(text, SEPARATOR)
            return or_(holds, self.dialect.is_one_of(code, next(names)))
        return holds

    def _element(self, term: Term, column: Expression, names: Iterator[str]) -> Expression:
        """Compare the texts of a list, of which one must do."""
        elements, element = self.dialect.elements(column)
        if term.comparison == "like":
            return _exists(elements, self.dialect.matches(element, next(names)))
        has = self.dialect.has_one_of(column, next(names))
        if term.given[1:] != (LIST,):
            return has
        code = self.dialect.before(element, SEPARATOR)
        return or_(has, _exists(elements, self.dialect.is_one_of(code, next(names))))

    def _compared(self, text: Expression, given: str, name: str) -> Expression:
        if given == ONE:
            return text == bindparam(name, type_=Text)
        return self.dialect.is_one_of(text, name)

    def _during(self, time: Expression, given: tuple[str, ...], names: Iterator[str]) -> Expression:
        start, stop = given
        bounds = []
        if start == ONE:
            bounds.append(time >= bindparam(next(names), type_=Text))
        if stop == ONE:
            bounds.append(time < bindparam(next(names), type_=Text))
        return or_(time.is_(None), and_(true(), *bounds))

    # --- places ---

    def _is_at(self, place: Table, where: Expression) -> Expression:
        """Tell whether the row is where a table says."""
        places = select(place.c.patient, place.c.number).where(where)
        return tuple_(self.row.c.patient, self.row.c.number).in_(places)

    def _found_by_uuid(self, attribute: str, given: str, name: str) -> Expression:
        def compared(uuid: Expression) -> Expression:
            if given == ONE:
                return uuid == bindparam(name, type_=UUID)
            return self.dialect.is_one_of_uuids(uuid, name)

        objects, ends = tables.by_entry_uuid, tables.by_association_end
        if attribute == "entry_uuid":
            return self._is_at(objects, compared(objects.c.uuid))
        if attribute == "logical_id":
            # a first version has its own uuid as logicalID, and no row in by_logical_id
            later = tables.by_logical_id
            places = union_all(
                select(later.c.patient, later.c.number).where(compared(later.c.logical_id)),
                select(objects.c.patient, objects.c.number).where(compared(objects.c.uuid)),
            )
            return and_(
                tuple_(self.row.c.patient, self.row.c.number).in_(places),
                compared(func.coalesce(self.row.c.logical_id, self.row.c.uuid)),
            )
        where = compared(ends.c.uuid)
        if attribute != "source_or_target":
            where = and_(where, ends.c.is_target.is_(true() if attribute == "target" else false()))
        return self._is_at(ends, where)


_KEYS: Final = frozenset({"patient_id", "entry_uuid", "unique_id", "logical_id"})
"""What leads to few rows."""

_UNIQUE_IDS: Final = {
    Kind.DOCUMENT_ENTRY: tables.by_document_unique_id,
    Kind.SUBMISSION_SET: tables.by_package_unique_id,
    Kind.FOLDER: tables.by_package_unique_id,
}


def _exists(elements: Any, where: Expression) -> Expression:
    return select(literal_column("1")).select_from(elements).where(where).exists()
