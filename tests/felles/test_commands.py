"""The command as people and scripts use it: a sandbox in a process of its own, and its clients."""

import json
import os
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from felles.output import Exit
from hub.settings import unknown_variables
from tests.databases import PostgresServer

pytestmark = pytest.mark.system
PATIENT = "13116900216"  # of a synthetic test series
FELLES = [sys.executable, "-m", "felles"]


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment() -> dict[str, str]:
    """Return what a command finds on a machine where nobody has set anything up."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("FELLES_", "PYTHON"))}
    return {**inherited, "PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "200"}


def felles(*arguments: str, folder: Path, env: Mapping[str, str] | None = None) -> Ended:
    """Run the command to its end, in a folder and with a clean environment."""
    ended = subprocess.run(
        [*FELLES, *arguments],
        cwd=folder,
        env={**environment(), **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@contextmanager
def served(
    *arguments: str, folder: Path
) -> Iterator[tuple[dict[str, Any], "subprocess.Popen[str]"]]:
    """Run `felles serve`, and give the JSON that it prints once it answers."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*FELLES, "serve", *arguments],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line == "}\n":
                break
        assert lines, (folder / "log").read_text()
        yield json.loads("".join(lines)), process
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("sandbox")
    with served("all", "--sandbox", folder=folder) as (endpoints, _process):
        yield endpoints


@pytest.fixture
def client(sandbox: dict[str, Any], tmp_path: Path) -> Path:
    """Give a folder with a settings file that goes to the sandbox."""
    (tmp_path / "client.toml").write_text(
        "[client]\n"
        f'registry = "{sandbox["gateway/initiating"]}"\n'
        f'retrieve = "{sandbox["gateway/initiating"]}"\n'
        f'repository = "{sandbox["repository"]}"\n'
    )
    return tmp_path


def test_a_document_goes_round(client: Path) -> None:
    letter = client / "letter.txt"
    letter.write_bytes("Til fastlegen: Áile Čáppa er utskrevet.\r\n".encode())
    config = ("--config", "client.toml", "--json")
    submitted = felles("submit", "letter.txt", "--patient", PATIENT, *config, folder=client)
    assert submitted.code == Exit.SUCCESS, submitted.err
    (document,) = submitted.json["documents"]
    found = felles("find", "--patient", PATIENT, *config, folder=client)
    entry = next(e for e in found.json["documents"] if e["unique_id"] == document["unique_id"])
    assert (entry["title"], entry["size"]) == ("letter", letter.stat().st_size)
    fetched = felles(
        *("fetch", entry["unique_id"], "--from", entry["repository_unique_id"]),
        *("--home", entry["home_community_id"], "--into", "got", *config),
        folder=client,
    )
    assert fetched.code == Exit.SUCCESS, fetched.err
    (one,) = fetched.json["documents"]
    assert (client / one["file"]).read_bytes() == letter.read_bytes()
    assert one["sha1"] == entry["hash"]


def test_people_get_tables_and_progress_apart(client: Path) -> None:
    (client / "note.txt").write_text("note")
    ended = felles(
        *("submit", "note.txt", "--patient", PATIENT, "--config", "client.toml"), folder=client
    )
    assert ended.code == Exit.SUCCESS, ended.err
    assert "note.txt" in ended.out
    found = felles("find", "--patient", PATIENT, "--config", "client.toml", folder=client)
    assert "note" in found.out
    assert "{" not in found.out
    assert (ended.err, found.err) == ("", ""), "no terminal, no progress"


def test_what_find_prints_fetches_the_document(client: Path) -> None:
    (client / "copied.txt").write_text("copied")
    config = ("--config", "client.toml")
    shared = felles(
        *("submit", "copied.txt", "--patient", PATIENT, "--json"), *config, folder=client
    )
    (document,) = shared.json["documents"]
    found = felles("find", "--patient", PATIENT, *config, folder=client)
    program, *arguments = next(
        shlex.split(line)
        for line in found.out.splitlines()
        if line.startswith(f"felles fetch {document['unique_id']} ")
    )
    assert program == "felles"
    fetched = felles(*arguments, *config, folder=client)
    assert fetched.code == Exit.SUCCESS, fetched.err
    assert (client / "document-1.txt").read_text() == "copied"
    again = felles(*arguments, *config, folder=client)
    assert again.code == Exit.SUCCESS, again.err
    assert (client / "document-2.txt").read_text() == "copied"


