"""Trust: earned one by one, lost at once, at most one level, and it fades."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.operations import Risk
from schemas.trust import Earned
from streams.policy.policy import read_policy
from streams.policy.trust import DAY_MS, Score, decayed, decays_at, drift, lowered, observed

POLICY = read_policy().trust
OUTCOMES = st.lists(
    st.sampled_from([Earned.VERIFIED, Earned.REJECTED, Earned.FAILED, Earned.RESET]), max_size=40
)


def after(*outcomes: Earned) -> Score:
    score = Score()
    for outcome in outcomes:
        score = observed(score, outcome, 0, POLICY)
    return score


@given(OUTCOMES)
def test_the_score_is_the_successes_since_the_last_setback(outcomes: list[Earned]) -> None:
    expected = 0
    for outcome in outcomes:
        expected = expected + 1 if outcome == Earned.VERIFIED else 0

    assert after(*outcomes).value == expected


@pytest.mark.parametrize("setback", [Earned.REJECTED, Earned.FAILED, Earned.RESET])
def test_one_setback_takes_all_of_it(setback: Earned) -> None:
    assert after(*[Earned.VERIFIED] * 50, setback).value == 0


@given(st.sampled_from(list(Risk)), st.integers(0, 10**9))
def test_it_never_lowers_more_than_one_level_and_never_critical(risk: Risk, score: int) -> None:
    found = lowered(risk, score, POLICY)

    assert risk.rank - 1 <= found.rank <= risk.rank
    assert found == risk or risk in (Risk.MEDIUM, Risk.HIGH)


@pytest.mark.parametrize(
    ("risk", "score", "expected"),
    [
        (Risk.MEDIUM, 4, Risk.MEDIUM),
        (Risk.MEDIUM, 5, Risk.LOW),
        (Risk.HIGH, 9, Risk.HIGH),
        (Risk.HIGH, 10, Risk.MEDIUM),
        (Risk.CRITICAL, 1000, Risk.CRITICAL),
        (Risk.LOW, 1000, Risk.LOW),
        (Risk.MEDIUM, -1000, Risk.MEDIUM),
    ],
)
def test_the_thresholds(risk: Risk, score: int, expected: Risk) -> None:
    assert lowered(risk, score, POLICY) == expected


@pytest.mark.parametrize(
    ("days", "left"), [(0, 7), (29.9, 7), (30, 6), (59.9, 6), (60, 5), (10_000, 0), (-5, 7)]
)
def test_what_is_not_used_fades(days: float, left: int) -> None:
    score = Score(7, 100 * DAY_MS)

    assert decayed(score, 100 * DAY_MS + int(days * DAY_MS), POLICY).value == left


def test_when_it_fades_next_is_told() -> None:
    score = Score(2, 0)

    assert decays_at(score, 0, POLICY) == 30 * DAY_MS
    assert decays_at(score, 30 * DAY_MS, POLICY) == 60 * DAY_MS
    assert decays_at(score, 60 * DAY_MS, POLICY) is None


def test_a_success_after_a_long_time_counts_from_what_is_left() -> None:
    assert observed(Score(7, 0), Earned.VERIFIED, 60 * DAY_MS, POLICY).value == 6


@pytest.mark.parametrize(
    ("recent", "found"),
    [
        pytest.param([True] * 10, False, id="as ever"),
        pytest.param([True] * 5 + [False] * 5, True, id="it broke"),
        pytest.param([False] * 5 + [True] * 5, False, id="it got better"),
        pytest.param([True] * 8 + [False] * 1, False, id="too few"),
        pytest.param([True] * 8 + [False] * 2, True, id="two of five"),
        pytest.param([True] * 9 + [False], False, id="one of five"),
    ],
)
def test_a_sudden_change_is_drift(recent: list[bool], found: bool) -> None:
    assert (drift(recent, POLICY) is not None) is found
