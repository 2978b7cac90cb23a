"""What `send` has returned is durable; what it raises says whether to try again."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import aiokafka.errors
import pytest
from structlog.testing import capture_logs

from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from connectors.kafka.producer import Publisher, Receipt, translated
from schemas.catalog import raw_topic
from schemas.errors import BrokerAway, Never, NotAllowed, TooLarge, UnknownTopic
from tests.connectors.gateway.test_durability import records_of
from tests.peers import KafkaPeer, free_port, wait_until_async
from tests.peers.tansu import TansuPeer


@asynccontextmanager
async def publisher(config: KafkaConfig) -> AsyncIterator[Publisher]:
    running = Publisher(config)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


async def make_topic(config: KafkaConfig) -> str:
    topic = replace(raw_topic(f"t{uuid4().hex}"), keyed=True)
    assert (await apply_topics(config, [topic], 4)).is_good
    return topic.name


def quick(kafka: KafkaPeer) -> KafkaConfig:
    return KafkaConfig(bootstrap_servers=kafka.bootstrap, request_timeout_secs=2)


async def test_records_stand_where_the_receipt_says(kafka: KafkaPeer) -> None:
    config = quick(kafka)
    topic = await make_topic(config)
    async with publisher(config) as sender:
        sends = [sender.send(topic, b"%d" % n, b"value %d" % n, [("h", b"x")]) for n in range(50)]
        receipts = await asyncio.gather(*sends)

    found = {Receipt(r.topic, r.partition, r.offset): r for r in await records_of(kafka, topic)}
    assert [found[receipt].value for receipt in receipts] == [b"value %d" % n for n in range(50)]
    assert len({receipt.partition for receipt in receipts}) > 1
    assert found[receipts[0]].headers == (("h", b"x"),)


async def test_the_embedded_broker_takes_records_too(tansu: TansuPeer) -> None:
    config = KafkaConfig(bootstrap_servers=tansu.bootstrap)
    topic = await make_topic(config)
    async with publisher(config) as sender:
        receipts = [await sender.send(topic, b"k", b"x" * 1024 * 1024) for _ in range(3)]

    assert [receipt.offset for receipt in receipts] == [0, 1, 2]


async def test_one_key_keeps_its_order(kafka: KafkaPeer) -> None:
    config = quick(kafka)
    topic = await make_topic(config)
    async with publisher(config) as sender:
        receipts = await asyncio.gather(*(sender.send(topic, b"one", b"%d" % n) for n in range(100)))

    assert len({receipt.partition for receipt in receipts}) == 1
    assert [receipt.offset for receipt in receipts] == list(range(100))


async def test_a_record_too_large_is_never(kafka: KafkaPeer) -> None:
    config = quick(kafka)
    topic = await make_topic(config)
    async with publisher(config) as sender:
        for size in (3, 6):  # over the topic's bound, over the producer's
            with pytest.raises(TooLarge) as error:
                await sender.send(topic, b"k", b"x" * size * 1024 * 1024)
            assert error.value.reason == "too_large"


async def test_a_topic_that_nobody_made_is_never(kafka: KafkaPeer) -> None:
    async with publisher(quick(kafka)) as sender:
        with pytest.raises(UnknownTopic, match="awoooi topics apply") as error:
            await sender.send(f"t{uuid4().hex}", b"k", b"x")
    assert error.value.reason == "unknown_topic"


async def test_nobody_there_is_away_at_once_and_said() -> None:
    address = f"127.0.0.1:{free_port()}"
    async with publisher(KafkaConfig(bootstrap_servers=address, request_timeout_secs=2)) as sender:
        assert sender.trouble == f"Kafka at {address} does not answer (connection refused)"
        started = time.monotonic()
        with pytest.raises(BrokerAway, match=re.escape(sender.trouble)):
            await sender.send("t", b"k", b"x")
    assert time.monotonic() - started < 1


async def test_a_wrong_password_is_told(secure_kafka: KafkaPeer) -> None:
    config = with_login(secure_kafka, password="wrong")
    async with publisher(config) as sender:
        told = "does not answer (it refuses user name or password)"
        assert sender.trouble == f"Kafka at {secure_kafka.bootstrap} {told}"


async def test_an_authority_that_is_not_trusted_is_told(secure_kafka: KafkaPeer) -> None:
    config = with_login(secure_kafka, ca_file=None)
    async with publisher(config) as sender:
        assert "does not answer (its certificate is not trusted: " in sender.trouble


async def test_a_broker_that_goes_and_comes_is_told_once_by_us_alone(
    fresh_kafka: KafkaPeer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.kafka.producer.CALM_SECS", 0.1)
    monkeypatch.setattr("connectors.kafka.producer.UNREST_SECS", 0.1)
    looks: list[str] = []
    tried = Publisher._tried

    async def counted(sender: Publisher) -> str:
        looks.append(await tried(sender))
        return looks[-1]

    monkeypatch.setattr(Publisher, "_tried", counted)
    fresh_kafka.kill()
    with capture_logs() as lines:
        async with publisher(quick(fresh_kafka)) as sender:
            await wait_until_async(lambda: len(looks) > 3)
            fresh_kafka.start()
            await wait_until_async(lambda: not sender.trouble, timeout=20)
            fresh_kafka.kill()
            await wait_until_async(lambda: sender.trouble, timeout=10)
            seen = len(looks)
            await wait_until_async(lambda: len(looks) > seen + 3, timeout=10)

    assert [line["event"] for line in lines] == ["kafka_away", "kafka_back", "kafka_away"]
    assert lines[0]["detail"] == f"Kafka at {fresh_kafka.bootstrap} does not answer (connection refused)"
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_broker_that_says_nothing_is_away_in_bounded_time() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    started = time.monotonic()
    async with publisher(
        KafkaConfig(bootstrap_servers=f"127.0.0.1:{port}", request_timeout_secs=0.5)
    ) as sender:
        assert sender.trouble == f"Kafka at 127.0.0.1:{port} does not answer (no answer in time)"
    assert time.monotonic() - started < 5
    server.close()


async def test_it_finds_its_broker_again(fresh_kafka: KafkaPeer) -> None:
    config = quick(fresh_kafka)
    topic = await make_topic(config)
    async with publisher(config) as sender:
        await sender.send(topic, b"k", b"before")
        fresh_kafka.kill()
        with pytest.raises(BrokerAway):
            await sender.send(topic, b"k", b"lost, and said so")
        await wait_until_async(lambda: sender.trouble, timeout=10)
        started = time.monotonic()
        with pytest.raises(BrokerAway):
            await sender.send(topic, b"k", b"refused at once")
        assert time.monotonic() - started < 0.5
        fresh_kafka.start()

        async def is_sent() -> bool:
            try:
                await sender.send(topic, b"k", b"after")
            except BrokerAway:
                return False
            return True

        await wait_until_async(is_sent, timeout=20)
        await wait_until_async(lambda: not sender.trouble, timeout=20)

    values = [record.value for record in await records_of(fresh_kafka, topic)]
    assert values[0] == b"before"
    assert b"after" in values


async def test_a_producer_that_has_died_is_replaced(kafka: KafkaPeer) -> None:
    config = quick(kafka)
    topic = await make_topic(config)
    async with publisher(config) as sender:
        await sender.send(topic, b"k", b"before")
        _kill_sending_task(sender)
        with pytest.raises(BrokerAway):
            await sender.send(topic, b"k", b"refused")

        async def is_sent() -> bool:
            try:
                return bool(await sender.send(topic, b"k", b"after"))
            except BrokerAway:
                return False

        await wait_until_async(is_sent, timeout=15)


def _kill_sending_task(sender: Publisher) -> None:
    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    assert sender._producer is not None
    sender._producer._message_accumulator.drain_by_nodes = fault


def with_login(kafka: KafkaPeer, **changes: object) -> KafkaConfig:
    login = kafka.login
    assert login is not None
    given = {
        "bootstrap_servers": kafka.bootstrap,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "username": login.user,
        "password": login.password,
        "ca_file": login.ca_file,
    }
    return KafkaConfig.model_validate({**given, **changes})


async def test_it_logs_in_over_tls(secure_kafka: KafkaPeer) -> None:
    config = with_login(secure_kafka)
    topic = await make_topic(config)
    async with publisher(config) as sender:
        assert (await sender.send(topic, b"k", b"x")).offset == 0


async def test_values_never_reach_the_log(kafka: KafkaPeer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    config = quick(kafka)
    topic = await make_topic(config)
    async with publisher(config) as sender:
        await sender.send(topic, b"k", b"ann@example.org")

    assert "ann@example.org" not in caplog.text


def kafka_errors() -> list[type[Exception]]:
    found, todo = [], [aiokafka.errors.KafkaError]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        found.append(kind)
    return [kind for kind in found if kind is not aiokafka.errors.BrokerResponseError]  # a root, never raised


@pytest.mark.parametrize("kind", kafka_errors())
def test_no_error_of_the_client_is_left_unmapped(kind: type[Exception]) -> None:
    assert isinstance(translated(kind("x"), "t"), BrokerAway | Never)


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        (aiokafka.errors.MessageSizeTooLargeError, TooLarge),
        (aiokafka.errors.InvalidTopicError, UnknownTopic),
        (aiokafka.errors.TopicAuthorizationFailedError, NotAllowed),
    ],
)
def test_what_no_retry_helps_has_a_name(kind: type[Exception], ours: type[Never]) -> None:
    error = translated(kind("x"), "t")
    assert isinstance(error, ours)
    assert error.reason == ours.reason != Never.reason
