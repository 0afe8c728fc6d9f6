"""Lists of codes: what files say, what is wrong with them, and that they are read again."""

import asyncio
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from hub import logs
from hub.call import Call
from hub.settings import CommunitySettings, RegistrySettings, SettingsError, changed
from ihe.datatypes import MimeType
from ihe.messages import RegistryResponse, SubmitObjectsRequest
from ihe.model import DocumentEntry
from registry import app, iti42, iti61
from registry.codes import CodeFile, CodeLists, read_codes
from registry.domain import Registry
from registry.store.memory import MemoryStore
from tests import samples
from tests.registry.scene import START

SCHEME = "2.16.578.1.12.4.1.1.9602"
CLASS = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
FOLDER = "urn:uuid:1ba97051-7806-41a8-a48b-8fce7af683c5"

WHOLE = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- of a test tool -->
<Codes>
  <CodeType name="classCode" classScheme="{CLASS}">
    <Code code="A00-1" codingScheme="{SCHEME}" display="Epikrise" system="urn:oid:{SCHEME}"/>
    <Code code=" B00-1 " codingScheme="{SCHEME}" display="Prøvesvar"/>
  </CodeType>
  <CodeType name="classCode" classScheme="{CLASS}"><Code code="C" codingScheme="1.2"/></CodeType>
  <CodeType name="folderCodeList" classScheme="{FOLDER}">
    <Code code="IP" codingScheme="1.2.3" display="Individuell plan"/>
  </CodeType>
  <CodeType name="languageCode"><Code code="nb-NO" codingScheme="urn:ietf:bcp:47"/></CodeType>
  <CodeType name="mimeType"><Code code="Text/Plain" ext="txt"/></CodeType>
  <AssigningAuthority id="&amp;1.2&amp;ISO" display="not used"/>
</Codes>
"""


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    before = structlog.get_config()
    stream = io.StringIO()
    logs.configure(stream)
    yield stream
    structlog.configure(**before)


def written(tmp_path: Path, text: str, name: str = "codes.xml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_codes_xml_is_read_as_the_rules_want_it(tmp_path: Path) -> None:
    assert read_codes(written(tmp_path, WHOLE)) == CodeLists(
        code_sets={
            "classCode": frozenset({("A00-1", SCHEME), ("B00-1", SCHEME), ("C", "1.2")}),
            "codeList": frozenset({("IP", "1.2.3")}),
        },
        mime_types=frozenset({"text/plain"}),
        passed_over=("languageCode",),
    )


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_spreadsheet_is_read_too(tmp_path: Path, delimiter: str, mark: str) -> None:
    rows = (
        "attribute,code,scheme,display",
        f"classCode, A00-1 ,{SCHEME},Epikrise",
        "",
        'folderCodeList,IP,1.2.3,"Plan ""individuell"""',
        "mimeType,Text/Plain",
    )
    text = mark + "\r\n".join(rows).replace(",", delimiter)
    assert read_codes(written(tmp_path, text, "codes.CSV")) == CodeLists(
        code_sets={
            "classCode": frozenset({("A00-1", SCHEME)}),
            "codeList": frozenset({("IP", "1.2.3")}),
        },
        mime_types=frozenset({"text/plain"}),
    )


CODE = '<Code code="A" codingScheme="1.2"/>'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<Codes", "not well-formed"),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Codes/>', "document type"),
        ("<codes/>", "<Codes> was expected, found <codes>"),
        ("<Codes/>", "lists no codes"),
        (f"<Codes>\n<CodeType>{CODE}</CodeType></Codes>", "line 2: <CodeType> has no name"),
        ('<Codes>\n<CodeType name="typeCode"/></Codes>', "line 2: the list of typeCode is empty"),
        (
            '<Codes>\n<CodeType name="typeCode">\n<Code codingScheme="1"/></CodeType></Codes>',
            "line 3 (typeCode): the code is missing",
        ),
        (
            '<Codes><CodeType name="typeCode">\n\n<Code code="A"/></CodeType></Codes>',
            "line 3 (typeCode): the coding scheme of 'A' is missing",
        ),
    ],
)
def test_a_broken_codes_xml_is_told_by_file_and_line(tmp_path: Path, text: str, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError) as told:
        read_codes(path)
    assert says in str(told.value)
    assert str(path) in str(told.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "lists no codes"),
        (b"classCode,\xf8,1.2\n", "UTF-8 text was expected"),
        (b"classCode,A,1.2\nclasscode,B,1.2\n", "line 2: 'classcode' has no list of codes; known"),
        (b"classCode,A\n", "line 1: the coding scheme of 'A' is missing"),
        (b"typeCode\n", "line 1: the code is missing"),
        (b'classCode,"A"B,1.2\n', "line 1: "),
    ],
)
def test_a_broken_spreadsheet_is_told_by_file_and_line(
    tmp_path: Path, text: bytes, says: str
) -> None:
    path = tmp_path / "codes.csv"
    path.write_bytes(text)
    with pytest.raises(SettingsError) as told:
        read_codes(path)
    assert says in str(told.value)
    assert str(path) in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read .*codes\.xml: No such file"):
        read_codes(tmp_path / "codes.xml")


