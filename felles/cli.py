"""The command `felles`: its sub-commands, each in a module of its own."""

import io
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from felles import (
    certificates,
    codes,
    documents,
    migrating,
    registries,
    repositories,
    serving,
    signing,
    validating,
)
from felles.demo import command as demo
from felles.output import say
from hub import logs, settings

app = typer.Typer(
    name="felles",
    help="Felles: a document-sharing hub for health care (IHE XDS registry, repository, gateway).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for command in (demo.demo, serving.serve, documents.submit, documents.find, documents.fetch):
    app.command()(command)
app.command("verify")(signing.verify_documents)
app.command()(validating.validate)
app.command()(migrating.migrate)
app.add_typer(registries.app)
app.add_typer(repositories.app)
app.add_typer(codes.app)
app.add_typer(certificates.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"felles {version('felles')}")
        raise typer.Exit


@app.callback()
def felles(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version, and end."
        ),
    ] = False,
) -> None:
    """Felles: a document-sharing hub for health care (IHE XDS registry, repository, gateway)."""
    for name, nearest in settings.unknown_variables(os.environ).items():
        meant = f"did you mean {nearest}?" if nearest else "there is no such setting"
        if context.invoked_subcommand == serving.serve.__name__:  # its log is JSON alone
            logs.configure()
            logs.logger().warning("a variable is not used", what=name, reason=meant)
        else:
            say(f"warning: the variable {name} is not used: {meant}")


def main() -> None:
    """Run the command; a broken pipe ends it quietly.

    Logs are for actors (`felles serve`); what the other commands have to say, they print.
    """
    logs.configure(level=logs.QUIET)
    for stream in (sys.stdout, sys.stderr):  # a file may have a name that is no text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()


if __name__ == "__main__":
    main()
