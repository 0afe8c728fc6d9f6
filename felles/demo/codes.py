"""The codes of made-up documents, with their Norwegian names.

| attribute | code list | what of it is here |
|---|---|---|
| classCode, typeCode | 9602 | kinds of document: level 1 is the class, level 2 the type |
| confidentialityCode | 9603 and HL7's | a pair, as Norwegian sources send it |
| healthcareFacilityTypeCode | 1303 | kinds of institution |
| practiceSettingCode | 8655, 8654, 8663 | hospitals: care, then imaging and tests; municipalities |
| authorRole, authorSpecialty | 9034, 7426 | as texts in CX form |
"""

from typing import Final

from ihe.model import Code, LocalizedString
from ihe.vocabulary import CONFIDENTIALITY_CODES

_LISTS: Final = "2.16.578.1.12.4.1.1"
_DOCUMENTS: Final = f"{_LISTS}.9602"

_CLASSES: Final = {
    "A": "Epikriser og sammenfatninger",
    "B": "Kontinuerlig/løpende journal",
    "C": "Prøvesvar, vev og væsker",
    "D": "Organfunksjon",
    "E": "Bildediagnostikk",
    "F": "Kurve, observasjon og behandling",
    "I": "Korrespondanse",
    "J": "Attester, meldinger og erklæringer",
}
_TYPES: Final = {
    "A01": "Kriseplan",
    "A02": "Individuell plan",
    "A03": "Epikrise",
    "A04": "Sykepleiesammenfatning",
    "A05": "Fysioterapisammenfatning",
    "A07": "Psykologsammenfatning",
    "A09": "Ernæringsfysiologsammenfatning",
    "A11": "Tverrfaglig sammenfatning",
    "A12": "Utskrivings-/pasientorientering",
    "A13": "Poliklinisk epikrise",
    "B01": "Tverrfaglig behandlingsplan",
    "B02": "Journalnotat",
    "B03": "Poliklinisk notat",
    "C01": "Medisinsk biokjemi",
    "C02": "Blodbank og immunologi",
    "C07": "Allergiutredning",
    "D01": "Hjerte og kretsløp",
    "E01": "Bildediagnostiske svar",
    "F02": "Anestesi- og operasjonsrapporter",
    "F04": "Svangerskap og fødsel",
    "I01": "Henvisninger",
    "J01": "Sykmeldinger og trygdesaker",
}
_FACILITIES: Final = {
    "86.101": "Alminnelige somatiske sykehus",
    "86.211": "Allmenn legetjeneste",
    "86.212": "Somatiske poliklinikker",
    "86.223": "Poliklinikker i psykisk helsevern for voksne",
    "86.901": "Hjemmesykepleie",
    "87.102": "Somatiske sykehjem",
}
_PRACTICES: Final = {
    "8654": {"B01": "Røntgen", "B05": "Tomografi CT", "L0202": "Transfusjonsmedisin",
             "L03": "Medisinsk biokjemi"},
    "8655": {"PV": "Psykisk helsevern for voksne", "S0208": "Ortopedisk kirurgi",
             "S0301": "Endokrinologi", "S0303": "Geriatri", "S0306": "Hjertesykdommer",
             "S0307": "Lungesykdommer", "S0403": "Obstetrikk", "S06": "Barnesykdommer",
             "S0702": "Cerebrovaskulære sykdommer"},
    "8663": {"KA02": "Legevakt", "KP01": "Legetjeneste ved sykehjem mv.",
             "KP02": "Sykepleietjeneste", "KX17": "Fastlege"},
}  # fmt: skip  # a table: one list a line
_ACCESS: Final = {
    "N": "Normal",
    "NORS": "Sperret",
    "NORU": "Utsatt innsyn for innbygger",
}


def code(value: str, scheme: str, display: str) -> Code:
    """Return a code with its Norwegian name."""
    return Code(value, scheme, LocalizedString(display, "nb-NO"))


def class_of(type_: str) -> Code:
    """Return the classCode of a type of document: `A00-1` of `A03-2`."""
    return code(f"{type_[0]}00-1", _DOCUMENTS, _CLASSES[type_[0]])


def type_of(type_: str) -> Code:
    """Return the typeCode of a type of document, such as `A03-2`."""
    return code(type_, _DOCUMENTS, _TYPES[type_.removesuffix("-2")])


def facility(value: str) -> Code:
    """Return a healthcareFacilityTypeCode."""
    return code(value, f"{_LISTS}.1303", _FACILITIES[value])


def practice(value: str) -> Code:
    """Return a practiceSettingCode; the lists have no code in common."""
    number, displays = next((n, names) for n, names in _PRACTICES.items() if value in names)
    return code(value, f"{_LISTS}.{number}", displays[value])


def confidentiality(access: str) -> tuple[Code, Code]:
    """Return the pair of confidentialityCodes for a code of 9603: `N`, `NORS` or `NORU`."""
    return (
        Code("N", CONFIDENTIALITY_CODES, LocalizedString("normal", "en")),
        code(access, f"{_LISTS}.9603", _ACCESS[access]),
    )


def role(value: str) -> str:
    """Return an authorRole of code list 9034."""
    return f"{value}^^^&{_LISTS}.9034&ISO"


def specialty(value: str) -> str:
    """Return an authorSpecialty of code list 7426."""
    return f"{value}^^^&{_LISTS}.7426&ISO"
