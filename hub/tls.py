"""TLS contexts for servers and clients, and who is at the other end (ITI-19 Authenticate Node).

TLS 1.2 and 1.3 only, with forward secrecy and authenticated encryption (BCP 195: RFC 9325). Trust
comes from the authorities in the given file and from nowhere else.

References
----------
ITI TF-2 3.19 (STX: TLS 1.2 Floor using BCP195; FQDN Validation of Server Certificate).
"""

import hashlib
import ssl
from pathlib import Path
from typing import Final

from cryptography import x509

from hub.call import Peer
from hub.settings import SettingsError, TlsSettings

SUITES: Final = ":".join(
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
    )
)
"""TLS 1.2 suites, best first; TLS 1.3 has its own, all of which are good."""


def server_context(certificate: Path, key: Path, authorities: Path) -> ssl.SSLContext:
    """Return the context of a server whose clients must show a certificate of `authorities`.

    Raises
    ------
    SettingsError
        A file is missing or is no certificate or key, or the two do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    return _harden(context, certificate, key, authorities)


def client_context(
    certificate: Path, key: Path, authorities: Path, *, check_host_names: bool = True
) -> ssl.SSLContext:
    """Return the context of a client that shows `certificate` and trusts servers of `authorities`.

    Raises as `server_context` does.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = check_host_names
    context.verify_mode = ssl.CERT_REQUIRED
    return _harden(context, certificate, key, authorities)


def as_client(tls: TlsSettings | None) -> ssl.SSLContext | None:
    """Return the client context of an actor's settings; None for plain HTTP."""
    if tls is None:
        return None
    return client_context(
        tls.certificate, tls.key, tls.authorities, check_host_names=tls.check_host_names
    )


def _harden(
    context: ssl.SSLContext, certificate: Path, key: Path, authorities: Path
) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITES)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.options |= ssl.OP_NO_COMPRESSION
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as problem:
        raise SettingsError(_why(problem, certificate, key)) from None
    try:
        context.load_verify_locations(authorities)
    except (OSError, ssl.SSLError) as problem:
        raise SettingsError(_why(problem, authorities)) from None
    return context


def _why(problem: OSError, *paths: Path) -> str:
    names = " and ".join(map(str, paths))
    missing = [path for path in paths if not path.is_file()]
    if missing:
        return f"{missing[0]} is not there"
    return f"{names} cannot be used for TLS: {problem.strerror or problem}"


def read_peer(certificate: bytes, address: str) -> Peer:
    """Return who is at the other end, from the certificate (DER) that TLS has verified."""
    parsed = x509.load_der_x509_certificate(certificate)
    return Peer(
        address=address,
        subject=parsed.subject.rfc4514_string(),
        fingerprint=hashlib.sha256(certificate).hexdigest(),
    )
