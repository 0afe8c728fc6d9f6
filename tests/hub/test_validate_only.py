"""Validate only over HTTP: who asks for it, who understands it, and that nothing stays."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hub.client import Client
from hub.soap_client import RemoteFault
from ihe.errors import ErrorCode, Unavailable
from ihe.messages import RegistryResponse
from ihe.soap.validation import NOTHING_STORED, VALIDATE_ONLY, header
from ihe.transactions import CATALOGUE, ITI_41, ITI_42, ITI_57, ITI_61, ITI_62, ITI_92, Transaction
from ihe.vocabulary import ResponseStatus
from tests import samples
from tests.gateway import rude
from tests.gateway.rude import Exchange
from tests.hub.conftest import assert_nothing_kept
from tests.hub.posting import SAMPLES, Answer, envelope, post, provide, request_body
from tests.hub.sharing import QUERY
from tests.running import Running, running
from tests.samples import Bytes

pytestmark = pytest.mark.system
HEADER = '<v:ValidateOnly xmlns:v="urn:felles:validation" s:mustUnderstand="1"/>'
WRITING = (ITI_41, ITI_42, ITI_57, ITI_61, ITI_62, ITI_92)
OTHERS = [each for each in CATALOGUE if each not in WRITING]


@pytest.fixture
def client(unharmed: Running) -> Iterator[Client]:
    with unharmed.client(through_gateway=False) as client:
        yield client


def place(hub: Running, transaction: Transaction[Any, Any]) -> str:
    if transaction.number in {41, 43, 86}:
        return hub.repository
    return hub.gateway if transaction.number in {38, 39} else hub.registry


def ask(hub: Running, block: str, transaction: Transaction[Any, Any] = ITI_42) -> Answer:
    """Post a good message with a header."""
    message = envelope(transaction.action, request_body(transaction), block)
    return post(place(hub, transaction), message)


def says_nothing_stored(answer: Answer) -> bool:
    """Tell whether the answer says so, in a header that must be understood."""
    marks = [
        each.get("{http://www.w3.org/2003/05/soap-envelope}mustUnderstand")
        for each in answer.envelope.iter(NOTHING_STORED)
    ]
    return marks == ["1"]


# --- over the wire -------------------------------------------------------------------------------


@pytest.mark.parametrize("transaction", [each for each in WRITING if each is not ITI_41])
def test_a_writing_message_is_answered_and_leaves_nothing(
    transaction: Transaction[Any, Any], unharmed: Running
) -> None:
    answer = ask(unharmed, HEADER, transaction)
    assert answer.status == 200, answer.text
    assert says_nothing_stored(answer)
    assert_nothing_kept(unharmed)


def test_a_document_is_looked_at_and_leaves_nothing(unharmed: Running) -> None:
    content_type, body = provide(b"letter")
    answer = post(
        unharmed.repository,
        body.replace(b"</s:Header>", HEADER.encode() + b"</s:Header>"),
        content_type,
    )
    assert answer.registry_status == "Success", answer.text
    assert says_nothing_stored(answer)
    assert_nothing_kept(unharmed)


@pytest.mark.parametrize("transaction", OTHERS, ids=lambda each: f"{each.name}-{each.operation}")
def test_what_cannot_be_validated_only_is_not_understood(
    transaction: Transaction[Any, Any], unharmed: Running
) -> None:
    answer = ask(unharmed, HEADER, transaction)
    assert (answer.status, answer.codes) == (500, ["MustUnderstand"]), answer.text
    assert VALIDATE_ONLY in answer.reason
    assert not says_nothing_stored(answer)


def test_a_sender_that_forgot_the_mark_is_believed(unharmed: Running) -> None:
    answer = ask(unharmed, HEADER.replace(' s:mustUnderstand="1"', ""))
    assert answer.registry_status == "Success"
    assert says_nothing_stored(answer)
    assert_nothing_kept(unharmed)


@pytest.mark.parametrize(
    "block",
    [
        '<v:ValidateOnly xmlns:v="urn:felles:validation" s:role="urn:somebody:else"/>',
        '<v:ValidateOnly xmlns:v="urn:felles:validation">false</v:ValidateOnly>',
        '<v:ValidateOnly xmlns:v="urn:felles:validation"><v:Not/></v:ValidateOnly>',
        '<v:validateOnly xmlns:v="urn:felles:validation"/>',
    ],
    ids=["for another", "a text", "an element", "misspelt"],
)
def test_a_header_that_is_not_plain_is_refused_and_nothing_stored(
    block: str, unharmed: Running
) -> None:
    answer = ask(unharmed, block)
    assert (answer.status, answer.codes) == (400, ["Sender"])
    assert "urn:felles:validation" in answer.reason
    assert_nothing_kept(unharmed)


def test_a_real_answer_does_not_say_that_nothing_was_stored(hub: Running) -> None:
    answer = post(hub.registry, envelope(ITI_62.action, request_body(ITI_62)))
    assert answer.registry_status == "Failure"
    assert not says_nothing_stored(answer)


# --- the client ----------------------------------------------------------------------------------


def test_the_client_learns_the_answer_and_nothing_is_there(
    client: Client, unharmed: Running
) -> None:
    entry = samples.entry(repository_unique_id=None, hash=None, size=None)
    good = samples.submission(entry)
    content = {entry.entry_uuid: Bytes(b"letter")}
    assert client.submit(good, content, validate_only=True) == RegistryResponse()
    bad = replace(good, entries=(replace(entry, class_code=None),))
    refused = client.submit(bad, content, validate_only=True)
    assert refused.status == ResponseStatus.FAILURE
    assert "classCode" in refused.errors[0].context + refused.errors[0].location
    other = replace(good, entries=(replace(entry, size="1"),))
    (error,) = client.submit(other, content, validate_only=True).errors
    assert error.code == ErrorCode.REPOSITORY_METADATA
    assert client.register(samples.submission(), validate_only=True).ok
    assert client.query(QUERY).objects == ()
    assert_nothing_kept(unharmed)


def test_the_client_is_told_who_cannot(client: Client) -> None:
    with pytest.raises(RemoteFault, match="MustUnderstand"):
        client.send(CATALOGUE[0], SAMPLES[18], client.registry, validate_only=True)


# --- a registry of another make ------------------------------------------------------------------


def passes_over(exchange: Exchange) -> None:
    """Take our header for nothing, as a receiver that keeps to SOAP would not, and store."""
    exchange.envelope = exchange.envelope.replace(header(VALIDATE_ONLY).encode(), b"")
    exchange.send(rude.http(rude.envelope(exchange, ITI_42, RegistryResponse())))


def stores_nothing(exchange: Exchange) -> None:
    """Answer a real message as if it had been to validate only."""
    whole = rude.envelope(exchange, ITI_42, RegistryResponse())
    marked = header(NOTHING_STORED).encode() + b"</soap:Header>"
    exchange.send(rude.http(whole.replace(b"</soap:Header>", marked)))


def test_an_answer_that_does_not_say_that_nothing_was_stored_is_none() -> None:
    with rude.rude(passes_over) as server, Client(registry=server.url) as client:
        with pytest.raises(Unavailable, match="may have been"):
            client.register(samples.submission(), validate_only=True)
        assert b"ValidateOnly" not in server.asked[0].envelope, "it was there"


def test_nothing_stored_is_no_success_for_who_wanted_to_store() -> None:
    with (
        rude.rude(stores_nothing) as server,
        Client(registry=server.url) as client,
        pytest.raises(Unavailable, match="stored nothing"),
    ):
        client.register(samples.submission())


def test_a_repository_tells_that_its_registry_cannot_validate_only(tmp_path: Path) -> None:
    with (
        rude.rude(passes_over) as server,
        running(tmp_path, registry_url=server.url) as community,
        community.client(through_gateway=False) as client,
    ):
        entry = samples.entry(repository_unique_id=None, hash=None, size=None)
        response = client.submit(
            samples.submission(entry), {entry.entry_uuid: Bytes(b"letter")}, validate_only=True
        )
        (error,) = response.errors
        assert error.code == ErrorCode.REGISTRY_NOT_AVAILABLE
        assert "may have been" in error.context
        assert_nothing_kept(community)
