"""The affinity domain's lists of codes and MIME types, read from a file.

Two forms, told apart by the file's suffix. `codes.xml` as conformance tools have it:

```xml
<Codes>
  <CodeType name="classCode" classScheme="urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a">
    <Code code="A00-1" codingScheme="2.16.578.1.12.4.1.1.9602" display="Epikrise"/>
  </CodeType>
  <CodeType name="mimeType"><Code code="text/plain"/></CodeType>
</Codes>
```

`codes.csv`, for lists that live in a spreadsheet, with commas or semicolons:

```text
attribute,code,scheme,display
classCode,A00-1,2.16.578.1.12.4.1.1.9602,Epikrise
mimeType,text/plain
```

An attribute that has a list takes codes of it only (rules F8 and F9); one without takes any. What
else such a file may hold (names of codes, assigning authorities) is not used.

A file that has changed is read again while the registry runs. One that cannot be read then leaves
the lists as they were: half a list would refuse good documents.
"""

import asyncio
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from lxml import etree

from hub import logs
from hub.settings import SettingsError
from ihe import xml
from ihe.rules import CodeSets
from ihe.vocabulary import (
    ASSOCIATION_DOCUMENTATION,
    DocumentEntryScheme,
    FolderScheme,
    SubmissionSetScheme,
)

MIME_TYPE: Final = "mimeType"
ATTRIBUTES: Final = {
    DocumentEntryScheme.CLASS_CODE: "classCode",
    DocumentEntryScheme.CONFIDENTIALITY_CODE: "confidentialityCode",
    DocumentEntryScheme.EVENT_CODE_LIST: "eventCodeList",
    DocumentEntryScheme.FORMAT_CODE: "formatCode",
    DocumentEntryScheme.HEALTHCARE_FACILITY_TYPE_CODE: "healthcareFacilityTypeCode",
    DocumentEntryScheme.PRACTICE_SETTING_CODE: "practiceSettingCode",
    DocumentEntryScheme.TYPE_CODE: "typeCode",
    SubmissionSetScheme.CONTENT_TYPE_CODE: "contentTypeCode",
    FolderScheme.CODE_LIST: "codeList",
    ASSOCIATION_DOCUMENTATION: "associationDocumentation",
}
"""What has codes, by its classification scheme; the names are those that rule F8 knows."""
_BY_SCHEME: Final = {str(scheme): name for scheme, name in ATTRIBUTES.items()}
_NAMES: Final = {*ATTRIBUTES.values(), MIME_TYPE}
_OTHER_NAMES: Final = {"folderCode": "codeList", "folderCodeList": "codeList"}
"""What conformance tools call an attribute."""
LIMITS: Final = xml.Limits(
    octets=64 * 1024**2, tags=2_000_000, attributes=8_000_000, memory=4_000_000_000
)
"""Room for national code systems: the file is the operator's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLists:
    """What a file says, as `ihe.rules.Profile` wants it.

    Parameters
    ----------
    code_sets
        Allowed (code, scheme) pairs by attribute.
    mime_types
        Allowed MIME types, lower case; None for any.
    passed_over
        Lists of attributes that have no codes here, by their names.
    """

    code_sets: CodeSets
    mime_types: frozenset[str] | None = None
    passed_over: tuple[str, ...] = ()


class CodeLine(NamedTuple):
    """One code of an attribute, and where it stands for people."""

    attribute: str
    code: str
    scheme: str
    display: str
    where: str


def read_codes(path: Path) -> CodeLists:
    """Read the lists of a file.

    Raises
    ------
    SettingsError
        It cannot be read, or something in it is wrong; says which line and why.
    """
    lines, passed_over = read_lines(path)
    found: dict[str, set[tuple[str, str]]] = {}
    for line in lines:
        found.setdefault(line.attribute, set()).add((line.code, line.scheme))
    mime_types = found.pop(MIME_TYPE, None)
    return CodeLists(
        code_sets={name: frozenset(codes) for name, codes in found.items()},
        mime_types=frozenset(code.lower() for code, _ in mime_types) if mime_types else None,
        passed_over=passed_over,
    )


def read_lines(path: Path) -> tuple[list[CodeLine], tuple[str, ...]]:
    """Return the codes of a file one by one, and the lists in it that have no place here.

    Raises as `read_codes` does.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise SettingsError(f"cannot read {path}: {problem.strerror}") from None
    passed_over: list[str] = []
    if path.suffix.lower() == ".csv":
        found = _csv_lines(data, path)
    else:
        found = _xml_lines(data, path, passed_over)
    lines = []
    for line in found:
        _check(line)
        lines.append(line)
    if not lines:
        raise SettingsError(f"{path} lists no codes")
    return lines, tuple(passed_over)


