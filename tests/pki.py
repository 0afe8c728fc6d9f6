"""Authorities, signers and a time-stamp authority, with keys made for each test run."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ihe.dsg.signing import PrivateKey, Signer, Stamp

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
YEAR = timedelta(days=365)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@dataclass
class Authority:
    """A certificate authority."""

    title: str = "Test CA"
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    issuer: "Authority | None" = None
    from_: datetime = NOW - 2 * YEAR
    to: datetime = NOW + 5 * YEAR

    def __post_init__(self) -> None:
        self.certificate = self._made(self.key, self.title, ca=True)

    def signer(
        self,
        title: str = "Dr. Kari Nordmann",
        *,
        key: PrivateKey | None = None,
        from_: datetime = NOW - YEAR,
        to: datetime = NOW + YEAR,
        **extensions: Any,
    ) -> Signer:
        """Return somebody to whom the authority has issued a certificate."""
        own: PrivateKey = key or ec.generate_private_key(ec.SECP256R1())
        by = self.certificate
        certificate = issued(own, title, self.key, by, from_=from_, to=to, **extensions)
        return Signer(own, certificate, (by,) if self.issuer else ())

    def revocations(
        self,
        *revoked: x509.Certificate,
        at: datetime = NOW - timedelta(days=30),
        until: datetime = NOW + timedelta(days=30),
    ) -> x509.CertificateRevocationList:
        """Return the authority's list, with these in it."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(at)
            .next_update(until)
        )
        for each in revoked:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(each.serial_number)
                .revocation_date(at)
                .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
                .build()
            )
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.key, hashes.SHA256())

    def _made(self, key: PrivateKey, title: str, *, ca: bool) -> x509.Certificate:
        signing = self.issuer.key if self.issuer else self.key
        by = self.issuer.certificate if self.issuer else None
        return issued(key, title, signing, by, from_=self.from_, to=self.to, ca=ca)


def issued(
    key: PrivateKey,
    title: str,
    signing: PrivateKey,
    by: x509.Certificate | None,
    *,
    from_: datetime,
    to: datetime,
    ca: bool = False,
    usage: str = "digital_signature",
    stamps: bool = False,
) -> x509.Certificate:
    """Return a certificate for a key."""
    flags = dict.fromkeys(
        (
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
            *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    flags |= {"key_cert_sign": True, "crl_sign": True} if ca else {usage: True}
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(title))
        .issuer_name(by.subject if by else name(title))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(from_)
        .not_valid_after(to)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**flags), critical=True)
    )
    if stamps:
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usages, critical=True)
    return builder.sign(signing, hashes.SHA256())


def time_stamper(authority: Authority, at: datetime) -> Stamp:
    """Return a time-stamp authority (RFC 3161) whose clock says `at`."""
    key = rsa_key()
    certificate = issued(
        key,
        "Test TSA",
        authority.key,
        authority.certificate,
        from_=NOW - 2 * YEAR,
        to=NOW + 5 * YEAR,
        stamps=True,
    )
    return lambda octets: _token(octets, at, key, certificate)


def _token(
    octets: bytes, at: datetime, key: rsa.RSAPrivateKey, certificate: x509.Certificate
) -> bytes:
    sha256 = algos.DigestAlgorithm({"algorithm": "sha256"})
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.2.3.4.1",
            "message_imprint": tsp.MessageImprint(
                {"hash_algorithm": sha256, "hashed_message": hashlib.sha256(octets).digest()}
            ),
            "serial_number": 1,
            "gen_time": at,
        }
    )
    der = certificate.public_bytes(Encoding.DER)
    own = asn1_x509.Certificate.load(der)
    attributes = cms.CMSAttributes(
        [
            _attribute("content_type", "tst_info"),
            _attribute("message_digest", hashlib.sha256(info.dump()).digest()),
            _attribute(
                "signing_certificate_v2",
                tsp.SigningCertificateV2(
                    {"certs": [tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(der).digest()})]}
                ),
            ),
        ]
    )
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {
                    "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                        {"issuer": own.issuer, "serial_number": own.serial_number}
                    )
                }
            ),
            "digest_algorithm": sha256,
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_rsa"},
            "signature": key.sign(attributes.dump(), padding.PKCS1v15(), hashes.SHA256()),
        }
    )
    signed = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [sha256],
            "encap_content_info": {
                "content_type": "tst_info",
                "content": core.ParsableOctetString(info.dump()),
            },
            "certificates": [own],
            "signer_infos": [signer],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def _attribute(kind: str, value: Any) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})
