"""Poison on every input of the ingest worker: rejected with its bytes whole, and the partition goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from structlog.testing import capture_logs

from awoooi.worker import Worker
from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from schemas import catalog
from schemas.codec import CONFLUENT, SINGLE_OBJECT, Codec
from schemas.golden import example_of
from streams.registry import learn
from tests.faults.ingest import GROUP, config
from tests.faults.load import PARTITIONS, RAW, Load, topics
from tests.peers.kafka import KafkaPeer
from tests.peers.tools import skip_without_tools
from tests.peers.waiting import wait_until_async
from tests.streams.engines import committed, put, read_until

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(120)]
MIB = 1024 * 1024
AS_LARGE_AS_ALLOWED = catalog.RAW_MAX_BYTES - 100  # the record's own frame counts too

POISON: dict[str, bytes | None] = {
    "truncated": b'{"version":"4","status":"firing","alerts":[{"status":"fir',
    "largest": b'{"a":"' + b"x" * (AS_LARGE_AS_ALLOWED - 8) + b'"}',
    "largest-no-json": b"\x7f" * AS_LARGE_AS_ALLOWED,
    "not-utf8": b'{"version":"4","alerts":[{"labels":{"alertname":"\xff\xfe"}}]}',
    "nan": b'{"version":"4","alerts":[{"value":NaN}]}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep-object": b'{"alerts":' + b'{"a":' * 2_000 + b"1" + b"}" * 2_001,
    "number-too-large": b'{"version":"4","alerts":[1e999999]}',
    "avro-of-nobody": SINGLE_OBJECT + b"\x01" * 8 + b"abc",
    "avro-cut-off": SINGLE_OBJECT + b"\x01",
    "unknown-registry-number": CONFLUENT + (4711).to_bytes(4) + b"abc",
    "null-value": None,
    "empty": b"",
    "zeros": b"\x00" * 100,
}


def avro_poison() -> dict[str, bytes | None]:
    """Records that begin like events of ours."""
    kinds = catalog.event_classes()
    encoded = {
        name: Codec().encode(Codec().decode(example_of(kinds[name]).read_bytes()))
        for name in ("alert.normalized", "run.requested")
    }
    return {
        **POISON,
        "alert-cut-off": encoded["alert.normalized"][:-5],
        "alert-with-more": encoded["alert.normalized"] + b"more",
        "alert-flipped": encoded["alert.normalized"][:14] + b"\xff" * 20 + encoded["alert.normalized"][34:],
        "event-of-another-topic": encoded["run.requested"],
    }


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaPeer]:
    """A broker of this module's own: the topics of the catalogue have one name."""
    with skip_without_tools("kafka"):
        running = KafkaPeer.running(folder=tmp_path_factory.mktemp("poison") / "kafka")
        peer = running.__enter__()
    try:
        yield peer
    finally:
        running.__exit__(None, None, None)


@pytest.fixture
async def broker(own_kafka: KafkaPeer) -> KafkaConfig:
    kafka = KafkaConfig(bootstrap_servers=own_kafka.bootstrap)
    await apply_topics(kafka, topics(), PARTITIONS)
    return kafka


@asynccontextmanager
async def ingesting(kafka: KafkaConfig, state: Path) -> AsyncIterator[Worker]:
    codec, stop = Codec(), asyncio.Event()
    worker = Worker(config(kafka.bootstrap_servers, state), codec, partial(learn, codec, None))
    running = asyncio.ensure_future(worker.run(stop))
    try:
        await wait_until_async(lambda: not worker.unready() or running.done(), 60, what="ingest ready")
        yield worker
    finally:
        stop.set()
        await running


def alerts(count: int, seed: int) -> list[tuple[bytes | None, bytes | None]]:
    return [(None, value) for _, value in Load(count, count, seed=seed).records()]


async def test_poison_among_raw_records(broker: KafkaConfig, tmp_path: Path) -> None:
    good = alerts(50, seed=1)
    async with ingesting(broker, tmp_path):
        offsets = await put(broker, RAW, [(b"key", value) for value in POISON.values()], partition=1)
        await put(broker, RAW, good, partition=1)
        letters = await read_until(
            broker, "alerts.rejected", lambda found: len(_of(found, RAW, 1)) >= len(POISON)
        )
        await read_until(broker, "incidents", lambda found: len(_opened(found)) >= 50)
    found = {letter.payload.offset: letter.payload for letter in _of(letters, RAW, 1)}
    assert list(found) == offsets
    for (name, value), offset in zip(POISON.items(), offsets, strict=True):
        letter = found[offset]
        assert letter.original == value, f"{name}: byte by byte"
        assert (letter.original_key, letter.size) == (b"key", len(value or b""))
        assert letter.reason in ("unreadable", "bad_payload"), name
        assert letter.detail, name


