"""Engines in a test's own loop, with stages that do as they are told; and readers of what came of it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from schemas.catalog import Topic, ticks_topic, topic
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import BadPayload, Never, NotNow
from streams.faust_app import Engine
from streams.faust_config import EngineConfig
from streams.placed import Placed
from streams.registry import learn
from streams.runner import Runner, stage_failed
from streams.stage import Events, KeyedBase, Now, Record, State, pack, unpack
from tests.peers.waiting import wait_until_async

PARTITIONS = 4


@dataclass
class Obedient:
    """A stage without rows: each record says what is to be done with it."""

    reads: tuple[str, ...]
    name: str = "obedient"
    taken: list[tuple[str, int, int, bytes | None]] = field(default_factory=list)
    broken: bool = True
    """while it is, records that say `later` are not done now"""

    async def handle(self, record: Record, now: Now) -> Events:
        self.taken.append((record.topic, record.partition, record.offset, record.value))
        value = record.value or b""
        if value.startswith(b"never"):
            raise BadPayload("it says so itself", field="value")
        if value.startswith(b"later") and self.broken:
            raise NotNow("something that it needs is away")
        if value.startswith(b"bug"):
            raise ZeroDivisionError("a bug of the stage")
        return ()

    def values(self) -> list[bytes | None]:
        return [value for *_, value in self.taken]

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, "")


@dataclass(slots=True)
class Tally(State):
    count: int = 0


@dataclass
class Counting(KeyedBase[Tally]):
    """Counts its records by key, in rows; what it holds is asked of the engine."""

    reads: tuple[str, ...]
    name: str = "counting"

    def load(self, key: bytes, row: bytes | None) -> Tally:
        if row is None:
            return Tally()
        seen, count = unpack(row)
        return Tally(seen, False, count)

    def dump(self, state: Tally) -> bytes | None:
        return pack([state.seen, state.count])

    async def handle(self, record: Record, state: Tally, now: Now) -> Events:
        state.count += 1
        self.note(record, state)
        return ()

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, "")


def counts(engine: Engine, stage: str = "counting") -> dict[bytes, int]:
    """What the rows say on the partitions that this engine has."""
    store = engine._tables[stage].data
    return {key: unpack(rows[key])[1] for rows in store.partitions.values() for key in rows}


def placed(stage: Any, *, slow: bool = False) -> Placed:
    return Placed(Runner(stage, Codec()), stage.reads, keyed=isinstance(stage, KeyedBase), slow=slow)


def plain_topic(name: str) -> Topic:
    return Topic(name, key="any", holds="what a test writes", recorded=False)


async def make_topics(kafka: KafkaConfig, *names: str, partitions: int = PARTITIONS) -> None:
    wanted = [plain_topic(name) for name in names]
    report = await apply_topics(kafka, [*wanted, topic("stage.failed")], partitions)
    assert not report.refused


@asynccontextmanager
async def engine_of(
    kafka: KafkaConfig, group: str, *stages: Placed, ready: bool = True, **settings: Any
) -> AsyncIterator[Engine]:
    """Its topics are made; `ready` waits until it has partitions and rows."""
    codec = Codec()
    with tempfile.TemporaryDirectory() as state:
        config = EngineConfig(
            **{
                "kafka": kafka,
                "group": group,
                "worker": group,
                "partitions": PARTITIONS,
                "state_dir": Path(state),
                "embedded": True,  # short time-outs
                "tick_secs": 0.2,
                **settings,
            }
        )
        engine = Engine(config, stages, codec, partial(learn, codec, None))
        changelogs = [
            Topic(name, key="row", holds="rows", compacted=True, recorded=False)
            for name in engine.changelogs()
        ]
        await apply_topics(kafka, [*changelogs, ticks_topic(group)], config.partitions)
        engine.app.finalize()
        try:
            await engine.app.start()
            if ready:
                await wait_until_async(lambda: engine.ready, 40, what=f"{group} ready")
            yield engine
        finally:
            await engine.stop()


Item = tuple[bytes | None, bytes | None]


async def put(
    kafka: KafkaConfig, topic: str, items: Iterable[Item], partition: int | None = None, **options: Any
) -> list[int]:
    """Write records, durably; their offsets."""
    producer = AIOKafkaProducer(**{**kafka.client_options(), "max_request_size": 8 << 20, **options})
    await producer.start()
    try:
        sent = [await producer.send(topic, value, key=key, partition=partition) for key, value in items]
        return [found.offset for found in await asyncio.gather(*sent)]
    finally:
        await producer.stop()


@asynccontextmanager
async def consumer_of(kafka: KafkaConfig, *topics: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        *topics,
        **kafka.client_options(),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=8 << 20,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read_until(
    kafka: KafkaConfig,
    topic: str,
    enough: Callable[[Sequence[Any]], bool],
    timeout: float = 30,  # noqa: ASYNC109
) -> list[Any]:
    """Decoded events of a topic, until there are enough."""
    codec, events = Codec(), list[Any]()
    async with consumer_of(kafka, topic) as consumer:

        async def read() -> bool:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                events.extend(codec.decode(record.value) for record in records)
            return enough(events)

        await wait_until_async(read, timeout, what=f"enough on {topic}", every=0)
    return events


async def committed(kafka: KafkaConfig, group: str, *topics: str) -> dict[tuple[str, int], int]:
    """What a group has committed, where it has."""
    consumer = AIOKafkaConsumer(**kafka.client_options(), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        found: dict[TopicPartition, OffsetAndMetadata | int | None] = {
            place: await consumer.committed(place) for place in places
        }
        return {tuple(place): offset for place, offset in found.items() if offset is not None}
    finally:
        await consumer.stop()


def spread(count: int, start: int = 0) -> list[Item]:
    """So many records over so many keys as there are tens in them."""
    return [
        (b"k%d" % (number % max(1, count // 10)), b"%d" % number) for number in range(start, start + count)
    ]
