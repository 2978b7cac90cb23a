"""Questions to the record over the API: a project's people see their own; nobody writes or reaches out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from awoooi.sql_desk import sql_box
from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.gateway.desks import Desks
from connectors.http import HttpClient, Reply
from connectors.tokens import TokenFile, new_personal_token
from schemas.codec import Codec
from sinks.clickhouse.client import connected
from sinks.clickhouse.free_sql import MOST_ROWS
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.queries import NAMED
from sinks.clickhouse.rows import row_of
from sinks.clickhouse.writer import Writer
from tests.connectors.gateway.support import NO_LIMIT, SECRET, SOURCES, MemoryLog, in_a_thread, serving
from tests.sinks.clickhouse.test_act_desk import settings_of
from tests.sinks.clickhouse.test_queries import opened
from tests.sinks.clickhouse_peer import ClickHousePeer

CODEC = Codec()
SQL, QUERIES = "/api/v1/sql", "/api/v1/queries"
PEOPLE: dict[str, Any] = {"root": "*", "bob": ("shop",), "eve": ("bank",), "both": ("shop", "bank")}
INCIDENTS = "SELECT incident_id, project_id FROM v_incidents ORDER BY incident_id"


@dataclass
class Box:
    url: str
    http: HttpClient
    tokens: dict[str, str]

    async def ask(self, sql: str, who: str = "root", project: str = "") -> Reply:
        told = {"authorization": f"Bearer {self.tokens[who]}", "content-type": "application/json"}
        body = orjson.dumps({"sql": sql, "project": project})
        return await self.http.post(self.url + SQL, body, told)

    async def named(self, name: str, who: str = "root", project: str = "") -> Reply:
        path = f"{QUERIES}/{name}?project={project}" if name else QUERIES
        return await self.http.get(self.url + path, {"authorization": f"Bearer {self.tokens[who]}"})


@pytest.fixture(scope="module")
def filled(empty_store: ClickHousePeer) -> ClickHousePeer:
    """Two incidents of shop, one of bank."""
    asyncio.run(_fill(empty_store))
    return empty_store


async def _fill(empty_store: ClickHousePeer) -> None:
    async with connected(empty_store.config()) as client:
        await migrate(client)
    events = [opened("INC-1", "shop", 1), opened("INC-2", "shop", 2), opened("INC-3", "bank", 3)]
    writer = Writer(empty_store.config())
    await writer.open()
    rows = [row_of(CODEC, "", "t", 0, place, CODEC.encode(event)) for place, event in enumerate(events)]
    await writer.write(rows, [])
    await writer.close()


@pytest.fixture(scope="module")
def gateway(filled: ClickHousePeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with in_a_thread(running(tmp_path_factory.mktemp("box"), filled)) as box:
        yield box


@pytest.fixture
async def box(gateway: Box) -> AsyncIterator[Box]:
    """With a client of the test's own loop."""
    async with HttpClient(timeout_secs=40) as http:
        yield replace(gateway, http=http)


@asynccontextmanager
async def running(folder: Path, store: ClickHousePeer, **given: str) -> AsyncIterator[Box]:
    path = folder / "tokens.json"
    tokens = {
        who: new_personal_token(path, who, who, ["viewer"], projects=projects, limits=NO_LIMIT)[1]
        for who, projects in PEOPLE.items()
    }
    config, known = GatewayConfig(tokens_file=path, stamp_secret=SECRET, port=0), TokenFile(path)
    async with sql_box(settings_of(folder, store, **given)) as desk, HttpClient(timeout_secs=40) as http:
        log, registry = MemoryLog(), CollectorRegistry()
        app = create_app(
            config, log.publish, SOURCES, known, registry=registry, people=known, desks=Desks(sql=desk)
        )
        async with serving(app) as port:
            yield Box(f"http://127.0.0.1:{port}", http, tokens)


async def test_each_sees_their_own(box: Box) -> None:
    found = {who: (await box.ask(INCIDENTS, who)).json() for who in ("root", "bob", "eve")}

    assert found["root"]["rows"] == [["INC-1", "shop"], ["INC-2", "shop"], ["INC-3", "bank"]]
    assert found["bob"]["rows"] == [["INC-1", "shop"], ["INC-2", "shop"]]
    assert found["eve"]["rows"] == [["INC-3", "bank"]]
    assert found["bob"]["columns"][0] == {"name": "incident_id", "type": "String"}
    assert (await box.ask(INCIDENTS, "root", "bank")).json()["rows"] == [["INC-3", "bank"]]


async def test_who_has_several_projects_names_one(box: Box) -> None:
    unnamed, of_bank = await box.ask(INCIDENTS, "both"), await box.ask(INCIDENTS, "both", "bank")

    assert (unnamed.status, of_bank.json()["rows"]) == (422, [["INC-3", "bank"]])
    assert "shop, bank" in unnamed.json()["detail"]
    assert (await box.ask(INCIDENTS, "bob", "bank")).status == 404


