"""What a gateway is told by its settings, and what it refuses to begin with."""

from pathlib import Path
from typing import Any

import pytest

import gateway.app
from hub.settings import (
    CommunitySettings,
    GatewaySettings,
    LocalRepository,
    SettingsError,
    changed,
    load,
)
from tests import samples

COMMUNITY = CommunitySettings(home_community_id=samples.HOME)
REPOSITORY = LocalRepository(repository_unique_id="2.25.10", url="https://one.example/repository")


def refusal(**settings: Any) -> str:
    """Return why a gateway with these settings does not begin."""
    with pytest.raises(SettingsError) as told:
        gateway.app.build(changed(GatewaySettings(), **settings), COMMUNITY, None)
    return str(told.value)


def test_a_gateway_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "felles.toml"
    path.write_text(
        "[gateway]\n"
        'registry = "https://registry.example/registry"\n'
        'communities = "communities.toml"\n'
        "deadline_s = 2.5\nidle_s = 20\n"
        '[[gateway.repositories]]\nrepository_unique_id = "urn:oid:2.25.10"\n'
        'url = "https://one.example/repository"\n'
    )
    settings = load(path).gateway
    assert settings.registry == "https://registry.example/registry"
    assert settings.repositories == (REPOSITORY,)
    assert settings.communities == Path("communities.toml")
    assert (settings.deadline_s, settings.idle_s) == (2.5, 20.0)


def test_without_settings_a_gateway_knows_nobody_else() -> None:
    actor = gateway.app.build(GatewaySettings(), COMMUNITY, None)
    assert set(actor.mounts) == {"/gateway", "/gateway/initiating"}
    assert GatewaySettings().communities is None


@pytest.mark.parametrize(
    "url", ["", "registry", "ftp://registry.example", "https://", "https://a:99999", "https://[::1"]
)
def test_what_is_no_url_is_told_by_its_name(url: str) -> None:
    message = refusal(registry=url)
    assert message.startswith("registry: ")
    assert f"'{url}' is not an http or https URL" in message


@pytest.mark.parametrize("seconds", [0, -1, "soon"])
def test_a_deadline_is_a_time(seconds: object) -> None:
    assert refusal(deadline_s=seconds).startswith("deadline_s: ")


def test_a_repository_stands_there_once() -> None:
    again = LocalRepository(repository_unique_id="urn:oid:2.25.10", url="https://two.example/")
    assert refusal(repositories=(REPOSITORY, again)) == (
        "gateway.repositories: 2.25.10 stands there twice"
    )


def test_the_own_community_is_no_other_one(tmp_path: Path) -> None:
    path = tmp_path / "communities.toml"
    path.write_text(
        f'[[community]]\nhome_community_id = "{samples.HOME}"\nquery = "https://a.example"\n'
    )
    assert f"{samples.HOME} is the own community" in refusal(communities=path)


def test_a_file_of_communities_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "cannot read" in refusal(communities=tmp_path / "nowhere.toml")
