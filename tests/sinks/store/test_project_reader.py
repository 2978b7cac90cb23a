"""A reader of one project sees that project, whatever is asked and however it is asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from schemas.codec import Codec
from schemas.errors import Misconfigured
from sinks.clickhouse.client import connected
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.project_reader import password_of, project_of, project_reader
from sinks.clickhouse.rows import EventRow, row_of
from sinks.clickhouse.tables import tables_of_projects
from sinks.clickhouse.writer import Writer
from tests.sinks.clickhouse_peer import READER_PASSWORD, ClickHousePeer
from tests.sinks.samples import every_event

SECRET = "INC-20260101-SECRET"


@pytest.fixture(scope="module")
def peer(store: ClickHousePeer, empty_store: ClickHousePeer) -> ClickHousePeer:
    """Every kind of event twice: of shop, and of bank, whose incident nobody else may hear of."""
    if store.process is None:
        pytest.skip("about the embedded store; a server has its row policies in deploy/clickhouse")
    asyncio.run(_fill(store))
    return store


async def _fill(store: ClickHousePeer) -> None:
    codec = Codec()
    async with connected(store.config()) as client:
        await migrate(client)
    ours = [
        row_of(codec, "", "t", 0, place, codec.encode(event)) for place, event in enumerate(every_event())
    ]
    writer = Writer(store.config())
    await writer.open()
    await writer.write([row._replace(project_id="shop") for row in ours] + [_banks(row) for row in ours], [])
    await writer.close()


def _banks(row: EventRow) -> EventRow:
    """The other project's: the same ids would do as well, since a project is part of each key."""
    return row._replace(
        project_id="bank",
        incident_id=SECRET,
        kafka_offset=row.kafka_offset + 1000,
        payload=row.payload.replace(b"INC-", b"SECRET-"),
    )


def ask(peer: ClickHousePeer, sql: str, project: str = "shop", **options: Any) -> httpx.Response:
    login = (f"reader@{project}", password_of(READER_PASSWORD, project))
    return replace(peer, reader=login).post(sql, user="reader", **options)


def tells(text: str) -> bool:
    return '"bank"' in text or "SECRET" in text


@pytest.mark.parametrize("table", tables_of_projects())
def test_of_each_table_a_project_s_rows_are_seen_and_no_others(peer: ClickHousePeer, table: str) -> None:
    everything = dict(peer.ask(f"SELECT project_id, count() FROM {table} GROUP BY project_id"))
    seen = ask(peer, f"SELECT project_id, count() FROM {table} GROUP BY project_id FORMAT CSV").text
    assert seen.strip() == (f'"shop",{everything["shop"]}' if "shop" in everything else "")
    assert ask(peer, f"SELECT count() FROM {table}").text == f"{everything.get('shop', 0)}\n"


def test_most_tables_have_rows_of_both(peer: ClickHousePeer) -> None:
    """Else the test above shows nothing."""
    counts = {t: peer.ask(f"SELECT uniqExact(project_id) FROM {t}")[0][0] for t in tables_of_projects()}
    assert {name for name, count in counts.items() if count < 2} <= {"set_aside", "audit_chain", "switches"}


def test_of_each_view_too(peer: ClickHousePeer) -> None:
    views = peer.ask("SELECT name FROM system.tables WHERE database = 'awoooi' AND engine = 'View'")
    for (view,) in views:
        answer = ask(peer, f"SELECT * FROM {view} FORMAT JSONEachRow")
        assert answer.is_success, f"{view}: {answer.text}"
        assert not tells(answer.text), view
        assert ask(peer, f"SELECT DISTINCT project_id FROM {view}").text in ("shop\n", ""), view


