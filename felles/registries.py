"""`felles registry`: what an operator does to a registry's database, beside serving it."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from felles.connection import ActorConfig
from felles.loading import Plan, Refused, Tally, load_all, settings_for
from felles.output import (
    Exit,
    counting,
    errors_as_json,
    failures,
    print_json,
    print_table,
    say,
)
from felles.sources import count, messages
from hub import settings
from hub.settings import SettingsError
from registry.bulk import Loaded, Outcome
from registry.store.statistics import statistics

app = typer.Typer(
    name="registry",
    help="The registry's database: loading it, and what is in it.",
    no_args_is_help=True,
)
_SHOWN: Final = 20
"""Refusals that are printed; the report has all of them."""


class Patients(StrEnum):
    """Where known patient ids come from."""

    OPEN = "open"
    CHECKED = "checked"


@app.command("load")
def load_messages(
    sources: Annotated[
        list[Path],
        typer.Argument(
            allow_dash=True,
            help="Files of one ITI-42 or ITI-61 message each (or its body alone), folders, zip and"
            " tar archives; `-` is a tar archive on standard input.",
        ),
    ],
    report: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Write what is refused, and why, to this file: a JSON object a line.",
        ),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Submissions in one transaction.")] = 50,
    connections: Annotated[
        int,
        typer.Option(
            min=1,
            max=64,
            help="Processes with a connection of their own each; PostgreSQL only.",
        ),
    ] = 1,
    patients: Annotated[
        Patients | None,
        typer.Option(
            help="Whether any patient id is taken, or those that are known; as set if not given."
        ),
    ] = None,
    strictness: Annotated[
        list[str] | None,
        typer.Option(
            help="RULE=reject, RULE=warn or RULE=off, for this load alone; may be repeated."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Tell what would be refused, and store nothing. Every message is looked at beside"
            " what is registered now, so that two with one uniqueId are both good.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    config: ActorConfig = None,
) -> None:
    """Load what another registry knew, straight into the database of the settings.

    The rules are those of the settings, and every submission is whole or not there. What is there
    already, the same in everything, counts as done: after whatever ended it, start it again. What
    refers to something that comes later is tried again in the end. Exit code 4 if some submissions
    were refused, 1 if all were.
    """
    with failures(), ExitStack() as stack:
        own, community = settings_for(config, patients, strictness or ())
        if connections > 1 and own.database.startswith("sqlite"):
            raise SettingsError("--connections: SQLite has one writer; 1 is expected with it")
        plan = Plan(
            registry=own, community=community, dry=dry_run, batch=batch, connections=connections
        )
        refused = stack.enter_context(_reporting(report))
        moved = stack.enter_context(counting("loading", count(sources)))
        tally = load_all(messages(sources), plan, refused=refused, moved=moved)
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                **{name: tally.outcomes[each] for name, each in _NAMES.items()},
                "warnings": tally.warnings,
                "codes": dict(tally.codes.most_common()),
                "rules": dict(tally.rules.most_common()),
            }
        )
    else:
        title = "What would become of them" if dry_run else "What became of them"
        rows = [(each.value, str(tally.outcomes[each])) for each in _NAMES.values()]
        print_table(title, ("submissions", "count"), [*rows, ("warnings", str(tally.warnings))])
        if tally.rules:
            broken = [(rule, str(count)) for rule, count in tally.rules.most_common()]
            print_table("Why (rules.md, operating.md)", ("rule", "errors"), broken)
    raise typer.Exit(_exit(tally))


@app.command()
def stats(
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Look at every row; without it, large tables are estimated from a sample.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    config: ActorConfig = None,
) -> None:
    """Print how much is registered, of what kind and since when; of no patient in particular.

    Months and days are those of SubmissionSet.submissionTime, as the senders wrote it.
    """
    with failures():
        found = statistics(settings.load(config).registry.database, exact=exact)
    if as_json:
        print_json(found)
        return
    estimated = any(isinstance(part, dict) and part.get("estimated") for part in found.values())
    title = "Registry (large tables are estimated; --exact counts)" if estimated else "Registry"
    print_table(title, ("what", "number"), list(_lines(found)))


def _lines(part: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield the numbers of a report with what they are of."""
    for name, value in part.items():
        words = f"{before}{name.replace('_', ' ')}"
        if isinstance(value, dict):
            yield from _lines(value, f"{words}: ")
        elif name != "estimated" and value is not None:
            is_date = isinstance(value, str)
            about = "~ " if part.get("estimated") and not is_date else ""
            yield words, value if is_date else f"{about}{value:,}"


_NAMES: Final = {
    "registered": Outcome.REGISTERED,
    "there_already": Outcome.THERE,
    "refused": Outcome.REFUSED,
}


def _exit(tally: Tally) -> Exit:
    if not tally.outcomes[Outcome.REFUSED]:
        return Exit.SUCCESS
    done = tally.outcomes[Outcome.REGISTERED] + tally.outcomes[Outcome.THERE]
    return Exit.PARTIAL if done else Exit.FAILURE


@contextmanager
def _reporting(path: Path | None) -> Iterator[Refused]:
    """Give what writes refusals to a file, for nobody else to read, or prints the first of them."""
    if path is not None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:

            def write(name: str, loaded: Loaded) -> None:
                errors = [
                    {"rule": each.rule, **one}
                    for each, one in zip(loaded.errors, errors_as_json(loaded.errors), strict=True)
                ]
                told: dict[str, Any] = {"message": name, "errors": errors}
                file.write(json.dumps(told, ensure_ascii=False) + "\n")
                file.flush()

            yield write
        return
    told = 0

    def show(name: str, loaded: Loaded) -> None:
        nonlocal told
        told += 1
        if told <= _SHOWN:
            first = loaded.errors[0]  # where, not what: a log is no place for patients
            say(f"{name}: {first.rule} {first.code} {first.location}")
        elif told == _SHOWN + 1:
            say("… and more")
        if told == 1:
            say("--report FILE says what was found and expected of each")

    yield show
