"""Objects are rendered once, in the order of the schema, and filled in when they are asked for."""

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ihe import xml
from ihe.datatypes import CX, DTM, Identifier
from ihe.ebxml import requests, responses
from ihe.ebxml.rendering import fill, read_filled, render, template
from ihe.ebxml.text import UnwritableText
from ihe.messages import AdhocQueryResponse, SubmitObjectsRequest
from ihe.model import Association, Folder, LocalizedString, ObjectRef, RegistryObject, Slot
from ihe.vocabulary import RIM, EbRimType, Status
from tests import samples, strategies
from tests.schema_oracle import assert_schema_valid, schema_folder

HOLES = b"\x01\x02\x03\x04"
OBJECTS: dict[str, RegistryObject] = {
    "entry": samples.entry(entry_uuid=samples.uuid(1)),
    "on-demand entry": samples.on_demand_entry(entry_uuid=samples.uuid(1)),
    "set": samples.submission_set(entry_uuid=samples.uuid(2)),
    "folder": samples.folder(entry_uuid=samples.uuid(3), last_update_time=DTM("20261124120000")),
    "association": samples.member(
        samples.uuid(2),
        samples.uuid(1),
        entry_uuid=samples.uuid(4),
        documentation=samples.code("x"),
    ),
}


def element_of(rendered: bytes) -> etree._Element:
    return xml.parse(b'<list xmlns:rim="%s">%s</list>' % (RIM.encode(), rendered))[0]


def local_names(element: etree._Element) -> list[str]:
    return [etree.QName(child).localname for child in element]


# --- form ----------------------------------------------------------------------------------------

ORDER = [
    "Slot", "Name", "Description", "VersionInfo", "Classification", "ExternalIdentifier",
]  # fmt: skip  # as in rim.xsd


@given(strategies.objects)
def test_children_stand_in_the_order_of_the_schema(obj: RegistryObject) -> None:
    element = element_of(render(obj))
    for parent in element.iter(f"{{{RIM}}}*"):
        found = [name for name in local_names(parent) if name in ORDER]
        assert found == sorted(found, key=ORDER.index)


@pytest.mark.parametrize("name", OBJECTS)
def test_every_helper_says_what_it_is_and_whose(name: str) -> None:
    element = element_of(render(OBJECTS[name]))
    own = OBJECTS[name].entry_uuid
    for helper in element.iter(f"{{{RIM}}}Classification"):
        assert helper.get("objectType") == EbRimType.CLASSIFICATION
        assert helper.get("classifiedObject") == own
    for helper in element.iter(f"{{{RIM}}}ExternalIdentifier"):
        assert helper.get("objectType") == EbRimType.EXTERNAL_IDENTIFIER
        assert helper.get("registryObject") == own
    assert element.get("objectType")


def helper_ids(obj: RegistryObject) -> list[str]:
    inside = element_of(render(obj)).iterdescendants(f"{{{RIM}}}*")
    return [helper.attrib["id"] for helper in inside if "id" in helper.attrib]


@pytest.mark.parametrize("name", OBJECTS)
def test_helper_ids_follow_from_the_id_of_the_object(name: str) -> None:
    obj = OBJECTS[name]
    ids = helper_ids(obj)
    assert ids == helper_ids(obj)
    assert len(set(ids)) == len(ids) > 0
    for each in ids:
        parsed = UUID(each.removeprefix("urn:uuid:"))
        assert (parsed.urn, parsed.version) == (each, 5)
    assert set(ids).isdisjoint(helper_ids(replace(obj, entry_uuid=samples.uuid(99))))


def test_helpers_of_symbolic_objects_have_symbolic_ids_of_their_own() -> None:
    # ids that begin alike, and one that looks as if it were made from another
    alike = [samples.entry(1, entry_uuid=each) for each in ("Doc", "Doc1", "Doc.1", "Doc.11")]
    ids = [id for each in alike for id in (each.entry_uuid, *helper_ids(each))]
    assert len(set(ids)) == len(ids)
    assert not any(each.startswith("urn:") for each in ids)


def test_prefixes_are_always_the_same() -> None:
    rendered = render(OBJECTS["entry"])
    assert set(re.findall(rb"<([a-z]+):", rendered)) == {b"rim"}
    assert b"xmlns" not in rendered


def test_an_object_ref_is_an_id_and_a_home() -> None:
    assert render(ObjectRef("urn:uuid:1")) == b'<rim:ObjectRef id="urn:uuid:1"/>'
    both = ObjectRef("urn:uuid:1", samples.HOME)
    assert render(both) == f'<rim:ObjectRef id="urn:uuid:1" home="{samples.HOME}"/>'.encode()


