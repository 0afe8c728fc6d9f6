"""Numbers that belong to nobody, made to look like those of persons and organisations."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihe import norway
from ihe.norway import Series, synthetic_numbers

DAYS = st.dates(date(1900, 1, 1), date(2031, 12, 31))


@given(DAYS, st.sampled_from(Series), st.booleans(), st.booleans())
def test_a_made_number_is_right_and_of_its_test_series(
    born: date, series: Series, woman: bool, d_number: bool
) -> None:
    numbers = synthetic_numbers(born, series, woman=woman, d_number=d_number)
    for number in itertools.islice(numbers, 5):
        assert norway.is_birth_number(number)
        assert norway.is_test_number(number)
        assert int(number[:2]) == born.day + (40 if d_number else 0)
        assert int(number[2:4]) == born.month + series
        assert number[4:6] == f"{born:%y}"
        assert (int(number[8]) % 2 == 0) is woman


@given(DAYS, st.sampled_from(Series), st.booleans())
def test_every_day_has_many_numbers_and_none_twice(born: date, series: Series, woman: bool) -> None:
    numbers = list(synthetic_numbers(born, series, woman=woman))
    assert len(numbers) > 100
    assert len(set(numbers)) == len(numbers)


def test_the_century_is_in_the_individual_number() -> None:
    of_1950 = synthetic_numbers(date(1950, 2, 3), Series.SKATTEETATEN, woman=True)
    of_2010 = synthetic_numbers(date(2010, 2, 3), Series.SKATTEETATEN, woman=True)
    assert {int(number[6]) // 5 for number in of_1950} == {0}
    assert {int(number[6]) // 5 for number in of_2010} == {1}


@pytest.mark.parametrize("born", [date(1899, 12, 31), date(2032, 1, 1)])
def test_other_centuries_have_none(born: date) -> None:
    assert list(synthetic_numbers(born, Series.SKATTEETATEN, woman=False)) == []


def test_a_number_without_a_check_digit_is_not_completed() -> None:
    start = date(1970, 1, 1)
    stems = [f"{start + timedelta(day):%d%m%y}{day % 500:03}" for day in range(60)]
    whole = [norway.with_check_digits(stem) for stem in stems]
    assert "" in whole
    assert all(norway.has_check_digits(number) for number in whole if number)


def test_an_organisation_number_gets_its_check_digit() -> None:
    assert norway.with_check_digit("98397488") == "983974880"
    whole = [norway.with_check_digit(f"3100000{n:01}") for n in range(10)]
    assert all(norway.is_organisation_number(number) for number in whole if number)
    assert any(whole)
