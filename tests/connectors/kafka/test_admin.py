"""Topics: what is missing is made, what differs is told, nothing is changed or deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from connectors.kafka.admin import Report, apply_topics
from connectors.kafka.config import KafkaConfig
from schemas.catalog import TOPICS, Topic, raw_topic, reference_topic
from schemas.errors import BrokerAway
from tests.peers import KafkaPeer, free_port
from tests.peers.tansu import TansuPeer


def own(topic: Topic) -> Topic:
    return replace(topic, name=f"{topic.name}.{uuid4().hex}")


async def apply(kafka: KafkaPeer, *topics: Topic, partitions: int = 4) -> Report:
    return await apply_topics(KafkaConfig(bootstrap_servers=kafka.bootstrap), topics, partitions)


async def test_the_whole_catalogue_is_made_once(kafka: KafkaPeer) -> None:
    topics = [own(topic) for topic in TOPICS]

    first, second = await apply(kafka, *topics), await apply(kafka, *topics)

    assert first == Report(tuple(topic.name for topic in topics), (), (), {})
    assert second == Report((), tuple(topic.name for topic in topics), (), {})


@pytest.mark.parametrize(
    ("made", "wanted", "partitions", "told"),
    [
        pytest.param({"keyed": True}, {"keyed": True}, 8, ["partitions is 4, wanted 8"], id="partitions"),
        pytest.param(
            {}, {"retention": timedelta(days=1)}, 4, ["retention.ms is 259200000, wanted 86400000"], id="kept"
        ),
        pytest.param({}, {"max_bytes": 77}, 4, ["max.message.bytes is 2097152, wanted 77"], id="size"),
        pytest.param(
            {"compacted": True},
            {},
            4,
            ["cleanup.policy is compact, wanted delete", "retention.ms is"],
            id="policy",
        ),
    ],
)
async def test_what_differs_is_told_and_left_alone(
    kafka: KafkaPeer, made: dict[str, object], wanted: dict[str, object], partitions: int, told: list[str]
) -> None:
    topic = own(raw_topic("x"))
    await apply(kafka, replace(topic, **made))

    first = await apply(kafka, replace(topic, **wanted), partitions=partitions)
    second = await apply(kafka, replace(topic, **wanted), partitions=partitions)

    assert first == second
    assert not first.is_good
    assert len(first.differences) == len(told)
    for difference, words in zip(first.differences, told, strict=True):
        assert words in str(difference)


async def test_the_embedded_broker_is_served_too(tansu: TansuPeer) -> None:
    config = KafkaConfig(bootstrap_servers=tansu.bootstrap)

    first, second = await apply_topics(config, TOPICS, 4), await apply_topics(config, TOPICS, 4)

    assert (len(first.created), first.is_good) == (len(TOPICS), True)
    assert (len(second.present), second.is_good) == (len(TOPICS), True)


async def test_reference_topics_have_one_partition(kafka: KafkaPeer) -> None:
    topic = own(reference_topic("x", "test"))
    await apply(kafka, topic, partitions=4)

    assert (await apply(kafka, topic, partitions=8)).is_good


async def test_who_comes_by_webhook_has_one_partition_and_may_be_given_more(kafka: KafkaPeer) -> None:
    """Nothing hangs on where a record without a key stands."""
    topic = own(raw_topic("x"))

    assert (await apply(kafka, topic, partitions=8)).is_good
    assert (await apply(kafka, replace(topic, name=f"{topic.name}-wide", keyed=True), partitions=4)).is_good
    assert (await apply(kafka, replace(topic, name=f"{topic.name}-wide"), partitions=8)).is_good


async def test_a_topic_that_the_broker_refuses_does_not_stop_the_others(kafka: KafkaPeer) -> None:
    bad, good = raw_topic("a+b"), own(raw_topic("x"))

    report = await apply(kafka, bad, good)

    assert report.created == (good.name,)
    assert "alerts.raw.a+b" in report.refused
    assert not report.is_good


async def test_nobody_there_is_away_and_says_where(caplog: pytest.LogCaptureFixture) -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(BrokerAway) as error:
        await apply_topics(KafkaConfig(bootstrap_servers=address, request_timeout_secs=30), TOPICS, 4)
    assert str(error.value) == f"Kafka at {address} does not answer (connection refused)"
    told = [record.getMessage() for record in caplog.records]
    assert not [line for line in told if address in line]  # whoever asked tells it
