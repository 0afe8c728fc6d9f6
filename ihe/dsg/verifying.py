"""Is a document signed, by whom, and is it unaltered? A report of everything that was looked at.

```text
 signature document ──integrity──▶ Signature ──trust, time stamp──▶ whose, and when
                                       └──── digest of each document ──▶ what
```

Three answers to each question (EN 319 102-1): passed, failed, or unknown, when something that would
decide it is not at hand. A signature is *valid* when nothing failed and nothing is unknown that the
policy asks for.

**When.** A signature is judged at the earliest moment at which it is proven to have been there: its
time stamp's; else when the repository took it in; else now. The signer's own claim proves nothing,
and is only held against that moment: nobody signs in the future.

References
----------
ITI TF-3 5.5.4 (verification); ETSI EN 319 102-1 5.2.
"""

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from cryptography import x509

from ihe.dsg import integrity
from ihe.dsg.signature import DocumentReference, NotIntact, Signature
from ihe.dsg.timestamps import BadTimeStamp, stamped_at
from ihe.dsg.trust import NotTrusted, Trust, path, revocation, subject
from ihe.dsg.vocabulary import Digests

_SKEW: Final = timedelta(minutes=5)


class Check(StrEnum):
    """What is looked at."""

    INTEGRITY = "integrity"
    """The signature document is what the signer signed."""
    TIME_STAMP = "time stamp"
    TIME = "signing time"
    SIGNER = "signer"
    """The certificate leads to a trust anchor."""
    REVOCATION = "revocation"
    PURPOSE = "purpose"
    DOCUMENT = "document"


