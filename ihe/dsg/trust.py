"""May a certificate be believed at one moment? Its path to an anchor, and who has revoked it.

The door to cryptography's path builder (RFC 5280). Two ways to be trusted, as for nodes (ITI TF-2
3.19): a path to an authority among the anchors, or being an anchor itself.

```text
 signer ─▶ authority ─▶ anchor       each valid at the moment, signed by the next,
    │          │                     allowed to sign what it signs
    └──────────┴── revocation lists  of the authority that issued each
```
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import verification
from cryptography.x509.oid import CRLEntryExtensionOID

from ihe.errors import HubError


class NotTrusted(HubError):
    """A certificate is not to be believed; the message says why."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom a policy believes.

    Parameters
    ----------
    anchors
        Authorities, or signers themselves; 0..*.
    intermediates
        Certificates that may stand between, besides those that come with a signature.
    revocation_lists
        What the authorities have revoked, besides what comes with a signature.
    """

    anchors: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...] = ()
    revocation_lists: tuple[x509.CertificateRevocationList, ...] = ()


@dataclass(frozen=True, slots=True)
class Revocation:
    """What the lists say of a path.

    Parameters
    ----------
    unknown
        Subject of the first certificate of which no current list of its issuer tells.
    revoked
        Subject of the first certificate that was revoked.
    at
        When it was, UTC.
    reason
        Why, in the words of RFC 5280.
    """

    unknown: str | None = None
    revoked: str | None = None
    at: datetime | None = None
    reason: str = ""


def path(
    certificate: x509.Certificate,
    others: Iterable[x509.Certificate],
    trust: Trust,
    at: datetime,
) -> list[x509.Certificate]:
    """Return the certificates from this one to an anchor, both included.

    Parameters
    ----------
    others
        Certificates that came along.
    at
        The moment, with its zone.

    Raises
    ------
    NotTrusted
        There is no path of certificates that were valid then.
    """
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise NotTrusted(
            f"the certificate of {subject(certificate)} is valid from"
            f" {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} to"
            f" {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC, and {at:%Y-%m-%d %H:%M} is not"
            " in it"
        )
    if certificate in trust.anchors:
        return [certificate]
    if not trust.anchors:
        raise NotTrusted("there are no trust anchors")
    builder = verification.PolicyBuilder().store(verification.Store(list(trust.anchors))).time(at)
    verifier = builder.extension_policies(ca_policy=_AUTHORITY, ee_policy=_SIGNER)
    between = [each for each in (*others, *trust.intermediates) if each != certificate]
    try:
        found = verifier.build_client_verifier().verify(certificate, between)
    except verification.VerificationError as problem:
        reason = " ".join(str(problem).split())[:200]
        raise NotTrusted(
            f"no path leads from {subject(certificate)} to a trust anchor: {reason}"
        ) from None
    return list(found.chain)


def _may_sign(
    _policy: verification.Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise ValueError("keyUsage allows neither digitalSignature nor nonRepudiation")


_SIGNER: Final = verification.ExtensionPolicy.permit_all().may_be_present(
    x509.KeyUsage, verification.Criticality.AGNOSTIC, _may_sign
)


def _may_issue(
    _policy: verification.Policy, _certificate: x509.Certificate, limits: x509.BasicConstraints
) -> None:
    if not limits.ca:
        raise ValueError("basicConstraints does not say that it is an authority")


_AUTHORITY: Final = verification.ExtensionPolicy.permit_all().require_present(
    x509.BasicConstraints, verification.Criticality.AGNOSTIC, _may_issue
)


# --- revocation ----------------------------------------------------------------------------------


def revocation(
    found: Sequence[x509.Certificate],
    lists: Iterable[x509.CertificateRevocationList],
    at: datetime,
) -> Revocation:
    """Tell what revocation lists say of a path from a signer to an anchor.

    Parameters
    ----------
    lists
        Those that are not signed by the issuer they name do not count, nor those that had expired
        at the moment.
    """
    known = list(lists)
    unknown = None
    for certificate, issuer in pairwise(found):
        current = [each for each in _of(issuer, known) if _is_current(each, at)]
        for each in _of(issuer, known):  # a revocation stays true when the list has expired
            entry = each.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if entry is not None and _reason(entry) != "removeFromCRL":
                when = entry.revocation_date_utc
                return Revocation(None, subject(certificate), when, _reason(entry))
        if not current and unknown is None:
            unknown = subject(certificate)
    return Revocation(unknown)


def _of(
    issuer: x509.Certificate, lists: Iterable[x509.CertificateRevocationList]
) -> Iterator[x509.CertificateRevocationList]:
    key = issuer.public_key()
    for each in lists:
        if each.issuer != issuer.subject or not isinstance(
            key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey
        ):
            continue
        try:
            if each.is_signature_valid(key):
                yield each
        except (InvalidSignature, TypeError, ValueError):
            continue


def _is_current(each: x509.CertificateRevocationList, at: datetime) -> bool:
    """Tell whether a list was not expired; one that was made later tells of that moment too."""
    until = each.next_update_utc
    return until is None or at <= until


def _reason(entry: x509.RevokedCertificate) -> str:
    try:
        extension = entry.extensions.get_extension_for_oid(CRLEntryExtensionOID.CRL_REASON)
    except x509.ExtensionNotFound:
        return "unspecified"
    reason: x509.CRLReason = extension.value  # type: ignore[assignment]  # that of the OID
    return reason.reason.value


# --- certificates in words -----------------------------------------------------------------------


def subject(certificate: x509.Certificate) -> str:
    """Return whose a certificate is, for people, on one line."""
    try:
        name = certificate.subject.rfc4514_string()
    except ValueError:
        name = ""
    return f"'{' '.join(name.split())[:120] or certificate.serial_number}'"
