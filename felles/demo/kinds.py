"""The kinds of document that the demo makes up, with what their metadata and their text say.

Codes of documents are of list 9602, facilities of 1303, services of 8653 (hospitals) and 8663
(municipalities).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from felles.demo.communities import CHEMIST, DOCTOR, NURSE, PHYSICIAN, Professional
from felles.demo.formats import cda, kith, pdf, text
from felles.demo.formats.letter import Letter
from ihe.model import Code, LocalizedString
from ihe.vocabulary import FORMAT_CODES, MIME_TYPE_SUFFICIENT

DOCUMENTS: Final = "2.16.578.1.12.4.1.1.9602"
_FACILITIES: Final = "2.16.578.1.12.4.1.1.1303"
_HOSPITAL_SERVICES: Final = "2.16.578.1.12.4.1.1.8653"
_MUNICIPAL_SERVICES: Final = "2.16.578.1.12.4.1.1.8663"
_KITH: Final = "2.16.578.1.12.4.1.1.9999"
"""Coding scheme of namespaces used as format codes; made up, as all schemes above 9998 are."""


def code(value: str, scheme: str, display: str) -> Code:
    """Return a code with its Norwegian name."""
    return Code(value, scheme, LocalizedString(display, "nb-NO"))


_HOSPITAL: Final = code("86.101", _FACILITIES, "Alminnelige somatiske sykehus")
_NURSING_HOME: Final = code("87.102", _FACILITIES, "Somatiske sykehjem")
_HOME_CARE: Final = code("86.901", _FACILITIES, "Hjemmesykepleie")
_SPECIALIST: Final = code("4", _HOSPITAL_SERVICES, "Spesialisthelsetjeneste")
_NURSING: Final = code("KP02", _MUNICIPAL_SERVICES, "Pleietjeneste, sykehjem")
_SUFFICIENT: Final = Code(
    MIME_TYPE_SUFFICIENT, FORMAT_CODES, LocalizedString("mimeType Sufficient")
)


@dataclass(frozen=True, slots=True)
class Format:
    """How a document is written: its MIME type, its formatCode, and what writes it."""

    mime_type: str
    code: Code
    write: Callable[[Letter], bytes]


PDF: Final = Format(pdf.MIME_TYPE, _SUFFICIENT, pdf.write)
TEXT: Final = Format(text.MIME_TYPE, _SUFFICIENT, text.write)


def _kith(name: str, root: str, year: str) -> Format:
    namespace = f"http://www.kith.no/xmlstds/{name}/{year}"
    return Format(
        kith.MIME_TYPE,
        code(namespace, _KITH, f"KITH {root}"),
        lambda letter: kith.write(letter, namespace=namespace, root=root),
    )


def _cda(type_code: Code) -> Format:
    display = type_code.display.value if type_code.display else type_code.code
    return Format(
        cda.MIME_TYPE,
        code(cda.FORMAT, FORMAT_CODES, "CDA R2"),
        lambda letter: cda.write(
            letter, code=type_code.code, scheme=type_code.scheme, display=display
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of document."""

    title: str
    class_code: Code
    type_code: Code
    facility: Code
    practice: Code
    author: Professional
    format: Format
    sections: tuple[tuple[str, str], ...]


_SUMMARIES: Final = code("A00-1", DOCUMENTS, "Epikriser og sammenfatninger")
_EPIKRISE: Final = code("A03-2", DOCUMENTS, "Epikrise")

