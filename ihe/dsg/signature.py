"""A document signature as a value: what was signed, by which certificate, when and why.

Everything in it comes from what the signature covers (`ihe.dsg.integrity`), except `certificates`,
`revocation_lists` and `time_stamps`, which prove themselves.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509

from ihe.errors import HubError

_OID_URN: Final = "urn:oid:"


class NotIntact(HubError):
    """A signature document is none, or is not what its signer signed; the message says why."""


@dataclass(frozen=True, slots=True)
class DocumentReference:
    """One document of the manifest (ITI TF-3 5.5.2.1).

    Parameters
    ----------
    uri
        As it stands in the signature.
    algorithm
        URI of the digest algorithm.
    digest
        Of the document's octets; empty for a SubmissionSet, which has none.
    transforms
        URIs of what was done to the octets before; 0..*.
    """

    uri: str
    algorithm: str
    digest: bytes
    transforms: tuple[str, ...] = ()

    @property
    def unique_id(self) -> str:
        """The uniqueId that the URI stands for."""
        return self.uri.removeprefix(_OID_URN)


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """An RFC 3161 token (DER) and the octets that it stamps."""

    token: bytes
    stamped: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature that is intact: its value and digests are true for `signer`'s key.

    Nothing is said of whether `signer` is trusted, or the documents are what was signed.

    Parameters
    ----------
    documents
        What was signed, 0..*, in the signature's order.
    submission_set
        uniqueId of the SubmissionSet that was signed as a whole, if one was.
    signed_at
        What the signer claims, UTC; None when it was not said.
    purposes
        Codes of ASTM E1762, or whatever a local policy uses; 0..*.
    policy
        Identifier of the signature policy.
    signer
        The certificate whose key signed.
    certificates
        What came along, the signer's included; no order.
    revocation_lists
        What came along, 0..*.
    time_stamps
        Of the signature value, 0..*.
    """

    documents: tuple[DocumentReference, ...]
    submission_set: str | None
    signed_at: datetime | None
    purposes: tuple[str, ...]
    policy: str | None
    signer: x509.Certificate
    certificates: tuple[x509.Certificate, ...]
    revocation_lists: tuple[x509.CertificateRevocationList, ...] = ()
    time_stamps: tuple[TimeStamp, ...] = ()

    @property
    def unique_ids(self) -> tuple[str, ...]:
        """The uniqueIds of the documents."""
        return tuple(reference.unique_id for reference in self.documents)


def uri_of(unique_id: str) -> str:
    """Return the Reference URI of a uniqueId: an OID as a URN, a URI as it is (5.5.2.1)."""
    return unique_id if ":" in unique_id else f"{_OID_URN}{unique_id}"
