"""Messages as bytes, ready to be sent again and again with another number in them.

Everything that must differ between two messages (uniqueIds, the MessageID, the patient, the first
octets of a document) holds a number of twelve digits. A message is kept in pieces around these, so
that a load client makes the next one by a join and writes no XML.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from benchmarks.community import HOME, REPOSITORY, Target
from ihe import queries
from ihe.datatypes import CX, OID, HomeCommunityId, Identifier
from ihe.messages import (
    CHUNK,
    Body,
    Document,
    DocumentRequest,
    ProvideAndRegisterRequest,
    RetrieveDocumentSetRequest,
    SubmitObjectsRequest,
)
from ihe.model import DocumentEntry, Submission
from ihe.soap import mtom
from ihe.soap.envelope import write_request_envelope
from ihe.transactions import ITI_18, ITI_41, ITI_42, ITI_43, Packaging, Transaction
from tests import samples

_GAP: Final = "987654321012"
FIRST: Final = 100_000_000_000
"""The smallest number of twelve digits."""
_BOUNDARY: Final = "felles_0123456789abcdef0123456789abcdef"
NOISE: Final = random.Random(1).randbytes(CHUNK)  # noqa: S311  # the same in every run


@dataclass(frozen=True, slots=True)
class Message:
    """One HTTP request, in pieces around the places of its number."""

    pieces: tuple[bytes, ...]

    def numbered(self, number: int) -> bytes:
        """Return the request with a number in it."""
        return (b"%d" % number).join(self.pieces)

    @property
    def body(self) -> bytes:
        """The body of the request, with some number."""
        return self.numbered(FIRST).partition(b"\r\n\r\n")[2]


def register(to: Target, documents: int = 1) -> Message:
    """Return an ITI-42 of a new patient with so many documents."""
    entries = [_entry(number) for number in range(1, documents + 1)]
    return _message(ITI_42, SubmitObjectsRequest(_submission(entries)), to)


def find(to: Target) -> Message:
    """Return an ITI-18 for a patient's documents, LeafClass."""
    return _message(ITI_18, queries.find_documents(_patient()), to)


def provide(to: Target, size: int) -> Message:
    """Return an ITI-41 of a new patient with one document of so many octets."""
    content = (NOISE * (size // len(NOISE) + 1))[: size - len(_GAP)]
    package = _package(size)
    begins = package.part_head(package.attachments[0]) + _GAP.encode()
    body = b"".join((package.head, begins, content, package.tail))
    return _gapped(_head(to, package.content_type, len(body)) + body)


def provide_head(number: int, size: int) -> tuple[str, bytes, bytes]:
    """Return Content-Type, head and tail of an ITI-41 whose document goes between them."""
    package = _package(size)
    head = package.head + package.part_head(package.attachments[0])
    return package.content_type, head.replace(_GAP.encode(), b"%d" % number), package.tail


def retrieve(to: Target) -> Message:
    """Return an ITI-43 of the one document of `provide`."""
    document = Identifier(f"2.25.{_GAP}.1")
    wanted = DocumentRequest(OID(REPOSITORY), document, HomeCommunityId(HOME))
    return _message(ITI_43, RetrieveDocumentSetRequest((wanted,)), to)


# --- what they hold ------------------------------------------------------------------------------


def _patient() -> CX:
    return CX(f"{_GAP}^^^&2.16.578.1.12.4.1.7.1.99.3&ISO")


def _entry(number: int) -> DocumentEntry:
    return samples.entry(
        number,
        unique_id=Identifier(f"2.25.{_GAP}.{number}"),
        patient_id=_patient(),
        repository_unique_id=OID(REPOSITORY),
    )


def _submission(entries: list[DocumentEntry]) -> Submission:
    chosen = samples.submission_set(unique_id=OID(f"2.25.{_GAP}"), patient_id=_patient())
    return samples.submission(*entries, submission_set=chosen)


@dataclass(frozen=True, slots=True)
class _Size:
    """The content of a document, of which only the size is asked for."""

    size: int

    def chunks(self) -> Iterator[bytes]:
        """Yield nothing: who sends the document has its bytes."""
        return iter(())


def _package(size: int) -> mtom.Package:
    entry = replace(_entry(1), repository_unique_id=None, hash=None, size=None)
    document = Document(entry.entry_uuid, _Size(size), "text/plain")
    request = ProvideAndRegisterRequest(_submission([entry]), (document,))
    body = ITI_41.write_request(request)
    return mtom.Package(
        boundary=_BOUNDARY,
        root=_envelope(ITI_41, body),
        attachments=body.attachments,
        action=ITI_41.action,
    )


# --- as HTTP -------------------------------------------------------------------------------------


def _message(transaction: Transaction[Any, Any], request: Any, to: Target) -> Message:
    body = transaction.write_request(request)
    envelope = b"".join(_envelope(transaction, body))
    content_type = f'application/soap+xml; charset=UTF-8; action="{transaction.action}"'
    if transaction.packaging is Packaging.MTOM:
        package = mtom.Package(boundary=_BOUNDARY, root=(envelope,), action=transaction.action)
        content_type, envelope = package.content_type, package.head + package.tail
    return _gapped(_head(to, content_type, len(envelope)) + envelope)


def _envelope(transaction: Transaction[Any, Any], body: Body) -> tuple[bytes, ...]:
    return write_request_envelope(
        action=transaction.action,
        to="urn:felles:benchmark",
        message_id=f"urn:uuid:00000000-0000-4000-8000-{_GAP}",
        body=body.xml,
    )


def _head(to: Target, content_type: str, length: int) -> bytes:
    return (
        f"POST {to.path} HTTP/1.1\r\nHost: {to.host}:{to.port}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def _gapped(whole: bytes) -> Message:
    return Message(tuple(whole.split(_GAP.encode())))
