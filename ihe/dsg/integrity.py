"""Is a signature document what its signer signed? The door to signxml.

What is checked before anything is believed: exactly one of each part, where it belongs, no second
element with the same id, no comment that could split a value. Then signxml checks the signature
value with the certificate that the signed properties name, and the digest of everything inside the
document. Values are read from the canonical octets that were checked, never from the tree that
came (ITI TF-3 5.5.4; "see what is signed").

References to documents are not looked up here or anywhere: their digests are handed on.
"""

import base64
import binascii
import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from lxml.etree import _Element
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidInput, SignXMLException
from signxml.verifier import VerifyResult
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from ihe.dsg.signature import DocumentReference, NotIntact, Signature, TimeStamp
from ihe.dsg.vocabulary import DS, MANIFEST, SIGNED_PROPERTIES, WHOLE_SET, XADES, Digests
from ihe.errors import HubError
from ihe.xml import parse

_NS: Final = {"ds": DS, "xades": XADES}
_ID_NAMES: Final = ("Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")

_METHODS: Final = frozenset(
    method
    for method in SignatureMethod
    if method.name.startswith(("RSA_", "ECDSA_", "SHA")) and "SHA1" not in method.name
)
"""RSA and ECDSA over SHA-2 and SHA-3: no HMAC, whose key would be whatever the sender likes."""
_DIGESTS: Final = frozenset(DigestAlgorithm(each) for each in Digests)

_DER: Final = Encoding.DER
_SIGNED_PROPERTIES: Final = f"{{{XADES}}}SignedProperties"

MOST_REFERENCES: Final = 10_000
"""Documents of one signature; a submission has room for fewer."""


def check(data: bytes) -> Signature:
    """Return the signature that a document is, after everything inside it was found true.

    Raises
    ------
    NotIntact
        It is no signature document, or was altered, or made with an algorithm that proves nothing.
    """
    try:
        parse(data)  # size, depth, document type declarations
        root: _Element = _Verifier().get_root(data)  # type: ignore[no-untyped-call]  # signxml's
    except (HubError, SignXMLException, etree.XMLSyntaxError) as problem:
        raise NotIntact(f"not a signature document: {problem}") from None
    properties = _check_shape(root)
    certificates = _certificates(root.find("ds:KeyInfo", _NS), "ds:X509Data/ds:X509Certificate")
    signer = _signer(properties, certificates)
    verifier = _Verifier()
    signed = verifier.signed_properties(root, signer)
    references = tuple(_documents(verifier.references))
    if len({each.unique_id for each in references}) != len(references):
        raise NotIntact("two References name the same document")
    return Signature(
        documents=tuple(each for each in references if each.digest),
        submission_set=_whole_set(references),
        signed_at=_signing_time(signed),
        purposes=tuple(_texts(signed, ".//xades:CommitmentTypeId/xades:Identifier")),
        policy=next(_texts(signed, ".//xades:SigPolicyId/xades:Identifier"), None),
        signer=signer,
        certificates=certificates + _unsigned_certificates(root),
        revocation_lists=tuple(_revocation_lists(root)),
        time_stamps=tuple(_time_stamps(root)),
    )


# --- shape ---------------------------------------------------------------------------------------


def _check_shape(root: _Element) -> _Element:
    """Refuse whatever could make two readers see two signatures; return SignedProperties."""
    if root.tag != f"{{{DS}}}Signature":
        raise NotIntact(f"the root element is {_name(root)}, ds:Signature was expected")
    if next(root.iter(etree.Comment, etree.ProcessingInstruction), None) is not None:
        raise NotIntact("it holds a comment or a processing instruction")
    for name in ("SignedInfo", "SignatureValue", "KeyInfo"):
        if (count := len(root.findall(f".//ds:{name}", _NS)) - _countersigned(root, name)) != 1:
            raise NotIntact(f"{count} ds:{name} were found, exactly one is expected")
        if root.find(f"ds:{name}", _NS) is None:
            raise NotIntact(f"ds:{name} is not a child of ds:Signature")
    ids = Counter(
        each.attrib[name] for each in root.iter("*") for name in _ID_NAMES if name in each.attrib
    )
    if twice := [found for found, count in ids.items() if count > 1]:
        raise NotIntact(f"{len(twice)} ids are those of more than one element")
    references = root.findall("ds:SignedInfo/ds:Reference", _NS)
    if len(references) > MOST_REFERENCES:
        raise NotIntact(f"{len(references)} References, at most {MOST_REFERENCES} are accepted")
    return _one_signed_properties(root, references)


