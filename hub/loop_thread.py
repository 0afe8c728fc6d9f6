"""Event loops: the one that serves, and one in a thread for code that blocks.

Both are uvloop's, which takes a tenth off the CPU of a small request (`python -m benchmarks`).
"""

import asyncio
import concurrent.futures
import sys
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

if sys.platform != "win32":
    from uvloop import new_event_loop as new_loop
else:
    from asyncio import new_event_loop as new_loop

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` as the whole of a program, like `asyncio.run`."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)


class LoopThread:
    """An event loop in a thread of its own, for code that blocks."""

    def __init__(self) -> None:
        self.loop = new_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the loop and return its result.

        An interrupt cancels it, and comes out when the work has undone what it had begun; a second
        one comes out at once.
        """
        answer: concurrent.futures.Future[T] = concurrent.futures.Future()
        tasks: list[asyncio.Task[T]] = []

        def start() -> None:
            tasks.append(self.loop.create_task(work))
            tasks[0].add_done_callback(lambda task: _hand_over(task, answer))

        def cancel() -> None:
            tasks[0].cancel()

        self.loop.call_soon_threadsafe(start)
        try:
            return answer.result()
        except BaseException:
            if not answer.done():
                self.loop.call_soon_threadsafe(cancel)
                concurrent.futures.wait([answer])
            raise

    @property
    def is_closed(self) -> bool:
        """Whether `close` has been called."""
        return self.loop.is_closed()

    def close(self) -> None:
        """Stop the loop and wait for its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


def _hand_over(task: asyncio.Task[T], answer: "concurrent.futures.Future[T]") -> None:
    """Tell another thread what came of a task."""
    if task.cancelled():
        answer.set_exception(concurrent.futures.CancelledError())
    elif (failure := task.exception()) is not None:
        answer.set_exception(failure)
    else:
        answer.set_result(task.result())
