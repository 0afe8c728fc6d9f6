"""Time stamps (RFC 3161): that something was there at a moment. The door to rfc3161-client."""

import hashlib
from datetime import datetime
from typing import Final

from cryptography import x509
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response
from rfc3161_client.tsp import TimeStampResponse

from ihe.dsg.signature import TimeStamp
from ihe.errors import HubError

_GRANTED: Final = bytes.fromhex("3003020100")
"""PKIStatusInfo with status 0, DER: what a response begins with, and a token does not have."""
_SHORT: Final = 0x80
"""Lengths below this are one octet in DER."""
_HASHES: Final = {
    "2.16.840.1.101.3.4.2.1": hashlib.sha256,
    "2.16.840.1.101.3.4.2.2": hashlib.sha384,
    "2.16.840.1.101.3.4.2.3": hashlib.sha512,
}


class BadTimeStamp(HubError):
    """A time stamp proves nothing; the message says why."""


def stamped_at(stamp: TimeStamp, anchors: tuple[x509.Certificate, ...]) -> datetime:
    """Return when something was stamped, by an authority that is trusted.

    Raises
    ------
    BadTimeStamp
        It is no time stamp, is of something else, or of nobody who is trusted.
    """
    response = read(stamp.token)
    imprint = response.tst_info.message_imprint
    algorithm = _HASHES.get(imprint.hash_algorithm.dotted_string)
    if algorithm is None:
        raise BadTimeStamp(f"its hash {imprint.hash_algorithm.dotted_string} is not accepted")
    if algorithm(stamp.stamped).digest() != imprint.message:
        raise BadTimeStamp("it is of something else than this signature")
    if not anchors:
        raise BadTimeStamp("no time-stamp authority is trusted")
    builder = VerifierBuilder(roots=list(anchors))
    try:
        builder.build().verify(response, imprint.message)
    except (VerificationError, ValueError) as problem:
        raise BadTimeStamp(" ".join(str(problem).split())[:200]) from None
    return response.tst_info.gen_time


def read(token: bytes) -> TimeStampResponse:
    """Return a token as the response that it came in.

    Raises
    ------
    BadTimeStamp
        It is none.
    """
    inner = _GRANTED + token
    try:
        return decode_timestamp_response(b"\x30" + _length(len(inner)) + inner)
    except ValueError:
        raise BadTimeStamp("it is no RFC 3161 token") from None


def _length(octets: int) -> bytes:
    """Return a length as DER has it."""
    if octets < _SHORT:
        return bytes((octets,))
    needed = (octets.bit_length() + 7) // 8
    return bytes((_SHORT | needed,)) + octets.to_bytes(needed, "big")
