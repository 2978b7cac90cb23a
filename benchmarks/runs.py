"""Runs of the agents: how soon rules alone decide, and what runs cost that wait for slow models."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from statistics import quantiles
from typing import Any

from benchmarks.broker import Broker, broker
from benchmarks.child import child, memory_bytes
from benchmarks.ingest import Ends
from benchmarks.loads import RAW_TOPIC, minutes_ago, raw
from benchmarks.measured import Measured, Scale
from benchmarks.product import Product
from benchmarks.slow_models import SlowModels, slow_models
from schemas.catalog import RAW_PREFIX
from streams.runner import Outgoing

PER_SECOND, WARM_SECS = 20, 3
IN_FLIGHT, BESIDE = 200, 40
BESIDE_SECS = 10.0
"""in which rules must have decided beside the runs that wait; a blocked partition would need a minute"""
RULES_TOPIC = f"{RAW_PREFIX}auto"
RULES = {"AWOOOI_MODELS_ORDER": "[]"}


async def measure_decisions(scale: Scale) -> Measured:
    """The whole system on all cores, from the incident's append to its decision's, by the broker's clock."""
    secs = scale.of(60, 15)
    async with broker() as kafka:
        product = Product(scale.folder / "decisions", kafka.bootstrap, more=RULES)
        with product.running("up", port="HEALTH_INGEST_PORT") as process:
            product.wait_ready(process, "HEALTH_SINK_PORT")
            arguments = (kafka.bootstrap, str(PER_SECOND), str(secs), str(PER_SECOND * secs), "0")
            with child(scale.folder, "paced-runs", "benchmarks.paced", *arguments) as load:
                if load.wait(secs + 60):
                    raise RuntimeError(load.tail())
            opened, decided = await _decided(kafka, 60)
    first = min(opened.values())
    waits = [decided[run] - at for run, at in opened.items() if at >= first + WARM_SECS * 1000]
    cuts = quantiles(waits, n=100)
    more = {"incident_to_decision_p50_ms": cuts[49], "incident_to_decision_max_ms": max(waits)}
    return Measured({"incident_to_decision_p99_ms": cuts[98]}, more)


async def measure_in_flight(scale: Scale) -> Measured:
    """What 200 runs cost that wait for a model, and how soon others are decided meanwhile."""
    async with broker() as kafka, slow_models() as models:
        product = Product(scale.folder / "in-flight", kafka.bootstrap, more=_slow_settings(models))
        product.run("init")
        product.run("topics", "apply")
        with product.running("worker", "all", port="HEALTH_INGEST_PORT") as worker:
            await _fill(kafka, RULES_TOPIC, BESIDE, first=0)  # everything is warm
            await _decided(kafka, 60)
            empty = memory_bytes(worker.pid)
            await _fill(kafka, RAW_TOPIC, IN_FLIGHT, first=BESIDE)
            await _until(lambda: models.thinking >= IN_FLIGHT, 60, f"{IN_FLIGHT} questions asked at once")
            full = memory_bytes(worker.pid)
            before = {topic: await kafka.ends(topic) for topic in ("incidents", "rca.decisions")}
            await _fill(kafka, RULES_TOPIC, BESIDE, first=BESIDE + IN_FLIGHT)
            opened, decided = await _decided(kafka, BESIDE_SECS, before)
            models.done.set()
            everything, ended = await _decided(kafka, 240)
    if len(everything) != IN_FLIGHT + 2 * BESIDE or ended.keys() != everything.keys():
        raise RuntimeError(f"{len(ended)} of {len(everything)} runs ended")
    beside = max(decided[run] - at for run, at in opened.items())
    more = {"in_flight_rules_beside_max_ms": beside, "in_flight_worker_before_mb": empty / 1e6}
    return Measured({"runs_in_flight_mb": (full - empty) / 1e6}, more)


def _slow_settings(models: SlowModels) -> dict[str, str]:
    """Models for what comes from Alertmanager, rules alone for the project of the other topic."""
    return {
        "AWOOOI_MODELS_ORDER": "openai",
        "AWOOOI_OPENAI_URL": models.url,
        "AWOOOI_OPENAI_MODEL": "slow",
        "AWOOOI_PROJECT_BY_TOPIC": f"{RULES_TOPIC}=rules",
        "AWOOOI_RUNS_DEBATE_OFF_PROJECTS": "rules",
    }


async def _fill(kafka: Broker, topic: str, incidents: int, first: int) -> None:
    bodies = raw(incidents, incidents, 1, minutes_ago(), first)
    await kafka.fill(Outgoing(topic, b"%d" % number, body, []) for number, body in enumerate(bodies))


async def _decided(
    kafka: Broker, secs: float, start: dict[str, Ends] | None = None
) -> tuple[dict[str, int], dict[str, int]]:
    """When each incident was opened and when it was decided, once all of them are."""
    start, deadline = start or {}, time.monotonic() + secs
    while True:
        opened = _times(await kafka.read("incidents", start.get("incidents")), b"incident.opened")
        decided = _times(await kafka.read("rca.decisions", start.get("rca.decisions")), b"rca.decided")
        if opened and decided.keys() >= opened.keys():
            return opened, decided
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(decided)} of {len(opened)} incidents decided after {secs:.0f} s")
        await asyncio.sleep(0.5)


def _times(records: list[Any], kind: bytes) -> dict[str, int]:
    """By incident; its first one counts."""
    found: dict[str, int] = {}
    for record in records:
        if dict(record.headers)["ce_type"] == kind:
            found.setdefault(record.key.decode(), record.timestamp)
    return found


async def _until(there: Callable[[], bool], secs: float, what: str) -> None:
    deadline = time.monotonic() + secs
    while not there():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {secs:.0f} s: {what}")
        await asyncio.sleep(0.1)
