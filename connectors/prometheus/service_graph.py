"""Who calls whom, from the service-graph metrics that tracing backends write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.prometheus.client import Prometheus
from schemas.evidence import Health, NodeKind, Source
from schemas.topology import ServiceObserved, observed

OBSERVER = "prometheus"
TOTAL, FAILED = "traces_service_graph_request_total", "traces_service_graph_request_failed_total"
WINDOW = "1h"
RECENT = "5m"
MOST_EDGES = 100_000
BAD, VERY_BAD = 0.05, 0.5
"""the share of requests failed from which a service is degraded, and unhealthy"""
FEWEST_REQUESTS = 10
"""fewer judge nobody"""
OF_CONNECTION = {"database": NodeKind.DATABASE, "messaging_system": NodeKind.QUEUE}
NOBODY = ("", "user", "unknown")
"""what stands for a caller or callee that was not traced"""

Count = tuple[Mapping[str, str], float]
"""labels and how many requests in the window"""


def questions(cluster_label: str | None = None) -> tuple[str, str, str]:
    """Edges of the last hour; then requests and failures of the last minutes, by the service that answers."""
    cluster = f", {cluster_label}" if cluster_label else ""
    edges = f"sum by (client, server, connection_type{cluster}) ({_increase(TOTAL, WINDOW)}) > 0"
    requests, failed = (
        f"sum by (server{cluster}) ({_increase(metric, RECENT)})" for metric in (TOTAL, FAILED)
    )
    return edges, requests, failed


def _increase(metric: str, window: str) -> str:
    return f"increase({metric}{{}}[{window}])"


def service_graph(
    edges: Iterable[Count],
    requests: Iterable[Count] = (),
    failed: Iterable[Count] = (),
    cluster_label: str | None = None,
) -> list[ServiceObserved]:
    """Pure; a service that nobody says is a database is a plain one."""
    needs: dict[tuple[str, str], set[str]] = defaultdict(set)
    kinds: dict[tuple[str, str], NodeKind] = {}
    for labels, count in edges:
        client, server = labels.get("client", ""), labels.get("server", "")
        if count <= 0 or server in NOBODY:
            continue
        cluster = _cluster(labels, cluster_label)
        kind = OF_CONNECTION.get(labels.get("connection_type", ""), NodeKind.SERVICE)
        kinds.setdefault((cluster, server), kind)
        if client not in NOBODY and client != server:
            kinds.setdefault((cluster, client), NodeKind.SERVICE)
            needs[cluster, client].add(server)
    health = _health(requests, failed, cluster_label)
    return [
        observed(
            OBSERVER,
            service,
            cluster=cluster,
            kind=kind,
            health=health.get((cluster, service), Health.UNKNOWN),
            depends_on=needs[cluster, service],
        )
        for (cluster, service), kind in sorted(kinds.items())
    ]


def _health(
    requests: Iterable[Count], failed: Iterable[Count], cluster_label: str | None
) -> dict[tuple[str, str], Health]:
    failures = {(_cluster(told, cluster_label), told.get("server", "")): count for told, count in failed}
    found: dict[tuple[str, str], Health] = {}
    for labels, count in requests:
        key = _cluster(labels, cluster_label), labels.get("server", "")
        if count >= FEWEST_REQUESTS:
            share = failures.get(key, 0.0) / count
            bad = Health.UNHEALTHY if share >= VERY_BAD else Health.DEGRADED
            found[key] = bad if share >= BAD else Health.HEALTHY
    return found


def _cluster(labels: Mapping[str, str], cluster_label: str | None) -> str:
    return labels.get(cluster_label or "", "") or "default"


@dataclass(slots=True)
class ServiceGraph:
    """The same as an observer."""

    client: Prometheus
    now: Callable[[], int]
    """epoch milliseconds"""
    cluster_label: str | None = None
    timeout_secs: float = 8.0
    source: Source = Source.PROMETHEUS
    tool: str = "prometheus.service_graph"
    server: str = "prometheus"

    async def observe(self) -> Sequence[ServiceObserved]:
        at = self.now()
        edges, requests, failed = [await self._ask(promql, at) for promql in questions(self.cluster_label)]
        return service_graph(edges, requests, failed, self.cluster_label)

    async def _ask(self, promql: str, at: int) -> list[Count]:
        series = await self.client.query(promql, at, most=MOST_EDGES)
        return [(one.labels, value) for one in series for _, value in one.samples]
