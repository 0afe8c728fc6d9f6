"""What is written comes back the same, through bytes, for every message of the catalogue."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihe import transactions, xml
from ihe.ebxml import requests, responses
from ihe.messages import Body, SubmitObjectsRequest, normal_content_id
from tests import samples, strategies
from tests.schema_oracle import assert_schema_valid, schema_folder

Codec = tuple[Callable[..., Any], Callable[..., Body], st.SearchStrategy[Any]]
CODECS: dict[str, Codec] = {
    "SubmitObjectsRequest": (
        requests.read_submit,
        requests.write_submit,
        strategies.submit_requests,
    ),
    "ProvideAndRegister": (
        requests.read_provide_and_register,
        requests.write_provide_and_register,
        strategies.provide_requests,
    ),
    "AdhocQueryRequest": (requests.read_query, requests.write_query, strategies.query_requests),
    "RetrieveRequest": (
        requests.read_retrieve,
        requests.write_retrieve,
        strategies.retrieve_requests,
    ),
    "RemoveObjects": (
        requests.read_remove_objects,
        requests.write_remove_objects,
        strategies.remove_objects_requests,
    ),
    "RemoveDocuments": (
        requests.read_remove_documents,
        requests.write_remove_documents,
        strategies.remove_documents_requests,
    ),
    "RegistryResponse": (
        responses.read_registry_response,
        responses.write_registry_response,
        strategies.registry_responses,
    ),
    "AdhocQueryResponse": (
        responses.read_query_response,
        responses.write_query_response,
        strategies.query_responses,
    ),
    "RetrieveResponse": (
        responses.read_retrieve_response,
        responses.write_retrieve_response,
        strategies.retrieve_responses,
    ),
}


def parts_of(body: Body) -> dict[str, Any]:
    return {normal_content_id(each.content_id): each.content for each in body.attachments}


def without_reading_problems(message: Any) -> Any:
    """Return the message without `problems`: arbitrary metadata may well break rules."""
    submission = getattr(message, "submission", None)
    if submission is None:
        return message
    message = replace(message, submission=replace(submission, problems=()))
    if hasattr(message, "documents"):
        # the MIME type of a part is the part's business, not the message's
        plain = "application/octet-stream"
        message = replace(
            message,
            documents=tuple(replace(each, mime_type=plain) for each in message.documents),
        )
    return message


@pytest.mark.parametrize("name", CODECS)
@settings(deadline=None)
@given(data=st.data())
def test_a_message_survives_writing_and_reading(name: str, data: st.DataObject) -> None:
    read, write, strategy = CODECS[name]
    message = data.draw(strategy)
    body = write(message)
    again = read(xml.parse(b"".join(body.xml)), parts_of(body))
    assert without_reading_problems(again) == without_reading_problems(message)


@pytest.mark.skipif(schema_folder() is None, reason="no schema files: set FELLES_SCHEMAS")
@pytest.mark.parametrize("name", CODECS)
@settings(deadline=None)
@given(data=st.data())
def test_what_is_written_is_schema_valid(name: str, data: st.DataObject) -> None:
    _read, write, strategy = CODECS[name]
    message = data.draw(strategy)
    if name == "RemoveDocuments":
        # the schema that goes round knows one DocumentRequest; the supplement says 1..* (RMD 3.86)
        message = replace(message, documents=message.documents[:1])
    assert_schema_valid(xml.parse(b"".join(write(message).xml)))


def test_every_codec_of_the_catalogue_is_tried() -> None:
    tried = {function for read, write, _ in CODECS.values() for function in (read, write)}
    for each in transactions.CATALOGUE:
        if each.number == 44:  # HL7 V3: tests/ihe/hl7v3
            continue
        assert {
            each.read_request,
            each.write_request,
            each.read_response,
            each.write_response,
        } <= tried, each.name


SAMPLES = {
    "submission": requests.write_submit(SubmitObjectsRequest(samples.submission_with_folder())),
    "provide": requests.write_provide_and_register(samples.provide_and_register()),
    "query": requests.write_query(samples.find_documents()),
    "retrieve": requests.write_retrieve(samples.retrieve(home=samples.HOME)),
    "retrieved": responses.write_retrieve_response(samples.retrieved()),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_schema_valid(name: str) -> None:
    assert_schema_valid(xml.parse(b"".join(SAMPLES[name].xml)))


def test_a_valid_submission_is_read_without_problems() -> None:
    body = SAMPLES["submission"]
    assert requests.read_submit(xml.parse(b"".join(body.xml)), {}).submission.problems == ()
