"""Group F without state: what must agree within a submission, and with the affinity domain."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from ihe.errors import ErrorCode
from ihe.rules.declaring import Basis, Finding, RuleBook, finding
from ihe.rules.subject import Subject, codes_of, framework_name, same_text, where
from ihe.state import comparable
from ihe.vocabulary import REPLACEMENTS

DOMAIN: Final = RuleBook[Subject]()
_rule = DOMAIN.rule


@_rule(
    "F1",
    "SubmissionSet, DocumentEntries and Folders have the same patient id.",
    code=ErrorCode.PATIENT_ID_DOES_NOT_MATCH,
    clause="TF-2 3.42.4.1.3.3.2",
)
def _one_patient(subject: Subject) -> Iterator[Finding]:
    sets = subject.submission.submission_sets
    if len(sets) != 1 or sets[0].patient_id is None:
        return
    expected = sets[0].patient_id
    for thing in subject.submission.of_patient:
        if thing.patient_id is not None and not same_text(thing.patient_id, expected):
            said = f"{expected}, that of the SubmissionSet"
            yield finding(where(thing, "patient_id"), thing.patient_id, said)


@_rule(
    "F3",
    "No uniqueId is used twice in a submission.",
    code=ErrorCode.REGISTRY_DUPLICATE_UNIQUE_ID_IN_MESSAGE,
    clause="TF-3 Table 4.2.4.1-2",
    fixed=True,
    why="Sets and folders are found by it, one for each.",
)
def _unique_ids(subject: Subject) -> Iterator[Finding]:
    times = Counter(
        comparable(each.unique_id) for each in subject.submission.of_patient if each.unique_id
    )
    for thing in subject.submission.of_patient:
        if thing.unique_id and (count := times[comparable(thing.unique_id)]) > 1:
            found = f"the uniqueId {thing.unique_id} on {count} objects"
            yield finding(where(thing, "unique_id"), found, "one of its own for each")


_FEW: Final = 10
"""Codes that a reason lists, so that it stays short."""


@_rule(
    "F8",
    "Codes are in the affinity domain's lists, where these are closed.",
    basis=Basis.INFERRED,
    clause="TF-2 3.42.4.1.3.3.3",
)
def _code_sets(subject: Subject) -> Iterator[Finding]:
    lists = subject.profile.code_sets
    if not lists:
        return
    for thing in subject.submission:
        for field, code in codes_of(thing):
            allowed = lists.get(framework_name(field))
            if allowed is not None and (code.code, code.scheme) not in allowed:
                expected = f"one of the {len(allowed)} in the affinity domain's list"
                if len(allowed) <= _FEW:
                    listed = ", ".join(f"{code}^^{scheme}" for code, scheme in sorted(allowed))
                    expected = f"one of the affinity domain's: {listed}"
                yield finding(where(thing, field), f"the code {code}", expected)


@_rule(
    "F9",
    "The mimeType is in the affinity domain's list.",
    basis=Basis.INFERRED,
    clause="TF-2 3.42.4.1.3.3.4",
)
def _mime_types(subject: Subject) -> Iterator[Finding]:
    allowed = subject.profile.mime_types
    if allowed is None:
        return
    for entry in subject.submission.entries:
        mime_type = entry.mime_type
        if mime_type is not None and mime_type.partition(";")[0].strip().lower() not in allowed:
            expected = f"one of {', '.join(sorted(allowed))}"
            yield finding(where(entry, "mime_type"), f"'{mime_type}'", expected)


@_rule(
    "F20",
    "A document that a submission replaces gets no other new association in it.",
    code=ErrorCode.REGISTRY_DEPRECATED_DOCUMENT,
    basis=Basis.INFERRED,
    why="It is Deprecated by the same submission; which of the two is meant cannot be told.",
)
def _replaced_once(subject: Subject) -> Iterator[Finding]:
    times = Counter(
        link.target for link in subject.submission.associations if link.type in REPLACEMENTS
    )
    for link in subject.submission.associations:
        is_the_one = link.type in REPLACEMENTS and times[link.target] == 1
        in_it = link.target in subject.entries  # and so never replaced, as F11 tells
        if link.target in times and not is_the_one and not in_it:
            found = f"another new association to {link.target}, which the submission replaces"
            yield finding(where(link, "target"), found, "the replacement alone")
