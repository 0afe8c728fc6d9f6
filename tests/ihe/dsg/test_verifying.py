"""Document signatures: what is signed is what is verified, and nothing else passes."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from ihe.dsg.integrity import check
from ihe.dsg.signature import NotIntact
from ihe.dsg.signing import KeyUnusable, Signed, Signer, sign
from ihe.dsg.trust import Trust
from ihe.dsg.verifying import Check, Outcome, Policy, Report, verify
from ihe.dsg.vocabulary import DS, XADES, Digests, Purpose
from tests.pki import NOW, YEAR, Authority, rsa_key, time_stamper

xmlsec = pytest.importorskip("xmlsec", reason="the independent implementation is not installed")

DOCUMENTS = {"2.25.1000.1": b"Epikrise", "urn:uuid:5b0a6f0c-0000-4000-8000-000000000001": b"PDF"}
NS = {"ds": DS, "xades": XADES}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def signer(authority: Authority) -> Signer:
    return authority.signer()


def signed(who: Signer, **changes: Any) -> bytes:
    documents = [
        Signed(unique_id, hashlib.sha256(octets).digest())
        for unique_id, octets in changes.pop("documents", DOCUMENTS).items()
    ]
    given: dict[str, Any] = {"purpose": Purpose.AUTHOR, "at": NOW, "id": "signature-1"} | changes
    return sign(documents, who, **given)


def stored(unique_id: str, algorithm: Digests) -> bytes | None:
    """Return a digest as a repository does that has the documents."""
    octets = DOCUMENTS.get(unique_id)
    return None if octets is None else hashlib.new(algorithm.hashlib_name, octets).digest()


def judged(data: bytes, authority: Authority, **changes: Any) -> Report:
    now, received = changes.pop("now", NOW), changes.pop("received_at", None)
    digest = changes.pop("digest", stored)
    lists = changes.pop("revocation_lists", ())
    trust = Trust((authority.certificate,), revocation_lists=lists)
    policy = Policy(trust=changes.pop("trust", trust), **changes)
    return verify(data, digest, policy, now=now, received_at=received)


def failed(report: Report) -> dict[Check, str]:
    return {each.check: each.reason for each in report.failures}


# --- what is right -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(lambda: ec.generate_private_key(ec.SECP256R1()), id="P-256"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP384R1()), id="P-384"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP521R1()), id="P-521"),
        pytest.param(rsa_key, id="RSA"),
    ],
)
def test_what_is_signed_here_is_valid_here(authority: Authority, key: Callable[[], Any]) -> None:
    report = judged(signed(authority.signer(key=key())), authority)
    assert report.is_valid, report.findings
    assert report.signature is not None
    assert report.signature.unique_ids == tuple(DOCUMENTS)
    assert report.signature.purposes == (Purpose.AUTHOR,)
    assert report.signature.signed_at == NOW
    assert report.signature.policy == "urn:ihe:iti:dsg:detached:2014"


def test_a_signature_may_be_of_a_whole_submission_set(authority: Authority, signer: Signer) -> None:
    report = judged(signed(signer, submission_set="2.25.2000"), authority)
    assert report.is_valid
    assert report.signature is not None
    assert report.signature.submission_set == "2.25.2000"
    assert report.signature.unique_ids == tuple(DOCUMENTS)


def test_a_path_may_lead_over_other_authorities() -> None:
    root = Authority("Root")
    middle = Authority("Middle", issuer=root)
    assert judged(signed(middle.signer()), root).is_valid


def test_a_signer_may_be_trusted_by_name(signer: Signer, authority: Authority) -> None:
    report = judged(signed(signer), authority, trust=Trust((signer.certificate,)))
    assert report.is_valid


def test_some_documents_may_be_out_of_reach(authority: Authority, signer: Signer) -> None:
    report = judged(signed(signer), authority, digest=lambda *_: None)
    assert not report.is_valid
    assert {each.outcome for each in report.failures} == {Outcome.UNKNOWN}


def test_a_time_stamp_keeps_a_signature_valid_beyond_its_certificate(authority: Authority) -> None:
    short = authority.signer(to=NOW + timedelta(days=1))
    later = NOW + YEAR
    plain, stamped = (
        signed(short, time_stamp=stamp) for stamp in (None, time_stamper(authority, NOW))
    )
    anchors = (authority.certificate,)
    assert judged(stamped, authority, now=later, time_stampers=anchors).is_valid
    assert "is valid from" in failed(judged(plain, authority, now=later))[Check.SIGNER]
    assert judged(plain, authority, now=later, received_at=NOW).is_valid


def test_a_revocation_after_the_time_stamp_does_no_harm(
    authority: Authority, signer: Signer
) -> None:
    lists = (authority.revocations(signer.certificate, at=NOW + timedelta(days=5)),)
    data = signed(signer, time_stamp=time_stamper(authority, NOW))
    later = {"now": NOW + timedelta(days=10), "revocation_lists": lists}
    assert judged(data, authority, time_stampers=(authority.certificate,), **later).is_valid
    assert "was revoked" in failed(judged(signed(signer), authority, **later))[Check.REVOCATION]


# --- with an independent implementation ----------------------------------------------------------


def test_xmlsec_finds_a_signature_of_ours_right(signer: Signer) -> None:
    """It cannot fetch what References name; the value over SignedInfo is what it checks."""
    root = etree.fromstring(signed(signer))
    octets = etree.tostring(one(root, "ds:SignedInfo"), method="c14n", with_comments=True)
    value = root.findtext("ds:SignatureValue", "", NS)
    context = xmlsec.SignatureContext()
    pem = signer.certificate.public_bytes(Encoding.PEM)
    context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatCertPem)
    context.verify_binary(octets, xmlsec.constants.TransformEcdsaSha256, base64.b64decode(value))


def made_by_xmlsec(signer: Signer) -> bytes:
    """Return a signature document over the same parts, that xmlsec has signed."""
    root = etree.fromstring(signed(signer))
    one(root, "ds:SignatureValue").text = None
    info = one(root, "ds:SignedInfo")
    for reference in info.findall("ds:Reference", NS):
        if not reference.get("URI", "").startswith("#"):
            info.remove(reference)
    one(info, "ds:Reference/ds:DigestValue").text = None
    context = xmlsec.SignatureContext()
    pem = signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)
    xmlsec.tree.add_ids(root, ["Id"])
    context.sign(root)
    return etree.tostring(root)


def test_a_signature_of_xmlsec_is_intact_here(signer: Signer) -> None:
    signature = check(made_by_xmlsec(signer))
    assert signature.signed_at == NOW
    assert signature.signer == signer.certificate


def test_xmlsec_verifies_the_whole_of_a_signature_without_documents(signer: Signer) -> None:
    root = etree.fromstring(made_by_xmlsec(signer))
    xmlsec.tree.add_ids(root, ["Id"])
    context = xmlsec.SignatureContext()
    pem = signer.certificate.public_bytes(Encoding.PEM)
    context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatCertPem)
    context.verify(root)


# --- what is wrong -------------------------------------------------------------------------------


def changed(data: bytes, change: Callable[[etree._Element], None]) -> bytes:
    root = etree.fromstring(data)
    change(root)
    return etree.tostring(root)


def one(root: etree._Element, path: str) -> etree._Element:
    (found, *_) = root.findall(path, NS)
    return found


def again(root: etree._Element, path: str) -> None:
    element = one(root, path)
    element.addnext(etree.fromstring(etree.tostring(element)))


def set_text(path: str, text: str) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        one(root, path).text = text

    return change


def set_attribute(path: str, name: str, value: str) -> Callable[[etree._Element], None]:
    def change(root: etree._Element) -> None:
        one(root, path).set(name, value)

    return change


def comment_in_digest(root: etree._Element) -> None:
    value = one(root, ".//ds:DigestValue")
    half = len(value.text or "") // 2
    comment = etree.Comment("x")
    comment.tail = (value.text or "")[half:]
    value.text = (value.text or "")[:half]
    value.append(comment)


def wrapped(root: etree._Element) -> None:
    """Move the signed properties aside, and put others where they were."""
    properties = one(root, ".//xades:SignedProperties")
    forged = etree.fromstring(etree.tostring(properties))
    forged.set("Id", "forged")
    one(forged, ".//xades:SigningTime").text = "2020-01-01T00:00:00Z"
    properties.addnext(forged)
    etree.SubElement(root, f"{{{DS}}}Object").append(properties)


TAMPERED: dict[str, tuple[Callable[[etree._Element], None], str]] = {
    "a digest": (set_text(".//ds:DigestValue", "AAAA" * 10 + "AAA="), "verification failed"),
    "a document's name": (
        set_attribute("ds:SignedInfo/ds:Reference", "URI", "urn:oid:2.25.1000.2"),
        "verification failed",
    ),
    "the signing time": (
        set_text(".//xades:SigningTime", "2020-01-01T00:00:00Z"), "Digest mismatch"
    ),
    "the purpose": (
        set_text(".//xades:CommitmentTypeId/xades:Identifier", Purpose.REVIEW), "Digest mismatch"
    ),
    "the signature value": (set_text("ds:SignatureValue", "AAAA"), "SignatureValue"),
    "a second SignedInfo": (lambda root: again(root, "ds:SignedInfo"), "2 ds:SignedInfo"),
    "a second SignatureValue": (lambda root: again(root, "ds:SignatureValue"), "2 ds:Signature"),
    "a second KeyInfo": (lambda root: again(root, "ds:KeyInfo"), "2 ds:KeyInfo"),
    "second properties": (
        lambda root: again(root, ".//xades:SignedProperties"), "ids are those of more than one"
    ),
    "properties wrapped": (wrapped, "2 xades:SignedProperties"),
    "a comment in a digest": (comment_in_digest, "a comment"),
    "one id twice": (
        set_attribute("ds:KeyInfo", "Id", "signature-1-properties"), "ids are those of more"
    ),
    "another's id in capitals": (
        set_attribute("ds:KeyInfo", "ID", "signature-1-properties"), "ids are those of more"
    ),
    "an HMAC": (
        set_attribute(
            ".//ds:SignatureMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"
        ),
        "forbidden",
    ),
    "a weak method": (
        set_attribute(
            ".//ds:SignatureMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
        ),
        "forbidden",
    ),
    "a Reference to everything": (
        set_attribute("ds:SignedInfo/ds:Reference", "URI", ""), "verification failed"
    ),
    "another root": (lambda root: setattr(root, "tag", f"{{{DS}}}Object"), "ds:Signature was"),
}  # fmt: skip  # a table


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_tampered_with_is_not_intact(
    signer: Signer, authority: Authority, name: str
) -> None:
    change, told = TAMPERED[name]
    report = judged(changed(signed(signer), change), authority)
    assert report.signature is None
    (finding,) = report.findings
    assert (finding.check, finding.outcome) == (Check.INTEGRITY, Outcome.FAILED)
    assert told in finding.reason


@pytest.mark.parametrize(
    "data", [b"", b"<a/>", b"%PDF-1.7", b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'], ids=str
)
def test_what_is_no_signature_document_is_told(data: bytes) -> None:
    with pytest.raises(NotIntact):
        check(data)


def test_a_key_that_came_along_is_not_believed(authority: Authority, signer: Signer) -> None:
    """Whoever signs with another key puts another certificate in, which nobody has issued."""
    mallory = Authority("Test CA").signer()
    reason = failed(judged(signed(mallory), authority))[Check.SIGNER]
    assert "no path leads from" in reason


def test_an_altered_document_is_told(authority: Authority, signer: Signer) -> None:
    report = judged(signed(signer), authority, digest=lambda *_: b"\0" * 32)
    assert all("is not the one that was signed" in each.reason for each in report.failures)
    assert [each.unique_id for each in report.failures] == list(DOCUMENTS)


def test_a_signature_of_other_documents_says_nothing_of_these(
    authority: Authority, signer: Signer
) -> None:
    report = judged(signed(signer, documents={"2.25.1000.9": b"x"}), authority)
    assert [each.reason for each in report.failures] == ["the document is not at hand"]


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], Check, str]] = {
    "expired": ({"to": NOW - timedelta(days=1)}, {}, Check.SIGNER, "is valid from"),
    "not yet valid": ({"from_": NOW + timedelta(days=1)}, {}, Check.SIGNER, "is valid from"),
    "an authority's usage": ({"usage": "key_agreement"}, {}, Check.SIGNER, "no path leads"),
    "signed tomorrow": ({}, {"at": NOW + timedelta(days=1)}, Check.TIME, "later than"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_signer_or_time_is_told(authority: Authority, name: str) -> None:
    of_signer, of_signature, check_, told = BAD[name]
    report = judged(signed(authority.signer(**of_signer), **of_signature), authority)
    assert told in failed(report)[check_]


def test_an_expired_certificate_stays_so_when_the_stamp_came_too_late(
    authority: Authority,
) -> None:
    who = authority.signer(to=NOW)
    stamp = time_stamper(authority, NOW + timedelta(days=30))
    report = judged(
        signed(who, time_stamp=stamp),
        authority,
        now=NOW + timedelta(days=60),
        time_stampers=(authority.certificate,),
    )
    assert "is valid from" in failed(report)[Check.SIGNER]


def test_a_revoked_certificate_is_told_with_the_reason(
    authority: Authority, signer: Signer
) -> None:
    lists = (authority.revocations(signer.certificate),)
    reason = failed(judged(signed(signer), authority, revocation_lists=lists))[Check.REVOCATION]
    assert "was revoked" in reason
    assert "keyCompromise" in reason


def test_a_revocation_list_may_come_with_the_signature(
    authority: Authority, signer: Signer
) -> None:
    data = signed(signer, revocation_lists=[authority.revocations()])
    assert judged(data, authority, needs_revocation=True).is_valid
    none = failed(judged(signed(signer), authority, needs_revocation=True))
    assert "no current revocation list" in none[Check.REVOCATION]


def test_what_nobody_knows_of_a_revocation_stays_unknown(
    authority: Authority, signer: Signer
) -> None:
    report = judged(signed(signer), authority)
    (finding,) = [each for each in report.findings if each.check is Check.REVOCATION]
    assert finding.outcome is Outcome.UNKNOWN
    assert report.is_valid, "unless the policy asks for it"


def test_a_revocation_list_of_somebody_else_does_not_count(
    authority: Authority, signer: Signer
) -> None:
    forged = Authority("Test CA").revocations()
    data = signed(signer, revocation_lists=[forged])
    report = judged(data, authority, needs_revocation=True)
    assert "no current revocation list" in failed(report)[Check.REVOCATION]


def test_a_time_stamp_of_something_else_is_told(authority: Authority, signer: Signer) -> None:
    stamp = time_stamper(authority, NOW)
    data = signed(signer, time_stamp=lambda _: stamp(b"something else"))
    report = judged(data, authority, time_stampers=(authority.certificate,))
    assert "of something else" in failed(report)[Check.TIME_STAMP]


def test_a_time_stamp_of_nobody_known_is_told(authority: Authority, signer: Signer) -> None:
    data = signed(signer, time_stamp=time_stamper(Authority("Test CA"), NOW))
    report = judged(data, authority, time_stampers=(authority.certificate,))
    assert Check.TIME_STAMP in failed(report)


def test_a_purpose_that_is_not_accepted_is_told(authority: Authority, signer: Signer) -> None:
    accepted = frozenset({Purpose.VERIFICATION.value})
    report = judged(signed(signer), authority, purposes=accepted)
    assert "is none that is accepted" in failed(report)[Check.PURPOSE]


# --- making one ----------------------------------------------------------------------------------


def test_a_key_of_another_certificate_does_not_sign(authority: Authority, signer: Signer) -> None:
    with pytest.raises(KeyUnusable, match="not that of the certificate"):
        replace(signer, certificate=authority.certificate)


def test_a_document_is_signed_once_or_not_at_all(signer: Signer) -> None:
    twice = [Signed("1.2", b"\0" * 32)] * 2
    for documents in ([], twice):
        with pytest.raises(ValueError, match="a uniqueId of its own"):
            sign(documents, signer, purpose=Purpose.AUTHOR, at=NOW, id="s")
