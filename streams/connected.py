"""Which services the topology connects with the one that an incident is about: for linking incidents.

One way at a time: what it needs, and who needs it, a few hops far. That two services need the same third does
not connect them: in most clusters everything needs DNS.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.topology import MAX_DEPTH, Topology
from streams.known_services import EMPTY, KnownServices, service_names

MOST_NEAR = 2_000
"""services; what has more around it is a hub, and says nothing of what belongs together"""
MOST_KEPT = 512
"""services whose surroundings are remembered until the topology changes"""
LOOK_SECS = 1.0
MOST_CLUSTERS = 1_000
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """A service, and the paths to and from those around it: each one on a path needs the next."""

    service: str
    paths: Mapping[str, Path]


@dataclass(slots=True)
class Connected:
    services: KnownServices
    clock: Callable[[], float]
    max_depth: int = MAX_DEPTH
    _kept: OrderedDict[tuple[str, str], Near] = field(default_factory=OrderedDict)
    _graphs: dict[str, tuple[float, Topology]] = field(default_factory=dict)

    async def near(self, sighting: Mapping[str, Any]) -> Near | None:
        """None where the topology knows no such service."""
        cluster = sighting["cluster"]
        graph = await self._graph(cluster)
        names = service_names(sighting["target_resource"] or "", sighting["alert"]["labels"])
        service = graph.resolve(*names, namespace=sighting["namespace"] or "")
        return self._remembered(cluster, service, graph) if service else None

    async def _graph(self, cluster: str) -> Topology:
        """Whether it has changed is looked at once in a while: a storm asks thousands of times a second."""
        now = self.clock()
        looked_at, known = self._graphs.get(cluster, (float("-inf"), EMPTY))
        if now - looked_at < LOOK_SECS:
            return known
        graph = await self.services.latest(cluster)
        if graph is not known:
            self._kept.clear()
        if len(self._graphs) >= MOST_CLUSTERS:
            self._graphs.clear()
        self._graphs[cluster] = (now, graph)
        return graph

    def _remembered(self, cluster: str, service: str, graph: Topology) -> Near:
        found = self._kept.get((cluster, service))
        if found is None:
            found = self._kept[cluster, service] = Near(service, self._paths(graph, service))
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    def _paths(self, graph: Topology, service: str) -> Mapping[str, Path]:
        down = dict(_search(service, graph.needs, self.max_depth))
        up = {name: path[::-1] for name, path in _search(service, graph.needed_by, self.max_depth)}
        if len(down) + len(up) > MOST_NEAR:
            return {service: (service,)}
        return {**up, **down, service: (service,)}


def _search(name: str, edges: Mapping[str, set[str]], max_depth: int) -> Iterator[tuple[str, Path]]:
    """Breadth first, so the shortest path; a little more than will be used at most."""
    seen, told = {name}, 0
    ring: list[Path] = [(name,)]
    for _ in range(max_depth):
        further: list[Path] = []
        for path in ring:
            for near in sorted(edges.get(path[-1], ())):
                if near in seen or told > MOST_NEAR:
                    continue
                seen.add(near)
                told += 1
                further.append((*path, near))
        yield from ((path[-1], path) for path in further)
        ring = further
