import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import certs
from hub.settings import SettingsError
from hub.tls import client_context, read_peer, server_context

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certs")
    certs.create_authority(folder, "Test authority", at=NOW)
    for name in ("server", "client"):
        certs.issue(folder, name, at=NOW)
    certs.issue(folder, "elsewhere", hosts=("elsewhere.example",), at=NOW)
    certs.create_authority(folder / "foreign", "Foreign authority", at=NOW)
    certs.issue(folder / "foreign", "client", at=NOW)
    return folder


class Listener:
    """A TLS server that answers one connection with what it saw of the client."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.context = context
        self.seen: bytes | None = None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        connection, _address = self.socket.accept()
        try:
            with self.context.wrap_socket(connection, server_side=True) as secure:
                self.seen = secure.getpeercert(binary_form=True)
                secure.sendall(b"hello")
        except (ssl.SSLError, OSError):
            connection.close()

    def close(self) -> None:
        self.thread.join()
        self.socket.close()


@pytest.fixture
def listener(folder: Path) -> Iterator[Listener]:
    leaf = certs.files(folder, "server")
    listener = Listener(server_context(leaf.certificate, leaf.key, folder / "ca.pem"))
    yield listener
    listener.close()


def connect(listener: Listener, context: ssl.SSLContext) -> tuple[bytes, str | None]:
    with (
        socket.create_connection(listener.socket.getsockname()) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        return secure.recv(5), secure.version()


def refused(listener: Listener, context: ssl.SSLContext) -> bool:
    """Tell whether the server hung up; in TLS 1.3 a client only sees it when it reads."""
    try:
        return connect(listener, context)[0] == b""
    except (ssl.SSLError, ConnectionError):
        return True


def own_context(folder: Path) -> ssl.SSLContext:
    leaf = certs.files(folder, "client")
    return client_context(leaf.certificate, leaf.key, folder / "ca.pem")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_sides_know_each_other(
    listener: Listener, folder: Path, version: ssl.TLSVersion
) -> None:
    context = own_context(folder)
    context.maximum_version = version
    assert connect(listener, context) == (b"hello", version.name.replace("_", "."))
    assert listener.seen is not None
    listener.thread.join()
    peer = read_peer(listener.seen, "127.0.0.1")
    assert peer.subject == "CN=client"
    assert peer.fingerprint == certs.summarise(folder / "client.pem").fingerprint


def test_a_client_without_a_certificate_gets_no_connection(
    listener: Listener, folder: Path
) -> None:
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    assert refused(listener, context)
    assert listener.seen is None


def test_a_client_of_a_foreign_authority_gets_no_connection(
    listener: Listener, folder: Path
) -> None:
    leaf = certs.files(folder / "foreign", "client")
    context = client_context(leaf.certificate, leaf.key, folder / "ca.pem")
    assert refused(listener, context)
    assert listener.seen is None


def test_a_server_of_a_foreign_authority_is_not_trusted(listener: Listener, folder: Path) -> None:
    leaf = certs.files(folder / "foreign", "client")
    context = client_context(leaf.certificate, leaf.key, folder / "foreign" / "ca.pem")
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(listener, context)


def test_old_versions_and_weak_suites_are_refused(listener: Listener, folder: Path) -> None:
    context = own_context(folder)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-GCM-SHA256")  # no forward secrecy
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(listener, context)


def test_a_server_is_called_by_its_own_name(folder: Path) -> None:
    leaf = certs.files(folder, "elsewhere")
    listener = Listener(server_context(leaf.certificate, leaf.key, folder / "ca.pem"))
    try:
        with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
            connect(listener, own_context(folder))
    finally:
        listener.close()


def test_host_names_need_not_be_checked(folder: Path) -> None:
    leaf, other = certs.files(folder, "client"), certs.files(folder, "elsewhere")
    listener = Listener(server_context(other.certificate, other.key, folder / "ca.pem"))
    context = client_context(leaf.certificate, leaf.key, folder / "ca.pem", check_host_names=False)
    try:
        assert connect(listener, context)[0] == b"hello"
    finally:
        listener.close()


def test_files_that_cannot_be_used_are_named(folder: Path, tmp_path: Path) -> None:
    leaf = certs.files(folder, "client")
    with pytest.raises(SettingsError, match=r"nowhere\.pem is not there"):
        client_context(tmp_path / "nowhere.pem", leaf.key, folder / "ca.pem")
    wrong = certs.files(folder, "server").key
    with pytest.raises(SettingsError, match="cannot be used"):
        client_context(leaf.certificate, wrong, folder / "ca.pem")
    (tmp_path / "empty.pem").touch()
    with pytest.raises(SettingsError, match="cannot be used"):
        client_context(leaf.certificate, leaf.key, tmp_path / "empty.pem")
