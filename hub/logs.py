"""Logs: one JSON object a line on standard error, with nothing about a patient in it.

What may stand in a line is a closed list (`FIELDS`). A value under any other name is dropped and
counted, so that a careless `log.info("…", request=request)` cannot put a birth number on a disk.
An exception is logged by its type and the places it came through, never by its message.
"""

import asyncio
import contextlib
import logging
import sys
import threading
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any, Final, TextIO, cast

import structlog

FIELDS: Final = frozenset(
    {
        "event", "level", "time", "trace_id",
        "actor", "transaction", "action", "endpoint", "status", "http_status", "codes", "fault",
        "peer", "peer_address", "milliseconds", "bytes_in", "bytes_out", "documents", "results",
        "community", "what", "exception", "where", "reason", "count", "address", "url", "path",
        "version", "engine", "dropped",
    }
)  # fmt: skip  # read as a list of words
"""Names of values that a log line may hold; none of them may ever name a patient."""


def _only_known_fields(
    _logger: object, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    unknown = [name for name in line if name not in FIELDS]
    for name in unknown:
        del line[name]
    if unknown:
        line["dropped"] = sorted(unknown)
    return line


def describe(exception: BaseException) -> dict[str, Any]:
    """Return what may be logged of an exception: its type and where it was raised.

    Its message stays out: a driver or a parser may have put a patient's data into it.
    """
    frames = traceback.extract_tb(exception.__traceback__)
    where = [f"{frame.name} {frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames]
    cause = exception.__cause__ or exception.__context__
    names = [type(exception).__qualname__]
    while cause is not None and len(names) < _CAUSES:
        names.append(type(cause).__qualname__)
        cause = cause.__cause__ or cause.__context__
    return {"exception": " from ".join(names), "where": where[-_FRAMES:]}


_CAUSES: Final = 4
_FRAMES: Final = 12


class _ForeignLine(logging.Handler):
    """Lets through what libraries say, as level and logger name only."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write that a library had something to say; its words may hold anything."""
        log = structlog.get_logger()
        fields: dict[str, Any] = {"what": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            fields |= describe(record.exc_info[1])
        log.log(record.levelno, "a library reports a problem", **fields)


class _Stream:
    """Where lines go: each at once, or what one turn of an event loop says together.

    To write lets other threads take the interpreter, and a loop beside busy ones waits for some
    milliseconds until it has it back. With one write for each request, a hub that has too much to
    do could refuse two hundred a second and no more.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting = threading.local()

    def write(self, line: str) -> None:
        """Write a line now, or when the turn ends if it is `unhurried`."""
        pending: list[str] = self._waiting.__dict__.setdefault("lines", [])
        pending.append(line)
        if not getattr(_UNHURRIED, "is_so", False):
            self._write()
        elif len(pending) == 1:
            asyncio.get_running_loop().call_soon(self._write)

    def flush(self) -> None:
        """Do nothing more: `write` has done it, or will."""

    def _write(self) -> None:
        pending: list[str] = self._waiting.lines
        if pending:
            text = "".join(pending)
            pending.clear()
            self._stream.write(text)
            self._stream.flush()


_UNHURRIED: Final = threading.local()


@contextlib.contextmanager
def unhurried() -> Iterator[None]:
    """Let the lines of this block, in an event loop, wait for the others of the same turn."""
    _UNHURRIED.is_so = True
    try:
        yield
    finally:
        _UNHURRIED.is_so = False


QUIET: Final = logging.CRITICAL
"""For programs whose output is for people."""


def configure(stream: TextIO | None = None, *, level: int = logging.INFO) -> None:
    """Set logging up for a process: our lines as JSON, libraries' warnings without their words.

    Parameters
    ----------
    stream
        Where lines go, one write each but for those that are `unhurried`; standard error when
        None.
    level
        Lowest level that is written, as in `logging`.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _only_known_fields,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _Stream(stream or sys.stderr))),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _ForeignLine):
            root.removeHandler(handler)
    root.addHandler(_ForeignLine(logging.WARNING))
    logging.getLogger("spyne").setLevel(logging.CRITICAL + 1)  # it logs whole invalid messages


def logger(actor: str = "") -> structlog.typing.FilteringBoundLogger:
    """Return a logger whose lines name `actor`."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return log.bind(actor=actor) if actor else log
