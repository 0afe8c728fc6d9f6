"""ITI-18 at the Initiating Gateway: whatever one community does, the others are heard."""

import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from hub.remote import ANSWER
from ihe import queries
from ihe.datatypes import CX
from ihe.errors import ErrorCode, registry_error
from ihe.messages import AdhocQueryRequest, AdhocQueryResponse
from ihe.model import Slot
from ihe.transactions import ITI_38
from ihe.vocabulary import ResponseStatus, Status
from tests import samples
from tests.gateway import rude
from tests.gateway.rude import HANG_GUARD_S, Behaviour, Exchange, found, http
from tests.gateway.scene import entry_of, home_of, scene

pytestmark = pytest.mark.system
PATIENT = samples.PATIENT
QUERY = queries.find_documents(PATIENT, status=[Status.APPROVED])


@pytest.fixture(scope="module")
def nobody() -> Iterator[str]:
    """Give a URL of a port that is taken and that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}/xca"


def good(name: str, *numbers: int) -> Behaviour:
    """Answer with entries of the community's own."""
    entries = [entry_of(name, number) for number in numbers or (1,)]
    return lambda exchange: exchange.send(http(found(exchange, *entries)))


def answers(name: str, response: AdhocQueryResponse) -> Behaviour:
    return lambda exchange: exchange.send(http(rude.envelope(exchange, ITI_38, response)))


def targets(*names: str) -> Slot:
    return Slot("$targetCommunityIdList", tuple(f"('{home_of(name)}')" for name in names))


def ids(response: AdhocQueryResponse) -> list[str]:
    return [str(each.entry_uuid) for each in response.objects[1:]]  # the first is the own one


def uuids(name: str, *numbers: int) -> list[str]:
    return [entry_of(name, number).entry_uuid for number in numbers or (1,)]


def ask(
    folder: Path, behaviours: Mapping[str, Behaviour | str], request: AdhocQueryRequest = QUERY
) -> AdhocQueryResponse:
    with scene(folder, behaviours) as one:
        return one.client.query(request)


# --- communities that misbehave ------------------------------------------------------------------

SILENT: dict[str, tuple[Behaviour, str]] = {
    "reset": (rude.reset, "connection"),
    "hang up": (rude.hang_up, "the connection broke off"),
    "html": (rude.html, "HTTP 200 with 'text/html'"),
    "html 500": (rude.html_500, "HTTP 500 with 'text/html'"),
    "fault": (rude.fault, "SOAP fault: out of order"),
    "empty": (rude.empty, "the answer is empty"),
    "accepted": (rude.accepted, "HTTP 202 with no Content-Type"),
    "moved": (rude.moved, "HTTP 301, and is not followed elsewhere"),
    "malformed": (rude.malformed, "cannot be read"),
    "garbage": (rude.garbage, "connection failed"),
    "json": (lambda e: e.send(http(found(e), "application/json")), "'application/json'"),
    "plain": (lambda e: e.send(http(found(e), "text/plain")), "'text/plain'"),
    "cut off": (lambda e: e.send(http(found(e), length=1 << 20)), "the connection broke off"),
    "bad gzip": (
        lambda e: e.send(http(found(e), headers={"Content-Encoding": "gzip"})),
        "cannot be unpacked",
    ),
    "another response": (
        lambda e: e.send(http(found(e).replace(b"AdhocQueryResponse", b"AdhocQueryRequest"))),
        "expected",
    ),
    "another message": (
        lambda e: e.send(http(found(e).replace(e.message_id.encode(), b"urn:uuid:another"))),
        "relates to another message",
    ),
    "documents": (
        lambda e: e.send(
            http(rude.multipart(found(e), [("x@x", b"x")]) + rude.ENDING, rude.MTOM_TYPE)
        ),
        "none is expected",
    ),
}
"""What gives no answer, and what the consumer is told of it."""


def test_whatever_many_communities_do_the_others_are_heard(tmp_path: Path, nobody: str) -> None:
    behaviours: dict[str, Behaviour | str] = {name: way for name, (way, _) in SILENT.items()}
    behaviours |= {
        "refused": f"http://{nobody}",
        "refused tls": f"https://{nobody}",
        "first": good("first"),
        "last": good("last", 1, 2),
    }
    with scene(tmp_path, behaviours) as one:
        response = one.client.query(QUERY)
    assert response.status == ResponseStatus.PARTIAL_SUCCESS
    assert ids(response) == uuids("first") + uuids("last", 1, 2)
    errors = {error.location: error for error in response.errors}
    assert len(errors) == len(response.errors) == len(SILENT) + 2
    for name, (_, told) in SILENT.items():
        error = errors[home_of(name)]
        assert error.code == ErrorCode.UNAVAILABLE_COMMUNITY
        assert error.context.startswith(f"{name} ({home_of(name)}) did not answer: "), name
        assert told in error.context
    assert "no connection: Connection refused" in errors[home_of("refused")].context


