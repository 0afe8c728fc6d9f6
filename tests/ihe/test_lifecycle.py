"""What a registration does, as pure changes; and what holds after any sequence of them."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from ihe import lifecycle, rules
from ihe.datatypes import DTM, OID, HomeCommunityId
from ihe.lifecycle import Changes
from ihe.model import Association, DocumentEntry, Folder, RegistryObject, Submission, SubmissionSet
from ihe.rules import Profile
from ihe.state import Kind, Record, any_of
from ihe.vocabulary import AssociationType, Status
from registry.store.memory import MemoryStore
from registry.store.port import Writer
from tests import samples, strategies
from tests.samples import uuid

T = AssociationType
NOW = DTM("20261124083000")
LETTER, APPENDIX, DRAWING, OF_APPENDIX, SIGNATURE, SECOND = (uuid(n) for n in range(1, 7))
PLAN, OLD_PLAN = uuid(11), uuid(12)


def numbers(start: int = 1000) -> Callable[[], str]:
    return map(uuid, itertools.count(start)).__next__


def registered(thing: Any, entry_uuid: str, **changes: Any) -> Any:
    changes.setdefault("availability_status", Status.APPROVED)
    return replace(thing, entry_uuid=entry_uuid, logical_id=entry_uuid, version="1", **changes)


def link(number: int, kind: T, source: str, target: str, **changes: Any) -> Any:
    whole = Association(entry_uuid=uuid(number), type=kind, source=source, target=target)
    return registered(whole, uuid(number), **changes)


CONTENT: list[RegistryObject] = [
    registered(samples.entry(1), LETTER),
    registered(samples.entry(2), APPENDIX),
    registered(samples.entry(3), DRAWING),
    registered(samples.entry(4), OF_APPENDIX),
    registered(samples.entry(5), SIGNATURE),
    registered(samples.entry(6), SECOND),
    registered(samples.folder(1), PLAN, last_update_time=DTM("20260101000000")),
    registered(samples.folder(2), OLD_PLAN, availability_status=Status.DEPRECATED),
    link(20, T.APND, APPENDIX, LETTER),
    link(21, T.XFRM, DRAWING, LETTER),
    link(22, T.XFRM, OF_APPENDIX, APPENDIX),
    link(23, T.SIGNS, SIGNATURE, LETTER),
    link(24, T.HAS_MEMBER, PLAN, LETTER),
    link(25, T.HAS_MEMBER, PLAN, SECOND),
    link(26, T.HAS_MEMBER, OLD_PLAN, LETTER),
]


def store_of(content: list[Any]) -> MemoryStore:
    store = MemoryStore()

    def work(writer: Writer) -> None:
        writer.add_patient(samples.PATIENT)
        writer.add(content)

    store.write(work)
    return store


def register(submission: Submission, content: list[Any] | None = None, at: DTM = NOW) -> Changes:
    with store_of(CONTENT if content is None else content).read() as state:
        return lifecycle.register(submission, state, at=at, new_uuid=numbers())


def new(*links: Association) -> Submission:
    plain = samples.submission(samples.entry(50))
    return replace(plain, associations=(*plain.associations, *links))


def to(kind: T, target: str) -> Association:
    return samples.relationship(kind, "Document50", target, entry_uuid=f"{kind.name}-{target}")


def added(changes: Changes, kind: type[Any]) -> list[Any]:
    return [each for each in changes.add if isinstance(each, kind)]


def memberships(changes: Changes) -> list[Association]:
    sets = {each.entry_uuid for each in added(changes, SubmissionSet)}
    return [
        each
        for each in added(changes, Association)
        if each.type == T.HAS_MEMBER and each.source not in sets
    ]


# --- first versions ------------------------------------------------------------------------------


def test_every_object_becomes_an_approved_first_version() -> None:
    submission = samples.submission_with_folder()
    entry = replace(
        submission.entries[0],
        availability_status=Status.DEPRECATED,
        version="7",
        home_community_id=HomeCommunityId("urn:oid:1.2"),
    )
    changes = register(replace(submission, entries=(entry,)))
    assert len(changes.add) == len(list(submission))
    for each in changes.add:
        assert each.entry_uuid.startswith("urn:uuid:")
        assert each.logical_id == each.entry_uuid
        assert each.version == "1"
        assert each.availability_status is Status.APPROVED
        assert each.home_community_id is None


def test_the_mark_of_limited_metadata_is_not_kept() -> None:
    submission = samples.submission_with_folder()
    marked = replace(
        submission,
        submission_sets=(samples.submission_set(limited_metadata=True),),
        entries=(samples.entry(limited_metadata=True),),
        folders=(samples.folder(limited_metadata=True),),
    )
    for each in register(marked).add:
        assert isinstance(each, Association) or not each.limited_metadata


def test_references_follow_their_symbolic_ids() -> None:
    changes = register(samples.submission_with_folder())
    (chosen,), (entry,), (folder,) = (
        added(changes, kind) for kind in (SubmissionSet, DocumentEntry, Folder)
    )
    (inside,) = memberships(changes)
    ends = {(each.source, each.target) for each in added(changes, Association)}
    assert ends == {
        (chosen.entry_uuid, entry.entry_uuid),
        (chosen.entry_uuid, folder.entry_uuid),
        (folder.entry_uuid, entry.entry_uuid),
        (chosen.entry_uuid, inside.entry_uuid),
    }


def test_a_submitted_uuid_is_kept() -> None:
    submission = samples.submission(samples.entry(entry_uuid=uuid(77)))
    member = replace(submission.associations[0], entry_uuid="m")
    changes = register(replace(submission, associations=(member,)))
    (entry,), (association,) = (added(changes, kind) for kind in (DocumentEntry, Association))
    assert entry.entry_uuid == association.target == uuid(77)


def test_what_the_sender_said_of_a_document_stays() -> None:
    (entry,) = added(register(samples.submission()), DocumentEntry)
    own = samples.entry()
    assert (
        replace(
            entry,
            entry_uuid=own.entry_uuid,
            logical_id=None,
            version=None,
            availability_status=None,
        )
        == own
    )


def test_the_same_registration_gives_the_same_changes() -> None:
    assert register(samples.submission_with_folder()) == register(samples.submission_with_folder())


# --- replacement ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [T.RPLC, T.XFRM_RPLC])
def test_a_replacement_deprecates_what_follows_from_its_target(kind: T) -> None:
    changes = register(new(to(kind, LETTER)))
    assert changes.deprecate == {LETTER, APPENDIX, DRAWING, OF_APPENDIX}


@pytest.mark.parametrize("kind", [T.APND, T.XFRM, T.SIGNS, T.IS_SNAPSHOT_OF])
def test_other_relationships_deprecate_nothing(kind: T) -> None:
    changes = register(new(to(kind, LETTER)))
    assert (changes.deprecate, changes.touch) == (frozenset(), frozenset())
    assert memberships(changes) == []


def test_an_appendix_that_was_withdrawn_is_left_alone() -> None:
    withdrawn = link(20, T.APND, APPENDIX, LETTER, availability_status=Status.DEPRECATED)
    content = [withdrawn if each.entry_uuid == uuid(20) else each for each in CONTENT]
    assert register(new(to(T.RPLC, LETTER)), content).deprecate == {LETTER, DRAWING}


def test_documents_that_follow_each_other_in_a_ring_are_found_once() -> None:
    content = [*CONTENT, link(30, T.APND, LETTER, OF_APPENDIX)]
    assert LETTER in register(new(to(T.RPLC, APPENDIX)), content).deprecate


# --- folders -------------------------------------------------------------------------------------


def test_a_replacement_joins_the_approved_folders_of_its_target() -> None:
    changes = register(new(to(T.RPLC, LETTER)))
    (inside,) = memberships(changes)
    (entry,), (chosen,) = (added(changes, kind) for kind in (DocumentEntry, SubmissionSet))
    assert (inside.source, inside.target) == (PLAN, entry.entry_uuid)
    (outer,) = [each for each in added(changes, Association) if each.target == inside.entry_uuid]
    assert outer.source == chosen.entry_uuid
    assert changes.touch == {PLAN}


def test_a_replacement_of_two_documents_joins_their_folder_once() -> None:
    changes = register(new(to(T.RPLC, LETTER), to(T.RPLC, SECOND)))
    assert [each.source for each in memberships(changes)] == [PLAN]


def test_a_membership_that_was_submitted_is_not_made_twice() -> None:
    inside = samples.member(PLAN, "Document50", entry_uuid="in", submission_set_status=None)
    outer = samples.member("SubmissionSet01", "in")
    changes = register(new(to(T.RPLC, LETTER), inside, outer))
    assert [each.source for each in memberships(changes)] == [PLAN]


def test_a_membership_that_was_withdrawn_is_not_inherited() -> None:
    withdrawn = link(24, T.HAS_MEMBER, PLAN, LETTER, availability_status=Status.DEPRECATED)
    content = [withdrawn if each.entry_uuid == uuid(24) else each for each in CONTENT]
    changes = register(new(to(T.RPLC, LETTER)), content)
    assert memberships(changes) == []
    assert changes.touch == frozenset()


def test_a_new_folder_has_the_time_of_its_registration() -> None:
    submission = samples.submission_with_folder()
    said = samples.folder(last_update_time=DTM("19990101000000"))
    changes = register(replace(submission, folders=(said,)))
    (folder,) = added(changes, Folder)
    assert folder.last_update_time == NOW
    assert changes.touch == frozenset(), "it is new"


def test_a_folder_is_never_touched_back_in_time() -> None:
    changes = register(new(to(T.RPLC, LETTER)), at=DTM("20251231235959"))
    assert len(memberships(changes)) == 1
    assert changes.touch == frozenset()


# --- any submission, any sequence ----------------------------------------------------------------


def _has_one_set(submission: Submission) -> bool:
    return len(submission.submission_sets) == 1


@settings(deadline=None)
@given(strategies.submissions.filter(_has_one_set))
def test_registering_leaves_no_symbolic_id_and_keeps_every_object(submission: Submission) -> None:
    known = {each.entry_uuid for each in submission}
    changes = register(submission)
    assert len(changes.add) >= len(known)
    for each in changes.add:
        assert each.entry_uuid.startswith("urn:uuid:")
        if isinstance(each, Association):
            assert each.source not in known or each.source.startswith("urn:uuid:")
            assert each.target not in known or each.target.startswith("urn:uuid:")


class Lives(RuleBasedStateMachine):
    """Registers documents that replace and follow each other, in and out of one folder."""

    documents: Bundle[str] = Bundle("documents")

    def __init__(self) -> None:
        super().__init__()
        self.store = store_of([registered(samples.folder(1), PLAN)])
        self.new_uuid = numbers()
        self.number = itertools.count(100)
        self.replaced: set[str] = set()
        self.clock = itertools.count(20260101000000)

    def find(self, kind: Kind, attribute: str, *values: str) -> list[Record]:
        with self.store.read() as state:
            return state.find(kind, (any_of(attribute, *values),))

    def register(self, *links: tuple[T, str], in_plan: bool = False) -> str | None:
        """Register a new document; return its id, None when the rules do not allow it."""
        number = next(self.number)
        entry = samples.entry(number)
        plain = samples.submission(
            entry, submission_set=samples.submission_set(unique_id=OID(f"2.25.7.{number}"))
        )
        extra = [
            samples.relationship(kind, entry.entry_uuid, target, entry_uuid=f"r{n}")
            for n, (kind, target) in enumerate(links)
        ]
        if in_plan:
            inside = samples.member(PLAN, entry.entry_uuid, entry_uuid="in")
            extra.append(replace(inside, submission_set_status=None))
            extra.append(samples.member("SubmissionSet01", "in"))
        submission = replace(plain, associations=(*plain.associations, *extra))

        def work(writer: Writer) -> str | None:
            if rules.check_against(submission, writer, Profile()):
                return None
            at = DTM(str(next(self.clock)))
            changes = lifecycle.register(submission, writer, at=at, new_uuid=self.new_uuid)
            writer.add(changes.add)
            writer.set_status(changes.deprecate, Status.DEPRECATED)
            writer.set_last_update_time(changes.touch, at)
            self.replaced |= {target for kind, target in links if kind in {T.RPLC, T.XFRM_RPLC}}
            return next(e.entry_uuid for e in changes.add if isinstance(e, DocumentEntry))

        return self.store.write(work)

    @rule(target=documents, in_plan=st.booleans())
    def share(self, in_plan: bool) -> str:
        entry_uuid = self.register(in_plan=in_plan)
        assert entry_uuid is not None
        return entry_uuid

    @rule(
        target=documents, old=documents, kind=st.sampled_from([T.RPLC, T.XFRM_RPLC, T.APND, T.XFRM])
    )
    def relate(self, old: str, kind: T) -> Any:
        was_approved = self.status(old) is Status.APPROVED
        entry_uuid = self.register((kind, old))
        if not was_approved:
            assert entry_uuid is None, "nothing new is said of a Deprecated document"
        return multiple() if entry_uuid is None else entry_uuid

    @rule(target=documents, one=consumes(documents), other=consumes(documents))
    def merge(self, one: str, other: str) -> Any:
        links = {(T.RPLC, one), (T.RPLC, other)}
        entry_uuid = self.register(*links)
        return multiple() if entry_uuid is None else entry_uuid

    def status(self, entry_uuid: str) -> Status:
        (found,) = self.find(Kind.DOCUMENT_ENTRY, "entry_uuid", entry_uuid)
        return found.status

    @invariant()
    def what_was_replaced_is_deprecated(self) -> None:
        for entry_uuid in self.replaced:
            assert self.status(entry_uuid) is Status.DEPRECATED

    @invariant()
    def what_follows_from_a_deprecated_document_is_deprecated(self) -> None:
        for each in self.find(Kind.ASSOCIATION, "type", T.APND, T.XFRM):
            assert each.source is not None
            assert each.target is not None
            if self.status(each.target) is Status.DEPRECATED:
                assert self.status(each.source) is Status.DEPRECATED

    @invariant()
    def a_folder_holds_each_document_once(self) -> None:
        inside = [each.target for each in self.find(Kind.ASSOCIATION, "source", PLAN)]
        assert len(inside) == len(set(inside))

    @invariant()
    def a_replacement_is_where_its_target_is(self) -> None:
        inside = {each.target for each in self.find(Kind.ASSOCIATION, "source", PLAN)}
        for each in self.find(Kind.ASSOCIATION, "type", T.RPLC, T.XFRM_RPLC):
            if each.target in inside:
                assert each.source in inside

    @invariant()
    def every_membership_of_a_folder_is_a_member_of_a_set(self) -> None:
        inside = [each.entry_uuid for each in self.find(Kind.ASSOCIATION, "source", PLAN)]
        outer = self.find(Kind.ASSOCIATION, "target", *inside) if inside else []
        assert sorted(each.target or "" for each in outer) == sorted(inside)


TestLives = Lives.TestCase
TestLives.settings = settings(deadline=None, max_examples=60, stateful_step_count=25)
