"""Many messages: in files, in folders, in archives, or in a stream of an archive.

| given | its messages |
|---|---|
| a folder | its files and those of its folders, by name; none whose name begins with a dot |
| `*.zip` | its files, by name |
| `*.tar`, `*.tar.gz` … | its files, in their order |
| `-` | those of a tar archive that comes over standard input |
| any other file | one message |

Nothing is passed over in silence: what is no file (a link in a tar, a pipe in a folder), is too
large or cannot be read comes as a message that is not `readable`, and an archive that is not whole
ends the load.
"""

import bz2
import gzip
import io
import lzma
import os
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, Self, cast

from hub.remote import ANSWER
from hub.settings import SettingsError
from ihe.messages import CHUNK

STDIN: Final = Path("-")
MOST: Final = ANSWER.octets
"""Octets that one message may have."""
_TAR: Final = frozenset({".tar", ".tgz", ".tbz2", ".txz"})
_ABOUT: Final = 1024**2
"""Octets that a tar may say about one member: its long name, and what else PAX has."""
_BROKEN: Final = (
    *(tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError),
    *(RuntimeError, NotImplementedError, UnicodeError, ValueError),
)
"""What comes of archives that are damaged or cut, encrypted, or compressed in another way."""


class Source(NamedTuple):
    """One message, with a name that people find it again by; `problem` is why it is not there."""

    name: str
    data: bytes
    problem: str = ""


def count(paths: Sequence[Path]) -> int | None:
    """Return how many messages there are; None if that cannot be told without reading them all.

    Raises as `messages` does.
    """
    total = 0
    for path in paths:
        if path == STDIN or _is_tar(path):
            return None
        if path.is_dir():
            total += sum(1 for _ in _files_below(path))
        elif _is_zip(path):
            with _whole(path), zipfile.ZipFile(path) as archive:
                total += len(_members(archive))
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
        Something that was named cannot be read.
    """
    for path in paths:
        if path == STDIN:
            with _whole("standard input"), _stdin() as stream:
                yield from _of_tar(stream, "standard input")
        elif path.is_dir():
            yield from map(_of_folder, _files_below(path))
        elif _is_tar(path):
            with _whole(path), path.open("rb") as stream:
                yield from _of_tar(stream, str(path))
        elif _is_zip(path):
            with _whole(path), zipfile.ZipFile(path) as archive:
                for member in _members(archive):
                    yield _of_zip(archive, member, path)
        else:
            yield _of_file(path)


@contextmanager
def _whole(path: Path | str) -> Iterator[None]:
    """Tell of an archive that is not whole by its name."""
    try:
        yield
    except _BROKEN as problem:
        raise SettingsError(f"{shown(str(path))} is no whole archive: {problem}") from None
    except OSError as problem:  # of a checksum, or of bzip2, and then without the name of a file
        if problem.filename is not None:
            raise
        raise SettingsError(f"{shown(str(path))} is no whole archive: {problem}") from None


@contextmanager
def _stdin() -> Iterator[io.BufferedReader]:
    """Give what can look ahead into standard input, and leave that open."""
    stream = io.BufferedReader(cast("Any", sys.stdin.buffer))
    try:
        yield stream
    finally:
        stream.detach()


def shown(name: str) -> str:
    """Return a name as a terminal and a report can show it: what is not printable, escaped."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in name
    )


def _limited(name: str, file: IO[bytes]) -> Source:
    data = file.read(MOST + 1)
    if len(data) > MOST:
        return Source(shown(name), b"", f"found more than {MOST} octets, expected no more")
    return Source(shown(name), data)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") and part not in {".", ".."} for part in name.split("/"))


# --- files ---------------------------------------------------------------------------------------


def _of_folder(path: Path) -> Source:
    try:
        return _of_file(path)
    except OSError as problem:
        return Source(shown(str(path)), b"", f"it cannot be read: {problem.strerror}")


