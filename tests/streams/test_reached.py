"""After an absence time waits for the input: nothing expires whose repeats are still to be read."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from connectors.kafka.config import KafkaConfig
from streams.reached import Reached
from streams.stage import Events, Now, Record, unpack
from tests.peers.kafka import KafkaPeer
from tests.peers.waiting import wait_until_async
from tests.streams.engines import Counting, Obedient, Tally, engine_of, make_topics, placed
from tests.streams.timeline import Timeline

GUARDS = [pytest.param(True, id="guarded"), pytest.param(False, id="guard-off")]


def test_a_tick_counts_up_to_the_last_record_of_every_input_that_waits() -> None:
    waiting = {("a", 0), ("b", 0)}
    reached = Reached(lambda place: place in waiting)
    reached.note(("a", 0), 500)
    reached.note(("b", 0), 300)
    reached.note(("c", 0), 1)

    assert reached.until(1000, [("a", 0), ("b", 0), ("c", 0)]) == 300
    assert reached.until(1000, [("c", 0)]) == 1000
    assert reached.until(1000, [("d", 0)]) == 1000
    waiting.add(("d", 0))
    assert reached.until(1000, [("d", 0)]) == 0, "of what was never read nothing is known"


@pytest.mark.parametrize("guarded", GUARDS)
async def test_an_incident_whose_repeats_wait_outlives_an_absence_of_a_day(
    guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.reached.guard_off", lambda name: name == "backlog" and not guarded)
    story = await Timeline(batch=2).fire().run()
    for hour in range(1, 40):
        story.pass_seconds(3600).fire(started=hour * 3600)
    await story.tick()

    assert ("expired" not in story.story()) is guarded
    assert story.story().count("opened") == (1 if guarded else 2)
    await story.tick()
    await story.pass_seconds(25 * 3600).tick()
    assert story.story()[-1] == "expired", "and time goes on when all is read"


async def test_time_waits_for_what_the_first_stages_have_not_read_either() -> None:
    """Repeats of an absence wait in the raw topics: dedup's own input has none of them yet."""
    story = await Timeline(batch=2).fire().run()
    story.log.stages = [placed(Obedient(("alerts.raw.grafana",))), *story.log.stages]
    for _ in range(10):
        story.log.append("alerts.raw.grafana", b"")
    await story.pass_seconds(30 * 3600).tick()
    assert "expired" not in story.story()
    await story.tick()
    assert "expired" in story.story()


@dataclass
class Expiring(Counting):
    """A key ends ten seconds after its last record's time."""

    name: str = "expiring"
    ended: list[int] = field(default_factory=list)
    """how many records each had when it ended"""

    async def handle(self, record: Record, state: Tally, now: Now) -> Events:
        await asyncio.sleep(0.003)  # so that a tick comes between two batches
        state.seen["at"] = record.timestamp
        return await super().handle(record, state, now)

    def due(self, row: bytes) -> int | None:
        seen: dict[str, Any] = unpack(row)[0]
        return int(seen["at"]) + 10_000

    async def wake(self, state: Tally, now: Now) -> Events:
        if state.seen["at"] + 10_000 <= now.millis:
            self.ended.append(state.count)
            state.seen["at"], state.changed = 1 << 50, True
        return ()


@pytest.mark.kafka
@pytest.mark.timeout(90)
@pytest.mark.parametrize("guarded", GUARDS)
async def test_a_worker_that_comes_back_reads_before_it_lets_time_pass(
    guarded: bool, kafka: KafkaPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.reached.guard_off", lambda name: name == "backlog" and not guarded)
    broker, name = KafkaConfig(bootstrap_servers=kafka.bootstrap), f"back-{guarded}".lower()
    await make_topics(broker, f"{name}.in")
    first, last = Expiring((f"{name}.in",)), Expiring((f"{name}.in",))
    count, began = 600, int(time.time() * 1000) - 75_000
    await put_at(broker, f"{name}.in", [began])
    async with engine_of(broker, name, placed(first)):
        await wait_until_async(lambda: len(first.ended) == 1, 20, what="it ends when nothing waits")
    await put_at(broker, f"{name}.in", [began + number * 100 for number in range(1, count + 1)])
    async with engine_of(broker, name, placed(last), batch_records=100):
        await wait_until_async(lambda: bool(last.ended), 30)
    assert (last.ended == [count + 1]) is guarded


async def put_at(kafka: KafkaConfig, topic: str, times: list[int]) -> None:
    producer = AIOKafkaProducer(**kafka.client_options())
    await producer.start()
    try:
        sent = [await producer.send(topic, b"", key=b"k", partition=0, timestamp_ms=at) for at in times]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()
