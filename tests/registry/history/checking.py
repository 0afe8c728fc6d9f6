"""What must hold of every history, whatever happened in between.

Of reads:

1. *Whole or not at all.* Who sees a document of a submission sees all of them, the SubmissionSet
   and what links them, unless a removal has begun.
2. *No lost entry.* What was acknowledged before a read began is in it, unless a removal has begun.
3. *No ghost.* What was refused is in no read, nor what nobody sent, nor what was removed before.
4. *Time goes on.* What an earlier read showed, a later one shows; what was Deprecated stays so.
5. *One moment.* A document is Deprecated in a read exactly if what replaces it, or a later version
   of it, is there too. Of a document and all that replaced it, one is Approved.

Of writes:

6. *One winner.* Of all who replace one document, one is told that it is done.
7. *One content.* Of two documents with one uniqueId, one is registered; who sends the same again is
   told that it is done.
8. *A line of versions.* Versions of a document are 1, 2, 3 … without a gap, each once, and only
   the last is Approved.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Final, TypeAlias

from ihe.vocabulary import Status
from tests.registry.history.events import History, Outcome, Read, Seen, Write

APPROVED: Final = Status.APPROVED.value


def check(history: History, invariants: Iterable["Invariant"] = ()) -> list[str]:
    """Return every contradiction, each as a sentence; none when the history can be true.

    `invariants` are those that are looked at; all if there are none.
    """
    view = _View(history)
    return [problem for each in invariants or INVARIANTS for problem in each(view)]


class _View:
    """A history, arranged for its invariants."""

    def __init__(self, history: History) -> None:
        self.writes = history.writes
        self.reads = sorted(history.reads, key=lambda read: read.began)

    @cached_property
    def registrations(self) -> list[Write]:
        return [write for write in self.writes if write.documents]

    @cached_property
    def registrations_of(self) -> dict[str, list[Write]]:
        """Registrations of first versions, by patient."""
        found: dict[str, list[Write]] = defaultdict(list)
        for write in self.registrations:
            if not write.version_of:
                found[write.patient].append(write)
        return found

    def is_alone(self, write: Write) -> bool:
        """Tell whether no other submission registers the same document."""
        return all(
            other.submission == write.submission or other.version_of
            for other in self.by_document[write.documents[0]]
        )

    @cached_property
    def by_document(self) -> dict[str, list[Write]]:
        """Registrations by the uniqueIds that they hold."""
        found: dict[str, list[Write]] = defaultdict(list)
        for write in self.registrations:
            for unique_id in write.documents:
                found[unique_id].append(write)
        return found

    @cached_property
    def removals(self) -> dict[str, list[Write]]:
        """Removals that were not refused, by uniqueId."""
        found: dict[str, list[Write]] = defaultdict(list)
        for write in self.writes:
            if write.outcome is not Outcome.REFUSED:
                for unique_id in write.removes:
                    found[unique_id].append(write)
        return found

    @cached_property
    def reads_of(self) -> dict[str, list[Read]]:
        """Reads by patient, in the order in which they began."""
        found: dict[str, list[Read]] = defaultdict(list)
        for read in self.reads:
            found[read.patient].append(read)
        return found

    def after(self, patient: str, moment: int) -> list[Read]:
        """Return the reads of a patient that began after a moment."""
        reads = self.reads_of.get(patient, [])
        return reads[bisect_left(reads, moment, key=lambda read: read.began) :]

    def may_be_removed(self, unique_id: str, read: Read) -> bool:
        """Tell whether a removal had begun when the read ended."""
        return any(write.began < read.ended for write in self.removals.get(unique_id, ()))


# --- of reads ------------------------------------------------------------------------------------


def no_half_submission(view: _View) -> Iterator[str]:
    """1: whole or not at all."""
    for read in filter(_is_whole, view.reads):
        there = {seen.unique_id for seen in read.documents}
        for write in view.registrations_of[read.patient]:
            shown = there.intersection(write.documents)
            is_whole = len(shown) == len(write.documents) and write.submission in read.submissions
            removed = any(view.may_be_removed(each, read) for each in write.documents)
            if shown and not is_whole and view.is_alone(write) and not removed:
                yield f"submission {write.submission}: {len(shown)} of it in {_at(read)}"
        linked = {target for _, target in read.members}
        for seen in read.documents:
            if seen.entry_uuid not in linked and not view.may_be_removed(seen.unique_id, read):
                yield f"document {seen.unique_id} is in no SubmissionSet in {_at(read)}"


def no_lost_entry(view: _View) -> Iterator[str]:
    """2: what was acknowledged is there."""
    for write in view.registrations:
        if write.outcome is not Outcome.DONE:
            continue
        for read in view.after(write.patient, write.ended):
            there = {seen.unique_id for seen in read.documents}
            for unique_id in set(write.documents) - there:
                if not view.may_be_removed(unique_id, read):
                    yield f"document {unique_id} was acknowledged and is not in {_at(read)}"


def no_ghost(view: _View) -> Iterator[str]:
    """3: what was refused, never sent or removed is not there."""
    for read in view.reads:
        for seen in read.documents:
            possible = [
                write
                for write in view.by_document.get(seen.unique_id, ())
                if write.outcome is not Outcome.REFUSED
                and write.began < read.ended
                and write.patient == read.patient
            ]
            if not possible:
                yield f"document {seen.unique_id} was refused or not sent, and is in {_at(read)}"
    for unique_id, removals in view.removals.items():
        done = [write for write in removals if write.outcome is Outcome.DONE]
        for write in done:
            for read in view.after(write.patient, write.ended):
                if any(seen.unique_id == unique_id for seen in read.documents):
                    yield f"document {unique_id} was removed and is in {_at(read)}"


def time_goes_on(view: _View) -> Iterator[str]:
    """4: what was seen stays seen, what was Deprecated stays Deprecated."""
    for reads in view.reads_of.values():
        for earlier in reads:
            shown = {seen.entry_uuid: seen for seen in earlier.documents}
            later = next((each for each in reads if each.began > earlier.ended), None)
            if later is None:
                continue
            now = {seen.entry_uuid: seen for seen in later.documents}
            for uuid, seen in shown.items():
                if uuid not in now:
                    if not view.may_be_removed(seen.unique_id, later):
                        yield f"document {seen.unique_id} was seen and is not in {_at(later)}"
                elif seen.status != APPROVED and now[uuid].status == APPROVED:
                    yield f"document {seen.unique_id} is Approved again in {_at(later)}"


def one_moment(view: _View) -> Iterator[str]:
    """5: a document is Deprecated exactly when what takes its place is there."""
    for read in filter(_is_whole, view.reads):
        successor = {old: new for new, old in read.replaced}
        newest: Counter[str] = Counter()
        for seen in read.documents:
            newest[seen.logical_id] = max(newest[seen.logical_id], seen.version)
        present = {seen.entry_uuid for seen in read.documents}
        for seen in read.documents:
            is_succeeded = (
                successor.get(seen.entry_uuid) in present or newest[seen.logical_id] > seen.version
            )
            if is_succeeded and seen.status == APPROVED:
                yield f"document {seen.unique_id} is replaced and Approved in {_at(read)}"
            if not is_succeeded and seen.status != APPROVED:
                yield f"document {seen.unique_id} is Deprecated by nothing in {_at(read)}"


# --- of writes -----------------------------------------------------------------------------------


def one_winner(view: _View) -> Iterator[str]:
    """6: one replacement of each document."""
    winners: dict[str, set[str]] = defaultdict(set)
    for write in view.registrations:
        if write.replaces and write.outcome is Outcome.DONE:
            winners[write.replaces].add(write.submission)
    for target, submissions in winners.items():
        if len(submissions) > 1:
            yield f"{len(submissions)} submissions replaced {target}"
    for read in view.reads:
        logical = {seen.entry_uuid: seen.logical_id for seen in read.documents}
        # a new version of what replaces takes the association over
        pairs = {(logical.get(new, new), logical.get(old, old)) for new, old in read.replaced}
        for target, count in Counter(old for _, old in pairs).items():
            if count > 1:
                yield f"{target} is replaced {count} times in {_at(read)}"


def one_content(view: _View) -> Iterator[str]:
    """7: one content for each uniqueId, and one registration of it."""
    for unique_id, writes in view.by_document.items():
        originals = [write for write in writes if not write.version_of]
        done = {write.content for write in originals if write.outcome is Outcome.DONE}
        if len(done) > 1:
            yield f"document {unique_id} was registered with {len(done)} contents"
    for read in view.reads:
        firsts = Counter(seen.unique_id for seen in read.documents if seen.version == 1)
        for unique_id, count in firsts.items():
            if count > 1:
                yield f"document {unique_id} is there {count} times in {_at(read)}"


def a_line_of_versions(view: _View) -> Iterator[str]:
    """8: 1, 2, 3 … and the last is Approved."""
    for read in view.reads:
        lines: dict[str, list[Seen]] = defaultdict(list)
        for seen in read.documents:
            lines[seen.logical_id].append(seen)
        for logical_id, line in lines.items():
            versions = sorted(seen.version for seen in line)
            if versions != list(range(1, len(versions) + 1)):
                yield f"{logical_id} has the versions {versions} in {_at(read)}"
            if sum(seen.status == APPROVED for seen in line) > 1:
                yield f"{logical_id} is Approved in two versions in {_at(read)}"


def _is_whole(read: Read) -> bool:
    return read.whole


def _at(read: Read) -> str:
    return f"a read of client {read.client} that began at {read.began}"


Invariant: TypeAlias = Callable[[_View], Iterable[str]]
INVARIANTS: Final[tuple[Invariant, ...]] = (
    no_half_submission,
    no_lost_entry,
    no_ghost,
    time_goes_on,
    one_moment,
    one_winner,
    one_content,
    a_line_of_versions,
)
"""Each gives its contradictions."""
