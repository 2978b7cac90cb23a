"""A counting engine as a child process that freezes (SIGSTOP) right before it writes its rows,
and, once let go, ends right after they are written.

`python -m tests.streams.freezing BOOTSTRAP GROUP TOPIC FREEZE_AT_WRITE`
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from connectors.kafka.config import KafkaConfig
from tests.streams.engines import Counting, engine_of, placed


async def main(bootstrap: str, group: str, topic: str, freeze_at: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with engine_of(
        KafkaConfig(bootstrap_servers=bootstrap), group, placed(Counting((topic,)))
    ) as engine:
        table: Any = engine._tables["counting"]
        append, written = table._append, 0

        async def freeze_then_append(place: str, partition: int, rows: Any, *more: Any) -> Any:
            nonlocal written
            rows = list(rows)
            written += 1
            if written == freeze_at:
                os.kill(os.getpid(), signal.SIGSTOP)
            last = await append(place, partition, rows, *more)
            if written == freeze_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return last

        table._append = freeze_then_append
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
