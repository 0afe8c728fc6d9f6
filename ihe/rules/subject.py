"""What the rules look at: a submission, sorted once, and the names of its parts."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

from ihe.datatypes import Datatype
from ihe.model import Association, Code, DocumentEntry, RegistryObject, Submission, SubmissionSet
from ihe.rules.declaring import Profile
from ihe.state import comparable
from ihe.vocabulary import RELATIONSHIPS, AssociationType

R = TypeVar("R", bound=RegistryObject)


class Subject:
    """A submission, sorted for the rules, so that the time of each grows with its size only.

    `sets`, `entries`, `folders` and `links` are its objects by id. Of its HasMember associations,
    `members` lead from its SubmissionSet and `memberships` from anything else, which is to be a
    Folder; `relationships` are between documents.
    """

    def __init__(self, submission: Submission, profile: Profile) -> None:
        self.submission = submission
        self.profile = profile
        self.sets = _by_id(submission.submission_sets)
        self.entries = _by_id(submission.entries)
        self.folders = _by_id(submission.folders)
        self.links = _by_id(submission.associations)
        self.members: list[Association] = []
        self.memberships: list[Association] = []
        self.relationships: list[Association] = []
        for link in submission.associations:
            if link.type in RELATIONSHIPS:
                self.relationships.append(link)
            elif link.type == AssociationType.HAS_MEMBER:
                (self.members if link.source in self.sets else self.memberships).append(link)

    def is_present(self, entry_uuid: str) -> bool:
        """Tell whether an object of the submission has this id."""
        return any(
            entry_uuid in objects for objects in (self.sets, self.entries, self.folders, self.links)
        )

    def is_limited(self, thing: Any) -> bool:  # Any: every object but an Association
        """Tell whether an object is marked as limited metadata, and may be."""
        return bool(thing.limited_metadata and self.profile.accepts_limited_metadata)


def _by_id(objects: Iterable[R]) -> dict[str, R]:
    return {each.entry_uuid: each for each in objects}


def same_text(one: str | None, other: str | None) -> bool:
    """Tell whether two identifiers are the same, as the registry compares them."""
    return one is not None and other is not None and comparable(one) == comparable(other)


# --- names ---------------------------------------------------------------------------------------

_NAMES: Final = {
    "authors": "author",
    "codes": "codeList",
    "confidentiality_codes": "confidentialityCode",
    "documentation": "associationDocumentation",
    "entry_uuid": "entryUUID",
    "event_codes": "eventCodeList",
    "intended_recipients": "intendedRecipient",
    "logical_id": "logicalID",
    "reference_ids": "referenceIdList",
    "source": "sourceObject",
    "submission_set_status": "SubmissionSetStatus",
    "target": "targetObject",
    "type": "associationType",
    "uri": "URI",
}


def framework_name(field: str) -> str:
    """Return the Framework's name of a field: `creationTime` of `creation_time`."""
    head, *rest = field.split("_")
    return _NAMES.get(field) or head + "".join(word.capitalize() for word in rest)


def name_of(thing: RegistryObject) -> str:
    """Return how findings call an object: `DocumentEntry[Document01]`."""
    return f"{type(thing).__name__}[{thing.entry_uuid}]"


def where(thing: RegistryObject, field: str) -> str:
    """Return how findings call an attribute: `DocumentEntry[Document01].creationTime`."""
    return f"{name_of(thing)}.{framework_name(field)}"


# --- values --------------------------------------------------------------------------------------

_CODED: Final = (
    "class_code",
    "format_code",
    "healthcare_facility_type_code",
    "practice_setting_code",
    "type_code",
    "content_type_code",
    "documentation",
    "confidentiality_codes",
    "event_codes",
    "codes",
)


def codes_of(thing: RegistryObject) -> Iterator[tuple[str, Code]]:
    """Yield every code of an object with the field that it stands in."""
    for field in _CODED:
        for code in _values(getattr(thing, field, None)):
            yield field, code


def typed_values(thing: RegistryObject, *fields: str) -> Iterator[tuple[str, Datatype]]:
    """Yield the values of those `fields` that the object has, each with its field."""
    for field in fields:
        for value in _values(getattr(thing, field, None)):
            yield field, value


def author_values(thing: RegistryObject) -> Iterator[tuple[str, Datatype]]:
    """Yield what has a data type of each author, with the Framework's name of the attribute."""
    for author in thing.authors if isinstance(thing, DocumentEntry | SubmissionSet) else ():
        for name, found in (
            ("author.authorPerson", author.person),
            ("author.authorInstitution", author.institutions),
            ("author.authorTelecommunication", author.telecommunications),
        ):
            for value in _values(found):
                yield name, value


def _values(found: Any) -> tuple[Any, ...]:
    if found is None:
        return ()
    return found if isinstance(found, tuple) else (found,)
