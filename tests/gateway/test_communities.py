"""communities.toml: what it may say, and how each bad entry is told."""

from pathlib import Path

import pytest

from gateway.communities import Community, read_communities
from hub.settings import SettingsError
from ihe.datatypes import HomeCommunityId

OWN = "urn:oid:2.25.1"
GOOD = '[[community]]\nhome_community_id = "urn:oid:2.25.8"\nquery = "https://good.example/xca"\n'


def entry(**values: str) -> str:
    """Return a community in TOML; values as they stand there, "" for one left out."""
    whole = {"home_community_id": '"urn:oid:2.25.9"', "query": '"https://nord.example/xca"'}
    lines = (f"{name} = {value}\n" for name, value in {**whole, **values}.items() if value)
    return f"[[community]]\n{''.join(lines)}"


def read(folder: Path, text: str) -> tuple[Community, ...]:
    path = folder / "communities.toml"
    path.write_text(text, encoding="utf-8")
    return read_communities(path, own=OWN)


def refusal(folder: Path, text: str) -> str:
    """Return what is said of a file that is refused."""
    with pytest.raises(SettingsError) as told:
        read(folder, text)
    message = str(told.value)
    assert str(folder / "communities.toml") in message
    return message


# --- good files ----------------------------------------------------------------------------------


def test_a_community_needs_a_home_and_a_url(tmp_path: Path) -> None:
    assert read(tmp_path, entry()) == (
        Community(
            home_community_id=HomeCommunityId("urn:oid:2.25.9"),
            name="urn:oid:2.25.9",
            query="https://nord.example/xca",
            retrieve="https://nord.example/xca",
        ),
    )


def test_a_community_may_say_more(tmp_path: Path) -> None:
    text = entry(name='"Helse Nord æøå"', retrieve='"http://[::1]:80/r"', deadline_s="5")
    (community,) = read(tmp_path, text)
    assert community.name == "Helse Nord æøå"
    assert community.retrieve == "http://[::1]:80/r"
    assert community.deadline_s == 5.0


def test_a_bare_oid_is_the_same_home(tmp_path: Path) -> None:
    (community,) = read(tmp_path, entry(home_community_id='"2.25.9"'))
    assert community.home_community_id == "urn:oid:2.25.9"


def test_communities_keep_the_order_of_the_file(tmp_path: Path) -> None:
    homes = [f"urn:oid:2.25.{number}" for number in (30, 10, 20)]
    found = read(tmp_path, "".join(entry(home_community_id=f'"{home}"') for home in homes))
    assert [community.home_community_id for community in found] == homes


def test_a_file_with_nobody_in_it_is_nobody(tmp_path: Path) -> None:
    assert read(tmp_path, "# nobody yet\n") == ()


# --- bad files -----------------------------------------------------------------------------------

BAD = [
    # what is wrong              what the refusal says of it
    ({"home_community_id": ""}, ["home_community_id is missing"]),
    ({"home_community_id": "9"}, ["home_community_id is 9, a text"]),
    ({"home_community_id": '""'}, ["home_community_id is ''"]),
    ({"home_community_id": '"nord"'}, ["home_community_id: ", "nord"]),
    ({"home_community_id": '"urn:uuid:2.25.9"'}, ["home_community_id: ", "urn:uuid:2.25.9"]),
    ({"home_community_id": '"urn:oid:2.25.09"'}, ["home_community_id: ", "2.25.09"]),
    ({"home_community_id": f'"urn:oid:2.25.{"9" * 64}"'}, ["home_community_id: ", "64"]),
    ({"home_community_id": f'"{OWN}"'}, [OWN, "is the own community"]),
    ({"home_community_id": '"urn:oid:2.25.8"'}, ["urn:oid:2.25.8 stands there twice"]),
    ({"home_community_id": '"2.25.8"'}, ["urn:oid:2.25.8 stands there twice"]),
    ({"name": '""'}, ["name is ''"]),
    ({"name": "7"}, ["name is 7"]),
    ({"name": r'"Nord\nSør"'}, ["name is 'Nord\\nSør'", "one line"]),
    ({"query": ""}, ["query is missing"]),
    ({"query": "443"}, ["query is 443"]),
    ({"query": '"nord.example/xca"'}, ["query: 'nord.example/xca'", "http or https"]),
    ({"query": '"ftp://nord.example"'}, ["query: 'ftp://nord.example'"]),
    ({"query": '"https:///xca"'}, ["query: 'https:///xca'"]),
    ({"query": '"https://nord.example:99999/"'}, ["query: ", ":99999"]),
    ({"query": '"https://[::1/xca"'}, ["query: ", "[::1"]),
    ({"retrieve": '"nord"'}, ["retrieve: 'nord'"]),
    ({"retrieve": "[]"}, ["retrieve is []"]),
    ({"deadline_s": "0"}, ["deadline_s is 0", "seconds"]),
    ({"deadline_s": "-5"}, ["deadline_s is -5"]),
    ({"deadline_s": '"5 s"'}, ["deadline_s is '5 s'"]),
    ({"deadline_s": "true"}, ["deadline_s is True"]),
    ({"deadline_s": "inf"}, ["deadline_s is inf"]),
    ({"deadline_s": "nan"}, ["deadline_s is nan"]),
    ({"url": '"https://nord.example"', "port": "1"}, ["['port', 'url'] is not known", "retrieve"]),
]


@pytest.mark.parametrize(("values", "said"), BAD, ids=[str(values) for values, _said in BAD])
def test_a_bad_entry_is_told_by_what_is_wrong_with_it(
    values: dict[str, str], said: list[str], tmp_path: Path
) -> None:
    message = refusal(tmp_path, GOOD + entry(**values))
    assert [each for each in said if each not in message] == [], message


def test_a_bad_entry_is_told_by_its_place(tmp_path: Path) -> None:
    message = refusal(tmp_path, GOOD + entry(query="1") + entry(query="2"))
    assert ", community 2: query is 1" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[community]\n", "is not TOML"),
        ("[[communities]]\n", "[[community]] was expected, found ['communities']"),
        ("[community]\nname = 'Nord'\n", "a table of its own, [[community]]"),
        ("community = 'Nord'\n", "a table of its own, [[community]]"),
        ("community = ['Nord']\n", "a table of its own, [[community]]"),
    ],
)
def test_a_file_of_another_shape_is_told(text: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(tmp_path, text)


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "communities.toml"
    path.write_bytes(b"\xff\xfe[\x00")
    with pytest.raises(SettingsError, match="is not TOML"):
        read_communities(path)


@pytest.mark.parametrize("name", ["nowhere.toml", "."], ids=["missing", "a folder"])
def test_a_file_that_cannot_be_read_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read"):
        read_communities(tmp_path / name)
