"""Slow calls side by side: a bounded number at once, one at a time per stage and key, dropped when partitions
go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

Key = tuple[str, bytes | None]
"""stage and key: reviewer and critic of one incident work beside each other"""


class SlowWork:
    """Tasks of the slow stages. The transport bounds what is delivered, the semaphore what runs."""

    def __init__(self, at_once: int) -> None:
        self._room = asyncio.Semaphore(at_once)
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_of_key: dict[Key, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def keys(self, stage: str) -> set[bytes | None]:
        """What this stage has in hand or waiting."""
        return {key for name, key in self._last_of_key if name == stage}

    def start(self, key: Key, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._run(work, self._last_of_key.get(key)))
        self._tasks.add(task)
        self._last_of_key[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))

    async def _run(self, work: Coroutine[Any, Any, None], before: asyncio.Task[None] | None) -> None:
        try:
            if before is not None:
                await asyncio.wait((before,))
            async with self._room:
                await work
        finally:
            work.close()  # where it was cancelled before it began

    def _forget(self, key: Key, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._last_of_key.get(key) is task:
            del self._last_of_key[key]

    def cancel(self) -> None:
        """The partitions go: the next owner repeats the work, and what comes of ours is thrown away."""
        for task in self._tasks:
            task.cancel()
