"""Anybody's own SQL, over HTTP as it comes: as many rows as a person looks at, and no more is read.

The user that asks can only read, and where it is a project's reader, that project alone: the server or the
store sees to both. What it says to a question that it does not take is told in its own words.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from connectors.http import HttpClient, Streaming
from schemas.catalog import MIB
from schemas.errors import Never, NotNow
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.errors import Away, Refused, code_in, question_failed, short

FORM = "JSONCompactEachRowWithNamesAndTypes"
MOST_ROWS, MOST_BYTES, MOST_SECS = 1_000, 2 * MIB, 30
TOO_MUCH = frozenset({159, 241})
"""ClickHouse's codes for time and memory: of this question they are its own fault, and no reason to wait"""
LONGEST_ERROR = 4_000
SAFE_INTEGER = 2**53 - 1
"""beyond it a browser's numbers are others"""
_BROKEN = (b"__exception__", b"Code: ")


@dataclass(frozen=True, slots=True)
class Found:
    columns: Sequence[tuple[str, str]]
    """names and types"""
    rows: Sequence[Sequence[Any]]
    truncated: bool
    elapsed_ms: int


async def ask(
    http: HttpClient,
    config: ClickHouseConfig,
    sql: str,
    params: Mapping[str, str] | None = None,
    *,
    most_rows: int = MOST_ROWS,
    most_secs: int = MOST_SECS,
) -> Found:
    """Refused with the server's words, or where it takes too long; Away."""
    began = time.monotonic()
    asked = {"database": config.database, "default_format": FORM}
    given = {f"param_{name}": value for name, value in (params or {}).items()}
    url = f"{config.url.rstrip('/')}/?{urlencode({**asked, **given})}"
    headers = {
        "X-ClickHouse-User": config.user,
        "X-ClickHouse-Key": config.password.get_secret_value(),
        "Content-Type": "text/plain; charset=utf-8",
        "X-AWOOOI-Most-Seconds": str(most_secs),  # for our own store: a server passes it over
    }
    connecting = http.stream(
        url, sql.encode(), headers, connect_secs=config.connect_timeout_secs, silence_secs=most_secs
    )
    try:
        async with asyncio.timeout(most_secs), connecting as answer:
            await _must_be_good(answer)
            columns, rows, truncated = await _read(answer, most_rows)
    except TimeoutError as late:
        raise Refused(f"it took over {most_secs} s: ask for less") from late
    except (Away, Refused):
        raise
    except NotNow as away:
        raise Away(str(away)) from away
    except Never as never:  # one row alone is over what is held
        raise Refused(f"a row of the answer is too large: {never}") from never
    return Found(columns, rows, truncated, round((time.monotonic() - began) * 1000))


async def _must_be_good(answer: Streaming) -> None:
    if not answer.ok:
        said = (await answer.beginning(LONGEST_ERROR)).decode(errors="replace").strip()
        raise _failed(said)
    if answer.headers.get("x-clickhouse-format", FORM) != FORM:
        raise Refused("leave FORMAT out: the answer is shown as a table")


async def _read(
    answer: Streaming, most_rows: int
) -> tuple[Sequence[tuple[str, str]], list[Sequence[Any]], bool]:
    head: list[Any] = []
    rows: list[Sequence[Any]] = []
    size = 0
    async for line in _whole(answer):
        size += len(line)
        if len(head) == 2 and (len(rows) == most_rows or size > MOST_BYTES):
            return _columns(head), rows, True
        (head if len(head) < 2 else rows).append(_parsed(line))
    return _columns(head), rows, False


async def _whole(answer: Streaming) -> AsyncIterator[bytes]:
    """Its lines, unless the server breaks off in the middle and says why."""
    async for line in answer.lines():
        if line.startswith(_BROKEN):
            said = line + b"\n" + await answer.beginning(LONGEST_ERROR)
            raise _failed(said.decode(errors="replace"))
        if line.strip():
            yield line


def _failed(said: str) -> Away | Refused:
    code = code_in(said, None)
    return Refused(short(said), code) if code in TOO_MUCH else question_failed(short(said), code)


def _columns(head: Sequence[Any]) -> list[tuple[str, str]]:
    return list(zip(*head, strict=True)) if len(head) == 2 else []


def _parsed(line: bytes) -> list[Any]:
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Refused("the answer cannot be shown: a value in it is no text") from error
    return [_safe(value) for value in values]


def _safe(value: Any) -> Any:
    """What a browser reads as it is."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > SAFE_INTEGER:
        return str(value)
    if isinstance(value, list):
        return [_safe(one) for one in value]
    if isinstance(value, dict):
        return {name: _safe(one) for name, one in value.items()}
    return value
