"""What the registry does when more comes than it can take: `python -m benchmarks.overload`.

```sh
python -m benchmarks.overload                              # 1,000 a second for 60 s, two workers
python -m benchmarks.overload --rate 400 --seconds 20 --connections 600 --json figures.json
```

Each message is an ITI-42 of a new patient with one document, sent when it is due and not when the
answer before it is there (`benchmarks.arrivals`); the registry runs as its users run it, on a
PostgreSQL server that is started for it and that makes every commit durable. Load client, server
and workers share the machine.

Afterwards the database is looked at: every acknowledged submission is there whole, nothing that
was refused is, and what got no answer is there whole or not at all. The exit code is 1 when one of
these is not so.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks import messages, processes
from benchmarks.arrivals import Arrivals, Outcome, Schedule
from benchmarks.community import Community, Options, running
from hub import loop_thread

_EVERY_S: Final = 1.0
_WHOLE: Final = """
    SELECT s.unique_id, count(*)
    FROM submission_set s JOIN association a ON a.source = s.uuid
        JOIN document_entry e ON e.uuid = a.target
    WHERE e.unique_id LIKE s.unique_id || '.%' GROUP BY s.unique_id
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What of the messages the registry has, by their numbers."""

    sets: frozenset[int]
    entries: frozenset[int]
    whole: frozenset[int]

    def problems(self, outcome: Outcome) -> list[str]:
        """Return what is not as the registry said."""
        some = self.sets | self.entries
        found = {
            "acknowledged, and not there whole": outcome.acknowledged.keys() - self.whole,
            "refused, and there": outcome.refused.keys() & some,
            "never sent, and there": outcome.unsent & some,
            "there in parts": some - self.whole,
        }
        return [f"{len(numbers)} {what}" for what, numbers in found.items() if numbers]


def kept(url: str) -> Kept:
    """Look at what a registry's PostgreSQL database has of messages of `benchmarks.messages`."""
    with psycopg.connect(url) as connection:
        sets = connection.execute("SELECT unique_id FROM submission_set").fetchall()
        entries = connection.execute("SELECT unique_id FROM document_entry").fetchall()
        whole = connection.execute(_WHOLE).fetchall()
    return Kept(_numbers(sets), _numbers(entries), _numbers(whole))


def _numbers(rows: Sequence[tuple[Any, ...]]) -> frozenset[int]:
    return frozenset(int(str(row[0]).split(".")[2]) for row in rows)


async def _measured(schedule: Schedule, pids: Sequence[int]) -> tuple[Outcome, list[list[float]]]:
    """Send a schedule; return what came of it, and the memory of each process every second."""
    memory: list[list[float]] = []

    async def watch() -> None:
        while True:
            memory.append([processes.rss_mb(pid) for pid in pids])
            await asyncio.sleep(_EVERY_S)

    watching = asyncio.create_task(watch())
    try:
        return await Arrivals(schedule).run(), memory
    finally:
        watching.cancel()


def main() -> int:
    """Offer what the command line says; return the exit code."""
    chosen = _arguments()
    with tempfile.TemporaryDirectory(prefix="felles-overload-") as name:
        options = Options(postgres=True, workers=chosen.workers)
        with running(Path(name), options, ("registry",)) as community:
            figures = _offer(chosen, community)
    _print(figures)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if figures["problems"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.overload", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--rate", type=float, default=1_000.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--connections", type=int, default=800, help="of the load client")
    parser.add_argument("--workers", type=int, default=2, help="of the registry")
    parser.add_argument("--json", type=Path, help="write the figures into this file, too")
    return parser.parse_args()


def _offer(chosen: argparse.Namespace, community: Community) -> dict[str, Any]:
    to = community.target("registry")
    pids = processes.spawned(community.pids["registry"])
    schedule = Schedule(
        to=to,
        message=messages.register(to),
        first=messages.FIRST,
        rate=chosen.rate,
        seconds=chosen.seconds,
        connections=chosen.connections,
    )
    before, own = community.cpu_s(), sum(os.times()[:2])
    outcome, memory = loop_thread.run(_measured(schedule, pids))
    cpu = {name: after - before[name] for name, after in community.cpu_s().items()}
    cpu["load client"] = sum(os.times()[:2]) - own
    return {
        "offered": schedule.most,
        "offered_per_s": chosen.rate,
        "seconds": chosen.seconds,
        "workers": len(pids),
        "connections": chosen.connections,
        "acknowledged": len(outcome.acknowledged),
        "acknowledged_per_s": len(outcome.acknowledged) / chosen.seconds,
        "refused": dict(outcome.refusals),
        "lost": len(outcome.lost),
        "unsent": len(outcome.unsent),
        "acknowledged_ms": _percentiles(list(outcome.acknowledged.values())),
        "refused_ms": _percentiles(outcome.refused_s),
        "memory_mb": [_memory(list(column)) for column in zip(*memory, strict=True)],
        "cpu_s": cpu,
        "problems": kept(community.databases["registry"]).problems(outcome),
    }


def _percentiles(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds) or [0.0]
    at = {f"p{p}": ordered[len(ordered) * p // 100] for p in (50, 95, 99)}
    return {name: round(1000 * value, 1) for name, value in {**at, "max": ordered[-1]}.items()}


def _memory(samples: list[float]) -> dict[str, float]:
    """Return memory at the start, in the middle and at the end: medians of a tenth of the time."""
    tenth = max(1, len(samples) // 10)
    middle = len(samples) // 2
    return {
        "first": round(samples[0], 1),
        "after_a_tenth": round(statistics.median(samples[tenth : 2 * tenth] or samples), 1),
        "middle": round(statistics.median(samples[middle : middle + tenth]), 1),
        "end": round(statistics.median(samples[-tenth:]), 1),
        "most": round(max(samples), 1),
    }


def _print(figures: dict[str, Any]) -> None:
    for name, value in figures.items():
        sys.stdout.write(f"{name:>18}  {value}\n")


if __name__ == "__main__":
    sys.exit(main())
