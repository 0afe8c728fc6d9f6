"""Which patient ids a registration may use (ITI TF-2 3.42.4.1.3.3.2, 3.8.4.2.4).

`open`: the first document of a patient makes the id known; for affinity domains without an identity
feed. `checked`: only ids that a feed has given. In both, an id that was merged into another is no
longer good for new documents, and an affinity domain may name the assigning authorities whose ids
it takes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ihe.datatypes import CX
from ihe.errors import RegistryError, registry_error
from ihe.model import Submission
from ihe.rules import PATIENTS
from ihe.rules.subject import where
from ihe.state import State
from registry.store.port import Writer


class PatientMode(StrEnum):
    """Where known patient ids come from."""

    OPEN = "open"
    CHECKED = "checked"


@dataclass(frozen=True, slots=True)
class PatientPolicy:
    """Which patient ids an affinity domain takes.

    Parameters
    ----------
    mode
        Where known ids come from.
    authorities
        OIDs of the assigning authorities whose ids are taken; None for any.
    namespaces
        OIDs of assigning authorities by the namespace ids that feeds call them.
    sources
        Subjects and fingerprints of the certificates that feeds are taken from; None for any.
    """

    mode: PatientMode = PatientMode.OPEN
    authorities: frozenset[str] | None = None
    namespaces: Mapping[str, str] = field(default_factory=dict)
    sources: frozenset[str] | None = None


def with_canonical_ids(submission: Submission) -> Submission:
    """Return a submission whose patient ids are spelt as the registry keeps and finds them."""
    return replace(
        submission,
        submission_sets=tuple(
            replace(each, patient_id=_canonical(each.patient_id))
            for each in submission.submission_sets
        ),
        entries=tuple(
            replace(each, patient_id=_canonical(each.patient_id)) for each in submission.entries
        ),
        folders=tuple(
            replace(each, patient_id=_canonical(each.patient_id)) for each in submission.folders
        ),
    )


def _canonical(patient_id: CX | None) -> CX | None:
    return patient_id.canonical if patient_id is not None else None


def check_patients(
    submission: Submission, state: State, policy: PatientPolicy
) -> Iterator[RegistryError]:
    """Yield an error for each patient id that new documents may not use (rule F2)."""
    places: dict[CX, str] = {}
    for thing in submission.of_patient:
        if thing.patient_id is not None:
            places.setdefault(thing.patient_id, where(thing, "patient_id"))
    for patient_id, place in places.items():
        if problem := _problem(patient_id, state, policy):
            yield registry_error(PATIENTS.code, f"found {problem}", place, rule=PATIENTS.id)


def _problem(patient_id: CX, state: State, policy: PatientPolicy) -> str | None:
    if policy.authorities is not None and patient_id.authority not in policy.authorities:
        taken = ", ".join(sorted(policy.authorities))
        return f"{patient_id}, expected an id of the assigning authority {taken}"
    known = state.patient(patient_id)
    if known is None and policy.mode is PatientMode.CHECKED:
        return f"{patient_id}, expected an id that the identity feed has made known"
    if known is not None and known.survivor is not None:
        return f"{patient_id}, which was merged into another id, expected one in use"
    return None


def add_patients(submission: Submission, writer: Writer) -> None:
    """Make the patient ids of a checked submission known."""
    for patient_id in patient_ids(submission):
        writer.add_patient(patient_id)


def patient_ids(submission: Submission) -> set[CX]:
    """Return the patient ids of a submission's objects."""
    return {each.patient_id for each in submission.of_patient if each.patient_id is not None}
