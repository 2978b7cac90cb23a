"""A ClickHouse for everything that writes to one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from sinks.clickhouse.client import Client, connected
from sinks.clickhouse.migrate import migrate
from tests.sinks.clickhouse_peer import ClickHousePeer


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHousePeer]:
    """The ClickHouse that all tests share: AWOOOI_TEST_CLICKHOUSE, else a store of our own."""
    given = ClickHousePeer.given()
    if given is not None:
        yield given
        return
    with ClickHousePeer.running(tmp_path_factory.mktemp("clickhouse") / "data") as peer:
        yield peer


@pytest.fixture(scope="module")
def empty_store(store: ClickHousePeer) -> Iterator[ClickHousePeer]:
    """Without tables at the beginning of the module."""
    store.empty()
    yield store
    store.empty()


@pytest.fixture
def own_store(store: ClickHousePeer) -> ClickHousePeer:
    """For what only our own store can be asked."""
    if store.process is None:
        pytest.skip("about the embedded store; AWOOOI_TEST_CLICKHOUSE names a server")
    return store


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """Where a test starts a store for itself, to kill it as it likes."""
    if ClickHousePeer.given() is not None:
        pytest.skip("about the embedded store; AWOOOI_TEST_CLICKHOUSE names a server")
    return tmp_path / "data"


@pytest.fixture
async def clickhouse(empty_store: ClickHousePeer) -> AsyncIterator[Client]:
    """A client of a migrated database; tables are emptied before each test."""
    async with connected(empty_store.config()) as client:
        await migrate(client)
        tables = await client.ask(
            "SELECT name FROM system.tables WHERE database = {db:String} AND engine LIKE '%MergeTree'"
            " AND name != 'schema_migrations' AND total_rows > 0",
            {"db": empty_store.database},
        )
        for table in tables:
            await client.command(f"TRUNCATE TABLE `{table['name']}`")
        yield client
