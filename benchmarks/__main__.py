"""What the hub costs and how much memory it takes: `python -m benchmarks`.

```sh
python -m benchmarks                      # SQLite and files, plain HTTP; about two minutes
python -m benchmarks --quick              # fewer requests, 100 MB instead of 1 GB
python -m benchmarks --tls --postgres     # mutual TLS, and a PostgreSQL server started for it
python -m benchmarks --only iti-18 --seconds 10 --json figures.json
python -m benchmarks registry             # the registry, small and large: `benchmarks.registry`
```

benchmarks/README.md says what is measured and how to read it. Nothing here fails because it is
slow; the exit code is 1 when a request was not answered as it should be.
"""

import argparse
import json
import multiprocessing
import os
import platform
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks import memory, processes
from benchmarks.community import ACTORS, Options, running
from benchmarks.memory import Passage
from benchmarks.rates import RATES, Bench, Failed, Rate, names
from benchmarks.registry.command import main as registry
from hub import clock
from tests.databases import NoServer as NoPostgres
from tests.object_stores import NoServer as NoS3

GOALS: Final = {
    "ITI-42": 10.0,
    "ITI-18, 10 entries": 12.0,
    "ITI-18, 100 entries": 5.0,
    "ITI-41, 1 MB": 5.0,
    "ITI-43, 1 MB": 3.0,
}
"""The most CPU that a request should take, as a multiple of its floors."""
GOAL_MB: Final = 150
"""The most memory that a process should take while a document of any size passes."""
MEMORY: Final = ("memory-files", "memory-s3")
_GB, _MB = 1_000_000_000, 1_000_000
_WIDTH: Final = 124


def main() -> int:
    """Measure what the command line says; return the exit code."""
    if sys.argv[1:2] == ["registry"]:
        return registry(sys.argv[2:])
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--tls", action="store_true", help="mutual TLS instead of plain HTTP")
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL instead of SQLite")
    parser.add_argument("--s3", action="store_true", help="S3 instead of files")
    parser.add_argument("--quick", action="store_true", help="fewer requests, and 100 MB")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME",
        help=f"measure this alone, may be repeated: {', '.join((*RATES, *MEMORY))};"
        " or how several of them begin",
    )  # fmt: skip  # an option of several lines
    parser.add_argument("--seconds", type=float, help="time of each measurement, at the most")
    parser.add_argument("--connections", type=int, default=4, help="requests under way at once")
    parser.add_argument("--folder", type=Path, help="where databases and documents go meanwhile")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    wanted = names(arguments.only, (*RATES, *MEMORY))
    if not wanted:
        parser.error(f"--only: one of {', '.join((*RATES, *MEMORY))}, or how some of them begin")
    try:
        _measure(arguments, wanted)
    except (Failed, NoPostgres, NoS3, OSError, RuntimeError) as problem:
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr)
        return 1
    return 0


def _measure(arguments: argparse.Namespace, wanted: list[str]) -> None:
    options = Options(tls=arguments.tls, postgres=arguments.postgres, s3=arguments.s3)
    out = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.folder, prefix="felles-"))
        )
        folder.chmod(0o755)  # a PostgreSQL server runs as somebody else
        spawning = multiprocessing.get_context("spawn")
        client = stack.enter_context(ProcessPoolExecutor(1, mp_context=spawning))
        machine = _machine(folder)
        out.print(_heading(machine, options), soft_wrap=True)
        rates = list(_rates(arguments, wanted, options, client, folder))
        if rates:
            out.print(_rate_table(rates), _floor_table(rates))
        size = 100 * _MB if arguments.quick else _GB
        found: dict[str, list[Passage]] = {}
        for name in names(wanted, MEMORY):
            store = Options(tls=options.tls, postgres=options.postgres, s3=name == "memory-s3")
            try:
                found[str(store)] = list(memory.passages(store, size, client, folder))
            except NoS3 as problem:
                if arguments.only:
                    raise
                out.print(f"memory with S3 is left out: {problem}", soft_wrap=True)
        if found:
            out.print(_memory_table(found, size))
    if arguments.json:
        figures = {
            "machine": machine,
            "options": asdict(options),
            "rates": [_figures(rate) for rate in rates],
            "memory": {
                "octets": size,
                "goal_mb": GOAL_MB,
                "passages": {store: [asdict(way) for way in ways] for store, ways in found.items()},
            },
        }
        arguments.json.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n")


