"""ITI-41 Provide and Register Document Set-b (ITI TF-2 3.41): documents are kept and registered.

```text
 1  pair documents with entries, check hash and size     nothing stored yet
 2  index.begin        holdings `staging`                the blobs are held, nobody deletes them
 3  blob.commit        each document durable
 4  index.advance      holdings `registering`
 5  ITI-42             the registry commits, or says no
 6  index.advance      holdings `kept`
```

Whatever breaks off between two steps leaves one of these, and each has one way out:

| left behind | the sweeper, after the grace time |
|---|---|
| staging | lets go: nothing was ever sent to the registry |
| registering | asks the registry: its entry is there → kept; it is not → lets go |

So a document whose entry is registered is never lost, and one whose entry is not does not stay.
When the registry's answer to step 5 is lost, nobody knows which it is: the submission fails with
XDSRegistryNotAvailable, the documents stay `registering`, and the same submission sent again
succeeds either way, because the registry recognises it.

The repository looks at nothing but what it needs: the metadata is the registry's to check
(3.41.4.1.3), and what the registry says is passed on whole. Signatures are looked at in step 1, if
settings say so (`repository.signatures`).
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from hub import logs
from hub.call import Call
from ihe.datatypes import OID, SHA1, MimeType
from ihe.errors import (
    ErrorCode,
    RegistryError,
    Unavailable,
    XdsFailure,
    registry_error,
)
from ihe.messages import (
    Content,
    DigestedContent,
    ProvideAndRegisterRequest,
    RegistryResponse,
    SubmitObjectsRequest,
)
from ihe.model import DocumentEntry, Submission
from repository.blobs.port import StagedBlob
from repository.domain import REGISTRY, NotSent, Repository
from repository.index import BeingDeleted, Holding, HoldingState
from repository.signatures import Kept
from repository.sweeper import delete_unheld

_WAITS: Final = 20
_WAIT_S: Final = 0.1


def handle(
    request: ProvideAndRegisterRequest, call: Call, repository: Repository
) -> RegistryResponse:
    """Keep the documents and register their metadata: all of them, or nothing."""
    with ExitStack() as staged:
        blobs = _stage(request, repository, staged)
        if errors := _problems(request, blobs, call, repository):
            return RegistryResponse.of(errors)
        submission = enriched(request.submission, blobs, repository.repository_unique_id)
        entries = {entry.entry_uuid: entry for entry in submission.entries}
        return _keep(submission, entries, blobs, call, repository)


def validate(
    request: ProvideAndRegisterRequest, call: Call, repository: Repository
) -> RegistryResponse:
    """Answer as `handle` would, the registry's own words included; nothing is kept anywhere."""
    with ExitStack() as staged:
        blobs = _stage(request, repository, staged)
        if errors := _problems(request, blobs, call, repository):
            return RegistryResponse.of(errors)
        submission = enriched(request.submission, blobs, repository.repository_unique_id)
        try:
            return repository.validate(SubmitObjectsRequest(submission), call)
        except (NotSent, Unavailable) as failure:
            said = f"it cannot be asked to validate only: {failure}"
            raise _not_available(call, said) from failure


def check(
    request: ProvideAndRegisterRequest, contents: Mapping[str, DigestedContent]
) -> list[RegistryError]:
    """Return what a submission and its documents say against each other.

    Parameters
    ----------
    contents
        The documents by their id, as far as there is one document of that id.
    """
    if errors := list(_pairing(request)):
        return errors
    entries = {entry.entry_uuid: entry for entry in request.submission.entries}
    return list(_contents(entries, contents))


# --- step 1 --------------------------------------------------------------------------------------


