"""What an HL7 V3 feed says, what is wrong with one, and what the hub writes itself."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.etree import _Element

from ihe import xml
from ihe.datatypes import DTM
from ihe.errors import FaultCode, SoapFault
from ihe.hl7v3 import feed
from ihe.hl7v3.values import II, DetailCode, PatientMerge, PatientRecord, Transmission
from tests.ihe.hl7v3.feeds import (
    AUTHORITY,
    KARI,
    LINE,
    MERGED,
    RECORD,
    TRANSMISSION,
    changed,
    message,
    text_of,
    written,
)
from tests.schema_oracle import assert_schema_valid
from tests.strategies import NAMES

D = DetailCode
EVENT = "controlActProcess/subject/registrationEvent"
PRIOR = f"{EVENT}/replacementOf/priorRegistration"
READERS: dict[str, Any] = {
    feed.ADD: feed.read_add,
    feed.REVISE: feed.read_revise,
    feed.MERGE: feed.read_merge,
}
WRITERS: dict[str, Any] = {
    feed.ADD: feed.write_add,
    feed.REVISE: feed.write_revise,
    feed.MERGE: feed.write_merge,
}


@pytest.mark.parametrize("name", [feed.ADD, feed.REVISE])
def test_a_record_says_which_ids_the_patient_has(name: str) -> None:
    other = II("1.2.3", "K2")
    found = READERS[name](message(name, LINE, other), {})
    assert found == PatientRecord(
        transmission=replace(TRANSMISSION, processing_code="T"), identifiers=(LINE, other)
    )


def test_a_merge_says_which_id_is_gone() -> None:
    found = feed.read_merge(message(feed.MERGE, LINE, merged=KARI), {})
    assert (found.identifiers, found.subsumed, found.problems) == ((LINE,), KARI, ())


@pytest.mark.parametrize("name", READERS)
def test_the_messages_that_are_read_are_those_of_the_standard(name: str) -> None:
    merged = KARI if name == feed.MERGE else None
    assert_schema_valid(message(name, LINE, merged=merged))


@pytest.mark.parametrize("name", READERS)
def test_another_element_is_a_fault(name: str) -> None:
    with pytest.raises(SoapFault, match=f"{name} was expected, found {{urn:x}}a") as told:
        READERS[name](xml.parse(b'<a xmlns="urn:x"/>'), {})
    assert told.value.code is FaultCode.SENDER


_ACTIVE = '<v3:statusCode code="active"/>'
_ID = f'<v3:id root="{AUTHORITY}" extension="{LINE.extension}"/>'
_GONE = f'<v3:id root="{AUTHORITY}" extension="{KARI.extension}"/>'


@pytest.mark.parametrize(
    ("name", "changes", "code", "location"),
    [
        (feed.ADD, [('<v3:id root="22a0f9e0-4454-11dc-a6be-3603d6866807"/>', "")], D.MISSING_ATTRIBUTE, "id"),
        (feed.ADD, [(f'extension="{feed.ADD}"', 'extension="PRPA_IN201309UV02"')], D.CODE_VALUE, "interactionId"),
        (feed.ADD, [(_ID, "")], D.MISSING_ATTRIBUTE, f"{EVENT}/subject1/patient/id"),
        (feed.ADD, [(_ID, '<v3:id nullFlavor="UNK" root="1.2" extension="3"/>')], D.MISSING_ATTRIBUTE, f"{EVENT}/subject1/patient/id"),
        (feed.ADD, [(f' extension="{LINE.extension}"', "")], D.MISSING_ATTRIBUTE, f"{EVENT}/subject1/patient/id"),
        (feed.ADD, [(f'id root="{AUTHORITY}" ', 'id assigningAuthorityName="HUNIT" ')], D.MISSING_ATTRIBUTE, f"{EVENT}/subject1/patient/id"),
        (feed.ADD, [(_ACTIVE, '<v3:statusCode code="nullified"/>')], D.CODE_VALUE, f"{EVENT}/statusCode"),
        (feed.ADD, [(_ID + _ACTIVE, _ID + '<v3:statusCode code="terminated"/>')], D.CODE_VALUE, f"{EVENT}/subject1/patient/statusCode"),
        (feed.ADD, [("<v3:subject ", '<v3:subject typeCode="SUBJ"><v3:registrationEvent/></v3:subject><v3:subject ')], D.TOO_MANY_ASSOCIATIONS, EVENT),
        (feed.ADD, [("<v3:controlActProcess", "<v3:other"), ("</v3:controlActProcess", "</v3:other")], D.MISSING_ASSOCIATION, EVENT),
        (feed.ADD, [("<v3:patient ", "<v3:nobody "), ("</v3:patient>", "</v3:nobody>")], D.MISSING_ASSOCIATION, f"{EVENT}/subject1/patient"),
        (feed.REVISE, [("</v3:custodian>", "</v3:custodian><v3:replacementOf><v3:priorRegistration/></v3:replacementOf>")], D.TOO_MANY_ASSOCIATIONS, PRIOR),
        (feed.MERGE, [("<v3:replacementOf", "<v3:other"), ("</v3:replacementOf", "</v3:other")], D.MISSING_ASSOCIATION, PRIOR),
        (feed.MERGE, [('code="obsolete"', 'code="active"')], D.CODE_VALUE, f"{PRIOR}/statusCode"),
        (feed.MERGE, [(_GONE, "")], D.MISSING_ATTRIBUTE, f"{PRIOR}/subject1/priorRegisteredRole/id"),
        (feed.MERGE, [(_GONE, '<v3:id assigningAuthorityName="HUNIT" extension="1"/>')], D.MISSING_ATTRIBUTE, f"{PRIOR}/subject1/priorRegisteredRole/id"),
        (feed.MERGE, [(_GONE, _GONE + _ID)], D.TOO_MANY_ASSOCIATIONS, f"{PRIOR}/subject1/priorRegisteredRole/id"),
    ],
)  # fmt: skip  # one defect a line
def test_what_is_wrong_is_told_by_code_and_place(
    name: str, changes: list[tuple[str, str]], code: DetailCode, location: str
) -> None:
    text = text_of(name, LINE, merged=KARI if name == feed.MERGE else None)
    assert READERS[name](changed(text), {}).problems == ()
    (problem,) = READERS[name](changed(text, *changes), {}).problems
    assert (problem.code, problem.location) == (code, location)
    assert "expected" in problem.context


@pytest.mark.parametrize(
    "changes",
    [
        [(_ACTIVE, "")],
        [(f'root="{AUTHORITY}"', f'root=" urn:oid:{AUTHORITY} "')],
        [(f'extension="{LINE.extension}"', f'extension="{LINE.extension} " displayable="true"')],
        [(_ID, _ID + '<v3:id nullFlavor="NI"/>')],
        [("<v3:statusCode", "<!-- a comment --><v3:statusCode")],
    ],
)
def test_what_partners_write_otherwise_means_the_same(changes: list[tuple[str, str]]) -> None:
    found = feed.read_add(changed(text_of(feed.ADD, LINE), *changes), {})
    assert (found.identifiers, found.problems) == ((LINE,), ())


@pytest.mark.parametrize("element", ["creationTime", "interactionId", "sender", "receiver"])
def test_what_is_around_a_message_may_be_missing(element: str) -> None:
    whole = message(feed.ADD, LINE)
    part = whole.find(f"{{*}}{element}")
    assert part is not None
    whole.remove(part)
    found = feed.read_add(whole, {})
    assert (found.identifiers, found.problems) == ((LINE,), ())


@pytest.mark.parametrize("name", READERS)
def test_whatever_is_missing_the_rest_is_read_or_its_lack_told(name: str) -> None:
    merged = KARI if name == feed.MERGE else None
    for number in range(1, sum(1 for _ in message(name, LINE, merged=merged).iter())):
        for spoil in (_take_out, _empty):
            spoilt = message(name, LINE, merged=merged)
            spoil(list(spoilt.iter())[number])
            found = READERS[name](spoilt, {})
            assert found.identifiers or found.problems
            assert name != feed.MERGE or found.subsumed.root or found.problems


def _take_out(element: _Element) -> None:
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def _empty(element: _Element) -> None:
    element.attrib.clear()


# --- what the hub writes -------------------------------------------------------------------------

_OIDS = st.sampled_from(["1.2.3", AUTHORITY, "2.25.1"])
_IIS = st.builds(II, _OIDS, NAMES.map(str.strip))
_TRANSMISSIONS = st.builds(
    Transmission,
    id=st.just(TRANSMISSION.id) | _IIS,
    created=st.just(DTM("20261124083000")),
    sender=st.lists(_IIS, min_size=1, max_size=2).map(tuple),
    receiver=st.lists(_IIS, min_size=1, max_size=2).map(tuple),
    processing_code=st.sampled_from("PTD"),
)
_IDS = st.lists(_IIS, min_size=1, max_size=3).map(tuple)
_MESSAGES: dict[str, st.SearchStrategy[Any]] = {
    feed.ADD: st.builds(
        PatientRecord, transmission=_TRANSMISSIONS, identifiers=_IDS, problems=st.just(())
    ),
    feed.MERGE: st.builds(
        PatientMerge,
        transmission=_TRANSMISSIONS,
        identifiers=_IDS,
        subsumed=_IIS,
        problems=st.just(()),
    ),
}
_MESSAGES[feed.REVISE] = _MESSAGES[feed.ADD]


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_what_is_written_is_read_the_same_and_valid(name: str, data: st.DataObject) -> None:
    value = data.draw(_MESSAGES[name])
    element = written(WRITERS[name](value))
    assert READERS[name](element, {}) == value
    assert_schema_valid(element)


def test_samples_are_valid() -> None:
    assert_schema_valid(written(feed.write_revise(RECORD)))
    assert_schema_valid(written(feed.write_merge(MERGED)))
