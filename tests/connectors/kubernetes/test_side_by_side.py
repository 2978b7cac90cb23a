"""One cluster is asked many things at once: no call waits for another's answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.config import KubernetesConfig, Place
from tests.peers.kubernetes import write_kubeconfig

EXECUTIONS = 50
BODY = b'{"kind": "Pod", "metadata": {"name": "api-1"}}'


@dataclass
class Slow:
    """Answers nobody until so many wait."""

    waiting: int = 0
    all_there: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.waiting += 1
        if self.waiting == EXECUTIONS:
            self.all_there.set()
        await self.all_there.wait()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + BODY)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def asked(slow: Slow, folder: Path) -> AsyncIterator[Cluster]:
    server = await asyncio.start_server(slow.answer, "127.0.0.1", 0, backlog=128)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    kubeconfig = write_kubeconfig(folder / "kubeconfig", url, None, "token")
    cluster = Cluster("default", Place(kubeconfig), KubernetesConfig(call_timeout_secs=3))
    async with server:
        yield cluster
        await cluster.close()


async def test_fifty_calls_are_under_way_at_once(tmp_path: Path) -> None:
    slow = Slow()
    async with asked(slow, tmp_path) as cluster:
        found = await asyncio.gather(*(cluster.get(kinds.POD, "shop", "api-1") for _ in range(EXECUTIONS)))

    assert None not in found
