"""What is no POST of a message, or no HTTP at all: other methods and paths, garbage, huge heads."""

import socket

import pytest

from ihe.transactions import ITI_18, ITI_43
from tests import samples
from tests.hub.conftest import Log, eventually
from tests.hub.posting import (
    SOAP_TYPE,
    Answer,
    answers_on,
    connected,
    envelope,
    get,
    head,
    post,
    request,
)
from tests.running import Running

QUERY = request(ITI_18)


def said_by(answer: Answer) -> str:
    """Return a short answer's text; its trace id is in it and in its header."""
    assert answer.trace_id in answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return answer.text


# --- methods and paths ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(method: str, unharmed: Running) -> None:
    answer = get(unharmed.registry, method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert f"{method} is not possible here; POST a SOAP message" in said_by(answer)


def test_a_get_says_what_can_be_had(unharmed: Running) -> None:
    for query in ("", "?page=13916900216", "?xsd=../../etc/passwd"):
        answer = get(f"{unharmed.registry}{query}")
        assert answer.status == 404
        assert "GET ?wsdl" in said_by(answer)
    assert get(f"{unharmed.registry}?wsdl", "HEAD").status == 200


@pytest.mark.parametrize(
    "path", ["/", "/registry/..", "/REGISTRY", "/registry/x", "/Danser%20Line", "/%E2%82%AC%FF%00"]
)
def test_an_unknown_path_says_what_is_served(path: str, unharmed: Running) -> None:
    answer = get(f"{unharmed.url}{path}")
    assert answer.status == 404
    assert "served are: /gateway, /gateway/initiating, /registry, /repository" in said_by(answer)
    answer = post(f"{unharmed.url}{path}", QUERY)
    assert (answer.status, answer.codes) == (404, ["Sender", "DestinationUnreachable"])
    assert "served are: /gateway" in answer.reason
    assert answer.trace_id in answer.reason


def test_health_is_told(unharmed: Running) -> None:
    assert get(f"{unharmed.url}/health/live").text == "live\n"
    assert get(f"{unharmed.url}/health/ready").text == "ready\n"
    assert get(f"{unharmed.url}/health/other").status == 404


def test_a_wsdl_is_served_under_whatever_name_the_client_calls(unharmed: Running) -> None:
    with connected(unharmed.url) as connection:
        connection.sendall(b"GET /registry?wsdl HTTP/1.1\r\nHost: a\"<b>&'c\r\n\r\n")
        (answer,) = answers_on(connection)
    assert answer.status in {200, 400}
    assert "<b>" not in answer.text


# --- no HTTP -------------------------------------------------------------------------------------

GARBAGE = {
    "words": b"Danser, Line 13916900216\r\n\r\n",
    "tls": bytes.fromhex("16030100a5010000a10303") + bytes(160),
    "hl7": b"\x0bMSH|^~\\&|Danser\r\x1c\r\r\n\r\n",
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "blank in a name": b"POST /registry HTTP/1.1\r\nHost : x\r\n\r\n",
    "line feed in a value": b"POST /registry HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
    "two lengths": head("http://x/registry", 5, SOAP_TYPE, "Content-Length: 6") + b"hello",
    "length and chunks": head("http://x/registry", 5, SOAP_TYPE, "Transfer-Encoding: chunked")
    + b"0\r\n\r\nPOST /registry HTTP/1.1\r\n\r\n",
    "length of words": head("http://x/registry", 5).replace(b"Length: 5", b"Length: five"),
    "bad path": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_http_is_refused_and_hung_up_on(name: str, unharmed: Running) -> None:
    with connected(unharmed.url) as connection:
        connection.sendall(GARBAGE[name])
        (answer,) = answers_on(connection)
        assert answer.status == 400
        assert "this is not HTTP/1.1" in said_by(answer)
        assert connection.recv(1) == b""


def test_chunks_that_are_none_are_refused(unharmed: Running) -> None:
    start = head(unharmed.registry, 0, SOAP_TYPE, "Transfer-Encoding: chunked")
    start = start.replace(b"Content-Length: 0\r\n", b"")
    with connected(unharmed.url) as connection:
        connection.sendall(start + b"5\r\nhello\r\nDanser\r\n")
        (answer,) = answers_on(connection)
    assert answer.status == 400


def test_garbage_behind_a_good_request_does_not_spoil_its_answer(unharmed: Running) -> None:
    good = head(unharmed.registry, len(QUERY)) + QUERY
    with connected(unharmed.url) as connection:
        connection.sendall(good + b"\x00\x01Danser, Line\r\n\r\n")
        (answer,) = answers_on(connection)
        assert (answer.status, answer.registry_status) == (200, "Success")
        assert connection.recv(1) == b""


def test_requests_behind_each_other_are_answered_in_their_order(unharmed: Running) -> None:
    good = head(unharmed.registry, len(QUERY)) + QUERY
    bad = head(unharmed.registry, 6) + b"Danser"
    with connected(unharmed.url) as connection:
        connection.sendall(good + bad + good + bad)
        answers = answers_on(connection, 4)
    assert [each.is_fault for each in answers] == [False, True, False, True]


def test_a_refused_message_leaves_the_connection_for_the_next(unharmed: Running) -> None:
    with connected(unharmed.url) as connection:
        for _ in range(3):
            connection.sendall(head(unharmed.registry, 700_000, "text/plain") + b"x" * 700_000)
            assert answers_on(connection)[0].status == 415
        connection.sendall(head(unharmed.registry, len(QUERY)) + QUERY)
        assert answers_on(connection)[0].registry_status == "Success"


def test_whoever_asks_first_need_not_send_what_is_refused(unharmed: Running) -> None:
    with connected(unharmed.url) as connection:
        connection.sendall(head(unharmed.registry, 9 * 1024**3, SOAP_TYPE, "Expect: 100-continue"))
        assert answers_on(connection)[0].status == 413
    with connected(unharmed.url) as connection:
        connection.sendall(head(unharmed.registry, len(QUERY), SOAP_TYPE, "Expect: 100-continue"))
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(QUERY)
        assert answers_on(connection)[0].registry_status == "Success"


@pytest.mark.parametrize("upgrade", ["h2c", "websocket", "TLS/1.2"])
def test_an_offer_to_speak_something_else_is_passed_over(upgrade: str, unharmed: Running) -> None:
    offer = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {upgrade}", "HTTP2-Settings: AAMAAA")
    good = head(unharmed.registry, len(QUERY), SOAP_TYPE, *offer) + QUERY
    with connected(unharmed.url) as connection:
        connection.sendall(good)
        assert answers_on(connection)[0].registry_status == "Success"
        connection.sendall(good)
        assert answers_on(connection)[0].registry_status == "Success"


# --- heads and framing that are too large --------------------------------------------------------


def refused_for_its_head(connection: socket.socket) -> None:
    (answer,) = answers_on(connection)
    assert answer.status == 431
    assert "too large" in said_by(answer)


def flood(connection: socket.socket, piece: bytes) -> None:
    """Send the same again and again, until the other side has had enough."""
    try:
        for _ in range(2_000):
            connection.sendall(piece)
    except OSError:
        return
    pytest.fail(f"{2_000 * len(piece)} octets were taken")


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nX-Ward: "], ids=["path", "value"])
def test_a_head_has_an_end(start: bytes, unharmed: Running) -> None:
    with connected(unharmed.url) as connection:
        connection.sendall(start + b"x" * 300_000)
        connection.sendall(b"x" * 30_000)
        refused_for_its_head(connection)


def test_headers_do_not_come_for_ever(unharmed: Running) -> None:
    with connected(unharmed.url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        flood(connection, b"X-Ward: B3\r\n" * 2_000)


@pytest.mark.parametrize(
    "piece",
    [b"1;ward=" + b"x" * 50_000 + b"\r\nx\r\n", b"0\r\n" + b"X-Ward: B3\r\n" * 9_000],
    ids=["extensions", "trailers"],
)
def test_chunks_are_mostly_content(piece: bytes, unharmed: Running) -> None:
    start = head(unharmed.registry, 0, SOAP_TYPE, "Transfer-Encoding: chunked")
    with connected(unharmed.url) as connection:
        connection.sendall(start.replace(b"Content-Length: 0\r\n", b""))
        flood(connection, piece)


def test_a_message_in_chunks_of_one_octet_is_taken(unharmed: Running) -> None:
    start = head(unharmed.registry, 0, SOAP_TYPE, "Transfer-Encoding: chunked")
    chunks = b"".join(b"1\r\n%c\r\n" % octet for octet in QUERY)
    with connected(unharmed.url) as connection:
        connection.sendall(start.replace(b"Content-Length: 0\r\n", b"") + chunks + b"0\r\n\r\n")
        assert answers_on(connection)[0].registry_status == "Success"


# --- what is logged ------------------------------------------------------------------------------


def test_every_answer_has_one_line_in_the_log(unharmed: Running, log: Log) -> None:
    for message in (QUERY, b"Danser, Line"):
        answer = post(unharmed.registry, message)
        eventually(lambda: answer.trace_id in log.stream.getvalue())  # noqa: B023  # called here
        (line,) = (line for line in log.lines if answer.trace_id in line)
        assert '"event": "answered"' in line
        assert f'"http_status": {answer.status}' in line
        assert '"peer_address": "127.0.0.1"' in line


def test_a_line_in_the_log_is_short_whatever_an_answer_holds(unharmed: Running, log: Log) -> None:
    many = samples.retrieve(*(f"2.25.9.{number}" for number in range(1_000)))
    message = envelope(ITI_43.action, b"".join(ITI_43.write_request(many).xml))
    answer = post(unharmed.repository, message)
    assert len(answer.errors) == 1_000
    eventually(lambda: answer.trace_id in log.stream.getvalue())
    (line,) = (line for line in log.lines if answer.trace_id in line)
    assert '"codes": ["XDSUnknownRepositoryId"]' in line
