"""`felles validate`: every kind of file, what is told of it, and what a running registry says."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from felles.cli import app
from felles.output import Exit
from ihe.datatypes import DTM
from ihe.messages import SubmitObjectsRequest
from ihe.model import Submission
from ihe.transactions import ITI_18, ITI_41, ITI_42, ITI_57, ITI_61, ITI_92, Transaction
from ihe.vocabulary import AssociationType
from tests import samples
from tests.felles.test_commands import FELLES, Ended, environment, felles
from tests.hub.conftest import assert_nothing_kept
from tests.hub.posting import envelope, multipart, provide, request
from tests.registry.scene import Scene
from tests.registry.updating import in_folder, update, version_of
from tests.repository import scene
from tests.running import Running, running

pytestmark = pytest.mark.system
BAD = samples.submission(samples.entry(class_code=None, creation_time=DTM("2026x")))


def body(submission: Submission, transaction: Transaction[Any, Any] = ITI_42) -> bytes:
    """Return a request's body, an element a line."""
    written = transaction.write_request(SubmitObjectsRequest(submission))
    return b"".join(written.xml).replace(b"><", b">\n<")


def judged(folder: Path, data: bytes, *arguments: str) -> dict[str, Any]:
    """Return what the command says of a file, as JSON."""
    (folder / "message").write_bytes(data)
    words = ("validate", "message", "--json", *arguments)
    if "--against" in arguments:  # a server runs in this process, and logs
        ended = felles(*words, folder=folder)
    else:
        with contextlib.chdir(folder):
            result = CliRunner().invoke(app, words)
        ended = Ended(result.exit_code, result.stdout, result.stderr)
    assert ended.code in {Exit.SUCCESS, Exit.FAILURE}, ended.err
    (told,) = ended.json
    assert ended.code == (Exit.SUCCESS if told["ok"] else Exit.FAILURE)
    assert told["ok"] is all(each["severity"] != "Error" for each in told["problems"])
    answer: dict[str, Any] = told
    return answer


def inline() -> bytes:
    """Return an ITI-41 message with its document in the XML."""
    written = ITI_41.write_request(scene.provide(b"letter"))
    whole = envelope(ITI_41.action, b"".join(written.xml))
    start, end = whole.index(b"<xop:Include"), whole.index(b"</xds:Document>")
    return whole[:start] + b"bGV0dGVy" + whole[end:]


def mtom(*, headers: str = "", content: bytes = b"letter") -> bytes:
    content_type, data = provide(content)
    first = headers.format(content_type=content_type).encode()
    return first + data


def chunked(data: bytes) -> bytes:
    pieces = [data[at : at + 700] for at in range(0, len(data), 700)]
    return b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (*pieces, b""))


