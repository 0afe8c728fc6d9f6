"""The way of one SOAP message through an actor, the same for every transaction.

```text
Incoming ─▶ envelope ─▶ wsa:Action ─▶ request value ─▶ handle ─▶ response value ─▶ Reply
   │           │            │              │              │
   └───────────┴────────────┴──────────────┘              └─ XdsFailure, Unavailable, anything
          SoapFault: not this transaction's message            else: a response that says so
```

Each step is a function of an `Exchange`; `hub.soap_server` calls them in this order. Whatever goes
wrong becomes an answer here and nowhere else, is logged here once, and carries the trace id.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

from hub import ids, logs
from hub.call import Call, Peer
from hub.parts import StagedContent
from hub.serving import Served
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
from ihe.hl7v3.values import DetailCode
from ihe.messages import Attachment, Body
from ihe.soap.envelope import Envelope, read_envelope, write_response_envelope
from ihe.soap.faults import write_fault
from ihe.soap.validation import NOTHING_STORED, VALIDATE_ONLY, header
from ihe.transactions import Packaging
from ihe.vocabulary import ANONYMOUS, Severity

P = TypeVar("P")

UNDERSTOOD: Final = frozenset(
    {
        "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}Security",
        VALIDATE_ONLY,
    }
)
"""Header blocks that may be marked mustUnderstand, besides WS-Addressing's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One message as it came over HTTP, whole.

    Parameters
    ----------
    root
        The SOAP envelope, with inline documents already taken out.
    parts
        Attachments by Content-ID (unquoted, without angle brackets), staged.
    endpoint, peer, trace_id, at, at_end
        As in `Call`.
    """

    root: bytes
    parts: Mapping[str, StagedContent]
    endpoint: str
    peer: Peer
    trace_id: str
    at: datetime
    at_end: ExitStack


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back over HTTP: an envelope in pieces, and documents beside it.

    `retry_after_s` asks the caller to come back later. `transaction`, `codes` and `validated_only`
    say for the log what was answered.
    """

    http_status: int
    envelope: tuple[bytes, ...]
    attachments: tuple[Attachment, ...] = ()
    multipart: bool = False
    retry_after_s: int | None = None
    transaction: str = ""
    codes: tuple[str, ...] = ()
    validated_only: bool = False


@dataclass(slots=True)
class Exchange:
    """One message on its way, and what became of it so far."""

    incoming: Incoming
    envelope: Envelope | None = None
    served: Served[Any] | None = None
    request: Any = None
    response: Any = None

    @property
    def call(self) -> Call:
        """The call as handlers see it."""
        incoming = self.incoming
        return Call(
            at=incoming.at,
            trace_id=incoming.trace_id,
            endpoint=incoming.endpoint,
            message_id=self.envelope.addressing.message_id if self.envelope else None,
            peer=incoming.peer,
            at_end=incoming.at_end,
        )


def open_envelope(exchange: Exchange) -> Envelope:
    """Read the envelope: step one. Raises `SoapFault`."""
    envelope = exchange.envelope = read_envelope(exchange.incoming.root, understood=UNDERSTOOD)
    if not envelope.addressing.is_anonymous:
        raise SoapFault(
            FaultCode.SENDER,
            f"wsa:ReplyTo is '{envelope.addressing.reply_to}'; answers go back over the connection"
            f" that the request came by, so '{ANONYMOUS}' or no ReplyTo is expected",
            FaultSubcode.ONLY_ANONYMOUS_ADDRESS,
        )
    return envelope


def dispatch(exchange: Exchange, table: Mapping[str, Served[Any]]) -> Served[Any]:
    """Find what answers the message by its wsa:Action (ITI TF-2 V.3.2.2): step two.

    The body must be the transaction's own: an action that says one thing over a body that says
    another is refused rather than guessed at.
    """
    envelope = exchange.envelope
    assert envelope is not None, "open_envelope comes first"  # noqa: S101  # our own order
    action = envelope.addressing.action
    served = table.get(action)
    if served is None:
        known = ", ".join(sorted(table))
        raise SoapFault(
            FaultCode.SENDER,
            f"wsa:Action '{action}' is not served at {exchange.incoming.endpoint};"
            f" served are: {known}",
            FaultSubcode.ACTION_NOT_SUPPORTED,
            problem_action=action,
        )
    expected = served.transaction.request_element
    if envelope.body.tag != expected:
        raise SoapFault(
            FaultCode.SENDER,
            f"wsa:Action '{action}' goes with the body element {expected},"
            f" found {envelope.body.tag!s}",
            FaultSubcode.ACTION_NOT_SUPPORTED,
            problem_action=action,
        )
    if envelope.validate_only and served.validate is None:
        raise SoapFault(
            FaultCode.MUST_UNDERSTAND,
            f"{served.transaction.name} cannot be validated only, so {VALIDATE_ONLY} is not"
            " understood with it",
            not_understood=(VALIDATE_ONLY,),
        )
    exchange.served = served
    return served


def read_request(exchange: Exchange) -> Any:
    """Turn the body into the transaction's request value: step three. Raises `SoapFault`."""
    served, envelope = exchange.served, exchange.envelope
    assert served is not None and envelope is not None  # noqa: S101, PT018  # our own order
    request = served.transaction.read_request(envelope.body, exchange.incoming.parts)
    exchange.request = request
    return request


def handler(exchange: Exchange, served: Served[P]) -> Callable[[Any, Call, P], Any]:
    """Return what answers the message: its handler, or what answers without storing anything."""
    if exchange.envelope is not None and exchange.envelope.validate_only:
        assert served.validate is not None, "dispatch refuses"  # noqa: S101  # our own order
        return served.validate
    return served.handle


