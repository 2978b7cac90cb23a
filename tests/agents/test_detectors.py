"""Windows against quiet time, signal by signal."""

from __future__ import annotations

import numpy as np
import pytest

from agents.delays import Delays, delayed
from agents.detectors import Floats, Measure, Quiet, Role, quantile, unusual, upper_mean
from agents.mixes import Mix, shifts
from agents.suspects import Suspects

DRAW = np.random.default_rng(7)
NOISE = DRAW.normal(100, 5, (200, 3))


def strengths(now: list[list[float]], quiet: Floats = NOISE, role: Role = Role.LATENCY) -> list[float]:
    told: list[float] = unusual(Measure(role, np.array(now, float), Quiet(quiet))).strength.tolist()
    return told


def test_a_rise_stands_out_and_a_fall_does_not() -> None:
    high, low, usual = strengths([[150, 50, 100]] * 4)
    assert high > 5
    assert low == 0
    assert usual < 1


def test_a_fault_in_a_part_of_the_window_is_seen() -> None:
    assert strengths([[100, 100, 100]] * 3 + [[100, 100, 160]] * 2)[2] > 3


@pytest.mark.parametrize(
    ("now", "quiet"),
    [
        pytest.param([[np.nan] * 3] * 4, NOISE, id="nothing now"),
        pytest.param([[500.0] * 3], NOISE[:5], id="too little quiet time"),
        pytest.param([[500.0] * 3], np.full((50, 3), np.nan), id="nothing in quiet time"),
        pytest.param([[0.0] * 3], np.zeros((50, 3)), id="always zero"),
    ],
)
def test_what_cannot_be_told_is_nothing(now: list[list[float]], quiet: Floats) -> None:
    assert strengths(now, quiet) == [0, 0, 0]


def test_what_never_moved_needs_more_than_a_breath() -> None:
    assert max(strengths([[101.0] * 3], np.full((50, 3), 100.0))) < 1
    assert min(strengths([[120.0] * 3], np.full((50, 3), 100.0))) > 1


def test_an_idle_service_that_does_a_little_is_not_saturated() -> None:
    quiet = np.stack([np.full(50, 80.0), np.full(50, 0.1), np.full(50, 0.1)], axis=1)
    assert strengths([[80, 0.5, 70]] * 4, quiet, Role.CPU)[1] < 1
    assert strengths([[80, 0.5, 70]] * 4, quiet, Role.CPU)[2] > 2


def test_an_upper_mean_of_nothing_is_no_number() -> None:
    assert np.isnan(upper_mean(np.empty((0, 2)))).all()
    assert upper_mean(np.array([[1.0, np.nan], [3.0, np.nan], [2.0, np.nan]])).tolist()[0] == 3


def test_quantiles_pass_over_what_is_missing() -> None:
    values = np.array([[float(number), np.nan] for number in range(10)])
    assert quantile(values, 0.5).tolist()[0] == 4
    assert np.isnan(quantile(values, 0.5)[1])


# -- delays


def gaps(seed: int, minutes: int, **rises: float) -> Floats:
    """Of four edges: a→b, a→c, d→b, b→e."""
    draw = np.random.default_rng(seed)
    usual = draw.normal(5, 0.2, (minutes, 4))
    for edge, rise in rises.items():
        usual[:, int(edge[1:])] += rise
    return usual


EDGES = [(0, 1), (0, 2), (3, 1), (1, 4)]


@pytest.mark.parametrize(
    ("rises", "service"),
    [
        pytest.param({"_0": 50.0, "_2": 50.0}, 1, id="all who call it wait"),
        pytest.param({"_0": 50.0, "_1": 50.0}, 0, id="all that it calls is late"),
        pytest.param({"_1": 50.0}, 2, id="its only caller waits"),
    ],
)
def test_a_delay_is_laid_on_who_all_delayed_calls_share(rises: dict[str, float], service: int) -> None:
    now, highest = delayed(Delays(EDGES, gaps(1, 3, **rises), gaps(2, 20), np.full(4, 100.0)), 5)
    assert int(np.argmax(now)) == service
    assert now[service] > 1.8 * np.delete(now, service).max()
    assert now.max() > 3 * highest.max()


def test_a_few_slow_calls_prove_little() -> None:
    now, _ = delayed(Delays(EDGES, gaps(1, 3, _1=50), gaps(2, 20), np.array([100.0, 1, 100, 100])), 5)
    many, _ = delayed(Delays(EDGES, gaps(1, 3, _1=50), gaps(2, 20), np.full(4, 100.0)), 5)
    assert now[2] < many[2] / 5


def test_edges_without_quiet_samples_say_nothing() -> None:
    now, highest = delayed(Delays(EDGES, gaps(1, 3), np.full((6, 4), np.nan), np.full(4, 9.0)), 5)
    assert now.tolist() == [0] * 5
    assert highest.tolist() == [0] * 6


# -- mixes


def lines(seed: int, minutes: int, rates: tuple[float, ...]) -> Floats:
    return np.random.default_rng(seed).poisson(rates, (minutes, len(rates))).astype(float)


QUIET_LINES = lines(1, 40, (50, 30, 0, 5))


@pytest.mark.parametrize(
    ("rates", "shifted"),
    [
        pytest.param((50, 30, 0, 5), False, id="as usual"),
        pytest.param((150, 90, 0, 15), False, id="three times the load"),
        pytest.param((5, 3, 0, 0.5), False, id="a tenth of the load"),
        pytest.param((50, 30, 12, 5), True, id="a new line"),
        pytest.param((50, 0, 0, 5), True, id="a line that stays away"),
        pytest.param((50, 30, 0, 40), True, id="a rare line that is frequent"),
    ],
)
def test_shares_of_lines_shift_with_faults_and_not_with_load(
    rates: tuple[float, ...], *, shifted: bool
) -> None:
    now, highest = shifts({0: Mix(lines(2, 3, rates), QUIET_LINES)}, 2)
    assert bool(now[0] > 1.3 * highest.max()) is shifted
    assert now[1] == 0


@pytest.mark.parametrize(
    "mix",
    [
        pytest.param(Mix(np.zeros((3, 4)), QUIET_LINES), id="silence now"),
        pytest.param(Mix(np.zeros((0, 4)), QUIET_LINES), id="no window"),
        pytest.param(Mix(lines(1, 3, (5, 5)), np.zeros((0, 2))), id="no quiet time"),
        pytest.param(Mix(lines(1, 9, (5, 5)), lines(1, 4, (5, 5))), id="longer than its quiet time"),
    ],
)
def test_a_mix_that_cannot_be_told_says_nothing(mix: Mix) -> None:
    assert shifts({0: mix}, 1)[0].tolist() == [0]


# -- naming


@pytest.mark.parametrize(
    ("stands_out", "named"), [pytest.param(True, [2, 0], id="fault"), pytest.param(False, [], id="no fault")]
)
def test_nobody_is_named_where_nothing_stands_out(named: list[int], *, stands_out: bool) -> None:
    assert Suspects(np.array([0.5, 0.0, 0.9]), {}, stands_out).ranked() == named
