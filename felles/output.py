"""What the command prints: tables for people, JSON for programs, and how it ends.

| exit code | meaning |
|---|---|
| 0 | all of it succeeded |
| 1 | the answer is a Failure |
| 2 | the command or its settings were wrong |
| 3 | there was no answer |
| 4 | part of it succeeded |
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Final

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from hub.settings import SettingsError
from hub.soap_client import RemoteFault
from ihe.ebxml.text import UnwritableText
from ihe.errors import RegistryError, Unavailable, XdsFailure
from ihe.vocabulary import ResponseStatus, Severity

OUT: Final = Console()
ERR: Final = Console(stderr=True)


class Exit(IntEnum):
    """How a command ends."""

    SUCCESS = 0
    FAILURE = 1
    USAGE = 2
    UNAVAILABLE = 3
    PARTIAL = 4

    @classmethod
    def of(cls, status: str) -> "Exit":
        """Return the exit code of a response status."""
        match status:
            case ResponseStatus.SUCCESS:
                return cls.SUCCESS
            case ResponseStatus.PARTIAL_SUCCESS:
                return cls.PARTIAL
            case _:
                return cls.FAILURE


def say(text: str) -> None:
    """Print a line for people on standard error, where it does not mix with results."""
    ERR.print(text, highlight=False, markup=False)


def print_json(value: Any) -> None:
    """Print a result for programs."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
    sys.stdout.flush()  # whoever reads it through a pipe waits for it


_WHOLE: Final = frozenset({"date", "format", "octets"})
"""Columns whose short values are worth more than a narrow table."""


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a result for people; of no rows, the title alone."""
    if not rows:
        OUT.print(title, highlight=False, markup=False)
        return
    table = Table(title=Text(title), title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in _WHOLE)
    for row in rows:
        table.add_row(*map(Text, row))  # as it is: brackets are no markup
    OUT.print(table)


def print_line(text: str) -> None:
    """Print a line for people that is to be copied: it is not broken to fit the terminal."""
    OUT.print(text, highlight=False, markup=False, soft_wrap=True)


def print_errors(errors: Sequence[RegistryError]) -> None:
    """Print errors and warnings of a response on standard error."""
    for error in errors:
        kind = "error" if error.severity == Severity.ERROR else "warning"
        where = f" [{error.location}]" if error.location else ""
        ERR.print(f"{kind}: {error.code}{where}: {error.context}", highlight=False, markup=False)


def errors_as_json(errors: Sequence[RegistryError]) -> list[dict[str, str]]:
    """Return errors for a JSON result."""
    return [
        {
            "code": str(error.code),
            "context": error.context,
            "location": error.location,
            "severity": error.severity.rpartition(":")[2],
        }
        for error in errors
    ]


def status_name(status: str) -> str:
    """Return `Success` of a status URN."""
    return status.rpartition(":")[2]


@contextmanager
def transfer(title: str, total: int | None) -> Iterator[Any]:
    """Show a progress bar of octets on standard error; yields what advances it."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=ERR,
        transient=True,
        disable=not ERR.is_terminal,
    ) as progress:
        task = progress.add_task(title, total=total)
        yield lambda octets: progress.advance(task, octets)


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        """Return the rate of late, or of all the time."""
        speed = task.finished_speed or task.speed or 0
        return Text(f"{speed:,.0f}/s")


@contextmanager
def counting(title: str, total: int | None) -> Iterator[Any]:
    """Show a progress bar of things that are done, with rate and the time that is left.

    Yields what tells that so many more are done.
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=ERR,
        transient=True,
        disable=not ERR.is_terminal,
    ) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.advance(task, done)


@contextmanager
def working(title: str, total: int, octets: int) -> Iterator[Any]:
    """Show a progress bar of things and their octets, with rate and the time that is left.

    Yields what tells that so many more things, and so many more octets, are done.
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(f"{{task.fields[done]}}/{total}"),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=ERR,
        transient=True,
        disable=not ERR.is_terminal,
    ) as progress:
        task = progress.add_task(title, total=octets, done=0)
        done = 0

        def moved(things: int, count: int) -> None:
            nonlocal done
            done += things
            progress.update(task, advance=count, done=done)

        yield moved


@contextmanager
def failures() -> Iterator[None]:
    """Turn what a command raises into a message and an exit code."""
    try:
        yield
    except Unavailable as failure:
        say(f"no answer: {failure}")
        raise typer.Exit(Exit.UNAVAILABLE) from None
    except RemoteFault as failure:
        say(f"{failure}")
        raise typer.Exit(Exit.FAILURE) from None
    except XdsFailure as failure:
        print_errors(failure.errors)
        raise typer.Exit(Exit.FAILURE) from None
    except (SettingsError, UnwritableText) as problem:
        say(f"{problem}")
        raise typer.Exit(Exit.USAGE) from None
    except OSError as problem:
        say(f"{problem.filename or 'system'}: {problem.strerror or problem}")
        raise typer.Exit(Exit.USAGE) from None
