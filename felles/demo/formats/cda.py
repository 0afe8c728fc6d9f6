"""A letter as HL7 CDA Release 2: level 2, or level 1 around a PDF.

```text
ClinicalDocument
  id, code, title, time, confidentiality, language
  recordTarget, author, custodian, legalAuthenticator, relatedDocument, componentOf
  component ─ structuredBody ─ section: title and text      level 2: a reader can jump to a section
            └ nonXMLBody ─ base64                           level 1: a picture of the pages
```

Its elements stand in the order of the CDA schema; no template is claimed.

References
----------
HL7 CDA Release 2 4.2 (header), 4.3 (body).
"""

import base64
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from felles.demo.formats import pdf
from felles.demo.formats.letter import Block, Items, Letter, Section, Table
from ihe.norway import HPR_NUMMER, ORGANISASJONSNUMMER
from ihe.vocabulary import CONFIDENTIALITY_CODES

MIME_TYPE: Final = "text/xml"
NAMESPACE: Final = "urn:hl7-org:v3"
_GENDERS: Final = "2.16.840.1.113883.5.1"


def write(letter: Letter) -> bytes:
    """Return the letter as CDA level 2: its sections as such."""
    sections = "\n".join(map(_section, letter.sections))
    return _document(letter, f"<structuredBody>\n{sections}\n</structuredBody>")


def write_around_pdf(letter: Letter) -> bytes:
    """Return the letter as CDA level 1, with its PDF inside."""
    octets = base64.encodebytes(pdf.write(letter)).decode("ascii").strip()
    text = f'<text mediaType="{pdf.MIME_TYPE}" representation="B64">\n{octets}\n</text>'
    return _document(letter, f"<nonXMLBody>\n{text}\n</nonXMLBody>")


def _document(letter: Letter, body: str) -> bytes:
    code = letter.type_code
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<ClinicalDocument xmlns="{NAMESPACE}">',
        '<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>',
        f"<id root={quoteattr(letter.id)}/>",
        f'<code code="{code.code}" codeSystem="{code.scheme}"'
        f" displayName={quoteattr(letter.kind)}/>",
        f"<title>{escape(letter.title)}</title>",
        f'<effectiveTime value="{_time(letter.written)}"/>',
        f'<confidentialityCode code="N" codeSystem="{CONFIDENTIALITY_CODES}"/>',
        f'<languageCode code="{letter.language}"/>',
        _patient(letter),
        f'<author><time value="{_time(letter.written)}"/>'
        f"<assignedAuthor>{_professional(letter)}{_organisation(letter, 'representedOrganization')}"
        "</assignedAuthor></author>",
        "<custodian><assignedCustodian>"
        f"{_organisation(letter, 'representedCustodianOrganization')}"
        "</assignedCustodian></custodian>",
        *_signed(letter),
        *_replaced(letter),
        f"<componentOf><encompassingEncounter>{_period(letter)}"
        "</encompassingEncounter></componentOf>",
        f"<component>\n{body}\n</component>",
        "</ClinicalDocument>",
    ]
    return ("\n".join(lines) + "\n").encode()


# --- header --------------------------------------------------------------------------------------


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%d%H%M%S}+0000"


def _name(first: str, last: str) -> str:
    return f"<name><given>{escape(first)}</given><family>{escape(last)}</family></name>"


def _patient(letter: Letter) -> str:
    patient = letter.patient
    return (
        f'<recordTarget><patientRole><id root="{patient.authority}" extension="{patient.number}"/>'
        f"<addr>{escape(patient.address)}</addr><patient>{_name(patient.first, patient.last)}"
        f'<administrativeGenderCode code="{"F" if patient.woman else "M"}"'
        f' codeSystem="{_GENDERS}"/><birthTime value="{patient.born:%Y%m%d}"/>'
        "</patient></patientRole></recordTarget>"
    )


def _professional(letter: Letter) -> str:
    author = letter.author
    return (
        f'<id root="{HPR_NUMMER}" extension="{author.hpr}"/>'
        f"<assignedPerson>{_name(author.first, author.last)}</assignedPerson>"
    )


def _organisation(letter: Letter, tag: str) -> str:
    institution = letter.unit.institution
    return (
        f'<{tag}><id root="{ORGANISASJONSNUMMER}" extension="{institution.organisation_number}"/>'
        f"<name>{escape(institution.name)}</name></{tag}>"
    )


def _signed(letter: Letter) -> list[str]:
    if not letter.signed:
        return []
    return [
        f'<legalAuthenticator><time value="{_time(letter.written)}"/><signatureCode code="S"/>'
        f"<assignedEntity>{_professional(letter)}</assignedEntity></legalAuthenticator>"
    ]


def _replaced(letter: Letter) -> list[str]:
    if letter.replaces is None:
        return []
    parent = f"<parentDocument><id root={quoteattr(letter.replaces)}/></parentDocument>"
    return [f'<relatedDocument typeCode="RPLC">{parent}</relatedDocument>']


def _period(letter: Letter) -> str:
    low = f'<low value="{_time(letter.started)}"/>'
    high = f'<high value="{_time(letter.stopped)}"/>' if letter.stopped else ""
    return f"<effectiveTime>{low}{high}</effectiveTime>"


# --- body ----------------------------------------------------------------------------------------


def _section(section: Section) -> str:
    text = "".join(map(_block, section.blocks))
    return (
        f"<component><section><title>{escape(section.heading)}</title>"
        f"<text>{text}</text></section></component>"
    )


def _block(block: Block) -> str:
    match block:
        case Table(rows):
            head, body = _row(rows[0], "th"), "".join(_row(row, "td") for row in rows[1:])
            return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
        case Items(texts):
            items = "".join(f"<item>{escape(text)}</item>" for text in texts)
            return f"<list>{items}</list>"
        case paragraph:
            return f"<paragraph>{escape(paragraph)}</paragraph>"


def _row(cells: tuple[str, ...], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
