"""Raw Alertmanager records whose truth is known, and a reader that counts what came of them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from connectors.alerts.registry import sources
from connectors.alerts.source import Source
from schemas import ids
from schemas.catalog import TOPICS, raw_topic
from schemas.codec import Codec
from tests.peers.waiting import wait_until_async

RAW = "alerts.raw.alertmanager"
PARTITIONS = 4
BASE = 1_800_000_000


def few_sources() -> dict[str, Source]:
    """As many as the tests send, one with a single partition: each topic takes its time to begin with."""
    known = sources()
    return {name: known[name] for name in ("alertmanager", "grafana", "datadog", "awoooi")}


def topics() -> list[object]:
    return [*TOPICS, *(raw_topic(name) for name in (*few_sources(), "auto"))]


@dataclass
class Load:
    """So many alerts over so many incidents, each with a beginning of its own: every one is a hit."""

    alerts: int
    incidents: int
    seed: int = 7
    truth: Counter[str] = field(default_factory=Counter)

    def records(self) -> list[tuple[bytes, bytes]]:
        """(key, value) of raw records with one to ten alerts."""
        dice, made, found = random.Random(self.seed), 0, []
        while made < self.alerts:
            size = min(dice.randint(1, 10), self.alerts - made)
            found.append((b"%d" % dice.randrange(64), self._record(made, size)))
            made += size
        return found

    def _record(self, first: int, size: int) -> bytes:
        alerts = [self._alert(number) for number in range(first, first + size)]
        return orjson.dumps({"version": "4", "status": "firing", "receiver": "r", "alerts": alerts})

    def _alert(self, number: int) -> dict[str, object]:
        pod = f"checkout-{number % self.incidents}"
        self.truth[ids.fingerprint("KubePodCrashLooping", "shop", pod)] += 1
        minute, second = divmod(number // 1000, 60)
        return {
            "status": "firing",
            "labels": {"alertname": "KubePodCrashLooping", "namespace": "shop", "pod": pod},
            "annotations": {"summary": "Pod is crash looping"},
            "startsAt": f"2026-11-21T09:{minute:02d}:{second:02d}.{number % 1000:03d}Z",
            "endsAt": "0001-01-01T00:00:00Z",
        }


async def produce(bootstrap: str, load: Load, per_second: int = 0) -> None:
    """All at once, or at a rate."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, linger_ms=10, acks="all", request_timeout_ms=60_000
    )
    await producer.start()
    try:
        sent = []
        for number, (key, value) in enumerate(load.records()):
            sent.append(await producer.send(RAW, value, key=key))
            if per_second and number % 100 == 99:
                await asyncio.sleep(550 / per_second)  # a record holds 5.5 alerts on average
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


@dataclass
class Outcome:
    """What a reader of `incidents` makes of the log: the first event of an id counts."""

    hits: Counter[str] = field(default_factory=Counter)
    opened: Counter[str] = field(default_factory=Counter)
    runs: set[str] = field(default_factory=set)
    rejected: int = 0
    seen: set[str] = field(default_factory=set)
    repeated: int = 0
    """event ids met more than once: the log may repeat, a query does not"""

    def take(self, event: dict[str, object]) -> None:
        if event["event_id"] in self.seen:
            self.repeated += 1
            return
        self.seen.add(str(event["event_id"]))
        payload = event["payload"]
        assert isinstance(payload, dict)
        if event["type"] in ("alert.rejected", "stage.failed"):
            self.rejected += 1
        elif event["type"] == "run.started":
            self.runs.add(str(event["run_id"]))
        elif event["type"] != "incident.moved":
            fingerprint = str(payload["fingerprint"])
            self.opened[fingerprint] += event["type"] == "incident.opened"
            self.hits[fingerprint] = max(self.hits[fingerprint], int(payload["hit_count"]))


async def from_beginning(consumer: AIOKafkaConsumer, topics: Sequence[str]) -> None:
    """All that these topics hold, without a group."""
    places = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
    consumer.assign(places)
    await consumer.seek_to_beginning(*places)


class Reader:
    """Follows the output topics in the background of a test."""

    TOPICS = ("incidents", "runs", "alerts.rejected", "stage.failed")

    def __init__(self, bootstrap: str) -> None:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=8 << 20,
            enable_auto_commit=False,
        )
        self.outcome = Outcome()
        self._codec = Codec()

    async def __aenter__(self) -> Reader:
        await self._consumer.start()
        await from_beginning(self._consumer, self.TOPICS)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def read(self) -> Outcome:
        for records in (await self._consumer.getmany(timeout_ms=200)).values():
            for record in records:
                self.outcome.take(self._codec.read(record.value)[1])
        return self.outcome

    async def until(self, alerts: int, timeout: float) -> Outcome:  # noqa: ASYNC109
        """Until so many are counted and nothing more comes for a moment."""

        async def counted() -> bool:
            return (await self.read()).hits.total() + self.outcome.rejected >= alerts

        await wait_until_async(counted, timeout, what=f"{alerts} alerts counted", every=0)
        await self.until_quiet()
        return self.outcome

    async def until_quiet(self, reads: int = 25) -> None:
        """Until nothing new has come for about five seconds: what is lost cannot be waited for."""
        quiet = 0
        while quiet < reads or not self.outcome.seen:
            known = len(self.outcome.seen) + self.outcome.repeated
            await self.read()
            quiet = quiet + 1 if len(self.outcome.seen) + self.outcome.repeated == known else 0
