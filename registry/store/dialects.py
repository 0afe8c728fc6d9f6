"""How SQLite and PostgreSQL say what the registry's store asks for, and how they are asked.

Statements are built with SQLAlchemy, once for each shape of a question
(`registry.store.conditions`), and sent with the driver's own cursors: the rows of an answer become
`Record`s with nothing in between. Values are given to the driver as it takes them:

| | SQLite | PostgreSQL |
|---|---|---|
| a UUID | 16 bytes | its text |
| a list of UUIDs | their bytes in one blob, taken apart by the statement | an array |
| a list of texts | a JSON list | an array |
| a pattern | for GLOB | for LIKE, its backslashes doubled |

A list is one parameter however long it is, so that a statement does not change with it.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import psycopg
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Insert,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.postgresql import psycopg as postgresql
from sqlalchemy.engine.interfaces import Dialect as Compiler

from registry.store.tables import BLOCK, UUID

Expression = ColumnElement[Any]  # Any: of any SQL type
Row = tuple[Any, ...]  # Any: as the statement's columns are


class Dialect(Protocol):
    """One of the two ways; there is one object of each."""

    compiler: Compiler

    def __hash__(self) -> int: ...

    # --- values ---

    def uuid(self, urn: str) -> Any:
        """Return the value of a UUID, given as a URN."""
        ...

    def uuids(self, urns: Sequence[str]) -> Any:
        """Return the value of a list of UUIDs."""
        ...

    def texts(self, texts: Sequence[str]) -> Any:
        """Return the value of a list of texts."""
        ...

    def patterns(self, patterns: Sequence[str]) -> Any:
        """Return the value of a list of patterns with `%` and `_`."""
        ...

    def urn(self, selected: Any) -> str:
        """Return a UUID as a URN, from what `selected_uuid` gives."""
        ...

    # --- expressions; `name` is that of the parameter ---

    def selected_uuid(self, column: Expression) -> Expression:
        """Return what is selected of a UUID column."""
        ...

    def is_one_of_uuids(self, expression: Expression, name: str) -> Expression:
        """Tell whether a UUID is in a list."""
        ...

    def is_one_of(self, expression: Expression, name: str) -> Expression:
        """Tell whether a text is in a list."""
        ...

    def matches(self, expression: Expression, name: str) -> Expression:
        """Tell whether a text matches one of a list of patterns."""
        ...

    def has_one_of(self, column: Expression, name: str) -> Expression:
        """Tell whether a column with a list of texts has one of another list."""
        ...

    def elements(self, column: Expression) -> tuple[FromClause, Expression]:
        """Return the elements of a column with a list of texts, to select from."""
        ...

    def before(self, expression: Expression, separator: str) -> Expression:
        """Return the part of a text before a separator that is in it."""
        ...

    def insert_unless_there(self, table: Table) -> Insert:
        """Return an INSERT that does nothing when a uniqueness is in its way."""
        ...

    # --- asking ---

    def fetch(self, driver: Any, statement: str, values: Sequence[Any]) -> list[Row]:
        """Return all rows of a statement."""
        ...

    def send(self, driver: Any, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each of `rows`; what fails may be told later."""
        ...

    def lock(self, driver: Any, keys: Sequence[int]) -> None:
        """Hold each of these locks to the end of the transaction; take them in this order."""
        ...

    def draw(self, driver: Any) -> Callable[[], int]:
        """Draw a block of `tables.BLOCK` numbers, and return what gives the first of them."""
        ...


# --- SQLite --------------------------------------------------------------------------------------


