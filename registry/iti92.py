"""ITI-92 Restricted Update Document Set (RMU 3.92): versions of documents of this community.

The hub keeps every version, as with ITI-57 (RMU's XDS Version Persistence option). It does not
forward an update to another community.
"""

from hub.call import Call
from ihe import rules
from ihe.errors import RegistryError
from ihe.messages import RegistryResponse, SubmitObjectsRequest
from ihe.model import Submission
from ihe.rules import Profile
from ihe.state import State
from registry.domain import Registry
from registry.iti42 import value_of
from registry.iti57 import update


def handle(request: SubmitObjectsRequest, call: Call, registry: Registry) -> RegistryResponse:
    """Register every new version, or none: Failure tells every reason."""

    def check(submission: Submission, state: State, profile: Profile) -> list[RegistryError]:
        return rules.check_restricted_update(
            submission, state, profile, home=registry.home_community_id, value_of=value_of
        )

    return update(request.submission, call, registry, check=check, restricted=True)
