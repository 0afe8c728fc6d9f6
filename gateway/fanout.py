"""Asks several communities at once, and never waits for the slowest.

Each is asked in a task of its own, with its own deadline. What came back in time is handed on in
the order of configuration; each one that was silent, late or unreadable gives one
XDSUnavailableCommunity that names it (ITI TF-2 3.18.4.1.3). One that has been late again and again
is not waited for at all, for a while (`gateway.breaker`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.breaker import Breaker
from hub import logs
from hub.soap_client import RemoteFault, TooLarge
from ihe.datatypes import HomeCommunityId
from ihe.errors import ErrorCode, HubError, RegistryError, Unavailable, registry_error

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom to ask: the own registry or a repository, or other communities' Responding Gateway.

    Parameters
    ----------
    homes
        The communities that are asked there, 1..*.
    name
        For people.
    url
        Where to ask.
    deadline_s
        Seconds that the answer may take.
    """

    homes: tuple[HomeCommunityId, ...]
    name: str
    url: str
    deadline_s: float

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(self.homes)})"


@dataclass(frozen=True, slots=True)
class Heard(Generic[T]):
    """What came of asking: an answer, or why there is none, one error for each community."""

    target: Target
    answer: T | None
    errors: tuple[RegistryError, ...] = ()


async def ask_all(
    targets: Iterable[Target],
    ask: Callable[[Target], Awaitable[T]],
    *,
    breaker: Breaker,
    trace_id: str,
) -> list[Heard[T]]:
    """Ask every target at once; return what came of each, in their order.

    `ask` has the target's `deadline_s` to answer. Whatever it raises becomes that target's error.
    A target that the `breaker` leaves alone is not asked.
    """
    asking = (_ask(target, ask, breaker, trace_id) for target in targets)
    return list(await asyncio.gather(*asking))


async def _ask(
    target: Target, ask: Callable[[Target], Awaitable[T]], breaker: Breaker, trace_id: str
) -> Heard[T]:
    try:
        if not breaker.admits(target.url):
            raise LeftAlone(target.url, "it was too late again and again, and is left alone now")  # noqa: TRY301  # told as any other failure
        async with asyncio.timeout(target.deadline_s):
            answer = await ask(target)
    except Exception as failure:  # noqa: BLE001  # one community must not spoil the others' answers
        if _is_late(failure):
            breaker.was_late(target.url)
        elif not isinstance(failure, LeftAlone):
            breaker.has_answered(target.url)
        _log(failure, target, trace_id)
        code, reason = _explained(failure, target)
        errors = (registry_error(code, f"{target} {reason}", home) for home in target.homes)
        return Heard(target, None, tuple(errors))
    breaker.has_answered(target.url)
    return Heard(target, answer)


class LeftAlone(Unavailable):
    """Nobody asked: whoever was late so often would be late again."""


def _is_late(failure: Exception) -> bool:
    return isinstance(failure, TimeoutError) or isinstance(failure.__cause__, TimeoutError)


def _log(failure: Exception, target: Target, trace_id: str) -> None:
    """Say who is silent: as an error if that may be the hub's own fault."""
    log = logs.logger("gateway").bind(trace_id=trace_id, community=", ".join(target.homes))
    if isinstance(failure, HubError | TimeoutError):
        log.warning("no answer", what=target.name, **logs.describe(failure))
    else:
        log.error("asking failed", what=target.name, **logs.describe(failure))


def _explained(failure: Exception, target: Target) -> tuple[ErrorCode, str]:
    """Return the error code of a failure, and what the target did, in words."""
    match failure:
        case TooLarge(reason=reason):
            return ErrorCode.TOO_MANY_RESULTS, f"found more than is taken, ask for less: {reason}"
        case TimeoutError():
            reason = f"no answer within {target.deadline_s:g} s"
        case Unavailable():
            reason = failure.reason or "no answer"
        case RemoteFault(fault=fault):
            reason = f"it answered with a SOAP fault: {fault.reason}"
        case _:
            reason = "its answer cannot be worked on"
    return ErrorCode.UNAVAILABLE_COMMUNITY, f"did not answer: {reason}"
