"""`felles migrate`: makes the tables of a database server, or brings them up to date."""

from enum import StrEnum
from typing import Annotated

import typer

from felles.connection import Config
from felles.output import failures, say
from hub import settings
from hub.settings import SettingsError
from registry.store.sql import migrate_store
from repository.index import migrate_index


class Owner(StrEnum):
    """Whose tables."""

    REGISTRY = "registry"
    REPOSITORY = "repository"
    ALL = "all"


def migrate(
    owner: Annotated[Owner, typer.Argument(help="Whose tables.")] = Owner.ALL,
    partitions: Annotated[
        int,
        typer.Option(
            min=0,
            help="Registry on PostgreSQL, when its tables are made: split them by patient into so"
            " many parts; 0 leaves them whole.",
        ),
    ] = 0,
    config: Config = None,
) -> None:
    """Make the tables that the settings name, or bring them up to date.

    To do it twice changes nothing. Embedded databases (SQLite) are migrated when
    their actor starts, and need no command.
    """
    with failures():
        chosen = settings.load(config)
        if partitions and owner is Owner.REPOSITORY:
            raise SettingsError("--partitions is for the registry's tables")
        if owner in {Owner.REGISTRY, Owner.ALL}:
            migrate_store(chosen.registry.database, partitions=partitions)
            say("the registry's tables are up to date")
        if owner in {Owner.REPOSITORY, Owner.ALL}:
            migrate_index(chosen.repository.database)
            say("the repository's tables are up to date")
