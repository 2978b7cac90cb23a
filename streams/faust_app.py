"""One worker kind as one Faust app: its topics, tables and agents around the runner.

The order in every stage: outputs sent and awaited, rows written and awaited, acknowledged.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import faust
import structlog
from aiokafka.structs import TopicPartition
from prometheus_client import Gauge

from connectors.kafka.config import KafkaConfig
from schemas.catalog import ticks_topic
from schemas.codec import Codec
from schemas.errors import BrokerAway, NotNow, UnknownSchema
from schemas.sabotage import crash_point, guard_off
from streams.changelog import read_range
from streams.faust_table import RowTable
from streams.faust_transport import SCHEME, BatchSchema, Flow, LeanMonitor, register
from streams.limiter import RejectLimiter
from streams.placed import Placed
from streams.runner import EVENTS, RECORDS, SECONDS, Turn
from streams.sender import Sender
from streams.slow import SlowWork
from streams.stage import Record

log = structlog.get_logger(__name__)
LAG = Gauge("awoooi_stage_lag", "Records that a stage has not taken in yet", ["stage", "topic"])
MAX_BACKOFF_SECS = 30.0
MIB = 1024 * 1024
MOST_SKEW_MS = 60 * 60 * 1000

Learn = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class EngineConfig:
    kafka: KafkaConfig
    group: str
    worker: str
    partitions: int
    state_dir: Path
    epoch: str = ""
    embedded: bool = False
    tick_secs: float = 1.0
    batch_records: int = 4000
    """of a topic whose repeats need not be decoded; others come in quarters"""
    slow_in_flight: int = 32
    instance_id: str = ""
    """static group membership: a quick restart moves no partitions"""
    compression: str = ""


class Revoked(Exception):
    """The partition went while its batch was in hand: nothing was written, the next owner repeats it."""


class Engine:
    """Builds the app and drives each stage's turns. `app.start()` and `app.stop()` are Faust's own."""

    def __init__(self, config: EngineConfig, stages: Sequence[Placed], codec: Codec, learn: Learn) -> None:
        register()
        self._config, self._codec, self._learn = config, codec, learn
        self.stages = stages
        self._ticks = ticks_topic(config.worker).name
        self.app = self._new_app()
        self.sender = Sender(lambda: self.app.producer._producer)
        self.limiter = RejectLimiter()
        self._tables: dict[str, RowTable] = {}
        self._slow = SlowWork(config.slow_in_flight)
        self.app.cancel_slow_work = self._slow.cancel
        for placed in stages:
            self._add(placed)
        if any(placed.keyed for placed in stages):
            self.app.timer(config.tick_secs, on_leader=False)(self._tick)

    def _new_app(self) -> Any:
        config, kafka = self._config, self._config.kafka
        datadir = config.state_dir / config.group
        datadir.mkdir(parents=True, exist_ok=True)
        app = faust.App(
            config.group,
            broker=[f"{SCHEME}://{server}" for server in kafka.servers],
            broker_credentials=_credentials(kafka),
            store="memory://",
            datadir=datadir,
            topic_partitions=config.partitions,
            topic_replication_factor=1,
            topic_disable_leader=True,
            topic_allow_declare=False,
            table_standby_replicas=0,
            stream_wait_empty=False,
            stream_buffer_maxsize=100_000,  # batches; the transport's bound is far below
            broker_commit_interval=1.0,
            broker_max_poll_records=self._most_in_a_poll(),
            broker_max_poll_interval=600.0,
            broker_request_timeout=60.0,
            consumer_max_fetch_size=4 * MIB,
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=config.instance_id or None,
            producer_linger=0.002,
            producer_max_batch_size=MIB,
            producer_max_request_size=8 * MIB,
            producer_compression_type=config.compression or None,
            producer_request_timeout=30.0,
            web_enabled=False,
            monitor=LeanMonitor(),
            **(EMBEDDED_TIMEOUTS if config.embedded else TIMEOUTS),
        )
        app.flow = Flow(
            batch=config.batch_records // 4,
            batches={
                topic: config.batch_records
                for placed in self.stages
                if placed.glances
                for topic in placed.topics
            },
            topics=frozenset({self._ticks, *(topic for placed in self.stages for topic in placed.topics)}),
            slow={
                topic: max(1, config.slow_in_flight // config.partitions)
                for placed in self.stages
                if placed.slow
                for topic in placed.topics
            },
        )
        return app

    def _most_in_a_poll(self) -> int:
        """Whoever only calls slowly must not be handed thousands of calls at once."""
        config = self._config
        return config.slow_in_flight if all(p.slow for p in self.stages) else 2 * config.batch_records

    def _add(self, placed: Placed) -> None:
        app, topics = self.app, placed.topics
        if placed.keyed:
            topics = (*topics, self._ticks)
            self._tables[placed.name] = self._add_table(placed)
        topic = app.topic(*topics, partitions=self._config.partitions, schema=BatchSchema())

        async def work(stream: Any) -> None:
            async for event in stream.noack().events():
                if placed.slow:
                    self._slow.start(event.message.value[0].key, self._take(placed, event))
                else:
                    await self._take(placed, event)

        app.agent(topic, name=f"{placed.name}:{topics[0]}")(work)

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

    async def _take(self, placed: Placed, event: Any) -> None:
        """Nothing gets out of here but cancellation: Faust would acknowledge what was not done."""
        consumer, message = self.app.consumer, event.message
        if not self._is_ours(message):
            return
        try:
            with SECONDS.labels(placed.name).time():
                await self._until_done(placed, message)
            event.ack()
            crash_point(f"{placed.name}:acknowledged")
        except Revoked:
            log.info("batch_left_to_next_owner", stage=placed.name, topic=message.topic)
        except Exception as error:  # a bug of ours: stop loudly, nothing is acknowledged
            log.exception("stage_broken", stage=placed.name, topic=message.topic, offset=message.offset)
            await self.app.crash(error)
        finally:
            consumer.made_room()

    async def _until_done(self, placed: Placed, message: Any) -> None:
        """The same batch again, with back-off, for as long as it is not now."""
        wait = 0.2
        while True:
            try:
                await self._try_once(placed, message)
                return
            except NotNow as error:
                log.warning("waiting", stage=placed.name, topic=message.topic, why=str(error), secs=wait)
                await asyncio.sleep(wait * random.uniform(0.8, 1.2))
                wait = min(wait * 2, MAX_BACKOFF_SECS)

    async def _try_once(self, placed: Placed, message: Any) -> None:
        while True:
            try:
                turn = await self._turn(placed, message)
                break
            except UnknownSchema as unknown:
                await self._ask_registry(unknown)
        await self._write(placed, message, turn)

    async def _ask_registry(self, unknown: UnknownSchema) -> None:
        """What the registry does not know either becomes a dead letter at the next try."""
        assert isinstance(unknown.schema, int)
        await self._learn(unknown.schema)

    async def _turn(self, placed: Placed, message: Any) -> Turn:
        now = time.time_ns() // 1_000_000
        records = [self._record(raw, now) for raw in message.value]
        rows = self._tables[placed.name].rows(message.partition) if placed.keyed else None
        RECORDS.labels(placed.name).inc(len(records))
        return await placed.runner.turn(records, rows)

    def _record(self, raw: Any, now: int) -> Record:
        return Record(
            raw.topic,
            raw.partition,
            raw.offset,
            raw.key,
            raw.value,
            raw.headers,
            believable(raw.timestamp, now),
            self._codec,
        )

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
        if placed.keyed:
            await self._tables[placed.name].update_many(message.partition, turn.rows)

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
            await asyncio.gather(*(self.sender.append(self._ticks, p, [(None, b"{}", [])]) for p in owned))
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

    def changelogs(self) -> list[str]:
        """Changelog topics, to be made before the start: compacted, as many partitions as the input."""
        return [table.changelog_topic_name for table in self._tables.values()]


# A killed worker is missed after its session; Faust's own minute is long at three in the morning.
TIMEOUTS = {"broker_session_timeout": 15.0, "broker_heartbeat_interval": 3.0}

# The embedded broker waits half the rebalance time-out before a group forms.
EMBEDDED_TIMEOUTS = {
    "broker_rebalance_timeout": 4.0,
    "broker_session_timeout": 6.0,
    "broker_heartbeat_interval": 1.5,
}


def believable(millis: int, now: int) -> int:
    """A record's time, or ours where a producer's clock is absurd: expiry and windows hang on it."""
    return millis if 0 < millis <= now + MOST_SKEW_MS else now


def _credentials(kafka: KafkaConfig) -> Any:
    """The same log-in as every other client's, in Faust's words."""
    options = kafka.client_options()
    if kafka.uses_sasl:
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            ssl_context=options["ssl_context"],
            mechanism=options["sasl_mechanism"],
        )
    return faust.SSLCredentials(options["ssl_context"]) if kafka.uses_tls else None
