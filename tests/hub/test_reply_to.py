from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from hub.call import Peer
from hub.pipeline import Exchange, Incoming, open_envelope
from ihe.errors import FaultSubcode, SoapFault
from ihe.soap.envelope import write_request_envelope
from ihe.vocabulary import ANONYMOUS


def exchange(reply_to: str) -> Exchange:
    pieces = write_request_envelope(action="urn:a", to="urn:t", message_id="urn:m", body=(b"<x/>",))
    root = b"".join(pieces).replace(ANONYMOUS.encode(), reply_to.encode())
    return Exchange(
        Incoming(
            root=root,
            parts={},
            endpoint="http://127.0.0.1/",
            peer=Peer(),
            trace_id="0" * 32,
            at=datetime(2026, 11, 24, tzinfo=UTC),
            at_end=ExitStack(),
        )
    )


def test_an_answer_goes_back_over_the_same_connection() -> None:
    assert open_envelope(exchange(ANONYMOUS)).addressing.is_anonymous


def test_a_request_that_wants_its_answer_elsewhere_is_refused_and_not_called_back() -> None:
    asked = exchange("http://127.0.0.1:9/answers")
    with pytest.raises(SoapFault, match="answers go back over the connection") as caught:
        open_envelope(asked)
    assert caught.value.subcode is FaultSubcode.ONLY_ANONYMOUS_ADDRESS
    assert asked.call.message_id == "urn:m"  # so that the fault can relate to it
