"""ITI-43 Retrieve Document Set (ITI TF-2 3.43): hands documents out, in the order asked for."""

from hub import logs
from hub.call import Call
from ihe.datatypes import MimeType
from ihe.errors import ErrorCode, RegistryError, registry_error
from ihe.messages import (
    DocumentRequest,
    DocumentResponse,
    RetrieveDocumentSetRequest,
    RetrieveDocumentSetResponse,
    status_of,
)
from repository.domain import Repository
from repository.index import Holding


def handle(
    request: RetrieveDocumentSetRequest, call: Call, repository: Repository
) -> RetrieveDocumentSetResponse:
    """Return the documents that are here; each other one gives an error located at its uniqueId.

    The documents are not read yet: their bytes are checked while they are sent, and an answer
    whose bytes are not what was stored breaks off.
    """
    held = repository.index.find(wanted.document_unique_id for wanted in request.documents)
    documents: list[DocumentResponse] = []
    errors: list[RegistryError] = []
    for wanted in request.documents:
        found = _find(wanted, held, call, repository)
        if isinstance(found, RegistryError):
            errors.append(found)
        else:
            documents.append(found)
    return RetrieveDocumentSetResponse(
        status_of(errors, found=bool(documents)), tuple(errors), tuple(documents)
    )


def _find(
    wanted: DocumentRequest, held: dict[str, Holding], call: Call, repository: Repository
) -> DocumentResponse | RegistryError:
    own = repository.repository_unique_id
    unique_id = wanted.document_unique_id
    if wanted.repository_unique_id != own:
        return registry_error(
            ErrorCode.UNKNOWN_REPOSITORY_ID,
            f"repositoryUniqueId '{wanted.repository_unique_id}' is not this repository, {own} is",
            unique_id,
        )
    holding = held.get(unique_id)
    if holding is None:
        return registry_error(
            ErrorCode.DOCUMENT_UNIQUE_ID, f"no document '{unique_id}' is kept here", unique_id
        )
    content = repository.blobs.read(holding.key)
    if content is None or content.size != holding.size:
        logs.logger("repository").error(
            "a document is missing or damaged", trace_id=call.trace_id, what=holding.key
        )
        return registry_error(
            ErrorCode.REPOSITORY_ERROR,
            f"the stored bytes of this document are missing or damaged (trace {call.trace_id})",
            unique_id,
        )
    return DocumentResponse(wanted, MimeType(holding.mime_type), content)
