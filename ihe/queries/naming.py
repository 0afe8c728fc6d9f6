"""Names of parameters that were probably meant to be another."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

_PREFIX: Final = re.compile(r"\$?(xdsdocumententry|xdssubmissionset|xdsfolder|xds)?")
_ALIKE: Final = 0.85


def near_misses(name: str, others: Iterable[str]) -> list[str]:
    """Return those of `others` that were probably meant to be the parameter `name`.

    That is: another case, no `$`, the same word of another object (`$patientId` for
    `$XDSDocumentEntryPatientId`), or a slip of the pen.
    """
    return [other for other in others if _alike(name.lower(), other.strip().lower())]


def _alike(name: str, other: str) -> bool:
    if _PREFIX.sub("", name, count=1) == _PREFIX.sub("", other, count=1):
        return True
    if len(other) > 2 * len(name):  # cannot be alike, and would take long to compare
        return False
    return SequenceMatcher(None, name, other, autojunk=False).ratio() >= _ALIKE
