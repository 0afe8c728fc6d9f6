"""A sandbox that takes its patients from an identity feed."""

from pathlib import Path

import pytest

from felles.output import Exit
from tests.felles.test_commands import felles, served
from tests.registry.feeding import AUTHORITY, adt, feed

pytestmark = pytest.mark.system
PATIENT = f"13116900216^^^&{AUTHORITY}&ISO"  # of a synthetic test series


def test_a_sandbox_with_a_feed_takes_documents_of_fed_patients_only(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Til fastlegen")
    with served("all", "--sandbox", "--feed-port", "0", folder=tmp_path) as (endpoints, _process):
        (tmp_path / "client.toml").write_text(
            "[client]\n"
            f'registry = "{endpoints["gateway/initiating"]}"\n'
            f'retrieve = "{endpoints["gateway/initiating"]}"\n'
            f'repository = "{endpoints["repository"]}"\n'
        )
        submit = ("submit", "letter.txt", "--patient", PATIENT, "--config", "client.toml")
        refused = felles(*submit, folder=tmp_path)
        assert refused.code != Exit.SUCCESS
        assert "XDSUnknownPatientId" in refused.err + refused.out
        with feed(endpoints["feed"]) as sender:
            assert sender.ask(adt("A01", PATIENT)) == ("AA", "17", "")
        taken = felles(*submit, folder=tmp_path)
        assert taken.code == Exit.SUCCESS, taken.err
