"""The communities that this gateway knows, as configuration.

```toml
[[community]]
home_community_id = "urn:oid:2.16.578.1.12.4.4.100"
name = "Helse Nord"
query = "https://xca.helse-nord.example/gateway"      # ITI-38
retrieve = "https://xca.helse-nord.example/gateway"   # ITI-39; `query` when left out
deadline_s = 5                                         # the gateway's own when left out
```
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.settings import SettingsError
from ihe.datatypes import OID, HomeCommunityId, MalformedValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Community:
    """Another community, by its Responding Gateway.

    Parameters
    ----------
    home_community_id
        Its id, `urn:oid:` and an OID.
    name
        For people: logs and error texts.
    query, retrieve
        URLs that take ITI-38 and ITI-39.
    deadline_s
        Seconds that it may take; None for the gateway's own deadline.
    """

    home_community_id: HomeCommunityId
    name: str
    query: str
    retrieve: str
    deadline_s: float | None = None


def read_communities(path: Path) -> tuple[Community, ...]:
    """Read the communities of a TOML file, in its order.

    Raises
    ------
    SettingsError
        The file cannot be read, or an entry is wrong; says which and why.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise SettingsError(f"cannot read {path}: {problem.strerror}") from problem
    except tomllib.TOMLDecodeError as problem:
        raise SettingsError(f"{path} is not TOML: {problem}") from problem
    if unknown := set(document) - {"community"}:
        raise SettingsError(f"{path}: [[community]] was expected, found {sorted(unknown)}")
    listed = document.get("community", [])
    communities = tuple(
        _community(entry, f"{path}, community {n}") for n, entry in enumerate(listed, 1)
    )
    _refuse_doubles(communities, path)
    return communities


def _community(entry: Mapping[str, Any], where: str) -> Community:
    if unknown := set(entry) - _NAMES:
        raise SettingsError(f"{where}: {sorted(unknown)} is not known; known are {sorted(_NAMES)}")
    for name in ("home_community_id", "query"):
        if not isinstance(entry.get(name), str):
            raise SettingsError(f"{where}: {name} is missing")
    try:
        home = HomeCommunityId.parse(OID(entry["home_community_id"]).urn)
    except MalformedValue as problem:
        raise SettingsError(f"{where}: {problem}") from None
    urls = (entry["query"], entry.get("retrieve", entry["query"]))
    for url in urls:
        if not str(url).startswith(("https://", "http://")):
            raise SettingsError(f"{where}: '{url}' is not an http or https URL")
    deadline = entry.get("deadline_s")
    if deadline is not None and not (isinstance(deadline, int | float) and deadline > 0):
        raise SettingsError(
            f"{where}: deadline_s is {deadline!r}, a number of seconds was expected"
        )
    return Community(
        home_community_id=home,
        name=str(entry.get("name", home)),
        query=urls[0],
        retrieve=urls[1],
        deadline_s=deadline,
    )


_NAMES = {"home_community_id", "name", "query", "retrieve", "deadline_s"}


def _refuse_doubles(communities: Iterable[Community], path: Path) -> None:
    seen: set[str] = set()
    for community in communities:
        if community.home_community_id in seen:
            raise SettingsError(f"{path}: {community.home_community_id} stands there twice")
        seen.add(community.home_community_id)