def _countersigned(root: _Element, name: str) -> int:
    """Return how many of them stand in counter-signatures, which are not looked at."""
    return len(root.findall(f".//xades:UnsignedProperties//ds:{name}", _NS))


def _one_signed_properties(root: _Element, references: list[_Element]) -> _Element:
    found = root.findall(".//xades:SignedProperties", _NS)
    path = "ds:Object/xades:QualifyingProperties/xades:SignedProperties"
    placed = root.findall(path, _NS)
    if len(found) != 1 or len(placed) != 1:
        raise NotIntact(f"{len(found)} xades:SignedProperties, one is expected in {path}")
    named = [each.get("URI") for each in references if each.get("Type") == SIGNED_PROPERTIES]
    if named != [f"#{placed[0].get('Id')}"]:
        raise NotIntact("no Reference, or more than one, covers xades:SignedProperties")
    return placed[0]


def _name(element: _Element) -> str:
    return f"'{etree.QName(element).localname[:60]}'"


# --- who -----------------------------------------------------------------------------------------


def _certificates(parent: _Element | None, path: str) -> tuple[x509.Certificate, ...]:
    found = parent.findall(path, _NS) if parent is not None else []
    return tuple(_certificate(each) for each in found)


def _certificate(element: _Element) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(_octets(element))
    except ValueError:
        raise NotIntact(f"{_name(element)} holds no X.509 certificate") from None


def _signer(properties: _Element, certificates: tuple[x509.Certificate, ...]) -> x509.Certificate:
    """Return the certificate whose digest the properties name; signxml checks that they do."""
    named = properties.find(".//xades:Cert/xades:CertDigest", _NS)
    if named is None:
        raise NotIntact("the signed properties name no certificate")
    algorithm, expected = _digest_of(named)
    for certificate in certificates:
        der = certificate.public_bytes(_DER)
        if hashlib.new(algorithm.hashlib_name, der, usedforsecurity=False).digest() == expected:
            return certificate
    raise NotIntact("KeyInfo does not hold the certificate that the signed properties name")


def _unsigned_certificates(root: _Element) -> tuple[x509.Certificate, ...]:
    return _certificates(
        root,
        ".//xades:UnsignedProperties//xades:CertificateValues/xades:EncapsulatedX509Certificate",
    )


def _revocation_lists(root: _Element) -> Iterator[x509.CertificateRevocationList]:
    for each in root.findall(".//xades:UnsignedProperties//xades:EncapsulatedCRLValue", _NS):
        try:
            yield x509.load_der_x509_crl(_octets(each))
        except ValueError:
            raise NotIntact("EncapsulatedCRLValue holds no revocation list") from None


def _time_stamps(root: _Element) -> Iterator[TimeStamp]:
    (value,) = root.findall("ds:SignatureValue", _NS)
    for each in root.findall(
        "ds:Object/xades:QualifyingProperties/xades:UnsignedProperties"
        "/xades:UnsignedSignatureProperties/xades:SignatureTimeStamp",
        _NS,
    ):
        method = each.find("ds:CanonicalizationMethod", _NS)
        algorithm = method.get("Algorithm", "") if method is not None else ""
        stamped = etree.tostring(value, method="c14n", exclusive="xml-exc-c14n" in algorithm)
        for token in each.findall("xades:EncapsulatedTimeStamp", _NS):
            yield TimeStamp(_octets(token), stamped)


# --- what ----------------------------------------------------------------------------------------


