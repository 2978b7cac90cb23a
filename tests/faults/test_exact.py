"""Kills at random and at every named point of normalize and dedup: counts stay exact."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from tests.faults.load import PARTITIONS, Load, Outcome, Reader, produce, topics
from tests.faults.workers import Workers
from tests.faults.workers import workers as children
from tests.peers.kafka import KafkaPeer
from tests.peers.waiting import wait_until_async

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

CRASH_POINTS = (
    "worker:polled",
    "normalize:produced",
    "normalize:state_written",
    "normalize:acknowledged",
    "dedup:produced",
    "dedup:state_written",
    "dedup:acknowledged",
    "worker:in_rebalance",
)


THE_ONE = "the-one"
"""its successor bears the same name, and need not wait for its session to end"""


@contextmanager
def workers(kafka: KafkaPeer, folder: Path) -> Iterator[Workers]:
    with children(folder, "tests.faults.ingest", kafka.bootstrap) as started:
        yield started


def check(outcome: Outcome, load: Load) -> None:
    assert outcome.rejected == 0
    assert outcome.opened == dict.fromkeys(load.truth, 1), "every incident opened once"
    assert outcome.hits == load.truth, "hit counts equal the truth exactly"
    assert len(outcome.runs) == len(load.truth), "one run an incident"


async def test_counts_are_exact_through_kills_and_rebalances(fresh_kafka: KafkaPeer, tmp_path: Path) -> None:
    kafka = KafkaConfig(bootstrap_servers=fresh_kafka.bootstrap)
    await apply_topics(kafka, topics(), PARTITIONS)
    load, dice = Load(200_000, 2_000), random.Random(2026)
    with workers(fresh_kafka, tmp_path) as started:
        async with Reader(fresh_kafka.bootstrap) as reader:
            producing = asyncio.ensure_future(produce(fresh_kafka.bootstrap, load, per_second=4_000))
            await kill_at_random(started, dice, reader, times=5)
            for point in CRASH_POINTS:
                await kill_at(point, started, reader)
            await started.start(THE_ONE)
            guest = await started.start()
            guest.stop()
            await producing
            outcome = await reader.until(load.alerts, timeout=240)
    check(outcome, load)
    assert outcome.repeated, "kills that nothing had to be repeated for prove nothing"


@pytest.mark.parametrize(
    ("guard", "crash", "broken"),
    [
        pytest.param("", "dedup:state_written:1", False, id="all-guards-on"),
        pytest.param("seen", "dedup:state_written:1", True, id="seen-off-counts-twice"),
        pytest.param("order", "dedup:state_written:1", True, id="state-before-output-loses-openings"),
    ],
)
async def test_without_its_guard_the_same_check_fails(
    guard: str, crash: str, broken: bool, fresh_kafka: KafkaPeer, tmp_path: Path
) -> None:
    """Negative controls: the oracle above notices what each guard prevents."""
    await apply_topics(KafkaConfig(bootstrap_servers=fresh_kafka.bootstrap), topics(), PARTITIONS)
    load = Load(20_000, 200)  # more alerts an incident than are known again as copies
    await produce(fresh_kafka.bootstrap, load)
    with workers(fresh_kafka, tmp_path) as started:
        first = started.launch(THE_ONE, AWOOOI_CRASH_AT=crash, AWOOOI_GUARD_OFF=guard)
        await started.dead(first, f"killed at {crash}")
        await started.start(THE_ONE, AWOOOI_GUARD_OFF=guard)
        async with Reader(fresh_kafka.bootstrap) as reader:
            await reader.until_quiet()
    if broken:
        with pytest.raises(AssertionError):
            check(reader.outcome, load)
    else:
        check(reader.outcome, load)


async def kill_at_random(started: Workers, dice: random.Random, reader: Reader, times: int) -> None:
    for _ in range(times):
        worker = await started.start(THE_ONE)
        before = reader.outcome.hits.total()
        more = dice.randint(1, 3000)
        await wait_until_async(lambda: moved(reader, before + more), 60)  # noqa: B023
        worker.signal(signal.SIGKILL)


async def moved(reader: Reader, beyond: int) -> bool:
    return (await reader.read()).hits.total() > beyond


async def kill_at(point: str, started: Workers, reader: Reader) -> None:
    crash_at = f"{point}:{1 if 'rebalance' in point else 3}"
    worker = await started.start(THE_ONE, AWOOOI_CRASH_AT=crash_at)
    if "rebalance" in point:
        guest = await started.start()
        guest.stop()
    await started.dead(worker, f"killed at {point}", reader.read)
