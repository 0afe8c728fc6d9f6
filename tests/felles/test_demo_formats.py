"""The formats of made-up documents: files that programs and people can read."""

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from felles.demo import codes
from felles.demo.communities import UNITS
from felles.demo.formats import cda, kith, pdf, pdf_file, text
from felles.demo.formats.catalogue import FORMATS
from felles.demo.formats.letter import Block, Items, Letter, Section, Table, read_sections
from felles.demo.people import PROFESSIONALS
from felles.demo.scene import made_up
from felles.demo.telling import PATIENTS, STORIES

AT = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
V3 = "{urn:hl7-org:v3}"
ALPHABET = "Čč Đđ Ŋŋ Ŧŧ Šš Žž Áá Ææ Øø Åå « » “ ” – — € µ ² ° é ö"


def letter(*blocks: Block, **changes: Any) -> Letter:
    whole = Letter(
        id="2.25.1",
        title='Et brev (med parenteser), \\ & <tegn> i "hermetegn"',
        type_code=codes.type_of("A03-2"),
        language="nb-NO",
        sections=(Section("Overskrift & <mer>", blocks or ("kort",)),),
        patient=PATIENTS[0],
        author=PROFESSIONALS["Kari"],
        unit=UNITS["nord hjerte"],
        written=AT,
        started=AT,
        stopped=None,
    )
    return replace(whole, **changes)


def documents(*mime_types: str) -> Iterator[bytes]:
    for shared in made_up(AT).shared.values():
        for each in shared:
            for entry, data in each.of_documents:
                if entry.mime_type in mime_types:
                    yield data


# --- text with marks -----------------------------------------------------------------------------


def test_sections_are_read_with_their_blocks() -> None:
    read = read_sections(
        "# Én\nforste linje\nandre linje\n\nnytt avsnitt\n- punkt\n- enda et\n"
        "# To\n| a | b |\n| c | |\n"
    )
    assert read == (
        Section("Én", ("forste linje andre linje", "nytt avsnitt", Items(("punkt", "enda et")))),
        Section("To", (Table((("a", "b"), ("c", ""))),)),
    )


def test_text_above_the_first_heading_is_refused() -> None:
    with pytest.raises(ValueError, match="a heading was expected before 'glemt'"):
        read_sections("glemt\n# Overskrift\ntekst")


# --- PDF -----------------------------------------------------------------------------------------


class Pdf:
    """A PDF by its xref: objects, and what stands on its pages."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        (start,) = re.findall(rb"\nstartxref\n(\d+)\n%%EOF\n\Z", data)
        xref = data[int(start) :]
        head = re.match(rb"xref\n0 (\d+)\n0000000000 65535 f \n", xref)
        assert head is not None
        count = int(head[1])
        entries = re.findall(rb"(\d{10}) 00000 n \n", xref)
        assert len(entries) == count - 1
        assert b"/Size %d /Root 1 0 R" % count in xref
        self.objects: dict[int, bytes] = {}
        for number, offset in enumerate(map(int, entries), 1):
            begins = b"%d 0 obj\n" % number
            assert data[offset:].startswith(begins)
            self.objects[number] = data[offset + len(begins) : data.index(b"\nendobj\n", offset)]

    def stream(self, number: int) -> bytes:
        found = re.fullmatch(
            rb"<< /Length (\d+) >>\nstream\n(.*)\nendstream", self.objects[number], re.DOTALL
        )
        assert found is not None
        assert int(found[1]) == len(found[2])
        return found[2]

    def references(self, number: int, key: bytes) -> list[int]:
        (found,) = re.findall(rb"/%s \[?((?:\d+ 0 R ?)+)" % key, self.objects[number])
        return [int(each) for each in re.findall(rb"(\d+) 0 R", found)]

    @cached_property
    def alphabet(self) -> dict[int, str]:
        """What the font's own map says of each code."""
        font = next(o for o in self.objects.values() if b"/ToUnicode" in o)
        (number,) = re.findall(rb"/ToUnicode (\d+) 0 R", font)
        pairs = re.findall(rb"<([0-9A-F]{2})> <([0-9A-F]{4})>", self.stream(int(number)))
        return {int(code, 16): chr(int(char, 16)) for code, char in pairs}

    def pages(self) -> Iterator[list[tuple[str, float, float, float, str]]]:
        """Yield the lines of each page: font, size, left, baseline, text."""
        (tree,) = self.references(1, b"Pages")
        kids = self.references(tree, b"Kids")
        assert b"/Count %d " % len(kids) in self.objects[tree]
        for kid in kids:
            assert self.references(kid, b"Parent") == [tree]
            (content,) = self.references(kid, b"Contents")
            yield [
                (name.decode(), float(size), float(left), float(base), self.read(string))
                for name, size, left, base, string in re.findall(
                    rb"/(F\d) ([\d.]+) Tf ([\d.]+) ([\d.]+) Td \((.*)\) Tj ET",
                    self.stream(content),
                )
            ]

    def read(self, string: bytes) -> str:
        return "".join(self.alphabet[code] for code in re.sub(rb"\\(.)", rb"\1", string))

    @cached_property
    def text(self) -> str:
        return "\n".join(line[-1] for page in self.pages() for line in page)