ATTACKS = [
    "SELECT * FROM events SETTINGS log_comment = '*'",
    "SELECT * FROM (SELECT * FROM events SETTINGS log_comment = '*')",
    "SELECT * FROM events WHERE event_id IN (SELECT event_id FROM events SETTINGS log_comment = '*')",
    "WITH e AS (SELECT * FROM events SETTINGS log_comment = '*') SELECT * FROM e",
    "SELECT * FROM view(SELECT * FROM events SETTINGS log_comment = '*')",
    "SELECT (SELECT max(incident_id) FROM events SETTINGS log_comment = '*') AS worst",
    "SELECT * FROM events UNION ALL (SELECT * FROM events SETTINGS log_comment = 'bank')",
    "SELECT * FROM v_incidents SETTINGS log_comment = 'bank', readonly = 0",
    "SET log_comment = '*'",
    "SELECT * FROM (SELECT * FROM events SETTINGS limit = 1000, log_comment = '*')",
    "SELECT * FROM (SELECT * FROM events SETTINGS limit, log_comment = '*')",
    "SELECT * FROM (SELECT * FROM events WHERE 1 > 0. SETTINGS log_comment = '*')",
    "SELECT * FROM events WHERE project_id = 'bank'",
    "SELECT * FROM events WHERE 1 OR project_id = 'bank'",
    "SELECT min(incident_id), max(incident_id), min(project_id), max(project_id), count() FROM incidents",
    "SELECT DISTINCT incident_id FROM events",
    "SELECT toInt64(incident_id) FROM events",
    "SELECT toDateTime(incident_id) FROM events WHERE project_id = 'bank'",
    "SELECT count() FROM events WHERE toUInt8(incident_id) = 1",
    "SELECT count() FROM events PREWHERE toUInt8(incident_id) = 1",
    "SELECT count() FROM events FINAL PREWHERE throwIf(project_id = 'bank', 'SECRET found')",
    "SELECT sum(throwIf(project_id = 'bank', 'SECRET found')) AS n FROM events",
    "SELECT count() FROM v_incidents WHERE throwIf(project_id = 'bank', 'SECRET found')",
    "SELECT count() FROM runs WHERE throwIf(project_id = 'bank', 'SECRET found') GROUP BY project_id",
    "SELECT throwIf(count() > 0, 'SECRET found') AS n FROM events AS a JOIN events AS b USING (event_id)"
    " WHERE b.project_id = 'bank'",
    "SELECT throwIf(1 IN (SELECT 1 FROM events WHERE project_id = 'bank'), 'SECRET found') AS n",
    "SELECT throwIf(exists(SELECT 1 FROM events WHERE project_id = 'bank'), 'SECRET found') AS n",
    "WITH e AS (SELECT * FROM events) SELECT * FROM e WHERE project_id != 'shop'",
    "SELECT * FROM view(SELECT * FROM events)",
    "SELECT * FROM awoooi.events",
    "SELECT * FROM `awoooi`.`events`",
    "SELECT * FROM events AS `awoooi.alerts`",
    "SELECT * FROM events INTERSECT SELECT * FROM events",
    "SELECT * FROM incident_events_from_events",
    "SELECT * FROM `incident_events_from_events`",
    "SELECT * FROM awoooi.runs_from_events",
    "SELECT name FROM schema_migrations",
    "SELECT * FROM merge('awoooi', '.*')",
    "SELECT * FROM mergeTreeIndex('awoooi', 'events')",
    "SELECT * FROM loop(events)",
    "SELECT * FROM remote('localhost', 'awoooi', 'events')",
    "SELECT * FROM eval('SELECT * FROM events')",
    "SELECT * FROM system.parts",
    "SELECT total_rows FROM system.tables",
    "SELECT data_compressed_bytes FROM system.columns",
    "SELECT * FROM `system`.`data_skipping_indices`",
    "SELECT * FROM system.completions",
    "SELECT table_rows FROM information_schema.tables",
    "SELECT table_rows FROM INFORMATION_SCHEMA.TABLES",
    "EXPLAIN ESTIMATE SELECT * FROM events WHERE project_id = 'bank'",
    "EXPLAIN indexes = 1 SELECT * FROM events WHERE project_id = 'bank'",
    "SELECT * FROM (EXPLAIN SELECT * FROM events)",
    "SELECT * FROM viewExplain('EXPLAIN ESTIMATE', '', (SELECT * FROM events))",
    "INSERT INTO events (project_id) VALUES ('bank')",
    "ALTER TABLE events DELETE WHERE 1",
    "CREATE VIEW mine AS SELECT * FROM events",
    "DROP ROW POLICY default ON awoooi.events",
    "SELECT getSetting('log_comment') AS scope, project_id FROM events WHERE project_id != scope",
]


