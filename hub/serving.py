"""What an actor serves: transactions, each bound to the function that answers it.

An actor's `serves.py` is a list of `served_by(ITI_42, iti42.handle)`. The types tie the two
together: to bind the handler of another transaction is a type error.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from hub.call import Call
from ihe.transactions import Transaction

Req = TypeVar("Req")
Resp = TypeVar("Resp")
P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Served(Generic[P]):
    """One transaction with its handler; `P` is the type of the actor's ports."""

    transaction: Transaction[Any, Any]  # which messages: tied together by `served_by`
    handle: Callable[[Any, Call, P], Any]
    validate: Callable[[Any, Call, P], Any] | None = None


def served_by(
    transaction: Transaction[Req, Resp],
    handle: Callable[[Req, Call, P], Resp] | Callable[[Req, Call, P], Awaitable[Resp]],
    *,
    validate: Callable[[Req, Call, P], Resp] | None = None,
) -> Served[P]:
    """Bind a transaction to its handler.

    A plain function runs in the actor's thread pool; a coroutine function runs in its event loop.

    Parameters
    ----------
    validate
        Answers in the place of `handle` when the message asks to be validated only
        (`ihe.soap.validation`): with the same response, and storing nothing. Without it, such a
        message is refused.
    """
    return Served(transaction, handle, validate)
