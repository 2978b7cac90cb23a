"""Load by two ways in, parts killed in turn: every acknowledged alert is in ClickHouse, and once."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from sinks.clickhouse.errors import Away, Refused
from tests.e2e.stack import Row, Stack, alert, group
from tests.peers import wait_until
from tests.peers.kafka import KafkaPeer

SEED = 20261121
KILLED = ("sink", "store", "ingest", "sink", "store", "ingest")
INCIDENTS = 50
IN_A_GROUP = 5
PAUSE_SECS = 0.02
ALIVE_BETWEEN = 300  # alerts acknowledged between two kills
DOUBLES = {
    "events": "SELECT count() - uniqExact(project_id, event_id) AS doubled FROM events FINAL",
    "v_alerts": "SELECT count() - uniqExact(project_id, event_id) AS doubled FROM v_alerts",
    "v_incidents": "SELECT count() - uniqExact(project_id, incident_id) AS doubled FROM v_incidents",
    "origins": "SELECT count() - uniqExact(labels['serial']) AS doubled FROM v_alerts",
}


@pytest.fixture(scope="module")
def stack(kafka: KafkaPeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With the time-outs of the embedded broker: a killed member of a group is missed within seconds."""
    folder = tmp_path_factory.mktemp("stack")
    with Stack.running(folder, kafka.bootstrap, embedded="true") as running:
        yield running


@dataclass
class Load:
    """Sends numbered alerts by the gateway and straight to Kafka, and keeps what was acknowledged."""

    stack: Stack
    acknowledged: set[int] = field(default_factory=set)
    stop: Event = field(default_factory=Event)

    @contextmanager
    def running(self) -> Iterator[Load]:
        threads = [Thread(target=self._by_webhook), Thread(target=lambda: asyncio.run(self._by_kafka()))]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    def goes_on(self, alerts: int) -> None:
        """Until so many more were acknowledged."""
        before = len(self.acknowledged)
        wait_until(lambda: len(self.acknowledged) - before >= alerts, 60, what="the load goes on")

    def _by_webhook(self) -> None:
        for first in range(0, 10**6, 2 * IN_A_GROUP):
            numbers = range(first, first + IN_A_GROUP)
            if self.stack.post(numbered(numbers)) == 202:
                self.acknowledged.update(numbers)
            if self.stop.wait(PAUSE_SECS):
                return

    async def _by_kafka(self) -> None:
        servers = self.stack.settings.kafka.bootstrap_servers
        async with AIOKafkaProducer(bootstrap_servers=servers, acks="all") as producer:
            for first in range(IN_A_GROUP, 10**6, 2 * IN_A_GROUP):
                numbers = range(first, first + IN_A_GROUP)
                with contextlib.suppress(KafkaError):
                    await producer.send_and_wait("alerts.raw.alertmanager", orjson.dumps(numbered(numbers)))
                    self.acknowledged.update(numbers)
                if await asyncio.to_thread(self.stop.wait, PAUSE_SECS):
                    return


def numbered(numbers: Sequence[int]) -> Row:
    """Each of a second of its own, so that each is a hit."""
    return group(*(alert("Loaded", n, pod=f"checkout-{n % INCIDENTS}", serial=str(n)) for n in numbers))


@dataclass
class Sampler:
    """Asks all the time whether a query sees anything twice, while parts die and come back."""

    stack: Stack
    samples: int = 0
    away: int = 0
    doubled: list[Row] = field(default_factory=list)
    stop: Event = field(default_factory=Event)

    @contextmanager
    def running(self) -> Iterator[Sampler]:
        thread = Thread(target=self._sample)
        thread.start()
        try:
            yield self
        finally:
            self.stop.set()
            thread.join()

    def _sample(self) -> None:
        while not self.stop.wait(0.3):
            try:
                self.doubled += doubled(self.stack)
                self.samples += 1
            except (Away, Refused):  # the store is dead, or was in the middle of the question
                self.away += 1


def doubled(stack: Stack) -> list[Row]:
    """I2: what a query sees more than once."""
    rows = [{"where": name, **stack.ask(sql)[0]} for name, sql in DOUBLES.items()]
    return [row for row in rows if row["doubled"]]


def missing(stack: Stack, acknowledged: set[int]) -> set[int]:
    """I1: acknowledged, and not to be found."""
    return acknowledged - {number for numbers in stored(stack).values() for number in numbers}


def stored(stack: Stack) -> dict[str, set[int]]:
    rows = stack.ask(
        "SELECT target_resource AS pod, groupUniqArray(labels['serial']) AS numbers"
        " FROM v_alerts GROUP BY pod"
    )
    return {row["pod"]: {int(number) for number in row["numbers"]} for row in rows}


def test_every_acknowledged_alert_is_stored_once_while_parts_are_killed(stack: Stack) -> None:
    dice = random.Random(SEED)
    with Sampler(stack).running() as sampler, Load(stack).running() as load:
        for name in KILLED:
            load.goes_on(ALIVE_BETWEEN + dice.randrange(200))
            stack.kill(name)
            load.goes_on(dice.randrange(100))
            stack.parts[name].start()
            stack.wait_for(name)
        load.goes_on(ALIVE_BETWEEN)
    stack.wait_until_settled(timeout=60)

    said = f"{len(load.acknowledged)} alerts, {len(KILLED)} kills, {sampler.samples} samples, seed {SEED}"
    assert missing(stack, load.acknowledged) == set(), said
    assert sampler.doubled + doubled(stack) == [], said
    assert sampler.samples >= 2 * len(KILLED), said
    hits = stack.ask("SELECT target_resource AS pod, hit_count FROM v_incidents")
    truth = Counter({pod: len(numbers) for pod, numbers in stored(stack).items()})
    assert Counter({row["pod"]: row["hit_count"] for row in hits}) == truth, said


def test_a_sink_that_commits_before_it_writes_is_found_out(stack: Stack) -> None:
    """The negative control: killed with the guard off, it loses what it had read, and the check says so."""
    numbers = range(80_000, 80_000 + IN_A_GROUP)
    stack.restart("sink", {"AWOOOI_GUARD_OFF": "commit_after", "AWOOOI_CRASH_AT": "sink:before_insert:1"})
    assert stack.post(numbered(numbers)) == 202
    wait_until(lambda: not stack.parts["sink"].running, 40, what="the sink dies at its crash point")
    stack.restart("sink")
    stack.wait_until_settled()
    assert missing(stack, set(numbers)) != set()
