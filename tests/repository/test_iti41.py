import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ihe.datatypes import SHA1, Identifier
from ihe.errors import ErrorCode, Unavailable, XdsFailure, registry_error
from ihe.messages import Document, RegistryResponse
from ihe.vocabulary import ResponseStatus
from repository import iti41
from repository.blobs.filesystem import FilesystemBlobs
from repository.domain import NotSent
from repository.index import Index
from repository.sweeper import delete_unheld
from tests import samples
from tests.repository.scene import (
    OWN,
    Scene,
    altered,
    lost,
    provide,
    sqlite_index,
)
from tests.samples import Bytes

E = ErrorCode
DOC1, DOC2 = "2.25.1000.1", "2.25.1000.2"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with sqlite_index(tmp_path) as index:
        yield index


@pytest.fixture
def scene(index: Index, tmp_path: Path) -> Scene:
    return Scene(index, FilesystemBlobs(tmp_path / "documents"))


def codes(response: RegistryResponse) -> set[str]:
    return {each.code for each in response.errors}


def nothing_is_left(scene: Scene) -> bool:
    return (
        scene.blob_count() == 0
        and scene.bytes_of(DOC1) is None
        and scene.sweep(timedelta(days=1)).staged == 0
    )


# --- the good case -------------------------------------------------------------------------------


def test_documents_are_kept_and_registered(scene: Scene) -> None:
    assert scene.provide(b"first", b"second").errors == ()
    assert scene.bytes_of(DOC1) == b"first"
    assert scene.bytes_of(DOC2) == b"second"
    (registered,) = scene.registry.got
    for entry, content in zip(registered.entries, (b"first", b"second"), strict=True):
        assert entry.repository_unique_id == OWN
        assert entry.hash == Bytes(content).sha1
        assert entry.size == str(len(content))


def test_metadata_is_passed_on_as_it_came(scene: Scene) -> None:
    request = provide(b"letter")
    assert scene.send(request).ok
    (registered,) = scene.registry.got
    (entry,) = registered.entries
    undone = replace(entry, repository_unique_id=None, hash=None, size=None)
    assert replace(registered, entries=(undone,)) == request.submission


def test_the_same_bytes_are_stored_once(scene: Scene) -> None:
    assert scene.provide(b"the same", b"the same").ok
    assert scene.blob_count() == 1
    assert scene.bytes_of(DOC1) == scene.bytes_of(DOC2) == b"the same"


def test_a_submission_may_have_no_document(scene: Scene) -> None:
    submission = replace(samples.submission(), entries=(), associations=())
    request = replace(provide(), submission=submission, documents=())
    assert scene.send(request).ok
    assert len(scene.registry.got) == 1


def test_warnings_of_the_registry_are_passed_on(scene: Scene) -> None:
    warning = registry_error(E.EXTRA_METADATA_NOT_SAVED, "not saved")
    scene.registry.answers = [RegistryResponse.of([warning])]
    assert scene.provide(b"letter").errors == (warning,)
    assert scene.bytes_of(DOC1) == b"letter"


def test_declared_hash_and_size_are_checked(scene: Scene) -> None:
    good = altered(provide(b"letter"), hash=SHA1(Bytes(b"letter").sha1.upper()), size="6")
    assert scene.send(good).ok
    for changes in ({"hash": SHA1("0" * 40)}, {"size": "7"}):
        response = scene.send(altered(provide(b"other", first=2), **changes))
        assert codes(response) == {E.REPOSITORY_METADATA}
        assert len(scene.registry.got) == 1


# --- pairing -------------------------------------------------------------------------------------


def test_an_entry_without_its_document_is_refused(scene: Scene) -> None:
    request = provide(b"letter", b"answer")
    response = scene.send(replace(request, documents=request.documents[:1]))
    assert codes(response) == {E.MISSING_DOCUMENT}
    assert "Document02" in response.errors[0].context
    assert nothing_is_left(scene)
    assert scene.registry.got == []


def test_a_document_without_its_entry_is_refused(scene: Scene) -> None:
    request = provide(b"letter")
    stray = Document("Document99", Bytes(b"stray"))
    response = scene.send(replace(request, documents=(*request.documents, stray)))
    assert codes(response) == {E.MISSING_DOCUMENT_METADATA}
    assert nothing_is_left(scene)


def test_two_documents_of_one_id_are_refused(scene: Scene) -> None:
    request = provide(b"letter")
    response = scene.send(replace(request, documents=request.documents * 2))
    assert codes(response) == {E.MISSING_DOCUMENT_METADATA}


# --- what is known already -----------------------------------------------------------------------


