"""ITI-38 Cross Gateway Query at the Responding Gateway (ITI TF-2 3.38.4.1.3).

The query goes on to the own registry, with every parameter; what it finds is labelled with the own
homeCommunityId. It never goes on to another community, so that no circle of gateways can form.
"""

from dataclasses import replace

from gateway import queries
from gateway.domain import Gateway
from hub.call import Call
from hub.soap_client import RemoteFault
from ihe.errors import ErrorCode, Unavailable, XdsFailure
from ihe.messages import AdhocQueryRequest, AdhocQueryResponse
from ihe.vocabulary import ResponseStatus


async def handle(request: AdhocQueryRequest, call: Call, gateway: Gateway) -> AdhocQueryResponse:
    """Answer for the own community; every error is located at its homeCommunityId."""
    try:
        answer = await _ask(request, call, gateway)
    except XdsFailure as failure:
        answer = AdhocQueryResponse(
            ResponseStatus.FAILURE,
            queries.located(failure.errors, gateway.home_community_id),
        )
    return answer


async def _ask(request: AdhocQueryRequest, call: Call, gateway: Gateway) -> AdhocQueryResponse:
    own = gateway.home_community_id
    if request.home_community_id is not None or not queries.asks_for_patient(request):
        home = queries.require_home(request, gateway)
        if home != own:
            raise XdsFailure.of(
                ErrorCode.UNKNOWN_COMMUNITY,
                f"homeCommunityId '{home}' is not answered for here; {own} is",
            )
    try:
        answer = await gateway.send(
            queries.QUERY_REGISTRY,
            replace(request, home_community_id=None),
            gateway.registry,
            timeout_s=gateway.deadline_s,
            trace_id=call.trace_id,
        )
    except (Unavailable, RemoteFault) as failure:
        raise XdsFailure.of(
            ErrorCode.REGISTRY_ERROR,
            f"the registry of {own} does not answer; try again later (trace {call.trace_id})",
        ) from failure
    found = queries.found_at_home(answer, own)
    return AdhocQueryResponse(
        answer.status, queries.located(found.errors, own), fragments=found.fragments
    )
