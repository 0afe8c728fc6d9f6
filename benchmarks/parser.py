"""What reading a message costs, and what a hostile one can cost: `python -m benchmarks.parser`.

The first table compares `ihe.xml.parse` with lxml's own parser on messages of ordinary size. The
second moves a large document through the MIME reader and the inline cutter. The third sends hostile
input, each in a process of its own, and prints what came of it with the CPU time and the memory
that it took beside the input itself. Memory is read from /proc and stays empty elsewhere.
"""

import base64
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from typing import Final

from lxml import etree

from benchmarks.timing import costs, median
from ihe import xml
from ihe.ebxml.rendering import render
from ihe.ebxml.requests import write_submit
from ihe.ebxml.responses import write_query_response
from ihe.errors import HubError
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


# --- hostile messages ----------------------------------------------------------------------------


def _numbered(pattern: bytes, count: int) -> bytes:
    return b"".join([pattern % n for n in range(count)])


_DTD: Final = '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'
HOSTILE_XML: Final[dict[str, Callable[[], bytes]]] = {
    "a million elements deep": lambda: b"<a>" * _MILLION + b"</a>" * _MILLION,
    "a million empty elements": lambda: b"<a>" + b"<b/>" * _MILLION + b"</a>",
    "a million attributes": lambda: b"<a" + _numbered(b' a%x=""', _MILLION) + b"/>",
    "the same, with blanks": lambda: b"<a" + _numbered(b" a%x= ''", _MILLION) + b"/>",
    "a million namespaces": lambda: b"<a" + _numbered(b' xmlns:a%x="u"', _MILLION) + b"/>",
    "an attribute of 100 MB": lambda: b'<a b="' + b"x" * (100 * _MB) + b'"/>',
    "an attribute of 15 MB": lambda: b'<a b="' + b"x" * (15 * _MB) + b'"/>',
    "a text of 15 MB": lambda: b"<a>" + b"x" * (15 * _MB) + b"</a>",
    "a comment of 15 MB": lambda: b"<a><!--" + b"x" * (15 * _MB) + b"--></a>",
    "a DTD in UTF-16": lambda: _DTD.encode("utf-16"),
    "a DTD in UTF-32": lambda: _DTD.encode("utf-32-be"),
    "a DTD in EBCDIC": lambda: _DTD.encode("cp037"),
    "a DTD after a million blanks": lambda: b" " * _MILLION + _DTD.encode(),
    "as many elements as allowed": lambda: b"<a>" + b"<b/>" * 199_990 + b"</a>",
    "as many attributes as allowed": lambda: b"<a" + _numbered(b' a%x=""', 149_990) + b"/>",
    "as many names as allowed": lambda: b"<a>" + _numbered(b"<n%070d/>", 199_990) + b"</a>",
    "all of it at once": lambda: (
        (b"<a>" + _numbered(b'<n%d a="b"/>', 149_990) + (b"<b>" + b"x" * 500 + b"</b>") * 24_990)
        + b"</a>"
    ),
    "as much UTF-16 as allowed": lambda: (
        "<a>" + "\N{GRINNING FACE}" * (4 * _MILLION - 100) + "</a>"
    ).encode("utf-16"),
}


def _opening() -> bytes:
    return f'<e xmlns="{XDS}"><!--{"p" * 140_000}-->'.encode()


def _endless(more: bytes, size: int = CHUNK) -> Iterator[bytes]:
    return chain((_opening(),), repeat(more * (size // len(more)), 64 * _MB // size))


HOSTILE_ENVELOPES: Final[dict[str, Callable[[], Iterator[bytes]]]] = {
    "streamed: endless nesting": lambda: _endless(b"<b>"),
    "streamed: endless elements": lambda: _endless(b"<b/>"),
    "streamed: endless documents": lambda: _endless(b"<Document>QUJD</Document>"),
    "streamed: an endless tag, by 100 octets": lambda: chain(
        (_opening() + b"<b c='",), _endless(b"x", 100)
    ),
    "streamed: endless text": lambda: _endless(b"text "),
}


def _stream(pieces: Iterable[bytes]) -> str:
    reader = PackageReader("application/soap+xml", cut_inline=True)
    for piece in pieces:
        for _event in reader.feed(piece):
            pass
    for _event in reader.close():
        pass
    return "read"


def _memory(field: str) -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    lines = (line.split() for line in status.read_text().splitlines())
    return next(int(words[1]) * 1024 for words in lines if words and words[0] == f"{field}:")


def _try(name: str) -> None:
    """Meet one hostile message; runs in a process of its own."""
    work: Callable[[], object]
    if name in HOSTILE_XML:
        data = HOSTILE_XML[name]()
        work = lambda: xml.parse(data)  # noqa: E731  # named by its branch
    else:
        work = lambda: _stream(HOSTILE_ENVELOPES[name]())  # noqa: E731  # as above
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5")  # the peak of memory counts from here
    before, start = _memory("VmRSS"), time.process_time()
    try:
        work()
        outcome = "read"
    except HubError as refused:
        outcome = str(refused)
    spent, peak = time.process_time() - start, _memory("VmHWM") - before
    print(f"{name:40} {spent:7.3f} {peak / _MB:8.1f}  {outcome[:90]}")


def print_hostile() -> None:
    """Print what hostile messages come to."""
    print(f"\n{'hostile':40} {'CPU s':>7} {'peak MB':>8}  outcome", flush=True)
    for name in (*HOSTILE_XML, *HOSTILE_ENVELOPES):
        subprocess.run([sys.executable, "-m", "benchmarks.parser", name], check=True)


def main() -> None:
    """Print the tables."""
    if len(sys.argv) > 1:
        _try(sys.argv[1])
        return
    os.nice(5)
    print_ordinary()
    print_large()
    print_hostile()


if __name__ == "__main__":
    main()
