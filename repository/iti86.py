"""ITI-86 Remove Documents (RMD 3.86): documents are taken out of the repository, for good.

Each document by itself: what can be removed is, and each other one gives an error located at its
uniqueId. The metadata stays in the registry until ITI-62 removes it, which is best done first: a
consumer then never finds what it cannot retrieve. Content that another document has too stays for
that one.
"""

from hub import logs
from hub.call import Call
from ihe.errors import ErrorCode, RegistryError, Unavailable, registry_error
from ihe.messages import DocumentRequest, RegistryResponse, RemoveDocumentsRequest, status_of
from repository.domain import Repository
from repository.sweeper import delete_unheld


def handle(request: RemoveDocumentsRequest, call: Call, repository: Repository) -> RegistryResponse:
    """Remove the documents that are here: Success, PartialSuccess or Failure."""
    errors: list[RegistryError] = []
    removed = 0
    for wanted in dict.fromkeys(request.documents):
        problem = _remove(wanted, call, repository)
        if problem is None:
            removed += 1
        else:
            errors.append(problem)
    return RegistryResponse(status_of(errors, found=removed > 0), tuple(errors))


def _remove(wanted: DocumentRequest, call: Call, repository: Repository) -> RegistryError | None:
    own, unique_id = repository.repository_unique_id, wanted.document_unique_id
    if wanted.repository_unique_id != own:
        return registry_error(
            ErrorCode.UNKNOWN_REPOSITORY_ID,
            f"repositoryUniqueId '{wanted.repository_unique_id}' of document {unique_id} is not"
            f" this repository, {own} is",
            unique_id,
        )
    keys = repository.index.remove(unique_id)
    if not keys and repository.index.find([unique_id]):
        return registry_error(
            ErrorCode.REMOVE_DOCUMENTS,
            f"document {unique_id} is being registered; try again later (trace {call.trace_id})",
            unique_id,
        )
    if not keys:
        return registry_error(
            ErrorCode.DOCUMENT_UNIQUE_ID, f"no document '{unique_id}' is kept here", unique_id
        )
    try:
        delete_unheld(keys, repository)
    except Unavailable as failure:  # nobody can retrieve it any more; its bytes go later
        logs.logger("repository").warning(
            "left to the sweeper", trace_id=call.trace_id, what=failure.what
        )
    return None