# --- while the registry runs ---------------------------------------------------------------------


def test_a_file_that_changes_is_read_again(tmp_path: Path, log: io.StringIO) -> None:
    path = written(tmp_path, "classCode,A,1.2\n", "codes.csv")
    codes = CodeFile(path, "registry")
    before = codes.lists
    codes.refresh()
    assert codes.lists is before, "it has not changed"
    path.write_text("classCode,A,1.2\nclassCode,B,1.2\n")
    codes.refresh()
    assert codes.lists.code_sets == {"classCode": frozenset({("A", "1.2"), ("B", "1.2")})}
    assert "codes read again" in log.getvalue()


@pytest.mark.parametrize("broken", ["classCode,A,1.2\nclassCode,B\n", None])
def test_a_file_that_is_broken_leaves_the_lists_alone(
    tmp_path: Path, log: io.StringIO, broken: str | None
) -> None:
    path = written(tmp_path, "classCode,A,1.2\n", "codes.csv")
    codes = CodeFile(path, "registry")
    before = codes.lists
    path.unlink() if broken is None else path.write_text(broken)
    codes.refresh()
    codes.refresh()
    assert codes.lists is before
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert line["level"] == "error", "and it is told once, not every time"
    assert str(path) in line["reason"]
    path.write_text("classCode,C,1.2.3\n")
    codes.refresh()
    assert codes.lists.code_sets == {"classCode": frozenset({("C", "1.2.3")})}


def test_a_list_that_is_not_used_is_told(tmp_path: Path, log: io.StringIO) -> None:
    CodeFile(written(tmp_path, WHOLE), "registry")
    assert json.loads(log.getvalue())["what"] == "languageCode"


# --- the registry that uses them -----------------------------------------------------------------


def built(**values: Any) -> Registry:
    """Return the ports that a registry with these settings gives its handlers."""
    settings = changed(RegistrySettings(), **values)
    return app.ports(MemoryStore(), settings, CommunitySettings())[0]


def send(registry: Registry, *entries: DocumentEntry) -> RegistryResponse:
    call = Call(at=START, trace_id="0" * 32)
    return iti42.handle(SubmitObjectsRequest(samples.submission(*entries)), call, registry)


def test_a_registry_takes_codes_of_its_lists_only(tmp_path: Path) -> None:
    text = f"classCode,A00-1,{SCHEME}\nmimeType,text/plain\n"
    registry = built(codes=written(tmp_path, text, "codes.csv"))
    other = samples.entry(class_code=samples.code("B00-1"), mime_type=MimeType("image/png"))
    assert {each.rule for each in send(registry, other).errors} == {"F8", "F9"}
    assert send(registry, samples.entry()).ok


def test_lists_hold_for_on_demand_entries_too(tmp_path: Path) -> None:
    registry = built(codes=written(tmp_path, f"classCode,B,{SCHEME}\n", "codes.csv"))
    submission = samples.submission(samples.on_demand_entry())
    response = iti61.handle(
        SubmitObjectsRequest(submission), Call(at=START, trace_id="0" * 32), registry
    )
    assert [each.rule for each in response.errors] == ["F8"]


def test_a_running_registry_takes_a_changed_list(tmp_path: Path) -> None:
    path = written(tmp_path, f"classCode,B00-1,{SCHEME}\n", "codes.csv")
    settings = changed(RegistrySettings(), codes=path)
    registry, codes = app.ports(MemoryStore(), settings, CommunitySettings())
    assert not send(registry, samples.entry()).ok
    assert codes is not None
    path.write_text(f"classCode,B00-1,{SCHEME}\nclassCode,A00-1,{SCHEME}\n")
    asyncio.run(codes.watch())
    assert send(registry, samples.entry()).ok


def test_a_rule_is_as_strict_as_the_settings_say(tmp_path: Path) -> None:
    path = written(tmp_path, f"classCode,B,{SCHEME}\n", "codes.csv")
    response = send(built(codes=path, strictness={"F8": "warn"}), samples.entry())
    assert response.ok
    assert [each.rule for each in response.errors] == ["F8"]


@pytest.mark.parametrize(
    ("strictness", "says"),
    [
        ({"Q1": "off"}, "registry.strictness: there is no rule or group of rules 'Q1'"),
        ({"B1": "off"}, "registry.strictness: rule B1 cannot be relaxed"),
    ],
)
def test_a_strictness_that_cannot_be_is_refused(strictness: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        built(strictness=strictness)


def test_a_strictness_is_one_of_three_words() -> None:
    with pytest.raises(SettingsError, match=r"strictness.F8: Input should be 'reject', 'warn'"):
        built(strictness={"F8": "maybe"})


def test_the_other_decisions_of_an_affinity_domain_reach_the_registry() -> None:
    registry = built(
        patient_authorities=["1.2.3"],
        identity_sources=["CN=adt"],
        accepts_replays=False,
        most_objects=7,
    )
    assert registry.patients.authorities == frozenset({"1.2.3"})
    assert registry.patients.sources == frozenset({"CN=adt"})
    assert (registry.accepts_replays, registry.most_objects) == (False, 7)
    assert (built().patients.authorities, built().patients.sources) == (None, None)
