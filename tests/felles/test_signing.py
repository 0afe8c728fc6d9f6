"""Documents are signed when they are shared, and anybody can tell afterwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from felles.output import Exit
from hub import clock
from tests.felles.test_commands import PATIENT, felles, served
from tests.pki import YEAR, Authority

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with served("all", "--sandbox", folder=tmp_path_factory.mktemp("sandbox")) as (found, _process):
        yield found


@pytest.fixture
def folder(endpoints: dict[str, Any], tmp_path: Path) -> Path:
    """Give a folder with settings, an authority, a signer of its, and a letter."""
    (tmp_path / "client.toml").write_text(
        "[client]\n"
        f'registry = "{endpoints["registry"]}"\n'
        f'retrieve = "{endpoints["repository"]}"\n'
        f'repository = "{endpoints["repository"]}"\n'
    )
    now = clock.now()
    authority = Authority(from_=now - YEAR, to=now + YEAR)
    signer = authority.signer(from_=now - YEAR, to=now + YEAR)
    pem = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "signer.key").write_bytes(signer.key.private_bytes(*pem))
    for name, certificate in (("signer", signer.certificate), ("ca", authority.certificate)):
        (tmp_path / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    revoked = authority.revocations(signer.certificate, at=now - YEAR / 2, until=now + YEAR)
    (tmp_path / "revoked.pem").write_bytes(revoked.public_bytes(Encoding.PEM))
    (tmp_path / "letter.txt").write_text(f"Epikrise {now}\n")
    (tmp_path / "other.txt").write_text(f"Svar {now}\n")
    return tmp_path


CONFIG = ("--config", "client.toml", "--json")
SIGNED = ("--sign-key", "signer.key", "--sign-certificate", "signer.pem")


def shared(folder: Path, *options: str) -> list[str]:
    done = felles(
        *("submit", "letter.txt", "other.txt", "--patient", PATIENT, *options, *CONFIG),
        folder=folder,
    )
    assert done.code == Exit.SUCCESS, done.err
    return [each["unique_id"] for each in done.json["documents"]]


def test_what_is_signed_is_verified_by_whoever_trusts_the_signer(folder: Path) -> None:
    documents = shared(folder, *SIGNED, "--purpose", "verification")
    done = felles("verify", *documents, "--authorities", "ca.pem", *CONFIG, folder=folder)
    assert done.code == Exit.SUCCESS, done.out + done.err
    (signature,) = done.json["signatures"]
    assert signature["valid"]
    assert signature["signer"] == "CN=Dr. Kari Nordmann"
    assert signature["purposes"] == ["1.2.840.10065.1.12.1.5"]
    passed = [each["document"] for each in signature["findings"] if each["check"] == "document"]
    assert passed == documents


def test_one_document_of_several_is_verified_as_far_as_it_goes(folder: Path) -> None:
    first, second = shared(folder, *SIGNED)
    done = felles("verify", first, "--authorities", "ca.pem", *CONFIG, folder=folder)
    assert done.code == Exit.FAILURE, "of the other nothing is known"
    (signature,) = done.json["signatures"]
    open_ = [each for each in signature["findings"] if each["outcome"] != "passed"]
    assert [(each["check"], each["document"], each["outcome"]) for each in open_] == [
        ("revocation", None, "unknown"),
        ("document", second, "unknown"),
    ]


def test_a_signer_who_is_revoked_or_of_nobody_is_told(folder: Path) -> None:
    documents = shared(folder, *SIGNED)
    ask = ("verify", *documents, "--config", "client.toml", "--authorities")
    revoked = felles(*ask, "ca.pem", "--revocation-list", "revoked.pem", folder=folder)
    assert revoked.code == Exit.FAILURE
    assert "NOT VALID" in revoked.out
    assert "was revoked" in revoked.out
    other = Authority("Somebody else").certificate.public_bytes(Encoding.PEM)
    (folder / "other.pem").write_bytes(other)
    assert "no path leads from" in felles(*ask, "other.pem", folder=folder).out


def test_a_document_without_a_signature_is_told(folder: Path) -> None:
    documents = shared(folder)
    done = felles("verify", *documents, "--authorities", "ca.pem", *CONFIG, folder=folder)
    assert done.code == Exit.FAILURE
    assert done.json == {"signatures": [], "unsigned": documents}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--sign-key", "signer.key"), "go together"),
        ((*SIGNED, "--purpose", "because"), "--purpose: one of author"),
        (("--sign-key", "letter.txt", "--sign-certificate", "signer.pem"), "holds no private key"),
        (("--sign-key", "signer.key", "--sign-certificate", "letter.txt"), "holds no certificate"),
        (("--sign-key", "signer.key", "--sign-certificate", "ca.pem"), "not that of the certif"),
    ],
    ids=["half", "purpose", "key", "certificate", "another"],
)
def test_what_cannot_sign_is_told_before_anything_is_sent(
    folder: Path, options: tuple[str, ...], told: str
) -> None:
    done = felles("submit", "letter.txt", "--patient", PATIENT, *options, *CONFIG, folder=folder)
    assert done.code == Exit.USAGE
    assert told in " ".join(done.err.split())
