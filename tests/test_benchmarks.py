"""The benchmarks run; how fast is not asked."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *options],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.system
def test_a_transaction_is_measured_beside_its_floors(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = run(
        *("--quick", "--tls", "--seconds", "0.3", "--only", "iti-18-10"),
        *("--folder", str(tmp_path), "--json", str(figures)),
    )
    assert done.returncode == 0, done.stderr
    assert "share these" in done.stdout
    (rate,) = json.loads(figures.read_text())["rates"]
    assert rate["name"] == "ITI-18, 10 entries"
    assert rate["outcome"]["done"] > 0
    assert set(rate["floors"]) == {"parse", "read rows", "join", "exchange"}
    assert rate["cpu_ratio"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"], "the rest is gone"


def test_a_name_that_nothing_has_is_refused() -> None:
    done = run("--only", "iti-99")
    assert done.returncode == 2
    assert "iti-42, iti-18-10" in done.stderr


@pytest.mark.postgres
def test_the_registry_is_measured_small_and_large() -> None:
    done = run("registry", "--entries", "5000,6000", "--calls", "20")
    assert done.returncode == 0, done.stderr
    assert "5,000 documents" in done.stdout
    assert "Growth from 5,000 to 6,000 documents" in done.stdout
    assert "ITI-42 by 8 writers at once" in done.stdout
