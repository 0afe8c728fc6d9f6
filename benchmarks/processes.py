"""What the kernel says about processes: CPU time and memory, from /proc (Linux).

A process stands for itself and for everything that it has started, so that a PostgreSQL server is
one number whichever of its backends did the work.
"""

import contextlib
import os
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")
_TICKS_S: Final = os.sysconf("SC_CLK_TCK")
_MB: Final = 1_000_000


class _Stat(NamedTuple):
    pid: int
    name: str
    parent: int
    ticks: int


def cpu_s(pid: int) -> float:
    """Return CPU seconds, user and system, of a process and its descendants, ended ones too."""
    return sum(each.ticks for each in _tree(pid)) / _TICKS_S


def parent(pid: int) -> int:
    """Return the process that started another."""
    found = _stat(pid)
    assert found is not None, f"process {pid} has ended"
    return found.parent


def name(pid: int) -> str:
    """Return the name of a process's program, at most 15 characters; '' if there is none."""
    found = _stat(pid)
    return found.name if found else ""


def descendant(program: str) -> int | None:
    """Return a process of that name which this process has started, directly or not."""
    return next((each.pid for each in _tree(os.getpid()) if each.name == program), None)


def spawned(pid: int) -> list[int]:
    """Return the worker processes of `felles serve`; a process that has none is its own."""
    workers = [
        each.pid
        for each in _tree(pid)
        if b"spawn_main" in (_PROC / str(each.pid) / "cmdline").read_bytes()
    ]
    return workers or [pid]


def rss_mb(pid: int) -> float:
    """Return how much memory a process holds now, in MB (10^6 octets)."""
    return _status(pid, "VmRSS")


def peak_mb(pid: int) -> float:
    """Return how much it held at most since `forget_peak`, or since it began."""
    return _status(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let the peak of memory count from here."""
    (_PROC / str(pid) / "clear_refs").write_text("5")


def file_system(path: Path) -> str:
    """Return the type of the file system that a path is on, such as `ext4`."""
    best = ("", "unknown")
    for line in (_PROC / "mounts").read_text().splitlines():
        _device, where, kind, *_ = line.split()
        if path.resolve().is_relative_to(where) and len(where) >= len(best[0]):
            best = (where, kind)
    return best[1]


def processor() -> str:
    """Return the name of the processor."""
    for line in (_PROC / "cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return "unknown"


def _status(pid: int, field: str) -> float:
    for line in (_PROC / str(pid) / "status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == field:
            return int(value.split()[0]) * 1024 / _MB
    return 0.0


def _stat(pid: int) -> _Stat | None:
    with contextlib.suppress(OSError):
        head, _, tail = (_PROC / str(pid) / "stat").read_text().rpartition(") ")
        fields = tail.split()
        # utime, stime, and both of children that were waited for
        return _Stat(pid, head.partition("(")[2], int(fields[1]), sum(map(int, fields[11:15])))
    return None


def _tree(root: int) -> list[_Stat]:
    stats = [_stat(int(each.name)) for each in _PROC.iterdir() if each.name.isdigit()]
    present = {each.pid: each for each in stats if each is not None}
    children: dict[int, list[int]] = {}
    for each in present.values():
        children.setdefault(each.parent, []).append(each.pid)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        if pid in present:
            found.append(present[pid])
            waiting += children.get(pid, ())
    return found
