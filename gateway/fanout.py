"""Asks several communities at once, and never waits for the slowest.

Each is asked in a task of its own, with its own deadline. What came back in time is handed on in
the order of configuration; each one that was silent, late or unreadable gives one
XDSUnavailableCommunity that names it (ITI TF-2 3.18.4.1.3).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from hub import logs
from hub.soap_client import RemoteFault
from ihe.datatypes import HomeCommunityId
from ihe.errors import ErrorCode, RegistryError, SoapFault, Unavailable, registry_error

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One community to ask: the own one through its registry, another through its gateway."""

    home_community_id: HomeCommunityId
    name: str
    url: str
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Heard(Generic[T]):
    """What came of asking one community: an answer, or an error instead."""

    target: Target
    answer: T | None
    error: RegistryError | None = None


async def ask_all(
    targets: Iterable[Target], ask: Callable[[Target], Awaitable[T]], *, trace_id: str
) -> list[Heard[T]]:
    """Ask every target at once; return what came of each, in their order.

    `ask` has the target's `deadline_s` to answer. Whatever it raises becomes that target's error.
    """
    return list(await asyncio.gather(*(_ask(target, ask, trace_id) for target in targets)))


async def _ask(target: Target, ask: Callable[[Target], Awaitable[T]], trace_id: str) -> Heard[T]:
    try:
        async with asyncio.timeout(target.deadline_s):
            return Heard(target, await ask(target))
    except TimeoutError:
        reason = f"no answer within {target.deadline_s:g} s"
    except Unavailable as failure:
        reason = failure.reason or "no answer"
    except RemoteFault as failure:
        reason = f"it answered with a SOAP fault: {failure.fault.reason}"
    except SoapFault as fault:
        reason = f"its answer cannot be read: {fault.reason}"
    except Exception as failure:  # noqa: BLE001  # one community must not spoil the others' answers
        logs.logger("gateway").error(
            "asking failed", trace_id=trace_id, community=target.home_community_id,
            **logs.describe(failure),
        )  # fmt: skip
        reason = "its answer cannot be worked on"
    return Heard(target, None, unavailable(target, reason))


def unavailable(target: Target, reason: str) -> RegistryError:
    """Return the error of a community that gave no answer."""
    return registry_error(
        ErrorCode.UNAVAILABLE_COMMUNITY,
        f"{target.name} ({target.home_community_id}) did not answer: {reason}",
        target.home_community_id,
    )
