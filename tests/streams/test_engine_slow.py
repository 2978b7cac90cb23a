"""Slow stages on a real broker: bounded, one at a time per key, and nobody else waits for them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from connectors.kafka.config import KafkaConfig
from schemas.envelope import Event
from schemas.errors import Never
from streams.runner import stage_failed
from streams.stage import Events, Now, Record
from tests.peers.waiting import wait_until_async
from tests.streams.engines import (
    Obedient,
    committed,
    engine_of,
    make_topics,
    placed,
    put,
    read_until,
)

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


class Told(Never):
    reason = "told"


@dataclass
class Calls:
    """A stage whose work waits until it is let go; what it says stands on stage.failed."""

    reads: tuple[str, ...]
    name: str = "calls"
    open: asyncio.Event = field(default_factory=asyncio.Event)
    begun: Counter[tuple[int, int]] = field(default_factory=Counter)
    ended: list[tuple[int, int]] = field(default_factory=list)
    running: Counter[bytes] = field(default_factory=Counter)
    most: int = 0
    most_of_a_key: int = 0

    async def handle(self, record: Record, now: Now) -> Events:
        key = record.key or b""
        self.begun[record.partition, record.offset] += 1
        self.running[key] += 1
        self.most = max(self.most, self.running.total())
        self.most_of_a_key = max(self.most_of_a_key, self.running[key])
        try:
            if (record.value or b"").startswith(b"long"):
                await self.open.wait()
        finally:
            self.running[key] -= 1
        self.ended.append((record.partition, record.offset))
        return [stage_failed(self.name, record, Told("done"), now, "")]

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, "")


async def test_bounded_and_one_at_a_time_for_a_key(broker: KafkaConfig) -> None:
    await make_topics(broker, "bound.in")
    stage = Calls(("bound.in",))
    async with engine_of(broker, "bound", placed(stage, slow=True), slow_in_flight=8) as engine:
        await put(broker, "bound.in", [(b"k%d" % (number % 30), b"long") for number in range(300)])
        await wait_until_async(lambda: stage.running.total() >= 4)
        assert engine.app.consumer.in_flight() <= 8 + 4 * 8, "what is beyond the bound is not fetched"
        assert stage.most <= 8
        stage.open.set()
        await wait_until_async(lambda: len(stage.ended) == 300, 30)
        assert stage.most_of_a_key == 1
        await wait_until_async(lambda: all_committed(broker, "bound", "bound.in", 300), 20)


async def all_committed(kafka: KafkaConfig, group: str, topic: str, count: int) -> bool:
    return sum((await committed(kafka, group, topic)).values()) == count


async def test_commits_stop_before_the_first_that_is_not_done(broker: KafkaConfig) -> None:
    await make_topics(broker, "first.in")
    stage = Calls(("first.in",))
    async with engine_of(broker, "first", placed(stage, slow=True)):
        items = [(b"%d" % number, b"long" if number == 3 else b"short") for number in range(6)]
        await put(broker, "first.in", items, partition=0)
        await wait_until_async(lambda: len(stage.ended) == 5)

        async def three() -> bool:
            return await committed(broker, "first", "first.in") == {("first.in", 0): 3}

        await wait_until_async(three, 20)
    # left behind: the next owner repeats from there, and its events have the same ids
    again = Calls(("first.in",))
    again.open.set()
    async with engine_of(broker, "first", placed(again, slow=True)):
        await wait_until_async(lambda: len(again.ended) == 3, 20)
    events = await read_until(
        broker, "stage.failed", lambda found: len([e for e in found if e.payload.topic == "first.in"]) == 8
    )
    ids = Counter(event.event_id for event in events if event.payload.topic == "first.in")
    assert len(ids) == 6


async def test_work_for_partitions_that_go_is_dropped_and_repeated_by_the_next_owner(
    broker: KafkaConfig,
) -> None:
    await make_topics(broker, "going.in")
    one, two = Calls(("going.in",)), Calls(("going.in",))
    async with engine_of(broker, "going", placed(one, slow=True)):
        for partition in range(4):
            await put(broker, "going.in", [(b"%d" % partition, b"long")], partition=partition)
        await wait_until_async(lambda: one.running.total() == 4)
        async with engine_of(broker, "going", placed(two, slow=True)):
            await wait_until_async(lambda: len(two.begun) == 2, 20, what="it got half of them")
            await wait_until_async(lambda: one.running.total() == 2, 20, what="the other half again")
            one.open.set()
            two.open.set()
            await wait_until_async(lambda: len(one.ended) + len(two.ended) == 4, 20)
            await wait_until_async(lambda: all_committed(broker, "going", "going.in", 4), 20)
    assert {*one.ended, *two.ended} == {(partition, 0) for partition in range(4)}


async def test_two_hundred_slow_calls_do_not_hold_up_a_fast_stage(broker: KafkaConfig) -> None:
    await make_topics(broker, "calls.in", "fast.in")
    slow, fast = Calls(("calls.in",)), Obedient(("fast.in",), name="fast")
    stages = (placed(slow, slow=True), placed(fast))
    async with engine_of(broker, "calls", *stages, slow_in_flight=200):
        await put(broker, "calls.in", [(b"%d" % number, b"long") for number in range(800)])
        await wait_until_async(lambda: slow.running.total() == 200, 20)
        waits = []
        for number in range(10):
            started = time.monotonic()
            await put(broker, "fast.in", [(b"k", b"%d" % number)])
            await wait_until_async(lambda: len(fast.taken) > number, every=0.005)  # noqa: B023
            waits.append(time.monotonic() - started)
        assert sorted(waits)[5] < 0.5, waits
        slow.open.set()
        await wait_until_async(lambda: len(slow.ended) == 800, 30)
    assert slow.most == 200
