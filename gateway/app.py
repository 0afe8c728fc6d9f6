"""Puts the gateway together from its settings: an Initiating and a Responding Gateway."""

from typing import Final

from gateway.communities import read_communities
from gateway.domain import Gateway
from gateway.serves import INITIATING, RESPONDING
from hub.actor import Actor
from hub.settings import CommunitySettings, GatewaySettings, SettingsError, TlsSettings
from hub.soap_client import SoapClient
from hub.soap_server import SoapServer
from hub.tls import as_client
from hub.web import Mount
from hub.wsdl import pages
from ihe.datatypes import HomeCommunityId

PATH: Final = "/gateway"
INITIATING_PATH: Final = "/gateway/initiating"


def build(
    settings: GatewaySettings, community: CommunitySettings, tls: TlsSettings | None
) -> Actor:
    """Return the gateway that the settings describe.

    Parameters
    ----------
    tls
        Its certificate, which it shows to registries, repositories and other gateways.

    Raises
    ------
    SettingsError
        A setting or the file of communities cannot be used.
    """
    client = SoapClient(tls=as_client(tls))
    own = community.home_community_id
    others = read_communities(settings.communities, own=own) if settings.communities else ()
    gateway = Gateway(
        home_community_id=HomeCommunityId(own),
        registry=settings.registry,
        repositories=_repositories(settings),
        communities={each.home_community_id: each for each in others},
        deadline_s=settings.deadline_s,
        idle_s=settings.idle_s,
        send=client.send,
        stream=client.open,
    )
    return Actor(
        name="Gateway",
        mounts={
            PATH: _mount(SoapServer("RespondingGateway", RESPONDING, gateway)),
            INITIATING_PATH: _mount(SoapServer("InitiatingGateway", INITIATING, gateway)),
        },
        close=client.close,
    )


def _repositories(settings: GatewaySettings) -> dict[str, str]:
    urls: dict[str, str] = {}
    for each in settings.repositories:
        if each.repository_unique_id in urls:
            raise SettingsError(
                f"gateway.repositories: {each.repository_unique_id} stands there twice"
            )
        urls[each.repository_unique_id] = each.url
    return urls


def _mount(soap: SoapServer[Gateway]) -> Mount:
    return Mount(
        soap=soap,
        pages=lambda query, url: pages(soap.name, soap.transactions, query, url),
    )
