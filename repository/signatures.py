"""Document signatures on their way in (ITI TF-3 5.5): verified before anything is kept.

```text
 SubmissionSet.sourceId ─▶ off      a signature is a document like any other
                           verify   a signature that comes has to be right
                           require  and every document has to be signed by one of them
```

A signature may be over documents of the same submission, over documents that are kept here, and
over documents elsewhere, of which nothing can be said here. What is kept has its SHA-1 and SHA-256
in the index, so that no document is read for it; other digests are computed from its bytes.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from hub.settings import SettingsError, SignatureSettings
from hub.signers import read_policy
from ihe.dsg.metadata import is_signature
from ihe.dsg.verifying import Check, Finding, Outcome, Policy, Report, verify
from ihe.dsg.vocabulary import Digests
from ihe.errors import ErrorCode, RegistryError, registry_error
from ihe.messages import Content
from ihe.model import DocumentEntry, Submission
from repository.blobs.port import Blobs, StagedBlob
from repository.index import Holding, Index

LARGEST: Final = 4 * 1024**2
"""Octets of a signature document: room for the digests of ten thousand documents."""


class Demand(StrEnum):
    """What is asked of a source's signatures."""

    OFF = "off"
    VERIFY = "verify"
    REQUIRE = "require"


@dataclass(frozen=True, slots=True)
class Signatures:
    """What a repository asks of signatures.

    Parameters
    ----------
    policy
        Gives whom to believe at this moment: its files may change while the repository runs.
    default
        Of sources that `sources` does not name.
    sources
        By sourceId.
    """

    policy: Callable[[], Policy]
    default: Demand = Demand.VERIFY
    sources: Mapping[str, Demand] = field(default_factory=dict)

    def of(self, submission: Submission) -> Demand:
        """Return what is asked of a submission."""
        ids = [str(each.source_id) for each in submission.submission_sets]
        return self.sources.get(ids[0], self.default) if len(ids) == 1 else self.default

    def check(
        self,
        submission: Submission,
        blobs: Mapping[str, StagedBlob],
        kept: "Kept",
        *,
        now: datetime,
    ) -> Iterator[RegistryError]:
        """Yield an error for each signature that is not right, and each document that lacks one.

        Parameters
        ----------
        blobs
            The documents by the id of their entry: one for each.
        """
        demand = self.of(submission)
        if demand is Demand.OFF:
            return
        arriving = _Arriving(submission.entries, blobs, kept)
        signed: set[str] = set()
        for entry in submission.entries:
            if not is_signature(entry):
                continue
            report = verify(
                _octets(blobs[entry.entry_uuid]),
                arriving.digest,
                self.policy(),
                now=now,
                received_at=None,
            )
            yield from _told(entry, report)
            signed |= _signed(report)
        if demand is Demand.REQUIRE:
            yield from _unsigned(submission.entries, signed)


def _octets(blob: StagedBlob) -> bytes:
    """Return a signature document whole; nothing of one that is too large to be one."""
    return b"".join(blob.chunks()) if blob.size <= LARGEST else b""


def _told(entry: DocumentEntry, report: Report) -> Iterator[RegistryError]:
    for each in report.failures:
        if (each.check, each.outcome) == (Check.DOCUMENT, Outcome.UNKNOWN):
            continue  # a document elsewhere
        of = f" of the document {each.unique_id}" if each.unique_id else ""
        yield registry_error(
            ErrorCode.INVALID_DOCUMENT_CONTENT,
            f"the signature{of} is not valid, {each.check}: {each.reason}",
            f"DocumentEntry[{entry.entry_uuid}]",
        )


def _signed(report: Report) -> set[str]:
    """Return the documents that a signature vouches for; none when something about it is wrong."""
    wrong = [each for each in report.failures if each.check is not Check.DOCUMENT]
    return set() if wrong else {each.unique_id for each in report.findings if _passed(each)}


def _passed(finding: Finding) -> bool:
    return finding.check is Check.DOCUMENT and finding.outcome is Outcome.PASSED


def _unsigned(entries: Iterable[DocumentEntry], signed: set[str]) -> Iterator[RegistryError]:
    for entry in entries:
        if not is_signature(entry) and str(entry.unique_id) not in signed:
            yield registry_error(
                ErrorCode.INVALID_DOCUMENT_CONTENT,
                f"the document {entry.unique_id} is signed by no valid signature of the"
                " submission; one is required of this source",
                f"DocumentEntry[{entry.entry_uuid}]",
            )


# --- digests -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """The documents that a repository keeps already."""

    index: Index
    blobs: Blobs

    def digest(self, unique_id: str, algorithm: Digests) -> bytes | None:
        """Return the digest of a document; None when it is not kept here."""
        holding: Holding | None = self.index.find([unique_id]).get(unique_id)
        if holding is None:
            return None
        content = self.blobs.read(holding.key)
        return None if content is None else _digest(content, holding.sha1, holding.key, algorithm)


@dataclass(frozen=True, slots=True)
class _Arriving:
    """The documents of a submission, and behind them those that are kept."""

    entries: tuple[DocumentEntry, ...]
    blobs: Mapping[str, StagedBlob]
    kept: Kept

    def digest(self, unique_id: str, algorithm: Digests) -> bytes | None:
        """Return the digest of a document; None when it is neither here nor there."""
        for entry in self.entries:
            if str(entry.unique_id) == unique_id:
                blob = self.blobs[entry.entry_uuid]
                return _digest(blob, blob.sha1, blob.sha256, algorithm)
        return self.kept.digest(unique_id, algorithm)


def _digest(content: Content, sha1: str, sha256: str, algorithm: Digests) -> bytes:
    known = {Digests.SHA1: sha1, Digests.SHA256: sha256}.get(algorithm)
    if known is not None:
        return bytes.fromhex(known)
    computed = hashlib.new(algorithm.hashlib_name)
    for chunk in content.chunks():
        computed.update(chunk)
    return computed.digest()


# --- settings ------------------------------------------------------------------------------------


def signatures(settings: SignatureSettings | None) -> Signatures | None:
    """Return what the settings ask of signatures; None when nothing.

    Raises
    ------
    SettingsError
        A file cannot be used.
    """
    if settings is None:
        return None
    files = _TrustFiles(settings)
    files.policy()
    return Signatures(
        policy=files.policy,
        default=Demand(settings.demand),
        sources={source: Demand(demand) for source, demand in settings.sources.items()},
    )


class _TrustFiles:
    """Certificates and revocation lists in files, read again when a file has changed."""

    def __init__(self, settings: SignatureSettings) -> None:
        self._settings = settings
        self._seen: tuple[int, ...] = ()
        self._policy: Policy | None = None

    def policy(self) -> Policy:
        """Return whom to believe now; the last that could be read, if it cannot."""
        settings = self._settings
        stampers = [settings.time_stampers] if settings.time_stampers else []
        paths = [settings.authorities, *settings.revocation_lists, *stampers]
        try:
            seen = tuple(path.stat().st_mtime_ns for path in paths)
            if self._policy is None or seen != self._seen:
                self._policy = read_policy(
                    settings.authorities,
                    settings.revocation_lists,
                    settings.time_stampers,
                    needs_revocation=settings.needs_revocation,
                    purposes=settings.purposes,
                )
                self._seen = seen
        except (OSError, SettingsError) as problem:
            if self._policy is None:
                raise SettingsError(f"repository.signatures: {problem}") from None
        return self._policy
