"""What a gateway has to know of a stored query that it passes on: for whom, and to whom.

References
----------
ITI TF-2 3.18.4.1.2.3.8 (homeCommunityId); ITI TF-1 18.2.6 (Target Communities Option).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from ihe.datatypes import CX, HomeCommunityId
from ihe.errors import ErrorCode, XdsFailure
from ihe.messages import AdhocQueryRequest
from ihe.model import Slot
from ihe.queries.literals import MalformedLiteral, parse_literals, render_list, render_text
from ihe.queries.parameters import ParameterType
from ihe.queries.parsing import definition_of

TARGETS: Final = "$targetCommunityIdList"


def asks_for_patient(request: AdhocQueryRequest) -> bool:
    """Tell whether the stored query is one by patient id, whether or not the id is there.

    A query that is not known is none.
    """
    return bool(_patient_parameters(request))


def patients_of(request: AdhocQueryRequest) -> frozenset[CX]:
    """Return the patient ids that a stored query asks for, in their canonical form.

    Raises
    ------
    XdsFailure
        A value cannot be read.
    """
    texts = _texts(request, _patient_parameters(request))
    return frozenset(CX(text).canonical for text in texts)


def target_communities(request: AdhocQueryRequest) -> tuple[HomeCommunityId, ...]:
    """Return the communities that a query is for; none for all of them.

    An empty list counts as none given, which most partners agree on.

    Raises
    ------
    XdsFailure
        A value cannot be read.
    """
    return tuple(HomeCommunityId(text) for text in dict.fromkeys(_texts(request, {TARGETS})))


def targeting(request: AdhocQueryRequest, homes: Iterable[HomeCommunityId]) -> AdhocQueryRequest:
    """Return the query for some of its target communities alone; with no `homes`, for all."""
    others = tuple(slot for slot in request.parameters if slot.name != TARGETS)
    listed = render_list(map(render_text, homes))
    return replace(request, parameters=(*others, Slot(TARGETS, listed)) if listed else others)


def _patient_parameters(request: AdhocQueryRequest) -> set[str]:
    definition = definition_of(request.query_id)
    return {
        parameter.name
        for parameter in (definition.parameters if definition else ())
        if parameter.type is ParameterType.PATIENT_ID
    }


def _texts(request: AdhocQueryRequest, names: set[str]) -> Iterator[str]:
    """Yield the texts that the parameters with these names have as values."""
    for slot in request.parameters:
        if slot.name in names:
            for value in slot.values:
                try:
                    literals = parse_literals(value)
                except MalformedLiteral as problem:
                    raise XdsFailure.of(
                        ErrorCode.REGISTRY_ERROR,
                        f"{slot.name}, character {problem.position}: {problem}",
                        slot.name,
                    ) from None
                yield from (literal.text for literal in literals.items)
