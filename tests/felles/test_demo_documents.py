"""What the demo makes up: people who do not exist, and complete metadata of what is about them."""

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from felles.demo.communities import COMMUNITIES, MUNICIPALITIES, NORD, UNITS, VEST
from felles.demo.people import PROFESSIONALS
from felles.demo.scene import Scene, Submitted, made_up
from felles.demo.telling import PATIENTS, STORIES
from ihe import rules
from ihe.datatypes import DTM
from ihe.model import DocumentEntry, Submission
from ihe.norway import (
    D_NUMMER,
    Series,
    is_birth_number,
    is_hpr_number,
    is_organisation_number,
    is_test_number,
)
from ihe.rules import Profile, Strictness
from ihe.state import Kind
from ihe.vocabulary import AssociationType, Status
from tests.registry.scene import Scene as RegistryScene

AT = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return made_up(AT)


@pytest.fixture(scope="module")
def submitted(scene: Scene) -> list[Submitted]:
    return [each for shared in scene.shared.values() for each in shared]


@pytest.fixture(scope="module")
def entries(submitted: list[Submitted]) -> list[DocumentEntry]:
    return [entry for each in submitted for entry in each.submission.entries]


def from_repository(submission: Submission) -> Submission:
    """Return a submission as a repository passes it on."""
    return replace(
        submission,
        entries=tuple(
            replace(entry, repository_unique_id=NORD.repository_unique_id)
            for entry in submission.entries
        ),
    )


def codes(entries: list[DocumentEntry], attribute: str) -> set[str]:
    return {getattr(entry, attribute).code for entry in entries}


# --- metadata ------------------------------------------------------------------------------------


def test_every_rule_is_kept_the_norwegian_ones_too(submitted: list[Submitted]) -> None:
    every = dict.fromkeys("ABCDFN", Strictness.REJECT)
    strict = Profile(strictness={**every, "N7": Strictness.OFF})  # these are test numbers
    for each in submitted:
        assert rules.check_submission(from_repository(each.submission), strict) == []


def test_production_would_refuse_each_of_them(submitted: list[Submitted]) -> None:
    production = Profile(strictness={"N": Strictness.REJECT})
    for each in submitted:
        found = rules.check_submission(from_repository(each.submission), production)
        assert {problem.rule for problem in found} == {"N7"}


def test_a_registry_takes_them_in_their_order(scene: Scene) -> None:
    for community in COMMUNITIES:
        registry = RegistryScene()
        for each in scene.shared[community.slug]:
            response = registry.send(from_repository(each.submission))
            assert response.errors == ()
        approved = [
            found
            for found in registry.find(Kind.DOCUMENT_ENTRY, "patient_id", scene.patient_id)
            if found.status == Status.APPROVED
        ]
        assert len(approved) == scene.expected[community.home_community_id]


def test_entries_are_complete(entries: list[DocumentEntry]) -> None:
    for entry in entries:
        assert entry.service_start_time is not None
        assert entry.creation_time is not None
        assert entry.service_start_time <= entry.creation_time <= DTM.of(AT)
        (author,) = entry.authors
        assert author.person is not None
        assert is_organisation_number(author.institutions[0].id)
        assert entry.legal_authenticator in {None, author.person}
        assert {field.name for field in entry.source_patient_info} == {
            "PID-3", "PID-5", "PID-7", "PID-8",
        }  # fmt: skip
        assert entry.source_patient_id != entry.patient_id, "hospitals have ids of their own"
        assert len(entry.confidentiality_codes) == 2


def test_a_few_dozen_documents_of_every_kind(entries: list[DocumentEntry]) -> None:
    assert len(entries) >= 40
    assert {entry.mime_type for entry in entries} == {
        "application/pdf", "text/xml", "application/xml", "text/plain",
    }  # fmt: skip
    assert codes(entries, "class_code") == {f"{letter}00-1" for letter in "ABCDEFIJ"}
    assert len(codes(entries, "type_code")) > 20
    assert len(codes(entries, "format_code")) == 6
    assert {str(entry.language_code) for entry in entries} == {"nb-NO", "nn-NO"}
    access = {code.code for entry in entries for code in entry.confidentiality_codes}
    assert access == {"N", "NORS", "NORU"}
    for entry in entries:
        assert entry.class_code is not None
        assert entry.type_code is not None
        assert entry.class_code.code[0] == entry.type_code.code[0]


