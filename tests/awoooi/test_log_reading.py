"""A topic read once, whole or in part, on both brokers."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from awoooi.loading import load
from awoooi.log_reading import WHOLE, Span, read_log
from awoooi.settings import Settings
from connectors.kafka.config import KafkaConfig
from schemas.errors import Misconfigured
from tests.peers.kafka import KafkaPeer
from tests.peers.tansu import TansuPeer
from tests.streams.engines import make_topics

FIRST, SECOND = [b"a", b"b", b"c"], [b"d", b"e"]


async def check(bootstrap: str, folder: Path, *, embedded: bool) -> None:
    kafka, topic = KafkaConfig(bootstrap_servers=bootstrap), f"read-{uuid.uuid4().hex[:8]}"
    await make_topics(kafka, topic, partitions=2)
    producer = AIOKafkaProducer(**kafka.client_options())
    await producer.start()
    for partition, values in enumerate((FIRST, SECOND)):
        for at, value in enumerate(values):
            await producer.send_and_wait(topic, value, partition=partition, timestamp_ms=1000 + at)
    await producer.stop()
    settings = load({"AWOOOI_STATE_DIR": str(folder), "AWOOOI_KAFKA_BOOTSTRAP_SERVERS": bootstrap}).settings
    settings = settings.model_copy(update={"embedded": embedded})
    assert await values_of(settings, topic, WHOLE) == {*FIRST, *SECOND}
    assert await values_of(settings, topic, Span(1001)) == {b"b", b"c", b"e"}
    assert await values_of(settings, topic, Span(1001, 1001)) == {b"b", b"e"}
    assert await values_of(settings, topic, Span(9000)) == set()
    assert await values_of(settings, topic, Span(1, 1, 0)) == {b"b"}
    assert await values_of(settings, topic, Span(1, None, 0)) == {b"b", b"c"}
    assert await values_of(settings, topic, Span(7, None, 1)) == set()
    with pytest.raises(Misconfigured, match=r"--partition 2: read-\w+ has 2, counted from 0"):
        await values_of(settings, topic, Span(0, None, 2))


async def values_of(settings: Settings, topic: str, span: Span) -> set[bytes]:
    return {record.value async for record in read_log(settings, topic, span)}


@pytest.mark.kafka
async def test_on_kafka(kafka: KafkaPeer, tmp_path: Path) -> None:
    await check(kafka.bootstrap, tmp_path, embedded=False)


async def test_on_the_embedded_broker(tansu: TansuPeer, tmp_path: Path) -> None:
    await check(tansu.bootstrap, tmp_path, embedded=True)
