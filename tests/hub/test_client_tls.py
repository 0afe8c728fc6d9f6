"""The Python client behind mutual TLS: whom it trusts, and who does not trust it."""

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import certs
import registry.app
from hub.client import Client
from hub.http_server import listen
from hub.settings import CommunitySettings, RegistrySettings
from hub.tls import client_context, server_context
from ihe import queries
from ihe.errors import Unavailable
from ihe.vocabulary import ResponseStatus, Status
from registry.store.memory import MemoryStore
from tests import samples
from tests.running import served
from tests.tapping import TappedSite

pytestmark = pytest.mark.system
NOW = datetime.now(UTC)
QUERY = queries.find_documents(samples.PATIENT, status=[Status.APPROVED])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give certificates of two authorities, and one for a host that is elsewhere."""
    folder = tmp_path_factory.mktemp("certs")
    certs.create_authority(folder, "Test authority", at=NOW)
    certs.create_authority(folder / "foreign", "Foreign authority", at=NOW)
    for name in ("server", "client"):
        certs.issue(folder, name, at=NOW)
        certs.issue(folder / "foreign", name, at=NOW)
    certs.issue(folder, "elsewhere", hosts=("elsewhere.example",), at=NOW)
    return folder


def server(folder: Path, name: str = "server", *, trusts: Path | None = None) -> ssl.SSLContext:
    leaf = certs.files(folder, name)
    return server_context(leaf.certificate, leaf.key, (trusts or folder) / "ca.pem")


def caller(folder: Path, *, trusts: Path | None = None) -> ssl.SSLContext:
    leaf = certs.files(folder, "client")
    return client_context(leaf.certificate, leaf.key, (trusts or folder) / "ca.pem")


@pytest.fixture
def a_registry(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """Run a registry with the TLS that a test asks for; give its URL."""
    site = TappedSite(
        actors=[registry.app.actor(MemoryStore(), RegistrySettings(), CommunitySettings())],
        listener=listen("127.0.0.1", 0),
        tls=request.param(folder),
    )
    with served(site):
        yield f"{site.url}/registry"
    assert site.tap.problems == []


def as_it_should_be(folder: Path) -> ssl.SSLContext:
    return server(folder)


def of_a_foreign_authority(folder: Path) -> ssl.SSLContext:
    return server(folder / "foreign", trusts=folder)


def for_another_host(folder: Path) -> ssl.SSLContext:
    return server(folder, "elsewhere")


def that_trusts_others(folder: Path) -> ssl.SSLContext:
    return server(folder, trusts=folder / "foreign")


def plain(_folder: Path) -> None:
    return None


@pytest.mark.parametrize("a_registry", [as_it_should_be], indirect=True)
def test_two_that_trust_each_other_talk(a_registry: str, folder: Path) -> None:
    with Client(registry=a_registry, tls=caller(folder)) as client:
        assert client.query(QUERY).status == ResponseStatus.SUCCESS


@pytest.mark.parametrize("a_registry", [of_a_foreign_authority, for_another_host], indirect=True)
def test_a_server_with_a_wrong_certificate_is_told_nothing(a_registry: str, folder: Path) -> None:
    with (
        Client(registry=a_registry, tls=caller(folder)) as client,
        pytest.raises(Unavailable, match="its certificate is not trusted") as told,
    ):
        client.query(QUERY)
    assert told.value.not_sent


def with_its_certificate(folder: Path) -> ssl.SSLContext:
    return caller(folder)


def with_none(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder / "ca.pem")


@pytest.mark.parametrize(
    ("a_registry", "identify"),
    [(that_trusts_others, with_its_certificate), (as_it_should_be, with_none)],
    indirect=["a_registry"],
)
def test_a_caller_that_is_not_trusted_gets_no_answer(
    a_registry: str, identify: Callable[[Path], ssl.SSLContext], folder: Path
) -> None:
    with (
        Client(registry=a_registry, tls=identify(folder)) as client,
        pytest.raises(Unavailable, match="the connection"),
    ):
        client.query(QUERY)


@pytest.mark.parametrize("a_registry", [plain], indirect=True)
def test_a_server_without_tls_is_told(a_registry: str, folder: Path) -> None:
    url = a_registry.replace("http:", "https:")
    with (
        Client(registry=url, tls=caller(folder)) as client,
        pytest.raises(Unavailable, match="no TLS connection") as told,
    ):
        client.query(QUERY)
    assert told.value.not_sent


@pytest.mark.parametrize("a_registry", [as_it_should_be], indirect=True)
def test_a_server_that_wants_tls_is_told(a_registry: str) -> None:
    url = a_registry.replace("https:", "http:")
    with Client(registry=url) as client, pytest.raises(Unavailable, match="the connection"):
        client.query(QUERY)
