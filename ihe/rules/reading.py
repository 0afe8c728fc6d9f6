"""Rules that the reader of the ebXML checks (`ihe.ebxml`): declared here, found there."""

from typing import Final

from ihe.rules.declaring import RME, Basis, Rule, Strictness, Subject

_T, _I, _P = Basis.FRAMEWORK, Basis.INFERRED, Basis.PRACTICE
_REJECT, _WARN = Strictness.REJECT, Strictness.WARN

READING: Final[tuple[Rule[Subject], ...]] = (
    Rule("A2", RME, _P, "A submission holds what the schema knows.", _REJECT),
    Rule("A3", RME, _T, "Every object, Classification and ExternalIdentifier has an id.", _REJECT),
    Rule("A4", RME, _P, "No id is used twice in a submission.", _REJECT),
    Rule("A5", RME, _I, "An id that begins with urn:uuid: is a UUID in lower case.", _REJECT),
    Rule("B2", RME, _T, "A RegistryPackage is labelled as SubmissionSet or as Folder.", _REJECT),
    Rule("B18", RME, _T, "A Classification or ExternalIdentifier names its object.", _REJECT),
    Rule("B19", RME, _P, "Each scheme and node stands on the object that it is for.", _REJECT),
    Rule("B20", RME, _T, "Slot names are unique on an object and not empty.", _REJECT),
    Rule("C3", RME, _T, "A single-valued Slot has exactly one Value.", _REJECT),
    Rule("C6", RME, _T, "An object has at most one ExternalIdentifier of a scheme.", _REJECT),
    Rule("C9", RME, _T, "The Name of an ExternalIdentifier is the Framework's fixed text.", _WARN),
    Rule("C10", RME, _P, "A Slot has a Value, no Value is empty, a text is there once.", _REJECT),
)  # fmt: skip  # a table: one rule a line
