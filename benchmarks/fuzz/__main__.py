"""Fuzz the readers: `python -m benchmarks.fuzz`.

```sh
python -m benchmarks.fuzz                             # each target for a minute
python -m benchmarks.fuzz --only mime --seconds 3600
python -m benchmarks.fuzz --runs 2000 --seed 1        # the same inputs each time, as the tests do
python -m benchmarks.fuzz --only mime --replay FILE   # a finding once more, with its traceback
```

Inputs that reached something new are kept in `--corpus`, if it is given, and the next run begins
with them. Exit code 1 when there was a finding.
"""

import argparse
import importlib.util
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.fuzz.targets import TARGETS, Target

ROOT: Final = Path(__file__).resolve().parents[2]
SECONDS_OF_ONE: Final = 2
"""What one input may take, instrumented."""
MEMORY_MB: Final = 512
"""What the whole process may take; 150 MB of it are libraries and what watches them."""

_DONE: Final = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a target: inputs tried, edges of code reached, files with findings."""

    name: str
    runs: int
    edges: int
    seconds: float
    findings: tuple[Path, ...]
    said: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fuzz", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--only", action="append", choices=list(TARGETS), metavar="NAME")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--runs", type=int, help="inputs for each target, instead of a time")
    parser.add_argument("--seed", type=int, default=0, help="0 takes another one each time")
    parser.add_argument("--corpus", type=Path, help="folder for inputs that reached something new")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run one input")
    given = parser.parse_args(arguments)
    names = given.only or list(TARGETS)
    if given.replay:
        for name in names:
            TARGETS[name].one(given.replay.read_bytes())
        print("nothing found")
        return 0
    out = Console(highlight=False)
    guided = importlib.util.find_spec("atheris") is not None
    if not guided:
        out.print("atheris is not installed here: inputs are mutated without guidance")
    outcomes = []
    for name in names:
        out.print(f"{name} …", end=" ")
        with tempfile.TemporaryDirectory(prefix="felles-fuzz-") as folder:
            fuzz = _guided if guided else _unguided
            outcomes.append(fuzz(name, given, Path(folder)))
        out.print(f"{outcomes[-1].runs:,} inputs, {len(outcomes[-1].findings)} findings")
    out.print(_table(outcomes, guided=guided))
    for outcome in outcomes:
        for path in outcome.findings:
            out.print(
                f"again: python -m benchmarks.fuzz --only {outcome.name} --replay {path}",
                soft_wrap=True,
            )
        if outcome.findings:
            print(outcome.said, file=sys.stderr)
    return 1 if any(outcome.findings for outcome in outcomes) else 0


# --- with atheris --------------------------------------------------------------------------------


def _guided(name: str, given: argparse.Namespace, folder: Path) -> Outcome:
    target = TARGETS[name]
    corpus = (given.corpus or folder) / name
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = folder / "seeds"
    seeds.mkdir()
    for number, seed in enumerate(target.seeds()):
        (seeds / str(number)).write_bytes(seed)
    words = folder / "words"
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in target.words))
    given.findings.mkdir(parents=True, exist_ok=True)
    before = set(given.findings.iterdir())
    limit = f"-runs={given.runs}" if given.runs else f"-max_total_time={given.seconds}"
    began = time.monotonic()
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "benchmarks.fuzz.child", name, str(corpus), str(seeds), limit),
            *(f"-seed={given.seed}", f"-dict={words}", f"-max_len={target.longest}"),
            *(f"-timeout={SECONDS_OF_ONE}", f"-rss_limit_mb={MEMORY_MB}", "-print_final_stats=1"),
            f"-artifact_prefix={given.findings.resolve()}/{name}-",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    runs = edges = 0
    last: deque[str] = deque(maxlen=80)
    assert child.stdout is not None
    with Console().status(name) as status:  # moves on a terminal, and is silent in a file
        for line in child.stdout:
            last.append(line)
            if progress := _DONE.match(line):
                runs, edges = int(progress[1]), int(progress[2])
                status.update(f"{name}: {runs:,} inputs, {edges:,} edges of code")
    said = "".join(last)
    findings = tuple(sorted(set(given.findings.iterdir()) - before))
    if child.wait() and not findings:
        raise SystemExit(f"{name}: the fuzzer could not run\n{said}")
    if not any(given.findings.iterdir()):
        given.findings.rmdir()
    return Outcome(name, runs, edges, time.monotonic() - began, findings, said)


def _quoted(word: bytes) -> str:
    return "".join(f"\\x{octet:02x}" for octet in word)


# --- without -------------------------------------------------------------------------------------


def _unguided(name: str, given: argparse.Namespace, _folder: Path) -> Outcome:
    target = TARGETS[name]
    chance = random.Random(given.seed or None)  # noqa: S311  # to be had again, not secret
    seeds = list(target.seeds())
    began, runs, said = time.monotonic(), 0, ""
    findings: list[Path] = []
    while runs < given.runs if given.runs else time.monotonic() < began + given.seconds:
        data = mutated(chance.choice(seeds), target, chance)
        runs += 1
        try:
            target.one(data)
        except Exception as problem:  # noqa: BLE001  # whatever it is, it is what is looked for
            given.findings.mkdir(parents=True, exist_ok=True)
            path = given.findings / f"{name}-{runs}"
            path.write_bytes(data)
            findings.append(path)
            said = repr(problem)
            break
    return Outcome(name, runs, 0, time.monotonic() - began, tuple(findings), said)


def mutated(data: bytes, target: Target, chance: random.Random) -> bytes:
    """Return an input with some places changed."""
    made = bytearray(data)
    changes: tuple[Callable[[int, int], bytes], ...] = (
        lambda at, _: bytes((made[at] ^ 1 << chance.randrange(8),)),
        lambda _, __: bytes((chance.randrange(256),)),
        lambda _, __: chance.choice(target.words or (b"",)),
        lambda _, __: b"",
        lambda at, to: bytes(made[at:to]) * 2,
    )
    for _ in range(chance.randint(1, 8)):
        if not made:
            break
        at = chance.randrange(len(made))
        to = min(len(made), at + chance.choice((1, 1, 4, 64)))
        made[at:to] = chance.choice(changes)(at, to)
    return bytes(made[: target.longest])


def _table(outcomes: Sequence[Outcome], *, guided: bool) -> Table:
    table = Table(
        title="Fuzzing" if guided else "Fuzzing without guidance",
        caption=f"an input may take {SECONDS_OF_ONE} s, the process {MEMORY_MB} MB",
        title_justify="left",
        caption_justify="left",
    )
    for column in ("target", "inputs", "per s", "edges of code", "findings"):
        table.add_column(column, justify="left" if column == "target" else "right")
    for each in outcomes:
        table.add_row(
            each.name,
            f"{each.runs:,}",
            f"{each.runs / each.seconds:,.0f}",
            f"{each.edges:,}" if guided else "",
            str(len(each.findings)),
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