@pytest.mark.parametrize("sql", ATTACKS, ids=range(len(ATTACKS)))
def test_another_project_stays_unseen(peer: ClickHousePeer, sql: str) -> None:
    answer = ask(peer, f"{sql} FORMAT JSONEachRow" if sql.startswith(("SELECT", "WITH")) else sql)
    said = answer.text.replace(sql, "")
    assert not tells(said), said
    refused_or_fine = answer.is_success or answer.headers["X-ClickHouse-Exception-Code"] in (
        "6", "41", "62", "164", "497"
    )  # fmt: skip
    assert refused_or_fine, answer.text


MUST_BE_REFUSED = ("from_events", "schema_migrations", "system", "schema.", "EXPLAIN", "SETTINGS", "merge")


@pytest.mark.parametrize("sql", [sql for sql in ATTACKS if any(word in sql for word in MUST_BE_REFUSED)])
def test_what_row_policies_do_not_reach_is_refused(peer: ClickHousePeer, sql: str) -> None:
    assert ask(peer, sql).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"params": {"log_comment": "*"}}, id="scope"),
        pytest.param({"params": {"log_comment": "bank"}}, id="another project"),
        pytest.param({"params": {"readonly": "0"}}, id="readonly"),
        pytest.param({"params": {"database": "system"}}, id="database"),
        pytest.param({"params": {"max_threads": "8"}}, id="any setting"),
    ],
)
def test_no_parameter_opens_it(peer: ClickHousePeer, changes: dict[str, Any]) -> None:
    answer = ask(peer, "SELECT * FROM events", **changes)
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize(
    ("user", "password"),
    [
        pytest.param(
            "reader@bank", password_of(READER_PASSWORD, "shop"), id="the password of another project"
        ),
        pytest.param("reader@bank", READER_PASSWORD, id="the reader's own password"),
        pytest.param("reader", password_of(READER_PASSWORD, "shop"), id="the reader by a project's password"),
        pytest.param("writer@shop", password_of(READER_PASSWORD, "shop"), id="a writer of one project"),
        pytest.param("reader@*", password_of(READER_PASSWORD, "*"), id="everything is no project"),
        pytest.param("reader@", password_of(READER_PASSWORD, ""), id="nor is nothing"),
        pytest.param("reader@Shop", password_of(READER_PASSWORD, "Shop"), id="nor another spelling"),
    ],
)
def test_a_wrong_login_is_refused(peer: ClickHousePeer, user: str, password: str) -> None:
    answer = replace(peer, reader=(user, password)).post("SELECT 1", user="reader")
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "516")


@pytest.mark.parametrize(
    "attempt",
    [
        {"sql": "SELECT count() FROM events", "params": {"log_comment": "shop"}},
        {"sql": "INSERT INTO events (project_id) SETTINGS log_comment = 'shop' VALUES ('shop')"},
        {"sql": "INSERT INTO events (project_id) SELECT 'shop' SETTINGS `log_comment` = 'shop'"},
    ],
    ids=["parameter", "insert", "quoted"],
)
def test_the_writer_may_not_narrow_its_own_view(peer: ClickHousePeer, attempt: dict[str, Any]) -> None:
    """Its inserts pass views: what is not seen there would not be stored."""
    answer = peer.post(attempt["sql"], params=attempt.get("params", {}))
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "497"), answer.text


async def test_the_ordinary_client_asks_as_a_project_s_reader(peer: ClickHousePeer) -> None:
    reader = peer.config(user="reader", password=SecretStr(READER_PASSWORD))
    async with connected(project_reader(reader, "shop")) as client:
        assert await client.ask("SELECT DISTINCT project_id FROM events") == [{"project_id": "shop"}]


def test_the_names_are_read_back() -> None:
    assert project_of("reader@shop", "reader") == "shop"
    assert project_of("a@b@shop", "a@b") == "shop"
    assert [project_of(name, "reader") for name in ("reader", "other@shop", "reader@", "reader@*")] == [
        None
    ] * 4


@pytest.mark.parametrize(("password", "project"), [("", "shop"), ("x", "*"), ("x", "")])
def test_nobody_is_kept_to_a_project_without_a_password_or_a_name(password: str, project: str) -> None:
    reader = ClickHousePeer("http://x", ("", ""), None).config(user="reader", password=SecretStr(password))
    with pytest.raises(Misconfigured, match=r"reader_password is empty|no project name"):
        project_reader(reader, project)
