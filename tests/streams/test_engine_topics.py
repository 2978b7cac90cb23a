"""Several co-partitioned topics to one stage, however they are compressed; and Kafka over TLS and SASL."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from awoooi.worker import Worker
from connectors.kafka.config import KafkaConfig
from schemas.codec import Codec
from streams.stage import Events, Now, Record
from tests.faults.ingest import config
from tests.peers.kafka import KafkaPeer
from tests.peers.tls import Authority
from tests.peers.waiting import wait_until_async
from tests.streams.engines import (
    Counting,
    Obedient,
    Tally,
    counts,
    engine_of,
    make_topics,
    placed,
    put,
    read_until,
    spread,
)

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


@dataclass
class Where(Counting):
    """Notes in which partition it met a key."""

    met: dict[bytes, set[tuple[int, str]]] = field(default_factory=dict)

    async def handle(self, record: Record, state: Tally, now: Now) -> Events:
        self.met.setdefault(record.key or b"", set()).add((record.partition, record.topic))
        return await super().handle(record, state, now)


async def test_a_key_of_several_topics_is_met_by_one_worker_in_one_partition(broker: KafkaConfig) -> None:
    topics = ("both.a", "both.b")
    await make_topics(broker, *topics)
    one, two = Where(topics), Where(topics)
    keys = [b"k%d" % number for number in range(100)]
    async with (
        engine_of(broker, "both", placed(one)) as first,
        engine_of(broker, "both", placed(two)) as second,
    ):
        await wait_until_async(lambda: first.ready and second.ready, 30)
        for topic in topics:
            await put(broker, topic, [(key, b"") for key in keys * 5])
        await wait_until_async(lambda: sum(counts(first).values()) + sum(counts(second).values()) == 1000, 20)
        assert {**counts(first), **counts(second)} == dict.fromkeys(keys, 10)
    assert one.met
    assert two.met
    assert not one.met.keys() & two.met.keys(), "no key at two workers"
    for key, met in (one.met | two.met).items():
        assert len({partition for partition, _ in met}) == 1, key
        assert {topic for _, topic in met} == set(topics)


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_producers_compress_as_they_like(compression: str, broker: KafkaConfig) -> None:
    topic = f"pressed.{compression}"
    await make_topics(broker, topic)
    stage = Obedient((topic,))
    items = spread(500)
    async with engine_of(broker, f"pressed-{compression}", placed(stage), compression=compression):
        await put(broker, topic, [*items, (b"k", b"never")], compression_type=compression)
        await wait_until_async(lambda: len(stage.taken) == 501, 20)
        letters = await read_until(
            broker, "stage.failed", lambda found: any(event.payload.topic == topic for event in found)
        )
    assert {value for _, value in items} <= set(stage.values())
    assert letters


def secure(kafka: KafkaPeer, **other: Any) -> KafkaConfig:
    assert kafka.login
    settings: Mapping[str, Any] = {
        "bootstrap_servers": kafka.bootstrap,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "username": kafka.login.user,
        "password": SecretStr(kafka.login.password),
        "ca_file": kafka.login.ca_file,
        **other,
    }
    return KafkaConfig(**settings)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
async def test_a_worker_over_tls_and_sasl(mechanism: Any, secure_kafka: KafkaPeer) -> None:
    broker = secure(secure_kafka, sasl_mechanism=mechanism)
    topic = f"secure.{mechanism.lower()}"
    await make_topics(broker, topic)
    group = topic.replace(".", "-")
    async with engine_of(broker, group, placed(Counting((topic,)))) as engine:
        await put(broker, topic, [(b"k", b"")] * 10)
        await wait_until_async(lambda: counts(engine) == {b"k": 10}, 20)
    async with engine_of(broker, group, placed(Counting((topic,)))) as engine:
        assert counts(engine) == {b"k": 10}, "rows come back over TLS too"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        pytest.param({"password": SecretStr("wrong")}, "refuses user name or password", id="password"),
        pytest.param({"username": "nobody"}, "refuses user name or password", id="user"),
        pytest.param({"ca_file": "another"}, "certificate", id="authority"),
        pytest.param({"security_protocol": "SSL"}, "", id="no-log-in"),
    ],
)
async def test_a_wrong_log_in_is_said_plainly_and_waited_for(
    wrong: dict[str, Any], told: str, secure_kafka: KafkaPeer, tmp_path: Path
) -> None:
    if "ca_file" in wrong:
        wrong = {"ca_file": tmp_path / "another.pem"}
        wrong["ca_file"].write_bytes(Authority.make().certificate_pem())
    if wrong.get("security_protocol") == "SSL":
        wrong |= {"sasl_mechanism": None, "username": None, "password": None}
    broker = secure(secure_kafka, request_timeout_secs=2.0, **wrong)
    settings = config(broker.bootstrap_servers, tmp_path)
    settings = replace(settings, engine=replace(settings.engine, kafka=broker))
    stop, worker = asyncio.Event(), Worker(settings, Codec(), unasked)
    with capture_logs() as lines:
        running = asyncio.ensure_future(worker.run(stop))
        try:
            await wait_until_async(lambda: len(_waiting(lines)) >= 2 or running.done(), 30)
            assert not running.done(), running
            assert all(told in line["why"] for line in _waiting(lines)), _waiting(lines)
        finally:
            stop.set()
            await asyncio.wait_for(asyncio.gather(running, return_exceptions=True), 20)


def _waiting(lines: list[Any]) -> list[Any]:
    return [line for line in lines if line["event"] == "waiting_for_broker"]


async def unasked(number: int) -> None:
    raise AssertionError(f"no registry here, yet asked for {number}")
