"""Regions and municipalities share documents, over the real protocol on loopback."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub.client import Client, FileContent, request_for
from ihe import queries
from ihe.datatypes import OID, Identifier
from ihe.errors import ErrorCode
from ihe.model import DocumentEntry
from ihe.vocabulary import ResponseStatus, Status
from tests import samples
from tests.running import Running, running

pytestmark = pytest.mark.system
PATIENT = samples.PATIENT


@pytest.fixture(scope="module")
def communities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Running]]:
    """Run three communities; the first knows the two others."""
    folder = tmp_path_factory.mktemp("communities")
    with (
        running(folder / "2", 2) as second,
        running(folder / "3", 3) as third,
        running(folder / "1", 1, others=[second.other(), third.other()]) as first,
    ):
        yield [first, second, third]


def submit(community: Running, number: int, content: bytes, folder: Path) -> None:
    path = folder / f"{number}.txt"
    path.write_bytes(content)
    entry = samples.entry(number, repository_unique_id=None, hash=None, size=None)
    entry = replace(entry, unique_id=Identifier(f"2.25.500.{number}"))
    chosen = samples.submission_set(unique_id=OID(f"2.25.501.{number}"))
    with community.client() as client:
        response = client.submit(
            samples.submission(entry, submission_set=chosen), {entry.entry_uuid: FileContent(path)}
        )
    assert response.errors == ()


def entries(client: Client) -> list[DocumentEntry]:
    response = client.query(queries.find_documents(PATIENT, status=[Status.APPROVED]))
    assert response.status == ResponseStatus.SUCCESS, response.errors
    return [each for each in response.objects if isinstance(each, DocumentEntry)]


@pytest.fixture(scope="module")
def shared(communities: list[Running], tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Share one document in each community."""
    folder = tmp_path_factory.mktemp("documents")
    contents = [f"document {number}\r\n".encode() * number for number in (1, 2, 3)]
    for number, (community, content) in enumerate(zip(communities, contents, strict=True), 1):
        submit(community, number, content, folder)
    return contents


def test_documents_of_every_community_are_found_through_the_gateway(
    communities: list[Running], shared: list[bytes]
) -> None:
    with communities[0].client() as client:
        found = entries(client)
    assert [(each.unique_id, each.home_community_id) for each in found] == [
        (f"2.25.500.{number}", community.home) for number, community in enumerate(communities, 1)
    ]
    for each, content, community in zip(found, shared, communities, strict=True):
        assert each.hash == hashlib.sha1(content, usedforsecurity=False).hexdigest()
        assert each.size == str(len(content))
        assert each.repository_unique_id == community.repository_unique_id


def test_documents_of_every_community_are_retrieved_at_once(
    communities: list[Running], shared: list[bytes], tmp_path: Path
) -> None:
    with communities[0].client() as client:
        wanted = [request_for(each) for each in reversed(entries(client))]
        result = client.retrieve(wanted, into=tmp_path)
    assert result.status == ResponseStatus.SUCCESS, result.errors
    assert [each.path.read_bytes() for each in result.documents] == list(reversed(shared))
    assert [each.request for each in result.documents] == wanted
    for each, content in zip(result.documents, reversed(shared), strict=True):
        assert each.sha256 == hashlib.sha256(content).hexdigest()


def test_a_query_by_id_goes_to_the_community_that_it_names(
    communities: list[Running], shared: list[bytes]
) -> None:
    with communities[0].client() as client:
        found = entries(client)
        for each in found:
            request = queries.get_documents(entry_uuid=[each.entry_uuid])
            at_home = replace(request, home_community_id=each.home_community_id)
            assert client.query(at_home).objects == (each,)
        without = client.query(queries.get_documents(entry_uuid=[found[0].entry_uuid]))
    assert [error.code for error in without.errors] == [ErrorCode.MISSING_HOME_COMMUNITY_ID]


def test_an_unknown_community_is_told(communities: list[Running]) -> None:
    with communities[0].client() as client:
        request = queries.get_documents(entry_uuid=[samples.uuid(1)])
        response = client.query(replace(request, home_community_id=samples.HOME))
    assert [error.code for error in response.errors] == [ErrorCode.UNKNOWN_COMMUNITY]


def test_what_is_missing_is_told_beside_what_is_found(
    communities: list[Running], shared: list[bytes], tmp_path: Path
) -> None:
    with communities[0].client() as client:
        there = request_for(entries(client)[1])
        gone = replace(there, document_unique_id=Identifier("2.25.999"))
        result = client.retrieve([there, gone], into=tmp_path)
    assert result.status == ResponseStatus.PARTIAL_SUCCESS
    assert len(result.documents) == 1
    (error,) = result.errors
    assert error.code == ErrorCode.DOCUMENT_UNIQUE_ID
    assert error.location == f"{communities[1].home} 2.25.999"


def test_one_silent_community_never_hides_the_others(tmp_path: Path) -> None:
    with running(tmp_path / "2", 2) as second:
        silent = replace(second.other(), home=samples.HOME, url="http://127.0.0.1:9/nobody")
        with (
            running(tmp_path / "1", 1, others=[silent, second.other()]) as first,
            first.client() as client,
        ):
            submit(second, 12, b"a letter", tmp_path)
            response = client.query(queries.find_documents(PATIENT, status=[Status.APPROVED]))
    assert response.status == ResponseStatus.PARTIAL_SUCCESS
    assert len(response.objects) == 1
    (error,) = response.errors
    assert (error.code, error.location) == (ErrorCode.UNAVAILABLE_COMMUNITY, samples.HOME)
    assert samples.HOME in error.context
