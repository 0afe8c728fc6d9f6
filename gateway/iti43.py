"""ITI-43 Retrieve Document Set at the Initiating Gateway (ITI TF-2 3.43.4.1.3; TF-1 18.2)."""

from gateway import retrieval
from gateway.domain import Gateway
from gateway.retrieval import Place
from hub.call import Call
from ihe.errors import ErrorCode, RegistryError, registry_error
from ihe.messages import (
    DocumentRequest,
    RetrieveDocumentSetRequest,
    RetrieveDocumentSetResponse,
)


async def handle(
    request: RetrieveDocumentSetRequest, call: Call, gateway: Gateway
) -> RetrieveDocumentSetResponse:
    """Get each document where its HomeCommunityId says, and answer with all of them at once.

    Documents of the own community come from its repositories (ITI-43), others through their
    Responding Gateway (ITI-39). A community that is silent gives one XDSUnavailableCommunity.
    """
    by_home: dict[str, list[DocumentRequest]] = {}
    errors: list[RegistryError] = []
    for wanted in request.documents:
        home = wanted.home_community_id
        if home is None:
            errors.append(_missing_home(wanted, gateway))
        elif not gateway.knows(home):
            errors.append(_unknown_home(wanted, gateway))
        else:
            by_home.setdefault(home, []).append(wanted)
    places, unknown = retrieval.own_places(by_home.pop(gateway.home_community_id, ()), gateway)
    places += [retrieval.place_elsewhere(home, asked, gateway) for home, asked in by_home.items()]
    return await retrieval.retrieve(
        places,
        call,
        gateway,
        wanted=request.documents,
        errors=[*errors, *unknown],
        silent=lambda place, error: _silent(place, error, gateway),
    )


def _silent(place: Place, error: RegistryError, gateway: Gateway) -> list[RegistryError]:
    if place.target.home_community_id == gateway.home_community_id:
        return retrieval.repository_silent(place, error)
    return [error]


def _missing_home(wanted: DocumentRequest, gateway: Gateway) -> RegistryError:
    return registry_error(
        ErrorCode.MISSING_HOME_COMMUNITY_ID,
        "HomeCommunityId is required to retrieve through an Initiating Gateway"
        f" (gateway {gateway.home_community_id})",
        wanted.document_unique_id,
    )


def _unknown_home(wanted: DocumentRequest, gateway: Gateway) -> RegistryError:
    return registry_error(
        ErrorCode.UNKNOWN_COMMUNITY,
        f"HomeCommunityId '{wanted.home_community_id}' is not known to gateway"
        f" {gateway.home_community_id}",
        wanted.document_unique_id,
    )
