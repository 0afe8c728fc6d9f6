"""Acknowledgements: valid whatever they tell, and addressed to whoever asked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihe import xml
from ihe.datatypes import DTM
from ihe.errors import ErrorCode, RegistryError, SoapFault, registry_error
from ihe.hl7v3.acknowledging import (
    addressed,
    failure,
    read_acknowledgement,
    write_acknowledgement,
)
from ihe.hl7v3.values import II, NO_ID, Acknowledgement, DetailCode, Transmission
from ihe.vocabulary import ResponseStatus, Severity
from tests.ihe.hl7v3.feeds import RECORD, TRANSMISSION, written
from tests.samples import uuid
from tests.schema_oracle import assert_schema_valid
from tests.strategies import TEXTS

AT = DTM("20261124083001")
UNKNOWN = RegistryError(DetailCode.UNKNOWN_KEY, "nobody of <that> id", "controlActProcess/subject")


def test_an_answer_goes_back_to_whoever_asked() -> None:
    answer = addressed(Acknowledgement(), RECORD, uuid(7), AT)
    assert answer == Acknowledgement(
        target=TRANSMISSION.id,
        transmission=Transmission(
            id=II(uuid(7).removeprefix("urn:uuid:")),
            created=AT,
            sender=TRANSMISSION.receiver,
            receiver=TRANSMISSION.sender,
        ),
    )
    element = written(write_acknowledgement(answer))
    assert_schema_valid(element)
    (code,) = element.iterfind("{*}acknowledgement/{*}typeCode")
    assert code.get("code") == "CA"
    assert read_acknowledgement(element, {}) == answer


def test_a_refusal_says_why_and_where() -> None:
    element = written(
        write_acknowledgement(addressed(Acknowledgement.of([UNKNOWN]), RECORD, uuid(7), AT))
    )
    assert_schema_valid(element)
    (said,) = element.iterfind("{*}acknowledgement")
    assert said[0].get("code") == "CE"
    detail = said[2]
    assert detail.get("typeCode") == "E"
    assert dict(detail[0].attrib) == {"code": "KEY204", "codeSystem": "2.16.840.1.113883.5.1100"}
    assert [each.text for each in detail[1:]] == [UNKNOWN.context, UNKNOWN.location]


def test_what_never_was_a_message_gets_a_valid_answer_too() -> None:
    errors = [registry_error(ErrorCode.REGISTRY_ERROR, "the registry does not answer")]
    answer = addressed(failure(errors), None, uuid(7), AT)
    element = written(write_acknowledgement(answer))
    assert_schema_valid(element)
    found = read_acknowledgement(element, {})
    assert [each.code for each in found.errors] == ["INTERR"]
    assert (found.status, found.target) == (ResponseStatus.FAILURE, NO_ID)


def test_ids_that_no_schema_takes_do_not_come_back() -> None:
    nobody = II("not an OID; <really>", "x")
    asked = replace(
        TRANSMISSION, id=nobody, sender=(nobody, II("1.2", "a\0b")), processing_code="<"
    )
    answer = addressed(Acknowledgement(), replace(RECORD, transmission=asked), uuid(7), AT)
    element = written(write_acknowledgement(answer))
    assert_schema_valid(element)
    assert read_acknowledgement(element, {}).transmission.receiver == (NO_ID, II("1.2", "a\ufffdb"))


def test_a_warning_leaves_a_message_accepted() -> None:
    warning = replace(UNKNOWN, severity=Severity.WARNING)
    answer = addressed(Acknowledgement.of([warning]), RECORD, uuid(7), AT)
    element = written(write_acknowledgement(answer))
    assert_schema_valid(element)
    assert answer.ok
    assert read_acknowledgement(element, {}) == answer


@pytest.mark.parametrize(
    ("code", "accepted"),
    [("CA", True), ("AA", True), ("CE", False), ("AE", False), ("CR", False), ("", False)],
)
def test_other_stacks_accept_in_their_own_words(code: str, accepted: bool) -> None:
    text = f'<MCCI_IN000002UV01 xmlns="urn:hl7-org:v3"><acknowledgement><typeCode code="{code}"/>'
    end = "</acknowledgement></MCCI_IN000002UV01>"
    assert read_acknowledgement(xml.parse((text + end).encode()), {}).ok is accepted


def test_an_answer_that_says_nothing_is_no_success() -> None:
    empty = xml.parse(b'<MCCI_IN000002UV01 xmlns="urn:hl7-org:v3"/>')
    assert not read_acknowledgement(empty, {}).ok
    with pytest.raises(SoapFault, match="MCCI_IN000002UV01 was expected"):
        read_acknowledgement(xml.parse(b"<a/>"), {})


_ERRORS = st.builds(
    RegistryError,
    st.sampled_from([*DetailCode, *ErrorCode]),
    TEXTS,
    st.just("") | TEXTS,
    st.sampled_from(Severity),
)


@given(st.lists(_ERRORS, max_size=3))
def test_what_is_written_is_read_the_same_and_valid(errors: list[RegistryError]) -> None:
    answer = addressed(Acknowledgement.of(errors), RECORD, uuid(7), AT)
    element = written(write_acknowledgement(answer))
    assert read_acknowledgement(element, {}) == answer
    assert_schema_valid(element)
