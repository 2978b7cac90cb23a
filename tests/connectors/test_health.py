"""/healthz, /readyz and /metrics of processes that speak no HTTP else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry, Counter

from connectors.health import HealthServer
from connectors.http import HttpClient
from tests.connectors.gateway.support import raw_answer


@dataclass
class Served:
    port: int
    trouble: dict[str, str]
    registry: CollectorRegistry
    http: HttpClient = field(repr=False)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    trouble = {"kafka": "", "tables": ""}
    registry = CollectorRegistry()
    checks = {name: lambda name=name: trouble[name] for name in trouble}
    server = HealthServer(checks, registry)
    async with HttpClient() as http:
        yield Served(await server.start(), trouble, registry, http)
    await server.stop()


async def test_it_is_alive(served: Served) -> None:
    assert (await served.http.get(served.url("/healthz"))).json() == {"alive": True}


async def test_it_is_ready_when_every_part_is(served: Served) -> None:
    reply = await served.http.get(served.url("/readyz?verbose"))

    assert (reply.status, reply.json()) == (200, {"ready": True, "parts": {"kafka": "ok", "tables": "ok"}})


async def test_a_part_that_is_not_ready_says_why(served: Served) -> None:
    served.trouble["tables"] = "recovering, 1,000 records to go"

    reply = await served.http.get(served.url("/readyz"))

    assert reply.status == 503
    assert reply.json()["parts"] == {"kafka": "ok", "tables": "recovering, 1,000 records to go"}
    assert (await served.http.get(served.url("/healthz"))).status == 200


async def test_metrics_are_exposed(served: Served) -> None:
    Counter("things_total", "things", registry=served.registry).inc(3)

    assert b"things_total 3.0" in (await served.http.get(served.url("/metrics"))).body


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(b"HEAD /healthz HTTP/1.1\r\n\r\n", b"200 OK", id="HEAD"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", b"404 Not Found", id="another path"),
        pytest.param(b"POST /healthz HTTP/1.1\r\n\r\n", b"405 Method Not Allowed", id="another method"),
        pytest.param(b"\r\n\r\n", b"405 Method Not Allowed", id="no request"),
        pytest.param(b"\xff\x00\r\n\r\n", b"405 Method Not Allowed", id="no text"),
    ],
)
async def test_other_requests_are_refused(served: Served, request_: bytes, status: bytes) -> None:
    answer = await raw_answer(served.port, request_)

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.endswith(b"\r\n\r\n") or not request_.startswith(b"HEAD")


async def test_a_head_without_end_is_cut_off(served: Served) -> None:
    faults: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET /" + b"x" * 100_000)

    try:
        assert await asyncio.wait_for(reader.read(), 4) == b""
    except ConnectionResetError:
        pass
    finally:
        writer.close()
    assert (await served.http.get(served.url("/healthz"))).status == 200
    assert faults == []
