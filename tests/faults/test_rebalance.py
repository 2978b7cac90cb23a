"""Workers that come, go, and freeze: counts stay exact, and a frozen one's late rows do no harm."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from streams.changelog import CLAIM, read_range
from streams.stage import unpack
from tests.faults.load import PARTITIONS, Load, Reader, produce, topics
from tests.faults.test_exact import check, workers
from tests.faults.workers import ROOT
from tests.peers.kafka import KafkaPeer
from tests.peers.process import Process
from tests.peers.waiting import wait_until_async
from tests.streams.engines import (
    Counting,
    committed,
    consumer_of,
    counts,
    engine_of,
    make_topics,
    placed,
    put,
)

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(180)]


def frozen(process: Process) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


@pytest.mark.parametrize("guarded", [pytest.param(True, id="claims"), pytest.param(False, id="no-claims")])
async def test_rows_of_a_frozen_worker_that_come_late_are_not_believed(
    guarded: bool, kafka: KafkaPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It froze between its outputs and its rows; another took over and went on; then it writes.

    Without the claims the late rows are taken for the last word.
    """
    monkeypatch.setattr("streams.faust_table.guard_off", lambda name: name == "claim" and not guarded)
    broker, group = KafkaConfig(bootstrap_servers=kafka.bootstrap), f"late-{guarded}".lower()
    topic = f"{group}.in"
    await make_topics(broker, topic)
    keys = [b"k%d" % number for number in range(20)]
    command = [sys.executable, "-m", "tests.streams.freezing", kafka.bootstrap, group, topic, "2"]
    with Process(command, tmp_path / "frozen.log", cwd=ROOT) as zombie:
        zombie.start()
        await wait_until_async(lambda: "ready" in zombie.output(), 60)
        await put(broker, topic, [(key, b"") for key in keys], partition=0)

        async def first_done() -> bool:
            return (await committed(broker, group, topic)).get((topic, 0)) == 20

        await wait_until_async(first_done, 20)
        await put(broker, topic, [(key, b"") for key in keys], partition=0)
        await wait_until_async(lambda: frozen(zombie), 20)
        async with engine_of(broker, group, placed(Counting((topic,)))) as heir:
            await put(broker, topic, [(key, b"") for key in keys], partition=0)
            await wait_until_async(lambda: counts(heir) == dict.fromkeys(keys, 3), 20)
            await wait_until_async(lambda: heir.app.consumer.in_flight() == 0, 20)
            zombie.signal(signal.SIGCONT)
            await wait_until_async(lambda: not zombie.running, 20)
    async with engine_of(broker, group, placed(Counting((topic,)))) as last:
        assert counts(last) == dict.fromkeys(keys, 3 if guarded else 2)
        if guarded:  # and it says its own rows again: a compaction keeps the last one
            await wait_until_async(lambda: last_rows_say(broker, group, 3), 20)


async def last_rows_say(kafka: KafkaConfig, group: str, count: int) -> bool:
    topic = f"{group}-counting-changelog"
    async with consumer_of(kafka) as consumer:
        place = TopicPartition(topic, 0)
        end = (await consumer.end_offsets([place]))[place]
    rows = {record.key: record.value for record in await read_range(kafka, topic, 0, 0, end)}
    del rows[CLAIM]
    return {unpack(row)[1] for row in rows.values()} == {count}


async def test_workers_come_and_go_and_freeze_under_load(fresh_kafka: KafkaPeer, tmp_path: Path) -> None:
    """Two graceful guests, then one that freezes for longer than its session and comes back."""
    await apply_topics(KafkaConfig(bootstrap_servers=fresh_kafka.bootstrap), topics(), PARTITIONS)
    load = Load(60_000, 1_000)
    with workers(fresh_kafka, tmp_path) as started:
        async with Reader(fresh_kafka.bootstrap) as reader:
            stays = await started.start()
            producing = asyncio.ensure_future(produce(fresh_kafka.bootstrap, load, per_second=2_000))
            for _ in range(2):
                guest = await started.start()
                await counted(reader, more=1_000)
                assert guest.stop() == 0, "it leaves in good order"
            frozen_one = await started.start()
            await counted(reader, more=1_000)
            frozen_one.freeze()
            await counted(reader, more=15_000)  # what the frozen one had is worked on again
            frozen_one.signal(signal.SIGCONT)
            await producing
            outcome = await reader.until(load.alerts, timeout=120)
            assert stays.running
            assert frozen_one.running, "it takes part again"
    check(outcome, load)


async def counted(reader: Reader, more: int) -> None:
    goal = reader.outcome.hits.total() + more

    async def reached() -> bool:
        return (await reader.read()).hits.total() >= goal

    await wait_until_async(reached, 60, what=f"{more} more alerts counted", every=0)
