"""A topic read once, without a group: all of it, or an interval. Nobody else notices."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from awoooi.settings import Settings
from connectors.kafka.unreached import away, told_by_us
from schemas.errors import BrokerAway, Misconfigured

PATIENCE_SECS = 15.0  # without a record, while the end is not reached


@dataclass(frozen=True, slots=True)
class Span:
    """From and to, both included: times in epoch milliseconds, or offsets of one partition."""

    since: int = 0
    until: int | None = None
    """None: the end of the log"""
    partition: int | None = None
    """then these are offsets of it"""

    def at(self, record: Any) -> int:
        return int(record.timestamp if self.partition is None else record.offset)

    def over(self, record: Any) -> bool:
        return self.until is not None and self.at(record) > self.until

    def holds(self, record: Any) -> bool:
        return self.at(record) >= self.since and not self.over(record)


WHOLE = Span()


async def read_log(settings: Settings, topic: str, span: Span = WHOLE) -> AsyncIterator[Any]:
    """Every record of the span, up to the high watermark as fetches tell it: the embedded broker's own answer
    is wrong. Of each partition in its order; times are taken to grow within one.
    """
    options = {**settings.kafka.client_options(), "enable_auto_commit": False}
    consumer = AIOKafkaConsumer(topic, **options, auto_offset_reset="earliest")  # no group: all partitions
    try:
        await started(consumer, settings.kafka.bootstrap_servers)
        unread = await _begin(consumer, topic, span, embedded=settings.embedded)
        deadline = time.monotonic() + PATIENCE_SECS
        while not await _at_end(consumer, sorted(unread)):
            if time.monotonic() > deadline:
                raise BrokerAway(f"Kafka at {settings.kafka.bootstrap_servers} tells no end of {topic}")
            for place, records in (await consumer.getmany(*unread, timeout_ms=200)).items():
                deadline = time.monotonic() + PATIENCE_SECS
                for record in records:
                    if span.over(record):
                        unread.discard(place)
                        consumer.pause(place)
                        break
                    if span.holds(record):
                        yield record
    except UnknownTopicOrPartitionError as error:
        raise Misconfigured(f"the topic {topic} does not exist: `awoooi topics apply` makes it") from error
    except KafkaError as error:
        raise BrokerAway(f"Kafka at {settings.kafka.bootstrap_servers}: {error}") from error
    finally:
        await consumer.stop()


async def started(consumer: AIOKafkaConsumer, servers: str) -> None:
    with told_by_us() as unreached:
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            raise BrokerAway(away(servers, error, unreached)) from error


async def _begin(
    consumer: AIOKafkaConsumer, topic: str, span: Span, *, embedded: bool
) -> set[TopicPartition]:
    """The partitions to read, each where the span begins; by time the embedded broker is read whole."""
    there: set[TopicPartition] = set(consumer.assignment())
    if span.partition is not None:
        chosen = TopicPartition(topic, span.partition)
        if chosen not in there:
            raise Misconfigured(f"--partition {span.partition}: {topic} has {len(there)}, counted from 0")
        consumer.pause(*(there - {chosen}))
        begins = {chosen: 0} if embedded else await consumer.beginning_offsets([chosen])
        consumer.seek(chosen, max(span.since, begins[chosen]))
        return {chosen}
    if span.since and not embedded:
        found = await consumer.offsets_for_times(dict.fromkeys(there, span.since))
        ends = await consumer.end_offsets(list(there))
        for place in there:
            consumer.seek(place, found[place].offset if found.get(place) else ends[place])
    return there


async def _at_end(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> bool:
    for partition in partitions:
        end = consumer.highwater(partition)
        if end is None or await consumer.position(partition) < end:
            return False
    return True
