"""Norwegian numbers: which are right, and that nobody asks unless a domain wants it."""

from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihe import norway, rules
from ihe.datatypes import CX, XCN, XON, Recipient
from ihe.model import Submission
from ihe.rules import RULES, Basis, Profile, Strictness
from ihe.vocabulary import Severity
from tests import samples

REJECT, OFF = Strictness.REJECT, Strictness.OFF
NORWAY = Profile(strictness={"N": REJECT, "N7": OFF})


def issued(day_and_month: str, rest: str = "69") -> str:
    """Return a number of that birthday, with the first individual number that has check digits."""
    numbers = (norway.with_check_digits(f"{day_and_month}{rest}{n:03}") for n in range(1000))
    return next(number for number in numbers if number)


# month + 80 and + 65 are test series: nobody's numbers
@pytest.mark.parametrize("day_and_month", ["1391", "5391", "1376", "5376", "3192"])
def test_numbers_of_the_test_series_are_birth_numbers(day_and_month: str) -> None:
    number = issued(day_and_month)
    assert norway.is_birth_number(number)
    assert norway.is_test_number(number)
    assert not norway.is_internal_number(number)


def test_published_numbers_are_right() -> None:
    assert norway.is_birth_number("29698496140"), "a person of Norsk helsenett's test series"
    assert norway.is_organisation_number("983974880")
    assert not norway.is_organisation_number("999988921")


@pytest.mark.parametrize("day_and_month", ["0091", "3291", "7291", "1300", "1313", "1393", "8091"])
def test_a_birth_number_has_a_day_and_a_month(day_and_month: str) -> None:
    assert not norway.is_birth_number(issued(day_and_month))


@given(st.integers(0, 10**9 - 1), st.integers(0, 10), st.integers(1, 9))
def test_one_wrong_digit_is_found(start: int, place: int, change: int) -> None:
    number = norway.with_check_digits(f"{start:09}")
    if number:
        wrong = str((int(number[place]) + change) % 10)
        assert norway.has_check_digits(number)
        assert not norway.has_check_digits(number[:place] + wrong + number[place + 1 :])


@given(st.text(max_size=12))
def test_any_text_is_judged(text: str) -> None:
    for judge in (
        norway.is_birth_number,
        norway.is_auxiliary_number,
        norway.is_internal_number,
        norway.is_test_number,
        norway.is_organisation_number,
        norway.is_hpr_number,
    ):
        judge(text)


def cx(number: str, authority: str) -> CX:
    return CX(f"{number}^^^&{authority}&ISO")


TEST_NUMBER = issued("1391")


def entry(**changes: Any) -> Submission:
    """Return a submission whose patient has a right number, with one changed entry."""
    patient_id = cx(TEST_NUMBER, norway.FODSELSNUMMER)
    return samples.submission(
        samples.entry(patient_id=patient_id, **changes),
        submission_set=samples.submission_set(patient_id=patient_id),
    )


RIGHT = replace(
    samples.submission(
        samples.entry(
            patient_id=cx(TEST_NUMBER, norway.FODSELSNUMMER),
            source_patient_id=cx(issued("8017"), norway.FELLES_HJELPENUMMER),
            authors=(samples.author(institutions=(XON("X^^^^^&2.16.578.1.12.4.1.4.101&ISO^^^^983974880"),)),),
        ),
        submission_set=samples.submission_set(
            patient_id=cx(TEST_NUMBER, norway.FODSELSNUMMER), authors=(), intended_recipients=()
        ),
    ),
)  # fmt: skip  # long values


class Defect(NamedTuple):
    """A submission with one wrong number."""

    rule: str
    name: str
    shown: str
    submission: Submission


DEFECTS = [
    Defect("N1", "wrong check digit", "'13916900217'", entry(source_patient_id=cx("13916900217", norway.FODSELSNUMMER))),
    Defect("N1", "no number", "'ABC'", entry(source_patient_id=cx("ABC", norway.D_NUMMER))),
    Defect("N1", "authenticator", "'12'", entry(legal_authenticator=XCN("12^A^B^^^^^^&2.16.578.1.12.4.1.4.1&ISO"))),
    Defect("N2", "internal number", issued("1351"), entry(source_patient_id=cx(issued("1351"), norway.FODSELSNUMMER))),
    Defect("N3", "auxiliary number that begins with 1", TEST_NUMBER, entry(source_patient_id=cx(TEST_NUMBER, norway.FELLES_HJELPENUMMER))),
    Defect("N4", "organisation", "'999988921'", entry(authors=(samples.author(institutions=(XON("X^^^^^&2.16.578.1.12.4.1.4.101&ISO^^^^999988921"),)),))),
    Defect("N4", "recipient", "'1'", samples.submission(submission_set=samples.submission_set(intended_recipients=(Recipient("X^^^^^&2.16.578.1.12.4.1.4.101&ISO^^^^1"),)))),
    Defect("N5", "ten digits", "'1234567890'", entry(legal_authenticator=XCN("1234567890^A^B^^^^^^&2.16.578.1.12.4.1.4.4&ISO"))),
    Defect("N6", "unit by name", "'MED'", entry(authors=(samples.author(institutions=(XON("X^^^^^&2.16.578.1.12.4.1.4.102&ISO^^^^MED"),)),))),
]  # fmt: skip  # a table of defects


@pytest.mark.parametrize("defect", DEFECTS, ids=[f"{d.rule} {d.name}" for d in DEFECTS])
def test_a_wrong_number_is_found_by_its_rule(defect: Defect) -> None:
    only = Profile(strictness={"N": OFF, defect.rule: REJECT})
    found = rules.check_submission(defect.submission, only)
    assert any(defect.shown in each.context for each in found), found
    assert {each.rule for each in found} == {defect.rule}
    assert all(", expected " in each.context for each in found)


def test_right_numbers_are_right() -> None:
    assert rules.check_submission(RIGHT, NORWAY) == []


def test_a_person_of_a_test_series_is_kept_out_of_production() -> None:
    production = Profile(strictness={"N7": REJECT})
    found = rules.check_submission(RIGHT, production)
    assert {each.rule for each in found} == {"N7"}
    assert {each.severity for each in found} == {Severity.ERROR}


def test_nothing_national_is_asked_by_default() -> None:
    for defect in DEFECTS:
        assert rules.check_submission(defect.submission, Profile()) == []
    assert {rule.default for rule in RULES.values() if rule.basis is Basis.NATIONAL} == {OFF}


def test_every_norwegian_rule_has_a_negative_sample() -> None:
    of_norway = {rule.id for rule in RULES.values() if rule.group == "N"}
    assert of_norway == {defect.rule for defect in DEFECTS} | {"N7"}
