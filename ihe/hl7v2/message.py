r"""Octets of a message to its segments, fields and components, and back.

```text
MSH|^~\&|…                     segments end with CR; LF and CR LF are taken too
PID|1||4711^^^&1.2&ISO~K2||…   fields by `|`, repetitions by `~`, components by `^`,
                               subcomponents by `&`; `\T\` and the like are escapes
```

A message is split as far as somebody asks: a feed of a megabyte whose third field alone is read
costs little more than its octets. Whatever the octets are, the worst that comes of them is a
`Refusal`, which says what the answer has to.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple, TypeAlias

from ihe.errors import HubError, brief


class Acknowledgement(StrEnum):
    """MSA-1: what became of a message (HL7 table 0008, original mode)."""

    ACCEPT = "AA"
    ERROR = "AE"
    REJECT = "AR"


class Condition(IntEnum):
    """Why a message was not accepted (HL7 table 0357)."""

    SEGMENT_SEQUENCE = 100
    REQUIRED_FIELD_MISSING = 101
    DATA_TYPE = 102
    TABLE_VALUE = 103
    UNSUPPORTED_MESSAGE = 200
    UNSUPPORTED_EVENT = 201
    UNSUPPORTED_VERSION = 203
    UNKNOWN_KEY = 204
    INTERNAL = 207

    @property
    def text(self) -> str:
        """Its name in the table."""
        return _CONDITIONS[self]


_CONDITIONS: Final = {
    Condition.SEGMENT_SEQUENCE: "Segment sequence error",
    Condition.REQUIRED_FIELD_MISSING: "Required field missing",
    Condition.DATA_TYPE: "Data type error",
    Condition.TABLE_VALUE: "Table value not found",
    Condition.UNSUPPORTED_MESSAGE: "Unsupported message type",
    Condition.UNSUPPORTED_EVENT: "Unsupported event code",
    Condition.UNSUPPORTED_VERSION: "Unsupported version id",
    Condition.UNKNOWN_KEY: "Unknown key identifier",
    Condition.INTERNAL: "Application internal error",
}
_REJECTED: Final = {
    Condition.UNSUPPORTED_MESSAGE,
    Condition.UNSUPPORTED_EVENT,
    Condition.UNSUPPORTED_VERSION,
}


class Place(NamedTuple):
    """Where in a message: `PID-3`; the segment's number among its name's, the field's or 0."""

    segment: str
    field: int = 0
    sequence: int = 1

    def __str__(self) -> str:
        return f"{self.segment}-{self.field}" if self.field else self.segment


class Refusal(HubError):
    """A message is not accepted: why, where, and what was found and expected."""

    def __init__(self, condition: Condition, reason: str, place: Place) -> None:
        self.condition, self.reason, self.place = condition, brief(reason), place
        super().__init__(f"{place}: {self.reason}")

    @property
    def acknowledgement(self) -> Acknowledgement:
        """AR for what this application does not take at all, AE for what is wrong in it."""
        if self.condition in _REJECTED:
            return Acknowledgement.REJECT
        return Acknowledgement.ERROR


# --- separators and escapes ----------------------------------------------------------------------

_X_ESCAPE: Final = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")


@dataclass(frozen=True, slots=True)
class Separators:
    r"""MSH-1 and MSH-2: the characters that a message is split at."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @property
    def encoding_characters(self) -> str:
        """MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent

    def _letters(self) -> dict[str, str]:
        return {
            "F": self.field,
            "S": self.component,
            "T": self.subcomponent,
            "R": self.repetition,
            "E": self.escape,
        }

    def escaped(self, text: str) -> str:
        """Write the separators in a text as escapes, and line ends as hexadecimal ones."""
        codes = {
            ord(char): f"{self.escape}{key}{self.escape}" for key, char in self._letters().items()
        }
        codes |= {ord(char): f"{self.escape}X{ord(char):02X}{self.escape}" for char in _CONTROLS}
        return text.translate(codes)

    def unescaped(self, text: str, codec: str = "ascii") -> str:
        """Replace the escapes in a text; those that say nothing of its letters stay as they are."""
        if self.escape not in text:
            return text
        letters = self._letters()
        pieces = text.split(self.escape)
        found = [pieces[0]]
        position = 1
        while position < len(pieces):
            is_closed = position + 1 < len(pieces)
            said = _meaning(pieces[position], letters, codec) if is_closed else None
            if said is None:
                found.append(self.escape + pieces[position])
                position += 1
            else:
                found += (said, pieces[position + 1])
                position += 2
        return "".join(found)


