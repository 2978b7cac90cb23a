"""The circuit breaker, with a clock of our own."""

from __future__ import annotations

import pytest

from agents.models.breaker import Breaker, Permit


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock, failures=3, open_secs=60.0)


def permit(breaker: Breaker) -> Permit:
    given = breaker.permit()
    assert given is not None
    return given


def break_it(breaker: Breaker) -> None:
    for _ in range(3):
        permit(breaker).failed()


def test_it_opens_after_so_many_failures_in_a_row(breaker: Breaker) -> None:
    permit(breaker).failed()
    permit(breaker).failed()
    assert not breaker.is_open

    permit(breaker).failed()

    assert breaker.is_open
    assert breaker.permit() is None


def test_a_success_between_counts_from_new(breaker: Breaker) -> None:
    permit(breaker).failed()
    permit(breaker).failed()
    permit(breaker).succeeded()
    permit(breaker).failed()
    permit(breaker).failed()

    assert not breaker.is_open


def test_when_its_time_is_over_one_may_try(breaker: Breaker, clock: Clock) -> None:
    break_it(breaker)

    clock.now += 59.9
    assert breaker.permit() is None
    clock.now += 0.2
    assert breaker.permit() is not None
    assert breaker.permit() is None, "one at a time"


def test_a_trial_that_works_closes_it(breaker: Breaker, clock: Clock) -> None:
    break_it(breaker)
    clock.now += 61

    permit(breaker).succeeded()

    assert not breaker.is_open
    assert breaker.permit() is not None
    assert breaker.permit() is not None


def test_a_trial_that_fails_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    break_it(breaker)
    clock.now += 61

    permit(breaker).failed()

    assert breaker.left_secs == 60.0
    assert breaker.permit() is None


def test_a_trial_that_was_given_up_leaves_the_place_to_another(breaker: Breaker, clock: Clock) -> None:
    break_it(breaker)
    clock.now += 61
    trial = permit(breaker)

    trial.let_go()

    assert breaker.permit() is not None


def test_who_began_before_it_opened_tells_nothing_about_the_trial(breaker: Breaker, clock: Clock) -> None:
    early = permit(breaker)
    break_it(breaker)
    clock.now += 61
    trial = permit(breaker)

    early.failed()
    early.let_go()

    assert breaker.left_secs == 0, "it is not opened again"
    assert breaker.permit() is None, "the trial goes on"
    trial.succeeded()
    assert not breaker.is_open


def test_it_can_be_left_alone_because_it_said_so(breaker: Breaker, clock: Clock) -> None:
    breaker.open_for(5.0)
    breaker.open_for(1.0)

    clock.now += 4.9
    assert breaker.permit() is None
    clock.now += 0.2
    assert breaker.permit() is not None
