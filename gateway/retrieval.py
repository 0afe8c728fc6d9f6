"""Gets documents from several places at once, and hands them on while they arrive.

```text
DocumentRequests ─▶ by place ─▶ one request each, all at once ─▶ envelopes ─▶ one answer's envelope
                                                                └─ documents ─▶ streamed behind it
```

The envelope of the answer tells which documents follow, so it waits for every place's envelope, or
for its deadline; the documents themselves are never held, whatever their size.

A document is asked for once and handed out once, however often the request names it; what nobody
asked for is not handed on.

References
----------
ITI TF-2 3.39.4.1.3, 3.43.4.1.3.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.domain import Gateway
from gateway.fanout import Target, ask_all
from hub.call import Call
from hub.soap_client import Stream
from ihe.datatypes import HomeCommunityId
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

    @property
    def home(self) -> HomeCommunityId:
        """The community that the documents are of."""
        (home,) = self.target.homes
        return home


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
                homes=(gateway.home_community_id,),
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
            homes=(community.home_community_id,),
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
    silent: Callable[[Place, Sequence[RegistryError]], Iterable[RegistryError]],
) -> Answer:
    """Ask all places, and answer with what arrives from them, in the order of `wanted`.

    Parameters
    ----------
    errors
        What is known to be wrong before anybody was asked.
    silent
        Says which errors a place gives that did not answer, from those that describe why.
    """
    by_target = {place.target: place for place in places}

    async def ask(target: Target) -> Stream[Answer]:
        place = by_target[target]
        stream = await gateway.stream(
            place.transaction,
            RetrieveDocumentSetRequest(place.requests),
            target.url,
            timeout_s=target.deadline_s,
            idle_s=gateway.idle_s,
            trace_id=call.trace_id,
        )
        call.at_end.callback(stream.discard)
        return stream

    heard = await ask_all(by_target, ask, breaker=gateway.breaker, trace_id=call.trace_id)
    documents: dict[DocumentRequest, DocumentResponse] = {}
    all_errors = list(errors)
    for one in heard:
        place = by_target[one.target]
        if one.answer is None:
            all_errors += silent(place, one.errors)
        else:
            response = one.answer.response
            documents |= _asked_for(response.documents, place)
            all_errors += _located(response.errors, place)
            all_errors += _missing(response, place)
    in_order = tuple(documents[request] for request in wanted if request in documents)
    return Answer(status_of(all_errors, found=bool(in_order)), tuple(all_errors), in_order)


def _ids(request: DocumentRequest) -> tuple[str, str]:
    return request.repository_unique_id, request.document_unique_id


def _asked_for(
    documents: Iterable[DocumentResponse], place: Place
) -> dict[DocumentRequest, DocumentResponse]:
    """Return the documents that were asked for, by the request for them; of two, the first."""
    asked = {_ids(request): request for request in place.requests}
    found: dict[DocumentRequest, DocumentResponse] = {}
    for document in documents:
        request = asked.get(_ids(document.request))
        if request is not None:
            found.setdefault(request, replace(document, request=request))
    return found


def _located(errors: Sequence[RegistryError], place: Place) -> list[RegistryError]:
    """Return another community's errors as it told them, but never without saying whose."""
    return [error if error.location else error.at(place.home) for error in errors]


def _missing(response: Answer, place: Place) -> list[RegistryError]:
    """Return an error for each document of which the answer says nothing at all."""
    if any(error.location in {"", place.home} for error in response.errors):
        return []  # it is for whatever is missing
    found = {_ids(document.request) for document in response.documents}
    said = " ".join(f"{error.location} {error.context}" for error in response.errors)
    return [
        registry_error(
            ErrorCode.DOCUMENT_UNIQUE_ID,
            f"{place.target} returned neither the document nor an error",
            request.document_unique_id,
        )
        for request in place.requests
        if _ids(request) not in found and not _names(said, request.document_unique_id)
    ]


def _names(text: str, unique_id: str) -> bool:
    """Tell whether a text has an id in it, and not one that begins or ends with it."""
    return re.search(rf"(?<![\w.]){re.escape(unique_id)}(?!\w|\.\d)", text) is not None


def repository_silent(place: Place, errors: Sequence[RegistryError]) -> list[RegistryError]:
    """Return the errors for the documents of an own repository that does not answer."""
    why = " ".join(error.context for error in errors)
    return [
        registry_error(ErrorCode.REPOSITORY_ERROR, why, request.document_unique_id)
        for request in place.requests
    ]
