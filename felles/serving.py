"""`felles serve`: runs actors in this process until it is told to stop.

```text
felles serve registry|repository|gateway   one actor at its own port
felles serve all                           the three of them, each at its own port
felles serve all --sandbox                 the three of them at one port, plain HTTP, fresh storage
```

Without `--config` and without `--sandbox` it is the development community of this machine: mutual
TLS with certificates of its own, everything below `felles-data`.
"""

import gc
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

import gateway.app
import registry.app
import repository.app
from felles.certificates import development_certificates
from felles.connection import Config
from felles.development import CERTIFICATES, tls_of
from felles.output import ERR, failures, print_json, print_table, say
from felles.sandbox import Sandbox, sandbox_site
from hub import logs, loop_thread, settings
from hub.actor import Actor, Site, close, ending, serving, site
from hub.settings import RegistrySettings, ServerSettings, Settings, SettingsError, TlsSettings


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

    def site(self, chosen: Settings) -> Site:
        """Build the actor and bind its socket; the actor is closed when that fails."""
        _check_reach(self)
        actor = self._actor(chosen)
        try:
            return site(actor, self.where, self.tls)
        except BaseException:
            close(actor)
            raise

    def _actor(self, chosen: Settings) -> Actor:
        match self.name:
            case "registry":
                return registry.app.build(chosen.registry, chosen.community, self.tls)
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
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the endpoints as JSON once they answer.")
    ] = False,
) -> None:
    """Run a registry, a repository, a gateway, or all of them, until Ctrl-C or SIGTERM.

    Exit code 0 after an orderly stop: requests that have begun are answered first.
    """
    with failures():
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
        sites = _sites(settings.load(config), part, development=config is None)
        run(sites, _endpoints(sites), as_json=as_json)


def run(sites: Sequence[Site], endpoints: dict[str, Any], *, as_json: bool) -> None:
    """Serve until a signal; print where, once everything answers."""

    async def until_told() -> None:
        ended = ending()
        async with serving(sites):
            gc.freeze()  # what is there now stays: no need to look at it again and again
            if as_json:
                print_json(endpoints)
            else:
                rows = [(name, str(where)) for name, where in endpoints.items()]
                print_table("Serving; Ctrl-C ends it", ("endpoint", "URL"), rows)
            await ended.wait()
            if ERR.is_terminal:  # a log file holds JSON, line by line
                say("stopping: requests that have begun are answered first")

    loop_thread.run(until_told())


def _sites(chosen: Settings, part: Part, *, development: bool) -> list[Site]:
    plans = []
    for name in part.actors:
        where: ServerSettings = getattr(chosen, name)
        tls = where.tls or chosen.tls
        if tls is None and development:
            development_certificates(CERTIFICATES)
            tls = tls_of(name)
        plans.append(_Planned(name, where, tls))
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