class Sqlite:
    """What SQLite says."""

    compiler: Compiler = sqlite.dialect()

    def uuid(self, urn: str) -> bytes:
        """Return the 16 bytes."""
        return bytes.fromhex(urn[_URN:].replace("-", ""))

    def uuids(self, urns: Sequence[str]) -> bytes:
        """Return the bytes of all, one after the other."""
        return bytes.fromhex("".join([urn[_URN:] for urn in urns]).replace("-", ""))

    def texts(self, texts: Sequence[str]) -> str:
        """Return a JSON list."""
        return json.dumps(texts, ensure_ascii=False)

    def patterns(self, patterns: Sequence[str]) -> str:
        """Return a JSON list of patterns for GLOB: case counts there, and nothing escapes."""
        return self.texts([pattern.translate(_GLOB) for pattern in patterns])

    def urn(self, selected: bytes) -> str:
        """Write out 16 bytes."""
        h = selected.hex()
        return f"urn:uuid:{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"

    def selected_uuid(self, column: Expression) -> Expression:
        """Select the bytes: SQLite cannot write them out at once."""
        return column

    def is_one_of_uuids(self, expression: Expression, name: str) -> Expression:
        """Take the blob apart, 16 bytes at a time."""
        blob = bindparam(name, type_=UUID)
        start = select(literal_column("1").label("at")).cte(recursive=True)
        places = start.union_all(
            select(start.c.at + literal_column("16")).where(
                start.c.at + literal_column("16") <= func.length(blob)
            )
        )
        return expression.in_(
            select(func.substr(blob, places.c.at, literal_column("16"))).where(
                func.length(blob) > literal_column("0")
            )
        )

    def is_one_of(self, expression: Expression, name: str) -> Expression:
        """Look into the JSON list."""
        return expression.in_(select(self.elements(bindparam(name))[1]))

    def matches(self, expression: Expression, name: str) -> Expression:
        """Try the patterns of the JSON list."""
        patterns, pattern = self.elements(bindparam(name))
        matching = expression.op("GLOB")(pattern)
        return select(literal_column("1")).select_from(patterns).where(matching).exists()

    def has_one_of(self, column: Expression, name: str) -> Expression:
        """Look for an element that is in the other list."""
        elements, element = self.elements(column)
        has = self.is_one_of(element, name)
        return select(literal_column("1")).select_from(elements).where(has).exists()

    def elements(self, column: Expression) -> tuple[FromClause, Expression]:
        """Take the JSON list apart."""
        elements = func.json_each(column).table_valued("value", joins_implicitly=True)
        return elements, elements.c.value

    def before(self, expression: Expression, separator: str) -> Expression:
        """Cut at the separator."""
        at = func.instr(expression, literal_column(f"'{separator}'"))
        return func.substr(expression, literal_column("1"), at - literal_column("1"))

    def insert_unless_there(self, table: Table) -> Insert:
        """Use ON CONFLICT."""
        return sqlite.insert(table).on_conflict_do_nothing()

    def fetch(self, driver: Any, statement: str, values: Sequence[Any]) -> list[Row]:
        """Run it at once."""
        rows: list[Row] = driver.execute(statement, values).fetchall()
        return rows

    def send(self, driver: Any, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run it at once."""
        driver.executemany(statement, rows)

    def lock(self, driver: Any, keys: Sequence[int]) -> None:
        """Do nothing: there is one writer."""

    def draw(self, driver: Any) -> Callable[[], int]:
        """Take them from the one row of `registration`."""
        driver.execute("UPDATE registration SET last = last + ?", (BLOCK,))
        ((last,),) = driver.execute("SELECT last FROM registration").fetchall()
        return lambda: int(last)


_URN: Final = len("urn:uuid:")
_GLOB: Final = str.maketrans({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"})

# --- PostgreSQL ----------------------------------------------------------------------------------


class Postgresql:
    """What PostgreSQL says."""

    compiler: Compiler = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy's

    def uuid(self, urn: str) -> str:
        """Return its text, without what makes it a URN."""
        return urn[_URN:]

    def uuids(self, urns: Sequence[str]) -> list[str]:
        """Return their texts."""
        return [urn[_URN:] for urn in urns]

    def texts(self, texts: Sequence[str]) -> Sequence[str]:
        """Return the list."""
        return texts

    def patterns(self, patterns: Sequence[str]) -> list[str]:
        r"""Double the backslashes: LIKE takes `\` as an escape, and the Framework knows none."""
        return [pattern.replace("\\", "\\\\") for pattern in patterns]

    def urn(self, selected: str) -> str:
        """Return what the server wrote."""
        return selected

    def selected_uuid(self, column: Expression) -> Expression:
        """Let the server write the URN: faster than psycopg can make `UUID` objects."""
        return literal_column("'urn:uuid:'").op("||")(cast(column, Text))

    def is_one_of_uuids(self, expression: Expression, name: str) -> Expression:
        """Look into the array."""
        return expression == any_(bindparam(name, type_=ARRAY(UUID)))

    def is_one_of(self, expression: Expression, name: str) -> Expression:
        """Look into the array."""
        return expression == any_(bindparam(name, type_=ARRAY(Text)))

    def matches(self, expression: Expression, name: str) -> Expression:
        """Try the patterns of the array."""
        return expression.like(any_(bindparam(name, type_=ARRAY(Text))))

    def has_one_of(self, column: Expression, name: str) -> Expression:
        """Ask JSONB."""
        return column.op("?|", is_comparison=True)(bindparam(name, type_=ARRAY(Text)))

    def elements(self, column: Expression) -> tuple[FromClause, Expression]:
        """Take the JSON list apart."""
        elements = func.jsonb_array_elements_text(column).table_valued("value")
        return elements, elements.c.value

    def before(self, expression: Expression, separator: str) -> Expression:
        """Cut at the separator."""
        return func.split_part(expression, literal_column(f"'{separator}'"), literal_column("1"))

    def insert_unless_there(self, table: Table) -> Insert:
        """Use ON CONFLICT."""
        return postgresql_insert(table).on_conflict_do_nothing()

    def fetch(self, driver: Any, statement: str, values: Sequence[Any]) -> list[Row]:
        """Run a prepared statement, with results in binary form."""
        cursor = psycopg.RawCursor[Row](driver)
        cursor.execute(statement, values, prepare=True, binary=True)
        return cursor.fetchall()

    def send(self, driver: Any, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a prepared statement for each row; in a pipeline, without waiting."""
        for values in rows:
            psycopg.RawCursor(driver).execute(statement, values, prepare=True)

    def lock(self, driver: Any, keys: Sequence[int]) -> None:
        """Take advisory locks of the transaction."""
        psycopg.RawCursor(driver).execute(
            "SELECT pg_advisory_xact_lock($1::int, k) FROM unnest($2::int[]) AS k",
            (_LOCK_CLASS, keys),
            prepare=True,
        )

    def draw(self, driver: Any) -> Callable[[], int]:
        """Draw from the sequence; the answer is waited for when it is needed."""
        cursor = psycopg.RawCursor[Row](driver)
        cursor.execute("SELECT nextval('registration')", prepare=True)

        def first() -> int:
            ((number,),) = cursor.fetchall()
            return int(number)

        return first


_LOCK_CLASS: Final = 0x66656C6C
"""Sets the registry's advisory locks apart from those of others in the same database."""

_DIALECTS: Final[Mapping[str, Dialect]] = {"sqlite": Sqlite(), "postgresql": Postgresql()}


def dialect(dbms: str) -> Dialect:
    """Return the dialect of a DBMS by its name."""
    return _DIALECTS[dbms]
