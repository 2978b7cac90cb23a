"""A thin asynchronous client: pinned settings, our errors, rows counted."""

from __future__ import annotations

import re
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import clickhouse_connect
from clickhouse_connect.driver import options as driver_options
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError

from connectors.reasons import reason_of
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.errors import Away, Refused, code_in, insert_failed, question_failed, short

# A batch is acknowledged when it is stored, not when it is buffered.
PINNED = {"async_insert": "0", "wait_for_async_insert": "1"}
_PLACES = re.compile(r"\{\s*(\w+)\s*:")
"""`{name:Type}`, filled by the server"""
Row = Sequence[Any]


class Client:
    """ClickHouse as the project uses it: ask, insert, command."""

    def __init__(self, config: ClickHouseConfig, driver: Any) -> None:
        self._driver = driver
        self._types: dict[tuple[str, tuple[str, ...]], Any] = {}
        self.config = config

    @classmethod
    async def connect(cls, config: ClickHouseConfig) -> Client:
        """Away when nobody answers or the login is wrong. The database need not exist yet."""
        _without_data_frames()
        with _translated(insert_failed, config):
            driver = await clickhouse_connect.get_async_client(**_driver_arguments(config))
        driver.database = config.database
        return cls(config, driver)

    async def close(self) -> None:
        await self._driver.close()

    async def ask(self, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The answer's rows, by column name.

        Only what the question names is given: beside any other the driver takes a % for a place of its own.
        """
        answer = await self._asked(sql, params)
        return [dict(zip(answer.column_names, row, strict=True)) for row in answer.result_rows]

    async def ask_columns(self, sql: str, params: Mapping[str, Any] | None = None) -> list[Sequence[Any]]:
        """The answer column by column, in the question's order: quicker for very many rows."""
        return list((await self._asked(sql, params)).result_columns)

    async def _asked(self, sql: str, params: Mapping[str, Any] | None) -> Any:
        named = set(_PLACES.findall(sql))
        given = {name: value for name, value in (params or {}).items() if name in named}
        with _translated(question_failed, self.config):
            return await self._driver.query(sql, parameters=given)

    async def command(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        """A statement without an answer, DDL mostly."""
        with _translated(question_failed, self.config):
            await self._driver.command(sql, parameters=dict(params or {}))

    async def create_database(self) -> None:
        with _translated(question_failed, self.config):
            await self._driver.command(
                f"CREATE DATABASE IF NOT EXISTS `{self.config.database}`", use_database=False
            )

    async def insert(self, table: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
        """All rows, stored when this returns; Away or Refused when not."""
        await self._insert(table, rows, tuple(columns), len(rows), column_oriented=False)

    async def insert_columns(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Like `insert`, column by column, which is faster."""
        sent = len(next(iter(columns.values()), ()))
        await self._insert(table, list(columns.values()), tuple(columns), sent, column_oriented=True)

    async def _insert(
        self, table: str, data: Sequence[Any], columns: tuple[str, ...], sent: int, *, column_oriented: bool
    ) -> None:
        if not sent:
            return
        with _translated(insert_failed, self.config), _serialised():
            context = await self._context(table, columns)
            context.column_oriented = column_oriented
            context.data = data
            summary = await self._driver.insert(context=context)
        _check_count(int(summary.written_rows), sent, table)

    async def _context(self, table: str, columns: tuple[str, ...]) -> Any:
        """With the table's types, which are asked for once: a changed table needs a new client."""
        types = self._types.get((table, columns))
        context = await self._driver.create_insert_context(
            table, column_names=list(columns), column_types=types, settings=PINNED
        )
        self._types[table, columns] = context.column_types
        return context


@asynccontextmanager
async def connected(config: ClickHouseConfig) -> AsyncIterator[Client]:
    """A client for the length of a block."""
    client = await Client.connect(config)
    try:
        yield client
    finally:
        await client.close()


def _driver_arguments(config: ClickHouseConfig) -> dict[str, Any]:
    url = urlsplit(config.url)
    return {
        "interface": url.scheme,
        "host": url.hostname,
        "port": url.port or (8443 if url.scheme == "https" else 8123),
        "username": config.user,
        "password": config.password.get_secret_value(),
        "connect_timeout": config.connect_timeout_secs,
        "send_receive_timeout": config.request_timeout_secs,
        "ca_cert": config.ca_file,
        "compress": "lz4" if url.hostname not in ("127.0.0.1", "localhost", "::1") else False,
        "autogenerate_session_id": False,  # sessions would make requests wait for each other
        "query_retries": 0,  # whoever calls knows how to wait
        "tz_source": "server",
    }


def _check_count(written: int, sent: int, table: str) -> None:
    """ClickHouse counts the rows of materialized views too, so it may be more, never less."""
    if written < sent:
        raise Away(f"of {sent} rows for {table} only {written} were written")


def _without_data_frames() -> None:
    """The driver loads pandas (90 MB) to see whether what it is given is a data frame. It never is."""
    for name in ("pd", "pd_time_test", "np", "arrow", "pl"):
        setattr(driver_options, name, None)


@contextmanager
def _translated(
    sort: Callable[[str, int | None], Away | Refused], config: ClickHouseConfig
) -> Iterator[None]:
    try:
        yield
    except DataError as error:  # the client itself cannot write the value down
        raise Refused(_short(error)) from error
    except ClickHouseError as error:
        if isinstance(error.__cause__, TimeoutError | aiohttp.ClientError):
            raise Away(_unanswered(config, error.__cause__)) from error
        given = cast("int | None", getattr(error, "code", None))
        raise sort(_short(error), code_in(str(error), given)) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Away(_unanswered(config, error)) from error


def _unanswered(config: ClickHouseConfig, error: BaseException) -> str:
    """What the driver calls a network error, and what to do where nobody is there at all."""
    where = f"ClickHouse at {config.url} does not answer"
    match error:
        case TimeoutError():
            return f"{where} in time"
        case aiohttp.ClientConnectorCertificateError():
            return f"{where} with a certificate that we trust ({error.certificate_error})"
        case aiohttp.ClientConnectorError():
            todo = "start it with `awoooi up`, or name one with AWOOOI_CLICKHOUSE_URL"
            return f"{where} ({reason_of(error.os_error)}); {todo}"
    return f"{where} ({_short(error)})"


@contextmanager
def _serialised() -> Iterator[None]:
    """The driver writes values down itself and raises what Python raises for a wrong one."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError, struct.error) as error:
        raise Refused(f"a value does not fit its column: {_short(error)}") from error


def _short(error: BaseException) -> str:
    return short(str(error) or type(error).__name__)
