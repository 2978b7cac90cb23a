"""A gateway on a free port of this loop, a log in memory behind it, and a caller."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from prometheus_client import CollectorRegistry

from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.gateway.limits import RateLimits
from connectors.gateway.protocol import BoundedHeadProtocol
from connectors.health import Checks
from connectors.http import HttpClient, Reply
from connectors.tokens import Limits, TokenFile, new_token
from schemas.errors import Never

T = TypeVar("T")
SECRET = "a secret that two processes share"
SOURCES = ("alertmanager", "awoooi", "grafana", "signoz")
NO_LIMIT = Limits(requests_per_minute=10**9, bytes_per_minute=10**12)
WEBHOOK = "/api/v1/webhooks/alertmanager"


@dataclass
class Record:
    topic: str
    key: bytes
    value: bytes
    headers: dict[str, bytes]


@dataclass
class MemoryLog:
    """Stands for Kafka: keeps what was published, or fails the way it is told to."""

    records: list[Record] = field(default_factory=list)
    failure: Exception | None = None
    gate: asyncio.Event | None = None
    """When set, a publish waits for it: the caller stays in flight."""
    waiting: int = 0

    async def publish(
        self, topic: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> tuple[str, int, int]:
        if self.gate is not None:
            self.waiting += 1
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.records.append(Record(topic, key, value, dict(headers)))
        return topic, 0, len(self.records) - 1


@dataclass
class Gateway:
    """A running one, with its token, its log and its metrics."""

    port: int
    log: MemoryLog
    tokens_file: Path
    token: str
    token_id: str
    http: HttpClient
    registry: CollectorRegistry

    async def post(
        self, body: bytes = b"{}", path: str = WEBHOOK, *, token: str | None = None, **headers: str
    ) -> Reply:
        """Good unless told otherwise. A header's `_` becomes `-`; an empty one is left out."""
        told = {"authorization": f"Bearer {token or self.token}", "content-type": "application/json"}
        told.update({name.replace("_", "-"): value for name, value in headers.items()})
        sent = {name: value for name, value in told.items() if value}
        return await self.http.request("POST", self.url(path), content=body, headers=sent)

    async def get(self, path: str) -> Reply:
        return await self.http.get(self.url(path))

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


def never(reason: str) -> Never:
    error = Never("told to fail")
    error.reason = reason
    return error


@asynccontextmanager
async def running_gateway(
    folder: Path,
    *,
    limits: Limits = NO_LIMIT,
    sources: Any = "*",
    checks: Checks | None = None,
    clock: Callable[[], float] | None = None,
    **settings: Any,
) -> AsyncIterator[Gateway]:
    path = folder / "tokens.json"
    entry, token = new_token(path, "test", project="acme", sources=sources, limits=limits)
    config = GatewayConfig(tokens_file=path, stamp_secret=SECRET, port=0, **settings)
    log, registry = MemoryLog(), CollectorRegistry()
    app = create_app(
        config,
        log.publish,
        SOURCES,
        TokenFile(path),
        checks=checks,
        registry=registry,
        rates=RateLimits(clock) if clock else None,
    )
    async with serving(app) as port, HttpClient(timeout_secs=20) as http:
        yield Gateway(port, log, path, token, entry.id, http, registry)


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    """Its port, while the block runs."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, http=BoundedHeadProtocol, ws="none", lifespan="off", log_config=None)
    )
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


@contextmanager
def in_a_thread(running: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """For many tests, whatever loop each has; and for generators, which have none."""
    ready, stop, found = threading.Event(), threading.Event(), list[T]()

    async def serve() -> None:
        async with running as one:
            found.append(one)
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


async def raw_answer(port: int, *parts: bytes) -> bytes:
    """What comes back for these bytes, sent as they are."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(10):
            return await reader.read(65536)
    finally:
        writer.close()
