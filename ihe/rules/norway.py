"""Group N: Norwegian numbers of persons and organisations, checked where a domain asks for it.

All of it is off by default: numbers of other countries come in too, and even national test data
and published samples hold numbers with wrong check digits.

```text
fødselsnummer  DDMMYY III KK   date of birth, individual number, two check digits
D-nummer       day + 40        for people without a fødselsnummer
H-nummer       month + 40      good inside one organisation only
test numbers   month + 80 (Skatteetaten), month + 65 (Norsk helsenett); with day + 40 too
felles hjelpenummer            11 digits that begin with 8 or 9; no date; the same check digits
```

Only numbers whose assigning authority says what they are, are looked at. Age and sex are never
taken from them. Numbers given out from 2032 on have other check digits, and need a look again.

References
----------
HIS 1169 (Norwegian profile of XDS.b metadata); Skatteetaten and Helsedirektoratet on fødselsnummer;
Brønnøysundregistrene on organisasjonsnummer.
"""

from collections.abc import Callable, Iterator
from typing import Final

from ihe.datatypes import CX, XCN, XON, Recipient
from ihe.model import RegistryObject
from ihe.rules.declaring import Basis, Finding, RuleBook, Strictness, finding
from ihe.rules.subject import Subject, author_values, name_of, typed_values, where

NORWAY: Final = RuleBook[Subject]()

FODSELSNUMMER: Final = "2.16.578.1.12.4.1.4.1"
D_NUMMER: Final = "2.16.578.1.12.4.1.4.2"
FELLES_HJELPENUMMER: Final = "2.16.578.1.12.4.1.4.3"
HPR_NUMMER: Final = "2.16.578.1.12.4.1.4.4"
ORGANISASJONSNUMMER: Final = "2.16.578.1.12.4.1.4.101"
RESH_ID: Final = "2.16.578.1.12.4.1.4.102"

_BIRTH_NUMBERS: Final = frozenset({FODSELSNUMMER, D_NUMMER})
_FIRST: Final = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_SECOND: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_ORGANISATION: Final = (3, 2, 7, 6, 5, 4, 3, 2)
_DAYS, _MONTHS = range(1, 32), range(1, 13)
_D: Final = 40
_H: Final = 40
_TEST: Final = (80, 65)
_HPR_DIGITS: Final = 9


def _are_digits(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isdecimal()


def _check_digit(digits: str, weights: tuple[int, ...]) -> str:
    """Return the check digit behind `digits`, modulus 11; '' when there is none."""
    rest = sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11
    return {0: "0", 1: ""}.get(rest, str(11 - rest))


def has_check_digits(number: str) -> bool:
    """Tell whether a number has 11 digits, the last two of which follow from the others."""
    return (
        _are_digits(number, 11)
        and number[9] == _check_digit(number[:9], _FIRST)
        and number[10] == _check_digit(number[:10], _SECOND)
    )


def _month(number: str) -> int:
    return int(number[2:4])


def is_birth_number(number: str) -> bool:
    """Tell whether a number is a fødselsnummer, D-nummer or H-nummer, of a test series or not."""
    if not has_check_digits(number):
        return False
    day, month = int(number[:2]), _month(number)
    added = (0, _H, *_TEST)
    return (day in _DAYS or day - _D in _DAYS) and any(month - plus in _MONTHS for plus in added)


def is_auxiliary_number(number: str) -> bool:
    """Tell whether a number is a felles hjelpenummer."""
    return has_check_digits(number) and number[0] in "89"


def is_internal_number(number: str) -> bool:
    """Tell whether a birth number is an H-nummer."""
    return _are_digits(number, 11) and _month(number) - _H in _MONTHS


def is_test_number(number: str) -> bool:
    """Tell whether a birth number is of a test series."""
    return _are_digits(number, 11) and any(_month(number) - plus in _MONTHS for plus in _TEST)


def is_organisation_number(number: str) -> bool:
    """Tell whether a number is an organisasjonsnummer: nine digits, the last a check digit."""
    return _are_digits(number, 9) and number[8] == _check_digit(number[:8], _ORGANISATION)


def is_hpr_number(number: str) -> bool:
    """Tell whether a number can be an HPR-nummer: up to nine digits."""
    return 0 < len(number) <= _HPR_DIGITS and number.isascii() and number.isdecimal()


def _numbers(thing: RegistryObject) -> Iterator[tuple[str, str, str]]:
    """Yield each number of a person or organisation: place, assigning authority, number."""
    values = [
        (where(thing, field), value)
        for field, value in typed_values(
            thing, "patient_id", "source_patient_id", "legal_authenticator", "intended_recipients"
        )
    ]
    values += [(f"{name_of(thing)}.{name}", value) for name, value in author_values(thing)]
    for place, value in values:
        parts = (value.organisation, value.person) if isinstance(value, Recipient) else (value,)
        for part in parts:
            if isinstance(part, CX | XCN | XON):
                yield place, part.authority, part.id


def _wrong(
    subject: Subject, authorities: frozenset[str], wrong: Callable[[str], bool], expected: str
) -> Iterator[Finding]:
    for thing in subject.submission:
        for place, authority, number in _numbers(thing):
            if authority in authorities and wrong(number):
                yield finding(place, f"'{number[:40]}'", expected)


def _rule(
    id: str, says: str, *, authorities: frozenset[str], wrong: Callable[[str], bool], expected: str
) -> None:
    """Declare a rule: numbers of `authorities` that are `wrong`."""

    @NORWAY.rule(
        id,
        says,
        basis=Basis.NATIONAL,
        default=Strictness.OFF,
        why="Only Norwegian affinity domains want it, and real data breaks it.",
    )
    def _check(subject: Subject) -> Iterator[Finding]:
        return _wrong(subject, authorities, wrong, expected)


_rule(
    "N1",
    "A fødselsnummer or D-nummer has a date and two right check digits.",
    authorities=_BIRTH_NUMBERS,
    wrong=lambda number: not is_birth_number(number),
    expected="DDMMYY, an individual number and two check digits (modulus 11)",
)
_rule(
    "N2",
    "An H-nummer, which is good inside one organisation only, is not sent outside.",
    authorities=_BIRTH_NUMBERS,
    wrong=is_internal_number,
    expected="a fødselsnummer, D-nummer or felles hjelpenummer",
)
_rule(
    "N3",
    "A felles hjelpenummer begins with 8 or 9 and has two right check digits.",
    authorities=frozenset({FELLES_HJELPENUMMER}),
    wrong=lambda number: not is_auxiliary_number(number),
    expected="11 digits that begin with 8 or 9, with two check digits (modulus 11)",
)
_rule(
    "N4",
    "An organisasjonsnummer has nine digits, the last a right check digit.",
    authorities=frozenset({ORGANISASJONSNUMMER}),
    wrong=lambda number: not is_organisation_number(number),
    expected="nine digits with a check digit (modulus 11)",
)
_rule(
    "N5",
    "An HPR-nummer has at most nine digits.",
    authorities=frozenset({HPR_NUMMER}),
    wrong=lambda number: not is_hpr_number(number),
    expected="one to nine digits",
)
_rule(
    "N6",
    "A RESH-id is a whole number.",
    authorities=frozenset({RESH_ID}),
    wrong=lambda number: not (number.isascii() and number.isdecimal()),
    expected="digits",
)
_rule(
    "N7",
    "A person of a test series is not registered: for production.",
    authorities=_BIRTH_NUMBERS,
    wrong=is_test_number,
    expected="the number of a real person",
)
