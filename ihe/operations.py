"""`Operations`: what the submission of an update asks for, sorted (ITI-57).

```text
a new version of a document or folder   Version
UpdateAvailabilityStatus                status_changes
SubmitAssociation                       submitted, and what it submits: links
anything else                           others
```

Nothing is judged here; `ihe.rules.update` says what is wrong with it, `ihe.updates` what it does.

References
----------
Metadata Update 3.57.4.1.2 (triggers).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from ihe.model import Association, DocumentEntry, Folder, Submission, SubmissionSet
from ihe.state import AnyOf, Kind, Newest, Record, State
from ihe.vocabulary import AssociationType

Versioned: TypeAlias = DocumentEntry | Folder
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
"""A version: no more digits than a database has room for, and Python reads willingly."""
YES: Final = "yes"
NO: Final = "no"
"""Values of AssociationPropagation."""


@dataclass(frozen=True, slots=True)
class Version:
    """A new version of a document or folder, and the membership that says of which."""

    thing: Versioned
    member: Association | None

    @property
    def logical_id(self) -> str:
        """The logical object; '' when the submission does not say."""
        return self.thing.logical_id or ""

    @property
    def previous(self) -> int | None:
        """The version before it; None when the submission says none that is a number."""
        said = self.member.previous_version if self.member else None
        return int(said) if said is not None and _NUMBER.fullmatch(said) else None

    @property
    def propagates(self) -> bool:
        """Whether what leads to the version before is carried over (3.57.4.1.3.3)."""
        return self.member is None or (self.member.association_propagation or YES) == YES


@dataclass(frozen=True, slots=True)
class Operations:
    """What a submission asks for, sorted; every object but its SubmissionSet is in it once.

    `status_changes` and `submitted` are the trigger associations, `links` the new associations by
    id, and `others` whatever triggers nothing.
    """

    chosen: SubmissionSet
    versions: tuple[Version, ...]
    status_changes: tuple[Association, ...]
    submitted: tuple[Association, ...]
    links: Mapping[str, Association]
    others: tuple[Association, ...]


def operations(submission: Submission) -> Operations:
    """Take a submission with one SubmissionSet apart."""
    chosen = submission.submission_set
    versioned: tuple[Versioned, ...] = (*submission.entries, *submission.folders)
    things = {each.entry_uuid for each in versioned}
    members: dict[str, Association] = {}
    changes, submitted, others = [], [], []
    rest: dict[str, Association] = {}
    for link in submission.associations:
        of_set = link.source == chosen.entry_uuid
        match link.type:
            case AssociationType.HAS_MEMBER if of_set and link.target in things - members.keys():
                members[link.target] = link
            case AssociationType.UPDATE_AVAILABILITY_STATUS if of_set:
                changes.append(link)
            case AssociationType.SUBMIT_ASSOCIATION if of_set:
                submitted.append(link)
            case AssociationType.HAS_MEMBER if of_set:
                others.append(link)
            case _:
                rest[link.entry_uuid] = link
    wanted = {link.target for link in submitted}
    others += [link for uuid, link in rest.items() if uuid not in wanted]
    return Operations(
        chosen=chosen,
        versions=tuple(Version(thing, members.get(thing.entry_uuid)) for thing in versioned),
        status_changes=tuple(changes),
        submitted=tuple(submitted),
        links={uuid: link for uuid, link in rest.items() if uuid in wanted},
        others=tuple(others),
    )


def kind_of_version(version: Version) -> Kind:
    """Return which kind of object a version is of."""
    return Kind.FOLDER if isinstance(version.thing, Folder) else Kind.DOCUMENT_ENTRY


def newest_of(kind: Kind, logical_ids: Iterable[str], state: State) -> dict[str, Record]:
    """Return the newest version of logical objects, by logicalID."""
    wanted = AnyOf("logical_id", frozenset(filter(None, logical_ids)))
    return {each.logical_id: each for each in state.find(kind, (wanted, Newest()))}
