"""ITI-44 Patient Identity Feed HL7 V3 (ITI TF-2 3.44): ids that are known, and those merged.

```text
record added, record revised   ids of the affinity domain's authority become known
duplicates resolved            everything of the prior role's id belongs to the patient's id
```

Unlike an update by ITI-8, a revised record counts: 3.44.4.1.4 asks the same of both. A merge may
name a surviving id that is new here, and makes it known: of the two, only the other one has to be
known before (3.44.4.2.4).
"""

from collections.abc import Iterable

from hub.call import Call
from ihe.datatypes import CX
from ihe.errors import RegistryError, XdsFailure
from ihe.hl7v3.feed import PATIENT_ID, SUBSUMED_ID
from ihe.hl7v3.values import II, Acknowledgement, DetailCode, PatientMerge, PatientRecord
from ihe.vocabulary import Severity
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


def handle_record(record: PatientRecord, call: Call, registry: Registry) -> Acknowledgement:
    """Make the ids of a patient known.

    Raises
    ------
    XdsFailure
        The message is wrong, or an id that no document could name.
    NotAllowed
        Its sender may not send feeds.
    """
    check_source(call, registry.patients)
    _check(record.problems)
    ids = _own(record.identifiers, PATIENT_ID, registry.patients)
    if not ids:
        context = f"nothing changed: no id of {authorities(registry.patients)}"
        warning = RegistryError(DetailCode.UNKNOWN_KEY, context, PATIENT_ID, Severity.WARNING)
        return Acknowledgement.of([warning])
    add_ids(ids, registry.store)
    return Acknowledgement()


def handle_merge(merge: PatientMerge, call: Call, registry: Registry) -> Acknowledgement:
    """Let everything of one id belong to another.

    Raises
    ------
    XdsFailure
        The message is wrong, or the merge may not be; nothing was changed.
    NotAllowed
        Its sender may not send feeds.
    """
    check_source(call, registry.patients)
    _check(merge.problems)
    policy = registry.patients
    subsumed = _only(_own((merge.subsumed,), SUBSUMED_ID, policy), SUBSUMED_ID, authorities(policy))
    of_the_same = [
        each
        for each in _own(merge.identifiers, PATIENT_ID, policy)
        if each.authority == subsumed.authority
    ]
    survivor = _only(of_the_same, PATIENT_ID, f"the assigning authority {subsumed.authority}")
    try:
        merge_ids(subsumed, survivor, registry.store, adds_survivor=True)
    except NotMerged as refusal:
        where = PATIENT_ID if refusal.of_survivor else SUBSUMED_ID
        raise _wrong(DetailCode.UNKNOWN_KEY, refusal.reason, where) from None
    return Acknowledgement()


def _check(problems: tuple[RegistryError, ...]) -> None:
    if problems:
        raise XdsFailure(problems)


def _wrong(code: DetailCode, context: str, location: str) -> XdsFailure:
    return XdsFailure((RegistryError(code, context, location),))


def _only(ids: list[CX], location: str, whose: str) -> CX:
    if len(ids) != 1:
        context = f"{len(ids)} ids of {whose}, exactly one was expected"
        raise _wrong(DetailCode.UNKNOWN_KEY, context, location)
    return ids[0]


def _own(identifiers: Iterable[II], location: str, policy: PatientPolicy) -> list[CX]:
    """Return the ids of the affinity domain's authorities, each once, as documents spell them."""
    try:
        return different(
            [
                patient_id(each.extension, each.root)
                for each in identifiers
                if is_taken(each.root, policy)
            ]
        )
    except ValueError as problem:
        raise _wrong(DetailCode.DATA_TYPE, str(problem), location) from None
