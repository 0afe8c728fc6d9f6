"""`Registry`: what every handler of the Document Registry is given beside the request.

Its ports (the store, new ids) and the decisions that an affinity domain makes about its registry.
One frozen value, put together in `registry.app`; handlers know neither engine nor settings file.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ihe.datatypes import HomeCommunityId
from ihe.rules import Profile
from registry.patients import PatientPolicy
from registry.store.port import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The ports and the decisions of one registry.

    Parameters
    ----------
    store
        Where it keeps what it knows.
    new_uuid
        Makes a new UUID URN.
    home_community_id
        The community that it belongs to: `home` of what its queries return; None for none.
    refuse_unknown_patient
        Answer a query for a patient id that is not known, or was merged away, with
        XDSUnknownPatientId instead of an empty result (ITI TF-2 3.18.4.1.3 leaves it to policy).
    lenient_queries
        Let a code without a coding scheme in a query match any scheme, instead of refusing it
        (ITI TF-2 3.18.4.1.2.3.4 requires the scheme).
    patients
        Which patient ids a registration may use.
    profile
        Gives which rules a submission has to keep now, and how strictly (`ihe.rules`): lists of
        codes may change while the registry runs.
    accepts_replays
        Answer a submission that was registered before and comes again with Success, instead of
        XDSDuplicateUniqueIdInRegistry.
    most_objects
        Most objects that one LeafClass answer may hold; above it, XDSTooManyResults. An ObjectRef
        answer has no limit, so that a consumer can fetch the rest in portions.
    """

    store: Store
    new_uuid: Callable[[], str]
    home_community_id: HomeCommunityId | None = None
    refuse_unknown_patient: bool = False
    lenient_queries: bool = False
    patients: PatientPolicy = field(default_factory=PatientPolicy)
    profile: Callable[[], Profile] = Profile
    accepts_replays: bool = True
    most_objects: int = 10_000
