"""Rules that are checked outside this package, declared here so that all stand in one table.

The reader of the ebXML sees what the values no longer show, such as a Slot that came twice. It
names the rule that it found broken, and the rule's strictness and code apply. What follows from
how a registration works has no rule at all: `NO_RULE` says why.
"""

from collections.abc import Mapping
from typing import Any, Final

from ihe.errors import ErrorCode
from ihe.rules.declaring import Basis, Rule, Strictness

_READER: Final = "ihe.ebxml"
_HELPERS: Final = "Ids of helpers are not kept, and nothing refers to them."

READING: Final[tuple[Rule[Any], ...]] = (  # Any: none of them has a check
    Rule(
        "A2",
        "A submission holds what the ebRIM schema knows.",
        basis=Basis.SCHEMA,
        why="What the reader does not know would be lost.",
        checked_by=_READER,
    ),
    Rule(
        "A3",
        "Every object, Classification and ExternalIdentifier has an id.",
        clause="TF-3 4.2.1.5",
        checked_by=_READER,
    ),
    Rule(
        "A4b",
        "No Classification or ExternalIdentifier has the id of anything else.",
        basis=Basis.PRACTICE,
        default=Strictness.WARN,
        why=_HELPERS,
        checked_by=_READER,
    ),
    Rule(
        "A5b",
        "The id of a Classification or ExternalIdentifier that begins with urn:uuid: is a UUID in"
        " lower case.",
        basis=Basis.INFERRED,
        clause="TF-3 4.2.3.1.5",
        default=Strictness.WARN,
        why=_HELPERS,
        checked_by=_READER,
    ),
    Rule(
        "B2",
        "A RegistryPackage is labelled as SubmissionSet or as Folder.",
        clause="TF-3 4.2.1.2.1, 4.2.1.3.1",
        fixed=True,
        why="Otherwise nobody can tell what it is.",
        checked_by=_READER,
    ),
    Rule(
        "B18",
        "A Classification or ExternalIdentifier names the object that it is on.",
        clause="TF-3 4.2.3.1.2, 4.2.3.1.3",
        checked_by=_READER,
    ),
    Rule(
        "B18b",
        "The objectType of a Classification or ExternalIdentifier, if there is one, is its own.",
        clause="TF-3 Tables 4.2.3.1.2-1, 4.2.3.1.3-1",
        default=Strictness.WARN,
        why="The element says what it is, and answers carry the right one.",
        checked_by=_READER,
    ),
    Rule(
        "B19",
        "Each of the Framework's schemes and nodes stands on the kind of object that it is for.",
        basis=Basis.PRACTICE,
        why="An attribute in the wrong place is not understood, and would be lost.",
        checked_by=_READER,
    ),
    Rule(
        "B19b",
        "Classifications and identifiers are the Framework's; others are not kept.",
        code=ErrorCode.EXTRA_METADATA_NOT_SAVED,
        basis=Basis.PRACTICE,
        default=Strictness.WARN,
        why="National extensions use schemes of their own; the sender is told that they are lost.",
        checked_by=_READER,
    ),
    Rule(
        "B20",
        "Slot names are unique on an object and not empty.",
        clause="TF-3 4.2.3.1.6",
        checked_by=_READER,
    ),
    Rule(
        "B21b",
        "Slots and texts stand where the Framework has them; others are not kept.",
        code=ErrorCode.EXTRA_METADATA_NOT_SAVED,
        basis=Basis.PRACTICE,
        default=Strictness.WARN,
        why="On a code or an identifier they are nobody's metadata; the sender is told.",
        checked_by=_READER,
    ),
    Rule(
        "C3",
        "A single-valued Slot has exactly one Value.",
        clause="TF-3 Table 4.2.3.2-1",
        checked_by=_READER,
    ),
    Rule(
        "C6",
        "An object has at most one ExternalIdentifier of a scheme.",
        clause="TF-3 4.2.3.1.3",
        checked_by=_READER,
    ),
    Rule(
        "C9",
        "The Name of an ExternalIdentifier is the Framework's fixed text.",
        clause="TF-3 4.2.3.1.3",
        default=Strictness.WARN,
        why="The scheme says what it is; the Name adds nothing.",
        checked_by=_READER,
    ),
    Rule(
        "C10",
        "A Slot has a Value, and no Value is empty.",
        basis=Basis.PRACTICE,
        default=Strictness.WARN,
        why="It is as good as absent; where a value is needed, another rule asks for it.",
        checked_by=_READER,
    ),
    Rule(
        "C10b",
        "A Name or Description has one text in each language.",
        basis=Basis.PRACTICE,
        why="Which of two is meant cannot be told.",
        checked_by=_READER,
    ),
    Rule(
        "C10c",
        "The language of a text is a language tag; any other is not kept.",
        basis=Basis.SCHEMA,
        default=Strictness.WARN,
        why="The text is what counts, and receivers that validate would refuse the answer.",
        checked_by=_READER,
    ),
)
"""What the reader of the ebXML checks, besides its part of rules that have a check."""

PATIENTS: Final[Rule[Any]] = Rule(  # Any: it has no check here
    "F2",
    "A patient id is known, of an authority that the affinity domain accepts, and not merged away.",
    code=ErrorCode.UNKNOWN_PATIENT_ID,
    clause="TF-2 3.42.4.1.3.3.2, 3.8.4.2.4",
    fixed=True,
    why="The registry's patient mode says which ids are known.",
    checked_by="registry.patients",
)

NO_RULE: Final[Mapping[str, str]] = {
    "A1": "a message that is none gets a SOAP fault (hub.pipeline)",
    "A6": "the repository pairs documents and entries (repository.iti41)",
    "A7": "the repository pairs documents and entries (repository.iti41)",
    "A8": "a first version's logicalID is its own id (D17), and ids are unique (A4)",
    "B17": "a submitted status does not count",
    "D15": "a submitted status does not count",
    "E1": "the repository compares hash and bytes (repository.iti41)",
    "E2": "the repository compares size and bytes (repository.iti41)",
    "E3": "the registry compares with what is registered (F5, F5b)",
    "E4": "a sourceId is good when it is an OID (D2); who may send is a matter of certificates",
    "E5": "a repository does not look into documents",
    "E6": "the repository says that the registry cannot be reached (repository.iti41)",
    "E7": "the repository passes the registry's errors on (repository.iti41)",
    "F21": "extra metadata is kept",
    "F22": "a referenced document may be another patient's",
    "G7": "a new version keeps the rules of attributes and lists (C, D, N, F5, F8, F9) with their"
    " codes",
    "G17": "a new patient id is checked as that of a submission (F2)",
    "G22": "there is no local policy beside these rules",
    "G23": "associations of updates are unknown to a registration (B9)",
    "H1": "a removal without an object is no such message (ihe.ebxml.requests)",
    "H5": "the repository says which documents are not its own (repository.iti86)",
    "H6": "the repository says which documents it does not have (repository.iti86)",
    "H7": "the repository says which documents it could not remove (repository.iti86)",
}
"""Checks known from other registries that need no rule here, with the reason."""
