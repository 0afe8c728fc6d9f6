"""Who takes part in the demo: made-up units of five communities, and people who do not exist.

OIDs are below 2.999, which ITU-T X.660 keeps for examples. Persons have numbers of Skatteetaten's
test series, organisations numbers that begin as those of synthetic organisations do.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from ihe.datatypes import CX, OID, XCN, XON, Field, HomeCommunityId
from ihe.model import Author
from ihe.norway import (
    FODSELSNUMMER,
    HPR_NUMMER,
    ORGANISASJONSNUMMER,
    Series,
    synthetic_numbers,
    with_check_digit,
)

ROOT: Final = "2.999.578"
_AUTHOR_ROLES: Final = "2.16.578.1.12.4.1.1.9034"


@dataclass(frozen=True, slots=True)
class Community:
    """One community; `number` makes its OIDs, `unit` is where its documents come from."""

    number: int
    slug: str
    name: str
    unit: str
    place: str

    @property
    def home_community_id(self) -> HomeCommunityId:
        """Its homeCommunityId."""
        return HomeCommunityId(OID(f"{ROOT}.{self.number}").urn)

    @property
    def repository_unique_id(self) -> OID:
        """Of its repository."""
        return OID(f"{ROOT}.{self.number}.1")

    @property
    def source_id(self) -> OID:
        """Of the system that submits its documents."""
        return OID(f"{ROOT}.{self.number}.2")

    @property
    def institution(self) -> XON:
        """The unit, with a synthetic organisation number."""
        numbers = (with_check_digit(f"3100{self.number}{n:03}") for n in range(100))
        return XON.of(self.unit, id=next(filter(None, numbers)), authority=ORGANISASJONSNUMMER)


NORD: Final = Community(1, "helse-nord", "Helse Nord", "Polarlys sykehus", "Tromsø")
MIDT: Final = Community(2, "helse-midt", "Helse Midt-Norge", "Fjordbyen sykehus", "Trondheim")
VEST: Final = Community(3, "helse-vest", "Helse Vest", "Vestlandet sykehus", "Bergen")
SOR_OST: Final = Community(4, "helse-sor-ost", "Helse Sør-Øst", "Åsgård sykehus", "Oslo")
MUNICIPALITIES: Final = Community(
    5, "kommunene", "Kommunenes felles journal", "Solbakken sykehjem", "Lillevik"
)
COMMUNITIES: Final = (NORD, MIDT, VEST, SOR_OST, MUNICIPALITIES)


@dataclass(frozen=True, slots=True)
class Person:
    """A patient who does not exist."""

    first: str
    last: str
    born: date
    woman: bool

    @property
    def number(self) -> str:
        """A birth number of the test series."""
        return next(synthetic_numbers(self.born, Series.SKATTEETATEN, woman=self.woman))

    @property
    def patient_id(self) -> CX:
        """The number as a patient id."""
        return CX.of(self.number, FODSELSNUMMER)

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"

    @property
    def source_patient_info(self) -> tuple[Field, ...]:
        """Name, birth date and sex (PID-5, PID-7, PID-8)."""
        return (
            Field(f"PID-5|{self.last}^{self.first}"),
            Field(f"PID-7|{self.born:%Y%m%d}"),
            Field(f"PID-8|{'F' if self.woman else 'M'}"),
        )


PATIENTS: Final = (
    Person("Áile Márjá", "Eksempelsen", date(1938, 5, 17), woman=True),
    Person("Odd", "Oppdiktet", date(1951, 11, 2), woman=False),
    Person("Synnøve", "Skinnberg", date(1969, 3, 28), woman=True),
    Person("Ánte", "Prøvejávri", date(1984, 8, 9), woman=False),
    Person("Gunhild", "Påfunn", date(1945, 1, 31), woman=True),
    Person("Jean-Luc", "Tenkt", date(1992, 12, 12), woman=False),
    Person("Åshild", "Luftslott", date(2001, 6, 6), woman=True),
    Person("Torbjørn", "Skjønnlitterær", date(1933, 10, 20), woman=False),
)
"""The first is the one whom the nurse asks for."""


@dataclass(frozen=True, slots=True)
class Professional:
    """Somebody who writes documents; `role` is of code list 9034."""

    first: str
    last: str
    hpr: str
    role: str
    title: str

    @property
    def xcn(self) -> XCN:
        """Name and HPR number."""
        return XCN.of(last=self.last, first=self.first, id=self.hpr, authority=HPR_NUMMER)

    def author(self, community: Community) -> Author:
        """Return them as the author of a document of a community."""
        return Author(
            person=self.xcn,
            institutions=(community.institution,),
            roles=(f"{self.role}^^^&{_AUTHOR_ROLES}&ISO",),
        )


DOCTOR: Final = Professional("Kari", "Påhitt", "222200001", "3", "overlege")
PHYSICIAN: Final = Professional("Lars", "Låtsom", "222200002", "6", "fastlege")
NURSE: Final = Professional("Elle", "Fantasdatter", "222200003", "3", "sykepleier")
CHEMIST: Final = Professional("Per", "Papir", "222200004", "3", "bioingeniør")
