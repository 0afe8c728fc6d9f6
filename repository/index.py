"""Which documents the repository holds, and what may be deleted.

The life of a document that comes with a submission:

```text
            begin                 registering              keep
(staged) ──────────▶ staging ──────────────▶ registering ─────────▶ kept
                        │                        │
                        └───── let_go ◀──────────┘  the registry said no
                                  │
                                  └─▶ its blob, if nobody else holds it: claim ─▶ delete ─▶ forget
```

Content is shared, so a submission and a deletion of the same bytes can meet. They meet at the row
of the blob, which `begin` and `claim` both lock: `begin` finds it `live` and adds its holding, or
`deleting` and has to wait; `claim` makes it `deleting` only when there is no holding. So a blob
with a holding is never deleted, and one that is being deleted is never taken for stored.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from hub.database import Database
from hub.migrations import Tables, migrate_database, open_database
from ihe.errors import HubError
from repository.tables import COMMIT_MARKS, VERSION_TABLE, blob, holding

TABLES: Final = Tables(
    what="the repository's database",
    scripts="repository:migrations",
    version_table=VERSION_TABLE,
    marks=COMMIT_MARKS,
)


class HoldingState(StrEnum):
    """How far a document has come."""

    STAGING = "staging"
    REGISTERING = "registering"
    KEPT = "kept"


class BlobState(StrEnum):
    """Whether a blob may be held."""

    LIVE = "live"
    DELETING = "deleting"


class BeingDeleted(HubError):
    """The same content is being deleted at this moment; it can be stored when that is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One document that came once.

    Parameters
    ----------
    unique_id
        DocumentEntry.uniqueId.
    key
        Of its blob.
    mime_type, size, sha1
        Of its content; size in octets, SHA-1 as 40 lower-case hex digits.
    submission
        SubmissionSet.uniqueId, and what tells this time from another.
    state, at
        How far it has come, since when (UTC).
    """

    unique_id: str
    key: str
    mime_type: str
    size: int
    sha1: str
    submission: str
    state: HoldingState
    at: datetime


@dataclass(frozen=True, slots=True)
class HeldBlob:
    """A blob that stored documents hold.

    Parameters
    ----------
    key
        Its SHA-256.
    facts
        Size in octets and SHA-1, as each of the documents has them; one pair, if all is well.
    live
        Whether it may be held; False contradicts that it is.
    """

    key: str
    facts: frozenset[tuple[int, str]]
    live: bool

    @property
    def size(self) -> int:
        """Octets, as the index has it; the largest when it contradicts itself."""
        return max(size for size, _sha1 in self.facts)


# Every document takes its way through these: to build them anew would cost more than to run them.
_FIND: Final = (
    select(holding)
    .where(
        holding.c.unique_id.in_(bindparam("wanted", expanding=True)),
        holding.c.state != HoldingState.STAGING.value,
    )
    .order_by(holding.c.id.desc())
)
_AT_ONCE: Final = 1_000
"""Ids in one question: SQLite takes 32 766 at the most, PostgreSQL 65 535."""
_PUT_DOWN: Final = insert(holding)
_ADVANCE: Final = (
    update(holding)
    .where(holding.c.submission == bindparam("submission_"))
    .values(state=bindparam("state_"), at=bindparam("at_"))
)


def open_index(url: str) -> "Index":
    """Return the index behind a database URL; see `hub.migrations.open_database`."""
    return Index(open_database(url, TABLES))


def migrate_index(url: str) -> None:
    """Make the tables of a database, or bring them up to date; raises as `open_index` does."""
    migrate_database(url, TABLES)


class Index:
    """The repository's index of documents.

    Parameters
    ----------
    database
        With the tables of `repository.tables`.

    Raises
    ------
    Unavailable
        From every method, when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        insert_: Any = insert_postgresql if database.dbms == "postgresql" else insert_sqlite
        know = insert_(blob).values(key=bindparam("key_"), state=BlobState.LIVE.value)
        self._know: Any = know.on_conflict_do_update(
            index_elements=[blob.c.key], set_={"state": blob.c.state}
        ).returning(blob.c.state)
        """Makes the row of a blob, unless it is there, and locks it."""

    def find(self, unique_ids: Iterable[str]) -> dict[str, Holding]:
        """Return what is held of documents that may be handed out, by uniqueId.

        A document whose entry may just have been registered counts as well: the registry tells of
        an entry before the repository hears of it (ITI TF-2 3.41.4.1.3 has it retrievable then).
        """
        wanted = [{"wanted": each} for each in batches(set(unique_ids), _AT_ONCE)]

        def work(connection: Connection) -> list[Any]:
            return [row for each in wanted for row in connection.execute(_FIND, each)]

        rows = self._database.read(work)
        found: dict[str, Holding] = {}
        for row in sorted(rows, key=lambda row: row.state == HoldingState.KEPT):
            found[row.unique_id] = _holding(row)
        return found

    def begin(self, holdings: Sequence[Holding]) -> None:
        """Put down documents that are about to be stored, and hold their blobs.

        Raises
        ------
        BeingDeleted
            The same content is being deleted; nothing was put down.
        """

        def work(connection: Connection) -> None:
            for key in sorted({each.key for each in holdings}):
                if connection.execute(self._know, {"key_": key}).scalar_one() != BlobState.LIVE:
                    raise BeingDeleted
            connection.execute(_PUT_DOWN, [_row(each) for each in holdings])

        self._database.run(work)

    def advance(self, submission: str, state: HoldingState, at: datetime) -> int:
        """Let the documents of a submission go one step further; return how many there are."""
        step = {"submission_": submission, "state_": state.value, "at_": at}
        return self._database.run(lambda connection: connection.execute(_ADVANCE, step).rowcount)

    def let_go(self, submission: str) -> set[str]:
        """Forget the documents of a submission; return the keys of their blobs."""

        def work(connection: Connection) -> set[str]:
            mine = holding.c.submission == submission
            keys = set(connection.execute(select(holding.c.key).where(mine)).scalars())
            connection.execute(delete(holding).where(mine))
            return keys

        return self._database.run(work)

    def remove(self, unique_id: str) -> set[str]:
        """Forget a kept document, however often it came; return the keys of its blobs.

        One that is on its way stays: whoever brings it would be told that it was kept.
        """

        def work(connection: Connection) -> set[str]:
            these = and_(holding.c.unique_id == unique_id, holding.c.state == HoldingState.KEPT)
            keys = set(connection.execute(select(holding.c.key).where(these)).scalars())
            connection.execute(delete(holding).where(these))
            return keys

        return self._database.run(work)

    def claim(self, key: str) -> bool:
        """Mark a blob for deletion; False when somebody holds it.

        A blob that the index has never heard of can be claimed too.
        """

        def work(connection: Connection) -> bool:
            connection.execute(self._know, {"key_": key})
            held = select(holding.c.id).where(holding.c.key == key).limit(1)
            if connection.execute(held).first() is not None:
                return False
            mark = update(blob).where(blob.c.key == key).values(state=BlobState.DELETING.value)
            connection.execute(mark)
            return True

        return self._database.run(work)

    def forget(self, key: str) -> None:
        """Say that a claimed blob is deleted, so that the same content may come again."""
        gone = delete(blob).where(blob.c.key == key, blob.c.state == BlobState.DELETING)
        self._database.run(lambda connection: connection.execute(gone))

    def unfinished(self, before: datetime) -> list[Holding]:
        """Return documents that have not been kept and have not moved since a moment."""
        question = (
            select(holding)
            .where(holding.c.state != HoldingState.KEPT, holding.c.at < before)
            .order_by(holding.c.id)
        )
        rows = self._database.read(lambda connection: connection.execute(question).all())
        return [_holding(row) for row in rows]

    def deleting(self) -> list[str]:
        """Return the keys of blobs whose deletion was begun."""
        question = select(blob.c.key).where(blob.c.state == BlobState.DELETING)
        return self._database.read(lambda connection: list(connection.execute(question).scalars()))

    def held(self, keys: Iterable[str]) -> set[str]:
        """Return which of these blobs some document holds."""
        question = select(holding.c.key).where(holding.c.key.in_(list(keys))).distinct()
        return self._database.read(lambda connection: set(connection.execute(question).scalars()))

    def blobs_after(self, key: str, count: int) -> list[HeldBlob]:
        """Return the next blobs that stored documents hold, in the order of their keys.

        Parameters
        ----------
        key
            The last one that was looked at; "" for the first.
        count
            How many, at the most.
        """
        stored = holding.c.state != HoldingState.STAGING.value
        keys = (
            select(holding.c.key)
            .where(holding.c.key > key, stored)
            .group_by(holding.c.key)
            .order_by(holding.c.key)
            .limit(count)
        )

        def work(connection: Connection) -> list[Any]:
            wanted = list(connection.execute(keys).scalars())
            facts = (
                select(holding.c.key, holding.c.size, holding.c.sha1, blob.c.state)
                .join(blob, blob.c.key == holding.c.key)
                .where(holding.c.key.in_(wanted), stored)
                .distinct()
                .order_by(holding.c.key)
            )
            return list(connection.execute(facts)) if wanted else []

        found: dict[str, HeldBlob] = {}
        for row in self._database.read(work):
            before = found.get(row.key)
            facts = (before.facts if before else frozenset()) | {(row.size, row.sha1)}
            found[row.key] = HeldBlob(row.key, facts, live=row.state == BlobState.LIVE.value)
        return list(found.values())

    def extent(self) -> tuple[int, int]:
        """Return how many blobs the stored documents hold, and how many octets these have."""
        stored = holding.c.state != HoldingState.STAGING.value
        each = select(func.max(holding.c.size).label("size")).where(stored)
        sizes = each.group_by(holding.c.key).subquery()
        question = select(func.count(), func.coalesce(func.sum(sizes.c.size), 0))
        count, octets = self._database.read(
            lambda connection: connection.execute(question.select_from(sizes)).one()
        )
        return int(count), int(octets)

    def ambiguous(self) -> int:
        """Return how many uniqueIds are kept with more than one content."""
        several = (
            select(holding.c.unique_id)
            .where(holding.c.state == HoldingState.KEPT.value)
            .group_by(holding.c.unique_id)
            .having(func.count(holding.c.key.distinct()) > 1)
            .subquery()
        )
        question = select(func.count()).select_from(several)
        return self._database.read(lambda connection: connection.execute(question).scalar_one())

    def ready(self) -> None:
        """Return when the database answers; raise `Unavailable` when it does not."""
        self._database.ready()

    def close(self) -> None:
        """Let go of connections."""
        self._database.close()


def _row(each: Holding) -> dict[str, Any]:
    return {
        "unique_id": each.unique_id,
        "key": each.key,
        "mime_type": each.mime_type,
        "size": each.size,
        "sha1": each.sha1,
        "submission": each.submission,
        "state": each.state.value,
        "at": each.at,
    }


def _holding(row: Any) -> Holding:
    at = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)  # SQLite keeps no zone
    return Holding(
        unique_id=row.unique_id,
        key=row.key,
        mime_type=row.mime_type,
        size=row.size,
        sha1=row.sha1,
        submission=row.submission,
        state=HoldingState(row.state),
        at=at,
    )


def batches(things: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield `things` in lists of at most `size`."""
    batch: list[str] = []
    for thing in things:
        batch.append(thing)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
