"""Blame on 1,000 services and 10,000 edges: from an hour of metrics and an alert's window to suspects."""

from __future__ import annotations

import random
import time
from statistics import median

from agents.surroundings import surroundings
from agents.topology import Topology
from benchmarks.measured import Measured, Scale
from connectors.series import Series, Signal

SERVICES, EDGES = 1_000, 10_000
QUIET_MINUTES, WINDOW_MINUTES = 60, 10
DEPTH = 5


async def measure(scale: Scale) -> Measured:
    """The middle of several alerts with causes at different places; each must be found."""
    took = [_one(seed) for seed in range(scale.of(9, 3))]
    return Measured({"blame_ms": median(took)}, {"blame_worst_ms": max(took)})


def _one(seed: int) -> float:
    draw = random.Random(seed)
    graph, cause = _graph(draw), draw.randrange(SERVICES // 2, SERVICES)
    series = _series(draw, graph, cause)
    symptom = draw.choice(sorted(found.service.name for found in graph.upstream(_name(cause), DEPTH)))
    surroundings(graph, symptom, {_name(0): series[_name(0)]})  # what is loaded once is not counted
    began = time.perf_counter()
    found = surroundings(graph, symptom, series)
    took = (time.perf_counter() - began) * 1000
    if not found.suspects or found.suspects[0].service != _name(cause):
        raise RuntimeError(f"{_name(cause)} slowed {symptom} down; named were {found.suspects[:3]}")
    return took


def _name(number: int) -> str:
    return f"s{number:04d}"


def _graph(draw: random.Random) -> Topology:
    """Without cycles and with some callers for everybody: a service calls those of higher numbers."""
    graph, edges = Topology(), 0
    while edges < EDGES:
        caller = draw.randrange(SERVICES - 1)
        callee = draw.randrange(caller + 1, min(SERVICES, caller + 200))
        edges += _name(callee) not in graph.callees(_name(caller))
        graph.connect(_name(caller), _name(callee))
    return graph


def _series(draw: random.Random, graph: Topology, cause: int) -> dict[str, Series]:
    """All that depends on the cause waits for it."""
    slow = {found.service.name for found in graph.upstream(_name(cause), SERVICES)} | {_name(cause)}
    return {
        name: Series(
            rate=_signal(draw, 100, 1),
            latency=_signal(draw, 20, 5 if name in slow else 1),
            errors=_signal(draw, 0.001, 1),
            cpu=_signal(draw, 30, 1),
            memory=_signal(draw, 40, 1),
        )
        for name in graph.services
    }


def _signal(draw: random.Random, level: float, times: float) -> Signal:
    noisy = [level * draw.uniform(0.9, 1.1) for _ in range(QUIET_MINUTES + WINDOW_MINUTES)]
    return Signal([times * value for value in noisy[QUIET_MINUTES:]], noisy[:QUIET_MINUTES])
