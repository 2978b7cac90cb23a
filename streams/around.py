"""What lies around an alert's target: the topology's slice, and who in it explains the symptom.

Observers refresh the topology now and then; health comes from open incidents; blame is weighed by metrics.
Each of these is a tool call of its own and may be missing: then the rest speaks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import structlog

from agents.snapshot import Gathered
from agents.surroundings import surroundings
from agents.topology import Topology
from connectors.evidence import Finding, Wanted
from connectors.prometheus.service_findings import service_findings
from connectors.prometheus.service_series import MOST_SERVICES, Windows
from connectors.series import Series
from connectors.tools import Ask, Called, Entry, Session, place_of
from schemas.evidence import Health, NodeKind, Source, Surroundings, Suspect
from streams.known_services import KnownServices, service_names
from streams.observing import Observing

log = structlog.get_logger(__name__)
T = TypeVar("T")
MOST_SUSPECTS = 8
MOST_TOLD = 3
NO_SERVICE = ("node", "host", "pvc", "job")
OF_SEVERITY = {"critical": Health.UNHEALTHY, "warning": Health.DEGRADED}


class OpenIncidents(Protocol):
    """Which other targets have an open incident: (namespace, name, severity)."""

    tool: str
    server: str
    timeout_secs: float

    async def open_targets(self, project_id: str, now: int) -> Sequence[tuple[str, str, str]]: ...


class Metrics(Protocol):
    """What was measured of services, by name."""

    @property
    def tool(self) -> str: ...
    @property
    def server(self) -> str: ...
    @property
    def timeout_secs(self) -> float: ...

    async def read(self, services: Mapping[str, str], windows: Windows) -> Mapping[str, Series]: ...


@dataclass(slots=True)
class Slice:
    """What came of it. `gathered` holds the findings and what was missing, in a fixed order."""

    surroundings: Surroundings = field(default_factory=Surroundings)
    gathered: list[Gathered] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Around:
    services: KnownServices
    clock: Callable[[], float]
    observing: Observing | None = None
    incidents: OpenIncidents | None = None
    metrics: Metrics | None = None
    timeout_secs: float = 5.0

    async def look(self, wanted: Wanted, session: Session, seconds: float) -> Slice:
        """Never raises but for cancellation; at most about `seconds`."""
        found, until = Slice(), self.clock() + seconds
        if self.observing is not None:
            found.entries, found.gathered = await self.observing.refresh(session, seconds)
        graph = await self._graph(wanted, session, found, until)
        service = graph.resolve(*service_names(wanted.name, wanted.labels), namespace=wanted.namespace)
        if service:
            await self._judge(graph, service, wanted, session, found, until)
        else:
            why = "the target is none of the known services" if graph.services else "no services are known"
            found.gathered.append(Gathered(Source.TOPOLOGY, gap=why))
        asked = _near(graph, service) if service else _alone(wanted)
        measured = await self._measure(asked, wanted, session, found, until) if asked else {}
        if service:
            await self._blame(graph, service, measured, found, until)
            found.gathered.insert(0, Gathered(Source.TOPOLOGY, findings(found.surroundings, wanted)))
        told = [*_told_of(measured, next(iter(asked), ""), found.surroundings, wanted)]
        if told:
            found.gathered.append(Gathered(Source.PROMETHEUS, told))
        return found

    async def _graph(self, wanted: Wanted, session: Session, found: Slice, until: float) -> Topology:
        ask = Ask("topology.around", self._within(self.timeout_secs, until), {"cluster": wanted.cluster})
        called = await self._call(session, ask, lambda: self.services.graph(wanted.cluster), found)
        if called.value is None:
            found.gathered.append(Gathered(Source.TOPOLOGY, gap=called.failure))
            return Topology()
        return called.value

    async def _judge(
        self, graph: Topology, service: str, wanted: Wanted, session: Session, found: Slice, until: float
    ) -> None:
        """An open incident on a service is what makes it ill; the target is, since it has this one."""
        health = {service: OF_SEVERITY.get(wanted.severity, Health.DEGRADED)}
        incidents = self.incidents
        if incidents is not None:
            ask = Ask(incidents.tool, self._within(incidents.timeout_secs, until))
            open_targets = incidents.open_targets
            called = await self._call(
                session, ask, lambda: open_targets(wanted.project_id, wanted.now), found
            )
            if called.value is None:
                found.gathered.append(Gathered(Source.HISTORY, gap=f"open incidents: {called.failure}"))
            for namespace, name, severity in called.value or ():
                if (other := graph.resolve(name, namespace=namespace)) and severity in OF_SEVERITY:
                    health.setdefault(other, OF_SEVERITY[severity])
        graph.judge(health)

    async def _measure(
        self, asked: Mapping[str, str], wanted: Wanted, session: Session, found: Slice, until: float
    ) -> Mapping[str, Series]:
        metrics = self.metrics
        if metrics is None:
            return {}
        windows = Windows.around(wanted.opened_at, wanted.now)
        ask = Ask(
            metrics.tool,
            self._within(metrics.timeout_secs, until),
            {"service": next(iter(asked)), "services": str(len(asked))},
            resources=frozenset({"service"}),
        )
        read = metrics.read
        called = await self._call(session, ask, lambda: read(asked, windows), found)
        if called.value is None:
            found.gathered.append(Gathered(Source.PROMETHEUS, gap=f"metrics of services: {called.failure}"))
        return called.value or {}

    async def _blame(
        self,
        graph: Topology,
        service: str,
        measured: Mapping[str, Series],
        found: Slice,
        until: float,
    ) -> None:
        """With what was measured; where that takes too long, or fails, by health alone.

        Beside the event loop: a large graph takes its time, and other runs go on.
        """
        for series in (measured, None):
            try:
                async with asyncio.timeout(self._within(self.timeout_secs, until)):
                    found.surroundings = await asyncio.to_thread(surroundings, graph, service, series)
                    return
            except TimeoutError:
                why = "it took too long"
            except Exception as error:  # noqa: BLE001  whatever is wrong with it, the run goes on
                why = place_of(error)
                log.warning("blame_failed", error=why)
            found.gathered.append(Gathered(Source.TOPOLOGY, gap=f"blame: {why}"))

    def _within(self, seconds: float, until: float) -> float:
        return max(0.05, min(seconds, until - self.clock()))

    async def _call(
        self, session: Session, ask: Ask, work: Callable[[], Awaitable[T]], found: Slice
    ) -> Called[T]:
        called = await session.call(ask, work)
        found.entries.append(called.entry)
        return called


def _near(graph: Topology, service: str) -> Mapping[str, str]:
    """The target and what it depends on, with their namespaces, the nearest first."""
    near = (found.service for found in graph.downstream(service))
    nearest = [one for one in near if one.kind is not NodeKind.NODE][: MOST_SERVICES - 1]
    return {one.name: one.namespace for one in (graph.services[service], *nearest)}


def _alone(wanted: Wanted) -> Mapping[str, str]:
    """What no topology knows may still be measured, unless it is no service at all."""
    return {} if wanted.kind in NO_SERVICE or not wanted.name else {wanted.name: wanted.namespace}


def _told_of(
    measured: Mapping[str, Series], service: str, around: Surroundings, wanted: Wanted
) -> Iterator[Finding]:
    """Of the target, and of those that are suspected most."""
    suspected = [suspect.service for suspect in around.suspects[:MOST_TOLD]]
    for name in dict.fromkeys((service, *suspected)):
        if name in measured:
            yield from service_findings(name, measured[name], wanted.now)


def findings(around: Surroundings, wanted: Wanted) -> list[Finding]:
    return [
        *(_blame(suspect, wanted) for suspect in around.suspects[:MOST_SUSPECTS]),
        Finding(
            kind="topology",
            about=around.service,
            observed_at=wanted.now,
            text=f"{around.service} is needed by {_told(around, 'upstream')} "
            f"and depends on {_told(around, 'downstream')}",
            numbers={"upstream": len(around.upstream), "downstream": len(around.downstream)},
        ),
    ]


def _told(around: Surroundings, direction: str) -> str:
    near = sorted(
        (one for one in getattr(around, direction) if one.distance == 1), key=lambda one: one.service
    )
    if not near:
        return "nothing that is known"
    more = len(near) - 5
    names = ", ".join(f"{one.service} ({one.kind.value}, {one.health.value})" for one in near[:5])
    return f"{names} and {more} more" if more > 0 else names


def _blame(suspect: Suspect, wanted: Wanted) -> Finding:
    return Finding(
        kind="blame",
        about=suspect.service,
        observed_at=wanted.now,
        text=f"{suspect.service} explains {suspect.share:.0%} of the symptom: {suspect.why}"
        if suspect.share
        else f"{suspect.service} may be the cause: {suspect.why}",
        numbers={"share": suspect.share, "distance": suspect.distance},
        words={"health": suspect.health.value, "kind": suspect.kind.value},
    )
