"""A community with one document in it, whose gateway knows others that are rude.

Or a gateway alone, whose own registry and repositories are.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gateway.app
from hub.client import Client, FileContent
from hub.http_server import listen
from hub.settings import CommunitySettings, GatewaySettings, LocalRepository
from ihe.datatypes import OID, HomeCommunityId, Identifier
from ihe.model import DocumentEntry
from tests import samples
from tests.gateway.rude import Behaviour, Rude, rude
from tests.running import Other, Running, running, served, write_communities
from tests.tapping import Tap, TappedSite

CONTENT = b"a letter from home\r\n"
OWN_ID = Identifier("2.25.500.1")


def home_of(name: str) -> HomeCommunityId:
    """Return the homeCommunityId of a community by its name in a test."""
    return HomeCommunityId(f"urn:oid:2.25.{int.from_bytes(name.encode()[:12])}")


def entry_of(name: str, number: int = 1, **changes: Any) -> DocumentEntry:
    """Return an entry as the community with this name answers it."""
    whole = samples.entry(
        number,
        entry_uuid=samples.uuid(int.from_bytes(name.encode()[:4]) * 10 + number),
        home_community_id=home_of(name),
    )
    return replace(whole, **changes)


@dataclass
class Scene:
    """The community, a client of its Initiating Gateway, and the others by name."""

    own: Running
    client: Client
    others: Mapping[str, Rude]


@contextlib.contextmanager
def scene(
    folder: Path,
    behaviours: Mapping[str, Behaviour | str],
    *,
    deadlines: Mapping[str, float] | None = None,
    deadline_s: float = 30.0,
    **settings: Any,
) -> Iterator[Scene]:
    """Run the community beside others that behave as told, or are known by a URL only.

    Parameters
    ----------
    deadlines
        Seconds that a community has, by name; `deadline_s` for the rest.
    """
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(rude(behave)) if callable(behave) else Rude(behave)
            for name, behave in behaviours.items()
        }
        others = [
            Other(home_of(name), name, server.url, (deadlines or {}).get(name, deadline_s))
            for name, server in servers.items()
        ]
        own = stack.enter_context(running(folder / "own", others=others, **settings))
        client = stack.enter_context(own.client())
        submit(client, folder)
        yield Scene(own, client, servers)


def submit(client: Client, folder: Path) -> None:
    """Share the document."""
    path = folder / "letter.txt"
    path.write_bytes(CONTENT)
    entry = samples.entry(repository_unique_id=None, hash=None, size=None, unique_id=OWN_ID)
    chosen = samples.submission_set(unique_id=OID("2.25.501.1"))
    submission = samples.submission(entry, submission_set=chosen)
    response = client.submit(submission, {entry.entry_uuid: FileContent(path)})
    assert response.ok, response.errors


@dataclass
class Alone:
    """A gateway, and a client of its Initiating Gateway."""

    client: Client
    initiating: str
    responding: str


@contextlib.contextmanager
def alone(
    folder: Path,
    *,
    registry: str = "http://127.0.0.1:9/nobody",
    repositories: Mapping[OID, str] | None = None,
    others: Mapping[str, str] | None = None,
    **settings: Any,
) -> Iterator[Alone]:
    """Run a gateway of the community `samples.HOME`, between actors that are told by their URLs.

    Fails at the end when one of its messages was not as the standards have it.
    """
    communities = folder / "communities.toml"
    write_communities(
        communities, [Other(home_of(name), name, url, 30.0) for name, url in (others or {}).items()]
    )
    actor = gateway.app.build(
        GatewaySettings(
            registry=registry,
            repositories=tuple(
                LocalRepository(repository_unique_id=each, url=url)
                for each, url in (repositories or {}).items()
            ),
            communities=communities,
            **settings,
        ),
        CommunitySettings(home_community_id=samples.HOME),
        None,
    )
    listener, tap = listen("127.0.0.1", 0), Tap()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    initiating, responding = (
        f"{url}{path}" for path in (gateway.app.INITIATING_PATH, gateway.app.PATH)
    )
    with (
        served(TappedSite(actors=[actor], listener=listener, tap=tap)),
        Client(registry=initiating, retrieve=initiating) as client,
    ):
        yield Alone(client, initiating, responding)
    assert not tap.problems, tap.problems
