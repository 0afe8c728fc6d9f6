"""ITI-43 Retrieve Document Set at the Initiating Gateway (ITI TF-2 3.43.4.1.3; TF-1 18.2)."""

from collections.abc import Sequence

from gateway import retrieval
from gateway.domain import Gateway
from gateway.retrieval import Place
from gateway.targets import unknown_community
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
    asked = tuple(dict.fromkeys(request.documents))
    for wanted in asked:
        home = wanted.home_community_id
        if home is None:
            errors.append(_missing_home(wanted, gateway))
        elif not gateway.knows(home):
            errors.append(unknown_community(home, gateway, wanted.document_unique_id))
        else:
            by_home.setdefault(home, []).append(wanted)
    places, unknown = retrieval.own_places(by_home.pop(gateway.home_community_id, ()), gateway)
    places += [retrieval.place_elsewhere(home, theirs, gateway) for home, theirs in by_home.items()]
    return await retrieval.retrieve(
        places,
        call,
        gateway,
        wanted=asked,
        errors=[*errors, *unknown],
        silent=lambda place, errors: _silent(place, errors, gateway),
    )


def _silent(
    place: Place, errors: Sequence[RegistryError], gateway: Gateway
) -> Sequence[RegistryError]:
    is_own = place.home == gateway.home_community_id
    return retrieval.repository_silent(place, errors) if is_own else errors


def _missing_home(wanted: DocumentRequest, gateway: Gateway) -> RegistryError:
    return registry_error(
        ErrorCode.MISSING_HOME_COMMUNITY_ID,
        "HomeCommunityId is required to retrieve through an Initiating Gateway"
        f" (gateway {gateway.home_community_id})",
        wanted.document_unique_id,
    )
