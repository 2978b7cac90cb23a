"""A model service that thinks until it is let go, and then has no answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class SlowModels:
    """`thinking` counts the questions that wait."""

    thinking: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.thinking += 1
            await self.done.wait()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def slow_models() -> AsyncIterator[SlowModels]:
    models = SlowModels()
    server = await asyncio.start_server(models.answer, "127.0.0.1", 0)
    models.port = server.sockets[0].getsockname()[1]
    try:
        yield models
    finally:
        models.done.set()
        server.close()
