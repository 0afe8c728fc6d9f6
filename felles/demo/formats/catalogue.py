"""The formats that made-up documents come in: MIME type, formatCode, and what writes them.

KITH's messages have their namespaces as format codes, which is Norwegian practice. The scheme of
those and of CDA is the demo's own: no list has both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from felles.demo.communities import ROOT
from felles.demo.formats import cda, kith, pdf, text
from felles.demo.formats.letter import Letter
from ihe.datatypes import MimeType
from ihe.model import Code, LocalizedString
from ihe.vocabulary import FORMAT_CODES, MIME_TYPE_SUFFICIENT

_OWN: Final = f"{ROOT}.9"


@dataclass(frozen=True, slots=True)
class Format:
    """How a document is written."""

    mime_type: MimeType
    code: Code
    write: Callable[[Letter], bytes]


def _sufficient(mime_type: str, write: Callable[[Letter], bytes]) -> Format:
    display = LocalizedString("mimeType Sufficient", "en")
    return Format(MimeType(mime_type), Code(MIME_TYPE_SUFFICIENT, FORMAT_CODES, display), write)


def _cda(level: str, write: Callable[[Letter], bytes]) -> Format:
    display = LocalizedString(f"CDA R2 level {level}", "en")
    return Format(MimeType(cda.MIME_TYPE), Code(f"cda-r2-level-{level}", _OWN, display), write)


def _kith(name: str, root: str) -> Format:
    namespace = f"http://www.kith.no/xmlstds/{name}/2012-02-15"
    display = LocalizedString(f"KITH {root}", "nb-NO")
    write = partial(kith.write, namespace=namespace, root=root)
    return Format(MimeType(kith.MIME_TYPE), Code(namespace, _OWN, display), write)


FORMATS: Final = {
    "pdf": _sufficient(pdf.MIME_TYPE, pdf.write),
    "text": _sufficient(text.MIME_TYPE, text.write),
    "cda": _cda("2", cda.write),
    "cda around pdf": _cda("1", cda.write_around_pdf),
    "kith epikrise": _kith("epikrise", "Epikrise"),
    "kith henvisning": _kith("henvisning", "Henvisning"),
    "kith labsvar": _kith("labsvar", "Svarrapport"),
}
"""Formats by the names that the stories call them."""
