"""The first tables; `registry.store.tables` says what they are for.

Option `partitions` (PostgreSQL): into how many parts the tables of objects are split by the hash
of the patient; 0, the default, leaves them whole.
"""

from typing import Any, TypeAlias

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects.postgresql import JSONB

Column: TypeAlias = "sa.Column[Any]"  # Any: columns differ in type

revision = "0001"
down_revision = None

_TOAST_TUPLE_TARGET = 4080
"""Bytes up to which a row stays in one piece: two to a page, templates compressed but not apart."""


def upgrade() -> None:
    """Make the tables."""
    dbms = op.get_context().dialect.name
    if dbms == "postgresql":
        op.execute("CREATE SEQUENCE registration INCREMENT BY 1024")
        op.create_table(
            "registry_commit_mark",
            sa.Column("connection", sa.Uuid, primary_key=True),
            sa.Column("turn", sa.BigInteger, primary_key=True, autoincrement=False),
            sa.Column(
                "at",
                sa.DateTime(timezone=True),
                nullable=False,
                server_default=sa.func.now(),
            ),
        )
    else:
        op.create_table("registration", sa.Column("last", sa.BigInteger, nullable=False))
        op.execute("INSERT INTO registration VALUES (0)")
    _patients()
    _objects()
    _places()


def _text(name: str, *, required: bool = False) -> Column:
    collated = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, collated, nullable=not required)


def _uuid(name: str, *, required: bool = False) -> Column:
    bytes_or_uuid = sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")
    return sa.Column(name, bytes_or_uuid, nullable=not required)


def _list(name: str) -> Column:
    return sa.Column(name, sa.JSON().with_variant(JSONB(), "postgresql"))


def _number(name: str) -> Column:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _patients() -> None:
    op.create_table(
        "patient",
        sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
        _number("current"),
        _text("id", required=True),
        _text("compared", required=True),
        sa.UniqueConstraint("compared"),
    )
    op.create_index("ix_patient_current", "patient", ["current"])


def _objects() -> None:
    _table_of_objects(
        "document_entry",
        _uuid("logical_id"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("newest", sa.Boolean, nullable=False),
        _text("object_type", required=True),
        _text("document_availability", required=True),
        _text("unique_id"),
        _text("hash"),
        _text("size"),
        _text("class_code"),
        _text("type_code"),
        _text("format_code"),
        _text("practice_setting_code"),
        _text("healthcare_facility_type_code"),
        _text("creation_time"),
        _text("service_start_time"),
        _text("service_stop_time"),
        _text("title"),
        _list("author_person"),
        _list("author_institution"),
        _list("event_code"),
        _list("confidentiality_code"),
        _list("reference_id"),
    )
    _table_of_objects(
        "submission_set",
        _text("unique_id"),
        _text("source_id"),
        _text("content_type_code"),
        _text("submission_time"),
        _list("author_person"),
    )
    _table_of_objects(
        "folder",
        _uuid("logical_id"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("newest", sa.Boolean, nullable=False),
        _text("unique_id"),
        _text("last_update_time"),
        _list("code"),
    )
    _table_of_objects(
        "association",
        _uuid("source", required=True),
        _uuid("target", required=True),
        _text("type", required=True),
        _text("submission_set_status"),
    )


def _table_of_objects(name: str, *columns: Column) -> None:
    postgresql = op.get_context().dialect.name == "postgresql"
    parts = context.config.attributes["options"].get("partitions", 0) if postgresql else 0
    op.create_table(
        name,
        _number("patient"),
        _number("number"),
        _uuid("uuid", required=True),
        _text("availability_status", required=True),
        *columns,
        sa.Column("template", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("patient", "number"),
        postgresql_partition_by="HASH (patient)" if parts else None,
    )
    if not postgresql:
        return
    for part in range(parts):
        op.execute(
            f"CREATE TABLE {name}_{part} PARTITION OF {name}"
            f" FOR VALUES WITH (MODULUS {parts}, REMAINDER {part})"
        )
    for table in [f"{name}_{part}" for part in range(parts)] or [name]:
        op.execute(f"ALTER TABLE {table} SET (toast_tuple_target = {_TOAST_TUPLE_TARGET})")
        if _has_lz4():
            op.execute(f"ALTER TABLE {table} ALTER COLUMN template SET COMPRESSION lz4")


def _has_lz4() -> bool:
    """Tell whether the server was built with LZ4, which is three times as fast as its own."""
    found = op.get_bind().execute(
        sa.text(
            "SELECT 'lz4' = ANY (enumvals) FROM pg_settings"
            " WHERE name = 'default_toast_compression'"
        )
    )
    return bool(found.scalar())


def _places() -> None:
    _table_of_places(
        "by_entry_uuid",
        _uuid("uuid", required=True),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        key=("uuid",),
    )
    _table_of_places(
        "by_document_unique_id", _text("unique_id", required=True), key=("unique_id", "number")
    )
    _table_of_places(
        "by_package_unique_id",
        _text("unique_id", required=True),
        sa.Column("version", sa.Integer, nullable=False),
        key=("unique_id", "version"),
    )
    _table_of_places(
        "by_logical_id",
        _uuid("logical_id", required=True),
        sa.Column("version", sa.Integer, nullable=False),
        key=("logical_id", "version"),
    )
    _table_of_places(
        "by_reference_id", _text("reference_id", required=True), key=("reference_id", "number")
    )
    _table_of_places(
        "by_association_end",
        _uuid("uuid", required=True),
        sa.Column("is_target", sa.Boolean, nullable=False),
        key=("uuid", "number", "is_target"),
    )


def _table_of_places(name: str, *columns: Column, key: tuple[str, ...]) -> None:
    op.create_table(
        name,
        *columns,
        _number("patient"),
        _number("number"),
        sa.PrimaryKeyConstraint(*key),
        sqlite_with_rowid=False,
    )
