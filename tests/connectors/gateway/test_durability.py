"""A 2xx is a promise: what was accepted is in Kafka, byte for byte, whatever happens next."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.gateway.stamp import read_stamp
from connectors.http import HttpClient, Reply
from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from connectors.tokens import new_token
from schemas.catalog import raw_topic
from schemas.errors import NotNow
from tests.connectors.gateway.support import NO_LIMIT, SECRET
from tests.peers import KafkaPeer, Process, free_port, wait_until_async

SENDERS = 32
PADDING = b" " * 40_000  # so that some records always wait for the one before


@dataclass
class Running:
    """A gateway process on a Kafka, with a source of its own."""

    process: Process
    port: int
    source: str
    token: str

    @property
    def topic(self) -> str:
        return f"alerts.raw.{self.source}"

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def post(self, http: HttpClient, body: bytes) -> Reply:
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        return await http.post(self.url(f"/api/v1/webhooks/{self.source}"), body, headers)

    async def becomes_ready(self, http: HttpClient, status: int = 200) -> None:
        async def answers() -> bool:
            try:
                return (await http.get(self.url("/readyz"))).status == status
            except NotNow:
                return False

        await wait_until_async(answers, timeout=20, what=f"/readyz answers {status}")


@contextmanager
def gateway_process(kafka: KafkaPeer, folder: Path) -> Iterator[Running]:
    source, port = f"t{uuid4().hex}", free_port()
    _, token = new_token(folder / "tokens.json", "test", limits=NO_LIMIT)
    command = [sys.executable, "-m", "tests.connectors.gateway.serve_one", kafka.bootstrap]
    command += [str(port), str(folder / "tokens.json"), source]
    with Process(command, folder / "gateway.log") as process:
        yield Running(process.start(), port, source, token)


async def make_topic(kafka: KafkaPeer, source: str) -> None:
    config = KafkaConfig(bootstrap_servers=kafka.bootstrap)
    assert (await apply_topics(config, [replace(raw_topic(source), keyed=True)], 4)).is_good


async def records_of(kafka: KafkaPeer, topic: str) -> list[Any]:
    """Every record that stands in the topic now."""
    async with AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, fetch_max_wait_ms=50) as consumer:
        partitions = [TopicPartition(topic, number) for number in range(4)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        found: list[Any] = []
        while len(found) < sum(ends.values()):
            batches = await consumer.getmany(timeout_ms=500)
            found += [record for batch in batches.values() for record in batch]
        return found


async def test_what_was_accepted_is_there_byte_for_byte(kafka: KafkaPeer, tmp_path: Path) -> None:
    largest = b'{"x": "' + b"y" * (1024 * 1024 - 9) + b'"}'
    bodies = [b'{"a": "\xc3\xa9\\u00e9"}', b" [1,\n 2] ", largest]
    async with HttpClient() as http:
        with gateway_process(kafka, tmp_path) as gateway:
            await make_topic(kafka, gateway.source)
            await gateway.becomes_ready(http)
            replies = [await gateway.post(http, body) for body in bodies]

    assert [reply.status for reply in replies] == [202, 202, 202]
    stored = {(r.topic, r.partition, r.offset): r for r in await records_of(kafka, gateway.topic)}
    for body, reply in zip(bodies, replies, strict=True):
        told = reply.json()
        record = stored.pop((told["topic"], told["partition"], told["offset"]))
        assert record.value == body
        assert read_stamp(SECRET.encode(), dict(record.headers)["awoooi_stamp"], record.topic, body)
    assert stored == {}


async def test_a_gateway_killed_right_after_its_answer_loses_nothing(
    kafka: KafkaPeer, tmp_path: Path
) -> None:
    accepted: list[bytes] = []
    async with HttpClient() as http:
        with gateway_process(kafka, tmp_path) as gateway:
            await make_topic(kafka, gateway.source)
            for attempt in range(3):
                await gateway.becomes_ready(http)
                kill_at = random.randint(1, 40)
                senders = [_send(http, gateway, f"{attempt}.{n}", accepted, kill_at) for n in range(SENDERS)]
                await asyncio.gather(*senders)
                assert not gateway.process.running
                gateway.process.start()

    stored = {record.value for record in await records_of(kafka, gateway.topic)}
    assert len(accepted) >= 3
    assert [body for body in accepted if body not in stored] == []


async def _send(http: HttpClient, gateway: Running, sender: str, accepted: list[bytes], kill_at: int) -> None:
    """Sends until the gateway is dead; the one who gets the answer number `kill_at` kills it."""
    before = len(accepted)
    for number in range(1000):
        body = b'"%b.%d"' % (sender.encode(), number) + PADDING
        try:
            reply = await gateway.post(http, body)
        except NotNow:
            return
        if reply.status == 202:
            accepted.append(body)
        if len(accepted) - before >= kill_at:
            gateway.process.signal(signal.SIGKILL)
            gateway.process.wait()


async def test_kafka_away_is_503_and_kafka_back_is_202(fresh_kafka: KafkaPeer, tmp_path: Path) -> None:
    accepted: list[bytes] = []
    async with HttpClient() as http:
        with gateway_process(fresh_kafka, tmp_path) as gateway:
            await make_topic(fresh_kafka, gateway.source)
            await gateway.becomes_ready(http)
            assert (await gateway.post(http, b'"before"')).status == 202

            fresh_kafka.kill()
            away = await gateway.post(http, b'"away"')
            assert (away.status, away.headers["retry-after"]) == (503, "2")
            assert (await http.get(gateway.url("/healthz"))).status == 200
            await gateway.becomes_ready(http, status=503)

            fresh_kafka.start()

            async def is_taken() -> bool:
                body = b'"after %d"' % len(accepted)
                accepted.append(body)
                return (await gateway.post(http, body)).status == 202

            await wait_until_async(is_taken, timeout=20)

    stored = [record.value for record in await records_of(fresh_kafka, gateway.topic)]
    assert b'"before"' in stored
    assert accepted[-1] in stored


async def test_it_starts_without_kafka_and_finds_it_later(fresh_kafka: KafkaPeer, tmp_path: Path) -> None:
    fresh_kafka.stop()
    async with HttpClient() as http:
        with gateway_process(fresh_kafka, tmp_path) as gateway:
            await gateway.becomes_ready(http, status=503)
            assert (await gateway.post(http, b"{}")).status == 503

            fresh_kafka.start()
            await make_topic(fresh_kafka, gateway.source)
            await gateway.becomes_ready(http)
            assert (await gateway.post(http, b"{}")).status == 202


async def test_a_missing_topic_is_503_and_says_so_to_the_operator(kafka: KafkaPeer, tmp_path: Path) -> None:
    async with HttpClient() as http:
        with gateway_process(kafka, tmp_path) as gateway:
            await gateway.becomes_ready(http)
            reply = await gateway.post(http, b"{}")

    assert (reply.status, reply.headers["retry-after"]) == (503, "30")
    assert "awoooi topics apply" in gateway.process.output()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly(kafka: KafkaPeer, tmp_path: Path, number: int) -> None:
    async with HttpClient() as http:
        with gateway_process(kafka, tmp_path) as gateway:
            await make_topic(kafka, gateway.source)
            await gateway.becomes_ready(http)
            open_requests = [asyncio.create_task(gateway.post(http, b"%d" % n)) for n in range(20)]
            await wait_until_async(lambda: any(task.done() for task in open_requests))
            gateway.process.signal(number)
            outcomes = await asyncio.gather(*open_requests, return_exceptions=True)
            status = gateway.process.wait(15)

    assert status == 0
    assert "gateway_stopped" in gateway.process.output()
    accepted = sum(1 for reply in outcomes if isinstance(reply, Reply) and reply.status == 202)
    assert len(await records_of(kafka, gateway.topic)) >= accepted >= 1


async def test_a_port_in_use_is_said_plainly(kafka: KafkaPeer, tmp_path: Path) -> None:
    async with HttpClient() as http:
        with gateway_process(kafka, tmp_path) as gateway:
            await gateway.becomes_ready(http)
            second = Process(gateway.process.command, tmp_path / "second.log").start()
            assert second.wait(15) != 0

    assert f"cannot listen on 127.0.0.1:{gateway.port}" in second.output()