def _check(line: CodeLine) -> None:
    if not line.code:
        raise SettingsError(f"{line.where}: the code is missing")
    if not line.scheme and line.attribute != MIME_TYPE:
        raise SettingsError(f"{line.where}: the coding scheme of '{line.code}' is missing")


# --- codes.xml -----------------------------------------------------------------------------------


def _xml_lines(data: bytes, path: Path, passed_over: list[str]) -> Iterator[CodeLine]:
    """Yield the codes of a codes.xml; names of lists that have no place here go the other way."""
    try:
        root = xml.parse(data, limits=LIMITS)
    except xml.MalformedXml as problem:
        raise SettingsError(f"{path}: {problem}") from None
    if _tag(root) != "Codes":
        raise SettingsError(f"{path}: <Codes> was expected, found <{_tag(root)}>")
    for kind in root:
        if _tag(kind) != "CodeType":
            continue
        attribute = attribute_of(kind, path)
        if attribute is None:
            passed_over.append(kind.get("name", ""))
            continue
        codes = [each for each in kind if _tag(each) == "Code"]
        if not codes:
            raise SettingsError(
                f"{path}, line {kind.sourceline}: the list of {attribute} is empty, which would"
                " refuse every code; leave it out to take any"
            )
        for code in codes:
            yield CodeLine(
                attribute,
                code.get("code", "").strip(),
                code.get("codingScheme", "").strip(),
                code.get("display", "").strip(),
                f"{path}, line {code.sourceline} ({attribute})",
            )


def attribute_of(kind: etree._Element, path: Path) -> str | None:
    """Return what a list is of: its scheme is better known than its name."""
    name, scheme = kind.get("name", ""), kind.get("classScheme", "")
    if not name and not scheme:
        raise SettingsError(f"{path}, line {kind.sourceline}: <CodeType> has no name")
    by_name = _OTHER_NAMES.get(name, name)
    return _BY_SCHEME.get(scheme) or (by_name if by_name in _NAMES else None)


def _tag(element: etree._Element) -> str:
    return etree.QName(element).localname


# --- codes.csv -----------------------------------------------------------------------------------

_HEADER: Final = ["attribute", "code", "scheme"]
_CODE, _SCHEME, _DISPLAY = 1, 2, 3
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
"""Characters that XML has no place for, or none that anybody sees."""


def _csv_lines(data: bytes, path: Path) -> Iterator[CodeLine]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: UTF-8 text was expected") from None
    if bad := _NO_TEXT.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise SettingsError(
            f"{path}, line {line}: U+{ord(bad[0]):04X} is there, which no code can have"
        )
    first = text.partition("\n")[0]
    reader = csv.reader(text.splitlines(), delimiter=";" if ";" in first else ",", strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells) or cells[: len(_HEADER)] == _HEADER:
                continue
            yield _csv_line(cells, f"{path}, line {reader.line_num}")
    except csv.Error as problem:
        raise SettingsError(f"{path}, line {reader.line_num}: {problem}") from None


def _csv_line(cells: list[str], where: str) -> CodeLine:
    attribute = _OTHER_NAMES.get(cells[0], cells[0])
    if attribute not in _NAMES:
        known = ", ".join(sorted(_NAMES))
        raise SettingsError(f"{where}: '{cells[0]}' has no list of codes; known are {known}")
    cells += [""] * (_DISPLAY + 1 - len(cells))
    return CodeLine(attribute, cells[_CODE], cells[_SCHEME], cells[_DISPLAY], where)


# --- while the registry runs ---------------------------------------------------------------------


class CodeFile:
    """A file of codes, with what it said when it could last be read.

    Parameters
    ----------
    path
        The file.
    actor
        Who reads it: for the log.

    Raises
    ------
    SettingsError
        It cannot be read now.
    """

    def __init__(self, path: Path, actor: str) -> None:
        self._path, self._log = path, logs.logger(actor)
        self._stamp = self._look()
        self.lists = read_codes(path)
        self._tell_passed_over()

    def refresh(self) -> None:
        """Read the file again if it has changed; one that is broken leaves the lists alone."""
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.lists = read_codes(self._path)
        except SettingsError as problem:
            self._log.error("codes not read again", reason=str(problem), path=str(self._path))
            return
        self._log.info("codes read again", path=str(self._path))
        self._tell_passed_over()

    async def watch(self) -> None:
        """Refresh once, and wait a while; for an actor's background."""
        await asyncio.to_thread(self.refresh)
        await asyncio.sleep(_EVERY_S)

    def _look(self) -> tuple[int, ...]:
        """Return what tells one state of the file from another; nothing when it is away."""
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _tell_passed_over(self) -> None:
        for name in self.lists.passed_over:
            self._log.warning("a list of codes is not used", what=name, path=str(self._path))


_EVERY_S: Final = 2.0
