"""What the gateway's handlers work with: its own community, the others, and how to ask them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from gateway.breaker import Breaker
from gateway.communities import Community
from hub.soap_client import Stream
from ihe.datatypes import HomeCommunityId
from ihe.transactions import Transaction
from ihe.xml import Limits

Req = TypeVar("Req")
Resp = TypeVar("Resp")


class Send(Protocol):
    """Sends a transaction and waits for the whole answer (`hub.soap_client.SoapClient.send`)."""

    async def __call__(
        self,
        transaction: Transaction[Req, Resp],
        request: Req,
        to: str,
        *,
        timeout_s: float,
        trace_id: str | None = None,
        limits: Limits = ...,
    ) -> Resp:
        """Return the response; raise `Unavailable` or `RemoteFault` when there is none."""
        ...


class OpenStream(Protocol):
    """Sends a transaction and hands over an answer whose documents are still on their way."""

    async def __call__(
        self,
        transaction: Transaction[Req, Resp],
        request: Req,
        to: str,
        *,
        timeout_s: float,
        idle_s: float,
        trace_id: str | None = None,
    ) -> Stream[Resp]:
        """Return the stream, to be discarded in the end; raise as `Send` does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The ports and settings of a gateway.

    Parameters
    ----------
    home_community_id
        Of the own community.
    registry
        URL of the own registry (ITI-18).
    repositories
        URLs of the own repositories (ITI-43) by repositoryUniqueId.
    communities
        The other communities by homeCommunityId, in the order in which answers are merged.
    deadline_s
        Seconds that a community may take when it has no deadline of its own.
    idle_s
        Seconds that the next piece of a document may take, once its envelope is here.
    send, stream
        The SOAP client.
    breaker
        Who has been silent lately.
    """

    home_community_id: HomeCommunityId
    registry: str
    repositories: Mapping[str, str]
    communities: Mapping[str, Community]
    deadline_s: float
    idle_s: float
    send: Send
    stream: OpenStream
    breaker: Breaker = field(default_factory=Breaker)

    def knows(self, home: str) -> bool:
        """Tell whether `home` is the own or another known community."""
        return home == self.home_community_id or home in self.communities
