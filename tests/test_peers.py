"""Each peer is what it claims to be: the tests that rest on them rest on this."""

from __future__ import annotations

import ssl
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from tests.peers import KafkaPeer


async def make_topic(client: dict[str, Any]) -> str:
    topic = f"peers.{uuid4().hex}"
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    return topic


async def send(client: dict[str, Any], topic: str, value: bytes, **producing: Any) -> None:
    async with AIOKafkaProducer(**client, **producing) as producer:
        await producer.send_and_wait(topic, value)


async def first_value(client: dict[str, Any], topic: str) -> bytes | None:
    async with AIOKafkaConsumer(topic, auto_offset_reset="earliest", **client) as consumer:
        record = await consumer.getone()
        return record.value  # type: ignore[no-any-return]


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_kafka_takes_and_gives_back_a_record(kafka: KafkaPeer, compression: str) -> None:
    client = {"bootstrap_servers": kafka.bootstrap}
    topic = await make_topic(client)

    await send(client, topic, b"an alert " * 100, compression_type=compression)

    assert await first_value(client, topic) == b"an alert " * 100


async def test_kafka_takes_records_up_to_eight_mebibytes(kafka: KafkaPeer) -> None:
    client = {"bootstrap_servers": kafka.bootstrap}
    topic = await make_topic(client)
    large = b"x" * (8 * 1024 * 1024 - 1000)

    await send(client, topic, large, max_request_size=9_000_000)

    assert await first_value(client, topic) == large


async def test_kafka_makes_no_topic_that_nobody_declared(kafka: KafkaPeer) -> None:
    with pytest.raises(UnknownTopicOrPartitionError):
        await send(
            {"bootstrap_servers": kafka.bootstrap, "request_timeout_ms": 1000}, f"peers.{uuid4().hex}", b"x"
        )


@pytest.mark.parametrize("end", [KafkaPeer.stop, KafkaPeer.kill], ids=["stopped", "killed"])
async def test_kafka_keeps_its_data_and_its_address(fresh_kafka: KafkaPeer, end: Any) -> None:
    client = {"bootstrap_servers": fresh_kafka.bootstrap}
    topic = await make_topic(client)
    await send(client, topic, b"before")

    end(fresh_kafka)
    fresh_kafka.start()

    assert await first_value(client, topic) == b"before"


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_secure_kafka_lets_in_who_logs_in(secure_kafka: KafkaPeer, mechanism: str) -> None:
    login = secure_kafka.login
    assert login is not None
    client = {
        "bootstrap_servers": secure_kafka.bootstrap,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": mechanism,
        "sasl_plain_username": login.user,
        "sasl_plain_password": login.password,
        "ssl_context": ssl.create_default_context(cafile=login.ca_file),
    }
    topic = await make_topic(client)

    await send(client, topic, b"in secret")

    assert await first_value(client, topic) == b"in secret"
