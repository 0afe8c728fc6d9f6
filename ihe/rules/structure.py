"""Groups A and B, objects: ids, and what a submission is made of (ITI TF-3 4.1.4, 4.2.1).

How its Associations may run is in `ihe.rules.associations`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from ihe.datatypes import is_symbolic, is_uuid_urn
from ihe.rules.declaring import Basis, Finding, RuleBook, Strictness, finding
from ihe.rules.subject import Subject, name_of, where
from ihe.vocabulary import DocumentEntryType, SlotName

STRUCTURE: Final = RuleBook[Subject]()
_rule = STRUCTURE.rule
_SLOTS: Final = frozenset(map(str, SlotName))
_URN: Final = re.compile(r"urn:[a-z0-9][a-z0-9-]{0,31}:[^\s]+", re.IGNORECASE)
_CONTENTS: Final = "RegistryObjectList"


@_rule(
    "A4",
    "No two objects have the same id.",
    basis=Basis.PRACTICE,
    fixed=True,
    why="What refers to the id would be ambiguous.",
)
def _ids_once(subject: Subject) -> Iterator[Finding]:
    times = Counter(each.entry_uuid for each in subject.submission)
    names = {name_of(each): each.entry_uuid for each in subject.submission}
    for name, uuid in names.items():  # those of one kind have one name, and are told once
        if (count := times[uuid]) > 1:
            yield finding(
                f"{name}/@id", f"the id '{uuid}' on {count} objects", "an id of its own for each"
            )


@_rule(
    "A5",
    "An id that begins with urn:uuid: is a UUID in lower case.",
    basis=Basis.INFERRED,
    clause="TF-3 4.2.3.1.5",
    fixed=True,
    why="Stores keep UUIDs as such; two spellings of one would be two objects.",
)
def _ids_are_uuids(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        if not is_symbolic(thing.entry_uuid) and not is_uuid_urn(thing.entry_uuid):
            yield finding(
                f"{name_of(thing)}/@id",
                f"'{thing.entry_uuid}'",
                "urn:uuid: and a UUID in lower case, or a symbolic id",
            )


@_rule(
    "B1",
    "A submission has exactly one SubmissionSet.",
    clause="TF-3 4.1.4",
    fixed=True,
    why="Everything that is registered belongs to one.",
)
def _one_submission_set(subject: Subject) -> Iterator[Finding]:
    count = len(subject.submission.submission_sets)
    if count != 1:
        yield finding(_CONTENTS, f"{count} SubmissionSets", "exactly one")


@_rule(
    "B3",
    "A submission holds a DocumentEntry, a Folder or a folder membership.",
    basis=Basis.INFERRED,
    clause="TF-3 4.1.4",
)
def _something(subject: Subject) -> Iterator[Finding]:
    if not (subject.entries or subject.folders or subject.memberships):
        yield finding(_CONTENTS, "nothing", "a DocumentEntry, a Folder or a folder membership")


@_rule(
    "B7",
    "A DocumentEntry is of the kind that the transaction is for.",
    basis=Basis.INFERRED,
    clause="TF-2 3.42.4.1.2, 3.61.4.1.2",
)
def _object_type(subject: Subject) -> Iterator[Finding]:
    expected = (
        DocumentEntryType.ON_DEMAND if subject.profile.on_demand else DocumentEntryType.STABLE
    )
    kind = "on-demand" if subject.profile.on_demand else "stable"
    for entry in subject.submission.entries:
        if entry.object_type != expected:
            place = where(entry, "object_type")
            yield finding(place, f"'{entry.object_type}'", f"'{expected}' ({kind})")


@_rule(
    "B8",
    "ITI-61 registers on-demand entries, without creationTime, hash, size, documentAvailability.",
    clause="TF-2 3.61.4.2.2, TF-3 Table 4.3.1-3",
)
def _on_demand(subject: Subject) -> Iterator[Finding]:
    if not subject.profile.on_demand:
        return
    if not subject.entries:
        yield finding(_CONTENTS, "no DocumentEntry", "at least one")
    for entry in subject.submission.entries:
        for field in ("creation_time", "hash", "size", "document_availability"):
            if (value := getattr(entry, field)) is not None:
                yield finding(where(entry, field), f"'{value}'", "none on an on-demand entry")


@_rule(
    "B21",
    "A Slot is one of the Framework's, or extra metadata under a URN of its own.",
    basis=Basis.INFERRED,
    clause="TF-2 3.42.4.1.3.2",
)
def _slot_names(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        for slot in thing.extra:
            place = f"{name_of(thing)}/Slot[{slot.name}]"
            if slot.name in _SLOTS:
                yield finding(place, f"the Slot '{slot.name}'", "it on another kind of object")
            elif slot.name.startswith("urn:ihe:"):
                expected = "a URN that is not the Framework's own as the name of extra metadata"
                yield finding(place, f"'{slot.name}'", expected)
            elif not _URN.fullmatch(slot.name):
                expected = "a URN as the name of extra metadata, such as urn:example:ward"
                yield finding(place, f"'{slot.name}'", expected)


@_rule("B22", "Limited metadata is for XDR and XDM.", clause="TF-3 Table 4.3.1-3")
def _limited_metadata(subject: Subject) -> Iterator[Finding]:
    if subject.profile.accepts_limited_metadata:
        return
    for thing in subject.submission.of_patient:
        if thing.limited_metadata:
            yield finding(name_of(thing), "the mark of limited metadata", "complete metadata")


@_rule(
    "B23",
    "A home attribute is a homeCommunityId.",
    basis=Basis.PRACTICE,
    default=Strictness.WARN,
    why="A registration does not use it: the registry gives its own in answers.",
)
def _home(subject: Subject) -> Iterator[Finding]:
    for thing in subject.submission:
        home = thing.home_community_id
        if home is not None and (problem := home.problem):
            yield Finding(where(thing, "home_community_id"), problem)