DISCHARGE: Final = Kind(
    title="Epikrise, medisinsk avdeling",
    class_code=_SUMMARIES,
    type_code=_EPIKRISE,
    facility=_HOSPITAL,
    practice=_SPECIALIST,
    author=DOCTOR,
    format=_cda(_EPIKRISE),
    sections=(
        ("Innleggelsesårsak", "Innlagt fra hjemmet med tungpust og ankelødemer gjennom ei uke."),
        (
            "Forløp",
            "Vanndrivende behandling ga god effekt, og vekta falt fire kilo på fem dager. Ekko"
            " viste moderat nedsatt pumpefunksjon, uendret siden i fjor. Oppe og gikk med rullator"
            " fra tredje dag, spiste og drakk som vanlig ved utreise.",
        ),
        (
            "Videre",
            "Vekt hver morgen. Blodprøver hos fastlegen om ei uke. Kontroll om tre måneder.",
        ),
    ),
)
OUTPATIENT: Final = Kind(
    title="Poliklinisk epikrise, hjerte",
    class_code=_SUMMARIES,
    type_code=code("A13-2", DOCUMENTS, "Poliklinisk epikrise"),
    facility=_HOSPITAL,
    practice=_SPECIALIST,
    author=DOCTOR,
    format=PDF,
    sections=(
        ("Vurdering", "Stabil siden sist. Ingen ødemer, blodtrykk 132/78, puls 64 og regelmessig."),
        ("Plan", "Uendret behandling. Ny kontroll om ett år, eller før dersom vekta stiger."),
    ),
)
NURSING: Final = Kind(
    title="Sykepleiesammenfatning",
    class_code=_SUMMARIES,
    type_code=code("A04-2", DOCUMENTS, "Sykepleiesammenfatning"),
    facility=_NURSING_HOME,
    practice=_NURSING,
    author=NURSE,
    format=TEXT,
    sections=(
        (
            "Funksjon",
            "Går med rullator inne, med følge ute. Steller seg selv med tilrettelegging.",
        ),
        (
            "Ernæring",
            "God matlyst. Vekt 61,4 kg. Ønsker reinkjøtt og fisk når det er mulig.",
        ),
        ("Språk", "Snakker helst nordsamisk; tolk er avtalt ved samtaler om behandling."),
    ),
)
LAB_INTERIM: Final = Kind(
    title="Foreløpig laboratoriesvar, medisinsk biokjemi",
    class_code=code("C00-1", DOCUMENTS, "Prøvesvar, vev og væsker"),
    type_code=code("C01-2", DOCUMENTS, "Medisinsk biokjemi"),
    facility=_HOSPITAL,
    practice=_SPECIALIST,
    author=CHEMIST,
    format=_kith("labsvar", "Svarrapport", "2012-02-15"),
    sections=(
        ("Resultater", "Na 139 mmol/L, K 4,1 mmol/L, kreatinin 88 µmol/L. NT-proBNP følger."),
    ),
)
LAB: Final = Kind(
    title="Laboratoriesvar, medisinsk biokjemi",
    class_code=LAB_INTERIM.class_code,
    type_code=LAB_INTERIM.type_code,
    facility=_HOSPITAL,
    practice=_SPECIALIST,
    author=CHEMIST,
    format=LAB_INTERIM.format,
    sections=(
        (
            "Resultater",
            "Na 139 mmol/L, K 4,1 mmol/L, kreatinin 88 µmol/L, Hb 12,9 g/dL, NT-proBNP 412 ng/L.",
        ),
    ),
)
IMAGING: Final = Kind(
    title="Røntgen thorax",
    class_code=code("E00-1", DOCUMENTS, "Bildediagnostikk"),
    type_code=code("E01-2", DOCUMENTS, "Bildebeskrivelse"),
    facility=_HOSPITAL,
    practice=_SPECIALIST,
    author=DOCTOR,
    format=PDF,
    sections=(
        (
            "Beskrivelse",
            "Hjertet er lett forstørret. Ingen stuvning, infiltrater eller væske.",
        ),
        ("Konklusjon", "Ingen nytilkomne funn siden forrige undersøkelse."),
    ),
)
REFERRAL: Final = Kind(
    title="Henvisning til hjertepoliklinikk",
    class_code=code("I00-1", DOCUMENTS, "Korrespondanse"),
    type_code=code("I01-2", DOCUMENTS, "Henvisning"),
    facility=code("86.211", _FACILITIES, "Allmenn legetjeneste"),
    practice=code("KX17", _MUNICIPAL_SERVICES, "Fastlege"),
    author=PHYSICIAN,
    format=_kith("henvisning", "Henvisning", "2012-02-15"),
    sections=(
        (
            "Problemstilling",
            "Økende tungpust de siste to månedene. Kjent hjertesvikt.",
        ),
        ("Ønsket hjelp", "Ber om ekkokardiografi og råd om videre behandling."),
    ),
)
PLAN: Final = Kind(
    title="Individuell plan",
    class_code=_SUMMARIES,
    type_code=code("A02-2", DOCUMENTS, "Individuell plan"),
    facility=_HOME_CARE,
    practice=_NURSING,
    author=NURSE,
    format=PDF,
    sections=(
        (
            "Mål",
            "Bo hjemme så lenge det er trygt, og komme seg ut hver dag når været tillater det.",
        ),
        (
            "Tiltak",
            "Hjemmesykepleie morgen og kveld, trygghetsalarm, fysioterapi hver tirsdag, dagsenter"
            " torsdag. Datter følger til lege. Planen ses på sammen med pasienten hvert halvår, og"
            " når noe vesentlig endrer seg.",
        ),
    ),
)
LETTER: Final = Kind(
    title="Brev til pasienten",
    class_code=REFERRAL.class_code,
    type_code=code("I02-2", DOCUMENTS, "Brev"),
    facility=_HOSPITAL,
    practice=_SPECIALIST,
    author=DOCTOR,
    format=PDF,
    sections=(
        ("Time", "Du har fått time til kontroll. Ta med medisinlista og kom ti minutter før."),
    ),
)
