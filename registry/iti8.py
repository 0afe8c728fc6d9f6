"""ITI-8 Patient Identity Feed (ITI TF-2 3.8): which patient ids there are, and which were merged.

```text
A01, A04, A05  ids of the affinity domain's authority in PID-3 become known; others are ignored
A08            nothing (3.8.4.1.4)
A40            everything of MRG-1 belongs to PID-3 from now on, if both are known and in use
```

A merge that may not be (3.8.4.2.4) changes nothing, and is answered AE with the reason. It cannot
be taken back.
"""

from collections.abc import Iterable
from typing import Final

from hub.call import Call
from ihe.datatypes import CX, OID, is_oid
from ihe.hl7v2.acknowledging import Outcome
from ihe.hl7v2.adt import Event, Identifier, PatientFeed, read_feed
from ihe.hl7v2.message import Condition, Message, Place, Refusal
from ihe.state import State, comparable
from registry.domain import Registry
from registry.patients import PatientPolicy
from registry.store.port import Writer


def handle(message: Message, _call: Call, registry: Registry) -> Outcome:
    """Act on one message of a feed.

    Raises
    ------
    Refusal
        It is none, or what it says may not be.
    """
    feed = read_feed(message)
    match feed.event:
        case Event.UPDATE:
            return Outcome()
        case Event.MERGE:
            return _merge(feed, registry)
        case _:
            return _add(feed, registry)


# --- A01, A04, A05 -------------------------------------------------------------------------------


def _add(feed: PatientFeed, registry: Registry) -> Outcome:
    """Make a patient's ids known; known already, also as merged away: nothing changes."""
    ids = _own(feed.identifiers, registry.patients)
    if not ids:
        _refuse_without_authority(feed.identifiers)
        return Outcome(text=f"nothing changed: no id of {_authorities(registry.patients)}")

    def work(writer: Writer) -> None:
        writer.lock(ids)
        for each in ids:
            writer.add_patient(each)

    registry.store.write(work)
    return Outcome()


def _refuse_without_authority(identifiers: Iterable[Identifier]) -> None:
    for each in identifiers:
        if not each.namespace and not each.universal_id:
            reason = "the assigning authority (component 4) is missing"
            raise Refusal(Condition.REQUIRED_FIELD_MISSING, reason, each.place)


# --- A40 -----------------------------------------------------------------------------------------


def _merge(feed: PatientFeed, registry: Registry) -> Outcome:
    """Let everything of one id belong to another."""
    policy = registry.patients
    subsumed = _only(_own(feed.subsumed, policy), _MRG_1, _authorities(policy))
    of_the_same = [
        each for each in _own(feed.identifiers, policy) if each.authority == subsumed.authority
    ]
    survivor = _only(of_the_same, _PID_3, f"the assigning authority {subsumed.authority}")

    def work(writer: Writer) -> None:
        writer.lock((subsumed, survivor))
        _check_merge(subsumed, survivor, writer)
        writer.merge_patient(subsumed, survivor)

    registry.store.write(work)
    return Outcome()


_PID_3: Final = Place("PID", 3)
_MRG_1: Final = Place("MRG", 1)


def _only(ids: list[CX], place: Place, whose: str) -> CX:
    if len(ids) != 1:
        reason = f"{len(ids)} ids of {whose}, exactly one was expected"
        raise Refusal(Condition.UNKNOWN_KEY, reason, place)
    return ids[0]


def _check_merge(subsumed: CX, survivor: CX, state: State) -> None:
    """Refuse a merge that may not be (ITI TF-2 3.8.4.2.4)."""
    if comparable(subsumed) == comparable(survivor):
        reason = "an id cannot be merged into itself"
        raise Refusal(Condition.UNKNOWN_KEY, reason, _MRG_1)
    for patient_id, place in ((subsumed, _MRG_1), (survivor, _PID_3)):
        patient = state.patient(patient_id)
        if patient is None:
            reason = "an id that the feed has made known was expected"
            raise Refusal(Condition.UNKNOWN_KEY, reason, place)
        if patient.survivor is not None:
            reason = "an id in use was expected, and this one was merged into another before"
            raise Refusal(Condition.UNKNOWN_KEY, reason, place)


# --- ids -----------------------------------------------------------------------------------------


def _own(identifiers: Iterable[Identifier], policy: PatientPolicy) -> list[CX]:
    """Return the ids of the affinity domain's authorities, each once, as documents spell them.

    Raises
    ------
    Refusal
        One of them cannot be a patient id of a document.
    """
    found: dict[str, CX] = {}
    for each in identifiers:
        authority = _authority(each, policy)
        if authority is not None:
            patient_id = _patient_id(each, authority)
            found.setdefault(comparable(patient_id), patient_id)
    return list(found.values())


def _authority(identifier: Identifier, policy: PatientPolicy) -> str | None:
    """Return the OID of an id's authority, if it is one of the affinity domain's.

    What an HD leaves out is filled in from the settings (3.8.4.1.2).
    """
    universal_id = OID(identifier.universal_id).bare
    named = policy.namespaces.get(identifier.namespace)
    if universal_id and identifier.universal_id_type not in _OID_TYPES:
        return None
    authority = universal_id or named
    if authority is None or not is_oid(authority):
        return None
    if policy.authorities is not None and authority not in policy.authorities:
        return None
    if named is not None and named != authority:
        reason = f"the namespace is that of {named}, and the universal id is {universal_id}"
        raise Refusal(Condition.DATA_TYPE, reason, identifier.place)
    return authority


_OID_TYPES: Final = {"", "ISO"}


def _patient_id(identifier: Identifier, authority: str) -> CX:
    if not identifier.id:
        reason = "the id (component 1) is missing"
        raise Refusal(Condition.REQUIRED_FIELD_MISSING, reason, identifier.place)
    patient_id = CX.of(identifier.id, authority)
    if len(patient_id) > _LONGEST or not identifier.id.isprintable():
        reason = (
            f"an id of printable characters was expected, at most {_LONGEST} with its authority"
        )
        raise Refusal(Condition.DATA_TYPE, reason, identifier.place)
    return patient_id


_LONGEST: Final = 256
"""Characters of a value in ebRIM."""


def _authorities(policy: PatientPolicy) -> str:
    if policy.authorities is None:
        return "an assigning authority with an OID"
    return f"the assigning authority {' or '.join(sorted(policy.authorities))}"
