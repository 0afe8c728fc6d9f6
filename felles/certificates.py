"""`felles certs`: a certificate authority for development, and the certificates it issues."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

import certs
from certs import CertificateProblem
from felles.development import ACTORS, CERTIFICATES
from felles.output import Exit, print_json, print_table, say
from hub import clock

app = typer.Typer(
    name="certs",
    help="Certificates for development: an authority, and one certificate for each actor.",
    no_args_is_help=True,
)

Folder: TypeAlias = Annotated[
    Path, typer.Option("--folder", file_okay=False, help="Folder of the authority.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Hosts: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--host", help="Name or IP address that it is called by; may be repeated."),
]
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def development_certificates(folder: Path) -> None:
    """Make the development authority of a folder with a certificate for each actor, once."""
    now = clock.now()
    certs.create_authority(folder, "Felles development authority", at=now)
    for actor in ACTORS:
        certs.issue(folder, actor, organisation="Felles development", at=now)


@app.command()
def init(folder: Folder = CERTIFICATES, as_json: Json = False) -> None:
    """Make the authority and one certificate for each actor; what is there already stays."""
    development_certificates(folder)
    _show(folder, ("ca", *ACTORS), as_json=as_json)


@app.command()
def issue(
    name: Annotated[str, typer.Argument(help="Common name, and name of the files.")],
    folder: Folder = CERTIFICATES,
    hosts: Hosts = None,
    organisation: Annotated[str, typer.Option(help="Whose it is.")] = "",
    days: Annotated[int, typer.Option(min=1, help="How long it is good for.")] = certs.LEAF_DAYS,
    as_json: Json = False,
) -> None:
    """Issue one more certificate, good as server and as client."""
    with _problems():
        certs.issue(
            folder,
            name,
            hosts=tuple(hosts or _LOOPBACK),
            organisation=organisation,
            at=clock.now(),
            days=days,
        )
        _show(folder, (name,), as_json=as_json)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Name that it was issued under.")],
    folder: Folder = CERTIFICATES,
) -> None:
    """Put a certificate on the authority's revocation list."""
    with _problems():
        say(f"{name} is on {certs.revoke(folder, name, at=clock.now())}")


@app.command()
def show(folder: Folder = CERTIFICATES, as_json: Json = False) -> None:
    """Print whose the folder's certificates are, and when they expire."""
    with _problems():
        if not folder.is_dir():
            raise CertificateProblem(f"{folder} is not there; `felles certs init` makes it")
        _show(folder, sorted(path.stem for path in folder.glob("*.pem")), as_json=as_json)


@contextmanager
def _problems() -> Iterator[None]:
    """Turn a problem with certificates into a message and an exit code."""
    try:
        yield
    except (CertificateProblem, OSError) as problem:
        say(str(problem))
        raise typer.Exit(Exit.USAGE) from None


def _show(folder: Path, names: Sequence[str], *, as_json: bool) -> None:
    found = [(path, certs.summarise(path)) for path in (folder / f"{name}.pem" for name in names)]
    if as_json:
        print_json(
            [
                {
                    "file": str(path),
                    "subject": summary.subject,
                    "issuer": summary.issuer,
                    "names": list(summary.names),
                    "sha256": summary.fingerprint,
                    "expires": summary.expires.isoformat(),
                }
                for path, summary in found
            ]
        )
        return
    rows = [
        (path.name, summary.subject, ", ".join(summary.names), f"{summary.expires:%Y-%m-%d}")
        for path, summary in found
    ]
    print_table(f"Certificates in {folder}", ("file", "subject", "names", "expires"), rows)