@pytest.mark.parametrize("name", [b"no \xff text.txt", b"a\nb\x01.txt"], ids=["octets", "controls"])
def test_a_file_of_any_name_is_shared(name: bytes, client: Path) -> None:
    path = client / os.fsdecode(name)
    path.write_text("odd")
    config = ("--config", "client.toml", "--json")
    ended = felles("submit", str(path), "--patient", PATIENT, *config, folder=client)
    assert ended.code == Exit.SUCCESS, ended.err
    assert ended.json["documents"][0]["file"] == str(path)


def test_a_title_that_xml_cannot_hold_is_told(client: Path) -> None:
    (client / "note.txt").write_text("note")
    ended = felles(
        *("submit", "note.txt", "--patient", PATIENT, "--title", "a\x01b"),
        *("--config", "client.toml"),
        folder=client,
    )
    assert ended.code == Exit.USAGE
    assert "U+0001" in ended.err
    assert "Traceback" not in ended.err


def test_what_is_not_there_is_a_failure_with_its_code(client: Path) -> None:
    ended = felles(
        *("fetch", "2.25.404", "--from", "2.25.2", "--home", "2.25.1"),
        *("--config", "client.toml", "--json"),
        folder=client,
    )
    assert ended.code == Exit.FAILURE
    assert [error["code"] for error in ended.json["errors"]] == ["XDSDocumentUniqueIdError"]


def test_a_question_that_failed_does_not_say_that_nothing_was_found(tmp_path: Path) -> None:
    (tmp_path / "felles.toml").write_text(
        '[gateway]\nport = 0\nregistry = "http://127.0.0.1:9/registry"\n'
    )
    with served("gateway", "--config", "felles.toml", "--json", folder=tmp_path) as (told, _):
        names = ("registry", "retrieve", "repository")
        urls = "".join(f'{name} = "{told["gateway/initiating"]}"\n' for name in names)
        (tmp_path / "client.toml").write_text(f"[client]\n{urls}")
        ended = felles("find", "--patient", PATIENT, "--config", "client.toml", folder=tmp_path)
    assert ended.code == Exit.FAILURE
    assert "did not answer" in ended.err
    assert ended.out == ""


