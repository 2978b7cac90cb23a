"""Who may do what: readers ask about the project's tables, and that is all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from sinks.store.config import StoreConfig
from sinks.store.engine import Session, _arguments
from tests.sinks.clickhouse_peer import ClickHousePeer


@pytest.fixture(scope="module")
def peer(store: ClickHousePeer, empty_store: ClickHousePeer) -> Iterator[ClickHousePeer]:
    if store.process is None:
        pytest.skip("about the embedded store; a server has its grants in deploy/clickhouse")
    for sql in (
        "CREATE TABLE facts (n UInt64, text String) ENGINE = MergeTree ORDER BY n",
        "INSERT INTO facts VALUES (1, 'one')",
        "CREATE DATABASE IF NOT EXISTS other",
        "CREATE TABLE IF NOT EXISTS other.secrets (n UInt64) ENGINE = MergeTree ORDER BY n",
    ):
        store.run(sql)
    yield store
    store.run("DROP DATABASE other SYNC")


def refusal(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("X-ClickHouse-Exception-Code")


FORBIDDEN = [
    "INSERT INTO facts VALUES (2, 'two')",
    "INSERT INTO facts SELECT 2, 'two'",
    "INSERT INTO FUNCTION file('/tmp/out.csv', 'CSV', 'n UInt8') VALUES (1)",
    "CREATE TABLE mine (n UInt8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE mine (n UInt8)",
    "CREATE DATABASE mine",
    "CREATE FUNCTION f AS (x) -> x",
    "ALTER TABLE facts DELETE WHERE 1",
    "ALTER TABLE facts ADD COLUMN m UInt8",
    "DELETE FROM facts WHERE 1",
    "UPDATE facts SET n = 2 WHERE 1",
    "TRUNCATE TABLE facts",
    "DROP TABLE facts",
    "RENAME TABLE facts TO fakes",
    "EXCHANGE TABLES facts AND other.secrets",
    "DETACH TABLE facts",
    "ATTACH TABLE facts",
    "OPTIMIZE TABLE facts FINAL",
    "KILL QUERY WHERE 1",
    "SYSTEM FLUSH LOGS",
    "SYSTEM SHUTDOWN",
    "BACKUP DATABASE awoooi TO File('/tmp/b.zip')",
    "GRANT SELECT ON *.* TO reader",
    "SET readonly = 0",
    "SET max_threads = 8",
    "USE other",
    "CHECK TABLE facts",
    "SELECT 1 SETTINGS max_threads = 8",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT * FROM (SELECT 1 SETTINGS readonly = 0)",
    "SELECT * FROM (SELECT 1 SETTINGS limit = 10, max_threads = 8)",
    "SELECT * FROM (SELECT 1 WHERE 1 > 0. SETTINGS max_threads = 8)",
    "WITH (SELECT 1 SETTINGS max_execution_time = 0) AS n SELECT n",
    "SELECT * FROM (SELECT 1 SETTINGS /* */ `max_threads` = 8)",
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'n UInt8')",
    "SELECT * FROM URL('http://127.0.0.1:1/', 'CSV', 'n UInt8')",
    "SELECT * FROM file('/etc/hostname', 'LineAsString')",
    "SELECT * FROM `file`('/etc/hostname', 'LineAsString')",
    "SELECT * FROM \"fi\\x6ce\"('/etc/hostname', 'LineAsString')",
    "SELECT file('/etc/hostname')",
    "SELECT file /* really */ ('/etc/hostname')",
    "SELECT \u2018'\u2019, file('/etc/hostname'), \u2018'\u2019",
    "SELECT $a$ ' $a$, file('/etc/hostname'), $a$ ' $a$",
    "SELECT file\u200b('/etc/hostname')",
    "SELECT file\u00a0('/etc/hostname')",
    "SELECT $\u00e9$, file('/etc/hostname'), $\u00e9$",
    "SELECT * FROM {name:Identifier}.processes",
    "SELECT 1 # '\n, file('/etc/hostname') # '",
    "SELECT '\\'', file('/etc/hostname'), '\\''",
    "SELECT '''', file('/etc/hostname'), ''''",
    "WITH (SELECT file('/etc/hostname')) AS name SELECT name",
    "EXPLAIN SELECT file('/etc/hostname')",
    "DESCRIBE TABLE file('/etc/hostname')",
    "DESCRIBE TABLE '/etc/hostname'",
    "DESC '/etc/hostname'",
    "SELECT * FROM remote('127.0.0.1', 'system.one')",
    "SELECT * FROM remoteSecure('127.0.0.1', 'system.one')",
    "SELECT * FROM s3('http://127.0.0.1:1/bucket/x', 'CSV')",
    "SELECT * FROM cluster('default', 'system', 'one')",
    "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "SELECT * FROM executable('id', 'CSV', 'n String')",
    "SELECT * FROM Python(config)",
    "SELECT * FROM merge('other', 'secrets')",
    "SELECT * FROM loop(other.secrets)",
    "SELECT * FROM mergeTreeIndex('other', 'secrets')",
    "SELECT * FROM eval('SELECT 1')",
    "SELECT dictGet('x', 'y', 1)",
    "SELECT joinGet('other.j', 'n', 1)",
    "SELECT aiGenerate('a', 'b')",
    "SELECT 1 INTO OUTFILE '/tmp/out.txt'",
    "SELECT 1 into outfile '/tmp/out.txt' truncate",
    "SELECT * FROM other.secrets",
    "SELECT * FROM `other`.`secrets`",
    "SELECT n IN other.secrets FROM facts",
    "DESCRIBE TABLE other.secrets",
    "SHOW CREATE TABLE other.secrets",
    "SELECT query FROM system.processes",
    "SELECT * FROM system.users",
    "SELECT * FROM system . /* */ stack_trace",
    "SHOW PROCESSLIST",
    "SHOW GRANTS",
    "SELECT 1; SELECT 2",
    "SELECT 1; INSERT INTO facts VALUES (2, 'two')",
    "1 + 1",
    "",
]


@pytest.mark.parametrize("sql", FORBIDDEN, ids=range(len(FORBIDDEN)))
def test_a_reader_may_not(peer: ClickHousePeer, sql: str) -> None:
    answer = peer.post(sql, user="reader")
    assert answer.status_code in (400, 403), f"{sql}: {answer.status_code} {answer.text}"
    assert answer.headers["X-ClickHouse-Exception-Code"] in ("62", "164", "497"), answer.text
    assert "vm" not in answer.text.split()
    assert peer.ask("SELECT count() FROM facts") == [(1,)]
    assert not Path("/tmp/out.txt").exists()
    assert not Path("/tmp/out.csv").exists()


ALLOWED = [
    "SELECT * FROM facts",
    "SELECT text FROM awoooi.facts WHERE text != 'file(' -- file('x')",
    "WITH a AS (SELECT 1 AS n) SELECT a.n FROM a;",
    "SELECT format('{} {}', 'a', 'b'), url FROM (SELECT 'x' AS url) AS other_thing",
    "SELECT a.n FROM facts AS a JOIN (SELECT 1 AS n) AS b USING (n) ARRAY JOIN [b.n] AS c",
    "SELECT * FROM numbers(3)",
    "(SELECT 1) UNION ALL (SELECT 2)",
    "SHOW TABLES",
    "SHOW CREATE TABLE facts",
    "DESCRIBE TABLE facts",
    "EXISTS TABLE facts",
    "EXPLAIN SELECT * FROM facts",
    "SELECT name, comment FROM system.columns WHERE table = 'facts'",
    "SELECT table_name FROM information_schema.tables LIMIT 1",
    "SELECT count() FROM facts FORMAT JSON",
    "SELECT name FROM system.settings WHERE name = 'readonly'",
    "SELECT settings FROM (SELECT 1 AS settings)",
    "SELECT a.settings AS s, settings FROM (SELECT 1 AS settings) AS a ORDER BY a.settings",
    "SHOW SETTINGS LIKE 'readonly'",
]


@pytest.mark.parametrize("sql", ALLOWED, ids=range(len(ALLOWED)))
def test_a_reader_may(peer: ClickHousePeer, sql: str) -> None:
    answer = peer.post(sql, user="reader")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "changes",
    [
        {"params": {"database": "other"}},
        {"headers": {"X-ClickHouse-Database": "other"}},
        {"params": {"database": "system"}},
        {"params": {"max_threads": "8"}},
        {"params": {"readonly": "0"}},
        {"params": {"max_execution_time": "0"}},
        {"params": {"param_x": "1", "max_result_bytes": "0"}},
    ],
    ids=str,
)
def test_a_reader_may_not_by_parameter(peer: ClickHousePeer, changes: dict[str, Any]) -> None:
    answer = peer.post("SELECT 1", user="reader", **changes)
    assert answer.status_code == 403
    assert answer.headers["X-ClickHouse-Exception-Code"] in ("164", "497")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE k (n UInt8) ENGINE = Kafka SETTINGS kafka_broker_list = 'x'",
        "CREATE TABLE k (n UInt8) ENGINE=URL('http://127.0.0.1:1/', 'CSV')",
        "CREATE TABLE k (n UInt8) ENGINE File(CSV)",
        "CREATE DATABASE k ENGINE = MySQL('127.0.0.1:1', 'a', 'b', 'c')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'n UInt8')",
        "SELECT 1 INTO OUTFILE '/tmp/out.txt'",
        "INSERT INTO facts FROM INFILE '/etc/passwd' FORMAT CSV",
        "SYSTEM SHUTDOWN",
    ],
)
def test_the_writer_may_not_reach_out_either(peer: ClickHousePeer, sql: str) -> None:
    answer = peer.post(sql)
    assert refusal(answer) == (403, "497"), answer.text


def test_a_question_may_ask_to_end_sooner(peer: ClickHousePeer) -> None:
    endless = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
    answer = peer.post(endless, user="reader", headers={"X-AWOOOI-Most-Seconds": "1"})
    assert refusal(answer) == (408, "159"), answer.text


@pytest.mark.parametrize("said", ["0", "-1", "nan", "1e9", "all", "1&readonly=0"])
def test_and_says_so_in_seconds(peer: ClickHousePeer, said: str) -> None:
    answer = peer.post("SELECT 1", user="reader", headers={"X-AWOOOI-Most-Seconds": said})
    assert refusal(answer) == (400, "36"), answer.text


def test_but_never_later(tmp_path: Path) -> None:
    secret = SecretStr("x")
    config = StoreConfig(path=tmp_path, writer_password=secret, reader_password=secret, read_timeout_secs=5)
    asked = {most: _arguments(config, Session("awoooi", True, {}, {}, most_secs=most)) for most in (1, 900)}
    assert "max_execution_time=1&readonly=1" in asked[1]
    assert "max_execution_time=5.0&readonly=1" in asked[900]


@pytest.mark.parametrize("user", ["writer", "reader", "nobody", ""])
def test_a_wrong_password_is_refused(peer: ClickHousePeer, user: str) -> None:
    login = {"X-ClickHouse-User": user, "X-ClickHouse-Key": "wrong"}
    answer = httpx.post(peer.url, content="SELECT 1", headers=login)
    assert answer.status_code == 403
    assert answer.headers["X-ClickHouse-Exception-Code"] == "516"
    assert "Code: 516." in answer.text


def test_get_may_not_write(peer: ClickHousePeer) -> None:
    for sql in (
        "INSERT INTO facts VALUES (3, 'x')",
        "DROP TABLE facts",
        "CREATE TABLE g (n UInt8) ENGINE = Memory",
    ):
        answer = httpx.get(peer.url, params={"query": sql}, auth=peer.writer)
        assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "164"), (
            answer.text
        )
    assert httpx.get(peer.url, params={"query": "SELECT 1"}, auth=peer.writer).text == "1\n"


def test_one_request_leaves_nothing_to_the_next(peer: ClickHousePeer) -> None:
    peer.run("SELECT 1", params={"max_threads": "1", "database": "other"})
    peer.run("SELECT 1", user="reader")
    answer = peer.post("SELECT currentDatabase(), getSetting('max_threads') = 1, getSetting('readonly')")
    assert answer.text == "awoooi\t0\t0\n"
