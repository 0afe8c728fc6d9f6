"""People who do not exist: whom the demo's documents are about, and who wrote them.

Patients have birth numbers of the test series, which nobody has. HPR numbers of professionals have
nine digits and begin with 2222, where the real register is far from.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from felles.demo import codes
from felles.demo.communities import Unit
from ihe.datatypes import CX, XCN, Field
from ihe.model import Author
from ihe.norway import D_NUMMER, FODSELSNUMMER, HPR_NUMMER, Series, synthetic_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A patient who does not exist.

    Parameters
    ----------
    first, last, address
        As letters have them.
    born
        Day of birth.
    woman
        Sex.
    series
        The test series of the birth number.
    d_number
        Whether that is a D-number.
    """

    first: str
    last: str
    address: str
    born: date
    woman: bool
    series: Series = Series.SKATTEETATEN
    d_number: bool = False

    @property
    def number(self) -> str:
        """A birth number of the test series."""
        return next(
            synthetic_numbers(self.born, self.series, woman=self.woman, d_number=self.d_number)
        )

    @property
    def authority(self) -> str:
        """OID of the kind of number."""
        return D_NUMMER if self.d_number else FODSELSNUMMER

    @property
    def kind_of_number(self) -> str:
        """The kind of number in a word."""
        return "D-nummer" if self.d_number else "Fødselsnummer"

    @property
    def patient_id(self) -> CX:
        """The number as a patient id."""
        return CX.of(self.number, self.authority)

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"

    @property
    def source_patient_info(self) -> tuple[Field, ...]:
        """Number, name, birth date and sex (PID-3, PID-5, PID-7, PID-8)."""
        return (
            Field(f"PID-3|{self.patient_id}"),
            Field(f"PID-5|{self.last}^{self.first}"),
            Field(f"PID-7|{self.born:%Y%m%d}"),
            Field(f"PID-8|{'F' if self.woman else 'M'}"),
        )


@dataclass(frozen=True, slots=True)
class Professional:
    """Somebody who writes documents; role and specialty are '' where the code lists have none."""

    first: str
    last: str
    title: str
    hpr: str
    role: str = ""
    specialty: str = ""

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"

    @property
    def xcn(self) -> XCN:
        """Name and HPR number."""
        return XCN.of(last=self.last, first=self.first, id=self.hpr, authority=HPR_NUMMER)

    def author(self, unit: Unit) -> Author:
        """Return them as the author of a document of a unit."""
        return Author(
            person=self.xcn,
            institutions=unit.xons,
            roles=(codes.role(self.role),) if self.role else (),
            specialties=(codes.specialty(self.specialty),) if self.specialty else (),
        )


PROFESSIONALS: Final = {
    each.first: each
    for each in (
        Professional("Kari", "Påhitt", "overlege", "222200001", "3", "195"),
        Professional("Lars", "Låtsom", "fastlege", "222200002", "6", "1"),
        Professional("Elle", "Fantasdatter", "sykepleier", "222200003", "11"),
        Professional("Per", "Papir", "bioingeniør", "222200004"),
        Professional("Inga", "Sjøtroll", "overlege", "222200005", "3", "37"),
        Professional("Isak", "Tåkefyrste", "radiolog", "222200006", "", "35"),
        Professional("Marit", "Sagnsund", "overlege", "222200007", "3", "195"),
        Professional("Ravna", "Čohkkanieida", "overlege", "222200008", "3", "3"),
        Professional("Eirik", "Skrøne", "overlege", "222200009", "3", "194"),
        Professional("Trine", "Luftgaard", "klinisk ernæringsfysiolog", "222200010", "21"),
        Professional("Gro", "Regnboge", "overlege", "222200011", "3", "197"),
        Professional("Sindre", "Skodde", "bioingeniør", "222200012"),
        Professional("Ragnhild", "Draumeheim", "jordmor", "222200013", "14"),
        Professional("Oddvar", "Vestavind", "overlege", "222200014", "3", "152"),
        Professional("Bente", "Blåbærmo", "overlege", "222200015", "3", "152"),
        Professional("Jonas", "Jukselius", "fysioterapeut", "222200016", "21"),
        Professional("Nils", "Nullsett", "radiolog", "222200017", "", "35"),
        Professional("Anniken", "Sukkertopp", "overlege", "222200018", "3", "192"),
        Professional("Vegard", "Villrede", "psykologspesialist", "222200019", "20"),
        Professional("Siri", "Stjernevik", "sykepleier", "222200020", "9"),
        Professional("Håvard", "Huldremo", "sykehjemslege", "222200021", "3", "1"),
        Professional("Berit", "Bjørkely", "koordinator", "222200022", "8"),
        Professional("Mina", "Månemark", "legevaktslege", "222200023", "3"),
    )
}
"""Professionals by their first names, which are how the stories call them."""
