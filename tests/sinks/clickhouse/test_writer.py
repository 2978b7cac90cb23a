"""Batches into ClickHouse: away means wait, refused means set aside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from schemas.codec import Codec
from schemas.errors import Misconfigured, Unreadable
from sinks.clickhouse.client import Client, connected
from sinks.clickhouse.errors import Away, Refused
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.rows import EventRow, SetAside, row_of, set_aside
from sinks.clickhouse.writer import Writer, WriterConfig
from tests.peers import free_port, wait_until_async
from tests.sinks.clickhouse_peer import ClickHousePeer
from tests.sinks.samples import normalized

QUICK = WriterConfig(first_wait_secs=0.02, longest_wait_secs=0.1)
TOO_BIG = 70_000  # for the column schema_version


def rows(count: int, *faulty: int) -> list[EventRow]:
    codec = Codec()
    made = [row_of(codec, "", "alerts", 0, n, codec.encode(normalized(n))) for n in range(count)]
    for number in faulty:
        made[number] = made[number]._replace(schema_version=TOO_BIG)
    return made


def unreadable(count: int) -> list[SetAside]:
    now = time.time_ns() // 1_000_000  # what is older than its table keeps goes with the next merge
    record = SimpleNamespace(timestamp=now, value=b"not at all")
    return [set_aside("", "alerts", 1, n, Unreadable("not at all"), now, record) for n in range(count)]


@pytest.fixture
async def writer(store: ClickHousePeer, clickhouse: Client) -> AsyncIterator[Writer]:
    made = Writer(store.config(), QUICK)
    await made.open()
    yield made
    await made.close()


async def offsets(client: Client, table: str) -> list[int]:
    found = await client.ask(f"SELECT kafka_offset FROM {table} FINAL ORDER BY kafka_offset")
    return [row["kafka_offset"] for row in found]


async def test_a_question_waits_for_its_table(writer: Writer, clickhouse: Client) -> None:
    """A sink that starts before the migrations, or before its grants, goes on with them."""
    asked = asyncio.create_task(writer.ask("SELECT n FROM comes_late"))
    await wait_until_async(lambda: asked.done() or "comes_late" in writer.trouble)
    await clickhouse.command("CREATE TABLE comes_late (n UInt8) ENGINE = Memory")
    assert await asyncio.wait_for(asked, 10) == []
    assert writer.trouble == ""
    await clickhouse.command("DROP TABLE comes_late")


@pytest.mark.parametrize(
    ("count", "faulty"),
    [
        pytest.param(0, [], id="nothing"),
        pytest.param(100, [], id="all good"),
        pytest.param(1, [0], id="one and it is bad"),
        pytest.param(101, [0, 50, 51, 100], id="some bad"),
        pytest.param(8, list(range(8)), id="all bad"),
    ],
)
async def test_only_the_rows_at_fault_are_set_aside(
    writer: Writer, clickhouse: Client, count: int, faulty: list[int]
) -> None:
    aside = await writer.write(rows(count, *faulty), [])
    assert [item.kafka_offset for item in aside] == faulty
    assert await offsets(clickhouse, "set_aside") == faulty
    assert await offsets(clickhouse, "events") == [n for n in range(count) if n not in faulty]


async def test_what_could_not_be_read_is_named_in_the_same_table(writer: Writer, clickhouse: Client) -> None:
    aside = await writer.write(rows(2, 1), unreadable(2))
    assert [item.reason.split(":")[0] for item in aside] == [
        "unreadable",
        "unreadable",
        "refused_by_clickhouse",
    ]
    (found,) = await clickhouse.ask("SELECT count() AS rows FROM set_aside")
    assert found["rows"] == 3


@pytest.mark.parametrize("password", ["", "wrong secret"])
async def test_a_wrong_login_is_said_and_stops_the_start(own_store: ClickHousePeer, password: str) -> None:
    writer = Writer(own_store.config(password=SecretStr(password)), QUICK)
    with pytest.raises(Misconfigured, match="user 'writer' in: user or password is wrong"):
        await writer.open()


async def test_a_store_that_comes_later_is_waited_for(store_path: Path) -> None:
    peer = ClickHousePeer.store(store_path, free_port())
    writer = Writer(peer.config(), QUICK)
    opening = asyncio.create_task(writer.open())
    await wait_until_async(lambda: "does not answer" in writer.trouble)
    assert peer.process is not None
    try:
        await asyncio.to_thread(peer.start)
        await asyncio.wait_for(opening, 10)
        assert writer.trouble == ""
        writing = asyncio.create_task(writer.write(rows(10), []))
        await wait_until_async(
            lambda: "UNKNOWN" in writer.trouble or "exist" in writer.trouble
        )  # no tables yet
        async with connected(peer.config()) as client:
            await migrate(client)
            await asyncio.wait_for(writing, 10)
            assert len(await offsets(client, "events")) == 10
    finally:
        await writer.close()
        peer.process.stop()


async def test_an_idle_writer_notices_that_the_store_is_gone(store_path: Path) -> None:
    with ClickHousePeer.running(store_path) as peer:
        writer = Writer(peer.config(), QUICK)
        await writer.open()
        await writer.look()
        assert writer.trouble == ""
        assert peer.process is not None
        peer.process.kill()
        await writer.look()
        assert writer.trouble
        await asyncio.to_thread(peer.start)
        await writer.look()
        assert writer.trouble == ""
        await writer.close()


class Fake:
    """Refuses every event, or is away a number of times."""

    def __init__(self, *, away: int = 0, refuses: bool = False) -> None:
        self.away, self.refuses = away, refuses
        self.inserts: list[tuple[str, int]] = []

    async def insert_columns(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        if self.away:
            self.away -= 1
            raise Away("overloaded", 252)
        if table == "events" and self.refuses:
            raise Refused("no", 27)
        self.inserts.append((table, len(next(iter(columns.values())))))


def writer_of(fake: Fake, **config: Any) -> Writer:
    writer = Writer(ClickHousePeer.store(Path("unused"), 1).config(), WriterConfig(**config))
    writer._client = fake  # type: ignore[assignment]
    return writer


async def test_the_same_batch_is_tried_again_while_clickhouse_is_away() -> None:
    fake = Fake(away=3)
    assert await writer_of(fake, first_wait_secs=0.001).write(rows(5), []) == []
    assert fake.inserts == [("events", 5)]


async def test_many_refusals_slow_the_sink_down() -> None:
    """A bad release must not empty the log into `set_aside`."""
    fake = Fake(refuses=True)
    writer = writer_of(fake, free_refusals=2, refusal_wait_secs=3600)
    writing = asyncio.create_task(writer.write(rows(4), []))
    await wait_until_async(lambda: fake.inserts == [("set_aside", 4)])
    done, _ = await asyncio.wait({writing}, timeout=0.05)
    assert not done
    writing.cancel()
