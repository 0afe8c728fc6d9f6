"""Every rule has negative samples, and a registry answers each as the rule says."""

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from ihe.datatypes import DTM, OID, SHA1, Identifier, LanguageCode
from ihe.errors import CATALOGUE
from ihe.model import Author, Submission
from ihe.rules import RULES, Profile
from ihe.vocabulary import Severity
from tests import samples
from tests.ihe import test_rules, test_rules_reading
from tests.registry.refused import LISTING, Sample, gather, listing
from tests.registry.scene import Scene

SAMPLES = list(gather())
PLACE = re.compile(r"RegistryObjectList\b|\w+\[[^]]+\]|urn:uuid:[0-9a-f-]{36}")


def test_every_rule_has_a_negative_sample() -> None:
    assert {each.rule for each in SAMPLES} == RULES.keys()


def test_every_sample_has_a_name_of_its_own() -> None:
    times = Counter(each.label for each in SAMPLES)
    assert [label for label, count in times.items() if count > 1] == []


@pytest.mark.parametrize("sample", SAMPLES, ids=[each.label for each in SAMPLES])
def test_a_registry_answers_a_defect_as_its_rule_says(sample: Sample) -> None:
    scene, answer = sample.prepare()
    before = scene.everything()
    response = answer()
    rule = RULES[sample.rule]
    found = [each for each in response.errors if each.rule == rule.id]
    assert found, response.errors
    for each in found:
        assert each.code == rule.code
        assert each.code in CATALOGUE
        assert "found" in each.context
        assert "expected" in each.context
        assert len(each.context) < 1_000
    assert {each.rule for each in response.errors} - {rule.id} == sample.also, response.errors
    for each in response.errors:
        assert PLACE.search(each.location) or each.location in _ids(sample), each.location
    told = Counter((each.rule, each.location, each.context) for each in response.errors)
    assert told.most_common(1)[0][1] == 1, "nothing is told twice"
    refused = any(each.severity == Severity.ERROR for each in response.errors)
    assert response.ok is not refused
    if refused:
        assert scene.everything() == before


def _ids(sample: Sample) -> set[str]:
    """Return ids that updates have beside UUIDs."""
    return {"SubmissionSet01", "again"} if sample.rule.startswith("G") else set()


def test_without_the_defect_each_message_is_registered() -> None:
    good = [
        (test_rules.PLAIN, test_rules.PROFILE),
        (test_rules.WITH_FOLDER, test_rules.PROFILE),
        (test_rules.ON_DEMAND_PLAIN, test_rules.ON_DEMAND),
        (test_rules.PLAIN, test_rules.LISTS),
        (test_rules.PLAIN, test_rules.TEXTS),
        (test_rules_reading.read(test_rules_reading.VALID), Profile()),
    ]
    for submission, profile in good:
        scene = Scene(profile=profile)
        send = scene.send_on_demand if profile.on_demand else scene.send
        assert send(submission).errors == ()


TEN = replace(
    samples.submission_with_folder(),
    submission_sets=(samples.submission_set(source_id=OID("urn:oid:1.2"), content_type_code=None),),
    entries=(
        samples.entry(
            class_code=None,
            creation_time=DTM("2026-11-24"),
            hash=SHA1("abc"),
            language_code=LanguageCode("nb_NO"),
            authors=(Author(roles=("doctor",)),),
            unique_id=Identifier("2.25.1000.1 x"),
        ),
    ),
    folders=(samples.folder(title=None, codes=()),),
)
"""A submission with ten defects on three objects."""
TOLD = [
    ("C1", "DocumentEntry[Document01].classCode"),
    ("C4", "SubmissionSet[SubmissionSet01].contentTypeCode"),
    ("C5", "Folder[Folder01].title"),
    ("C5", "Folder[Folder01].codeList"),
    ("C8", "DocumentEntry[Document01].author"),
    ("D2", "SubmissionSet[SubmissionSet01].sourceId"),
    ("D3", "DocumentEntry[Document01].uniqueId"),
    ("D4", "DocumentEntry[Document01].creationTime"),
    ("D6", "DocumentEntry[Document01].hash"),
    ("D7", "DocumentEntry[Document01].languageCode"),
]


def told(submission: Submission) -> list[tuple[str, str]]:
    return [(each.rule, each.location) for each in Scene().send(submission).errors]


def test_ten_defects_are_told_by_ten_errors_in_the_order_of_the_rules() -> None:
    assert told(TEN) == TOLD


def test_of_ten_defects_each_that_is_mended_is_one_error_less() -> None:
    good, mended, left = samples.submission_with_folder(), TEN, len(TOLD)
    for kind, fields in (
        ("entries", "class_code creation_time hash language_code authors unique_id"),
        ("submission_sets", "source_id content_type_code"),
        ("folders", "title codes"),
    ):
        for field in fields.split():
            (thing,), (whole,) = getattr(mended, kind), getattr(good, kind)
            changes: dict[str, Any] = {field: getattr(whole, field)}
            things: dict[str, Any] = {kind: (replace(thing, **changes),)}
            mended, left = replace(mended, **things), left - 1
            assert len(told(mended)) == left
    assert left == 0


def test_what_senders_are_told_is_what_was_read_over() -> None:
    assert listing() == LISTING.read_text(encoding="utf-8"), (
        "run python -m tests.registry.refused and read the difference"
    )