def _meaning(name: str, letters: dict[str, str], codec: str) -> str | None:
    if name in letters:
        return letters[name]
    if match := _X_ESCAPE.fullmatch(name):
        try:
            return bytes.fromhex(match[1]).decode(codec)
        except UnicodeDecodeError:
            return None
    return None


_CONTROLS: Final = "\r\n\x0b\x1c"
"""What ends a segment or a frame."""

# --- messages ------------------------------------------------------------------------------------

Components: TypeAlias = tuple[tuple[str, ...], ...]
"""One repetition of a field: its components, each with its subcomponents; escapes are replaced."""

MOST_SEGMENTS: Final = 1_000
MOST_REPETITIONS: Final = 1_000
_MOST_PARTS: Final = 100
"""Components of a field, and subcomponents of one, that are read; no data type has as many."""
NULL: Final = '""'
"""What a field holds whose value is to be taken away."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its name and its fields as they came, MSH-1 and all."""

    name: str
    fields: tuple[str, ...]
    separators: Separators
    codec: str = "ascii"
    sequence: int = 1

    def field(self, number: int) -> str:
        """Return a field as it came, '' when it is absent; counted from 1."""
        return self.fields[number - 1] if number <= len(self.fields) else ""

    def repetitions(self, number: int) -> list[Components]:
        """Return what a field says; empty repetitions are left out.

        Raises
        ------
        Refusal
            There are too many of them.
        """
        texts = self.field(number).split(self.separators.repetition, MOST_REPETITIONS)
        if len(texts) > MOST_REPETITIONS:
            reason = f"more than {MOST_REPETITIONS} repetitions"
            raise Refusal(Condition.DATA_TYPE, reason, self.place(number))
        return [self._components(text) for text in texts if text and text != NULL]

    def first(self, number: int, component: int = 1) -> str:
        """Return a component of a field's first repetition, '' when it is absent."""
        return part(self.first_repetition(number), component)

    def first_repetition(self, number: int) -> Components:
        """Return a field's first repetition, with one empty component when it is absent."""
        return self._components(self.field(number).partition(self.separators.repetition)[0])

    def place(self, number: int) -> Place:
        """Return the place of a field."""
        return Place(self.name, number, self.sequence)

    def _components(self, text: str) -> Components:
        separators = self.separators
        return tuple(
            tuple(
                separators.unescaped(sub, self.codec)
                for sub in component.split(separators.subcomponent, _MOST_PARTS)[:_MOST_PARTS]
            )
            for component in text.split(separators.component, _MOST_PARTS)[:_MOST_PARTS]
        )


