"""`felles repository`: scrubbing and moving documents, and being ended at any moment."""

import hashlib
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from felles.cli import app
from felles.output import Exit
from repository.blobs.filesystem import FilesystemBlobs
from tests.felles.test_commands import FELLES, Ended, environment
from tests.repository.scene import Scene, sqlite_index

pytestmark = pytest.mark.system


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Give a repository on files, and settings that name it."""
    (tmp_path / "felles.toml").write_text(
        f'[repository]\ndatabase = "sqlite:///{tmp_path}/repository.sqlite"\n'
        f'blobs = "file:{tmp_path}/documents"\nstaging = "{tmp_path}/staging"\n'
    )
    with sqlite_index(tmp_path) as index:
        yield Scene(index, FilesystemBlobs(tmp_path / "documents"))


def content(number: int) -> bytes:
    return b"document %d" % number * 1000


def key(number: int) -> str:
    return hashlib.sha256(content(number)).hexdigest()


def path(folder: Path, number: int) -> Path:
    return folder / "blobs" / key(number)[:2] / key(number)


def run(folder: Path, name: str, *arguments: str) -> Ended:
    words = ["repository", name, *arguments, "--config", str(folder / "felles.toml")]
    ended = CliRunner().invoke(app, words)
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


def started(folder: Path, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*FELLES, "repository", name, *arguments, "--config", "felles.toml"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_sound_documents_end_a_scrub_well(scene: Scene, tmp_path: Path) -> None:
    scene.provide(*map(content, range(5)))
    ended = run(tmp_path, "scrub", "--json", "--rate", "1GB")
    assert ended.code == Exit.SUCCESS
    assert ended.json == {
        "sound": 5,
        "octets": 50_000,
        "missing": 0,
        "altered": 0,
        "wrong_size": 0,
        "contradicted": 0,
        "ambiguous": 0,
        "orphans": 0,
    }


def test_what_is_wrong_is_named_by_its_key_alone(scene: Scene, tmp_path: Path) -> None:
    scene.provide(*map(content, range(5)))
    path(tmp_path / "documents", 1).write_bytes(b"rot")
    path(tmp_path / "documents", 2).unlink()
    ended = run(tmp_path, "scrub")
    assert ended.code == Exit.FAILURE
    assert set(ended.err.splitlines()) == {f"altered: {key(1)}", f"missing: {key(2)}"}
    (aside,) = (tmp_path / "documents" / "quarantine").iterdir()
    assert aside.read_bytes() == b"rot"


def test_a_scrub_that_is_killed_goes_on_where_it_was(scene: Scene, tmp_path: Path) -> None:
    scene.provide(*map(content, range(60)))
    wrong = min(range(60), key=key)
    path(tmp_path / "documents", wrong).write_bytes(b"rot")
    cursor = tmp_path / "cursor.json"
    process = started(tmp_path, "scrub", "--rate", "100KB", "--cursor", str(cursor))
    while not cursor.exists() and process.poll() is None:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    noted = json.loads(cursor.read_text())
    assert 0 < noted["sound"] + noted["altered"] < 60, "it was ended in the middle"
    ended = run(tmp_path, "scrub", "--json", "--cursor", str(cursor))
    assert ended.code == Exit.FAILURE, "what was found before counts"
    told = ended.json
    assert (told["sound"], told["altered"], told["missing"]) == (59, 1, 0), "none looked at twice"
    assert not cursor.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sample", "0%"), "--sample"),
        (("--sample", "5"), "--sample"),
        (("--rate", "fast"), "--rate"),
        (("--rate", "0"), "--rate"),
        (("--cursor", "felles.toml"), "--cursor"),
    ],
)
def test_wrong_use_of_a_scrub_is_told(
    scene: Scene, arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    scene.provide(b"letter")
    words = [str(tmp_path / each) if each.endswith(".toml") else each for each in arguments]
    ended = run(tmp_path, "scrub", *words)
    assert (ended.code, said in ended.err) == (Exit.USAGE, True), ended.err
