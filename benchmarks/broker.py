"""A fresh Apache Kafka for each part, with the catalogue's topics, its clock on every record."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from connectors.alerts.registry import sources
from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from schemas.catalog import MIB, TOPICS, Topic, raw_topic
from streams.pipeline import changelogs
from streams.runner import Outgoing
from streams.sender import Sender
from tests.peers import KafkaPeer

PARTITIONS = 4
SETTINGS = {"log.message.timestamp.type": "LogAppendTime"}
"""What was measured is read off the broker's clock, so that nobody need look on while it runs."""


@dataclass(frozen=True, slots=True)
class Broker:
    peer: KafkaPeer

    @property
    def bootstrap(self) -> str:
        return self.peer.bootstrap

    @property
    def config(self) -> KafkaConfig:
        return KafkaConfig(bootstrap_servers=self.bootstrap, request_timeout_secs=30)

    async def make(self, topics: Collection[Topic]) -> None:
        report = await apply_topics(self.config, topics, PARTITIONS)
        if report.refused:
            raise RuntimeError(f"the broker made no topics: {report.refused}")

    async def make_changelogs(self, group: str) -> None:
        await self.make(changelogs(group, "ingest"))

    async def fill(self, records: Iterable[Outgoing]) -> int:
        """Write them all, in order; how many there were."""
        async with producing(self.bootstrap) as producer:
            sender, source, count = Sender(lambda: producer), iter(records), 0
            while chunk := list(islice(source, 5000)):
                await sender.send(chunk)
                count += len(chunk)
        return count

    async def ends(self, topic: str, partitions: int = PARTITIONS) -> dict[TopicPartition, int]:
        async with consuming(self.bootstrap) as consumer:
            found: dict[TopicPartition, int] = await consumer.end_offsets(_partitions(topic, partitions))
            return found

    async def read(self, topic: str, start: dict[TopicPartition, int] | None = None) -> list[Any]:
        """Every record from `start` (or the beginning) to the present end."""
        async with consuming(self.bootstrap) as consumer:
            partitions = _partitions(topic, PARTITIONS)
            ends = await consumer.end_offsets(partitions)
            starts = start or dict.fromkeys(partitions, 0)
            wanted = {tp: end for tp, end in ends.items() if end > starts[tp]}
            consumer.assign(list(wanted))
            for tp in wanted:
                consumer.seek(tp, starts[tp])
            found: list[Any] = []
            while any([await consumer.position(tp) < end for tp, end in wanted.items()]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += records
            return found

    async def first_ms(self, start: dict[TopicPartition, int]) -> int:
        """When the first record from `start` was appended, in epoch milliseconds."""
        async with consuming(self.bootstrap) as consumer:
            ends = await consumer.end_offsets(list(start))
            waiting = {tp for tp in start if ends[tp] > start[tp]}
            consumer.assign(list(waiting))
            for tp in waiting:
                consumer.seek(tp, start[tp])
            moments: list[int] = []
            while waiting:
                for tp, records in (await consumer.getmany(timeout_ms=500)).items():
                    if tp in waiting:
                        waiting.remove(tp)
                        moments.append(records[0].timestamp)
            return min(moments)

    async def still(self, topic: str, *, since: int, secs: float, deadline_secs: float) -> int:
        """Wait until this topic has grown beyond `since` and then has not for so long; its size."""
        async with consuming(self.bootstrap) as consumer:
            return await _still(consumer, topic, since, secs, deadline_secs)

    def pin(self, cores: Collection[int]) -> None:
        """All its threads, those to come too."""
        pin(self.peer.pid, cores)


async def _still(consumer: Any, topic: str, since: int, secs: float, deadline_secs: float) -> int:
    loop = asyncio.get_running_loop()
    size, changed, deadline = since, loop.time(), loop.time() + deadline_secs
    while loop.time() < deadline:
        now = sum((await consumer.end_offsets(_partitions(topic, PARTITIONS))).values())
        if now != size:
            size, changed = now, loop.time()
        elif size > since and loop.time() - changed > secs:
            return size
        await asyncio.sleep(0.2)
    raise TimeoutError(f"{topic}: not done within {deadline_secs:g} s ({size - since} records so far)")


@asynccontextmanager
async def broker(*, extra: Sequence[Topic] = (), folder: Path | None = None) -> AsyncIterator[Broker]:
    with KafkaPeer.running(settings=SETTINGS, folder=folder) as peer:
        yield await prepared(peer, extra)


async def prepared(peer: KafkaPeer, extra: Sequence[Topic] = ()) -> Broker:
    """With the topics of the catalogue, the raw ones, and others."""
    made = Broker(peer)
    await made.make([*TOPICS, *(raw_topic(name) for name in (*sources(), "auto")), *extra])
    return made


@asynccontextmanager
async def producing(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", max_batch_size=MIB, max_request_size=8 * MIB
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def consuming(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Without a group: it looks on and commits nothing."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, max_partition_fetch_bytes=4 * MIB)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


def like(topic: Topic, name: str) -> Topic:
    """Another topic of the same settings."""
    return replace(topic, name=name)


def pin(pid: int, cores: Collection[int]) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            os.sched_setaffinity(int(thread.name), cores)


def _partitions(topic: str, count: int) -> list[TopicPartition]:
    return [TopicPartition(topic, partition) for partition in range(count)]
