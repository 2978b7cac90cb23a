"""Reference data goes to the broker one by one: whoever asks for its end must get the right one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from schemas.catalog import topic
from streams.runner import Outgoing
from streams.sender import Sender
from tests.peers.tansu import TansuPeer


@asynccontextmanager
async def clients(bootstrap: str) -> AsyncIterator[tuple[Any, Any]]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await producer.start()
    await consumer.start()
    try:
        yield producer, consumer
    finally:
        await consumer.stop()
        await producer.stop()


async def test_several_at_once_leave_the_end_where_it_is(tansu: TansuPeer) -> None:
    await apply_topics(KafkaConfig(bootstrap_servers=tansu.bootstrap), (topic("silences"),), 1)
    async with clients(tansu.bootstrap) as (producer, consumer):
        outputs = [Outgoing("silences", b"k%d" % number, b"{}", []) for number in range(3)]
        await Sender(lambda: producer).send(outputs)
        place = TopicPartition("silences", 0)
        assert await consumer.end_offsets([place]) == {place: 3}
