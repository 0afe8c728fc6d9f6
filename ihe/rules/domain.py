"""Group F without state: what must agree within a submission, and with the affinity domain."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from ihe.errors import ErrorCode
from ihe.rules.cardinality import codes_of
from ihe.rules.declaring import Basis, Finding, RuleBook, Subject, where
from ihe.vocabulary import REPLACEMENTS

DOMAIN: Final = RuleBook[Subject]()
_rule = DOMAIN.rule


@_rule(
    "F1",
    "SubmissionSet, DocumentEntries and Folders have the same patient id.",
    code=ErrorCode.PATIENT_ID_DOES_NOT_MATCH,
)
def _one_patient(subject: Subject) -> Iterator[Finding]:
    sets = subject.submission.submission_sets
    if len(sets) != 1 or sets[0].patient_id is None:
        return
    expected = sets[0].patient_id
    for thing in subject.submission.of_patient:
        if thing.patient_id is not None and thing.patient_id != expected:
            yield Finding(
                f"patientId is {thing.patient_id}, that of the SubmissionSet is {expected}",
                where(thing, "patientId"),
            )


@_rule(
    "F3",
    "No uniqueId is used twice in a submission.",
    code=ErrorCode.REGISTRY_DUPLICATE_UNIQUE_ID_IN_MESSAGE,
)
def _unique_ids(subject: Subject) -> Iterator[Finding]:
    things = [each for each in subject.submission.of_patient if each.unique_id is not None]
    times = Counter(str(each.unique_id) for each in things)
    for thing in things:
        if times[str(thing.unique_id)] > 1:
            yield Finding(
                f"the uniqueId {thing.unique_id} is used {times[str(thing.unique_id)]} times",
                where(thing, "uniqueId"),
            )


@_rule(
    "F8", "Codes are in the affinity domain's lists, where these are closed.", basis=Basis.INFERRED
)
def _code_sets(subject: Subject) -> Iterator[Finding]:
    lists = subject.profile.code_sets
    if not lists:
        return
    for thing in subject.submission:
        for name, code in codes_of(thing):
            allowed = lists.get(name)
            if allowed is not None and (code.code, code.scheme) not in allowed:
                yield Finding(
                    f"the code {code} is not in the affinity domain's list of {len(allowed)} codes",
                    where(thing, name),
                )


@_rule("F9", "The mimeType is in the affinity domain's list.", basis=Basis.INFERRED)
def _mime_types(subject: Subject) -> Iterator[Finding]:
    allowed = subject.profile.mime_types
    if allowed is None:
        return
    for entry in subject.submission.entries:
        if entry.mime_type is not None and entry.mime_type not in allowed:
            yield Finding(
                f"'{entry.mime_type}' is not in the affinity domain's list",
                where(entry, "mimeType"),
            )


@_rule(
    "F20",
    "A document is replaced once.",
    code=ErrorCode.REGISTRY_DEPRECATED_DOCUMENT,
    basis=Basis.INFERRED,
)
def _replaced_once(subject: Subject) -> Iterator[Finding]:
    targets = Counter(
        link.target for link in subject.submission.associations if link.type in REPLACEMENTS
    )
    for link in subject.submission.associations:
        if link.type in REPLACEMENTS and targets[link.target] > 1:
            yield Finding(
                f"the submission replaces {link.target} {targets[link.target]} times",
                where(link, "targetObject"),
            )
