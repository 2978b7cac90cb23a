"""What of the others' lines an operator sees."""

from __future__ import annotations

import logging

import pytest

from awoooi.logs import AwayNowAndThen

AWAY = 'Unable connect to "127.0.0.1:1": refused'


def line(name: str, text: str, at: float = 0.0) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, text, (), None)
    record.created = at
    return record


def test_that_the_broker_is_away_is_told_once_a_minute() -> None:
    shown = AwayNowAndThen(never=False)
    seen = [at for at in range(0, 130, 2) if shown.filter(line("aiokafka", AWAY, at))]

    assert seen == [0, 60, 120]


def test_a_process_that_tells_it_by_itself_leaves_it_out() -> None:
    shown = AwayNowAndThen(never=True)

    assert not any(shown.filter(line("aiokafka", AWAY, at)) for at in range(0, 600, 60))


@pytest.mark.parametrize(
    ("name", "text", "is_shown"),
    [
        ("aiokafka.consumer.fetcher", "Unexpected error in fetcher routine", True),
        ("aiokafka.consumer.group_coordinator", "OffsetCommit failed for group g", True),
        ("awoooi.worker", "Unable connect to whatever", True),
        (
            "aiokafka.consumer.group_coordinator",
            "Group Coordinator Request failed: [Error 15] GroupCoordinatorNotAvailableError",
            False,
        ),
        (
            "aiokafka.consumer.group_coordinator",
            "Group Coordinator Request failed: [Error 30] GroupAuthorizationFailedError",
            True,
        ),
    ],
)
def test_only_the_expected_is_left_out(name: str, text: str, is_shown: bool) -> None:
    assert AwayNowAndThen(never=True).filter(line(name, text)) is is_shown
