"""ITI-61 Register On-Demand Document Entry (ITI TF-2 3.61)."""

from dataclasses import replace

from hub.call import Call
from ihe.messages import RegistryResponse, SubmitObjectsRequest
from registry.domain import Registry
from registry.iti42 import register


def handle(request: SubmitObjectsRequest, call: Call, registry: Registry) -> RegistryResponse:
    """Register on-demand entries, which stand for documents made when they are retrieved."""
    profile = replace(registry.profile(), on_demand=True)
    return register(request.submission, call, registry, profile)
