"""`felles demo`: shows the whole of it on this machine, and says whether all of it was right."""

import json
import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import certs
from felles.demo.communities import COMMUNITIES
from felles.demo.processes import ACTORS, Member, Process, end, is_running
from felles.demo.running import NURSE, Check, Demonstration, members_of
from felles.demo.scene import Scene, made_up
from felles.demo.telling import PATIENTS
from felles.documents import print_entries
from felles.output import ERR, OUT, Exit, failures, print_errors, print_json, print_table, say
from hub import clock
from hub.settings import DATA, SettingsError

KEPT: Final = DATA / "demo"
_SUMMARY: Final = "demo.json"


def demo(
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave the communities running, and write where they are."),
    ] = False,
    stop: Annotated[
        bool, typer.Option("--stop", help="End the communities that --keep left running.")
    ] = False,
    folder: Annotated[
        Path, typer.Option(file_okay=False, help="Where --keep puts everything.")
    ] = KEPT,
    out: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, help=f"Where --keep writes its JSON; FOLDER/{_SUMMARY} if not given."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Let five communities on this machine share made-up documents, and look at them as a nurse.

    Four hospital regions and the municipalities' shared record, each with its own registry,
    repository, gateway and certificates. Exit code 0 only if everything was as it has to be.
    """
    with failures():
        summary = out or folder / _SUMMARY
        if stop:
            running = _running(summary)
            end(running)
            say(f"{len(running) or 'no'} communities of {summary} were running; none is now")
            return
        if keep:
            _refuse_second(summary)
            _refuse_others(folder, summary)
            shutil.rmtree(folder, ignore_errors=True)
            shown = _show(folder.absolute(), keep=True, quiet=as_json)
            summary.parent.mkdir(parents=True, exist_ok=True)
            summary.write_text(json.dumps(_description(shown), ensure_ascii=False, indent=2) + "\n")
            say(f"the communities go on; {summary} says where. `{_stopping(summary)}` ends them")
        else:
            with tempfile.TemporaryDirectory(prefix="felles-demo-") as fresh:
                shown = _show(Path(fresh), keep=False, quiet=as_json)
    ok = all(check.ok for check in shown.checks)
    if as_json:
        print_json({"ok": ok, "checks": [_as_json(check) for check in shown.checks]})
    else:
        _print_checks(shown.checks)
    raise typer.Exit(Exit.SUCCESS if ok else Exit.FAILURE)


def _show(folder: Path, *, keep: bool, quiet: bool) -> Demonstration:
    """Run the whole story below a folder; with `keep`, every community runs at its end."""
    at = clock.now()
    scene = made_up(at)
    with _progress(quiet=quiet) as step, _terminable():
        shown = Demonstration(
            members=members_of(COMMUNITIES, folder, folder / "certs"),
            certificates=folder / "certs",
            lasting=keep,
            step=step,
        )
        finished = False
        try:
            shown.start(at)
            _tell(shown, scene, folder, quiet=quiet)
            finished = True
        finally:
            for process in shown.processes.values():
                if keep and finished:
                    process.leave()
                else:
                    process.stop()
    return shown


def _tell(shown: Demonstration, scene: Scene, folder: Path, *, quiet: bool) -> None:
    """Go through the steps of the story; `quiet` keeps tables off the terminal."""
    shown.share_all(scene.shared)
    shown.knock()
    fetched = folder / "fetched"
    fetched.mkdir()
    with shown.nurse() as client:
        found = shown.find(client, scene.patient_id, scene.expected)
        if not quiet:
            print_entries(found, {one.home_community_id: one.name for one in shown.members})
        wanted = next((each for each in found if each.unique_id == scene.wanted_unique_id), None)
        if wanted is None:
            shown.check("document of another region fetched", "it was not found", ok=False)
        else:
            shown.fetch(client, wanted, scene.wanted, fetched)
        stopped = next(one for one in shown.members if one.slug == scene.stops)
        response = shown.find_without(client, scene.patient_id, scene.expected, stopped)
        if not quiet:
            print_errors(response.errors)
    if shown.lasting:
        shown.step(f"{stopped.name} starts again")
        shown.start_member(stopped)
        shown.processes[stopped.slug].wait_ready()


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Any]:
    """Show what is being done, on standard error; yields what says so."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=ERR,
        transient=True,
        disable=quiet,
    ) as progress:
        task = progress.add_task("making up documents", total=None)
        yield lambda words: progress.update(task, description=words)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that nothing is left running."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


