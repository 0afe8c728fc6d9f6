"""The Python client: what source and consumer systems import to submit, find and retrieve.

```python
with Client(repository="https://…/repository", registry="https://…/gateway/initiating",
            tls=client_context(...)) as client:
    client.submit(submission, {"urn:uuid:…": FileContent(Path("letter.pdf"))})
    found = client.query(find_documents(patient_id))
    client.retrieve([request_for(entry) for entry in found.objects], into=Path("letters"))
```

It blocks until an answer is there, and moves documents of any size in small pieces between files
and the network.
"""

import contextlib
import errno
import hashlib
import mimetypes
import os
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TypeVar

from hub import ids
from hub.loop_thread import LoopThread
from hub.soap_client import LARGE_ANSWER, SoapClient, arriving_chunks
from ihe.errors import ErrorCode, RegistryError, Unavailable, XdsFailure
from ihe.messages import (
    CHUNK,
    AdhocQueryRequest,
    AdhocQueryResponse,
    Content,
    Document,
    DocumentRequest,
    DocumentResponse,
    ProvideAndRegisterRequest,
    RegistryResponse,
    RetrieveDocumentSetRequest,
    SubmitObjectsRequest,
)
from ihe.model import DocumentEntry, Submission
from ihe.transactions import ITI_18, ITI_41, ITI_42, ITI_43, Transaction

Req = TypeVar("Req")
Resp = TypeVar("Resp")

Progress = Callable[[int], None]
"""Called with the number of octets that have just been moved."""


class FileContent:
    """A file as the content of a document; implements `Content`.

    `size` is taken at the start. A file that grows or shrinks while it is sent makes sending fail
    before its last byte, so that no receiver can take a part of it for the whole.
    """

    def __init__(self, path: Path, progress: Progress = lambda _octets: None) -> None:
        self.path, self._progress = path, progress
        self.size = path.stat().st_size

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes; raises `Unavailable` when the file is not `size` octets long."""
        left = self.size
        try:
            with self.path.open("rb") as file:
                while True:
                    chunk = file.read(min(CHUNK, left))
                    left -= len(chunk)
                    if (left and not chunk) or (not left and file.read(1)):
                        raise Unavailable(str(self.path), "the file changed while it was sent")
                    self._progress(len(chunk))
                    yield chunk
                    if not left:
                        return
        except OSError as failure:
            raise Unavailable.of(str(self.path), failure) from failure

    def digests(self) -> tuple[str, str]:
        """Return SHA-1 and SHA-256 of the file, as lower-case hex."""
        sha1, sha256 = hashlib.sha1(usedforsecurity=False), hashlib.sha256()
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK):
                sha1.update(chunk)
                sha256.update(chunk)
        return sha1.hexdigest(), sha256.hexdigest()


@dataclass(frozen=True, slots=True)
class Retrieved:
    """One document that was retrieved into a file, and what its bytes hash to."""

    request: DocumentRequest
    path: Path
    mime_type: str
    size: int
    sha1: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What came of a retrieve: the documents found, and the errors of the rest."""

    status: str
    documents: tuple[Retrieved, ...]
    errors: tuple[RegistryError, ...]


def request_for(entry: DocumentEntry) -> DocumentRequest:
    """Return the request for the document of an entry (ITI TF-2 3.43.4.1.2).

    Raises
    ------
    XdsFailure
        The entry lacks its uniqueId or repositoryUniqueId.
    """
    if entry.repository_unique_id is None or entry.unique_id is None:
        raise XdsFailure.of(
            ErrorCode.REGISTRY_METADATA,
            f"entry {entry.entry_uuid} has no uniqueId or no repositoryUniqueId to retrieve by",
        )
    return DocumentRequest(entry.repository_unique_id, entry.unique_id, entry.home_community_id)


