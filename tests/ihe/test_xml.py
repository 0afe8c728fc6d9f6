import codecs
import gc
import threading
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from ihe import xml
from ihe.xml import Limits, MalformedXml, XmlLimitExceeded

DTD = '<!DOCTYPE a [<!ENTITY e "expanded">]>'
BILLION = (
    '<!DOCTYPE a [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><a>&i;</a>"
)


# --- what is read --------------------------------------------------------------------------------


def test_prefixes_attributes_and_white_space_stay_as_they_came():
    sent = b'<a:x xmlns:a="urn:a" b="1"   c="&#10;"><y xmlns="urn:y"> \n </y>t</a:x>'
    canonical = etree.tostring(xml.parse(sent), method="c14n", exclusive=True)
    assert canonical == (b'<a:x xmlns:a="urn:a" b="1" c="&#xA;"><y xmlns="urn:y"> \n </y>t</a:x>')


def test_a_comment_does_not_split_a_name_in_two():
    root = xml.parse(b"<id>admin<!-- x -->@evil</id>")
    assert root.text == "admin@evil"
    assert len(root) == 0


def test_processing_instructions_are_dropped():
    assert [child.tag for child in xml.parse(b"<?x y?><a><?php z?><b/></a>")] == ["b"]


DECLARED16 = '<?xml version="1.0" encoding="utf-16"?>'


