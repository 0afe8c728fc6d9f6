"""Communities of the demo as processes of their own: started, awaited, stopped.

Each runs `felles serve all` with its own settings, so what the demo shows is what an operator runs.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import certs
from felles.development import tls_of
from hub.settings import TlsSettings
from ihe.errors import Unavailable

ACTORS: Final = ("registry", "repository", "gateway")
_START_S: Final = 40.0
_STOP_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One community of the demo.

    Parameters
    ----------
    slug, name
        For files and for people.
    home_community_id, repository_unique_id
        Its ids, as `urn:oid:` and as OID.
    ports
        TCP ports by actor.
    folder
        Its settings, database, documents and log.
    certificates
        Folder of the certificates of all members.
    """

    slug: str
    name: str
    home_community_id: str
    repository_unique_id: str
    ports: Mapping[str, int]
    folder: Path
    certificates: Path

    def url(self, actor: str) -> str:
        """Return the URL of an actor; `gateway/initiating` is one too."""
        return f"https://127.0.0.1:{self.ports[actor.partition('/')[0]]}/{actor}"

    def tls(self, actor: str) -> TlsSettings:
        """Return the certificate of one of its actors, or of its `source`."""
        return tls_of(f"{self.slug}-{actor}", self.certificates)

    @property
    def settings(self) -> Path:
        """Its settings file."""
        return self.folder / "felles.toml"

    @property
    def log(self) -> Path:
        """Its log: JSON lines."""
        return self.folder / "log.jsonl"


def free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody listens at, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def set_up(member: Member, others: Sequence[Member], at: Any) -> None:
    """Issue a member's certificates and write its settings."""
    member.folder.mkdir(parents=True, exist_ok=True)
    for name in (*ACTORS, "source"):
        certs.issue(member.certificates, f"{member.slug}-{name}", organisation=member.name, at=at)
    member.settings.write_text(_settings(member), encoding="utf-8")
    (member.folder / "communities.toml").write_text(
        "\n".join(map(_community, others)), encoding="utf-8"
    )


def _settings(member: Member) -> str:
    folder = member.folder
    tables: list[tuple[str, Mapping[str, Any]]] = [
        ("community", {"home_community_id": member.home_community_id}),
        (
            "registry",
            {
                "port": member.ports["registry"],
                "database": f"sqlite:///{folder}/registry.sqlite",
            },
        ),
        (
            "repository",
            {
                "port": member.ports["repository"],
                "repository_unique_id": member.repository_unique_id,
                "database": f"sqlite:///{folder}/repository.sqlite",
                "blobs": f"file:{folder}/documents",
                "registry": member.url("registry"),
            },
        ),
        (
            "gateway",
            {
                "port": member.ports["gateway"],
                "registry": member.url("registry"),
                "communities": str(folder / "communities.toml"),
                "deadline_s": 10,
            },
        ),
    ]
    for actor in ACTORS:
        files = member.tls(actor)
        tables.append(
            (
                f"{actor}.tls",
                {
                    "certificate": str(files.certificate),
                    "key": str(files.key),
                    "authorities": str(files.authorities),
                },
            )
        )
    local = {
        "repository_unique_id": member.repository_unique_id,
        "url": member.url("repository"),
    }
    text = [_table(f"[{name}]", values) for name, values in tables]
    text.append(_table("[[gateway.repositories]]", local))
    return "\n".join(text)


def _community(other: Member) -> str:
    values = {
        "home_community_id": other.home_community_id,
        "name": other.name,
        "query": other.url("gateway"),
    }
    return _table("[[community]]", values)


def _table(head: str, values: Mapping[str, Any]) -> str:
    # a JSON string is a TOML basic string, a JSON number a TOML number
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
    return f"{head}\n{''.join(lines)}"


class Process:
    """A running community.

    Parameters
    ----------
    member
        Whose settings it runs with.
    lasting
        Whether it goes on when the demo has ended, whatever ended it.
    """

    def __init__(self, member: Member, *, lasting: bool) -> None:
        self.member = member
        command = [sys.executable, "-m", "felles", "serve", "all", "--json"]
        with member.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # this very program
                [*command, "--config", str(member.settings)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=lasting,
                env={name: value for name, value in os.environ.items() if "FELLES_" not in name},
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_ready(self) -> None:
        """Return when its actors answer.

        Raises
        ------
        Unavailable
            They do not, or the process has ended.
        """
        answered = threading.Thread(target=self._read_endpoints, daemon=True)
        answered.start()
        answered.join(_START_S)
        if answered.is_alive() or self._process.poll() is not None:
            raise Unavailable(self.member.name, f"it did not start; see {self.member.log}")

    def _read_endpoints(self) -> None:
        assert self._process.stdout is not None, "it is a pipe"  # noqa: S101  # by construction
        for line in self._process.stdout:
            if line.rstrip() == b"}":
                return

    def stop(self) -> None:
        """End it in good order, or else at once; may be called again."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None, "it is a pipe"  # noqa: S101  # by construction
        self._process.stdout.close()

    def leave(self) -> None:
        """Let it go on without this process."""
        assert self._process.stdout is not None, "it is a pipe"  # noqa: S101  # by construction
        self._process.stdout.close()
        self._process.returncode = 0  # nobody waits for it here


def is_running(pid: int, settings: Path) -> bool:
    """Tell whether `pid` is still a community of the demo, and not another process by now."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return _answers_signal(pid) if not Path("/proc/self").exists() else False
    return str(settings).encode() in command


def _answers_signal(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def end(running: Iterable[tuple[int, Path]]) -> None:
    """End communities that an earlier demo left running, and wait until they have."""
    left = [(pid, settings) for pid, settings in running if is_running(pid, settings)]
    for pid, _settings_file in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + _STOP_S
    while any(is_running(*one) for one in left) and time.monotonic() < until:
        time.sleep(0.05)
