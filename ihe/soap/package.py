"""What is read of a message, event by event: its envelope, and the documents that come with it."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class RootData:
    """Some bytes of the envelope."""

    data: bytes


@dataclass(frozen=True, slots=True)
class RootEnds:
    """The envelope is whole."""


@dataclass(frozen=True, slots=True)
class AttachmentBegins:
    """A document begins; `content_id` is in its normal form, '' when it has none."""

    content_id: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class AttachmentData:
    """Some bytes of the document that began last."""

    data: bytes


@dataclass(frozen=True, slots=True)
class AttachmentEnds:
    """The document is whole."""


Event: TypeAlias = RootData | RootEnds | AttachmentBegins | AttachmentData | AttachmentEnds
