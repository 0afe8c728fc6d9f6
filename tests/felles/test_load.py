"""`felles registry load`: many submissions, archives, refusals, and being ended at any moment."""

import contextlib
import gzip
import io
import json
import signal
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from felles.cli import app
from felles.output import Exit
from felles.sources import messages
from hub.settings import SettingsError
from ihe.datatypes import OID, LanguageCode
from ihe.messages import SubmitObjectsRequest
from ihe.model import Submission
from ihe.state import Kind, Record, any_of
from ihe.transactions import ITI_42, ITI_57
from ihe.vocabulary import AssociationType, Status
from registry.store.sql import migrate_store, open_store
from tests import samples
from tests.databases import OwnPostgres, PostgresServer
from tests.felles.test_commands import FELLES, Ended, environment
from tests.hub.posting import envelope, request

pytestmark = pytest.mark.system


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of an empty database with the registry's tables, and settings that name it."""
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path}/registry.sqlite"
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
            migrate_store(url)
        (tmp_path / "felles.toml").write_text(f'[registry]\ndatabase = "{url}"\n')
        yield url


def submission(number: int, **changes: Any) -> Submission:
    """Return a submission of document `number`, whose entryUUID is `samples.uuid(number)`."""
    entry = samples.entry(number, entry_uuid=samples.uuid(number), **changes)
    chosen = samples.submission_set(unique_id=OID(f"2.25.77.{number}"))
    return samples.submission(entry, submission_set=chosen)


def replacement(number: int, target: int) -> Submission:
    whole = submission(number)
    link = samples.relationship(AssociationType.RPLC, samples.uuid(number), samples.uuid(target))
    return replace(whole, associations=(*whole.associations, link))


def message(whole: Submission) -> bytes:
    return b"".join(ITI_42.write_request(SubmitObjectsRequest(whole)).xml)


def written(folder: Path, *submissions: Submission) -> Path:
    folder.mkdir()
    for number, each in enumerate(submissions, 1):
        (folder / f"{number:05}.xml").write_bytes(message(each))
    return folder


def load(folder: Path, *arguments: str) -> Ended:
    words = ["registry", "load", *arguments, "--config", str(folder / "felles.toml"), "--json"]
    ended = CliRunner().invoke(app, words)
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


def counts(ended: Ended) -> tuple[int, int, int]:
    told = ended.json
    return told["registered"], told["there_already"], told["refused"]


def entries(url: str) -> list[Record]:
    with contextlib.closing(open_store(url)) as store:
        return store.find(Kind.DOCUMENT_ENTRY, (any_of("availability_status", *Status),))


def sets(url: str) -> list[Record]:
    with contextlib.closing(open_store(url)) as store:
        return store.find(Kind.SUBMISSION_SET, (any_of("availability_status", *Status),))


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_a_folder_is_loaded_and_to_do_it_again_changes_nothing(
    batch: int, database: str, tmp_path: Path
) -> None:
    written(tmp_path / "old", *map(submission, range(1, 11)))
    first = load(tmp_path, str(tmp_path / "old"), "--batch", str(batch))
    assert (first.code, counts(first)) == (Exit.SUCCESS, (10, 0, 0)), first.err
    before = entries(database)
    assert [each.entry_uuid for each in before] == [samples.uuid(n) for n in range(1, 11)]
    again = load(tmp_path, str(tmp_path / "old"), "--batch", str(batch))
    assert (again.code, counts(again)) == (Exit.SUCCESS, (0, 10, 0))
    assert entries(database) == before


def test_what_is_refused_is_reported_and_harms_nobody_beside_it(
    database: str, tmp_path: Path
) -> None:
    bad = submission(2)
    bad = replace(bad, entries=(replace(bad.entries[0], class_code=None),))
    other = replace(submission(3), submission_sets=submission(1).submission_sets)
    folder = written(tmp_path / "old", submission(1), bad, other, submission(4))
    (folder / "9.txt").write_text("no message")
    (folder / ".hidden").write_text("passed over")
    (folder / "update.xml").write_bytes(request(ITI_57))
    ended = load(tmp_path, str(folder), "--report", str(tmp_path / "refused"))
    assert (ended.code, counts(ended)) == (Exit.PARTIAL, (2, 0, 4)), ended.err
    report = tmp_path / "refused"
    told = {
        Path(each["message"]).name: {error["code"] for error in each["errors"]}
        for each in map(json.loads, report.read_text().splitlines())
    }
    assert told == {
        "00002.xml": {"XDSRegistryMetadataError"},
        "00003.xml": {"XDSDuplicateUniqueIdInRegistry"},
        "9.txt": {"XDSRegistryError"},
        "update.xml": {"XDSRegistryError"},
    }
    lines = map(json.loads, report.read_text().splitlines())
    rules = {error["rule"] for line in lines for error in line["errors"]}
    assert {"C1", "F4"} <= rules
    assert {"C1", "F4"} <= set(ended.json["rules"])
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert {each.entry_uuid for each in entries(database)} == {samples.uuid(1), samples.uuid(4)}
    assert len(sets(database)) == 2, "nothing of the refused ones is there"


