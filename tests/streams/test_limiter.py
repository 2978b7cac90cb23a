"""A run of rejects slows its source; a broken alert now and then does not."""

from __future__ import annotations

from dataclasses import dataclass

from streams.limiter import IN_A_ROW, MAX_SECS, RejectLimiter

PLACE = ("alerts.raw.zabbix", 0)


@dataclass(frozen=True)
class Batch:
    taken: int
    rejected: int
    trailing_rejects: int


GOOD = Batch(100, 0, 0)
BROKEN = Batch(IN_A_ROW, IN_A_ROW, IN_A_ROW)


def test_a_broken_alert_now_and_then_costs_nothing() -> None:
    limiter = RejectLimiter()
    assert not any(limiter.note(PLACE, Batch(100, 10, 1)) for _ in range(100))


def test_a_run_of_rejects_slows_more_and_more_up_to_a_minute() -> None:
    limiter = RejectLimiter()
    pauses = [limiter.note(PLACE, BROKEN) for _ in range(10)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == MAX_SECS


def test_a_run_counts_over_batches() -> None:
    limiter = RejectLimiter()
    pauses = [limiter.note(PLACE, Batch(1, 1, 1)) for _ in range(IN_A_ROW)]
    assert not any(pauses[:-1])
    assert pauses[-1] == 1


def test_a_high_share_slows_even_when_good_ones_lie_between() -> None:
    limiter = RejectLimiter()
    assert any(limiter.note(PLACE, Batch(100, 80, 0)) for _ in range(10))


def test_a_clean_batch_ends_it() -> None:
    limiter = RejectLimiter()
    limiter.note(PLACE, BROKEN)
    assert limiter.note(PLACE, GOOD) == 0
    assert limiter.note(PLACE, BROKEN) == 1


def test_others_go_on() -> None:
    limiter = RejectLimiter()
    limiter.note(PLACE, BROKEN)
    assert limiter.note(("alerts.raw.zabbix", 1), GOOD) == 0
    assert limiter.note(("alerts.raw.grafana", 0), GOOD) == 0
