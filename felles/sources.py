"""Many messages: in files, in folders, in archives, or in a stream of an archive.

| given | its messages |
|---|---|
| a folder | its files and those of its folders, by name; none whose name begins with a dot |
| `*.zip` | its files, by name |
| `*.tar`, `*.tar.gz` … | its files, in their order |
| `-` | those of a tar archive that comes over standard input |
| any other file | one message |
"""

import os
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from hub.settings import SettingsError

STDIN: Final = Path("-")


class Source(NamedTuple):
    """One message, with a name that people find it again by."""

    name: str
    data: bytes


def count(paths: Sequence[Path]) -> int | None:
    """Return how many messages there are; None if that cannot be told without reading them all."""
    total = 0
    for path in paths:
        if path == STDIN or _is_tar(path):
            return None
        if path.is_dir():
            total += sum(1 for _ in _files_below(path))
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                total += sum(1 for _ in _members(archive))
        else:
            total += 1
    return total


def messages(paths: Sequence[Path]) -> Iterator[Source]:
    """Yield every message, in its order.

    Raises
    ------
    SettingsError
        An archive is broken off or is none.
    OSError
        Something cannot be read.
    """
    for path in paths:
        try:
            yield from _messages(path)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError) as problem:
            raise SettingsError(f"{path} is no whole archive: {problem}") from None


def _messages(path: Path) -> Iterator[Source]:
    if path == STDIN:
        with tarfile.open(fileobj=sys.stdin.buffer, mode="r|*") as archive:
            yield from _of_tar(archive, "standard input")
    elif path.is_dir():
        for file in _files_below(path):
            yield Source(str(file), file.read_bytes())
    elif _is_tar(path):
        with tarfile.open(path, mode="r|*") as archive:
            yield from _of_tar(archive, str(path))
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in _members(archive):
                yield Source(f"{path}/{name}", archive.read(name))
    else:
        yield Source(str(path), path.read_bytes())


def _of_tar(archive: tarfile.TarFile, path: str) -> Iterator[Source]:
    for member in archive:
        if member.isfile() and not _is_hidden(member.name):
            content: IO[Any] | None = archive.extractfile(member)
            assert content is not None, "a file has content"  # noqa: S101  # tarfile's promise
            yield Source(f"{path}/{member.name}", content.read())


def _members(archive: zipfile.ZipFile) -> list[str]:
    names = (each.filename for each in archive.infolist() if not each.is_dir())
    return sorted(name for name in names if not _is_hidden(name))


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder by name, without holding the names of all of them at once."""
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        yield from (Path(here, name) for name in sorted(files) if not _is_hidden(name))


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") and part != "." for part in name.split("/"))


def _is_tar(path: Path) -> bool:
    return path.is_file() and tarfile.is_tarfile(path)
