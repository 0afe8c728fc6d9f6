"""Identity feeds, both ways: records that were added or revised, and duplicates that were resolved.

```text
PRPA_IN2013…                             read, of each message
├─ id, sender, receiver …                transmission
└─ controlActProcess/subject
   └─ registrationEvent                  one, and active
      ├─ subject1/patient/id             1..*: ids of the patient
      └─ replacementOf/priorRegistration of a merge only
         └─ subject1/priorRegisteredRole/id   the id that is gone
```

Only what a Document Registry acts on is read: names and addresses never become values of the hub.
`asOtherIDs` are not read either: they are what others call the person (a driving licence), not ids
of the patient. What is wrong with a message is collected in the value, for the acknowledgement.

References
----------
ITI TF-2 3.44.4.1.2, 3.44.4.2.2.
"""

from typing import Final

from lxml.etree import _Element

from ihe.errors import RegistryError, brief
from ihe.hl7v3.transmission import (
    begin,
    below,
    end,
    expect,
    identifier,
    read_code,
    read_ids,
    read_transmission,
)
from ihe.hl7v3.values import II, NO_ID, DetailCode, PatientMerge, PatientRecord, Transmission
from ihe.messages import Body, Parts

ADD: Final = "PRPA_IN201301UV02"
REVISE: Final = "PRPA_IN201302UV02"
MERGE: Final = "PRPA_IN201304UV02"
_EVENT: Final = "controlActProcess/subject/registrationEvent"
_PATIENT: Final = "subject1/patient"
_PRIOR: Final = "replacementOf/priorRegistration"
_ROLE_ID: Final = "subject1/priorRegisteredRole/id"
PATIENT_ID: Final = f"{_EVENT}/{_PATIENT}/id"
"""Where the ids of the patient stand."""
SUBSUMED_ID: Final = f"{_EVENT}/{_PRIOR}/{_ROLE_ID}"
"""Where the id stands that is gone."""


# --- reading -------------------------------------------------------------------------------------


def read_add(element: _Element, _parts: Parts) -> PatientRecord:
    """Read PRPA_IN201301UV02, Patient Registry Record Added."""
    return _read_record(element, ADD)


def read_revise(element: _Element, _parts: Parts) -> PatientRecord:
    """Read PRPA_IN201302UV02, Patient Registry Record Revised."""
    return _read_record(element, REVISE)


def _read_record(element: _Element, interaction: str) -> PatientRecord:
    message = _Message(element, interaction)
    if message.event is not None and message.event.find(below(_PRIOR)) is not None:
        reason = f"none was expected; a merge is {MERGE}"
        message.report(DetailCode.TOO_MANY_ASSOCIATIONS, reason, f"{_EVENT}/{_PRIOR}")
    return PatientRecord(
        transmission=message.transmission,
        identifiers=message.identifiers(),
        problems=tuple(message.problems),
    )


def read_merge(element: _Element, _parts: Parts) -> PatientMerge:
    """Read PRPA_IN201304UV02, Patient Registry Duplicates Resolved."""
    message = _Message(element, MERGE)
    return PatientMerge(
        transmission=message.transmission,
        identifiers=message.identifiers(),
        subsumed=message.subsumed(),
        problems=tuple(message.problems),
    )


