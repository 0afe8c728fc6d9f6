"""A letter as PDF: A4 pages, Helvetica, text that wraps; what a PDF needs and nothing more.

```text
%PDF header ─ objects 1 … n ─ xref: the offset of each ─ trailer: the root, and where xref is
```

Text is in WinAnsi (Windows-1252), which the standard fonts have: Norwegian letters, á and š among
them. A letter outside it becomes a question mark, as it would on such a system's printer.

References
----------
ISO 32000-1 7.5 (file structure), 9.6.2.2 (standard fonts), Annex D.2 (WinAnsiEncoding).
"""

from collections.abc import Iterator
from typing import Final

from felles.demo.formats.letter import Letter

MIME_TYPE = "application/pdf"

_WIDTH, _HEIGHT, _MARGIN = 595, 842, 64
_LEADING: Final = 1.35
_BODY, _HEADING, _TITLE = (("F1", 11.0), ("F2", 11.5), ("F2", 17.0))
_PER_EM: Final = 1000
_USUAL: Final = 556
# widths of Helvetica in thousandths of an em, where they are not the usual one
_WIDTHS: Final = {
    char: width
    for width, chars in {
        222: "ijl'",
        278: " !,./:;\\It[]f",
        333: "-()r",
        355: '"',
        500: "ckJsvxyzšž",
        584: "+<>=",
        611: "FTZø",
        667: "ABEKPSVXYÅÁŠ&",
        722: "CDHNRUw",
        778: "GOQØ",
        833: "Mm",
        889: "%æ",
        944: "W",
        1000: "Æ—",
        1015: "@",
    }.items()
    for char in chars
}


def write(letter: Letter) -> bytes:
    """Return the letter as PDF."""
    pages = [b"\n".join(page) for page in _pages(_lines(letter))]
    first_page = 6
    ids = [first_page + 2 * number for number in range(len(pages))]
    kids = " ".join(f"{id} 0 R" for id in ids)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (nb-NO) >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode(),
        _font("Helvetica"),
        _font("Helvetica-Bold"),
        b"<< /Title "
        + _string(letter.title)
        + b" /Creator "
        + _string(letter.community.unit)
        + b" >>",
    ]
    for id, page in zip(ids, pages, strict=True):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_WIDTH} {_HEIGHT}]"
            f" /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents {id + 1} 0 R >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n" % len(page) + page + b"\nendstream")
    return _file(objects)


def _font(name: str) -> bytes:
    return (
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode()
    )


def _file(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    where = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\n" % (len(objects) + 1)
    out += b"startxref\n%d\n%%%%EOF\n" % where
    return bytes(out)


# --- lines and pages -----------------------------------------------------------------------------

_Style = tuple[str, float]
_Line = tuple[_Style, str]


def _lines(letter: Letter) -> Iterator[_Line]:
    for line in letter.head:
        yield _BODY, line
    yield _BODY, ""
    yield from ((_TITLE, line) for line in _wrapped(letter.title, _TITLE))
    for heading, text in letter.sections:
        yield _BODY, ""
        yield _HEADING, heading
        yield from ((_BODY, line) for line in _wrapped(text, _BODY))
    yield _BODY, ""
    yield _BODY, letter.signature


def _wrapped(text: str, style: _Style) -> Iterator[str]:
    """Yield lines no wider than the page allows."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and _width(longer, style) > _WIDTH - 2 * _MARGIN:
            yield line
            line = word
        else:
            line = longer
    yield line


def _width(text: str, style: _Style) -> float:
    return sum(_WIDTHS.get(char, _USUAL) for char in text) * style[1] / _PER_EM


def _pages(lines: Iterator[_Line]) -> Iterator[list[bytes]]:
    """Yield each page's drawing instructions."""
    page: list[bytes] = []
    height = float(_HEIGHT - _MARGIN)
    for (font, size), text in lines:
        height -= size * _LEADING
        if height < _MARGIN:
            yield page
            page, height = [], _HEIGHT - _MARGIN - size * _LEADING
        place = f"BT /{font} {size:g} Tf {_MARGIN} {height:.1f} Td ".encode()
        page.append(place + _string(text) + b" Tj ET")
    yield page


def _string(text: str) -> bytes:
    octets = text.encode("cp1252", "replace")
    for special in (b"\\", b"(", b")"):
        octets = octets.replace(special, b"\\" + special)
    return b"(" + octets + b")"
