"""Group N: Norwegian numbers of persons and organisations, checked where a domain asks for it.

All of it is off by default: numbers of other countries come in too, and even national test data
and published samples hold numbers with wrong check digits.

What such numbers look like is in `ihe.norway`. Only numbers whose assigning authority says what
they are, are looked at. Age and sex are never taken from them.

References
----------
HIS 1169 (Norwegian profile of XDS.b metadata).
"""

from collections.abc import Callable, Iterator
from typing import Final

from ihe.datatypes import CX, XCN, XON, Recipient
from ihe.model import RegistryObject
from ihe.norway import (
    D_NUMMER,
    FELLES_HJELPENUMMER,
    FODSELSNUMMER,
    HPR_NUMMER,
    ORGANISASJONSNUMMER,
    RESH_ID,
    is_auxiliary_number,
    is_birth_number,
    is_hpr_number,
    is_internal_number,
    is_organisation_number,
    is_test_number,
)
from ihe.rules.declaring import Basis, Finding, RuleBook, Strictness, finding
from ihe.rules.subject import Subject, author_values, name_of, typed_values, where

NORWAY: Final = RuleBook[Subject]()

_BIRTH_NUMBERS: Final = frozenset({FODSELSNUMMER, D_NUMMER})


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
