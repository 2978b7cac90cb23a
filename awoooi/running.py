"""What every process of ours shares: logs, signals, the schema registry, its health pages."""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import structlog
from prometheus_client import CollectorRegistry

from awoooi.settings import Settings
from connectors.alerts.source import Source
from connectors.health import Checks, HealthServer
from schemas.errors import Misconfigured, NotNow

log = structlog.get_logger(__name__)

FIRST_WAIT_SECS, LONGEST_WAIT_SECS = 0.5, 10.0
T = TypeVar("T")


def chosen_sources(settings: Settings) -> Mapping[str, Source]:
    """Those of the settings; where none is named, all that are installed or mapped."""
    from connectors.alerts.registry import sources

    known = sources()
    if settings.mappings_file is not None:
        from connectors.alerts.mapped import read_mappings

        known |= read_mappings(settings.mappings_file, known)
    wrong = [name for name in settings.sources if name not in known]
    if wrong:
        there = ", ".join(sorted(known))
        raise Misconfigured(f"AWOOOI_SOURCES: {', '.join(wrong)}: no such source; there are {there}")
    return {name: source for name, source in known.items() if name in (settings.sources or known)}


def stop_event() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def health(
    checks: Checks, registry: CollectorRegistry, host: str, port: int, setting: str
) -> AsyncIterator[None]:
    """/healthz, /readyz and /metrics for the length of a block."""
    server = HealthServer(checks, registry, host, port)
    try:
        await server.start()
    except OSError as error:
        why = "is taken by another process" if error.errno == errno.EADDRINUSE else str(error.strerror)
        raise Misconfigured(f"port {port} on {host} {why}; {setting} chooses another") from error
    try:
        yield
    finally:
        await server.stop()


async def until_there(what: str, call: Callable[[], Awaitable[T]]) -> T:
    """The call's answer, however long it takes until it is no longer `NotNow`."""
    wait = FIRST_WAIT_SECS
    while True:
        try:
            return await call()
        except NotNow as error:
            log.warning(f"waiting_for_{what}", why=str(error), secs=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECS)