def test_what_is_printed_of_a_refusal_names_no_patient(database: str, tmp_path: Path) -> None:
    other = samples.entry(1, patient_id=samples.OTHER_PATIENT)
    folder = written(tmp_path / "old", samples.submission(other))
    ended = load(tmp_path, str(folder))
    assert ended.code == Exit.FAILURE
    said = " ".join(ended.err.split())  # however wide the terminal is
    assert "F1 XDSPatientIdDoesNotMatch DocumentEntry[" in said
    assert samples.OTHER_PATIENT.id not in ended.err
    assert "--report" in ended.err


def test_what_comes_too_early_is_tried_again(database: str, tmp_path: Path) -> None:
    folder = written(
        tmp_path / "old", replacement(3, 2), replacement(2, 1), submission(1), replacement(5, 404)
    )
    dry = load(tmp_path, str(folder), "--batch", "2", "--dry-run")
    assert (dry.code, counts(dry)) == (Exit.PARTIAL, (3, 0, 1)), dry.out
    assert entries(database) == []
    ended = load(tmp_path, str(folder), "--batch", "2")
    assert (ended.code, counts(ended)) == (Exit.PARTIAL, (3, 0, 1)), ended.out
    assert ended.json["codes"] == {"UnresolvedReferenceException": 1}
    status = {each.entry_uuid: each.status for each in entries(database)}
    deprecated, approved = Status.DEPRECATED, Status.APPROVED
    assert status == {
        samples.uuid(1): deprecated,
        samples.uuid(2): deprecated,
        samples.uuid(3): approved,
    }


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_several_processes_load_the_same(database: str, tmp_path: Path) -> None:
    folder = written(
        tmp_path / "old",
        *map(submission, range(1, 21)),
        *(replacement(100 + n, n) for n in range(1, 6)),
        *(replacement(200 + n, 100 + n) for n in range(1, 6)),
    )
    ended = load(tmp_path, str(folder), "--connections", "2", "--batch", "3")
    assert (ended.code, counts(ended)) == (Exit.SUCCESS, (30, 0, 0)), ended.err
    found = entries(database)
    assert sum(each.status == Status.DEPRECATED for each in found) == 10
    again = load(tmp_path, str(folder), "--connections", "2")
    assert counts(again) == (0, 30, 0)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_archives_are_loaded(kind: str, database: str, tmp_path: Path) -> None:
    whole = envelope(ITI_42.action, message(submission(2)))
    contents = {"b/2.soap": whole, "a/1.xml": message(submission(1)), ".no": b"x"}
    path = tmp_path / f"old.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as packed:
            for name, data in contents.items():
                packed.writestr(name, data)
    else:
        with tarfile.open(path, "w:gz" if "gz" in kind else "w") as archive:
            for name, data in contents.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    ended = load(tmp_path, str(path))
    assert (ended.code, counts(ended)) == (Exit.SUCCESS, (2, 0, 0)), ended.err
    assert len(entries(database)) == 2
    if kind != "zip":
        words = ["registry", "load", "-", "--config", str(tmp_path / "felles.toml"), "--json"]
        piped = CliRunner().invoke(app, words, input=path.read_bytes())
        assert json.loads(piped.stdout)["there_already"] == 2, piped.stderr
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    broken = load(tmp_path, str(path))
    assert broken.code in {Exit.USAGE, Exit.FAILURE}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_load_that_is_killed_goes_on_where_it_was(database: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "old", *map(submission, range(1, 201)))
    before = len(entries(database))
    for _ in range(2):
        process = subprocess.Popen(
            [*FELLES, "registry", "load", str(folder), "--batch", "5", "--config", "felles.toml"],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.DEVNULL,
        )
        while len(entries(database)) == before and process.poll() is None:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(entries(database)) == len(sets(database)), "each is whole"
        before = len(entries(database))
    assert 0 < before < 200, "it was ended in the middle"
    ended = load(tmp_path, str(folder))
    assert (ended.code, counts(ended)) == (Exit.SUCCESS, (200 - before, before, 0))
    assert len(entries(database)) == len(sets(database)) == 200


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_settings_can_be_others_for_a_load(database: str, tmp_path: Path) -> None:
    settings = tmp_path / "felles.toml"
    settings.write_text(settings.read_text() + 'patients = "checked"\n')
    bad = submission(1, language_code=LanguageCode("norsk språk"))
    folder = written(tmp_path / "old", bad)
    assert load(tmp_path, str(folder)).code == Exit.FAILURE
    ended = load(tmp_path, str(folder), "--patients", "open", "--strictness", "D7=warn")
    assert (ended.code, counts(ended)) == (Exit.SUCCESS, (1, 0, 0)), ended.out
    assert ended.json["warnings"] == 1
    assert len(entries(database)) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none",), "none"),
        ((".", "--strictness", "D7"), "--strictness"),
        ((".", "--strictness", "Q1=warn"), "Q1"),
        ((".", "--connections", "2"), "SQLite"),
    ],
)
def test_wrong_use_is_told(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    (tmp_path / "felles.toml").write_text(
        f'[registry]\ndatabase = "sqlite:///{tmp_path}/registry.sqlite"\n'
    )
    ended = load(tmp_path, *arguments)
    assert (ended.code, said in ended.err) == (Exit.USAGE, True), ended.err


def test_a_database_that_goes_away_in_the_middle_ends_the_load(
    own_postgres: OwnPostgres, tmp_path: Path
) -> None:
    url = own_postgres.start()
    migrate_store(url)
    (tmp_path / "felles.toml").write_text(f'[registry]\ndatabase = "{url}"\n')
    folder = written(tmp_path / "old", *map(submission, range(1, 401)))
    words = ("registry", "load", str(folder), "--batch", "2", "--connections", "2")
    process = subprocess.Popen(
        [*FELLES, *words, "--config", "felles.toml"],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    while not entries(url) and process.poll() is None:
        pass
    own_postgres.stop()
    _, err = process.communicate(timeout=120)
    assert process.returncode == Exit.UNAVAILABLE, err
    assert "the registry's database does not answer" in " ".join(err.split())
    own_postgres.start()
    before = len(entries(url))
    assert 0 < before < 400
    ended = load(tmp_path, str(folder))
    assert (ended.code, counts(ended)) == (Exit.SUCCESS, (400 - before, before, 0))


@pytest.mark.parametrize("damage", ["between two files", "in a header", "a header altered", "gzip"])
def test_a_damaged_archive_is_not_taken_for_a_whole_one(tmp_path: Path, damage: str) -> None:
    """tarfile takes the first header that it cannot read for the end of the archive."""
    octets = io.BytesIO()
    with ExitStack() as stack:
        zipped = stack.enter_context(gzip.open(octets, "wb")) if damage == "gzip" else octets
        archive = stack.enter_context(tarfile.open(fileobj=zipped, mode="w"))
        for number in range(20):
            member = tarfile.TarInfo(f"{number:02}.xml")
            member.size = 600
            archive.addfile(member, io.BytesIO(bytes(600)))
    data = bytearray(octets.getvalue())
    of_one = 512 + 1024
    match damage:
        case "between two files":
            del data[5 * of_one :]
        case "in a header":
            del data[5 * of_one + 200 :]
        case "a header altered":
            data[5 * of_one + 20 : 5 * of_one + 40] = b"x" * 20
        case _:
            data[len(data) // 2] ^= 0xFF
    path = tmp_path / "old.tar"
    path.write_bytes(data)
    with pytest.raises(SettingsError, match=r"old\.tar is no whole archive"):
        list(messages([path]))


def test_an_archive_that_needs_a_password_or_more_is_told(tmp_path: Path) -> None:
    path = tmp_path / "old.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.xml", "<a/>")
    data = bytearray(path.read_bytes())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        at = data.index(mark) + (6 if mark == b"PK\x03\x04" else 8)
        data[at] |= 1  # encrypted
    path.write_bytes(data)
    with pytest.raises(SettingsError, match=r"old\.zip is no whole archive: .*encrypted"):
        list(messages([path]))
