"""ITI-57 Update Document Set (Metadata Update 3.57): new versions, status, associations.

```text
hold the logical objects and ends ─▶ rules (G, and those of submissions) ──errors──▶ Failure
                                          │ none
                                          ▼
            add versions and associations, deprecate what they replace, touch folders ─▶ Success
```

One transaction: of two updates of the same version, the second finds that it is not the newest any
more (XDSMetadataVersionError).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from hub.call import Call
from ihe import rules, updates
from ihe.datatypes import DTM, is_symbolic
from ihe.errors import ErrorCode, RegistryError, registry_error
from ihe.messages import RegistryResponse, SubmitObjectsRequest
from ihe.model import Submission
from ihe.operations import newest_of
from ihe.rules import Profile
from ihe.rules.removal import find_objects
from ihe.rules.subject import where
from ihe.state import Kind, State, any_of
from ihe.updates import Planned
from ihe.vocabulary import DocumentEntryType, Status
from registry.domain import Registry
from registry.iti42 import value_of
from registry.patients import add_patients, check_patients, patient_ids, with_canonical_ids
from registry.store.port import Writer

Check: TypeAlias = Callable[[Submission, State, Profile], list[RegistryError]]


def handle(request: SubmitObjectsRequest, call: Call, registry: Registry) -> RegistryResponse:
    """Carry out every operation of an update, or none: Failure tells every reason."""
    return update(request.submission, call, registry, check=rules.check_update)


def update(
    submitted: Submission,
    call: Call,
    registry: Registry,
    *,
    check: Check,
    restricted: bool = False,
) -> RegistryResponse:
    """Update as `check` allows it (ITI-57, ITI-92); `restricted` carries references over too."""
    submission = with_canonical_ids(submitted)
    if len(submission.submission_sets) != 1:
        return RegistryResponse.of(rules.check_submission_set(submission, registry.profile()))
    on_demand = any(e.object_type == DocumentEntryType.ON_DEMAND for e in submission.entries)
    profile = replace(registry.profile(), on_demand=on_demand)
    keys = sorted(_keys(submission, registry))

    def work(writer: Writer) -> list[RegistryError]:
        writer.lock(keys)
        problems = [
            *check(submission, writer, profile),
            *_set_in_use(submission, writer),
            *check_patients(submission, writer, registry.patients),
        ]
        if not rules.has_errors(problems):
            planned = updates.plan(
                submission,
                writer,
                at=call.time,
                new_uuid=registry.new_uuid,
                value_of=value_of,
                with_references=restricted,
            )
            _apply(planned, submission, writer, call.time)
        return problems

    return RegistryResponse.of(registry.store.write(work))


def _apply(planned: Planned, submission: Submission, writer: Writer, at: DTM) -> None:
    add_patients(submission, writer)
    writer.add(planned.add)
    if planned.deprecate:
        writer.set_status(planned.deprecate, Status.DEPRECATED)
    if planned.approve:
        writer.set_status(planned.approve, Status.APPROVED)
    if planned.touch:
        writer.set_last_update_time(planned.touch, at)


def _keys(submission: Submission, registry: Registry) -> set[str]:
    """Return what the transaction decides about: patients, uniqueIds, logical objects and ends.

    The newest versions, and the patients that these and the ends are of, are looked up beforehand:
    whoever registers or removes what leads to one holds its id. Should there be a newer version by
    the time that the locks are held, PreviousVersion is not the newest, and nothing is updated.
    """
    ids = {end for link in submission.associations for end in (link.source, link.target)}
    ids |= {thing.entry_uuid for thing in submission}
    logical_ids = {thing.logical_id for thing in submission if thing.logical_id}
    unique = {str(thing.unique_id) for thing in submission.of_patient if thing.unique_id}
    keys = {each for each in ids | logical_ids if not is_symbolic(each)} | unique
    keys |= set(patient_ids(submission))
    with registry.store.read() as state:
        found = list(find_objects(keys, state).values())
        for kind in (Kind.DOCUMENT_ENTRY, Kind.FOLDER):
            found += newest_of(kind, logical_ids, state).values()
    keys |= {each.source for each in found if each.source}  # a folder whose membership changes
    return keys | {each.entry_uuid for each in found} | {str(each.patient_id) for each in found}


def _set_in_use(submission: Submission, state: State) -> list[RegistryError]:
    unique_id = submission.submission_set.unique_id
    if unique_id is None:
        return []
    holders = (Kind.SUBMISSION_SET, Kind.DOCUMENT_ENTRY, Kind.FOLDER)
    if not any(state.find(kind, (any_of("unique_id", unique_id),)) for kind in holders):
        return []
    found = f"found the uniqueId {unique_id}, expected one that is not in use"
    place = where(submission.submission_set, "unique_id")
    return [registry_error(ErrorCode.DUPLICATE_UNIQUE_ID_IN_REGISTRY, found, place, rule="F4")]
