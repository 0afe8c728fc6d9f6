"""A community that is late again and again is left alone, and tried again after a while."""

from pathlib import Path

import pytest

from gateway.breaker import Breaker
from ihe import queries
from ihe.errors import ErrorCode
from ihe.vocabulary import Status
from tests import samples
from tests.gateway import rude
from tests.gateway.rude import Exchange, found, http
from tests.gateway.scene import entry_of, home_of, scene

QUERY = queries.find_documents(samples.PATIENT, status=[Status.APPROVED])
URL, OTHER = "https://xca.example/gateway", "https://other.example/gateway"


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def late(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.admits(URL)
        breaker.was_late(URL)


def test_one_that_is_late_three_times_is_left_alone(breaker: Breaker) -> None:
    late(breaker, 3)
    assert not breaker.admits(URL)
    assert breaker.admits(OTHER)


def test_any_answer_between_starts_the_count_again(breaker: Breaker) -> None:
    late(breaker, 2)
    breaker.has_answered(URL)
    late(breaker, 2)
    assert breaker.admits(URL)


def test_after_a_while_one_may_try_and_the_others_wait(breaker: Breaker, clock: Clock) -> None:
    late(breaker, 3)
    clock.seconds += 31
    assert [breaker.admits(URL) for _ in range(3)] == [True, False, False]


def test_who_answers_the_try_is_asked_by_everybody(breaker: Breaker, clock: Clock) -> None:
    late(breaker, 3)
    clock.seconds += 31
    assert breaker.admits(URL)
    breaker.has_answered(URL)
    assert breaker.admits(URL)
    assert breaker.admits(URL)


def test_who_is_late_again_is_left_alone_again(breaker: Breaker, clock: Clock) -> None:
    late(breaker, 3)
    clock.seconds += 31
    late(breaker, 1)
    assert not breaker.admits(URL)
    clock.seconds += 31
    assert breaker.admits(URL)


def test_a_try_that_nobody_hears_of_is_no_end(breaker: Breaker, clock: Clock) -> None:
    late(breaker, 3)
    clock.seconds += 31
    assert breaker.admits(URL)  # and the process that asked has gone
    clock.seconds += 31
    assert breaker.admits(URL)


# --- in the gateway ------------------------------------------------------------------------------


@pytest.mark.system
def test_nobody_waits_for_a_community_that_is_always_late(tmp_path: Path) -> None:
    def good(exchange: Exchange) -> None:
        exchange.send(http(found(exchange, entry_of("good"))))

    behaviours = {"hang": rude.hang, "broken": rude.html, "good": good}
    with scene(tmp_path, behaviours, deadlines={"hang": 0.2}) as one:
        responses = [one.client.query(QUERY) for _ in range(6)]
    assert [len(one.others[name].asked) for name in behaviours] == [3, 6, 6]
    for number, response in enumerate(responses):
        assert len(response.objects) == 2
        assert [(error.code, error.location) for error in response.errors] == [
            (ErrorCode.UNAVAILABLE_COMMUNITY, home_of(name)) for name in ("hang", "broken")
        ]
        assert ("is left alone now" in response.errors[0].context) == (number >= 3)


@pytest.mark.system
def test_a_community_that_is_late_and_comes_back_is_asked_on(tmp_path: Path) -> None:
    asked: list[Exchange] = []

    def slow_at_first(exchange: Exchange) -> None:
        asked.append(exchange)
        if len(asked) <= 2:
            exchange.until_gone()
        else:
            exchange.send(http(found(exchange, entry_of("slow"))))

    with scene(tmp_path, {"slow": slow_at_first}, deadlines={"slow": 0.5}) as one:
        found_each_time = [len(one.client.query(QUERY).objects) for _ in range(4)]
    assert found_each_time == [1, 1, 2, 2]
