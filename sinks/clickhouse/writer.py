"""Batches into ClickHouse: what is away is waited for, what is refused is set aside."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import structlog
from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import Misconfigured
from sinks.clickhouse.chain import Link
from sinks.clickhouse.client import Client
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.errors import Away, Refused
from sinks.clickhouse.rows import EventRow, SetAside, refused

log = structlog.get_logger(__name__)

WRONG_LOGIN = frozenset({192, 193, 194, 516})  # unknown user, wrong password, none given, login failed
T = TypeVar("T")


class WriterConfig(BaseModel):
    """How to wait, and when refusals are too many to be the rows' own fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_wait_secs: float = Field(0.2, gt=0)
    longest_wait_secs: float = Field(10.0, gt=0)
    free_refusals: int = Field(100, ge=0, description="of one batch, before each further one is waited for")
    refusal_wait_secs: float = Field(0.05, ge=0, description="so that a bad release empties no log")


class Writer:
    """One connection. `trouble` says why nothing is written now; it is empty when all is well."""

    def __init__(self, clickhouse: ClickHouseConfig, config: WriterConfig | None = None) -> None:
        self._clickhouse = clickhouse
        self._config = config or WriterConfig()
        self._client: Client | None = None
        self.trouble = "not connected yet"

    async def open(self) -> None:
        """Connected when this returns, however long it takes; a wrong login stops the start."""
        await self._until_there(self._connect)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def write(self, rows: Sequence[EventRow], unreadable: Sequence[SetAside]) -> list[SetAside]:
        """Everything is stored or set aside when this returns; the answer is all that was set aside."""
        aside = [*unreadable, *await self._insert(rows)]
        if aside:
            columns = _columns(SetAside, aside)
            await self._until_there(lambda: self._there.insert_columns("set_aside", columns))
            await self._slow_down(len(aside))
        return aside

    async def link(self, links: Sequence[Link]) -> None:
        """After their events: a link without its event would be a row that somebody deleted."""
        if links:
            columns = _columns(Link, links)
            await self._until_there(lambda: self._there.insert_columns("audit_chain", columns))

    async def ask(self, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The answer, however long ClickHouse is away, or lacks tables or grants, which come late."""
        return await self._until_there(lambda: self._answer(sql, params))

    async def _answer(self, sql: str, params: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        try:
            return await self._there.ask(sql, params)
        except Refused as error:
            raise Away(str(error), error.code) from error

    async def look(self) -> None:
        """Ask for a sign of life, so that an idle sink knows too."""
        try:
            await self._there.ask("SELECT 1")
        except (Away, Refused) as error:
            self._note(str(error))
        else:
            self._note("")

    async def _insert(self, rows: Sequence[EventRow]) -> list[SetAside]:
        """Halves of a refused batch are tried by themselves, down to the rows that are at fault."""
        if not rows:
            return []
        columns = _columns(EventRow, rows)
        try:
            await self._until_there(lambda: self._there.insert_columns("events", columns))
        except Refused as error:
            if len(rows) > 1:
                middle = len(rows) // 2
                return [*await self._insert(rows[:middle]), *await self._insert(rows[middle:])]
            return [refused(rows[0], error, time.time_ns() // 1_000_000)]
        return []

    async def _until_there(self, act: Callable[[], Awaitable[T]]) -> T:
        """Again and again while ClickHouse is away: Kafka holds the backlog."""
        wait = self._config.first_wait_secs
        while True:
            try:
                done = await act()
            except Away as error:
                self._note(str(error))
                await asyncio.sleep(wait * random.uniform(0.8, 1.2))
                wait = min(wait * 2, self._config.longest_wait_secs)
            else:
                self._note("")
                return done

    async def _connect(self) -> None:
        try:
            self._client = await Client.connect(self._clickhouse)
        except Away as error:
            if error.code in WRONG_LOGIN:
                raise Misconfigured(
                    f"ClickHouse at {self._clickhouse.url} does not let user {self._clickhouse.user!r} in: "
                    "user or password is wrong"
                ) from error
            raise

    @property
    def _there(self) -> Client:
        assert self._client is not None, "open() comes first"
        return self._client

    def _note(self, trouble: str) -> None:
        before, self.trouble = self.trouble, trouble
        if trouble and before != trouble:
            log.warning("clickhouse_away", url=self._clickhouse.url, detail=trouble)
        elif before and not trouble:
            log.info("clickhouse_back", url=self._clickhouse.url)

    async def _slow_down(self, refused: int) -> None:
        too_many = refused - self._config.free_refusals
        if too_many > 0:
            wait = too_many * self._config.refusal_wait_secs
            log.error("sink_sets_much_aside", rows=refused, waits_secs=round(wait, 1))
            await asyncio.sleep(wait)


def _columns(
    kind: type[EventRow] | type[SetAside] | type[Link], rows: Sequence[tuple[object, ...]]
) -> dict[str, Sequence[object]]:
    return dict(zip(kind._fields, zip(*rows, strict=True), strict=True))