def test_a_document_may_come_again_with_the_same_bytes(scene: Scene) -> None:
    assert scene.provide(b"letter").ok
    assert scene.provide(b"letter").ok
    assert scene.bytes_of(DOC1) == b"letter"


@pytest.mark.parametrize(
    ("content", "code"), [(b"LETTER", E.NON_IDENTICAL_HASH), (b"long", E.NON_IDENTICAL_SIZE)]
)
def test_a_unique_id_never_stands_for_other_bytes(
    scene: Scene, content: bytes, code: ErrorCode
) -> None:
    assert scene.provide(b"letter").ok
    assert codes(scene.provide(content)) == {code}
    assert scene.bytes_of(DOC1) == b"letter"
    assert scene.blob_count() == 1


# --- when the registry says no, or nothing -------------------------------------------------------


def test_errors_of_the_registry_are_passed_on_and_nothing_is_kept(scene: Scene) -> None:
    errors = (
        registry_error(E.UNKNOWN_PATIENT_ID, "not known", "patientId"),
        registry_error(E.EXTRA_METADATA_NOT_SAVED, "not saved"),
    )
    scene.registry.answers = [RegistryResponse(ResponseStatus.FAILURE, errors)]
    response = scene.provide(b"letter")
    assert (response.status, response.errors) == (ResponseStatus.FAILURE, errors)
    assert nothing_is_left(scene)


def test_a_failure_lets_others_keep_the_same_bytes(scene: Scene) -> None:
    assert scene.provide(b"the same").ok
    scene.registry.answers = [RegistryResponse(ResponseStatus.FAILURE)]
    assert not scene.provide(b"the same", first=2).ok
    assert scene.bytes_of(DOC1) == b"the same"


def test_a_registry_that_is_not_reached_leaves_nothing(scene: Scene) -> None:
    scene.registry.answers = [NotSent("no connection")]
    with pytest.raises(XdsFailure) as caught:
        scene.provide(b"letter")
    assert {each.code for each in caught.value.errors} == {E.REGISTRY_NOT_AVAILABLE}
    assert nothing_is_left(scene)


@pytest.mark.parametrize("registered", [True, False])
def test_when_the_answer_is_lost_the_sweeper_asks_the_registry(
    scene: Scene, registered: bool
) -> None:
    scene.registry.answers = [lost()]
    scene.registry.commits_before_it_fails = registered
    with pytest.raises(XdsFailure, match="send the same submission again"):
        scene.provide(b"letter")
    assert scene.sweep(timedelta(days=-1)).kept == 0, "too early to tell"
    swept = scene.sweep(timedelta(days=1))
    assert (swept.kept, swept.let_go) == ((1, 0) if registered else (0, 1))
    assert scene.bytes_of(DOC1) == (b"letter" if registered else None)
    assert scene.blob_count() == (1 if registered else 0)


def test_a_submission_whose_answer_was_lost_may_be_sent_again(scene: Scene) -> None:
    scene.registry.answers = [lost()]
    scene.registry.commits_before_it_fails = True
    with pytest.raises(XdsFailure):
        scene.provide(b"letter")
    assert scene.provide(b"letter").ok
    assert scene.sweep(timedelta(days=1)).let_go == 0
    assert scene.bytes_of(DOC1) == b"letter"


def test_a_document_can_be_retrieved_as_soon_as_the_registry_tells_of_it(scene: Scene) -> None:
    seen: list[bytes | None] = []
    scene.registry.during = lambda: seen.append(scene.bytes_of(DOC1))
    assert scene.provide(b"letter").ok
    assert seen == [b"letter"]


# --- when something breaks off -------------------------------------------------------------------


class Killed(BaseException):
    """What a process that is killed does: nothing more."""


STEPS = ["begin", "commit", "registering", "register", "registered", "kept"]