def part(components: Components, number: int, sub: int = 1) -> str:
    """Return a subcomponent, '' when it is absent or taken away; both are counted from 1."""
    if number > len(components) or sub > len(components[number - 1]):
        return ""
    text = components[number - 1][sub - 1].strip()
    return "" if text == NULL else text


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its segments in their order, the first of them MSH.

    Parameters
    ----------
    segments
        At least the MSH.
    charset
        What MSH-18 declares, '' for nothing.
    """

    segments: tuple[Segment, ...]
    charset: str = ""

    @property
    def header(self) -> Segment:
        """The MSH."""
        return self.segments[0]

    def named(self, name: str) -> list[Segment]:
        """Return the segments of a name."""
        return [each for each in self.segments if each.name == name]


# --- reading -------------------------------------------------------------------------------------

_ASCII: Final = "ascii"
_CODECS: Final = {
    "ASCII": _ASCII,
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",  # not in the table, and often sent
    **{f"8859/{number}": f"iso8859-{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}
"""Character sets of HL7 table 0211 in which every octet below 128 is ASCII."""
_MSH: Final = "MSH"
_BODY: Final = len("MSH|^~\\&")
_MSH_18: Final = 18
_LINE_END: Final = re.compile("\r\n|\n|\r")


def parse(data: bytes) -> Message:
    """Return the message of some octets.

    Octets beyond ASCII that no MSH-18 explains are read as UTF-8 where they are that, else as ISO
    8859-1, since senders often forget to declare them; `Message.charset` is then empty, so that a
    reader can refuse what it must not guess.

    Raises
    ------
    Refusal
        It has no MSH that can be read, or its characters are not those that it declares.
    """
    separators = _separators(data)
    declared = _header(data, separators).first(_MSH_18)
    text, codec = _decoded(data, declared)
    lines = [line for line in _LINE_END.split(text, MOST_SEGMENTS) if line.strip()]
    if len(lines) > MOST_SEGMENTS:
        reason = f"more than {MOST_SEGMENTS} segments"
        raise Refusal(Condition.SEGMENT_SEQUENCE, reason, Place(_MSH))
    return Message(tuple(_segments(lines, separators, codec)), declared)


def parse_header(data: bytes) -> Message | None:
    """Return the MSH of a message that `parse` refuses, so that it can be answered.

    None when there is none to be read.
    """
    try:
        separators = _separators(data)
    except Refusal:
        return None
    return Message((_header(data, separators),))


def _header(data: bytes, separators: Separators) -> Segment:
    """Return the MSH before its character set is known."""
    line = re.split(rb"[\r\n]", data, maxsplit=1)[0].decode("latin-1")
    return Segment(_MSH, _fields(_MSH, line, separators), separators)


def _separators(data: bytes) -> Separators:
    """Return what the message is split at, from its first octets."""
    head = data[:_BODY].decode("latin-1")
    if not head.startswith(_MSH):
        reason = "a message that begins with MSH was expected"
        raise Refusal(Condition.SEGMENT_SEQUENCE, reason, Place(_MSH))
    characters = head[len(_MSH) :]
    right = len(characters) == _BODY - len(_MSH) and len(set(characters)) == len(characters)
    if not right or any(not "!" <= char <= "~" or char.isalnum() for char in characters):
        reason = "five different separators such as |^~\\& were expected after MSH"
        raise Refusal(Condition.DATA_TYPE, reason, Place(_MSH, 2))
    if data[_BODY : _BODY + 1] not in {characters[0].encode(), b"\r", b"\n", b""}:
        reason = f"four encoding characters and then '{characters[0]}' were expected"
        raise Refusal(Condition.DATA_TYPE, reason, Place(_MSH, 2))
    return Separators(*characters)


def _decoded(data: bytes, declared: str) -> tuple[str, str]:
    codec = _CODECS.get(declared.upper(), "") if declared else _ASCII
    if not codec:
        known = ", ".join(_CODECS)
        reason = f"the character set is not one of {known}"
        raise Refusal(Condition.TABLE_VALUE, reason, Place(_MSH, _MSH_18))
    guesses = (codec,) if declared else (_ASCII, "utf-8", "latin-1")
    for guess in guesses:
        try:
            return data.decode(guess), guess
        except UnicodeDecodeError:
            continue
    reason = f"the message is not in the character set that it declares, {declared}"
    raise Refusal(Condition.DATA_TYPE, reason, Place(_MSH, _MSH_18))


def _segments(lines: Iterable[str], separators: Separators, codec: str) -> Iterator[Segment]:
    seen: dict[str, int] = {}
    for line in lines:
        name = line.partition(separators.field)[0].strip()
        seen[name] = seen.get(name, 0) + 1
        yield Segment(name, _fields(name, line, separators), separators, codec, seen[name])


def _fields(name: str, line: str, separators: Separators) -> tuple[str, ...]:
    fields = line.split(separators.field)[1:]
    return (separators.field, *fields) if name == _MSH else tuple(fields)


# --- writing -------------------------------------------------------------------------------------


def field(*repetitions: Sequence[Sequence[str]], separators: Separators | None = None) -> str:
    """Return a field as it is sent: of repetitions of components of subcomponents."""
    by = separators or Separators()
    return by.repetition.join(
        by.component.join(by.subcomponent.join(map(by.escaped, component)) for component in each)
        for each in repetitions
    )


def render(segments: Iterable[Sequence[str]], separators: Separators | None = None) -> str:
    """Return a message of segments: each its name and its fields, as they are sent.

    The MSH's fields begin with MSH-3: what comes before says itself.
    """
    by = separators or Separators()
    lines = []
    for name, *fields in segments:
        own = (by.encoding_characters,) if name == _MSH else ()
        lines.append(by.field.join((name, *own, *fields)).rstrip(by.field) + "\r")
    return "".join(lines)
