r"""The file that a PDF is: its objects, where each stands, and two fonts with Sámi letters.

```text
%PDF-1.7
1 0 obj … endobj                catalog, page tree, information, fonts, then each page's two
xref                            the offset of each object, in twenty octets
trailer  /Size /Root /Info
startxref                       the offset of xref
```

The fonts are Helvetica and its bold, which every reader has or has a substitute for, so that none
is embedded. Their encoding is WinAnsi, in which five codes have no meaning and three have one that
nobody needs: these eight are given to Č č Đ đ Ŋ ŋ Ŧ ŧ by their glyph names. A `ToUnicode` map says
the same to whoever searches or copies text.

References
----------
ISO 32000-1 7.5 (file structure), 9.6.2.2 (standard fonts), 9.6.6 (encodings), 9.10.3 (ToUnicode),
Annex D.2 (WinAnsiEncoding).
"""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

WIDTH, HEIGHT = 595, 842
"""Of an A4 page, in points."""
_UNENCODED: Final = {
    "Č": (0x81, "Ccaron"),
    "č": (0x8D, "ccaron"),
    "Đ": (0x8F, "Dcroat"),
    "đ": (0x90, "dcroat"),
    "Ŋ": (0x9D, "Eng"),
    "ŋ": (0x83, "eng"),
    "Ŧ": (0x88, "Tbar"),
    "ŧ": (0x98, "tbar"),
}
_FIRST, _LAST = 0x20, 0xFF


class Font:
    """A standard font: what its characters are called, and how wide they are.

    Parameters
    ----------
    name
        Such as Helvetica-Bold.
    widths
        Thousandths of an em by characters of that width; others have the usual one, and a letter
        with an accent that of the letter.
    box, stem
        Extent of its glyphs and width of its stems, for readers that make a substitute.
    """

    _USUAL: Final = 556

    def __init__(
        self, name: str, widths: Mapping[int, str], box: tuple[int, int, int, int], stem: int
    ) -> None:
        self.name, self._box, self._stem = name, box, stem
        self._widths = {char: width for width, chars in widths.items() for char in chars}

    def width(self, text: str, size: float) -> float:
        """Return how wide a text is at a size, in points."""
        return sum(map(self._width, text)) * size / 1000

    def _width(self, char: str) -> int:
        known = self._widths.get(char)
        if known is None:
            known = self._widths.get(unicodedata.normalize("NFD", char)[0], self._USUAL)
        return known

    def objects(self, number: int) -> tuple[bytes, bytes]:
        """Return the font, as object `number`, and its descriptor, the object after it."""
        widths = " ".join(str(self._width(_alphabet().get(c, "?"))) for c in _codes())
        differences = " ".join(f"{c} /{glyph}" for c, glyph in sorted(_UNENCODED.values()))
        box = " ".join(map(str, self._box))
        return (
            f"<< /Type /Font /Subtype /Type1 /BaseFont /{self.name}"
            f" /FirstChar {_FIRST} /LastChar {_LAST} /Widths [{widths}]"
            f" /FontDescriptor {number + 1} 0 R /ToUnicode {_TO_UNICODE} 0 R"
            " /Encoding << /Type /Encoding /BaseEncoding /WinAnsiEncoding"
            f" /Differences [{differences}] >> >>".encode("ascii"),
            f"<< /Type /FontDescriptor /FontName /{self.name} /Flags 32 /FontBBox [{box}]"
            f" /ItalicAngle 0 /Ascent 718 /Descent -207 /CapHeight 718 /XHeight 523"
            f" /StemV {self._stem} >>".encode("ascii"),
        )