class _Message:
    """A message that is read, with what was found wrong in it so far."""

    def __init__(self, element: _Element, interaction: str) -> None:
        expect(element, interaction)
        self.problems: list[RegistryError] = []
        self.transmission = read_transmission(element)
        if not self.transmission.id.root:
            reason = "the id of the message was expected, with a root"
            self.report(DetailCode.MISSING_ATTRIBUTE, reason, "id")
        said = next(read_ids(element, "interactionId"), NO_ID).extension
        if said not in {"", interaction}:
            self.report(DetailCode.CODE_VALUE, f"{interaction} was expected", "interactionId")
        self.event = self._only(element, _EVENT)
        if self.event is not None:
            self._expect_status(self.event, "active", _EVENT)

    def identifiers(self) -> tuple[II, ...]:
        """Return the ids of the patient."""
        if self.event is None:
            return ()
        where = f"{_EVENT}/{_PATIENT}"
        patient = self._only(self.event, _PATIENT, where)
        if patient is None:
            return ()
        self._expect_status(patient, "active", where)
        return self._whole_ids(patient, "id", PATIENT_ID)

    def subsumed(self) -> II:
        """Return the id that a merge takes away."""
        if self.event is None:
            return NO_ID
        where = f"{_EVENT}/{_PRIOR}"
        prior = self._only(self.event, _PRIOR, where)
        if prior is None:
            return NO_ID
        self._expect_status(prior, "obsolete", where)
        found = self._whole_ids(prior, _ROLE_ID, SUBSUMED_ID)
        if len(found) > 1:
            reason = f"{len(found)} ids, exactly one was expected"
            self.report(DetailCode.TOO_MANY_ASSOCIATIONS, reason, SUBSUMED_ID)
        return found[0] if found else NO_ID

    def _only(self, element: _Element, path: str, location: str = "") -> _Element | None:
        """Return the one element at a path; report it when there is none, or several."""
        found = element.findall(below(path))
        if len(found) == 1:
            return found[0]
        code = DetailCode.TOO_MANY_ASSOCIATIONS if found else DetailCode.MISSING_ASSOCIATION
        self.report(code, f"{len(found)} found, exactly one was expected", location or path)
        return None

    def _whole_ids(self, element: _Element, path: str, location: str) -> tuple[II, ...]:
        """Return the ids that name somebody; report it when none does."""
        found = tuple(each for each in read_ids(element, path) if each.root and each.extension)
        if not found:
            reason = "an id with a root (the assigning authority) and an extension was expected"
            self.report(DetailCode.MISSING_ATTRIBUTE, reason, location)
        return found

    def _expect_status(self, element: _Element, expected: str, location: str) -> None:
        """Report another status; some senders leave it out."""
        if read_code(element, "statusCode") not in {"", expected}:
            where = f"{location}/statusCode"
            self.report(DetailCode.CODE_VALUE, f"the status '{expected}' was expected", where)

    def report(self, code: DetailCode, reason: str, location: str) -> None:
        """Put down what is wrong, and where."""
        self.problems.append(RegistryError(code, brief(reason), location))


# --- writing -------------------------------------------------------------------------------------


def write_add(record: PatientRecord) -> Body:
    """Write PRPA_IN201301UV02, Patient Registry Record Added."""
    return _write(ADD, record.transmission, record.identifiers)


def write_revise(record: PatientRecord) -> Body:
    """Write PRPA_IN201302UV02, Patient Registry Record Revised."""
    return _write(REVISE, record.transmission, record.identifiers)


def write_merge(merge: PatientMerge) -> Body:
    """Write PRPA_IN201304UV02, Patient Registry Duplicates Resolved."""
    replaced = (
        '<replacementOf typeCode="RPLC"><priorRegistration classCode="REG" moodCode="EVN">'
        '<statusCode code="obsolete"/><subject1 typeCode="SBJ">'
        f'<priorRegisteredRole classCode="PAT">{identifier("id", merge.subsumed)}'
        "</priorRegisteredRole></subject1></priorRegistration></replacementOf>"
    )
    return _write(MERGE, merge.transmission, merge.identifiers, replaced)


def _write(
    interaction: str, transmission: Transmission, identifiers: tuple[II, ...], replaced: str = ""
) -> Body:
    ids = "".join(identifier("id", each) for each in identifiers)
    authority = identifier("id", II(identifiers[0].root))
    trigger = interaction.replace("IN", "TE")
    written = (
        f"{begin(interaction, transmission, accept_ack='AL')}"
        '<controlActProcess classCode="CACT" moodCode="EVN">'
        f'<code code="{trigger}" codeSystem="{_TRIGGERS}"/>'
        '<subject typeCode="SUBJ" contextConductionInd="false">'
        '<registrationEvent classCode="REG" moodCode="EVN"><statusCode code="active"/>'
        f'<subject1 typeCode="SBJ"><patient classCode="PAT">{ids}<statusCode code="active"/>'
        '<patientPerson classCode="PSN" determinerCode="INSTANCE"><name nullFlavor="NI"/>'
        f"</patientPerson>{_organization(authority)}</patient></subject1>"
        f'<custodian typeCode="CST"><assignedEntity classCode="ASSIGNED">{authority}'
        f"</assignedEntity></custodian>{replaced}</registrationEvent></subject>"
        f"</controlActProcess>{end(interaction)}"
    )
    return Body((written.encode(),))


def _organization(authority: str) -> str:
    return (
        '<providerOrganization classCode="ORG" determinerCode="INSTANCE">'
        f'{authority}<contactParty classCode="CON"/></providerOrganization>'
    )


_TRIGGERS: Final = "2.16.840.1.113883.1.18"
"""OID of the list of trigger events."""
