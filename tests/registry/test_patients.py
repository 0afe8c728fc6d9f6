"""Which patient ids a registration may use, in both modes and after merges."""

from dataclasses import replace

import pytest

from ihe.datatypes import CX
from ihe.errors import ErrorCode
from ihe.vocabulary import AssociationType
from registry.patients import PatientMode, PatientPolicy
from tests import samples
from tests.registry.scene import Scene, codes

E = ErrorCode
T = AssociationType


def test_in_checked_mode_only_known_patients_are_accepted() -> None:
    scene = Scene(patients=PatientPolicy(PatientMode.CHECKED))
    response = scene.submit(samples.entry())
    (found,) = response.errors
    assert found.code == E.UNKNOWN_PATIENT_ID
    assert samples.PATIENT in found.context
    assert found.location == "SubmissionSet[SubmissionSet01].patientId"
    scene.add_patients(samples.PATIENT)
    assert scene.submit(samples.entry()).ok


@pytest.mark.parametrize("mode", PatientMode)
def test_a_patient_id_of_another_authority_is_not_taken(mode: PatientMode) -> None:
    scene = Scene(patients=PatientPolicy(mode, frozenset({"1.2.3"})))
    scene.add_patients(samples.PATIENT)
    response = scene.submit(samples.entry())
    assert codes(response) == {E.UNKNOWN_PATIENT_ID}
    assert "1.2.3" in response.errors[0].context, "it says what was expected"
    same = Scene(patients=PatientPolicy(mode, frozenset({"2.16.578.1.12.4.1.4.1"})))
    same.add_patients(samples.PATIENT)
    assert same.submit(samples.entry()).ok


@pytest.mark.parametrize("mode", PatientMode)
def test_a_patient_id_that_was_merged_away_is_no_longer_good(mode: PatientMode) -> None:
    scene = Scene(patients=PatientPolicy(mode))
    scene.add_patients(samples.PATIENT, samples.OTHER_PATIENT)
    scene.store.write(lambda w: w.merge_patient(samples.PATIENT, samples.OTHER_PATIENT))
    assert codes(scene.submit(samples.entry())) == {E.UNKNOWN_PATIENT_ID}


def test_after_a_merge_documents_of_both_are_of_one_patient(scene: Scene) -> None:
    old = scene.document(1)
    scene.add_patients(samples.OTHER_PATIENT)
    scene.store.write(lambda w: w.merge_patient(samples.PATIENT, samples.OTHER_PATIENT))
    survivor = samples.OTHER_PATIENT
    new = samples.entry(2, patient_id=survivor)
    link = samples.relationship(T.RPLC, new.entry_uuid, old)
    chosen = replace(scene.new_set(), patient_id=survivor)
    assert scene.submit(new, submission_set=chosen, links=(link,)).errors == ()


@pytest.mark.parametrize(
    "spelling",
    [
        "13916900216^^^&urn:oid:2.16.578.1.12.4.1.4.1&ISO",
        "13916900216^^^&2.16.578.1.12.4.1.4.1&ISO^^",
    ],
)
def test_two_spellings_of_a_patient_id_are_one_patient(scene: Scene, spelling: str) -> None:
    old = scene.document(1)
    new = samples.entry(2, patient_id=CX(spelling), source_patient_id=CX(spelling))
    link = samples.relationship(T.RPLC, new.entry_uuid, old)
    assert scene.submit(new, links=(link,)).errors == ()
    record = scene.entry(2)
    assert record.patient_id == samples.PATIENT
    assert scene.value(record).source_patient_id == spelling, "that one stays to the letter"
