"""`felles serve`: runs actors in this process until it is told to stop.

```text
felles serve registry|repository|gateway   one actor at its own port
felles serve all                           the three of them, each at its own port
felles serve registry --workers 4          one actor in four processes at its one port (hub.workers)
felles serve all --sandbox                 the three of them at one port, plain HTTP, fresh storage
```

Without `--config` and without `--sandbox` it is the development community of this machine: mutual
TLS with certificates of its own, everything below `felles-data`.
"""

import gc
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any

import typer

import gateway.app
import registry.app
import repository.app
from felles.certificates import development_certificates
from felles.connection import Config
from felles.development import CERTIFICATES, tls_of
from felles.output import ERR, Exit, failures, print_json, print_table, say
from felles.sandbox import Sandbox, sandbox_site
from hub import logs, loop_thread, settings, workers
from hub.actor import Actor, Site, close, ending, serving, site
from hub.http_server import listen
from hub.settings import (
    GatewaySettings,
    RegistrySettings,
    ServerSettings,
    Settings,
    SettingsError,
    TlsSettings,
    changed,
)
from hub.workers import Crew, NotStarted


class Part(StrEnum):
    """What of a community a process runs."""

    REGISTRY = "registry"
    REPOSITORY = "repository"
    GATEWAY = "gateway"
    ALL = "all"

    @property
    def actors(self) -> tuple[str, ...]:
        """The actors by the names of their settings."""
        every = (Part.REGISTRY, Part.REPOSITORY, Part.GATEWAY)
        return tuple(map(str, every)) if self is Part.ALL else (str(self),)


@dataclass(frozen=True, slots=True)
class _Planned:
    """One actor that is to run, and where."""

    name: str
    where: ServerSettings
    tls: TlsSettings | None

    def site(self, chosen: Settings, *bound: socket.socket) -> Site:
        """Build the actor and its site at the sockets of `bind`, or at new ones.

        The actor is closed when that fails.
        """
        _check_reach(self)
        listener, feed = (*bound, None, None)[:2]
        actor = self._actor(chosen, feed)
        try:
            return site(actor, self.where, self.tls, listener)
        except BaseException:
            close(actor)
            raise

    def bind(self) -> tuple[socket.socket, ...]:
        """Bind the actor's sockets for several processes: HTTP, and the feed if there is one."""
        _check_reach(self)
        _check_shared(self)
        where = self.where
        listener = listen(where.host, where.port)
        if not isinstance(where, RegistrySettings) or where.feed_port is None:
            return (listener,)
        try:
            return listener, listen(where.feed_host or where.host, where.feed_port)
        except BaseException:
            listener.close()
            raise

    def _actor(self, chosen: Settings, feed: socket.socket | None) -> Actor:
        match self.name:
            case "registry":
                return registry.app.build(chosen.registry, chosen.community, self.tls, feed)
            case "repository":
                return repository.app.build(chosen.repository, self.tls)
            case _:
                return gateway.app.build(chosen.gateway, chosen.community, self.tls)


def serve(
    part: Annotated[Part, typer.Argument(help="What to run in this process.")],
    config: Config = None,
    sandbox: Annotated[
        bool,
        typer.Option(
            "--sandbox",
            help="For outside tools: all at one loopback port, plain HTTP, no certificate or"
            " assertion needed, storage in a fresh folder. Prints its endpoints as JSON.",
        ),
    ] = False,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Sandbox: its port; any free one if 0.")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Sandbox: keep data in this folder, and keep it."),
    ] = None,
    home: Annotated[str, typer.Option(help="Sandbox: homeCommunityId.")] = "",
    codes: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Sandbox: accept the codes of this codes.xml only."),
    ] = None,
    communities: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Sandbox: other communities (TOML).")
    ] = None,
    feed_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Sandbox: take patient ids from an ITI-8 feed at this MLLP port (any free one if"
            " 0), instead of making each id known at its first use.",
        ),
    ] = None,
    worker_count: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            help="Processes of each actor, instead of what its settings say; more than one want"
            " PostgreSQL.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the endpoints as JSON once they answer.")
    ] = False,
) -> None:
    """Run a registry, a repository, a gateway, or all of them, until Ctrl-C or SIGTERM.

    Exit code 0 after an orderly stop: requests that have begun are answered first.
    """
    with failures():
        if sandbox and worker_count is not None:
            raise SettingsError("--workers: a sandbox is one process; leave out one of the two")
        if sandbox:
            if part is not Part.ALL:
                raise SettingsError("--sandbox runs all actors: felles serve all --sandbox")
            wanted = Sandbox(
                port=port or 0,
                folder=folder,
                home=home,
                codes=codes,
                communities=communities,
                feed_port=feed_port,
            )
            logs.configure()
            with sandbox_site(settings.load(config), wanted) as (one, endpoints):
                run([one], endpoints, as_json=True)
            return
        given: dict[str, Any] = {
            "--port": port,
            "--folder": folder,
            "--codes": codes,
            "--feed-port": feed_port,
        }
        given |= {"--communities": communities, "--home": home or None}
        if idle := [name for name, value in given.items() if value is not None]:
            raise SettingsError(f"{', '.join(idle)} goes with --sandbox; else use --config")
        logs.configure()
        chosen = settings.load(config)
        plans = _plans(chosen, part, worker_count, development=config is None)
        if any(plan.where.workers > 1 for plan in plans):
            run_workers(plans, chosen, as_json=as_json)
            return
        sites = _sites(chosen, plans)
        run(sites, _endpoints(sites), as_json=as_json)


