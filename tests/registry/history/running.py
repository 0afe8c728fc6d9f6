"""Run clients in several processes on one database, and gather their history."""

import multiprocessing
import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait

import psycopg

from tests.registry.history.clients import Plan, begin_together, work
from tests.registry.history.events import History

PROCESSES = 4


def run(
    url: str,
    *,
    clients: int,
    seconds: float,
    seed: int,
    cut: str = "",
    progress: Callable[[float], None] = lambda _: None,
) -> History:
    """Return what `clients` saw in so many seconds.

    Parameters
    ----------
    cut
        URL of the database by which a superuser ends their connections now and then; none if empty.
    """
    processes = min(PROCESSES, clients)
    plans = [Plan(url, n, clients // processes, seed, seconds) for n in range(processes)]
    spawning = multiprocessing.get_context("spawn")
    barrier = spawning.Barrier(processes)
    chance = random.Random(seed)  # noqa: S311  # to be had again
    began = time.monotonic()
    with ProcessPoolExecutor(
        processes, mp_context=spawning, initializer=begin_together, initargs=(barrier,)
    ) as pool:
        working = [pool.submit(work, plan) for plan in plans]
        while not _all_done(working, 0.2):
            progress(time.monotonic() - began)
            if cut:
                _cut_one(cut, chance)
        return sum((each.result() for each in working), History())


def _all_done(working: list[Future[History]], seconds: float) -> bool:
    return not wait(working, timeout=seconds).not_done


def _cut_one(url: str, chance: random.Random) -> None:
    """End one of the clients' connections, whatever it is doing."""
    with psycopg.connect(url, autocommit=True) as connection:
        pids = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'felles'"
            " AND datname = current_database()"
        ).fetchall()
        if pids:
            connection.execute("SELECT pg_terminate_backend(%s)", chance.choice(pids))
