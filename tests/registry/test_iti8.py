"""What an identity feed does to a registry, and what it may not do."""

from dataclasses import replace

import pytest

from hub.call import Call
from ihe.datatypes import CX
from ihe.errors import ErrorCode
from ihe.hl7v2.acknowledging import Outcome
from ihe.hl7v2.message import Refusal, parse
from ihe.messages import ReturnType
from ihe.state import Patient
from registry import iti8, iti18
from registry.patients import PatientMode, PatientPolicy
from tests import samples
from tests.registry.feeding import AUTHORITY, adt, merge
from tests.registry.scene import START, Scene, codes

A, B = samples.PATIENT, samples.OTHER_PATIENT
C = CX.of("13116900216", AUTHORITY)
CALL = Call(at=START, trace_id="0" * 32)
DOMAIN = PatientPolicy(PatientMode.CHECKED, frozenset({AUTHORITY}), {"FNR": AUTHORITY, "X": "1.2"})


def decide(scene: Scene, policy: PatientPolicy = DOMAIN) -> Scene:
    scene.registry = replace(scene.registry, patients=policy)
    return scene


@pytest.fixture
def domain(scene: Scene) -> Scene:
    return decide(scene)


def take(scene: Scene, message: bytes) -> Outcome:
    return iti8.handle(parse(message), CALL, scene.registry)


def refused(scene: Scene, message: bytes) -> tuple[int, str]:
    """Return why a message is refused, and where; fail when that changes what is known."""
    everyone = (A, B, C)
    before = [known(scene, each) for each in everyone], scene.everything()
    with pytest.raises(Refusal) as told:
        take(scene, message)
    assert ([known(scene, each) for each in everyone], scene.everything()) == before
    return int(told.value.condition), str(told.value.place)


def known(scene: Scene, patient_id: CX) -> Patient | None:
    with scene.store.read() as state:
        return state.patient(patient_id)


def documents(scene: Scene, patient_id: CX) -> list[str]:
    """Return the documents that a query by a patient id finds, by their entryUUIDs."""
    request = replace(samples.find_documents(patient_id), return_type=ReturnType.OBJECT_REF)
    return [each.entry_uuid for each in iti18.handle(request, CALL, scene.registry).objects]


# --- new ids -------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["A01", "A04", "A05"])
def test_an_id_that_the_feed_gives_becomes_known_and_stays_so(domain: Scene, event: str) -> None:
    assert codes(domain.submit(samples.entry())) == {ErrorCode.UNKNOWN_PATIENT_ID}
    for _ in range(2):
        assert take(domain, adt(event, A)) == Outcome()
    assert known(domain, A) == Patient(A)
    assert domain.submit(samples.entry()).ok


def test_of_several_ids_only_those_of_the_affinity_domain_are_taken(domain: Scene) -> None:
    others = ("K2^^^&1.2.3&ISO", "K3^^^SYK", "K4^^^SYK&www.x.no&DNS", "K5")
    take(domain, adt("A04", others[0], A, *others[1:], B))
    for wanted in (A, B):
        assert known(domain, wanted) == Patient(wanted)
    assert known(domain, CX("K2^^^&1.2.3&ISO")) is None


@pytest.mark.parametrize(
    "authority",
    [
        "FNR",
        f"FNR&{AUTHORITY}&ISO",
        f"&{AUTHORITY}",
        f"&urn:oid:{AUTHORITY}&iso",
        f"Y&{AUTHORITY}&ISO",
    ],
)
def test_an_authority_may_be_named_in_part(domain: Scene, authority: str) -> None:
    assert take(domain, adt("A01", f"{A.id}^^^{authority}^PI")) == Outcome()
    assert known(domain, A) == Patient(A)


def test_an_id_of_another_authority_alone_changes_nothing_and_that_is_said(domain: Scene) -> None:
    outcome = take(domain, adt("A01", f"{A.id}^^^&1.2.3&ISO"))
    assert outcome.acknowledgement == "AA"
    assert outcome.text == f"nothing changed: no id of the assigning authority {AUTHORITY}"
    assert known(domain, A) is None


