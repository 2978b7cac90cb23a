"""A gateway that reads a real record, and people of two projects with their tokens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from awoooi.reading_desk import reading_desk
from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.gateway.desks import Desks
from connectors.http import HttpClient, Reply
from connectors.tokens import TokenFile, new_personal_token, new_token
from tests.connectors.gateway.support import NO_LIMIT, SECRET, SOURCES, MemoryLog, serving
from tests.sinks.clickhouse.test_act_desk import settings_of
from tests.sinks.clickhouse_peer import ClickHousePeer

PEOPLE = {"bob": ("shop",), "eve": ("bank",), "root": "*", "nobody": ("empty",)}


@dataclass
class Readers:
    url: str
    tokens: dict[str, str]

    async def get(self, path: str, person: str = "bob", **asked: Any) -> Reply:
        """As bob of the project shop, where nobody else is named."""
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        headers = {"authorization": f"Bearer {self.tokens[person]}"} if person else {}
        async with HttpClient(timeout_secs=20) as http:
            return await http.request("GET", f"{self.url}{path}?{query}", headers=headers)

    async def shown(self, path: str, person: str = "bob", **asked: Any) -> Any:
        reply = await self.get(path, person, **asked)
        assert reply.status == 200, reply.body
        return reply.json()


@asynccontextmanager
async def readers_of(folder: Path, peer: ClickHousePeer, **settings: str) -> AsyncIterator[Readers]:
    path = folder / "tokens.json"
    tokens = {
        person: new_personal_token(path, person, person, ["viewer"], projects=projects, limits=NO_LIMIT)[1]
        for person, projects in PEOPLE.items()
    }
    tokens["alerts"] = new_token(path, "alerts", project="shop")[1]
    config, log = GatewayConfig(tokens_file=path, stamp_secret=SECRET, port=0), MemoryLog()
    known = TokenFile(path)
    async with reading_desk(settings_of(folder, peer, **settings)) as desk:
        app = create_app(config, log.publish, SOURCES, known, people=known, desks=Desks(record=desk))
        async with serving(app) as port:
            yield Readers(f"http://127.0.0.1:{port}", tokens)


@contextmanager
def readers_in_a_thread(folder: Path, peer: ClickHousePeer) -> Iterator[Readers]:
    """One gateway for many tests, whatever loop each has; and for those that have none."""
    ready, stop, found = threading.Event(), threading.Event(), list[Readers]()

    async def serve() -> None:
        async with readers_of(folder, peer) as running:
            found.append(running)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(30)
        yield found[0]
    finally:
        stop.set()
        thread.join()


@asynccontextmanager
async def relayed(port: int, url: str) -> AsyncIterator[None]:
    """What stands at the address can be reached over this port while the block lasts, and then no more."""
    there, lines = urlsplit(url), set[asyncio.Task[Any]]()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        its_reader, its_writer = await asyncio.open_connection(there.hostname, there.port)
        for one, other in ((reader, its_writer), (its_reader, writer)):
            lines.add(asyncio.create_task(carry(one, other)))

    server = await asyncio.start_server(meet, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)
