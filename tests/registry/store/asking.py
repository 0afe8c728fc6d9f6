"""Objects that have a value of an attribute, and ways to ask a store about them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from ihe.attributes import ATTRIBUTES, Form, values_of
from ihe.datatypes import DTM, OID, XCN, XON, CXi, Identifier
from ihe.ebxml.rendering import fill, read_filled
from ihe.model import (
    Association,
    Author,
    Code,
    LocalizedString,
    RegistryObject,
)
from ihe.state import (
    AnyCode,
    AnyOf,
    Condition,
    Kind,
    Like,
    Record,
    any_of,
)
from ihe.vocabulary import (
    AssociationType,
    DocumentAvailability,
    DocumentEntryType,
    Status,
    SubmissionSetStatus,
)
from registry.store.port import Store, Writer
from tests.registry.objects import (
    KARI,
    LINE,
    association,
    entry,
    folder,
    submission_set,
    uuid,
)

# --- objects that have a value of an attribute ---------------------------------------------------

Make: TypeAlias = Callable[[int, Any], RegistryObject]  # Any: whatever the attribute's type is
ENTRY, SET, FOLDER, LINK = Kind.DOCUMENT_ENTRY, Kind.SUBMISSION_SET, Kind.FOLDER, Kind.ASSOCIATION

A_CODE, B_CODE = Code("A", "1.2.3"), Code("B", "1.2.3")
A_TIME, B_TIME = DTM("20200101"), DTM("20210101")
A_PERSON, B_PERSON = XCN("1^Ås^Kari"), XCN("2^Hammer^Ola")
STATUSES = (Status.APPROVED, Status.DEPRECATED)

BARE: dict[Kind, Callable[[int], RegistryObject]] = {
    ENTRY: entry,
    SET: submission_set,
    FOLDER: folder,
    LINK: lambda n: association(n, 900, 901),
}
"""An object with nothing but what it cannot be without."""


def _field(kind: Kind, name: str, wrap: Callable[[Any], Any] = lambda value: value) -> Make:
    return lambda number, value: replace(BARE[kind](number), **{name: wrap(value)})


def _tuple(value: Any) -> tuple[Any, ...]:
    return (value,)


def _in_two_languages(value: str) -> LocalizedString:
    return LocalizedString("Annet", "nn", others=(LocalizedString(value, "nb"),))


def _person(value: XCN) -> tuple[Author, ...]:
    return (Author(roles=("lege",)), Author(person=value))


def _institution(value: XON) -> tuple[Author, ...]:
    return (Author(institutions=(XON("Et annet sted"), value)),)


CASES: dict[tuple[Kind, str], tuple[Make, Any, Any]] = {
    **{
        (kind, name): (_field(kind, name), values[0], values[1])
        for kind in Kind
        for name, values in {
            "entry_uuid": (uuid(70), uuid(71)),
            "unique_id": (Identifier("1.2.70"), Identifier("1.2.71")),
            "logical_id": (uuid(72), uuid(73)),
            "patient_id": (LINE, KARI),
            "availability_status": STATUSES,
            "class_code": (A_CODE, B_CODE),
            "type_code": (A_CODE, B_CODE),
            "format_code": (A_CODE, B_CODE),
            "practice_setting_code": (A_CODE, B_CODE),
            "healthcare_facility_type_code": (A_CODE, B_CODE),
            "content_type_code": (A_CODE, B_CODE),
            "creation_time": (A_TIME, B_TIME),
            "service_start_time": (A_TIME, B_TIME),
            "service_stop_time": (A_TIME, B_TIME),
            "submission_time": (A_TIME, B_TIME),
            "last_update_time": (A_TIME, B_TIME),
            "source_id": (OID("1.2.74"), OID("1.2.75")),
            "object_type": tuple(DocumentEntryType),
            "document_availability": tuple(DocumentAvailability),
            "type": (AssociationType.RPLC, AssociationType.APND),
            "source": (uuid(900), uuid(901)),
            "target": (uuid(902), uuid(903)),
            "submission_set_status": tuple(SubmissionSetStatus),
        }.items()
        if name in ATTRIBUTES[kind]
    },
    (ENTRY, "title"): (_field(ENTRY, "title", _in_two_languages), "Epikrise", "Prøvesvar"),
    (ENTRY, "author_person"): (_field(ENTRY, "authors", _person), A_PERSON, B_PERSON),
    (SET, "author_person"): (_field(SET, "authors", _person), A_PERSON, B_PERSON),
    (ENTRY, "author_institution"): (
        _field(ENTRY, "authors", _institution),
        XON("Sykehuset^^^^^^^^^1.2.76"),
        XON("Legekontoret"),
    ),
    (ENTRY, "reference_id"): (
        _field(ENTRY, "reference_ids", _tuple),
        CXi("4711^^^&1.2.78&ISO^urn:ihe:iti:xds:2013:order"),
        CXi("5822^^^&1.2.78&ISO^urn:ihe:iti:xds:2013:referral"),
    ),
    (ENTRY, "event_code"): (_field(ENTRY, "event_codes", _tuple), A_CODE, B_CODE),
    (ENTRY, "confidentiality_code"): (
        _field(ENTRY, "confidentiality_codes", _tuple),
        A_CODE,
        B_CODE,
    ),
    (FOLDER, "code"): (_field(FOLDER, "codes", _tuple), A_CODE, B_CODE),
    (LINK, "source_or_target"): (_field(LINK, "target"), uuid(902), uuid(903)),
}
"""For each attribute: how to make an object that has a value of it, and two values."""


def cases(*forms: Form, absent: bool = False) -> list[Any]:
    """Return the parameters (kind, attribute) of these forms; or of those that may be absent."""
    return [
        pytest.param(kind, name, id=f"{kind}-{name}")
        for kind, attributes in ATTRIBUTES.items()
        for name, attribute in attributes.items()
        if attribute.form in forms and not (absent and values_of(BARE[kind](1), name))
    ]


def text_of(value: Any) -> str:
    return value.value if isinstance(value, LocalizedString) else str(value)


def holds(form: Form, attribute: str, *values: Any) -> AnyOf | AnyCode | Like:
    """Return the condition that an attribute has one of `values`."""
    if form is Form.CODE:
        return AnyCode(attribute, frozenset((v.code, v.scheme) for v in values))
    return any_of(attribute, *(text_of(v) for v in values))


# --- asking --------------------------------------------------------------------------------------

SOURCES = (submission_set(900), submission_set(901))
"""Two SubmissionSets that associations can come from."""


def register(store: Store, *objects: RegistryObject) -> None:
    """Register objects and their patients in one write."""

    def work(writer: Writer) -> None:
        for each in objects:
            if not isinstance(each, Association) and each.patient_id is not None:
                writer.add_patient(each.patient_id)
        writer.add(objects)

    store.write(work)


def records(store: Store, kind: Kind, *conditions: Condition) -> list[Record]:
    with store.read() as state:
        return state.find(kind, conditions)


def found(store: Store, kind: Kind, *conditions: Condition) -> list[str]:
    return [record.entry_uuid for record in records(store, kind, *conditions)]


def ids(*objects: RegistryObject) -> list[str]:
    return [each.entry_uuid for each in objects]


def every(*objects: RegistryObject) -> AnyOf:
    return any_of("entry_uuid", *ids(*objects))


def filled(record: Record) -> RegistryObject:
    """Return the object that an answer would hold for a record."""
    return read_filled(
        fill(
            record.template,
            status=record.status,
            patient_id=record.patient_id,
            last_update_time=record.last_update_time,
        )
    )
