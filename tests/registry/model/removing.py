"""Removal of metadata (ITI-62), and what identity feeds say of patients (ITI-8, ITI-44)."""

from collections.abc import Iterable, Iterator

from tests.registry.model.things import FOLDER, LINK, Model

# --- ITI-62 --------------------------------------------------------------------------------------


def remove(model: Model, ids: Iterable[str], now: str) -> set[str]:
    """Remove things, all or none; return the error codes, none when it is done."""
    gone = set(ids)
    refusals = set(_against(model, gone))
    if not refusals:
        losing = {each.source for each in model.all(LINK) if each.id in gone}
        for id in gone:
            del model.things[id]
        for id in losing:
            if model.get(id, FOLDER):
                model.has_changed(id, now)
    return refusals


def _against(model: Model, gone: set[str]) -> Iterator[str]:
    """What stays must not lead nowhere, nor lose its last SubmissionSet."""
    if gone - model.things.keys():
        yield "UnresolvedReferenceException"
    staying = [each for each in model.all(LINK) if each.id not in gone]
    if any({link.source, link.target} & gone & model.things.keys() for link in staying):
        yield "ReferencesExistException"
    losing = {each.target for each in model.all(LINK) if each.id in gone and model.in_a_set(each)}
    held = {each.target for each in staying if model.in_a_set(each)}
    if losing - gone - held:
        yield "XDSUnreferencedObjectException"


# --- ITI-8, ITI-44 -------------------------------------------------------------------------------


def tell_of(model: Model, patient: str) -> None:
    """Make a patient id known; one that was merged away stays so."""
    model.patients.setdefault(patient, None)


def merge(model: Model, gone: str, survivor: str, *, v3: bool) -> bool:
    """Let everything of one patient id be of another; return whether that may be.

    Both are known and in use; HL7 V3 does not ask that the survivor is known before.
    """
    in_use = {id for id, into in model.patients.items() if into is None}
    if v3 and gone in model.patients and survivor not in model.patients and gone in in_use:
        tell_of(model, survivor)
        in_use.add(survivor)
    if gone == survivor or not {gone, survivor} <= in_use:
        return False
    model.merge(gone, survivor)
    return True
