"""The sink links and pins what it stores; `verify` then proves it, whatever happened to the sink."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from schemas.envelope import Event
from schemas.errors import Misconfigured
from sinks.clickhouse import heads_file
from sinks.clickhouse.audit import verify
from sinks.clickhouse.breaks import Report, Scope
from sinks.clickhouse.client import Client, connected
from sinks.clickhouse.migrate import migrate
from sinks.pinning import Pins
from tests.peers import KafkaPeer, wait_until_async
from tests.sinks.clickhouse.audited import KEYS, pins_in
from tests.sinks.clickhouse_peer import ClickHousePeer
from tests.sinks.harness import Log, running, sink_process
from tests.sinks.samples import hit, normalized
from tests.sinks.test_pinning import Hanging

pytestmark = pytest.mark.kafka
COUNT = 200


@dataclass
class Audited:
    """One log, and the record of it."""

    log: Log
    client: Client
    heads: Path
    announced: list[Event] = field(default_factory=list)

    def pins(self, **more: float) -> Pins:
        async def announce(event: Event) -> None:
            self.announced.append(event)
            await self.log.send(event)

        return pins_in(self.heads, CollectorRegistry(), announce, **more)

    async def send(self, start: int = 0) -> None:
        await self.log.send_all(normalized(n) for n in range(start, start + COUNT))
        await self.log.send_all(hit(n + 1) for n in range(start, start + COUNT // 2))

    async def report(self) -> Report:
        return await verify(self.client, heads_file.read(self.heads, KEYS).pins, KEYS, Scope())

    async def is_proven(self) -> Report:
        found = await self.report()
        mine = [str(one) for one in found.breaks if one.place.topic.startswith(self.log.prefix)]
        assert (mine, found.unproven) == ([], [])
        return found


@pytest.fixture
async def audited(kafka: KafkaPeer, empty_store: ClickHousePeer, tmp_path: Path) -> AsyncIterator[Audited]:
    async with connected(empty_store.config()) as client, Log.made(kafka.bootstrap) as log:
        await migrate(client)
        yield Audited(log, client, tmp_path / "heads.jsonl")


async def test_a_clean_stop_leaves_nothing_unpinned(audited: Audited, store: ClickHousePeer) -> None:
    await audited.send()
    await audited.log.send_bytes("incidents", b"poison")
    async with running(audited.log.sink(store.config(), pins=audited.pins())):
        await audited.log.caught_up()
    found = await audited.is_proven()
    assert found.aside == 1
    assert found.links >= COUNT + COUNT // 2 + 1
    assert {event.type for event in audited.announced} == {"audit.head", "audit.checkpoint"}
    heads = [pin for pin in heads_file.read(audited.heads, KEYS).pins if pin.subject.startswith("/sink-")]
    assert {pin.subject.split(".", 1)[1] for pin in heads} >= {
        "alerts.normalized/0",
        "alerts.normalized/1",
        "incidents/0",
        "incidents/1",
    }


POINTS = ("sink:inserted:1", "audit:torn_append:1", "sink:linked:1", "audit:before_pin:1", "sink:committed:1")


async def test_killed_anywhere_the_audit_goes_on(
    audited: Audited, store: ClickHousePeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what was killed, each time another one goes on; nothing looks tampered with in between."""
    monkeypatch.setattr("sinks.clickhouse.audit.WAIT_SECS", 0)
    for number, point in enumerate(POINTS):
        await audited.send(number * COUNT)
        env = {"AWOOOI_CRASH_AT": point, "SINK_HEADS": str(audited.heads)}
        with sink_process(audited.log, store.config(), tmp_path, **env) as doomed:
            doomed.start()
            await wait_until_async(lambda doomed=doomed: not doomed.running, 60, what=f"killed at {point}")
            assert doomed.exit_status == -signal.SIGKILL, doomed.tail()
        assert list((await audited.report()).breaks) == [], point
    async with running(audited.log.sink(store.config(), pins=audited.pins())):
        await audited.log.caught_up()
    assert (await audited.is_proven()).events >= len(POINTS) * COUNT * 3 // 2
    assert heads_file.read(audited.heads, KEYS).torn == 1


async def test_a_heads_file_that_hangs_does_not_stop_the_record(
    audited: Audited, store: ClickHousePeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.pinning.PATIENCE_SECS", 0)
    sink = audited.log.sink(store.config(), pins=audited.pins(every_secs=0.01))
    async with running(sink):
        await wait_until_async(audited.heads.exists, 10, what="it has begun")
        share = Hanging(monkeypatch)
        await audited.send()
        await audited.log.caught_up()
        await wait_until_async(lambda: bool(sink.checks()["heads_file"]()), 10, what="it is said")
        share.answers.set()
    await audited.is_proven()


async def test_two_sinks_share_the_partitions_and_change_them(
    audited: Audited, store: ClickHousePeer
) -> None:
    async with running(audited.log.sink(store.config(), pins=audited.pins())):
        sending = asyncio.create_task(_slowly(audited))
        async with running(audited.log.sink(store.config(), pins=audited.pins())):
            await asyncio.wait({sending}, timeout=30)
        await sending
        await audited.log.caught_up()
    await audited.is_proven()


async def _slowly(audited: Audited) -> None:
    for part in range(6):
        await audited.send(part * COUNT)


async def test_it_does_not_start_on_a_record_that_was_cut(audited: Audited, store: ClickHousePeer) -> None:
    await audited.send()
    async with running(audited.log.sink(store.config(), pins=audited.pins())):
        await audited.log.caught_up()
    where = f"topic = '{audited.log.prefix}incidents' AND kafka_offset > 5"
    await audited.client.command(f"ALTER TABLE audit_chain DELETE WHERE {where} SETTINGS mutations_sync = 1")
    with pytest.raises(Misconfigured, match="rolled back or rewritten"):
        async with asyncio.timeout(30):
            await audited.log.sink(store.config(), pins=audited.pins()).run()
