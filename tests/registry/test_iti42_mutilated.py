"""ITI-42 on submissions whose XML chance has mutilated: an answer for each, and nothing half-kept.

Attributes go missing or get odd values, elements go missing, come twice, stand elsewhere or turn
into others. Whatever the registry then takes comes back as it was sent.
"""

import copy
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from lxml.etree import _Element

from ihe import xml
from ihe.ebxml import requests, responses
from ihe.errors import SoapFault
from ihe.messages import SubmitObjectsRequest
from ihe.model import Association, Folder, ObjectRef, RegistryObject, Submission
from ihe.queries import get_all
from ihe.rules import Profile, Strictness
from ihe.vocabulary import DocumentEntryType, Node, Status
from registry import iti18
from tests import samples
from tests.registry.scene import Scene
from tests.schema_oracle import assert_schema_valid

RELAXED = Profile(accepts_limited_metadata=True, strictness=dict.fromkeys("ABCDF", Strictness.OFF))
ODD = [
    "", " ", "\t\n", "'", "Čeavli", "李", "𠮷", "🙂", "\u200b", "\xa0", "^", "|", "&&&^^^", "\\H\\",
    "urn:uuid:", "urn:uuid:0", "urn:ihe:x", "SubmissionSet01", "Document01", "Folder01", "0", "-1",
    "1^^^&1.2&ISO", "20261301", "x" * 300, *map(str, Node), *map(str, Status),
]  # fmt: skip  # a list of values
ATTRIBUTES = ["status", "lid", "home", "objectType", "classificationNode", "name", "value", "x"]
WHOLE = [
    b"".join(requests.write_submit(SubmitObjectsRequest(each)).xml)
    for each in (
        samples.submission_with_folder(),
        samples.submission(samples.entry(1), samples.entry(2)),
    )
]


def mutilate(root: _Element, random: Random) -> None:
    """Change one thing."""
    everything = list(root.iter())[1:]
    element, other = random.choice(everything), random.choice(everything)
    name = random.choice([*element.keys(), *ATTRIBUTES])
    match random.randrange(8):
        case 0:
            element.attrib.pop(name, None)
        case 1 | 2:
            element.set(name, random.choice(ODD))
        case 3:
            element.text = random.choice(ODD)
        case 4:
            element.tag = other.tag
        case 5:
            element.addnext(copy.deepcopy(element))
        case 6:
            other.append(copy.deepcopy(element))
        case _:
            parent = element.getparent()
            assert parent is not None
            parent.remove(element)


@st.composite
def mutilated_submissions(draw: st.DrawFn) -> Submission | None:
    """Draw what is understood of a mutilated message; None for what is no submission at all."""
    random = draw(st.integers(0, 2**32).map(Random))
    root = etree.fromstring(draw(st.sampled_from(WHOLE)))
    for _ in range(draw(st.integers(1, 3))):
        mutilate(root, random)
    try:
        return requests.read_submit(xml.parse(etree.tostring(root)), {}).submission
    except SoapFault:
        return None


def as_sent(thing: RegistryObject) -> str:
    """Return all that the sender decides about an object, its ids left out."""
    left_out: dict[str, Any] = {
        "entry_uuid": "",
        "logical_id": None,
        "version": None,
        "availability_status": None,
        "home_community_id": None,
    }
    if isinstance(thing, Association):
        return repr(replace(thing, **left_out, source="", target=""))
    if isinstance(thing, Folder):
        left_out["last_update_time"] = None
    assert thing.patient_id is not None
    return repr(replace(thing, **left_out, patient_id=thing.patient_id.canonical))


@settings(deadline=None)
@given(mutilated_submissions())
def test_a_mutilated_submission_is_refused_with_reasons_or_comes_back_as_sent(
    submission: Submission | None,
) -> None:
    if submission is None:
        return
    scene = Scene()
    response = scene.send(submission)
    assert_schema_valid(xml.parse(b"".join(responses.write_registry_response(response).xml)))
    for error in response.errors:
        assert error.context
        assert error.location
    if not response.ok:
        assert scene.everything() == []
        return
    patient_id = submission.submission_set.patient_id
    assert patient_id is not None
    request = get_all(patient_id, document_entry_type=DocumentEntryType)
    answer = iti18.answer(request, scene.registry, transaction=18)
    sent = xml.parse(b"".join(responses.write_query_response(answer).xml))
    assert_schema_valid(sent)
    received = responses.read_query_response(sent, {}).objects
    found = [as_sent(each) for each in received if not isinstance(each, ObjectRef)]
    assert sorted(found) == sorted(map(as_sent, submission))


@settings(deadline=None)
@given(mutilated_submissions())
def test_a_mutilated_submission_gets_an_answer_however_lenient_the_domain(
    submission: Submission | None,
) -> None:
    if submission is not None:
        scene = Scene(profile=RELAXED)
        response = scene.send(submission)
        assert response.ok == bool(scene.everything())
