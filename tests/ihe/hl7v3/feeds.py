"""Messages of an HL7 V3 feed, as other systems write them, and as values."""

from typing import Any, Final

from lxml.etree import _Element

from ihe import xml
from ihe.datatypes import DTM
from ihe.hl7v3.values import II, PatientMerge, PatientRecord, Transmission

AUTHORITY: Final = "2.16.578.1.12.4.1.4.1"
LINE, KARI = II(AUTHORITY, "13116900216"), II(AUTHORITY, "29898496140")
TRANSMISSION: Final = Transmission(
    id=II("22a0f9e0-4454-11dc-a6be-3603d6866807"),
    created=DTM("20261124083000"),
    sender=(II("2.16.578.1.12.4.1.7.9", "ADT"),),
    receiver=(II("2.16.578.1.12.4.1.7.1"),),
)
RECORD: Final = PatientRecord(transmission=TRANSMISSION, identifiers=(LINE,))
MERGED: Final = PatientMerge(transmission=TRANSMISSION, identifiers=(LINE,), subsumed=KARI)

_HEAD: Final = """<v3:{name} xmlns:v3="urn:hl7-org:v3" ITSVersion="XML_1.0">
 <v3:id root="22a0f9e0-4454-11dc-a6be-3603d6866807"/>
 <v3:creationTime value="20261124083000+0100"/>
 <v3:interactionId root="2.16.840.1.113883.1.6" extension="{name}"/>
 <v3:processingCode code="T"/><v3:processingModeCode code="T"/><v3:acceptAckCode code="AL"/>
 <v3:receiver typeCode="RCV"><v3:device classCode="DEV" determinerCode="INSTANCE">
  <v3:id root="2.16.578.1.12.4.1.7.1"/></v3:device></v3:receiver>
 <v3:sender typeCode="SND"><v3:device classCode="DEV" determinerCode="INSTANCE">
  <v3:id root="2.16.578.1.12.4.1.7.9" extension="ADT"/></v3:device></v3:sender>
 <v3:controlActProcess classCode="CACT" moodCode="EVN">
  <v3:subject typeCode="SUBJ" contextConductionInd="false">
   <v3:registrationEvent classCode="REG" moodCode="EVN"><v3:statusCode code="active"/>
    <v3:subject1 typeCode="SBJ"><v3:patient classCode="PAT">{ids}<v3:statusCode code="active"/>
     <v3:patientPerson classCode="PSN" determinerCode="INSTANCE">
      <v3:name><v3:given>Line</v3:given><v3:family>Danser</v3:family></v3:name>
      <v3:asOtherIDs classCode="CIT"><v3:id root="2.16.578.1.12.4.1.4.1" extension="99"/>
       <v3:scopingOrganization classCode="ORG" determinerCode="INSTANCE">
        <v3:id root="2.16.578.1.12.4.1.4.1"/></v3:scopingOrganization></v3:asOtherIDs>
     </v3:patientPerson>
     <v3:providerOrganization classCode="ORG" determinerCode="INSTANCE">
      <v3:id root="2.16.578.1.12.4.1.4.1"/><v3:contactParty classCode="CON"/>
     </v3:providerOrganization></v3:patient></v3:subject1>
    <v3:custodian typeCode="CST"><v3:assignedEntity classCode="ASSIGNED">
     <v3:id root="2.16.578.1.12.4.1.4.1"/></v3:assignedEntity></v3:custodian>"""
_TAIL: Final = """</v3:registrationEvent></v3:subject></v3:controlActProcess></v3:{name}>"""
_PRIOR: Final = """<v3:replacementOf typeCode="RPLC">
 <v3:priorRegistration classCode="REG" moodCode="EVN"><v3:statusCode code="obsolete"/>
  <v3:subject1 typeCode="SBJ"><v3:priorRegisteredRole classCode="PAT">{ids}
  </v3:priorRegisteredRole></v3:subject1></v3:priorRegistration></v3:replacementOf>"""


def ids(*values: II) -> str:
    return "".join(f'<v3:id root="{each.root}" extension="{each.extension}"/>' for each in values)


def text_of(name: str, *identifiers: II, merged: II | None = None) -> str:
    """Return a message as another system writes it."""
    prior = _PRIOR.format(ids=ids(merged)) if merged is not None else ""
    return _HEAD.format(name=name, ids=ids(*identifiers)) + prior + _TAIL.format(name=name)


def message(name: str, *identifiers: II, merged: II | None = None) -> _Element:
    return xml.parse(text_of(name, *identifiers, merged=merged).encode())


def changed(text: str, *changes: tuple[str, str]) -> _Element:
    """Return a message of which something was changed, once each."""
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return xml.parse(text.encode())


def written(body: Any) -> _Element:
    """Return what was written, as an element."""
    return xml.parse(b"".join(body.xml))
