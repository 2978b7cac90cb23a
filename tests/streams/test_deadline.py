from __future__ import annotations

import pytest

from streams.deadline import SHARES, share
from streams.pipeline import PipelineConfig

START = 1_800_000_000_000
IN_ORDER = ("evidence", "diagnose", "solve", "review")


def test_the_shares_in_a_row_leave_time_for_the_decision() -> None:
    for deadline_secs in (90, PipelineConfig().schedule.run_deadline_secs):
        now, deadline = START, START + int(deadline_secs * 1000)
        for stage in IN_ORDER:
            now += int(share(stage, deadline, now) * 1000)
        assert deadline - now >= 4000


def test_what_a_stage_leaves_over_is_there_for_the_next() -> None:
    assert share("diagnose", START + 90_000, START) > share("diagnose", START + 90_000, START + 10_000)


@pytest.mark.parametrize("late_ms", [0, 1, 10**9])
@pytest.mark.parametrize("stage", SHARES)
def test_nothing_is_left_after_the_deadline(stage: str, late_ms: int) -> None:
    assert share(stage, START, START + late_ms) == 0.0


def test_review_and_critique_run_beside_each_other() -> None:
    assert SHARES["review"] == SHARES["critique"]
