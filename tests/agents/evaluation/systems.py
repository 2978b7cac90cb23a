"""Made-up systems with faults put in at a chosen place: seeded, in layers, with load that comes and goes.

Latency adds up along the calls, errors come through, load falls from the entry: as far as that is like a real
system, blame can be tried on causes that no recorded data has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agents.detectors import Floats
from agents.evaluation.rca_data import Case, DataSet, Grid

QUIET_MINUTES, WINDOW_MINUTES, MINUTE = 480, 6, 60
FAULTS = ("latency", "errors", "cpu", "memory", "network", "logs")
TEMPLATES = 4
ALERT = 10_000_000


@dataclass(slots=True)
class System:
    """`callees[n]` are the numbers that service n calls; lower numbers are nearer to the entry, 0."""

    seed: int
    layers: Sequence[int] = (1, 3, 6, 8, 6)
    cyclic: bool = False
    callees: dict[int, list[int]] = field(default_factory=dict)
    own: Floats = field(init=False)
    share: Floats = field(init=False)
    draw: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.draw = np.random.default_rng(self.seed)
        ends = np.cumsum((0, *self.layers))
        for layer in range(len(self.layers) - 1):
            above = range(int(ends[layer]), int(ends[layer + 1]))
            below = np.arange(ends[layer + 1], ends[layer + 2])
            for service in above:
                self.callees[service] = self.draw.choice(below, min(3, len(below)), replace=False).tolist()
            for service in below.tolist():
                if not any(service in self.callees[caller] for caller in above):
                    self.callees[int(self.draw.choice(list(above)))].append(service)
        self.own = self.draw.lognormal(3, 0.6, self.count)
        self.share = self.draw.uniform(0.3, 1.0, self.count)

    @property
    def count(self) -> int:
        return int(sum(self.layers))

    @property
    def edges(self) -> list[tuple[int, int]]:
        found = [(caller, callee) for caller, callees in self.callees.items() for callee in callees]
        return [*found, (self.count - 1, 1)] if self.cyclic else found

    def names(self) -> list[str]:
        return [f"svc-{number:02d}" for number in range(self.count)]

    def frame(self, minutes: int, fault: str = "", cause: int = -1) -> Mapping[str, Grid]:
        """Tables of one frame by what they hold; the fault begins with the second minute."""
        noise = self.draw.lognormal(0, 0.08, (8, minutes, self.count))
        on = np.zeros((minutes, self.count))
        if cause >= 0:
            on[1:, cause] = 1
        load = 100 * (1 + 0.3 * np.sin(np.arange(minutes) / 60 + self.seed))
        rate = np.zeros((minutes, self.count))
        rate[:, 0] = load
        for caller, callees in sorted(self.callees.items()):
            for callee in callees:
                rate[:, callee] += rate[:, caller] * self.share[callee]
        slow = {"latency": 6.0, "cpu": 2.0, "memory": 1.5}.get(fault, 1.0)
        own = self.own * noise[0] * (1 + (slow - 1) * on)
        gap = 2 * noise[1] + (120 * on if fault == "network" else 0)
        failing = 0.002 * noise[2] + (0.3 * on if fault == "errors" else 0)
        latency, errors = own.copy(), failing.copy()
        for caller in sorted(self.callees, reverse=True):
            for callee in self.callees[caller]:
                latency[:, caller] += self.share[callee] * (latency[:, callee] + gap[:, callee])
                errors[:, caller] += self.share[callee] * errors[:, callee]
        cpu = 5 + rate / 20 * noise[3] + (70 * on if fault == "cpu" else 0)
        memory = 40 * noise[4] ** 0.3 + (45 * on if fault == "memory" else 0)
        metrics = {
            "latency_ms_mean": latency,
            "error_rate": np.clip(errors, 0, 1),
            "requests": rate * noise[5],
            "cpu_usage": cpu,
            "memory_usage": memory,
        }
        times = ALERT + MINUTE * np.arange(minutes)
        tables = {name: Grid(times, self.names(), values) for name, values in metrics.items()}
        return {**tables, **self._minutes(times, rate, gap, noise, on, fault)}

    def _minutes(
        self, times: Any, rate: Floats, gap: Floats, noise: Floats, on: Floats, fault: str
    ) -> dict[str, Grid]:
        names = self.names()
        edges = [(names[caller], names[callee]) for caller, callee in self.edges]
        spans = np.stack([gap[:, callee] * noise[6][:, caller] for caller, callee in self.edges], axis=1)
        calls = self.draw.poisson(np.stack([rate[:, callee] for _, callee in self.edges], axis=1))
        kinds = [(name, f"INFO step {kind}") for name in names for kind in range(TEMPLATES)]
        kinds += [(name, "ERROR failed") for name in names]
        usual = np.repeat(rate / 10, TEMPLATES, axis=1)
        failed = 0.02 + (rate * on if fault in ("logs", "errors") else 0)
        lines = self.draw.poisson(np.concatenate([usual, failed * np.ones_like(rate)], axis=1))
        return {
            "gaps": Grid(times, edges, spans),
            "calls": Grid(times, edges, calls.astype(float)),
            "logs": Grid(times, kinds, lines.astype(float)),
        }


def case(name: str, service: str, metric: str, causes: Sequence[str], fault: str) -> Case:
    return Case(name, "made-up", service, metric, ALERT, None, "quiet", frozenset(causes), fault)


def data_set(system: System, faults: Sequence[str] = FAULTS, *, without: Sequence[str] = ()) -> DataSet:
    """One case for every fault at every third service; the entry is the symptom, each third one its own."""
    frames = {"quiet": system.frame(QUIET_MINUTES)}
    names, cases = system.names(), []
    for fault in faults:
        for cause in range(0, system.count, 3):
            name = f"{fault}@{names[cause]}"
            symptom = cause if cause % 9 == 0 else 0
            metric = "error_rate" if fault == "errors" else "latency_ms_mean"
            cases.append(case(name, names[symptom], metric, [names[cause]], fault))
            frames[name] = system.frame(WINDOW_MINUTES, fault, cause)
    tables = {
        part: {frame: told[part] for frame, told in frames.items()} for part in ("gaps", "calls", "logs")
    }
    metrics = {
        frame: {name: grid for name, grid in told.items() if name not in tables and name not in without}
        for frame, told in frames.items()
    }
    kept = {part: {} if part in without else told for part, told in tables.items()}
    edges = frozenset((names[caller], names[callee]) for caller, callee in system.edges)
    return DataSet("made-up", cases, {"made-up": edges}, metrics, kept["gaps"], kept["calls"], kept["logs"])
