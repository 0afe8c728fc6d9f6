"""A list of titles: a DocumentEntry may have its title in several languages.

Entries that are there keep the one title that they were found by; the further languages of those
registered before this version are in what is handed out, and no query looks there. PostgreSQL
writes the table anew, and locks it meanwhile.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make each title a list of one."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE document_entry ALTER COLUMN title TYPE JSONB"
            " USING CASE WHEN title IS NOT NULL THEN jsonb_build_array(title) END"
        )
        return
    op.execute("UPDATE document_entry SET title = json_array(title) WHERE title IS NOT NULL")
    with op.batch_alter_table("document_entry") as table:
        table.alter_column("title", existing_type=sa.Text(), type_=sa.JSON())
