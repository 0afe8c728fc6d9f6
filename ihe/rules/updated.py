"""What the rules of updates look at: an update beside what is registered (ITI-57)."""

from collections.abc import Iterator
from typing import Final

from ihe.model import Submission
from ihe.operations import Version, kind_of_version, newest_of, operations
from ihe.rules.declaring import Profile
from ihe.rules.registered import AgainstState
from ihe.rules.removal import find_objects
from ihe.state import Kind, Record, State

SHARED: Final = frozenset(
    {"A2b", "A4", "A5", "B11", "B12", "B12b", "B14", "B16", "B20", "B21", "B22", "B23", "F3"}
    | {"F8", "F9", "F5", "F5b", "F7"}
)
"""Rules of groups A, B and F that count for updates too; C, D and N do as a whole but for D17."""
NOT_SHARED: Final = frozenset({"D17"})


def applies_to_updates(rule_id: str) -> bool:
    """Tell whether a rule of submissions counts for updates."""
    return rule_id in SHARED or (rule_id[0] in "CDN" and rule_id not in NOT_SHARED)


class AgainstUpdate(AgainstState):
    """An update beside what is registered.

    `asked` are its operations; `before` the newest versions of what it updates, by the id of the
    new one; `targets` what its status changes are about, by id; `ends` the registered ends of its
    new associations, by id.
    """

    def __init__(self, submission: Submission, profile: Profile, state: State) -> None:
        super().__init__(submission, profile, state)
        self.asked = operations(submission)
        self.before: dict[str, Record] = {}
        for kind in (Kind.DOCUMENT_ENTRY, Kind.FOLDER):
            versions = [v for v in self.asked.versions if kind_of_version(v) is kind]
            newest = newest_of(kind, (v.logical_id for v in versions), state)
            for version in versions:
                if version.logical_id in newest:
                    self.before[version.thing.entry_uuid] = newest[version.logical_id]
        self.new_of = {each.entry_uuid: uuid for uuid, each in self.before.items()}
        wanted = {link.target for link in self.asked.status_changes}
        links = self.asked.links.values()
        self.targets = find_objects(wanted, state)
        self.ends = find_objects(
            {end for link in links for end in (link.source, link.target)}, state
        )

    def current(self, record: Record) -> bool:
        """Tell whether a registered object is the newest of its versions."""
        if record.kind not in {Kind.DOCUMENT_ENTRY, Kind.FOLDER}:
            return True
        newest = newest_of(record.kind, (record.logical_id,), self.state)
        return newest[record.logical_id].entry_uuid == record.entry_uuid

    def known_versions(self) -> Iterator[tuple[Version, Record]]:
        """Yield each new version with the one before it, where that is registered."""
        for version in self.asked.versions:
            if before := self.before.get(version.thing.entry_uuid):
                yield version, before
