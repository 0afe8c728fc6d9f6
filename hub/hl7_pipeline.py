"""The way of one HL7 v2 message: from its octets to its answer and one log line.

```text
octets ─▶ read ─▶ handle ─▶ acknowledge ─▶ octets
            ╰─ Refusal ─╯ ╰─ anything else: AE 207, logged without its words
```
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from hub import logs
from hub.call import Call
from ihe.errors import NotAllowed, Unavailable
from ihe.hl7v2.acknowledging import Outcome, acknowledge
from ihe.hl7v2.adt import Event
from ihe.hl7v2.message import (
    Acknowledgement,
    Condition,
    Message,
    Refusal,
    parse,
    parse_header,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hl7Service:
    """One transaction of HL7 v2 with what answers it.

    Parameters
    ----------
    transaction, actor
        For logs: `ITI-8`, and who answers.
    handle
        Acts on a message. Raises `Refusal` for one that it does not take, and may block.
    """

    transaction: str
    actor: str
    handle: Callable[[Message, Call], Outcome]

    def answer(self, data: bytes, call: Call) -> bytes:
        """Return the answer to a message, whatever it is and whatever happens; log one line."""
        started = time.perf_counter()
        message: Message | None = None
        try:
            message = parse(data)
            outcome = self.handle(message, call)
        except Refusal as refusal:
            outcome = Outcome.of(refusal)
        except Exception as failure:  # noqa: BLE001  # the peer gets an answer whatever happened
            outcome = self._failed(failure, call)
        if message is None:
            message = parse_header(data)
        answer = acknowledge(message, outcome, at=call.time, trace_id=call.trace_id)
        logs.logger(self.actor).info(
            "answered",
            transaction=self.transaction,
            action=_event(message),
            status=outcome.acknowledgement.value,
            codes=[] if outcome.condition is None else [str(int(outcome.condition))],
            trace_id=call.trace_id,
            peer=call.peer.fingerprint,
            peer_address=call.peer.address,
            bytes_in=len(data),
            bytes_out=len(answer),
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
        )
        return answer

    def refuse(self, reason: str, call: Call) -> bytes:
        """Return the answer to what is no message; log one line."""
        logs.logger(self.actor).warning(
            "no message of HL7 v2",
            transaction=self.transaction,
            trace_id=call.trace_id,
            peer=call.peer.fingerprint,
            peer_address=call.peer.address,
        )
        outcome = Outcome(
            acknowledgement=Acknowledgement.REJECT,
            text=reason,
            condition=Condition.SEGMENT_SEQUENCE,
        )
        return acknowledge(None, outcome, at=call.time, trace_id=call.trace_id)

    def _failed(self, failure: Exception, call: Call) -> Outcome:
        log = logs.logger(self.actor).bind(trace_id=call.trace_id, transaction=self.transaction)
        code, text = Acknowledgement.ERROR, "the hub failed on this message"
        if isinstance(failure, NotAllowed):
            log.warning("not allowed", **logs.describe(failure))
            code, text = Acknowledgement.REJECT, "not allowed"
        elif isinstance(failure, Unavailable):
            log.error(
                "something needed does not answer", what=failure.what, **logs.describe(failure)
            )
            text = f"{failure.what} does not answer; nothing was changed, send the message again"
        else:
            log.error("failed", **logs.describe(failure))
        return Outcome(acknowledgement=code, text=text, condition=Condition.INTERNAL)


def _event(message: Message | None) -> str:
    """Return the event for the log: a partner may write anything there, so only what is known."""
    event = message.header.first(9, 2) if message is not None else ""
    return event if event in set(Event) else ""
