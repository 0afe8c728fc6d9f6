"""The repository's migrations, for Alembic."""

from hub.migrations import run_migrations
from repository.tables import METADATA, VERSION_TABLE

run_migrations(METADATA, VERSION_TABLE)