class Outcome(StrEnum):
    """What came of it."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    reason
        What came of it, in words.
    unique_id
        Of a document.
    counts
        Whether the policy asks for it: what does not count may stay unknown.
    """

    check: Check
    outcome: Outcome
    reason: str
    unique_id: str = ""
    counts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a signature must be like.

    Parameters
    ----------
    trust
        Whom to believe as signers.
    time_stampers
        Time-stamp authorities; 0..*.
    needs_revocation
        Whether a signer of whom no revocation list tells is refused.
    purposes
        Codes of purposes that are accepted; any if empty.
    """

    trust: Trust
    time_stampers: tuple[x509.Certificate, ...] = ()
    needs_revocation: bool = False
    purposes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is known of a signature.

    Parameters
    ----------
    signature
        None when it is not intact: then nothing that it says is to be believed.
    proven_at
        When it is proven to have been there, UTC.
    findings
        In the order in which they were looked at.
    """

    signature: Signature | None
    proven_at: datetime
    findings: tuple[Finding, ...]

    @property
    def is_valid(self) -> bool:
        """Whether everything that counts passed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Finding, ...]:
        """What counts and did not pass."""
        return tuple(
            each for each in self.findings if each.counts and each.outcome is not Outcome.PASSED
        )


Digest: TypeAlias = Callable[[str, Digests], bytes | None]
"""Return the digest of the octets of a document by its uniqueId; None when it is not at hand."""


def verify(
    data: bytes, digest: Digest, policy: Policy, *, now: datetime, received_at: datetime | None
) -> Report:
    """Look at everything that a signature document says.

    Parameters
    ----------
    now
        The time, UTC.
    received_at
        When the repository took the signature in; None when it has not.
    """
    try:
        signature = integrity.check(data)
    except NotIntact as problem:
        finding = Finding(Check.INTEGRITY, Outcome.FAILED, str(problem))
        return Report(signature=None, proven_at=now, findings=(finding,))
    at, findings = _proven(signature, policy, received_at or now)
    findings.insert(0, Finding(Check.INTEGRITY, Outcome.PASSED, "the signature value is right"))
    findings += _time(signature, at)
    findings += _signer(signature, policy, at)
    findings += _purpose(signature, policy)
    findings += (_document(reference, digest) for reference in signature.documents)
    return Report(signature=signature, proven_at=at, findings=tuple(findings))


def _proven(
    signature: Signature, policy: Policy, otherwise: datetime
) -> tuple[datetime, list[Finding]]:
    """Return the earliest moment that is proven, and what the time stamps are worth."""
    findings, moments = list[Finding](), [otherwise]
    for stamp in signature.time_stamps:
        try:
            moment = stamped_at(stamp, policy.time_stampers)
        except BadTimeStamp as problem:
            findings.append(Finding(Check.TIME_STAMP, Outcome.FAILED, str(problem)))
        else:
            moments.append(moment)
            found = f"stamped at {moment:%Y-%m-%d %H:%M:%S} UTC"
            findings.append(Finding(Check.TIME_STAMP, Outcome.PASSED, found))
    return min(moments), findings


def _time(signature: Signature, at: datetime) -> Iterator[Finding]:
    claimed = signature.signed_at
    if claimed is None:
        yield Finding(Check.TIME, Outcome.FAILED, "the signature has no SigningTime")
    elif claimed > at + _SKEW:
        found = f"SigningTime is {claimed:%Y-%m-%d %H:%M:%S} UTC, later than {at:%Y-%m-%d %H:%M:%S}"
        yield Finding(Check.TIME, Outcome.FAILED, found)
    else:
        found = f"signed at {claimed:%Y-%m-%d %H:%M:%S} UTC, as the signer says"
        yield Finding(Check.TIME, Outcome.PASSED, found)


def _signer(signature: Signature, policy: Policy, at: datetime) -> Iterator[Finding]:
    trust = policy.trust
    try:
        found = path(signature.signer, signature.certificates, trust, at)
    except NotTrusted as problem:
        yield Finding(Check.SIGNER, Outcome.FAILED, str(problem))
        return
    anchor = subject(found[-1])
    yield Finding(Check.SIGNER, Outcome.PASSED, f"{subject(signature.signer)}, trusted by {anchor}")
    told = revocation(found, (*signature.revocation_lists, *trust.revocation_lists), at)
    if told.revoked is not None and told.at is not None and told.at <= at:
        found_ = f"{told.revoked} was revoked at {told.at:%Y-%m-%d %H:%M} UTC ({told.reason})"
        yield Finding(Check.REVOCATION, Outcome.FAILED, found_)
    elif told.unknown is not None:
        found_ = f"no current revocation list tells of {told.unknown}"
        needed = policy.needs_revocation
        yield Finding(Check.REVOCATION, Outcome.UNKNOWN, found_, counts=needed)
    else:
        yield Finding(Check.REVOCATION, Outcome.PASSED, "not revoked then")


def _purpose(signature: Signature, policy: Policy) -> Iterator[Finding]:
    if not signature.purposes:
        yield Finding(Check.PURPOSE, Outcome.FAILED, "the signature does not say its purpose")
    elif policy.purposes and not policy.purposes.intersection(signature.purposes):
        found = f"the purpose {signature.purposes[0]} is none that is accepted"
        yield Finding(Check.PURPOSE, Outcome.FAILED, found)
    else:
        yield Finding(Check.PURPOSE, Outcome.PASSED, ", ".join(signature.purposes))


def _document(reference: DocumentReference, digest: Digest) -> Finding:
    name = reference.unique_id
    if reference.transforms:
        found = "signed in another form than its octets, which is not accepted"
        return Finding(Check.DOCUMENT, Outcome.FAILED, found, name)
    there = digest(name, Digests(reference.algorithm))
    if there is None:
        return Finding(Check.DOCUMENT, Outcome.UNKNOWN, "the document is not at hand", name)
    if not hmac.compare_digest(there, reference.digest):
        found = "the document is not the one that was signed: its digest is another"
        return Finding(Check.DOCUMENT, Outcome.FAILED, found, name)
    return Finding(Check.DOCUMENT, Outcome.PASSED, "unaltered", name)
