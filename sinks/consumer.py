"""Every event of every topic into ClickHouse: read, write, and only then commit.

Exactly once as a query sees it: a crash between insert and commit stores a batch twice, and the table
shows each event id once. What is stored is then linked to the chain of its partition. Batches are stored one
after the other, in the order in which they were read, and what was read is never dropped: so a committed
offset never stands ahead of what is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from prometheus_client import CollectorRegistry

from connectors.kafka.config import KafkaConfig
from connectors.kafka.unreached import away, told_by_us
from schemas.catalog import Topic, recorded_topics
from schemas.codec import Codec
from schemas.sabotage import crash_point, guard_off
from sinks.batch import Batch, Place
from sinks.clickhouse.linking import Linker, Span
from sinks.clickhouse.rows import EventRow, SetAside
from sinks.clickhouse.writer import Writer
from sinks.config import SinkConfig
from sinks.intake import Intake, Learn
from sinks.metrics import Meters
from sinks.pinning import Pins

log = structlog.get_logger(__name__)

CHUNK = 1000  # records taken in before others get their turn on the loop
IDLE_SECS = 1.0  # longest wait for a record; fetches and heartbeats go on by themselves
LOOK_SECS = 5.0  # between two signs of life of Kafka and ClickHouse
RETRY_SECS = 1.0
UNTOLD = ("at", "recorded_at", "sha256")


class Sink:
    """`run` it until cancelled; `checks` says what keeps it from being ready."""

    def __init__(
        self,
        kafka: KafkaConfig,
        config: SinkConfig,
        writer: Writer,
        codec: Codec,
        registry: CollectorRegistry,
        *,
        learn: Learn | None = None,
        topics: Collection[Topic] | None = None,
        pins: Pins | None = None,
    ) -> None:
        self._kafka = kafka
        self._config = config
        self._writer = writer
        self._topics = recorded_topics() if topics is None else topics
        self._intake = Intake(codec, config.log_epoch, self._topics, learn)
        self._meters = Meters(registry)
        self._pins = pins
        self._linker = Linker(writer, config.log_epoch, pins)
        self._fresh: set[TopicPartition] = set()
        """Assigned to us, and their chains not taken over yet."""
        self._consumer: Any = None
        self._assigned = "not started yet"
        self._taking_over = ""
        self._broker = ""
        self._batch: Batch[EventRow, SetAside] = Batch()
        self._writing: asyncio.Task[None] | None = None
        self._stored: dict[Place, int] = {}
        """Up to where each partition that was read from is stored."""
        self._uncommitted: dict[Place, int] = {}
        self._measured_at = 0.0

    def checks(self) -> Mapping[str, Callable[[], str]]:
        """For /readyz."""
        return {
            "kafka": lambda: self._broker or self._assigned or self._taking_over,
            "clickhouse": lambda: self._writer.trouble,
            "schema_registry": lambda: self._intake.trouble,
            "heads_file": self._heads_trouble,
        }

    async def run(self) -> None:
        """Until cancelled: the last batch is stored and committed then. Misconfigured stops the start."""
        try:
            await self._writer.open()
            await self._begin()
            while True:
                with told_by_us() as unreached:
                    try:
                        await self._follow()
                    except (KafkaError, OSError) as error:
                        self._note_broker(away(self._kafka.bootstrap_servers, error, unreached))
                await asyncio.sleep(RETRY_SECS)
        finally:
            self._assigned = "stopped"
            await self._writer.close()

    async def _begin(self) -> None:
        """An embedded log forgets: what its earlier lives left is linked and pinned now, or never."""
        if self._pins is not None:
            await self._pins.open()
        if self._config.log_epoch:
            ended = await self._linker.adopt_other_lives()
            if self._pins is not None:
                await self._pins.pin(ended)

    async def _follow(self) -> None:
        async with self._consuming() as consumer:
            while True:
                await self._step(consumer)

    @asynccontextmanager
    async def _consuming(self) -> AsyncIterator[Any]:
        """A member of the group; what it has read is stored before it leaves."""
        consumer = AIOKafkaConsumer(**self._config.consumer_options(self._kafka))
        consumer.subscribe([topic.name for topic in self._topics], listener=_Rebalance(self))
        self._consumer, self._assigned = consumer, "waits for partitions"
        try:
            await consumer.start()
            self._note_broker("")
            async with _beside(self._watch(consumer)):
                yield consumer
        finally:
            await self._leave(consumer)

    async def _leave(self, consumer: Any) -> None:
        try:
            async with asyncio.timeout(self._config.shutdown_secs):
                await self.drain()
                if self._pins is not None:
                    await self._pins.settle()
                    await self._pins.pin(self._linker.tips)
        except TimeoutError:
            why = self._writer.trouble or self._heads_trouble() or "it takes too long"
            log.warning("sink_left_unstored", detail=why)
        finally:
            if self._pins is not None:
                await self._pins.give_up()
            await _cancelled(self._writing)
            self._writing, self._batch = None, Batch()  # it is not committed, so it will be read again
            self._stored.clear()
            self._uncommitted.clear()
            self._linker.tips.clear()
            with contextlib.suppress(TimeoutError, KafkaError):
                async with asyncio.timeout(self._config.shutdown_secs):
                    await consumer.stop()

    async def _step(self, consumer: Any) -> None:
        if self._fresh:
            await self._take_over(consumer)
        wait = IDLE_SECS if self._batch.empty else self._due_in()
        fetched = await consumer.getmany(timeout_ms=math.ceil(max(0.0, wait) * 1000), max_records=CHUNK)
        for partition, records in fetched.items():
            if records:
                await self._take(partition, records)
        if self._batch.empty:
            await self._catch_up()
        elif self._batch.full(self._config.batch) or self._due_in() <= 0:
            await self._close_batch()
        await self._measure(consumer)
        await asyncio.sleep(0)  # getmany does not give way while it has something

    def _due_in(self) -> float:
        return self._batch.due_in(self._config.batch, time.monotonic())

    async def _take_over(self, consumer: Any) -> None:
        """Misconfigured where log and record are not what they were: the start is refused."""
        fresh = self._fresh & consumer.assignment()
        ends = await consumer.end_offsets(fresh) if fresh else {}
        spans = {}
        for partition, end in ends.items():
            with contextlib.suppress(IllegalStateError):  # a rebalance took the partition meanwhile
                position = await consumer.position(partition)
                spans[self._linker.place(partition.topic, partition.partition)] = Span(position, end)
        self._fresh -= fresh
        await self._linker.take_over(spans)
        self._taking_over = ""

    async def _take(self, partition: TopicPartition, records: Sequence[Any]) -> None:
        if partition in self._fresh:
            await self._take_over(self._consumer)
        rows, refused = await self._intake.read(records)
        # From here on without giving way: a rebalance may close the batch whenever we do.
        place = (partition.topic, partition.partition)
        self._stored.setdefault(place, records[0].offset)
        self._batch.rows += rows
        self._batch.refused += refused
        size = sum(len(record.value or b"") for record in records)
        self._batch.took(place, records[-1].offset + 1, size, time.monotonic())

    async def _close_batch(self) -> None:
        """It is stored while the next one fills; one at a time, so that commits stay in order."""
        await self._settle()
        batch, self._batch = self._batch, Batch()
        if not batch.empty:
            self._writing = asyncio.create_task(self._store(batch), name="sink-store")

    async def _settle(self) -> None:
        """The batch under way is done. Being cancelled here does not cancel it."""
        while self._writing is not None and not self._writing.done():
            await asyncio.wait({self._writing})
        if self._writing is not None:
            self._writing.result()

    async def drain(self) -> None:
        """Everything that was read is stored and committed."""
        await self._close_batch()
        await self._settle()

    async def _store(self, batch: Batch[EventRow, SetAside]) -> None:
        if guard_off("commit_after"):
            await self._commit(batch.next_offsets)
        crash_point("sink:before_insert")
        rows, refused = await self._linker.fresh(batch.rows, batch.refused)
        aside = await self._writer.write(rows, refused)
        crash_point("sink:inserted")
        for item in aside:
            log.warning("set_aside", **_facts(item))
        self._meters.stored(rows, aside)
        self._stored |= batch.next_offsets
        await self._linker.link(rows, aside)
        crash_point("sink:linked")
        await self._commit(batch.next_offsets)
        crash_point("sink:committed")
        self._pin_when_due()

    def _heads_trouble(self) -> str:
        return "" if self._pins is None else self._pins.trouble

    def _pin_when_due(self) -> None:
        if self._pins is not None and self._pins.due(self._linker.tips):
            self._pins.begin(self._linker.tips)

    async def _commit(self, next_offsets: Mapping[Place, int]) -> None:
        """What fails is tried with the next batch, or read again by whoever owns the partition then."""
        self._uncommitted |= next_offsets
        owned = self._consumer.assignment()
        offsets = {
            partition: offset
            for place, offset in self._uncommitted.items()
            if (partition := TopicPartition(*place)) in owned
        }
        try:
            if offsets:
                await self._consumer.commit(offsets)
        except (KafkaError, IllegalStateError) as error:
            log.warning("sink_commit_failed", partitions=len(offsets), detail=_told(error))
        else:
            self._uncommitted.clear()  # the rest belongs to others now

    async def _catch_up(self) -> None:
        """Nothing is read: a failed commit is tried again, and a batch that failed is heard of."""
        if self._writing is None or self._writing.done():
            await self._settle()
            if self._uncommitted:
                await self._commit({})
            self._pin_when_due()

    async def _watch(self, consumer: Any) -> None:
        """Beside everything else, since each of the two parts may keep the rest waiting."""
        while True:
            await asyncio.sleep(LOOK_SECS)
            await self._look_at_kafka(consumer)
            if self._writing is None or self._writing.done():
                await self._writer.look()

    async def _look_at_kafka(self, consumer: Any) -> None:
        """The consumer itself waits in silence for a broker that is away."""
        with told_by_us() as unreached:
            try:
                async with asyncio.timeout(self._kafka.request_timeout_secs):
                    await consumer.topics()
            except (KafkaError, OSError) as error:
                self._note_broker(away(self._kafka.bootstrap_servers, error, unreached))
            else:
                self._note_broker("")

    def _note_broker(self, trouble: str) -> None:
        if trouble and not self._broker:
            log.warning("sink_kafka_away", detail=trouble)
        elif self._broker and not trouble:
            log.info("sink_kafka_back", servers=self._kafka.bootstrap_servers)
        self._broker = trouble

    async def _measure(self, consumer: Any) -> None:
        now = time.monotonic()
        if now - self._measured_at < IDLE_SECS:
            return
        self._measured_at = now
        behind = dict.fromkeys((topic.name for topic in self._topics), 0)
        with contextlib.suppress(IllegalStateError):  # a rebalance took the partition meanwhile
            for partition in consumer.assignment():
                behind[partition.topic] += await self._behind(consumer, partition)
        self._meters.lag(behind)

    async def _behind(self, consumer: Any, partition: TopicPartition) -> int:
        end: int | None = consumer.highwater(partition)
        if end is None:  # never fetched yet
            return 0
        stored = self._stored.get((partition.topic, partition.partition))
        done: int = await consumer.position(partition) if stored is None else stored
        return max(0, end - done)


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]
    """Before partitions go, what was read of them is stored, so that the next owner need not repeat it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._sink._fresh -= set(revoked)
        if not revoked:
            return
        try:
            async with asyncio.timeout(self._sink._config.rebalance_secs / 2):
                await self._sink.drain()
        except TimeoutError:
            log.warning("sink_rebalances_unstored", detail="the next owner reads it again")
        linker = self._sink._linker
        linker.forget(linker.place(one.topic, one.partition) for one in revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._sink._assigned = "" if assigned else "no partitions: more sinks than partitions, or no topics"
        self._sink._fresh |= set(assigned)
        self._sink._taking_over = "looks where the chains of its partitions end" if assigned else ""
        log.info("sink_assigned", partitions=len(assigned))


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await _cancelled(task)


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None and not task.done():
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _facts(item: SetAside) -> dict[str, Any]:
    """What is known of it; the line has a time of its own."""
    return {name: value for name, value in item._asdict().items() if value != "" and name not in UNTOLD}


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
