"""ITI-39 Cross Gateway Retrieve at the Responding Gateway (ITI TF-2 3.39.4.1.3)."""

from dataclasses import replace

from gateway import retrieval
from gateway.domain import Gateway
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
    """Answer with documents of the own community's repositories.

    Every error is located at the own homeCommunityId, followed by the document's uniqueId.
    """
    mine: list[DocumentRequest] = []
    errors: list[RegistryError] = []
    asked = tuple(dict.fromkeys(request.documents))
    for wanted in asked:
        if (problem := _home_problem(wanted, gateway)) is None:
            mine.append(wanted)
        else:
            errors.append(problem)
    places, unknown = retrieval.own_places(mine, gateway)
    answer = await retrieval.retrieve(
        places,
        call,
        gateway,
        wanted=asked,
        errors=[*errors, *unknown],
        silent=retrieval.repository_silent,
    )
    home = gateway.home_community_id
    located = tuple(error.at(f"{home} {error.location}".strip()) for error in answer.errors)
    return replace(answer, errors=located)


def _home_problem(wanted: DocumentRequest, gateway: Gateway) -> RegistryError | None:
    home, own = wanted.home_community_id, gateway.home_community_id
    if home is None:
        return registry_error(
            ErrorCode.MISSING_HOME_COMMUNITY_ID,
            f"HomeCommunityId is required in a Cross Gateway Retrieve; expected {own}",
            wanted.document_unique_id,
        )
    if home != own:
        return registry_error(
            ErrorCode.UNKNOWN_COMMUNITY,
            f"HomeCommunityId '{home}' is not answered for here; {own} is",
            wanted.document_unique_id,
        )
    return None
