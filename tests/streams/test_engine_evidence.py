"""The evidence stage on a real broker: keyed and slow, its row written before and after the work."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from schemas.catalog import key_of, topic
from schemas.envelope import Event
from schemas.evidence import Source
from schemas.run import RunStarted
from streams.stages.evidence import Evidence
from tests.peers.kafka import KafkaPeer
from tests.peers.waiting import wait_until_async
from tests.streams.engines import PARTITIONS, committed, engine_of, placed, put, read_until
from tests.streams.stages.evidence_support import CODEC, Told, finding, stage_of, started

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(150)]
OUTPUTS = ("rca.evidence", "tools", "stage.failed")


@pytest.fixture
async def broker(kafka: KafkaPeer) -> KafkaConfig:
    config = KafkaConfig(bootstrap_servers=kafka.bootstrap)
    report = await apply_topics(config, [topic(name) for name in ("runs", *OUTPUTS)], PARTITIONS)
    assert not report.refused
    return config


def runs(prefix: str, count: int) -> list[RunStarted]:
    """One run of each of so many incidents; the deadline is far away on any clock."""
    return [started(incident=f"{prefix}-{number}", deadline_secs=10**7) for number in range(count)]


async def write(kafka: KafkaConfig, events: list[RunStarted]) -> None:
    await put(kafka, "runs", [(key_of(event), CODEC.encode(event)) for event in events])


async def collected(kafka: KafkaConfig, events: list[RunStarted], enough: int) -> list[Any]:
    """What stands on rca.evidence for these runs, copies among it."""
    ours = {event.run_id for event in events}

    def some(found: Any) -> list[Any]:
        return [event for event in found if event.run_id in ours]

    return some(await read_until(kafka, "rca.evidence", lambda found: len(some(found)) >= enough, 60))


async def calls(kafka: KafkaConfig, events: list[RunStarted], tool: str, enough: int) -> list[Event]:
    ours = {event.run_id for event in events}

    def some(found: Any) -> list[Event]:
        return [event for event in found if event.run_id in ours and event.payload.tool == tool]

    return some(await read_until(kafka, "tools", lambda found: len(some(found)) >= enough, 60))


def rows(engine: Any) -> int:
    store = engine._tables["evidence"].data
    return sum(len(part) for part in store.partitions.values())


async def test_runs_are_gathered_side_by_side_and_each_once(broker: KafkaConfig) -> None:
    source = Told(Source.KUBERNETES, [finding()], waits=asyncio.Event(), timeout_secs=60)
    events = runs("side", 40)
    async with engine_of(
        broker, "evidence-side", placed(stage_of(source), slow=True), slow_in_flight=64
    ) as engine:
        await write(broker, events)
        await wait_until_async(lambda: len(asked(source, events)) == 40, 30, what="all of them at once")
        assert source.waits is not None
        source.waits.set()
        found = await collected(broker, events, 40)
        await wait_until_async(lambda: rows(engine) >= 40, 20)
        await wait_until_async(lambda: all_done(broker, "evidence-side"), 20)
    assert Counter(event.run_id for event in found) == Counter(event.run_id for event in events)
    assert len(await calls(broker, events, source.tool, 40)) == 40


async def all_done(kafka: KafkaConfig, group: str) -> bool:
    done = await committed(kafka, group, "runs")
    return len(done) == PARTITIONS


async def test_a_run_cut_short_is_gathered_again_by_the_next_owner_and_both_calls_are_on_record(
    broker: KafkaConfig,
) -> None:
    events = runs("again", 4)
    hanging = Told(Source.KUBERNETES, waits=asyncio.Event(), timeout_secs=60)
    async with engine_of(broker, "evidence-again", placed(stage_of(hanging), slow=True)):
        await write(broker, events)
        await wait_until_async(lambda: len(asked(hanging, events)) == 4, 30)

    stage = stage_of(Told(Source.KUBERNETES, [finding()]))
    tries = Tries(stage)
    async with engine_of(broker, "evidence-again", placed(tries, slow=True)):
        found = await collected(broker, events, 4)
    assert {event.run_id for event in found} == {event.run_id for event in events}
    assert {tries.seen[event.run_id] for event in events} == {2}, "the row said that it had begun before"


def asked(source: Told, events: list[RunStarted]) -> set[str]:
    return {about.run_id for about in source.asked} & {event.run_id for event in events}


class Tries(Evidence):
    """Notes at which try a run was gathered."""

    def __init__(self, stage: Evidence) -> None:
        super().__init__(stage._needs)
        self.seen: dict[str, int] = {}

    async def _collect(self, started: RunStarted, tries: int, now: Any) -> Any:
        self.seen[started.run_id] = tries
        return await super()._collect(started, tries, now)


async def test_two_runs_of_an_incident_come_one_after_the_other(broker: KafkaConfig) -> None:
    source = Told(Source.KUBERNETES, [finding()], waits=asyncio.Event(), timeout_secs=60)
    events = [started(number, incident="INC-two", deadline_secs=10**7) for number in (1, 2)]
    other = runs("beside", 1)
    async with engine_of(broker, "evidence-two", placed(stage_of(source), slow=True)):
        await write(broker, [*events, *other])
        await wait_until_async(lambda: asked(source, other) and asked(source, events), 30)
        assert len(asked(source, events)) == 1
        assert source.waits is not None
        source.waits.set()
        found = await collected(broker, events, 2)
    assert [event.payload.number for event in found] == [1, 2]