def _pairing(request: ProvideAndRegisterRequest) -> Iterator[RegistryError]:
    """Yield an error for each entry without a document, and each document without an entry."""
    for content_id in request.loose_parts:
        yield registry_error(
            ErrorCode.MISSING_DOCUMENT_METADATA,
            f"the part '{content_id}' is referred to by no xds:Document",
            f"Part[{content_id}]",
        )
    entries = [entry.entry_uuid for entry in request.submission.entries]
    documents = Counter(document.id for document in request.documents)
    for uuid in entries:
        if uuid not in documents:
            yield registry_error(
                ErrorCode.MISSING_DOCUMENT,
                f"the DocumentEntry '{uuid}' has no document: an xds:Document with this id is"
                " expected",
                f"DocumentEntry[{uuid}]",
            )
    for uuid, count in documents.items():
        if uuid not in entries:
            yield registry_error(
                ErrorCode.MISSING_DOCUMENT_METADATA,
                f"the document '{uuid}' has no DocumentEntry with this id",
                f"Document[{uuid}]",
            )
        elif count > 1:
            yield registry_error(
                ErrorCode.MISSING_DOCUMENT_METADATA,
                f"{count} documents have the id '{uuid}', one is expected",
                f"Document[{uuid}]",
            )


def _stage(
    request: ProvideAndRegisterRequest, repository: Repository, stack: ExitStack
) -> dict[str, StagedBlob]:
    """Return the documents by their id; `stack` throws away what nobody has kept."""
    return {each.id: _staged(each.content, repository, stack) for each in request.documents}


def _problems(
    request: ProvideAndRegisterRequest,
    blobs: dict[str, StagedBlob],
    call: Call,
    repository: Repository,
) -> list[RegistryError]:
    """Return why the documents cannot be taken: in themselves, or beside what is kept here."""
    errors = check(request, blobs)
    if any(each.code in _UNPAIRED for each in errors):
        return errors
    entries = {entry.entry_uuid: entry for entry in request.submission.entries}
    errors += _known(entries, blobs, repository)
    if repository.signatures is not None:
        kept = Kept(repository.index, repository.blobs)
        errors += repository.signatures.check(request.submission, blobs, kept, now=call.at)
    return errors


_UNPAIRED: Final = frozenset({ErrorCode.MISSING_DOCUMENT, ErrorCode.MISSING_DOCUMENT_METADATA})


def _staged(content: Content, repository: Repository, stack: ExitStack) -> StagedBlob:
    """Return a document as this repository's own staged blob, copied if it is not one."""
    if hasattr(content, "commit"):
        blob: StagedBlob = content  # type: ignore[assignment]  # staged by `Blobs.open`
        return blob
    writer = repository.blobs.open()
    stack.callback(writer.discard)
    for chunk in content.chunks():
        writer.write(chunk)
    blob = writer.finish()
    stack.callback(blob.discard)
    return blob


def _contents(
    entries: Mapping[str, DocumentEntry], blobs: Mapping[str, DigestedContent]
) -> Iterator[RegistryError]:
    """Yield an error for each hash and size that is not the document's (3.41.4.1.3)."""
    for uuid, blob in blobs.items():
        entry = entries[uuid]
        if entry.hash is not None and not entry.hash.same(blob.sha1):
            yield registry_error(
                ErrorCode.REPOSITORY_METADATA,
                f"hash is {entry.hash}, the SHA-1 of the document that came is {blob.sha1}",
                f"DocumentEntry[{uuid}].hash",
            )
        if entry.size is not None and entry.size != str(blob.size):
            yield registry_error(
                ErrorCode.REPOSITORY_METADATA,
                f"size is {entry.size}, the document that came has {blob.size} octets",
                f"DocumentEntry[{uuid}].size",
            )


def _known(
    entries: dict[str, DocumentEntry], blobs: dict[str, StagedBlob], repository: Repository
) -> Iterator[RegistryError]:
    """Yield an error for each uniqueId under which other bytes are kept already."""
    unique = {entry.unique_id: blobs[uuid] for uuid, entry in entries.items() if entry.unique_id}
    for unique_id, present in repository.index.find(unique).items():
        blob = next(each for key, each in unique.items() if key == unique_id)
        if present.state is HoldingState.KEPT and present.key != blob.sha256:
            differs = present.size != blob.size
            yield registry_error(
                ErrorCode.NON_IDENTICAL_SIZE if differs else ErrorCode.NON_IDENTICAL_HASH,
                f"document {unique_id} is kept here with other content",
                "uniqueId",
            )