def kill_at(step: str, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scene's next submission end abruptly just before a step."""

    def dies(*_arguments: Any) -> Any:
        raise Killed

    index = scene.repository.index
    match step:
        case "begin":
            monkeypatch.setattr(index, "begin", dies)
        case "commit":
            monkeypatch.setattr(scene.blobs, "_commit", dies)
        case "register":
            scene.registry.during = dies
        case "registered":
            scene.registry.answers = [Killed()]  # type: ignore[list-item]  # no Exception, on purpose
            scene.registry.commits_before_it_fails = True
        case _:
            advance = index.advance

            def only_before(submission: str, state: str, at: Any) -> int:
                if state == step:
                    raise Killed
                return advance(submission, state, at)  # type: ignore[arg-type]  # a HoldingState

            monkeypatch.setattr(index, "advance", only_before)


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_leaves_all_or_nothing(
    scene: Scene, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        kill_at(step, scene, broken)
        if step == "registered":
            scene.registry.register = _register_then_die(scene)  # type: ignore[method-assign]
            scene.repository = replace(scene.repository, register=scene.registry.register)
        with pytest.raises(Killed):
            scene.provide(b"letter")
        scene.registry.during = lambda: None
    scene.sweep(timedelta(days=1))
    registered = DOC1 in scene.registry.registered
    assert registered == (step in {"registered", "kept"})
    assert scene.bytes_of(DOC1) == (b"letter" if registered else None)
    assert scene.blob_count() == (1 if registered else 0)
    assert scene.sweep(timedelta(days=2)) == type(scene.sweep())()


def _register_then_die(scene: Scene) -> Callable[..., RegistryResponse]:
    def register(request: Any, _call: Any) -> RegistryResponse:
        scene.registry.registered |= {str(e.unique_id) for e in request.submission.entries}
        raise Killed

    return register


def test_a_full_disk_leaves_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: Any) -> Any:
        raise Unavailable("the document folder", "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(scene.blobs, "_commit", full)
        with pytest.raises(Unavailable):
            scene.provide(b"letter")
    assert nothing_is_left(scene)
    assert scene.provide(b"letter").ok


# --- the sweeper meets submissions ---------------------------------------------------------------


def test_the_sweeper_never_takes_a_document_that_is_held(scene: Scene) -> None:
    """The same few contents come and go from many threads, while a sweeper deletes at once."""
    scene.repository = replace(scene.repository, grace=timedelta(0))
    contents = [b"one", b"two", b"three"]
    failures: list[str] = []
    stop = threading.Event()
    numbers = iter(range(1, 10_000))
    lock = threading.Lock()

    refusal = RegistryResponse(ResponseStatus.FAILURE)
    refusing = replace(scene.repository, register=lambda *_: refusal)

    def submit(refuse: bool) -> None:
        for _ in range(15):
            with lock:
                number = next(numbers)
            content = contents[number % len(contents)]
            request = altered(
                provide(content, first=number), unique_id=Identifier(f"2.25.9.{number}")
            )
            repository = refusing if refuse else scene.repository
            response = iti41.handle(request, scene.call, repository)
            if response.ok and scene.bytes_of(f"2.25.9.{number}") != content:
                failures.append(f"document {number} is gone")

    def delete_orphans() -> None:
        while not stop.is_set():
            delete_unheld({Bytes(each).sha256 for each in contents}, scene.repository)

    sweeper = threading.Thread(target=delete_orphans)
    workers = [threading.Thread(target=submit, args=(refuse,)) for refuse in (False, True, False)]
    for thread in (sweeper, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    stop.set()
    sweeper.join()
    assert failures == []
    for number in range(1, 46):
        found = scene.repository.index.find([f"2.25.9.{number}"])
        if found:
            assert scene.bytes_of(f"2.25.9.{number}") == contents[number % len(contents)]


def test_what_the_sweeper_gave_up_is_not_registered(scene: Scene) -> None:
    """A store so slow that the sweeper takes the submission for one that broke off."""

    class Slow:
        """A staged blob whose commit takes longer than the grace time."""

        def __init__(self, blob: Any) -> None:
            self._blob = blob
            self.sha1, self.sha256, self.size = blob.sha1, blob.sha256, blob.size

        def commit(self) -> None:
            self._blob.commit()
            scene.sweep(after=timedelta(hours=2))

    writer = scene.blobs.open()
    writer.write(b"letter")
    request = provide(b"letter")
    slow: Any = Slow(writer.finish())
    late = replace(request, documents=(replace(request.documents[0], content=slow),))
    with pytest.raises(Unavailable, match="the document store"):
        scene.send(late)
    assert scene.registry.got == []
    scene.sweep(after=timedelta(hours=2))
    assert nothing_is_left(scene)
    assert scene.send(request).ok


def test_blobs_that_nobody_knows_are_swept_when_they_are_old(scene: Scene) -> None:
    staged = scene.blobs.open()
    staged.write(b"left by a restored backup")
    staged.finish().commit()
    assert scene.sweep(timedelta(minutes=30)).deleted == 0
    assert scene.sweep(timedelta(days=1)).deleted == 1
    assert scene.blob_count() == 0


def test_a_deletion_that_was_broken_off_is_finished(scene: Scene) -> None:
    assert scene.provide(b"letter").ok
    scene.repository.index.remove(DOC1)
    assert scene.repository.index.claim(Bytes(b"letter").sha256)
    assert scene.sweep().deleted == 1
    assert scene.provide(b"letter").ok
