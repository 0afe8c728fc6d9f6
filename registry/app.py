"""Puts the Document Registry together from its settings: the one place that knows its engines."""

import socket
from collections.abc import Callable
from dataclasses import replace

from hub import ids
from hub.actor import Actor
from hub.hl7_pipeline import Hl7Service
from hub.http_server import listen
from hub.mllp_server import MllpServer
from hub.settings import CommunitySettings, RegistrySettings, SettingsError, TlsSettings
from hub.soap_server import SoapServer
from hub.tls import server_context
from hub.web import Mount
from hub.wsdl import pages
from ihe.datatypes import HomeCommunityId
from ihe.rules import Profile, Strictness, check_strictness
from registry import iti8
from registry.codes import CodeFile
from registry.domain import Registry
from registry.patients import PatientMode, PatientPolicy
from registry.serves import SERVES
from registry.store.port import Store
from registry.store.sql import open_store

NAME = "DocumentRegistry"
PATH = "/registry"


def build(
    settings: RegistrySettings,
    community: CommunitySettings,
    tls: TlsSettings | None = None,
    feed: socket.socket | None = None,
) -> Actor:
    """Return the registry that the settings describe; `tls` is for its feed.

    `feed` is the feed's socket where it is bound already.

    Raises
    ------
    SettingsError
        The database URL, the list of codes or the strictness is none that can be used.
    Unavailable
        The database does not answer.
    OSError
        The address of the feed is in use or not there.
    """
    store = open_store(settings.database)
    try:
        return actor(store, settings, community, tls, feed)
    except BaseException:
        store.close()
        raise


def actor(
    store: Store,
    settings: RegistrySettings,
    community: CommunitySettings,
    tls: TlsSettings | None = None,
    feed: socket.socket | None = None,
) -> Actor:
    """Return a registry on a store of its own; raises as `build` does."""
    registry, codes = ports(store, settings, community)
    soap = SoapServer(NAME, SERVES, registry)
    return Actor(
        name=NAME,
        mounts={
            PATH: Mount(
                soap=soap, pages=lambda query, url: pages(NAME, soap.transactions, query, url)
            )
        },
        ready=store.ready,
        listeners=_listeners(settings, registry, tls, feed),
        background=(codes.watch,) if codes is not None else (),
        close=store.close,
    )


def ports(
    store: Store, settings: RegistrySettings, community: CommunitySettings
) -> tuple[Registry, CodeFile | None]:
    """Return what handlers are given, and the file of codes that is to be watched for it."""
    authorities, sources = settings.patient_authorities, settings.identity_sources
    codes = CodeFile(settings.codes, NAME) if settings.codes is not None else None
    registry = Registry(
        store=store,
        new_uuid=ids.new_uuid,
        home_community_id=HomeCommunityId(community.home_community_id),
        refuse_unknown_patient=settings.unknown_patient == "error",
        lenient_queries=settings.lenient_queries,
        patients=PatientPolicy(
            PatientMode(settings.patients),
            frozenset(authorities) if authorities is not None else None,
            settings.patient_namespaces,
            frozenset(sources) if sources is not None else None,
        ),
        profile=_profile(settings, codes),
        accepts_replays=settings.accepts_replays,
        most_objects=settings.most_objects,
    )
    return registry, codes


def _listeners(
    settings: RegistrySettings,
    registry: Registry,
    tls: TlsSettings | None,
    feed: socket.socket | None,
) -> tuple[MllpServer, ...]:
    """Return where the identity feed is listened to, if it is wanted; the socket is bound."""
    if settings.feed_port is None:
        return ()
    context = server_context(tls.certificate, tls.key, tls.authorities) if tls else None
    service = Hl7Service(
        transaction="ITI-8",
        actor=NAME,
        handle=lambda message, call: iti8.handle(message, call, registry),
    )
    listener = feed or listen(settings.feed_host or settings.host, settings.feed_port)
    return (MllpServer(service, listener, tls=context, name="feed"),)


def _profile(settings: RegistrySettings, codes: CodeFile | None) -> Callable[[], Profile]:
    """Return what gives the rules of this moment."""
    strictness = {name: Strictness(value) for name, value in settings.strictness.items()}
    if problems := check_strictness(strictness):
        raise SettingsError(f"registry.strictness: {'; '.join(problems)}")
    fixed = Profile(strictness=strictness)
    if codes is None:
        return lambda: fixed

    def with_codes() -> Profile:
        lists = codes.lists
        return replace(fixed, code_sets=lists.code_sets, mime_types=lists.mime_types)

    return with_codes