def run(sites: Sequence[Site], endpoints: dict[str, Any], *, as_json: bool) -> None:
    """Serve until a signal; print where, once everything answers."""

    async def until_told() -> None:
        ended = ending()
        async with serving(sites):
            gc.freeze()  # what is there now stays: no need to look at it again and again
            _print(endpoints, as_json=as_json)
            await ended.wait()
            _say_stopping()

    loop_thread.run(until_told())


def run_workers(plans: Sequence[_Planned], chosen: Settings, *, as_json: bool) -> None:
    """Serve with processes of their own for each actor, as many as its settings say."""
    crews: list[Crew] = []
    try:
        crews += (
            Crew(
                name=plan.name,
                count=plan.where.workers,
                work=_work,
                arguments=(plan, chosen),
                sockets=plan.bind(),
            )
            for plan in plans
        )
    except BaseException:
        for crew in crews:
            for each in crew.sockets:
                each.close()
        raise

    async def until_told() -> None:
        ended = ending()
        await workers.supervise(
            crews, ended, lambda endpoints: _print(endpoints, as_json=as_json), _say_stopping
        )

    try:
        loop_thread.run(until_told())
    except NotStarted as failure:
        raise typer.Exit(failure.code if failure.code > 0 else Exit.UNAVAILABLE) from None


def _work(plan: _Planned, chosen: Settings, says: Connection, *sockets: socket.socket) -> None:
    """Be one worker: the whole of its process."""

    async def until_dismissed(one: Site) -> None:
        ended = workers.dismissed()
        async with serving([one]):
            gc.freeze()  # as in `run`
            workers.say_where(says, _endpoints([one]))
            await ended.wait()

    logs.configure()
    try:
        with failures():
            loop_thread.run(until_dismissed(plan.site(chosen, *sockets)))
    except typer.Exit as ended:
        raise SystemExit(ended.exit_code) from None


def _print(endpoints: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(endpoints)
    else:
        rows = [(name, str(where)) for name, where in endpoints.items()]
        print_table("Serving; Ctrl-C ends it", ("endpoint", "URL"), rows)


def _say_stopping() -> None:
    if ERR.is_terminal:  # a log file holds JSON, line by line
        say("stopping: requests that have begun are answered first")


def _plans(
    chosen: Settings, part: Part, worker_count: int | None, *, development: bool
) -> list[_Planned]:
    """Return what is to run; `worker_count` is said on the command line."""
    plans = []
    for name in part.actors:
        where: ServerSettings = getattr(chosen, name)
        if worker_count is not None:
            where = changed(where, workers=worker_count)
        tls = where.tls or chosen.tls
        if tls is None and development:
            development_certificates(CERTIFICATES)
            tls = tls_of(name)
        plans.append(_Planned(name, where, tls))
    return plans


def _sites(chosen: Settings, plans: Sequence[_Planned]) -> list[Site]:
    sites: list[Site] = []
    try:
        sites += (plan.site(chosen) for plan in plans)
    except BaseException:
        for one in sites:
            one.listener.close()
            close(one.actors[0])
        raise
    return sites


def _check_reach(plan: _Planned) -> None:
    """Refuse to go without TLS to other machines: health data would cross the network readable."""
    places = [("host", plan.where.host, "HTTP")]
    if isinstance(plan.where, RegistrySettings) and plan.where.feed_host is not None:
        places.append(("feed_host", plan.where.feed_host, "MLLP"))
    for name, host, protocol in places:
        if plan.tls is None and not _is_loopback(host):
            raise SettingsError(
                f"{plan.name}.{name} is {host}, and no certificate is set: plain {protocol} is"
                " served on loopback only; set the table `tls`"
            )


def _check_shared(plan: _Planned) -> None:
    """Refuse several processes of an actor on a database that is made for one."""
    where = plan.where
    if where.workers == 1 or isinstance(where, GatewaySettings):
        return
    database: str = getattr(where, "database", "")
    if database.startswith("sqlite"):
        raise SettingsError(
            f"{plan.name}.workers is {where.workers}, and its database is SQLite, where one"
            " process writes at a time: 1 was expected, or a PostgreSQL database"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _endpoints(sites: Sequence[Site]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in sites:
        for actor in one.actors:
            found |= {path.strip("/"): f"{one.url}{path}" for path in actor.mounts}
            found |= {listener.name: listener.url for listener in actor.listeners}
    return found