def test_tls_with_somebody_who_does_not_speak_it_is_told(tmp_path: Path) -> None:
    def behave(exchange: Exchange) -> None:
        rude.html(exchange)
        exchange.until_gone()

    with rude.rude(behave, listens=False) as plain:
        response = ask(tmp_path, {"plain": plain.url.replace("http:", "https:")})
    (error,) = response.errors
    assert (error.code, error.location) == (ErrorCode.UNAVAILABLE_COMMUNITY, home_of("plain"))
    assert "no TLS connection" in error.context
    assert len(response.objects) == 1


SLOW: dict[str, Behaviour] = {"hang": rude.hang, "drip": rude.drip}


def test_slow_communities_are_given_up_at_their_deadlines(tmp_path: Path) -> None:
    behaviours = {**SLOW, "prompt": good("prompt")}
    with scene(tmp_path, behaviours, deadlines=dict.fromkeys(SLOW, 0.5)) as one:
        response = one.client.query(QUERY)
    assert ids(response) == uuids("prompt")
    assert [(error.code, error.location) for error in response.errors] == [
        (ErrorCode.UNAVAILABLE_COMMUNITY, home_of(name)) for name in SLOW
    ]
    assert all("no answer within 0.5 s" in error.context for error in response.errors)


def test_a_slow_community_is_given_up_while_another_is_still_waited_for(tmp_path: Path) -> None:
    given_up = threading.Event()

    def hang(exchange: Exchange) -> None:
        exchange.until_gone()
        given_up.set()

    def late(exchange: Exchange) -> None:
        assert given_up.wait(HANG_GUARD_S)
        good("late")(exchange)

    with scene(tmp_path, {"hang": hang, "late": late}, deadlines={"hang": 0.3}) as one:
        response = one.client.query(QUERY)
    assert ids(response) == uuids("late")
    assert [error.location for error in response.errors] == [home_of("hang")]


def test_all_communities_are_asked_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(3, timeout=HANG_GUARD_S)

    def waiting(name: str) -> Behaviour:
        def behave(exchange: Exchange) -> None:
            together.wait()
            good(name)(exchange)

        return behave

    response = ask(tmp_path, {name: waiting(name) for name in ("a", "b", "c")})
    assert response.status == ResponseStatus.SUCCESS
    assert ids(response) == uuids("a") + uuids("b") + uuids("c")


def crowded(exchange: Exchange) -> None:
    refs = b"<rim:ObjectRef/>" * ANSWER.tags
    exchange.send(http(found(exchange).replace(b"</rim:R", refs + b"</rim:R")))


LARGE: dict[str, tuple[Behaviour, str]] = {
    "endless": (rude.endless, f"larger than {ANSWER.octets} octets"),
    "bomb": (rude.bomb, "unpacks to more than"),
    "crowded": (crowded, "tags, at most"),
}


def test_an_answer_without_measure_is_left_off_and_told_as_too_much(tmp_path: Path) -> None:
    behaviours = {name: way for name, (way, _) in LARGE.items()}
    response = ask(tmp_path, {**behaviours, "good": good("good")})
    assert ids(response) == uuids("good")
    for error, (name, (_, told)) in zip(response.errors, LARGE.items(), strict=True):
        assert (error.code, error.location) == (ErrorCode.TOO_MANY_RESULTS, home_of(name))
        assert told in error.context


# --- answers that may not be handed on -----------------------------------------------------------


def test_objects_without_a_home_are_refused(tmp_path: Path) -> None:
    def behave(exchange: Exchange) -> None:
        entries = entry_of("rude", 1), entry_of("rude", 2, home_community_id=None)
        exchange.send(http(found(exchange, *entries)))

    response = ask(tmp_path, {"rude": behave, "good": good("good")})
    assert ids(response) == uuids("good")
    (error,) = response.errors
    assert (error.code, error.location) == (ErrorCode.MISSING_HOME_COMMUNITY_ID, home_of("rude"))
    assert error.context.startswith(f"rude ({home_of('rude')}) returned 1 objects without")
    assert entry_of("rude", 2).entry_uuid in error.context


