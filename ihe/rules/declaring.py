"""How a metadata rule is declared, and what decides how strictly it is taken.

A rule has the number that the hub's documentation lists it by, the error code that breaking it
gives, where it comes from, and one sentence for people. Its check yields findings: what was found
and what was expected, and where. Rules that are checked elsewhere (a Slot that came twice is seen
by the reader of the ebXML only) are declared without a check, so that they take part in strictness
and documentation.

```text
rule.default ─┐
group setting ┼─▶ Profile.strictness_of ─▶ reject: Error · warn: Warning · off: nothing
rule setting ─┘         └ a fixed rule: reject, whatever is set
```
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Generic, TypeAlias, TypeVar

from ihe.errors import ErrorCode, RegistryError, registry_error
from ihe.vocabulary import Severity

T = TypeVar("T")


class Strictness(StrEnum):
    """What happens when a rule is broken."""

    REJECT = "reject"
    WARN = "warn"
    OFF = "off"


class Basis(StrEnum):
    """Where a rule comes from."""

    FRAMEWORK = "the Framework states rule and code"
    INFERRED = "the Framework states the rule, the code is inferred"
    SCHEMA = "the ebRIM schema states the rule"
    PRACTICE = "practice of strict tools; the Framework is silent"
    NATIONAL = "a national profile"


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is broken; `context` tells what was found and what was expected."""

    location: str
    context: str


MOST_QUOTED: Final = 400
"""Characters of what was found that a finding tells, so that what was expected is read too."""


def finding(location: str, found: str, expected: str) -> Finding:
    """Return a finding in the hub's usual words."""
    if len(found) > MOST_QUOTED:
        found = f"{found[: MOST_QUOTED - 2]} …"
    return Finding(location, f"found {found}, expected {expected}")


CodeSets: TypeAlias = Mapping[str, frozenset[tuple[str, str]]]
"""Allowed (code, scheme) pairs by attribute, such as "classCode"; an attribute without is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one affinity domain asks of a submission.

    Parameters
    ----------
    on_demand
        Whether the submission is an ITI-61 one (on-demand entries only), else ITI-42.
    accepts_limited_metadata
        Whether objects may be marked as limited metadata (XDR, column MS).
    strictness
        By rule ("C9") or by group ("C"); the rule wins, and the rule's default fills in. Group
        "N" holds the checks of Norwegian numbers, which are off unless set. What is set for a
        fixed rule does not count (`ihe.rules.check_strictness` tells so beforehand).
    code_sets
        Closed lists of codes by Framework name; none given: any code is accepted. The list of an
        Association's documentation is called "associationDocumentation".
    mime_types
        Closed list of MIME types, lower case and without parameters; None for any.
    """

    on_demand: bool = False
    accepts_limited_metadata: bool = False
    strictness: Mapping[str, Strictness] = field(default_factory=dict)
    code_sets: CodeSets = field(default_factory=dict)
    mime_types: frozenset[str] | None = None

    def strictness_of(self, rule: "Rule[Any]") -> Strictness:  # Any: whatever it looks at
        """Return how strictly `rule` is taken here."""
        if rule.fixed:
            return Strictness.REJECT
        return self.strictness.get(rule.id, self.strictness.get(rule.group, rule.default))


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """One rule; `T` is what its check looks at.

    Parameters
    ----------
    id
        Its number: the group's letter and a number; a letter behind it marks a part that has a
        strictness or a code of its own.
    says
        One sentence for people.
    code
        errorCode when it is broken.
    basis, clause
        Where it comes from, with the place in the Framework when there is one.
    default, why
        How strictly it is taken when nothing is set; why so, where that is not plain.
    fixed
        Whether nothing can relax it: the registry could not keep such a submission.
    check
        Yields what breaks it; None when `checked_by` finds it.
    checked_by
        Who finds it, when it is no check here.
    """

    id: str
    says: str
    code: ErrorCode = ErrorCode.REGISTRY_METADATA
    basis: Basis = Basis.FRAMEWORK
    clause: str = ""
    default: Strictness = Strictness.REJECT
    why: str = ""
    fixed: bool = False
    check: Callable[[T], Iterable[Finding]] | None = None
    checked_by: str = ""

    @property
    def group(self) -> str:
        """The letter of its group."""
        return self.id[0]

    def apply(self, subject: T, profile: Profile) -> Iterator[RegistryError]:
        """Yield the errors or warnings that the rule gives on `subject`."""
        strictness = profile.strictness_of(self)
        if self.check is None or strictness is Strictness.OFF:
            return
        for each in self.check(subject):
            found = registry_error(self.code, each.context, each.location, rule=self.id)
            yield taken(found, strictness)


_SEVERITIES: Final = {Strictness.REJECT: Severity.ERROR, Strictness.WARN: Severity.WARNING}


def taken(error: RegistryError, strictness: Strictness) -> RegistryError:
    """Return `error` with the severity that its rule's strictness, not OFF, gives it."""
    return replace(error, severity=_SEVERITIES[strictness])


class RuleBook(Generic[T]):
    """Rules in the order in which they are declared."""

    def __init__(self) -> None:
        self.rules: list[Rule[T]] = []

    def rule(
        self,
        id: str,
        says: str,
        *,
        code: ErrorCode = ErrorCode.REGISTRY_METADATA,
        basis: Basis = Basis.FRAMEWORK,
        clause: str = "",
        default: Strictness = Strictness.REJECT,
        why: str = "",
        fixed: bool = False,
    ) -> Callable[[Callable[[T], Iterable[Finding]]], Callable[[T], Iterable[Finding]]]:
        """Declare the decorated function as the check of a rule; the fields are `Rule`'s."""

        def declare(check: Callable[[T], Iterable[Finding]]) -> Callable[[T], Iterable[Finding]]:
            self.rules.append(Rule(id, says, code, basis, clause, default, why, fixed, check))
            return check

        return declare

    def apply(self, subject: T, profile: Profile) -> Iterator[RegistryError]:
        """Yield the errors and warnings of all its rules."""
        for rule in self.rules:
            yield from rule.apply(subject, profile)


MOST_PROBLEMS: Final = 1_000
"""Errors, and warnings, of one submission that are told."""


def at_most(problems: Iterable[RegistryError], most: int = MOST_PROBLEMS) -> list[RegistryError]:
    """Return the problems, without looking for more errors than anybody reads.

    Of more than `most` warnings the first are returned, and every error among them; after `most`
    errors nothing more is looked for. What was left out is said.
    """
    kept, errors, warnings = list[RegistryError](), 0, 0
    for each in problems:
        if each.severity == Severity.ERROR:
            errors += 1
        else:
            warnings += 1
        if errors > most:
            rest = f"more than {most} errors: further ones were not looked for"
            return [*kept, registry_error(ErrorCode.REGISTRY_ERROR, rest)]
        if each.severity == Severity.ERROR or warnings <= most:
            kept.append(each)
    if warnings > most:
        left_out = f"{warnings - most} further warnings are left out"
        kept.append(
            replace(registry_error(ErrorCode.REGISTRY_ERROR, left_out), severity=Severity.WARNING)
        )
    return kept
