"""Who shares documents in the demo: five communities, and the made-up units in them.

```text
Community    Helse Nord
  Institution  Polarlys sykehus               organisation number
    Unit         Hjertemedisinsk avdeling     RESH id, kind of facility, service
```

OIDs are below 2.999, which ITU-T X.660 keeps for examples. Organisation numbers begin with 31, as
those of synthetic organisations do; no real one begins with 3.
"""

from dataclasses import dataclass
from typing import Final

from felles.demo import codes
from ihe.datatypes import OID, XON, HomeCommunityId
from ihe.model import Code
from ihe.norway import ORGANISASJONSNUMMER, RESH_ID, with_check_digit

ROOT: Final = "2.999.578"


@dataclass(frozen=True, slots=True)
class Community:
    """One community; `number` makes its OIDs."""

    number: int
    slug: str
    name: str

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
    def local_patients(self) -> OID:
        """Assigning authority of that system's own patient ids."""
        return OID(f"{ROOT}.{self.number}.3")


@dataclass(frozen=True, slots=True)
class Institution:
    """A hospital, a nursing home, a doctor's office; `number` is its own within the demo."""

    community: Community
    number: int
    name: str
    place: str

    @property
    def organisation_number(self) -> str:
        """A synthetic organisation number."""
        stems = (f"31{self.number:03}{n:03}" for n in range(20))
        return next(filter(None, map(with_check_digit, stems)))

    @property
    def xon(self) -> XON:
        """Name and number."""
        return XON.of(self.name, id=self.organisation_number, authority=ORGANISASJONSNUMMER)


@dataclass(frozen=True, slots=True)
class Unit:
    """Where a document is written; `resh` is '' outside hospitals."""

    institution: Institution
    name: str
    resh: str
    facility: Code
    practice: Code

    @property
    def community(self) -> Community:
        """The community that it belongs to."""
        return self.institution.community

    @property
    def xons(self) -> tuple[XON, ...]:
        """The institution, and the unit where it has an id of its own."""
        if not self.resh:
            return (self.institution.xon,)
        return (self.institution.xon, XON.of(self.name, id=self.resh, authority=RESH_ID))


NORD: Final = Community(1, "helse-nord", "Helse Nord")
MIDT: Final = Community(2, "helse-midt", "Helse Midt-Norge")
VEST: Final = Community(3, "helse-vest", "Helse Vest")
SOR_OST: Final = Community(4, "helse-sor-ost", "Helse Sør-Øst")
MUNICIPALITIES: Final = Community(5, "kommunene", "Kommunenes felles journal")
COMMUNITIES: Final = (NORD, MIDT, VEST, SOR_OST, MUNICIPALITIES)

_POLARLYS: Final = Institution(NORD, 1, "Polarlys sykehus", "Tromsø")
_FJORDBYEN: Final = Institution(MIDT, 2, "Fjordbyen sykehus", "Trondheim")
_VESTLANDET: Final = Institution(VEST, 3, "Regnbuen sjukehus", "Bergen")
_ASGARD: Final = Institution(SOR_OST, 4, "Åsgård sykehus", "Oslo")
_SOLBAKKEN: Final = Institution(MUNICIPALITIES, 5, "Solbakken sykehjem", "Lillevik")
_HOME_CARE: Final = Institution(MUNICIPALITIES, 6, "Lillevik hjemmetjeneste", "Lillevik")
_DOCTORS: Final = Institution(MUNICIPALITIES, 7, "Lillevik legesenter", "Lillevik")
_EMERGENCY: Final = Institution(MUNICIPALITIES, 8, "Lillevik legevakt", "Lillevik")


def _unit(of: Institution, name: str, facility: str, practice: str, resh: str = "") -> Unit:
    return Unit(of, name, resh, codes.facility(facility), codes.practice(practice))


UNITS: Final = {
    "nord hjerte": _unit(
        _POLARLYS, "Hjertemedisinsk avdeling", "86.101", "S0306", "9910001"),
    "nord slag": _unit(
        _POLARLYS, "Slagenheten", "86.101", "S0702", "9910002"),
    "nord røntgen": _unit(
        _POLARLYS, "Bildediagnostisk avdeling", "86.101", "B01", "9910003"),
    "nord ct": _unit(
        _POLARLYS, "Bildediagnostisk avdeling", "86.101", "B05", "9910003"),
    "nord lab": _unit(
        _POLARLYS, "Laboratoriemedisinsk avdeling", "86.101", "L03", "9910004"),
    "midt hjerte": _unit(
        _FJORDBYEN, "Hjertepoliklinikken", "86.212", "S0306", "9920001"),
    "midt barn": _unit(
        _FJORDBYEN, "Barne- og ungdomspoliklinikken", "86.212", "S06", "9920002"),
    "midt geriatri": _unit(
        _FJORDBYEN, "Geriatrisk sengepost", "86.101", "S0303", "9920003"),
    "vest lunge": _unit(
        _VESTLANDET, "Lungeavdelinga", "86.101", "S0307", "9930001"),
    "vest lab": _unit(
        _VESTLANDET, "Avdeling for medisinsk biokjemi", "86.101", "L03", "9930002"),
    "vest blodbank": _unit(
        _VESTLANDET, "Blodbanken", "86.101", "L0202", "9930003"),
    "vest føde": _unit(
        _VESTLANDET, "Kvinneklinikken", "86.101", "S0403", "9930004"),
    "vest ortopedi": _unit(
        _VESTLANDET, "Ortopedisk klinikk", "86.101", "S0208", "9930005"),
    "vest røntgen": _unit(
        _VESTLANDET, "Radiologisk avdeling", "86.101", "B01", "9930006"),
    "sør-øst ortopedi": _unit(
        _ASGARD, "Ortopedisk avdeling", "86.101", "S0208", "9940001"),
    "sør-øst røntgen": _unit(
        _ASGARD, "Radiologisk avdeling", "86.101", "B01", "9940002"),
    "sør-øst diabetes": _unit(
        _ASGARD, "Diabetespoliklinikken", "86.212", "S0301", "9940003"),
    "sør-øst lab": _unit(
        _ASGARD, "Laboratoriet", "86.101", "L03", "9940004"),
    "sør-øst psykiatri": _unit(
        _ASGARD, "Distriktspsykiatrisk poliklinikk", "86.223", "PV", "9940005"),
    "sykehjem": _unit(_SOLBAKKEN, "Avdeling Furua", "87.102", "KP02"),
    "sykehjemslege": _unit(_SOLBAKKEN, "Legetjenesten", "87.102", "KP01"),
    "hjemmetjeneste": _unit(_HOME_CARE, "Sone øst", "86.901", "KP02"),
    "fastlege": _unit(_DOCTORS, "Legekontoret", "86.211", "KX17"),
    "legevakt": _unit(_EMERGENCY, "Vaktrommet", "86.211", "KA02"),
}  # fmt: skip  # a table: one unit a row
"""Units by the names that the stories call them."""
