"""Windowed counts: exact to a bucket's width, whatever comes late."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams import windows
from streams.windows import DAY, HOUR, MINUTE, Histogram, add, within

NOON = 1_800_000_000_000 // HOUR * HOUR


def counted(times: list[int]) -> Histogram:
    counts: Histogram = []
    for at in times:
        add(counts, at)
    return counts


def test_each_window_counts_what_is_young_enough() -> None:
    counts = counted([NOON - 23 * HOUR, NOON - 40 * MINUTE, NOON - 2 * MINUTE, NOON])
    assert within(counts, NOON) == (2, 3, 4)


def test_what_is_older_than_a_day_is_gone() -> None:
    counts = counted([NOON - 26 * HOUR, NOON])
    assert within(counts, NOON) == (1, 1, 1)


def test_late_alerts_are_counted() -> None:
    counts = counted([NOON, NOON - 10 * MINUTE])
    assert within(counts, NOON)[2] == 2


def test_the_row_stays_small_however_many_alerts_a_day_has() -> None:
    counts = counted([NOON + second * 1000 for second in range(0, 24 * 3600, 20)])
    assert len(counts) < 60


@given(st.lists(st.integers(0, DAY), min_size=1, max_size=200))
def test_nothing_of_a_day_is_lost_and_windows_bound_each_other(ages: list[int]) -> None:
    times = sorted(NOON - age for age in ages)
    counts = counted(times)
    five, hour, day = within(counts, NOON)
    assert five <= hour <= day
    assert sum(alerts for _, alerts in counts) == len(times)
    assert five >= sum(1 for at in times if NOON - at < 5 * MINUTE)
    assert five <= sum(1 for at in times if NOON - at < 12 * MINUTE)


def test_the_widths_fit_into_the_windows() -> None:
    assert all(back % width == 0 for back, width in windows._STEPS)
