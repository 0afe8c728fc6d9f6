"""The examples in the documents work: settings can be read, code runs."""

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import certs
from docs import settings as settings_page
from gateway.communities import read_communities
from hub import settings
from ihe import rules
from ihe.model import LocalizedString
from ihe.rules.declaring import RuleBook, Strictness
from ihe.rules.subject import Subject
from ihe.vocabulary import Status
from tests import samples
from tests.running import Running, running

DOCS = Path(__file__).resolve().parent.parent / "docs"
SECRETS = {
    "registry-database": "postgresql://felles:made-up@10.0.0.21/registry",
    "repository-database": "postgresql://felles:made-up@10.0.0.21/repository",
    "repository-blobs": "s3+https://felles:made-up@10.0.0.31:9000/documents",
}


def blocks(page: str, language: str) -> list[str]:
    """Return the code of a page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE)


# --- operating.md --------------------------------------------------------------------------------


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Give the settings of operating.md, with secrets in files of this test."""
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(f"{value}\n")
    path = tmp_path / "felles.toml"
    path.write_text(blocks("operating.md", "toml")[0].replace("/run/secrets", str(tmp_path)))
    return path


def test_the_settings_of_operating_can_be_read(example: Path) -> None:
    chosen = settings.load(example)
    assert chosen.registry.database == SECRETS["registry-database"]
    assert chosen.repository.blobs == SECRETS["repository-blobs"]
    known = {each.repository_unique_id for each in chosen.gateway.repositories}
    assert known == {chosen.repository.repository_unique_id}
    strictness = {name: Strictness(how) for name, how in chosen.registry.strictness.items()}
    assert strictness
    assert rules.check_strictness(strictness) == []


def test_the_settings_of_operating_have_every_table(example: Path) -> None:
    values: Any = tomllib.loads(example.read_text())
    for place in settings_page.places():
        if place.names == ("tls",):
            continue  # each actor has its own
        table = values
        for name in place.names:
            table = table[name]
        assert table


def test_the_communities_of_operating_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "communities.toml"
    path.write_text(blocks("operating.md", "toml")[1])
    (community,) = read_communities(path)
    assert (community.name, community.deadline_s) == ("Helse Nord", 5)


# --- client.md -----------------------------------------------------------------------------------


@pytest.fixture
def community(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "community") as community:
        yield community


def test_the_code_of_the_client_runs(
    community: Running,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "letter.txt").write_text("Made up for a test.\n")
    certs.create_authority(tmp_path, "an authority", at=datetime.now(UTC))
    certs.issue(tmp_path, "client", at=datetime.now(UTC))
    names: dict[str, Any] = {}
    for code in blocks("client.md", "python"):
        here = code.replace(
            "https://gateway.hospital.example:8443/gateway/initiating", community.initiating
        ).replace("https://repository.hospital.example:8442/repository", community.repository)
        exec(compile(here, "docs/client.md", "exec"), names)  # noqa: S102  # our own page
    try:
        assert names["response"].ok
        assert [str(each.title) for each in names["found"].objects] == ["Discharge letter"]
        assert names["some"].objects == names["found"].objects
        (document,) = names["result"].documents
        assert document.path.read_text() == "Made up for a test.\n"
        (now,) = names["client"].query(names["queries"].find_documents(names["patient"])).objects
        assert now.unique_id == names["new"].unique_id
        assert now.availability_status == Status.APPROVED
        assert "Discharge letter" in capsys.readouterr().out
    finally:
        names["client"].close()


# --- recipes.md ----------------------------------------------------------------------------------


def test_the_rule_of_the_recipe_is_one() -> None:
    (code,) = blocks("recipes.md", "python")
    book = RuleBook[Subject]()
    names: dict[str, Any] = {"VALUES": book}
    exec("from ihe.rules.values import *", names)  # noqa: S102  # what its module has at hand
    for module in ("declaring", "subject"):
        exec(f"from ihe.rules.{module} import *", names)  # noqa: S102  # as above
    names |= {"VALUES": book, "Iterator": Iterator}
    exec(compile(re.sub(r"^   ", "", code, flags=re.MULTILINE), "recipe", "exec"), names)  # noqa: S102  # our own page
    (rule,) = book.rules
    assert rule.id not in rules.RULES, "a number that is free"
    entry = samples.entry(title=LocalizedString(""))
    profile = rules.Profile()
    assert not list(book.apply(Subject(samples.submission(), profile), profile))
    (error,) = book.apply(Subject(samples.submission(entry), profile), profile)
    assert error.rule == rule.id