def test_objects_without_an_id_are_refused(tmp_path: Path) -> None:
    def behave(exchange: Exchange) -> None:
        entries = [entry_of("rude", number) for number in (1, 2, 3)]
        answer = found(exchange, *entries)
        for entry in entries[1:]:
            named = f' id="{entry.entry_uuid}"'.encode()
            assert named in answer
            answer = answer.replace(named, b"", 1)
        exchange.send(http(answer))

    response = ask(tmp_path, {"rude": behave, "good": good("good")})
    assert ids(response) == uuids("good")
    (error,) = response.errors
    assert (error.code, error.location) == (ErrorCode.REGISTRY_ERROR, home_of("rude"))
    assert "returned 2 objects without id" in error.context


def test_objects_of_a_foreign_home_are_refused(tmp_path: Path) -> None:
    response = ask(tmp_path, {"rude": good("somebody else"), "good": good("good")})
    assert ids(response) == uuids("good")
    (error,) = response.errors
    assert (error.code, error.location) == (ErrorCode.UNKNOWN_COMMUNITY, home_of("rude"))
    assert home_of("somebody else") in error.context


def test_objects_of_another_patient_are_refused_and_never_named(tmp_path: Path) -> None:
    def behave(exchange: Exchange) -> None:
        entries = entry_of("rude", 1), entry_of("rude", 2, patient_id=samples.OTHER_PATIENT)
        exchange.send(http(found(exchange, *entries)))

    response = ask(tmp_path, {"rude": behave, "good": good("good")})
    assert ids(response) == uuids("good")
    (error,) = response.errors
    assert (error.code, error.location) == (ErrorCode.RESULT_NOT_SINGLE_PATIENT, home_of("rude"))
    assert samples.OTHER_PATIENT.id not in error.context


def test_a_patient_id_in_another_spelling_is_the_same(tmp_path: Path) -> None:
    spelt = CX(PATIENT.replace("&2.16", "&urn:oid:2.16") + "^^")
    assert spelt != PATIENT

    def behave(exchange: Exchange) -> None:
        exchange.send(http(found(exchange, entry_of("other", patient_id=spelt))))

    response = ask(tmp_path, {"other": behave})
    assert (response.status, ids(response)) == (ResponseStatus.SUCCESS, uuids("other"))


def test_an_object_that_comes_twice_is_handed_on_once(tmp_path: Path) -> None:
    assert ids(ask(tmp_path, {"twice": good("twice", 1, 1, 2)})) == uuids("twice", 1, 2)


# --- what communities say of themselves ----------------------------------------------------------


def failing(*codes: ErrorCode, location: str = "") -> AdhocQueryResponse:
    errors = tuple(registry_error(code, "so it is", location) for code in codes)
    return AdhocQueryResponse(ResponseStatus.FAILURE, errors)


def test_errors_are_handed_on_with_their_place(tmp_path: Path) -> None:
    response = ask(
        tmp_path,
        {
            "busy": answers("busy", failing(ErrorCode.REGISTRY_BUSY, location="there")),
            "vague": answers("vague", failing(ErrorCode.REGISTRY_ERROR)),
        },
    )
    assert response.status == ResponseStatus.PARTIAL_SUCCESS, "the own registry succeeded"
    assert [(error.code, error.location) for error in response.errors] == [
        (ErrorCode.REGISTRY_BUSY, "there"),
        (ErrorCode.REGISTRY_ERROR, home_of("vague")),
    ]
    assert response.errors[1].context == "so it is"


def test_a_community_that_does_not_know_the_patient_holds_nothing(tmp_path: Path) -> None:
    response = ask(tmp_path, {"other": answers("other", failing(ErrorCode.UNKNOWN_PATIENT_ID))})
    assert (response.status, response.errors) == (ResponseStatus.SUCCESS, ())


@pytest.mark.parametrize(
    "status", [ResponseStatus.FAILURE, ResponseStatus.PARTIAL_SUCCESS, "Failure", ""]
)
def test_a_failure_without_an_error_is_no_success(status: str, tmp_path: Path) -> None:
    response = ask(tmp_path, {"mute": answers("mute", AdhocQueryResponse(status))})
    assert response.status == ResponseStatus.PARTIAL_SUCCESS
    (error,) = response.errors
    assert (error.code, error.location) == (ErrorCode.REGISTRY_ERROR, home_of("mute"))
    assert "and no error" in error.context


def test_with_nobody_who_answers_the_query_fails(tmp_path: Path, nobody: str) -> None:
    with scene(tmp_path, {"gone": f"http://{nobody}", "fault": rude.fault}) as one:
        response = one.client.query(
            replace(QUERY, parameters=(*QUERY.parameters, targets("gone", "fault")))
        )
    assert (response.status, response.objects) == (ResponseStatus.FAILURE, ())
    assert len(response.errors) == 2
