"""One worker kind as one Faust app: its topics, tables and agents around the runner.

The order in every stage: outputs sent and awaited, rows written and awaited, acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import structlog
from aiokafka.structs import TopicPartition
from faust.types import TP
from prometheus_client import Gauge

from schemas.codec import Codec
from schemas.errors import BrokerAway, NotNow, UnknownSchema
from schemas.sabotage import crash_point, guard_off
from streams.changelog import read_range
from streams.faust_batches import together
from streams.faust_config import EngineConfig, app_of
from streams.faust_table import RowTable
from streams.faust_transport import BatchSchema, register
from streams.in_order import InOrder
from streams.limiter import RejectLimiter
from streams.placed import Placed
from streams.reached import Place, Reached
from streams.runner import EVENTS, RECORDS, SECONDS, Outgoing, Turn
from streams.sender import Item, Sender
from streams.slow import SlowWork
from streams.stage import Record

log = structlog.get_logger(__name__)
LAG = Gauge("awoooi_stage_lag", "Records that a stage has not taken in yet", ["stage", "topic"])
MAX_BACKOFF_SECS = 30.0
MOST_SKEW_MS = 60 * 60 * 1000
TICK: tuple[Item, ...] = ((None, b"{}", []),)

Learn = Callable[[int], Awaitable[None]]
T = TypeVar("T")


class Revoked(Exception):
    """The partition went while its batch was in hand: nothing was written, the next owner repeats it."""


class Engine:
    """Builds the app and drives each stage's turns. `app.start()` and `app.stop()` are Faust's own."""

    def __init__(self, config: EngineConfig, stages: Sequence[Placed], codec: Codec, learn: Learn) -> None:
        register()
        self._config, self._codec, self._learn = config, codec, learn
        self.stages = stages
        self._ticks = config.ticks
        self.app = app_of(config, stages)
        self.sender = Sender(lambda: self.app.producer._producer)
        self.limiter = RejectLimiter()
        self._tables: dict[str, RowTable] = {}
        self._slow = SlowWork(config.slow_in_flight)
        self._in_order = InOrder(
            self._take_together,
            kind=lambda event: event.message.topic,
            size=lambda event: len(event.message.value),
            most=config.batch_records // 4,
        )
        self._reached = Reached(lambda place: bool(self.app.consumer.is_behind(TP(*place))))
        self._sources = {topic for placed in stages if not placed.keyed for topic in placed.topics}
        self.app.cancel_slow_work = self._slow.cancel
        for number, placed in enumerate(stages):
            self._add(number, placed)
        if any(placed.keyed for placed in stages):
            self.app.timer(config.tick_secs, on_leader=False)(self._tick)

    def _add(self, number: int, placed: Placed) -> None:
        app, topics = self.app, placed.topics
        if placed.keyed:
            topics = (*topics, self._ticks)
            self._tables[placed.name] = self._add_table(placed)
        topic = app.topic(*topics, partitions=self._config.partitions, schema=BatchSchema())

        async def read(stream: Any) -> None:
            async for event in stream.noack().events():
                message = event.message
                if not placed.slow:  # partitions beside each other: each turn waits for the broker twice
                    self._in_order.put((number, message.partition), event)
                elif message.topic == self._ticks:
                    await self._take(placed, [event])  # no slow work begins meanwhile
                else:
                    key = (placed.name, message.value[0].key)
                    self._slow.start(key, self._take(placed, [event]))

        app.agent(topic, name=f"{placed.name}:{topics[0]}")(read)

    def _add_table(self, placed: Placed) -> RowTable:
        stage: Any = placed.runner.stage
        table = RowTable(
            self.app,
            name=placed.name,
            partitions=self._config.partitions,
            schema=BatchSchema(),
            key_type=bytes,
            value_type=bytes,
            row_due=stage.due,
            changelog=(self.sender.append_rows, partial(read_range, self._config.kafka)),
            recovery_buffer_size=8,
        )
        self.app.tables.add(table)
        return table

    # -- one micro-batch

    async def _take_together(self, place: tuple[int, int], events: list[Any]) -> None:
        await self._take(self.stages[place[0]], events)

    async def _take(self, placed: Placed, events: list[Any]) -> None:
        """Nothing gets out of here but cancellation: Faust would acknowledge what was not done."""
        consumer = self.app.consumer
        ours = [event for event in events if self._is_ours(event.message)]
        if not ours:
            return
        message = together([event.message for event in ours])
        try:
            with SECONDS.labels(placed.name).time():
                await self._until_done(placed, message)
            for event in ours:
                event.ack()
            self._reached.note((message.topic, message.partition), message.value[-1].timestamp)
            crash_point(f"{placed.name}:acknowledged")
        except Revoked:
            log.info("batch_left_to_next_owner", stage=placed.name, topic=message.topic)
        except Exception as error:  # a bug of ours: stop loudly, nothing is acknowledged
            log.exception("stage_broken", stage=placed.name, topic=message.topic, offset=message.offset)
            await self.app.crash(error)
        finally:
            consumer.made_room()

    async def _until_done(self, placed: Placed, message: Any) -> None:
        """What is done need not be done again because the next thing waits: a slow call costs money."""
        if placed.slow and placed.keyed and message.topic != self._ticks:
            await self._patiently(placed, message, lambda: self._begin(placed, message))
        turn = await self._patiently(placed, message, lambda: self._turn(placed, message))
        await self._patiently(placed, message, lambda: self._write(placed, message, turn))

    async def _patiently(self, placed: Placed, message: Any, work: Callable[[], Awaitable[T]]) -> T:
        """The same again, with back-off, for as long as it is not now."""
        wait = 0.2
        while True:
            try:
                return await work()
            except UnknownSchema as unknown:
                await self._ask_registry(unknown)
            except NotNow as error:
                log.warning("waiting", stage=placed.name, topic=message.topic, why=str(error), secs=wait)
                await asyncio.sleep(wait * random.uniform(0.8, 1.2))
                wait = min(wait * 2, MAX_BACKOFF_SECS)

    async def _ask_registry(self, unknown: UnknownSchema) -> None:
        """What the registry does not know either becomes a dead letter at the next try."""
        assert isinstance(unknown.schema, int)
        await self._learn(unknown.schema)

    async def _begin(self, placed: Placed, message: Any) -> None:
        """A row of its own before slow work, so that a repeat is known as one."""
        now = time.time_ns() // 1_000_000
        (record,) = self._records(placed, message.value, now)
        rows = placed.runner.begin(record, self._tables[placed.name].rows(message.partition))
        if rows:
            await self._write(placed, message, Turn(rows=rows))
            crash_point(f"{placed.name}:begun")

    async def _turn(self, placed: Placed, message: Any) -> Turn:
        now = time.time_ns() // 1_000_000
        records = self._records(placed, message.value, now)
        RECORDS.labels(placed.name).inc(len(records))
        if not placed.keyed:
            return await placed.runner.turn(records)
        rows = self._tables[placed.name].rows(message.partition)
        if not placed.slow:
            return await placed.runner.turn(records, rows)
        tell = partial(self._tell, placed, message)
        return await placed.runner.turn(records, rows, self._slow.keys(placed.name), tell)

    async def _tell(self, placed: Placed, message: Any, outputs: list[Outgoing]) -> None:
        """Before the turn is over; its rows and the acknowledgement come then."""
        await self._patiently(placed, message, lambda: self._write(placed, message, Turn(outputs=outputs)))

    def _records(self, placed: Placed, raws: list[Record], now: int) -> list[Record]:
        """A batch, which is of one topic, with times that can be believed."""
        if raws[0].topic == self._ticks:
            return [self._tick_of(placed, raw, now) for raw in raws]
        codec, latest = self._codec, now + MOST_SKEW_MS
        for raw in raws:
            raw.codec = codec
            if not 0 < raw.timestamp <= latest:
                raw.timestamp = now
        return raws

    def _tick_of(self, placed: Placed, raw: Record, now: int) -> Record:
        """A later try may reach further."""
        until = self._reached.until(believable(raw.timestamp, now), self._inputs(placed, raw.partition))
        return replace(raw, timestamp=until)

    def _inputs(self, placed: Placed, partition: int) -> Iterable[Place]:
        """What this partition of a stage lives on: its topics, and what the worker's first stages read."""
        yield from ((topic, partition) for topic in placed.topics)
        yield from (tp for tp in self.app.consumer.assignment() if tp.topic in self._sources)

    async def _write(self, placed: Placed, message: Any, turn: Turn) -> None:
        """A revocation waits for what is being written; work that has not come so far is dropped."""
        if not self._is_ours(message):
            raise Revoked
        consumer = self.app.consumer
        if not consumer.is_member:
            raise NotNow("the group has not answered for a session's time: others may have our partitions")
        writing = asyncio.ensure_future(self._write_in_order(placed, message, turn))
        consumer.busy += 1
        writing.add_done_callback(lambda _: consumer.done_with_one())
        await asyncio.shield(writing)

    def _is_ours(self, message: Any) -> bool:
        app = self.app
        return not app.consumer.revoking and message.generation_id == app.consumer_generation_id

    async def _write_in_order(self, placed: Placed, message: Any, turn: Turn) -> None:
        name = placed.name
        if not turn.outputs:  # work begins, time passed, something was only noted
            await self._write_rows(placed, message, turn)
            self.limiter.note((message.topic, message.partition), turn)
            return
        if guard_off("order"):
            await self._write_rows(placed, message, turn)
            crash_point(f"{name}:state_written")
            await self.sender.send(turn.outputs)
            return
        await self.sender.send(turn.outputs)
        crash_point(f"{name}:produced")
        await self._write_rows(placed, message, turn)
        crash_point(f"{name}:state_written")
        for topic, count in Counter(out.topic for out in turn.outputs).items():
            EVENTS.labels(name, topic).inc(count)
        self._tell_rejects(placed, message, turn)
        self._slow_down(placed, message, turn)

    async def _write_rows(self, placed: Placed, message: Any, turn: Turn) -> None:
        if not placed.keyed:
            return
        table, partition = self._tables[placed.name], message.partition
        await table.update_many(partition, turn.rows)
        hurries = not placed.slow and message.topic != self._ticks
        if hurries and table.rows(partition).waits_for_a_tick:  # not kept waiting for the next second's
            with contextlib.suppress(BrokerAway):
                await self.sender.append(self._ticks, partition, TICK)

    def _tell_rejects(self, placed: Placed, message: Any, turn: Turn) -> None:
        if turn.rejected:
            log.warning(
                "rejected",
                stage=placed.name,
                topic=message.topic,
                partition=message.partition,
                records=turn.rejected,
                first_offset=turn.first_reject,
                reasons=sorted(turn.reasons),
            )

    def _slow_down(self, placed: Placed, message: Any, turn: Turn) -> None:
        """A run of rejects means a broken deployment: that partition waits, the others go on."""
        secs = self.limiter.note((message.topic, message.partition), turn)
        if secs:
            log.warning(
                "source_slowed",
                stage=placed.name,
                topic=message.topic,
                partition=message.partition,
                secs=round(secs, 1),
                why="nearly everything it sends is rejected; look at alerts.rejected",
            )
            self.app.consumer.hold(message.tp, secs)

    # -- beside the batches

    async def _tick(self) -> None:
        """Time goes through the stream, in order with the events, to the partitions that are ours."""
        app = self.app
        if app.rebalancing or app.in_recovery:
            return
        owned = [tp.partition for tp in app.consumer.assignment() if tp.topic == self._ticks]
        try:
            await asyncio.gather(*(self.sender.append(self._ticks, p, TICK) for p in owned))
        except BrokerAway as error:
            log.warning("tick_not_sent", why=str(error))
        self._measure_lag()

    def _measure_lag(self) -> None:
        consumer, lags = self.app.consumer, dict[tuple[str, str], int]()
        stages = {topic: placed.name for placed in self.stages for topic in placed.topics}
        for tp in consumer.assignment():
            stage = stages.get(tp.topic)
            if stage is not None:
                end = consumer.highwater(TopicPartition(*tp)) or 0
                done = consumer._committed_offset.get(tp) or 0
                key = (stage, tp.topic)
                lags[key] = lags.get(key, 0) + max(0, end - done)
        for (stage, topic), lag in lags.items():
            LAG.labels(stage, topic).set(lag)

    @property
    def ready(self) -> bool:
        """Assigned, recovered, and not in a rebalance."""
        app = self.app
        return bool(app.tables.recovery.completed.is_set() and not app.rebalancing and not app.in_recovery)

    async def stop(self) -> None:
        """What is in hand is left to the next owner; what is being written is written."""
        self._slow.cancel()
        self._in_order.cancel()
        await self.app.stop()

    def changelogs(self) -> list[str]:
        """Changelog topics, to be made before the start: compacted, as many partitions as the input."""
        return [table.changelog_topic_name for table in self._tables.values()]


def believable(millis: int, now: int) -> int:
    """A record's time, or ours where a producer's clock is absurd: expiry and windows hang on it."""
    return millis if 0 < millis <= now + MOST_SKEW_MS else now