class Client:
    """Talks to the actors of a community.

    Parameters
    ----------
    registry
        URL that takes ITI-18 (and ITI-42): a registry, or an Initiating Gateway to ask everywhere.
    repository
        URL that takes ITI-41.
    retrieve
        URL that takes ITI-43, when it is another than `repository`.
    tls
        Client context with the caller's certificate; None for plain HTTP.
    timeout_s
        Seconds that an answer may take, counted from the last piece of a document that was sent;
        of a retrieve its envelope, and then each next piece.
    """

    def __init__(
        self,
        *,
        registry: str = "",
        repository: str = "",
        retrieve: str = "",
        tls: ssl.SSLContext | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        self.registry, self.repository = registry, repository
        self.retrieve_from = retrieve or repository
        self._timeout_s = timeout_s
        self._soap = SoapClient(tls=tls)
        self._thread = LoopThread()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; may be called again."""
        if not self._thread.is_closed:
            self._thread.run(self._soap.close())
            self._thread.close()

    def send(
        self,
        transaction: Transaction[Req, Resp],
        request: Req,
        to: str,
        *,
        trace_id: str | None = None,
        timeout_s: float | None = None,
        validate_only: bool = False,
    ) -> Resp:
        """Send any transaction, and return its response when all of it is there.

        With `validate_only` it is the response that the request would get, and nothing is stored.

        Raises
        ------
        Unavailable
            There is no answer, or none that can be read; or it does not say that nothing was
            stored, though that was asked for.
        RemoteFault
            The answer is a SOAP fault; asked to validate only, one that says MustUnderstand is of
            a receiver that cannot, and has done nothing.
        """
        return self._thread.run(
            self._soap.send(
                transaction,
                request,
                to,
                timeout_s=timeout_s or self._timeout_s,
                trace_id=trace_id,
                limits=LARGE_ANSWER,
                validate_only=validate_only,
            )
        )

    def submit(
        self,
        submission: Submission,
        documents: Mapping[str, Content],
        *,
        validate_only: bool = False,
    ) -> RegistryResponse:
        """Provide and register documents (ITI-41).

        Parameters
        ----------
        documents
            Content by the `entry_uuid` of its DocumentEntry.
        validate_only
            Learn what the answer would be; no document is kept and nothing is registered.
        """
        types = {entry.entry_uuid: entry.mime_type for entry in submission.entries}
        attached = tuple(
            Document(uuid, content, types.get(uuid) or "application/octet-stream")
            for uuid, content in documents.items()
        )
        request = ProvideAndRegisterRequest(submission, attached)
        return self.send(ITI_41, request, self.repository, validate_only=validate_only)

    def register(self, submission: Submission, *, validate_only: bool = False) -> RegistryResponse:
        """Register metadata of documents that a repository of the caller keeps (ITI-42).

        With `validate_only`, learn what the answer would be; nothing is registered.
        """
        request = SubmitObjectsRequest(submission)
        return self.send(ITI_42, request, self.registry, validate_only=validate_only)

    def query(self, request: AdhocQueryRequest) -> AdhocQueryResponse:
        """Ask a stored query (ITI-18)."""
        return self.send(ITI_18, request, self.registry)

    def retrieve(
        self,
        documents: Iterable[DocumentRequest],
        *,
        into: Path,
        first: int = 1,
        progress: Progress = lambda _octets: None,
    ) -> Retrieval:
        """Retrieve documents into files of the folder `into` (ITI-43).

        A file is named `document-N` with the ending of its type, N counting the request's
        documents from `first`; one that is asked for twice comes once. No existing file is
        overwritten, and when something is raised, no file is left behind.

        Raises
        ------
        Unavailable
            No answer, or it broke off.
        RemoteFault
            The answer is a SOAP fault.
        FileExistsError
            A file with the name of a document is already there.
        """
        with contextlib.ExitStack() as undo:
            result = self._thread.run(self._retrieve(tuple(documents), into, first, progress, undo))
            undo.pop_all()  # an interrupt may still come when all of it is there
            return result

    async def _retrieve(
        self,
        wanted: Sequence[DocumentRequest],
        into: Path,
        first: int,
        progress: Progress,
        undo: contextlib.ExitStack,
    ) -> Retrieval:
        """Save the documents; `undo` takes them away again."""
        stream = await self._soap.open(
            ITI_43,
            RetrieveDocumentSetRequest(tuple(dict.fromkeys(wanted))),
            self.retrieve_from,
            timeout_s=self._timeout_s,
            idle_s=self._timeout_s,
        )
        try:
            found = stream.response
            named = _named(found.documents, wanted, into, first)
            for path in named:
                _refuse_existing(path)
            kept = []
            for path, document in named.items():
                kept.append(await _save(document, path, progress))
                undo.callback(path.unlink, missing_ok=True)
            return Retrieval(found.status, tuple(kept), found.errors)
        finally:
            stream.discard()


def _named(
    documents: Iterable[DocumentResponse], wanted: Sequence[DocumentRequest], into: Path, first: int
) -> dict[Path, DocumentResponse]:
    """Return the documents that were asked for, by the file that each goes to.

    Some repositories leave the homeCommunityId of the request out of their answer.
    """
    numbers: dict[DocumentRequest, int] = {}
    for number, request in enumerate(wanted, first):
        numbers.setdefault(request, number)
        numbers.setdefault(replace(request, home_community_id=None), number)
    named: dict[int, DocumentResponse] = {}
    for document in documents:
        if document.request in numbers:
            named.setdefault(numbers[document.request], document)
    return {into / f"document-{n}{_ending(each)}": each for n, each in named.items()}


def _ending(document: DocumentResponse) -> str:
    return mimetypes.guess_extension(document.mime_type.partition(";")[0].strip()) or ""


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):  # a link to nowhere is somebody's too
        raise FileExistsError(errno.EEXIST, "the file is already there", str(path))


def _give_name(part: Path, path: Path) -> None:
    """Give a whole file its name in one step, unless something else has that name by now."""
    _refuse_existing(path)
    try:
        path.hardlink_to(part)
    except FileExistsError:  # it came in between
        raise
    except OSError:  # not every file system has links
        part.rename(path)


async def _save(document: DocumentResponse, path: Path, progress: Progress) -> Retrieved:
    """Write a document to a file while it arrives; the file has its name when it is whole."""
    sha1, sha256, size = hashlib.sha1(usedforsecurity=False), hashlib.sha256(), 0
    part = path.with_name(f".{path.name}-{ids.new_trace_id()}.part")
    try:
        with part.open("xb") as file:
            async for chunk in arriving_chunks(document.content):
                file.write(chunk)
                sha1.update(chunk)
                sha256.update(chunk)
                size += len(chunk)
                progress(len(chunk))
        _give_name(part, path)
    finally:
        part.unlink(missing_ok=True)
    return Retrieved(
        document.request, path, document.mime_type, size, sha1.hexdigest(), sha256.hexdigest()
    )
