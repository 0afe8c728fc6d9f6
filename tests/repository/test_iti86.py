"""ITI-86: documents are removed one by one, and never one that is still on its way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ihe.datatypes import OID, Identifier
from ihe.errors import ErrorCode, XdsFailure
from ihe.messages import DocumentRequest, RegistryResponse, RemoveDocumentsRequest
from ihe.vocabulary import ResponseStatus
from repository import iti86
from repository.blobs.filesystem import FilesystemBlobs
from tests.repository.scene import OWN, Scene, lost, sqlite_index

DOC1, DOC2, NOWHERE = "2.25.1000.1", "2.25.1000.2", "2.25.404"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with sqlite_index(tmp_path) as index:
        yield Scene(index, FilesystemBlobs(tmp_path / "documents"))


def remove(scene: Scene, *unique_ids: str, repository: OID = OWN) -> RegistryResponse:
    wanted = tuple(DocumentRequest(repository, Identifier(each)) for each in unique_ids)
    return iti86.handle(RemoveDocumentsRequest(wanted), scene.call, scene.repository)


def test_a_removed_document_cannot_be_retrieved_and_its_bytes_are_gone(scene: Scene) -> None:
    assert scene.provide(b"first", b"second").ok
    assert remove(scene, DOC1).ok
    assert scene.bytes_of(DOC1) is None
    assert scene.bytes_of(DOC2) == b"second"
    assert scene.blob_count() == 1


def test_content_that_another_document_has_stays_for_that_one(scene: Scene) -> None:
    assert scene.provide(b"same", b"same").ok
    assert remove(scene, DOC1).ok
    assert scene.bytes_of(DOC2) == b"same"
    assert remove(scene, DOC2).ok
    assert scene.blob_count() == 0


def test_what_cannot_be_removed_is_told_beside_what_is(scene: Scene) -> None:
    assert scene.provide(b"first").ok
    response = remove(scene, NOWHERE, DOC1)
    assert response.status == ResponseStatus.PARTIAL_SUCCESS
    (error,) = response.errors
    assert (error.code, error.location) == (ErrorCode.DOCUMENT_UNIQUE_ID, NOWHERE)
    assert NOWHERE in error.context
    assert remove(scene, DOC1).status == ResponseStatus.FAILURE


def test_another_repository_is_not_this_one(scene: Scene) -> None:
    assert scene.provide(b"first").ok
    response = remove(scene, DOC1, repository=OID("1.2.3"))
    assert response.status == ResponseStatus.FAILURE
    assert [error.code for error in response.errors] == [ErrorCode.UNKNOWN_REPOSITORY_ID]
    assert scene.bytes_of(DOC1) == b"first"


def test_a_document_that_is_named_twice_is_removed_once(scene: Scene) -> None:
    assert scene.provide(b"first").ok
    assert remove(scene, DOC1, DOC1).ok


def test_a_document_whose_registration_is_open_stays(scene: Scene) -> None:
    scene.registry.answers = [lost()]
    scene.registry.commits_before_it_fails = True
    with pytest.raises(XdsFailure):
        scene.provide(b"first")
    response = remove(scene, DOC1)
    assert [error.code for error in response.errors] == [ErrorCode.REMOVE_DOCUMENTS]
    assert scene.bytes_of(DOC1) == b"first"


def test_a_removal_never_takes_what_comes_again_meanwhile(scene: Scene) -> None:
    assert scene.provide(b"first").ok
    answers: list[RegistryResponse] = []
    scene.registry.during = lambda: answers.append(remove(scene, DOC1))
    assert scene.provide(b"first").ok
    assert answers[0].ok
    assert scene.bytes_of(DOC1) == b"first", "acknowledged after the removal"


def test_the_same_document_may_come_again(scene: Scene) -> None:
    assert scene.provide(b"first").ok
    assert remove(scene, DOC1).ok
    assert scene.provide(b"first").ok
    assert scene.bytes_of(DOC1) == b"first"
