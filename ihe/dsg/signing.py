"""Make a signature document (ITI TF-3 5.5.2: detached, XAdES, SHA-256).

The structure is ours, since no signature library makes References to documents that it does not
hold; what is computed over it is a canonical form, a hash and one call of the key.

References
----------
ETSI EN 319 132-1 (XAdES baseline: B, with `time_stamp` T, with certificates and lists LT).
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from lxml.etree import _Element

from ihe.dsg.signature import uri_of
from ihe.dsg.vocabulary import (
    C14N_PROPERTIES,
    C14N_SIGNED_INFO,
    DETACHED,
    DS,
    SIGNED_PROPERTIES,
    WHOLE_SET,
    XADES,
    Digests,
    Purpose,
)
from ihe.errors import HubError

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_CURVES: Final[dict[int, hashes.HashAlgorithm]] = {
    256: hashes.SHA256(),
    384: hashes.SHA384(),
    521: hashes.SHA512(),
}


class KeyUnusable(HubError):
    """A key or certificate cannot sign documents; the message says why."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: a key, its certificate, and the authorities between it and a trusted one.

    Raises
    ------
    KeyUnusable
        The key is not the certificate's, or neither RSA nor ECDSA on a NIST curve.
    """

    key: PrivateKey
    certificate: x509.Certificate
    intermediates: tuple[x509.Certificate, ...] = ()

    def __post_init__(self) -> None:
        if self.certificate.public_key() != self.key.public_key():
            raise KeyUnusable("the key is not that of the certificate")
        if isinstance(self.key, ec.EllipticCurvePrivateKey) and self.key.key_size not in _CURVES:
            raise KeyUnusable(f"the curve {self.key.curve.name} cannot sign XML; use P-256")

    @property
    def method(self) -> str:
        """URI of the signature method that goes with the key."""
        kind = "rsa" if isinstance(self.key, rsa.RSAPrivateKey) else "ecdsa"
        return f"{_MORE}{kind}-{self._hash.name}"

    def sign(self, octets: bytes) -> bytes:
        """Return the signature value of the octets, in the form of XML Signature (r | s for EC)."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(octets, padding.PKCS1v15(), self._hash)
        r, s = utils.decode_dss_signature(self.key.sign(octets, ec.ECDSA(self._hash)))
        length = (self.key.key_size + 7) // 8
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")

    @property
    def _hash(self) -> hashes.HashAlgorithm:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return hashes.SHA256()
        return _CURVES[self.key.key_size]


@dataclass(frozen=True, slots=True)
class Signed:
    """A document that is to be signed: its uniqueId and the SHA-256 of its octets."""

    unique_id: str
    sha256: bytes


Stamp: TypeAlias = Callable[[bytes], bytes]
"""Return a time-stamp token (DER, RFC 3161) over some octets; asks a time-stamp authority."""


def sign(
    documents: Sequence[Signed],
    signer: Signer,
    *,
    purpose: Purpose,
    at: datetime,
    id: str,
    submission_set: str | None = None,
    time_stamp: Stamp | None = None,
    revocation_lists: Sequence[x509.CertificateRevocationList] = (),
) -> bytes:
    """Return a signature document over other documents, in UTF-8.

    Parameters
    ----------
    documents
        What is signed, 1..*.
    at
        SigningTime, with its zone.
    id
        What the ids inside the document begin with; an XML name of no other signature.
    submission_set
        uniqueId of the SubmissionSet that the documents make up, to sign that they are all of it.
    revocation_lists
        What is known of revoked certificates, to be kept with the signature for later.

    Raises
    ------
    ValueError
        No document, or two with the same uniqueId.
    """
    if not documents or len({each.unique_id for each in documents}) != len(documents):
        raise ValueError("one document or more is needed, each with a uniqueId of its own")
    root = etree.Element(f"{{{DS}}}Signature", {"Id": id}, {"ds": DS, "xades": XADES})
    info = _ds(root, "SignedInfo")
    _ds(info, "CanonicalizationMethod", Algorithm=C14N_SIGNED_INFO)
    _ds(info, "SignatureMethod", Algorithm=signer.method)
    value = _ds(root, "SignatureValue")
    value.set("Id", f"{id}-value")
    data = _ds(_ds(root, "KeyInfo"), "X509Data")
    for each in (signer.certificate, *signer.intermediates):
        _ds(data, "X509Certificate", _base64(each.public_bytes(Encoding.DER)))
    for number, document in enumerate(documents):
        _reference(info, uri_of(document.unique_id), _base64(document.sha256), f"{id}-{number}")
    if submission_set is not None:
        _reference(info, uri_of(submission_set), WHOLE_SET, f"{id}-set")
    qualifying = _xades(_ds(root, "Object"), "QualifyingProperties", Target=f"#{id}")
    properties = _properties(qualifying, id, signer.certificate, purpose, at)
    _sign_properties(info, properties)
    value.text = _base64(signer.sign(etree.tostring(info, method="c14n", with_comments=True)))
    if time_stamp is not None or revocation_lists:
        _unsigned(qualifying, value, signer, time_stamp, revocation_lists)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _reference(info: _Element, uri: str, digest: str, id: str) -> None:
    reference = _ds(info, "Reference", Id=id, URI=uri)
    _ds(reference, "DigestMethod", Algorithm=Digests.SHA256)
    _ds(reference, "DigestValue", digest)


