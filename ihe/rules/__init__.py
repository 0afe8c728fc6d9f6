"""Metadata rules: what a registry checks of a submission, as declarations.

```text
ebXML ─▶ ihe.ebxml (reading)  A, part of B and C: what only the XML shows
      ─▶ check_submission     B structure · C cardinality · D values · F within the submission
      ─▶ check_against        F: what is registered already
```

Every rule that is broken is reported, not the first only. How strictly each is taken is a setting
of the affinity domain (`Profile`). To add a rule, declare one function in the module of its group.

References
----------
ITI TF-3 4.2, 4.3; ITI TF-2 3.42.4.1.3, 3.61.4.1.3.
"""

from collections.abc import Iterable
from typing import Any, Final

from ihe.errors import RegistryError
from ihe.model import Submission
from ihe.rules.cardinality import CARDINALITY
from ihe.rules.declaring import (
    Basis,
    CodeSets,
    Profile,
    Rule,
    Strictness,
    Subject,
    severity_of,
)
from ihe.rules.domain import DOMAIN
from ihe.rules.reading import READING
from ihe.rules.registered import REGISTERED, AgainstState
from ihe.rules.structure import STRUCTURE
from ihe.rules.values import VALUES
from ihe.state import State
from ihe.vocabulary import Severity

__all__ = [
    "RULES",
    "Basis",
    "CodeSets",
    "Profile",
    "Rule",
    "Strictness",
    "check_against",
    "check_submission",
]

_WITHOUT_STATE: Final = (
    *STRUCTURE.rules,
    *CARDINALITY.rules,
    *VALUES.rules,
    *DOMAIN.rules,
)
RULES: Final[tuple[Rule[Any], ...]] = (*READING, *_WITHOUT_STATE, *REGISTERED.rules)
"""All rules, in the order in which they are applied."""
_READING: Final = {rule.id: rule for rule in READING}


def check_submission(submission: Submission, profile: Profile) -> list[RegistryError]:
    """Return every error and warning that can be told without looking into the registry.

    What the reader of the ebXML found is part of it, under the same strictness.
    """
    problems = list(_from_reading(submission.problems, profile))
    subject = Subject(submission, profile)
    for rule in _WITHOUT_STATE:
        problems += rule.apply(subject, profile)
    return problems


def _from_reading(problems: Iterable[RegistryError], profile: Profile) -> Iterable[RegistryError]:
    for problem in problems:
        # a rule may be declared in another group and have a part that only reading can check
        rule = _READING.get(problem.rule) or next(
            (each for each in RULES if each.id == problem.rule), None
        )
        strictness = profile.strictness_of(rule) if rule else Strictness.REJECT
        if strictness is not Strictness.OFF:
            yield severity_of(problem, strictness)


def check_against(submission: Submission, state: State, profile: Profile) -> list[RegistryError]:
    """Return every error and warning that the registered objects give.

    Ask it of a submission with exactly one SubmissionSet; the patient ids are checked elsewhere
    (`registry.patients`).
    """
    subject = AgainstState(submission, profile, state)
    problems: list[RegistryError] = []
    for rule in REGISTERED.rules:
        problems += rule.apply(subject, profile)
    return problems


def errors_only(problems: Iterable[RegistryError]) -> list[RegistryError]:
    """Return those that make a submission fail."""
    return [problem for problem in problems if problem.severity == Severity.ERROR]
