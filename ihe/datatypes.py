r"""Data types of metadata values: each *is* the text that it came from, with a view of its parts.

A partner's value is kept to the letter, whatever it looks like: it is stored, compared and given
back as it came. `problem` says what is wrong with it and what was expected, so that a rule can
report every bad value of a submission instead of stumbling over the first.

```text
CX   id^^^&authority&ISO                        a patient id
CXi  id^^^&authority&ISO^type                   a reference id
XCN  id^last^first^…^^^&authority&ISO           a person
XON  name^^^^^&authority&ISO^^^^id              an organisation
XTN  ^^PH^^47^..., ^NET^Internet^a@b.no         a telephone or an e-mail address
DTM  YYYY[MM[DD[hh[mm[ss]]]]]                   a time in UTC; text order is time order
```

References
----------
ITI TF-3 Table 4.2.3.1.7-2; HL7 v2.5 chapter 2.A (components `^`, subcomponents `&`, escapes `\`).
"""

import re
from datetime import UTC, datetime
from typing import ClassVar, Final, Self

from ihe.vocabulary import ReferenceIdType

MAX_OID_LENGTH: Final = 64
_OID: Final = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+")
_UUID_URN: Final = re.compile(
    r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)
_DTM: Final = re.compile(
    r"[0-9]{4}(?:(?:0[1-9]|1[012])(?:(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:[0-5][0-9])?)?)?)?)?"
)
_SHA1: Final = re.compile(r"[0-9a-fA-F]{40}")
_MIME: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:\s*;.*)?", re.DOTALL)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_PID: Final = re.compile(r"PID-([1-9][0-9]{0,3})\|")
_ESCAPE: Final = re.compile(r"\\([FSRTE])\\")
_FOREIGN_ESCAPE: Final = re.compile(r"\\(?:[HN]|[CMXZ][0-9A-Za-z]*|\.[a-z]{2}[+-]?[0-9]*)\\")
_ESCAPED: Final = {"F": "|", "S": "^", "R": "~", "T": "&", "E": "\\"}
_TO_ESCAPE: Final = str.maketrans({v: f"\\{k}\\" for k, v in _ESCAPED.items()})


class MalformedValue(ValueError):
    """A text is not a value of the data type; the message says what was found and expected."""


