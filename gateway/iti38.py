"""ITI-38 Cross Gateway Query at the Responding Gateway (ITI TF-2 3.38.4.1.3).

The query goes on to the own registry, with every parameter; what it finds is labelled with the own
homeCommunityId. It never goes on to another community, so that no circle of gateways can form.
"""

from collections.abc import Sequence
from dataclasses import replace

from gateway import queries
from gateway.domain import Gateway
from gateway.queries import Found
from gateway.targets import own_registry, require_patient
from hub.call import Call
from hub.soap_client import LARGE_ANSWER, RemoteFault, TooLarge
from ihe.errors import ErrorCode, RegistryError, Unavailable, XdsFailure, registry_error
from ihe.messages import AdhocQueryRequest, AdhocQueryResponse
from ihe.queries import name_of, target_communities, targeting
from ihe.vocabulary import ResponseStatus


async def handle(request: AdhocQueryRequest, call: Call, gateway: Gateway) -> AdhocQueryResponse:
    """Answer for the own community; every error is located at its homeCommunityId.

    Of the communities that $targetCommunityIdList names, each other one gives an error beside what
    is found here (ITI TF-1 18.2.6).
    """
    try:
        _check_home(request, gateway)
        unknown = _unknown_targets(request, gateway)
        answer = queries.merge([await _ask(request, call, gateway)], unknown)
    except XdsFailure as failure:
        answer = AdhocQueryResponse(ResponseStatus.FAILURE, failure.errors)
    return replace(answer, errors=_located(answer.errors, gateway))


def _check_home(request: AdhocQueryRequest, gateway: Gateway) -> None:
    home = request.home_community_id
    if home is None:
        if name_of(request.query_id) is not None:  # the registry tells of an unknown query
            require_patient(request, gateway)
    elif home != gateway.home_community_id:
        raise XdsFailure((_not_here(home, gateway),))


def _unknown_targets(request: AdhocQueryRequest, gateway: Gateway) -> list[RegistryError]:
    """Return an error for each other community that is wanted; raise when the own one is not."""
    wanted = target_communities(request)
    errors = [_not_here(home, gateway) for home in wanted if home != gateway.home_community_id]
    if errors and len(errors) == len(wanted):
        raise XdsFailure(errors)
    return errors


def _not_here(home: str, gateway: Gateway) -> RegistryError:
    return registry_error(
        ErrorCode.UNKNOWN_COMMUNITY,
        f"homeCommunityId '{home}' is not answered for here; {gateway.home_community_id} is",
    )


async def _ask(request: AdhocQueryRequest, call: Call, gateway: Gateway) -> Found:
    """Ask the own registry; raise `XdsFailure` when it does not answer."""
    registry = own_registry(gateway)
    try:
        answer = await gateway.send(
            queries.QUERY_REGISTRY,
            replace(targeting(request, ()), home_community_id=None),
            registry.url,
            timeout_s=registry.deadline_s,
            trace_id=call.trace_id,
            limits=LARGE_ANSWER,
        )
    except TooLarge as failure:
        raise XdsFailure.of(
            ErrorCode.TOO_MANY_RESULTS, f"{registry} found more than is taken, ask for less"
        ) from failure
    except (Unavailable, RemoteFault) as failure:
        raise XdsFailure.of(
            ErrorCode.REGISTRY_ERROR,
            f"the registry of {gateway.home_community_id} does not answer; try again later"
            f" (trace {call.trace_id})",
        ) from failure
    return queries.found_at_home(registry, answer)


def _located(errors: Sequence[RegistryError], gateway: Gateway) -> tuple[RegistryError, ...]:
    return tuple(error.at(gateway.home_community_id) for error in errors)
