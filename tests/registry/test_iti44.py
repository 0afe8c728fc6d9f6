"""What an HL7 V3 feed does to a registry, and what it may not do."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.call import Call, Peer
from ihe import xml
from ihe.datatypes import CX
from ihe.errors import ErrorCode, NotAllowed, RegistryError, Unavailable, XdsFailure
from ihe.hl7v3 import feed
from ihe.hl7v3.acknowledging import read_acknowledgement
from ihe.hl7v3.feed import PATIENT_ID, SUBSUMED_ID
from ihe.hl7v3.transmission import read_transmission
from ihe.hl7v3.values import II, Acknowledgement, DetailCode
from ihe.messages import ReturnType
from ihe.state import Patient
from ihe.transactions import ITI_44_ADD, ITI_44_MERGE, ITI_44_REVISE, Transaction
from ihe.vocabulary import Severity
from registry import iti18, iti44
from registry.patients import PatientMode, PatientPolicy
from registry.store.memory import MemoryStore
from tests import samples
from tests.hub.posting import MESSAGE_ID, envelope, post
from tests.ihe.hl7v3.feeds import AUTHORITY, message, text_of
from tests.registry.scene import START, Scene, codes
from tests.running import Running, running

D = DetailCode
A, B, C = II(AUTHORITY, "13916900216"), II(AUTHORITY, "29898496140"), II(AUTHORITY, "13116900216")
NEW, FOREIGN = II(AUTHORITY, "9"), II("1.2.3", "K2")
CALL = Call(at=START, trace_id="0" * 32)


def cx(identifier: II) -> CX:
    return CX.of(identifier.extension, identifier.root)


@pytest.fixture
def domain(scene: Scene) -> Scene:
    policy = PatientPolicy(PatientMode.CHECKED, frozenset({AUTHORITY}))
    scene.registry = replace(scene.registry, patients=policy)
    return scene


def add(scene: Scene, *identifiers: II, name: str = feed.ADD) -> Acknowledgement:
    read = feed.read_add if name == feed.ADD else feed.read_revise
    return iti44.handle_record(read(message(name, *identifiers), {}), CALL, scene.registry)


def merge(scene: Scene, subsumed: II, *survivor: II) -> Acknowledgement:
    asked = feed.read_merge(message(feed.MERGE, *survivor, merged=subsumed), {})
    return iti44.handle_merge(asked, CALL, scene.registry)


def known(scene: Scene, identifier: II) -> Patient | None:
    with scene.store.read() as state:
        return state.patient(cx(identifier))


def documents(scene: Scene, identifier: II) -> list[str]:
    """Return the documents that a query by a patient id finds, by their entryUUIDs."""
    request = replace(samples.find_documents(cx(identifier)), return_type=ReturnType.OBJECT_REF)
    return [each.entry_uuid for each in iti18.handle(request, CALL, scene.registry).objects]


# --- records -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [feed.ADD, feed.REVISE])
def test_an_id_that_the_feed_gives_becomes_known_and_stays_so(domain: Scene, name: str) -> None:
    assert codes(domain.submit(samples.entry())) == {ErrorCode.UNKNOWN_PATIENT_ID}
    for _ in range(2):
        assert add(domain, A, name=name) == Acknowledgement()
    assert known(domain, A) == Patient(cx(A))
    assert domain.submit(samples.entry()).ok


def test_of_several_ids_only_those_of_the_affinity_domain_are_taken(domain: Scene) -> None:
    assert add(domain, FOREIGN, A, II("not an OID", "1"), B, A) == Acknowledgement()
    assert (known(domain, A), known(domain, B)) == (Patient(cx(A)), Patient(cx(B)))
    assert known(domain, FOREIGN) is None
    assert known(domain, II(AUTHORITY, "99")) is None, "asOtherIDs are no patient ids"


def test_ids_of_other_authorities_alone_change_nothing_and_that_is_said(domain: Scene) -> None:
    answer = add(domain, FOREIGN)
    assert answer.ok
    (warning,) = answer.errors
    assert warning.severity == Severity.WARNING
    assert warning.context == f"nothing changed: no id of the assigning authority {AUTHORITY}"
    assert known(domain, FOREIGN) is None


@pytest.mark.parametrize("extension", ["1" * 250, "a&#10;b"])
def test_an_id_that_no_document_could_name_is_refused(domain: Scene, extension: str) -> None:
    with pytest.raises(XdsFailure) as told:
        add(domain, A, II(AUTHORITY, extension))
    (error,) = told.value.errors
    assert (error.code, error.location) == (D.DATA_TYPE, PATIENT_ID)
    assert known(domain, A) is None


def test_a_message_that_is_wrong_changes_nothing(domain: Scene) -> None:
    add(domain, A, B)
    wrong = replace(feed.read_add(message(feed.ADD, C), {}), problems=(_problem(),))
    with pytest.raises(XdsFailure):
        iti44.handle_record(wrong, CALL, domain.registry)
    assert known(domain, C) is None
    with pytest.raises(XdsFailure):
        merge(domain, A, II())
    assert known(domain, A) == Patient(cx(A))


def _problem() -> RegistryError:
    return feed.read_add(message(feed.ADD), {}).problems[0]


@pytest.mark.parametrize(
    ("peer", "may"),
    [
        (Peer(), False),
        (Peer("127.0.0.1", "CN=viewer", "ab" * 32), False),
        (Peer("127.0.0.1", "CN=adt", "cd" * 32), True),
        (Peer("127.0.0.1", "CN=renamed", "ef" * 32), True),
    ],
)
def test_a_feed_may_be_taken_from_known_sources_only(domain: Scene, peer: Peer, may: bool) -> None:
    sources = frozenset({"CN=adt", "ef" * 32})
    policy = replace(domain.registry.patients, sources=sources)
    registry = replace(domain.registry, patients=policy)
    call = replace(CALL, peer=peer)
    added = feed.read_add(message(feed.ADD, A), {})
    merging = feed.read_merge(message(feed.MERGE, B, merged=A), {})
    if may:
        assert iti44.handle_record(added, call, registry).ok
        assert iti44.handle_merge(merging, call, registry).ok
    else:
        with pytest.raises(NotAllowed):
            iti44.handle_record(added, call, registry)
        with pytest.raises(NotAllowed):
            iti44.handle_merge(merging, call, registry)
    assert (known(domain, A) is not None) is may


# --- merges --------------------------------------------------------------------------------------


def merged(scene: Scene) -> Scene:
    """Give each of three patients a document, and merge A into B."""
    for number, patient in enumerate((A, B, C), 1):
        add(scene, patient)
        chosen = replace(scene.new_set(), patient_id=cx(patient))
        entry = samples.entry(number, patient_id=cx(patient))
        assert scene.submit(entry, submission_set=chosen).ok
    assert merge(scene, A, B) == Acknowledgement()
    return scene


def test_after_a_merge_everything_is_found_by_the_surviving_id(domain: Scene) -> None:
    merged(domain)
    first, second = (domain.entry(number).entry_uuid for number in (1, 2))
    assert set(documents(domain, B)) == {first, second}
    assert documents(domain, A) == []
    assert codes(domain.submit(samples.entry(9))) == {ErrorCode.UNKNOWN_PATIENT_ID}
    assert merge(domain, B, C) == Acknowledgement()
    assert len(documents(domain, C)) == 3
    assert (known(domain, A), known(domain, B)) == (Patient(cx(A), cx(C)), Patient(cx(B), cx(C)))


def test_a_surviving_id_may_be_new(domain: Scene) -> None:
    merged(domain)
    assert merge(domain, C, NEW, FOREIGN) == Acknowledgement()
    assert known(domain, NEW) == Patient(cx(NEW))
    assert documents(domain, NEW) == [domain.entry(3).entry_uuid]


@pytest.mark.parametrize(
    ("subsumed", "survivors", "where"),
    [
        (C, (C,), SUBSUMED_ID),
        (A, (C,), SUBSUMED_ID),  # merged before
        (A, (B,), SUBSUMED_ID),  # the same merge again
        (C, (A,), PATIENT_ID),  # the survivor was merged before
        (NEW, (C,), SUBSUMED_ID),  # unknown
        (NEW, (II(AUTHORITY, "10"),), SUBSUMED_ID),
        (FOREIGN, (C,), SUBSUMED_ID),  # of another authority
        (C, (FOREIGN,), PATIENT_ID),
        (C, (B, NEW), PATIENT_ID),  # which of them?
    ],
)
def test_a_merge_that_may_not_be_changes_nothing(
    domain: Scene, subsumed: II, survivors: tuple[II, ...], where: str
) -> None:
    merged(domain)
    everyone = (A, B, C, NEW, II(AUTHORITY, "10"), FOREIGN)
    before = [known(domain, each) for each in everyone], domain.everything()
    with pytest.raises(XdsFailure) as told:
        merge(domain, subsumed, *survivors)
    (error,) = told.value.errors
    assert (error.code, error.location) == (D.UNKNOWN_KEY, where)
    assert "expected" in error.context
    assert ([known(domain, each) for each in everyone], domain.everything()) == before


def test_of_merges_of_the_same_id_exactly_one_wins(domain: Scene) -> None:
    add(domain, A)
    survivors = [II(AUTHORITY, f"{number}") for number in range(8)]

    def wins(survivor: II) -> bool:
        try:
            return merge(domain, A, survivor).ok
        except XdsFailure:
            return False

    with ThreadPoolExecutor(8) as pool:
        won = [each for each, did in zip(survivors, pool.map(wins, survivors), strict=True) if did]
    assert len(won) == 1
    assert known(domain, A) == Patient(cx(A), cx(won[0]))
    assert [each for each in survivors if known(domain, each)] == won, "no other became known"


# --- over HTTP -----------------------------------------------------------------------------------


def test_a_feed_comes_by_soap_and_every_message_is_acknowledged(tmp_path: Path) -> None:
    with running(tmp_path) as here:
        added = say(here, ITI_44_ADD, text_of(feed.ADD, A))
        revised = say(here, ITI_44_REVISE, text_of(feed.REVISE, B))
        once = say(here, ITI_44_MERGE, text_of(feed.MERGE, B, merged=A))
        again = say(here, ITI_44_MERGE, text_of(feed.MERGE, B, merged=A))
        with here.store.read() as state:
            assert state.patient(cx(A)) == Patient(cx(A), cx(B))
    assert [each[0] for each in (added, revised, once, again)] == ["CA", "CA", "CA", "CE"]
    assert again[1].startswith("an id in use was expected, and this one was merged into another")
    assert "(trace " in again[1]


def say(here: Running, transaction: Transaction[Any, Any], text: str) -> tuple[str, str]:
    """Send a message as another system does; return what became of it, and the first reason."""
    answer = post(here.registry, envelope(transaction.action, text.encode()))
    assert answer.relates_to == MESSAGE_ID
    found = read_acknowledgement(answer.child, {})
    asked = read_transmission(xml.parse(text.encode()))
    assert found.target == asked.id
    assert (found.transmission.sender, found.transmission.receiver) == (
        asked.receiver,
        asked.sender,
    )
    code = answer.child.find("{*}acknowledgement/{*}typeCode")
    assert code is not None
    return str(code.get("code")), found.errors[0].context if found.errors else ""


def test_what_cannot_be_read_as_a_feed_is_acknowledged_too(tmp_path: Path) -> None:
    with running(tmp_path) as here:
        code, reason = say(here, ITI_44_ADD, text_of(feed.ADD))
        assert code == "CE"
        assert reason.startswith("an id with a root")
        other = post(here.registry, envelope(ITI_44_ADD.action, text_of(feed.MERGE, A).encode()))
        assert other.codes == ["Sender", "ActionNotSupported"]


@pytest.mark.parametrize("failure", [Unavailable("the registry's database"), KeyError("Danser")])
def test_a_registry_that_fails_says_so_and_no_more(tmp_path: Path, failure: Exception) -> None:
    class Failing(MemoryStore):
        def write(self, work: Any) -> Any:
            raise failure

    with running(tmp_path, store=Failing()) as here:
        code, reason = say(here, ITI_44_ADD, text_of(feed.ADD, A))
    assert code == "CE"
    assert "Danser" not in reason
    assert "does not answer" in reason or "failed" in reason
