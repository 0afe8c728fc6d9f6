"""`felles codes`: the affinity domain's lists of codes, in the file that `registry.codes` names."""

from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer

from felles.connection import ActorConfig
from felles.output import Exit, failures, print_json, print_table, say
from hub import settings
from hub.settings import SettingsError
from registry.code_files import Change, Lists, changes, merged, read_lists, write_lists
from registry.codes import read_lines

app = typer.Typer(
    name="codes",
    help="Lists of codes of an affinity domain: what a registry accepts.",
    no_args_is_help=True,
)

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Attribute: TypeAlias = Annotated[
    str, typer.Option("--attribute", help="Only the codes of this attribute, such as `classCode`.")
]


@app.command("import")
def import_codes(
    files: Annotated[
        list[Path],
        typer.Argument(help="codes.xml of a conformance tool, or CSV; together one import."),
    ],
    into: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="File to import into, .xml or .csv; what `registry.codes` names if not given.",
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="A list that is imported takes the place of the one that was there; without it"
            " codes are only added. Attributes without a list in FILES keep theirs.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would change, and change nothing.")
    ] = False,
    as_json: Json = False,
    config: ActorConfig = None,
) -> None:
    """Import lists of codes; a running registry takes them on by itself, within seconds.

    The file is whole at every moment: it is replaced in one step, or not at all.
    """
    with failures():
        target = into or _of_settings(config)
        given = read_lists(files)
        own: Lists = read_lists([target]) if target.exists() else {}
        after = merged(own, given, replace=replace)
        found = changes(own, after)
        if found and not dry_run:
            write_lists(target, after)
    if as_json:
        print_json({"file": str(target), "dry_run": dry_run, "changes": list(map(_as_json, found))})
        return
    _print(found, target, dry_run=dry_run)


@app.command()
def show(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files to show; what `registry.codes` names if not given."),
    ] = None,
    attribute: Attribute = "",
    as_json: Json = False,
    config: ActorConfig = None,
) -> None:
    """Print how many codes each attribute has, or with --attribute each of them."""
    with failures():
        lists = read_lists(files or [_of_settings(config)])
        if attribute and attribute not in lists:
            raise SettingsError(
                f"--attribute: '{attribute}' has no list; these have: {', '.join(lists)}"
            )
    if as_json:
        chosen = [attribute] if attribute else list(lists)
        print_json(
            {
                name: [
                    {"code": code, "scheme": scheme, "display": display}
                    for (code, scheme), display in lists[name].items()
                ]
                for name in chosen
            }
        )
    elif attribute:
        rows = [(*key, display) for key, display in lists[attribute].items()]
        print_table(f"Codes of {attribute}", ("code", "scheme", "display"), rows)
    else:
        counts = [(name, str(len(codes))) for name, codes in lists.items()]
        print_table("Attributes that take codes of a list only", ("attribute", "codes"), counts)


@app.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files to check; what `registry.codes` names if not given."),
    ] = None,
    config: ActorConfig = None,
) -> None:
    """Check files of codes: the first line that is wrong is told. Exit code 1 if there is one."""
    with failures():
        chosen = files or [_of_settings(config)]
        wrong = [path for path in chosen if not _is_good(path)]
    raise typer.Exit(Exit.FAILURE if wrong else Exit.SUCCESS)


def _is_good(path: Path) -> bool:
    if not path.is_file():
        raise SettingsError(f"{path} is not there")
    try:
        lines, passed_over = read_lines(path)
    except SettingsError as problem:
        say(f"{problem}")
        return False
    seen: dict[tuple[str, ...], str] = {}
    for line in lines:
        before = seen.setdefault((line.attribute, line.code, line.scheme), line.where)
        if before != line.where:
            say(f"{line.where}: '{line.code}' is there already, in {before}")
    for name in passed_over:
        say(f"{path}: the list of '{name}' is not used")
    say(f"{path}: {len(lines)} codes")
    return True


def _of_settings(config: Path | None) -> Path:
    path = settings.load(config).registry.codes
    if path is None:
        raise SettingsError(
            "no file of codes is set: name one as `codes` in the table `registry` of --config, or"
            " on the command line"
        )
    return path


def _as_json(change: Change) -> dict[str, Any]:
    return {
        "change": change.what,
        "attribute": change.attribute,
        "code": change.code,
        "scheme": change.scheme,
        "display": change.display,
        "before": change.before,
    }


def _print(found: list[Change], target: Path, *, dry_run: bool) -> None:
    counts = {what: sum(each.what == what for each in found) for what in _WHAT}
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    done = "would change: " if dry_run else ""
    rows = [
        (each.what, each.attribute, each.code, each.scheme, each.display, each.before)
        for each in found[:_SHOWN]
    ]
    columns = ("change", "attribute", "code", "scheme", "display", "before")
    print_table(f"{target}: {done}{told}", columns, rows)
    if len(found) > _SHOWN:
        say(f"… and {len(found) - _SHOWN} more; --json has all of them")


_WHAT: Final = ("added", "changed", "removed")
_SHOWN: Final = 20
"""Changes that are printed: a national code system has more than anybody reads."""
