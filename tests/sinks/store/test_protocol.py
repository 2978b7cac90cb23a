"""The ordinary client and curl find what they expect."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.sinks.clickhouse_peer import ClickHousePeer

HARD = "tab\t newline\n backslash\\ quote' double\" {brace} 重"


@pytest.mark.parametrize("user", ["writer", "reader"])
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("Int32", -5),
        ("String", HARD),
        ("String", HARD + "x" * 20_000),
        ("Array(String)", ["a'b", "c\td", "\\"]),
        ("Nullable(String)", None),
        ("DateTime64(3, 'UTC')", datetime(2026, 11, 21, 1, 2, 3, 456000)),  # noqa: DTZ001 (the driver answers so)
    ],
    ids=["number", "string", "long string", "array", "null", "time"],
)
def test_parameters_come_back_as_they_were(
    own_store: ClickHousePeer, user: str, kind: str, value: Any
) -> None:
    with own_store.driver(user=user) as client:
        answer = client.query(f"SELECT {{value:{kind}}}", parameters={"value": value})
    got = answer.result_rows[0][0]
    assert (got.replace(tzinfo=None) if isinstance(got, datetime) else got) == value


def test_times_are_utc_wherever_the_store_runs(store: ClickHousePeer) -> None:
    ((zone, parsed),) = store.ask("SELECT timezone(), toUnixTimestamp(toDateTime('1970-01-02 00:00:00'))")
    assert (zone, parsed) in (("UTC", 86_400), ("Etc/UTC", 86_400))
    ((now,),) = store.ask("SELECT now64(3, 'UTC')")
    assert abs((now.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()) < 60


def test_a_large_answer_is_whole(store: ClickHousePeer) -> None:
    with (
        store.driver() as client,
        client.query_row_block_stream("SELECT number FROM numbers(300000)") as blocks,
    ):
        assert sum(len(block) for block in blocks) == 300_000


def test_as_curl_asks(own_store: ClickHousePeer) -> None:
    url, login = own_store.url, own_store.reader
    assert login is not None
    assert httpx.get(f"{url}/", params={"query": "SELECT 1 + 1"}, auth=login).text == "2\n"
    assert httpx.post(f"{url}/", content="SELECT 1 AS n FORMAT JSONEachRow", auth=login).text == '{"n":1}\n'
    assert httpx.post(f"{url}/", params={"query": "SELECT"}, content="1", auth=login).text == "1\n"
    user, password = login
    by_address = {"user": user, "password": password, "query": "SELECT 3"}
    assert httpx.get(f"{url}/", params=by_address).text == "3\n"
    json = httpx.post(f"{url}/", content="SELECT 1 AS n", auth=login, headers={"X-ClickHouse-Format": "JSON"})
    assert json.json()["data"] == [{"n": 1}]
    assert json.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELEKT 1", 400, 62),
        ("SELECT 'open", 400, 62),
        ("SELECT nope FROM system.one", 400, 47),
        ("SELECT * FROM nope", 404, 60),
        ("SELECT 1 FORMAT Nope", 400, 73),
        ("SELECT {x:Int8}", 400, 456),
        ("SELECT throwIf(1, 'because')", 400, 395),
    ],
    ids=["syntax", "open string", "column", "table", "format", "parameter", "thrown"],
)
def test_an_error_has_code_and_words(own_store: ClickHousePeer, sql: str, status: int, code: int) -> None:
    answer = own_store.post(sql)
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (status, str(code))
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
    assert answer.text.count("DB::Exception") == 1


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"\xff\xfe", {}),
        (b"", {}),
        (b"x", {"Authorization": "Basic !!!"}),
        (b"--x\r\n", {"Content-Type": "multipart/form-data; boundary=y"}),
        (b"SELECT 1", {"Content-Type": "multipart/form-data"}),
        (b"SELECT 1", {"Content-Encoding": "lz4"}),
    ],
    ids=["not text", "nothing", "login", "form", "form without boundary", "encoding"],
)
def test_garbage_gets_a_plain_no(own_store: ClickHousePeer, content: bytes, headers: dict[str, str]) -> None:
    user, password = own_store.writer
    login = {} if "Authorization" in headers else {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}
    answer = httpx.post(own_store.url, content=content, headers={**login, **headers})
    assert 400 <= answer.status_code < 500
    assert answer.text.startswith("Code: ")


def test_health_and_metrics(own_store: ClickHousePeer) -> None:
    own_store.run("SELECT 1")
    for page in ("/", "/ping", "/healthz", "/readyz"):
        assert httpx.get(own_store.url + page).status_code == 200
    metrics = httpx.get(own_store.url + "/metrics").text
    assert 'awoooi_store_requests_total{result="ok",user="writer"}' in metrics
    assert "awoooi_store_statement_seconds_bucket" in metrics
