"""The harness measures what it says: arithmetic, loads, verdicts, and the job that the peers do."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import __main__ as program
from benchmarks import report
from benchmarks.arms.job import Job
from benchmarks.broker import prepared
from benchmarks.dedup import ALERTS, Arena, ours, raw
from benchmarks.loads import minutes_ago, normalized
from benchmarks.loads import raw as raw_bodies
from benchmarks.measured import Measured, Scale
from benchmarks.outputs import pace
from benchmarks.sink import _told
from benchmarks.targets import KEYS, TARGETS
from schemas.codec import Codec
from streams.runner import Outgoing
from tests.peers import KafkaPeer

BY_KEY = {target.key: target for target in TARGETS}


def records(outputs: Sequence[Outgoing], step_ms: int = 10) -> list[Any]:
    """As they would stand on `incidents`, one every `step_ms`."""
    return [
        SimpleNamespace(timestamp=i * step_ms, partition=0, offset=i, key=out.key, value=out.value)
        for i, out in enumerate(outputs)
    ]


def by_hand(alerts: Sequence[Outgoing], batch: int = 2000) -> list[Outgoing]:
    """What a peer tells of them."""
    job, states, told = Job(), dict[bytes, Any](), list[Outgoing]()
    for start in range(0, len(alerts), batch):
        for out in alerts[start : start + batch]:
            states[out.key] = job.count(job.codec.read(out.value)[1], states.get(out.key))
        told += job.tell()
    return told


@pytest.mark.parametrize(
    ("key", "measured", "met", "aim"),
    [
        ("dedup_vs_raw", 0.7, True, False),
        ("dedup_vs_raw", 0.69, False, False),
        ("dedup_vs_raw", 1.2, True, True),
        ("raw_to_incident_p99_ms", 250, True, False),
        ("raw_to_incident_p99_ms", 251, False, False),
        ("raw_to_incident_p99_ms", 80, True, True),
        ("dedup_vs_quix", 100, True, False),
        ("dedup_vs_quix", None, False, False),
    ],
)
def test_a_must_is_met_or_missed(key: str, measured: float | None, met: bool, aim: bool) -> None:
    assert (BY_KEY[key].met(measured), BY_KEY[key].reaches_aim(measured)) == (met, aim)


def test_every_key_is_measured_by_a_part() -> None:
    assert {key for part in program.PARTS for key in part.measures} == set(KEYS)


async def test_peers_tell_what_dedup_tells() -> None:
    """Else they would be measured at another job."""
    alerts = await normalized(3000, 50)
    read = Codec().read

    def facts(outputs: Sequence[Outgoing]) -> list[Any]:
        plain = [read(out.value)[1] for out in outputs]
        return sorted(
            (p["type"], p["event_id"], p["incident_id"], p["payload"]["hit_count"], list(p["causes"]))
            for p in plain
        )

    assert facts(by_hand(alerts)) == facts(await _told(alerts))


async def test_each_alert_of_a_load_is_counted_once() -> None:
    found = pace(records(await _told(await normalized(3000, 50))))
    assert found.counted == 3000


async def test_pace_leaves_the_first_tenth_out() -> None:
    job = Job()
    alerts, states, told = await normalized(100, 1), None, list[Outgoing]()
    for out in alerts:  # one event an alert, 10 ms apart
        states = job.count(job.codec.read(out.value)[1], states)
        told += job.tell()
    found = pace(records(told))
    assert (found.counted, found.events) == (100, 100)
    assert found.per_s == pytest.approx(100)
    late = records(told)
    for record in late[:5]:  # a slow start changes nothing
        record.timestamp -= 60_000
    assert pace(late).per_s == pytest.approx(100)


def test_raw_bodies_are_alertmanagers() -> None:
    body = json.loads(next(iter(raw_bodies(1, 10, 5, minutes_ago()))))
    assert (body["version"], len(body["alerts"])) == ("4", 5)


def test_table_shows_what_was_missed_and_what_was_not_measured() -> None:
    shown = report.table(Measured({"webhooks_per_s": 900.0}, {"beside_ms": 1.5}), KEYS)
    assert "webhooks_per_s" in shown
    assert next(line for line in shown.splitlines() if line.startswith("webhooks")).endswith("MISSED")
    assert next(line for line in shown.splitlines() if line.startswith("idle_rss")).endswith("not measured")
    assert "beside_ms" in shown


def test_json_has_the_keys_at_its_top(tmp_path: Path) -> None:
    report.write(tmp_path / "figures.json", Measured({"webhooks_per_s": 1500.0}), quick=True)
    told = json.loads((tmp_path / "figures.json").read_bytes())
    assert told["webhooks_per_s"] == 1500.0
    assert {"machine", "at", "quick", "more"} <= told.keys()


@pytest.mark.parametrize(("figure", "status"), [(0.9, 0), (0.1, 1), (None, 1)])
def test_exit_status_follows_the_musts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, figure: float | None, status: int
) -> None:
    async def measure(scale: Scale) -> Measured:
        if figure is None:
            raise RuntimeError("nothing was measured")
        return Measured({"dedup_vs_raw": figure})

    monkeypatch.setattr(program.tempfile, "tempdir", str(tmp_path))  # a part that failed keeps its logs
    monkeypatch.setattr(program, "PARTS", (program.Part(("dedup_vs_raw",), measure, "fake"),))
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--only", "dedup_vs_raw"])
    assert program.main() == status


def test_unknown_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--only", "dedup_vs_all"])
    with pytest.raises(SystemExit, match="dedup_vs_all"):
        program.main()


@pytest.mark.kafka
async def test_two_contestants_count_the_same_load(fresh_kafka: KafkaPeer, tmp_path: Path) -> None:
    kafka = await prepared(fresh_kafka)
    arena = Arena(kafka, Scale(True, tmp_path))
    arena.sizes[ALERTS] = await kafka.fill(await normalized(4000, 100))
    await ours(arena)
    await raw(arena)
    assert [arena.paces[name][0].counted for name in ("ours", "raw")] == [4000, 4000]
