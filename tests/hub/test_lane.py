"""The threads of an actor: what goes in comes out, and no more of them than allowed."""

import asyncio
import gc
import threading
import time
import weakref

import pytest

from hub.lane import Lane, NoTurn
from hub.limits import Limits


def test_work_is_done_in_another_thread_and_its_result_comes_back() -> None:
    async def ask() -> tuple[str, int]:
        lane = Lane(Limits())
        try:
            return await lane.run(lambda: threading.current_thread().name), await lane.run(abs, -7)
        finally:
            lane.close()

    assert asyncio.run(ask()) == ("felles", 7)


def test_a_failure_reaches_whoever_waits_and_the_thread_goes_on() -> None:
    async def ask() -> str:
        lane = Lane(Limits(threads=1))
        try:
            with pytest.raises(ZeroDivisionError):
                await lane.run(lambda: 1 // 0)
            return await lane.run(str, 1)
        finally:
            lane.close()

    assert asyncio.run(ask()) == "1"


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_is_worked_on_at_once_than_there_are_threads(threads: int) -> None:
    at_work, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        time.sleep(0.02)
        with lock:
            at_work -= 1

    async def ask() -> None:
        lane = Lane(Limits(threads=threads))
        await asyncio.gather(*(lane.run(work) for _ in range(4 * threads)))
        lane.close()

    asyncio.run(ask())
    assert most == threads


def test_one_request_after_the_other_needs_one_thread() -> None:
    async def ask() -> set[int]:
        lane = Lane(Limits(threads=8))
        try:
            return {await lane.run(threading.get_ident) for _ in range(20)}
        finally:
            lane.close()

    assert len(asyncio.run(ask())) == 1


def test_work_that_nobody_waits_for_any_more_is_not_begun() -> None:
    done: list[str] = []

    async def ask() -> None:
        lane = Lane(Limits(threads=1))
        go = threading.Event()
        first = asyncio.create_task(lane.run(go.wait))
        second = asyncio.create_task(lane.run(done.append, "second"))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        go.set()
        await first
        lane.close()

    asyncio.run(ask())
    assert done == []


def test_closing_waits_for_what_has_begun() -> None:
    done: list[str] = []

    def work(begun: threading.Event) -> None:
        begun.set()
        time.sleep(0.05)
        done.append("finished")

    async def ask() -> None:
        lane, begun = Lane(Limits()), threading.Event()
        task = asyncio.create_task(lane.run(work, begun))
        await asyncio.sleep(0)
        begun.wait(5)
        lane.close()
        assert done == ["finished"]
        await task

    asyncio.run(ask())


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_that_was_worked_on_stays(fails: bool) -> None:
    class Message:
        pass

    def work(_message: Message) -> None:
        if fails:
            raise LookupError

    async def ask() -> None:
        lane, message = Lane(Limits()), Message()
        kept = weakref.ref(message)
        try:
            await lane.run(work, message)
        except LookupError:
            assert fails
        del message
        for _ in range(100):
            if kept() is None:
                break
            await asyncio.sleep(0.01)
        assert kept() is None
        lane.close()

    gc.collect()
    gc.disable()
    try:
        asyncio.run(ask())
    finally:
        gc.enable()


def test_work_that_has_no_turn_in_time_is_never_begun() -> None:
    begun: list[str] = []
    release = threading.Event()

    async def ask() -> None:
        lane = Lane(Limits(threads=1))
        try:
            at_work = asyncio.create_task(lane.run(release.wait))
            await asyncio.sleep(0)
            with pytest.raises(NoTurn):
                await lane.run(begun.append, "late", within_s=0.01)
            patient = asyncio.create_task(lane.run(begun.append, "patient", within_s=60))
            await asyncio.sleep(0)
            release.set()
            await at_work
            await patient
        finally:
            release.set()
            lane.close()

    asyncio.run(ask())
    assert begun == ["patient"]


def test_work_that_has_begun_in_time_may_take_longer() -> None:
    async def ask() -> str:
        lane = Lane(Limits(threads=1))
        begun = threading.Event()

        def work() -> str:
            begun.set()
            time.sleep(0.1)
            return "done"

        try:
            asked = asyncio.create_task(lane.run(work, within_s=0.05))
            await asyncio.sleep(0)
            begun.wait()
            return await asked
        finally:
            lane.close()

    assert asyncio.run(ask()) == "done"


def test_work_that_nobody_wants_when_its_turn_comes_is_not_begun() -> None:
    begun: list[str] = []

    async def ask() -> None:
        lane = Lane(Limits(threads=1))
        try:
            with pytest.raises(NoTurn):
                await lane.run(begun.append, "unwanted", is_wanted=lambda: False)
            await lane.run(begun.append, "wanted", is_wanted=lambda: True)
        finally:
            lane.close()

    asyncio.run(ask())
    assert begun == ["wanted"]
