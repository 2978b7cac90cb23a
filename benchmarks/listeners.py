"""Live listeners: `python -m benchmarks.listeners PORT TOKEN LISTENERS EVENTS SECS ANSWER`.

Each reads its stream in full, leaves once in the middle and comes back with its last id. What each was told
is counted by event; the delay is from the event's own time.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import uvloop

from benchmarks.child import READY

PATH = "/api/v1/dashboard/stream"
STILL_SECS = 20.0


@dataclass(slots=True)
class Listener:
    """One, over all its connections."""

    port: int
    token: str
    wanted: int
    leaves_at: int
    """after so many messages"""
    told: dict[str, int] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    cursor: str = ""
    placed: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        await self._connection(self.leaves_at)
        await self._connection(self.wanted)

    async def _connection(self, until: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            again = f"last-event-id: {self.cursor}\r\n" if self.cursor else ""
            head = f"GET {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self.token}\r\n{again}\r\n"
            writer.write(head.encode())
            if not (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200"):
                raise SystemExit("a listener was refused")
            while len(self.told) < until:
                self._take((await reader.readuntil(b"\n")).rstrip())
        finally:
            writer.close()

    def _take(self, line: bytes) -> None:
        """Chunk sizes and blank lines are passed over: no line of a message begins like one."""
        if line.startswith(b"id: "):
            self.cursor = line[4:].decode()
        elif line == b"event: start":
            self.placed.set()
        elif line.startswith(b'data: {"kind'):
            told = json.loads(line[6:])
            self.told[told["event_id"]] = self.told.get(told["event_id"], 0) + 1
            self.delays.append(time.time() - datetime.fromisoformat(told["at"]).timestamp())


async def run(port: str, token: str, listeners: str, events: str, secs: str) -> dict[str, Any]:
    count, wanted = int(listeners), int(events)
    all_of_them = [
        Listener(int(port), token, wanted, wanted * (20 + 60 * number // count) // 100)
        for number in range(count)
    ]
    async with asyncio.timeout(float(secs) + STILL_SECS):
        tasks = [asyncio.create_task(listener.listen()) for listener in all_of_them]
        await asyncio.gather(*(listener.placed.wait() for listener in all_of_them))
        print(READY, flush=True)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    failed = [task.exception() for task in tasks if task.done() and task.exception()]
    cuts = [cut * 1000 for cut in quantiles((d for one in all_of_them for d in one.delays), n=100)]
    return {
        "failed": [repr(error) for error in failed],
        "lost": sum(wanted - len(one.told) for one in all_of_them),
        "doubled": sum(sum(one.told.values()) - len(one.told) for one in all_of_them),
        "p50_ms": cuts[49],
        "p99_ms": cuts[98],
    }


if __name__ == "__main__":
    *arguments, answer = sys.argv[1:]
    Path(answer).write_text(json.dumps(uvloop.run(run(*arguments))))
