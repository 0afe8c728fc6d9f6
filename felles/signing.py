"""Signed documents from the command line: `felles submit --sign-key …` and `felles verify`.

A signature goes with the documents that it signs, in one submission: all of it is shared, or
nothing. `verify` asks which signatures there are of a document, fetches both, and tells what is
true of them; whom to believe, it is told.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from felles.connection import Config, connect
from felles.describing import has_member, oid_of_uuid, parse_oid
from felles.output import Exit, failures, print_errors, print_json, print_table, say
from hub import clock
from hub.client import Client, FileContent, Retrieved, request_for
from hub.settings import SettingsError
from hub.signers import read_pem, read_policy
from ihe import queries
from ihe.datatypes import DTM, SHA1, XCN, HomeCommunityId, Identifier
from ihe.dsg.metadata import is_signature, signature_entry, signs
from ihe.dsg.signing import KeyUnusable, Signed, Signer, sign
from ihe.dsg.trust import subject
from ihe.dsg.verifying import Policy, Report, verify
from ihe.dsg.vocabulary import Digests, Purpose
from ihe.model import Association, Author, DocumentEntry, Submission
from ihe.vocabulary import AssociationType

PURPOSES: Final = {purpose.name.lower().replace("_", "-"): purpose for purpose in Purpose}


# --- signing -------------------------------------------------------------------------------------


def signer(key: Path, certificate: Path) -> Signer:
    """Return who signs: a PEM key without a password, and its certificate with those above it.

    Raises
    ------
    SettingsError
        A file cannot be used.
    """
    chain = read_pem(certificate, "certificate", x509.load_pem_x509_certificates)
    private = read_pem(
        key, "private key", lambda pem: serialization.load_pem_private_key(pem, None)
    )
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise SettingsError(f"{key}: an RSA or ECDSA key is needed")
    try:
        return Signer(private, chain[0], tuple(chain[1:]))
    except KeyUnusable as problem:
        raise SettingsError(f"{key}: {problem}") from None


def with_signature(
    submission: Submission,
    files: Sequence[Path],
    who: Signer,
    purpose: Purpose,
    folder: Path,
    *,
    at: datetime,
    new_uuid: Callable[[], str],
) -> tuple[Submission, FileContent]:
    """Return a submission with a signature over all its documents, and the signature's content.

    Parameters
    ----------
    files
        The documents, in the order of their entries.
    folder
        Where the signature's file is put.
    """
    documents = [
        Signed(str(entry.unique_id), bytes.fromhex(FileContent(path).digests()[1]))
        for entry, path in zip(submission.entries, files, strict=True)
    ]
    chosen = submission.submission_set
    octets = sign(
        documents, who, purpose=purpose, at=at, id="s", submission_set=str(chosen.unique_id)
    )
    path = folder / "signature.xml"
    path.write_bytes(octets)
    first = submission.entries[0]
    entry = replace(
        signature_entry(
            first,
            entry_uuid="Signature01",
            unique_id=Identifier(oid_of_uuid(new_uuid())),
            signer=first.authors[0] if first.authors else _author(who.certificate),
            purpose=purpose,
            at=DTM.of(at),
        ),
        hash=SHA1(hashlib.sha1(octets, usedforsecurity=False).hexdigest()),
        size=str(len(octets)),
    )
    signed = replace(
        submission,
        entries=(*submission.entries, entry),
        associations=(
            *submission.associations,
            has_member("HasMemberSignature", chosen, entry.entry_uuid),
            *signs(entry.entry_uuid, [each.entry_uuid for each in submission.entries]),
        ),
    )
    return signed, FileContent(path)


def _author(certificate: x509.Certificate) -> Author:
    """Return whose a certificate is, as the author of a signature."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Author(person=XCN.of(last=str(names[0].value) if names else "unknown"))


# --- verifying -----------------------------------------------------------------------------------