def test_the_main_patient_is_known_everywhere(scene: Scene) -> None:
    assert set(scene.shared) == {each.slug for each in COMMUNITIES}
    assert set(scene.expected) == {each.home_community_id for each in COMMUNITIES}
    assert all(count > 1 for count in scene.expected.values())
    assert scene.patient_id == PATIENTS[0].patient_id
    assert scene.wanted.startswith(b"%PDF")


def test_hash_and_size_are_those_of_the_bytes(submitted: list[Submitted]) -> None:
    for each in submitted:
        assert set(each.documents) == {entry.entry_uuid for entry in each.submission.entries}
        for entry, data in each.of_documents:
            assert entry.hash == hashlib.sha1(data, usedforsecurity=False).hexdigest()
            assert entry.size == str(len(data))


def test_nothing_is_named_twice(submitted: list[Submitted]) -> None:
    names = Counter(thing.entry_uuid for each in submitted for thing in each.submission)
    names += Counter(
        str(thing.unique_id) for each in submitted for thing in each.submission.of_patient
    )
    assert max(names.values()) == 1


def test_there_are_replacements_transformations_and_a_folder(scene: Scene) -> None:
    def kinds(slug: str) -> Counter[str]:
        return Counter(
            str(link.type) for each in scene.shared[slug] for link in each.submission.associations
        )

    assert kinds(NORD.slug)[AssociationType.XFRM] == 1
    assert kinds(VEST.slug)[AssociationType.XFRM] == 1
    assert kinds(VEST.slug)[AssociationType.RPLC] == 1
    municipal = kinds(MUNICIPALITIES.slug)
    assert municipal[AssociationType.RPLC] == 1
    (folder,) = (
        folder for each in scene.shared[MUNICIPALITIES.slug] for folder in each.submission.folders
    )
    assert str(folder.title) == "Individuell plan"


def test_the_same_time_gives_the_same_documents(scene: Scene) -> None:
    assert made_up(AT) == scene
    later = made_up(AT.replace(minute=1))
    assert later.wanted_unique_id != scene.wanted_unique_id
    assert later.expected == scene.expected


# --- people --------------------------------------------------------------------------------------


def test_nobody_has_these_numbers() -> None:
    numbers = [patient.number for patient in PATIENTS]
    assert len(set(numbers)) == len(PATIENTS) == 8
    assert all(is_birth_number(number) and is_test_number(number) for number in numbers)
    assert {patient.series for patient in PATIENTS} == set(Series)
    assert [p.number[0] for p in PATIENTS if p.authority == D_NUMMER] == ["5"]


def test_professionals_have_numbers_of_their_own() -> None:
    numbers = [each.hpr for each in PROFESSIONALS.values()]
    assert all(is_hpr_number(number) and number.startswith("2222") for number in numbers)
    assert len(set(numbers)) == len(PROFESSIONALS)


def test_institutions_are_synthetic() -> None:
    institutions = {unit.institution for unit in UNITS.values()}
    numbers = {each.organisation_number for each in institutions}
    assert len(numbers) == len(institutions)
    assert all(is_organisation_number(number) and number[:2] == "31" for number in numbers)


def test_sami_names_have_their_letters() -> None:
    told = "".join(patient.name + patient.address for patient in PATIENTS)
    assert set("ÁČáđŋŧ") <= set(told)


def test_everybody_who_is_made_up_has_a_part() -> None:
    documents = [doc for story in STORIES for stay in story.stays for doc in stay.documents]
    assert {doc.author.hpr for doc in documents} == {each.hpr for each in PROFESSIONALS.values()}
    places = {doc.unit for doc in documents} | {
        stay.unit for story in STORIES for stay in story.stays
    }
    assert places == set(UNITS.values())
