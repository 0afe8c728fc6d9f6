"""Rules of updates, as far as they can be told without the registry that the update is for.

A submission can be looked at alone (`check_submission`), because the rules that ask what is
registered stand apart. Of updates nearly every rule looks at both. Here a registry is put beside
them that holds nothing, and what only a registry that holds something can say is left out.
"""

from collections.abc import Sequence
from typing import Final

from ihe.datatypes import CX, HomeCommunityId
from ihe.errors import RegistryError
from ihe.model import RegistryObject, Submission
from ihe.rules import (
    PATIENTS,
    RULES,
    check_restricted_update,
    check_submission_set,
    check_update,
)
from ihe.rules.declaring import Profile
from ihe.rules.registered import REGISTERED
from ihe.rules.relationships import RELATED
from ihe.state import Condition, Kind, Patient, Record

_SUBMISSIONS: Final = frozenset(
    {PATIENTS.id, *(rule.id for book in (REGISTERED, RELATED) for rule in book.rules)}
)
_ALONE: Final = frozenset(
    {"G1", "G2", "G3", "G9", "G9b", "G14", "G15", "G18", "G18b", "G19"},
)
"""Rules of group G that say nothing about what is registered."""
_UPDATES: Final = frozenset(
    rule.id
    for rule in RULES.values()
    if rule.id in _SUBMISSIONS or (rule.group == "G" and rule.id not in _ALONE)
)


def not_alone(*, update: bool) -> tuple[str, ...]:
    """Return the rules that cannot be told without a registry, in the order of their numbers."""
    return tuple(rule for rule in RULES if rule in (_UPDATES if update else _SUBMISSIONS))


def check_update_alone(
    submission: Submission,
    profile: Profile,
    *,
    home: HomeCommunityId | None,
    restricted: bool = False,
) -> list[RegistryError]:
    """Return what is wrong with an update, whatever is registered.

    Parameters
    ----------
    home
        The community that a restricted update is for; None if that is not known.
    restricted
        Whether it is one (ITI-92), or ITI-57.
    """
    if len(submission.submission_sets) != 1:
        return check_submission_set(submission, profile)
    nothing = Nothing()
    if restricted:
        found = check_restricted_update(
            submission,
            nothing,
            profile,
            home=home,
            value_of=_value_of,
        )
    else:
        found = check_update(submission, nothing, profile)
    return [each for each in found if each.rule not in _UPDATES]


def _value_of(_record: Record) -> RegistryObject:
    raise AssertionError  # nothing is registered


class Nothing:
    """A registry that holds nothing; implements `State`."""

    def find(self, kind: Kind, conditions: Sequence[Condition]) -> list[Record]:  # noqa: ARG002  # the protocol's
        """Return nothing."""
        return []

    def patient(self, patient_id: CX) -> Patient | None:  # noqa: ARG002  # as above
        """Know nobody."""
        return None
