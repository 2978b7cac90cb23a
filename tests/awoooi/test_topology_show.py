"""`awoooi topology show` from the log: the compacted topic as a broker has it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.codec import Codec
from schemas.evidence import Health, NodeKind
from schemas.topology import ServiceObserved, TopologyObserved, observed
from tests.awoooi.test_cli import FAILED, awoooi
from tests.peers import KafkaPeer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(told: ServiceObserved) -> TopologyObserved:
    return TopologyObserved(
        event_id=f"e-{told.subject}",
        project_id="default",
        occurred_at=NOON,
        recorded_at=NOON,
        stage="test",
        payload=told,
    )


async def publish(bootstrap: str, *told: ServiceObserved) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("topology", num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for one in told:
            await producer.send_and_wait("topology", Codec().encode(event(one)), key=one.subject.encode())
        await producer.send_and_wait("topology", b"rubbish", key=b"rubbish")


async def test_what_the_log_holds_is_drawn(fresh_kafka: KafkaPeer, tmp_path: Path) -> None:
    web = observed("file", "web", depends_on=["db"])
    db = observed("kubernetes", "db", kind=NodeKind.DATABASE, health=Health.UNHEALTHY)
    await publish(fresh_kafka.bootstrap, web, db)
    env = {"AWOOOI_KAFKA_BOOTSTRAP_SERVERS": fresh_kafka.bootstrap}
    done = awoooi(tmp_path, "topology", "show", "web-5d9c7f6b8-x2x9k", **env)
    assert "└── db  (database, unhealthy)  ◀ suspect 1" in done.stdout, done.stderr
    assert "1 of 3 values" in done.stderr
    unknown = awoooi(tmp_path, "topology", "show", "nobody", **env)
    assert (unknown.returncode, unknown.stdout) == (FAILED, "")