def _properties(
    qualifying: _Element, id: str, certificate: x509.Certificate, purpose: Purpose, at: datetime
) -> _Element:
    """Add what the signer says of the signature (EN 319 132-1 5.2)."""
    properties = _xades(qualifying, "SignedProperties", Id=f"{id}-properties")
    signature = _xades(properties, "SignedSignatureProperties")
    _xades(signature, "SigningTime", at.isoformat(timespec="seconds").replace("+00:00", "Z"))
    digest = _xades(_xades(_xades(signature, "SigningCertificateV2"), "Cert"), "CertDigest")
    _ds(digest, "DigestMethod", Algorithm=Digests.SHA256)
    _ds(digest, "DigestValue", _base64(certificate.fingerprint(hashes.SHA256())))
    policy = _xades(_xades(signature, "SignaturePolicyIdentifier"), "SignaturePolicyId")
    _xades(_xades(policy, "SigPolicyId"), "Identifier", DETACHED)
    hashed = _xades(policy, "SigPolicyHash")
    _ds(hashed, "DigestMethod", Algorithm=Digests.SHA256)
    _ds(hashed, "DigestValue", _base64(hashlib.sha256(DETACHED.encode()).digest()))
    documents = _xades(properties, "SignedDataObjectProperties")
    commitment = _xades(documents, "CommitmentTypeIndication")
    kind = _xades(commitment, "CommitmentTypeId")
    _xades(kind, "Identifier", f"urn:oid:{purpose}", Qualifier="OIDAsURN")
    _xades(kind, "Description", purpose.display)
    _xades(commitment, "AllSignedDataObjects")
    return properties


def _sign_properties(info: _Element, properties: _Element) -> None:
    uri = f"#{properties.get('Id')}"
    reference = _ds(info, "Reference", URI=uri, Type=SIGNED_PROPERTIES)
    _ds(_ds(reference, "Transforms"), "Transform", Algorithm=C14N_PROPERTIES)
    _ds(reference, "DigestMethod", Algorithm=Digests.SHA256)
    octets = etree.tostring(properties, method="c14n", with_comments=False)
    _ds(reference, "DigestValue", _base64(hashlib.sha256(octets).digest()))


def _unsigned(
    qualifying: _Element,
    value: _Element,
    signer: Signer,
    time_stamp: Stamp | None,
    revocation_lists: Sequence[x509.CertificateRevocationList],
) -> None:
    """Add what makes the signature verifiable for longer (EN 319 132-1 5.3, 5.4)."""
    unsigned = _xades(_xades(qualifying, "UnsignedProperties"), "UnsignedSignatureProperties")
    if time_stamp is not None:
        stamp = _xades(unsigned, "SignatureTimeStamp")
        _ds(stamp, "CanonicalizationMethod", Algorithm=C14N_PROPERTIES)
        token = time_stamp(etree.tostring(value, method="c14n", with_comments=False))
        _xades(stamp, "EncapsulatedTimeStamp", _base64(token))
    if signer.intermediates:
        certificates = _xades(unsigned, "CertificateValues")
        for each in signer.intermediates:
            der = each.public_bytes(Encoding.DER)
            _xades(certificates, "EncapsulatedX509Certificate", _base64(der))
    if revocation_lists:
        lists = _xades(_xades(unsigned, "RevocationValues"), "CRLValues")
        for known in revocation_lists:
            _xades(lists, "EncapsulatedCRLValue", _base64(known.public_bytes(Encoding.DER)))


def _ds(parent: _Element, name: str, text: str | None = None, **attributes: str) -> _Element:
    return _child(parent, f"{{{DS}}}{name}", text, attributes)


def _xades(parent: _Element, name: str, text: str | None = None, **attributes: str) -> _Element:
    return _child(parent, f"{{{XADES}}}{name}", text, attributes)


def _child(parent: _Element, tag: str, text: str | None, attributes: dict[str, str]) -> _Element:
    element = etree.SubElement(parent, tag, attributes)
    element.text = text
    return element


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
