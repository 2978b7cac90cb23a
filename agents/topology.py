"""The graph of services and what they depend on: a dict of sets, searched breadth first both ways.

Several observers may tell of one service: their edges add up, the worst health stands, and the most
particular kind. Nothing here depends on how a service is called.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from schemas.evidence import Health, NodeKind
from schemas.topology import ServiceObserved, TopologyObserved

MAX_DEPTH = 3
MAX_FOUND = 100_000
"""A search ends here: what is further away explains nothing to anybody."""

BADNESS = {Health.UNKNOWN: 0, Health.HEALTHY: 1, Health.DEGRADED: 2, Health.UNHEALTHY: 3}
RANK = {NodeKind.DATABASE: 0, NodeKind.CACHE: 1, NodeKind.QUEUE: 2}
"""Which kind is suspected first; all others come after."""

_POD_SUFFIX = re.compile(r"(-[a-z0-9]{6,10})?-[a-z0-9]{5}$|-\d{1,10}$")


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    kind: NodeKind = NodeKind.SERVICE
    cluster: str = "default"
    namespace: str = ""
    health: Health = Health.UNKNOWN

    @property
    def ill(self) -> bool:
        return BADNESS[self.health] > BADNESS[Health.HEALTHY]


@dataclass(frozen=True, slots=True)
class Found:
    """A service that a search came to, and after how many hops."""

    service: Service
    distance: int


@dataclass(slots=True)
class Topology:
    """One cluster's services by name, with their edges both ways."""

    services: dict[str, Service] = field(default_factory=dict)
    needs: dict[str, set[str]] = field(default_factory=dict)
    needed_by: dict[str, set[str]] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.services

    def __len__(self) -> int:
        return len(self.services)

    def add(self, service: Service) -> None:
        """Put a service in, or merge what another observer says of it."""
        known = self.services.get(service.name)
        self.services[service.name] = merged(known, service) if known else service

    def connect(self, caller: str, callee: str) -> None:
        """`caller` depends on `callee`; one that nobody has told of yet becomes a plain service."""
        for name in (caller, callee):
            if name not in self.services:
                self.services[name] = Service(name)
        if caller != callee:
            self.needs.setdefault(caller, set()).add(callee)
            self.needed_by.setdefault(callee, set()).add(caller)

    def callees(self, name: str) -> Collection[str]:
        return self.needs.get(name, ())

    def callers(self, name: str) -> Collection[str]:
        return self.needed_by.get(name, ())

    def downstream(self, name: str, max_depth: int = MAX_DEPTH) -> list[Found]:
        """What it depends on: where causes are looked for."""
        return self._search(name, self.needs, max_depth)

    def upstream(self, name: str, max_depth: int = MAX_DEPTH) -> list[Found]:
        """Who depends on it: the blast radius."""
        return self._search(name, self.needed_by, max_depth)

    def _search(self, name: str, edges: Mapping[str, set[str]], max_depth: int) -> list[Found]:
        """Breadth first, nearest first, each service once, whatever cycles there are."""
        seen, ring, found = {name}, [name], list[Found]()
        for distance in range(1, max_depth + 1):
            ring = list(_next_ring(ring, edges, seen))
            found += (Found(self.services[near], distance) for near in ring[: MAX_FOUND - len(found)])
            if not ring or len(found) >= MAX_FOUND:
                break
        return found

    def judge(self, health: Mapping[str, Health]) -> None:
        """Health from elsewhere, open incidents say: the worse word stands."""
        for name, word in health.items():
            if known := self.services.get(name):
                self.services[name] = replace(known, health=worse(known.health, word))

    def resolve(self, *names: str, namespace: str = "") -> str:
        """The service that an alert's target belongs to: by its name, by `name.namespace`, or as a pod of it.

        Empty where the topology knows none.
        """
        for name in filter(None, names):
            for candidate in (f"{name}.{namespace}", name, *owners(name)):
                known = self.services.get(candidate)
                if known and namespace in ("", known.namespace or namespace):
                    return candidate
        return ""


def owners(pod: str) -> Iterator[str]:
    """The workload that a pod's name tells of: `api-7d9f8c6b5-x2x9k`, `postgres-0`."""
    if (shorter := _POD_SUFFIX.sub("", pod)) not in ("", pod):
        yield shorter


def unhealthy(found: Iterable[Found]) -> list[Found]:
    """Worst first."""
    return sorted((one for one in found if one.service.ill), key=suspicion)


def suspicion(found: Found) -> tuple[int, int, int]:
    return rank(found.service.kind), found.distance, -BADNESS[found.service.health]


def rank(kind: NodeKind) -> int:
    return RANK.get(kind, len(RANK))


def worse(one: Health, other: Health) -> Health:
    return max(one, other, key=BADNESS.__getitem__)


def merged(known: Service, told: Service) -> Service:
    return replace(
        known,
        kind=told.kind if known.kind == NodeKind.SERVICE else known.kind,
        namespace=known.namespace or told.namespace,
        health=worse(known.health, told.health),
    )


def from_observations(observed: Iterable[ServiceObserved]) -> dict[str, Topology]:
    """One graph a cluster, of what all observers say; the last word on a subject stands."""
    latest = {told.subject: told for told in observed}
    graphs: dict[str, Topology] = {}
    for told in latest.values():
        if not told.gone:
            _take(graphs.setdefault(told.cluster, Topology()), told)
    return graphs


def from_events(events: Iterable[TopologyObserved]) -> dict[str, Topology]:
    """The same from the compacted topic, in the order of the log."""
    return from_observations(event.payload for event in events)


def _take(graph: Topology, told: ServiceObserved) -> None:
    graph.add(Service(told.service, told.kind, told.cluster, told.namespace, told.health))
    for callee in told.depends_on:
        graph.connect(told.service, callee)


def _next_ring(ring: Iterable[str], edges: Mapping[str, set[str]], seen: set[str]) -> Iterator[str]:
    """By name, so that every process keeps the same ones where there are too many."""
    for name in ring:
        for near in sorted(edges.get(name, ())):
            if near not in seen:
                seen.add(near)
                yield near