def test_a_registry_without_authorities_takes_those_that_have_an_oid(scene: Scene) -> None:
    decide(scene, PatientPolicy(PatientMode.CHECKED))
    take(scene, adt("A01", A, "K2^^^SYK", "K3^^^&www.x.no&DNS", "K4^^^&x&ISO"))
    assert known(scene, A) == Patient(A)


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        (("4711",), (101, "PID-3")),
        ((f"^^^&{AUTHORITY}&ISO",), (101, "PID-3")),
        ((f"a\\X0D\\b^^^&{AUTHORITY}&ISO",), (102, "PID-3")),
        ((f"{'1' * 250}^^^&{AUTHORITY}&ISO",), (102, "PID-3")),
        ((f"1^^^X&{AUTHORITY}&ISO",), (102, "PID-3")),
        (("1^^^FNR&1.2&ISO",), (102, "PID-3")),
        ((A, f"^^^&{AUTHORITY}&ISO"), (101, "PID-3")),
    ],
)
def test_an_id_that_cannot_be_one_is_refused(
    domain: Scene, ids: tuple[str, ...], why: tuple[int, str]
) -> None:
    assert refused(domain, adt("A01", *ids)) == why


def test_an_id_with_separators_in_it_is_found_as_documents_spell_it(domain: Scene) -> None:
    patient = CX.of("a&b|c", AUTHORITY)
    take(domain, adt("A01", patient))
    assert known(domain, patient) == Patient(patient)


def test_an_update_is_accepted_and_ignored(domain: Scene) -> None:
    assert take(domain, adt("A08", A)) == Outcome()
    assert known(domain, A) is None


# --- merges --------------------------------------------------------------------------------------


def merged(scene: Scene) -> Scene:
    """Give each of three patients a document, and merge A into B."""
    for number, patient in enumerate((A, B, C), 1):
        take(scene, adt("A01", patient))
        chosen = replace(scene.new_set(), patient_id=patient)
        assert scene.submit(samples.entry(number, patient_id=patient), submission_set=chosen).ok
    assert take(scene, merge(A, B)) == Outcome()
    return scene


def test_after_a_merge_everything_is_found_by_the_surviving_id(domain: Scene) -> None:
    merged(domain)
    first, second = (domain.entry(number).entry_uuid for number in (1, 2))
    assert set(documents(domain, B)) == {first, second}
    assert documents(domain, A) == []
    response = iti18.handle(samples.find_documents(B), CALL, domain.registry)
    assert not response.errors, "the chain is one patient"
    assert known(domain, A) == Patient(A, B)


def test_new_documents_may_not_name_an_id_that_was_merged_away(domain: Scene) -> None:
    merged(domain)
    assert codes(domain.submit(samples.entry(9))) == {ErrorCode.UNKNOWN_PATIENT_ID}
    take(domain, adt("A01", A))
    assert codes(domain.submit(samples.entry(9))) == {ErrorCode.UNKNOWN_PATIENT_ID}, (
        "and nothing brings it back"
    )


def test_merges_make_a_chain(domain: Scene) -> None:
    merged(domain)
    assert take(domain, merge(B, C)) == Outcome()
    assert len(documents(domain, C)) == 3
    assert documents(domain, A) == documents(domain, B) == []
    assert (known(domain, A), known(domain, B)) == (Patient(A, C), Patient(B, C))


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (merge(C, C), (204, "MRG-1")),
        (merge(A, C), (204, "MRG-1")),  # merged before
        (merge(A, B), (204, "MRG-1")),  # the same merge again
        (merge(C, A), (204, "PID-3")),  # the survivor was merged before
        (merge(CX.of("9", AUTHORITY), C), (204, "MRG-1")),  # unknown
        (merge(C, CX.of("9", AUTHORITY)), (204, "PID-3")),
        (merge(CX.of(C.id, "1.2.3"), B), (204, "MRG-1")),  # of another authority
        (merge(C, CX.of(B.id, "1.2.3")), (204, "PID-3")),
        (adt("A40", B, merged=f"{C}~{A}"), (204, "MRG-1")),  # which of them?
        (adt("A40", B, A, merged=C), (204, "PID-3")),
        (adt("A40", B, merged=""), (101, "MRG-1")),
    ],
)
def test_a_merge_that_may_not_be_changes_nothing(
    domain: Scene, message: bytes, why: tuple[int, str]
) -> None:
    assert refused(merged(domain), message) == why


def test_ids_of_other_authorities_beside_do_not_hinder_a_merge(domain: Scene) -> None:
    merged(domain)
    message = adt("A40", "K1^^^&1.2.3&ISO", B, f"{B.id}^^^FNR", merged=f"K2^^^&1.2.3&ISO~{C}")
    assert take(domain, message) == Outcome()
    assert known(domain, C) == Patient(C, B)


def test_of_two_authorities_ids_are_merged_inside_each(scene: Scene) -> None:
    decide(scene, PatientPolicy(PatientMode.CHECKED))
    foreign = CX.of(B.id, "1.2.3")
    take(scene, adt("A01", A, B, foreign))
    assert take(scene, adt("A40", foreign, B, merged=A)) == Outcome()
    assert known(scene, A) == Patient(A, B)
