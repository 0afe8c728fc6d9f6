"""What the demo makes up: complete metadata, and documents in their formats."""

import hashlib
import re
import zlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from lxml import etree

from felles.demo.communities import COMMUNITIES, DOCTOR, NORD, PATIENTS, VEST
from felles.demo.formats import cda, kith, pdf, text
from felles.demo.formats.letter import Letter
from felles.demo.scene import Scene, Submitted, made_up
from ihe import rules
from ihe.norway import is_birth_number, is_organisation_number, is_test_number
from ihe.rules import Profile, Strictness
from ihe.vocabulary import AssociationType

AT = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return made_up(AT)


@pytest.fixture(scope="module")
def submitted(scene: Scene) -> list[Submitted]:
    return [each for shared in scene.shared.values() for each in shared]


def letter(*paragraphs: str) -> Letter:
    return Letter(
        id="2.25.1",
        title="Et brev (med parenteser) & <tegn>",
        sections=tuple(("Overskrift", paragraph) for paragraph in paragraphs),
        patient=PATIENTS[0],
        author=DOCTOR,
        community=NORD,
        at=AT,
    )


def test_every_rule_is_kept_the_norwegian_ones_too(submitted: list[Submitted]) -> None:
    strictness = dict.fromkeys("ABCDFN", Strictness.REJECT)
    strict = Profile(strictness={**strictness, "N7": Strictness.OFF})  # these are test numbers
    for each in submitted:
        entries = tuple(
            replace(entry, repository_unique_id=NORD.repository_unique_id)  # as repositories do
            for entry in each.submission.entries
        )
        assert rules.check_submission(replace(each.submission, entries=entries), strict) == []


def test_a_few_dozen_documents_of_every_kind_and_community(
    scene: Scene, submitted: list[Submitted]
) -> None:
    entries = [entry for each in submitted for entry in each.submission.entries]
    assert len(entries) >= 36
    assert {entry.mime_type for entry in entries} == {
        "application/pdf", "text/xml", "application/xml", "text/plain",
    }  # fmt: skip
    assert len({entry.type_code.code for entry in entries if entry.type_code}) >= 8
    assert set(scene.shared) == {each.slug for each in COMMUNITIES}
    assert set(scene.expected) == {each.home_community_id for each in COMMUNITIES}
    assert all(scene.expected.values())


def test_hash_and_size_are_those_of_the_bytes(submitted: list[Submitted]) -> None:
    for each in submitted:
        for entry in each.submission.entries:
            data = each.documents[entry.entry_uuid]
            assert entry.hash == hashlib.sha1(data, usedforsecurity=False).hexdigest()
            assert entry.size == str(len(data))


def test_nothing_is_named_twice(submitted: list[Submitted]) -> None:
    names = Counter(thing.entry_uuid for each in submitted for thing in each.submission)
    names += Counter(
        str(thing.unique_id) for each in submitted for thing in each.submission.of_patient
    )
    assert max(names.values()) == 1


def test_there_are_a_replacement_a_transformation_and_a_folder(scene: Scene) -> None:
    def kinds(slug: str) -> set[str]:
        return {
            str(link.type) for each in scene.shared[slug] for link in each.submission.associations
        }

    assert AssociationType.XFRM in kinds(NORD.slug)
    assert AssociationType.RPLC in kinds(VEST.slug)
    assert any(each.submission.folders for each in scene.shared["kommunene"])
    assert scene.expected[VEST.home_community_id] == 1, "the replaced report does not count"


def test_the_same_time_gives_the_same_documents(scene: Scene) -> None:
    again = made_up(AT)
    assert again == scene
    assert made_up(AT.replace(minute=1)).wanted_unique_id != scene.wanted_unique_id


def test_nobody_has_these_numbers() -> None:
    numbers = [patient.number for patient in PATIENTS]
    assert len(set(numbers)) == len(PATIENTS)
    assert all(is_birth_number(number) and is_test_number(number) for number in numbers)
    for community in COMMUNITIES:
        assert is_organisation_number(community.institution.id)
        assert community.institution.id[0] == "3", "synthetic numbers begin with 2 or 3"


# --- formats -------------------------------------------------------------------------------------


def test_a_pdf_says_where_its_objects_are() -> None:
    data = pdf.write(letter("Ærlig talt, Åse (og š) skrev \\ dette.", "ord " * 3000))
    where = int(re.findall(rb"startxref\n(\d+)\n%%EOF\n\Z", data)[0])
    assert data[where:].startswith(b"xref\n")
    offsets = [int(found) for found in re.findall(rb"(\d{10}) 00000 n \n", data)]
    for number, offset in enumerate(offsets, 1):
        assert data[offset:].startswith(b"%d 0 obj\n" % number)
    assert data.count(b"/Type /Page ") == int(re.findall(rb"/Count (\d+)", data)[0]) >= 3
    assert "Ærlig talt, Åse \\(og š\\) skrev \\\\ dette.".encode("cp1252") in data


def test_lines_of_a_pdf_stay_on_its_page() -> None:
    data = pdf.write(letter("W" * 20 + " bredt " * 40, "i " * 800))
    places = re.findall(rb"Tf 64 ([\d.]+) Td \((.*)\) Tj", data)
    assert all(float(height) >= 64 for height, _ in places)
    assert max(len(words) for _, words in places) > 100, "narrow letters fill a line too"


def test_every_stream_of_a_pdf_has_its_length() -> None:
    data = pdf.write(letter("kort"))
    for length, body in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", data, re.DOTALL):
        assert int(length) == len(body)
    assert zlib.crc32(data) == zlib.crc32(pdf.write(letter("kort"))), "nothing random in it"


def test_xml_documents_hold_what_was_said() -> None:
    said = letter("Blodtrykk < 140 & stabilt. Čáppa duottar 漢字 𝔘")
    one = etree.fromstring(cda.write(said, code="A03-2", scheme="1.2", display='"Epikrise"'))
    assert etree.QName(one).text == "{urn:hl7-org:v3}ClinicalDocument"
    other = etree.fromstring(kith.write(said, namespace="urn:x", root="Epikrise"))
    assert other.find(".//{urn:x}Epikrise") is not None
    for element in (one, other):
        assert said.sections[0][1] in "".join(element.itertext())
    assert said.sections[0][1] in text.write(said).decode().replace("\r\n", " ")
