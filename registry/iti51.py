"""Multi-Patient Stored Query (ITI TF-2 3.51): other queries, answered as those of ITI-18."""

from hub.call import Call
from ihe.messages import AdhocQueryRequest, AdhocQueryResponse
from registry.domain import Registry
from registry.iti18 import MULTI_PATIENT, answer


def handle(request: AdhocQueryRequest, _call: Call, registry: Registry) -> AdhocQueryResponse:
    """Answer a stored query about any number of patients.

    Raises
    ------
    XdsFailure
        The query cannot be answered: each reason with its code (3.18.4.1.3).
    """
    return answer(request, registry, transaction=MULTI_PATIENT)
