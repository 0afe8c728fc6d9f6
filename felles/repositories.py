"""`felles repository`: what an operator does to a repository's documents, beside serving them."""

import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from felles.connection import ActorConfig
from felles.output import Exit, failures, print_json, print_table, say, working
from hub import settings
from hub.settings import SettingsError
from repository.app import open_blobs
from repository.blobs.port import Blobs, is_key
from repository.index import Index, open_index
from repository.scrubbing import Scrubbed, Verdict, limited_to, orphans, scrub

app = typer.Typer(
    name="repository",
    help="The repository's documents: checking them, and moving them.",
    no_args_is_help=True,
)
_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
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
                wait = limited_to(octets) if octets else None

                def read(count: int) -> None:
                    moved(0, count)
                    if wait is not None:
                        wait(count)

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
