"""`felles repository`: what an operator does to a repository's documents, beside serving them."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from felles.connection import ActorConfig
from felles.output import Exit, failures, print_json, print_table, say, working
from hub import clock, settings
from hub.settings import SettingsError
from repository.app import open_blobs
from repository.blobs.port import Blobs, is_key
from repository.index import Index, open_index
from repository.moving import Moved, are_one, copy_all, delete_moved, verify_all
from repository.scrubbing import Read, Scrubbed, Verdict, limited_to, orphans, scrub

app = typer.Typer(
    name="repository",
    help="The repository's documents: checking them, and moving them.",
    no_args_is_help=True,
)
_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
_GRACE: Final = timedelta(hours=1)
"""Age of staged files that nobody works on any more; the sweeper's."""
_SAID: Final = frozenset(Verdict) - {Verdict.SOUND, Verdict.GONE}


@app.command("scrub")
def scrub_documents(
    rate: Annotated[
        str | None,
        typer.Option(
            help="Octets a second to read at the most, as in `50MB`; no limit if left out."
        ),
    ] = None,
    sample: Annotated[
        str, typer.Option(help="Which part of the documents to read, taken at random.")
    ] = "100%",
    cursor: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="File that notes how far it came; with it there, go on from there. Removed when"
            " all is done.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    config: ActorConfig = None,
) -> None:
    """Read every document that is kept, and find those that are not what was stored.

    It may run beside the repository. Altered documents are moved into the quarantine of the store
    and never deleted; providing the same document again heals it. Blobs that no document holds are
    only counted: the repository removes them itself. Exit code 1 if anything is wrong.
    """
    with failures():
        part, octets = _part(sample), _octets(rate) if rate is not None else None
        found = _begun(cursor)
        with _opened(config) as (index, blobs):
            total = index.extent()
            with working("scrubbing", *(round(part * each) for each in total)) as moved:
                read = _reading(moved, limited_to(octets) if octets else None)
                moved(found.sound + found.wrong, found.octets)
                for key, verdict, latest in scrub(
                    index, blobs, begun=found, sample=part, read=read
                ):
                    found = latest
                    moved(1, 0)
                    if verdict in _SAID:
                        say(f"{verdict.value}: {key}")
                    if cursor is not None:
                        _note(cursor, found)
            loose, ambiguous = orphans(index, blobs), index.ambiguous()
        if cursor is not None:
            cursor.unlink(missing_ok=True)
        result = {
            **{name: value for name, value in asdict(found).items() if name != "after"},
            "ambiguous": ambiguous,
            "orphans": loose,
        }
        if as_json:
            print_json(result)
        else:
            rows = [(_WORDS[name], f"{value:,}") for name, value in result.items()]
            print_table("What was found", ("documents", "number"), rows)
        raise typer.Exit(Exit.FAILURE if found.wrong or ambiguous else Exit.SUCCESS)


