"""The log on its way to live listeners, on a real broker: nothing is missed, whoever goes away."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from awoooi import live_follower, log_follower
from awoooi.events import Learn
from awoooi.live_follower import LiveFollower
from connectors.gateway.live_ring import Listener, Ring
from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from connectors.kafka.producer import Publisher
from schemas.catalog import Topic
from schemas.codec import Codec
from tests.peers import wait_until_async
from tests.peers.kafka import KafkaPeer
from tests.peers.tansu import TansuPeer
from tests.schemas.golden_events import golden

PARTITIONS = 3
COMMENT = golden("incident.commented")


@asynccontextmanager
async def open_codec() -> AsyncIterator[tuple[Codec, Learn]]:
    async def no_registry(_: int) -> None: ...

    yield Codec(), no_registry


@dataclass
class Log:
    """A broker with topics of this test's own, and what was written there."""

    kafka: KafkaConfig
    topics: dict[str, int]
    publisher: Publisher
    written: list[str] = field(default_factory=list)

    async def write(self, count: int) -> list[str]:
        """Comments on several incidents, over all partitions."""
        new = [f"event-{len(self.written) + number}" for number in range(count)]
        for event_id in new:
            key = event_id.encode()
            event = COMMENT.model_copy(update={"event_id": event_id})
            await self.publisher.send(next(iter(self.topics)), key, Codec().encode(event), ())
        self.written += new
        return new

    @asynccontextmanager
    async def ring(self, **given: int) -> AsyncIterator[Ring]:
        """Of a gateway of its own, once it has read what was there."""
        ring = Ring(self.topics, **given)
        async with LiveFollower(self.kafka, open_codec, ring):
            await wait_until_async(lambda: ring.is_ready, what="the log read to its end")
            yield ring


@asynccontextmanager
async def log_on(bootstrap: str, name: str) -> AsyncIterator[Log]:
    kafka = KafkaConfig(bootstrap_servers=bootstrap, request_timeout_secs=3)
    comments, switches = f"{name}-comments", f"{name}-switches"
    await apply_topics(
        kafka, [Topic(comments, "any", "test"), Topic(switches, "any", "test", keyed=False)], PARTITIONS
    )
    publisher = Publisher(kafka)
    await publisher.start()
    try:
        yield Log(kafka, {comments: PARTITIONS, switches: 1}, publisher)
    finally:
        await publisher.stop()


async def told(ring: Ring, listener: Listener | None, count: int) -> list[str]:
    """The next so many, sorted: partitions have no order among each other."""
    assert listener is not None
    found: list[str] = []

    def enough() -> bool:
        found.extend(message.event_id for message in ring.news(listener, 1000))
        return len(found) >= count

    await wait_until_async(enough, what=f"{count} messages")
    return sorted(found)


async def comes_back_elsewhere(log: Log) -> None:
    """A listener changes gateways, with the first gone, and then comes back to a third that began later."""
    async with log.ring() as first:
        listener = first.from_now()
        assert await told(first, listener, len(seen := await log.write(7))) == sorted(seen)
        cursor = first.cursor()
    missed = await log.write(5)
    async with log.ring() as second:
        assert await told(second, second.after(cursor), 5) == sorted(missed)
        later = await log.write(3)
        assert await told(second, second.after(cursor), 8) == sorted([*missed, *later])
        assert await told(second, second.from_now(), 0) == []


async def test_a_listener_finds_its_place_in_another_gateway(kafka: KafkaPeer) -> None:
    async with log_on(kafka.bootstrap, "live-elsewhere") as log:
        await comes_back_elsewhere(log)


async def test_on_the_embedded_broker_too(tansu: TansuPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a broker that hangs is told of, and nothing is lost by it."""
    monkeypatch.setattr(log_follower, "SILENT_SECS", 1.5)
    async with log_on(tansu.bootstrap, "live") as log:
        await comes_back_elsewhere(log)
        async with log.ring() as ring:
            listener = ring.from_now()
            before = await log.write(2)
            tansu.process.freeze()
            await wait_until_async(lambda: ring.is_away, what="the broker's silence seen")
            os.kill(tansu.process.pid, signal.SIGCONT)
            await wait_until_async(lambda: not ring.is_away, what="the broker back")
            after = await log.write(2)
            assert await told(ring, listener, 4) == sorted([*before, *after])


async def test_a_gateway_reads_back_in_bounds(kafka: KafkaPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_follower, "MOST_BACK", 2)
    async with log_on(kafka.bootstrap, "live-bounds") as log:
        async with log.ring() as early:
            cursor = early.cursor()
            await log.write(30)
        async with log.ring() as late:
            assert len(late._messages) <= 2 * PARTITIONS
            assert late.after(cursor) is None, "it has missed what is read no more"


async def test_what_cannot_be_read_is_passed_over(kafka: KafkaPeer) -> None:
    async with log_on(kafka.bootstrap, "live-poison") as log, log.ring() as ring:
        listener, topic = ring.from_now(), next(iter(log.topics))
        for poison in (b"", b"no event", b"\x00\x00\x00\x00\x07x", b"\xc3\x01" + b"x" * 8):
            await log.publisher.send(topic, b"poison", poison, ())
        good = await log.write(3)
        assert await told(ring, listener, 3) == sorted(good)
