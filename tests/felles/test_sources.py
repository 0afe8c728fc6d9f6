"""What `felles registry load` reads: whole archives, files alone, and no more than there may be."""

import io
import json
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from felles.cli import app
from felles.output import Exit
from felles.sources import MOST, Source, messages
from hub.settings import SettingsError
from ihe.transactions import ITI_42
from tests.hub.posting import request

pytestmark = pytest.mark.system


def tarred(*members: tuple[str, bytes], mode: Any = "w") -> bytes:
    octets = io.BytesIO()
    with tarfile.open(fileobj=octets, mode=mode) as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return octets.getvalue()


MANY = [(f"{number}.xml", bytes([number]) * 600) for number in range(1, 21)]


CUT = 5 * (512 + 1024)
"""Where the sixth of them begins."""


@pytest.mark.parametrize("damage", ["cut", "cut in a header", "cut in a file", "altered", "gone"])
def test_a_damaged_tar_is_not_taken_for_a_whole_one(damage: str, tmp_path: Path) -> None:
    """What reads the headers takes the first that it cannot read for the end."""
    data = bytearray(tarred(*MANY))
    match damage:
        case "cut":
            del data[CUT:]
        case "cut in a header":
            del data[CUT + 200 :]
        case "cut in a file":
            del data[CUT + 700 :]
        case "altered":
            data[CUT + 20] ^= 0xFF
        case _:
            data[CUT : CUT + 512] = bytes(512)
    path = tmp_path / "old.tar"
    path.write_bytes(data)
    with pytest.raises(SettingsError, match=r"old\.tar is no whole archive"):
        list(messages([path]))


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_compressed_stream_is_read_to_its_checksum(mode: str, tmp_path: Path) -> None:
    whole = tarred(*MANY, mode=mode)
    path = tmp_path / "old"
    path.write_bytes(whole)
    assert [each.data for each in messages([path])] == [data for _, data in MANY]
    path = tmp_path / "old.tar.x"
    path.write_bytes(whole[:-6])  # all members are there, the end of the compression is not
    with pytest.raises(SettingsError, match="no whole archive"):
        list(messages([path]))
    words = ["registry", "load", "-", "--config", str(tmp_path / "felles.toml")]
    database = f'database = "sqlite:///{tmp_path}/registry.sqlite"'
    (tmp_path / "felles.toml").write_text(f"[registry]\n{database}\n")
    piped = CliRunner().invoke(app, words, input=whole[:-6])
    assert (piped.exit_code, "standard input is no whole" in piped.stderr) == (Exit.USAGE, True)


def test_what_follows_the_end_of_a_tar_is_not_lost_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "old.tar"
    path.write_bytes(tarred(*MANY[:2]) + tarred(*MANY[2:]))
    with pytest.raises(SettingsError, match="something follows its end"):
        list(messages([path]))


def told(*paths: Path) -> dict[str, str]:
    """Return what is wrong with each message, by the end of its name."""
    return {Path(each.name).name: each.problem for each in messages(paths)}


def test_members_of_a_tar_that_are_no_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "old.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (
            ("hard.xml", tarfile.LNKTYPE),
            ("soft.xml", tarfile.SYMTYPE),
            ("pipe", tarfile.FIFOTYPE),
            ("folder", tarfile.DIRTYPE),
            (".hidden", tarfile.LNKTYPE),
            ("../../up.xml", tarfile.REGTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "a.xml"
            archive.addfile(member)
    found = told(path)
    assert list(found) == ["hard.xml", "soft.xml", "pipe", "up.xml"]
    assert "hard link" in found["hard.xml"]
    assert found["up.xml"] == ""


def test_what_is_no_file_in_a_folder_is_told_and_does_not_end_the_load(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    (folder / "below").mkdir(parents=True)
    (folder / "a.xml").write_bytes(b"<a/>")
    (folder / "z.xml").write_bytes(b"<z/>")
    os.mkfifo(folder / "pipe")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "below" / "circle").symlink_to("..")
    found = told(folder)
    assert {name for name, problem in found.items() if problem} == {
        *("pipe", "dangling", "zero", "circle"),
    }
    assert {"a.xml", "z.xml"} <= found.keys()
    assert told(folder / "pipe")["pipe"] != ""


def test_a_message_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(MOST + 1)
    packed = tmp_path / "old.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "large")
        archive.writestr("z.xml", b"<z/>")
    for given in (path, packed):
        first, *rest = messages([given])
        assert (first.data, "more than" in first.problem) == (b"", True)
        assert rest in ([], [Source(f"{packed}/z.xml", b"<z/>")])


@pytest.mark.parametrize("method", [9, 12, 14, 99])
def test_a_zip_that_cannot_be_unpacked_is_told_with_the_member(method: int, tmp_path: Path) -> None:
    path = tmp_path / "old.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.xml", b"<a/>" * 20)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x03\x04") + 8] = data[data.index(b"PK\x01\x02") + 10] = method
    path.write_bytes(data)
    with pytest.raises(SettingsError, match=r"old\.zip is no whole archive: a\.xml: ."):
        list(messages([path]))


def test_names_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "old.tar"
    path.write_bytes(tarred(("a\x1b[31m\nb\u202e.xml", b"<a/>")))
    (only,) = messages([path])
    assert only.name == f"{path}/a\\x1b[31m\\nb\\u202e.xml"


def test_what_cannot_be_read_is_refused_beside_the_others(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/registry.sqlite"
    (tmp_path / "felles.toml").write_text(f'[registry]\ndatabase = "{url}"\n')
    folder = tmp_path / "old"
    folder.mkdir()
    os.mkfifo(folder / "a.xml")
    (folder / "b.xml").write_bytes(request(ITI_42))
    (folder / "c.xml").symlink_to("nowhere")
    words = ["registry", "load", str(folder), "--config", str(tmp_path / "felles.toml"), "--json"]
    ended = CliRunner().invoke(app, [*words, "--report", str(tmp_path / "refused")])
    assert ended.exit_code == Exit.PARTIAL, ended.stderr
    counts = json.loads(ended.stdout)
    assert (counts["registered"], counts["refused"]) == (1, 2)
    report = (tmp_path / "refused").read_text().splitlines()
    assert [Path(json.loads(each)["message"]).name for each in report] == ["a.xml", "c.xml"]
