"""Another actor as its client sees it: its answer, and every way in which it can fail to answer.

```text
Unavailable     no answer: refused, cut off, too late, no SOAP, another message's; `reason` says
├─ TooLarge     an answer that is larger than is taken
RemoteFault     the other side answered with a SOAP fault
```
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

import aiohttp

from hub.intake import MEDIA_TYPES
from ihe.errors import HubError, SoapFault, Unavailable
from ihe.messages import Content
from ihe.soap.addressing import read_relates_to
from ihe.soap.envelope import open_envelope
from ihe.soap.faults import read_fault
from ihe.soap.mime import read_content_type
from ihe.soap.validation import says_nothing_stored
from ihe.transactions import Transaction
from ihe.xml import Limits, XmlLimitExceeded

Resp = TypeVar("Resp")

ANSWER: Final = Limits(octets=32 * 1024**2, tags=650_000, attributes=300_000, memory=300_000_000)
"""Room for some 3,000 documents: what is taken from whoever answers."""
LARGE_ANSWER: Final = Limits(
    octets=96 * 1024**2, tags=2_250_000, attributes=1_000_000, memory=1_000_000_000
)
"""Room for the 10,000 objects that a registry tells of at once. One answer may take some 300 MB of
memory, which nobody should have who is not trusted as much as oneself."""


class RemoteFault(HubError):
    """The other side answered with a SOAP fault."""

    def __init__(self, what: str, fault: SoapFault) -> None:
        self.what, self.fault = what, fault
        super().__init__(f"{what} answered with a fault: {fault}")


class TooLarge(Unavailable):
    """The answer is larger than is taken; to ask again will not help, to ask for less may."""


def headers_of(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """Return the HTTP headers by lower-case name."""
    return {name.lower(): value for name, value in answer.headers.items()}


def check_is_soap(answer: aiohttp.ClientResponse, what: str) -> None:
    """Refuse an answer that does not even say that it is SOAP, such as a proxy's error page.

    Raises
    ------
    Unavailable
        Its Content-Type is another, or it points elsewhere: who is asked is a matter of settings.
    """
    if answer.status in _ELSEWHERE:
        raise Unavailable(what, f"it answered HTTP {answer.status}, and is not followed elsewhere")
    media_type = read_content_type(answer.headers.get("content-type", "")).media_type
    if media_type not in MEDIA_TYPES:
        said = f"'{media_type[:_SHOWN]}'" if media_type else "no Content-Type"
        raise Unavailable(what, f"it answered HTTP {answer.status} with {said} instead of SOAP")


_SHOWN: Final = 60
_ELSEWHERE: Final = range(300, 400)


async def read_answer(
    transaction: Transaction[Any, Resp],
    root: bytes,
    parts: Mapping[str, Content],
    *,
    message_id: str,
    what: str,
    limits: Limits = ANSWER,
    validate_only: bool = False,
) -> Resp:
    """Read the response out of the envelope that answers `message_id`.

    Raises
    ------
    Unavailable
        It is not SOAP, not the transaction's response, or the answer to another message: a proxy
        that mixes up connections must never show one patient's documents in place of another's.
        Or it does not say that nothing was stored, though that was asked for with `validate_only`;
        or it says so, though it was not.
    RemoteFault
        It is a SOAP fault.
    """

    def read() -> Resp:
        header, body = open_envelope(root, limits=limits)
        related = read_relates_to(() if header is None else header)
        if related and message_id not in related:
            raise Unavailable(what, "its answer relates to another message")
        if (fault := read_fault(body)) is not None:
            raise RemoteFault(what, fault)
        if says_nothing_stored(header) is not validate_only:
            raise Unavailable(what, _MAY_HAVE_STORED if validate_only else _STORED_NOTHING)
        return transaction.read_response(body, parts)

    if not root.strip():
        raise Unavailable(what, "the answer is empty")
    with failures(what):
        return read() if len(root) <= _SMALL else await asyncio.to_thread(read)


_MAY_HAVE_STORED: Final = (
    "it was asked to validate only, and does not say that nothing was stored: it may have been"
)
_STORED_NOTHING: Final = "it says that it has only validated the message, and stored nothing"
_SMALL: Final = 64 * 1024
"""Octets; a larger envelope is parsed in a thread, to hold up nobody else's answers."""


@contextlib.contextmanager
def failures(what: str) -> Iterator[None]:
    """Turn whatever goes wrong on the wire, or in what came over it, into `Unavailable`."""
    try:
        yield
    except TimeoutError as failure:
        raise Unavailable(what, "no answer in time") from failure
    except aiohttp.ClientConnectorCertificateError as failure:
        raise Unavailable(what, "its certificate is not trusted", not_sent=True) from failure
    except aiohttp.ClientSSLError as failure:
        raise Unavailable(what, "no TLS connection", not_sent=True) from failure
    except aiohttp.ClientConnectorError as failure:
        reason = _system_words(failure.os_error)
        raise Unavailable(what, f"no connection: {reason}", not_sent=True) from failure
    except aiohttp.InvalidURL as failure:
        raise Unavailable(what, "not a URL that can be called", not_sent=True) from failure
    except (aiohttp.ClientError, OSError) as failure:
        raise _broken_off(what, failure) from failure
    except SoapFault as problem:
        kind = TooLarge if _is_too_large(problem) else Unavailable
        raise kind(what, f"the answer cannot be read: {problem.reason}") from problem


def _is_too_large(problem: SoapFault) -> bool:
    """Tell whether a message was refused for its size; XML limits are told as what they limit."""
    return problem.http_status == _TOO_LARGE or isinstance(problem.__context__, XmlLimitExceeded)


_TOO_LARGE: Final = 413


def _broken_off(what: str, failure: Exception) -> Exception:
    """Return what a failure on an open connection means.

    It may be that of our own document, which could not be read, or whose reader wanted no more.
    """
    cause = failure.__cause__
    if type(failure) is aiohttp.ClientConnectionError and isinstance(cause, Exception):
        return cause if not isinstance(cause, OSError) else Unavailable.of(what, cause)
    if isinstance(failure, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return Unavailable(what, "the connection broke off")
    return Unavailable(what, f"the connection failed ({type(failure).__name__})")


def _system_words(failure: OSError) -> str:
    """Return what the system says of a failure; asyncio's own words hold an address too."""
    return os.strerror(failure.errno) if failure.errno else type(failure).__name__
