"""The threads and the places of one actor.

Actors behind one socket call each other: a repository's handler waits for the registry's. With
threads in common, sixteen such handlers would wait for ever for a seventeenth thread.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from hub.limits import Limits

T = TypeVar("T")


class Lane:
    """What one actor has for its requests; used from one event loop."""

    def __init__(self, limits: Limits) -> None:
        self._pool = ThreadPoolExecutor(limits.threads, thread_name_prefix="felles")
        self._free = limits.in_flight

    @contextlib.contextmanager
    def place(self) -> Iterator[bool]:
        """Give whether there is a place for one more request, and hold it during the block."""
        if not self._free:
            yield False
            return
        self._free -= 1
        try:
            yield True
        finally:
            self._free += 1

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do blocking work in a thread of this actor."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    def close(self) -> None:
        """End the threads; work that has begun is done first."""
        self._pool.shutdown()
