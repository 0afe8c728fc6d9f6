"""The door to settings: one documented class for each actor, filled from TOML and environment.

`felles.toml` has a table for each actor and shared tables for what they have in common:

```toml
[community]
home_community_id = "urn:oid:2.16.578.1.12.4.1.7.1.1"

[tls]
certificate = "certs/registry.pem"
key = "certs/registry.key"
authorities = "certs/ca.pem"

[registry]
port = 8441
database = "postgresql://felles@db/registry"
```

Every value can come from the environment instead, which wins: `FELLES_REGISTRY__DATABASE`. A URL
with a secret in it can stay out of both: `secret-file:/run/secrets/database` is read from that
file. Relative paths are relative to the working directory.
"""

import tomllib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ihe.datatypes import OID, HomeCommunityId

DATA: Final = Path("felles-data")


class SettingsError(ValueError):
    """Settings that cannot be used; the message names each value and what was expected."""


def _from_file(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(_SECRET_FILE):
        return value
    path = Path(value.removeprefix(_SECRET_FILE))
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "no UTF-8 text"
        raise ValueError(f"{path} cannot be read: {reason}") from None


_SECRET_FILE: Final = "secret-file:"  # noqa: S105  # a prefix


def _home(value: str) -> str:
    return HomeCommunityId.parse(OID(value).urn)


def _oid(value: str) -> str:
    return OID.parse(OID(value).bare)


def parse_url(value: str) -> str:
    """Return `value`, an http or https URL with a host; raises `ValueError` for anything else."""
    try:
        parts = urlsplit(value)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of the port, or of the brackets around an IPv6 address
        is_url = False
    if not is_url:
        raise ValueError(f"'{value}' is not an http or https URL")
    return value


Demand: TypeAlias = Literal["off", "verify", "require"]
Secret: TypeAlias = Annotated[str, BeforeValidator(_from_file)]
HomeSetting: TypeAlias = Annotated[str, AfterValidator(_home)]
OidSetting: TypeAlias = Annotated[str, AfterValidator(_oid)]
Url: TypeAlias = Annotated[str, AfterValidator(parse_url)]
Port: TypeAlias = Annotated[int, Field(ge=0, le=65535)]
Count: TypeAlias = Annotated[int, Field(ge=1)]
Seconds: TypeAlias = Annotated[float, Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TlsSettings(_Table):
    """Mutual TLS of an actor, both as server and as client (ITI-19)."""

    certificate: Path
    """PEM file with the actor's certificate, followed by intermediate ones if there are any."""
    key: Path
    """PEM file with its private key."""
    authorities: Path
    """PEM file with the certificate authorities that peers are trusted by."""
    check_host_names: bool = True
    """Whether a server's certificate must carry the name that was called."""


class CommunitySettings(_Table):
    """What the actors of one community have in common."""

    home_community_id: HomeSetting = "urn:oid:2.25.1"
    """homeCommunityId, with or without `urn:oid:`."""


class ServerSettings(_Table):
    """Where and how an actor listens."""

    host: str = "127.0.0.1"
    """Address to listen at; 0.0.0.0 or :: for all."""
    port: Port
    """TCP port; 0 takes any free one."""
    workers: Count = 1
    """Processes that serve at this port; more than one want PostgreSQL where there is a database.

    What follows is for each of them.
    """
    in_flight: Count = 200
    """Requests worked on at once; one more is answered 503 with Retry-After."""
    threads: Count = 16
    """Threads for blocking work."""
    wait_s: Seconds = 10.0
    """Seconds that a request may wait for a thread; then it is answered 503."""
    connections: Count = 1_000
    """Open connections; for one more, the one that has been idle longest is closed."""
    idle_s: Seconds = 60.0
    """Seconds of silence after which a client counts as gone."""
    tls: TlsSettings | None = None
    """The actor's own certificate; the shared table `tls` when left out."""


class RegistrySettings(ServerSettings):
    """Document Registry."""

    port: Port = 8441
    """TCP port; 0 takes any free one."""
    database: Secret = f"sqlite:///{DATA}/registry.sqlite"
    """`sqlite:///path` or `postgresql://user:password@host/name`."""
    patients: Literal["open", "checked"] = "open"
    """`open`: a first document makes its patient id known; `checked`: only a feed does."""
    unknown_patient: Literal["empty", "error"] = "empty"
    """What a query for an unknown patient id gets: nothing, or XDSUnknownPatientId."""
    lenient_queries: bool = True
    """Whether query parameters may have forms that partners send against the Framework."""
    codes: Path | None = None
    """The affinity domain's codes and MIME types, `codes.xml` or CSV; any are taken without it."""
    strictness: dict[str, Literal["reject", "warn", "off"]] = {}
    """How rules are taken, by rule (`D14`) or group of rules (`D`); see rules.md."""
    patient_authorities: tuple[OidSetting, ...] | None = None
    """Assigning authorities whose patient ids are taken; any when left out."""
    patient_namespaces: dict[str, OidSetting] = {}
    """Assigning authorities by the namespace ids that an identity feed may call them."""
    identity_sources: tuple[str, ...] | None = None
    """Certificates that identity feeds are taken from, by subject or SHA-256; any when left out."""
    feed_port: Port | None = None
    """TCP port for an identity feed (ITI-8 over MLLP), 0 for any free one; none when left out."""
    feed_host: str | None = None
    """Address to listen at for the feed; `host` when left out."""
    accepts_replays: bool = True
    """Whether a submission that comes again, the same in everything, succeeds again."""
    most_objects: Count = 10_000
    """Objects in one answer to a query, at the most; more are XDSTooManyResults."""


class SignatureSettings(_Table):
    """What the repository asks of document signatures (ITI TF-3 5.5)."""

    demand: Demand = "verify"
    """`off`, `verify` those that come, or `require` one for every document."""
    sources: dict[OidSetting, Demand] = {}
    """The same by SubmissionSet.sourceId, for sources of which something else is asked."""
    authorities: Path
    """PEM file with the authorities, or the signers themselves, that signers are trusted by."""
    revocation_lists: tuple[Path, ...] = ()
    """PEM files of revocation lists; like the other files, read again when they change."""
    needs_revocation: bool = False
    """Whether a signer of whom no current revocation list tells is refused."""
    time_stampers: Path | None = None
    """PEM file with the authorities of time stamps (RFC 3161); none is believed without it."""
    purposes: tuple[str, ...] = ()
    """Codes of the purposes that are accepted (ASTM E1762); any when empty."""


class RepositorySettings(ServerSettings):
    """Document Repository."""

    port: Port = 8442
    """TCP port; 0 takes any free one."""
    repository_unique_id: OidSetting = "2.25.2"
    """repositoryUniqueId, an OID."""
    database: Secret = f"sqlite:///{DATA}/repository.sqlite"
    """`sqlite:///path` or `postgresql://user:password@host/name`."""
    blobs: Secret = f"file:{DATA}/documents"
    """`file:path`, or `s3+https://access:secret@host:port/bucket` (`s3+http` without TLS)."""
    blobs_authorities: Path | None = None
    """PEM file of the authorities that the S3 server is trusted by; the system's when left out."""
    staging: Path = DATA / "staging"
    """Local folder for documents on their way to S3."""
    registry: Url = "https://127.0.0.1:8441/registry"
    """URL of the registry that documents are registered at."""
    registry_timeout_s: Seconds = 30.0
    """Seconds that the registry may take to answer."""
    document_limit: Count = 4 * 1024**3
    """Octets of one document, at the most."""
    signatures: SignatureSettings | None = None
    """What is asked of document signatures; without it they are documents like any other."""


class LocalRepository(_Table):
    """A repository of the gateway's own community."""

    repository_unique_id: OidSetting
    """repositoryUniqueId, an OID."""
    url: Url
    """URL of its ITI-43 endpoint."""


class GatewaySettings(ServerSettings):
    """Initiating and Responding Gateway."""

    port: Port = 8443
    """TCP port; 0 takes any free one."""
    registry: Url = "https://127.0.0.1:8441/registry"
    """URL of the own community's registry."""
    repositories: tuple[LocalRepository, ...] = (
        LocalRepository(repository_unique_id="2.25.2", url="https://127.0.0.1:8442/repository"),
    )
    """The own community's repositories."""
    communities: Path | None = None
    """TOML file with the other communities; none when there are none."""
    deadline_s: Seconds = 10.0
    """Seconds after which a community that has not answered is reported as unavailable."""


class ClientSettings(_Table):
    """Where the commands `submit`, `find` and `fetch` go, and as whom."""

    registry: Url = "https://127.0.0.1:8443/gateway/initiating"
    """URL to ask: a registry, or an Initiating Gateway to ask every community."""
    repository: Url = "https://127.0.0.1:8442/repository"
    """URL of the repository that takes documents."""
    retrieve: Url = "https://127.0.0.1:8443/gateway/initiating"
    """URL to fetch documents from: a repository, or an Initiating Gateway."""
    timeout_s: Seconds = 600.0
    """Seconds that an answer may take, documents included."""
    tls: TlsSettings | None = None
    """The client's own certificate; the shared table `tls` when left out."""


class Settings(BaseSettings):
    """Everything that a `felles` process can be told."""

    model_config = SettingsConfigDict(
        env_prefix="FELLES_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    community: CommunitySettings = CommunitySettings()
    """Shared by the actors of one community."""
    tls: TlsSettings | None = None
    """Mutual TLS; without it an actor speaks plain HTTP and listens on loopback only."""
    registry: RegistrySettings = RegistrySettings()
    """Document Registry."""
    repository: RepositorySettings = RepositorySettings()
    """Document Repository."""
    gateway: GatewaySettings = GatewaySettings()
    """Initiating and Responding Gateway."""
    client: ClientSettings = ClientSettings()
    """The commands that share, find and fetch documents."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file (which comes in as arguments)."""
        return env_settings, init_settings


Changed = TypeVar("Changed", bound=BaseModel)


def changed(table: Changed, **values: Any) -> Changed:
    """Return a table with other values, checked as if they had been read from a file.

    Raises
    ------
    SettingsError
        A value is not possible.
    """
    try:
        return table.model_validate({**dict(table), **values})
    except ValidationError as problem:
        raise SettingsError(_problems(problem)) from None


def _problems(problem: ValidationError) -> str:
    lines = [
        f"{'.'.join(map(str, error['loc']))}: {error['msg']}"
        for error in problem.errors(include_input=False, include_url=False)
    ]
    return "\n  ".join(lines)


def unknown_variables(names: Iterable[str]) -> dict[str, str]:
    """Return the variables that look like settings and are none, each with the nearest that is.

    A misspelt value of a table that is known is an error (`load`); a table that is not known is
    nobody's, and would be passed over without a word. Variables that tests are told by are known.
    """
    known = sorted({*_variables(Settings), *_OTHERS})
    tables = {name.upper() for name in Settings.model_fields}
    unknown = {}
    for name in names:
        upper = name.upper()
        own = upper.removeprefix(_PREFIX)
        is_known = own.partition("__")[0] in tables or own in _OTHERS or own.startswith("TEST_")
        if upper.startswith(_PREFIX) and not is_known:
            nearest = get_close_matches(own, known, n=1)
            unknown[name] = f"{_PREFIX}{nearest[0]}" if nearest else ""
    return unknown


_PREFIX: Final = "FELLES_"
_OTHERS: Final = frozenset({"CONFIG", "MIGRATE_FROM", "MIGRATE_TO", "REQUIRE_SERVERS", "SCHEMAS"})


def _variables(table: type[BaseModel]) -> Iterator[str]:
    """Yield the names of a table's values as variables have them, without the prefix."""
    for name, field in table.model_fields.items():
        yield name.upper()
        inner = [
            each for each in (field.annotation, *get_args(field.annotation)) if _is_table(each)
        ]
        for each in inner:
            yield from (f"{name.upper()}__{rest}" for rest in _variables(each))


def _is_table(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def load(path: Path | None = None) -> Settings:
    """Read settings from a TOML file and the environment.

    Raises
    ------
    SettingsError
        The file cannot be read, or holds a name or value that is not possible.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as problem:
            raise SettingsError(f"cannot read {path}: {problem.strerror}") from problem
        except tomllib.TOMLDecodeError as problem:
            raise SettingsError(f"{path} is not TOML: {problem}") from problem
        except UnicodeDecodeError:
            raise SettingsError(f"{path} is not TOML: UTF-8 text was expected") from None
    try:
        return Settings(**values)
    except ValidationError as problem:
        source = f"{path} or the environment" if path else "the environment"
        raise SettingsError(f"settings from {source}:\n  {_problems(problem)}") from None
