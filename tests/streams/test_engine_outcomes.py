"""The three outcomes on a real broker: done, not now, never; and a bug."""

from __future__ import annotations

import asyncio

import pytest

from connectors.kafka.config import KafkaConfig
from tests.peers.waiting import wait_until_async
from tests.streams.engines import (
    Counting,
    Obedient,
    committed,
    counts,
    engine_of,
    make_topics,
    placed,
    put,
    read_until,
)

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


async def test_not_now_is_tried_again_and_nothing_is_committed_meanwhile(broker: KafkaConfig) -> None:
    await make_topics(broker, "later.in", "later.other")
    stage, other = Obedient(("later.in",)), Obedient(("later.other",), name="other")
    async with engine_of(broker, "later", placed(stage), placed(other)):
        await put(broker, "later.in", [(b"k", b"later")], partition=0)
        await wait_until_async(lambda: stage.values().count(b"later") >= 3, what="tried again")
        await put(broker, "later.other", [(b"k", b"done")] * 3, partition=0)
        await wait_until_async(lambda: len(other.taken) == 3, what="the other stage goes on")
        assert await committed(broker, "later", "later.in") == {}
        stage.broken = False
        await put(broker, "later.in", [(b"k", b"after")], partition=0)
        await wait_until_async(lambda: b"after" in stage.values(), 20)

        async def caught_up() -> bool:
            return await committed(broker, "later", "later.in") == {("later.in", 0): 2}

        await wait_until_async(caught_up, 20)


async def test_never_is_a_dead_letter_and_the_partition_goes_on(broker: KafkaConfig) -> None:
    await make_topics(broker, "never.in")
    stage = Obedient(("never.in",))
    async with engine_of(broker, "never", placed(stage)):
        await put(broker, "never.in", [(b"k", b"never \xff\x00"), (None, b"fine")], partition=1)
        await wait_until_async(lambda: b"fine" in stage.values())
    letters = await read_until(broker, "stage.failed", lambda found: any(_of(found, "never.in")))
    [letter] = _of(letters, "never.in")
    assert letter.payload.original == b"never \xff\x00"
    assert (letter.payload.partition, letter.payload.offset) == (1, 0)
    assert letter.payload.reason == "bad_payload"


async def test_a_bug_stops_the_worker_with_its_reason_and_commits_nothing(broker: KafkaConfig) -> None:
    await make_topics(broker, "bug.in")
    stage = Obedient(("bug.in",))
    async with engine_of(broker, "bug", placed(stage)) as engine:
        await put(broker, "bug.in", [(b"k", b"fine"), (b"k", b"bug")], partition=2)
        await asyncio.wait_for(engine.app.wait_until_stopped(), 20)
        assert isinstance(engine.app.crash_reason, ZeroDivisionError)
    assert await committed(broker, "bug", "bug.in") == {}


async def test_rows_come_back_with_the_next_engine(broker: KafkaConfig) -> None:
    await make_topics(broker, "rows.in")
    items = [(b"k%d" % (number % 50), b"") for number in range(1000)]
    async with engine_of(broker, "rows", placed(Counting(("rows.in",)))) as engine:
        await put(broker, "rows.in", items)
        await wait_until_async(lambda: sum(counts(engine).values()) == 1000, 20)
    async with engine_of(broker, "rows", placed(Counting(("rows.in",)))) as engine:
        assert counts(engine) == {b"k%d" % number: 20 for number in range(50)}


def _of(events: list[object], topic: str) -> list[object]:
    return [event for event in events if event.payload.topic == topic]
