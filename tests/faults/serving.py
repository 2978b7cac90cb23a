"""Runs workers in a process of their own, as a child of a test: it says when they are ready."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import uvloop

from awoooi.worker import Worker
from tests.peers.waiting import wait_until_async


async def learn(number: int) -> None:
    raise AssertionError(f"no registry here, yet asked for {number}")


async def serve(made: Callable[[Path], Sequence[Worker]]) -> None:
    """Until SIGTERM or SIGINT; the workers get a state folder that goes with them."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory() as state:
        workers = made(Path(state))
        running = [asyncio.ensure_future(worker.run(stop)) for worker in workers]

        def ready() -> bool:
            return not any(worker.unready() for worker in workers) or any(one.done() for one in running)

        await wait_until_async(ready, 120)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.gather(*running)


def run(main: Coroutine[Any, Any, None]) -> None:
    logging.basicConfig(level=logging.WARNING)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main)