def test_a_pdf_says_where_its_objects_are_and_what_its_letters_are() -> None:
    read = Pdf(pdf.write(letter(ALPHABET)))
    assert ALPHABET in read.text
    assert 'Et brev (med parenteser), \\ & <tegn> i "hermetegn"' in read.text


def test_what_the_fonts_lack_is_a_question_mark() -> None:
    read = Pdf(pdf.write(letter("漢字 er ukjent")))
    assert "?? er ukjent" in read.text


def test_a_long_letter_has_pages_with_numbers() -> None:
    paragraphs = [f"Avsnitt {number}. " + "ord " * 80 for number in range(40)]
    pages = list(Pdf(pdf.write(letter(*paragraphs))).pages())
    assert len(pages) > 3
    for number, page in enumerate(pages, 1):
        assert page[-1][-1] == f"Side {number} av {len(pages)}"
    told = " ".join(line[-1] for page in pages for line in page)
    assert [int(n) for n in re.findall(r"Avsnitt (\d+)\.", told)] == list(range(40))


WIDE = (
    "W" * 300,
    "i " * 800,
    Items(("bredt " * 60, "kort")),
    Table((("Kort", "Langt", "Kort"), ("a", "mange ord " * 30, "W" * 12), ("a", "b", "c"))),
)


def test_every_line_stays_between_the_margins() -> None:
    for made in (*documents("application/pdf"), pdf.write(letter(*WIDE))):
        for page in Pdf(made).pages():
            for font, size, left, baseline, words in page:
                right = left + pdf_file.FONTS[font].width(words, size)
                assert left >= 64
                assert right <= pdf_file.WIDTH - 63, words
                assert 40 < baseline < pdf_file.HEIGHT - 63


def test_words_side_by_side_do_not_run_into_each_other() -> None:
    for made in (*documents("application/pdf"), pdf.write(letter(*WIDE))):
        for page in Pdf(made).pages():
            for font, size, left, baseline, words in page:
                right = left + pdf_file.FONTS[font].width(words, size)
                beside = (other[2] for other in page if other[3] == baseline and other[2] > left)
                assert right <= min(beside, default=pdf_file.WIDTH), words


def test_no_letter_of_a_story_is_lost_in_its_pdf() -> None:
    told = [doc for story in STORIES for stay in story.stays for doc in stay.documents]
    for document in told:
        if FORMATS["pdf"] in document.formats or FORMATS["cda around pdf"] in document.formats:
            read = Pdf(pdf.write(letter(sections=document.sections))).text
            assert "Ruoŧŧageaidnu 7, Máŋggajohka" in read
            lines = [line for section in document.sections for line in text.section_lines(section)]
            words = {word for line in lines for word in line.lower().split()} - {"-"}
            assert words <= set(read.lower().split())


def test_one_story_needs_more_than_a_page() -> None:
    texts = [Pdf(each).text for each in documents("application/pdf")]
    assert len(texts) > 15
    assert sum("Side 1 av 2" in each for each in texts) == 1


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
def test_another_reader_reads_the_same(tmp_path: Path) -> None:
    file = tmp_path / "letter.pdf"
    file.write_bytes(pdf.write(letter(ALPHABET)))
    read = subprocess.run(
        ["pdftotext", str(file), "-"], capture_output=True, check=True, encoding="utf-8"
    )
    assert read.stderr == ""
    assert ALPHABET in read.stdout


