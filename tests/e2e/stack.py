"""The whole system on Apache Kafka: every part a real `awoooi` child process, to be killed and started."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from awoooi.loading import load
from awoooi.settings import Settings
from sinks.clickhouse.client import connected
from sinks.clickhouse.errors import Away
from tests.peers.http import get, post_json
from tests.peers.process import Process
from tests.peers.program import awoooi
from tests.peers.waiting import free_ports, wait_until

PARTITIONS = 4
GROUPS = ("awoooi-ingest", "awoooi-sink")
PORTS = ("store", "gateway", "health_ingest", "health_sink")
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "store": ("store",),
    "gateway": ("gateway",),
    "ingest": ("worker", "ingest"),
    "sink": ("sink",),
}
READY_SECS = 40.0
Row = dict[str, Any]


@dataclass
class Stack:
    """`with Stack.running(folder, bootstrap) as stack:` gives all of it, ready."""

    folder: Path
    env: dict[str, str]
    parts: dict[str, Process]
    token: str = ""

    @classmethod
    @contextmanager
    def running(cls, folder: Path, bootstrap: str, **settings: str) -> Iterator[Stack]:
        """`settings` by their variables' names without AWOOOI_, in small letters."""
        stack = cls.prepared(folder, bootstrap, **settings)
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()

    @classmethod
    def prepared(cls, folder: Path, bootstrap: str, **settings: str) -> Stack:
        """Nothing runs yet."""
        folder.mkdir(parents=True, exist_ok=True)
        ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
        wanted = {
            "kafka_bootstrap_servers": bootstrap,
            "state_dir": str(folder / "state"),
            "partitions": str(PARTITIONS),
            **{f"{name}_port": port for name, port in ports.items()},
            **settings,
        }
        env = {f"AWOOOI_{name.upper()}": value for name, value in wanted.items()}
        parts = {
            name: awoooi(*command, folder=folder, env=env, name=name) for name, command in COMMANDS.items()
        }
        return cls(folder, env, parts)

    def start(self) -> None:
        self.told("init")
        self.parts["store"].start()
        with ThreadPoolExecutor() as beside:
            topics = beside.submit(self.told, "topics", "apply")
            told = self.told("tokens", "new", "everything", "--requests-per-minute", "1000000")
            self.wait_for("store")
            self.told("clickhouse", "migrate")
            topics.result()
        self.token = told.split()[-1]
        for name in ("gateway", "ingest", "sink"):
            self.parts[name].start()
        for name in COMMANDS:
            self.wait_for(name)

    def stop(self) -> None:
        """Against the data, like `awoooi up`."""
        for name in reversed(list(COMMANDS)):
            self.parts[name].stop()

    # -- its parts

    def kill(self, name: str) -> None:
        """SIGKILL, so that nothing of it ends in order."""
        self.parts[name].kill()

    def restart(self, name: str, env: Mapping[str, str] | None = None) -> None:
        """Started again, with other settings where given; does not wait until it is ready."""
        part = self.parts[name]
        part.stop()
        part.env = {**self.env, **(env or {})}
        part.start()

    def wait_for(self, *names: str, timeout: float = READY_SECS) -> None:
        """Until they say that they are ready."""
        for name in names:
            url = f"{self.url(name)}/readyz"
            ready = lambda url=url: get(url) is not None  # noqa: E731
            self.parts[name].wait_until_ready(ready, timeout, what=f"{name} ready")

    def url(self, name: str) -> str:
        """Where a part serves HTTP."""
        port = {"ingest": "HEALTH_INGEST", "sink": "HEALTH_SINK"}.get(name, name.upper())
        return f"http://127.0.0.1:{self.env[f'AWOOOI_{port}_PORT']}"

    def logs(self) -> dict[str, bytes]:
        """Everything that any of its processes has written, commands included."""
        return {path.name: path.read_bytes() for path in self.folder.glob("*.log")}

    # -- in front of it

    def webhook(self, source: str = "alertmanager") -> str:
        return f"{self.url('gateway')}/api/v1/webhooks/{source}"

    def post(self, body: object, source: str = "alertmanager") -> int:
        return post_json(self.webhook(source), body, {"Authorization": f"Bearer {self.token}"})

    def cli(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """One command, as a person would give it; what it printed is kept among the logs too."""
        process = awoooi(*words, folder=self.folder, env={**self.env, **(env or {})})
        done = subprocess.run(
            process.command,
            env=process._environment(),
            cwd=process.cwd,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        with (self.folder / "commands.log").open("a") as kept:
            kept.write(done.stdout + done.stderr)
        return done

    def told(self, *words: str) -> str:
        """What a command prints; it must succeed."""
        done = self.cli(*words)
        assert done.returncode == 0, (
            f"awoooi {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done.stdout

    def incidents(self, *options: str) -> list[Row]:
        """As `awoooi incidents` shows them."""
        found: list[Row] = json.loads(self.told("incidents", "--json", *options))
        return found

    # -- behind it

    @cached_property
    def settings(self) -> Settings:
        return load(self.env).settings

    def ask(self, sql: str, **params: Any) -> list[Row]:
        """ClickHouse, as the reader. Raises Away while it is."""

        async def run() -> list[Row]:
            async with connected(self.settings.clickhouse.reader()) as client:
                return await client.ask(sql, params)

        return asyncio.run(run())

    def wait_for_rows(
        self, sql: str, enough: Callable[[list[Row]], object], timeout: float = 30
    ) -> list[Row]:
        """The first answer that is enough; ClickHouse may be away meanwhile."""
        seen: list[Row] = []

        def asked() -> object:
            try:
                seen[:] = self.ask(sql)
            except Away:
                return False
            return enough(seen)

        try:
            wait_until(asked, timeout, what=sql, every=0.2)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\nlast rows: {seen}") from None
        return seen

    def lag(self) -> dict[str, int]:
        """Records that a group has not committed, by group and topic; only what is behind."""
        return asyncio.run(_lag(self.settings.kafka.bootstrap_servers, GROUPS))

    def wait_until_settled(self, timeout: float = 60) -> None:
        """Nothing is under way any more: every group has committed all that there is."""
        wait_until(lambda: not self.lag(), timeout, what="lag back to zero", every=0.3)

    def records(self, *topics: str) -> list[Any]:
        """Everything that stands on them now, by all partitions; of all topics where none is named."""
        return asyncio.run(_records(self.settings.kafka.bootstrap_servers, topics))

    def produce(self, topic: str, values: Sequence[bytes], headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """As a Kafka producer does it, past the gateway; durable when this returns."""
        asyncio.run(_produce(self.settings.kafka.bootstrap_servers, topic, values, headers))


async def _lag(bootstrap: str, groups: Sequence[str]) -> dict[str, int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    behind: dict[str, int] = {}
    try:
        await admin.start()
        await consumer.start()
        for group in groups:
            done = await admin.list_consumer_group_offsets(group)
            ends = await consumer.end_offsets([place for place in done if not _is_tick(place.topic)])
            for place, end in ends.items():
                if end > done[place].offset:
                    name = f"{group}:{place.topic}"
                    behind[name] = behind.get(name, 0) + end - max(0, done[place].offset)
    finally:
        await consumer.stop()
        await admin.close()
    return behind


def _is_tick(topic: str) -> bool:
    """They never end, so nobody ever has them all."""
    return topic.startswith("ticks.")


async def _records(bootstrap: str, topics: Sequence[str]) -> list[Any]:
    places = await _places(bootstrap, topics)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, max_partition_fetch_bytes=8 << 20
    )
    found: list[Any] = []
    try:
        await consumer.start()
        ends = {place: end for place, end in (await consumer.end_offsets(places)).items() if end}
        if not ends:
            return found
        consumer.assign(list(ends))
        await consumer.seek_to_beginning(*ends)
        while [place for place, end in ends.items() if await consumer.position(place) < end]:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
    finally:
        await consumer.stop()
    return found


async def _places(bootstrap: str, topics: Sequence[str]) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        told = await admin.describe_topics(list(topics) or None)
    finally:
        await admin.close()
    return [TopicPartition(one["topic"], part["partition"]) for one in told for part in one["partitions"]]


async def _produce(
    bootstrap: str, topic: str, values: Sequence[bytes], headers: Sequence[tuple[str, bytes]]
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
    await producer.start()
    try:
        sent = [await producer.send(topic, value, headers=headers) for value in values]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def group(*alerts: Row, status: str = "firing") -> Row:
    """Alerts as an Alertmanager's webhook brings them."""
    return {
        "version": "4",
        "groupKey": "{}",
        "status": status,
        "receiver": "awoooi",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager",
        "truncatedAlerts": 0,
        "alerts": list(alerts),
    }


def alert(name: str, number: int = 0, *, status: str = "firing", **labels: str) -> Row:
    """One of them; its beginning follows from `number`, so that each number is a hit of its own."""
    minute, second = divmod(number, 60)
    hour, minute = divmod(minute, 60)
    return {
        "status": status,
        "labels": {"alertname": name, "namespace": "shop", "severity": "warning", **labels},
        "annotations": {"summary": f"{name} in the shop"},
        "startsAt": f"2026-11-21T{hour:02d}:{minute:02d}:{second:02d}Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
    }
