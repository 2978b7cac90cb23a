"""A log of its own for a test, the sink over it, and what a query then sees."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from prometheus_client import CollectorRegistry

from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from schemas.catalog import Topic, partition_of, recorded_topics, topic_of
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.headers import event_headers, trace_of
from sinks.clickhouse.client import Client
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.writer import Writer, WriterConfig
from sinks.config import SinkConfig
from sinks.consumer import Sink
from sinks.pinning import Pins
from tests.peers import Process, wait_until_async

PARTITIONS = 2
QUICK = WriterConfig(first_wait_secs=0.05, longest_wait_secs=0.2)


class Impatient(SinkConfig):
    """A killed member is missed at once, so that its successor begins."""

    def consumer_options(self, kafka: KafkaConfig) -> dict[str, Any]:
        times = {"session_timeout_ms": 3000, "heartbeat_interval_ms": 500}
        return {**super().consumer_options(kafka), **times}


@dataclass
class Log:
    """The catalogue's recorded topics under a prefix, so that tests on one broker do not meet."""

    bootstrap: str
    prefix: str = field(default_factory=lambda: f"sink-{uuid4().hex[:8]}.")
    codec: Codec = field(default_factory=Codec)
    _producer: Any = None

    @classmethod
    @asynccontextmanager
    async def made(cls, bootstrap: str) -> AsyncIterator[Log]:
        log = cls(bootstrap)
        await apply_topics(log.kafka, log.topics, PARTITIONS)
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
        log._producer = producer
        await producer.start()
        try:
            yield log
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await producer.stop()

    @property
    def kafka(self) -> KafkaConfig:
        return KafkaConfig(bootstrap_servers=self.bootstrap)

    @property
    def topics(self) -> list[Topic]:
        return [replace(topic, name=self.prefix + topic.name) for topic in recorded_topics()]

    @property
    def group(self) -> str:
        return f"{self.prefix}sink"

    async def send(self, *events: Event) -> None:
        await self.send_all(events)

    async def send_all(self, events: Iterable[Event]) -> None:
        """Durable when this returns."""
        await asyncio.gather(*[await self._hand_over(event) for event in events])

    async def _hand_over(self, event: Event) -> Awaitable[Any]:
        topic, key = topic_of(type(event)), event.event_id.encode()
        handed_over: Awaitable[Any] = await self._producer.send(
            self.prefix + topic.name,
            self.codec.encode(event),
            key=key,
            partition=partition_of(key, PARTITIONS) if topic.keyed else 0,
            headers=event_headers(event, "application/avro", trace_of((), event.event_id), b"1"),
        )
        return handed_over

    async def send_bytes(self, topic: str, value: bytes | None, partition: int = 0) -> int:
        """Its offset."""
        sent = await self._producer.send_and_wait(self.prefix + topic, value, key=b"k", partition=partition)
        offset: int = sent.offset
        return offset

    async def lag(self) -> int:
        """Records that the group has not committed."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=self.group)
        await consumer.start()
        try:
            everything = [
                TopicPartition(topic.name, number)
                for topic in self.topics
                for number in range(PARTITIONS if topic.keyed else 1)
            ]
            ends = await consumer.end_offsets(everything)
            return sum([end - (await consumer.committed(place) or 0) for place, end in ends.items()])
        finally:
            await consumer.stop()

    async def caught_up(self, timeout: float = 30) -> None:  # noqa: ASYNC109 (called like `wait_until`)
        async def no_lag() -> bool:
            return await self.lag() == 0

        await wait_until_async(no_lag, timeout, what="no lag", every=0.2)

    def sink(
        self, clickhouse: ClickHouseConfig, registry: CollectorRegistry | None = None, **more: Any
    ) -> Sink:
        config = Impatient(group=self.group, log_epoch=more.pop("epoch", ""), **more.pop("config", {}))
        return Sink(
            more.pop("kafka", self.kafka),
            config,
            Writer(clickhouse, QUICK),
            more.pop("codec", Codec()),
            registry or CollectorRegistry(),
            topics=self.topics,
            **more,
        )


@asynccontextmanager
async def running(sink: Sink) -> AsyncIterator[asyncio.Task[None]]:
    """Until the block ends; a sink that failed by itself fails the test."""
    task = asyncio.create_task(sink.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def ready(sink: Sink, timeout: float = 20) -> None:  # noqa: ASYNC109 (called like `wait_until`)
    await wait_until_async(lambda: not any(troubles(sink).values()), timeout, what="ready")


def troubles(sink: Sink) -> dict[str, str]:
    return {part: check() for part, check in sink.checks().items()}


async def stored(client: Client) -> dict[str, int]:
    """Events that a query sees, by type, and that no id is there twice."""
    rows = await client.ask(
        "SELECT type, count() AS events, uniqExact(project_id, event_id) AS ids"
        " FROM events FINAL GROUP BY type"
    )
    assert all(row["events"] == row["ids"] for row in rows), rows
    return {row["type"]: row["events"] for row in rows}


async def total(client: Client) -> int:
    return sum((await stored(client)).values())


async def reaches(client: Client, wanted: int, timeout: float = 30) -> None:  # noqa: ASYNC109
    async def enough() -> bool:
        return await total(client) >= wanted

    await wait_until_async(enough, timeout, what=f"{wanted} events stored")


def sink_process(log: Log, clickhouse: ClickHouseConfig, folder: Path, **env: str) -> Process:
    """The same in a process of its own, to be killed; not started yet."""
    given: Mapping[str, str] = {
        "SINK_BOOTSTRAP": log.bootstrap,
        "SINK_PREFIX": log.prefix,
        "SINK_CLICKHOUSE": clickhouse.url,
        "SINK_DATABASE": clickhouse.database,
        "SINK_USER": clickhouse.user,
        "SINK_PASSWORD": clickhouse.password.get_secret_value(),
        **env,
    }
    return Process([sys.executable, "-m", "tests.sinks.harness"], folder / "sink.log", env=given)


async def _main() -> None:
    """`sink_process`, seen from inside."""
    import signal

    env = os.environ
    clickhouse = ClickHouseConfig.model_validate(
        {
            "url": env["SINK_CLICKHOUSE"],
            "database": env["SINK_DATABASE"],
            "user": env["SINK_USER"],
            "password": env["SINK_PASSWORD"],
        }
    )
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    batch = {"max_rows": int(env.get("SINK_MAX_ROWS", "500")), "max_age_secs": 0.2}
    log = Log(env["SINK_BOOTSTRAP"], env["SINK_PREFIX"])
    pins = _pins(Path(env["SINK_HEADS"])) if "SINK_HEADS" in env else None
    with contextlib.suppress(asyncio.CancelledError):
        await log.sink(clickhouse, config={"batch": batch}, pins=pins).run()


def _pins(heads: Path) -> Pins:
    """Pinned after every batch."""
    from tests.sinks.clickhouse.audited import pins_in

    return pins_in(heads, CollectorRegistry(), every_secs=0.001)


if __name__ == "__main__":
    asyncio.run(_main())
