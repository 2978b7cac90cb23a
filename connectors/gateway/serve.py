"""One gateway process: the producer, the tokens, the application, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from connectors.gateway.act_desk import Desk
from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.gateway.desks import Desks
from connectors.gateway.enrolments import KeyDesk
from connectors.gateway.live_ring import Ring
from connectors.gateway.protocol import BoundedHeadProtocol
from connectors.gateway.session import Issuer
from connectors.gateway.signatures import Approvals
from connectors.health import Checks
from connectors.kafka.config import KafkaConfig
from connectors.kafka.producer import Publisher
from connectors.tokens import TokenFile
from schemas.errors import Misconfigured

_BACKLOG = 2048
Part = TypeVar("Part")
Follow = AbstractAsyncContextManager[Approvals]
"""follows what becomes of signatures for the length of a block"""
Lend = AbstractAsyncContextManager[Desk]
"""what people's acts need, for the length of a block"""
Listen = AbstractAsyncContextManager[Ring]
"""what happens is read into a ring for the length of a block"""
LogIn = AbstractAsyncContextManager[Issuer | None]
"""where people log in beside their tokens, if anywhere"""


@dataclass(frozen=True, slots=True)
class Views:
    """What every process knows, the kill switch for one: whether it was read; and who may sign."""

    checks: Checks
    keys: KeyDesk
    desks: Desks = field(default_factory=Desks)


Watch = Callable[[CollectorRegistry], AbstractAsyncContextManager[Views]]


@dataclass(frozen=True, slots=True)
class Gateway:
    """What a gateway is made of. All but the first three are lent to it, and without one it does less."""

    config: GatewayConfig
    kafka: KafkaConfig
    sources: Collection[str]
    approvals: Follow | None = None
    desk: Lend | None = None
    views: Watch | None = None
    live: Listen | None = None
    log_ins: LogIn | None = None


log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """`serve` takes them: uvicorn would end the process with the signal once more, after a clean stop."""
        yield


def run(gateway: Gateway) -> None:
    """Blocks until SIGTERM or SIGINT; open requests are answered first."""
    uvloop.run(serve(gateway))


async def serve(gateway: Gateway) -> None:
    """Serves while Kafka is away too: callers are then told to come again."""
    config = gateway.config
    tokens, publisher = TokenFile(config.tokens_file), Publisher(gateway.kafka)
    checks: Checks = {"kafka": lambda: publisher.trouble, "tokens": lambda: tokens.trouble}
    registry = CollectorRegistry()
    async with AsyncExitStack() as opened:
        listener = opened.enter_context(_bound(config))
        approvals = await _lent(gateway.approvals, opened)
        desk = await _lent(gateway.desk, opened)
        seen = await _lent(gateway.views(registry) if gateway.views else None, opened)
        ring = await _lent(gateway.live, opened)
        log_ins = await _lent(gateway.log_ins, opened)
        checks = {**checks, **(seen.checks if seen else {})}
        app = create_app(
            config,
            publisher.send,
            gateway.sources,
            tokens,
            checks=checks,
            registry=registry,
            approvals=approvals,
            people=tokens,
            desk=desk,
            keys=seen.keys if seen else None,
            desks=seen.desks if seen else None,
            ring=ring,
            log_ins=log_ins,
        )
        server = _Server(_uvicorn(config, app))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, server, app)
        await publisher.start()
        try:
            listener.listen(_BACKLOG)
            log.info("gateway_listens", host=config.host, port=listener.getsockname()[1])
            await server.serve(sockets=[listener])
            if approvals is not None:
                await app.state.at_the_end()
        finally:
            await publisher.stop()
            log.info("gateway_stopped")


async def _lent(what: AbstractAsyncContextManager[Part] | None, opened: AsyncExitStack) -> Part | None:
    return None if what is None else await opened.enter_async_context(what)


def _stop(server: uvicorn.Server, app: FastAPI) -> None:
    """Who listens is let go, and comes back to another gateway. A second signal waits for nobody."""
    live = getattr(app.state, "live", None)
    if live is not None:
        live.close()
    server.force_exit, server.should_exit = server.should_exit, True


def _bound(config: GatewayConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((config.host, config.port))
    except OSError as error:
        listener.close()
        raise Misconfigured(
            f"host, port: cannot listen on {config.host}:{config.port}: {error.strerror or error}"
        ) from error
    return listener


def _uvicorn(config: GatewayConfig, app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedHeadProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        limit_concurrency=config.max_connections,
        timeout_graceful_shutdown=config.stop_timeout_secs,
    )
