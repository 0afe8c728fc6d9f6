"""Removes what broken-off submissions left behind, and never a document that is held.

It runs beside the handlers and may run in several processes at once. What it decides is decided in
the index (`Index.claim`), so it cannot meet a submission half-way.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hub import logs
from repository.domain import Repository
from repository.index import Holding, HoldingState, batches

_BATCH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one round did: documents kept after all, documents let go, blobs deleted."""

    kept: int = 0
    let_go: int = 0
    deleted: int = 0
    staged: int = 0


def sweep(repository: Repository, at: datetime) -> Swept:
    """Bring everything that has not moved for the grace time to its end.

    Raises
    ------
    Unavailable
        The index, the blobs or the registry do not answer; what was done until then is done.
    """
    before = at - repository.grace
    unfinished = repository.index.unfinished(before)
    kept, let_go, keys = _finish(unfinished, repository, at)
    keys |= set(repository.index.deleting())
    keys |= _orphans(repository, before)
    swept = Swept(
        kept=kept,
        let_go=let_go,
        deleted=delete_unheld(keys, repository),
        staged=repository.blobs.clean(before),
    )
    if swept != Swept():
        logs.logger("repository").info(
            "swept", count=swept.kept + swept.let_go + swept.deleted + swept.staged
        )
    return swept


def _finish(
    unfinished: Iterable[Holding], repository: Repository, at: datetime
) -> tuple[int, int, set[str]]:
    """Keep the submissions whose entries are registered, let the others go."""
    by_submission: dict[str, list[Holding]] = {}
    for each in unfinished:
        by_submission.setdefault(each.submission, []).append(each)
    kept = let_go = 0
    keys: set[str] = set()
    for submission, holdings in by_submission.items():
        asked = [each.unique_id for each in holdings if each.state is HoldingState.REGISTERING]
        # a submission is registered whole or not at all
        if asked and repository.find_registered(asked) >= set(asked):
            repository.index.advance(submission, HoldingState.KEPT, at)
            kept += len(holdings)
        else:
            keys |= repository.index.let_go(submission)
            let_go += len(holdings)
    return kept, let_go, keys


def _orphans(repository: Repository, before: datetime) -> set[str]:
    """Return old blobs that the index has never heard of, or has forgotten."""
    old = (info.key for info in repository.blobs.list() if info.stored < before)
    orphans: set[str] = set()
    for batch in batches(old, _BATCH):
        orphans |= set(batch) - repository.index.held(batch)
    return orphans


def delete_unheld(keys: Iterable[str], repository: Repository) -> int:
    """Delete those of these blobs that nobody holds; return how many."""
    deleted = 0
    for key in sorted(keys):
        if repository.index.claim(key):
            repository.blobs.delete(key)
            repository.index.forget(key)
            deleted += 1
    return deleted
