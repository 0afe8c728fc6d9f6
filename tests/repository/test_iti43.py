from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ihe.datatypes import OID, Identifier
from ihe.errors import ErrorCode
from ihe.messages import DocumentRequest, RetrieveDocumentSetRequest
from ihe.vocabulary import ResponseStatus
from repository import iti43
from repository.blobs.content import AlteredBlob
from repository.blobs.filesystem import FilesystemBlobs
from repository.index import HoldingState
from tests import samples
from tests.repository.scene import OWN, Scene, sqlite_index

DOC1, DOC2 = "2.25.1000.1", "2.25.1000.2"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with sqlite_index(tmp_path) as index:
        scene = Scene(index, FilesystemBlobs(tmp_path / "documents"))
        assert scene.provide(b"first", b"second").ok
        yield scene


def test_documents_come_in_the_order_of_the_request(scene: Scene) -> None:
    answer = scene.retrieve(DOC2, DOC1, DOC2)
    assert answer.status is ResponseStatus.SUCCESS
    contents = [b"".join(each.content.chunks()) for each in answer.documents]
    assert contents == [b"second", b"first", b"second"]
    assert [each.mime_type for each in answer.documents] == ["text/plain"] * 3


def test_the_answer_repeats_the_ids_of_the_request(scene: Scene) -> None:
    request = samples.retrieve(DOC1, home=samples.HOME)
    answer = iti43.handle(request, scene.call, scene.repository)
    assert [each.request for each in answer.documents] == list(request.documents)


def test_what_is_not_here_is_an_error_at_its_unique_id(scene: Scene) -> None:
    answer = scene.retrieve(DOC1, "2.25.9.9")
    assert answer.status is ResponseStatus.PARTIAL_SUCCESS
    assert len(answer.documents) == 1
    (error,) = answer.errors
    assert (error.code, error.location) == (ErrorCode.DOCUMENT_UNIQUE_ID, "2.25.9.9")


def test_another_repository_is_not_answered_for(scene: Scene) -> None:
    wanted = DocumentRequest(OID("1.2.3"), Identifier(DOC1))
    answer = iti43.handle(RetrieveDocumentSetRequest((wanted,)), scene.call, scene.repository)
    assert answer.status is ResponseStatus.FAILURE
    (error,) = answer.errors
    assert (error.code, error.location) == (ErrorCode.UNKNOWN_REPOSITORY_ID, DOC1)
    assert OWN in error.context


def stored(scene: Scene) -> Path:
    blobs = scene.blobs
    assert isinstance(blobs, FilesystemBlobs)
    key = scene.repository.index.find([DOC1])[DOC1].key
    return blobs.root / "blobs" / key[:2] / key


@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_a_damaged_document_is_an_error_and_the_others_come(scene: Scene, damage: str) -> None:
    if damage == "missing":
        stored(scene).unlink()
    else:
        stored(scene).write_bytes(b"fir")
    answer = scene.retrieve(DOC1, DOC2)
    assert [each.code for each in answer.errors] == [ErrorCode.REPOSITORY_ERROR]
    assert len(answer.documents) == 1


def test_altered_bytes_are_never_handed_out(scene: Scene) -> None:
    stored(scene).write_bytes(b"FIRST")
    (document,) = scene.retrieve(DOC1).documents
    arrived: list[bytes] = []
    with pytest.raises(AlteredBlob):
        arrived.extend(document.content.chunks())
    assert arrived == []


def test_what_is_only_staged_is_not_there(scene: Scene) -> None:
    index = scene.repository.index
    (held,) = index.find([DOC1]).values()
    staging = replace(held, unique_id="2.25.5", state=HoldingState.STAGING, submission="x")
    index.begin([staging])
    assert scene.retrieve("2.25.5").status is ResponseStatus.FAILURE
