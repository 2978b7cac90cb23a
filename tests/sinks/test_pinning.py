"""What a sink pins, and when, without a log or a record."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from prometheus_client import CollectorRegistry

from awoooi.audit_pins import kept_days
from schemas.audit import Checkpoint, CheckpointKind
from schemas.errors import Misconfigured
from sinks.aside import in_daemon
from sinks.clickhouse import heads_file
from sinks.clickhouse.chain import ChainPlace, Tip
from sinks.clickhouse.retention import RetentionConfig
from sinks.clickhouse.signing import Pin
from sinks.pinning import Pins
from tests.peers import wait_until_async
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


class Hanging:
    """A network share that answers when it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers, self.asked, real = threading.Event(), 0, heads_file.append

        def append(file: Path, found: Iterable[Pin]) -> None:
            self.asked += 1
            self.answers.wait(30)
            real(file, found)

        monkeypatch.setattr(heads_file, "append", append)


TIPS = {ChainPlace("", "incidents", 0): Tip(7, 8, "f" * 64)}


async def test_a_file_that_hangs_is_not_waited_for(
    pins: Pins, heads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, and nothing else is begun until it answers."""
    monkeypatch.setattr("sinks.pinning.PATIENCE_SECS", 0)
    share = Hanging(monkeypatch)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            assert pins.due(TIPS)
            pins.begin(TIPS)
            await wait_until_async(lambda: share.asked == 1, 5, what="it is written")
    assert "has not answered for" in pins.trouble
    assert [one["event"] for one in logs] == ["audit_heads_file_hangs"]
    share.answers.set()
    await pins.settle()
    assert (pins.trouble, share.asked, pins.due(TIPS)) == ("", 1, False)
    assert len(heads_file.read(heads, KEYS).pins) == 2, "the head, and a checkpoint"


async def test_who_leaves_does_not_wait_for_it(pins: Pins, monkeypatch: pytest.MonkeyPatch) -> None:
    share = Hanging(monkeypatch)
    pins.begin(TIPS)
    await wait_until_async(lambda: share.asked == 1, 5, what="it is written")
    await asyncio.wait_for(pins.give_up(), 5)
    share.answers.set()


def test_a_thread_that_hangs_keeps_no_process_from_ending() -> None:
    """Nobody waits for that sleep: it is a disk that hangs, for longer than the process may take to end."""
    program = """
import asyncio, time
from contextlib import suppress
from sinks.aside import in_daemon
with suppress(TimeoutError):
    asyncio.run(asyncio.wait_for(in_daemon(lambda: time.sleep(60)), 0.1))
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=20, check=False).returncode == 0


async def test_what_goes_wrong_in_the_thread_is_raised() -> None:
    def fails() -> None:
        raise Misconfigured("the disk is full")

    with pytest.raises(Misconfigured, match="the disk is full"):
        await in_daemon(fails)
