"""Where the commands `submit`, `find` and `fetch` connect to, and as whom."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from felles.development import tls_of
from hub import settings
from hub.client import Client
from hub.settings import SettingsError
from hub.tls import as_client

Config: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Settings (TOML): tables `client` and `tls`. Without it, the development community"
        " of `felles serve all` on this machine.",
        envvar="FELLES_CONFIG",
        dir_okay=False,
    ),
]


ActorConfig: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Settings (TOML) of the actors. Without it, those of `felles serve all` on this"
        " machine.",
        envvar="FELLES_CONFIG",
        dir_okay=False,
    ),
]


@contextmanager
def connect(config: Path | None, *, to: str = "") -> Iterator[Client]:
    """Open the client that the settings describe.

    Parameters
    ----------
    to
        The one URL that it is for, in the place of those that the settings name.

    Raises
    ------
    SettingsError
        The settings are wrong, or a certificate is needed and not there.
    """
    chosen = settings.load(config)
    client = chosen.client
    urls = (to,) if to else (client.registry, client.repository, client.retrieve)
    tls = None
    if any(url.startswith("https:") for url in urls):
        files = client.tls or chosen.tls or tls_of("client")
        for path in (files.certificate, files.key, files.authorities):
            if not path.is_file():
                raise SettingsError(
                    f"{path} is not there: name your certificate in the table `client.tls` of"
                    " --config, or start a development community with `felles serve all`"
                )
        tls = as_client(files)
    with Client(
        registry=client.registry,
        repository=client.repository,
        retrieve=client.retrieve,
        tls=tls,
        timeout_s=client.timeout_s,
    ) as opened:
        yield opened
