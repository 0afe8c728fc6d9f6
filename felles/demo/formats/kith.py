"""A letter as XML in the style of KITH's messages: a message head, and the letter in it.

```text
MsgHead
  MsgInfo    type, time, id, Sender, Patient
  Document ─ RefDoc ─ Content ─ Epikrise, Henvisning or Svarrapport, in a namespace of its own
```

Head and namespaces are as receivers know them. What stands in the letter's own element is no more
than headings and texts: enough to show, and no message to take into a record.
"""

from datetime import UTC
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from felles.demo.formats.letter import Block, Items, Letter, Section, Table

MIME_TYPE: Final = "application/xml"
HEAD: Final = "http://www.kith.no/xmlstds/msghead/2006-05-24"
_ID_TYPES: Final = "2.16.578.1.12.4.1.1.8116"
_ORGANISATION_ID_TYPES: Final = "2.16.578.1.12.4.1.1.9051"
_SEXES: Final = "2.16.578.1.12.4.1.1.3101"
_ID_NAMES: Final = {
    "FNR": "Fødselsnummer",
    "DNR": "D-nummer",
    "HPR": "HPR-nummer",
    "ENH": "Organisasjonsnummeret i Enhetsregisteret",
}


def write(letter: Letter, *, namespace: str, root: str) -> bytes:
    """Return the letter in a message head; its own element is `root` of `namespace`."""
    sections = "\n".join(map(_section, letter.sections))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<MsgHead xmlns="{HEAD}">',
        "<MsgInfo>",
        f"<Type V={quoteattr(root.upper())} DN={quoteattr(letter.title)}/>",
        "<MIGversion>v1.2 2006-05-24</MIGversion>",
        f"<GenDate>{letter.written.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}</GenDate>",
        f"<MsgId>{escape(letter.id)}</MsgId>",
        *([f"<RefToParent>{escape(letter.replaces)}</RefToParent>"] if letter.replaces else []),
        _sender(letter),
        _patient(letter),
        "</MsgInfo>",
        '<Document><RefDoc><MsgType V="XML" DN="XML-instans"/><Content>',
        f"<{root} xmlns={quoteattr(namespace)}>",
        f"<Tittel>{escape(letter.title)}</Tittel>",
        f"<Periode>{escape(letter.period)}</Periode>",
        sections,
        f"<Underskrift>{escape(letter.signature)}</Underskrift>",
        f"</{root}>",
        "</Content></RefDoc></Document>",
        "</MsgHead>",
    ]
    return ("\n".join(lines) + "\n").encode()


def _ident(value: str, kind: str, types: str = _ID_TYPES) -> str:
    name = quoteattr(_ID_NAMES[kind])
    return f'<Ident><Id>{value}</Id><TypeId V="{kind}" S="{types}" DN={name}/></Ident>'


def _sender(letter: Letter) -> str:
    author, institution = letter.author, letter.unit.institution
    number = _ident(institution.organisation_number, "ENH", _ORGANISATION_ID_TYPES)
    return (
        f"<Sender><Organisation><OrganisationName>{escape(institution.name)}</OrganisationName>"
        f"{number}<Organisation><OrganisationName>{escape(letter.unit.name)}</OrganisationName>"
        f"</Organisation><HealthcareProfessional><FamilyName>{escape(author.last)}</FamilyName>"
        f"<GivenName>{escape(author.first)}</GivenName>{_ident(author.hpr, 'HPR')}"
        "</HealthcareProfessional></Organisation></Sender>"
    )


def _patient(letter: Letter) -> str:
    patient = letter.patient
    sex, name = ("2", "Kvinne") if patient.woman else ("1", "Mann")
    return (
        f"<Patient><FamilyName>{escape(patient.last)}</FamilyName>"
        f"<GivenName>{escape(patient.first)}</GivenName>"
        f"<DateOfBirth>{patient.born:%Y-%m-%d}</DateOfBirth>"
        f'<Sex V="{sex}" S="{_SEXES}" DN="{name}"/>'
        f"{_ident(patient.number, 'DNR' if patient.d_number else 'FNR')}</Patient>"
    )


def _section(section: Section) -> str:
    blocks = "".join(map(_block, section.blocks))
    return f"<Info><Overskrift>{escape(section.heading)}</Overskrift>{blocks}</Info>"


def _block(block: Block) -> str:
    match block:
        case Table(rows):
            return "".join(
                "<Rad>" + "".join(f"<Felt>{escape(cell)}</Felt>" for cell in row) + "</Rad>"
                for row in rows
            )
        case Items(texts):
            return "".join(f"<Punkt>{escape(text)}</Punkt>" for text in texts)
        case paragraph:
            return f"<Tekst>{escape(paragraph)}</Tekst>"
