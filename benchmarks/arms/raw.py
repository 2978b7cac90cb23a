"""A plain aiokafka loop: decode, count in a dict, send in batches, commit. No state survives it."""

from __future__ import annotations

import asyncio
import sys
import time

import uvloop
from aiokafka import AIOKafkaConsumer

from benchmarks.arms.job import BATCH, Job, State
from benchmarks.broker import producing
from benchmarks.child import READY
from schemas.catalog import MIB
from streams.sender import Sender

COMMIT_SECS = 1.0


async def run(bootstrap: str, group: str, topic: str) -> None:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=5 * MIB,
    )
    async with producing(bootstrap) as producer:
        await consumer.start()
        print(READY, flush=True)
        try:
            await count(consumer, Sender(lambda: producer))
        finally:
            await consumer.stop()


async def count(consumer: AIOKafkaConsumer, sender: Sender) -> None:
    job, states = Job(), dict[bytes, State]()
    read, committed = job.codec.read, time.monotonic()
    while True:
        for records in (await consumer.getmany(timeout_ms=200, max_records=2 * BATCH)).values():
            for record in records:
                states[record.key] = job.count(read(record.value)[1], states.get(record.key))
            await sender.send(job.tell())
        if time.monotonic() - committed > COMMIT_SECS:
            await consumer.commit()
            committed = time.monotonic()
        await asyncio.sleep(0)


if __name__ == "__main__":
    uvloop.run(run(*sys.argv[1:]))
