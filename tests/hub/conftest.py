"""A community that bad messages are sent to, and a watch over what they leave behind."""

import contextlib
import io
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from hub import logs
from hub.limits import Limits
from registry.store.memory import MemoryStore
from repository.blobs.filesystem import FilesystemBlobs
from tests.hub.posting import is_good
from tests.running import Running, running

SECRETS = ("13916900216", "29898496140", "Danser", "Line", "NORDMANN", "Epikrise")
"""What the samples say of patients and their documents; no log line may hold any of it."""
SMALL = Limits(body=4 * 1024**2, root=2 * 1024**2, head=16 * 1024)


@dataclass
class Log:
    """What the process writes to its log."""

    stream: io.StringIO

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def since(self, position: int) -> str:
        return self.stream.getvalue()[position:]


@pytest.fixture(scope="session")
def log() -> Iterator[Log]:
    """Set logging up as a process does, into memory."""
    stream = io.StringIO()
    before = list(logging.getLogger().handlers)
    logs.configure(stream)
    yield Log(stream)
    logging.getLogger().handlers = before
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def hub(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a community that takes small messages only."""
    with running(tmp_path_factory.mktemp("hub"), limits=SMALL) as community:
        yield community


@pytest.fixture
def unharmed(hub: Running, log: Log) -> Iterator[Running]:
    """Give the community; see afterwards that nothing was kept, told or broken."""
    position = log.stream.tell()
    yield hub
    assert is_good(hub.registry)
    assert_nothing_kept(hub)
    eventually(lambda: '"transaction": "ITI-18"' in log.since(position))  # logged after the answer
    written = log.since(position)
    assert not [secret for secret in SECRETS if secret in written], written
    assert "Traceback" not in written


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """Give an empty folder for documents."""
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def assert_nothing_kept(hub: Running) -> None:
    """Fail when a document, a staged part or a registered object is there."""
    assert isinstance(hub.blobs, FilesystemBlobs)
    root = hub.blobs.root
    eventually(lambda: files_below(root) == [])  # parts are thrown away after the answer
    with contextlib.closing(sqlite3.connect(hub.blobs.root.parent / "repository.sqlite")) as index:
        assert index.execute("SELECT * FROM holding").fetchall() == []
    assert isinstance(hub.store, MemoryStore)
    assert not hub.store._content.objects
    assert not hub.store._content.patients


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def eventually(happens: Callable[[], bool], seconds: int = 10) -> None:
    """Return when something has come true; fail when it does not."""
    for _ in range(20 * seconds):
        if happens():
            return
        time.sleep(0.05)
    pytest.fail("it never came true")
