"""How fast the registry is when it is small and when it is large.

```sh
python -m benchmarks registry                                   # PostgreSQL, 10,000 documents
python -m benchmarks registry --entries 10000,1000000,5000000   # half an hour, 45 GB of disk
python -m benchmarks registry --entries 1000000 --partitions 16
python -m benchmarks registry --sqlite
```

Each size is a store of its own, filled afresh (`benchmarks.registry.filling`), with the patients
who are asked about spread over all of it. What is asked is warm: it was asked a little before.
Beside each figure stands what the driver alone takes for the same statement in the same store. A
server that is started for it keeps its promises: fsync and synchronous_commit are on. It is asked
from a thread beside the main one, as the hub is. Whether the C library gives the memory of a large
answer back to the system each time depends on how the heap happens to lie: 500 documents cost 5 ms
of CPU or, with some 1,800 page faults, 10; their floor 2 or 7.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks.registry import questions
from benchmarks.registry.meter import Figures, measure
from benchmarks.registry.questions import Question
from benchmarks.registry.world import World
from hub.database import connect
from registry.store.sql import migrate_store
from registry.store.tables import marks
from tests.databases import PostgresServer, running_postgres

GOAL: Final = 1.3
"""The most that the median time of a query may grow from the smallest store to the largest."""
_SERVER: Final = {
    "fsync": "on",
    "full_page_writes": "on",
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "maintenance_work_mem": "512MB",
    "jit": "off",
}
_WRITERS: Final = 8
_WIDTH: Final = 124


def main(arguments: Sequence[str]) -> int:
    """Measure what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks registry", description=__doc__.partition("\n")[0]
    )
    parser.add_argument(
        "--entries", default="10000", help="documents in each store, separated by commas"
    )
    parser.add_argument("--sqlite", action="store_true", help="SQLite instead of PostgreSQL")
    parser.add_argument("--partitions", type=int, default=0, help="of the tables of objects")
    parser.add_argument("--calls", type=int, default=2_000, help="calls of each measurement")
    given = parser.parse_args(arguments)
    try:
        sizes = sorted({int(size) for size in given.entries.split(",")})
    except ValueError:
        parser.error("--entries: numbers separated by commas, such as 10000,1000000")
    out = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    found: dict[int, dict[str, tuple[Figures, Figures]]] = {}
    with ExitStack() as stack:
        server = None if given.sqlite else stack.enter_context(running_postgres(**_SERVER))
        thread = stack.enter_context(ThreadPoolExecutor(1))
        for size in sizes:
            with _store(server) as url:
                migrate_store(url, partitions=given.partitions)
                found[size] = thread.submit(_measured, out, url, size, given.calls).result()
            out.print(_table(size, found[size]))
    if len(sizes) > 1:
        out.print(_growth(sizes, found))
    return 0


@contextmanager
def _store(server: PostgresServer | None) -> Iterator[str]:
    if server is not None:
        with server.database() as url:
            yield url
    else:
        folder = Path(tempfile.mkdtemp(prefix="felles-"))
        try:
            yield f"sqlite:///{folder / 'registry.sqlite'}"
        finally:
            shutil.rmtree(folder)


def _measured(out: Console, url: str, size: int, calls: int) -> dict[str, tuple[Figures, Figures]]:
    found = {}
    database = connect(url, what="the benchmark's database", marks=marks.name, timeout_s=7200)
    try:
        world = World(database)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeRemainingColumn(), console=out) as bar:
            task = bar.add_task(f"filling with {size:,} documents", total=size)
            world.fill(size, lambda done: bar.update(task, completed=done))
        out.print(f"load before measuring: {os.getloadavg()[0]:.1f}")
        for question in (
            *questions.queries(world, calls),
            questions.registration(world, min(calls, 1000)),
        ):
            found[question.name] = _both(question, world)
        rate = questions.at_once(world, _WRITERS, min(calls, 1000) // 4)
        out.print(f"ITI-42 by {_WRITERS} writers at once: {rate:.0f} documents a second, durable")
    finally:
        database.close()
    return found


def _both(question: Question, world: World) -> tuple[Figures, Figures]:
    floor = measure(question.floor, question.calls, world.database)
    return measure(question.call, question.calls, world.database), floor


# --- what is printed -----------------------------------------------------------------------------


def _table(size: int, found: dict[str, tuple[Figures, Figures]]) -> Table:
    table = Table(
        title=f"{size:,} documents",
        caption="µs of one call, one thread; CPU: of this process, and of the server's beside it;"
        " floor: the same SQL by the driver alone",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("", no_wrap=True)
    for column in (
        "p50",
        "p99",
        "per s",
        "CPU",
        "server",
        "floor p50",
        "floor CPU",
        "p50 ÷",
        "CPU ÷",
    ):
        table.add_column(column, justify="right", no_wrap=True)
    for name, (figures, floor) in found.items():
        bare = floor.cpu + floor.server_cpu
        table.add_row(
            name,
            *(f"{each:,.0f}" for each in (figures.p50, figures.p99, figures.per_second)),
            f"{figures.cpu:,.0f}",
            f"{figures.server_cpu:,.0f}",
            f"{floor.p50:,.0f}",
            f"{bare:,.0f}",
            f"{figures.p50 / floor.p50:.2f}",
            f"{(figures.cpu + figures.server_cpu) / bare:.2f}" if bare else "",
        )
    return table


def _growth(sizes: list[int], found: dict[int, dict[str, tuple[Figures, Figures]]]) -> Table:
    small, large = sizes[0], sizes[-1]
    table = Table(
        title=f"Growth from {small:,} to {large:,} documents",
        caption=f"of the median, goal: at most {GOAL}; of CPU, the server's included; of the median"
        " of the driver alone",
        title_justify="left",
        caption_justify="left",
    )
    for column in ("", "p50", "goal", "CPU", "floor p50"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for name, (figures, floor) in found[large].items():
        before, floor_before = found[small][name]
        growth = figures.p50 / before.p50
        met = "met" if growth <= GOAL else "missed"
        cpu = figures.cpu + figures.server_cpu
        of_floor = floor.p50 / floor_before.p50
        cpu_growth = cpu / (before.cpu + before.server_cpu)
        table.add_row(name, f"{growth:.2f}", met, f"{cpu_growth:.2f}", f"{of_floor:.2f}")
    return table
