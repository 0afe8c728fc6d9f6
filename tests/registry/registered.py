"""A registry with a few submissions in it, whose objects tests call by name.

```text
first     Line   letter, answer, chart, chart_has_letter
update    Line   letter2, chart_has_letter2; letter2 ─RPLC▶ letter, which is Deprecated
addenda   Line   addendum, dynamic (on-demand), snapshot;
                 addendum ─APND▶ letter2, snapshot ─IsSnapshotOf▶ dynamic
reuse     Kari   letter2 by reference
other     Kari   report, box; box_has_report
```
"""

from collections.abc import Iterable
from dataclasses import replace

from ihe.datatypes import CX, DTM, XCN, CXi
from ihe.ebxml.rendering import read_filled
from ihe.messages import AdhocQueryResponse
from ihe.model import (
    Association,
    Author,
    Code,
    DocumentEntry,
    Folder,
    LocalizedString,
    ObjectRef,
    RegistryObject,
    SubmissionSet,
)
from ihe.vocabulary import (
    AssociationType,
    DocumentEntryType,
    Status,
    SubmissionSetStatus,
)
from registry.domain import Registry
from registry.store.memory import MemoryStore
from registry.store.port import Store, Writer
from tests.registry import objects
from tests.registry.objects import KARI, LINE

SCHEME = "2.16.578.1.12.4.1.1.9602"
A, B, C = (Code(text, SCHEME, LocalizedString(text)) for text in "ABC")
NORMAL, STRICT = Code("N", "2.16.840.1.113883.5.25"), Code("V", "2.16.840.1.113883.5.25")
TEXT, PDF = Code("urn:x:text", "1.2.3"), Code("urn:x:pdf", "1.2.3")


def _entry(number: int, patient_id: CX = LINE) -> DocumentEntry:
    return replace(
        objects.entry(number, patient_id),
        class_code=A,
        type_code=A,
        format_code=TEXT,
        practice_setting_code=A,
        healthcare_facility_type_code=A,
        confidentiality_codes=(NORMAL,),
        creation_time=DTM("20041224"),
        title=LocalizedString("Epikrise"),
        authors=(Author(person=XCN("^Ås^Kari")),),
    )


def _link(
    number: int,
    source: RegistryObject,
    target: RegistryObject,
    type: AssociationType = AssociationType.HAS_MEMBER,
    status: SubmissionSetStatus | None = None,
) -> Association:
    return replace(objects.association(number, source, target, type), submission_set_status=status)


def _submission_set(number: int, patient_id: CX = LINE) -> SubmissionSet:
    return replace(
        objects.submission_set(number, patient_id),
        submission_time=DTM("20240101120000"),
        content_type_code=A,
        source_id=objects.oid(500),
        authors=(Author(person=XCN("^Ås^Kari")),),
    )


def _folder(number: int, patient_id: CX = LINE) -> Folder:
    return replace(
        objects.folder(number, patient_id),
        codes=(A, B),
        last_update_time=DTM("20240101120000"),
        title=LocalizedString("Mappe"),
    )


ORIGINAL = SubmissionSetStatus.ORIGINAL

# Line's first submission
first = _submission_set(1)
letter = replace(_entry(2), availability_status=Status.DEPRECATED)
answer = replace(
    _entry(3),
    class_code=B,
    format_code=PDF,
    confidentiality_codes=(NORMAL, STRICT),
    event_codes=(A, B),
    creation_time=DTM("20050101120000"),
    service_start_time=DTM("20050101"),
    service_stop_time=DTM("20050102"),
    title=LocalizedString("Prøvesvar"),
    authors=(Author(person=XCN("^O'Brien^Ola")),),
    reference_ids=(
        CXi("4711^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:order"),
        CXi("R1^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:referral"),
    ),
)
chart = _folder(4)
first_has_letter = _link(5, first, letter, status=ORIGINAL)
first_has_answer = _link(6, first, answer, status=ORIGINAL)
first_has_chart = _link(7, first, chart)
chart_has_letter = _link(8, chart, letter)
first_has_membership = _link(9, first, chart_has_letter)

# ... a replacement
update = _submission_set(11)
letter2 = _entry(12)
update_has_letter2 = _link(13, update, letter2, status=ORIGINAL)
replaces = _link(14, letter2, letter, AssociationType.RPLC)
chart_has_letter2 = _link(15, chart, letter2)
update_has_membership = _link(16, update, chart_has_letter2)

# ... an addendum, and an on-demand document with a snapshot of it
addenda = _submission_set(21)
addendum = replace(_entry(22), class_code=C)
dynamic = replace(_entry(23), object_type=DocumentEntryType.ON_DEMAND, creation_time=None)
snapshot = _entry(24)
addenda_has_addendum = _link(25, addenda, addendum, status=ORIGINAL)
addenda_has_dynamic = _link(26, addenda, dynamic, status=ORIGINAL)
addenda_has_snapshot = _link(27, addenda, snapshot, status=ORIGINAL)
appends = _link(28, addendum, letter2, AssociationType.APND)
is_snapshot = _link(29, snapshot, dynamic, AssociationType.IS_SNAPSHOT_OF)

# Kari's, one of them with Line's letter by reference
reuse = _submission_set(31, KARI)
reuse_has_letter2 = _link(32, reuse, letter2, status=SubmissionSetStatus.REFERENCE)
other = _submission_set(41, KARI)
report = _entry(42, KARI)
box = _folder(43, KARI)
other_has_report = _link(44, other, report, status=ORIGINAL)
other_has_box = _link(45, other, box)
box_has_report = _link(46, box, report)

NAMES: dict[str, str] = {
    each.entry_uuid: name
    for name, each in list(globals().items())
    if isinstance(each, DocumentEntry | SubmissionSet | Folder | Association)
}
"""Name of each object above, by its entryUUID."""

OBJECTS: dict[str, RegistryObject] = {
    each.entry_uuid: each
    for each in list(globals().values())
    if isinstance(each, DocumentEntry | SubmissionSet | Folder | Association)
}


def register(store: Store, *registered: RegistryObject) -> None:
    """Register objects, and make their patients known."""

    def work(writer: Writer) -> None:
        for each in registered:
            if not isinstance(each, Association) and each.patient_id is not None:
                writer.add_patient(each.patient_id)
        writer.add(registered)

    store.write(work)


def registry_with(*registered: RegistryObject) -> Registry:
    """Return a registry in memory that holds these objects."""
    store = MemoryStore()
    register(store, *registered)
    return Registry(store=store, new_uuid=lambda: objects.uuid(999))


def names(answer: AdhocQueryResponse) -> set[str]:
    """Return the names of the objects in an answer, whichever form it has."""
    uuids = [each.entry_uuid for each in answer.objects or filled(answer)]
    assert len(uuids) == len(set(uuids)), "an object came twice"
    return {NAMES.get(uuid, uuid) for uuid in uuids}


def filled(answer: AdhocQueryResponse) -> list[RegistryObject]:
    """Return the objects that the fragments of an answer are."""
    return [read_filled(fragment) for fragment in answer.fragments]


def references(answer: AdhocQueryResponse) -> Iterable[ObjectRef]:
    return [each for each in answer.objects if isinstance(each, ObjectRef)]
