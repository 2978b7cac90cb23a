"""Migrations are applied once, in order, and never rewritten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from schemas.errors import Misconfigured
from sinks.clickhouse.client import Client, connected
from sinks.clickhouse.migrate import FOLDER, Applied, Migration, migrate, read_migrations
from tests.sinks.clickhouse.reading_story import store_story
from tests.sinks.clickhouse_peer import ClickHousePeer

FIRST = "CREATE TABLE IF NOT EXISTS one (n UInt8 COMMENT 'a; b') ENGINE = MergeTree ORDER BY n; -- done;\n"
SECOND = (
    "/* two; statements */ ALTER TABLE one ADD COLUMN IF NOT EXISTS m UInt8;\nINSERT INTO one VALUES (1, 2)\n"
)


@pytest.fixture
async def client(store: ClickHousePeer) -> AsyncIterator[Client]:
    store.empty()
    async with connected(store.config()) as client:
        yield client
    store.empty()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text(FIRST)
    return tmp_path


async def test_ours_are_applied_once(client: Client) -> None:
    names = [migration.name for migration in read_migrations(FOLDER)]
    assert [applied.name for applied in await migrate(client)] == names
    assert await migrate(client) == []


async def test_what_is_new_is_applied_later(client: Client, folder: Path) -> None:
    assert await migrate(client, folder) == [Applied(1, "first", statements=1)]
    (folder / "0002_second.sql").write_text(SECOND)
    assert await migrate(client, folder) == [Applied(2, "second", statements=2)]
    assert await client.ask("SELECT n, m FROM one") == [{"n": 1, "m": 2}]
    recorded = await client.ask("SELECT number, name FROM schema_migrations FINAL ORDER BY number")
    assert recorded == [{"number": 1, "name": "first"}, {"number": 2, "name": "second"}]


async def test_marks_of_what_was_stored_before_are_the_same(
    client: Client, store: ClickHousePeer, tmp_path: Path
) -> None:
    """And filling them in twice adds none."""
    for file in FOLDER.glob("*.sql"):
        if file.name <= "0016_marks.sql":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    await migrate(client, tmp_path)
    await store_story(store)
    *_, fill = read_migrations(tmp_path)[-1].statements()
    asked = "SELECT * FROM incident_marks FINAL ORDER BY project_id, incident_id, event_id"
    told = await client.ask(asked)
    assert told
    for before in ("SELECT 1", "TRUNCATE TABLE incident_marks"):
        await client.command(before)
        await client.command(fill)
        assert await client.ask(asked) == told


async def test_a_changed_one_is_named(client: Client, folder: Path) -> None:
    await migrate(client, folder)
    (folder / "0001_first.sql").write_text(FIRST + "-- a word\n")
    (folder / "0002_second.sql").write_text(SECOND)
    with pytest.raises(Misconfigured, match="0001_first was changed"):
        await migrate(client, folder)
    assert await client.ask("SELECT number FROM schema_migrations") == [{"number": 1}]


async def test_a_database_of_a_newer_version_is_refused(client: Client, folder: Path) -> None:
    (folder / "0002_second.sql").write_text(SECOND)
    await migrate(client, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(Misconfigured, match=r"0002_second.* newer"):
        await migrate(client, folder)


async def test_one_that_failed_halfway_is_applied_again(client: Client, folder: Path) -> None:
    (folder / "0001_first.sql").write_text(FIRST + ";SELECT broken")
    with pytest.raises(Exception, match="broken"):
        await migrate(client, folder)
    (folder / "0001_first.sql").write_text(FIRST)
    assert await migrate(client, folder) == [Applied(1, "first", statements=1)]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["0001_a.sql", "0001_b.sql"], "two migrations have the number 0001"),
        (["0001_a.sql", "0003_c.sql"], "migration 0002 is missing"),
        (["0002_b.sql"], "migration 0001 is missing"),
        (["first.sql"], "named like 0001_events.sql, not first.sql"),
    ],
    ids=["double", "gap", "no first", "no number"],
)
def test_wrong_numbers_are_named(tmp_path: Path, files: list[str], words: str) -> None:
    for file in files:
        (tmp_path / file).write_text("SELECT 1")
    with pytest.raises(Misconfigured, match=words):
        read_migrations(tmp_path)


def test_statements_end_at_their_own_semicolons() -> None:
    assert [text.count(";") for text in Migration(1, "x", FIRST).statements()] == [1]
    first, second = Migration(1, "x", SECOND).statements()
    assert first.endswith("m UInt8")
    assert second == "INSERT INTO one VALUES (1, 2)"


async def test_a_server_takes_ours_too(client: Client) -> None:
    """As far as it can be seen from here: the ordinary engines only, and a comment on every column."""
    await migrate(client)
    engines = await client.ask(
        "SELECT DISTINCT engine FROM system.tables WHERE database = {db:String} ORDER BY engine",
        {"db": client.config.database},
    )
    assert [row["engine"] for row in engines] == ["MaterializedView", "ReplacingMergeTree", "View"]
    bare = await client.ask(
        "SELECT table, name FROM system.columns WHERE database = {db:String} AND comment = ''"
        " AND table NOT LIKE '%\\\\_from\\\\_events'",
        {"db": client.config.database},
    )
    assert bare == []
