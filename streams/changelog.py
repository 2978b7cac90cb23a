"""The topics behind the rows: what marks their owner, and a look back into one."""

from __future__ import annotations

import asyncio
from typing import Any

import aiokafka
from aiokafka.errors import KafkaError

from connectors.kafka.config import KafkaConfig
from schemas.errors import BrokerAway

CLAIM = b"\x00claim"
"""the key of a claim; its value is what the rows of its owner name"""
OWNER_HEADER = "o"
READ_SECS = 15.0


async def read_range(kafka: KafkaConfig, topic: str, partition: int, start: int, end: int) -> list[Any]:
    """The records from `start` up to, not including, `end`. Raises BrokerAway."""
    place = aiokafka.TopicPartition(topic, partition)
    consumer = aiokafka.AIOKafkaConsumer(**kafka.client_options(), enable_auto_commit=False)
    found: list[Any] = []
    try:
        async with asyncio.timeout(READ_SECS):
            await consumer.start()
            consumer.assign([place])
            consumer.seek(place, start)
            while await consumer.position(place) < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found.extend(record for record in records if record.offset < end)
    except (KafkaError, TimeoutError) as error:
        raise BrokerAway(f"{topic}/{partition}: cannot read what was written: {error!r}") from error
    finally:
        await consumer.stop()
    return found
