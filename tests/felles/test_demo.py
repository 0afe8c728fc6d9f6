"""The demo from its command, with communities in processes of their own."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from felles.output import Exit
from tests.felles.test_commands import FELLES, environment, felles

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_everything_is_as_it_has_to_be(tmp_path: Path) -> None:
    ended = felles("demo", "--json", folder=tmp_path)
    assert ended.code == Exit.SUCCESS, ended.out + ended.err
    assert ended.json["ok"] is True
    assert [check["what"] for check in ended.json["checks"]] == [
        "communities answer",
        "documents registered",
        "no connection without a certificate",
        "documents found everywhere",
        "document of another region fetched",
        "partial answer without Helse Midt-Norge",
    ]
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_communities_that_are_kept_can_be_used_and_ended(tmp_path: Path) -> None:
    kept = felles("demo", "--keep", "--out", "demo.json", folder=tmp_path)
    assert kept.code == Exit.SUCCESS, kept.out + kept.err
    told = json.loads((tmp_path / "demo.json").read_text())
    pids = [each["pid"] for each in told["communities"]]
    try:
        assert all(map(is_running, pids))
        client = "\n".join(
            f'{name} = "{told["national_gateway"]}"'
            for name in ("registry", "repository", "retrieve")
        )
        files = {**told["consumer"], "authorities": told["authorities"]}
        tls = "\n".join(f'{name} = "{path}"' for name, path in files.items())
        (tmp_path / "client.toml").write_text(f"[client]\n{client}\n[tls]\n{tls}\n")
        found = felles(
            *("find", "--patient", told["patients"][0], "--config", "client.toml", "--json"),
            folder=tmp_path,
        )
        assert found.code == Exit.SUCCESS, found.err
        homes = {each["home_community_id"] for each in found.json["documents"]}
        assert homes == {each["home_community_id"] for each in told["communities"]}
        again = felles("demo", "--keep", "--out", "demo.json", folder=tmp_path)
        assert again.code == Exit.USAGE
        assert "running already" in again.err
    finally:
        stopped = felles("demo", "--stop", "--out", "demo.json", folder=tmp_path)
    assert stopped.code == Exit.SUCCESS, stopped.err
    assert not any(map(is_running, pids))


@pytest.mark.parametrize("name", ["thesis.txt", "certs"])
def test_a_folder_of_somebody_else_is_kept(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine" / name).mkdir(parents=True)
    ended = felles("demo", "--keep", "--folder", "mine", folder=tmp_path)
    assert ended.code == Exit.USAGE
    assert "name a new folder" in ended.err
    assert (tmp_path / "mine" / name).is_dir()


def test_to_stop_what_does_not_run_is_told(tmp_path: Path) -> None:
    ended = felles("demo", "--stop", folder=tmp_path)
    assert ended.code == Exit.SUCCESS
    assert "no communities" in ended.err


def test_a_demo_that_is_told_to_end_leaves_nothing_running(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    demo = subprocess.Popen(
        [*FELLES, "demo"],
        cwd=tmp_path,
        env={**environment(), "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while len(list(temporary.glob("*/*/log.jsonl"))) < 5 and demo.poll() is None:
        os.sched_yield()
    demo.send_signal(signal.SIGTERM)
    demo.communicate(timeout=60)
    assert demo.returncode not in {0, None}
    assert list(temporary.iterdir()) == [], "its folder is gone, and so are those who used it"
