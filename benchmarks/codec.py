"""How long the ebXML codecs take: `python -m benchmarks.codec`.

Prints CPU time of one thread: the median of the repeats, and their spread. The floor of a row is
what the XML parser takes for the same bytes; a codec that reads cannot be faster, one that writes
may well be.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from lxml.etree import _Element

from benchmarks.timing import costs, median
from ihe import xml
from ihe.datatypes import DTM
from ihe.ebxml.metadata import read_object
from ihe.ebxml.rendering import fill, read_filled, render, template
from ihe.ebxml.requests import read_submit, write_submit
from ihe.ebxml.responses import read_query_response, write_query_response
from ihe.messages import AdhocQueryResponse, SubmitObjectsRequest
from ihe.model import DocumentEntry
from ihe.vocabulary import RIM, Status
from tests import samples

_ENTRIES: Final = 100


@dataclass(frozen=True)
class Row:
    """One measurement: what is done how many times at once, on how many bytes."""

    name: str
    work: Callable[[], object]
    octets: int
    floor: Callable[[], object]
    times: int = 1


def registered_entry() -> DocumentEntry:
    """Return an entry as the registry keeps it."""
    uuid = samples.uuid(1)
    return samples.entry(entry_uuid=uuid, logical_id=uuid, version="1")


def rows() -> list[Row]:
    """Return what is measured."""
    entry = registered_entry()
    bare = render(entry)
    one = b'<a xmlns:rim="%s">%s</a>' % (RIM.encode(), bare)
    element: _Element = xml.parse(one)[0]
    stored = template(entry)

    def filled() -> bytes:
        return fill(stored, status=Status.APPROVED, patient_id=samples.PATIENT, home=samples.HOME)

    request = SubmitObjectsRequest(replace(samples.submission(), entries=(samples.entry(),)))
    submit = b"".join(write_submit(request).xml)
    submitted = xml.parse(submit)
    answer = AdhocQueryResponse(fragments=(filled(),) * _ENTRIES)
    answered = b"".join(write_query_response(answer).xml)
    response = xml.parse(answered)
    folder = template(samples.folder(entry_uuid=samples.uuid(2)))
    time_ = DTM("20261124120000")

    def parse(data: bytes) -> Callable[[], object]:
        return lambda: xml.parse(data)

    of_entry, of_submit, of_answer = parse(one), parse(submit), parse(answered)
    return [
        Row("read one entry (parsed already)", lambda: read_object(element), len(bare), of_entry),
        Row("parse and read one entry", lambda: read_filled(bare), len(bare), of_entry),
        Row("render one entry", lambda: render(entry), len(bare), of_entry),
        Row("make its template", lambda: template(entry), len(stored), of_entry),
        Row("fill the template", filled, len(stored), of_entry),
        Row(
            "fill a folder's template",
            lambda: fill(
                folder,
                status=Status.APPROVED,
                patient_id=samples.PATIENT,
                last_update_time=time_,
            ),
            len(folder),
            parse(b'<a xmlns:rim="%s">%s</a>' % (RIM.encode(), render(samples.folder()))),
        ),
        Row(
            "read ITI-42 (parsed already)",
            lambda: read_submit(submitted, {}),
            len(submit),
            of_submit,
        ),
        Row("write ITI-42", lambda: b"".join(write_submit(request).xml), len(submit), of_submit),
        Row(
            f"read an answer of {_ENTRIES}, per entry",
            lambda: read_query_response(response, {}),
            len(answered),
            of_answer,
            _ENTRIES,
        ),
        Row(
            f"fill and write an answer of {_ENTRIES}, per entry",
            lambda: b"".join(
                write_query_response(
                    AdhocQueryResponse(fragments=tuple(filled() for _ in range(_ENTRIES)))
                ).xml
            ),
            len(answered),
            of_answer,
            _ENTRIES,
        ),
    ]


def main() -> None:
    """Print the table."""
    print(f"{'':44} {'octets':>8} {'µs':>8} {'spread':>15} {'parse µs':>9} {'ratio':>7}")
    for row in rows():
        found = [each.cpu for each in costs(row.work, times=row.times)]
        floor = median(costs(row.floor, times=row.times)).cpu
        middle = statistics.median(found)
        spread = f"{min(found):.1f}-{max(found):.1f}"
        print(
            f"{row.name:44} {row.octets:8} {middle:8.1f} {spread:>15} {floor:9.1f}"
            f" {middle / floor:7.3f}"
        )


if __name__ == "__main__":
    main()