@pytest.mark.parametrize("topic", ["alerts.normalized", "incidents", "runs.requests"])
async def test_poison_among_events(topic: str, broker: KafkaConfig, tmp_path: Path) -> None:
    poison = avro_poison()
    if topic == "runs.requests":
        del poison["event-of-another-topic"]
    if topic == "incidents":  # read by its type; what it does not know asks for nothing
        del poison["event-of-another-topic"]
    async with ingesting(broker, tmp_path):
        offsets = await put(broker, topic, [(b"key", value) for value in poison.values()], partition=2)
        letters = await read_until(
            broker, "stage.failed", lambda found: len(_of(found, topic, 2)) >= len(poison)
        )

        async def passed() -> bool:
            done = await committed(broker, GROUP, topic)
            return done.get((topic, 2), 0) > offsets[-1]

        await wait_until_async(passed, 20, what="the partition goes on")
    found = {letter.payload.offset: letter.payload for letter in _of(letters, topic, 2)}
    assert {offset: found[offset].original for offset in offsets} == dict(
        zip(offsets, poison.values(), strict=True)
    )
    assert all(letter.reason and letter.detail and letter.topic == topic for letter in found.values())


async def test_an_unwritable_dead_letter_is_waited_for(broker: KafkaConfig, tmp_path: Path) -> None:
    """The batch waits, says so, and nothing of it is committed; other topics go on; so does a rebalance."""
    other = "alerts.raw.awoooi"
    async with ingesting(broker, tmp_path) as worker:
        before = (await committed(broker, GROUP, RAW)).get((RAW, 3), 0)
        await limit(broker, "alerts.rejected", 2_000)
        with capture_logs() as lines:
            [offset] = await put(broker, RAW, [(b"big", b"x" * 10_000)], partition=3)
            await wait_until_async(lambda: any(_waits(line) for line in lines), what="it says so")
        assert "MessageSizeTooLarge" in str([line for line in lines if _waits(line)])
        await put(broker, RAW, alerts(5, seed=9), partition=3)
        await put(broker, other, [(None, b"broken")], partition=3)
        await read_until(broker, "alerts.rejected", lambda found: len(_of(found, other, 3)) == 1)
        async with guest(broker, tmp_path / "guest"):
            await wait_until_async(lambda: not worker.unready(), 30)
        await wait_until_async(lambda: not worker.unready(), 30)
        assert (await committed(broker, GROUP, RAW)).get((RAW, 3), 0) == max(before, offset)
        await limit(broker, "alerts.rejected", 4 * MIB)
        letters = await read_until(
            broker, "alerts.rejected", lambda found: len(_of(found, RAW, 3)) >= 1, timeout=60
        )
        assert _of(letters, RAW, 3)[0].payload.original == b"x" * 10_000


async def test_a_run_of_rejects_slows_its_partition_and_no_other(broker: KafkaConfig, tmp_path: Path) -> None:
    async with ingesting(broker, tmp_path):
        with capture_logs() as lines:
            for rests in range(1, 4):  # each is longer: the last leaves a busy machine time
                await put(broker, RAW, [(None, b"broken")] * 400, partition=0)
                await wait_until_async(partial(_slowed_times, lines, rests), 20, what="it says so")
            await put(broker, RAW, [(None, b"broken")] * 3_000, partition=0)
            [offset] = await put(broker, RAW, [(None, b"also broken")], partition=1)
            letters = await read_until(
                broker,
                "alerts.rejected",
                lambda found: any(letter.payload.offset == offset for letter in _of(found, RAW, 1)),
            )
            assert len(_of(letters, RAW, 0)) < 4_200, "the other partition went first"
    first, second, third = _slowed(lines)[:3]
    assert (first["topic"], first["partition"]) == (RAW, 0)
    assert first["secs"] < second["secs"] < third["secs"]


@asynccontextmanager
async def guest(kafka: KafkaConfig, state: Path) -> AsyncIterator[Worker]:
    """A second worker that joins and leaves."""
    async with ingesting(kafka, state) as worker:
        yield worker


async def limit(kafka: KafkaConfig, topic: str, max_bytes: int) -> None:
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    try:
        wanted = {"max.message.bytes": str(max_bytes)}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=wanted)])
    finally:
        await admin.close()


def _of(letters: list[Any], topic: str, partition: int) -> list[Any]:
    return [
        letter for letter in letters if (letter.payload.topic, letter.payload.partition) == (topic, partition)
    ]


def _opened(events: list[Any]) -> set[str]:
    return {event.incident_id for event in events if event.type == "incident.opened"}


def _waits(line: dict[str, Any]) -> bool:
    return line["event"] == "waiting" and line["stage"] == "normalize"


def _slowed_times(lines: list[Any], times: int) -> bool:
    return len(_slowed(lines)) >= times


def _slowed(lines: list[Any]) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == "source_slowed"]