def _rates(
    arguments: argparse.Namespace,
    wanted: list[str],
    options: Options,
    client: ProcessPoolExecutor,
    folder: Path,
) -> "list[Rate]":
    chosen = [RATES[name] for name in wanted if name in RATES]
    if not chosen:
        return []
    where = folder / "rates"
    where.mkdir()
    actors = ACTORS[:2] if {"iti-41", "iti-43"} & set(wanted) else ACTORS[:1]
    with running(where, options, actors) as community:
        bench = Bench(
            community,
            client,
            connections=arguments.connections,
            seconds=arguments.seconds or (1.5 if arguments.quick else 8),
            most=500 if arguments.quick else 20_000,
        )
        return [measure(bench) for measure in chosen]


# --- what is printed -----------------------------------------------------------------------------


def _machine(folder: Path) -> dict[str, Any]:
    return {
        "date": f"{clock.now():%Y-%m-%d}",
        "processor": processes.processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "file system": processes.file_system(folder),
        "load average": round(os.getloadavg()[0], 1),
    }


def _heading(machine: dict[str, Any], options: Options) -> str:
    return (
        f"{machine['date']}, {machine['cores']} x {machine['processor']}, {machine['system']},"
        f" Python {machine['python']}, {machine['file system']},"
        f" load before {machine['load average']}\n{options}; the load client, the actors and their"
        f" servers share these {machine['cores']} cores\n"
    )


def _table(title: str, caption: str, first: str, columns: list[str]) -> Table:
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left")
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column.replace(" ", "\n", 1), justify="right", no_wrap=True)
    return table


def _rate_table(rates: list[Rate]) -> Table:
    columns = ["requests/s", "p50 ms", "p99 ms", "CPU ms", "of which", "floor ms", "CPU ÷ floor"]
    table = _table(
        "Requests",
        "CPU: of the hub and its servers for one request, user and system; client: of the load"
        " client\nfloor: CPU of the floors below together; time ÷ floor: 1/(requests/s) by their"
        " elapsed time",
        "",
        [*columns, "goal", "time ÷ floor", "client ms"],
    )
    for rate in rates:
        parts = "\n".join(f"{name} {each / 1000:.2f}" for name, each in rate.cpu_us.items())
        outcome = rate.outcome
        table.add_row(
            rate.name,
            f"{rate.per_second:.0f}",
            f"{outcome.p50_ms:.1f}",
            f"{outcome.p99_ms:.1f}",
            f"{rate.cpu / 1000:.2f}",
            parts,
            f"{rate.floor.cpu / 1000:.2f}",
            f"{rate.cpu_ratio:.1f}",
            f"≤ {GOALS[rate.name]:g}",
            f"{rate.time_ratio:.1f}",
            f"{outcome.cpu_s * 1000 / outcome.done:.2f}",
        )
    return table


def _floor_table(rates: list[Rate]) -> Table:
    table = _table("Floors", "of one request, once each", "", ["µs of CPU", "µs elapsed"])
    for rate in rates:
        size = f"{rate.request:,} octets in, {rate.answer:,} out"
        table.add_row(f"[bold]{rate.name}[/bold] ({size})")
        for name, cost in rate.floors.items():
            table.add_row(f"  {name}", f"{cost.cpu:.1f}", f"{cost.elapsed:.1f}")
    return table


def _memory_table(found: dict[str, list[Passage]], size: int) -> Table:
    table = _table(
        f"Memory while one document of {size // _MB:,} MB passes, in MB (10^6 octets)",
        f"peak of each process (VmHWM), and before; goal: under {GOAL_MB} whatever the size",
        "",
        [*ACTORS, "s", "MB/s", "CPU s"],
    )
    for store, ways in found.items():
        table.add_row(f"[bold]{store}[/bold]")
        for way in ways:
            memory_ = [f"{way.peak_mb[each]:.0f} ({way.before_mb[each]:.0f})" for each in ACTORS]
            elapsed = way.transfer.elapsed_s
            spent = sum(way.cpu_s.values())
            speed = f"{size / _MB / elapsed:.0f}"
            table.add_row(f"  {way.name}", *memory_, f"{elapsed:.1f}", speed, f"{spent:.1f}")
    return table


def _figures(rate: Rate) -> dict[str, Any]:
    return asdict(rate) | {
        "per_second": rate.per_second,
        "cpu_ratio": rate.cpu_ratio,
        "time_ratio": rate.time_ratio,
        "goal": GOALS[rate.name],
    }


if __name__ == "__main__":
    sys.exit(main())
