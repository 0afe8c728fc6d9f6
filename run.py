"""Runs Felles from a fresh checkout: `python3 run.py demo`, `python3 run.py test`.

It needs Python 3.11 or newer and the package index. The first time it makes an environment in
`.venv` from the pinned requirements; it does so again when these have changed. Everything else is
the project's own commands:

```text
python3 run.py demo …      felles demo …          any other command of `felles` too
python3 run.py test …      the tests (pytest …)
python3 run.py check …     what CI checks: format, lint, imports, types, spelling; then the tests
```
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
OLDEST = (3, 11)
CHECKS = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("codespell",),
    ("lint-imports", "--no-logo"),
    ("mypy",),
)


def program(name: str) -> str:
    """Return the path of a program in the environment."""
    folder = "Scripts" if os.name == "nt" else "bin"
    return str(ENVIRONMENT / folder / name)


def prepare(requirements: str) -> None:
    """Make the environment hold the pinned requirements and the project, unless it does."""
    wanted = ROOT / "requirements" / requirements
    project = ROOT / "pyproject.toml"
    stamp = hashlib.sha256(wanted.read_bytes() + project.read_bytes()).hexdigest()
    marker = ENVIRONMENT / f"{wanted.stem}.installed"
    if marker.is_file() and marker.read_text() == stamp:
        return
    print(f"Preparing {ENVIRONMENT.name} from requirements/{requirements} …", file=sys.stderr)
    if not Path(program("python")).exists():
        try:
            venv.create(ENVIRONMENT, with_pip=True)
        except subprocess.CalledProcessError:
            sys.exit("Python's venv cannot install pip; on Debian: apt install python3-venv")
    install = (program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*install, "--requirement", str(wanted))
    run(*install, "--no-deps", "--editable", str(ROOT))
    marker.write_text(stamp)


def run(*command: str) -> None:
    """Run a command in the checkout; end with its exit code when it fails."""
    ended = subprocess.run(command, cwd=ROOT, check=False)
    if ended.returncode:
        sys.exit(ended.returncode)


def become(*command: str) -> None:
    """Let a command take this process's place: signals reach it, and its exit code counts."""
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606  # the project's own program


def main(arguments: list[str]) -> None:
    """Do what the command line asks for."""
    if sys.version_info < OLDEST:
        sys.exit(f"Python {'.'.join(map(str, OLDEST))} or newer is needed")
    if not arguments:
        sys.exit(__doc__)
    if arguments[0] in {"-h", "--help"}:
        print(__doc__)
        return
    what, *rest = arguments
    if what not in {"test", "check"}:
        prepare("run.txt")
        become(program("felles"), *arguments)
    prepare("dev.txt")
    if what == "check":
        for check in CHECKS:
            run(program(check[0]), *check[1:])
    os.chdir(ROOT)
    become(program("pytest"), *(rest or ("-n", "2")))


if __name__ == "__main__":
    main(sys.argv[1:])
