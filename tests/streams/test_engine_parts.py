"""What a slow stage tells before its call is in the log when the call begins, on a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.kafka.config import KafkaConfig
from schemas.envelope import Event
from schemas.errors import Never
from streams.runner import stage_failed
from streams.stage import Events, Now, Record
from tests.peers.waiting import wait_until_async
from tests.streams.engines import Counting, Tally, counts, engine_of, make_topics, placed, put, read_until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(60)]
TOPIC = "parts.in"


class Said(Never):
    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.reason = what


@dataclass
class Parts(Counting):
    """Says that it begins, waits to be let go, says that it is done."""

    reads: tuple[str, ...] = (TOPIC,)
    name: str = "parts"
    open: asyncio.Event = field(default_factory=asyncio.Event)
    told: int = 0

    async def in_parts(self, record: Record, state: Tally, now: Now) -> AsyncGenerator[Events]:
        yield [self._say("begins", record, now)]
        self.told += 1
        await self.open.wait()
        yield [self._say("done", record, now)]
        state.count += 1
        self.note(record, state)

    def _say(self, what: str, record: Record, now: Now) -> Event:
        return stage_failed(f"{self.name} {what}", record, Said(what), now, "")


async def test_a_part_is_durable_before_the_next_begins(broker: KafkaConfig) -> None:
    await make_topics(broker, TOPIC)
    stage = Parts()
    async with engine_of(broker, "parts", placed(stage, slow=True)) as engine:
        await put(broker, TOPIC, [(b"k%d" % number, b"x") for number in range(20)])
        begun = await read_until(broker, "stage.failed", lambda found: len(of(found)) == 20)
        assert {event.payload.reason for event in of(begun)} == {"begins"}
        assert counts(engine, "parts") == {}, "no row is written before the work is done"
        stage.open.set()
        await wait_until_async(lambda: sum(counts(engine, "parts").values()) == 20)
    told = of(await read_until(broker, "stage.failed", lambda found: len(of(found)) == 40))
    reasons = [event.payload.reason for event in told]
    assert (reasons.count("begins"), reasons.count("done")) == (20, 20)


async def test_a_part_that_is_told_again_after_a_crash_has_the_same_id(broker: KafkaConfig) -> None:
    """The next owner finds no row, begins anew, and says so under the same id."""
    topic = "again.in"
    await make_topics(broker, topic)
    first, second = Parts(reads=(topic,)), Parts(reads=(topic,))
    async with engine_of(broker, "again", placed(first, slow=True)):
        await put(broker, topic, [(b"k", b"x")])
        await wait_until_async(lambda: first.told == 1)
    second.open.set()
    async with engine_of(broker, "again", placed(second, slow=True)) as engine:
        await wait_until_async(lambda: counts(engine, "parts") == {b"k": 1})
    told = of(await read_until(broker, "stage.failed", lambda found: len(of(found, topic)) == 3), topic)
    assert sorted(event.payload.reason for event in told) == ["begins", "begins", "done"]
    assert len({event.event_id for event in told}) == 2


def of(events: Sequence[Any], topic: str = TOPIC) -> list[Any]:
    return [event for event in events if event.payload.topic == topic]
