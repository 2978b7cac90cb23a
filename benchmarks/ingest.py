"""Raw Alertmanager records to incidents: how many a second on one core, and how soon at half of that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from aiokafka import TopicPartition

from benchmarks.broker import Broker, broker, pin
from benchmarks.child import child
from benchmarks.loads import RAW_TOPIC, minutes_ago, raw
from benchmarks.measured import Measured, Scale, middle
from benchmarks.outputs import Pace, pace
from benchmarks.product import Product, cores
from schemas import ids
from schemas.codec import Codec
from streams.runner import Outgoing
from tests.peers.process import Process

SUBJECTS = 1_000
WARM_MS = 3_000
MOST_MISSING = 0.01
Ends = dict[TopicPartition, int]


@dataclass(slots=True)
class Bench:
    """One broker and one worker; each load has subjects of its own, so that its counts begin at nought."""

    kafka: Broker
    product: Product
    first_subject: int = 0

    def bodies(self, records: int, alerts_each: int) -> Iterator[bytes]:
        self.first_subject += SUBJECTS
        return raw(records, SUBJECTS, alerts_each, minutes_ago(), self.first_subject)

    @contextmanager
    def worker(self) -> Iterator[Process]:
        """On one core alone; the broker has what is left."""
        every = cores()
        self.kafka.pin(every[:-1] or every)
        with self.product.running("worker", "ingest") as process:
            pin(process.pid, every[-1:])
            self.product.wait_ready(process, "HEALTH_INGEST_PORT")
            yield process


async def measure(scale: Scale) -> Measured:
    result, single, grouped = Measured(), list[float](), list[float]()
    async with broker() as kafka:
        bench = Bench(kafka, Product(scale.folder / "ingest", kafka.bootstrap))
        bench.product.run("init")
        records = scale.of(120_000, 30_000)
        for _ in range(scale.rounds):
            single.append(await _rate(bench, records, 1))
            grouped.append(await _rate(bench, records // 5, 5))
        rate = result.keys["raw_to_incident_per_s"] = middle(single)
        result.more["raw_of_5_alerts_per_s"] = middle(grouped)
        result |= await _paced(bench, int(rate / 2), scale)
        for times in (10, 100):
            result.more[f"runs_of_{times}_alerts_each"] = await _runs(bench, SUBJECTS * times)
    return result


async def _runs(bench: Bench, alerts: int) -> float:
    """How many runs so many alerts of the same number of incidents start, for each incident."""
    before, runs = await bench.kafka.ends("incidents"), await bench.kafka.ends("runs")
    await bench.kafka.fill(as_records(bench.bodies(alerts, 1)))
    with bench.worker():
        await counted(bench.kafka, before, alerts)
        await bench.kafka.still("runs", since=sum(runs.values()), secs=1.5, deadline_secs=60)
    kinds = [dict(record.headers)["ce_type"] for record in await bench.kafka.read("runs", runs)]
    return kinds.count(b"run.started") / SUBJECTS


async def _rate(bench: Bench, records: int, alerts_each: int) -> float:
    """Alerts a second, from the first one normalised to the last one counted; the load lies there before."""
    kafka, alerts = bench.kafka, records * alerts_each
    before, began = await kafka.ends("incidents"), await kafka.ends("alerts.normalized")
    await kafka.fill(as_records(bench.bodies(records, alerts_each)))
    with bench.worker():
        found = await counted(kafka, before, alerts)
    first = await kafka.first_ms(began)
    return alerts / ((found.last_ms - first) / 1000)


async def counted(kafka: Broker, before: Ends, alerts: int) -> Pace:
    since = sum(before.values())
    while True:
        since = await kafka.still("incidents", since=since, secs=1.5, deadline_secs=180)
        found = pace(await kafka.read("incidents", before))
        if found.counted == alerts:
            return found
        if found.counted > alerts:
            raise RuntimeError(f"{found.counted} alerts were counted, {alerts} were sent")


async def _paced(bench: Bench, per_s: int, scale: Scale) -> Measured:
    """From the raw record's append to the append of the incident event that tells of it."""
    kafka, secs = bench.kafka, scale.of(33, 10)
    start, before = await kafka.ends(RAW_TOPIC), await kafka.ends("incidents")
    bench.first_subject += SUBJECTS
    with bench.worker():
        arguments = (kafka.bootstrap, str(per_s), str(secs), str(SUBJECTS), str(bench.first_subject))
        with child(scale.folder, "paced", "benchmarks.paced", *arguments) as load:
            pin(load.pid, cores()[:-1] or cores())
            if load.wait(secs + 120):
                raise RuntimeError(load.tail())
        records = await kafka.read(RAW_TOPIC, start)
        await counted(kafka, before, len(records))
    return latencies(records, await kafka.read("incidents", before), per_s)


def latencies(records: list[Any], events: list[Any], per_s: int) -> Measured:
    written = {_alert_id(record): record.timestamp for record in records}
    warm = min(written.values()) + WARM_MS
    told, read = dict[str, int](), Codec().read
    for event in events:
        for cause in read(event.value)[1]["causes"]:
            told.setdefault(cause, event.timestamp)
    waits = [told[alert] - at for alert, at in written.items() if at >= warm and alert in told]
    expected = sum(at >= warm for at in written.values())
    if len(waits) < expected * (1 - MOST_MISSING):
        raise RuntimeError(f"only {len(waits)} of {expected} alerts are named by an incident event")
    cuts = quantiles(waits, n=100)
    took = (max(written.values()) - min(written.values())) / 1000
    more = {
        "raw_to_incident_p50_ms": cuts[49],
        "raw_to_incident_max_ms": max(waits),
        "raw_to_incident_load_per_s": len(written) / took,
        "raw_to_incident_load_wanted_per_s": per_s,
    }
    return Measured({"raw_to_incident_p99_ms": cuts[98]}, more)


def _alert_id(record: Any) -> str:
    return ids.alert_id(str(ids.Origin("", record.topic, record.partition, record.offset, 0)))


def as_records(bodies: Iterable[bytes]) -> Iterator[Outgoing]:
    """Raw records under keys that spread them."""
    return (Outgoing(RAW_TOPIC, b"%d" % i, body, []) for i, body in enumerate(bodies))
