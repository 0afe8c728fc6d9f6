"""What is registered, as the model sees it.

Attributes that queries filter by stand in `says` under the Framework's names, codes as queries
write them (`A^^1.2.3`). A thing never changes; the model puts a changed one in its place, so that
a copy of the model is a copy of two dicts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

DOCUMENT, SET, FOLDER, LINK = "DocumentEntry", "SubmissionSet", "Folder", "Association"
APPROVED, DEPRECATED = "Approved", "Deprecated"
HAS_MEMBER = "HasMember"
REPLACEMENTS = {"RPLC", "XFRM_RPLC"}
RELATIONSHIPS = {*REPLACEMENTS, "XFRM", "APND", "signs", "IsSnapshotOf"}
ORIGINAL, REFERENCE = "Original", "Reference"


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One registry object of any kind; an id that is no UUID is symbolic, and new."""

    kind: str
    id: str
    status: str = APPROVED
    patient: str = ""
    unique_id: str = ""
    logical_id: str = ""
    version: int = 1
    says: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    on_demand: bool = False  # of documents
    content: str = ""

    updated: str = ""  # lastUpdateTime of folders

    type: str = ""  # of links
    source: str = ""
    target: str = ""
    membership: str = ""


@dataclass(frozen=True)
class Submission:
    """A SubmissionSet, and the things that it brings."""

    set: Thing
    brings: tuple[Thing, ...]

    def __iter__(self) -> Iterator[Thing]:
        yield self.set
        yield from self.brings

    def of(self, kind: str) -> list[Thing]:
        return [each for each in self if each.kind == kind]


class Model:
    """A registry: its things in the order of registration, and the patients that it knows.

    `patients` leads from each known id to the one that it was merged into, None while in use.
    `checked` and `refuses_unknown` are decisions of the affinity domain: whether documents are
    taken only of patients that a feed has told of, and whether queries for others are refused.
    """

    def __init__(self, *, checked: bool = False, refuses_unknown: bool = False) -> None:
        self.checked, self.refuses_unknown = checked, refuses_unknown
        self.things: dict[str, Thing] = {}
        self.patients: dict[str, str | None] = {}
        self.made = 0

    def copy(self) -> "Model":
        other = Model(checked=self.checked, refuses_unknown=self.refuses_unknown)
        other.things, other.patients, other.made = dict(self.things), dict(self.patients), self.made
        return other

    def take(self, other: "Model") -> None:
        """Become what `other` is."""
        self.things, self.patients, self.made = other.things, other.patients, other.made

    # --- looking -----------------------------------------------------------------------------

    def all(self, *kinds: str) -> list[Thing]:
        return [each for each in self.things.values() if each.kind in kinds]

    def get(self, id: str, *kinds: str) -> Thing | None:
        found = self.things.get(id)
        return found if found and (not kinds or found.kind in kinds) else None

    def links(self, *types: str, **ends: Any) -> list[Thing]:
        """Return the links of these types (of any, for none) whose fields are as said."""
        return [
            each
            for each in self.all(LINK)
            if (not types or each.type in types)
            and all(getattr(each, name) == value for name, value in ends.items())
        ]

    def newest(self, logical_id: str, kind: str) -> Thing | None:
        """Return the highest version of a logical document or folder."""
        versions = [each for each in self.all(kind) if each.logical_id == logical_id]
        return max(versions, key=lambda each: each.version, default=None)

    def is_newest(self, thing: Thing) -> bool:
        return thing.kind in (SET, LINK) or self.newest(thing.logical_id, thing.kind) == thing

    def in_a_set(self, link: Thing) -> bool:
        """Tell whether a link is the HasMember of a SubmissionSet."""
        return link.type == HAS_MEMBER and self.get(link.source, SET) is not None

    def patient_now(self, patient: str) -> str:
        """Return the id that counts for a patient: merged ones are their survivor."""
        return self.patients.get(patient) or patient

    def may_be_used(self, patient: str) -> bool:
        """Tell whether new things may be of a patient: known if that is asked, and not merged."""
        known = patient in self.patients or not self.checked
        return known and self.patients.get(patient) is None

    def in_use(self, unique_id: str) -> bool:
        return any(each.unique_id == unique_id for each in self.all(DOCUMENT, SET, FOLDER))

    # --- changing ----------------------------------------------------------------------------

    def add(self, thing: Thing) -> None:
        assert thing.id not in self.things
        self.things[thing.id] = thing

    def change(self, id: str, **changes: Any) -> None:
        self.things[id] = replace(self.things[id], **changes)

    def has_changed(self, folder: str, now: str) -> None:
        """Note that a folder has a new member, or one less; its time never goes back."""
        self.change(folder, updated=max(now, self.things[folder].updated))

    def link(self, type: str, source: str, target: str, membership: str = "") -> str:
        """Add a link that the registry itself makes; its id is learnt later."""
        self.made += 1
        id = f"made-{self.made}"
        ends: dict[str, Any] = {"type": type, "source": source, "target": target}
        self.add(Thing(kind=LINK, id=id, logical_id=id, membership=membership, **ends))
        return id

    def put_into(self, folder: str, document: str, by: str) -> None:
        """Put a document into a folder; the SubmissionSet `by` holds the membership."""
        self.link(HAS_MEMBER, by, self.link(HAS_MEMBER, folder, document))

    def merge(self, gone: str, survivor: str) -> None:
        for id, into in self.patients.items():
            if gone in (id, into):
                self.patients[id] = survivor
        for each in list(self.things.values()):
            if each.patient == gone:
                self.change(each.id, patient=survivor)

    def learn(self, ids: Mapping[str, str]) -> None:
        """Call things by the UUIDs that the registry gave them."""

        def name(id: str) -> str:
            return ids.get(id, id)

        self.things = {
            name(id): replace(
                each,
                id=name(id),
                logical_id=name(each.logical_id),
                source=name(each.source),
                target=name(each.target),
            )
            for id, each in self.things.items()
        }


def unique(values: Iterable[str]) -> bool:
    """Tell whether no value comes twice."""
    listed = list(values)
    return len(listed) == len(set(listed))
