"""Which patient ids a registration may use (ITI TF-2 3.42.4.1.3.3.2, 3.8.4.2.4).

`open`: the first document of a patient makes the id known; for affinity domains without an identity
feed. `checked`: only ids that a feed has given. In both, an id that was merged into another is no
longer good for new documents.
"""

from collections.abc import Iterator
from enum import StrEnum

from ihe.datatypes import CX
from ihe.errors import ErrorCode, RegistryError, registry_error
from ihe.model import Submission
from ihe.state import State
from registry.store.port import Writer


class PatientMode(StrEnum):
    """Where known patient ids come from."""

    OPEN = "open"
    CHECKED = "checked"


def check_patients(
    submission: Submission, state: State, mode: PatientMode
) -> Iterator[RegistryError]:
    """Yield an error for each patient id that new documents may not use."""
    for patient_id in sorted(patient_ids(submission)):
        known = state.patient(patient_id)
        if known is None and mode is PatientMode.CHECKED:
            context = f"the patient id {patient_id} is not known here"
        elif known is not None and known.survivor is not None:
            context = f"the patient id {patient_id} was merged into another"
        else:
            continue
        yield registry_error(ErrorCode.UNKNOWN_PATIENT_ID, context, "patientId")


def add_patients(submission: Submission, writer: Writer) -> None:
    """Make the patient ids of a checked submission known."""
    for patient_id in patient_ids(submission):
        writer.add_patient(patient_id)


def patient_ids(submission: Submission) -> set[CX]:
    """Return the patient ids of a submission's objects."""
    return {each.patient_id for each in submission.of_patient if each.patient_id is not None}
