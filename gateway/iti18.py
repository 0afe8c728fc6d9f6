"""ITI-18 Registry Stored Query at the Initiating Gateway (ITI TF-2 3.18.4.1.3; TF-1 18.2).

A query by patient goes to the own registry and to every other community at once. A query by id goes
to the one community that its homeCommunityId names.
"""

from gateway import queries
from gateway.domain import Gateway
from gateway.fanout import Heard, Target, ask_all
from gateway.queries import Found
from gateway.targets import targets_of
from hub.call import Call
from hub.soap_client import ANSWER, LARGE_ANSWER
from ihe.ebxml.relay import RelayedQueryResponse
from ihe.messages import AdhocQueryRequest, AdhocQueryResponse
from ihe.queries import patients_of, target_communities, targeting


async def handle(request: AdhocQueryRequest, call: Call, gateway: Gateway) -> AdhocQueryResponse:
    """Ask the communities that the query is for, and merge what they answer in time.

    All parameters are passed on, known or not. Errors of communities come along with their
    results; a silent community gives XDSUnavailableCommunity.
    """
    targets, unknown = targets_of(request, gateway)
    patients = patients_of(request)

    async def ask(target: Target) -> RelayedQueryResponse:
        own = _is_own(target, gateway)
        return await gateway.send(
            queries.QUERY_REGISTRY if own else queries.QUERY_COMMUNITY,
            targeting(request, ()) if own else _for_gateway(request, target),
            target.url,
            timeout_s=target.deadline_s,
            trace_id=call.trace_id,
            limits=LARGE_ANSWER if own else ANSWER,
        )

    def found(heard: Heard[RelayedQueryResponse]) -> Found:
        if heard.answer is None:
            return Found((), heard.errors, succeeded=False)
        if not _is_own(heard.target, gateway):
            return queries.found_elsewhere(heard.target, heard.answer, patients)
        found = queries.found_at_home(heard.target, heard.answer)
        return found if len(targets) == 1 else queries.without_unknown_patient(found)

    heard = await ask_all(targets, ask, breaker=gateway.breaker, trace_id=call.trace_id)
    return queries.merge(list(map(found, heard)), unknown)


def _is_own(target: Target, gateway: Gateway) -> bool:
    return gateway.home_community_id in target.homes


def _for_gateway(request: AdhocQueryRequest, target: Target) -> AdhocQueryRequest:
    """Return the query as a Responding Gateway gets it: it knows its own communities only."""
    wanted = target_communities(request)
    return targeting(request, set(wanted).intersection(target.homes)) if wanted else request
