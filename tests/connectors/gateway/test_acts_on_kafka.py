"""A 202 is a promise for people's acts too: each lies on a real Kafka at the place that was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.gateway.act_kinds import ACTS
from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from connectors.kafka.producer import Publisher
from schemas.catalog import partition_of, topic
from tests.connectors.gateway.desk import OPEN, office
from tests.peers import KafkaPeer

PARTITIONS = 12
TOPICS = ("incidents", "alerts.normalized")


@dataclass
class OwnTopics:
    """The broker is shared: the topics bear names of this test."""

    publisher: Publisher
    mark: str

    async def publish(
        self, name: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> tuple[str, int, int]:
        return await self.publisher.send(f"{name}-{self.mark}", key, value, headers)


async def test_each_act_lies_where_it_is_told(kafka: KafkaPeer, tmp_path: Path) -> None:
    config, mark = KafkaConfig(bootstrap_servers=kafka.bootstrap), uuid4().hex
    wanted = [replace(topic(name), name=f"{name}-{mark}") for name in TOPICS]
    assert (await apply_topics(config, wanted, PARTITIONS)).is_good
    log = OwnTopics(Publisher(config), mark)
    await log.publisher.start()
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, fetch_max_wait_ms=50)
    await consumer.start()
    try:
        async with office(tmp_path, log) as gate:
            for act in ACTS.values():
                reply = await gate.ask(act.name, act.example)
                told = reply.json()
                assert reply.status == 202, told
                place = TopicPartition(told["topic"], told["partition"])
                consumer.assign([place])
                consumer.seek(place, told["offset"])
                record = await consumer.getone()
                event = gate.desk.codec.decode(record.value)
                assert (event.event_id, event.type) == (told["event_id"], act.event.type_name())
                assert (event.actor, event.incident_id) == ("bob", OPEN.incident_id)
                assert dict(record.headers)["ce_id"].decode() == event.event_id
                assert told["partition"] == partition_of(record.key, PARTITIONS), (
                    "where its stage keeps its row"
                )
    finally:
        await consumer.stop()
        await log.publisher.stop()
