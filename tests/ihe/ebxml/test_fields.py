"""Every attribute of the model has a place in ebRIM, one of its own."""

import dataclasses
from dataclasses import MISSING, replace
from typing import Any

import pytest

from ihe import xml
from ihe.datatypes import CX, DTM, HomeCommunityId
from ihe.ebxml import requests
from ihe.ebxml.classifications import Authors, Codes, OneCode
from ihe.ebxml.fields import SHAPES
from ihe.ebxml.places import SCHEMES, Label, OneIdentifier, OneSlot, Slots, XmlAttribute
from ihe.ebxml.rendering import read_filled, render
from ihe.messages import SubmitObjectsRequest
from ihe.model import Association, Author, RegistryObject, Slot, Submission
from ihe.vocabulary import (
    AssociationType,
    DocumentAvailability,
    DocumentEntryScheme,
    DocumentEntryType,
    FolderScheme,
    Node,
    SlotName,
    Status,
    SubmissionSetScheme,
    SubmissionSetStatus,
)
from tests import samples

EVERYTHING: dict[str, Any] = {
    "availability_status": Status.DEPRECATED,
    "home_community_id": samples.HOME,
    "logical_id": samples.uuid(77),
    "version": "3",
    "extra": (Slot("urn:felles:sample:a", ("1", "2")), Slot("urn:felles:sample:b", ("3",))),
}
LIMITED: dict[str, Any] = {**EVERYTHING, "limited_metadata": True}
WHOLE: list[RegistryObject] = [
    samples.entry(
        **LIMITED,
        object_type=DocumentEntryType.ON_DEMAND,
        document_availability=DocumentAvailability.OFFLINE,
        uri="dokument.txt",
        confidentiality_codes=(samples.code("N"), samples.code("R")),
        event_codes=(samples.code("a"), samples.code("b")),
        authors=(samples.author(), samples.author(person=None)),
    ),
    samples.submission_set(**LIMITED),
    samples.folder(**LIMITED, last_update_time=DTM("20261124120000")),
    Association(
        entry_uuid="Association01",
        type=AssociationType.UPDATE_AVAILABILITY_STATUS,
        source="SubmissionSet01",
        target="Document01",
        documentation=samples.code("x"),
        submission_set_status=SubmissionSetStatus.REFERENCE,
        previous_version="2",
        original_status=Status.APPROVED,
        new_status=Status.DEPRECATED,
        association_propagation="no",
        **EVERYTHING,
    ),
]
"""One object of each kind with a value in every field, other than the default."""
FIELDS = [
    pytest.param(whole, field, id=f"{type(whole).__name__}.{field.name}")
    for whole in WHOLE
    for field in dataclasses.fields(whole)
]


@pytest.mark.parametrize("kind", SHAPES, ids=lambda kind: kind.__name__)
def test_every_field_has_a_place(kind: Any) -> None:
    assert SHAPES[kind].places.keys() == {each.name for each in dataclasses.fields(kind)}


def test_every_kind_of_object_has_a_shape() -> None:
    assert set(SHAPES) == set(RegistryObject.__args__)


@pytest.mark.parametrize(("whole", "field"), FIELDS)
def test_every_field_is_in_the_whole_sample(whole: Any, field: Any) -> None:
    default = None if field.default is MISSING else field.default
    assert getattr(whole, field.name) != default


@pytest.mark.parametrize("whole", WHOLE, ids=lambda whole: type(whole).__name__)
def test_a_whole_object_comes_back(whole: RegistryObject) -> None:
    assert read_filled(render(whole)) == whole


@pytest.mark.parametrize(("whole", "field"), FIELDS)
def test_each_field_may_be_absent_alone(whole: Any, field: Any) -> None:
    if field.default is MISSING:
        return  # what an object cannot be thought of without
    without = replace(whole, **{field.name: field.default})
    assert read_filled(render(without)) == without


def test_every_attribute_of_an_author_comes_back() -> None:
    whole = samples.author()
    for field in dataclasses.fields(Author):
        assert getattr(whole, field.name)
        without: dict[str, Any] = {field.name: field.default}
        for author in (whole, replace(whole, **without)):
            entry = samples.entry(authors=(author,))
            assert read_filled(render(entry)) == entry


def test_every_scheme_slot_and_node_of_the_framework_has_a_place() -> None:
    places = [place for shape in SHAPES.values() for place in shape.places.values()]
    schemes = [
        each.scheme
        for each in places
        if isinstance(each, OneCode | Codes | Authors | OneIdentifier)
    ]
    assert len(set(schemes)) == len(schemes)
    assert set(schemes) == set(SCHEMES)
    assert set(SCHEMES) >= {*DocumentEntryScheme, *SubmissionSetScheme, *FolderScheme}
    nodes = {each.node for each in places if isinstance(each, Label)}
    assert nodes | {Node.SUBMISSION_SET, Node.FOLDER} == set(Node)
    slots = {each.name for each in places if isinstance(each, OneSlot | Slots)}
    inside = {SlotName.CODING_SCHEME, *(name for name in SlotName if name.startswith("author"))}
    assert slots | inside == set(SlotName)


def test_no_two_fields_of_an_object_share_a_place() -> None:
    for shape in SHAPES.values():
        named = [
            (type(place).__name__, getattr(place, "name", None) or getattr(place, "scheme", None))
            for place in shape.places.values()
        ]
        assert len(set(named)) == len(named)
        attributes = {p.name for p in shape.places.values() if isinstance(p, XmlAttribute)}
        assert attributes >= {"home", "lid", "status"}


