"""A storm on Kafka, the worker killed in the middle: each incident has one fate, and few begin at a time."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.codec import Codec
from streams.stages.storm import BURST
from tests.faults.load import RAW, from_beginning
from tests.faults.storming import STORM
from tests.faults.workers import Workers
from tests.faults.workers import workers as children
from tests.peers.kafka import KafkaPeer
from tests.peers.waiting import wait_until_async

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(300)]

INCIDENTS, CONNECTED, RESOLVED, AFTER = 900, 150, 60, 20
TARGETS = ("postgres", "orders", "shop")
THE_ONE = "the-one"
FATES = {"run.started", "run.shared", "run.finished", "run.cancelled"}
MOST_MS = 3_000
"""from a raw record to its incident, beside the storm: much less on a machine that has nothing else to do"""


@contextmanager
def workers(kafka: KafkaPeer, folder: Path) -> Iterator[Workers]:
    with children(folder, "tests.faults.storming", kafka.bootstrap) as started:
        yield started


def alert(number: int, status: str = "firing", base: str = "2026-11-21T09:00") -> dict[str, Any]:
    """Critical, warning and info in turn; the first ones are about services that need each other."""
    severity = ("critical", "warning", "info")[number % 3]
    target = TARGETS[number % 3] if number < CONNECTED else f"alone-{number}"
    labels = {"alertname": f"Storm{number}", "namespace": "shop", "service": target, "severity": severity}
    second, milli = divmod(number, 1000)
    return {
        "status": status,
        "labels": labels,
        "annotations": {"summary": "it is slow"},
        "startsAt": f"{base}:{second:02d}.{milli:03d}Z",
        "endsAt": "2026-11-21T10:00:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
    }


async def send(bootstrap: str, alerts: Sequence[dict[str, Any]]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
    await producer.start()
    try:
        for start in range(0, len(alerts), 10):
            body = {"version": "4", "status": "firing", "receiver": "r", "alerts": alerts[start : start + 10]}
            await producer.send(RAW, orjson.dumps(body), key=b"%d" % start)
        await producer.flush()
    finally:
        await producer.stop()


@dataclass
class Told:
    """What stands on the log, the first event of an id."""

    bootstrap: str
    events: dict[str, tuple[dict[str, Any], int]] = field(default_factory=dict)

    async def __aenter__(self) -> Told:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        await self._consumer.start()
        await from_beginning(self._consumer, ("incidents", "runs", "runs.requests"))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def read(self) -> Told:
        for records in (await self._consumer.getmany(timeout_ms=100)).values():
            for record in records:
                event = Codec().read(record.value)[1]
                self.events.setdefault(event["event_id"], (event, record.timestamp))
        return self

    def all(self, *kinds: str) -> list[tuple[dict[str, Any], int]]:
        return [told for told in self.events.values() if told[0]["type"] in kinds]

    def fates(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for event, _ in self.all("run.requested"):
            found[event["run_id"]] = set()
        for event, _ in self.all(*FATES):
            child = event["payload"].get("child", {}).get("incident_id", event["incident_id"])
            if child == event["incident_id"]:
                found[event["run_id"]].add(event["type"])
        return found

    async def until(self, what: str, count: int, *kinds: str, secs: float = 90) -> None:
        async def there() -> bool:
            return len((await self.read()).all(*kinds)) >= count

        await wait_until_async(there, secs, what=what, every=0)


async def test_a_storm_is_let_through_bit_by_bit_and_nobody_is_forgotten(
    broker: KafkaPeer, tmp_path: Path
) -> None:
    with workers(broker, tmp_path) as started:
        async with Told(broker.bootstrap) as told:
            first = started.launch(THE_ONE, AWOOOI_CRASH_AT="schedule:produced:3")
            await send(broker.bootstrap, [alert(number) for number in range(INCIDENTS)])
            await started.dead(first, "killed after an answer was sent", meanwhile=told.read)
            second = started.launch(THE_ONE, AWOOOI_CRASH_AT="runs:state_written:40")
            await started.dead(second, "killed after a row was written", meanwhile=told.read)
            await started.start(THE_ONE)
            await told.until("all are opened", INCIDENTS, "incident.opened")
            late = [alert(number, "resolved") for number in range(INCIDENTS - RESOLVED, INCIDENTS)]
            await send(broker.bootstrap, late)
            began = time.time()
            await send(broker.bootstrap, [alert(INCIDENTS + number) for number in range(AFTER)])
            await told.until("those that came after", INCIDENTS + AFTER, "incident.opened")
            assert (time.time() - began) * 1000 < MOST_MS

            async def all_have_one() -> bool:
                fates = (await told.read()).fates()
                return len(fates) >= INCIDENTS + AFTER and all(fates.values())

            await wait_until_async(all_have_one, 120, what="one fate each", every=0)
    check(told)


def check(told: Told) -> None:
    opened = {event["incident_id"] for event, _ in told.all("incident.opened")}
    assert len(opened) == INCIDENTS + AFTER
    first_runs = Counter(
        event["incident_id"]
        for event, _ in told.all("run.requested")
        if event["payload"]["number"] == 1 and not event["payload"]["attempt"]
    )
    assert first_runs == Counter(opened), "one first run each"
    fates = told.fates()
    for run, fate in fates.items():
        assert not {"run.started", "run.shared"} <= fate, run
    assert sum("run.shared" in fate for fate in fates.values()) >= CONNECTED // 2
    assert told.all("run.throttled")
    assert any(
        event["payload"]["reason"] == "resolved_while_waiting" for event, _ in told.all("run.finished")
    )
    times = sorted(event["recorded_at"].timestamp() * 1000 for event, _ in told.all("run.started"))
    most = 2 * STORM.threshold + (STORM.released + STORM.critical) * (1_000 + 2 * BURST) / 60_000
    for start in times:
        assert sum(start <= at < start + 1_000 for at in times) <= most
