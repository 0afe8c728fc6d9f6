"""Signatures are verified on their way in, and a source may have to sign everything."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from hub.settings import SettingsError, SignatureSettings
from ihe.datatypes import DTM, OID, Identifier, MimeType
from ihe.dsg.metadata import signature_entry
from ihe.dsg.signing import Signed, Signer, sign
from ihe.dsg.vocabulary import Purpose
from ihe.messages import Document, ProvideAndRegisterRequest, RegistryResponse
from ihe.model import DocumentEntry
from repository import iti41
from repository.signatures import Demand, Signatures, signatures
from tests import samples
from tests.pki import NOW, Authority
from tests.repository.scene import Scene, sqlite_index
from tests.samples import Bytes

AUTHORITY = Authority()
SIGNER = AUTHORITY.signer()
LETTER = b"Epikrise"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with sqlite_index(tmp_path) as index:
        yield Scene(index)


def asking(folder: Path, **changes: Any) -> Signatures:
    path = folder / "signers.pem"
    path.write_bytes(AUTHORITY.certificate.public_bytes(Encoding.PEM))
    found = signatures(SignatureSettings(authorities=path, **changes))
    assert found is not None
    return found


def letter(number: int = 1) -> DocumentEntry:
    return samples.entry(number, repository_unique_id=None, hash=None, size=None)


def signature(number: int, of: DocumentEntry) -> DocumentEntry:
    return signature_entry(
        of,
        entry_uuid=f"Document{number:02}",
        unique_id=Identifier(f"2.25.1000.{number}"),
        signer=samples.author(),
        purpose=Purpose.AUTHOR,
        at=DTM("20261124083000"),
    )


def signed(content: bytes = LETTER, name: str = "2.25.1000.1", signer: Signer = SIGNER) -> bytes:
    document = Signed(name, hashlib.sha256(content).digest())
    return sign([document], signer, purpose=Purpose.AUTHOR, at=NOW, id="s")


def send(scene: Scene, *documents: tuple[DocumentEntry, bytes], **changes: Any) -> RegistryResponse:
    submission = samples.submission(*(entry for entry, _ in documents), **changes)
    request = ProvideAndRegisterRequest(
        submission,
        tuple(
            Document(entry.entry_uuid, Bytes(octets), MimeType("text/plain"))
            for entry, octets in documents
        ),
    )
    return iti41.handle(request, replace(scene.call, at=NOW), scene.repository)


def told(response: RegistryResponse) -> list[str]:
    return [each.context for each in response.errors]


def test_a_signature_that_is_right_is_kept_with_what_it_signs(scene: Scene, tmp_path: Path) -> None:
    scene.repository = replace(scene.repository, signatures=asking(tmp_path, demand="require"))
    first = letter()
    response = send(scene, (first, LETTER), (signature(2, first), signed()))
    assert response.ok, told(response)
    assert len(scene.registry.got) == 1


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (signed(b"another"), "is not the one that was signed"),
        (signed().replace(b"2.25.1000.1", b"2.25.1000.7"), "integrity"),
        (signed(signer=Authority("Test CA").signer()), "no path leads"),
        (b"<a/>", "ds:Signature was expected"),
        (b"x" * (4 * 1024**2 + 1), "not a signature document"),
    ],
    ids=["another-document", "altered", "untrusted", "none", "too-large"],
)
def test_a_signature_that_is_wrong_is_refused_and_nothing_is_kept(
    scene: Scene, tmp_path: Path, document: bytes, reason: str
) -> None:
    scene.repository = replace(scene.repository, signatures=asking(tmp_path))
    first = letter()
    response = send(scene, (first, LETTER), (signature(2, first), document))
    assert not response.ok
    (error,) = response.errors
    assert error.code == "InvalidDocumentContent"
    assert error.location == "DocumentEntry[Document02]"
    assert reason in error.context
    assert not scene.registry.got
    assert not list(scene.blobs.list())


def test_a_signature_of_what_was_kept_before_is_verified(scene: Scene, tmp_path: Path) -> None:
    scene.repository = replace(scene.repository, signatures=asking(tmp_path))
    first = letter()
    assert send(scene, (first, LETTER)).ok
    chosen = samples.submission_set(unique_id=OID("2.25.2000.2"))
    good = send(scene, (signature(2, first), signed()), submission_set=chosen)
    assert good.ok, told(good)
    again = samples.submission_set(unique_id=OID("2.25.2000.3"))
    bad = send(scene, (signature(3, first), signed(b"another")), submission_set=again)
    assert "is not the one that was signed" in told(bad)[0]


def test_a_signature_of_documents_elsewhere_is_taken(scene: Scene, tmp_path: Path) -> None:
    scene.repository = replace(scene.repository, signatures=asking(tmp_path))
    assert send(scene, (signature(2, letter()), signed(name="2.25.1000.99"))).ok


def test_a_source_that_has_to_sign_signs_everything(scene: Scene, tmp_path: Path) -> None:
    source = str(samples.submission_set().source_id)
    scene.repository = replace(
        scene.repository, signatures=asking(tmp_path, demand="off", sources={source: "require"})
    )
    first, second = letter(1), letter(3)
    response = send(scene, (first, LETTER), (second, b"more"), (signature(2, first), signed()))
    (error,) = response.errors
    assert error.location == "DocumentEntry[Document03]"
    assert "is signed by no valid signature" in error.context
    other = samples.submission_set(source_id=OID("2.25.4"))
    assert send(scene, (second, b"more"), submission_set=other).ok, "of others nothing is asked"


def test_without_the_setting_a_signature_is_a_document_like_any_other(scene: Scene) -> None:
    first = letter()
    assert send(scene, (first, LETTER), (signature(2, first), b"<a/>")).ok


def test_what_changes_in_the_files_counts_from_then_on(scene: Scene, tmp_path: Path) -> None:
    lists = tmp_path / "crl.pem"
    lists.write_bytes(AUTHORITY.revocations().public_bytes(Encoding.PEM))
    asked = asking(tmp_path, revocation_lists=(lists,))
    scene.repository = replace(scene.repository, signatures=asked)
    first = letter()
    assert send(scene, (first, LETTER), (signature(2, first), signed())).ok
    revoked = AUTHORITY.revocations(SIGNER.certificate)
    lists.write_bytes(revoked.public_bytes(Encoding.PEM))
    later = samples.submission_set(unique_id=OID("2.25.2000.2"))
    response = send(scene, (signature(3, first), signed()), submission_set=later)
    assert "was revoked" in told(response)[0]
    lists.write_text("half a list")
    again = samples.submission_set(unique_id=OID("2.25.2000.3"))
    response = send(scene, (signature(4, first), signed()), submission_set=again)
    assert "was revoked" in told(response)[0], "the last that could be read still counts"


def test_a_file_that_cannot_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "signers.pem"
    with pytest.raises(SettingsError, match=r"repository\.signatures: .*signers\.pem"):
        signatures(SignatureSettings(authorities=path))
    path.write_text("nothing")
    with pytest.raises(SettingsError, match="holds no certificate as PEM"):
        signatures(SignatureSettings(authorities=path))


def test_nothing_is_asked_by_default() -> None:
    assert signatures(None) is None
    assert {each.value for each in Demand} == {"off", "verify", "require"}
