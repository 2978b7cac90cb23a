"""What the gateway is lent for questions in SQL: the reader, and a reader of each project."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from awoooi.settings import Settings
from connectors.gateway.sql_box import Answer, Column, Name
from connectors.http import HttpClient
from schemas.errors import BadPayload
from sinks.clickhouse import free_sql
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.errors import Refused
from sinks.clickhouse.project_reader import project_reader
from sinks.clickhouse.queries import NAMED


class SqlBox:
    """The gateway's SqlDesk."""

    def __init__(self, reader: Callable[[], ClickHouseConfig], http: HttpClient) -> None:
        self._reader, self._http = reader, http

    def names(self) -> Sequence[Name]:
        return [Name(name=name, about=named.about) for name, named in NAMED.items()]

    async def named(self, name: str, project: str) -> Answer:
        return await self._asked(NAMED[name].sql, project, {"project": project})

    async def ask(self, sql: str, project: str) -> Answer:
        return await self._asked(sql, project, {})

    async def _asked(self, sql: str, project: str, params: Mapping[str, str]) -> Answer:
        reader = self._reader()
        try:
            who = project_reader(reader, project) if project else reader
            found = await free_sql.ask(self._http, who, sql, params)
        except Refused as refused:
            raise BadPayload(str(refused)) from refused
        columns = tuple(Column(name=name, type=kind) for name, kind in found.columns)
        rows = tuple(tuple(row) for row in found.rows)
        return Answer(columns=columns, rows=rows, truncated=found.truncated, elapsed_ms=found.elapsed_ms)


@asynccontextmanager
async def sql_box(settings: Settings) -> AsyncIterator[SqlBox]:
    async with HttpClient(ca_file=settings.clickhouse.ca_file) as http:
        yield SqlBox(settings.clickhouse.reader, http)
