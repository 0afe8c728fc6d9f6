"""What registry objects can be asked for: each attribute, and the conditions that fit it.

One table for everybody. Stored queries restrict nothing that is not in it, engines answer all of
it, and the suite of tests that holds the engines together walks through it, so that nothing is
forgotten on either side.

```text
ID    AnyOf              identifiers and URNs: compared as a whole
TEXT  AnyOf, Like        texts that people wrote, and reference ids
CODE  AnyCode            code and coding scheme
TIME  Between
```

Each of them, except Between, also inside Not; Newest fits DocumentEntries and Folders.

References
----------
ITI TF-2 3.18.4.1.2.3.7 (which attributes stored queries restrict).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Generic, TypeAlias, TypeVar

from ihe.model import (
    Association,
    Code,
    DocumentEntry,
    Folder,
    LocalizedString,
    RegistryObject,
    SubmissionSet,
)
from ihe.state import AnyCode, AnyOf, Between, Condition, Kind, Like, Newest, Not
from ihe.vocabulary import DocumentAvailability, Status

Value: TypeAlias = str | Code
T = TypeVar("T")


class Form(Enum):
    """How the values of an attribute are compared, with the conditions that fit."""

    ID = (AnyOf,)
    TEXT = (AnyOf, Like)
    CODE = (AnyCode,)
    TIME = (Between,)


@dataclass(frozen=True, slots=True)
class Attribute(Generic[T]):
    """One attribute of a kind of objects `T`.

    `values` reads it from an object: 0..* values, `Code` for the form CODE and texts otherwise.
    """

    form: Form
    values: Callable[[T], tuple[Value, ...]]


def _one(value: Value | None) -> tuple[Value, ...]:
    return () if value is None else (value,)


def _status(value: Status | str | None) -> tuple[Value, ...]:
    """Return availabilityStatus; an object that was registered without one is Approved."""
    return (value or Status.APPROVED,)


def _languages(text: LocalizedString | None) -> tuple[Value, ...]:
    """Return what a text says in each language that it has."""
    return () if text is None else (text.value, *(other.value for other in text.others))


def _persons(of: DocumentEntry | SubmissionSet) -> tuple[Value, ...]:
    return tuple(author.person for author in of.authors if author.person is not None)


_DOCUMENT_ENTRY: Final[Mapping[str, Attribute[DocumentEntry]]] = {
    "entry_uuid": Attribute(Form.ID, lambda e: (e.entry_uuid,)),
    "unique_id": Attribute(Form.ID, lambda e: _one(e.unique_id)),
    "logical_id": Attribute(Form.ID, lambda e: _one(e.logical_id)),
    "patient_id": Attribute(Form.ID, lambda e: _one(e.patient_id)),
    "availability_status": Attribute(Form.ID, lambda e: _status(e.availability_status)),
    "object_type": Attribute(Form.ID, lambda e: (e.object_type,)),
    "document_availability": Attribute(  # absent means Online (Metadata Update 4.2.3.2.30)
        Form.ID, lambda e: (e.document_availability or DocumentAvailability.ONLINE,)
    ),
    "title": Attribute(Form.TEXT, lambda e: _languages(e.title)),
    "author_person": Attribute(Form.TEXT, _persons),
    "author_institution": Attribute(
        Form.TEXT, lambda e: tuple(place for author in e.authors for place in author.institutions)
    ),
    "reference_id": Attribute(Form.TEXT, lambda e: e.reference_ids),
    "class_code": Attribute(Form.CODE, lambda e: _one(e.class_code)),
    "type_code": Attribute(Form.CODE, lambda e: _one(e.type_code)),
    "format_code": Attribute(Form.CODE, lambda e: _one(e.format_code)),
    "practice_setting_code": Attribute(Form.CODE, lambda e: _one(e.practice_setting_code)),
    "healthcare_facility_type_code": Attribute(
        Form.CODE, lambda e: _one(e.healthcare_facility_type_code)
    ),
    "event_code": Attribute(Form.CODE, lambda e: e.event_codes),
    "confidentiality_code": Attribute(Form.CODE, lambda e: e.confidentiality_codes),
    "creation_time": Attribute(Form.TIME, lambda e: _one(e.creation_time)),
    "service_start_time": Attribute(Form.TIME, lambda e: _one(e.service_start_time)),
    "service_stop_time": Attribute(Form.TIME, lambda e: _one(e.service_stop_time)),
}

_SUBMISSION_SET: Final[Mapping[str, Attribute[SubmissionSet]]] = {
    "entry_uuid": Attribute(Form.ID, lambda s: (s.entry_uuid,)),
    "unique_id": Attribute(Form.ID, lambda s: _one(s.unique_id)),
    "patient_id": Attribute(Form.ID, lambda s: _one(s.patient_id)),
    "availability_status": Attribute(Form.ID, lambda s: _status(s.availability_status)),
    "source_id": Attribute(Form.ID, lambda s: _one(s.source_id)),
    "author_person": Attribute(Form.TEXT, _persons),
    "content_type_code": Attribute(Form.CODE, lambda s: _one(s.content_type_code)),
    "submission_time": Attribute(Form.TIME, lambda s: _one(s.submission_time)),
}

_FOLDER: Final[Mapping[str, Attribute[Folder]]] = {
    "entry_uuid": Attribute(Form.ID, lambda f: (f.entry_uuid,)),
    "unique_id": Attribute(Form.ID, lambda f: _one(f.unique_id)),
    "logical_id": Attribute(Form.ID, lambda f: _one(f.logical_id)),
    "patient_id": Attribute(Form.ID, lambda f: _one(f.patient_id)),
    "availability_status": Attribute(Form.ID, lambda f: _status(f.availability_status)),
    "code": Attribute(Form.CODE, lambda f: f.codes),
    "last_update_time": Attribute(Form.TIME, lambda f: _one(f.last_update_time)),
}

_ASSOCIATION: Final[Mapping[str, Attribute[Association]]] = {
    "entry_uuid": Attribute(Form.ID, lambda a: (a.entry_uuid,)),
    "availability_status": Attribute(Form.ID, lambda a: _status(a.availability_status)),
    "type": Attribute(Form.ID, lambda a: (a.type,)),
    "source": Attribute(Form.ID, lambda a: (a.source,)),
    "target": Attribute(Form.ID, lambda a: (a.target,)),
    "source_or_target": Attribute(Form.ID, lambda a: (a.source, a.target)),
    "submission_set_status": Attribute(Form.ID, lambda a: _one(a.submission_set_status)),
}

ATTRIBUTES: Final[Mapping[Kind, Mapping[str, Attribute[Any]]]] = {  # Any: the class of the kind
    Kind.DOCUMENT_ENTRY: _DOCUMENT_ENTRY,
    Kind.SUBMISSION_SET: _SUBMISSION_SET,
    Kind.FOLDER: _FOLDER,
    Kind.ASSOCIATION: _ASSOCIATION,
}

NOW: Final = frozenset({"patient_id", "availability_status", "last_update_time"})
"""Attributes that change without a new version: what counts is what the registry holds now."""

VERSIONED: Final = frozenset({Kind.DOCUMENT_ENTRY, Kind.FOLDER})
"""Kinds that `Newest` fits (Metadata Update 4.1.5)."""

_KINDS: Final[Mapping[type[RegistryObject], Kind]] = {
    DocumentEntry: Kind.DOCUMENT_ENTRY,
    SubmissionSet: Kind.SUBMISSION_SET,
    Folder: Kind.FOLDER,
    Association: Kind.ASSOCIATION,
}


def kind_of(registry_object: RegistryObject) -> Kind:
    """Return the kind of an object."""
    return _KINDS[type(registry_object)]


def values_of(registry_object: RegistryObject, attribute: str) -> tuple[Value, ...]:
    """Return the values of an attribute of the table, 0..*; `KeyError` when it has no such."""
    return ATTRIBUTES[kind_of(registry_object)][attribute].values(registry_object)


def check_conditions(kind: Kind, conditions: Sequence[Condition]) -> None:
    """Raise `ValueError` unless there are conditions and each fits `kind` and its attribute."""
    if not conditions:
        raise ValueError(f"no condition on {kind} objects")
    for condition in conditions:
        if isinstance(condition, Newest):
            if kind not in VERSIONED:
                raise ValueError(f"{kind} objects have no versions")
            continue
        inner = condition.condition if isinstance(condition, Not) else condition
        attribute = ATTRIBUTES[kind].get(inner.attribute)
        if attribute is None:
            raise ValueError(f"{kind} objects cannot be asked for '{inner.attribute}'")
        fits: bool = isinstance(inner, attribute.form.value)
        if not fits:
            raise ValueError(f"{type(inner).__name__} does not fit {kind}.{inner.attribute}")
