"""The hub itself fails: the peer is told that and no more, and what cannot be whole breaks off."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Never

import pytest

from hub.actor import Actor
from hub.call import Call
from hub.http_server import listen
from hub.serving import Served
from hub.soap_server import SoapServer
from hub.web import Mount
from ihe.messages import RegistryResponse
from ihe.transactions import ITI_18, ITI_42, ITI_43
from repository.blobs.filesystem import FilesystemBlobs
from tests import samples
from tests.hub.conftest import SECRETS, Log, eventually, files_below
from tests.hub.posting import envelope, get, multipart, post, provide, request
from tests.running import running, served
from tests.tapping import TappedSite

SECRET = "Danser, Line 13916900216"


def fail(*_anything: object) -> Never:
    raise ValueError(SECRET)


class Parts:
    """Takes parts, and fails."""

    def write(self, _data: bytes) -> None:
        fail()

    def finish(self) -> Never:
        fail()

    def discard(self) -> None:
        pass


UNWRITABLE = RegistryResponse(errors=None)  # type: ignore[arg-type]  # found out when it is written


def handle(_request: object, _call: Call, _ports: None) -> RegistryResponse:
    return UNWRITABLE


async def handle_async(_request: object, _call: Call, _ports: None) -> RegistryResponse:
    return UNWRITABLE


@pytest.fixture(scope="module")
def failing(log: Log) -> Iterator[str]:
    """Serve an actor of which everything fails."""
    plain = SoapServer("Plain", [Served(ITI_42, handle)], None)
    in_loop = SoapServer("InLoop", [Served(ITI_42, handle_async)], None)
    mounts = {
        "/plain": Mount(soap=plain, open_sink=Parts, pages=fail),
        "/loop": Mount(soap=in_loop),
    }
    actor = Actor(name="Failing", mounts=mounts, ready=fail)
    site = TappedSite(actors=[actor], listener=listen("127.0.0.1", 0))
    with served(site):
        yield site.url
    assert site.tap.problems == []


@pytest.fixture(autouse=True)
def nothing_told(log: Log) -> Iterator[None]:
    position = log.stream.tell()
    yield
    written = log.since(position)
    assert '"exception": "' in written, "what failed is logged"
    assert not [secret for secret in SECRETS if secret in written], written


@pytest.mark.parametrize("path", ["plain", "loop"])
def test_a_response_that_cannot_be_written_is_a_fault_of_ours(path: str, failing: str) -> None:
    answer = post(f"{failing}/{path}", request(ITI_42))
    assert (answer.status, answer.codes) == (500, ["Receiver"])
    assert answer.reason == f"the hub failed on this message (trace {answer.trace_id})"


def test_a_part_that_cannot_be_taken_is_a_fault_of_ours(failing: str) -> None:
    content_type, body = multipart(request(ITI_42), ("document-1@felles", b"Epikrise"))
    answer = post(f"{failing}/plain", body, content_type)
    assert (answer.status, answer.codes) == (500, ["Receiver"])
    assert SECRET not in answer.text


@pytest.mark.parametrize("path", ["plain?wsdl", "health/ready"])
def test_a_page_that_cannot_be_made_is_a_failure_of_ours(path: str, failing: str) -> None:
    answer = get(f"{failing}/{path}")
    assert answer.status == 500
    assert answer.text == f"the hub failed on this request (trace {answer.trace_id})\n"


def test_a_document_that_is_not_what_was_stored_never_arrives_whole(
    log: Log, tmp_path: Path
) -> None:
    content = b"Epikrise. " * 200_000
    with running(tmp_path) as hub:
        content_type, body = provide(content)
        assert post(hub.repository, body, content_type).registry_status == "Success"
        assert isinstance(hub.blobs, FilesystemBlobs)
        (stored,) = files_below(hub.blobs.root / "blobs")
        stored.write_bytes(content[:-1] + b"!")
        wanted = b"".join(ITI_43.write_request(samples.retrieve()).xml)
        wanted = wanted.replace(samples.REPOSITORY.encode(), hub.repository_unique_id.encode())
        content_type, package = multipart(envelope(ITI_43.action, wanted))
        with pytest.raises(http.client.IncompleteRead) as caught:
            post(hub.repository, package, content_type)
        assert len(caught.value.partial) < len(content)
        eventually(lambda: "answer broken off" in log.stream.getvalue())
        assert post(hub.registry, request(ITI_18)).registry_status == "Success"
