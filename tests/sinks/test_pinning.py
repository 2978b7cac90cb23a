"""What a sink pins, and when, without a log or a record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from awoooi.audit_pins import kept_days
from schemas.audit import Checkpoint, CheckpointKind
from sinks.clickhouse import heads_file
from sinks.clickhouse.retention import RetentionConfig
from sinks.pinning import Pins
from tests.sinks.clickhouse.audited import KEYS, SIGNER, pins_in

DAYS = 30


@pytest.fixture
def heads(tmp_path: Path) -> Path:
    return tmp_path / "heads.jsonl"


@pytest.fixture
def pins(heads: Path) -> Pins:
    return pins_in(heads, CollectorRegistry(), every_secs=1e-9, kept_days=DAYS)


def edge() -> datetime:
    """What was recorded before goes."""
    return datetime.now(UTC) - timedelta(days=DAYS)


async def test_a_checkpoint_is_ahead_of_the_rows_that_go(pins: Pins, heads: Path) -> None:
    """Renewed while nothing is stored at all."""
    assert pins.due({})
    await pins.pin({})
    (found,) = heads_file.read(heads, KEYS).pins
    assert isinstance(found, Checkpoint)
    assert found.before > edge() + timedelta(days=1), "until the next one is there"
    assert not pins.due({})


@pytest.mark.parametrize(
    ("hours", "is_due"), [pytest.param(25, False, id="ahead"), pytest.param(23, True, id="a day old")]
)
def test_a_checkpoint_is_renewed_in_time(pins: Pins, hours: int, is_due: bool) -> None:
    before = edge() + timedelta(hours=hours)
    pins.learn([SIGNER.checkpoint(CheckpointKind.RETENTION, before, before, "")])
    assert pins.due({}) == is_due


@pytest.mark.parametrize(
    ("events", "aside", "days"),
    [(400, 400, 400), (400, 30, 30), (0, 30, 30), (90, 0, 90), (0, 0, 0)],
)
def test_a_checkpoint_covers_what_goes_first(events: int, aside: int, days: int) -> None:
    retention = RetentionConfig(by_table={"events": events, "set_aside": aside})
    assert kept_days(retention) == days
