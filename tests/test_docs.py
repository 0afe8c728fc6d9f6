"""The documents say what the code does, and the tables in them are those of the code."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from docs import generate
from docs import settings as settings_page
from docs.markdown import MADE_BY
from ihe import errors, queries, rules, transactions
from ihe.errors import ErrorCode

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = sorted(
    [
        *ROOT.glob("*.md"),
        *(page for folder in ("docs", "docker", "tests") for page in (ROOT / folder).rglob("*.md")),
    ]
)
"""Every page, generated ones too."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


# --- generated pages -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    present = (generate.FOLDER / name).read_text(encoding="utf-8")
    assert present == generate.PAGES[name](), "run `python -m docs.generate`"


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_generated_page_begins_with_the_command_that_makes_it(name: str) -> None:
    first = (generate.FOLDER / name).read_text(encoding="utf-8").partition("\n")[0]
    assert first == MADE_BY
    assert "python -m docs.generate" in first


def test_what_an_actor_serves_is_in_the_catalogue() -> None:
    served = [each.transaction for serves in generate.SERVED.values() for each in serves]
    assert served
    for each in served:
        assert each in transactions.CATALOGUE, each.name


def test_the_catalogue_is_in_the_order_of_its_numbers_and_each_action_is_of_one_transaction() -> (
    None
):
    numbers = [each.number for each in transactions.CATALOGUE]
    assert numbers == sorted(numbers)
    assert len({each.action for each in transactions.CATALOGUE}) == len(numbers)


def test_every_error_code_is_documented() -> None:
    page = (generate.FOLDER / "errors.md").read_text(encoding="utf-8")
    for code in ErrorCode:
        assert errors.CATALOGUE[code].meaning.endswith("."), code
        assert f"| `{code}` |" in page


def test_every_rule_and_every_stored_query_has_its_place() -> None:
    page = (generate.FOLDER / "rules.md").read_text(encoding="utf-8")
    assert [number for number in rules.RULES if f"| {number} |" not in page] == []
    page = (generate.FOLDER / "queries.md").read_text(encoding="utf-8")
    assert [query for query in queries.CATALOGUE if f"`{query}`" not in page] == []


def test_every_setting_has_a_description() -> None:
    for place in settings_page.places():
        for name, field in place.model.model_fields.items():
            assert field.description, f"{'.'.join(place.names)}.{name} has no docstring"
            assert field.description.endswith("."), f"{name}: {field.description}"


def test_every_option_of_every_command_has_a_description() -> None:
    page = (generate.FOLDER / "commands.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith(("| `-", "| `A"))]
    assert rows
    for row in rows:
        assert not row.endswith("| |"), row


# --- pages that people write ---------------------------------------------------------------------


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = _without_code(page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_the_files_and_names_that_a_page_speaks_of_are_there(page: Path) -> None:
    for name in _quoted(page.read_text(encoding="utf-8")):
        assert _exists(name), f"{name_of(page)} speaks of `{name}`"


def _quoted(text: str) -> Iterator[str]:
    """Yield what stands between back-quotes and looks like a file, a name or a test of ours."""
    for quoted in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", _without_code(text)):
        is_file = re.fullmatch(r"[a-z_./]+/[\w./-]*\.(py|md|toml|yaml|xsd|mako)", quoted)
        is_name = re.fullmatch(rf"({'|'.join(_packages())})(\.\w+)+", quoted)
        if is_file or is_name or re.fullmatch(r"test_\w+", quoted):
            yield quoted


def _packages() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages: list[str] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return [*packages, "docs", "tests", "benchmarks"]


def _exists(name: str) -> bool:
    """Tell whether a file, a setting, a test or a dotted name stands for something."""
    if "/" in name:
        return (ROOT / name).exists()
    if name.startswith("test_"):
        return any(f"def {name}(" in each for each in _tests())
    if name in _settings():
        return True
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        base = ROOT.joinpath(*parts[:length])
        if not base.is_dir() and not base.with_suffix(".py").is_file():
            continue
        source = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
        rest = parts[length:]
        return not rest or (
            source.is_file()
            and re.search(rf"\b{rest[0]}\b", source.read_text(encoding="utf-8")) is not None
        )
    return False


@cache
def _tests() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")] + [
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("contract*.py")
    ]


@cache
def _settings() -> set[str]:
    return {
        ".".join((*place.names, name))
        for place in settings_page.places()
        for name in place.model.model_fields
    }


def _without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
