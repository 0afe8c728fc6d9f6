"""What both gateway actors do with query answers: label, check, merge.

References
----------
ITI TF-2 3.18.4.1.3 (Initiating Gateway), 3.38.4.1.3 (Responding Gateway); ITI TF-1 18.3.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

from gateway.fanout import Target
from ihe.datatypes import CX
from ihe.ebxml.relay import RelayedObject, RelayedQueryResponse, read_relayed_query_response
from ihe.errors import ErrorCode, RegistryError, registry_error
from ihe.messages import AdhocQueryRequest, AdhocQueryResponse, status_of
from ihe.transactions import ITI_18, ITI_38, Transaction
from ihe.vocabulary import ResponseStatus

QUERY_REGISTRY: Final[Transaction[AdhocQueryRequest, RelayedQueryResponse]] = replace(  # type: ignore[assignment]  # the response type changes with its reader
    ITI_18,
    read_response=read_relayed_query_response,  # type: ignore[arg-type]  # as above
)
QUERY_COMMUNITY: Final[Transaction[AdhocQueryRequest, RelayedQueryResponse]] = replace(  # type: ignore[assignment]  # as above
    ITI_38,
    read_response=read_relayed_query_response,  # type: ignore[arg-type]  # as above
)


@dataclass(frozen=True, slots=True)
class Found:
    """One community's part of an answer; `succeeded` unless all of it failed."""

    fragments: tuple[bytes, ...]
    errors: tuple[RegistryError, ...]
    succeeded: bool


def found_at_home(target: Target, answer: RelayedQueryResponse) -> Found:
    """Label what the own registry found with the own homeCommunityId."""
    (home,) = target.homes
    return _found(target, answer, [each.rendered(home) for each in answer.objects])


def found_elsewhere(
    target: Target, answer: RelayedQueryResponse, patients: AbstractSet[CX]
) -> Found:
    """Check what other communities found, and take it as it came.

    The whole answer is refused when an object has no id or no homeCommunityId, by which it could be
    asked for again, or one that the gateway does not answer for; and when an object is another
    patient's than the `patients` that were asked for, where any were. An object that comes twice is
    taken once. The error that a community does not know the patient is dropped
    (ITI TF-2 3.38.4.1.3): it has told that it holds nothing.
    """
    problem = (
        _id_problem(target, answer.objects)
        or _home_problem(target, answer.objects)
        or _patient_problem(target, answer.objects, patients)
    )
    if problem is not None:
        return Found((), (problem,), succeeded=False)
    once = {(each.home_community_id, each.entry_uuid): each for each in answer.objects}
    found = _found(target, answer, [each.rendered() for each in once.values()])
    return without_unknown_patient(found)


def without_unknown_patient(found: Found) -> Found:
    """Drop the error that the patient is not known; with no other error left, all is well."""
    errors = tuple(e for e in found.errors if e.code != ErrorCode.UNKNOWN_PATIENT_ID)
    only_unknown = bool(found.errors) and not errors
    return replace(found, errors=errors, succeeded=found.succeeded or only_unknown)


def _found(target: Target, answer: RelayedQueryResponse, fragments: Sequence[bytes]) -> Found:
    """Return what an answer says; an error without a location gets that of the community."""
    errors = tuple(e if e.location else e.at(target.homes[0]) for e in answer.errors)
    failed = answer.status != ResponseStatus.SUCCESS
    if failed and status_of(errors) == ResponseStatus.SUCCESS:
        errors += (_unexplained(target, answer.status),)
    succeeded = answer.status != ResponseStatus.FAILURE or bool(fragments)
    return Found(tuple(fragments), errors, succeeded)


def _unexplained(target: Target, status: str) -> RegistryError:
    return registry_error(
        ErrorCode.REGISTRY_ERROR,
        f"{target} answered with the status '{status[:_LONGEST]}' and no error",
        target.homes[0],
    )


def _id_problem(target: Target, objects: Sequence[RelayedObject]) -> RegistryError | None:
    without = sum(1 for each in objects if not each.entry_uuid)
    if not without:
        return None
    return registry_error(
        ErrorCode.REGISTRY_ERROR,
        f"{target} returned {without} objects without id",
        target.homes[0],
    )


def _home_problem(target: Target, objects: Sequence[RelayedObject]) -> RegistryError | None:
    """Check homeCommunityIds; an Association needs none (ITI TF-2 3.38.4.1.3)."""
    labelled = [each for each in objects if each.tag != "Association" or each.home_community_id]
    without = [each.entry_uuid for each in labelled if each.home_community_id is None]
    if without:
        return registry_error(
            ErrorCode.MISSING_HOME_COMMUNITY_ID,
            f"{target} returned {len(without)} objects without homeCommunityId: {_some(without)}",
            target.homes[0],
        )
    foreign = {str(each.home_community_id) for each in labelled} - set(target.homes)
    if foreign:
        return registry_error(
            ErrorCode.UNKNOWN_COMMUNITY,
            f"{target} returned objects of {_some(sorted(foreign))}",
            target.homes[0],
        )
    return None


def _patient_problem(
    target: Target, objects: Sequence[RelayedObject], patients: AbstractSet[CX]
) -> RegistryError | None:
    """Check that objects are of the patients asked for; whose they are instead is not told."""
    foreign = [
        each.entry_uuid
        for each in objects
        if patients and each.patient_id and each.patient_id.canonical not in patients
    ]
    if not foreign:
        return None
    return registry_error(
        ErrorCode.RESULT_NOT_SINGLE_PATIENT,
        f"{target} returned {len(foreign)} objects of another patient: {_some(foreign)}",
        target.homes[0],
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(name[:_LONGEST] for name in names[:_SHOWN])


_SHOWN: Final = 5
_LONGEST: Final = 100


def merge(parts: Sequence[Found], unknown: Sequence[RegistryError] = ()) -> AdhocQueryResponse:
    """Join the parts into one answer, in their order (ITI TF-2 3.18.4.1.3, 3.38.4.1.3).

    Success when every part succeeded, Failure when none did, PartialSuccess between. `unknown` are
    the errors of communities that could not be asked.
    """
    errors = (*unknown, *(error for part in parts for error in part.errors))
    succeeded = any(part.succeeded for part in parts)
    return AdhocQueryResponse(
        status_of(errors, found=succeeded),
        errors,
        fragments=tuple(fragment for part in parts for fragment in part.fragments),
    )
