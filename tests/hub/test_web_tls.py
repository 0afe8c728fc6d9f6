"""The same server behind mutual TLS: whoever calls is known, and rude clients fare no better."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

import certs
import registry.app
from hub.http_server import listen
from hub.limits import Limits
from hub.settings import CommunitySettings, RegistrySettings
from hub.tls import client_context, server_context
from ihe.transactions import ITI_18
from registry.store.memory import MemoryStore
from tests.hub.conftest import Log, eventually
from tests.hub.posting import Answer, answers_on, head, request
from tests.running import served
from tests.tapping import TappedSite

NOW = datetime.now(UTC)
QUERY = request(ITI_18)


@dataclass
class Secure:
    """A registry behind TLS, and what its clients need."""

    site: TappedSite
    folder: Path

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.site.listener.getsockname()[:2]
        return host, port

    @property
    def url(self) -> str:
        return f"{self.site.url}/registry"

    def connect(self) -> ssl.SSLSocket:
        leaf = certs.files(self.folder, "client")
        context = client_context(leaf.certificate, leaf.key, self.folder / "ca.pem")
        plain = socket.create_connection(self.address, 30)
        return context.wrap_socket(plain, server_hostname="localhost")

    def ask(self) -> Answer:
        with self.connect() as connection:
            connection.sendall(head(self.url, len(QUERY)) + QUERY)
            return answers_on(connection)[0]


@pytest.fixture(scope="module")
def secure(log: Log, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    folder = tmp_path_factory.mktemp("certs")
    certs.create_authority(folder, "Test authority", at=NOW)
    for name in ("server", "client"):
        certs.issue(folder, name, at=NOW)
    leaf = certs.files(folder, "server")
    site = TappedSite(
        actors=[registry.app.actor(MemoryStore(), RegistrySettings(), CommunitySettings())],
        listener=listen("127.0.0.1", 0),
        tls=server_context(leaf.certificate, leaf.key, folder / "ca.pem"),
        limits=Limits(idle_s=1, head=8192),
    )
    with served(site):
        yield Secure(site, folder)
    assert site.tap.problems == []


@pytest.fixture(autouse=True)
def answers_a_good_client(secure: Secure) -> Iterator[None]:
    yield
    assert secure.ask().registry_status == "Success"


def test_the_log_knows_who_called(secure: Secure, log: Log) -> None:
    answer = secure.ask()
    eventually(lambda: answer.trace_id in log.stream.getvalue())
    (line,) = (line for line in log.lines if answer.trace_id in line)
    assert certs.summarise(secure.folder / "client.pem").fingerprint in line


@pytest.mark.parametrize(
    "garbage", [head("http://x/registry", len(QUERY)) + QUERY, b"Danser, Line\r\n", bytes(500)]
)
def test_whoever_speaks_no_tls_is_hung_up_on(garbage: bytes, secure: Secure, log: Log) -> None:
    position = log.stream.tell()
    with socket.create_connection(secure.address, 30) as connection:
        connection.sendall(garbage)
        received = b""
        try:
            while piece := connection.recv(4096):
                received += piece
        except ConnectionResetError:
            pass
    assert b"HTTP" not in received
    assert "13916900216" not in log.since(position)
    assert "Danser" not in log.since(position)


def test_half_a_head_is_told_and_hung_up_on(secure: Secure) -> None:
    with secure.connect() as connection:
        connection.sendall(b"POST /registry HTTP/1.1\r\nHost: ")
        (answer,) = answers_on(connection)
        assert (answer.status, answer.trace_id in answer.text) == (408, True)
        assert connection.recv(1) == b""


def test_half_a_message_is_told_and_hung_up_on(secure: Secure) -> None:
    with secure.connect() as connection:
        connection.sendall(head(secure.url, len(QUERY)) + QUERY[:-1])
        (answer,) = answers_on(connection)
        assert (answer.status, answer.codes) == (408, ["Sender"])
        assert connection.recv(1) == b""


def test_what_is_no_http_is_told_and_hung_up_on(secure: Secure) -> None:
    with secure.connect() as connection:
        connection.sendall(b"Danser, Line 13916900216\r\n\r\n")
        (answer,) = answers_on(connection)
        assert (answer.status, answer.trace_id in answer.text) == (400, True)
        assert connection.recv(1) == b""


def test_a_head_has_an_end(secure: Secure) -> None:
    with secure.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Ward: ")
        for _ in range(40):
            connection.sendall(b"x" * 16_000)
        (answer,) = answers_on(connection)
        assert answer.status == 431
        assert connection.recv(1) == b""


def test_a_client_that_resets_leaves_nothing(secure: Secure, log: Log) -> None:
    position = log.stream.tell()
    connection = secure.connect()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, (1).to_bytes(4, "little") + bytes(4))
    connection.sendall(head(secure.url, len(QUERY)) + QUERY[:-1])
    assert secure.ask().registry_status == "Success"
    connection.close()
    eventually(lambda: "client gone before its message was whole" in log.since(position))
    assert '"level": "error"' not in log.since(position)
