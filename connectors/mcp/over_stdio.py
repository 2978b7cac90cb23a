"""A server as a process of its own: one JSON-RPC message a line, over its standard input and output.

The SDK's own transport reads a line of any length; here one is bounded, and a server that sends a longer one
is ended. What it says on standard error is kept in part, for whoever asks why it does not start.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from connectors.evidence import Unavailable
from connectors.mcp.config import ServerConfig

GRACE_SECS, LOOK_SECS = 2.0, 0.01
KEPT_BYTES = 4096
Received = SessionMessage | Exception
Streams = tuple[MemoryObjectReceiveStream[Received], MemoryObjectSendStream[SessionMessage]]


@dataclass(slots=True)
class Ended:
    """Why there is nobody any more; empty while somebody is. Foreign words, which nobody has cleaned yet."""

    why: str = ""
    last_words: bytes = b""

    def hear(self, said: bytes) -> None:
        self.last_words = (self.last_words + said)[-KEPT_BYTES:]

    def told(self, status: int | None) -> str:
        words = self.last_words.decode(errors="replace").strip()
        if len(self.last_words) == KEPT_BYTES:  # half a line may hold half a secret, which nobody knows again
            words = words.partition("\n")[2]
        return ("it ended" if status is None else f"it ended with status {status}") + (words and f": {words}")


@asynccontextmanager
async def over_stdio(config: ServerConfig, ended: Ended) -> AsyncIterator[Streams]:
    process = await _started(config)
    incoming, received = anyio.create_memory_object_stream[Received](0)
    sent, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
    listening = asyncio.create_task(_listen(process, ended))
    reading = asyncio.create_task(_read(process, incoming, ended, listening, config.most_bytes))
    tasks = [listening, reading, asyncio.create_task(_write(process, outgoing))]
    try:
        yield received, sent
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process, patient=not ended.why)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await _drain(process)
            async with AsyncExitStack() as opened:
                for stream in (incoming, received, sent, outgoing):
                    opened.push_async_callback(stream.aclose)


async def _started(config: ServerConfig) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    try:
        return await asyncio.create_subprocess_exec(
            *config.command,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=config.environment(os.environ),
            cwd=config.cwd,
            limit=config.most_bytes,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its words hold what no program takes"
        raise Unavailable(f"{config.command[0]} cannot be started: {why}") from error


async def _read(
    process: asyncio.subprocess.Process,
    incoming: MemoryObjectSendStream[Received],
    ended: Ended,
    listening: asyncio.Task[None],
    most_bytes: int,
) -> None:
    """What is no message is passed over."""
    assert process.stdout is not None  # it was asked for
    async with incoming:
        try:
            while line := await process.stdout.readline():
                with suppress(ValueError):
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                    await incoming.send(SessionMessage(message))
            ended.why = "it ended"
            status = await _status(process)
            await asyncio.wait({listening}, timeout=GRACE_SECS)
            ended.why = ended.told(status)
        except ValueError:  # of readline: the line is over the limit
            ended.why = f"it sent more than {most_bytes} bytes at once"
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            ended.why = "it was left"


async def _write(
    process: asyncio.subprocess.Process, outgoing: MemoryObjectReceiveStream[SessionMessage]
) -> None:
    assert process.stdin is not None  # it was asked for
    async with outgoing:
        async for sent in outgoing:
            line = sent.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(line.encode() + b"\n")
            with suppress(ConnectionError):  # its end is told by what is read
                await process.stdin.drain()


async def _listen(process: asyncio.subprocess.Process, ended: Ended) -> None:
    """Standard error to its end, or it would fill and hold the server up."""
    assert process.stderr is not None  # it was asked for
    while heard := await process.stderr.read(KEPT_BYTES):
        ended.hear(heard)


async def _end(process: asyncio.subprocess.Process, *, patient: bool) -> None:
    """Its input ends, then it is asked, then it is ended, with all that it started."""
    assert process.stdin is not None  # it was asked for
    process.stdin.close()
    for number in (*([None] if patient else []), signal.SIGTERM, signal.SIGKILL):
        if number is not None:
            _signal(process.pid, number)
        if await _status(process) is not None:
            break
    _signal(process.pid, signal.SIGKILL)


async def _status(process: asyncio.subprocess.Process) -> int | None:
    """Looked for: `wait` would also wait for whoever holds its pipes open. None: it goes on."""
    until = asyncio.get_running_loop().time() + GRACE_SECS
    while process.returncode is None and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110  (no event tells it)
        await asyncio.sleep(LOOK_SECS)
    return process.returncode


async def _drain(process: asyncio.subprocess.Process) -> None:
    """To the end of both: else its pipes stay open for as long as we live."""
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE_SECS):
            for pipe in (process.stdout, process.stderr):
                while pipe is not None and await pipe.read(65536):
                    pass


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
