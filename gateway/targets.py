"""Whom a query goes to.

```text
by id             AdhocQuery/@home says which community
by patient        the own registry, and every Responding Gateway once; or the communities that
                  $targetCommunityIdList names (ITI TF-1 18.2.6)
```

Several communities may stand behind one Responding Gateway: those that are configured with the same
URL are asked together, and its answer may hold objects of any of them.
"""

from collections.abc import Sequence

from gateway.communities import Community
from gateway.domain import Gateway
from gateway.fanout import Target
from ihe import queries
from ihe.datatypes import HomeCommunityId
from ihe.errors import ErrorCode, RegistryError, XdsFailure, registry_error
from ihe.messages import AdhocQueryRequest


def targets_of(
    request: AdhocQueryRequest, gateway: Gateway
) -> tuple[Sequence[Target], list[RegistryError]]:
    """Return whom to ask, and an error for each community that is wanted and not known.

    Raises
    ------
    XdsFailure
        Nobody can be asked: a query by id without homeCommunityId, an unknown community, an
        unknown query, no patient.
    """
    home = request.home_community_id
    if home is not None:
        return [_target_at(require_known(home, gateway), gateway)], []
    queries.find_definition(request.query_id, _ITI_18)
    require_patient(request, gateway)
    if not queries.patients_of(request):
        raise XdsFailure.of(
            ErrorCode.STORED_QUERY_MISSING_PARAM,
            f"{queries.name_of(request.query_id)} came without the patient id that it needs",
        )
    everybody = [own_registry(gateway), *_responding_gateways(gateway)]
    wanted = queries.target_communities(request)
    if not wanted:
        return everybody, []
    unknown = [unknown_community(home, gateway) for home in wanted if not gateway.knows(home)]
    return [target for target in everybody if set(target.homes) & set(wanted)], unknown


_ITI_18 = 18


def own_registry(gateway: Gateway) -> Target:
    """Return the own community's registry as a target."""
    return Target(
        homes=(gateway.home_community_id,),
        name="the own registry",
        url=gateway.registry,
        deadline_s=gateway.deadline_s,
    )


def require_patient(request: AdhocQueryRequest, gateway: Gateway) -> None:
    """Raise `XdsFailure` for a query by id: without AdhocQuery/@home it is nobody's.

    References
    ----------
    ITI TF-2 3.18.4.1.2.3.8.
    """
    if not queries.asks_for_patient(request):
        raise XdsFailure.of(
            ErrorCode.MISSING_HOME_COMMUNITY_ID,
            "a query without a patient id needs AdhocQuery/@home;"
            f" {queries.name_of(request.query_id) or request.query_id} came without"
            f" (gateway {gateway.home_community_id})",
        )


def require_known(home: HomeCommunityId, gateway: Gateway) -> HomeCommunityId:
    """Return `home` when it is known here; raise `XdsFailure` when it is not."""
    if not gateway.knows(home):
        raise XdsFailure((unknown_community(home, gateway),))
    return home


def unknown_community(home: str, gateway: Gateway, location: str = "") -> RegistryError:
    """Return the error of a homeCommunityId that is not known here."""
    return registry_error(
        ErrorCode.UNKNOWN_COMMUNITY,
        f"homeCommunityId '{home}' is not known to gateway {gateway.home_community_id}",
        location,
    )


def _target_at(home: HomeCommunityId, gateway: Gateway) -> Target:
    """Return where a known community is asked, alone."""
    if home == gateway.home_community_id:
        return own_registry(gateway)
    return _target((gateway.communities[home],), gateway)


def _responding_gateways(gateway: Gateway) -> Sequence[Target]:
    """Return the Responding Gateways of all other communities, each once."""
    by_url: dict[str, list[Community]] = {}
    for community in gateway.communities.values():
        by_url.setdefault(community.query, []).append(community)
    return [_target(communities, gateway) for communities in by_url.values()]


def _target(communities: Sequence[Community], gateway: Gateway) -> Target:
    return Target(
        homes=tuple(each.home_community_id for each in communities),
        name=" and ".join(each.name for each in communities),
        url=communities[0].query,
        deadline_s=max(each.deadline_s or gateway.deadline_s for each in communities),
    )
