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
from ihe.datatypes import CX, OID
from ihe.hl7v2.acknowledging import Outcome
from ihe.hl7v2.adt import Event, Identifier, PatientFeed, read_feed
from ihe.hl7v2.message import Condition, Message, Place, Refusal
from registry.domain import Registry
from registry.identities import (
    NotMerged,
    add_ids,
    authorities,
    check_source,
    different,
    is_taken,
    merge_ids,
    patient_id,
)
from registry.patients import PatientPolicy


def handle(message: Message, call: Call, registry: Registry) -> Outcome:
    """Act on one message of a feed.

    Raises
    ------
    Refusal
        It is none, or what it says may not be.
    NotAllowed
        Its sender may not send feeds.
    """
    check_source(call, registry.patients)
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
        return Outcome(text=f"nothing changed: no id of {authorities(registry.patients)}")
    add_ids(ids, registry.store)
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
    subsumed = _only(_own(feed.subsumed, policy), _MRG_1, authorities(policy))
    of_the_same = [
        each for each in _own(feed.identifiers, policy) if each.authority == subsumed.authority
    ]
    survivor = _only(of_the_same, _PID_3, f"the assigning authority {subsumed.authority}")
    try:
        merge_ids(subsumed, survivor, registry.store)
    except NotMerged as refusal:
        where = _PID_3 if refusal.of_survivor else _MRG_1
        raise Refusal(Condition.UNKNOWN_KEY, refusal.reason, where) from None
    return Outcome()


_PID_3: Final = Place("PID", 3)
_MRG_1: Final = Place("MRG", 1)


def _only(ids: list[CX], place: Place, whose: str) -> CX:
    if len(ids) != 1:
        reason = f"{len(ids)} ids of {whose}, exactly one was expected"
        raise Refusal(Condition.UNKNOWN_KEY, reason, place)
    return ids[0]


# --- ids -----------------------------------------------------------------------------------------


def _own(identifiers: Iterable[Identifier], policy: PatientPolicy) -> list[CX]:
    """Return the ids of the affinity domain's authorities, each once, as documents spell them.

    Raises
    ------
    Refusal
        One of them cannot be a patient id of a document.
    """
    return different(
        [
            _patient_id(each, authority)
            for each in identifiers
            if (authority := _authority(each, policy)) is not None
        ]
    )


def _authority(identifier: Identifier, policy: PatientPolicy) -> str | None:
    """Return the OID of an id's authority, if it is one of the affinity domain's.

    What an HD leaves out is filled in from the settings (3.8.4.1.2).
    """
    universal_id = OID(identifier.universal_id).bare
    named = policy.namespaces.get(identifier.namespace)
    if universal_id and identifier.universal_id_type.upper() not in _OID_TYPES:
        return None
    authority = universal_id or named
    if authority is None or not any(is_taken(each, policy) for each in (authority, named) if each):
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
    try:
        return patient_id(identifier.id, authority)
    except ValueError as problem:
        raise Refusal(Condition.DATA_TYPE, str(problem), identifier.place) from None
