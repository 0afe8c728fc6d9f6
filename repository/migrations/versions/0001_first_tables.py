"""The first tables; `repository.tables` says what they are for."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ROW = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    if op.get_context().dialect.name == "postgresql":
        _commit_marks()
    op.create_table(
        "blob",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "holding",
        sa.Column("id", _ROW, sa.Identity(), primary_key=True),
        sa.Column("unique_id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, sa.ForeignKey("blob.key"), nullable=False),
        sa.Column("mime_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha1", sa.Text, nullable=False),
        sa.Column("submission", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("holding_unique_id", "holding", ["unique_id"])
    op.create_index("holding_key", "holding", ["key"])
    op.create_index("holding_submission", "holding", ["submission"])
    unfinished = sa.text("state <> 'kept'")
    op.create_index(
        "holding_unfinished",
        "holding",
        ["at"],
        postgresql_where=unfinished,
        sqlite_where=unfinished,
    )


def _commit_marks() -> None:
    op.create_table(
        "repository_commit_mark",
        sa.Column("connection", sa.Uuid, primary_key=True),
        sa.Column("turn", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
