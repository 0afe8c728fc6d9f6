"""A long run of the machine, with its progress.

python -m tests.registry.model --steps 20000 --seed 7
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from hypothesis import seed
from hypothesis.stateful import run_state_machine_as_test

from tests.databases import running_postgres
from tests.registry.model.comparing import Difference
from tests.registry.model.engines import engines
from tests.registry.model.machine import RegistryMachine, machine_on, profile

STEPS = 80
"""Steps of one run: the registry then holds some dozens of objects."""
RUNS = 200
"""Runs of one search: Hypothesis begins each with the simplest ones."""
EVERY_S = 10.0
"""Seconds between two lines of progress."""


def main() -> int:
    """Run the machine; return 0, or end with the difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without-postgres", action="store_true")
    parser.add_argument("--at-once", action="store_true", help="do not look for a shorter way")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="felles-model-")))
        url = None
        if not chosen.without_postgres:
            server = stack.enter_context(running_postgres())
            url = stack.enter_context(server.database())
        machine = machine_on(stack.enter_context(engines(folder, url)))
        machine.ended = staticmethod(_progress(machine))
        turn = 0
        while machine.steps["steps"] < chosen.steps:
            runs = min(RUNS, 1 + (chosen.steps - machine.steps["steps"]) // (STEPS // 2))
            try:
                run_state_machine_as_test(
                    seed(chosen.seed * 1_000_003 + turn)(machine),
                    settings=profile(runs, STEPS, shrinks=not chosen.at_once),
                )
            except Difference:
                print(f"a difference after {machine.steps['steps']} steps")  # noqa: T201  # a program for a terminal
                raise
            turn += 1
    for step, times in sorted(machine.steps.items()):
        print(f"{times:7} {step}")  # noqa: T201  # as above
    print(f"no difference in {machine.steps['steps']} steps")  # noqa: T201  # as above
    return 0


def _progress(machine: type[RegistryMachine]) -> Callable[[], None]:
    began = last = time.monotonic()

    def tell() -> None:
        nonlocal last
        if (now := time.monotonic()) >= last + EVERY_S:
            last = now
            line = f"{machine.steps['steps']:7} steps, {now - began:6.0f} s"
            print(line, flush=True)  # noqa: T201  # as above

    return tell


if __name__ == "__main__":
    sys.exit(main())
