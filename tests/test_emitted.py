"""Every message of every transaction that the hub writes is as the standards have it.

The hub's own client and server talk to each other over HTTP; `tests.tapping` judges what goes by.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from hub.actor import Actor
from hub.call import Call
from hub.http_server import listen
from hub.loop_thread import LoopThread
from hub.serving import Served
from hub.soap_client import RemoteFault, SoapClient
from hub.soap_server import SoapServer
from hub.spool import Spool
from hub.web import Mount
from ihe.errors import CATALOGUE as CODES
from ihe.errors import (
    ErrorCode,
    FaultCode,
    FaultSubcode,
    NotAllowed,
    OutOfResources,
    SoapFault,
    Unavailable,
    XdsFailure,
    registry_error,
)
from ihe.messages import (
    AdhocQueryResponse,
    RetrieveDocumentSetResponse,
    status_of,
)
from ihe.model import ObjectRef
from ihe.transactions import CATALOGUE, Transaction
from ihe.vocabulary import Severity
from tests import samples, wire_oracle
from tests.hub.posting import sample
from tests.running import served
from tests.schema_oracle import schema_folder
from tests.tapping import Tap, TappedSite

EVERY_ERROR = tuple(
    registry_error(code, f'of "{code}" <&> \N{SNOWMAN}', f"place of {code}") for code in ErrorCode
)
WARNINGS = tuple(each for each in EVERY_ERROR if each.severity is Severity.WARNING)
FOUND = (
    samples.entry(entry_uuid=samples.uuid(1)),
    samples.submission_set(entry_uuid=samples.uuid(2)),
    samples.folder(entry_uuid=samples.uuid(3)),
    samples.member(samples.uuid(2), samples.uuid(1), entry_uuid=samples.uuid(4)),
    ObjectRef(samples.uuid(5), samples.HOME),
)
NASTY = (
    "of <Danser> & 'Line' \"]]>\" \0\x0b\x1f\x7f\ud800\ufffe \N{SNOWMAN} \N{OLD ITALIC LETTER A}"
)


@dataclass
class Everything:
    """An actor that serves every transaction and answers as it is told."""

    answer: Any = None
    got: list[Any] = field(default_factory=list)

    def handle(self, request: Any, _call: Call, _ports: None) -> Any:
        self.got.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Talk:
    """The hub's client at one end, the actor at the other, and a tap between them."""

    actor: Everything
    tap: Tap
    url: str
    client: SoapClient
    thread: LoopThread

    def send(self, transaction: Transaction[Any, Any], answer: Any) -> Any:
        """Send a good request, have it answered, and see what was said on the way."""
        self.actor.answer = answer
        before = self.tap.requests, self.tap.responses
        request = sample(transaction)
        try:
            return self.thread.run(self.client.send(transaction, request, self.url, timeout_s=20))
        finally:
            assert (self.tap.requests, self.tap.responses) == (before[0] + 1, before[1] + 1)
            problems, self.tap.problems = self.tap.problems, []
            assert problems == []


@pytest.fixture(scope="module")
def talk() -> Iterator[Talk]:
    actor, thread, tap = Everything(), LoopThread(), Tap()
    soap = SoapServer("Everything", [Served(each, actor.handle) for each in CATALOGUE], None)
    client = SoapClient()
    mounts = {"/all": Mount(soap=soap, open_sink=Spool)}
    site = TappedSite(
        actors=[Actor(name="Everything", mounts=mounts)], listener=listen("127.0.0.1", 0), tap=tap
    )
    with served(site):
        yield Talk(actor, tap, f"{site.url}/all", client, thread)
        thread.run(client.close())
    thread.close()


def success(transaction: Transaction[Any, Any]) -> Any:
    """Return what a transaction answers when it goes well."""
    response = transaction.failure(())
    if isinstance(response, AdhocQueryResponse):
        return replace(response, objects=FOUND)
    if isinstance(response, RetrieveDocumentSetResponse):
        return samples.retrieved()
    return response


