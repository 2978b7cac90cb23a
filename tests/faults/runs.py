"""Runs whose ends are counted: starts written to the log, and a reader of what came of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.catalog import key_of
from schemas.codec import Codec
from schemas.decision import SessionStatus
from schemas.envelope import from_millis
from schemas.headers import event_headers
from schemas.run import RunStarted
from tests.faults.debate import PARTITIONS
from tests.peers.waiting import wait_until_async
from tests.streams.stages.evidence_support import started

ENDS = {SessionStatus.COMPLETED, SessionStatus.TIMEOUT}
TOPICS = (
    "rca.evidence",
    "rca.diagnoses",
    "rca.plans",
    "rca.reviews",
    "rca.critiques",
    "rca.decisions",
    "stage.failed",
)


def start_of(number: int, deadline_secs: float) -> RunStarted:
    """The first run of an incident, beginning now."""
    event, now = started(incident=f"INC-20270115-{number:010d}"), int(time.time() * 1000)
    payload = event.payload.model_copy(update={"deadline_at": from_millis(now + int(deadline_secs * 1000))})
    moment = from_millis(now)
    return event.model_copy(update={"payload": payload, "recorded_at": moment, "occurred_at": moment})


@dataclass
class Runs:
    """`begin` writes starts; `read` takes in what the workers wrote."""

    bootstrap: str
    deadline_secs: float = 60
    begun: dict[str, float] = field(default_factory=dict)
    """run → when it was asked for"""
    decided: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    """run → its decisions by event id: one, if all is well"""
    seen_at: dict[str, float] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)
    """run and type → how often it stands in the log, copies among them"""
    broken: list[Any] = field(default_factory=list)
    """dead letters"""

    async def __aenter__(self) -> Runs:
        self._codec = Codec()
        self._producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap)
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
        await self._producer.start()
        await self._consumer.start()
        places = [TopicPartition(topic, number) for topic in TOPICS for number in range(PARTITIONS)]
        self._consumer.assign(places)
        await self._consumer.seek_to_beginning(*places)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()
        await self._consumer.stop()

    async def begin(self, count: int) -> None:
        sent = []
        for _ in range(count):
            event = start_of(len(self.begun), self.deadline_secs)
            self.begun[event.run_id] = time.monotonic()
            headers = event_headers(event, "application/avro", b"1" * 32, b"test")
            value, key = self._codec.encode(event), key_of(event)
            sent.append(await self._producer.send("runs", value, key=key, headers=headers))
        await asyncio.gather(*sent)

    async def read(self, patience_ms: int = 200) -> None:
        for records in (await self._consumer.getmany(timeout_ms=patience_ms)).values():
            for record in records:
                self._take(self._codec.decode(record.value))

    def _take(self, event: Any) -> None:
        self.written[f"{event.run_id} {event.type}"] += 1
        if event.type == "stage.failed":
            self.broken.append(event)
        elif event.type == "rca.decided":
            self.decided[event.run_id].setdefault(event.event_id, event)
            self.seen_at.setdefault(event.run_id, time.monotonic())

    async def until_decided(self, timeout: float) -> None:  # noqa: ASYNC109
        async def all_ended() -> bool:
            await self.read()
            return self.decided.keys() >= self.begun.keys()

        await wait_until_async(all_ended, timeout, what="every run ended", every=0)

    async def until(self, ended: int, timeout: float = 60) -> None:  # noqa: ASYNC109
        async def enough() -> bool:
            await self.read()
            return len(self.decided) >= ended

        await wait_until_async(enough, timeout, what=f"{ended} runs ended", every=0)

    def check(self) -> Counter[str]:
        """Every run ended exactly once, in time or at its deadline. How many of each."""
        assert not self.broken
        assert self.decided.keys() == self.begun.keys(), "no run without an end"
        assert {len(ends) for ends in self.decided.values()} <= {1}, "one end a run"
        ends = [event.payload.session_status for ends in self.decided.values() for event in ends.values()]
        assert set(ends) <= ENDS
        assert all(
            event.payload.requires_human_approval for ends in self.decided.values() for event in ends.values()
        )
        return Counter(map(str, ends))

    @property
    def repeated(self) -> int:
        return sum(count - 1 for count in self.written.values())