class _Verifier(XAdESVerifier):
    """signxml's verifier, which hands References to documents on instead of looking them up."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[_Element] = []

    def signed_properties(self, root: _Element, signer: x509.Certificate) -> _Element:
        """Check the signature; return SignedProperties as they were signed."""
        try:
            results = self.verify(
                root,
                x509_cert=signer,
                validate_schema=False,  # the digest `0` of a SubmissionSet is no base64
                expect_config=XAdESSignatureConfiguration(
                    location="./",
                    expect_references=True,  # any number
                    signature_methods=_METHODS,
                    digest_algorithms=_DIGESTS,
                    verification_time=signer.not_valid_before_utc,  # `ihe.dsg.trust` asks when
                ),
            )
        except (SignXMLException, ValueError, KeyError) as problem:
            raise NotIntact(_reason(problem)) from None
        (signed,) = (
            each.signed_xml
            for each in results
            if each.signed_xml is not None and each.signed_xml.tag == _SIGNED_PROPERTIES
        )
        return signed

    def _verify_reference(self, reference: _Element, *others: Any) -> VerifyResult:
        """Take a Reference to a document as it is; `others` are what signxml passes on."""
        uri = reference.get("URI")
        if not uri:
            raise InvalidInput("a Reference has no URI, or one for the whole document")
        if not uri.startswith("#"):
            self.references.append(reference)
            signature = others[4]
            return VerifyResult(b"", None, signature, b"")
        result = super()._verify_reference(reference, *others)  # type: ignore[no-untyped-call]  # signxml's
        if reference.get("Type") == MANIFEST and result.signed_xml is not None:
            self.references += result.signed_xml.iterfind(".//ds:Reference", _NS)
        return cast("VerifyResult", result)


def _documents(references: list[_Element]) -> Iterator[DocumentReference]:
    for each in references:
        uri = each.get("URI") or ""
        if not uri or uri.startswith("#"):
            raise NotIntact("a Reference of the manifest names no document")
        text = "".join(each.findtext("ds:DigestValue", "", _NS).split())
        transforms = [one.get("Algorithm", "") for one in each.iterfind(".//ds:Transform", _NS)]
        if text == WHOLE_SET:
            yield DocumentReference(uri, "", b"")
            continue
        algorithm, digest = _digest_of(each)
        yield DocumentReference(uri, algorithm.value, digest, tuple(transforms))


def _whole_set(references: tuple[DocumentReference, ...]) -> str | None:
    sets = [each.unique_id for each in references if not each.digest]
    if len(sets) > 1:
        raise NotIntact(f"{len(sets)} SubmissionSets are signed, at most one is expected")
    return sets[0] if sets else None


def _digest_of(parent: _Element) -> tuple[Digests, bytes]:
    method = parent.find("ds:DigestMethod", _NS)
    value = parent.find("ds:DigestValue", _NS)
    if method is None or value is None:
        raise NotIntact("a digest lacks its method or value")
    try:
        algorithm = Digests(method.get("Algorithm", ""))
    except ValueError:
        raise NotIntact(
            f"the digest algorithm '{method.get('Algorithm', '')[:80]}' is not accepted"
        ) from None
    digest = _octets(value)
    if len(digest) != hashlib.new(algorithm.hashlib_name, usedforsecurity=False).digest_size:
        raise NotIntact(f"a {algorithm.name} digest has {len(digest)} octets")
    return algorithm, digest


def _signing_time(properties: _Element) -> datetime | None:
    text = next(_texts(properties, ".//xades:SigningTime"), None)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NotIntact("SigningTime is no xs:dateTime") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _texts(parent: _Element, path: str) -> Iterator[str]:
    for each in parent.iterfind(path, _NS):
        if text := (each.text or "").strip():
            yield text.removeprefix("urn:oid:") if each.get("Qualifier") == "OIDAsURN" else text


def _octets(element: _Element) -> bytes:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise NotIntact(f"{_name(element)} is no base64") from None


def _reason(problem: Any) -> str:
    text = " ".join(str(problem).split())
    return text[:300] or type(problem).__name__
