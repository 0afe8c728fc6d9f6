import base64
import contextlib
import quopri
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihe.errors import SoapFault
from ihe.soap.mime import (
    Event,
    MimeLimits,
    MultipartReader,
    PartBegins,
    PartData,
    PartEnds,
    read_content_type,
)

BOUNDARY = "MIME_x.1"


def multipart(
    *parts: tuple[str, bytes], eol: bytes = b"\r\n", preamble: bytes = b"", epilogue: bytes = b""
) -> bytes:
    dashes = b"--" + BOUNDARY.encode()
    body = preamble
    for headers, content in parts:
        lines = [line.encode() for line in headers.split("\n") if line]
        head = b"".join(line + eol for line in lines)
        body += dashes + eol + head + eol + content + eol
    return body + dashes + b"--" + epilogue


def read(
    body: bytes, sizes: Iterator[int] | None = None, **limits: int
) -> list[tuple[dict[str, str], bytes]]:
    reader = MultipartReader(BOUNDARY, MimeLimits(**limits))
    found: list[tuple[dict[str, str], bytes]] = []
    open_part = False

    def events() -> Iterator[Event]:
        position = 0
        while position < len(body):
            size = next(sizes) if sizes else len(body)
            yield from reader.feed(body[position : position + size])
            position += size
        yield from reader.close()

    for event in events():
        match event:
            case PartBegins(headers):
                assert not open_part
                open_part = True
                found.append((dict(headers), b""))
            case PartData(data):
                assert open_part
                assert data
                found[-1] = (found[-1][0], found[-1][1] + data)
            case PartEnds():
                assert open_part
                open_part = False
    assert not open_part
    return found


def contents(body: bytes) -> list[bytes]:
    return [content for _headers, content in read(body)]


# near-boundary bytes, so that the reader is tempted
_DASHES = b"--" + BOUNDARY.encode()
_TEMPTING = (b"\r\n", b"\n", b"\r", b"--", b"-", b"x", b"\0", b"\xff", BOUNDARY.encode(), _DASHES)
_NEARLY = tuple(b"\r\n" + _DASHES[:-1] + end for end in (b"", b"1y", b"1-z", b"1--z"))
tricky = st.lists(st.sampled_from(_TEMPTING + _NEARLY), max_size=12).map(b"".join)


def harmless(content: bytes) -> bool:
    """Tell whether a sender could have chosen this boundary for this content."""
    boundary = rb"(^|\r\n)" + re.escape(_DASHES) + rb"(--)?[ \t]*\r?\n"
    return re.search(boundary, content + b"\r\n") is None


@settings(deadline=None)
@given(
    parts=st.lists(tricky.filter(harmless), min_size=1, max_size=4),
    data=st.data(),
)
def test_any_chunking_gives_the_same_parts(parts: list[bytes], data: st.DataObject) -> None:
    body = multipart(*[(f"Content-ID: <{n}@x>", content) for n, content in enumerate(parts)])

    def sizes() -> Iterator[int]:
        while True:
            yield data.draw(st.integers(1, 9))

    found = read(body, sizes())
    assert [content for _h, content in found] == parts
    assert [headers["content-id"] for headers, _c in found] == [
        f"<{n}@x>" for n in range(len(parts))
    ]


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(1, 20))
def test_any_bytes_give_parts_or_our_fault(body: bytes, size: int) -> None:
    with contextlib.suppress(SoapFault):
        read(b"--" + BOUNDARY.encode() + b"\r\n" + body, iter(lambda: size, 0))


@pytest.mark.parametrize("eol", [b"\r\n", b"\n"])
def test_a_boundary_that_goes_on_is_content(eol: bytes) -> None:
    inner = eol.join((b"--MIME_x.1--inner", b"", b"letter", b"--MIME_x.1--inner--", b"the rest"))
    for content in (inner, b"x" + eol + inner):
        assert contents(multipart(("", content), eol=eol)) == [content]


@pytest.mark.parametrize("end", [b"", b"\r", b"\r\n", b" \t", b" \r\n", b"\n"])
@pytest.mark.parametrize("size", [1, 100])
def test_the_final_boundary_may_lack_its_line_end(end: bytes, size: int) -> None:
    for content in (b"letter", b""):
        body = multipart(("", content), epilogue=end)
        assert read(body, iter(lambda: size, 0)) == [({}, content)]


@pytest.mark.parametrize("last", [b"\n", b"\r\n", b"\r\n\r\n", b"\r", b""])
def test_line_breaks_at_the_end_of_a_document_stay(last: bytes) -> None:
    assert contents(multipart(("", b"letter" + last))) == [b"letter" + last]


def test_a_sender_of_bare_line_feeds_is_understood() -> None:
    assert contents(multipart(("Content-ID: a", b"one\r"), ("", b""), eol=b"\n")) == [b"one\r", b""]