@app.command("migrate")
def migrate_documents(
    to: Annotated[
        str,
        typer.Option(
            envvar="FELLES_MIGRATE_TO",
            help="Where they go: `file:path`, or `s3+https://access:secret@host:port/bucket`. In"
            " the variable, no list of processes shows its secret.",
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            envvar="FELLES_MIGRATE_FROM",
            help="Where they are; what the settings name, if left out.",
        ),
    ] = None,
    authorities: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="PEM file of the authorities that the S3 servers are trusted by; that of the"
            " settings, if left out.",
        ),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            help="Octets a second to copy at the most, as in `50MB`; no limit if left out."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Tell what would be copied, and copy nothing. The folder or bucket is made, which"
            " shows that it can be.",
        ),
    ] = False,
    delete_source: Annotated[
        bool,
        typer.Option(
            "--delete-source",
            help="After the switch, with --from: when every document was read from the new place"
            " and is right, delete the old ones.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    config: ActorConfig = None,
) -> None:
    """Copy all documents to another store, beside the repository that goes on with the old one.

    Each is checked against its hash on the way. After whatever ended it, start it again: what is
    there is not copied twice. Then switch `repository.blobs`, restart, and run it once more with
    --from for what came in between. Exit code 4 if some documents are missing or altered.
    """
    with failures():
        own = settings.load(config).repository
        if delete_source and (dry_run or source is None or own.blobs != to):
            raise SettingsError(
                "--delete-source: the repository must run on the new store first: expected"
                " `repository.blobs` to be what --to says, --from the old store, and no --dry-run"
            )
        wait = limited_to(_octets(rate)) if rate is not None else None
        places = [
            settings.changed(
                own, blobs=each, blobs_authorities=authorities or own.blobs_authorities
            )
            for each in (source or own.blobs, to)
        ]
        with (
            closing(open_index(own.database)) as index,
            closing(open_blobs(places[0])) as old,
            closing(open_blobs(places[1])) as new,
        ):
            new.ready()
            if not dry_run:
                new.clean(clock.now() - _GRACE)  # what a kill has left
                if are_one(old, new):
                    raise SettingsError("--to: the documents are there; expected another place")
            result = _migrate(index, old, new, wait, dry=dry_run)
            whole = not result["missing"] + result["altered"]
            if delete_source and whole:
                whole = _verified(index, new, wait)
                result["deleted"] = delete_moved(index, old, new) if whole else 0
        if as_json:
            print_json({"dry_run": dry_run, **result})
        else:
            title = "What would become of them" if dry_run else "What became of them"
            rows = [(name.replace("_", " "), f"{value:,}") for name, value in result.items()]
            print_table(title, ("documents", "number"), rows)
        if whole and not dry_run and own.blobs != to:
            say(
                "All documents are there. Set `repository.blobs` to the new store and restart the"
                " repository; then run this again with --from and the old store, for what came in"
                " between."
            )
        raise typer.Exit(Exit.SUCCESS if whole else Exit.PARTIAL)


def _migrate(
    index: Index, old: Blobs, new: Blobs, wait: Read | None, *, dry: bool
) -> dict[str, int]:
    """Copy in passes until one finds nothing to copy; return what became of all documents."""
    copied = octets = 0
    while True:
        last: Counter[Moved] = Counter()
        problems: dict[str, Moved] = {}
        with working("copying", *index.extent()) as moved:
            read = _reading(moved, wait)
            for held, became in copy_all(index, old, new, read=read, dry=dry):
                last[became] += 1
                octets += held.size if became is Moved.COPIED else 0
                moved(1, 0 if became is Moved.COPIED and not dry else held.size)
                if became in {Moved.MISSING, Moved.ALTERED}:
                    problems[held.key] = became
        copied += last[Moved.COPIED]
        if dry or not last[Moved.COPIED]:
            break
    for key, became in problems.items():
        say(f"{became.value}: {key}")
    return {
        "copied": copied,
        "octets": octets,
        "there_already": max(0, last[Moved.THERE] - (0 if dry else copied)),
        "missing": last[Moved.MISSING],
        "altered": last[Moved.ALTERED],
    }


def _verified(index: Index, new: Blobs, wait: Read | None) -> bool:
    """Tell whether every document can be read from the new store and is right."""
    good = True
    with working("verifying", *index.extent()) as moved:
        for held, found in verify_all(index, new, read=_reading(moved, wait)):
            moved(1, 0)
            if found in {Moved.MISSING, Moved.ALTERED}:
                say(f"{found.value} in the new store, nothing is deleted: {held.key}")
                good = False
    return good


def _reading(moved: Any, wait: Read | None) -> Read:
    """Return what shows octets that were read, and waits if they come too fast."""

    def read(octets: int) -> None:
        moved(0, octets)
        if wait is not None:
            wait(octets)

    return read


_WORDS: Final = {
    "sound": "sound",
    "octets": "octets read",
    "missing": "missing",
    "altered": "altered, now in the quarantine",
    "wrong_size": "of another size than the index says",
    "contradicted": "the index contradicts itself",
    "ambiguous": "uniqueIds kept with several contents",
    "orphans": "orphans, left to the repository",
}


@contextmanager
def _opened(config: Path | None) -> Iterator[tuple[Index, Blobs]]:
    """Open what the settings name."""
    own = settings.load(config).repository
    with closing(open_index(own.database)) as index, closing(open_blobs(own)) as blobs:
        blobs.ready()
        yield index, blobs


def _part(text: str) -> float:
    """Return a part of one, of `5%`."""
    matched = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text.strip())
    part = float(matched[1]) / 100 if matched else 0.0
    if not 0 < part <= 1:
        raise SettingsError(f"--sample: found '{text}', expected more than 0% and at most 100%")
    return part


def _octets(text: str) -> int:
    """Return octets, of `50MB`."""
    matched = re.fullmatch(r"(\d+)\s*([KMG]?)B?", text.strip().upper())
    if matched is None or not int(matched[1]):
        raise SettingsError(f"--rate: found '{text}', expected octets a second, as in 50MB")
    return int(matched[1]) * _UNITS[matched[2]]


def _begun(cursor: Path | None) -> Scrubbed:
    """Return how far an earlier round came."""
    if cursor is None or not cursor.exists():
        return Scrubbed()
    try:
        noted: dict[str, Any] = json.loads(cursor.read_text("utf-8"))
        found = replace(Scrubbed(), **noted)
        counts = (value for name, value in noted.items() if name != "after")
        if is_key(found.after) and all(isinstance(value, int) for value in counts):
            return found
    except (ValueError, TypeError):
        pass
    raise SettingsError(f"--cursor: {cursor} is not a file that an earlier round has written")


def _note(cursor: Path, found: Scrubbed) -> None:
    """Put down how far it came; a kill leaves the file as it was, or as it shall be."""
    new = cursor.with_name(cursor.name + ".new")
    new.write_text(json.dumps(asdict(found)), "utf-8")
    new.replace(cursor)