# --- CDA -----------------------------------------------------------------------------------------


def test_a_cda_document_holds_what_was_said() -> None:
    said = letter(ALPHABET, Items(("& punkt",)), Table((("<a>", "b"), ("c", ""))))
    root = etree.fromstring(cda.write(said))
    assert root.tag == f"{V3}ClinicalDocument"
    assert [etree.QName(child).localname for child in root] == [
        "typeId", "id", "code", "title", "effectiveTime", "confidentialityCode", "languageCode",
        "recordTarget", "author", "custodian", "legalAuthenticator", "componentOf", "component",
    ]  # fmt: skip  # the order of the schema
    assert root.findtext(f"{V3}title") == said.title
    (section,) = root.iter(f"{V3}section")
    assert section.findtext(f"{V3}title") == "Overskrift & <mer>"
    assert section.findtext(f".//{V3}paragraph") == ALPHABET
    assert section.findtext(f".//{V3}item") == "& punkt"
    assert [cell.text for cell in section.iter(f"{V3}th", f"{V3}td")] == ["<a>", "b", "c", None]


def test_only_what_is_signed_says_so() -> None:
    said = letter(signed=False)
    assert etree.fromstring(cda.write(said)).find(f"{V3}legalAuthenticator") is None
    assert "Signert" not in Pdf(pdf.write(said)).text
    assert "Signert 26.11.2026" in Pdf(pdf.write(letter())).text


def test_a_cda_document_names_what_it_replaces() -> None:
    root = etree.fromstring(cda.write(letter(replaces="2.25.7")))
    (related,) = root.findall(f"{V3}relatedDocument")
    assert related.get("typeCode") == "RPLC"
    assert related.find(f"{V3}parentDocument/{V3}id").get("root") == "2.25.7"  # type: ignore[union-attr]  # it is there


def test_a_pdf_lies_whole_in_a_cda_document_of_level_1() -> None:
    said = letter(ALPHABET)
    root = etree.fromstring(cda.write_around_pdf(said))
    (body,) = root.iter(f"{V3}nonXMLBody")
    (inner,) = body
    assert inner.get("mediaType") == "application/pdf"
    assert base64.b64decode(inner.text or "") == pdf.write(said)


# --- KITH and text -------------------------------------------------------------------------------


def test_a_kith_message_holds_what_was_said() -> None:
    said = letter(ALPHABET, Items(("& punkt",)), Table((("<a>", "b"),)), replaces="2.25.7")
    root = etree.fromstring(kith.write(said, namespace="urn:x", root="Epikrise"))
    assert root.tag == f"{{{kith.HEAD}}}MsgHead"
    (own,) = root.iter("{urn:x}Epikrise")
    assert [each.text for each in own.iter("{urn:x}Tekst", "{urn:x}Punkt", "{urn:x}Felt")] == [
        ALPHABET, "& punkt", "<a>", "b",
    ]  # fmt: skip
    ids = {
        ident.find(f"{{{kith.HEAD}}}TypeId").get("V"): ident.findtext(f"{{{kith.HEAD}}}Id")  # type: ignore[union-attr]  # it is there
        for ident in root.iter(f"{{{kith.HEAD}}}Ident")
    }
    assert ids == {
        "ENH": said.unit.institution.organisation_number,
        "HPR": said.author.hpr,
        "FNR": said.patient.number,
    }
    assert root.findtext(f".//{{{kith.HEAD}}}RefToParent") == "2.25.7"


def test_every_xml_document_of_the_stories_is_well_formed() -> None:
    roots = [etree.QName(etree.fromstring(data)).localname
             for data in documents("text/xml", "application/xml")]  # fmt: skip
    assert len(roots) > 10
    assert set(roots) == {"ClinicalDocument", "MsgHead"}


def test_plain_text_is_wrapped_and_aligned() -> None:
    said = letter("ord " * 60, Items(("punkt " * 30,)), Table((("A", "B"), ("lang celle", "c"))))
    lines = text.write(said).decode().split("\r\n")
    assert max(map(len, lines[1:-1])) <= 80
    assert "A           B" in lines
    assert "lang celle  c" in lines
    assert not any("\n" in line for line in lines)


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_in_a_document_is_random(name: str) -> None:
    assert FORMATS[name].write(letter(ALPHABET)) == FORMATS[name].write(letter(ALPHABET))
