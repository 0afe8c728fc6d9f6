"""The registry's tables: one row for each object, and ways to find a row without its patient.

```text
 patient ───────┐ key                         ┌─────────── by_entry_uuid           entryUUID
  key           │                             │ patient,    by_document_unique_id  uniqueId, entries
  current ▶ key │                             │ number      by_package_unique_id   … sets, folders
  id, compared  ├─▶ document_entry      ◀─────┤             by_logical_id          logicalID
                ├─▶ submission_set      ◀─────┤             by_reference_id        referenceIdList
                ├─▶ folder              ◀─────┤             by_association_end     source, target
                └─▶ association         ◀─────┘
                     (patient, number)
```

**One row an object.** It holds what a query can ask for, as columns, and the rendered element
(`ihe.ebxml.rendering`), which is what most answers are made of. Attributes with several values are
JSON lists of texts in it. Measured beside it: a table of codes, which costs nine times as much to
read, and the ORM, four times.

**The patient is in every key.** The rows of objects have one index each: the primary key (patient,
number). A query of a patient reads a stretch of it, in the order of registration. Whatever is
asked for without a patient is the key of a small table of its own, which says where the row is.
Two things follow. `PARTITION BY HASH (patient)` on the four tables, or Citus's
`create_distributed_table(…, 'patient')`, needs no other change, since no unique index spans
patients; the small tables are split by their own first column, and `patient` is a reference table.
And a status that changes touches no index at all (a heap-only update on PostgreSQL).

**The small tables are the safety net.** Writers lock what they decide about (`Writer.lock`) and
look before they write. Should two of them fail to, the primary keys of `by_entry_uuid`,
`by_package_unique_id` (a uniqueId belongs to one SubmissionSet or Folder; later versions of a
Folder share it) and `by_logical_id` (one object for each version) let only the first pass.

**Patients.** Objects keep the key of the patient that they were registered for. `current` is where
that patient's objects belong now: its own key, or the survivor's after a merge, always the end of
the chain. A merge changes rows of `patient` and no other.

**Numbers** come from one sequence (on SQLite, the row of `registration`), drawn in blocks while the
writer holds its locks: their order is the order of registration. They serve as `patient.key` too.

**Texts** are stored in the form that they are compared in (`ihe.state.comparable`) and compared
byte by byte: COLLATE "C" on PostgreSQL, BINARY on SQLite. Those that `Record` gives back are to the
letter. A code is one text, as `mapping.code_text` writes it. Times are texts, as they came. There
are no foreign keys: patients are never deleted, keys are read in the transaction that uses them,
and a check would lock the patient's row for each object (PostgreSQL) to learn nothing new.
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from hub.database import commit_marks
from ihe.state import Kind

metadata: Final = MetaData()

TEXT: Final[TypeEngine[str]] = Text().with_variant(Text(collation="C"), "postgresql")
LIST: Final = JSON().with_variant(JSONB(), "postgresql")
UUID: Final = Uuid().with_variant(LargeBinary(16), "sqlite")

BLOCK: Final = 1024
"""How many numbers are drawn at once."""

marks: Final = commit_marks(metadata, "registry_commit_mark")
sequence: Final = Sequence("registration", increment=BLOCK, metadata=metadata)
registration: Final = Table(  # SQLite has no sequences: its one row holds the last number drawn
    "registration",
    metadata,
    Column("last", BigInteger, nullable=False),
    info={"dbms": "sqlite"},
)

patient: Final = Table(
    "patient",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("current", BigInteger, nullable=False, index=True),
    Column("id", TEXT, nullable=False),
    Column("compared", TEXT, nullable=False, unique=True),
)


def _objects(name: str, *columns: Column[Any]) -> Table:  # Any: columns differ in type
    """Return the table of one kind of objects."""
    return Table(
        name,
        metadata,
        Column("patient", BigInteger, nullable=False),
        Column("number", BigInteger, nullable=False),
        Column("uuid", UUID, nullable=False),
        Column("availability_status", TEXT, nullable=False),
        *columns,
        Column("template", LargeBinary, nullable=False),
        PrimaryKeyConstraint("patient", "number"),
    )


def _finding(name: str, *columns: Column[Any], key: tuple[str, ...]) -> Table:
    """Return a table that says where the rows are that have something."""
    return Table(
        name,
        metadata,
        *columns,
        Column("patient", BigInteger, nullable=False),
        Column("number", BigInteger, nullable=False),
        PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,  # the table is its index
    )


document_entry: Final = _objects(
    "document_entry",
    Column("logical_id", UUID),  # none: its own uuid, as first versions have it
    Column("version", Integer, nullable=False),
    Column("newest", Boolean, nullable=False),
    Column("object_type", TEXT, nullable=False),
    Column("document_availability", TEXT, nullable=False),
    Column("unique_id", TEXT),
    Column("hash", TEXT),
    Column("size", TEXT),
    Column("class_code", TEXT),
    Column("type_code", TEXT),
    Column("format_code", TEXT),
    Column("practice_setting_code", TEXT),
    Column("healthcare_facility_type_code", TEXT),
    Column("creation_time", TEXT),
    Column("service_start_time", TEXT),
    Column("service_stop_time", TEXT),
    Column("title", LIST),  # in each of its languages
    Column("author_person", LIST),
    Column("author_institution", LIST),
    Column("event_code", LIST),
    Column("confidentiality_code", LIST),
    Column("reference_id", LIST),
)

submission_set: Final = _objects(
    "submission_set",
    Column("unique_id", TEXT),
    Column("source_id", TEXT),
    Column("content_type_code", TEXT),
    Column("submission_time", TEXT),
    Column("author_person", LIST),
)

folder: Final = _objects(
    "folder",
    Column("logical_id", UUID),
    Column("version", Integer, nullable=False),
    Column("newest", Boolean, nullable=False),
    Column("unique_id", TEXT),
    Column("last_update_time", TEXT),
    Column("code", LIST),
)

association: Final = _objects(
    "association",
    Column("source", UUID, nullable=False),
    Column("target", UUID, nullable=False),
    Column("type", TEXT, nullable=False),
    Column("submission_set_status", TEXT),
)

OBJECTS: Final[Mapping[Kind, Table]] = {
    Kind.DOCUMENT_ENTRY: document_entry,
    Kind.SUBMISSION_SET: submission_set,
    Kind.FOLDER: folder,
    Kind.ASSOCIATION: association,
}
"""The table of each kind."""

KIND_NUMBERS: Final[Mapping[Kind, int]] = {kind: number for number, kind in enumerate(OBJECTS, 1)}
"""How `by_entry_uuid.kind` names the kinds."""

by_entry_uuid: Final = _finding(
    "by_entry_uuid",
    Column("uuid", UUID, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    key=("uuid",),
)
by_document_unique_id: Final = _finding(
    "by_document_unique_id",
    Column("unique_id", TEXT, nullable=False),
    key=("unique_id", "number"),  # the same document may be registered again
)
by_package_unique_id: Final = _finding(
    "by_package_unique_id",
    Column("unique_id", TEXT, nullable=False),
    Column("version", Integer, nullable=False),
    key=("unique_id", "version"),
)
by_logical_id: Final = _finding(
    "by_logical_id",
    Column("logical_id", UUID, nullable=False),
    Column("version", Integer, nullable=False),
    key=("logical_id", "version"),
)
by_reference_id: Final = _finding(
    "by_reference_id",
    Column("reference_id", TEXT, nullable=False),
    key=("reference_id", "number"),
)
by_association_end: Final = _finding(
    "by_association_end",
    Column("uuid", UUID, nullable=False),
    Column("is_target", Boolean, nullable=False),
    key=("uuid", "number", "is_target"),
)

PLACES: Final = (
    by_entry_uuid,
    by_document_unique_id,
    by_package_unique_id,
    by_logical_id,
    by_reference_id,
    by_association_end,
)
"""The tables that say where the rows are."""
