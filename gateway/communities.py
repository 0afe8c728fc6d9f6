"""The communities that this gateway knows, as configuration.

```toml
[[community]]
home_community_id = "urn:oid:2.16.578.1.12.4.4.100"
name = "Helse Nord"
query = "https://xca.helse-nord.example/gateway"      # ITI-38
retrieve = "https://xca.helse-nord.example/gateway"   # ITI-39; `query` when left out
deadline_s = 5                                         # the gateway's own when left out
```

Communities with the same `query` stand behind one Responding Gateway, which is asked once for all.
"""

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.settings import SettingsError, parse_url
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


def read_communities(path: Path, *, own: str = "") -> tuple[Community, ...]:
    """Read the communities of a TOML file, in its order.

    Parameters
    ----------
    own
        homeCommunityId of the own community, which must not be among them.

    Raises
    ------
    SettingsError
        The file cannot be read, or an entry is wrong; says which and why.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise SettingsError(f"cannot read {path}: {problem.strerror}") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise SettingsError(f"{path} is not TOML: {problem}") from problem
    if unknown := set(document) - {"community"}:
        raise SettingsError(f"{path}: [[community]] was expected, found {sorted(unknown)}")
    listed = document.get("community", [])
    if not (isinstance(listed, list) and all(isinstance(entry, dict) for entry in listed)):
        raise SettingsError(f"{path}: each community is a table of its own, [[community]]")
    communities = tuple(
        _community(entry, f"{path}, community {n}") for n, entry in enumerate(listed, 1)
    )
    _refuse_doubles(communities, path, own)
    return communities


def _community(entry: Mapping[str, Any], where: str) -> Community:
    if unknown := set(entry) - _NAMES:
        raise SettingsError(f"{where}: {sorted(unknown)} is not known; known are {sorted(_NAMES)}")
    home = _text(entry, "home_community_id", where)
    try:
        home_community_id = HomeCommunityId.parse(OID(home).urn)
    except MalformedValue as problem:
        raise SettingsError(f"{where}: home_community_id: {problem}") from None
    query = _url(entry, "query", where)
    return Community(
        home_community_id=home_community_id,
        name=_text(entry, "name", where) if "name" in entry else home_community_id,
        query=query,
        retrieve=_url(entry, "retrieve", where) if "retrieve" in entry else query,
        deadline_s=_seconds(entry["deadline_s"], where) if "deadline_s" in entry else None,
    )


_NAMES = {"home_community_id", "name", "query", "retrieve", "deadline_s"}


def _text(entry: Mapping[str, Any], name: str, where: str) -> str:
    if name not in entry:
        raise SettingsError(f"{where}: {name} is missing")
    value = entry[name]
    if not (isinstance(value, str) and value.strip() and value.isprintable()):
        raise SettingsError(f"{where}: {name} is {value!r}, a text of one line was expected")
    return value


def _url(entry: Mapping[str, Any], name: str, where: str) -> str:
    value = _text(entry, name, where)
    try:
        return parse_url(value)
    except ValueError as problem:
        raise SettingsError(f"{where}: {name}: {problem}") from None


def _seconds(value: Any, where: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and 0 < value < math.inf):
        raise SettingsError(f"{where}: deadline_s is {value!r}, a number of seconds was expected")
    return float(value)


def _refuse_doubles(communities: Iterable[Community], path: Path, own: str) -> None:
    seen: set[str] = set()
    for community in communities:
        home = community.home_community_id
        if home == own:
            raise SettingsError(f"{path}: {home} is the own community; only others stand there")
        if home in seen:
            raise SettingsError(f"{path}: {home} stands there twice")
        seen.add(home)