def test_a_refused_submission_says_why(client: Path) -> None:
    (client / "note.txt").write_text("note")
    ended = felles(
        *("submit", "note.txt", "--patient", PATIENT, "--language", "klingonsk språk"),
        *("--config", "client.toml"),
        folder=client,
    )
    assert ended.code == Exit.FAILURE
    assert "languageCode" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("find", "--patient", "nobody"), Exit.USAGE, "--patient"),
        (("find",), Exit.USAGE, "--patient"),
        (("find", "--patient", PATIENT, "--since", "2026-11-24"), Exit.USAGE, "--since"),
        (("find", "--patient", PATIENT, "--until", "soon"), Exit.USAGE, "--until"),
        (("find", "--patient", PATIENT), Exit.USAGE, "is not there"),
        (("find", "--patient", PATIENT, "--config", "none.toml"), Exit.USAGE, "none.toml"),
        (("fetch", "1.2", "--from", "repository"), Exit.USAGE, "repository"),
        (("submit", "none.txt", "--patient", PATIENT), Exit.USAGE, "none.txt"),
        (("serve", "registry", "--port", "1"), Exit.USAGE, "--sandbox"),
        (("serve", "registry", "--sandbox"), Exit.USAGE, "felles serve all"),
        (("serve", "everything"), Exit.USAGE, "everything"),
        (("migrate", "registry", "--config", "none.toml"), Exit.USAGE, "none.toml"),
        (("certs", "issue", "someone"), Exit.USAGE, "ca.pem"),
        (("certs", "revoke", "someone"), Exit.USAGE, "someone"),
        (("certs", "show", "--folder", "nowhere"), Exit.USAGE, "nowhere"),
        (("migrate", "repository", "--partitions", "4"), Exit.USAGE, "--partitions"),
        (("migrate", "registry", "--partitions", "4"), Exit.USAGE, "PostgreSQL"),
        (("nonsense",), Exit.USAGE, "nonsense"),
    ],
)
def test_wrong_use_is_one_message(
    arguments: tuple[str, ...], code: int, said: str, tmp_path: Path
) -> None:
    ended = felles(*arguments, folder=tmp_path)
    assert ended.code == code, ended.err
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[registry]\nprot = 1\n", "registry.prot"),
        ("[registry]\nport = 70000\n", "registry.port"),
        ('[registry]\ndatabase = "mysql://root:secret@host/x"\n', "kind 'mysql'"),
        ('[registry]\nhost = "0.0.0.0"\n', "plain HTTP is served on loopback only"),
        ('[registry]\ndatabase = "secret-file:/nowhere"\n', "/nowhere cannot be read"),
        (
            "[registry]\nport = 0\n"
            '[tls]\ncertificate = "a.pem"\nkey = "a.key"\nauthorities = "ca.pem"\n',
            "a.pem is not there",
        ),
        ("port = [", "is not TOML"),
    ],
)
def test_wrong_settings_are_named(toml: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "felles.toml").write_text(toml)
    ended = felles("serve", "registry", "--config", "felles.toml", folder=tmp_path)
    assert ended.code == Exit.USAGE, ended.err
    assert said in ended.err
    assert "secret@" not in ended.err
    assert "Traceback" not in ended.err


def test_a_misspelt_variable_is_told_with_the_nearest(tmp_path: Path) -> None:
    env = {"FELLES_REGISRTY__PORT": "0", "FELLES_REGISTRY_DATABASE": "x", "FELLES_TEST_THIS": "1"}
    ended = felles("certs", "show", folder=tmp_path, env=env)
    said = " ".join(ended.err.split())
    assert "FELLES_REGISRTY__PORT is not used: did you mean FELLES_REGISTRY__PORT?" in said
    assert "did you mean FELLES_REGISTRY__DATABASE?" in said
    assert "FELLES_TEST_THIS" not in said


def test_a_server_logs_a_misspelt_variable(tmp_path: Path) -> None:
    ended = felles(
        *("serve", "all", "--config", "none.toml"), folder=tmp_path, env={"FELLES_PORT": "1"}
    )
    assert ended.code == Exit.USAGE
    told = json.loads(ended.err.splitlines()[0])
    assert (told["level"], told["what"]) == ("warning", "FELLES_PORT")


def test_every_setting_is_a_variable_that_is_known() -> None:
    names = ("FELLES_REGISTRY__PORT", "FELLES_CLIENT__TLS__KEY", "felles_gateway", "FELLES_CONFIG")
    assert unknown_variables([*names, "FELLES_REGISTRY__STRICTNESS__D7", "PATH"]) == {}
    assert unknown_variables(["FELLES_XYZZY"]) == {"FELLES_XYZZY": ""}


def test_the_version_is_told(tmp_path: Path) -> None:
    ended = felles("--version", folder=tmp_path)
    assert (ended.code, ended.out.split()[0]) == (Exit.SUCCESS, "felles")
    assert ended.out.split()[1][0].isdigit()


