"""The house is in order: what stands where, how large files are, and what no file may hold."""

import ast
import re
import subprocess
import tomllib
from functools import cache
from importlib.metadata import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

LONGEST = 450
"""Lines of a file that somebody can still find their way in."""
LONGER = {
    "ihe/datatypes.py": "each form of value that XDS took over, in the order of one table",
    "tests/hub/test_database.py": "one door, and what breaks on either side of it",
    "tests/ihe/test_queries_parsing.py": "tables of literals, one a line",
    "tests/registry/test_iti18.py": "what each stored query finds, and does not",
    "tests/registry/test_iti42.py": "what a registration does, and refuses",
}
"""Files that may be longer, and why."""

MACHINE = re.compile(r"(?<![\w.:/-])/(?:home|root|Users|work|mnt|opt/wheels)/\w")
"""A path that only one machine has."""
REGISTRIES = re.compile(
    "|".join(
        rf"\b{host}\b"
        for host in (
            r"py" + r"pi\.org",
            r"pythonhosted" + r"\.org",
            r"npm" + r"js\.(?:org|com)",
            r"docker" + r"\.io",
            r"ghcr" + r"\.io",
            r"quay" + r"\.io",
            r"proxy\.golang" + r"\.org",
            r"deb\.debian" + r"\.org",
        )
    )
)
"""Hosts that packages come from: which, is the business of whoever installs."""


@cache
def tracked() -> tuple[Path, ...]:
    """Return the files of the checkout; without git there is nothing to tell them by."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return tuple(ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file())


def test_every_folder_is_in_the_table_of_the_architecture_page() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(\w+)/` \|", page, flags=re.MULTILINE))
    top = {path.relative_to(ROOT).parts[0] for path in tracked() if path.parent != ROOT}
    assert documented == {name for name in top if not name.startswith(".")}


def test_every_package_of_the_wheel_is_there_and_typed() -> None:
    for name in PACKAGES:
        assert (ROOT / name / "__init__.py").is_file(), name
        assert (ROOT / name / "py.typed").is_file(), name


def test_every_package_is_linted_covered_and_kept_to_its_layer() -> None:
    tools = PROJECT["tool"]
    assert set(tools["importlinter"]["root_packages"]) == set(PACKAGES)
    assert set(tools["coverage"]["run"]["source_pkgs"]) == set(PACKAGES)
    assert set(PACKAGES) < set(tools["mypy"]["files"])
    assert set(PACKAGES) < set(tools["ruff"]["lint"]["isort"]["known-first-party"])


def test_no_file_is_longer_than_somebody_can_take_in() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in tracked()
        if path.suffix == ".py"
    }
    too_long = {name for name, length in lengths.items() if length > LONGEST}
    assert too_long - set(LONGER) == set(), "split it, or give it a reason"
    assert set(LONGER) - too_long == set(), "the reason is not needed any more"


def test_every_module_says_what_it_is() -> None:
    for path in tracked():
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] != "tests":
            source = ast.parse(path.read_text(encoding="utf-8"))
            assert ast.get_docstring(source), path


def test_no_file_knows_a_machine_or_where_packages_come_from() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE.search(line) or REGISTRIES.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []


def test_no_pattern_has_a_possessive_or_atomic_group() -> None:
    """Python 3.11.0 to 3.11.4 let such a group match what it must not; `x*+` of one is safe."""
    unsafe = re.compile(r"(?<!\\)\)(?:[*+?]|\{\d*,?\d*\})\+|\(\?" + ">")
    calls = [
        (path.relative_to(ROOT).as_posix(), ast.unparse(node))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.")
    ]
    assert not [(name, call) for name, call in calls if unsafe.search(call)]


def test_a_decision_has_a_number_of_its_own_and_its_line_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    numbers = [int(path.name[:4]) for path in records]
    assert numbers == list(range(1, len(numbers) + 1))
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", index) == [path.name for path in records]
    for number, path in zip(numbers, records, strict=True):
        heading = path.read_text(encoding="utf-8").partition("\n")[0]
        assert re.fullmatch(rf"# {number}\. .+", heading), path.name


def test_requirements_to_run_are_among_those_to_develop() -> None:
    run, dev = (
        set((ROOT / "requirements" / name).read_text(encoding="utf-8").split())
        for name in ("run.txt", "dev.txt")
    )
    assert run <= dev
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+(;\S+)?", line) for line in dev)


def test_every_pinned_package_runs_on_the_oldest_python_that_is_promised() -> None:
    """Not only on the 3.11 of whoever pinned it: a distribution's 3.11 may be its first."""
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=") + ".0"
    pins = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8").split()
    everywhere = [pin for pin in pins if ";" not in pin]  # others say themselves where they run
    needs = {
        pin: metadata(pin.split("==")[0]).json.get("requires_python", "") for pin in everywhere
    }
    assert not {pin: need for pin, need in needs.items() if oldest not in SpecifierSet(str(need))}
