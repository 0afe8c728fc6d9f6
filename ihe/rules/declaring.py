"""How a metadata rule is declared, and what decides how strictly it is taken.

A rule has the number that the hub's documentation lists it by, the error code that breaking it
gives, where it comes from, and one sentence for people. Its check yields findings: what was found
and what was expected, and where. Rules that only the reader of the ebXML can check (a Slot that
came twice) are declared without a check, so that they take part in strictness and documentation.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Generic, TypeAlias, TypeVar

from ihe.errors import ErrorCode, RegistryError, registry_error
from ihe.model import DocumentEntry, Folder, RegistryObject, Submission, SubmissionSet
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
    PRACTICE = "practice of strict tools; the Framework is silent"


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is broken."""

    context: str
    location: str


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
        By rule ("C9") or by group ("C"); the rule wins, and the rule's default fills in.
    code_sets
        Closed lists of codes; none given: any code is accepted.
    mime_types
        Closed list of MIME types; None for any.
    """

    on_demand: bool = False
    accepts_limited_metadata: bool = False
    strictness: Mapping[str, Strictness] = field(default_factory=dict)
    code_sets: CodeSets = field(default_factory=dict)
    mime_types: frozenset[str] | None = None

    def strictness_of(self, rule: "Rule[T]") -> Strictness:
        """Return how strictly `rule` is taken here."""
        return self.strictness.get(rule.id, self.strictness.get(rule.group, rule.default))


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """One rule; `T` is what its check looks at.

    Parameters
    ----------
    id
        Its number: the group's letter and a number.
    code
        errorCode when it is broken; a finding made while reading may carry its own.
    basis, says
        Where it comes from; one sentence for people.
    default
        How strictly it is taken when nothing is set.
    check
        Yields what breaks it; None when the reader of the ebXML finds it.
    """

    id: str
    code: ErrorCode
    basis: Basis
    says: str
    default: Strictness
    check: Callable[[T], Iterable[Finding]] | None = None

    @property
    def group(self) -> str:
        """The letter of its group."""
        return self.id[0]

    def apply(self, subject: T, profile: Profile) -> list[RegistryError]:
        """Return the errors or warnings that the rule gives on `subject`."""
        strictness = profile.strictness_of(self)
        if self.check is None or strictness is Strictness.OFF:
            return []
        return [
            severity_of(
                registry_error(self.code, found.context, found.location, rule=self.id), strictness
            )
            for found in self.check(subject)
        ]


def severity_of(error: RegistryError, strictness: Strictness) -> RegistryError:
    """Return `error` as a warning when its rule only warns."""
    return replace(error, severity=Severity.WARNING) if strictness is Strictness.WARN else error


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
        default: Strictness = Strictness.REJECT,
    ) -> Callable[[Callable[[T], Iterable[Finding]]], Callable[[T], Iterable[Finding]]]:
        """Declare the decorated function as the check of a rule."""

        def declare(check: Callable[[T], Iterable[Finding]]) -> Callable[[T], Iterable[Finding]]:
            self.rules.append(Rule(id, code, basis, says, default, check))
            return check

        return declare


@dataclass(frozen=True, slots=True)
class Subject:
    """What the rules without state look at."""

    submission: Submission
    profile: Profile


def name_of(thing: RegistryObject) -> str:
    """Return how findings call an object: `DocumentEntry[Document01]`."""
    return f"{type(thing).__name__}[{thing.entry_uuid}]"


def where(thing: RegistryObject, attribute: str) -> str:
    """Return how findings call an attribute: `DocumentEntry[Document01].creationTime`."""
    return f"{name_of(thing)}.{attribute}"


WithPatient: TypeAlias = DocumentEntry | SubmissionSet | Folder

RME: Final = ErrorCode.REGISTRY_METADATA
