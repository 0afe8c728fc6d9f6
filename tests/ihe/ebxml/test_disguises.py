"""Messages say the same in whatever way their XML is written."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihe import rules, xml
from ihe.ebxml import requests
from ihe.messages import Parts, SubmitObjectsRequest
from ihe.rules import Profile
from tests import samples, strategies
from tests.disguising import disguised

NO_PARTS: Parts = {}
seeds = st.integers(0, 2**32).map(Random)
MESSAGES: dict[str, Any] = {  # Any: each of its own type
    "SubmitObjectsRequest": (
        requests.read_submit,
        requests.write_submit,
        strategies.submit_requests,
    ),
    "AdhocQueryRequest": (requests.read_query, requests.write_query, strategies.query_requests),
    "RemoveObjectsRequest": (
        requests.read_remove_objects,
        requests.write_remove_objects,
        strategies.remove_objects_requests,
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
@settings(deadline=None)
@given(data=st.data(), random=seeds)
def test_a_message_in_disguise_says_the_same(
    name: str, data: st.DataObject, random: Random
) -> None:
    read, write, strategy = MESSAGES[name]
    plain = xml.parse(b"".join(write(data.draw(strategy)).xml))
    other: Any = read(xml.parse(disguised(plain, random)), NO_PARTS)
    assert other == read(plain, NO_PARTS)


@settings(deadline=None)
@given(seeds)
def test_a_valid_submission_in_disguise_is_valid(random: Random) -> None:
    request = SubmitObjectsRequest(samples.submission_with_folder())
    plain = xml.parse(b"".join(requests.write_submit(request).xml))
    submission = requests.read_submit(xml.parse(disguised(plain, random)), NO_PARTS).submission
    assert submission == request.submission
    assert rules.check_submission(submission, Profile()) == []
