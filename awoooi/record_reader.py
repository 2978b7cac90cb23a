"""The record as the gateway asks it: as the reader, by one client for all, made when it is first needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from sinks.clickhouse.errors import Away

if TYPE_CHECKING:
    from sinks.clickhouse.client import Client
    from sinks.clickhouse.config import ClickHouseConfig


class RecordReader:
    """`opened` closes its client."""

    def __init__(
        self, config: Callable[[], ClickHouseConfig], opened: AsyncExitStack, within_secs: float
    ) -> None:
        self._config, self._opened, self._within_secs = config, opened, within_secs
        self._client: Client | None = None
        self._opening = asyncio.Lock()

    async def ask(self, sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Away when there is no answer in time."""
        try:
            async with asyncio.timeout(self._within_secs):
                return await (await self._connected()).ask(sql, params)
        except TimeoutError as error:
            raise Away(f"ClickHouse does not answer within {self._within_secs:.0f} s") from error

    async def _connected(self) -> Client:
        """It outlives a server that goes and comes back."""
        async with self._opening:
            if self._client is None:
                connect = await asyncio.to_thread(_client)  # half a second of imports: webhooks go on
                client = await connect(self._config())
                self._opened.push_async_callback(client.close)
                self._client = client
            return self._client


def _client() -> Callable[[ClickHouseConfig], Awaitable[Client]]:
    from sinks.clickhouse.client import Client

    return Client.connect
