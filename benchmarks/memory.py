"""What an open incident costs the ingest worker, and how long it takes to start over a million rows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice

from awoooi.memory import TRIM_SECS
from benchmarks.broker import PARTITIONS, Broker, broker, producing
from benchmarks.child import memory_bytes
from benchmarks.loads import normalized
from benchmarks.measured import Measured, Scale
from benchmarks.outputs import pace
from benchmarks.product import Product
from schemas.catalog import partition_of
from schemas.codec import Codec
from streams.changelog import CLAIM
from streams.rows import PartitionRows
from streams.runner import Outgoing, Runner
from streams.sender import Sender
from streams.stage import Record
from streams.stages.dedup import Dedup, DedupConfig
from tests.peers.process import Process

GROUP = "awoooi-ingest"
OWNER = b"benchmrk"
DEDUP_ROWS = f"{GROUP}-dedup-changelog"


async def measure_incidents(scale: Scale) -> Measured:
    """All stages of ingest on: each incident has rows in dedup and in runs, and a run that was started.

    What one more costs, between a worker that has some and one that has many: the buffers that the same load
    needs are in both. What the whole worker has stands beside it.
    """
    few, many = scale.of(20_000, 5_000), scale.of(120_000, 25_000)
    load = await normalized(many, many)
    async with broker() as kafka:
        product = Product(scale.folder / "incidents", kafka.bootstrap)
        product.run("init")
        with product.running("worker", "ingest", port="HEALTH_INGEST_PORT") as worker:
            empty = memory_bytes(worker.pid)
            warm = await _with_incidents(kafka, worker, load[:few], few)
            full = await _with_incidents(kafka, worker, load[few:], many)
        opened = pace(await kafka.read("incidents")).counted
        if opened != many:
            raise RuntimeError(f"{opened} incidents were opened by {many} alerts")
        more = {
            "worker_empty_mb": empty / 1e6,
            f"worker_with_{few}_incidents_mb": warm / 1e6,
            f"worker_with_{many}_incidents_mb": full / 1e6,
        }
        return Measured({"bytes_per_open_incident": (full - warm) / (many - few)}, more)


async def _with_incidents(kafka: Broker, worker: Process, load: Sequence[Outgoing], count: int) -> int:
    """The worker's memory once all of them are open, their runs have started, and the rest was given back."""
    await kafka.fill(load)
    await kafka.still("incidents", since=2 * count - 1, secs=TRIM_SECS + 2.0, deadline_secs=240)
    return memory_bytes(worker.pid)


async def measure_recovery(scale: Scale) -> Measured:
    """From the start of the process until it is ready, with all its rows in memory."""
    count = scale.of(1_000_000, 200_000)
    async with broker() as kafka:
        product = Product(scale.folder / "recovery", kafka.bootstrap)
        product.run("init")
        await kafka.make_changelogs(GROUP)
        row = await _row()
        await _fill_rows(kafka, count, row)
        began = time.monotonic()
        with product.running("worker", "ingest", port="HEALTH_INGEST_PORT") as worker:
            secs = time.monotonic() - began
            held = memory_bytes(worker.pid)
        if held < count * len(row):
            raise RuntimeError(f"{held} bytes cannot hold {count} rows: they were not believed")
        more = {"recovery_rows": count, "recovery_row_bytes": len(row), "recovery_worker_mb": held / 1e6}
        return Measured({"recovery_million_s": secs * 1_000_000 / count}, more)


async def _row() -> bytes:
    """A row as dedup leaves it after some repeats."""
    codec, dedup = Codec(), Dedup(DedupConfig())
    rows = PartitionRows(dedup.due)
    records = [
        Record("alerts.normalized", 0, i, out.key, out.value, tuple(out.headers), 0, codec)
        for i, out in enumerate(await normalized(12, 1))
    ]
    turn = await Runner(dedup, codec).turn(records, rows)
    (row,) = turn.rows.values()
    assert row is not None
    return row


async def _fill_rows(kafka: Broker, count: int, row: bytes) -> None:
    by_partition: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    for number in range(count):
        key = b"default:%016x" % number
        by_partition[partition_of(key, PARTITIONS)].append(key)
    async with producing(kafka.bootstrap) as producer:
        sender = Sender(lambda: producer)
        for partition, keys in enumerate(by_partition):
            await sender.append_rows(DEDUP_ROWS, partition, [(CLAIM, OWNER)], OWNER)
            for chunk in _chunks(iter(keys), 20_000):
                await sender.append_rows(DEDUP_ROWS, partition, ((key, row) for key in chunk), OWNER)


def _chunks(keys: Iterator[bytes], size: int) -> Iterator[list[bytes]]:
    while chunk := list(islice(keys, size)):
        yield chunk