def _of_file(path: Path) -> Source:
    """Read a file; whatever else has its name, a pipe or a device, could be read for ever."""
    if not stat.S_ISREG(path.stat().st_mode):
        return Source(shown(str(path)), b"", "found no file under this name, expected one")
    with path.open("rb") as file:
        return _limited(str(path), file)


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder by name, without holding the names of all of them at once.

    Links to folders are among them: they are not followed, which could go round in a circle.
    """

    def tell(problem: OSError) -> None:
        raise SettingsError(f"{shown(str(problem.filename))}: {problem.strerror}")

    for here, folders, files in os.walk(folder, onerror=tell):
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        links = [name for name in folders if Path(here, name).is_symlink()]
        yield from (Path(here, name) for name in sorted([*files, *links]) if not _is_hidden(name))


# --- zip -----------------------------------------------------------------------------------------


def _is_zip(path: Path) -> bool:
    return path.is_file() and (path.suffix.lower() == ".zip" or zipfile.is_zipfile(path))


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    found = [
        each for each in archive.infolist() if not each.is_dir() and not _is_hidden(each.filename)
    ]
    return sorted(found, key=lambda each: each.filename)


def _of_zip(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Source:
    name = f"{path}/{member.filename}"
    try:
        with archive.open(member) as file:
            return _limited(name, file)
    except (*_BROKEN, OSError) as problem:
        raise zipfile.BadZipFile(f"{shown(member.filename)}: {problem}") from None


# --- tar -----------------------------------------------------------------------------------------


def _is_tar(path: Path) -> bool:
    if path == STDIN or not path.is_file():
        return False
    if _TAR & {each.lower() for each in path.suffixes}:
        return True
    with path.open("rb") as file:
        try:
            tarfile.TarInfo.frombuf(_unpacked(file).read(tarfile.BLOCKSIZE), "utf-8", "replace")
        except (*_BROKEN, OSError):
            return False
    return True


def _unpacked(file: io.BufferedReader) -> IO[bytes]:
    """Return what a file holds compressed: read to its end, its checksum has been looked at."""
    begins = file.peek(6)[:6]
    if begins.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if begins.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.BZ2File(file))
    if begins.startswith((b"\xfd7zXZ\0", b"\x5d\0\0")):
        return cast("IO[bytes]", lzma.LZMAFile(file))
    return file


class _Header(tarfile.TarInfo):
    """The header of a member: one that is damaged, cut or missing is not the archive's end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a block; raises `ReadError` when it is neither a header nor the end."""
        if len(buf) == tarfile.BLOCKSIZE and not any(buf):
            return super().frombuf(buf, encoding, errors)  # raises what tells of the end
        try:
            found = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as problem:
            raise tarfile.ReadError(f"{problem}, where a member or the end was expected") from None
        if found.type in _ABOUT_ANOTHER and found.size > _ABOUT:
            raise tarfile.ReadError(f"{found.size} octets about one member")
        return found


_ABOUT_ANOTHER: Final = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)


def _of_tar(file: io.BufferedReader, path: str) -> Iterator[Source]:
    unpacked = _unpacked(file)
    with tarfile.open(fileobj=unpacked, mode="r|", tarinfo=_Header) as archive:
        for member in archive:
            name = f"{path}/{member.name}"
            if member.isdir() or _is_hidden(member.name):
                continue
            if not member.isreg():
                kind = _KINDS.get(member.type, "something else")
                yield Source(shown(name), b"", f"found {kind}, expected a file with its content")
                continue
            content = archive.extractfile(member)
            assert content is not None, "a file has content"  # noqa: S101  # tarfile's promise
            yield _limited(name, content)
        rest = cast("Any", archive.fileobj)  # what it has read ahead, and then the others
        while piece := rest.read(CHUNK):
            if any(piece):
                raise tarfile.ReadError("something follows its end")


_KINDS: Final = {
    tarfile.LNKTYPE: "a hard link to another member",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
}
