"""The benchmarks run; how fast is not asked."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fuzz.__main__ import main as fuzz
from benchmarks.fuzz.targets import TARGETS, Target

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


@pytest.mark.timeout(600)  # a process for each target
def test_the_readers_are_fuzzed_for_a_moment(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.fuzz", "--runs", "300", "--seed", "1"),
            *("--findings", str(tmp_path / "findings")),
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name in TARGETS:
        assert f"{name} … 300 inputs, 0 findings" in done.stdout


def test_a_finding_is_kept_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without guidance, in this process: a reader that lets something out is found."""

    def one(data: bytes) -> None:
        if len(data) != 5:
            raise RuntimeError

    target = Target(one, lambda: iter((b"seeds",)))
    monkeypatch.setitem(TARGETS, "mime", target)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    findings = tmp_path / "findings"
    options = ("--only", "mime", "--runs", "500", "--seed", "7", "--findings", str(findings))
    assert fuzz(options) == 1
    (found,) = findings.iterdir()
    assert len(found.read_bytes()) != 5
    with pytest.raises(RuntimeError):
        fuzz(("--only", "mime", "--replay", str(found)))
