"""What the sink pins heads with: its key, the file, the topic `audit.heads`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from awoooi.events import encoded
from awoooi.running import until_there
from awoooi.settings import Settings
from connectors.kafka.config import KafkaConfig
from connectors.kafka.producer import Publisher
from connectors.kafka.unreached import away, told_by_us
from schemas.audit import AuditCheckpoint, AuditHead
from schemas.catalog import key_of, topic_of
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import BrokerAway, Never
from sinks.clickhouse.retention import RetentionConfig
from sinks.clickhouse.signing import Pin, load_keys, load_signer
from sinks.pinning import HEADS_TOPIC, PinConfig, Pins

READ_SECS = 0.5


@asynccontextmanager
async def pins_of(settings: Settings, codec: Codec, registry: CollectorRegistry) -> AsyncIterator[Pins]:
    """With what the topic holds, so that each sink knows what others have pinned."""
    audit, publisher = settings.audit, Publisher(settings.kafka)

    async def announce(event: Event) -> None:
        await publisher.send(topic_of(type(event)).name, key_of(event), *encoded(codec, event))

    config = PinConfig(
        heads_file=audit.heads_file,
        every_secs=audit.pin_secs,
        most_mb=audit.heads_mb,
        kept_days=kept_days(settings.retention),
    )
    signer = load_signer(audit.key_file)
    older = load_keys(audit.public_key_file) if audit.public_key_file.exists() else {}
    pins = Pins(config, signer, {**older, **signer.keys}, registry, announce)
    await publisher.start()
    try:
        if not settings.embedded:  # an embedded log remembers nothing
            pins.learn(await until_there("kafka", partial(pinned_on_topic, settings.kafka, codec)))
        yield pins
    finally:
        await publisher.stop()


def kept_days(retention: RetentionConfig) -> int:
    """When the first of what is linked may go; 0: never."""
    lifetimes = map(retention.of, ("events", "set_aside"))
    return min(filter(None, lifetimes), default=0)


async def pinned_on_topic(kafka: KafkaConfig, codec: Codec) -> list[Pin]:
    """All that `audit.heads` holds. Raises BrokerAway."""
    consumer = AIOKafkaConsumer(**kafka.client_options(), enable_auto_commit=False)
    with told_by_us() as unreached:
        try:
            await consumer.start()
            return [pin async for pin in _read_through(consumer, codec)]
        except (KafkaError, OSError) as error:
            raise BrokerAway(away(kafka.bootstrap_servers, error, unreached)) from error
        finally:
            await consumer.stop()


async def _read_through(consumer: AIOKafkaConsumer, codec: Codec) -> AsyncIterator[Pin]:
    partition = TopicPartition(HEADS_TOPIC, 0)
    consumer.assign([partition])
    end = (await consumer.end_offsets([partition]))[partition]
    await consumer.seek_to_beginning(partition)
    while await consumer.position(partition) < end:
        fetched = await consumer.getmany(partition, timeout_ms=int(READ_SECS * 1000))
        for record in fetched.get(partition, ()):
            pin = _pin_in(codec, record.value)
            if pin is not None:
                yield pin


def _pin_in(codec: Codec, value: bytes | None) -> Pin | None:
    """Nothing where it is none: anybody with the right to write may have put it there."""
    try:
        event = codec.decode(value)
    except Never:
        return None
    return event.payload if isinstance(event, AuditHead | AuditCheckpoint) else None
