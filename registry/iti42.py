"""ITI-42 Register Document Set-b (ITI TF-2 3.42): a submission becomes part of the registry.

```text
check the submission ──errors──▶ ask what is registered too, if its structure holds ──▶ Failure
      │ none
      ▼ one transaction, which holds patients, uniqueIds and ids
check against what is registered ──errors──▶ a replay? Success as before : Failure
      │ none
      ▼
add, deprecate, touch ──▶ Success, with the warnings
```

All or nothing, and every problem found is told at once.

A submission that was registered before and comes again, the same in everything, is answered with
Success as it was then: the sender did not get the first answer. The Framework would have
XDSDuplicateUniqueIdInRegistry for it (docs/decisions/0006-replayed-submissions-succeed.md).
"""

from collections.abc import Iterator

from hub.call import Call
from ihe import lifecycle, replays, rules
from ihe.datatypes import DTM, is_symbolic
from ihe.ebxml.rendering import fill, read_filled
from ihe.errors import ErrorCode, RegistryError
from ihe.messages import RegistryResponse, SubmitObjectsRequest
from ihe.model import RegistryObject, Submission
from ihe.rules import Profile
from ihe.state import AnyOf, Kind, Record, State, any_of
from ihe.vocabulary import Status, SubmissionSetStatus
from registry.domain import Registry
from registry.patients import add_patients, check_patients, patient_ids, with_canonical_ids
from registry.store.port import Writer


def handle(request: SubmitObjectsRequest, call: Call, registry: Registry) -> RegistryResponse:
    """Register a submission: Success with its warnings, or Failure with every error."""
    return register(request.submission, call, registry, registry.profile())


def register(
    submitted: Submission, call: Call, registry: Registry, profile: Profile
) -> RegistryResponse:
    """Register a submission under the rules of `profile` (ITI-42, ITI-61)."""
    submission = with_canonical_ids(submitted)
    problems = rules.check_submission(submission, profile)
    if rules.has_errors(problems):
        if not any(map(rules.is_structural, problems)):
            with registry.store.read() as state:
                problems += _against(submission, state, registry, profile)
        return RegistryResponse.of(problems)

    def work(writer: Writer) -> list[RegistryError]:
        writer.lock(keys_of(submission))
        found, _ = register_within(writer, submission, call.time, registry, profile)
        return found

    return RegistryResponse.of([*problems, *registry.store.write(work)])


def register_within(
    writer: Writer, submission: Submission, at: DTM, registry: Registry, profile: Profile
) -> tuple[list[RegistryError], bool]:
    """Register a submission in a transaction that holds its keys, if nothing there is against it.

    The submission is good in itself, and its patient ids are canonical. Returns what is against it,
    and whether it had been registered before: then nothing is.
    """
    found = _against(submission, writer, registry, profile)
    if not rules.has_errors(found):
        _apply(submission, writer, at, registry)
    elif registry.accepts_replays and _is_replay(submission, found, writer):
        return [], True
    return found, False


def _against(
    submission: Submission, state: State, registry: Registry, profile: Profile
) -> list[RegistryError]:
    """Return what the registry's content has against a submission."""
    return [
        *check_patients(submission, state, registry.patients),
        *rules.check_against(submission, state, profile),
    ]


def keys_of(submission: Submission) -> Iterator[str]:
    """Yield what the transaction decides about: patients, uniqueIds, ids that are UUIDs.

    Symbolic ids mean nothing outside their submission.
    """
    yield from patient_ids(submission)
    for thing in submission.of_patient:
        if thing.unique_id is not None:
            yield thing.unique_id
    ids = {end for link in submission.associations for end in (link.source, link.target)}
    ids |= {thing.entry_uuid for thing in submission}
    yield from (each for each in ids if not is_symbolic(each))


def _apply(submission: Submission, writer: Writer, at: DTM, registry: Registry) -> None:
    changes = lifecycle.register(submission, writer, at=at, new_uuid=registry.new_uuid)
    add_patients(submission, writer)
    writer.add(changes.add)
    if changes.deprecate:
        writer.set_status(changes.deprecate, Status.DEPRECATED)
    if changes.touch:
        writer.set_last_update_time(changes.touch, at)


# --- replays -------------------------------------------------------------------------------------


def _is_replay(submission: Submission, problems: list[RegistryError], state: State) -> bool:
    """Tell whether a submission fails because it was registered before, the same in everything."""
    unique_id = submission.submission_set.unique_id
    in_use = ErrorCode.DUPLICATE_UNIQUE_ID_IN_REGISTRY
    if unique_id is None or all(problem.code != in_use for problem in problems):
        return False
    found = state.find(Kind.SUBMISSION_SET, (any_of("unique_id", unique_id),))
    return len(found) == 1 and replays.is_same(submission, list(_contents(found[0], state)))


def _contents(chosen: Record, state: State) -> Iterator[RegistryObject]:
    """Yield the objects that were registered with a SubmissionSet, itself included."""
    yield value_of(chosen)
    members = state.find(Kind.ASSOCIATION, (any_of("source", chosen.entry_uuid),))
    # documents by reference were registered with another set
    own = [each for each in members if each.submission_set_status != SubmissionSetStatus.REFERENCE]
    targets = AnyOf("entry_uuid", frozenset(each.target for each in own if each.target))
    entries = state.find(Kind.DOCUMENT_ENTRY, (targets,))
    sources = AnyOf("source", frozenset(each.entry_uuid for each in entries))
    of_entries = state.find(Kind.ASSOCIATION, (sources,))
    folders = state.find(Kind.FOLDER, (targets,))
    memberships = state.find(Kind.ASSOCIATION, (targets,))
    for record in (*members, *entries, *of_entries, *folders, *memberships):
        yield value_of(record)


def value_of(record: Record) -> RegistryObject:
    """Return a registered object as it is now."""
    return read_filled(
        fill(
            record.template,
            status=record.status,
            patient_id=record.patient_id,
            last_update_time=record.last_update_time,
        )
    )
