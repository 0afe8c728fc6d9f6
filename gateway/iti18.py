"""ITI-18 Registry Stored Query at the Initiating Gateway (ITI TF-2 3.18.4.1.3; TF-1 18.2).

A query by patient goes to the own registry and to every other community at once. A query by id goes
to the one community that its homeCommunityId names.
"""

from collections.abc import Sequence

from gateway import queries
from gateway.domain import Gateway
from gateway.fanout import Target, ask_all
from hub.call import Call
from ihe.datatypes import HomeCommunityId
from ihe.ebxml.relay import RelayedQueryResponse
from ihe.messages import AdhocQueryRequest, AdhocQueryResponse


async def handle(request: AdhocQueryRequest, call: Call, gateway: Gateway) -> AdhocQueryResponse:
    """Ask the communities that the query is for, and merge what they answer in time.

    All parameters are passed on, known or not. Errors of communities come along with their
    results; a silent community gives XDSUnavailableCommunity.
    """
    targets = _targets(request, gateway)

    async def ask(target: Target) -> RelayedQueryResponse:
        own = target.home_community_id == gateway.home_community_id
        return await gateway.send(
            queries.QUERY_REGISTRY if own else queries.QUERY_COMMUNITY,
            request,
            target.url,
            timeout_s=target.deadline_s,
            trace_id=call.trace_id,
        )

    heard = await ask_all(targets, ask, trace_id=call.trace_id)
    own = gateway.home_community_id
    return queries.merge(
        [
            queries.found_at_home(one.answer, own)
            if one.answer is not None and one.target.home_community_id == own
            else queries.found_elsewhere(one)
            for one in heard
        ]
    )


def _targets(request: AdhocQueryRequest, gateway: Gateway) -> Sequence[Target]:
    """Return whom to ask; raise `XdsFailure` when that cannot be told."""
    home = request.home_community_id
    if home is not None or not queries.asks_for_patient(request):
        return (target_at(queries.require_home(request, gateway), gateway),)
    others = (target_at(other, gateway) for other in map(HomeCommunityId, gateway.communities))
    return (queries.own_registry(gateway), *others)


def target_at(home: HomeCommunityId, gateway: Gateway) -> Target:
    """Return the community of a known homeCommunityId as a target of queries."""
    if home == gateway.home_community_id:
        return queries.own_registry(gateway)
    community = gateway.communities[home]
    return Target(
        home_community_id=community.home_community_id,
        name=community.name,
        url=community.query,
        deadline_s=community.deadline_s or gateway.deadline_s,
    )
