"""Kafka stops or is killed under load, and comes back: nothing lost, nothing doubled, no lag left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from tests.faults.ingest import GROUP
from tests.faults.load import PARTITIONS, RAW, Load, Reader, topics
from tests.faults.test_exact import check, workers
from tests.peers.kafka import KafkaPeer
from tests.peers.waiting import wait_until_async

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(240)]
AWAY_SECS = 30


async def test_kafka_goes_and_comes_back_under_load(fresh_kafka: KafkaPeer, tmp_path: Path) -> None:
    await apply_topics(KafkaConfig(bootstrap_servers=fresh_kafka.bootstrap), topics(), PARTITIONS)
    load = Load(40_000, 1_000)
    with workers(fresh_kafka, tmp_path) as started:
        worker = await started.start()
        async with producing(fresh_kafka.bootstrap, load) as sending:
            await wait_until_async(lambda: sending.sent > 1_000, 60)
            await away(fresh_kafka.kill, fresh_kafka, secs=30)
            await wait_until_async(lambda: sending.sent > 5_000, 60)
            await away(fresh_kafka.stop, fresh_kafka, secs=8)
            await wait_until_async(sending.done, 90, what="all alerts accepted")
        async with Reader(fresh_kafka.bootstrap) as reader:
            await reader.until(load.alerts, timeout=90)
        await wait_until_async(lambda: no_lag(fresh_kafka.bootstrap), 30, what="no lag", every=0.5)
        assert worker.running, "the worker outlives the broker's absence"
        assert len(worker.output().splitlines()) < 20_000, "no busy loop while nobody answers"
    check(reader.outcome, load)


async def away(end: Callable[[], None], kafka: KafkaPeer, secs: float) -> None:
    await asyncio.to_thread(end)
    await asyncio.sleep(secs)  # the fault itself
    await asyncio.to_thread(kafka.start)


class Sending:
    """A producer that repeats nothing of its own accord: what it sends is the truth."""

    def __init__(self, bootstrap: str, load: Load) -> None:
        self._bootstrap, self._load, self.sent = bootstrap, load, 0
        self.task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            linger_ms=10,
            request_timeout_ms=120_000,
        )
        await producer.start()
        try:
            waiting = []
            for number, (key, value) in enumerate(self._load.records()):
                waiting.append(await producer.send(RAW, value, key=key))
                self.sent += 1
                if number % 20 == 0:
                    await asyncio.sleep(0.02)
            await asyncio.gather(*waiting)
        finally:
            await producer.stop()

    def done(self) -> bool:
        if self.task.done():
            self.task.result()
        return self.task.done()


@contextlib.asynccontextmanager
async def producing(bootstrap: str, load: Load) -> AsyncIterator[Sending]:
    sending = Sending(bootstrap, load)
    try:
        yield sending
    finally:
        sending.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending.task


async def no_lag(bootstrap: str) -> bool:
    """Whether the group has committed to the end of every topic that it reads."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        names = (RAW, "alerts.normalized", "incidents", "runs", "runs.requests")
        places = [TopicPartition(name, number) for name in names for number in range(PARTITIONS)]
        ends = await consumer.end_offsets(places)
        committed = {place: await consumer.committed(place) or 0 for place in places}
        return committed == ends
    finally:
        await consumer.stop()