HTTP = "POST /repository HTTP/1.1\r\nHost: hub\r\nContent-Type: {content_type}\r\n\r\n"
CHUNKED = HTTP.replace("\r\nHost", "\r\nTransfer-Encoding: chunked\r\nHost")
CUT_CHUNK = CHUNKED.format(content_type="text/xml").encode() + b"5\r\nhello"
GOOD = {
    "a SOAP message": (request(ITI_42), "ITI-42"),
    "a body alone": (body(samples.submission()), "ITI-42"),
    "blanks before it": (b"\xef\xbb\xbf\r\n " + request(ITI_42), "ITI-42"),
    "UTF-16": (body(samples.submission()).decode().encode("utf-16"), "ITI-42"),
    "on-demand": (request(ITI_61), "ITI-61"),
    "on-demand without an action": (body(samples.submission(samples.on_demand_entry())), "ITI-61"),
    "MTOM alone": (mtom(), "ITI-41"),
    "MTOM with its MIME header": (mtom(headers="Content-Type: {content_type}\r\n\r\n"), "ITI-41"),
    "MTOM over HTTP": (mtom(headers=HTTP), "ITI-41"),
    "a document in the XML": (inline(), "ITI-41"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_message_is_good_however_it_was_captured(name: str, tmp_path: Path) -> None:
    data, transaction = GOOD[name]
    told = judged(tmp_path, data)
    assert (told["transaction"], told["problems"]) == (transaction, [])
    assert "F4" in told["not_checked"], "nobody was asked what is registered"


def test_an_http_body_in_chunks_is_put_together(tmp_path: Path) -> None:
    content_type, data = provide(b"letter")
    head = CHUNKED.format(content_type=content_type).encode()
    assert judged(tmp_path, head + chunked(data))["problems"] == []


@pytest.mark.parametrize(
    ("data", "said", "line"),
    [
        (b"<a>\n<b></a>", "not well-formed", 2),
        (b"hello", "neither XML nor", 1),
        (b"", "neither XML nor", 1),
        (b"Content-Type: text/plain\r\n", "empty line", 1),
        (request(ITI_18), "carries no submission", 1),
        (
            chunked(b"x").join([CHUNKED.format(content_type="text/xml").encode(), b""])[:-9],
            "",
            None,
        ),
        (CUT_CHUNK, "ends inside a chunk", None),
        (CUT_CHUNK + b"\r\n", "cannot be told apart", None),
        (multipart(b"<a/>", end=False)[1], "", None),
    ],
    ids=[
        *("cut off", "text", "empty", "headers alone", "a query", "cut before the last chunk"),
        *("cut in a chunk", "cut after a chunk", "cut MIME"),
    ],
)
def test_what_is_no_submission_is_told(
    data: bytes, said: str, line: int | None, tmp_path: Path
) -> None:
    told = judged(tmp_path, data)
    (problem,) = told["problems"]
    assert not told["ok"]
    assert said in problem["context"]
    assert problem["line"] == line


def test_every_problem_has_rule_code_place_and_line(tmp_path: Path) -> None:
    data = body(BAD)
    problems = {each["rule"]: each for each in judged(tmp_path, data)["problems"]}
    assert set(problems) == {"C1", "D4"}
    lines = data.decode().splitlines()
    assert 'name="creationTime"' in lines[problems["D4"]["line"] - 1]
    assert 'id="Document01"' in lines[problems["C1"]["line"] - 1]
    assert problems["D4"]["location"] == "DocumentEntry[Document01].creationTime"
    assert problems["C1"]["code"] == "XDSRegistryMetadataError"
    assert (problems["C1"]["found"], problems["C1"]["expected"]) == (
        "no classCode",
        "exactly one",
    )


def test_lines_are_those_of_the_file_also_after_headers(tmp_path: Path) -> None:
    root = envelope(ITI_42.action, body(BAD))
    content_type, data = multipart(root)
    whole = f"Content-Type: {content_type}\r\n\r\n".encode() + data
    problems = {each["rule"]: each for each in judged(tmp_path, whole)["problems"]}
    lines = whole.split(b"\n")
    assert b'name="creationTime"' in lines[problems["D4"]["line"] - 1]


def test_a_document_that_is_not_its_hash_is_told(tmp_path: Path) -> None:
    request_41 = samples.provide_and_register(b"letter")
    other = replace(samples.entry(repository_unique_id=None), size="6")
    whole = replace(request_41, submission=samples.submission(other))
    written = ITI_41.write_request(whole)
    (part,) = written.attachments
    data = multipart(envelope(ITI_41.action, b"".join(written.xml)), (part.content_id, b"letter"))[
        1
    ]
    (problem,) = judged(tmp_path, data)["problems"]
    assert problem["code"] == "XDSRepositoryMetadataError"
    assert "hash" in problem["context"]


def test_an_action_that_does_not_fit_is_told_beside_the_rest(tmp_path: Path) -> None:
    told = judged(tmp_path, envelope(ITI_18.action, body(BAD)))
    assert told["transaction"] == "ITI-42"
    codes = [each["code"] for each in told["problems"]]
    assert codes == ["Sender", "XDSRegistryMetadataError", "XDSRegistryMetadataError"]
    assert "ITI-18" in told["problems"][0]["context"]


def test_updates_are_looked_at_as_far_as_it_goes_alone(tmp_path: Path) -> None:
    own = Scene()
    own.document(1)
    good = update(own, version_of(own, 1))
    told = judged(tmp_path, body(good))
    assert (told["transaction"], told["problems"]) == ("ITI-57", [])
    assert {"G4", "G6", "G11"} <= set(told["not_checked"])
    without = replace(good, associations=())
    problems = judged(tmp_path, body(without))["problems"]
    assert [each["rule"] for each in problems] == ["G2"]
    bad = update(own, version_of(own, 1, class_code=None))
    assert [each["rule"] for each in judged(tmp_path, body(bad))["problems"]] == ["C1"]
    folder, _, _ = in_folder(own, 5)
    assert folder
    restricted = judged(tmp_path, body(good), "--as", "ITI-92")
    assert {each["rule"] for each in restricted["problems"]} <= {"G18", "G18b"}
    assert restricted["transaction"] == ITI_92.name


def test_codes_and_strictness_are_those_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("attribute,code,scheme\nclassCode,X,2.25.1\n")
    data = body(samples.submission())
    told = judged(tmp_path, data, "--codes", "codes.csv")
    assert [each["rule"] for each in told["problems"]] == ["F8"]
    (tmp_path / "felles.toml").write_text(
        '[registry]\ncodes = "codes.csv"\nstrictness = {F8 = "warn"}\n'
        'patient_authorities = ["2.25.9"]\n'
    )
    told = judged(tmp_path, data, "--config", "felles.toml")
    assert [(e["rule"], e["severity"]) for e in told["problems"]] == [
        ("F8", "Warning"),
        ("F2", "Error"),
    ]


def test_standard_input_is_read_and_a_table_is_for_people(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*FELLES, "validate", "-"],
        input=body(replace(BAD, submission_sets=(samples.submission_set(entry_uuid="urn:x"),))),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    out = ended.stdout.decode()
    assert ended.returncode == Exit.FAILURE
    assert "DocumentEntry[Document01].classCode" in out
    assert "standard input (ITI-42)" in out
    assert "{" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("validate",), "files"),
        (("validate", "none.xml"), "none.xml"),
        (("validate", "."), "."),
        (("validate", "x", "--against", "registry"), "--against"),
        (("validate", "x", "--as", "ITI-18"), "ITI-18"),
        (("validate", "x", "--codes", "none.csv"), "none.csv"),
    ],
)
def test_wrong_use_is_told(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(request(ITI_42))
    ended = felles(*arguments, folder=tmp_path)
    assert ended.code == Exit.USAGE, ended.err
    assert said in ended.err
    assert "Traceback" not in ended.err


# --- against a registry --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def community(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("community")) as one:
        yield one


def test_a_registry_tells_what_it_would_and_stores_nothing(
    community: Running, tmp_path: Path
) -> None:
    against = ("--against", community.registry)
    told = judged(tmp_path, request(ITI_42), *against)
    assert (told["problems"], told["not_checked"]) == ([], [])
    link = samples.relationship(AssociationType.RPLC, "Document01", samples.uuid(404))
    plain = samples.submission(samples.entry(class_code=None))
    data = body(replace(plain, associations=(*plain.associations, link)))
    problems = judged(tmp_path, data, *against)["problems"]
    assert [(each["rule"], each["code"]) for each in problems] == [
        ("C1", "XDSRegistryMetadataError"),
        (None, "UnresolvedReferenceException"),
    ]
    lines = data.decode().splitlines()
    assert 'id="RPLC-Document01"' in lines[problems[1]["line"] - 1]
    assert_nothing_kept(community)


def test_a_message_goes_to_the_registry_as_it_stands_in_the_file(
    community: Running, tmp_path: Path
) -> None:
    """What only the XML shows, such as a Slot that came twice, would be lost in a value."""
    slot = (
        b'<rim:Slot name="size"><rim:ValueList><rim:Value>1</rim:Value></rim:ValueList></rim:Slot>'
    )
    data = body(samples.submission()).replace(b">\n<", b"><")
    at = data.index(b'<rim:Slot name="size">')
    twice = data[:at] + slot + data[at:]
    problems = judged(tmp_path, twice, "--against", community.registry)["problems"]
    assert "B20" in {each["rule"] for each in problems}


@pytest.mark.parametrize("name", ["MTOM over HTTP", "a document in the XML"])
def test_a_repository_is_asked_about_documents(
    name: str, community: Running, tmp_path: Path
) -> None:
    assert judged(tmp_path, GOOD[name][0], "--against", community.repository)["problems"] == []
    assert_nothing_kept(community)


def test_who_does_not_answer_is_told(tmp_path: Path) -> None:
    (tmp_path / "message").write_bytes(request(ITI_57))
    ended = felles("validate", "message", "--against", "http://127.0.0.1:9/r", folder=tmp_path)
    assert ended.code == Exit.UNAVAILABLE
    assert "no answer" in ended.err


def test_who_serves_no_such_message_is_told(community: Running, tmp_path: Path) -> None:
    (tmp_path / "message").write_bytes(request(ITI_42))
    ended = felles("validate", "message", "--against", community.repository, folder=tmp_path)
    assert ended.code == Exit.FAILURE
    assert "fault" in ended.err
    assert json.loads(ended.out or "null") is None
