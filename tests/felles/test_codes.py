"""`felles codes`: importing lists of codes, and what a running registry makes of it."""

import json
import os
import stat
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from felles.cli import app
from felles.output import Exit
from hub.settings import SettingsError
from registry.code_files import read_lists, write_lists
from registry.codes import CodeFile
from tests.felles.test_commands import Ended

OWN = """<?xml version="1.0"?>
<Codes>
  <CodeType name="classCode" classScheme="urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a">
    <Code code="A" codingScheme="1.2" display="Letter" system="urn:oid:1.2"/>
    <Code code="B" codingScheme="1.2" display="Result"/>
  </CodeType>
  <CodeType name="typeCode"><Code code="T" codingScheme="1.2"/></CodeType>
  <CodeType name="languageCode"><Code code="nb-NO" codingScheme="urn:ietf:bcp:47"/></CodeType>
  <AssigningAuthority id="&amp;1.2&amp;ISO" display="kept"/>
</Codes>
"""
GIVEN = """attribute,code,scheme,display
classCode,B,1.2,Laboratory result
classCode,C,1.2,"Plan, individual"
mimeType,Text/Plain,,
"""
CHANGES = [
    ("changed", "classCode", "B", "Laboratory result", "Result"),
    ("added", "classCode", "C", "Plan, individual", ""),
    ("added", "mimeType", "text/plain", "", ""),
]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a registry's own codes, something to import and settings into the folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.xml").write_text(OWN)
    (tmp_path / "given.csv").write_text(GIVEN)
    (tmp_path / "felles.toml").write_text('[registry]\ncodes = "own.xml"\n')


def codes(*arguments: str) -> Ended:
    ended = CliRunner().invoke(app, ["codes", *arguments])
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.output
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


def imported(*arguments: str) -> list[tuple[str, ...]]:
    ended = codes("import", "given.csv", "--config", "felles.toml", "--json", *arguments)
    assert ended.code == Exit.SUCCESS, ended.err
    names = ("change", "attribute", "code", "display", "before")
    return [tuple(each[name] for name in names) for each in ended.json["changes"]]


def test_codes_are_added_and_words_changed(tmp_path: Path) -> None:
    assert imported() == CHANGES
    assert read_lists([tmp_path / "own.xml"]) == {
        "classCode": {
            ("A", "1.2"): "Letter",
            ("B", "1.2"): "Laboratory result",
            ("C", "1.2"): "Plan, individual",
        },
        "typeCode": {("T", "1.2"): ""},
        "mimeType": {("text/plain", ""): ""},
    }
    assert imported() == [], "to do it twice changes nothing"


def test_what_is_not_a_list_here_stays(tmp_path: Path) -> None:
    imported()
    text = (tmp_path / "own.xml").read_text()
    for kept in ('display="kept"', 'code="nb-NO"', 'system="urn:oid:1.2"', "urn:uuid:41a5887f"):
        assert kept in text


def test_a_list_that_is_replaced_loses_the_rest(tmp_path: Path) -> None:
    assert imported("--replace") == [
        *CHANGES[:2],
        ("removed", "classCode", "A", "", "Letter"),
        CHANGES[2],
    ]
    assert read_lists([tmp_path / "own.xml"])["typeCode"] == {("T", "1.2"): ""}


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    assert imported("--dry-run") == CHANGES
    assert (tmp_path / "own.xml").read_text() == OWN


@pytest.mark.parametrize("name", ["new.xml", "new.csv"])
def test_a_file_that_is_not_there_is_made(name: str, tmp_path: Path) -> None:
    ended = codes("import", "given.csv", "own.xml", "--into", name)
    assert ended.code == Exit.SUCCESS
    assert "5 added, 0 changed, 0 removed" in ended.out
    lists = read_lists([tmp_path / name])
    assert set(lists) == {"classCode", "typeCode", "mimeType"}
    assert lists["classCode"]["B", "1.2"] == "Result", "of two files the last counts"


def test_a_running_registry_takes_them_on(tmp_path: Path) -> None:
    (tmp_path / "own.xml").chmod(0o640)
    running = CodeFile(tmp_path / "own.xml", "registry")
    assert ("C", "1.2") not in running.lists.code_sets["classCode"]
    imported()
    running.refresh()
    assert ("C", "1.2") in running.lists.code_sets["classCode"]
    assert stat.S_IMODE((tmp_path / "own.xml").stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "felles.toml",
        "given.csv",
        "own.xml",
    ]


