"""The container files fit the project: what can be told without an engine."""

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from hub import settings

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = (ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
SETTINGS = ROOT / "docker" / "felles.toml"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_settings_can_be_read_and_every_actor_speaks_mutual_tls() -> None:
    chosen = settings.load(SETTINGS)
    for actor in (chosen.registry, chosen.repository, chosen.gateway):
        assert actor.host == "0.0.0.0"  # noqa: S104  # its port is published on loopback only
        assert actor.tls is not None
    assert chosen.client.tls is not None


def test_actors_call_each_other_by_the_names_and_ports_of_their_services() -> None:
    chosen = settings.load(SETTINGS)
    urls = [chosen.repository.registry, chosen.gateway.registry]
    urls += [each.url for each in chosen.gateway.repositories]
    urls += [chosen.client.registry, chosen.client.repository, chosen.client.retrieve]
    for url in map(urlsplit, urls):
        assert url.scheme == "https"
        assert url.port == getattr(chosen, url.hostname or "").port, url
        assert re.search(rf"^  {url.hostname}:$", COMPOSE, re.MULTILINE), url


def test_the_gateway_knows_the_repository_by_its_own_id() -> None:
    chosen = settings.load(SETTINGS)
    known = {each.repository_unique_id for each in chosen.gateway.repositories}
    assert known == {chosen.repository.repository_unique_id}


def test_each_actor_shows_a_certificate_that_is_issued_for_its_service() -> None:
    issued = re.search(r"for actor in (.*); do", COMPOSE)
    assert issued
    chosen = settings.load(SETTINGS)
    for name in issued[1].split():
        files = getattr(chosen, name).tls
        assert (files.certificate.name, files.key.name) == (
            f"{name}.felles.pem",
            f"{name}.felles.key",
        )


def test_variables_of_the_compose_file_are_settings() -> None:
    for table, name in re.findall(r"FELLES_([A-Z]+)__([A-Z_]+):", COMPOSE):
        assert name.lower() in type(getattr(settings.Settings(), table.lower())).model_fields


def test_every_published_port_is_of_this_machine_only() -> None:
    ports = re.findall(r"ports: \[(.*)\]", COMPOSE)
    assert len(ports) == 3
    assert all(port.startswith('"127.0.0.1:') for port in ports)


def test_the_image_holds_every_package_and_is_named_by_the_version() -> None:
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = re.findall(r"^COPY (\w+)/ \1/$", DOCKERFILE, re.MULTILINE)
    assert copied == ["requirements", *packages]
    assert f"image: felles:{PROJECT['project']['version']}" in COMPOSE


def test_the_image_runs_as_nobody_in_particular() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "\nUSER 10001:10001\n" in last
    assert "<<" not in DOCKERFILE, "no heredocs: not every builder knows them"