# --- what is left behind -------------------------------------------------------------------------


def _left_running(summary: Path) -> list[tuple[int, Path]]:
    """Return what an earlier `--keep` left running: process ids and their settings."""
    try:
        told = json.loads(summary.read_text(encoding="utf-8"))
        return [(each["pid"], Path(each["settings"])) for each in told["communities"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise SettingsError(f"{summary} is not what --keep wrote: {problem}") from None


def _running(summary: Path) -> list[tuple[int, Path]]:
    return [one for one in _left_running(summary) if is_running(*one)]


def _stopping(summary: Path) -> str:
    """Return the command that ends what `--keep` left running."""
    usual = summary == KEPT / _SUMMARY
    return shlex.join(["felles", "demo", "--stop", *(() if usual else ("--out", str(summary)))])


def _refuse_second(summary: Path) -> None:
    if _running(summary):
        raise SettingsError(
            f"the communities of {summary} are running already; `{_stopping(summary)}` ends them"
        )


def _refuse_others(folder: Path, summary: Path) -> None:
    """Refuse a folder that holds anything but an earlier demo: it is about to be removed."""
    names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    communities = {each.slug for each in COMMUNITIES}
    ours = communities | {"certs", "fetched", _SUMMARY, summary.name}
    if names - ours or (names and not names & communities):
        raise SettingsError(f"{folder} holds more than an earlier demo: name a new folder")


def _description(shown: Demonstration) -> dict[str, Any]:
    """Return where everything is: endpoints, OIDs, certificates, process ids."""
    authorities = certs.files(shown.certificates, "ca").certificate
    nurse = certs.files(shown.certificates, NURSE)
    return {
        "authorities": str(authorities),
        "patients": [str(patient.patient_id) for patient in PATIENTS],
        "national_gateway": shown.national_gateway.url("gateway/initiating"),
        "consumer": {"certificate": str(nurse.certificate), "key": str(nurse.key)},
        "communities": [
            _member_as_json(member, shown.processes[member.slug]) for member in shown.members
        ],
    }


def _member_as_json(member: Member, process: Process) -> dict[str, Any]:
    return {
        "name": member.name,
        "home_community_id": member.home_community_id,
        "repository_unique_id": member.repository_unique_id,
        **{path: member.url(path) for path in (*ACTORS, "gateway/initiating")},
        "certificates": {
            name: {
                "certificate": str(member.tls(name).certificate),
                "key": str(member.tls(name).key),
            }
            for name in (*ACTORS, "source")
        },
        "settings": str(member.settings),
        "log": str(member.log),
        "pid": process.pid,
    }


# --- what is said --------------------------------------------------------------------------------


def _as_json(check: Check) -> dict[str, Any]:
    return {
        "what": check.what,
        "found": check.found,
        "ok": check.ok,
        "milliseconds": check.milliseconds and round(check.milliseconds, 1),
    }


def _print_checks(checks: Sequence[Check]) -> None:
    rows = [
        (
            "[green]✓[/green]" if check.ok else "[bold red]✗[/bold red]",
            check.what,
            check.found,
            "" if check.milliseconds is None else f"{check.milliseconds:,.0f} ms",
        )
        for check in checks
    ]
    print_table("Felles demo", ("", "what", "what came of it", "took"), rows)
    right = sum(check.ok for check in checks)
    OUT.print(f"{right} of {len(checks)} as they have to be")
