"""A certificate authority for development and demonstration, and the certificates it issues.

```text
felles-data/certs/
  ca.pem  ca.key        the authority
  ca.crl                what it has revoked
  registry.pem  .key    one leaf for each actor, good as server and as client
  client.pem  .key      one for whoever uses the command
```

Keys are made at run time, stay in the folder (readable by their owner alone), and are no secrets of
anybody but this machine. A production hub gets its certificates from its own authority and needs
nothing of this.

References
----------
ITI TF-2 3.19 (Authenticate Node); RFC 5280 (X.509 profile).
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS: Final = 3650
LEAF_DAYS: Final = 730
"""ITI TF-2 3.19 recommends two years at the most."""
CRL_DAYS: Final = 30
_CLOCK_SKEW: Final = timedelta(minutes=5)


class CertificateProblem(Exception):
    """A certificate or key cannot be used; the message names the file and why."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where a certificate and its key are."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Summary:
    """What people want to know of a certificate.

    `fingerprint` is the SHA-256 of its DER, lower-case hex; `expires` is in UTC.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    fingerprint: str
    expires: datetime


def files(folder: Path, name: str) -> Files:
    """Return where the certificate and key called `name` are, whether they exist or not."""
    return Files(folder / f"{name}.pem", folder / f"{name}.key")


def create_authority(folder: Path, name: str, *, at: datetime) -> Files:
    """Make the authority of `folder`, unless there is one; return its files.

    Parameters
    ----------
    name
        Common name of the authority.
    at
        The time, UTC.
    """
    where = files(folder, "ca")
    if where.certificate.is_file() and where.key.is_file():
        return where
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - _CLOCK_SKEW)
        .not_valid_after(at + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(where, certificate, key)
    write_revocations(folder, (), at=at)
    return where


_NAME: Final = re.compile(r"[^/\\\x00-\x1f]{1,64}")
"""X.520 has room for 64 characters in a common name."""


def issue(
    folder: Path,
    name: str,
    *,
    hosts: Sequence[str] = ("localhost", "127.0.0.1", "::1"),
    organisation: str = "",
    at: datetime,
    days: int = LEAF_DAYS,
) -> Files:
    """Issue a certificate called `name`, unless there is a good one; return its files.

    One that the authority did not issue, that has expired or is for other hosts, is made anew with
    a new key.

    Parameters
    ----------
    hosts
        DNS names and IP addresses that its server is called by.
    organisation
        Whose it is; part of the subject.
    at
        The time, UTC.
    days
        How long it is good for.

    Raises
    ------
    CertificateProblem
        The folder has no authority, the name is not one of a file in it and a common name, or a
        host is none.
    """
    if name == "ca" or not _NAME.fullmatch(name):
        raise CertificateProblem(
            f"'{name}' cannot be a certificate's name: expected 1 to 64 characters without"
            " slashes, other than the authority's 'ca'"
        )
    where = files(folder, name)
    authority, authority_key = _load_authority(folder)
    if where.certificate.is_file() and where.key.is_file():
        present = _load_certificate(where.certificate)
        good = present.issuer == authority.subject and present.not_valid_after_utc > at
        if good and _hosts_of(present) == _names(hosts):
            return where
    key = ec.generate_private_key(ec.SECP256R1())
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organisation:
        subject.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - _CLOCK_SKEW)
        .not_valid_after(min(at + timedelta(days=days), authority.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            critical=False,
        )
        .add_extension(x509.SubjectAlternativeName(_names(hosts)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    _write(where, certificate, key)
    return where


def write_revocations(folder: Path, serials: Iterable[int], *, at: datetime) -> Path:
    """Write the revocation list of the folder's authority, with these serial numbers in it."""
    authority, key = _load_authority(folder)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(at - _CLOCK_SKEW)
        .next_update(at + timedelta(days=CRL_DAYS))
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
    )
    for serial in sorted(set(serials)):
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
        builder = builder.add_revoked_certificate(revoked.build())
    path = folder / "ca.crl"
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def revoke(folder: Path, name: str, *, at: datetime) -> Path:
    """Add the certificate called `name` to the authority's revocation list; return the list.

    Raises
    ------
    CertificateProblem
        There is no such certificate.
    """
    certificate = _load_certificate(files(folder, name).certificate)
    path = folder / "ca.crl"
    serials = {certificate.serial_number}
    if path.is_file():
        present = x509.load_pem_x509_crl(path.read_bytes())
        serials |= {each.serial_number for each in present}
    return write_revocations(folder, serials, at=at)


def summarise(path: Path) -> Summary:
    """Return what a PEM certificate says; raise `CertificateProblem` when it is none."""
    certificate = _load_certificate(path)
    return Summary(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=tuple(str(name.value) for name in _hosts_of(certificate)),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        expires=certificate.not_valid_after_utc,
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _names(hosts: Iterable[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            if not _HOST.fullmatch(host) or len(host) > _LONGEST_HOST:
                raise CertificateProblem(
                    f"'{host}' is no name of a host: expected letters, digits and hyphens between"
                    " dots, such as hub.example.no, or an IP address"
                ) from None
            names.append(x509.DNSName(host))
    return names


_HOST: Final = re.compile(
    r"(?:\*\.)?(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*"
    r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
)
_LONGEST_HOST: Final = 253


def _hosts_of(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(found.value)


def _load_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as problem:
        raise CertificateProblem(f"cannot read {path}: {problem.strerror}") from None
    except ValueError:
        raise CertificateProblem(f"{path} holds no PEM certificate") from None


def _load_authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    where = files(folder, "ca")
    certificate = _load_certificate(where.certificate)
    try:
        key = serialization.load_pem_private_key(where.key.read_bytes(), password=None)
    except OSError as problem:
        raise CertificateProblem(f"cannot read {where.key}: {problem.strerror}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateProblem(f"{where.key} is no key of this authority")
    return certificate, key


def _write(where: Files, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """Write key and certificate; the key is never readable by others, not for a moment."""
    where.key.unlink(missing_ok=True)
    where.key.touch(mode=0o600)
    where.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    where.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