def test_preamble_and_epilogue_are_passed_over() -> None:
    body = multipart(("", b"x"), preamble=b"\r\nThis is MIME.\r\n", epilogue=b"\r\nbye")
    assert contents(body) == [b"x"]


def test_headers_may_be_folded_and_in_any_case() -> None:
    ((headers, _content),) = read(multipart(("CONTENT-id: <a@b>\nX-Long: one\n  two", b"")))
    assert headers == {"content-id": "<a@b>", "x-long": "one two"}


@pytest.mark.parametrize("encoding", ["base64", "BASE64", "quoted-printable"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100_000])
def test_transfer_encodings_are_taken_off(encoding: str, size: int) -> None:
    content = bytes(b for b in range(256) if b not in b"\r\n") * 3
    encoded = (
        base64.encodebytes(content).replace(b"\n", b"\r\n")
        if encoding.lower() == "base64"
        else quopri.encodestring(content).replace(b"\n", b"\r\n")
    )
    body = multipart((f"Content-Transfer-Encoding: {encoding}", encoded))
    ((_headers, found),) = read(body, iter(lambda: size, 0))
    assert found.removesuffix(b"\r\n") == content.removesuffix(b"\r\n")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "was not found"),
        (b"no boundary at all", "was not found"),
        (b"--MIME_x.1--\r\n", "no part"),
        (b"--MIME_x.1\r\n\r\ncut", "breaks off in part 1"),
        (b"--MIME_x.1\r\nContent-ID: <a", "breaks off in part 1"),
        (b"--MIME_x.1\r\nno colon here\r\n\r\nx\r\n--MIME_x.1--", "has no colon"),
        (b"--MIME_x.1 and more\r\n\r\n", "something else than a line end"),
        (multipart(("Content-Transfer-Encoding: rot13", b"x")), "rot13"),
        (multipart(("Content-Transfer-Encoding: base64", b"A===")), "transfer encoding"),
        (multipart(("Content-Transfer-Encoding: base64", b"AAA")), "transfer encoding"),
        (multipart(("Content-Transfer-Encoding: base64", b"A*AA")), "transfer encoding"),
    ],
)
def test_what_is_no_multipart_is_refused_with_the_reason(body: bytes, said: str) -> None:
    with pytest.raises(SoapFault, match=said):
        read(body)


@pytest.mark.parametrize(
    ("limits", "body"),
    [
        ({"parts": 2}, multipart(*[("", b"x")] * 3)),
        ({"headers": 3}, multipart(("\n".join(f"X-{n}: 1" for n in range(4)), b""))),
        ({"header_block": 100}, multipart(("X: " + "y" * 200, b""))),
        ({"preamble": 100}, multipart(("", b""), preamble=b"p" * 200)),
        ({"epilogue": 100}, multipart(("", b""), epilogue=b"e" * 200)),
        ({"lookalikes": 2}, multipart(("", f"\r\n--{BOUNDARY}x".encode() * 3))),
    ],
)
def test_what_is_no_content_is_limited(limits: dict[str, int], body: bytes) -> None:
    with pytest.raises(SoapFault):
        read(body, iter(lambda: 50, 0), **limits)


def test_some_lines_that_look_like_the_boundary_are_content() -> None:
    content = f"\r\n--{BOUNDARY}x".encode() * 3
    assert read(multipart(("", content)), lookalikes=3) == [({}, content)]


def test_a_content_type_without_end_is_refused() -> None:
    with pytest.raises(SoapFault, match="has 8193 characters, at most 8192 are accepted"):
        read_content_type("multipart/related; a=" + "x" * (8193 - 21))
    assert read_content_type("multipart/related; a=" + "x" * (8192 - 21)).parameters


@pytest.mark.parametrize(
    ("text", "media_type", "parameters"),
    [
        (
            'multipart/related; type="application/xop+xml"; boundary="uuid:ab-cd"; '
            'start="<root.message@cxf.apache.org>"; '
            r'start-info="application/soap+xml; action=\"urn:ihe:iti:2007:X\""',
            "multipart/related",
            {
                "type": "application/xop+xml",
                "boundary": "uuid:ab-cd",
                "start": "<root.message@cxf.apache.org>",
                "start-info": 'application/soap+xml; action="urn:ihe:iti:2007:X"',
            },
        ),
        (
            "Multipart/Related;boundary=MIMEBoundaryurn_uuid_1;TYPE=application/xop+xml",
            "multipart/related",
            {"boundary": "MIMEBoundaryurn_uuid_1", "type": "application/xop+xml"},
        ),
        ("application/soap+xml; charset=UTF-8", "application/soap+xml", {"charset": "UTF-8"}),
        ("", "", {}),
        ("text/plain; =x; a; b=1; b=2", "text/plain", {"b": "1"}),
    ],
)
def test_content_types_are_read_as_senders_write_them(
    text: str, media_type: str, parameters: dict[str, str]
) -> None:
    found = read_content_type(text)
    assert found.media_type == media_type
    assert dict(found.parameters) == parameters
