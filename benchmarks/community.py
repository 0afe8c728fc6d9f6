"""A community of real processes to be measured: each actor by `felles serve`, and its servers.

```text
felles serve registry ◀── felles serve repository ◀── felles serve gateway
      │                          │         │
   SQLite, or PostgreSQL      the same   files, or S3
```

Each actor listens at a loopback port of its own, with mutual TLS if wanted, and logs into a file.
"""

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg

import certs
from benchmarks import processes
from hub import clock
from hub.tls import client_context
from tests.databases import running_postgres
from tests.object_stores import running_s3

ACTORS: Final = ("registry", "repository", "gateway")
"""In the order in which they start: each needs those before it."""
HOME: Final = "urn:oid:2.16.578.1.12.4.1.7.1.99"
REPOSITORY: Final = "2.16.578.1.12.4.1.7.1.99.1"
DURABLE: Final = {"fsync": "on", "full_page_writes": "on", "shared_buffers": "512MB"}
_ROOT: Final = Path(__file__).resolve().parent.parent
_END_S: Final = 40


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of the client's certificate, by which a client of ours is let in."""

    certificate: Path
    key: Path
    authorities: Path

    def context(self) -> ssl.SSLContext:
        """Return the context of a client."""
        return client_context(self.certificate, self.key, self.authorities)


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint."""

    host: str
    port: int
    path: str
    tls: Tls | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a community is set up."""

    tls: bool = False
    postgres: bool = False
    s3: bool = False
    workers: int = 1

    def __str__(self) -> str:
        return ", ".join(
            (
                "mutual TLS" if self.tls else "plain HTTP",
                "PostgreSQL" if self.postgres else "SQLite",
                "S3" if self.s3 else "files",
            )
        )


@dataclass(slots=True)
class Community:
    """A running community.

    Parameters
    ----------
    pids
        Its processes by name: the actors, `postgres` and `s3`.
    urls
        Endpoints by name, as `felles serve` prints them.
    databases
        The URL of each actor's database.
    """

    folder: Path
    tls: Tls | None
    pids: dict[str, int] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    databases: dict[str, str] = field(default_factory=dict)

    def target(self, name: str) -> Target:
        """Return the endpoint of that name, such as `gateway/initiating`."""
        url = urlsplit(self.urls[name])
        assert url.hostname
        assert url.port
        return Target(url.hostname, url.port, url.path, self.tls)

    def cpu_s(self) -> dict[str, float]:
        """Return CPU seconds so far, by process."""
        return {name: processes.cpu_s(pid) for name, pid in self.pids.items()}


@contextlib.contextmanager
def running(folder: Path, options: Options, actors: Sequence[str] = ACTORS) -> Iterator[Community]:
    """Start a community, or some of its actors, with its data below `folder`, and end it."""
    with contextlib.ExitStack() as stack:
        community = Community(folder, _certificates(folder) if options.tls else None)
        for name in ("registry", "repository"):
            community.databases[name] = f"sqlite:///{folder / name}.sqlite"
        if options.postgres:
            _start_postgres(community, stack)
        blobs = f"file:{folder / 'documents'}"
        if options.s3:
            blobs = stack.enter_context(running_s3(folder))
            if (pid := processes.descendant("versitygw")) is not None:
                community.pids["s3"] = pid
        for name in actors:
            settings = _settings(name, community, blobs)
            settings[name]["workers"] = options.workers
            stack.enter_context(_actor(name, community, settings, migrate=options.postgres))
        yield community


def _certificates(folder: Path) -> Tls:
    now, where = clock.now(), folder / "certs"
    authority = certs.create_authority(where, "Felles benchmark authority", at=now)
    files = certs.issue(where, "benchmark", organisation="Felles benchmark", at=now)
    return Tls(files.certificate, files.key, authority.certificate)


def _start_postgres(community: Community, stack: contextlib.ExitStack) -> None:
    server = stack.enter_context(running_postgres(**DURABLE))
    for name in community.databases:
        community.databases[name] = stack.enter_context(server.database())
    with server.admin() as admin:
        backend = admin.info.backend_pid
        if processes.name(backend) == "postgres":  # and not a server on another machine
            community.pids["postgres"] = processes.parent(backend)


def _settings(name: str, community: Community, blobs: str) -> dict[str, dict[str, Any]]:
    urls, tls = community.urls, community.tls
    of: dict[str, dict[str, Any]] = {
        "registry": {"database": community.databases["registry"]},
        "repository": {
            "repository_unique_id": REPOSITORY,
            "database": community.databases["repository"],
            "blobs": blobs,
            "staging": str(community.folder / "staging"),
            "registry": urls.get("registry", ""),
        },
        "gateway": {
            "registry": urls.get("registry", ""),
            "repositories": [
                {"repository_unique_id": REPOSITORY, "url": urls.get("repository", "")}
            ],
        },
    }
    settings = {"community": {"home_community_id": HOME}, name: {"port": 0, **of[name]}}
    if tls:
        settings["tls"] = {
            "certificate": str(tls.certificate),
            "key": str(tls.key),
            "authorities": str(tls.authorities),
        }
    return settings


def _toml(value: Any) -> str:
    match value:
        case dict():
            return f"{{ {', '.join(f'{key} = {_toml(each)}' for key, each in value.items())} }}"
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False)


@contextlib.contextmanager
def _actor(
    name: str, community: Community, settings: dict[str, dict[str, Any]], *, migrate: bool
) -> Iterator[None]:
    """Run one actor as its users do, and add it to the community."""
    config = community.folder / f"{name}.toml"
    config.write_text("".join(f"{table} = {_toml(of)}\n" for table, of in settings.items()))
    felles = [sys.executable, "-m", "felles"]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    if migrate and name != "gateway":
        subprocess.run(
            [*felles, "migrate", name, "--config", config], check=True, env=environment,
            capture_output=True,
        )  # fmt: skip  # the command on one line
    log = community.folder / f"{name}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*felles, "serve", name, "--config", config, "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            text=True,
        )
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line == "}\n":
                break
        if not said.endswith("}\n"):
            raise RuntimeError(f"felles serve {name} ended: {log.read_text()[-2000:]}")
        community.urls |= json.loads(said)
        community.pids[name] = process.pid
        _wait_until_ready(community.target(name))
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(to: Target) -> None:
    """Ask for what an orchestrator would ask; the repository makes its bucket then."""
    context = to.tls.context() if to.tls else None
    url = f"{'https' if context else 'http'}://{to.host}:{to.port}/health/ready"
    with urllib.request.urlopen(url, context=context, timeout=_END_S):  # noqa: S310  # of our own
        pass


def connect_postgres(url: str) -> "psycopg.Connection[Any]":
    """Return a connection of our own to a database of the community's server."""
    return psycopg.connect(url, autocommit=True)
