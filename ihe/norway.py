"""Norwegian numbers of persons and organisations: which are right, and how test numbers are made.

```text
fødselsnummer  DDMMYY III KK   date of birth, individual number, two check digits
D-nummer       day + 40        for people without a fødselsnummer
H-nummer       month + 40      good inside one organisation only
test numbers   month + 80 (Skatteetaten), month + 65 (Norsk helsenett); with day + 40 too
felles hjelpenummer            11 digits that begin with 8 or 9; no date; the same check digits
```

The individual number tells the century, and its last digit the sex (even: a woman), of people who
got theirs before 2032. Numbers given out later have other check digits too, and need a look again.

References
----------
Skatteetaten and Helsedirektoratet on fødselsnummer; Brønnøysundregistrene on organisasjonsnummer.
"""

from collections.abc import Iterator
from datetime import date
from enum import IntEnum
from typing import Final

FODSELSNUMMER: Final = "2.16.578.1.12.4.1.4.1"
D_NUMMER: Final = "2.16.578.1.12.4.1.4.2"
FELLES_HJELPENUMMER: Final = "2.16.578.1.12.4.1.4.3"
HPR_NUMMER: Final = "2.16.578.1.12.4.1.4.4"
ORGANISASJONSNUMMER: Final = "2.16.578.1.12.4.1.4.101"
RESH_ID: Final = "2.16.578.1.12.4.1.4.102"


class Series(IntEnum):
    """The test series: what each adds to the month of birth numbers that belong to nobody."""

    SKATTEETATEN = 80
    NORSK_HELSENETT = 65


_FIRST: Final = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_SECOND: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_ORGANISATION: Final = (3, 2, 7, 6, 5, 4, 3, 2)
_DAYS, _MONTHS = range(1, 32), range(1, 13)
_D: Final = 40
_H: Final = 40
_HPR_DIGITS: Final = 9
# years of birth, and the individual numbers that they have
_CENTURIES: Final = (
    (range(1900, 2000), range(500)),
    (range(2000, 2032), range(500, 1000)),
)


# --- check digits --------------------------------------------------------------------------------


def _are_digits(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdecimal()


def _check_digit(digits: str, weights: tuple[int, ...]) -> str:
    """Return the check digit behind `digits`, modulus 11; '' when there is none."""
    rest = sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11
    return {0: "0", 1: ""}.get(rest, str(11 - rest))


def with_check_digits(digits: str) -> str:
    """Return the nine digits of a person's number with its two check digits; '' if it has none."""
    first = _check_digit(digits, _FIRST)
    second = _check_digit(digits + first, _SECOND) if first else ""
    return digits + first + second if second else ""


def with_check_digit(digits: str) -> str:
    """Return the eight digits of an organisation's number with its check digit; '' if none."""
    check = _check_digit(digits, _ORGANISATION)
    return digits + check if check else ""


def has_check_digits(number: str) -> bool:
    """Tell whether a number has 11 digits, the last two of which follow from the others."""
    return _are_digits(number, 11) and number == with_check_digits(number[:9])


# --- which are right -----------------------------------------------------------------------------


def _month(number: str) -> int:
    return int(number[2:4])


def is_birth_number(number: str) -> bool:
    """Tell whether a number is a fødselsnummer, D-nummer or H-nummer, of a test series or not."""
    if not has_check_digits(number):
        return False
    day, month = int(number[:2]), _month(number)
    added = (0, _H, *Series)
    return (day in _DAYS or day - _D in _DAYS) and any(month - plus in _MONTHS for plus in added)


def is_auxiliary_number(number: str) -> bool:
    """Tell whether a number is a felles hjelpenummer."""
    return has_check_digits(number) and number[0] in "89"


def is_internal_number(number: str) -> bool:
    """Tell whether a birth number is an H-nummer."""
    return _are_digits(number, 11) and _month(number) - _H in _MONTHS


def is_test_number(number: str) -> bool:
    """Tell whether a birth number is of a test series."""
    return _are_digits(number, 11) and any(_month(number) - plus in _MONTHS for plus in Series)


def is_organisation_number(number: str) -> bool:
    """Tell whether a number is an organisasjonsnummer: nine digits, the last a check digit."""
    return _are_digits(number, 9) and number == with_check_digit(number[:8])


def is_hpr_number(number: str) -> bool:
    """Tell whether a number can be an HPR-nummer: up to nine digits."""
    return 0 < len(number) <= _HPR_DIGITS and number.isascii() and number.isdecimal()


# --- nobody's numbers ----------------------------------------------------------------------------


def synthetic_numbers(
    born: date, series: Series, *, woman: bool, d_number: bool = False
) -> Iterator[str]:
    """Yield the birth numbers that a test series has for one day and sex, some 200 of them.

    Parameters
    ----------
    born
        Day of birth, from 1900 to 2031.
    woman
        Sex, which the ninth digit tells.
    d_number
        Whether they are D-numbers.
    """
    day = born.day + (_D if d_number else 0)
    date_part = f"{day:02}{born.month + series:02}{born.year % 100:02}"
    for years, individual in _CENTURIES:
        if born.year in years:
            for number in individual:
                if (number % 2 == 0) is woman and (
                    whole := with_check_digits(f"{date_part}{number:03}")
                ):
                    yield whole
