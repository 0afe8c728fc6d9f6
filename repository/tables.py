"""The repository's own tables.

```text
blob      key (SHA-256) ─ state: live, deleting       one row for each content in the blob store
            ▲ key
holding   unique_id, mime_type, size, sha1, state     one row for each time that a document came
          submission                                  which submission it came with
```

A document that comes twice has two holdings and one blob. The row of a blob is what submissions
and deletions of the same content meet at (`repository.index`).

| state of a holding | the document |
|---|---|
| staging | is being stored; nobody may see it |
| registering | is stored, and its entry is on its way to the registry, or got lost on it |
| kept | is registered |
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

from hub.database import commit_marks

METADATA: Final = MetaData()
COMMIT_MARKS: Final = "repository_commit_mark"
VERSION_TABLE: Final = "repository_version"

_UNFINISHED: Final = text("state <> 'kept'")
_ROW: Final = BigInteger().with_variant(Integer, "sqlite")

blob = Table(
    "blob",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("state", Text, nullable=False),
)

holding = Table(
    "holding",
    METADATA,
    Column("id", _ROW, Identity(), primary_key=True),
    Column("unique_id", Text, nullable=False),
    Column("key", Text, ForeignKey(blob.c.key), nullable=False),
    Column("mime_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha1", Text, nullable=False),
    Column("submission", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("holding_unique_id", "unique_id"),
    Index("holding_key", "key"),
    Index("holding_submission", "submission"),
    Index(
        "holding_unfinished",
        "at",
        postgresql_where=_UNFINISHED,
        sqlite_where=_UNFINISHED,
    ),
)

commit_mark = commit_marks(METADATA, COMMIT_MARKS)