def test_help_of_a_fresh_checkout_is_no_failure(tmp_path: Path) -> None:
    run = Path(__file__).parents[2] / "run.py"
    ended = subprocess.run(
        [sys.executable, str(run), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "run.py demo" in ended.stdout


@pytest.mark.parametrize("host", ["bad host!", "", "a..b", "-a.no", "a" * 64])
def test_a_host_that_is_none_gets_no_certificate(host: str, tmp_path: Path) -> None:
    assert felles("certs", "init", folder=tmp_path).code == Exit.SUCCESS
    ended = felles("certs", "issue", "hub", "--host", host, folder=tmp_path)
    assert ended.code == Exit.USAGE
    assert f"'{host}' is no name of a host" in " ".join(ended.err.split())
    assert not (tmp_path / "felles-data/certs/hub.pem").exists()


@pytest.mark.postgres
def test_a_database_without_tables_names_the_command(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with postgres_server.database() as url:
        (tmp_path / "felles.toml").write_text(f'[registry]\nport = 0\ndatabase = "{url}"\n')
        ended = felles("serve", "registry", "--config", "felles.toml", folder=tmp_path)
    assert ended.code == Exit.USAGE
    assert "run `felles migrate`" in " ".join(ended.err.split())


def test_a_taken_port_is_told(sandbox: dict[str, Any], tmp_path: Path) -> None:
    port = sandbox["registry"].rsplit(":", 1)[1].partition("/")[0]
    ended = felles("serve", "all", "--sandbox", "--port", port, folder=tmp_path)
    assert ended.code == Exit.USAGE
    assert f"127.0.0.1:{port}: Address already in use" in ended.err


def test_nobody_there_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "client.toml").write_text('[client]\nregistry = "http://127.0.0.1:9/registry"\n')
    (tmp_path / "client.toml").write_text(
        '[client]\nregistry = "http://127.0.0.1:9/r"\nrepository = "http://127.0.0.1:9/r"\n'
        'retrieve = "http://127.0.0.1:9/r"\n'
    )
    ended = felles("find", "--patient", PATIENT, "--config", "client.toml", folder=tmp_path)
    assert ended.code == Exit.UNAVAILABLE
    assert "no answer" in ended.err


def test_every_endpoint_of_a_sandbox_has_a_wsdl(sandbox: dict[str, Any]) -> None:
    for path in ("registry", "repository", "gateway", "gateway/initiating"):
        with urllib.request.urlopen(f"{sandbox[path]}?wsdl", timeout=10) as answer:  # noqa: S310  # loopback
            assert b"wsdl:definitions" in answer.read()
    with urllib.request.urlopen(sandbox["health"], timeout=10) as answer:  # noqa: S310  # loopback
        assert answer.read() == b"ready\n"


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_sandbox_ends_in_good_order_and_leaves_nothing(
    told: signal.Signals, tmp_path: Path
) -> None:
    with served("all", "--sandbox", folder=tmp_path) as (endpoints, process):
        assert Path(endpoints["folder"]).is_dir()
        process.send_signal(told)
        assert process.wait(30) == Exit.SUCCESS
        assert not Path(endpoints["folder"]).exists()
    assert all(line.startswith("{") for line in (tmp_path / "log").read_text().splitlines())


def test_the_development_community_speaks_mutual_tls(tmp_path: Path) -> None:
    config = tmp_path / "felles.toml"
    assert felles("certs", "init", folder=tmp_path).code == Exit.SUCCESS
    shown = felles("certs", "show", "--json", folder=tmp_path)
    assert {Path(each["file"]).name for each in shown.json} >= {"ca.pem", "client.pem"}
    config.write_text(
        "".join(f"[{actor}]\nport = 0\n" for actor in ("registry", "gateway"))
        + '[tls]\ncertificate = "felles-data/certs/registry.pem"\n'
        'key = "felles-data/certs/registry.key"\nauthorities = "felles-data/certs/ca.pem"\n'
    )
    with served("registry", "--config", "felles.toml", "--json", folder=tmp_path) as (
        endpoints,
        _process,
    ):
        url = endpoints["registry"]
        assert url.startswith("https://")
        config.write_text(
            f'[client]\nregistry = "{url}"\nrepository = "{url}"\nretrieve = "{url}"\n'
        )
        found = felles("find", "--patient", PATIENT, "--config", "felles.toml", folder=tmp_path)
        assert found.code == Exit.SUCCESS, found.err
        (tmp_path / "felles-data/certs/client.pem").write_text("no certificate")
        refused = felles("find", "--patient", PATIENT, "--config", "felles.toml", folder=tmp_path)
        assert refused.code == Exit.USAGE
        assert "client.pem" in refused.err
