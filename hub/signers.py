"""Whom to believe as a signer of documents, read from PEM files."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from cryptography import x509

from hub.settings import SettingsError
from ihe.dsg.trust import Trust
from ihe.dsg.verifying import Policy

T = TypeVar("T")


def read_policy(
    authorities: Path,
    revocation_lists: Iterable[Path] = (),
    time_stampers: Path | None = None,
    *,
    needs_revocation: bool = False,
    purposes: Iterable[str] = (),
) -> Policy:
    """Return the policy of some files; see `hub.settings.SignatureSettings`.

    Raises
    ------
    SettingsError
        A file cannot be read, or holds something else.
    """
    certificates = x509.load_pem_x509_certificates
    stampers = read_pem(time_stampers, "certificate", certificates) if time_stampers else ()
    return Policy(
        trust=Trust(
            tuple(read_pem(authorities, "certificate", certificates)),
            revocation_lists=tuple(
                read_pem(path, "revocation list", x509.load_pem_x509_crl)
                for path in revocation_lists
            ),
        ),
        time_stampers=tuple(stampers),
        needs_revocation=needs_revocation,
        purposes=frozenset(purposes),
    )


def read_pem(path: Path, what: str, load: Callable[[bytes], T]) -> T:
    """Return what a PEM file holds.

    Raises
    ------
    SettingsError
        It cannot be read, or holds no `what`.
    """
    try:
        return load(path.read_bytes())
    except OSError as problem:
        raise SettingsError(f"{path} cannot be read: {problem.strerror}") from None
    except (ValueError, TypeError):
        raise SettingsError(f"{path} holds no {what} as PEM, without a password") from None
