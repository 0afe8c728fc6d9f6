"""Values of query parameters that have a form of their own: codes, UUIDs, types of association."""

import re
from typing import Final, TypeAlias

from ihe.datatypes import MalformedValue, is_uuid_urn
from ihe.vocabulary import AssociationType

CodePair: TypeAlias = tuple[str, str | None]
"""A code and its scheme; a scheme of None stands for any (`ihe.state.AnyCode`)."""

_CODE: Final = re.compile(r"(?P<code>[^^]+)\^\^(?P<scheme>[^^]+)")
_CODE_ALONE: Final = re.compile(r"(?P<code>[^^]+)\^*")
_URN: Final = "urn:uuid:"
_SHOWN: Final = 120
MAX_PATTERN: Final = 1024
"""Characters of a text with wildcards."""


def shown(text: str) -> str:
    """Return a text as an error message shows it: its beginning, when it is long."""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def parse_code(text: str, *, lenient: bool = False) -> CodePair:
    """Return the code and scheme of `code^^scheme` (ITI TF-2 3.18.4.1.2.3.4).

    With `lenient`, a code alone stands for that code of any scheme.

    Raises
    ------
    MalformedValue
        It is no code, or it has no scheme and `lenient` is not set.
    """
    if match := _CODE.fullmatch(text):
        return match["code"], match["scheme"]
    alone = _CODE_ALONE.fullmatch(text)
    if alone and lenient:
        return alone["code"], None
    problem = "the code has no coding scheme" if alone else "not a code"
    raise MalformedValue(f"{problem}: found '{shown(text)}', expected ('code^^codingScheme')")


def parse_text(text: str) -> str:
    """Return a text as it is; raise `MalformedValue` when it is empty."""
    if not text:
        raise MalformedValue("the text is empty")
    return text


def parse_pattern(text: str) -> str:
    """Return a pattern as it is (ITI TF-2 3.18.4.1.2.3.2).

    Raises
    ------
    MalformedValue
        It is empty, or longer than any text that it could be meant for: a rim:Value holds 256
        characters and a title 1024, and an engine has limits of its own.
    """
    if len(text) > MAX_PATTERN:
        found = f"a pattern of {len(text)} characters, expected at most {MAX_PATTERN}"
        raise MalformedValue(f"found {found}")
    return parse_text(text)


def is_pattern(text: str) -> bool:
    """Tell whether a text has wildcards, and is not just compared as a whole."""
    return "%" in text or "_" in text


def parse_uuid(text: str) -> str:
    """Return the UUID URN of an id; the prefix may be missing and the digits upper-case.

    Raises
    ------
    MalformedValue
        It is no UUID.
    """
    lower = text.strip().lower()
    urn = lower if lower.startswith(_URN) else _URN + lower
    if not is_uuid_urn(urn):
        raise MalformedValue(f"not a UUID: found '{shown(text)}', expected urn:uuid: and a UUID")
    return urn


def parse_association_type(text: str) -> str:
    """Return the URN of a type of association; old consumers send its name alone, `APND`.

    Types that the Framework does not know stay as they are: affinity domains have their own.
    """
    by_name = {each.rpartition(":")[2]: each for each in AssociationType}
    return by_name.get(text, text)
