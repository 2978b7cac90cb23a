"""Events of the log into the store: how many a second, by what the sink has committed after its inserts."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Sequence
from urllib.parse import quote
from urllib.request import Request, urlopen

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from awoooi import defaults
from benchmarks.broker import Broker, broker
from benchmarks.child import cpu_secs
from benchmarks.loads import normalized
from benchmarks.measured import Measured, Scale
from benchmarks.product import Product, answers_ok
from schemas.codec import Codec
from streams.rows import PartitionRows
from streams.runner import Outgoing, Runner
from streams.stage import Record
from streams.stages.dedup import Dedup, DedupConfig

GROUP = "awoooi-sink"
DEADLINE_SECS = 120
COUNTED = "SELECT count() FROM events FINAL WHERE topic NOT LIKE 'audit.%'"  # the sink's own: heads of chains
Commits = list[tuple[float, int]]


async def measure(scale: Scale) -> Measured:
    """Alerts and the incident events that dedup makes of them, as they stand on the log after a storm."""
    alerts = await normalized(scale.of(200_000, 40_000), 1_000)
    told = await _told(alerts)
    async with broker() as kafka:
        events = await kafka.fill(alerts) + await kafka.fill(told)
        rate, used = await _store_all(kafka, Product(scale.folder / "sink", kafka.bootstrap), events)
    return Measured({"sink_events_per_s": rate}, {"sink_cpu_us": used, "sink_events": events})


async def _store_all(kafka: Broker, product: Product, events: int) -> tuple[float, float]:
    product.run("init")
    with product.running("store") as store:
        url = f"http://127.0.0.1:{product.ports['STORE_PORT']}"
        store.wait_until_ready(lambda: answers_ok(f"{url}/ping"), 30, what="the store answers")
        product.run("clickhouse", "migrate")
        with product.running("sink") as sink:
            commits = await _follow(kafka, events)
            used = cpu_secs(sink.pid) / events * 1e6
        stored = int(_ask(product, url, COUNTED))
    if stored != events:
        raise RuntimeError(f"{stored} of {events} events are in the store")
    (began, at_first), (ended, at_last) = commits[0], commits[-1]
    return (at_last - at_first) / (ended - began), used


async def _follow(kafka: Broker, events: int) -> Commits:
    """What is committed, from the first commit to the last."""
    admin, commits = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap), Commits()
    deadline = time.monotonic() + DEADLINE_SECS
    await admin.start()
    try:
        while time.monotonic() < deadline:
            done = await _committed(admin)
            if done and (not commits or done > commits[-1][1]):
                commits.append((time.monotonic(), done))
            if done >= events:
                return commits
            await asyncio.sleep(0.05)
    finally:
        await admin.close()
    raise TimeoutError(f"the sink has committed {commits[-1:]} of {events} within {DEADLINE_SECS} s")


async def _committed(admin: AIOKafkaAdminClient) -> int:
    try:
        offsets = await admin.list_consumer_group_offsets(GROUP)
    except GroupCoordinatorNotAvailableError:  # the first group on this broker is just being made
        return 0
    return sum(max(0, found.offset) for found in offsets.values())


def _ask(product: Product, url: str, sql: str) -> str:
    password = (product.state / defaults.READER_PASSWORD).read_text().strip()
    login = base64.b64encode(f"reader:{password}".encode()).decode()
    request = Request(f"{url}/?query={quote(sql)}", headers={"Authorization": f"Basic {login}"})
    with urlopen(request, timeout=60) as answer:
        return str(answer.read().decode()).strip()


async def _told(alerts: Sequence[Outgoing]) -> list[Outgoing]:
    """What dedup tells of them, two thousand at a time."""
    codec, dedup = Codec(), Dedup(DedupConfig())
    runner, rows, outputs = Runner(dedup, codec), PartitionRows(dedup.due), list[Outgoing]()
    for start in range(0, len(alerts), 2000):
        batch = [
            Record("alerts.normalized", 0, start + i, out.key, out.value, tuple(out.headers), 0, codec)
            for i, out in enumerate(alerts[start : start + 2000])
        ]
        turn = await runner.turn(batch, rows)
        rows.apply(turn.rows)
        outputs += turn.outputs
    return outputs
