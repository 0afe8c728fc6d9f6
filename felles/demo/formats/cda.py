"""A letter as HL7 CDA Release 2, with a readable text for each section."""

from datetime import UTC
from xml.sax.saxutils import escape, quoteattr

from felles.demo.formats.letter import Letter
from ihe.norway import FODSELSNUMMER, HPR_NUMMER, ORGANISASJONSNUMMER

MIME_TYPE = "text/xml"
FORMAT = "urn:hl7-org:v3"


def write(letter: Letter, *, code: str, scheme: str, display: str) -> bytes:
    """Return the letter as a ClinicalDocument of a type: code, its OID, its name."""
    patient, author, unit = letter.patient, letter.author, letter.community.institution
    at = f"{letter.at.astimezone(UTC):%Y%m%d%H%M%S}+0000"
    sections = "".join(
        f"<component><section><title>{escape(heading)}</title>"
        f"<text><paragraph>{escape(text)}</paragraph></text></section></component>"
        for heading, text in letter.sections
    )
    organisation = f'<id root="{ORGANISASJONSNUMMER}" extension="{unit.id}"/>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ClinicalDocument xmlns="{FORMAT}">'
        '<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>'
        f"<id root={quoteattr(letter.id)}/>"
        f'<code code="{code}" codeSystem="{scheme}" displayName={quoteattr(display)}/>'
        f'<title>{escape(letter.title)}</title><effectiveTime value="{at}"/>'
        '<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>'
        '<languageCode code="nb-NO"/>'
        f'<recordTarget><patientRole><id root="{FODSELSNUMMER}" extension="{patient.number}"/>'
        f"<patient><name><given>{escape(patient.first)}</given>"
        f"<family>{escape(patient.last)}</family></name>"
        f'<administrativeGenderCode code="{"F" if patient.woman else "M"}"'
        ' codeSystem="2.16.840.1.113883.5.1"/>'
        f'<birthTime value="{patient.born:%Y%m%d}"/></patient></patientRole></recordTarget>'
        f'<author><time value="{at}"/><assignedAuthor>'
        f'<id root="{HPR_NUMMER}" extension="{author.hpr}"/>'
        f"<assignedPerson><name><given>{escape(author.first)}</given>"
        f"<family>{escape(author.last)}</family></name></assignedPerson>"
        f"<representedOrganization>{organisation}<name>{escape(letter.community.unit)}</name>"
        "</representedOrganization></assignedAuthor></author>"
        f"<custodian><assignedCustodian><representedCustodianOrganization>{organisation}"
        f"<name>{escape(letter.community.unit)}</name>"
        "</representedCustodianOrganization></assignedCustodian></custodian>"
        f"<component><structuredBody>{sections}</structuredBody></component>"
        "</ClinicalDocument>\n"
    ).encode()
