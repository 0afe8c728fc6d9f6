"""Documents inside messages: XOP references and inline base64 (ITI TF-2 V.8, V.9; XOP 1.0 3).

A reference is looked up among the parts of its own message and never anywhere else: `http:`,
`file:` and the like are refused, not followed. A part is one document's: a part that two documents
refer to is refused, because a message of a few bytes could otherwise make the hub keep the same
bytes any number of times, and because whoever keeps a document takes its part over.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml.etree import _Element

from ihe.ebxml.element import local_name, tag_of
from ihe.ebxml.namespaces import readable
from ihe.errors import FaultCode, SoapFault
from ihe.messages import CHUNK, Attachment, Content, Parts, normal_content_id
from ihe.vocabulary import XOP

_INCLUDE: Final = f"{{{XOP}}}Include"


@dataclass(frozen=True, slots=True)
class InlineContent:
    """A small document that stood in the message itself; implements `Content`.

    Large ones never get here: the SOAP layer cuts them out before the message is parsed.
    """

    data: bytes

    @property
    def size(self) -> int:
        """Octets."""
        return len(self.data)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes in pieces of at most `CHUNK`."""
        for start in range(0, len(self.data), CHUNK):
            yield self.data[start : start + CHUNK]


class Attached:
    """The documents of a message that is read, each of which may be referred to once.

    Parameters
    ----------
    parts
        The message's parts, by their `normal_content_id`.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._taken: set[str] = set()

    def read(self, element: _Element) -> Content:
        """Return the document that `element` (xds:Document) holds as base64, or refers to.

        Raises
        ------
        SoapFault
            The reference is not `cid:`, no part has that id or another document refers to it
            too; or the text is not base64.
        """
        where = local_name(element)
        includes = list(element.iter(_INCLUDE))
        if not includes:
            return _inline(element, where)
        if len(includes) > 1 or "".join(element.itertext()).strip():
            raise _fault(f"{where} is expected to hold one xop:Include and no text, found more")
        href = includes[0].get("href", "").strip()
        if not href.lower().startswith("cid:"):
            raise _fault(f"xop:Include refers to '{href}'; only cid: and a part is followed")
        content_id = normal_content_id(href[len("cid:") :])
        content = self._parts.get(content_id)
        if content is None:
            raise _fault(f"xop:Include refers to '{href}', and no part has that Content-ID")
        if content_id in self._taken:
            raise _fault(f"two documents refer to '{href}'; a part of its own for each is expected")
        self._taken.add(content_id)
        return content

    @property
    def left(self) -> tuple[str, ...]:
        """The ids of the parts that no document read so far refers to."""
        return tuple(content_id for content_id in self._parts if content_id not in self._taken)


def _inline(element: _Element, where: str) -> InlineContent:
    if len(element):
        raise _fault(
            f"{where} holds {readable(tag_of(element[0]))}; base64 text or xop:Include was expected"
        )
    text = "".join((element.text or "").split())
    try:
        return InlineContent(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as problem:
        raise _fault(f"the text of {where} is not base64: {problem}") from None


def _fault(reason: str) -> SoapFault:
    return SoapFault(FaultCode.SENDER, reason)


class Attaching:
    """Collects documents while a message is written, and gives each its reference."""

    def __init__(self) -> None:
        self._attachments: list[Attachment] = []

    def include(self, content: Content, mime_type: str) -> str:
        """Return the xop:Include of one more document; its prefix is `xop`."""
        content_id = f"document-{len(self._attachments) + 1}@felles"
        self._attachments.append(Attachment(content_id, mime_type, content))
        return f'<xop:Include href="cid:{content_id}"/>'

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The documents so far, in their order."""
        return tuple(self._attachments)