REGULAR: Final = Font(
    "Helvetica",
    {
        191: "'",
        222: "ijl‘’‚",
        260: "|¦",
        278: " !,./:;[\\]Ift·ŧìíîï",
        333: "()-`r“”„‹›¡¨¯²³´¸¹",
        334: "{}",
        350: "•",
        355: '"',
        365: "º",
        370: "ª",
        389: "*",
        400: "°",
        469: "^",
        500: "cksvxyzJ",
        537: "¶",
        584: "+<=>~±×¬÷",
        611: "FTZøŦß¿",
        667: "&ABEKPSVXYÞ",
        722: "CDHNRUwĐŊÐ",
        737: "©®",
        778: "GOQØ",
        833: "Mm",
        834: "¼½¾",
        889: "%æ",
        944: "Wœ",
        1000: "Æ—…‰Œ™",
        1015: "@",
    },
    (-166, -225, 1000, 931),
    88,
)
BOLD: Final = Font(
    "Helvetica-Bold",
    {
        238: "'",
        278: " ,./\\Iijl‘’·‚",
        280: "|¦",
        333: "!()-:;[]`ftŧ‹›¡¨¯²³´¸¹",
        350: "•",
        365: "º",
        370: "ª",
        389: "*r{}",
        400: "°",
        474: '"',
        500: "z“”„",
        584: "+<=>^~±×¬÷",
        611: "bdghnopqu?FLTZøđŋŦµß¿ðþ",
        667: "EPSVXYÞ",
        722: "&ABCDHKNRUĐŊÐ",
        737: "©®",
        778: "GOQwØ",
        833: "M",
        834: "¼½¾",
        889: "%mæ",
        944: "Wœ",
        975: "@",
        1000: "Æ—…‰Œ™",
    },
    (-170, -228, 1003, 962),
    140,
)
FONTS: Final = {"F1": REGULAR, "F2": BOLD}
"""By the names that a page's instructions use."""


# --- texts ---------------------------------------------------------------------------------------


def _codes() -> range:
    return range(_FIRST, _LAST + 1)


@cache
def _alphabet() -> Mapping[int, str]:
    """Return what each code of the fonts stands for."""
    alphabet = {}
    for number in _codes():
        char = bytes((number,)).decode("cp1252", "ignore")
        if char.isprintable() and char:
            alphabet[number] = char
    return alphabet | {number: char for char, (number, _) in _UNENCODED.items()}


@cache
def _numbers() -> Mapping[str, int]:
    return {char: number for number, char in _alphabet().items()}


def string(text: str) -> bytes:
    """Return a text for a page; what the fonts do not have is a question mark."""
    octets = bytes(_numbers().get(char, ord("?")) for char in text)
    for special in (b"\\", b"(", b")"):
        octets = octets.replace(special, b"\\" + special)
    return b"(" + octets + b")"


def _text_string(text: str) -> bytes:
    """Return a text for the information, where any character has a place (7.9.2.2)."""
    return b"<" + b"\xfe\xff".hex().encode() + text.encode("utf-16-be").hex().encode() + b">"


def _to_unicode() -> bytes:
    entries = [f"<{number:02X}> <{ord(char):04X}>" for number, char in sorted(_alphabet().items())]
    most = 100  # a block may have no more
    blocks = [entries[start : start + most] for start in range(0, len(entries), most)]
    return "\n".join(
        [
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
            "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
            "1 begincodespacerange <00> <FF> endcodespacerange",
            *(f"{len(b)} beginbfchar\n" + "\n".join(b) + "\nendbfchar" for b in blocks),
            "endcmap CMapName currentdict /CMap defineresource pop end end",
        ]
    ).encode("ascii")


# --- the file ------------------------------------------------------------------------------------

_TO_UNICODE: Final = 4
_FONT_OBJECTS: Final = (5, 7)
_PAGE_OBJECTS: Final = 9


def pdf_file(pages: Sequence[bytes], *, title: str, author: str, language: str) -> bytes:
    """Return a PDF of pages, each of which is drawing instructions."""
    ids = [_PAGE_OBJECTS + 2 * number for number in range(len(pages))]
    kids = " ".join(f"{id} 0 R" for id in ids)
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R /Lang ({language}) >>".encode("ascii"),
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode("ascii"),
        b"<< /Title %s /Author %s >>" % (_text_string(title), _text_string(author)),
        _stream(_to_unicode()),
    ]
    for number, font in zip(_FONT_OBJECTS, FONTS.values(), strict=True):
        objects += font.objects(number)
    names = zip(FONTS, _FONT_OBJECTS, strict=True)
    fonts = " ".join(f"/{name} {number} 0 R" for name, number in names)
    for id, page in zip(ids, pages, strict=True):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}]"
            f" /Resources << /Font << {fonts} >> >> /Contents {id + 1} 0 R >>".encode("ascii")
        )
        objects.append(_stream(page))
    return _with_offsets(objects)


def _stream(octets: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(octets), octets)


def _with_offsets(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    where = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 3 0 R >>\n" % (len(objects) + 1)
    out += b"startxref\n%d\n%%%%EOF\n" % where
    return bytes(out)
