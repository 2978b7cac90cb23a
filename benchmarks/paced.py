"""A steady load of raw records: `python -m benchmarks.paced BOOTSTRAP PER_SECOND SECS SUBJECTS FIRST`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import uvloop

from benchmarks.broker import producing
from benchmarks.ingest import as_records
from benchmarks.loads import minutes_ago, raw
from streams.runner import Outgoing
from streams.sender import Sender

STEP_SECS = 0.01


async def run(bootstrap: str, *numbers: str) -> None:
    per_s, secs, subjects, first = map(int, numbers)
    load = list(as_records(raw(per_s * secs, subjects, 1, minutes_ago(), first)))
    async with producing(bootstrap) as producer:
        await send(load, per_s, Sender(lambda: producer))


async def send(load: Sequence[Outgoing], per_s: int, sender: Sender) -> None:
    """So many at each step; a step that came late sends what was due meanwhile."""
    loop = asyncio.get_running_loop()
    began, sent, sending = loop.time(), 0, set[asyncio.Task[None]]()
    while sent < len(load):
        due = min(int((loop.time() - began) * per_s), len(load))
        if due > sent:
            task = asyncio.create_task(sender.send(load[sent:due]))
            sending.add(task)
            task.add_done_callback(sending.discard)
            sent = due
        await asyncio.sleep(STEP_SECS)
    await asyncio.gather(*sending)


if __name__ == "__main__":
    uvloop.run(run(*sys.argv[1:]))
