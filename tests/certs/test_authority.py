import shutil
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import certs

NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    certs.create_authority(tmp_path, "Test authority", at=NOW)
    return tmp_path


def test_keys_are_readable_by_their_owner_alone(folder: Path) -> None:
    leaf = certs.issue(folder, "registry", at=NOW)
    for key in (folder / "ca.key", leaf.key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_what_is_there_is_kept(folder: Path) -> None:
    before = certs.issue(folder, "registry", at=NOW).certificate.read_bytes()
    certs.create_authority(folder, "Another name", at=NOW)
    assert certs.issue(folder, "registry", at=NOW).certificate.read_bytes() == before


@pytest.mark.parametrize("name", ["", "../outside", "/outside", "a\\b", "a\nb", "n" * 65, "ca"])
def test_a_name_that_is_no_file_of_the_folder_is_refused(folder: Path, name: str) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(certs.CertificateProblem, match="cannot be a certificate's name"):
        certs.issue(folder, name, at=NOW)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert list(folder.parent.glob("outside*")) == []


def test_an_expired_certificate_is_made_anew(folder: Path) -> None:
    before = certs.issue(folder, "registry", at=NOW, days=1).certificate.read_bytes()
    later = NOW + timedelta(days=2)
    assert certs.issue(folder, "registry", at=later).certificate.read_bytes() != before


def test_a_certificate_for_other_hosts_is_made_anew(folder: Path) -> None:
    before = certs.summarise(certs.issue(folder, "registry", at=NOW).certificate)
    hosts = ("registry.example", "10.0.0.1")
    after = certs.summarise(certs.issue(folder, "registry", hosts=hosts, at=NOW).certificate)
    again = certs.summarise(certs.issue(folder, "registry", hosts=hosts, at=NOW).certificate)
    assert after.names == hosts
    assert after.fingerprint != before.fingerprint
    assert again == after


def test_a_certificate_of_another_authority_is_made_anew(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    certs.create_authority(other, "Other authority", at=NOW)
    foreign = certs.issue(other, "registry", at=NOW)
    mine = certs.files(folder, "registry")
    shutil.copy(foreign.certificate, mine.certificate)
    shutil.copy(foreign.key, mine.key)
    certs.issue(folder, "registry", at=NOW)
    assert certs.summarise(mine.certificate).issuer == "CN=Test authority"


def test_a_summary_tells_what_people_want_to_know(folder: Path) -> None:
    leaf = certs.issue(folder, "registry", organisation="Helse Nord", hosts=("a.no", "::1"), at=NOW)
    found = certs.summarise(leaf.certificate)
    assert found.subject == "CN=registry,O=Helse Nord"
    assert found.names == ("a.no", "::1")
    assert found.expires > NOW + timedelta(days=700)
    assert len(found.fingerprint) == 64


def test_what_is_no_certificate_is_named(tmp_path: Path) -> None:
    with pytest.raises(certs.CertificateProblem, match="cannot read"):
        certs.issue(tmp_path, "registry", at=NOW)
    (tmp_path / "x.pem").write_text("nothing")
    with pytest.raises(certs.CertificateProblem, match="no PEM certificate"):
        certs.summarise(tmp_path / "x.pem")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command here")
def test_openssl_accepts_the_chain_strictly_and_sees_a_revocation(folder: Path) -> None:
    leaf = certs.issue(folder, "registry", at=NOW)

    def verify(*options: str) -> subprocess.CompletedProcess[str]:
        command = ["openssl", "verify", "-x509_strict", "-CAfile", str(folder / "ca.pem"), *options]
        return subprocess.run(
            [*command, str(leaf.certificate)], capture_output=True, text=True, check=False
        )

    with_list = ("-crl_check", "-CRLfile", str(folder / "ca.crl"))
    assert verify().returncode == 0, verify().stderr
    assert verify("-purpose", "sslserver").returncode == 0
    assert verify("-purpose", "sslclient").returncode == 0
    assert verify(*with_list).returncode == 0, verify(*with_list).stderr
    certs.revoke(folder, "registry", at=NOW)
    assert "revoked" in verify(*with_list).stderr
