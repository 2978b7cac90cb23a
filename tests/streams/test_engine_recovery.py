"""What a restart brings back: rows whole, deadlines that fell due meanwhile; on both brokers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from awoooi.worker import Worker
from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from schemas.codec import Codec
from streams.pipeline import PipelineConfig
from streams.registry import learn
from streams.stages.dedup import DedupConfig
from tests.faults.ingest import config
from tests.faults.load import PARTITIONS, RAW, Load, topics
from tests.peers.kafka import KafkaPeer
from tests.peers.tansu import TansuPeer
from tests.peers.waiting import wait_until_async
from tests.streams.engines import Counting, counts, engine_of, make_topics, placed, put, read_until

pytestmark = [pytest.mark.timeout(120)]


@asynccontextmanager
async def ingesting(kafka: KafkaConfig, state: Path, silence_secs: float) -> AsyncIterator[Worker]:
    codec, stop = Codec(), asyncio.Event()
    dedup = DedupConfig(silence_expiry_secs=silence_secs, watchdog_absence_secs=silence_secs)
    pipeline = PipelineConfig(dedup=dedup)
    settings = replace(config(kafka.bootstrap_servers, state), pipeline=pipeline)
    worker = Worker(settings, codec, partial(learn, codec, None))
    running = asyncio.ensure_future(worker.run(stop))
    try:
        await wait_until_async(lambda: not worker.unready() or running.done(), 60, what="ingest ready")
        yield worker
    finally:
        stop.set()
        await running


@pytest.mark.kafka
async def test_what_fell_due_while_no_worker_ran_happens_at_the_restart(
    fresh_kafka: KafkaPeer, tmp_path: Path
) -> None:
    kafka = KafkaConfig(bootstrap_servers=fresh_kafka.bootstrap)
    await apply_topics(kafka, topics(), PARTITIONS)
    load = Load(200, 100)
    records = [(key, value) for key, value in load.records()]
    async with ingesting(kafka, tmp_path, silence_secs=20):
        await put(kafka, RAW, [(b"watchdog", heartbeat()), *records])
        events = await read_until(kafka, "incidents", lambda found: hits(found) == 200)
    assert not expired(events)
    last_seen = max(event.payload.last_seen_at for event in events if hasattr(event.payload, "hit_count"))

    def overdue() -> bool:
        return (last_seen.now(last_seen.tzinfo) - last_seen).total_seconds() > 20

    await wait_until_async(overdue, 30, what="all of them silent for too long, and nobody there")
    async with ingesting(kafka, tmp_path, silence_secs=20):
        events = await read_until(kafka, "incidents", all_is_told, timeout=20)
        [absent] = missed(events)
        await put(kafka, RAW, [(b"watchdog", heartbeat())])
        events = await read_until(kafka, "incidents", lambda found: absent in resolved(found), timeout=20)
    assert len(expired(events)) == 100
    assert missed(events) == {absent}


def heartbeat() -> bytes:
    alert = {"status": "firing", "labels": {"alertname": "Watchdog"}, "startsAt": "2026-11-21T09:00:00Z"}
    return orjson.dumps({"version": "4", "status": "firing", "receiver": "r", "alerts": [alert]})


def missed(events: Sequence[Any]) -> set[str]:
    """The incidents of heartbeats that stayed away."""
    opened = [event for event in events if event.type == "incident.opened"]
    return {event.incident_id for event in opened if event.payload.alert_type == "HeartbeatAbsent"}


def all_is_told(events: Sequence[Any]) -> bool:
    return len(expired(events)) == 100 and bool(missed(events))


def resolved(events: Sequence[Any]) -> set[str]:
    return {event.incident_id for event in events if event.type == "incident.resolved"}


def hits(events: Sequence[Any]) -> int:
    """What is counted in all, by the latest event of each incident."""
    latest: dict[str, int] = {}
    for event in events:
        if event.type != "incident.moved":
            latest[event.incident_id] = max(latest.get(event.incident_id, 0), event.payload.hit_count)
    return sum(latest.values())


def expired(events: Sequence[Any]) -> set[str]:
    return {event.incident_id for event in events if event.type == "incident.expired"}


async def test_the_embedded_broker_gives_the_last_rows_back_too(tansu: TansuPeer) -> None:
    """Its ListOffsets is too low: stock recovery drops the tail of the last batch."""
    await rows_come_back(KafkaConfig(bootstrap_servers=tansu.bootstrap))


@pytest.mark.kafka
async def test_kafka_gives_the_last_rows_back(kafka: KafkaPeer) -> None:
    await rows_come_back(KafkaConfig(bootstrap_servers=kafka.bootstrap))


async def rows_come_back(kafka: KafkaConfig) -> None:
    await make_topics(kafka, "back.in")
    keys = [b"k%d" % number for number in range(3000)]
    async with engine_of(kafka, "back", placed(Counting(("back.in",)))) as engine:
        await put(kafka, "back.in", [(key, b"") for key in keys])
        await wait_until_async(lambda: counts(engine) == dict.fromkeys(keys, 1), 30)
    async with engine_of(kafka, "back", placed(Counting(("back.in",)))) as engine:
        assert counts(engine) == dict.fromkeys(keys, 1)
