"""The identity feed over real sockets: a registry that listens, on each store, plain and by TLS."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

import certs
import registry.app
from hub.actor import Actor, Site, close, site
from hub.http_server import listen
from hub.settings import CommunitySettings, RegistrySettings, TlsSettings, changed
from hub.tls import client_context
from ihe.datatypes import CX
from registry.store.memory import MemoryStore
from registry.store.port import Store
from registry.store.sql import migrate_store, open_store
from tests.databases import PostgresServer
from tests.registry.feeding import AUTHORITY, adt, feed, merge
from tests.running import served

A, B = CX.of("13916900216", AUTHORITY), CX.of("29898496140", AUTHORITY)
SETTINGS = changed(
    RegistrySettings(), feed_port=0, patients="checked", patient_authorities=[AUTHORITY]
)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with contextlib.ExitStack() as stack:
        if request.param == "memory":
            yield MemoryStore()
            return
        url = f"sqlite:///{tmp_path}/registry.sqlite"
        if request.param == "postgres":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
            migrate_store(url)
        opened = open_store(url)
        stack.callback(opened.close)
        yield opened


@dataclass
class Listening:
    store: Store
    url: str


@contextlib.contextmanager
def listening(store: Store) -> Iterator[Listening]:
    actor = registry.app.actor(store, SETTINGS, CommunitySettings())
    (listener,) = actor.listeners
    with served(Site(actors=(actor,), listener=listen("127.0.0.1", 0))):
        yield Listening(store, listener.url)


def survivor(store: Store, patient_id: CX) -> CX | None:
    with store.read() as state:
        patient = state.patient(patient_id)
    assert patient is not None
    return patient.survivor


def test_a_feed_makes_patients_known_and_merges_them(store: Store) -> None:
    with listening(store) as here, feed(here.url) as sender:
        assert sender.ask(adt("A01", A, control_id="1")) == ("AA", "1", "")
        assert sender.ask(adt("A04", B, control_id="2")) == ("AA", "2", "")
        assert sender.ask(merge(A, B, control_id="3")) == ("AA", "3", "")
        code, control_id, text = sender.ask(merge(A, B, control_id="4"))
        assert (code, control_id) == ("AE", "4")
        assert text.startswith("MRG-1: an id in use was expected")
        assert survivor(store, A) == B


def test_of_feeds_that_merge_the_same_ids_exactly_one_wins(store: Store) -> None:
    survivors = [CX.of(f"{number}", AUTHORITY) for number in range(8)]

    def work(url: str, into: CX) -> str:
        with feed(url) as sender:
            return sender.ask(merge(A, into))[0]

    with listening(store) as here:
        with feed(here.url) as sender:
            assert sender.ask(adt("A01", A, *survivors))[0] == "AA"
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda into: work(here.url, into), survivors))
        assert sorted(answers) == ["AA"] + ["AE"] * 7
        assert survivor(store, A) == survivors[answers.index("AA")]


def test_merges_against_each_other_leave_one_survivor(store: Store) -> None:
    def work(url: str, message: bytes) -> list[str]:
        with feed(url) as sender:
            return [sender.ask(message)[0] for _ in range(4)]

    with listening(store) as here:
        with feed(here.url) as sender:
            assert sender.ask(adt("A01", A, B))[0] == "AA"
        both = (merge(A, B), merge(B, A))
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda message: work(here.url, message), both * 4))
        assert [each for four in answers for each in four].count("AA") == 1
        assert {survivor(store, A), survivor(store, B)} in ({None, A}, {None, B})


def test_the_port_of_a_feed_can_be_asked_before_it_is_served() -> None:
    actor = registry.app.actor(MemoryStore(), SETTINGS, CommunitySettings())
    (listener,) = actor.listeners
    assert listener.name == "feed"
    assert int(listener.url.removeprefix("mllp://127.0.0.1:")) > 0
    close(actor)
    close(actor)  # once more does no harm


def test_a_registry_without_a_port_for_a_feed_has_none() -> None:
    assert (
        registry.app.actor(MemoryStore(), RegistrySettings(), CommunitySettings()).listeners == ()
    )


def subject(certificate: Path) -> str:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).subject.rfc4514_string()


def test_a_feed_with_tls_is_taken_from_known_senders_only(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    certs.create_authority(tmp_path, "Test authority", at=now)
    certs.create_authority(tmp_path / "foreign", "Foreign authority", at=now)
    own, sender = (certs.issue(tmp_path, name, at=now) for name in ("registry", "sender"))
    foreign = certs.issue(tmp_path / "foreign", "sender", at=now)
    authority = tmp_path / "ca.pem"
    tls = TlsSettings(certificate=own.certificate, key=own.key, authorities=authority)
    settings = changed(SETTINGS, port=0, identity_sources=[subject(sender.certificate)])
    store = MemoryStore()
    actor: Actor = registry.app.actor(store, settings, CommunitySettings(), tls)
    (listener,) = actor.listeners
    assert listener.url.startswith("mllps://")
    with served(site(actor, settings, tls)):
        known = client_context(sender.certificate, sender.key, authority)
        with feed(listener.url, known) as by:
            assert by.ask(adt("A01", A)) == ("AA", "17", "")
        here = client_context(own.certificate, own.key, authority)
        with feed(listener.url, here) as by:
            assert by.ask(adt("A01", B)) == ("AR", "17", "not allowed"), "trusted, and no source"
        stranger = client_context(foreign.certificate, foreign.key, authority)
        with contextlib.suppress(OSError), feed(listener.url, stranger) as by:
            by.send(adt("A01", B))
            assert by.answer() is None
        with feed(listener.url) as by:
            by.send(adt("A01", B))
            assert by.connection.recv(1) in {b"", b"\x15"}, "nothing, or an alert"
    with store.read() as state:
        assert state.patient(A) is not None
        assert state.patient(B) is None
