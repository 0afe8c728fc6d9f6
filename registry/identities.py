"""What an identity feed does to a registry, whatever it comes as (ITI-8, ITI-44).

```text
add_ids     ids of the affinity domain's authorities become known; known already: nothing changes
merge_ids   everything of one id belongs to another from now on, which cannot be taken back
```

A merge that may not be changes nothing. Ids may be merged into one that is merged into a third one
later: the store keeps for each which it is in the end.

References
----------
ITI TF-2 3.8.4.1.4, 3.8.4.2.4 (HL7 v2); 3.44.4.1.4, 3.44.4.2.4 (HL7 V3).
"""

from collections.abc import Sequence
from typing import Final

from hub.call import Call
from ihe.datatypes import CX, is_oid
from ihe.errors import HubError, NotAllowed
from ihe.state import comparable
from registry.patients import PatientPolicy
from registry.store.port import Store, Writer

_LONGEST: Final = 256
"""Characters of a value in ebRIM."""


class NotMerged(HubError):
    """A merge may not be: why, and which of the two ids is at fault."""

    def __init__(self, reason: str, *, of_survivor: bool = False) -> None:
        self.reason, self.of_survivor = reason, of_survivor
        super().__init__(reason)


def check_source(call: Call, policy: PatientPolicy) -> None:
    """Raise `NotAllowed` unless the caller may send an identity feed (ITI TF-2 3.8.4.1.2)."""
    if policy.sources is not None and policy.sources.isdisjoint(
        (call.peer.subject, call.peer.fingerprint)
    ):
        raise NotAllowed("the caller's certificate is none of `identity_sources`")


def is_taken(authority: str, policy: PatientPolicy) -> bool:
    """Tell whether ids of an assigning authority are those of the affinity domain."""
    taken = policy.authorities
    return is_oid(authority) and (taken is None or authority in taken)


def authorities(policy: PatientPolicy) -> str:
    """Return for people whose ids are taken."""
    if policy.authorities is None:
        return "an assigning authority with an OID"
    return f"the assigning authority {' or '.join(sorted(policy.authorities))}"


def patient_id(extension: str, authority: str) -> CX:
    """Return an id as documents spell it.

    Raises
    ------
    ValueError
        No document could name it; says what was expected.
    """
    made = CX.of(extension, authority)
    if len(made) > _LONGEST or not extension.isprintable():
        raise ValueError(
            f"an id of printable characters was expected, at most {_LONGEST} with its authority"
        )
    return made


def different(ids: Sequence[CX]) -> list[CX]:
    """Return ids in their order, each once."""
    found: dict[str, CX] = {}
    for each in ids:
        found.setdefault(comparable(each), each)
    return list(found.values())


def add_ids(ids: Sequence[CX], store: Store) -> None:
    """Make ids known; those that were merged away stay so."""

    def work(writer: Writer) -> None:
        writer.lock(ids)
        for each in ids:
            writer.add_patient(each)

    store.write(work)


def merge_ids(subsumed: CX, survivor: CX, store: Store, *, adds_survivor: bool = False) -> None:
    """Let everything of `subsumed` belong to `survivor`.

    Parameters
    ----------
    adds_survivor
        Whether a survivor that is not known becomes so: HL7 V3 asks only that the other id is.

    Raises
    ------
    NotMerged
        It may not be; nothing was changed.
    """
    if comparable(subsumed) == comparable(survivor):
        raise NotMerged("an id cannot be merged into itself, another one was expected")

    def work(writer: Writer) -> None:
        writer.lock((subsumed, survivor))
        if adds_survivor and writer.patient(subsumed) is not None:
            writer.add_patient(survivor)
        for each in (subsumed, survivor):
            patient = writer.patient(each)
            of_survivor = each is survivor
            if patient is None:
                reason = "an id that the feed has made known was expected"
                raise NotMerged(reason, of_survivor=of_survivor)
            if patient.survivor is not None:
                reason = "an id in use was expected, and this one was merged into another before"
                raise NotMerged(reason, of_survivor=of_survivor)
        writer.merge_patient(subsumed, survivor)

    store.write(work)
