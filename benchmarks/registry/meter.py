"""Calls one thing many times, and says how long it took and what it cost."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from hub.database import Database

Call: TypeAlias = Callable[[int], object]

_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one call, in microseconds: elapsed, and CPU of this process and of the server's."""

    p50: float
    p99: float
    per_second: float
    cpu: float
    server_cpu: float


def measure(call: Call, calls: int, database: Database) -> Figures:
    """Call something so often, after as many calls as it takes to be warm."""
    warm = max(20, calls // 10)
    for number in range(warm):
        call(number)
    cpu, server = time.process_time(), server_cpu(database)
    times = []
    for number in range(warm, warm + calls):
        began = time.perf_counter()
        call(number)
        times.append(time.perf_counter() - began)
    each = 1e6 / calls
    return Figures(
        p50=statistics.median(times) * 1e6,
        p99=statistics.quantiles(times, n=100)[98] * 1e6,
        per_second=calls / sum(times),
        cpu=(time.process_time() - cpu) * each,
        server_cpu=(server_cpu(database) - server) * each,
    )


def server_cpu(database: Database) -> float:
    """Return the CPU seconds of the server's connections, if it runs on this machine."""
    if database.dbms != "postgresql":
        return 0.0
    ask = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
    pids = database.ask(lambda driver: driver.execute(ask).fetchall())
    ticks = 0
    for (pid,) in pids:
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists():
            ticks += sum(map(int, stat.read_text().rpartition(") ")[2].split()[11:13]))
    return ticks / _TICKS
