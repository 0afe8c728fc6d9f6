"""What a piece of work costs: CPU and elapsed time, by repeating it.

CPU is that of this process, user and system, with all of its threads. A figure is the median of the
repeats, so that one disturbance by something else on the machine does not show.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Self

REPEATS: Final = 5
SECONDS: Final = 0.4


@dataclass(frozen=True, slots=True)
class Cost:
    """What one time costs, in microseconds: CPU, and elapsed time."""

    cpu: float
    elapsed: float

    def __add__(self, other: Self) -> "Cost":
        return Cost(self.cpu + other.cpu, self.elapsed + other.elapsed)

    def __mul__(self, times: float) -> "Cost":
        return Cost(self.cpu * times, self.elapsed * times)


def total(costs: Iterable[Cost]) -> Cost:
    """Return the sum."""
    return sum(costs, Cost(0, 0))


def no_other() -> float:
    """Return 0: no other process works along."""
    return 0.0


def costs(
    work: Callable[[], object],
    *,
    times: int = 1,
    seconds: float = SECONDS,
    repeats: int = REPEATS,
    others: Callable[[], float] = no_other,
) -> list[Cost]:
    """Return what one time of `work` costs, for each repeat.

    Parameters
    ----------
    times
        How often one call does the thing that is measured.
    seconds
        How long all repeats together take, about.
    others
        CPU seconds of other processes that work along, such as a database server.
    """
    work()
    began = time.perf_counter()
    work()
    once = max(time.perf_counter() - began, 1e-6)
    rounds = max(1, int(seconds / repeats / once))
    return [_cost(work, rounds, times, others) for _ in range(repeats)]


def median(found: list[Cost]) -> Cost:
    """Return the middle of several costs."""
    return Cost(
        statistics.median(each.cpu for each in found),
        statistics.median(each.elapsed for each in found),
    )


def _cost(work: Callable[[], object], rounds: int, times: int, others: Callable[[], float]) -> Cost:
    cpu, began = time.process_time() + others(), time.perf_counter()
    for _ in range(rounds):
        work()
    elapsed = time.perf_counter() - began
    cpu = time.process_time() + others() - cpu
    each = 1e6 / rounds / times
    return Cost(cpu * each, elapsed * each)
