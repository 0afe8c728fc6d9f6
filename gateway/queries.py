"""What both gateway actors do with query answers: label, check, merge.

References
----------
ITI TF-2 3.18.4.1.3 (Initiating Gateway), 3.38.4.1.3 (Responding Gateway); ITI TF-1 18.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.domain import Gateway
from gateway.fanout import Heard, Target
from ihe import queries
from ihe.datatypes import HomeCommunityId
from ihe.ebxml.relay import RelayedObject, RelayedQueryResponse, read_relayed_query_response
from ihe.errors import ErrorCode, RegistryError, XdsFailure, registry_error
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
    """One community's part of an answer."""

    fragments: tuple[bytes, ...]
    errors: tuple[RegistryError, ...]
    succeeded: bool


def require_home(request: AdhocQueryRequest, gateway: Gateway) -> HomeCommunityId:
    """Return the one community that a query by id is for (ITI TF-2 3.18.4.1.2.3.8).

    Raises
    ------
    XdsFailure
        No homeCommunityId, or one that is not known here.
    """
    home = request.home_community_id
    if home is None:
        raise XdsFailure.of(
            ErrorCode.MISSING_HOME_COMMUNITY_ID,
            f"a query without a patient id needs AdhocQuery/@home; {_name(request)} came without"
            f" (gateway {gateway.home_community_id})",
        )
    return require_known(home, gateway)


def require_known(home: HomeCommunityId, gateway: Gateway) -> HomeCommunityId:
    """Return `home` when it is known here; raise `XdsFailure` when it is not."""
    if not gateway.knows(home):
        raise XdsFailure.of(
            ErrorCode.UNKNOWN_COMMUNITY,
            f"homeCommunityId '{home}' is not known to gateway {gateway.home_community_id}",
        )
    return home


def asks_for_patient(request: AdhocQueryRequest) -> bool:
    """Tell whether the query is by patient id, and so may go to several communities."""
    return queries.asks_for_patient(request)


def _name(request: AdhocQueryRequest) -> str:
    return queries.name_of(request.query_id) or request.query_id


def own_registry(gateway: Gateway) -> Target:
    """Return the own community's registry as a target."""
    return Target(
        home_community_id=gateway.home_community_id,
        name="the own registry",
        url=gateway.registry,
        deadline_s=gateway.deadline_s,
    )


def found_at_home(answer: RelayedQueryResponse, home: HomeCommunityId) -> Found:
    """Label what the own registry found with the own homeCommunityId."""
    return Found(
        tuple(found.rendered(home) for found in answer.objects),
        answer.errors,
        answer.status == ResponseStatus.SUCCESS,
    )


def found_elsewhere(heard: Heard[RelayedQueryResponse]) -> Found:
    """Check what another community found, and take it as it came.

    An object without homeCommunityId could never be asked for again: the whole answer is refused
    with XDSMissingHomeCommunityId, as is one under a foreign homeCommunityId. The error that a
    community does not know the patient is dropped: it has told that it holds nothing.
    """
    target, answer = heard.target, heard.answer
    if answer is None:
        assert heard.error is not None, "either an answer or an error"  # noqa: S101  # by Heard
        return Found((), (heard.error,), succeeded=False)
    labelled = [found for found in answer.objects if _carries_home(found)]
    without = [found.entry_uuid for found in labelled if found.home_community_id is None]
    if without:
        return Found((), (_missing_home(target, without),), succeeded=False)
    foreign = {found.home_community_id for found in labelled} - {target.home_community_id}
    if foreign:
        return Found((), (_foreign_home(target, sorted(map(str, foreign))),), succeeded=False)
    errors = tuple(e for e in answer.errors if e.code != ErrorCode.UNKNOWN_PATIENT_ID)
    only_unknown = bool(answer.errors) and not errors
    return Found(
        tuple(found.rendered() for found in answer.objects),
        errors,
        succeeded=only_unknown or answer.status != ResponseStatus.FAILURE,
    )


def _carries_home(found: RelayedObject) -> bool:
    return found.tag != "Association"


def _missing_home(target: Target, uuids: Sequence[str]) -> RegistryError:
    shown = ", ".join(uuids[:_SHOWN])
    return registry_error(
        ErrorCode.MISSING_HOME_COMMUNITY_ID,
        f"{target.name} ({target.home_community_id}) returned {len(uuids)} objects without"
        f" homeCommunityId: {shown}",
        target.home_community_id,
    )


def _foreign_home(target: Target, homes: Sequence[str]) -> RegistryError:
    return registry_error(
        ErrorCode.UNKNOWN_COMMUNITY,
        f"{target.name} ({target.home_community_id}) returned objects of"
        f" {', '.join(homes[:_SHOWN])}",
        target.home_community_id,
    )


_SHOWN: Final = 5


def merge(parts: Sequence[Found]) -> AdhocQueryResponse:
    """Join the parts into one answer, in their order (ITI TF-2 3.18.4.1.3, 3.38.4.1.3).

    Success when every part succeeded, Failure when none did, PartialSuccess between.
    """
    errors = tuple(error for part in parts for error in part.errors)
    succeeded = any(part.succeeded for part in parts)
    return AdhocQueryResponse(
        status_of(errors, found=succeeded),
        errors,
        fragments=tuple(fragment for part in parts for fragment in part.fragments),
    )


def located(errors: Sequence[RegistryError], home: HomeCommunityId) -> tuple[RegistryError, ...]:
    """Return errors as a Responding Gateway sends them: located at its community (3.38.4.1.3)."""
    return tuple(error.at(home) for error in errors)
