"""What evidence is gathered from: only what the settings name is asked, through one gateway of tools."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from agents.snapshot import Keys
from awoooi.settings import Settings
from connectors.evidence import Gatherer, Observer, Unavailable
from connectors.silences import Silences, reader
from connectors.tools import GatewayConfig, Grant, Tool
from schemas.codec import Codec
from schemas.tool import Scope
from schemas.topology import ServiceObserved
from streams.around import Around, Metrics, OpenIncidents
from streams.known_services import KnownServices
from streams.observing import Observing
from streams.reference import Reference
from streams.stages.evidence import AGENT, EvidenceNeeds

if TYPE_CHECKING:
    from connectors.prometheus.client import Prometheus

TOPOLOGY_TOOL, OURS = "topology.around", "awoooi"
Clock = Callable[[], float]


class Outside:
    """What is asked over the network; its connections close with the process."""

    def __init__(self, settings: Settings, opened: AsyncExitStack, clock: Clock = time.monotonic) -> None:
        self.gatherers: list[Gatherer] = []
        self.observers: list[Observer] = []
        self.incidents: OpenIncidents | None = None
        self.metrics: Metrics | None = None
        self._kubernetes(settings, opened)
        self._prometheus(settings, opened, clock)
        self._history(settings, opened, clock)

    def _kubernetes(self, settings: Settings, opened: AsyncExitStack) -> None:
        if not settings.kubernetes.clusters:
            return
        from connectors.kubernetes.client import Clusters
        from connectors.kubernetes.evidence import KubernetesEvidence
        from connectors.kubernetes.topology import KubernetesTopology

        clusters = Clusters(settings.kubernetes)
        opened.push_async_callback(clusters.close)
        self.gatherers.append(KubernetesEvidence(clusters))
        self.observers.append(KubernetesTopology(clusters, settings.kubernetes.timeout_secs))

    def _prometheus(self, settings: Settings, opened: AsyncExitStack, clock: Clock) -> None:
        if settings.prometheus.url is None:
            return
        from connectors.prometheus.evidence import PrometheusEvidence
        from connectors.prometheus.service_graph import ServiceGraph
        from connectors.prometheus.service_series import ServiceMetrics

        client = prometheus_of(settings, opened)
        self.gatherers.append(PrometheusEvidence(settings.prometheus, client))
        self.metrics = ServiceMetrics(client, settings.prometheus.timeout_secs, clock)
        label, seconds = settings.prometheus.cluster_label, settings.prometheus.timeout_secs
        self.observers.append(ServiceGraph(client, epoch_millis, label, seconds))

    def _history(self, settings: Settings, opened: AsyncExitStack, clock: Clock) -> None:
        from sinks.clickhouse.history import History, OpenTargets

        history = History(settings.clickhouse.reader(), settings.evidence.history_timeout_secs)
        opened.push_async_callback(history.close)
        self.gatherers.append(history)
        self.incidents = OpenTargets(history, clock)


def epoch_millis() -> int:
    return time.time_ns() // 1_000_000


def services_of_file(settings: Settings) -> Sequence[ServiceObserved]:
    from connectors.topology_file import read_topology

    file = settings.evidence.topology_file
    return () if file is None else read_topology(file)


def prometheus_of(settings: Settings, opened: AsyncExitStack) -> Prometheus:
    from connectors.prometheus.client import Prometheus, http_of

    http = http_of(settings.prometheus)
    opened.push_async_callback(http.close)
    return Prometheus(settings.prometheus, http)


def evidence_needs(
    settings: Settings,
    codec: Codec,
    reference: Reference,
    outside: Outside,
    keys: Keys,
    fixed: Sequence[ServiceObserved] = (),
    clock: Clock = time.monotonic,
) -> EvidenceNeeds:
    """What the evidence stage is given; `fixed` are services that a file tells of."""

    def read(topic: str) -> Mapping[bytes, bytes]:
        if not reference.ready.is_set():
            raise Unavailable(f"the topic {topic} is being read")
        return reference.values(topic)

    services = KnownServices(codec, lambda: read("topology"), fixed)
    silences = Silences(lambda: read("silences"), reader(codec), lambda: reference.offset("silences"))
    gatherers = [*outside.gatherers, silences]
    observing = Observing(services, outside.observers, clock) if outside.observers else None
    seconds = settings.evidence.topology_timeout_secs
    around = Around(services, clock, observing, outside.incidents, outside.metrics, seconds)
    off = frozenset(settings.runs.debate_off_projects)
    gateway = gateway_of(settings, gatherers, outside)
    return EvidenceNeeds(gatherers, around, gateway, keys, clock, lambda project: project not in off)


def gateway_of(settings: Settings, gatherers: Sequence[Gatherer], outside: Outside) -> GatewayConfig:
    """Evidence reads, and reads only what is here."""
    return GatewayConfig(
        tools={tool.name: tool for tool in _tools(gatherers, outside)},
        grants={AGENT: Grant(Scope.READ)},
        calls_per_run=settings.evidence.calls_per_run,
        mask_names=settings.evidence.mask_names,
    )


def _tools(gatherers: Sequence[Gatherer], outside: Outside) -> Iterator[Tool]:
    yield Tool(TOPOLOGY_TOOL, OURS, Scope.READ)
    for one in (*gatherers, *outside.observers, outside.incidents, outside.metrics):
        if one is not None:
            yield Tool(one.tool, one.server, Scope.READ)
