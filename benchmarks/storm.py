"""A hundred thousand new incidents in a minute: all opened, few runs begun; what follows waits no longer."""

from __future__ import annotations

import asyncio
import time

from benchmarks.broker import Broker, broker
from benchmarks.child import child, memory_bytes
from benchmarks.ingest import Ends, as_records, latencies
from benchmarks.loads import RAW_TOPIC, minutes_ago, raw
from benchmarks.measured import Measured, Scale
from benchmarks.outputs import Pace, pace
from benchmarks.product import Product

RELEASED, CRITICAL, THRESHOLD = 60, 60, 30
STORM = {
    "AWOOOI_STORMS_THRESHOLD": str(THRESHOLD),
    "AWOOOI_STORMS_RELEASED_PER_MINUTE": str(RELEASED),
    "AWOOOI_STORMS_CRITICAL_PER_MINUTE": str(CRITICAL),
}
PER_S, SUBJECTS = 500, 1_000
MOST_SECS = 60
"""for opening the storm"""


async def measure(scale: Scale) -> Measured:
    storm = scale.of(100_000, 20_000)
    async with broker() as kafka:
        product = Product(scale.folder / "storm", kafka.bootstrap, more=STORM)
        product.run("init")
        with product.running("worker", "ingest", port="HEALTH_INGEST_PORT") as worker:
            began = time.time()
            before = await _paced(kafka, scale, first=0)
            took = await _storm(kafka, storm)
            await asyncio.sleep(MOST_SECS - took)  # its minute; it lay there at once, so it is over sooner
            after = await _paced(kafka, scale, first=SUBJECTS)
            memory = memory_bytes(worker.pid) / 1e6
            await _few_began(kafka, time.time() - began)
    if took > MOST_SECS and not scale.quick:
        raise RuntimeError(f"{storm} incidents took {took:.0f} s to open, more than {MOST_SECS}")
    more = {"storm_opened_secs": took, "storm_p99_before_ms": before, "storm_p99_after_ms": after}
    return Measured({"storm_p99_ratio": after / before, "storm_rss_mb": memory}, more)


async def _paced(kafka: Broker, scale: Scale, first: int) -> float:
    """From the raw record to the incident event that tells of it, in milliseconds (p99)."""
    start, before, secs = await kafka.ends(RAW_TOPIC), await kafka.ends("incidents"), scale.of(20, 8)
    arguments = (kafka.bootstrap, str(PER_S), str(secs), str(SUBJECTS), str(first))
    with child(scale.folder, f"paced-{first}", "benchmarks.paced", *arguments) as load:
        if load.wait(secs + 120):
            raise RuntimeError(load.tail())
    records = await kafka.read(RAW_TOPIC, start)
    await _counted(kafka, before, SUBJECTS, len(records))
    return latencies(records, await kafka.read("incidents", before), PER_S).keys["raw_to_incident_p99_ms"]


async def _storm(kafka: Broker, incidents: int) -> float:
    """Seconds from the first raw record to the last opening."""
    start, before = await kafka.ends(RAW_TOPIC), await kafka.ends("incidents")
    await kafka.fill(as_records(raw(incidents, incidents, 1, minutes_ago(), 10 * SUBJECTS)))
    found = await _counted(kafka, before, incidents, incidents)
    return (found.last_ms - await kafka.first_ms(start)) / 1000


async def _counted(kafka: Broker, before: Ends, opened: int, alerts: int) -> Pace:
    """Runs are released all the time, and each moves its incident: the topic is never still."""
    async with asyncio.timeout(300):
        while True:
            if sum((await kafka.ends("incidents")).values()) >= sum(before.values()) + opened:
                found = pace(await kafka.read("incidents", before))
                if found.counted >= alerts:
                    return found
            await asyncio.sleep(1)


async def _few_began(kafka: Broker, secs: float) -> None:
    """Runs, in all that time: a storm whose runs all begin is none."""
    kinds = [dict(record.headers)["ce_type"] for record in await kafka.read("runs")]
    began, most = kinds.count(b"run.started"), 2 * THRESHOLD + (RELEASED + CRITICAL) * (secs / 60 + 1)
    if not 0 < began <= most:
        raise RuntimeError(f"{began} runs began in {secs:.0f} s, at most {most:.0f} may")
    if not kinds.count(b"run.throttled"):
        raise RuntimeError("nobody was told to wait")