def enriched(
    submission: Submission, contents: Mapping[str, DigestedContent], own: OID
) -> Submission:
    """Return the submission with what the repository `own` knows of its documents (3.41.4.1.3)."""
    return replace(
        submission,
        entries=tuple(
            replace(
                entry,
                repository_unique_id=own,
                hash=entry.hash or SHA1(contents[entry.entry_uuid].sha1),
                size=entry.size or str(contents[entry.entry_uuid].size),
            )
            for entry in submission.entries
        ),
    )


# --- steps 2 to 6 --------------------------------------------------------------------------------


def _keep(
    submission: Submission,
    entries: dict[str, DocumentEntry],
    blobs: dict[str, StagedBlob],
    call: Call,
    repository: Repository,
) -> RegistryResponse:
    this_time = repository.new_uuid()
    holdings = [
        Holding(
            unique_id=entries[uuid].unique_id or "",
            key=blob.sha256,
            mime_type=entries[uuid].mime_type or MimeType("application/octet-stream"),
            size=blob.size,
            sha1=blob.sha1,
            submission=this_time,
            state=HoldingState.STAGING,
            at=call.at,
        )
        for uuid, blob in blobs.items()
    ]
    if holdings:
        _begin(holdings, repository)
    try:
        for blob in blobs.values():
            blob.commit()
        if holdings:
            _advance_all(this_time, len(holdings), call, repository)
        response = repository.register(SubmitObjectsRequest(submission), call)
    except NotSent as failure:
        _let_go(this_time, holdings, repository)
        raise _not_available(call, "it cannot be reached; nothing was kept") from failure
    except Unavailable as failure:
        if failure.what == REGISTRY:
            raise _not_available(
                call, "its answer did not come: send the same submission again to be sure"
            ) from failure
        _let_go(this_time, holdings, repository)
        raise
    if not response.ok:
        _let_go(this_time, holdings, repository)
        return response
    if holdings:
        _keep_for_good(this_time, call, repository)
    return response


def _begin(holdings: Sequence[Holding], repository: Repository) -> None:
    """Hold the blobs; wait while the same content is being deleted, which is soon done."""
    for _ in range(_WAITS):
        try:
            repository.index.begin(holdings)
        except BeingDeleted:
            time.sleep(_WAIT_S)
        else:
            return
    raise Unavailable("the document store", "the same content is being deleted")


def _advance_all(submission: str, count: int, call: Call, repository: Repository) -> None:
    """Say that the documents are stored, unless the sweeper gave up waiting for that."""
    if repository.index.advance(submission, HoldingState.REGISTERING, call.at) != count:
        raise Unavailable("the document store", "it took too long to take the documents")


def _let_go(submission: str, holdings: Sequence[Holding], repository: Repository) -> None:
    """Undo what was stored; what cannot be undone now, the sweeper will."""
    if not holdings:
        return
    try:
        delete_unheld(repository.index.let_go(submission), repository)
    except Unavailable as failure:
        logs.logger("repository").warning("left to the sweeper", what=failure.what)


def _keep_for_good(submission: str, call: Call, repository: Repository) -> None:
    """Say that the documents are registered. They are: what fails here is made good later."""
    try:
        repository.index.advance(submission, HoldingState.KEPT, call.at)
    except Unavailable as failure:
        logs.logger("repository").warning("left to the sweeper", what=failure.what)


def _not_available(call: Call, why: str) -> XdsFailure:
    return XdsFailure.of(
        ErrorCode.REGISTRY_NOT_AVAILABLE, f"the registry: {why} (trace {call.trace_id})"
    )