ATTACKS = {
    "an insert": "INSERT INTO events SELECT * FROM events",
    "a drop": "DROP TABLE events",
    "an alter": "ALTER TABLE events DELETE WHERE 1",
    "two statements": "SELECT 1; DROP TABLE events",
    "a file": "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "the function file": "SELECT file('/etc/passwd')",
    "an address": "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "another server": "SELECT * FROM remote('127.0.0.1:9000', system.one)",
    "a bucket": "SELECT * FROM s3('http://127.0.0.1:1/x', 'CSV')",
    "into a file": "SELECT 1 INTO OUTFILE '/tmp/x'",
    "another database": "SELECT * FROM other.events",
    "system tables": "SELECT * FROM system.processes",
    "settings": "SELECT 1 SETTINGS readonly = 0",
    "the filter taken off": f"{INCIDENTS} SETTINGS additional_table_filters = {{}}",
    "no SQL": "what is wrong with shop?",
}
"""None of it is answered, whoever asks."""


@pytest.mark.parametrize("sql", ATTACKS.values(), ids=ATTACKS)
async def test_nothing_is_written_or_reached(box: Box, sql: str) -> None:
    for who in ("root", "bob"):
        answer = await box.ask(sql, who)

        assert answer.status == 422, (who, answer.body)
        assert answer.json()["detail"]


OTHERS = {
    "the raw table": "SELECT count() FROM events WHERE project_id = 'bank'",
    "a typed table": "SELECT count() FROM incidents WHERE project_id = 'bank'",
    "a union": (
        "SELECT count() FROM (SELECT project_id FROM v_incidents UNION ALL SELECT project_id FROM events)"
        " WHERE project_id = 'bank'"
    ),
    "a join": (
        "SELECT countIf(b.project_id = 'bank') FROM v_incidents AS a"
        " FULL JOIN events AS b ON a.project_id != b.project_id"
    ),
    "within": "SELECT (SELECT count() FROM events WHERE project_id = 'bank')",
    "a common table": "WITH all AS (SELECT * FROM events) SELECT count() FROM all WHERE project_id = 'bank'",
    "through merge": "SELECT count() FROM merge('awoooi', '^events$') WHERE project_id = 'bank'",
}


@pytest.mark.parametrize("sql", OTHERS.values(), ids=OTHERS)
async def test_no_question_reaches_another_project(box: Box, sql: str) -> None:
    answer = await box.ask(sql, "bob")

    assert answer.status in (200, 422), answer.body
    if answer.status == 200:
        assert answer.json()["rows"] == [[0]], "bank's rows"


async def test_a_long_answer_is_cut_and_says_so(box: Box) -> None:
    many = (await box.ask("SELECT number FROM numbers(100000)")).json()
    wide = (await box.ask("SELECT repeat('x', 1000000) FROM numbers(20)")).json()
    few = (await box.ask("SELECT number FROM numbers(1000)")).json()

    assert (len(many["rows"]), many["truncated"]) == (MOST_ROWS, True)
    assert (len(wide["rows"]) < 5, wide["truncated"]) == (True, True)
    assert (len(few["rows"]), few["truncated"]) == (1000, False)


async def test_values_come_as_they_are(box: Box) -> None:
    sql = (
        "SELECT toUInt64(18446744073709551615) AS big, NULL AS none, [1, 2] AS list, '<b>\u202e' AS text,"
        " toDateTime64('2026-03-01 10:00:00', 3, 'UTC') AS at, nan AS no_number, true AS yes"
    )

    (row,) = (await box.ask(sql)).json()["rows"]

    assert row == ["18446744073709551615", None, [1, 2], "<b>\u202e", "2026-03-01 10:00:00.000", None, True]


async def test_a_format_of_ones_own_is_not_taken(box: Box) -> None:
    answer = await box.ask("SELECT 1 FORMAT CSV")

    assert (answer.status, "FORMAT" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize("sql", ["SHOW TABLES", "DESCRIBE v_incidents", "SELECT 1 -- a remark", "SELECT 1;"])
async def test_what_describes_the_record_is_answered(box: Box, sql: str) -> None:
    answer = await box.ask(sql, "bob")

    assert (answer.status, bool(answer.json().get("rows"))) == (200, True), answer.body


async def test_questions_that_ship_are_asked_by_name(box: Box) -> None:
    names = [item["name"] for item in (await box.named("")).json()["items"]]

    assert names == list(NAMED)
    for name in names:
        answer = await box.named(name, "bob")
        assert answer.status == 200, (name, answer.body)
        whose = [column["name"] for column in answer.json()["columns"]].index("project_id")
        assert {row[whose] for row in answer.json()["rows"]} <= {"shop"}
    assert (await box.named("nothing")).status == 404


async def test_only_so_many_ask_at_once(box: Box) -> None:
    slow = "SELECT sum(sleepEachRow(0.3)) FROM numbers(2)"

    answers = await asyncio.gather(*(box.ask(slow, who) for who in ("bob", "bob", "eve")))

    assert sorted(answer.status for answer in answers) == [200, 200, 503]
    assert sorted(answer.status for answer in answers[:2]) == [200, 503], "one for each person"


async def test_what_needs_too_much_memory_is_refused(box: Box) -> None:
    """As a question that takes too long: to come again would be no use."""
    answer = await box.ask("SELECT length(groupArray(number)) FROM numbers(40000000)")

    assert (answer.status, "memory" in answer.json()["detail"].lower()) == (422, True), answer.body


async def test_a_record_that_is_away_is_said_to_be(tmp_path: Path, filled: ClickHousePeer) -> None:
    async with running(tmp_path, filled, AWOOOI_CLICKHOUSE_URL="http://127.0.0.1:1") as box:
        answer = await box.ask("SELECT 1")

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
