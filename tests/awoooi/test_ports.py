"""How `up` looks at ports: who has one, and whether a broker answers there."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from awoooi import parts as there
from awoooi.parts import NO_ANSWER
from awoooi.ports import owner_of
from tests.peers.waiting import wait_until


def test_the_owner_of_a_port_is_told_in_one_line() -> None:
    program = """if True:
        import socket, time
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        time.sleep(600)
    """
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        owner = wait_until(lambda: owner_of(port))
        process.kill()

    assert owner.startswith(f"pid {process.pid} (")
    assert len(owner.splitlines()) == 1
    assert "create_server" in owner, "it is whole: what is ours is told by its name anywhere in it"


@asynccontextmanager
async def listener(says: bytes) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(says)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_a_broker_is_ready_when_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(there, "PROBE_TIMEOUT_SECS", 0.2)
    async with listener(b"\0\0\0\1\0") as port:
        assert await there._speaks_kafka("127.0.0.1", port) == ""
    async with listener(b"") as port:
        assert await there._speaks_kafka("127.0.0.1", port) == NO_ANSWER
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert await there._speaks_kafka("127.0.0.1", nobody.getsockname()[1]) == NO_ANSWER
