"""ITI-42 Register Document Set-b (ITI TF-2 3.42): a submission becomes part of the registry.

All or nothing: what a submission does, including what it deprecates and which folders it touches,
is one transaction, and every problem found is told at once.

A submission that was registered before and comes again, the same in everything, is answered with
Success as it was then: the sender did not get the first answer. The Framework would have
XDSDuplicateUniqueIdInRegistry for it (docs/decisions/0006-replayed-submissions-succeed.md).
"""

from collections.abc import Iterator

from hub.call import Call
from ihe import lifecycle, rules
from ihe.datatypes import DTM
from ihe.ebxml.rendering import fill, read_filled
from ihe.errors import ErrorCode, RegistryError
from ihe.messages import RegistryResponse, SubmitObjectsRequest
from ihe.model import RegistryObject, Submission
from ihe.rules import Profile
from ihe.state import AnyOf, Kind, Record, State, any_of
from ihe.vocabulary import Severity, Status
from registry.domain import Registry
from registry.patients import add_patients, check_patients, patient_ids
from registry.store.port import Writer


def handle(request: SubmitObjectsRequest, call: Call, registry: Registry) -> RegistryResponse:
    """Register a submission: Success with its warnings, or Failure with every error."""
    return register(request.submission, call, registry, registry.profile)


def register(
    submission: Submission, call: Call, registry: Registry, profile: Profile
) -> RegistryResponse:
    """Register a submission under the rules of `profile` (ITI-42, ITI-61)."""
    problems = rules.check_submission(submission, profile)
    if _fail(problems):
        return RegistryResponse.of(problems)

    def work(writer: Writer) -> list[RegistryError]:
        writer.lock(_keys(submission))
        found = [
            *check_patients(submission, writer, registry.patient_mode),
            *rules.check_against(submission, writer, profile),
        ]
        if _fail(found):
            if registry.accepts_replays and _is_replay(submission, found, writer):
                return []
            return found
        _apply(submission, writer, call.time, registry)
        return found

    return RegistryResponse.of([*problems, *registry.store.write(work)])


def _fail(problems: list[RegistryError]) -> bool:
    return any(problem.severity == Severity.ERROR for problem in problems)


def _keys(submission: Submission) -> Iterator[str]:
    """Yield what the transaction decides about: patients, uniqueIds, objects referred to."""
    yield from patient_ids(submission)
    for thing in submission.of_patient:
        if thing.unique_id is not None:
            yield thing.unique_id
    for link in submission.associations:
        yield from (link.source, link.target)
    yield from (thing.entry_uuid for thing in submission)


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
    """Tell whether a submission fails only because it was registered before."""
    of_first_time = {ErrorCode.DUPLICATE_UNIQUE_ID_IN_REGISTRY, ErrorCode.REGISTRY_METADATA,
                     ErrorCode.REGISTRY_DEPRECATED_DOCUMENT}  # fmt: skip
    if any(problem.code not in of_first_time for problem in problems):
        return False
    unique_id = submission.submission_set.unique_id
    if unique_id is None:
        return False
    found = state.find(Kind.SUBMISSION_SET, (any_of("unique_id", unique_id),))
    if len(found) != 1:
        return False
    return lifecycle.same_submission(submission, _contents(found[0], state))


def _contents(chosen: Record, state: State) -> Iterator[RegistryObject]:
    """Yield the objects that were registered with a SubmissionSet, itself included."""
    members = state.find(Kind.ASSOCIATION, (any_of("source", chosen.entry_uuid),))
    targets = AnyOf("entry_uuid", frozenset(each.target for each in members if each.target))
    entries = state.find(Kind.DOCUMENT_ENTRY, (targets,))
    sources = AnyOf("source", frozenset(each.entry_uuid for each in entries))
    relationships = state.find(Kind.ASSOCIATION, (sources,)) if entries else []
    for record in (
        chosen,
        *members,
        *entries,
        *state.find(Kind.FOLDER, (targets,)),
        *state.find(Kind.ASSOCIATION, (targets,)),
        *relationships,
    ):
        yield _value(record)


def _value(record: Record) -> RegistryObject:
    return read_filled(
        fill(
            record.template,
            status=record.status,
            patient_id=record.patient_id,
            last_update_time=record.last_update_time,
        )
    )
