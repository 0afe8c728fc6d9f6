"""A letter as a message in the style of KITH's XML: a head, and the letter in it."""

from datetime import UTC
from xml.sax.saxutils import escape, quoteattr

from felles.demo.formats.letter import Letter

MIME_TYPE = "application/xml"
HEAD = "http://www.kith.no/xmlstds/msghead/2006-05-24"


def write(letter: Letter, *, namespace: str, root: str) -> bytes:
    """Return the letter in a message head; its own element is `root` of `namespace`."""
    patient, author, unit = letter.patient, letter.author, letter.community.institution
    sections = "".join(
        f"<Info><Overskrift>{escape(heading)}</Overskrift><Tekst>{escape(text)}</Tekst></Info>"
        for heading, text in letter.sections
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<MsgHead xmlns="{HEAD}"><MsgInfo><Type V={quoteattr(root.upper())}'
        f" DN={quoteattr(letter.title)}/>"
        f"<GenDate>{letter.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}</GenDate>"
        f"<MsgId>{escape(letter.id)}</MsgId>"
        f"<Sender><Organisation><OrganisationName>{escape(letter.community.unit)}"
        f'</OrganisationName><Ident><Id>{unit.id}</Id><TypeId V="ENH"/></Ident>'
        f"<HealthcareProfessional><FamilyName>{escape(author.last)}</FamilyName>"
        f"<GivenName>{escape(author.first)}</GivenName>"
        f'<Ident><Id>{author.hpr}</Id><TypeId V="HPR"/></Ident>'
        "</HealthcareProfessional></Organisation></Sender>"
        f"<Patient><FamilyName>{escape(patient.last)}</FamilyName>"
        f"<GivenName>{escape(patient.first)}</GivenName>"
        f"<DateOfBirth>{patient.born:%Y-%m-%d}</DateOfBirth>"
        f'<Ident><Id>{patient.number}</Id><TypeId V="FNR"/></Ident></Patient></MsgInfo>'
        f'<Document><RefDoc><MsgType V="XML"/><Content><{root} xmlns={quoteattr(namespace)}>'
        f"{sections}</{root}></Content></RefDoc></Document></MsgHead>\n"
    ).encode()
