"""A million events with their links and pinned heads: how long `awoooi audit verify` takes to prove them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import islice

from prometheus_client import CollectorRegistry

from awoooi import defaults
from benchmarks.broker import PARTITIONS
from benchmarks.loads import normalized
from benchmarks.measured import Measured, Scale
from benchmarks.product import Product, answers_ok
from schemas.codec import Codec
from schemas.ids import derive_id
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.linking import Linker
from sinks.clickhouse.rows import EventRow, hash_of, row_of
from sinks.clickhouse.signing import load_keys, load_signer
from sinks.clickhouse.writer import Writer
from sinks.pinning import PinConfig, Pins

MILLION = 1_000_000
PATTERNS = 5_000
"""different alerts; the rest are the same under other ids"""
AT_ONCE = 50_000
EPOCH = "bench"
MOST_SECS = 200


async def measure(scale: Scale) -> Measured:
    events = scale.of(MILLION, 100_000)
    product = Product(scale.folder / "audit")
    product.run("init")
    with product.running("store") as store:
        url = f"http://127.0.0.1:{product.ports['STORE_PORT']}"
        store.wait_until_ready(lambda: answers_ok(f"{url}/ping"), 30, what="the store answers")
        product.run("clickhouse", "migrate")
        password = (product.state / defaults.WRITER_PASSWORD).read_text().strip()
        config = ClickHouseConfig.model_validate({"url": url, "user": "writer", "password": password})
        linking = await _fill(product, config, events)
        took = await asyncio.to_thread(_verify, product)
    secs = took * MILLION / events
    return Measured(
        {"audit_million_s": secs}, {"audit_events": events, "audit_link_us": linking / events * 1e6}
    )


async def _fill(product: Product, config: ClickHouseConfig, events: int) -> float:
    """As the sink does; the answer is how many seconds went into the links."""
    writer = Writer(config)
    await writer.open()
    linker, rows, linking = Linker(writer, EPOCH), _rows(await _patterns()), 0.0
    for start in range(0, events, AT_ONCE):
        batch = list(islice(rows, min(AT_ONCE, events - start)))
        await writer.write(batch, ())
        began = time.perf_counter()
        await linker.link(batch, ())
        linking += time.perf_counter() - began
    state = product.state
    keys, signer = load_keys(state / defaults.AUDIT_PUBLIC), load_signer(state / defaults.AUDIT_KEY)
    heads = PinConfig(heads_file=state / defaults.AUDIT_HEADS)
    await Pins(heads, signer, keys, CollectorRegistry()).pin(linker.tips)
    await writer.close()
    return linking


async def _patterns() -> list[EventRow]:
    codec = Codec()
    alerts = await normalized(PATTERNS, PATTERNS)
    return [row_of(codec, EPOCH, "alerts.normalized", 0, 0, alert.value) for alert in alerts]


def _rows(patterns: Sequence[EventRow]) -> Iterator[EventRow]:
    number = 0
    while True:
        for pattern in patterns:
            offset, partition = divmod(number, PARTITIONS)
            row = pattern._replace(
                event_id=derive_id("benchmark", str(number)), kafka_partition=partition, kafka_offset=offset
            )
            yield row._replace(hash=hash_of(row))
            number += 1


def _verify(product: Product) -> float:
    """The command itself, its start included."""
    began = time.perf_counter()
    process = product.process("audit", "verify").start()
    if process.wait(MOST_SECS):
        raise RuntimeError(process.tail())
    return time.perf_counter() - began
