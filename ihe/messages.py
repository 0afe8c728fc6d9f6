"""Requests and responses of the transactions, by family, as values.

```text
Submit     SubmitObjectsRequest, ProvideAndRegisterRequest      → RegistryResponse
Query      AdhocQueryRequest                                    → AdhocQueryResponse
Retrieve   RetrieveDocumentSetRequest                           → RetrieveDocumentSetResponse
Remove     RemoveObjectsRequest, RemoveDocumentsRequest         → RegistryResponse
```

References
----------
ITI TF-2 3.18, 3.38, 3.39, 3.41 to 3.43; ebRS 3.0; ITI TF-3 4.2.4.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeAlias
from urllib.parse import unquote

from ihe.datatypes import OID, HomeCommunityId, Identifier, MimeType
from ihe.errors import RegistryError
from ihe.model import ObjectRef, RegistryObject, Slot, Submission
from ihe.vocabulary import ResponseStatus, Severity

CHUNK: Final = 256 * 1024
"""Bytes that a document is moved in at once, at the most."""


class Content(Protocol):
    """The bytes of a document, kept somewhere: never a `bytes` object of the whole."""

    @property
    def size(self) -> int | None:
        """Octets; None while nobody knows, as of a document that is still arriving."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in pieces of at most `CHUNK`, from the start at every call."""
        ...


class DigestedContent(Content, Protocol):
    """A document whose size and hashes were taken while its bytes went by."""

    @property
    def size(self) -> int:
        """Octets."""
        ...

    @property
    def sha1(self) -> str:
        """SHA-1 as 40 lower-case hex digits (ITI TF-3 4.2.3.2.10)."""
        ...

    @property
    def sha256(self) -> str:
        """SHA-256 as 64 lower-case hex digits."""
        ...


# --- RegistryResponse ----------------------------------------------------------------------------


def status_of(errors: Sequence[RegistryError], *, found: bool = False) -> ResponseStatus:
    """Return the status that `errors` call for (ITI TF-3 4.2.4.2).

    Warnings alone leave Success. With an Error it is Failure, or PartialSuccess when something was
    found nevertheless and the transaction knows PartialSuccess.
    """
    if not any(error.severity == Severity.ERROR for error in errors):
        return ResponseStatus.SUCCESS
    return ResponseStatus.PARTIAL_SUCCESS if found else ResponseStatus.FAILURE


@dataclass(frozen=True, slots=True)
class RegistryResponse:
    """How a transaction ended, with its errors and warnings (ITI TF-3 4.2.4)."""

    status: ResponseStatus | str = ResponseStatus.SUCCESS
    errors: tuple[RegistryError, ...] = ()

    @classmethod
    def of(cls, errors: Sequence[RegistryError]) -> "RegistryResponse":
        """Return the response to a transaction that knows no PartialSuccess."""
        return cls(status_of(errors), tuple(errors))

    @property
    def ok(self) -> bool:
        """Whether the status is Success."""
        return self.status == ResponseStatus.SUCCESS


# --- Submit --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SubmitObjectsRequest:
    """lcm:SubmitObjectsRequest: a submission (ITI-42, ITI-57, ITI-61, ITI-92)."""

    submission: Submission


@dataclass(frozen=True, slots=True)
class Document:
    """xds:Document: the bytes that belong to the DocumentEntry with this `id`."""

    id: str
    content: Content
    mime_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class ProvideAndRegisterRequest:
    """xds:ProvideAndRegisterDocumentSetRequest: a submission and its documents (ITI-41).

    `loose_parts` are the Content-IDs of parts that came with the message and that no document
    refers to.
    """

    submission: Submission
    documents: tuple[Document, ...] = ()
    loose_parts: tuple[str, ...] = ()


# --- Query ---------------------------------------------------------------------------------------


class ReturnType(StrEnum):
    """What a stored query returns (ITI TF-2 3.18.4.1.2.6)."""

    LEAF_CLASS = "LeafClass"
    OBJECT_REF = "ObjectRef"


@dataclass(frozen=True, slots=True)
class AdhocQueryRequest:
    """query:AdhocQueryRequest: a stored query by its UUID, with its parameters (ITI-18, 38, 51).

    `parameters` are the Slots as they came: order and repetition mean something (TF-2
    3.18.4.1.2.3.5). `return_type` is any text, because a sender may write any.
    """

    query_id: str
    parameters: tuple[Slot, ...] = ()
    return_type: ReturnType | str = ReturnType.LEAF_CLASS
    home_community_id: HomeCommunityId | None = None


@dataclass(frozen=True, slots=True)
class AdhocQueryResponse:
    """query:AdhocQueryResponse: what a query found.

    The objects come in one of two forms. `objects` are values, read from a message or to be
    written. `fragments` are ebRIM elements already rendered, joined into the answer as they are:
    bytes of `rim:` elements whose prefixes are those of `ihe.ebxml` (docs/decisions/0002).
    """

    status: ResponseStatus | str = ResponseStatus.SUCCESS
    errors: tuple[RegistryError, ...] = ()
    objects: tuple[RegistryObject | ObjectRef, ...] = ()
    fragments: tuple[bytes, ...] = ()


# --- Retrieve ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """xds:DocumentRequest: which document is wanted, and from where."""

    repository_unique_id: OID
    document_unique_id: Identifier
    home_community_id: HomeCommunityId | None = None


@dataclass(frozen=True, slots=True)
class RetrieveDocumentSetRequest:
    """xds:RetrieveDocumentSetRequest: 1..* documents (ITI-43, ITI-39)."""

    documents: tuple[DocumentRequest, ...]


@dataclass(frozen=True, slots=True)
class DocumentResponse:
    """xds:DocumentResponse: one document found.

    The `new_` ids come with an on-demand document: the id of what was made for this request, and
    of the repository that keeps it (ITI TF-2 3.43.4.2.2).
    """

    request: DocumentRequest
    mime_type: MimeType
    content: Content
    new_document_unique_id: Identifier | None = None
    new_repository_unique_id: OID | None = None


@dataclass(frozen=True, slots=True)
class RetrieveDocumentSetResponse:
    """xds:RetrieveDocumentSetResponse: the documents found, in the order of the request."""

    status: ResponseStatus | str
    errors: tuple[RegistryError, ...] = ()
    documents: tuple[DocumentResponse, ...] = ()


# --- Remove --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RemoveObjectsRequest:
    """lcm:RemoveObjectsRequest: metadata to remove, 1..* (ITI-62)."""

    objects: tuple[ObjectRef, ...]


@dataclass(frozen=True, slots=True)
class RemoveDocumentsRequest:
    """rmd:RemoveDocumentsRequest: documents to remove, 1..* (ITI-86)."""

    documents: tuple[DocumentRequest, ...]


# --- what a message is written to ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attachment:
    """One document beside the XML, in a MIME part of its own (XOP 1.0)."""

    content_id: str
    mime_type: str
    content: Content


@dataclass(frozen=True, slots=True)
class Body:
    """What stands in soap12:Body, as bytes, with the attachments that it refers to.

    `xml` is in pieces, to be joined by whoever needs them in one.
    """

    xml: tuple[bytes, ...]
    attachments: tuple[Attachment, ...] = ()


Parts: TypeAlias = Mapping[str, Content]
"""Attachments that came with a message, by their `normal_content_id`."""


def normal_content_id(text: str) -> str:
    """Return the form in which Content-IDs and `cid:` references are compared (RFC 2392).

    Angle brackets and percent-encoding are taken off, because real senders put either on one side
    only; a plus sign stays a plus sign.
    """
    return unquote(text.strip().removeprefix("<").removesuffix(">"))
