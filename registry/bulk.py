"""Registering many submissions fast: several of them in one transaction, each whole or not at all.

```text
batch ─▶ each checked in itself ─▶ one transaction: the keys of all, then one after the other
                │ errors                 │ against what is registered ──errors──▶ refused, alone
                ▼ refused                ▼ registered, or there already
```

A submission changes nothing before everything has been checked, so that one that is refused leaves
nothing of itself behind in the transaction of the others. Should the transaction fail as a whole,
each of its submissions gets one of its own. What is registered already counts as done: whoever
begins anew, after a crash or with more, begins at the beginning.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ihe import rules
from ihe.datatypes import DTM, is_symbolic
from ihe.errors import ErrorCode, RegistryError, registry_error
from ihe.model import Submission
from ihe.rules import Profile
from ihe.vocabulary import Severity
from registry.domain import Registry
from registry.iti42 import keys_of, register_within
from registry.patients import with_canonical_ids
from registry.store.port import Writer


class Outcome(StrEnum):
    """What became of a submission."""

    REGISTERED = "registered"
    THERE = "there already"
    REFUSED = "refused"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Loaded:
    """One submission's outcome, with its errors and warnings."""

    outcome: Outcome
    errors: tuple[RegistryError, ...] = ()

    @property
    def may_follow(self) -> bool:
        """Whether it was refused only because something that it refers to is not there (yet)."""
        codes = {each.code for each in self.errors if each.severity == Severity.ERROR}
        return self.outcome is Outcome.REFUSED and codes == {ErrorCode.UNRESOLVED_REFERENCE}


def refers_to(submission: Submission) -> set[str]:
    """Return the UUIDs that a submission refers to and does not hold itself."""
    own = {thing.entry_uuid for thing in submission}
    ends = {end for link in submission.associations for end in (link.source, link.target)}
    return {each for each in ends - own if not is_symbolic(each)}


def load(batch: Sequence[tuple[Submission, Profile]], at: DTM, registry: Registry) -> list[Loaded]:
    """Register submissions in their order, in one transaction; return what became of each.

    Raises
    ------
    Unavailable
        The store does not answer: nothing of the batch was registered.
    """
    checked = []
    for submitted, profile in batch:
        submission = with_canonical_ids(submitted)
        checked.append((submission, profile, rules.check_submission(submission, profile)))
    good = [each for each in checked if not rules.has_errors(each[2])]
    results = iter(_within(good, at, registry) if good else ())
    return [
        Loaded(Outcome.REFUSED, tuple(problems)) if rules.has_errors(problems) else next(results)
        for _, _, problems in checked
    ]


def _within(
    good: Sequence[tuple[Submission, Profile, list[RegistryError]]], at: DTM, registry: Registry
) -> list[Loaded]:
    def keys() -> Iterator[str]:
        for submission, _, _ in good:
            yield from keys_of(submission)

    def work(writer: Writer) -> list[Loaded]:
        writer.lock(keys())
        loaded = []
        for submission, profile, warnings in good:
            found, there = register_within(writer, submission, at, registry, profile)
            outcome = Outcome.THERE if there else Outcome.REGISTERED
            if rules.has_errors(found):
                outcome = Outcome.REFUSED
            loaded.append(Loaded(outcome, (*warnings, *found)))
        return loaded

    try:
        return registry.store.write(work)
    except ValueError:  # one of them cannot be registered, whatever the rules say
        if len(good) == 1:
            context = "an id or uniqueId in it was registered by somebody else in the meantime"
            return [Loaded(Outcome.REFUSED, (registry_error(ErrorCode.REGISTRY_ERROR, context),))]
        return [loaded for each in good for loaded in _within([each], at, registry)]
