"""What reading a message costs: `python -m benchmarks.parser`.

The first table compares `ihe.xml.parse` with lxml's own parser on messages of ordinary size. The
second moves a large document through the MIME reader and the inline cutter. What hostile messages
cost, `python -m benchmarks.hostile` tells.
"""

import base64
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import repeat
from typing import Final

from lxml import etree

from benchmarks.timing import costs, median
from ihe import xml
from ihe.ebxml.rendering import render
from ihe.ebxml.requests import write_submit
from ihe.ebxml.responses import write_query_response
from ihe.messages import CHUNK, AdhocQueryResponse, SubmitObjectsRequest
from ihe.soap.envelope import read_envelope, write_request_envelope, write_response_envelope
from ihe.soap.mime import MultipartReader
from ihe.soap.mtom import PackageReader
from ihe.vocabulary import XDS
from tests import samples

_SECONDS: Final = 0.3
_MB: Final = 1_000_000
_LARGE: Final = 400 * _MB
_MILLION: Final = 10**6


def microseconds(work: Callable[[], object]) -> float:
    """Return CPU microseconds of one call: the median of the repeats."""
    return median(costs(work, seconds=_SECONDS)).cpu


# --- ordinary messages ---------------------------------------------------------------------------


def ordinary() -> dict[str, bytes]:
    """Return messages as partners send them."""
    submission = replace(samples.submission(), entries=(samples.entry(),))
    submit = write_submit(SubmitObjectsRequest(submission))
    request = write_request_envelope(
        action="urn:ihe:iti:2007:RegisterDocumentSet-b",
        to="https://registry.example/iti42",
        message_id=samples.uuid(7),
        body=submit.xml,
    )
    entry = render(samples.entry())
    messages = {"ITI-42, one document": b"".join(request)}
    for count in (10, 100, 500):
        answer = write_query_response(AdhocQueryResponse(fragments=(entry,) * count))
        whole = write_response_envelope(action="urn:x", relates_to="urn:uuid:1", body=answer.xml)
        messages[f"ITI-18 answer, {count} entries"] = b"".join(whole)
    return messages


def print_ordinary() -> None:
    """Print what parsing costs beside lxml alone."""
    print(f"{'µs of CPU':34} {'octets':>9} {'lxml':>9} {'parse':>9} {'ratio':>6} {'envelope':>9}")
    for name, data in ordinary().items():
        floor = microseconds(lambda data=data: etree.fromstring(data))  # type: ignore[misc]  # data is bound
        parse = microseconds(lambda data=data: xml.parse(data))  # type: ignore[misc]  # as above
        read = microseconds(lambda data=data: read_envelope(data))  # type: ignore[misc]  # as above
        print(f"{name:34} {len(data):9} {floor:9.1f} {parse:9.1f} {parse / floor:6.2f} {read:9.1f}")


# --- large documents -----------------------------------------------------------------------------

_BOUNDARY: Final = "felles_0123456789abcdef0123456789abcdef"
_LINE: Final = base64.b64encode(random.Random(1).randbytes(54)) + b"\r\n"  # noqa: S311  # the same in every run


def _part(encoding: str, chunk: bytes) -> Iterator[bytes]:
    yield f"--{_BOUNDARY}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    yield from repeat(chunk, _LARGE // len(chunk))
    yield f"\r\n--{_BOUNDARY}--\r\n".encode()


def _inline(chunk: bytes) -> Iterator[bytes]:
    yield f'<e xmlns="{XDS}"><Document id="1">'.encode()
    yield from repeat(chunk, _LARGE // len(chunk))
    yield b"</Document></e>"


def _throughput(feed: Callable[[bytes], Iterable[object]], pieces: Iterable[bytes]) -> float:
    octets, start = 0, time.process_time_ns()
    for piece in pieces:
        octets += len(piece)
        for _event in feed(piece):
            pass
    return octets / _MB / ((time.process_time_ns() - start) / 1e9)


def print_large() -> None:
    """Print how fast documents pass, hashing and storing apart."""
    noise = random.Random(2).randbytes(CHUNK)  # noqa: S311  # the same in every run
    near = (b"\r\n--" + _BOUNDARY.encode()[:-1] + b"!") * (CHUNK // 45)
    lines = _LINE * (CHUNK // len(_LINE))
    rows: list[tuple[str, Callable[[bytes], Iterable[object]], Iterator[bytes]]] = [
        ("MIME part, binary", MultipartReader(_BOUNDARY).feed, _part("binary", noise)),
        ("MIME part of near boundaries", MultipartReader(_BOUNDARY).feed, _part("binary", near)),
        ("MIME part, base64", MultipartReader(_BOUNDARY).feed, _part("base64", lines)),
        (
            "inline base64 in the envelope",
            PackageReader("application/soap+xml", cut_inline=True).feed,
            _inline(lines),
        ),
    ]
    print(f"\n{f'{_LARGE // _MB} MB in pieces of 256 KiB':34} {'MB/CPU-s':>9}")
    for name, feed, pieces in rows:
        print(f"{name:34} {_throughput(feed, pieces):9.0f}")


def main() -> None:
    """Print the tables."""
    os.nice(5)
    print_ordinary()
    print_large()


if __name__ == "__main__":
    main()