def with_errors(transaction: Transaction[Any, Any], errors: tuple[Any, ...]) -> Any:
    """Return an answer with errors, beside what was found where that is possible."""
    whole = success(transaction)
    found = isinstance(whole, AdhocQueryResponse | RetrieveDocumentSetResponse)
    return replace(whole, status=status_of(errors, found=found), errors=errors)


def test_the_oracle_has_schemas() -> None:
    assert {row.number for row in wire_oracle.TABLE} == {each.number for each in CATALOGUE}
    if schema_folder() is None:
        pytest.skip("no schema files: only what is around the bodies is judged")


@pytest.mark.parametrize("transaction", CATALOGUE, ids=lambda each: each.operation)
def test_a_request_and_its_answer(transaction: Transaction[Any, Any], talk: Talk) -> None:
    response = talk.send(transaction, success(transaction))
    assert response.errors == ()
    request = sample(transaction)
    if transaction.number != 41:  # its documents come from elsewhere
        assert talk.actor.got[-1] == request
    else:
        (document,) = talk.actor.got[-1].documents
        assert document.content.size == len(samples.CONTENT)


@pytest.mark.parametrize("errors", [EVERY_ERROR, WARNINGS], ids=["errors", "warnings"])
@pytest.mark.parametrize("transaction", CATALOGUE, ids=lambda each: each.operation)
def test_an_answer_with_everything_that_can_be_wrong(
    errors: tuple[Any, ...], transaction: Transaction[Any, Any], talk: Talk
) -> None:
    response = talk.send(transaction, with_errors(transaction, errors))
    assert [each.code for each in response.errors] == [each.code for each in errors]
    assert response.status == with_errors(transaction, errors).status
    assert all(code in CODES for code in ErrorCode)


@pytest.mark.parametrize(
    "failure",
    [
        XdsFailure.of(ErrorCode.UNKNOWN_PATIENT_ID, "of <nobody> & 'none'"),
        Unavailable("the store"),
        OutOfResources("the store"),
        NotAllowed("for reasons of its own"),
        ValueError("13916900216"),
    ],
    ids=lambda each: type(each).__name__,
)
@pytest.mark.parametrize("transaction", CATALOGUE, ids=lambda each: each.operation)
def test_an_answer_of_a_handler_that_fails(
    failure: Exception, transaction: Transaction[Any, Any], talk: Talk
) -> None:
    (error,) = talk.send(transaction, failure).errors
    assert "(trace " in error.context
    assert "13916900216" not in error.context
    assert "reasons of its own" not in error.context


@pytest.mark.parametrize("subcode", [None, *FaultSubcode])
@pytest.mark.parametrize("code", FaultCode)
def test_a_fault(code: FaultCode, subcode: FaultSubcode | None, talk: Talk) -> None:
    fault = SoapFault(
        code,
        NASTY,
        subcode,
        problem_action="urn:of:'our' <own> & \"more\"" if subcode else None,
        not_understood=("{urn:x}Ward", "Plain", "{urn:x?a=1&b='2'}Ward", "{urn:y}" + "w" * 3_000)
        if code is FaultCode.MUST_UNDERSTAND
        else (),
    )
    with pytest.raises(RemoteFault) as caught:
        talk.send(CATALOGUE[0], fault)
    heard = caught.value.fault
    assert (heard.code, heard.subcode) == (code, subcode)
    assert "of <Danser> & 'Line' \"]]>\"" in heard.reason


@pytest.mark.parametrize("status", [400, 408, 413, 415, 503])
def test_a_fault_with_a_status_of_its_own(status: int, talk: Talk) -> None:
    code = FaultCode.RECEIVER if status >= 500 else FaultCode.SENDER
    fault = SoapFault(code, "x", http_status=status, retry_after_s=2 if status == 503 else None)
    with pytest.raises(RemoteFault):
        talk.send(CATALOGUE[0], fault)