def handle(exchange: Exchange, work: Callable[[], Any]) -> Any:
    """Do the transaction's work, whatever comes of it: step four.

    Returns a response value in any case, but for a `SoapFault`, which passes.
    """
    try:
        return work()
    except SoapFault:
        raise
    except Exception as failure:  # noqa: BLE001  # the peer gets an answer whatever happened
        return failed(exchange, failure)


async def handle_async(exchange: Exchange, work: Awaitable[Any]) -> Any:
    """Like `handle`, for a handler that runs in the event loop."""
    try:
        return await work
    except SoapFault:
        raise
    except Exception as failure:  # noqa: BLE001  # the peer gets an answer whatever happened
        return failed(exchange, failure)


def failed(exchange: Exchange, failure: Exception) -> Any:
    """Return the response that says what went wrong, and log what the response does not say."""
    served = exchange.served
    assert served is not None  # noqa: S101  # our own order
    transaction = served.transaction
    log = logs.logger().bind(trace_id=exchange.incoming.trace_id, transaction=transaction.name)
    if isinstance(failure, XdsFailure):
        return transaction.failure(failure.errors)
    code = transaction.internal_error
    if isinstance(failure, OutOfResources):
        log.error("something needed is full", what=failure.what, **logs.describe(failure))
        code = _OUT_OF_RESOURCES.get(code, code)
        context = f"{failure.what} has no room left; nothing was kept, try again later"
    elif isinstance(failure, Unavailable):
        log.error("something needed does not answer", what=failure.what, **logs.describe(failure))
        context = f"{failure.what} does not answer; try again later"
    elif isinstance(failure, NotAllowed):
        log.warning("not allowed", **logs.describe(failure))
        context = "not allowed"
    else:
        log.error("failed", **logs.describe(failure))
        context = "the hub failed on this request"
    return transaction.failure((registry_error(code, context),))


_OUT_OF_RESOURCES: Final = {
    ErrorCode.REGISTRY_ERROR: ErrorCode.REGISTRY_OUT_OF_RESOURCES,
    ErrorCode.REPOSITORY_ERROR: ErrorCode.REPOSITORY_OUT_OF_RESOURCES,
}
"""The code of an actor that is full, by its code for any other failure."""


def write_reply(exchange: Exchange) -> Reply:
    """Turn the response value into an envelope: step five."""
    served, envelope = exchange.served, exchange.envelope
    assert served is not None and envelope is not None  # noqa: S101, PT018  # our own order
    transaction = served.transaction
    response = _traced(exchange.response, exchange.incoming.trace_id)
    if transaction.addressed is not None:
        time = exchange.call.time
        response = transaction.addressed(response, exchange.request, ids.new_uuid(), time)
    body: Body = transaction.write_response(response)
    pieces = write_response_envelope(
        action=transaction.response_action,
        relates_to=envelope.addressing.message_id,
        body=body.xml,
        extra_headers=header(NOTHING_STORED) if envelope.validate_only else "",
    )
    return Reply(
        http_status=200,
        envelope=pieces,
        attachments=body.attachments,
        multipart=transaction.packaging is Packaging.MTOM,  # whatever the request was (V.8.2)
        transaction=transaction.name,
        codes=tuple(
            dict.fromkeys(  # of ten thousand errors, the log needs each code once
                str(error.code) if error.code in _CODES else "(a code of their own)"
                for error in response.errors
            )
        ),
        validated_only=envelope.validate_only,
    )


_CODES: Final = frozenset[str]({*ErrorCode, *DetailCode})
"""Codes that may stand in a log: other communities may write anything as a code."""


def _traced(response: Any, trace_id: str) -> Any:
    """Return the response with the trace id in its first error, for whoever asks us about it."""
    errors = list(response.errors)
    for position, error in enumerate(errors):
        if error.severity == Severity.ERROR:
            if trace_id in error.context:  # another actor's of the same call
                break
            errors[position] = replace(error, context=f"{error.context} (trace {trace_id})")
            return replace(response, errors=tuple(errors))
    return response


def fault_reply(fault: SoapFault, *, trace_id: str, relates_to: str | None = None) -> Reply:
    """Turn a fault into an answer, as simple SOAP always (SOAP 1.2 Part 2 7.5.2)."""
    return Reply(
        http_status=fault.status,
        envelope=write_fault(fault, relates_to=relates_to or fault.relates_to, trace_id=trace_id),
        retry_after_s=fault.retry_after_s,
        codes=(f"{fault.code}/{fault.subcode}" if fault.subcode else fault.code,),
    )


def unavailable_reply(failure: Unavailable, *, trace_id: str) -> Reply:
    """Log that something needed does not answer, and return a Receiver fault."""
    logs.logger().error(
        "something needed does not answer",
        trace_id=trace_id,
        what=failure.what,
        **logs.describe(failure),
    )
    said = "has no room left" if isinstance(failure, OutOfResources) else "does not answer"
    fault = SoapFault(
        FaultCode.RECEIVER,
        f"{failure.what} {said}; nothing was kept, try again later",
        http_status=503,
        retry_after_s=failure.retry_after_s or _RETRY_AFTER_S,
    )
    return fault_reply(fault, trace_id=trace_id)


_RETRY_AFTER_S: Final = 10


def broken_reply(failure: Exception, *, trace_id: str, relates_to: str | None) -> Reply:
    """Log a failure of the hub itself outside a handler, and return a Receiver fault."""
    logs.logger().error("failed", trace_id=trace_id, **logs.describe(failure))
    fault = SoapFault(FaultCode.RECEIVER, "the hub failed on this message")
    return fault_reply(fault, trace_id=trace_id, relates_to=relates_to)
