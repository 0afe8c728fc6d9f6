"""The same XML written in another way: what a parser has to see through.

```text
<rim:Value>('a')</rim:Value>
<Value xmlns="urn:…:rim:3.0"><!-- x -->('&#97;<![CDATA[')]]></Value>
```

Prefixes and default namespaces, CDATA, character references, comments, processing instructions,
quotes, the order of attributes, blanks between elements, and attributes of XML Schema's own: none
of them says anything.
"""

from random import Random
from typing import Final

from lxml.etree import _Element

from ihe.vocabulary import XML

_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_MIXED: Final = frozenset({"Value", "Document"})
"""Elements whose text counts; between the children of all others, blanks say nothing."""


def disguised(element: _Element, random: Random) -> bytes:
    """Return an element as a document of its own that says the same, written as chance has it."""
    declaration = random.choice(("", '<?xml version="1.0" encoding="UTF-8"?>\n', "<!-- so -->"))
    return (declaration + _Disguise(random).element(element, {})).encode()


class _Disguise:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.count = 0

    def element(self, element: _Element, known: dict[str, str]) -> str:
        """Return an element; `known` are the prefixes that are declared around it, by namespace."""
        namespace, _, name = str(element.tag).removeprefix("{").rpartition("}")
        known = dict(known)
        attributes = []
        if namespace not in known or self.random.random() < 0.2:
            prefix = self.prefix()
            for other in [each for each, its in known.items() if its == prefix]:
                del known[other]
            known[namespace] = prefix
            attributes.append((f"xmlns:{prefix}" if prefix else "xmlns", namespace))
        own = f"{known[namespace]}:{name}" if known[namespace] else name
        for key, value in element.items():
            attributes.append((key.replace(f"{{{XML}}}", "xml:"), value))
        if self.random.random() < 0.1:
            attributes += [("xmlns:xsi", _XSI), ("xsi:type", f"rim:{name}Type")]
            attributes += [("xmlns:rim", "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0")]
            known = {each: its for each, its in known.items() if its not in ("xsi", "rim")}
            if own.partition(":")[0] in ("xsi", "rim"):  # the declaration would change the tag
                attributes = attributes[:-3]
        self.random.shuffle(attributes)
        head = "".join(
            f"{self.blank()}{key}{self.maybe()}={self.maybe()}{self.attribute(value)}"
            for key, value in attributes
        )
        return f"<{own}{head}{self.maybe()}>{self.content(element, known)}</{own}{self.maybe()}>"

    def prefix(self) -> str:
        self.count += 1
        return self.random.choice(("", "", "rim", "query", "ns1", "ebRIM.3-0", f"п{self.count}"))

    def content(self, element: _Element, known: dict[str, str]) -> str:
        name = str(element.tag).rpartition("}")[2]
        if name in _MIXED:
            return self.text(element.text or "")
        pieces = [self.gap()]
        for child in element:
            pieces += [self.element(child, known), self.gap()]
        return "".join(pieces)

    def gap(self) -> str:
        return self.random.choice(
            ("", "", "\n  ", "\t", "<!-- <rim:Slot name='hash'/> -->", "<?x y?>")
        )

    def blank(self) -> str:
        return self.random.choice((" ", "\n    "))

    def maybe(self) -> str:
        return self.random.choice(("", "", " "))

    def attribute(self, value: str) -> str:
        quote = self.random.choice("\"'")
        return quote + "".join(self.character(c, f"<&{quote}\t\n\r") for c in value) + quote

    def text(self, value: str) -> str:
        pieces = []
        while value:
            length = self.random.randint(1, len(value))
            piece, value = value[:length], value[length:]
            if self.random.random() < 0.3 and "]]>" not in piece and "\r" not in piece:
                pieces.append(f"<![CDATA[{piece}]]>")
            else:
                pieces.append("".join(self.character(c, "<&>\r") for c in piece))
            pieces.append(self.random.choice(("", "", "<!-- ' -->", "<?x ('?>", "<![CDATA[]]>")))
        return "".join(pieces)

    def character(self, character: str, special: str) -> str:
        if character in special or self.random.random() < 0.05:
            form = self.random.choice(("&#{};", "&#x{:x};", "&#x{:04X};"))
            return form.format(ord(character))
        return character
