"""The sink killed at its crash points and at random, the store and Kafka gone and back: each event once."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sinks.clickhouse.client import Client, connected
from sinks.clickhouse.migrate import migrate
from tests.peers import KafkaPeer, Process, free_port, wait_until_async
from tests.sinks.clickhouse_peer import ClickHousePeer
from tests.sinks.harness import Log, ready, running, sink_process, stored, total, troubles
from tests.sinks.samples import hit, normalized

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

ALERTS, HITS = 6000, 3000
EVERYTHING = {"alert.normalized": ALERTS, "incident.hit": HITS}
SEED = 20260101


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[ClickHousePeer]:
    """To be killed: never the one that is shared."""
    with ClickHousePeer.running(tmp_path / "data", free_port()) as peer:
        yield peer


@pytest.fixture
async def client(own_store: ClickHousePeer) -> AsyncIterator[Client]:
    async with connected(own_store.config()) as made:
        await migrate(made)
        yield made


@pytest.fixture
async def log(kafka: KafkaPeer) -> AsyncIterator[Log]:
    async with Log.made(kafka.bootstrap) as made:
        yield made


async def send_everything(log: Log, pieces: int = 20) -> None:
    """Slowly enough that a fault falls into the middle of it."""
    for piece in range(pieces):
        await log.send_all(normalized(n) for n in range(piece, ALERTS, pieces))
        await log.send_all(hit(n + 1) for n in range(piece, HITS, pieces))


async def ended_by_kill(process: Process, timeout: float = 60) -> None:  # noqa: ASYNC109
    await wait_until_async(lambda: not process.running, timeout, what=f"killed\n{process.tail()}")
    assert process.exit_status == -signal.SIGKILL, process.tail()


async def raw_rows(client: Client) -> int:
    (found,) = await client.ask("SELECT count() AS rows FROM events")
    rows: int = found["rows"]
    return rows


POINTS = [
    "sink:before_insert:1",
    "sink:before_insert:3",
    "sink:inserted:1",
    "sink:inserted:4",
    "sink:committed:2",
]


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_a_crash_point(
    log: Log, own_store: ClickHousePeer, client: Client, tmp_path: Path, point: str
) -> None:
    await send_everything(log)
    with sink_process(log, own_store.config(), tmp_path, AWOOOI_CRASH_AT=point) as doomed:
        doomed.start()
        await ended_by_kill(doomed)
    assert await total(client) < ALERTS + HITS
    async with running(log.sink(own_store.config())):
        await log.caught_up()
    assert await stored(client) == EVERYTHING


async def test_killed_between_insert_and_commit_a_batch_is_stored_twice_and_seen_once(
    log: Log, own_store: ClickHousePeer, client: Client, tmp_path: Path
) -> None:
    await client.command("ALTER TABLE events MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1")
    await log.send_all(normalized(n) for n in range(400))
    with sink_process(log, own_store.config(), tmp_path, AWOOOI_CRASH_AT="sink:inserted:1") as doomed:
        doomed.start()
        await ended_by_kill(doomed)
    before = await raw_rows(client)
    assert before == await total(client) > 0
    async with running(log.sink(own_store.config())):
        await log.caught_up()
    assert await raw_rows(client) == 400 + before
    assert await stored(client) == {"alert.normalized": 400}


async def test_killed_at_random(log: Log, own_store: ClickHousePeer, client: Client, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    sending = asyncio.create_task(send_everything(log, pieces=60))
    process = sink_process(log, own_store.config(), tmp_path, SINK_MAX_ROWS="100")
    with process:
        for kill in range(5):
            process.start()
            at_least = chance.randrange(100, 1000) + await total(client)

            async def enough(wanted: int = min(at_least, ALERTS + HITS - 500)) -> bool:
                return await total(client) >= wanted  # also: no id twice while it goes on

            await wait_until_async(enough, 30, what=f"work before kill {kill}", every=0.02)
            process.kill()
        process.start()
        await sending
        await log.caught_up()
    assert await stored(client) == EVERYTHING


async def test_the_store_is_killed_and_comes_back_during_load(
    log: Log, own_store: ClickHousePeer, client: Client
) -> None:
    assert own_store.process is not None
    sending = asyncio.create_task(send_everything(log, pieces=60))
    sink = log.sink(own_store.config(), config={"batch": {"max_rows": 300, "max_age_secs": 0.1}})
    async with running(sink):
        for _ in range(3):
            seen = await total(client)
            await wait_until_async(lambda seen=seen: _more(client, seen), 30, what="progress")
            own_store.process.kill()
            await wait_until_async(lambda: troubles(sink)["clickhouse"], 20, what="the trouble is told")
            await asyncio.to_thread(own_store.start)
        await sending
        await log.caught_up(60)
        await ready(sink)
    assert await stored(client) == EVERYTHING


async def _more(client: Client, than: int) -> bool:
    now = await total(client)
    return now > than or now == ALERTS + HITS


async def test_kafka_is_stopped_killed_and_started(
    fresh_kafka: KafkaPeer, own_store: ClickHousePeer, client: Client
) -> None:
    async with Log.made(fresh_kafka.bootstrap) as log:
        sink = log.sink(own_store.config(), config={"batch": {"max_rows": 300, "max_age_secs": 0.1}})
        async with running(sink):
            for number, end in enumerate([fresh_kafka.stop, fresh_kafka.kill]):
                await log.send_all(normalized(n) for n in range(number, ALERTS, 3))
                await wait_until_async(lambda: _more(client, 0), 30, what="progress")
                await asyncio.to_thread(end)
                await wait_until_async(lambda: troubles(sink)["kafka"], 30, what="the trouble is told")
                await asyncio.to_thread(fresh_kafka.start)
            await log.send_all(normalized(n) for n in range(2, ALERTS, 3))
            await log.send_all(hit(n + 1) for n in range(HITS))
            await log.caught_up(60)
            await ready(sink, 30)
        assert await stored(client) == EVERYTHING


async def test_a_store_that_stays_away_does_not_fill_the_memory(
    log: Log, own_store: ClickHousePeer, client: Client
) -> None:
    assert own_store.process is not None
    sink = log.sink(own_store.config(), config={"batch": {"max_rows": 300, "max_age_secs": 0.1}})
    async with running(sink):
        await ready(sink)
        own_store.process.kill()
        await send_everything(log)
        await wait_until_async(lambda: len(sink._batch.rows) >= 300, timeout=60, what="an open batch is full")
        for _ in range(20):
            await asyncio.sleep(0.05)  # time in which it could read on
            assert len(sink._batch.rows) < 2 * 1000  # a chunk more than the bound at most
        await asyncio.to_thread(own_store.start)
        await log.caught_up()
    assert await stored(client) == EVERYTHING


async def test_without_the_guard_rows_are_lost(
    log: Log, own_store: ClickHousePeer, client: Client, tmp_path: Path
) -> None:
    """Negative control: a sink that commits first loses the batch it is killed with."""
    await send_everything(log)
    env = {"AWOOOI_CRASH_AT": "sink:before_insert:2", "AWOOOI_GUARD_OFF": "commit_after"}
    with sink_process(log, own_store.config(), tmp_path, **env) as doomed:
        doomed.start()
        await ended_by_kill(doomed)
    async with running(log.sink(own_store.config())):
        await log.caught_up()
    assert await total(client) < ALERTS + HITS