@pytest.mark.parametrize("bad", ["\x00", "\x01", "\x03", "\x1f", "\ud83d", "\uffff"])
@pytest.mark.parametrize(
    "place",
    [
        {"title": "text"}, {"comments": "text"}, {"class_code": "code"}, {"class_code": "display"},
        {"extra": "name"}, {"extra": "value"}, {"unique_id": ""}, {"uri": ""}, {"entry_uuid": ""},
    ],
    ids=str,
)  # fmt: skip  # a table
def test_a_value_that_xml_cannot_hold_is_refused(bad: str, place: dict[str, str]) -> None:
    ((field, part),) = place.items()
    values: dict[str, Any] = {
        "text": LocalizedString(bad),
        "code": samples.code(bad, display="x"),
        "display": samples.code("x", display=bad),
        "name": (Slot(bad, ("x",)),),
        "value": (Slot("urn:x:y", (bad,)),),
        "": Identifier(bad),
    }
    for write in (render, template):
        with pytest.raises(UnwritableText):
            write(samples.entry(**{field: values[part]}))


# --- templates -----------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    obj=strategies.objects,
    status=st.sampled_from(list(Status)),
    patient_id=strategies.patient_ids,
    home=st.none() | strategies.homes,
    time=strategies.times,
)
def test_what_is_filled_in_is_read_back(
    obj: RegistryObject, status: Status, patient_id: CX, home: Any, time: DTM
) -> None:
    filled = fill(
        template(obj), status=status, patient_id=patient_id, home=home, last_update_time=time
    )
    changed: dict[str, Any] = {"availability_status": status, "home_community_id": home}
    if not isinstance(obj, Association) and obj.patient_id is not None:
        changed["patient_id"] = patient_id
    if isinstance(obj, Folder):
        changed["last_update_time"] = time
    expected = replace(obj, **changed)
    assert read_filled(filled) == expected
    # the same as rendering anew, but for the order of attributes
    assert _canonical(filled) == _canonical(render(expected))


def _canonical(rendered: bytes) -> bytes:
    return etree.tostring(element_of(rendered), method="c14n", exclusive=True)


@given(strategies.objects)
def test_no_value_can_look_like_a_hole(obj: RegistryObject) -> None:
    found = [byte for byte in template(obj) if byte in HOLES]
    expected = {1: 1, 2: 1}
    if not isinstance(obj, Association) and obj.patient_id is not None:
        expected[3] = 1
    if isinstance(obj, Folder):
        expected[4] = 1
    assert sorted(found) == sorted(expected)
    assert not any(byte in HOLES for byte in render(obj))


def test_what_is_stored_does_not_hold_what_can_change() -> None:
    folder = samples.folder(
        entry_uuid=samples.uuid(3),
        last_update_time=DTM("19990101000000"),
        availability_status=Status.DEPRECATED,
        home_community_id=samples.HOME,
    )
    stored = template(folder)
    for value in (b"19990101000000", b"Deprecated", samples.HOME.encode(), b"13916900216"):
        assert value not in stored


def test_a_template_is_never_left_with_a_hole() -> None:
    with pytest.raises(ValueError, match="a patient id or a lastUpdateTime is missing"):
        fill(template(OBJECTS["entry"]), status=Status.APPROVED)
    with pytest.raises(ValueError, match="a patient id or a lastUpdateTime is missing"):
        fill(template(OBJECTS["folder"]), status=Status.APPROVED, patient_id=samples.PATIENT)


def test_what_is_filled_in_is_escaped() -> None:
    odd = CX("a\"<&>'^^^&1.2&ISO")
    filled = fill(template(OBJECTS["entry"]), status=Status.APPROVED, patient_id=odd)
    found = read_filled(filled)
    assert not isinstance(found, Association)
    assert found.patient_id == odd
    with pytest.raises(UnwritableText):
        fill(template(OBJECTS["entry"]), status=Status.APPROVED, patient_id=CX("\x04"))


def test_only_a_registry_object_is_read_back() -> None:
    with pytest.raises(ValueError, match="ObjectRef is no registry object"):
        read_filled(render(ObjectRef("urn:uuid:1")))
    with pytest.raises(ValueError, match="RegistryPackage is no registry object"):
        read_filled(b'<rim:RegistryPackage id="nobody-knows-what"/>')


@pytest.mark.skipif(schema_folder() is None, reason="no schema files: set FELLES_SCHEMAS")
def test_fragments_are_joined_into_an_answer_that_is_schema_valid() -> None:
    time = DTM("20261124120000")
    fragments = tuple(
        fill(
            template(replace(each, version="1", logical_id=each.entry_uuid)),
            status=Status.APPROVED,
            patient_id=samples.PATIENT,
            home=samples.HOME,
            last_update_time=time,
        )
        for each in OBJECTS.values()
    )
    written = responses.write_query_response(AdhocQueryResponse(fragments=fragments))
    for fragment in fragments:
        assert fragment in written.xml  # as it is, not copied
    answer = xml.parse(b"".join(written.xml))
    assert_schema_valid(answer)
    read = responses.read_query_response(answer, {})
    assert [each.entry_uuid for each in read.objects if not isinstance(each, ObjectRef)] == [
        each.entry_uuid for each in OBJECTS.values()
    ]


def test_a_rewritten_submission_has_no_problems() -> None:
    """What a repository reads from a source and sends on to the registry is as good as it was."""
    first = samples.submission_with_folder()
    for _ in range(2):
        body = requests.write_submit(SubmitObjectsRequest(first))
        again = requests.read_submit(xml.parse(b"".join(body.xml)), {}).submission
        assert again == first
        assert again.problems == ()
