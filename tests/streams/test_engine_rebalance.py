"""A poll that is under way while partitions change hands: nothing is passed over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from connectors.kafka.config import KafkaConfig
from tests.peers.kafka import KafkaPeer
from tests.peers.waiting import wait_until_async
from tests.streams.engines import Counting, committed, counts, engine_of, make_topics, placed, put

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


class LatePoll:
    """A poll that was sent out before a rebalance and brings its records during the seek after it."""

    def __init__(self, consumer: Any, topic: str) -> None:
        self._topic, self._poll, self._seek = topic, consumer._getmany, consumer.seek_to_committed
        self.sent, self.seeking, self.back = asyncio.Event(), asyncio.Event(), asyncio.Event()
        consumer._getmany, consumer.seek_to_committed = self.poll, self.seek

    async def poll(self, active_partitions: set[Any], **how: Any) -> Any:
        asked_for_it = any(tp.topic == self._topic for tp in active_partitions)
        if self.sent.is_set() or not asked_for_it:
            return await self._poll(active_partitions=active_partitions, **how)
        self.sent.set()
        await passed(self.seeking, secs=3.0)
        records = await self._poll(active_partitions=active_partitions, **how)
        asyncio.get_running_loop().call_later(0.1, self.back.set)
        return records

    async def seek(self) -> Any:
        offsets = await self._seek()
        self.seeking.set()
        await passed(self.back, secs=2.0)
        return offsets


async def passed(event: asyncio.Event, secs: float) -> None:
    """Until it is set; where nothing can set it any more, not for long."""
    try:
        await asyncio.wait_for(event.wait(), secs)
    except TimeoutError:
        return


@pytest.mark.parametrize("before", [pytest.param(0, id="never-committed"), pytest.param(7, id="committed")])
async def test_what_a_poll_brings_during_a_seek_is_not_passed_over(before: int, kafka: KafkaPeer) -> None:
    broker, group = KafkaConfig(bootstrap_servers=kafka.bootstrap), f"seek{before}"
    topic = f"{group}.in"
    await make_topics(broker, topic)

    async def put_each(count: int) -> None:
        for number in range(4):
            await put(broker, topic, [(b"k%d" % number, b"")] * count, partition=number)

    async def committed_in_all() -> int:
        return sum((await committed(broker, group, topic)).values())

    async with engine_of(broker, group, placed(Counting((topic,)))) as engine:
        await put_each(before)
        await wait_until_async(lambda: reached(committed_in_all, 4 * before), 20)
        late = LatePoll(engine.app.consumer, topic)
        await wait_until_async(late.sent.is_set)
        await put_each(50)
        async with engine_of(broker, group, placed(Counting((topic,)))) as guest:
            await wait_until_async(lambda: late.seeking.is_set() and engine.ready, 20)
            await put_each(1)
            whole = 4 * (before + 51)
            await wait_until_async(
                lambda: sum({**counts(engine), **counts(guest)}.values()) >= whole, 20, what="all counted"
            )
            await wait_until_async(lambda: reached(committed_in_all, whole), 20, what="all committed")


async def reached(number: Callable[[], Awaitable[int]], goal: int) -> bool:
    return await number() == goal
