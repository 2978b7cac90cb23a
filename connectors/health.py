"""/healthz, /readyz and /metrics: the answers, and a tiny server for processes that speak no HTTP else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from http import HTTPStatus

import orjson
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

log = structlog.get_logger(__name__)

Checks = Mapping[str, Callable[[], str]]
"""Part → why it is not ready; an empty string when it is."""
Answer = tuple[int, str, bytes]

_JSON = "application/json"
_MAX_HEAD_BYTES = 8192
_TIMEOUT_SECS = 5.0


def healthz() -> Answer:
    """The process runs and its loop turns: that it answers says so."""
    return 200, _JSON, b'{"alive":true}'


def readyz(checks: Checks) -> Answer:
    """200 when every part is ready, else 503; the parts that are not say why."""
    parts = {name: check() or "ok" for name, check in checks.items()}
    ready = all(state == "ok" for state in parts.values())
    return (200 if ready else 503), _JSON, orjson.dumps({"ready": ready, "parts": parts})


def exposition(registry: CollectorRegistry) -> Answer:
    return 200, CONTENT_TYPE_LATEST, generate_latest(registry)


class HealthServer:
    """GET and HEAD of the three paths, one request a connection."""

    def __init__(
        self, checks: Checks, registry: CollectorRegistry, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._checks = checks
        self._registry = registry
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """The port, which the system chooses when 0 was asked for."""
        self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=_MAX_HEAD_BYTES)
        port: int = self._server.sockets[0].getsockname()[1]
        log.info("health_listens", host=self._host, port=port)
        return port

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_SECS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._respond(head))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a caller that is slow, gone, or no HTTP client
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _respond(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        status, kind, body = self._answer(method, path)
        lines = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
            "Connection: close",
        )
        return "\r\n".join((*lines, "", "")).encode() + (b"" if method == b"HEAD" else body)

    def _answer(self, method: bytes, path: bytes) -> Answer:
        if method not in {b"GET", b"HEAD"}:
            return 405, _JSON, b"{}"
        match path:
            case b"/healthz":
                return healthz()
            case b"/readyz":
                return readyz(self._checks)
            case b"/metrics":
                return exposition(self._registry)
        return 404, _JSON, b'{"paths":["/healthz","/readyz","/metrics"]}'
