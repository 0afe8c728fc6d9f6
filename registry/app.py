"""Puts the Document Registry together from its settings: the one place that knows its engines."""

from hub import ids
from hub.actor import Actor
from hub.settings import CommunitySettings, RegistrySettings
from hub.soap_server import SoapServer
from hub.web import Mount
from hub.wsdl import pages
from ihe.datatypes import HomeCommunityId
from registry.domain import Registry
from registry.patients import PatientMode, PatientPolicy
from registry.serves import SERVES
from registry.store.port import Store
from registry.store.sql import open_store

NAME = "DocumentRegistry"
PATH = "/registry"


def build(settings: RegistrySettings, community: CommunitySettings) -> Actor:
    """Return the registry that the settings describe.

    Raises
    ------
    SettingsError
        The database URL is none that can be used.
    Unavailable
        The database does not answer.
    """
    return actor(open_store(settings.database), settings, community)


def actor(store: Store, settings: RegistrySettings, community: CommunitySettings) -> Actor:
    """Return a registry on a store of its own."""
    registry = Registry(
        store=store,
        new_uuid=ids.new_uuid,
        home_community_id=HomeCommunityId(community.home_community_id),
        refuse_unknown_patient=settings.unknown_patient == "error",
        lenient_queries=settings.lenient_queries,
        patients=PatientPolicy(PatientMode(settings.patients)),
    )
    soap = SoapServer(NAME, SERVES, registry)
    return Actor(
        name=NAME,
        mounts={
            PATH: Mount(
                soap=soap, pages=lambda query, url: pages(NAME, soap.transactions, query, url)
            )
        },
        ready=store.ready,
        close=store.close,
    )
