"""The registry's migrations, for Alembic."""

from hub.migrations import run_migrations
from registry.store.tables import metadata

run_migrations(metadata, "registry_version")
