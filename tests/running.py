"""A whole community running on loopback, for tests that speak the real protocol.

Every message that its actors write is judged by the standards (`tests.tapping`).
"""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gateway.app
import registry.app
import repository.app
from hub.actor import Actor, Site, serving
from hub.client import Client
from hub.http_server import listen
from hub.limits import Limits
from hub.loop_thread import LoopThread
from hub.settings import (
    CommunitySettings,
    GatewaySettings,
    LocalRepository,
    RegistrySettings,
    RepositorySettings,
)
from ihe.datatypes import OID, HomeCommunityId
from registry.store.memory import MemoryStore
from registry.store.port import Store
from repository.blobs.filesystem import FilesystemBlobs
from repository.blobs.port import Blobs
from repository.index import Index
from tests.repository.scene import sqlite_index
from tests.tapping import Tap, TappedSite


@dataclass(frozen=True)
class Other:
    """Another community, as this one's gateway knows it."""

    home: HomeCommunityId
    name: str
    url: str
    deadline_s: float = 5.0


@dataclass(frozen=True)
class Running:
    """A running community."""

    url: str
    home: HomeCommunityId
    repository_unique_id: OID
    store: Store
    blobs: Blobs
    tap: Tap

    @property
    def registry(self) -> str:
        return f"{self.url}/registry"

    @property
    def repository(self) -> str:
        return f"{self.url}/repository"

    @property
    def gateway(self) -> str:
        return f"{self.url}/gateway"

    @property
    def initiating(self) -> str:
        return f"{self.url}/gateway/initiating"

    def other(self, **changes: Any) -> Other:
        return replace(Other(self.home, f"community {self.home[-1]}", self.gateway), **changes)

    @contextlib.contextmanager
    def client(self, *, through_gateway: bool = True) -> Iterator[Client]:
        with Client(
            registry=self.initiating if through_gateway else self.registry,
            repository=self.repository,
            retrieve=self.initiating if through_gateway else self.repository,
        ) as client:
            yield client


@contextlib.contextmanager
def running(
    folder: Path,
    number: int = 1,
    *,
    others: Sequence[Other] = (),
    deadline_s: float = 5.0,
    idle_s: float = 60.0,
    store: Store | None = None,
    blobs: Blobs | None = None,
    index: Index | None = None,
    registry_url: str = "",
    registry_timeout_s: float = 30.0,
    port: int = 0,
    limits: Limits | None = None,
) -> Iterator[Running]:
    """Run community `number` with everything behind one port, in a thread of its own.

    Its repository registers at `registry_url`, or at its own registry. Fails at the end when one of
    its messages was not as the standards have it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    home = HomeCommunityId(f"urn:oid:2.16.578.1.12.4.1.7.{number}")
    own = OID(f"2.16.578.1.12.4.1.7.{number}.1")
    listener = listen("127.0.0.1", port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    communities = folder / "communities.toml"
    write_communities(communities, others)
    community = CommunitySettings(home_community_id=home)
    the_store, the_blobs = store or MemoryStore(), blobs or FilesystemBlobs(folder / "documents")
    with sqlite_index(folder) as own_index:
        actors: list[Actor] = [
            registry.app.actor(the_store, RegistrySettings(), community),
            repository.app.actor(
                index or own_index,
                the_blobs,
                RepositorySettings(
                    repository_unique_id=own,
                    registry=registry_url or f"{url}/registry",
                    registry_timeout_s=registry_timeout_s,
                ),
                None,
            ),
            gateway.app.build(
                GatewaySettings(
                    registry=f"{url}/registry",
                    repositories=(
                        LocalRepository(repository_unique_id=own, url=f"{url}/repository"),
                    ),
                    communities=communities,
                    deadline_s=deadline_s,
                    idle_s=idle_s,
                ),
                community,
                None,
            ),
        ]
        tap = Tap()
        site = TappedSite(actors=actors, listener=listener, limits=limits or Limits(), tap=tap)
        with served(site):
            yield Running(url, home, own, the_store, the_blobs, tap)
    assert not tap.problems, "\n".join(tap.problems)


@contextlib.contextmanager
def served(site: Site) -> Iterator[None]:
    """Serve a site in a thread of its own."""
    thread = LoopThread()
    ended = asyncio.Event()
    started: asyncio.Future[None] = asyncio.Future(loop=thread.loop)

    async def serve() -> None:
        async with serving([site]):
            started.set_result(None)
            await ended.wait()

    task = asyncio.run_coroutine_threadsafe(serve(), thread.loop)
    thread.run(_first(started, task))
    try:
        yield
    finally:
        thread.loop.call_soon_threadsafe(ended.set)
        task.result(30)
        thread.close()


async def _first(started: "asyncio.Future[None]", task: object) -> None:
    while not started.done():
        if task.done():  # type: ignore[attr-defined]  # a concurrent future
            task.result()  # type: ignore[attr-defined]  # raises what went wrong
        await asyncio.sleep(0.01)


def write_communities(path: Path, others: Sequence[Other]) -> None:
    """Write the file that a gateway knows other communities by."""
    path.write_text(
        "".join(
            f'[[community]]\nhome_community_id = "{other.home}"\nname = "{other.name}"\n'
            f'query = "{other.url}"\ndeadline_s = {other.deadline_s}\n'
            for other in others
        )
    )