@pytest.mark.parametrize(
    ("scheme", "name"),
    [
        (DocumentEntryScheme.CLASS_CODE, "XDSDocumentEntry.classCode"),
        (DocumentEntryScheme.AUTHOR, "XDSDocumentEntry.author"),
        (DocumentEntryScheme.PATIENT_ID, "XDSDocumentEntry.patientId"),
        (DocumentEntryScheme.UNIQUE_ID, "XDSDocumentEntry.uniqueId"),
        (
            DocumentEntryScheme.HEALTHCARE_FACILITY_TYPE_CODE,
            "XDSDocumentEntry.healthcareFacilityTypeCode",
        ),
        (SubmissionSetScheme.PATIENT_ID, "XDSSubmissionSet.patientId"),
        (SubmissionSetScheme.SOURCE_ID, "XDSSubmissionSet.sourceId"),
        (SubmissionSetScheme.UNIQUE_ID, "XDSSubmissionSet.uniqueId"),
        (FolderScheme.PATIENT_ID, "XDSFolder.patientId"),
        (FolderScheme.UNIQUE_ID, "XDSFolder.uniqueId"),
        (FolderScheme.CODE_LIST, "XDSFolder.codeList"),
    ],
)
def test_schemes_have_the_names_of_the_framework(scheme: str, name: str) -> None:
    """ITI TF-3 Tables 4.2.3.2-1, 4.2.3.3-1, 4.2.3.4-1: the fixed texts of ExternalIdentifiers."""
    assert SCHEMES[scheme] == name


# --- how values are read -------------------------------------------------------------------------


def read_with(old: str, new: str, *objects: RegistryObject) -> Submission:
    """Read a submission with the first `old` of its XML replaced."""
    chosen = samples.submission() if not objects else Submission(associations=objects)  # type: ignore[arg-type]  # associations only
    written = b"".join(requests.write_submit(SubmitObjectsRequest(chosen)).xml).decode()
    assert old in written
    read = requests.read_submit(xml.parse(written.replace(old, new, 1).encode()), {})
    return read.submission


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("creation_time", "20261124083000"),
        ("legal_authenticator", samples.entry().legal_authenticator),
        ("source_patient_id", samples.entry().source_patient_id),
        ("repository_unique_id", samples.REPOSITORY),
        ("size", str(len(samples.CONTENT))),
    ],
)
def test_blanks_around_a_value_with_a_grammar_go(field: str, value: str) -> None:
    text = str(value).replace("&", "&amp;")
    submission = read_with(f"<rim:Value>{text}<", f"<rim:Value>\n      {text}\t <")
    (entry,) = submission.entries
    assert getattr(entry, field) == value
    assert type(getattr(entry, field)) is type(getattr(samples.entry(), field))
    assert submission.problems == ()


def test_blanks_around_attributes_go() -> None:
    (entry,) = read_with(
        '<rim:ExtrinsicObject id="Document01"',
        '<rim:ExtrinsicObject id=" Document01 " home=" urn:oid:1.2 " lid=" "',
    ).entries
    assert entry == samples.entry(home_community_id=HomeCommunityId("urn:oid:1.2"))
    patient = str(samples.PATIENT).replace("&", "&amp;")
    (entry,) = read_with(
        f'registryObject="Document01" value="{patient}"',
        f'registryObject=" Document01 " value=" {patient} "',
    ).entries
    assert entry.patient_id == CX(samples.PATIENT)


def test_texts_for_people_and_extra_metadata_keep_their_blanks() -> None:
    role = "3^^^&amp;2.16.578.1.12.4.1.1.9034&amp;ISO"
    (chosen,) = read_with(f">{role}<", f"> {role} <").submission_sets
    assert chosen.authors[0].roles == (" 3^^^&2.16.578.1.12.4.1.1.9034&ISO ",)
    (entry,) = read_with(">B3<", "> B3\n<").entries
    assert entry.extra == (Slot("urn:felles:sample:ward", (" B3\n", "B4")),)
    (entry,) = read_with('"Epikrise – ', '" Epikrise – ').entries
    assert entry.title is not None
    assert entry.title.value.startswith(" Epikrise")


@pytest.mark.parametrize("empty", ["", " \n "])
def test_an_empty_value_is_an_absent_one(empty: str) -> None:
    (entry,) = read_with(">20261124083000<", f">{empty}<").entries
    assert entry.creation_time is None
    (entry,) = read_with(">PID-7|19691113<", f">{empty}<").entries
    assert entry.source_patient_info == ("PID-5|Danser^Line", "PID-8|F")


def test_an_unknown_text_of_a_fixed_list_is_kept() -> None:
    (entry,) = read_with(DocumentEntryType.STABLE, "urn:uuid:unknown").entries
    assert entry.object_type == "urn:uuid:unknown"
    (known,) = read_with("x", "x").entries
    assert known.object_type is DocumentEntryType.STABLE


@pytest.mark.parametrize("name", ["AssociationPropagation", "associationPropagation"])
def test_both_spellings_of_association_propagation_are_understood(name: str) -> None:
    update = samples.member("SubmissionSet01", "Document01", association_propagation="no")
    (found,) = read_with("AssociationPropagation", name, update).associations
    assert found == update


def test_both_spellings_at_once_are_ambiguous() -> None:
    update = samples.member("SubmissionSet01", "Document01", association_propagation="no")
    slot = '<rim:Slot name="AssociationPropagation">'
    other = slot.replace('="A', '="a')
    value = "<rim:ValueList><rim:Value>yes</rim:Value></rim:ValueList></rim:Slot>"
    submission = read_with(slot, other + value + slot, update)
    assert [each.rule for each in submission.problems] == ["C3"]
