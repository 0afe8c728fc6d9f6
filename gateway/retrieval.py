"""Gets documents from several places at once, and hands them on while they arrive.

```text
DocumentRequests ─▶ by place ─▶ one request each, all at once ─▶ envelopes ─▶ one answer's envelope
                                                                └─ documents ─▶ streamed behind it
```

The envelope of the answer tells which documents follow, so it waits for every place's envelope, or
for its deadline; the documents themselves are never held, whatever their size.

References
----------
ITI TF-2 3.39.4.1.3, 3.43.4.1.3.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.domain import Gateway
from gateway.fanout import Heard, Target, ask_all
from hub.call import Call
from hub.soap_client import Stream
from ihe.errors import ErrorCode, RegistryError, registry_error
from ihe.messages import (
    DocumentRequest,
    DocumentResponse,
    RetrieveDocumentSetRequest,
    RetrieveDocumentSetResponse,
    status_of,
)
from ihe.transactions import ITI_39, ITI_43, Transaction

Answer = RetrieveDocumentSetResponse


@dataclass(frozen=True, slots=True)
class Place:
    """Where some of the documents are: a repository, or another community's gateway."""

    target: Target
    transaction: Transaction[RetrieveDocumentSetRequest, Answer]
    requests: tuple[DocumentRequest, ...]


def own_places(
    requests: Iterable[DocumentRequest], gateway: Gateway
) -> tuple[list[Place], list[RegistryError]]:
    """Sort requests by the own community's repositories; unknown repositories give errors."""
    by_repository: dict[str, list[DocumentRequest]] = {}
    errors: list[RegistryError] = []
    for request in requests:
        repository = request.repository_unique_id
        if repository in gateway.repositories:
            by_repository.setdefault(repository, []).append(request)
        else:
            errors.append(
                registry_error(
                    ErrorCode.UNKNOWN_REPOSITORY_ID,
                    f"repositoryUniqueId '{repository}' is not known in community"
                    f" {gateway.home_community_id}",
                    request.document_unique_id,
                )
            )
    places = [
        Place(
            Target(
                home_community_id=gateway.home_community_id,
                name=f"repository {repository}",
                url=gateway.repositories[repository],
                deadline_s=gateway.deadline_s,
            ),
            ITI_43,
            tuple(wanted),
        )
        for repository, wanted in by_repository.items()
    ]
    return places, errors


def place_elsewhere(home: str, requests: Sequence[DocumentRequest], gateway: Gateway) -> Place:
    """Return the place of documents that another, known community holds."""
    community = gateway.communities[home]
    return Place(
        Target(
            home_community_id=community.home_community_id,
            name=community.name,
            url=community.retrieve,
            deadline_s=community.deadline_s or gateway.deadline_s,
        ),
        ITI_39,
        tuple(requests),
    )


async def retrieve(
    places: Sequence[Place],
    call: Call,
    gateway: Gateway,
    *,
    wanted: Sequence[DocumentRequest],
    errors: Sequence[RegistryError],
    silent: Callable[[Place, RegistryError], Iterable[RegistryError]],
) -> Answer:
    """Ask all places, and answer with what arrives from them, in the order of `wanted`.

    Parameters
    ----------
    errors
        What is known to be wrong before anybody was asked.
    silent
        Says which errors a place gives that did not answer, from the error that describes it.
    """
    by_target = {place.target: place for place in places}

    async def ask(target: Target) -> Stream[Answer]:
        place = by_target[target]
        stream = await gateway.stream(
            place.transaction,
            RetrieveDocumentSetRequest(place.requests),
            target.url,
            timeout_s=target.deadline_s,
            trace_id=call.trace_id,
        )
        call.at_end.callback(stream.discard)
        return stream

    heard = await ask_all(by_target, ask, trace_id=call.trace_id)
    documents: list[DocumentResponse] = []
    found_errors = list(errors)
    for one in heard:
        place = by_target[one.target]
        if one.answer is None:
            assert one.error is not None, "either an answer or an error"  # noqa: S101  # by Heard
            found_errors += silent(place, one.error)
            continue
        response = one.answer.response
        documents += _asked_for(response.documents, place)
        found_errors += response.errors
        found_errors += _missing(place, one)
    order = {_key(request): position for position, request in enumerate(wanted)}
    documents.sort(key=lambda document: order[_key(document.request)])
    return Answer(
        status_of(found_errors, found=bool(documents)), tuple(found_errors), tuple(documents)
    )


def _key(request: DocumentRequest) -> tuple[str, str]:
    return request.repository_unique_id, request.document_unique_id


def _asked_for(documents: Iterable[DocumentResponse], place: Place) -> list[DocumentResponse]:
    """Return the documents that were asked for, under the ids that were asked for."""
    asked = {_key(request): request for request in place.requests}
    return [
        replace(document, request=asked[_key(document.request)])
        for document in documents
        if _key(document.request) in asked
    ]


def _missing(place: Place, heard: Heard[Stream[Answer]]) -> list[RegistryError]:
    """Return an error for each document of which the answer says nothing at all."""
    assert heard.answer is not None, "asked of answers only"  # noqa: S101  # by the caller
    response = heard.answer.response
    told = {_key(document.request) for document in response.documents}
    named = " ".join(f"{error.location} {error.context}" for error in response.errors)
    return [
        registry_error(
            ErrorCode.DOCUMENT_UNIQUE_ID,
            f"{place.target.name} ({place.target.home_community_id}) returned neither the document"
            " nor an error",
            request.document_unique_id,
        )
        for request in place.requests
        if _key(request) not in told
        and request.document_unique_id not in named
        and not _spoke_of_all(response)
    ]


def _spoke_of_all(response: Answer) -> bool:
    """Tell whether errors without a location stand for whatever is missing."""
    return any(not error.location for error in response.errors)


def repository_silent(place: Place, error: RegistryError) -> list[RegistryError]:
    """Return the errors for the documents of an own repository that does not answer."""
    return [
        registry_error(ErrorCode.REPOSITORY_ERROR, error.context, request.document_unique_id)
        for request in place.requests
    ]
