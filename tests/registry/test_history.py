"""No history of a registry contradicts itself; and a history that does is noticed."""

from dataclasses import replace

import pytest

from registry.store.sql import migrate_store
from tests.databases import PostgresServer
from tests.registry.history.checking import INVARIANTS, check
from tests.registry.history.events import History, Outcome, Read, Seen, Write
from tests.registry.history.running import run

APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
DEPRECATED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"


def write(at: int, *documents: str, **changes: object) -> Write:
    """Return a registration that took from `at` to `at + 10`."""
    whole = Write(
        client=1,
        began=at,
        ended=at + 10,
        outcome=Outcome.DONE,
        patient="p",
        submission=f"set-{documents[0] if documents else at}",
        documents=documents,
        content=f"content-{at}",
    )
    return replace(whole, **changes)  # type: ignore[arg-type]  # as the test says


def seen(name: str, **changes: object) -> Seen:
    whole = Seen(f"uuid-{name}", name, APPROVED, f"hash-{name}", f"uuid-{name}", 1)
    return replace(whole, **changes)  # type: ignore[arg-type]  # as above


def read(at: int, *documents: Seen, **changes: object) -> Read:
    """Return an answer with documents, their SubmissionSets and what links them."""
    whole = Read(
        client=2,
        began=at,
        ended=at + 10,
        patient="p",
        documents=documents,
        submissions=frozenset(f"set-{each.unique_id}" for each in documents) | {"set-a"},
        members=frozenset(("set", each.entry_uuid) for each in documents),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]  # as above


A, B = seen("a"), seen("b")
OLD = replace(A, status=DEPRECATED)
REPLACED = frozenset({("uuid-b", "uuid-a")})
TWO = write(0, "a", "b", submission="set-a")

POSSIBLE = {
    "a read at the same time sees it": History([TWO], [read(5, A, B)]),
    "a read at the same time does not": History([TWO], [read(5)]),
    "an open outcome is seen": History([write(0, "a", outcome=Outcome.UNKNOWN)], [read(20, A)]),
    "an open outcome is not seen": History([write(0, "a", outcome=Outcome.UNKNOWN)], [read(20)]),
    "what is removed is gone": History(
        [write(0, "a"), write(30, removes=("a",))], [read(20, A), read(50)]
    ),
    "one is replaced by another": History(
        [write(0, "a"), write(20, "b", replaces="uuid-a")], [read(40, OLD, B, replaced=REPLACED)]
    ),
    "a replay is done again": History([write(0, "a"), write(20, "a", content="content-0")], []),
    "a new version takes its place": History(
        [write(0, "a"), write(20, "a", version_of="uuid-a", submission="set-2")],
        [read(40, OLD, replace(A, entry_uuid="uuid-a2", version=2))],
    ),
}

IMPOSSIBLE = {
    "half a submission": History([TWO], [read(5, A)]),
    "a document without its set": History([write(0, "a")], [read(5, A, submissions=frozenset())]),
    "a document in no set": History([write(0, "a")], [read(5, A, members=frozenset())]),
    "a lost entry": History([write(0, "a")], [read(20)]),
    "a refused entry": History([write(0, "a", outcome=Outcome.REFUSED)], [read(20, A)]),
    "an entry that nobody sent": History([], [read(20, A)]),
    "an entry before it was sent": History([write(50, "a")], [read(20, A)]),
    "another patient's entry": History([write(0, "a", patient="q")], [read(20, A)]),
    "a removed entry": History([write(0, "a"), write(20, removes=("a",))], [read(40, A)]),
    "what was seen is not there": History(
        [write(0, "a", outcome=Outcome.UNKNOWN)], [read(20, A), read(40)]
    ),
    "Approved again": History(
        [write(0, "a"), write(0, "b", replaces="uuid-a")],
        [read(20, OLD, B, replaced=REPLACED), read(40, A, B, replaced=frozenset())],
    ),
    "replaced and still Approved": History(
        [write(0, "a"), write(20, "b", replaces="uuid-a")], [read(40, A, B, replaced=REPLACED)]
    ),
    "Deprecated before its successor is there": History(
        [write(0, "a"), write(20, "b", replaces="uuid-a")], [read(25, OLD)]
    ),
    "two winners": History(
        [write(0, "a"), write(20, "b", replaces="uuid-a"), write(20, "c", replaces="uuid-a")], []
    ),
    "two successors": History(
        [write(0, "a"), write(20, "b"), write(20, "c")],
        [read(40, OLD, B, seen("c"), replaced=REPLACED | {("uuid-c", "uuid-a")})],
    ),
    "two contents": History([write(0, "a"), write(20, "a", submission="set-2")], []),
    "registered twice": History(
        [write(0, "a")], [read(20, A, replace(A, entry_uuid="u", logical_id="u"))]
    ),
    "a gap in the versions": History(
        [write(0, "a"), write(20, "a", version_of="uuid-a", submission="set-2")],
        [read(40, OLD, replace(A, entry_uuid="uuid-a3", version=3))],
    ),
    "two Approved versions": History(
        [write(0, "a"), write(20, "a", version_of="uuid-a", submission="set-2")],
        [read(40, A, replace(A, entry_uuid="uuid-a2", version=2))],
    ),
}


@pytest.mark.parametrize("name", POSSIBLE)
def test_a_history_that_can_be_true_is_not_complained_of(name: str) -> None:
    assert not check(POSSIBLE[name])


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_history_that_cannot_be_true_is_noticed(name: str) -> None:
    assert check(IMPOSSIBLE[name])


def test_each_invariant_notices_something_that_no_other_does() -> None:
    noticed = [
        [each.__name__ for each in INVARIANTS if check(history, [each])]
        for history in IMPOSSIBLE.values()
    ]
    alone = {names[0] for names in noticed if len(names) == 1}
    assert alone == {each.__name__ for each in INVARIANTS}


@pytest.mark.postgres
@pytest.mark.parametrize("cut", [False, True], ids=["calm", "connections-are-cut"])
def test_32_clients_see_no_contradiction(postgres_server: PostgresServer, cut: bool) -> None:
    with postgres_server.database() as url:
        migrate_store(url)
        history = run(url, clients=32, seconds=3, seed=11, cut=url if cut else "")
    assert not check(history)
    assert len(history.reads) >= 10
    done = [each for each in history.writes if each.outcome is Outcome.DONE]
    assert len(done) >= 10