@pytest.mark.parametrize(
    ("before", "codec"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (b'<?xml version="1.0"?>', "utf-8"),
        (b"<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n", "utf-8"),
        (codecs.BOM_UTF8 + b'<?xml version="1.0" encoding="UTF8"?>', "utf-8"),
        (b'<?xml version="1.0" encoding="US-ASCII"?>', "utf-8"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?>', "latin-1"),
        (b"", "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-16-le"),
        (DECLARED16.encode("utf-16"), "utf-16-le"),
        (DECLARED16.encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_usual_encodings_are_read(before, codec):
    assert xml.parse(before + "<a>blåbær</a>".encode(codec)).text == "blåbær"


def test_large_utf_16_is_read_across_its_pieces():
    text = "\N{GRINNING FACE}" * 300_000
    assert xml.parse(f"<a>b{text}</a>".encode("utf-16")).text == "b" + text


def test_a_stylesheet_instruction_is_no_declaration():
    assert xml.parse(b'<?xml-stylesheet href="file:///etc/passwd"?><a/>').tag == "a"


def test_text_that_looks_like_a_doctype_is_only_text():
    assert xml.parse(b"<a><![CDATA[<!DOCTYPE html>]]><!-- <!DOCTYPE x> --></a>").text == (
        "<!DOCTYPE html>"
    )


def test_an_include_is_not_followed(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    include = (
        '<a xmlns:xi="http://www.w3.org/2001/XInclude" xml:base="file:///"'
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="u {secret}">'
        f'<xi:include href="{secret}" parse="text"/></a>'
    )
    root = xml.parse(include.encode())
    assert b"secret</" not in etree.tostring(root)
    assert len(root) == 1


# --- document type declarations ------------------------------------------------------------------

PROLOGS = [
    DTD,
    " \n\t" + DTD,
    '<?xml version="1.0"?>' + DTD,
    "<!-- c --><?p i?>" + DTD,
    "<!-- a - b --><!----><?p ? > ??>" + DTD,
    "<!DOCTYPE a>",
    '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">',
    '<!DOCTYPE a PUBLIC "x" "file:///etc/passwd">',
    '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
]


@pytest.mark.parametrize("prolog", PROLOGS)
def test_a_document_type_declaration_is_refused(prolog):
    with pytest.raises(MalformedXml, match="document type declaration is not allowed"):
        xml.parse(f"{prolog}<a>&e;</a>".encode())


def test_entities_never_expand():
    with pytest.raises(MalformedXml, match="document type declaration"):
        xml.parse(BILLION.encode())


SPELLINGS = [
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-32-le",
    "utf-32-be",
    "cp037",
    "cp500",
]


@pytest.mark.parametrize("codec", SPELLINGS)
@pytest.mark.parametrize("declaration", ["", "<?xml version='1.0' encoding='{}'?>"])
def test_no_encoding_hides_a_document_type_declaration(codec, declaration):
    with pytest.raises(MalformedXml):
        xml.parse(f"{declaration.format(codec)}{DTD}<a/>".encode(codec))


@pytest.mark.parametrize(
    "declaration",
    [
        b'<?xml version="1.0" encoding="UTF-7"?>',
        b"<?xml version='1.0'\n\tencoding\n=\r\n'utf7' ?>",
        b'<?xml version="1.0"' + b" " * 1000 + b'encoding="UTF-7"?>',
        b'<?xml version="1.0" bogus="?" encoding="UTF-7"?>',
        b"<?xml encoding='UTF-7'?>",
        codecs.BOM_UTF8 + b'<?xml version="1.0" encoding="UTF-7"?>',
    ],
)
def test_utf_7_is_refused_however_it_is_declared(declaration):
    with pytest.raises(MalformedXml):
        xml.parse(declaration + b"+ADwAIQ-DOCTYPE a+AD4APA-a/+AD4-")
    with pytest.raises(MalformedXml):
        xml.parse(declaration + b"<a/>")


@pytest.mark.parametrize(
    "name", ["UTF-7", "cp037", "shift_jis", "utf-32", "windows-1252", "no-such"]
)
def test_a_refused_encoding_is_named(name):
    with pytest.raises(MalformedXml, match=f"encoding '{name}' is not accepted"):
        xml.parse(f'<?xml version="1.0" encoding="{name}"?><a/>'.encode())


@pytest.mark.parametrize(
    "data",
    [
        b"<a>\xc0\xbc</a>",  # overlong '<'
        b"<a>\xe0\x80\xbc</a>",
        b"<a>\xed\xa0\x80</a>",  # half of a surrogate pair
        b"<a>\xf5\x80\x80\x80</a>",
        b"<a>\xff</a>",
        b"<a>\x00</a>",
        b"<a\x00/>",
        b"<a>&#0;</a>",
        b"<a>&#xD800;</a>",
        b"\xff\xfe<\x00a\x00/\x00>",  # cut within a letter
        b"\xff\xfe\x00\xd8<\x00",
    ],
)
def test_broken_characters_are_refused(data):
    with pytest.raises(MalformedXml):
        xml.parse(data)


# --- well-formedness -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"  ", "Start tag expected"),
        (b"plain text", "Start tag expected"),
        (b"<a>", "end of data"),
        (b"<a></b>", "mismatch"),
        (b"<a/><b/>", "Extra content"),
        (b'<a b="1" b="2"/>', "redefined"),
        (b'<a xmlns:p="u" xmlns:q="u" p:b="" q:b=""/>', "redefined"),
        (b"<p:a/>", "Namespace prefix p"),
        (b'<a xmlns:xml="urn:mine"/>', "xml namespace prefix"),
        (b"<a>&unknown;</a>", "unknown"),
    ],
)
def test_what_is_not_well_formed_is_refused_with_its_reason(data, reason):
    with pytest.raises(MalformedXml, match=reason):
        xml.parse(data)


def test_the_place_of_a_fault_is_told():
    with pytest.raises(MalformedXml) as caught:
        xml.parse(b"<a>\n  <b></c>\n</a>")
    assert (caught.value.line, caught.value.column) == (2, 10)
    assert str(caught.value).endswith("(line 2, column 10)")


def test_a_fault_in_a_large_message_is_told_the_same_way():
    with pytest.raises(MalformedXml, match=r"\(line 2, column "):
        xml.parse(b"<a>" + b"x" * 200_000 + b"\n<b></c></a>")


# --- limits --------------------------------------------------------------------------------------

MILLION = 10**6
HOSTILE = {
    "deep": lambda: b"<a>" * MILLION + b"</a>" * MILLION,
    "deep enough": lambda: b"<a>" * 300 + b"</a>" * 300,
    "many elements": lambda: b"<a>" + b"<b/>" * MILLION + b"</a>",
    "many comments": lambda: b"<a>" + b"<!---->" * MILLION + b"</a>",
    "many attributes": lambda: b"<a" + b"".join(b' a%x=""' % i for i in range(MILLION)) + b"/>",
    "spaced attributes": lambda: b"<a" + b"".join(b" a%x= ''" % i for i in range(MILLION)) + b"/>",
    "many namespaces": lambda: b"<a" + b"".join(b' xmlns:a%x="u"' % i for i in range(MILLION)),
    "long attribute": lambda: b'<a b="' + b"x" * (100 << 20) + b'"/>',
    "attribute under the limit": lambda: b'<a b="' + b"x" * (15 << 20) + b'"/>',
    "long text": lambda: b"<a>" + b"x" * (15 << 20) + b"</a>",
    "long comment": lambda: b"<a><!--" + b"x" * (15 << 20) + b"--></a>",
    "long instruction": lambda: b"<a><?p " + b"x" * (15 << 20) + b"?></a>",
    "long name": lambda: b"<" + b"x" * 60_000 + b"/>",
    "astral UTF-16": lambda: ("<a>" + "\u20ac" * (7 << 20) + "</a>").encode("utf-16"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_become_huge_is_refused(name):
    with pytest.raises(XmlLimitExceeded):
        xml.parse(HOSTILE[name]())


def test_a_hundred_thousand_comments_before_a_doctype_do_not_hide_it():
    with pytest.raises(MalformedXml, match=r"not allowed in SOAP \(line 100001, "):
        xml.parse(b"<!-- - -->\n" * 100_000 + DTD.encode() + b"<a/>")


def test_an_unfinished_prolog_ends_in_an_answer():
    for start in (b"<?", b"<!--", b"<?a ", b"<!-- - "):
        with pytest.raises(MalformedXml):
            xml.parse(start + b"?" * MILLION + b"- " * MILLION)


def test_limits_can_be_set():
    five = b"<a><b c='1' d='2'/><b/></a>"
    assert xml.parse(five, limits=Limits(octets=len(five), tags=4, attributes=2)).tag == "a"
    for limits in (Limits(octets=26), Limits(tags=3), Limits(attributes=1)):
        with pytest.raises(XmlLimitExceeded, match="at most"):
            xml.parse(five, limits=limits)


@pytest.mark.parametrize(
    "one",
    [
        b"<b/>x",
        b"<b>x</b>\n",
        b"<b a='1'/>",
        b"<b xmlns:c='u'/>",
        b"<b>" + b"x" * 500 + b"</b>",
    ],
)
def test_what_a_tree_takes_is_limited_together(one):
    """Each kind stays below its own limit."""
    few, many = (b"<a>" + one * count + b"</a>" for count in (10, 1_000))
    limits = Limits(memory=100_000)
    assert len(xml.parse(few, limits=limits)) == 10
    with pytest.raises(XmlLimitExceeded, match="octets of memory, at most 100000 are accepted"):
        xml.parse(many, limits=limits)
    assert len(xml.parse(many)) == 1_000


def test_equal_signs_in_text_are_no_attributes():
    assert xml.parse(b"<a>" + b"a=b " * 200_000 + b"</a>").tag == "a"


def test_a_thousand_entries_are_no_huge_message():
    entry = b'<ExtrinsicObject id="1" home="2">' + b'<Slot name="a" t="b"><V>x</V></Slot>' * 20
    one = entry + b"</ExtrinsicObject>"
    assert len(xml.parse(b"<a>" + one * 1000 + b"</a>")) == 1000


# --- threads -------------------------------------------------------------------------------------


def test_a_tree_can_be_used_and_dropped_in_any_thread():
    messages = [b'<a%d xmlns="urn:%d"><b c="%d"/></a%d>' % (i, i, i, i) for i in range(8)]
    messages += [b"<a><b%d>" % i + b"x" * 200_000 + b"</b%d></a>" % i for i in range(8)]
    trees: list[etree._Element] = []

    def read() -> None:
        trees.extend(map(xml.parse, messages))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trees) == 64
    first = etree.Element("first")
    while trees:
        trees[-1].set("home", "1")
        first.append(trees.pop())
    gc.collect()
    assert etree.tostring(first).count(b'home="1"') == 64


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
@pytest.mark.parametrize("names", [200, 20_000])
def test_names_that_only_one_message_uses_are_not_kept_for_ever(names):
    kept: list[int] = []

    def read() -> None:
        for turn in range(60 * 20_000 // names):
            many = b"".join(b"<n%d_%d_%s/>" % (turn, i, b"x" * 80) for i in range(names))
            xml.parse(b"<a>" + many + b"</a>")
            kept.append(resident())

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    half = len(kept) // 2
    assert kept[-1] - kept[half] < 16 << 20  # all the names of this half are 50 MiB


def test_libxml2_is_none_with_a_known_hole():
    assert etree.LIBXML_VERSION >= (2, 14, 5)  # CVE-2025-32414, -32415, -49794, -49796


# --- any octets ----------------------------------------------------------------------------------

FRAGMENTS = st.sampled_from(
    [b"<", b"</", b"/>", b">", b"a", b" b='", b'"', b"'", b"=", b"&", b";", b"&#", b"<!--", b"-->",
     b"<![CDATA[", b"]]>", b"<!DOCTYPE", b"<?xml", b"?>", b" encoding='", b"UTF-7", b"utf-16",
     b"\x00", b"\xff", b"\xfe", b"\xef\xbb\xbf", b"xmlns", b":", b" ", b"\n", b"\xc3\xa5"]
)  # fmt: skip


@given(st.one_of(st.binary(max_size=200), st.lists(FRAGMENTS, max_size=30).map(b"".join)))
@example(b"<?xml version='1.0' encoding='unicode_escape'?><a/>")
@example(b"<?xml version='1.0' encoding='idna'?><a/>")
@example(b"<?xml version='1.0' encoding='rot13'?><a/>")
@example(b"<?xml?><a/>")
@example(b"<?xml\x00")
def test_any_octets_give_a_tree_or_our_error(data):
    try:
        root = xml.parse(data)
    except MalformedXml:
        return
    assert isinstance(root.tag, str)
    assert root.getroottree().docinfo.internalDTD is None


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=50))
def test_every_accepted_encoding_gives_the_same_text(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    try:
        expected = xml.parse(f"<a>{escaped}</a>".encode()).text
    except MalformedXml:  # U+FFFE and U+FFFF
        return
    assert (expected or "") == text
    for codec in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        assert xml.parse(f"<a>{escaped}</a>".encode(codec)).text == expected
