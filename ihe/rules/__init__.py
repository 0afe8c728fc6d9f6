"""Metadata rules: what a registry checks of a submission, as declarations.

```text
ebXML ─▶ ihe.ebxml (reading)  A, part of B and C: what only the XML shows
      ─▶ check_submission     A, B structure · C cardinality · D values · F within it · N Norway
      ─▶ check_against        F: what is registered already
     ─▶ check_update         G: what may be updated, with what of the above counts there too
ids  ─▶ check_removal        H: what may be taken out
```

Every rule that is broken is told, not the first only. Attributes (C, D) are looked at even in a
submission whose structure (A, B) is broken, since each object can be judged on its own; what is
registered (F with state) is asked for only when the structure holds, since otherwise it cannot be
told what the submission does (`is_structural`). How strictly each rule is taken is a setting of
the affinity domain (`Profile`). To add a rule, declare one function in the module of its group.

References
----------
ITI TF-3 4.2, 4.3; ITI TF-2 3.42.4.1.3, 3.61.4.1.3.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from ihe.datatypes import HomeCommunityId
from ihe.errors import RegistryError
from ihe.model import RegistryObject, Submission
from ihe.rules.associations import ASSOCIATIONS
from ihe.rules.cardinality import CARDINALITY
from ihe.rules.declaring import Basis, CodeSets, Profile, Rule, Strictness, at_most, taken
from ihe.rules.domain import DOMAIN
from ihe.rules.elsewhere import NO_RULE, PATIENTS, READING
from ihe.rules.norway import NORWAY
from ihe.rules.reconciliation import RECONCILIATION
from ihe.rules.registered import REGISTERED, AgainstState
from ihe.rules.relationships import RELATED
from ihe.rules.removal import REMOVAL, AgainstRemoval
from ihe.rules.restricted import COMMON, RESTRICTED, AgainstRestricted
from ihe.rules.structure import STRUCTURE
from ihe.rules.subject import Subject
from ihe.rules.submitting import SUBMITTED
from ihe.rules.update import UPDATE
from ihe.rules.updated import AgainstUpdate, applies_to_updates
from ihe.rules.values import VALUES
from ihe.state import Record, State
from ihe.vocabulary import Severity

__all__ = [
    "NO_RULE",
    "PATIENTS",
    "RULES",
    "Basis",
    "CodeSets",
    "Profile",
    "Rule",
    "Strictness",
    "check_against",
    "check_removal",
    "check_restricted_update",
    "check_strictness",
    "check_submission",
    "check_submission_set",
    "check_update",
    "has_errors",
    "is_structural",
]

_WITHOUT_STATE: Final = (STRUCTURE, ASSOCIATIONS, CARDINALITY, VALUES, DOMAIN, NORWAY)
_WITH_STATE: Final = (REGISTERED, RELATED)


def _order(rule: Rule[Any]) -> tuple[str, int, str]:
    """Return what rules are listed by: group, number, part."""
    number = rule.id[1:].rstrip("bcd")
    return rule.group, int(number), rule.id


RULES: Final[Mapping[str, Rule[Any]]] = {  # Any: whatever each looks at
    rule.id: rule
    for rule in sorted(
        (
            *READING,
            PATIENTS,
            *(rule for book in _WITHOUT_STATE for rule in book.rules),
            *(rule for book in _WITH_STATE for rule in book.rules),
            *UPDATE.rules,
            *SUBMITTED.rules,
            *RECONCILIATION.rules,
            *RESTRICTED.rules,
            *REMOVAL.rules,
        ),
        key=_order,
    )
}
"""All rules by number, in the order of their numbers."""


def check_submission(submission: Submission, profile: Profile) -> list[RegistryError]:
    """Return every error and warning that can be told without looking into the registry.

    What the reader of the ebXML found is part of it, under the same strictness.
    """
    subject = Subject(submission, profile)
    found = (book.apply(subject, profile) for book in _WITHOUT_STATE)
    return at_most(chain(_from_reading(submission.problems, profile), *found))


def _from_reading(problems: Iterable[RegistryError], profile: Profile) -> Iterator[RegistryError]:
    for problem in problems:
        rule = RULES.get(problem.rule)
        if rule is None:  # found by no rule, so that none can relax it
            yield problem
            continue
        strictness = profile.strictness_of(rule)
        if strictness is not Strictness.OFF:
            code = rule.code if rule.check is None else problem.code
            yield taken(replace(problem, code=code), strictness)


def check_against(submission: Submission, state: State, profile: Profile) -> list[RegistryError]:
    """Return every error and warning that the registered objects give.

    The patient ids themselves are checked elsewhere (`registry.patients`).
    """
    subject = AgainstState(submission, profile, state)
    found = (book.apply(subject, profile) for book in _WITH_STATE)
    return at_most(chain.from_iterable(found))


def check_submission_set(submission: Submission, profile: Profile) -> list[RegistryError]:
    """Return every error of a submission of which an update cannot be told, without one set.

    That is B1, and what the reader found: a package without a label is no SubmissionSet.
    """
    one_set = RULES["B1"].apply(Subject(submission, profile), profile)
    return at_most(chain(_from_reading(submission.problems, profile), one_set))


def check_update(submission: Submission, state: State, profile: Profile) -> list[RegistryError]:
    """Return every error and warning of an update, by itself and against the registry (ITI-57)."""
    subject = AgainstUpdate(submission, profile, state)
    found = (book.apply(subject, profile) for book in (UPDATE, SUBMITTED, RECONCILIATION))
    return at_most(chain(_check_version_attributes(subject, profile), *found))


def check_restricted_update(
    submission: Submission,
    state: State,
    profile: Profile,
    *,
    home: HomeCommunityId | None,
    value_of: Callable[[Record], RegistryObject],
) -> list[RegistryError]:
    """Return every error and warning of a restricted update (ITI-92); see `AgainstRestricted`."""
    subject = AgainstRestricted(submission, profile, state, home=home, value_of=value_of)
    common = (rule.apply(subject, profile) for rule in UPDATE.rules if rule.id in COMMON)
    attributes = _check_version_attributes(subject, profile)
    return at_most(chain(attributes, *common, RESTRICTED.apply(subject, profile)))


def _check_version_attributes(subject: AgainstUpdate, profile: Profile) -> Iterator[RegistryError]:
    yield from _from_reading(subject.submission.problems, profile)
    for book in (*_WITHOUT_STATE, REGISTERED):
        for rule in book.rules:
            if applies_to_updates(rule.id):
                yield from rule.apply(subject, profile)


def check_removal(entry_uuids: Sequence[str], state: State) -> list[RegistryError]:
    """Return every reason why objects cannot be removed (ITI-62); no setting relaxes any."""
    return at_most(REMOVAL.apply(AgainstRemoval(entry_uuids, state), Profile()))


def has_errors(problems: Iterable[RegistryError]) -> bool:
    """Tell whether something is wrong that makes a submission fail."""
    return any(problem.severity == Severity.ERROR for problem in problems)


def is_structural(problem: RegistryError) -> bool:
    """Tell whether a problem is an error of structure, so that state need not be asked."""
    return problem.severity == Severity.ERROR and problem.rule[:1] in {"A", "B", ""}


def check_strictness(strictness: Mapping[str, Strictness]) -> list[str]:
    """Return what is wrong with a strictness setting: unknown rules, and rules that are fixed."""
    groups = {rule.group for rule in RULES.values()}
    problems = []
    for name, value in strictness.items():
        rule = RULES.get(name)
        if rule is None and name not in groups:
            problems.append(f"there is no rule or group of rules '{name}'")
        elif rule is not None and rule.fixed and value is not Strictness.REJECT:
            problems.append(f"rule {name} cannot be relaxed: {rule.says} {rule.why}")
    return problems
