"""Every row that was sent arrives, in every encoding, or the sender is told."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import httpx
import lz4.frame
import pytest

from tests.sinks.clickhouse_peer import ClickHousePeer

CREATE = "CREATE TABLE arrivals (n UInt64, text String) ENGINE = MergeTree ORDER BY n"
ROWS = 100_000
SENT = [[number, f"row {number} " + "x" * 100] for number in range(ROWS)]
LINES = b'{"n": 1, "text": "one"}\n{"n": 2, "text": "two"}\n'


@pytest.fixture
def table(empty_store: ClickHousePeer) -> Iterator[str]:
    empty_store.run(CREATE)
    yield "arrivals"
    empty_store.run("DROP TABLE arrivals SYNC")


@pytest.mark.parametrize("encoding", [False, "lz4", "zstd", "gzip"], ids=str)
def test_a_hundred_thousand_rows_arrive_complete(
    empty_store: ClickHousePeer, table: str, encoding: str | bool
) -> None:
    with empty_store.driver(compress=encoding) as client:
        summary = client.insert(table, SENT, column_names=["n", "text"])
    assert summary.written_rows == ROWS
    assert empty_store.ask(f"SELECT count(), uniqExact(n), sum(n) FROM {table}") == [
        (ROWS, ROWS, ROWS * (ROWS - 1) // 2)
    ]


async def test_the_asynchronous_client_sends_them_as_well(empty_store: ClickHousePeer, table: str) -> None:
    import clickhouse_connect

    url = httpx.URL(empty_store.url)
    user, password = empty_store.writer
    client = await clickhouse_connect.get_async_client(
        host=url.host,
        port=url.port,
        username=user,
        password=password,
        database=empty_store.database,
        compress="lz4",
    )
    try:
        summary = await client.insert(table, SENT, column_names=["n", "text"])
        answer = await client.query(f"SELECT count() FROM {table}")
    finally:
        await client.close()
    assert summary.written_rows == ROWS
    assert answer.result_rows == [(ROWS,)]


@pytest.mark.parametrize(
    ("sql", "body"),
    [
        ("INSERT INTO arrivals FORMAT JSONEachRow", LINES),
        ("INSERT INTO arrivals (n, text) FORMAT CSV", b"1,one\n2,two\n"),
        ("insert into arrivals values", b"(1, 'one'), (2, 'two')"),
        ("INSERT INTO arrivals VALUES (1, 'one'), (2, 'FORMAT CSV; SELECT')", b""),
        ("INSERT INTO arrivals SELECT number + 1, 'x' FROM numbers(2)", b""),
        ("INSERT INTO arrivals FORMAT JSONEachRow\n" + LINES.decode(), b""),
        (
            "-- two\nINSERT INTO arrivals /* here */ SETTINGS max_insert_threads = 1 FORMAT JSONEachRow",
            LINES,
        ),
    ],
    ids=[
        "format",
        "columns",
        "values in the body",
        "values",
        "select",
        "all in the body",
        "comments, settings",
    ],
)
def test_an_insert_as_curl_sends_it(empty_store: ClickHousePeer, table: str, sql: str, body: bytes) -> None:
    answer = empty_store.post(sql, body)
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "2"
    assert empty_store.ask(f"SELECT n FROM {table} ORDER BY n") == [(1,), (2,)]


INSERT = "INSERT INTO arrivals FORMAT JSONEachRow"
WHOLE = lz4.frame.compress(LINES)


@pytest.mark.parametrize(
    ("encoding", "body", "code"),
    [
        ("lz4", WHOLE[:-7], 33),
        ("lz4", WHOLE + WHOLE[:10], 33),
        ("gzip", gzip.compress(LINES)[:-3], 33),
        ("zstd", b"no zstd at all", 271),
        ("lz4", b"\x00garbage", 271),
        ("gzip", LINES, 271),
        ("br", LINES, 89),
        ("", b'{"n": 1, "text": "one"}\n{"n": 2, "te', None),
        ("", b"\xff\x00\xfe", None),
        ("", b'{"n": "not a number", "text": ""}', None),
        ("gzip", gzip.compress(b" " * 3_000_000), 307),
        ("", b" " * 3_000_000, 307),
    ],
    ids=[
        "cut", "second frame cut", "gzip cut", "not zstd", "not lz4", "not gzip", "unknown encoding",
        "row cut", "garbage", "wrong type", "bomb", "too large",
    ],
)  # fmt: skip
def test_a_broken_body_is_named_and_nothing_of_it_is_kept(
    small_store: ClickHousePeer, encoding: str, body: bytes, code: int | None
) -> None:
    answer = small_store.post(INSERT, body, headers={"Content-Encoding": encoding} if encoding else {})
    assert 400 <= answer.status_code < 500
    assert answer.text.startswith("Code: ")
    assert code is None or answer.headers["X-ClickHouse-Exception-Code"] == str(code)
    assert small_store.ask("SELECT count() FROM arrivals") == [(0,)]


@pytest.fixture(scope="module")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHousePeer]:
    """One that takes bodies of 2 MiB at most."""
    if ClickHousePeer.given() is not None:
        pytest.skip("about the embedded store; AWOOOI_TEST_CLICKHOUSE names a server")
    with ClickHousePeer.running(
        tmp_path_factory.mktemp("small") / "data", None, "--max-body-mib", "2"
    ) as peer:
        peer.run(CREATE)
        yield peer


def test_a_sender_that_hangs_up_leaves_nothing(small_store: ClickHousePeer) -> None:
    def half() -> Iterator[bytes]:
        yield LINES
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        small_store.post(INSERT, half())  # type: ignore[arg-type]
    assert small_store.ask("SELECT count() FROM arrivals") == [(0,)]
