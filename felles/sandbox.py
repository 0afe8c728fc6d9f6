"""`felles serve all --sandbox`: one community behind one port, for outside conformance tools.

Plain HTTP on loopback, no certificates and no assertions, embedded storage in a fresh folder that
goes when the process ends. What `--config` and the environment say still counts, but for what makes
it a sandbox. Any repositoryUniqueId is accepted on ITI-42, as by every registry here.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import gateway.app
import registry.app
import repository.app
from hub.actor import Actor, Site, close
from hub.http_server import listen
from hub.settings import LocalRepository, Settings, changed

HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """What the command line says of a sandbox; see `felles serve --help`."""

    port: int = 0
    folder: Path | None = None
    home: str = ""
    codes: Path | None = None
    communities: Path | None = None
    feed_port: int | None = None


@contextlib.contextmanager
def sandbox_site(chosen: Settings, sandbox: Sandbox) -> Iterator[tuple[Site, dict[str, Any]]]:
    """Give the site of a sandbox, and what it prints of itself.

    Raises
    ------
    SettingsError, OSError
        An option cannot be used, or the port is taken.
    """
    with contextlib.ExitStack() as stack:
        folder = sandbox.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="felles-sandbox-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        listener = listen(HOST, sandbox.port)
        stack.callback(listener.close)
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        settled = settings_of(chosen, sandbox, folder, url)
        site = Site(actors=_actors(settled), listener=listener)
        yield site, description(site, settled, folder)


def settings_of(chosen: Settings, sandbox: Sandbox, folder: Path, url: str) -> Settings:
    """Return the settings of a sandbox at `url` with its data in `folder`."""
    community, registry_, repository_, gateway_ = (
        chosen.community,
        chosen.registry,
        chosen.repository,
        chosen.gateway,
    )
    if sandbox.home:
        community = changed(community, home_community_id=sandbox.home)
    own: dict[str, Any] = {
        "database": f"sqlite:///{folder}/registry.sqlite",
        "feed_host": HOST,
        "tls": None,
    }
    if sandbox.codes is not None:
        own["codes"] = sandbox.codes
    if sandbox.feed_port is not None:
        own |= {"feed_port": sandbox.feed_port, "patients": "checked"}
    registry_ = changed(registry_, **own)
    repository_ = changed(
        repository_,
        database=f"sqlite:///{folder}/repository.sqlite",
        blobs=f"file:{folder}/documents",
        registry=f"{url}{registry.app.PATH}",
        tls=None,
    )
    local = LocalRepository(
        repository_unique_id=repository_.repository_unique_id, url=f"{url}{repository.app.PATH}"
    )
    gateway_ = changed(
        gateway_,
        registry=f"{url}{registry.app.PATH}",
        repositories=(local,),
        communities=sandbox.communities or gateway_.communities,
        tls=None,
    )
    return chosen.model_copy(
        update={
            "community": community,
            "tls": None,
            "registry": registry_,
            "repository": repository_,
            "gateway": gateway_,
        }
    )


def _actors(settled: Settings) -> list[Actor]:
    """Build the actors; those that were built are closed when one cannot be."""
    actors: list[Actor] = []
    try:
        actors.append(registry.app.build(settled.registry, settled.community))
        actors.append(repository.app.build(settled.repository, None))
        actors.append(gateway.app.build(settled.gateway, settled.community, None))
    except BaseException:
        for one in actors:
            close(one)
        raise
    return actors


def description(site: Site, settled: Settings, folder: Path) -> dict[str, Any]:
    """Return endpoints, ids and folder of a sandbox, as it prints them."""
    paths = [path for actor in site.actors for path in actor.mounts]
    return {
        **{path.strip("/"): f"{site.url}{path}" for path in paths},
        **{each.name: each.url for actor in site.actors for each in actor.listeners},
        "health": f"{site.url}/health/ready",
        "home_community_id": settled.community.home_community_id,
        "repository_unique_id": settled.repository.repository_unique_id,
        "folder": str(folder),
    }
