"""Every alert source's own function: parsed payloads into alerts, one core, nothing around it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from benchmarks.measured import Measured, Scale, middle
from connectors.alerts.detection import AUTO, readings
from connectors.alerts.mapped import source_of
from connectors.alerts.mapping import AlertMapping
from connectors.alerts.registry import BUILT_IN
from connectors.alerts.source import Source
from tests.connectors.alerts.payloads import RECEIVED_AT, names, payload

ROUND_SECS, QUICK_SECS = 0.3, 0.05
MAPPED = source_of(
    "mapped",
    AlertMapping.model_validate(
        {
            "each": "alarms",
            "title": "rule.name",
            "status": "state",
            "severity": "grade",
            "message": "text",
            "resource": "machine.id",
            "fired_at": "began",
            "url": "page",
            "labels": {"line": "machine.line", "shift": "tags[?name=='shift'].value | [0]"},
            "shared": {"cluster": "plant.name"},
            "values": {"status": {"1": "firing"}, "severity": {"A": "critical"}},
        }
    ),
)
_ALARM = {
    "rule": {"name": "Bearing too hot"},
    "state": 1,
    "grade": "A",
    "text": "Bearing 3 of press-7 has 96.5 degrees",
    "machine": {"id": "press-7", "line": "stamping"},
    "tags": [{"name": "crew", "value": "b"}, {"name": "shift", "value": "night"}],
    "began": 1_772_366_400,
    "page": "https://watch.example/alarms/8812",
}


async def measure(scale: Scale) -> Measured:
    """Over the fixtures of each, as often as there is time; CPU time, the middle of the rounds."""
    secs = scale.of(1, 0) * ROUND_SECS or QUICK_SECS
    speeds = {
        source.name: middle(_speed(source, found, secs) for _ in range(scale.rounds))
        for source, found in _loads()
    }
    slowest = min(speeds, key=speeds.__getitem__)
    more = {f"source_{name}_per_s": speed for name, speed in speeds.items()}
    more[f"source_slowest_is_{slowest}"] = speeds[slowest]
    more["sources_detected_per_s"] = _detected(secs)
    return Measured({"sources_slowest_per_s": speeds[slowest]}, more)


def _loads() -> list[tuple[Source, Sequence[Any]]]:
    found: dict[str, list[Any]] = {}
    for source, name in names():
        found.setdefault(source, []).append(payload(source, name))
    known = [(source, found[name]) for name, source in BUILT_IN.items()]
    return [*known, (MAPPED, [{"plant": {"name": "north"}, "alarms": [_ALARM]}])]


def _speed(source: Source, payloads: Sequence[Any], secs: float) -> float:
    alerts, read, began = 0, source.read, time.process_time()
    while (took := time.process_time() - began) < secs:
        for each in payloads:
            alerts += len(read(each, RECEIVED_AT))
    if not alerts:
        raise RuntimeError(f"{source.name} reads no alert of its fixtures")
    return alerts / took


def _detected(secs: float) -> float:
    """Payloads of unknown origin, until it is known who reads them."""
    payloads = [payload(source, name) for source, name in names()]
    found, began = 0, time.process_time()
    while (took := time.process_time() - began) < secs:
        for each in payloads:
            readings(AUTO, each, BUILT_IN)
        found += len(payloads)
    return found / took
