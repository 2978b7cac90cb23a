"""What comes of trouble: wait, or never."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from schemas.errors import Never, NotNow
from sinks.clickhouse.client import Client, connected
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.errors import Away, Refused
from tests.peers import free_port
from tests.sinks.clickhouse.events import COLUMNS, event, values
from tests.sinks.clickhouse_peer import ClickHousePeer


async def test_rows_go_in_and_come_out(clickhouse: Client) -> None:
    await clickhouse.insert("events", values([event("a", "a.b", 1), event("b", "a.b", 2)]), COLUMNS)
    columns = dict(zip(COLUMNS, zip(*values([event("c", "a.b", 3)]), strict=True), strict=True))
    await clickhouse.insert_columns("events", columns)
    await clickhouse.insert("events", [], COLUMNS)
    rows = await clickhouse.ask(
        "SELECT kafka_offset AS o FROM events WHERE o >= {low:Int64} ORDER BY o", {"low": 2}
    )
    assert rows == [{"o": 2}, {"o": 3}]


@pytest.mark.parametrize(
    "changes",
    [
        {"event_id": "no uuid"},
        {"kafka_offset": 2**63},
        {"kafka_partition": "three"},
        {"schema_version": -1},
        {"project_id": None},
        {"occurred_at": "yesterday"},
        {"causes": ["no uuid"]},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_value_that_does_not_fit_is_refused(clickhouse: Client, changes: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        await clickhouse.insert("events", values([event("a", "a.b", 1) | changes]), COLUMNS)
    assert isinstance(caught.value, Never)
    await clickhouse.insert("events", values([event("b", "a.b", 2)]), COLUMNS)
    assert await clickhouse.ask("SELECT kafka_offset AS o FROM events") == [{"o": 2}]


async def test_a_row_that_the_table_refuses(clickhouse: Client) -> None:
    await clickhouse.command(
        "CREATE TABLE even (n UInt8, CONSTRAINT even CHECK n % 2 = 0) ENGINE = MergeTree ORDER BY n"
    )
    with pytest.raises(Refused) as caught:
        await clickhouse.insert("even", [(1,)], ["n"])
    assert caught.value.code == 469
    await clickhouse.insert("even", [(2,)], ["n"])
    await clickhouse.command("DROP TABLE even SYNC")


@pytest.mark.parametrize("sql", ["SELEKT", "SELECT nope", "SELECT * FROM nope", "SELECT toUInt8('x')"])
async def test_a_wrong_question_is_refused(clickhouse: Client, sql: str) -> None:
    with pytest.raises(Refused) as caught:
        await clickhouse.ask(sql)
    assert caught.value.code in (6, 47, 60, 62)


async def test_a_missing_table_is_no_fault_of_the_rows(clickhouse: Client) -> None:
    with pytest.raises(Away):
        await clickhouse.insert("not_yet", [(1,)], ["n"])


async def test_nobody_answers() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Away) as caught:
        await Client.connect(ClickHouseConfig(url=url))
    assert isinstance(caught.value, NotNow)
    assert str(caught.value) == (
        f"ClickHouse at {url} does not answer (connection refused); "
        "start it with `awoooi up`, or name one with AWOOOI_CLICKHOUSE_URL"
    )


async def test_a_host_that_nobody_knows_is_told() -> None:
    with pytest.raises(Away, match=r"http://nobody\.invalid:8123 does not answer \([^\[\]:]+\); start it"):
        await Client.connect(ClickHouseConfig(url="http://nobody.invalid:8123"))


async def test_what_is_no_clickhouse_is_told() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(Away, match=rf"127\.0\.0\.1:{port} does not answer \(Server disconnected\)$"):
            await Client.connect(ClickHouseConfig(url=f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("sql", "start", "end"),
    [
        ("SELECT nope", "Unknown expression", "(UNKNOWN_IDENTIFIER)"),
        ("SELECT * FROM nope", "Unknown table", "(UNKNOWN_TABLE)"),
        ("SELEKT", "Syntax error: failed at position 1 (SELEKT) (line 1, col 1): SELEKT. ", ""),
    ],
    ids=["column", "table", "syntax"],
)
async def test_a_refusal_is_told_in_its_own_words(clickhouse: Client, sql: str, start: str, end: str) -> None:
    with pytest.raises(Refused) as caught:
        await clickhouse.ask(sql)
    assert str(caught.value).startswith(start)
    assert str(caught.value).endswith(end)
    assert "http" not in str(caught.value)


async def test_no_data_frames_are_loaded(store: ClickHousePeer) -> None:
    """pandas takes 90 MB, and the driver loads it where it is installed."""
    insert = (
        "import asyncio, sys; from sinks.clickhouse.client import connected; "
        "from sinks.clickhouse.config import ClickHouseConfig\n"
        "async def insert():\n"
        "    async with connected(ClickHouseConfig.model_validate_json(sys.argv[1])) as client:\n"
        "        await client.command('CREATE TABLE kept (n UInt8) ENGINE = MergeTree ORDER BY n')\n"
        "        await client.insert('kept', [(1,)], ['n'])\n"
        "        await client.command('DROP TABLE kept SYNC')\n"
        "asyncio.run(insert())\n"
        "print(sorted({'pandas', 'pyarrow', 'polars'} & sys.modules.keys()))"
    )
    config = store.config()
    given = config.model_dump(mode="json") | {"password": config.password.get_secret_value()}
    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", insert, json.dumps(given)], capture_output=True, text=True
    )
    assert (ran.stdout.strip(), ran.returncode) == ("[]", 0), ran.stderr


async def test_a_wrong_password_is_a_reason_to_wait(store: ClickHousePeer) -> None:
    with pytest.raises(Away) as caught:
        await Client.connect(store.config(password=SecretStr("wrong")))
    assert caught.value.code == 516


async def test_an_answer_that_never_comes() -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(Away, match=rf"ClickHouse at http://127\.0\.0\.1:{port} does not answer in time"):
            await Client.connect(ClickHouseConfig(url=f"http://127.0.0.1:{port}", request_timeout_secs=0.2))


class ForgetfulDriver:
    """Takes all rows and stores one less."""

    async def create_insert_context(self, *_: Any, **__: Any) -> SimpleNamespace:
        return SimpleNamespace(column_types=[])

    async def insert(self, context: SimpleNamespace) -> SimpleNamespace:
        return SimpleNamespace(written_rows=len(context.data) - 1)


async def test_fewer_rows_written_than_sent_is_an_error() -> None:
    client = Client(ClickHouseConfig(), ForgetfulDriver())
    with pytest.raises(Away, match="of 2 rows for events only 1"):
        await client.insert("events", [(1,), (2,)], ["n"])


async def test_it_goes_on_after_a_restart(store_path: Path) -> None:
    with ClickHousePeer.running(store_path) as peer:
        async with connected(peer.config()) as client:
            await client.command("CREATE TABLE kept (n UInt8) ENGINE = MergeTree ORDER BY n")
            await client.insert("kept", [(1,)], ["n"])
            assert peer.process is not None
            peer.process.kill()
            with pytest.raises(Away):
                await client.insert("kept", [(2,)], ["n"])
            peer.start()
            await client.insert("kept", [(3,)], ["n"])
            assert await client.ask("SELECT n FROM kept ORDER BY n") == [{"n": 1}, {"n": 3}]


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "127.0.0.1:8123"},
        {"url": "http://writer:secret@127.0.0.1:8123"},
        {"database": "a; b"},
        {"connect_timeout_secs": 0},
        {"colour": "red"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_wrong_setting_is_named(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(changes))):
        ClickHouseConfig(**changes)


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(ClickHouseConfig(password=SecretStr("secret")))
