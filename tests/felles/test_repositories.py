"""`felles repository`: scrubbing and moving documents, and being ended at any moment."""

import contextlib
import hashlib
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from felles.cli import app
from felles.output import Exit
from hub.settings import RepositorySettings
from repository.app import open_blobs
from repository.blobs.filesystem import FilesystemBlobs
from repository.blobs.port import Blobs
from tests.felles.test_commands import FELLES, Ended, environment
from tests.object_stores import s3_url  # noqa: F401  # a fixture
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


# --- migrate -------------------------------------------------------------------------------------


@pytest.fixture(params=["files", pytest.param("s3", marks=pytest.mark.s3)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of a store that nobody uses yet."""
    if request.param == "files":
        return f"file:{tmp_path}/other"
    new: Callable[[], str] = request.getfixturevalue("s3_url")
    return new()


@contextlib.contextmanager
def opened(url: str, tmp_path: Path) -> Iterator[Blobs]:
    own = RepositorySettings(blobs=url, staging=tmp_path / "staging")
    with contextlib.closing(open_blobs(own)) as blobs:
        yield blobs


def keys(url: str, tmp_path: Path) -> set[str]:
    with opened(url, tmp_path) as blobs:
        return {each.key for each in blobs.list()}


def switch(tmp_path: Path, url: str) -> None:
    """Let the settings name another store."""
    path = tmp_path / "felles.toml"
    path.write_text(path.read_text().replace(f"file:{tmp_path}/documents", url))


def counts(ended: Ended) -> tuple[int, int, int, int]:
    told = ended.json
    return told["copied"], told["there_already"], told["missing"], told["altered"]


def test_all_documents_are_moved_and_those_that_come_later_too(
    scene: Scene, target: str, tmp_path: Path
) -> None:
    scene.provide(*map(content, range(5)), b"")
    dry = run(tmp_path, "migrate", "--to", target, "--dry-run", "--json")
    assert (dry.code, counts(dry)) == (Exit.SUCCESS, (6, 0, 0, 0)), dry.err
    assert keys(target, tmp_path) == set()
    ended = run(tmp_path, "migrate", "--to", target, "--json")
    assert (ended.code, counts(ended)) == (Exit.SUCCESS, (6, 0, 0, 0)), ended.err
    assert "restart" in ended.err
    assert target.partition("@")[0] not in ended.out + ended.err or target.startswith("file:")
    assert keys(target, tmp_path) == {each.key for each in scene.blobs.list()}
    scene.provide(content(7), first=7)
    again = run(tmp_path, "migrate", "--to", target, "--json")
    assert counts(again) == (1, 6, 0, 0)
    with opened(target, tmp_path) as blobs:
        moved = blobs.read(key(7))
        assert moved is not None
        assert b"".join(moved.chunks()) == content(7)


def test_the_old_store_is_emptied_only_after_the_switch(
    scene: Scene, target: str, tmp_path: Path
) -> None:
    scene.provide(*map(content, range(5)))
    old = f"file:{tmp_path}/documents"
    emptying = ["migrate", "--to", target, "--from", old, "--delete-source", "--json"]
    refused = run(tmp_path, *emptying)
    assert (refused.code, scene.blob_count()) == (Exit.USAGE, 5)
    assert run(tmp_path, "migrate", "--to", target).code == Exit.SUCCESS
    scene.provide(content(9), first=9)  # between the last pass and the restart
    switch(tmp_path, target)
    ended = run(tmp_path, *emptying)
    assert (ended.code, counts(ended)) == (Exit.SUCCESS, (1, 5, 0, 0)), ended.err
    assert ended.json["deleted"] == 6
    assert scene.blob_count() == 0
    assert run(tmp_path, "scrub").code == Exit.SUCCESS


def test_nothing_is_deleted_when_the_new_store_is_not_right(scene: Scene, tmp_path: Path) -> None:
    scene.provide(*map(content, range(3)))
    old, new = f"file:{tmp_path}/documents", f"file:{tmp_path}/other"
    assert run(tmp_path, "migrate", "--to", new).code == Exit.SUCCESS
    switch(tmp_path, new)
    moved = path(tmp_path / "other", 1)
    moved.write_bytes(b"x" + moved.read_bytes()[1:])
    ended = run(tmp_path, "migrate", "--to", new, "--from", old, "--delete-source")
    assert (ended.code, key(1) in ended.err) == (Exit.PARTIAL, True)
    assert scene.blob_count() == 3


def test_what_is_wrong_in_the_old_store_is_named_and_not_copied(
    scene: Scene, target: str, tmp_path: Path
) -> None:
    scene.provide(*map(content, range(4)))
    path(tmp_path / "documents", 1).write_bytes(b"rot")
    path(tmp_path / "documents", 2).unlink()
    ended = run(tmp_path, "migrate", "--to", target, "--json")
    assert (ended.code, counts(ended)) == (Exit.PARTIAL, (2, 0, 1, 1))
    assert set(ended.err.splitlines()) == {f"altered: {key(1)}", f"missing: {key(2)}"}
    assert keys(target, tmp_path) == {key(0), key(3)}
    assert not list((tmp_path / "staging").glob("*")), "nothing half-done stays"


def test_a_move_that_is_killed_goes_on_where_it_was(
    scene: Scene, target: str, tmp_path: Path
) -> None:
    scene.provide(*map(content, range(60)))
    with opened(target, tmp_path) as blobs:
        blobs.ready()
        for _ in range(2):
            before = len(list(blobs.list()))
            process = started(tmp_path, "migrate", "--to", target, "--rate", "100KB")
            while len(list(blobs.list())) <= before + 1 and process.poll() is None:
                pass
            process.send_signal(signal.SIGKILL)
            process.wait()
        present = {each.key for each in blobs.list()} & {key(number) for number in range(60)}
        assert 0 < len(present) < 60, "it was ended in the middle"
        ended = run(tmp_path, "migrate", "--to", target, "--json")
        assert (ended.code, counts(ended)) == (
            Exit.SUCCESS,
            (60 - len(present), len(present), 0, 0),
        )
        for number in range(60):
            moved = blobs.read(key(number))
            assert moved is not None
            assert b"".join(moved.chunks()) == content(number)


def test_documents_that_come_while_it_runs_are_moved_too(scene: Scene, tmp_path: Path) -> None:
    scene.provide(*map(content, range(30)))
    process = started(tmp_path, "migrate", "--to", f"file:{tmp_path}/other", "--rate", "300KB")
    while not list((tmp_path / "other").glob("blobs/*/*")) and process.poll() is None:
        pass
    assert process.poll() is None
    for number in range(100, 110):
        scene.provide(content(number), first=number)
    assert process.wait(60) == Exit.SUCCESS
    assert keys(f"file:{tmp_path}/other", tmp_path) == {each.key for each in scene.blobs.list()}


def test_one_place_by_two_names_is_refused(scene: Scene, tmp_path: Path) -> None:
    scene.provide(content(1))
    (tmp_path / "link").symlink_to(tmp_path / "documents")
    old, new = f"file:{tmp_path}/documents", f"file:{tmp_path}/link"
    switch(tmp_path, new)
    ended = run(tmp_path, "migrate", "--to", new, "--from", old, "--delete-source")
    assert (ended.code, "--to" in ended.err) == (Exit.USAGE, True)
    assert [each.key for each in scene.blobs.list()] == [key(1)]
