"""A ClickHouse for tests: our own store as a child process, or a server that was given."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import httpx
from pydantic import SecretStr

from sinks.clickhouse.config import ClickHouseConfig
from tests.peers import Process, free_port

WRITER_PASSWORD = "writer's secret"
READER_PASSWORD = "reader's secret"
READY_SECS = 30


@dataclass
class ClickHousePeer:
    """Its address and users; `process` and `path` where it is a store of our own."""

    url: str
    writer: tuple[str, str]
    reader: tuple[str, str] | None
    database: str = "awoooi"
    process: Process | None = None
    path: Path | None = None

    @classmethod
    def given(cls) -> ClickHousePeer | None:
        """AWOOOI_TEST_CLICKHOUSE=http://user:password@host:port"""
        address = os.environ.get("AWOOOI_TEST_CLICKHOUSE")
        if not address:
            return None
        parts = urlsplit(address)
        url = f"{parts.scheme}://{parts.hostname}:{parts.port or 8123}"
        return cls(url, (parts.username or "default", parts.password or ""), None, database="awoooi_test")

    @classmethod
    @contextmanager
    def running(cls, path: Path, port: int | None = None, *options: str) -> Iterator[ClickHousePeer]:
        peer = cls.store(path, port or free_port(), *options)
        peer.start()
        try:
            yield peer
        finally:
            assert peer.process is not None
            peer.process.stop()

    @classmethod
    def store(cls, path: Path, port: int, *options: str) -> ClickHousePeer:
        """A store that is not started yet."""
        process = Process(
            [sys.executable, "-m", "sinks.store", "--path", str(path), "--port", str(port), *options],
            path.parent / f"{path.name}-store.log",
            env={
                "AWOOOI_STORE_WRITER_PASSWORD": WRITER_PASSWORD,
                "AWOOOI_STORE_READER_PASSWORD": READER_PASSWORD,
                "TZ": "Asia/Taipei",  # the store answers in UTC wherever it runs
            },
        )
        return cls(
            f"http://127.0.0.1:{port}",
            ("writer", WRITER_PASSWORD),
            ("reader", READER_PASSWORD),
            process=process,
            path=path,
        )

    def start(self) -> None:
        assert self.process is not None
        self.process.start()
        self.process.wait_until_ready(self.answers, READY_SECS, what="the store answers /readyz")

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=1).is_success
        except httpx.TransportError:
            return False

    def config(self, **changes: Any) -> ClickHouseConfig:
        settings = {
            "url": self.url,
            "database": self.database,
            "user": self.writer[0],
            "password": SecretStr(self.writer[1]),
        }
        return ClickHouseConfig(**{**settings, **changes})

    def post(
        self, sql: str = "", body: bytes = b"", *, user: str = "writer", **options: Any
    ) -> httpx.Response:
        """As curl would: `sql` in the address when there is a body, else as the body."""
        login = self.reader if user == "reader" and self.reader else self.writer
        headers = {"X-ClickHouse-User": login[0], "X-ClickHouse-Key": login[1], **options.pop("headers", {})}
        params = {"database": self.database, **({"query": sql} if body else {}), **options.pop("params", {})}
        content = body or sql.encode()
        return httpx.post(self.url, params=params, content=content, headers=headers, timeout=60, **options)

    def run(self, sql: str, body: bytes = b"", **options: Any) -> httpx.Response:
        """`post`, and it must succeed."""
        answer = self.post(sql, body, **options)
        assert answer.is_success, f"{sql}: {answer.text}"
        return answer

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """By the ordinary synchronous client."""
        client = self.driver()
        try:
            return [tuple(row) for row in client.query(sql).result_rows]
        finally:
            client.close()

    def driver(self, *, user: str = "writer", **options: Any) -> Any:
        login = self.reader if user == "reader" and self.reader else self.writer
        parts = urlsplit(self.url)
        return clickhouse_connect.get_client(
            host=parts.hostname,
            port=parts.port,
            username=login[0],
            password=login[1],
            database=self.database,
            autogenerate_session_id=False,
            **options,
        )

    def empty(self) -> None:
        """Every table of the database gone, so that a module begins with nothing."""
        self.run(f"CREATE DATABASE IF NOT EXISTS {self.database}", params={"database": "default"})
        tables = f"SELECT name FROM system.tables WHERE database = '{self.database}'"
        for (name,) in self.ask(f"{tables} ORDER BY engine LIKE '%View' DESC"):
            self.run(f"DROP TABLE IF EXISTS `{name}` SYNC")
