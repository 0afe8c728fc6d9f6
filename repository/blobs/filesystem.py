"""Documents as files, the embedded default.

```text
documents/
  staging/3f1c…          a document that streams in, or was left by a crash (cleaned by age)
  blobs/ab/abcd12…       a document by its SHA-256, in one of 256 folders
  quarantine/abcd12…-…   an altered one, and when it was stored
```

With a second level of folders nearly every document of a small site would have to make one, and
sync two more; with one level there are forty thousand files in each when ten million are kept.

`commit` syncs the file, renames it, and syncs the folder, in this order: a name in `blobs` always
stands for the whole content, also after a power cut. Both folders are on one file system, so the
rename is atomic.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ihe.errors import Unavailable
from repository.blobs import staging
from repository.blobs.content import CheckedContent
from repository.blobs.port import BlobInfo, is_key
from repository.blobs.staging import StagedFile, StagingWriter


class FilesystemBlobs:
    """Keeps documents below a folder; implements `Blobs`.

    Parameters
    ----------
    root
        The folder; made when it is not there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._what = "the document folder"
        self._staging = staging.prepare(root / "staging", self._what)
        self._blobs = staging.prepare(root / "blobs", self._what)
        self._quarantine = root / "quarantine"
        self._durable: set[Path] = set()
        """Folders below `blobs` whose names are known to be durable."""

    def open(self) -> StagingWriter:
        """Stage a new document."""
        return StagingWriter(self._staging, self._commit, self._what)

    def _commit(self, staged: StagedFile) -> None:
        target = self._path(staged.sha256)
        try:
            # also when it is there: what came is known to be right, what is there is not; and
            # its age starts anew, so that nobody takes it for an orphan
            staging.sync_file(staged.path)
            target.parent.mkdir(exist_ok=True)
            staged.path.rename(target)
            self._make_folder(target.parent)
            staging.sync_folder(target.parent)
        except OSError as failure:
            raise Unavailable.of(self._what, failure) from failure

    def _make_folder(self, folder: Path) -> None:
        """Make the folder of a blob, and its name durable; once in the life of a process."""
        if folder in self._durable:
            return
        folder.mkdir(exist_ok=True)
        staging.sync_folder(self._blobs)
        self._durable.add(folder)

    def read(self, key: str) -> CheckedContent | None:
        """Return a blob's content, checked while it is read."""
        info = self.stat(key)
        if info is None:
            return None
        path = self._path(key)

        def chunks() -> Iterator[bytes]:
            try:
                yield from staging.read_file(path)
            except OSError as failure:
                raise Unavailable.of(self._what, failure) from failure

        return CheckedContent(key, info.size, chunks)

    def stat(self, key: str) -> BlobInfo | None:
        """Return what is known of a blob."""
        try:
            found = self._path(key).stat()
        except FileNotFoundError:
            return None
        except OSError as failure:
            raise Unavailable.of(self._what, failure) from failure
        return BlobInfo(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def delete(self, key: str) -> None:
        """Delete a blob."""
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
            if path.parent.is_dir():
                staging.sync_folder(path.parent)
        except OSError as failure:
            raise Unavailable.of(self._what, failure) from failure

    def set_aside(self, seen: BlobInfo) -> bool:
        """Move an altered blob out of the way."""
        path, aside = self._path(seen.key), self._quarantine / seen.aside
        try:
            if self.stat(seen.key) != seen:
                return False
            self._quarantine.mkdir(exist_ok=True)
            path.rename(aside)
            moved = aside.stat()
            healed = datetime.fromtimestamp(moved.st_mtime, UTC) != seen.stored
            if healed:  # between the look and the rename the same content came
                aside.rename(path)
            staging.sync_folder(self._quarantine)
            staging.sync_folder(path.parent)
        except FileNotFoundError:
            return False
        except OSError as failure:
            raise Unavailable.of(self._what, failure) from failure
        return not healed

    def list(self) -> Iterator[BlobInfo]:
        """Yield all blobs."""
        for path in self._blobs.glob("??/*"):
            if is_key(path.name) and (info := self.stat(path.name)) is not None:
                yield info

    def clean(self, before: datetime) -> int:
        """Forget old staged files."""
        return staging.clean(self._staging, before)

    def ready(self) -> None:
        """Return when the folder can be written to."""
        if not os.access(self._staging, os.W_OK) or not os.access(self._blobs, os.W_OK):
            raise Unavailable(self._what, "it cannot be written to")

    def close(self) -> None:
        """Do nothing: no file is held open."""

    def _path(self, key: str) -> Path:
        if not is_key(key):
            raise ValueError("a blob's key is 64 lower-case hex digits")
        return self._blobs / key[:2] / key
