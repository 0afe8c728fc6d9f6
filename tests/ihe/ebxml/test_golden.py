"""What is written stays what it was (tests/golden/README.md)."""

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from ihe import transactions, xml
from tests.golden.messages import FOLDER, MESSAGES
from tests.ihe.ebxml.test_round_trip import parts_of
from tests.schema_oracle import assert_schema_valid


def canonical(data: bytes) -> bytes:
    """Return Canonical XML, without the line breaks that are there for people."""
    root = etree.fromstring(data, etree.XMLParser(remove_blank_text=True))
    return etree.tostring(root, method="c14n")


@pytest.mark.parametrize("name", MESSAGES)
def test_a_golden_message_is_still_written_like_that(name: str) -> None:
    golden = (FOLDER / name).read_bytes()
    assert canonical(b"".join(MESSAGES[name].xml)) == canonical(golden)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_golden_message_is_read_and_written_again(name: str) -> None:
    number, kind = int(Path(name).parent.name.removeprefix("iti")), Path(name).suffixes[0]
    transaction: Any = next(each for each in transactions.CATALOGUE if each.number == number)
    read, write = {
        ".request": (transaction.read_request, transaction.write_request),
        ".response": (transaction.read_response, transaction.write_response),
    }[kind]
    golden = (FOLDER / name).read_bytes()
    again = write(read(xml.parse(golden), parts_of(MESSAGES[name])))
    assert canonical(b"".join(again.xml)) == canonical(golden)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_golden_message_is_schema_valid(name: str) -> None:
    assert_schema_valid(xml.parse((FOLDER / name).read_bytes()))


def test_every_golden_file_is_compared() -> None:
    files = {str(file.relative_to(FOLDER)) for file in FOLDER.glob("*/*.xml")}
    assert files == set(MESSAGES)