def verify_documents(
    unique_id: Annotated[list[str], typer.Argument(help="uniqueId of each document.")],
    authorities: Annotated[
        Path,
        typer.Option(
            dir_okay=False, help="PEM file with the authorities, or signers, that are trusted."
        ),
    ],
    home: Annotated[
        str, typer.Option("--home", help="homeCommunityId that `find` gave, if any.")
    ] = "",
    revocation_list: Annotated[
        list[Path] | None, typer.Option(dir_okay=False, help="PEM file of a revocation list.")
    ] = None,
    time_stampers: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="PEM file with authorities of time stamps."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    config: Config = None,
) -> None:
    """Tell who has signed documents, and whether that is true (IHE DSG).

    Exit code 0 when each document has a signature and all of them are valid.
    """
    with failures():
        policy = read_policy(authorities, revocation_list or (), time_stampers)
        community = HomeCommunityId(parse_oid("--home", home).urn) if home else None
        with connect(config) as client, tempfile.TemporaryDirectory(prefix="felles-") as folder:
            found = _signatures(client, unique_id, community)
            judged = list(_judged(client, found, policy, Path(folder)))
    signed = {each for one in judged for each in _documents(one.report)}
    unsigned = [each for each in unique_id if each not in signed]
    if as_json:
        print_json({"signatures": [_as_json(one) for one in judged], "unsigned": unsigned})
    else:
        for one in judged:
            _print(one)
        for each in unsigned:
            say(f"{each} is signed by no signature that was found")
    valid = not unsigned and all(one.report.is_valid for one in judged)
    raise typer.Exit(Exit.SUCCESS if valid else Exit.FAILURE)


@dataclass(frozen=True, slots=True)
class _Found:
    """The signatures of some documents, and the documents."""

    signatures: tuple[DocumentEntry, ...]
    documents: tuple[DocumentEntry, ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    entry: DocumentEntry
    report: Report


def _signatures(client: Client, unique_ids: Sequence[str], home: HomeCommunityId | None) -> _Found:
    asked = client.query(
        queries.get_documents_and_associations(unique_id=unique_ids, home_community_id=home)
    )
    print_errors(asked.errors)
    documents = [each for each in asked.objects if isinstance(each, DocumentEntry)]
    sources = sorted(
        each.source
        for each in asked.objects
        if isinstance(each, Association) and each.type == AssociationType.SIGNS
    )
    if not sources:
        return _Found((), tuple(documents))
    answer = client.query(queries.get_documents(entry_uuid=sources, home_community_id=home))
    print_errors(answer.errors)
    found = [each for each in answer.objects if isinstance(each, DocumentEntry)]
    return _Found(tuple(filter(is_signature, found)), tuple(documents))


def _judged(client: Client, found: _Found, policy: Policy, folder: Path) -> Iterator[_Judged]:
    """Fetch signatures and documents, and look at each signature."""
    wanted = {request_for(each): each for each in (*found.signatures, *found.documents)}
    if not wanted:
        return
    got = client.retrieve(wanted, into=folder)
    print_errors(got.errors)
    files = {str(each.request.document_unique_id): each for each in got.documents}

    def digest(unique_id: str, algorithm: Digests) -> bytes | None:
        file = files.get(unique_id)
        return None if file is None else _digest(file, algorithm)

    for entry in found.signatures:
        file = files.get(str(entry.unique_id))
        if file is not None:
            report = verify(
                file.path.read_bytes(), digest, policy, now=clock.now(), received_at=None
            )
            yield _Judged(entry, report)


def _digest(file: Retrieved, algorithm: Digests) -> bytes:
    with file.path.open("rb") as opened:
        return hashlib.file_digest(opened, algorithm.hashlib_name).digest()


def _documents(report: Report) -> tuple[str, ...]:
    return report.signature.unique_ids if report.signature else ()


# --- telling -------------------------------------------------------------------------------------


def _print(one: _Judged) -> None:
    signature = one.report.signature
    whose = subject(signature.signer) if signature else "nobody"
    title = f"{one.entry.title or 'Signature'} {one.entry.unique_id}, by {whose}: "
    title += "valid" if one.report.is_valid else "NOT VALID"
    rows = [
        (each.check.value, each.unique_id, each.outcome.value, each.reason)
        for each in one.report.findings
    ]
    print_table(title, ("what", "document", "outcome", "why"), rows)


def _as_json(one: _Judged) -> dict[str, Any]:
    signature = one.report.signature
    return {
        "unique_id": one.entry.unique_id,
        "valid": one.report.is_valid,
        "signer": subject(signature.signer).strip("'") if signature else None,
        "signed_at": signature.signed_at.isoformat() if signature and signature.signed_at else None,
        "purposes": list(signature.purposes) if signature else [],
        "findings": [
            {
                "check": each.check.value,
                "document": each.unique_id or None,
                "outcome": each.outcome.value,
                "reason": each.reason,
            }
            for each in one.report.findings
        ],
    }
