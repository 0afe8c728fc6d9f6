"""What no implementation can do without, measured on this machine in this run.

Each floor is the plainest code that does one unavoidable thing: it reads the same bytes, keeps as
durable a promise, moves as many octets. A transaction's floor is the sum of its own.
"""

import hashlib
import itertools
import os
import socket
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

import psycopg
from lxml import etree

from benchmarks import processes
from benchmarks.community import Community, connect_postgres
from benchmarks.messages import NOISE
from benchmarks.timing import Cost, costs, median, no_other

Work: TypeAlias = Callable[[], object]
_SYNCED_FILES: Final = 64
_BUFFER: Final = 1 << 18


def parse(data: bytes) -> Cost:
    """Parse a message by lxml, with a parser made before."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return median(costs(lambda: etree.fromstring(data, parser)))


def hash_both(size: int) -> Cost:
    """Make SHA-1 and SHA-256 of so many octets, as on the way in."""
    data = _noise(size)

    def work() -> None:
        hashlib.sha1(data, usedforsecurity=False).digest()
        hashlib.sha256(data).digest()

    return median(costs(work))


def hash_one(size: int) -> Cost:
    """Make SHA-256 of so many octets, as on the way out."""
    data = _noise(size)
    return median(costs(lambda: hashlib.sha256(data).digest()))


def join(count: int, octets: int) -> Cost:
    """Join an answer of so many octets from so many fragments."""
    fragments = [_noise(octets // count)] * count
    return median(costs(lambda: b"".join(fragments)))


def write_file(folder: Path, size: int) -> Cost:
    """Write and sync a file of so many octets."""
    data = _noise(size)
    names = itertools.cycle([folder / f"floor-{number}" for number in range(_SYNCED_FILES)])

    def work() -> None:
        with next(names).open("wb", buffering=0) as file:
            file.write(data)
            os.fsync(file.fileno())

    try:
        return median(costs(work))
    finally:
        for path in folder.glob("floor-*"):
            path.unlink()


def read_file(folder: Path, size: int) -> Cost:
    """Read a file of so many octets that the system has in memory."""
    path = folder / "floor"
    path.write_bytes(_noise(size))
    try:
        return median(costs(path.read_bytes))
    finally:
        path.unlink()


def exchange(request: int, answer: int) -> Cost:
    """Receive and send so many octets over a kept loopback connection; the server's share.

    The elapsed time is that of the whole exchange, to which the client adds its part.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        spent: list[int] = []
        server = threading.Thread(target=_answer, args=(listener, request, answer, spent))
        server.start()
        with socket.create_connection(listener.getsockname()) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked, buffer = b"x" * request, bytearray(_BUFFER)

            def work() -> None:
                client.sendall(asked)
                _receive(client, answer, buffer)

            found = median(costs(work, repeats=1))
        server.join()
    return Cost(statistics.median(spent) / 1000, found.elapsed)


def commit(community: Community) -> Cost:
    """Commit one small row durably, in the engine that the actors have."""
    with _database(community) as (execute, others):
        execute("CREATE TABLE floor (number bigint)", ())
        return _asked(lambda: execute("INSERT INTO floor VALUES (1)", ()), others)


def read_rows(community: Community, count: int, row: bytes) -> Cost:
    """Read so many rows like this one, by an index, in the engine that the actors have."""
    binary, mark, whole = "blob", "?", ""
    if _is_postgres(community):  # rows stay in one piece, as in the registry's tables
        binary, mark, whole = "bytea", "%s", "WITH (toast_tuple_target = 4080)"
    with _database(community) as (execute, others):
        table = f"floor_{count}"
        execute(
            f"CREATE TABLE {table} (patient integer, number integer, row {binary},"
            f" PRIMARY KEY (patient, number)) {whole}",
            (),
        )
        insert = f"INSERT INTO {table} VALUES ({mark}, {mark}, {mark})"  # noqa: S608  # names of ours
        for patient in range(_PATIENTS):
            for number in range(count):
                execute(insert, (patient, number, row))
        patients = itertools.cycle(range(_PATIENTS))
        select = f"SELECT row FROM {table} WHERE patient = {mark}"  # noqa: S608  # as above
        return _asked(lambda: execute(select, (next(patients),)).fetchall(), others)


_PATIENTS: Final = 5


def _asked(work: Work, others: Callable[[], float]) -> Cost:
    """Return what asking a database costs; a server's CPU is counted in hundredths of seconds."""
    if others is no_other:
        return median(costs(work))
    return median(costs(work, others=others, seconds=1.5, repeats=1))


def _noise(size: int) -> bytes:
    return (NOISE * (size // len(NOISE) + 1))[:size]


def _receive(end: socket.socket, octets: int, buffer: bytearray) -> None:
    while octets:
        count = end.recv_into(buffer, min(octets, len(buffer)))
        if not count:
            raise ConnectionError
        octets -= count


def _answer(listener: socket.socket, request: int, answer: int, spent: list[int]) -> None:
    end, _ = listener.accept()
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data, buffer = _noise(answer), bytearray(_BUFFER)
    with end:
        while True:
            began = time.thread_time_ns()
            try:
                _receive(end, request, buffer)
                end.sendall(data)
            except OSError:
                return
            spent.append(time.thread_time_ns() - began)


def _is_postgres(community: Community) -> bool:
    return community.databases["registry"].startswith("postgresql:")


@contextmanager
def _database(community: Community) -> Iterator[tuple[Callable[..., Any], Callable[[], float]]]:
    """Give what runs a statement by itself, and the CPU seconds of the database's processes."""
    if _is_postgres(community):
        pid = community.pids.get("postgres")
        with connect_postgres(community.databases["registry"]) as server:
            others = (lambda: processes.cpu_s(pid)) if pid else no_other
            with suppress(psycopg.errors.InvalidParameterValue):  # built without it
                server.execute("SET default_toast_compression = 'lz4'")  # as the registry's tables
            cursor = server.cursor(binary=True)
            yield lambda sql, values: cursor.execute(sql, values, prepare=True), others
        return
    path = community.folder / "floors.sqlite"
    file = sqlite3.connect(path, isolation_level=None)
    try:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = FULL")
        yield file.execute, no_other
    finally:
        file.close()
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink()
