"""Importing lists of codes into the file that a registry reads them from.

```text
codes.xml of a tool  ┐                ┌ added    in the files, and not in the registry's
codes.csv of a sheet ├─▶ merged ─▶    ├ changed  other words for the same code
the registry's own   ┘                └ removed  with --replace, no longer in a list that is given
                          │
                          ▼  a file beside it, read once more, then renamed into its place
```

The registry's file is whole at every moment, and a running registry reads it again by itself
(`registry.codes.CodeFile`). What the file holds besides lists that are used here (assigning
authorities, lists of attributes without codes) stays as it is.
"""

import copy
import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from lxml import etree

from hub.ids import new_trace_id
from hub.settings import SettingsError
from ihe import xml
from registry.codes import ATTRIBUTES, LIMITS, MIME_TYPE, CodeLine, attribute_of, read_lines

Key: TypeAlias = tuple[str, str]
"""Code and scheme."""
Lists: TypeAlias = Mapping[str, Mapping[Key, str]]
"""Displays by code and scheme, by attribute, in the order of the file."""
_SCHEMES: Final = {name: scheme for scheme, name in ATTRIBUTES.items()}


@dataclass(frozen=True, slots=True)
class Change:
    """A code that differs between two states of the lists; `what` is added, changed or removed."""

    what: str
    attribute: str
    code: str
    scheme: str
    display: str
    before: str = ""


def read_lists(paths: Sequence[Path]) -> Lists:
    """Return the lists of all files together; of words for one code, the last count.

    Raises
    ------
    SettingsError
        One cannot be read, or something in it is wrong; says which line and why.
    """
    return _sorted_out(line for path in paths for line in read_lines(path)[0])


def _sorted_out(lines: Iterable[CodeLine]) -> Lists:
    lists: dict[str, dict[Key, str]] = {}
    for line in lines:
        code = line.code.lower() if line.attribute == MIME_TYPE else line.code
        codes = lists.setdefault(line.attribute, {})
        key = code, "" if line.attribute == MIME_TYPE else line.scheme
        codes[key] = line.display or codes.get(key, "")
    return lists


def merged(own: Lists, given: Lists, *, replace: bool) -> Lists:
    """Return the lists after an import.

    Parameters
    ----------
    own
        What is there.
    given
        What is imported.
    replace
        Whether a list that is given takes the place of the own one of that attribute, or its codes
        are added. Attributes that are not given keep their lists in either case.
    """
    lists: dict[str, dict[Key, str]] = {name: dict(codes) for name, codes in own.items()}
    for name, codes in given.items():
        before = lists.get(name, {})
        known = {key: display or before.get(key, "") for key, display in codes.items()}
        lists[name] = known if replace else {**before, **known}
    return lists


def changes(before: Lists, after: Lists) -> list[Change]:
    """Return what is different, by attribute."""
    found = []
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name, {}), after.get(name, {})
        for key, display in new.items():
            if key not in old:
                found.append(Change("added", name, *key, display))
            elif old[key] != display:
                found.append(Change("changed", name, *key, display, old[key]))
        found += (
            Change("removed", name, *key, "", display)
            for key, display in old.items()
            if key not in new
        )
    return found


def write_lists(path: Path, lists: Lists) -> None:
    """Let a file hold these lists: in one step, and only if it can then be read.

    Of a link, it is the file that the link leads to. Owner, group and permissions stay.

    Raises
    ------
    SettingsError
        What would be written cannot be read again, what is there now cannot, or the file would
        have to become somebody else's.
    OSError
        It cannot be written.
    """
    whole = _csv(lists) if path.suffix.lower() == ".csv" else _xml(path, lists)
    target = path.resolve()
    part = target.with_name(f".{target.stem}-{new_trace_id()}{path.suffix}")
    try:
        with part.open("xb") as file:
            if target.exists():
                _keep_owner(file.fileno(), target)
            file.write(whole)
            file.flush()
            os.fsync(file.fileno())
        if changes(read_lists([part]), lists):
            raise SettingsError(f"{path} cannot hold these codes; it stays as it was")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _keep_owner(descriptor: int, path: Path) -> None:
    """Let a file be whose `path` is: a registry has to read it, whoever imports."""
    now, old = os.fstat(descriptor), path.stat()
    if (now.st_uid, now.st_gid) != (old.st_uid, old.st_gid):
        try:
            os.fchown(descriptor, old.st_uid, old.st_gid)
        except PermissionError:
            raise SettingsError(
                f"{path} is of user {old.st_uid} and group {old.st_gid}, and would not stay"
                " theirs: import as its owner or as root"
            ) from None
    os.fchmod(descriptor, old.st_mode & 0o777)  # after a change of owner, which may take some


def _csv(lists: Lists) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("attribute", "code", "scheme", "display"))
    for name, codes in lists.items():
        writer.writerows((name, *key, display) for key, display in codes.items())
    return text.getvalue().encode()


def _xml(path: Path, lists: Lists) -> bytes:
    """Return a codes.xml with these lists, and with what else the file holds now."""
    root = etree.Element("Codes")
    rest = dict(lists)
    if path.exists():
        try:
            old = xml.parse(path.read_bytes(), limits=LIMITS)
        except xml.MalformedXml as problem:
            raise SettingsError(f"{path}: {problem}") from None
        root = etree.Element(old.tag, dict(old.attrib), nsmap=old.nsmap)
        for child in old:
            is_list = etree.QName(child).localname == "CodeType"
            name = attribute_of(child, path) if is_list else None
            if name is None:
                root.append(copy.deepcopy(child))
            elif name in rest:
                kind = etree.SubElement(root, str(child.tag), dict(child.attrib))
                _fill(kind, rest.pop(name), child)
    namespace = etree.QName(root).namespace
    for name, codes in rest.items():
        kind = etree.SubElement(root, etree.QName(namespace, "CodeType"), name=name)
        if name in _SCHEMES:
            kind.set("classScheme", str(_SCHEMES[name]))
        _fill(kind, codes)
    etree.indent(root)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _fill(
    kind: etree._Element, codes: Mapping[Key, str], before: Iterable[etree._Element] = ()
) -> None:
    """Put codes into a list; what they have besides is what they had in the list `before`."""
    tag = etree.QName(etree.QName(kind).namespace, "Code")
    known = {(each.get("code", ""), each.get("codingScheme", "")): each.attrib for each in before}
    for (code, scheme), display in codes.items():
        element = etree.SubElement(kind, tag, dict(known.get((code, scheme), {})), code=code)
        for name, value in (("codingScheme", scheme), ("display", display)):
            if value:
                element.set(name, value)
