"""The slice of the topology around a service: who depends on it, what it needs, and who is to blame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agents.topology import MAX_DEPTH, Found, Topology
from schemas.evidence import Neighbour, Surroundings, Suspect

MOST_NEIGHBOURS = 50
MOST_SUSPECTS = 10


@dataclass(frozen=True, slots=True)
class Signal:
    """One metric: its samples in the window of the alert, and in quiet time before. NaN is no sample."""

    now: Sequence[float] = ()
    before: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """What was measured of one service; whatever is not there stays empty."""

    rate: Signal = field(default_factory=Signal)
    """requests per second, or any unit of time"""
    latency: Signal = field(default_factory=Signal)
    """of one request, in any unit, the same for all services"""
    errors: Signal = field(default_factory=Signal)
    """share of requests that failed, 0 to 1"""
    cpu: Signal = field(default_factory=Signal)
    memory: Signal = field(default_factory=Signal)


def surroundings(
    graph: Topology,
    service: str,
    series: Mapping[str, Series] | None = None,
    max_depth: int = MAX_DEPTH,
) -> Surroundings:
    """Works without metrics too: then its unhealthy dependencies are the suspects, ranked by kind."""
    if service not in graph:
        return Surroundings()
    upstream, downstream = graph.upstream(service, max_depth), graph.downstream(service, max_depth)
    suspects = [_ill(found) for found in graph.unhealthy_dependencies(service, max_depth)]
    return Surroundings(
        service=service,
        upstream=tuple(_neighbour(found) for found in upstream[:MOST_NEIGHBOURS]),
        downstream=tuple(_neighbour(found) for found in downstream[:MOST_NEIGHBOURS]),
        suspects=tuple(suspects[:MOST_SUSPECTS]),
        truncated=max(len(upstream), len(downstream)) > MOST_NEIGHBOURS or len(suspects) > MOST_SUSPECTS,
    )


def _neighbour(found: Found) -> Neighbour:
    known = found.service
    return Neighbour(service=known.name, kind=known.kind, health=known.health, distance=found.distance)


def _ill(found: Found) -> Suspect:
    known = found.service
    return Suspect(
        service=known.name,
        kind=known.kind,
        health=known.health,
        distance=found.distance,
        share=0.0,
        why=f"{known.kind.value} {known.health.value}, needed by the target",
    )
