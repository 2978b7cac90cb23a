"""`python -m benchmarks [--json FILE] [--only KEY,…] [--quick]`: 0 when every must is met, else 1."""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks import (
    audit,
    blame,
    dedup,
    executions,
    hostile,
    idle,
    ingest,
    live,
    memory,
    plan,
    policy,
    record,
    report,
    runs,
    sink,
    sources,
    storm,
    webhooks,
)
from benchmarks.measured import Measured, Scale
from benchmarks.targets import KEYS, TARGETS, Target

PART_SECS = 420
"""the longest that a part may take, unless it says otherwise"""


@dataclass(frozen=True, slots=True)
class Part:
    measures: tuple[str, ...]
    run: Callable[[Scale], Awaitable[Measured]]
    name: str
    secs: float = PART_SECS


PARTS = (
    Part(("dedup_vs_raw", "dedup_vs_quix", "dedup_vs_stock_faust"), dedup.measure, "dedup beside its peers"),
    Part(("dedup_vs_raw",), dedup.measure_wide, "dedup where hardly anything repeats"),
    Part(("two_workers_vs_one",), dedup.measure_two_workers, "one and two workers"),
    Part(("raw_to_incident_per_s", "raw_to_incident_p99_ms"), ingest.measure, "raw records to incidents"),
    Part(("storm_p99_ratio", "storm_rss_mb"), storm.measure, "a storm"),
    Part(("incident_to_decision_p99_ms",), runs.measure_decisions, "incidents to decisions"),
    Part(("runs_in_flight_mb",), runs.measure_in_flight, "runs that wait for models"),
    Part(("sink_events_per_s",), sink.measure, "events into the store"),
    Part(("audit_million_s",), audit.measure, "the audit of a million events"),
    Part(("webhooks_per_s",), webhooks.measure, "webhooks"),
    Part(("hostile_clean_us",), hostile.measure, "hostile"),
    Part(("sources_slowest_per_s",), sources.measure, "alert sources"),
    Part(("blame_ms",), blame.measure, "blame"),
    Part(("gate_decision_ms",), policy.measure_gate, "decisions of the gate"),
    Part(("signatures_per_s",), policy.measure_signatures, "signatures"),
    Part(("approved_to_effect_p99_ms", "executions_side_by_side"), executions.measure, "signed to done"),
    Part(("plan_check_2000_pods_ms", "plan_check_2000_pods_mb"), plan.measure, "checks among 2,000 pods"),
    Part(
        (
            "run_list_p95_ms",
            "timeline_p95_ms",
            "incident_page_ms",
            "incident_paint_ms",
            "slowest_question_ms",
        ),
        record.measure,
        "the record with ten million events",
        secs=1200,
    ),
    Part(("live_listeners_mb",), live.measure, "live listeners"),
    Part(("bytes_per_open_incident",), memory.measure_incidents, "memory of open incidents"),
    Part(("recovery_million_s",), memory.measure_recovery, "start over a million rows"),
    Part(("idle_rss_mb", "idle_cpu_percent"), idle.measure, "the whole system, idle"),
)


def main() -> int:
    given = _arguments()
    wanted = _wanted(given.only)
    quiet()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else what was started would stay
    folder = Path(tempfile.mkdtemp(prefix="awoooi-bench-"))
    try:
        measured, failed = asyncio.run(run(Scale(given.quick, folder), wanted))
    except (KeyboardInterrupt, SystemExit):
        shutil.rmtree(folder, ignore_errors=True)
        raise
    rough = ", quick: rough figures" if given.quick else ""
    print(f"\n{report.machine()}\n{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}{rough}\n")
    print(report.table(measured, wanted))
    if given.json:
        report.write(given.json, measured, quick=given.quick)
    if failed:
        print(f"\nThese could not be measured: {', '.join(failed)}. Logs: {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0 if all(target.met(measured.keys.get(target.key)) for target in _targets(wanted)) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--only", metavar="KEY,…", help=f"only these: {', '.join(KEYS)}")
    parser.add_argument("--quick", action="store_true", help="smaller loads, one round")
    return parser.parse_args()


def _wanted(only: str | None) -> Collection[str]:
    chosen = KEYS if only is None else tuple(only.split(","))
    if unknown := sorted(set(chosen) - set(KEYS)):
        raise SystemExit(f"--only: {', '.join(unknown)}: no such key; there are: {', '.join(KEYS)}")
    return chosen


def _targets(wanted: Collection[str]) -> list[Target]:
    return [target for target in TARGETS if target.key in wanted]


async def run(scale: Scale, wanted: Collection[str]) -> tuple[Measured, list[str]]:
    """All parts that measure something wanted; one that fails is told, and the others go on."""
    measured, failed = Measured(), list[str]()
    for part in PARTS:
        if not set(part.measures) & set(wanted):
            continue
        print(f"{part.name} ...", end=" ", flush=True)
        began = time.monotonic()
        try:
            async with asyncio.timeout(part.secs):
                measured |= await part.run(scale)
        except Exception as error:  # noqa: BLE001  whatever one part dies of, the others are measured
            failed.append(part.name)
            print(f"failed: {type(error).__name__}: {error}", file=sys.stderr)
        print(f"{time.monotonic() - began:.0f} s")
    return measured, failed


def quiet() -> None:
    """A broker that has just started names no leaders yet; aiokafka tries again, and says so each time."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


if __name__ == "__main__":
    sys.exit(main())
