"""Lines of one turn of an event loop may be written together: none is lost, none overtakes."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from hub import logs


class _Counting(io.StringIO):
    """A stream that knows how often it was written to."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)

    @property
    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.getvalue().splitlines()]


@pytest.fixture
def stream() -> Iterator[_Counting]:
    """Let lines go to a stream of the test's own."""
    before, configured = list(logging.getLogger().handlers), structlog.get_config()
    stream = _Counting()
    logs.configure(stream)
    yield stream
    structlog.configure(**configured)
    logging.getLogger().handlers = before


def test_unhurried_lines_of_one_turn_are_one_write(stream: _Counting) -> None:
    async def say() -> None:
        for number in range(5):
            with logs.unhurried():
                logs.logger().info(f"line {number}")
        assert stream.writes == 0
        await asyncio.sleep(0)
        assert stream.writes == 1

    asyncio.run(say())
    assert stream.events == [f"line {number}" for number in range(5)]


def test_a_line_in_a_hurry_is_written_at_once_and_in_its_order(stream: _Counting) -> None:
    async def say() -> None:
        with logs.unhurried():
            logs.logger().info("first")
        logs.logger().error("second")
        assert stream.events == ["first", "second"]
        with logs.unhurried():
            logs.logger().info("third")

    asyncio.run(say())
    assert stream.events == ["first", "second", "third"], "also when the loop ends"