def test_of_many_changes_the_first_are_printed_and_all_are_counted(tmp_path: Path) -> None:
    lines = "".join(f"classCode,code{number:03},1.2\n" for number in range(100))
    (tmp_path / "given.csv").write_text(lines)
    dry = codes("import", "given.csv", "--config", "felles.toml", "--dry-run")
    assert "100 added" in dry.out
    assert ("code019" in dry.out, "code020" in dry.out) == (True, False)
    assert "80 more" in dry.err
    assert len(imported()) == 100


def test_a_link_stays_a_link_and_its_file_takes_the_codes(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "own.xml").rename(tmp_path / "v1" / "lists")
    (tmp_path / "own.xml").symlink_to("v1/lists")
    assert imported() == CHANGES
    assert (tmp_path / "own.xml").is_symlink()
    assert 'code="C"' in (tmp_path / "v1" / "lists").read_text()
    assert [path.name for path in (tmp_path / "v1").iterdir()] == ["lists"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_file_stays_its_owners(tmp_path: Path) -> None:
    own = tmp_path / "own.xml"
    own.chmod(0o640)
    os.chown(own, 12345, 23456)
    assert imported() == CHANGES
    found = own.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 23456, 0o640)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_file_that_would_become_another_users_stays_as_it_was() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are nobody else's to enter
        own = Path(name) / "own.xml"
        own.write_text(OWN)
        Path(name).chmod(0o777)
        os.seteuid(34567)
        try:
            with pytest.raises(SettingsError, match="of user 0 and group 0"):
                write_lists(own, {"classCode": {("D", "1.2"): ""}})
        finally:
            os.seteuid(0)
        assert own.read_text() == OWN
        assert list(Path(name).iterdir()) == [own], "nothing half-done is beside it"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("attribute,code,scheme\nclassCode,A,1\nclassCode,,1.2\n", "line 3: the code is missing"),
        ("colour,red,1.2\n", "line 1: 'colour' has no list"),
        ("", "lists no codes"),
        ("classCode,A,1.2\nclassCode,B\0,1.2\n", "line 2: U+0000"),
        ("classCode,A,1.2\n\nclassCode,B,1.2,\x1b[31mred\n", "line 3: U+001B"),
        ("classCode,A\x0c,1.2\n", "line 1: U+000C"),
        ("classCode,\ufffe,1.2\n", "line 1: U+FFFE"),
    ],
)
def test_a_bad_file_is_told_by_its_line_and_changes_nothing(
    text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "given.csv").write_text(text)
    for command, code in (("import", Exit.USAGE), ("check", Exit.FAILURE)):
        ended = codes(command, "given.csv", "--config", "felles.toml")
        assert ended.code == code
        assert said in " ".join(ended.err.split())
    assert (tmp_path / "own.xml").read_text() == OWN


def test_check_tells_what_a_registry_would_pass_over(tmp_path: Path) -> None:
    (tmp_path / "own.xml").write_text(
        OWN.replace(
            "</Codes>",
            '<CodeType name="typeCode"><Code code="T" codingScheme="1.2"/></CodeType></Codes>',
        )
    )
    ended = codes("check", "--config", "felles.toml")
    assert ended.code == Exit.SUCCESS
    assert "the list of 'languageCode' is not used" in ended.err
    assert "'T' is there already" in " ".join(ended.err.split())


def test_codes_are_shown() -> None:
    shown = codes("show", "--config", "felles.toml", "--json")
    assert json.loads(shown.out)["typeCode"] == [{"code": "T", "scheme": "1.2", "display": ""}]
    assert "classCode" in codes("show", "own.xml").out
    assert "Letter" in codes("show", "own.xml", "--attribute", "classCode").out
    wrong = codes("show", "own.xml", "--attribute", "colour")
    assert (wrong.code, "classCode" in wrong.err) == (Exit.USAGE, True)


@pytest.mark.parametrize("command", [("import", "given.csv"), ("show",), ("check",)])
def test_a_registry_without_a_file_of_codes_is_told(command: tuple[str, ...]) -> None:
    ended = codes(*command)
    assert ended.code == Exit.USAGE
    assert "no file of codes is set" in ended.err
