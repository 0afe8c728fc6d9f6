"""Look for contradictions in what many clients see: `python -m tests.registry.history`.

```sh
python -m tests.registry.history --seconds 120 --clients 32 --seed 7
python -m tests.registry.history --seconds 60 --cut        # connections are cut meanwhile
```

Exit code 1 when the history cannot be true.
"""

import argparse
import sys
import time
from collections import Counter

from registry.store.sql import migrate_store
from tests.databases import running_postgres
from tests.registry.history.checking import check
from tests.registry.history.events import History
from tests.registry.history.running import run


def main() -> int:
    """Run what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.registry.history")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cut", action="store_true", help="cut connections now and then")
    given = parser.parse_args()
    with running_postgres(fsync="on") as server, server.database() as url:
        migrate_store(url)
        history = run(
            url,
            clients=given.clients,
            seconds=given.seconds,
            seed=given.seed,
            cut=url if given.cut else "",
            progress=lambda done: _say(f"\r{max(0, done):.0f} s", end=""),
        )
    _say(f"\r{summary(history)}")
    began = time.monotonic()
    problems = check(history)
    _say(f"checked in {time.monotonic() - began:.1f} s: {len(problems)} contradictions")
    for problem in problems[:20]:
        _say(f"  {problem}")
    return 1 if problems else 0


def _say(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


def summary(history: History) -> str:
    """Return how much happened."""
    outcomes = Counter(write.outcome.value for write in history.writes)
    codes = Counter(code for write in history.writes for code in write.codes)
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    return (
        f"{len(history.reads)} reads, {len(history.writes)} writes ({told});"
        f" refused with {dict(codes.most_common())}"
    )


if __name__ == "__main__":
    sys.exit(main())
