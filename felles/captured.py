"""Messages in files: as they were captured on their way, or their body alone.

```text
POST /registry HTTP/1.1 …  ┐
Content-Type: multipart/…  ├─ HTTP or MIME headers, or none at all
                           ┘
--boundary …               MTOM: the envelope first, documents after it
<soap:Envelope>            a SOAP message
<lcm:SubmitObjectsRequest> its body alone
```

Whatever a file begins with says what it is. Its lines are counted, so that a person can be told
where in the file something stands.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

from lxml.etree import _Element

from hub.intake import Intake
from hub.parts import StagedContent
from hub.pipeline import UNDERSTOOD
from hub.spool import Spool
from ihe import xml
from ihe.datatypes import is_symbolic
from ihe.ebxml.namespaces import readable
from ihe.errors import FaultCode, HubError, SoapFault
from ihe.messages import CHUNK, ProvideAndRegisterRequest, SubmitObjectsRequest
from ihe.model import DocumentEntry, Folder, Submission
from ihe.soap.envelope import ENVELOPE, open_envelope, read_envelope
from ihe.transactions import (
    CATALOGUE,
    ITI_41,
    ITI_42,
    ITI_57,
    ITI_61,
    ITI_92,
    AnyTransaction,
    Transaction,
)
from ihe.vocabulary import AssociationType, DocumentEntryType
from ihe.xml import Limits, MalformedXml

SUBMITTING: Final[tuple[Transaction[Any, Any], ...]] = (ITI_41, ITI_42, ITI_57, ITI_61, ITI_92)
"""What carries a submission."""
_HEAD: Final = 64 * 1024
"""Octets that headers may have."""
_BEGINNING: Final = 512
"""Octets that an envelope is found again by."""
_HEADER: Final = re.compile(rb"(?:[A-Z]+ \S+ HTTP/|HTTP/1\.|[A-Za-z][A-Za-z0-9-]*:)")
_BLANK: Final = re.compile(rb"\r?\n\r?\n")
_FOLD: Final = re.compile(r"\r?\n[ \t]+")
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
_WHOLE: Final = 1 << 50
"""Octets of a file, at the most: as many as it has."""


class NoMessage(HubError):
    """A file that holds no message to work on; `line` is where, 0 if it has no place."""

    def __init__(self, reason: str, line: int = 0) -> None:
        self.reason, self.line = reason, line
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """One message out of a file.

    Parameters
    ----------
    transaction
        Which it is: by its wsa:Action, as it was said to be, or by what it holds.
    request
        The request as a value.
    body
        The only child of its SOAP body.
    parts
        Documents that came beside it, by Content-ID.
    faults
        Why a receiver would not work on it as it stands.
    line
        Line of the file that the first line of the XML is, counted from 1.
    """

    transaction: AnyTransaction
    request: SubmitObjectsRequest | ProvideAndRegisterRequest
    body: _Element
    parts: Mapping[str, StagedContent]
    faults: tuple[SoapFault, ...]
    line: int

    @property
    def submission(self) -> Submission:
        """The metadata of the request."""
        return self.request.submission

    def discard(self) -> None:
        """Forget the documents."""
        for part in self.parts.values():
            part.discard()


def read_message(
    file: IO[bytes], *, said: Transaction[Any, Any] | None = None, limits: Limits = xml.LIMITS
) -> Captured:
    """Read the message that a file holds.

    Parameters
    ----------
    said
        Which transaction it is, when its wsa:Action does not tell.
    limits
        Of the envelope.

    Raises
    ------
    NoMessage
        It holds none, or one without a submission.
    """
    head = file.read(_HEAD)
    headers, at = _headers(head)
    intake = Intake(headers, open_sink=Spool, body_limit=_WHOLE, root_limit=limits.octets)
    try:
        for piece in _pieces(head[at:], file, headers):
            intake.feed(piece)
        root, parts = intake.finish()
        found = head.find(root[:_BEGINNING], at) if root else 0
        line = 1 + head.count(b"\n", 0, max(found, 0))
        return _read(root, parts, line, said, limits)
    except SoapFault as fault:
        intake.discard()
        raise NoMessage(fault.reason) from None
    except BaseException:
        intake.discard()
        raise


# --- what is around it ---------------------------------------------------------------------------


def _headers(head: bytes) -> tuple[dict[str, str], int]:
    """Return the headers by lower-case name, or those that were left out; and where they end."""
    plain = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if plain.startswith(b"--"):
        boundary = plain[2:].split(b"\n", 1)[0].strip().decode("latin-1")
        typed = f'multipart/related; type="application/xop+xml"; boundary="{boundary}"'
        return {"content-type": typed}, len(head) - len(plain)
    if plain.startswith(b"<") or head.startswith(_UTF16):
        start = 0 if head.startswith(_UTF16) else len(head) - len(plain)
        return {"content-type": "application/soap+xml"}, start
    if not _HEADER.match(plain):
        raise NoMessage("neither XML nor a MIME or HTTP message is in it", 1)
    end = _BLANK.search(head)
    if end is None:
        raise NoMessage("the headers do not end with an empty line", 1)
    lines = _FOLD.sub(" ", head[: end.start()].decode("latin-1")).splitlines()
    named = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in named}, end.end()


def _pieces(first: bytes, file: IO[bytes], headers: Mapping[str, str]) -> Iterator[bytes]:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        yield from _unchunked(first + file.read())
        return
    yield first
    while piece := file.read(CHUNK):
        yield piece


def _unchunked(data: bytes) -> Iterator[bytes]:
    """Take a body in chunks apart (RFC 9112 7.1)."""
    at = 0
    while True:
        end = data.find(b"\n", at)
        size = data[at:end].partition(b";")[0].strip()
        if end < 0 or not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
            raise NoMessage("the chunks of the HTTP body cannot be told apart")
        if not (octets := int(size, 16)):
            return
        at = data.find(b"\n", end + 1 + octets) + 1
        if not at:
            raise NoMessage("the HTTP body ends inside a chunk")
        yield data[end + 1 : end + 1 + octets]


# --- the message ---------------------------------------------------------------------------------


def _read(
    root: bytes,
    parts: Mapping[str, StagedContent],
    line: int,
    said: Transaction[Any, Any] | None,
    limits: Limits,
) -> Captured:
    try:
        body = xml.parse(root, limits=limits)
    except MalformedXml as problem:
        at = problem.line + line - 1 if problem.line else 0
        raise NoMessage(f"the message is no XML to work on: {problem.reason}", at) from None
    faults: list[SoapFault] = []
    action = ""
    if body.tag == ENVELOPE or str(body.tag).endswith("}Envelope"):
        try:
            envelope = read_envelope(root, understood=UNDERSTOOD, limits=limits)
            body, action = envelope.body, envelope.addressing.action
        except SoapFault as fault:
            faults.append(fault)
            _, body = open_envelope(root, limits=limits)
    candidates = [each for each in SUBMITTING if each.request_element == body.tag]
    if not candidates:
        expected = ", ".join(dict.fromkeys(readable(each.request_element) for each in SUBMITTING))
        raise NoMessage(
            f"{readable(str(body.tag))} carries no submission, expected {expected}", line
        )
    chosen = _chosen(action, said, candidates, faults)
    request = candidates[0].read_request(body, parts)
    return Captured(
        transaction=chosen or _guessed(request.submission, candidates),
        request=request,
        body=body,
        parts=parts,
        faults=tuple(faults),
        line=line,
    )


def _chosen(
    action: str,
    said: Transaction[Any, Any] | None,
    candidates: list[Transaction[Any, Any]],
    faults: list[SoapFault],
) -> Transaction[Any, Any] | None:
    """Return the transaction that the message says it is; None when nothing does."""
    if said is not None:
        if said not in candidates:
            fits = ", ".join(each.name for each in candidates)
            raise NoMessage(f"its body is not one of {said.name}, but of {fits}")
        return said
    if not action:
        return None
    found = next((each for each in candidates if each.action == action), None)
    if found is None:
        other = next((each.name for each in CATALOGUE if each.action == action), "")
        meant = f" of {other}" if other else ""
        fits = " or ".join(each.action for each in candidates)
        reason = f"found wsa:Action '{action}'{meant}, expected {fits} with this body"
        faults.append(SoapFault(FaultCode.SENDER, reason))
    return found


def _guessed(
    submission: Submission, candidates: list[Transaction[Any, Any]]
) -> Transaction[Any, Any]:
    """Return which of the transactions that share a body a submission is for, by what it holds."""
    if len(candidates) == 1:
        return candidates[0]
    updating = {AssociationType.UPDATE_AVAILABILITY_STATUS, AssociationType.SUBMIT_ASSOCIATION}
    things: tuple[DocumentEntry | Folder, ...] = (*submission.entries, *submission.folders)
    versioned = any(
        each.logical_id and not is_symbolic(each.logical_id) and each.logical_id != each.entry_uuid
        for each in things
    )
    if versioned or any(link.type in updating for link in submission.associations):
        return ITI_57
    types = {entry.object_type for entry in submission.entries}
    return ITI_61 if types == {DocumentEntryType.ON_DEMAND} else ITI_42
