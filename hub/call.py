"""`Call`: who asked what and when, handed along as one value."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime

from ihe.datatypes import DTM


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of the connection (ITI-19).

    Parameters
    ----------
    address
        Its IP address, or a unix socket's name; '' when there is none.
    subject
        Subject of its certificate (RFC 4514 text), None without a verified certificate.
    fingerprint
        SHA-256 of the certificate's DER, lower-case hex; None without one.
    """

    address: str = ""
    subject: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, apart from its content.

    Parameters
    ----------
    at
        When it came in, UTC.
    trace_id
        32 lower-case hex digits (W3C Trace Context); in every log line and every fault of the call.
    message_id
        wsa:MessageID of the request, if it had one.
    endpoint
        The URL that was called.
    peer
        The other end of the connection.
    at_end
        What is to be let go when the answer has gone out, or cannot: connections that documents
        still arrive on, temporary files.
    """

    at: datetime
    trace_id: str
    endpoint: str = ""
    message_id: str | None = None
    peer: Peer = Peer()
    at_end: ExitStack = field(default_factory=ExitStack, compare=False, repr=False)

    @property
    def time(self) -> DTM:
        """`at` as the Framework writes times, to the second."""
        return DTM.of(self.at)
