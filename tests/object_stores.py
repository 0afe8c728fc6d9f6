"""A real S3 server for the tests.

Where it comes from, by the environment variable `FELLES_TEST_S3`:

```text
s3+http://access:secret@host:port/bucket   one that runs already; the bucket's name is a prefix
(not set)                                  the program `versitygw`, from .tools/bin or the PATH
```

A server started here lives as long as the test session, on a free loopback port, with its objects
in a temporary folder. Without any its tests are skipped with the reason;
`FELLES_REQUIRE_SERVERS=1` makes that a failure. `.ci/s3-server` builds the program.
"""

import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ACCESS, SECRET = "felles-test", "made-up-secret"
_ROOT = Path(__file__).resolve().parent.parent
_WAIT_S = 20


class NoServer(Exception):
    """No S3 server can be had; the message says why."""


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Give what makes the URL of a bucket that nobody uses yet."""
    try:
        with running_s3(tmp_path_factory.mktemp("s3")) as url:
            numbers = itertools.count()
            yield lambda: f"{url}-{os.getpid()}-{next(numbers)}"
    except NoServer as reason:
        if os.environ.get("FELLES_REQUIRE_SERVERS") == "1":
            raise
        pytest.skip(f"no S3 server: {reason}")


def program() -> Path:
    """Return the program that is an S3 server; raise `NoServer` when there is none."""
    built = _ROOT / ".tools" / "bin" / "versitygw"
    found = built if built.is_file() else shutil.which("versitygw")
    if not found:
        raise NoServer("versitygw is neither in .tools/bin nor on the PATH; see .ci/s3-server")
    return Path(found)


@contextmanager
def running_s3(folder: Path) -> Iterator[str]:
    """Find or start a server, and give the URL of a bucket on it.

    Raises
    ------
    NoServer
        There is none, and none can be started.
    """
    if given := os.environ.get("FELLES_TEST_S3"):
        yield given
        return
    port = free_port()
    (folder / "data").mkdir(exist_ok=True)
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(
            [program(), "--port", f"127.0.0.1:{port}", "posix", str(folder / "data")],
            env={"ROOT_ACCESS_KEY": ACCESS, "ROOT_SECRET_KEY": SECRET, "PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(port, server, folder / "log")
        yield f"s3+http://{ACCESS}:{SECRET}@127.0.0.1:{port}/felles"
    finally:
        server.terminate()
        server.wait(_WAIT_S)


def free_port() -> int:
    """Return a loopback port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(_WAIT_S * 20):
        if server.poll() is not None:
            raise NoServer(f"versitygw ended: {log.read_text()[-500:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise NoServer(f"versitygw does not listen: {log.read_text()[-500:]}")
