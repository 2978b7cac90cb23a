"""The job on stock Faust: an agent with a table, as its documentation shows it, with its own settings."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import faust

from benchmarks.arms.job import Job
from benchmarks.child import READY
from schemas.codec import Codec

BATCH = 500
"""Smaller than the others', as its load is: else all of it would be told of at once, and no pace be seen."""


def new_app(bootstrap: str, group: str, topic: str, state_dir: str, ends: dict[int, int]) -> Any:
    app = faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        datadir=state_dir,
        topic_partitions=len(ends),
        topic_replication_factor=1,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
    )
    counts = app.Table("counts", partitions=len(ends))
    alerts = app.topic(topic, key_type=bytes, value_type=bytes, value_serializer="raw", key_serializer="raw")
    incidents = app.topic(
        "incidents", key_type=bytes, value_type=bytes, value_serializer="raw", key_serializer="raw"
    )
    jobs = {partition: Job() for partition in ends}
    taken = dict.fromkeys(ends, 0)
    read = Codec().read

    @app.agent(alerts)  # type: ignore[untyped-decorator]
    async def dedup(stream: Any) -> None:
        async for event in stream.events():
            partition, offset = event.message.partition, event.message.offset
            key, job = event.key.decode(), jobs[partition]
            counts[key] = job.count(read(event.value)[1], counts.get(key))
            taken[partition] += 1
            if taken[partition] % BATCH == 0 or offset + 1 == ends[partition]:
                for out in job.tell():
                    await incidents.send(key=out.key, value=out.value, headers=out.headers)

    return app


async def run(*arguments: str) -> None:
    bootstrap, group, topic, state_dir, *ends = arguments
    app = new_app(bootstrap, group, topic, state_dir, dict(enumerate(map(int, ends))))
    app.finalize()
    await app.start()
    print(READY, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(run(*sys.argv[1:]))