class Datatype(str):
    """A value that keeps its text, and knows whether the text is right."""

    __slots__ = ()
    expected: ClassVar[str]
    """The form that the Framework wants, for people."""

    @property
    def problem(self) -> str | None:
        """What is wrong with the text, or None when nothing is."""
        raise NotImplementedError

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the value of `text`, or raise `MalformedValue` when it is not one."""
        value = cls(text)
        if (problem := value.problem) is not None:
            raise MalformedValue(problem)
        return value

    def _wrong(self, why: str) -> str:
        return f"{_excerpt(why)}: found '{_excerpt(self)}', expected {self.expected}"


_SHOWN: Final = 120


def _excerpt(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def is_oid(text: str) -> bool:
    """Tell whether `text` is an OID of at most 64 characters (ITI TF-2 Appendix B)."""
    return len(text) <= MAX_OID_LENGTH and _OID.fullmatch(text) is not None


def is_uuid_urn(text: str) -> bool:
    """Tell whether `text` is `urn:uuid:` with a lower-case UUID (ITI TF-3 4.2.3.1.5)."""
    return _UUID_URN.fullmatch(text) is not None


def is_symbolic(entry_uuid: str) -> bool:
    """Tell whether an id is symbolic, that is: good inside its submission only (4.2.3.1.5)."""
    return not entry_uuid.startswith("urn:uuid:")


def unescape(text: str) -> str:
    r"""Replace the HL7 escapes `\F\ \S\ \R\ \T\ \E\` by what they stand for."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _ESCAPED[match[1]], text)


def foreign_escape(text: str) -> str | None:
    r"""Return the first HL7 escape that metadata may not hold, such as `\H\`; None for none.

    Those for highlighting, line breaks, characters by number and local use are forbidden (ITI
    TF-3 4.2.3.1.7). A backslash that begins no escape is left to its sender.
    """
    if "\\" not in text:
        return None
    match = _FOREIGN_ESCAPE.search(_ESCAPE.sub("", text))
    return match[0] if match else None


def escape(text: str) -> str:
    """Write the HL7 separators in `text` as escapes."""
    return text.translate(_TO_ESCAPE)


# --- identifiers ---------------------------------------------------------------------------------


class OID(Datatype):
    """An object identifier, with or without the prefix `urn:oid:` (ITI TF-2 Appendix B)."""

    __slots__ = ()
    expected = "digits and dots, at most 64 characters, such as 2.16.578.1.12.4.1.7"

    @property
    def bare(self) -> str:
        """The OID without `urn:oid:`."""
        return self.removeprefix("urn:oid:")

    @property
    def urn(self) -> str:
        """The OID with `urn:oid:`."""
        return self if self.startswith("urn:oid:") else f"urn:oid:{self}"

    @property
    def problem(self) -> str | None:
        """Digits and dots, no prefix."""
        return None if is_oid(self) else self._wrong("not an OID")


class HomeCommunityId(OID):
    """The id of a community: `urn:oid:` and an OID (ITI TF-3 4.2.3.2.12, TF-2 3.18.4.1.2.3.8)."""

    __slots__ = ()
    expected = "urn:oid: and an OID of at most 64 characters"

    @property
    def problem(self) -> str | None:
        """The prefix is part of the value."""
        if not self.startswith("urn:oid:"):
            return self._wrong("the prefix urn:oid: is missing")
        return None if is_oid(self.bare) else self._wrong("not an OID")


class Identifier(Datatype):
    """A document's uniqueId: any globally unique text of 1 to 256 characters (4.2.3.2.26)."""

    __slots__ = ()
    expected = "1 to 256 printable characters without blanks"
    _MAX: ClassVar[int] = 256

    @property
    def problem(self) -> str | None:
        """Not empty, not too long for an ebRIM value, no blanks or control characters."""
        if not self:
            return self._wrong("empty identifier")
        if len(self) > self._MAX:
            return self._wrong(f"{len(self)} characters")
        if any(c.isspace() or not c.isprintable() for c in self):
            return self._wrong("blank or control character")
        return None


# --- texts with a grammar ------------------------------------------------------------------------


class DTM(Datatype):
    """A time in UTC, as exact as its digits: 4, 6, 8, 10, 12 or 14 of them.

    Text order is time order: a shorter value stands for the start of its period (TF-2
    3.18.4.1.2.3.3 leaves it open; conformance tools compare this way).
    """

    __slots__ = ()
    expected = "YYYY[MM[DD[hh[mm[ss]]]]] in UTC, digits only"

    @property
    def problem(self) -> str | None:
        """Only the digits of the grammar; the calendar (31 February) is not looked at."""
        return None if _DTM.fullmatch(self) else self._wrong("not a time")

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """Return `moment` to the second, in UTC."""
        return cls(moment.astimezone(UTC).strftime("%Y%m%d%H%M%S"))

    def earliest(self) -> datetime:
        """Return the first moment of the period that the value names, in UTC."""
        padded = self + "00000101000000"[len(self) :]
        return datetime.strptime(padded, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


class SHA1(Datatype):
    """The SHA-1 of a document: 40 hex digits, either case (ITI TF-3 4.2.3.2.10)."""

    __slots__ = ()
    expected = "40 hexadecimal digits"

    @property
    def problem(self) -> str | None:
        """40 hex digits."""
        return None if _SHA1.fullmatch(self) else self._wrong("not a SHA-1")

    def same(self, other: str) -> bool:
        """Tell whether two hashes are equal, whatever their case."""
        return self.lower() == other.lower()


class MimeType(Datatype):
    """A media type, `type/subtype` (RFC 2046)."""

    __slots__ = ()
    expected = "type/subtype, such as application/pdf"

    @property
    def problem(self) -> str | None:
        """A type, a slash and a subtype."""
        return None if _MIME.fullmatch(self) else self._wrong("not a MIME type")


class LanguageCode(Datatype):
    """A language tag (RFC 5646), such as nb-NO."""

    __slots__ = ()
    expected = "a language tag such as nb-NO"

    @property
    def problem(self) -> str | None:
        """Letters, then groups of letters and digits."""
        return None if _LANGUAGE.fullmatch(self) else self._wrong("not a language tag")


class Field(Datatype):
    """An HL7 field with its name: `PID-5|Nordmann^Kari` (sourcePatientInfo, 4.2.3.2.23)."""

    __slots__ = ()
    expected = "PID-n|value"

    @property
    def name(self) -> str:
        """`PID-5` of `PID-5|Nordmann^Kari`."""
        return self.partition("|")[0]

    @property
    def value(self) -> str:
        """What follows the bar."""
        return self.partition("|")[2]

    @property
    def problem(self) -> str | None:
        """`PID-`, a number from 1 to 39, a bar."""
        match = _PID.match(self)
        if match is None:
            return self._wrong("not a PID field")
        return None if int(match[1]) <= _PID_FIELDS else self._wrong("no such PID field")


_PID_FIELDS: Final = 39

# --- HL7 composite types -------------------------------------------------------------------------


class Composite(Datatype):
    """An HL7 v2 value of components; trailing separators say nothing (4.2.3.1.7)."""

    __slots__ = ()

    def component(self, number: int) -> str:
        """Return component `number`, counted from 1, escapes and all; '' when it is absent."""
        parts = self.split("^")
        return parts[number - 1].rstrip("&") if number <= len(parts) else ""

    def subcomponent(self, number: int, sub: int) -> str:
        """Return subcomponent `sub` of component `number`, both counted from 1."""
        parts = self.component(number).split("&")
        return parts[sub - 1] if sub <= len(parts) else ""

    def _others_than(self, *allowed: int) -> list[int]:
        """Return the numbers of the components that hold something and are not `allowed`."""
        texts = (text.rstrip("&") for text in self.split("^"))
        return [n for n, text in enumerate(texts, 1) if text and n not in allowed]

    def _too_many_subcomponents(self, number: int) -> bool:
        return self.component(number).count("&") >= len(("namespace", "id", "type"))

    def _authority_problem(self, number: int) -> str | None:
        namespace, oid, kind = (self.subcomponent(number, n) for n in (1, 2, 3))
        if namespace:
            return self._wrong(f"component {number} names a namespace")
        if self._too_many_subcomponents(number):
            return self._wrong(f"component {number} has more than three subcomponents")
        if not is_oid(OID(oid).bare):
            return self._wrong(f"the assigning authority '{oid}' is not an OID")
        if kind != "ISO":
            return self._wrong(f"the authority's type is '{kind}'")
        return None


class CX(Composite):
    """A patient id with its assigning authority: `id^^^&OID&ISO`, nothing else."""

    __slots__ = ()
    expected = "id^^^&OID&ISO"

    @classmethod
    def of(cls, extension: str, authority: str) -> Self:
        """Return the CX of an id and its authority's OID."""
        return cls(f"{escape(extension)}^^^&{OID(authority).bare}&ISO")

    @property
    def id(self) -> str:
        """CX.1, unescaped."""
        return unescape(self.component(1))

    @property
    def authority(self) -> str:
        """CX.4.2: the OID of the assigning authority, without `urn:oid:`."""
        return OID(self.subcomponent(4, 2)).bare

    @property
    def canonical(self) -> Self:
        """The one spelling of the id, in which `urn:oid:` and trailing separators are left out.

        A registry compares patient ids as whole texts, so that two spellings of one id would be
        two patients. What is no CX stays as it is.
        """
        if self.problem is not None:
            return self
        return type(self)(f"{self.component(1)}^^^&{self.authority}&ISO")

    @property
    def problem(self) -> str | None:
        """Exactly an id and an authority."""
        if not self.component(1):
            return self._wrong("the id is missing")
        if "&" in self.component(1):
            return self._wrong("the id has subcomponents")
        if others := self._others_than(1, 4):
            return self._wrong(f"component {others[0]} must be empty")
        return self._authority_problem(4)


_WITH_AUTHORITY: Final = frozenset(
    {ReferenceIdType.REFERRAL, ReferenceIdType.ORDER, ReferenceIdType.ENCOUNTER_ID}
)
_WITHOUT_AUTHORITY: Final = frozenset(
    {ReferenceIdType.WORKFLOW_INSTANCE_ID, ReferenceIdType.STUDY_INSTANCE_UID}
)


class CXi(Composite):
    """A reference id: an id, its authority and its type (ITI TF-3 Table 4.2.3.1.7-2)."""

    __slots__ = ()
    expected = "id^^^&OID&ISO^type"

    @property
    def id(self) -> str:
        """CXi.1, unescaped."""
        return unescape(self.component(1))

    @property
    def type(self) -> str:
        """CXi.5, the identifier type code."""
        return self.component(5)

    @property
    def problem(self) -> str | None:
        """An id and a type; an authority by OID or by namespace, or none; CXi.6 by CP-ITI-1292.

        Some types of id are unique under their authority only, and some have none.
        """
        if not self.component(1):
            return self._wrong("the id is missing")
        if not self.type:
            return self._wrong("the identifier type code (component 5) is missing")
        alone = self.type in _WITHOUT_AUTHORITY
        if others := self._others_than(1, 5, 6) if alone else self._others_than(1, 4, 5, 6):
            return self._wrong(f"component {others[0]} must be empty")
        return self._authority_wrong()

    def _authority_wrong(self) -> str | None:
        if not self.component(4):
            missing = self.type in _WITH_AUTHORITY
            return (
                self._wrong("the assigning authority (component 4) is missing") if missing else None
            )
        if self._too_many_subcomponents(4):
            return self._wrong("component 4 has more than three subcomponents")
        namespace, oid, kind = (self.subcomponent(4, n) for n in (1, 2, 3))
        if bool(oid) != bool(kind):
            return self._wrong("the authority needs both an id and its type")
        if namespace and oid:
            return self._wrong("the authority has a namespace and an id; one is expected")
        return None


class XCN(Composite):
    """A person: `id^last^first^further^suffix^prefix^^^&OID&ISO`; a name or an id at least."""

    __slots__ = ()
    expected = "id^last^first^^^^^^&OID&ISO with an id or a last name"

    @classmethod
    def of(cls, *, last: str, first: str = "", id: str = "", authority: str = "") -> Self:
        """Return the XCN of a person, with an id under `authority` (OID) when there is one."""
        text = f"{escape(id)}^{escape(last)}^{escape(first)}"
        if id and authority:
            text += f"^^^^^^&{OID(authority).bare}&ISO"
        return cls(text.rstrip("^"))

    @property
    def id(self) -> str:
        """XCN.1, unescaped."""
        return unescape(self.component(1))

    @property
    def last(self) -> str:
        """XCN.2, the family name or the name of a software, unescaped."""
        return unescape(self.component(2))

    @property
    def first(self) -> str:
        """XCN.3, the given name, unescaped."""
        return unescape(self.component(3))

    @property
    def authority(self) -> str:
        """XCN.9.2: the OID of the id's assigning authority, without `urn:oid:`."""
        return OID(self.subcomponent(9, 2)).bare

    @property
    def problem(self) -> str | None:
        """A last name or an id; when there is an authority, a whole one."""
        if not self.component(1) and not self.component(2):
            return self._wrong("neither an id nor a last name")
        return self._authority_problem(9) if self.component(9) else None


class XON(Composite):
    """An organisation: `name`, `name^^^^^^^^^OID` or `name^^^^^&OID&ISO^^^^id`."""

    __slots__ = ()
    expected = "name^^^^^&OID&ISO^^^^id, with at least the name"

    @classmethod
    def of(cls, name: str, *, id: str = "", authority: str = "") -> Self:
        """Return the XON of an organisation, with an id under `authority` (OID) if any."""
        if not id:
            return cls(escape(name))
        assigned = f"&{OID(authority).bare}&ISO" if authority else ""
        return cls(f"{escape(name)}^^^^^{assigned}^^^^{escape(id)}")

    @property
    def name(self) -> str:
        """XON.1, unescaped."""
        return unescape(self.component(1))

    @property
    def id(self) -> str:
        """XON.10, unescaped."""
        return unescape(self.component(10))

    @property
    def authority(self) -> str:
        """XON.6.2: the OID of the id's assigning authority, without `urn:oid:`."""
        return OID(self.subcomponent(6, 2)).bare

    @property
    def problem(self) -> str | None:
        """A name; an id that is an OID, or that has an authority; a whole one, if there is one."""
        if not self.component(1):
            return self._wrong("the name is missing")
        if others := self._others_than(1, 6, 10):
            return self._wrong(f"component {others[0]} must be empty")
        identifier = self.component(10)
        needed = bool(identifier) and not is_oid(OID(identifier).bare)
        return self._authority_problem(6) if needed or self.component(6) else None


class XTN(Composite):
    """A telephone number (`^PRN^PH^^47^22^334455`) or an e-mail address (`^NET^Internet^a@b`)."""

    __slots__ = ()
    expected = "^use^type^^country^area^number^extension, or ^NET^Internet^address"

    @property
    def email(self) -> str:
        """XTN.4, the address of an e-mail contact."""
        return unescape(self.component(4))

    @property
    def number(self) -> str:
        """XTN.7, or the unformatted number of XTN.12."""
        return unescape(self.component(7) or self.component(12))

    @property
    def problem(self) -> str | None:
        """Either an address of type Internet, or a number with its type."""
        if self.component(3) == "Internet":
            if self.component(2) not in {"", "NET"}:
                return self._wrong(f"the use of an e-mail address is '{self.component(2)}'")
            if not self.component(4):
                return self._wrong("the e-mail address is missing")
            others = self._others_than(2, 3, 4)
        else:
            if not self.component(3):
                return self._wrong("the type (component 3) is missing")
            if not self.number:
                return self._wrong("the number is missing")
            others = self._others_than(2, 3, 5, 6, 7, 8, 12)
        return self._wrong(f"component {others[0]} must be empty") if others else None


class Recipient(Datatype):
    """An intendedRecipient: organisation, person and telecommunication, `XON|XCN|XTN`."""

    __slots__ = ()
    expected = "XON|XCN|XTN with at least one of the three"

    def _part(self, index: int) -> str:
        parts = self.split("|")
        return parts[index] if index < len(parts) else ""

    @property
    def organisation(self) -> XON | None:
        """The first part."""
        return XON(part) if (part := self._part(0)) else None

    @property
    def person(self) -> XCN | None:
        """The second part."""
        return XCN(part) if (part := self._part(1)) else None

    @property
    def telecommunication(self) -> XTN | None:
        """The third part."""
        return XTN(part) if (part := self._part(2)) else None

    @property
    def problem(self) -> str | None:
        """At most three parts, at least one, each right in itself."""
        if self.count("|") > len(("XON", "XCN", "XTN")) - 1:
            return self._wrong("more than three parts")
        parts = (self.organisation, self.person, self.telecommunication)
        if not any(parts):
            return self._wrong("no part at all")
        return next((p.problem for p in parts if p is not None and p.problem), None)
