"""What `up` keeps beside its children: its state file, ports, the broker's answer."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from awoooi import parts as there
from awoooi.parts import NO_ANSWER
from awoooi.ports import owner_of
from awoooi.state_file import NAME, StateFile, running
from awoooi.supervisor import Supervisor
from tests.peers.waiting import wait_until


def idle_supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor((), tmp_path, lambda _: os.environ, lambda: "e1")


def test_a_state_file_that_cannot_be_written_is_told_once_until_it_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "state"
    file, supervisor = StateFile(folder), idle_supervisor(tmp_path)

    for _ in range(3):
        file.write(supervisor)
    assert capsys.readouterr().err.count("cannot be written: No such file or directory; all goes on") == 1

    folder.mkdir()
    file.write(supervisor)
    assert json.loads((folder / NAME).read_text())["pid"] == os.getpid()
    file.remove()
    assert list(folder.iterdir()) == []


def test_the_state_file_of_a_process_that_is_gone_is_none(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    (tmp_path / NAME).write_text(json.dumps({"pid": process.pid}))

    assert running(tmp_path) is None


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
